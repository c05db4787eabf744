"""The front door: its commands, its help and its speed."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from recanal import __version__

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


def test_a_wrong_option_ends_with_two(recanal):
    assert recanal("analyze", "--no-such-option").exit_code == 2
    assert recanal("no-such-command").exit_code == 2


def test_score_answers_through_the_front_door(recanal, tmp_path):
    facts = tmp_path / "facts.json"
    facts.write_text('{"length_mm": 22}')
    assert "J-CTO" in recanal("score", "j_cto", "--findings", facts).stdout
    refused = recanal("score", "j_cto", "--findings", tmp_path / "none.json")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("recanal: ")
