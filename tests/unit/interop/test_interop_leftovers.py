"""What killed processes leave behind goes; what a living one writes stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recanal.interop import ResultFolder
from recanal.interop.leftovers import clear_leftovers, hold, release

fcntl = pytest.importorskip("fcntl", reason="this system has no flock")
LONG_AGO_S = 3600.0
WRITER = """
import sys, time
from recanal.interop import ResultFolder
with ResultFolder(sys.argv[1]) as out:
    out.write("case.json", b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


def aged(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    when = time.time() - LONG_AGO_S
    os.utime(folder, (when, when))
    return folder


def hidden(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir() if path.name.endswith(".partial"))


def writer(target: Path) -> subprocess.Popen[str]:
    """Another process in the middle of a result."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def test_the_folder_of_a_killed_process_goes_with_the_next_result(tmp_path: Path) -> None:
    target = tmp_path / "out"
    process = writer(target)
    (left,) = hidden(tmp_path)
    aged(tmp_path / left)
    with ResultFolder(target) as out:
        assert left in hidden(tmp_path), "a living process holds it"
        out.write("case.json", b"whole")
    assert hidden(tmp_path) == [left]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    aged(tmp_path / left)
    with ResultFolder(target) as out:
        assert left not in hidden(tmp_path)
        out.write("case.json", b"new")
    assert hidden(tmp_path) == []
    assert (target / "case.json").read_bytes() == b"new"


def test_a_young_folder_stays(tmp_path: Path) -> None:
    (tmp_path / ".out.abc.partial").mkdir()
    assert clear_leftovers((tmp_path,), "out") == []
    assert clear_leftovers((tmp_path,), "out", young_s=-1.0) == [tmp_path / ".out.abc.partial"]


def test_only_the_hidden_folders_of_this_result_go(tmp_path: Path) -> None:
    mine = [aged(tmp_path / name) for name in (".out.abc.partial", "..out.abc.partial.xyz.partial")]
    others = [aged(tmp_path / name) for name in (".other.abc.partial", "out.abc.partial", ".out.abc", ".out")]
    (tmp_path / ".out.file.partial").write_text("a file")
    (tmp_path / ".out.link.partial").symlink_to(others[0])
    assert sorted(clear_leftovers((tmp_path, tmp_path / "absent"), "out")) == sorted(mine)
    assert all(folder.is_dir() for folder in others)
    assert (tmp_path / ".out.file.partial").exists()
    assert (tmp_path / ".out.link.partial").is_symlink()


def test_signs_of_a_pattern_in_the_name_mean_themselves(tmp_path: Path) -> None:
    other = aged(tmp_path / ".outa.abc.partial")
    assert clear_leftovers((tmp_path,), "out*") == []
    assert clear_leftovers((tmp_path,), "out[a]") == []
    assert other.is_dir()


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    first = hold(tmp_path)
    assert first is not None
    assert hold(tmp_path) is None
    release(first)
    again = hold(tmp_path)
    assert again is not None
    release(again)
