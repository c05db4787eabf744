"""A place for compiled code, where neither the installation nor the user's own cache can be written to."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import click

import recanal

__all__ = ["ensure_cache"]

VARIABLE = "NUMBA_CACHE_DIR"


def ensure_cache() -> None:
    """Set a folder of this run alone for compiled code where no lasting one can be written to, and say so once.

    Notes
    -----
    Numba keeps what it compiles beside the source or in the user's cache, and refuses to compile where it can do
    neither, as in a container run by a user without a home. The folder is new for each run, for what is read from it
    is executed; it is removed at the end.
    """
    if os.environ.get(VARIABLE) or _is_writable(Path(recanal.__file__).parent / "grids" / "__pycache__"):
        return
    from numba.misc.appdirs import AppDirs

    known = AppDirs(appname="numba", appauthor=False)  # type: ignore[no-untyped-call]
    if _is_writable(Path(known.user_cache_dir)):
        return
    folder = tempfile.mkdtemp(prefix="recanal-kernels-")
    os.environ[VARIABLE] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    from numba.core import config

    config.reload_config()  # type: ignore[no-untyped-call]
    click.echo(
        f"recanal: No folder can be written to for compiled code, so this run compiles anew, about a minute. Set "
        f"{VARIABLE} to a folder of your own to keep it.",
        err=True,
    )


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made in a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
