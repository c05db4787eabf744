"""The front door: its commands, its help and its speed."""

from __future__ import annotations

import errno
import re
import signal
import subprocess
import sys

import pytest

from recanal import __version__
from recanal.cli.terminal import echo

HEAVY = {"numpy", "scipy", "numba", "pydicom", "matplotlib", "SimpleITK", "nibabel", "typst"}
COMMANDS = ("analyze", "audit", "calcium", "cohort", "findings", "phantom", "plan", "score", "scores", "study")


def test_help_lists_the_commands_and_the_limit_of_use(recanal):
    done = recanal("--help")
    assert done.exit_code == 0
    assert all(f"\n  {name}  " in done.stdout for name in COMMANDS)
    assert "Research use only" in done.stdout


def test_version(recanal):
    assert __version__ in recanal("--version").stdout


@pytest.mark.parametrize("words", [(), ("phantom",)])
def test_help_ends_with_an_example(recanal, words):
    tail = recanal(*words, "--help").stdout.split("Example:\n")[1].splitlines()
    assert tail
    assert all(line.strip().startswith("recanal ") for line in tail)


@pytest.mark.parametrize(
    "words",
    [
        ("analyze",),
        ("audit",),
        ("calcium",),
        ("plan",),
        ("study",),
        ("score",),
        ("scores", "list"),
        ("scores", "show"),
        ("findings",),
    ],
)
def test_help_holds_an_example(recanal, words):
    assert re.search(r"^ +Examples?:$", recanal(*words, "--help").stdout, flags=re.MULTILINE)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom recanal.cli import main\n"
        "for words in (['--help'], ['analyze', '--help'], ['phantom', '--help']):\n"
        "    main(words, standalone_mode=False)\n"
        "sys.stderr.write(' '.join({name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "recanal" in loaded
    assert loaded.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("analyze", "--no-such-option"), "No such option '--no-such-option'"),
        (("analyse",), "No such command 'analyse'"),
        (("phantom",), "Missing option '--out'"),
        (("phantom", "--out", "x", "--seed", "y"), "Invalid value for '--seed': 'y' is not a valid integer."),
        (("analyze", "a", "b", "--out", "x"), "Got unexpected extra argument (b)."),
        (("cohort", "import"), "Missing argument 'STORE'"),
        (("--nothing",), "No such option '--nothing'"),
    ],
)
def test_a_mistake_on_the_command_line_takes_one_line(recanal, words, said):
    done = recanal(*words)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"recanal: {said}")
    assert line.endswith(" --help` shows the use.")


@pytest.mark.parametrize("words", [("phantom", "--out"), ("cohort", "import", "--rejected"), ("scores", "show")])
def test_a_mistake_names_the_help_of_its_own_command(recanal, words):
    command = " ".join(word for word in words if not word.startswith("-"))
    assert recanal(*words).stderr.endswith(f" {command} --help` shows the use.\n")


def test_a_group_without_a_command_prints_its_help(recanal):
    done = recanal("scores")
    assert done.exit_code == 2
    assert done.stderr.startswith("Usage: ")


def test_score_answers_through_the_front_door(recanal, tmp_path):
    facts = tmp_path / "facts.json"
    facts.write_text('{"length_mm": 22}')
    assert "J-CTO" in recanal("score", "j_cto", "--findings", facts).stdout
    refused = recanal("score", "j_cto", "--findings", tmp_path / "none.json")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("recanal: ")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("score", "j_cto", "--findings", "."), "'.' cannot be read"),
        (("cohort", "verify", "."), "no store '.'"),
        (("cohort", "check", "."), ".: the folder holds no file of a table"),
        (("study", ".", "--out", "results"), "'.' cannot be read"),
        (("audit", "."), "'.' is neither .toml nor .csv"),
        (("analyze", ".", "--out", "/"), "'/'"),
        (("calcium", ".", "--out", "/"), "'/'"),
    ],
)
def test_a_message_never_calls_a_path_by_an_empty_name(recanal, tmp_path, monkeypatch, words, named):
    monkeypatch.chdir(tmp_path)
    done = recanal(*words)
    assert done.exit_code == 2
    assert named in done.stderr
    assert "''" not in done.stderr


def test_ctrl_c_takes_one_line_and_status_130(analyze, tmp_path, monkeypatch):
    def stop(request, *, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr("recanal.pipeline.analyze_study", stop)
    done = analyze()
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == "recanal: stopped; what was not finished was not written.\n"
    assert not (tmp_path / "out").exists()


@pytest.fixture
def not_ignored():
    """Both signals as a shell leaves them; under nohup one of them is ignored."""
    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = [signal.signal(kind, signal.SIG_DFL) for kind in kinds]
    yield
    for kind, handler in zip(kinds, before, strict=True):
        signal.signal(kind, handler)


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
def test_the_system_ends_a_command_as_cleanly_as_ctrl_c(analyze, not_ignored, tmp_path, monkeypatch, name, status):
    number = getattr(signal, name)
    kept = []

    def stop(request, *, progress):
        try:
            signal.raise_signal(number)
        finally:
            for again in (signal.SIGTERM, signal.SIGHUP):  # `timeout` sends two, a closing terminal both
                signal.raise_signal(again)
            kept.append("put away")

    monkeypatch.setattr("recanal.pipeline.analyze_study", stop)
    done = analyze()
    assert (done.exit_code, done.stdout, kept) == (status, "", ["put away"])
    assert done.stderr == "recanal: stopped; what was not finished was not written.\n"
    assert not (tmp_path / "out").exists()
    assert signal.getsignal(number) == signal.SIG_DFL


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
def test_a_signal_that_is_ignored_stays_so(analyze, monkeypatch):
    monkeypatch.setattr(
        "recanal.pipeline.analyze_study", lambda request, *, progress: signal.raise_signal(signal.SIGHUP)
    )
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup sets it
    try:
        done = analyze()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert done.exit_code != 129


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EFBIG, "File too large"), "a file: File too large. Let files of 'out' grow larger"),
        (OSError(errno.ENOSPC, "No space left", "/x"), "a file: No space left. Make room for 'out' and for temporary"),
        (OSError(errno.EIO, "Input/output error"), "error. Check the disks of the input and of 'out'"),
        (OSError(errno.EROFS, "Read-only file system"), "system. Check the right to write to 'out', or name another"),
        (OSError(errno.EMFILE, "Too many open files"), "too few open files"),
        (OSError(errno.ENFILE, "Too many open files in system"), "too few open files"),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), "no further thread or process. Close other"),
        (RuntimeError("can't start new thread"), "no further thread or process. Close other programs"),
    ],
)
def test_what_the_system_refuses_is_no_unforeseen_error(analyze, monkeypatch, error, said):
    def refuse(request, *, progress):
        raise error

    monkeypatch.setattr("recanal.pipeline.analyze_study", refuse)
    done = analyze()
    assert done.exit_code == 1
    assert said in done.stderr
    assert "unforeseen" not in done.stderr


def test_ctrl_c_while_the_commands_are_loaded_shows_no_traceback():
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'recanal.cli.main':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from recanal.cli import main\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "\nrecanal: stopped; what was not finished was not written.\n"


def test_a_stream_closed_before_the_start_is_written_to_nowhere(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    echo("length 26 mm")
