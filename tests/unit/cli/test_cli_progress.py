"""What a waiting user sees, and when not."""

from __future__ import annotations

import io

import pytest

from recanal.cli.progress import show_share, show_steps


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, show, *told, quiet=False):
    """What a terminal receives."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with show(quiet=quiet) as tell:
        tell(*told)
    return screen.getvalue()


def test_steps_are_named_on_a_terminal(monkeypatch):
    assert "tracing [the] vessel" in shown(monkeypatch, show_steps, "tracing [the] vessel")


def test_share_and_step_are_shown_on_a_terminal(monkeypatch):
    assert "painting" in shown(monkeypatch, show_share, 0.5, "painting")


@pytest.mark.parametrize(("show", "told"), [(show_steps, ("step",)), (show_share, (0.5, "step"))])
def test_quiet_is_silent_on_a_terminal(monkeypatch, show, told):
    assert shown(monkeypatch, show, *told, quiet=True) == ""


@pytest.mark.parametrize(("quiet", "said"), [(False, "recanal: organs\nrecanal: noise\n"), (True, "")])
def test_where_there_is_no_terminal_each_step_takes_one_plain_line(capsys, quiet, said):
    with show_share(quiet=quiet, lines=True) as tell:
        for share, step in ((0.0, "organs"), (0.3, "organs"), (0.85, "noise")):
            tell(share, step)
    assert capsys.readouterr().err == said
