"""A file of an input, and the one way to open it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from io import FileIO

from recanal.errors import ReadError

__all__ = ["InputFile", "open_regular"]


@dataclass(frozen=True, slots=True)
class InputFile:
    """A regular file of the input.

    Parameters
    ----------
    path
        Where it lies.
    name
        Its name relative to the input, cleaned for messages.
    """

    path: str
    name: str


_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def _open_flags(path: str, flags: int) -> int:
    del flags
    return os.open(path, _FLAGS)


def open_regular(file: InputFile) -> tuple[FileIO, int]:
    """The file opened unbuffered, and its size; a link or a pipe put in its place meanwhile is refused.

    Raises
    ------
    ReadError
        ``unreadable`` or ``not-a-file``.
    """
    try:
        handle = FileIO(file.path, opener=_open_flags)
        status = os.fstat(handle.fileno())
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror}.", file=file.name, rule="unreadable") from error
    if not stat.S_ISREG(status.st_mode):
        handle.close()
        raise ReadError("This is not a regular file.", file=file.name, rule="not-a-file")
    return handle, status.st_size
