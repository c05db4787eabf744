"""What a process that was killed left behind, told apart from what another one is writing."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ["clear_leftovers", "hold", "release"]

_YOUNG_S = 60.0


def hold(folder: Path) -> int | None:
    """Mark a folder as in use, until :func:`release` or the end of the process, however it ends.

    Returns
    -------
    descriptor
        For :func:`release`; None where the system has no such marks.

    Notes
    -----
    An advisory lock of the system (flock) on the folder itself: no file is made, and the system takes the lock away
    when the process is killed.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor: int | None = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without locks, or a folder that another process holds
        release(descriptor)
        return None
    return descriptor


def release(descriptor: int | None) -> None:
    """Take the mark of :func:`hold` away."""
    if descriptor is not None:
        os.close(descriptor)


def clear_leftovers(places: Iterable[Path], name: str, *, young_s: float = _YOUNG_S) -> list[Path]:
    """Remove the hidden folders of results that were never finished.

    Parameters
    ----------
    places
        Folders to look in.
    name
        Of the result folder.
    young_s
        Folders younger than this are left alone: their owner may not have marked them yet.

    Returns
    -------
    removed
        Those that were removed: not held by any process, and not young. What cannot be judged stays.
    """
    part = glob.escape(name[:64])
    removed = []
    for place in places:
        for pattern in (f".{part}.*.partial", f"..{part}.*.partial.*.partial"):
            for old in place.glob(pattern):
                if _abandoned(old, young_s):
                    shutil.rmtree(old, ignore_errors=True)
                    removed.append(old)
    return removed


def _abandoned(folder: Path, young_s: float) -> bool:
    with contextlib.suppress(OSError):
        if folder.is_symlink() or not folder.is_dir() or time.time() - folder.stat().st_mtime < young_s:
            return False
        mark = hold(folder)
        release(mark)
        return mark is not None
    return False
