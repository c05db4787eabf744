"""The text of a sheet, from a file or from bytes."""

from __future__ import annotations

import os
from pathlib import Path

from recanal.errors import SheetError

__all__ = ["read_sheet_text"]

_MOST_BYTES = 1_000_000


def read_sheet_text(source: str | os.PathLike[str] | bytes) -> tuple[str, str]:
    """The text of a sheet and what to call it in a message.

    Parameters
    ----------
    source
        A file, or the bytes of one; at most 1 MB.

    Raises
    ------
    SheetError
        When it cannot be read, is too large, or is not UTF-8.
    """
    label = "sheet" if isinstance(source, bytes) else Path(source).name
    data = source if isinstance(source, bytes) else _read(Path(source))
    if len(data) > _MOST_BYTES:
        raise SheetError(f"{label}: a score sheet holds at most {_MOST_BYTES} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetError(f"{label}: not UTF-8 text (byte {error.start}).") from error
    return text.replace("\r\n", "\n"), label


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SheetError(f"{path.name}: cannot be read: {error.strerror}.") from error
