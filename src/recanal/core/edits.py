"""What a reader corrected, and which numbers that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EDITS_SCHEMA", "EditRecord", "NumberChange", "Scalar"]

EDITS_SCHEMA = "recanal.edits/1"
Scalar = float | str | bool | None


@dataclass(frozen=True)
class EditRecord:
    """One correction as it was replayed.

    Parameters
    ----------
    do
        Its kind, such as ``"set_cap"``.
    who, when, reason
        The reader, the date or time that the reader's file gives (ISO 8601), and why.
    what
        In words, with the place.
    given
        The correction as the file has it.
    notes
        What came of it that the reader should know.
    """

    do: str
    who: str
    when: str
    reason: str
    what: str
    given: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberChange:
    """One value before and after all corrections.

    Parameters
    ----------
    path
        Where it stands in ``case.json`` after the corrections, such as ``"lesions.0.length_mm.value"``.
    label
        For a reader.
    unit
        Of both values; empty where there is none.
    before, after
        A number, word or truth value; None where it was not measurable, or the lesion was not there.
    difference
        ``after - before`` for two numbers.
    main
        Whether reports show it; the rest stands in ``case.json`` alone.
    """

    path: str
    label: str
    unit: str
    before: Scalar
    after: Scalar
    difference: Scalar = None
    main: bool = True
