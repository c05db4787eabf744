"""The shipped sheets, and sheets of one's own."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import resources
from pathlib import Path

from recanal.errors import SheetError
from recanal.scores.names import SHEETS, TALLIES, ids_in, no_such_sheet
from recanal.scores.parsing import parse_sheet
from recanal.scores.sheet import Sheet

__all__ = ["load_sheet", "load_sheet_file", "sheet_ids", "tally_ids"]

_MOST_BYTES = 1_000_000


def sheet_ids() -> tuple[str, ...]:
    """The ids of the shipped sheets, in alphabetical order."""
    return ids_in(SHEETS)


def tally_ids() -> tuple[str, ...]:
    """The ids of the shipped sheets of points that describe and predict nothing, in alphabetical order."""
    return ids_in(TALLIES)


@lru_cache(maxsize=256)
def load_sheet(sheet_id: str) -> Sheet:
    """A shipped sheet.

    Raises
    ------
    SheetError
        When there is none of that id, or it is not well formed.
    """
    if sheet_id not in (*sheet_ids(), *tally_ids()):
        raise no_such_sheet(sheet_id)
    folder = SHEETS if sheet_id in sheet_ids() else TALLIES
    entry = resources.files("recanal.scores").joinpath(folder).joinpath(f"{sheet_id}.toml")
    sheet = parse_sheet(entry.read_text(encoding="utf-8"), label=sheet_id)
    if sheet.id != sheet_id:
        raise SheetError(f"{sheet_id}: id: must equal the file name, got {sheet.id!r}.")
    return sheet


def load_sheet_file(source: str | os.PathLike[str] | bytes) -> Sheet:
    """A sheet of one's own.

    Parameters
    ----------
    source
        A file, or the bytes of one; at most 1 MB.

    Raises
    ------
    SheetError
        When it cannot be read or is not well formed, naming the sheet and the field.
    """
    label = "sheet" if isinstance(source, bytes) else Path(source).name
    data = source if isinstance(source, bytes) else _read(Path(source))
    if len(data) > _MOST_BYTES:
        raise SheetError(f"{label}: a score sheet holds at most {_MOST_BYTES} bytes.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetError(f"{label}: not UTF-8 text (byte {error.start}).") from error
    return parse_sheet(text.replace("\r\n", "\n"), label=label)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SheetError(f"{path.name}: cannot be read: {error.strerror}.") from error
