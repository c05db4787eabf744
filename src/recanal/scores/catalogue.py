"""The shipped sheets, and sheets of one's own."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import resources

from recanal.errors import SheetError
from recanal.scores.names import SHEETS, TALLIES, ids_in, no_such_sheet
from recanal.scores.parsing import parse_sheet
from recanal.scores.sheet import Sheet
from recanal.scores.sheet_files import read_sheet_text

__all__ = ["load_sheet", "load_sheet_file", "sheet_ids", "tally_ids"]


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
    text, label = read_sheet_text(source)
    return parse_sheet(text, label=label)
