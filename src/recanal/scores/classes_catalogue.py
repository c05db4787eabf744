"""The shipped classifications, and classifications of one's own."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib import resources

from recanal.errors import SheetError
from recanal.scores.classes import ClassSheet
from recanal.scores.classes_parsing import parse_class_sheet
from recanal.scores.names import CLASSES, ids_in, no_such_sheet
from recanal.scores.sheet_files import read_sheet_text

__all__ = ["class_sheet_ids", "load_class_sheet", "load_class_sheet_file"]


def class_sheet_ids() -> tuple[str, ...]:
    """The ids of the shipped classifications, in alphabetical order."""
    return ids_in(CLASSES)


@lru_cache(maxsize=256)
def load_class_sheet(sheet_id: str) -> ClassSheet:
    """A shipped classification.

    Raises
    ------
    SheetError
        When there is none of that id, or it is not well formed.
    """
    if sheet_id not in class_sheet_ids():
        raise no_such_sheet(sheet_id, what="classification")
    entry = resources.files("recanal.scores").joinpath(CLASSES).joinpath(f"{sheet_id}.toml")
    sheet = parse_class_sheet(entry.read_text(encoding="utf-8"), label=sheet_id)
    if sheet.id != sheet_id:
        raise SheetError(f"{sheet_id}: id: must equal the file name, got {sheet.id!r}.")
    return sheet


def load_class_sheet_file(source: str | os.PathLike[str] | bytes) -> ClassSheet:
    """A classification of one's own.

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
    return parse_class_sheet(text, label=label)
