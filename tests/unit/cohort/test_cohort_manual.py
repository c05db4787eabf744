"""The worked example of the manual does what it says."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from recanal.cli import main

PAGE = Path(__file__).parents[3] / "docs" / "cohort.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="the manual is not here")
def test_the_worked_example(tmp_path, monkeypatch):
    text = PAGE.read_text(encoding="utf-8")
    blocks = dict(re.findall(r":caption: (\S+)\n(.*?)```", text, flags=re.DOTALL))
    monkeypatch.chdir(tmp_path)
    for name in ("lesions.csv", "follow_up.csv"):
        (tmp_path / name).write_text(blocks[name])
    steps = blocks["commands"].split("$ recanal ")[1:]
    assert len(steps) == 6
    for step in steps:
        command, _, expected = step.partition("\n")
        result = CliRunner().invoke(main, shlex.split(command), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        told = [line for line in result.stdout.splitlines() if not line.startswith("head ")]
        assert told == expected.splitlines()
