"""A reader's corrections, and what each number was before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recanal.core.case import CaseReport
from recanal.core.edits import NumberChange, Scalar
from recanal.report.blocks import Block, Section, fold, heading, table, text
from recanal.report.display import Display
from recanal.report.sources import Sources

__all__ = ["ChangeRow", "change_rows", "edits_section"]

_DECIMALS = {"mm": 2, "HU": 0}
_NONE = "–"
_NOTE = (
    "Replayed in this order; every number was measured again. Before: the analysis without any correction. Brackets: "
    "95 % interval. Changes below the digits shown, and both versions in full, stand in case.json."
)


@dataclass(frozen=True)
class ChangeRow:
    """One row of the table of changes, in words."""

    label: str
    before: str
    after: str
    difference: str
    main: bool


def edits_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """The section, or None for a case that nobody corrected.

    Parameters
    ----------
    case
        The result.
    say, sources
        Not used: the numbers are those of ``case.changes``.
    """
    del say, sources
    if not case.edits:
        return None
    rows = [
        (str(k), edit.what, "; ".join(edit.notes) or _NONE, f"{edit.who}, {edit.when}", edit.reason)
        for k, edit in enumerate(case.edits, start=1)
    ]
    heads = ("No.", "Correction", "Note", "Who, when", "Why")
    blocks: list[Block] = [table(heads, rows, shares=(0.4, 2.6, 1.8, 1.5, 1.8)), text(_NOTE, soft=True)]
    changes = change_rows(case)
    main, more = [row for row in changes if row.main], [row for row in changes if not row.main]
    if not changes:
        blocks.append(text("No number that is shown changed."))
    if main:
        blocks += [heading("What changed"), _table(main)]
    if more:
        blocks.append(fold(f"All other numbers that changed ({len(more)})", [_table(more)]))
    return Section("record", "Corrections by a reader", tuple(blocks))


def _table(rows: Sequence[ChangeRow]) -> Block:
    cells = [(row.label, row.before, row.after, row.difference) for row in rows]
    return table(("Quantity", "Before", "After", "Difference"), cells, shares=(2.6, 1.6, 1.6, 0.8))


def change_rows(case: CaseReport) -> list[ChangeRow]:
    """The changes as a reader sees them; those below the digits shown are left out.

    Notes
    -----
    A value and the bounds of its interval make one row, so do the coordinates of a point and the bounds of a score.
    """
    groups: dict[str, dict[str, NumberChange]] = {}
    for change in case.changes:
        key, part = _group(change.path)
        groups.setdefault(key, {})[part] = change
    rows = [row for parts in groups.values() for row in _rows(parts)]
    return [row for row in rows if row.before != row.after]


def _group(path: str) -> tuple[str, str]:
    """The field that a change belongs to, and its part: the value, a bound, a coordinate."""
    head, _, last = path.rpartition(".")
    if last in ("value", "low", "high"):
        return head.removesuffix("_interval"), last
    if last.isdigit() and head.endswith("_cap_mm"):
        return head, last
    if last.startswith("points_") and ".scores." in f".{head}.":
        return f"{head}.points", {"points_min": "low", "points_max": "high"}[last]
    return path, "value"


def _rows(parts: dict[str, NumberChange]) -> list[ChangeRow]:
    value, bounds = parts.get("value"), [parts[name] for name in ("low", "high") if name in parts]
    if set(parts) == {"0", "1", "2"}:
        three = [parts[name] for name in sorted(parts)]
        return [_joined(three, three[0].label.rpartition(",")[0], ", ")]
    if value is None:
        if len(bounds) == 2:
            label = bounds[0].label.removesuffix(", lower bound").replace("fewest points", "points")
            return [_joined(bounds, label, " to ", main=any(bound.main for bound in bounds))]
        return [_single(change) for change in parts.values()]
    row = _single(value)
    if len(bounds) < 2:
        return [row]
    low, high = bounds
    before = _with_interval(row.before, low.before, high.before, value.unit)
    after = _with_interval(row.after, low.after, high.after, value.unit)
    return [ChangeRow(row.label, before, after, row.difference, row.main)]


def _single(change: NumberChange) -> ChangeRow:
    before, after = (_text(value, change.unit) for value in (change.before, change.after))
    difference = _NONE
    if isinstance(change.difference, int | float) and not isinstance(change.difference, bool):
        digits = _digits(change.difference, change.unit)
        difference = f"+{digits}" if change.difference > 0 and digits.strip("0.") else digits
    return ChangeRow(change.label, before, after, difference, change.main)


def _joined(changes: Sequence[NumberChange], label: str, between: str, *, main: bool = False) -> ChangeRow:
    before = between.join(_digits_or_none(change.before, change.unit) for change in changes)
    after = between.join(_digits_or_none(change.after, change.unit) for change in changes)
    parts = [_single(change).difference for change in changes]
    difference = parts[0] if len(set(parts)) == 1 else between.join(parts)
    unit = f" {changes[0].unit}" if changes[0].unit else ""
    return ChangeRow(label, before + unit, after + unit, difference, main)


def _with_interval(text_: str, low: Scalar, high: Scalar, unit: str) -> str:
    if low is None or high is None or text_ == _NONE:
        return text_
    return f"{text_} ({_digits_or_none(low, unit)} to {_digits_or_none(high, unit)})"


def _digits_or_none(value: Scalar, unit: str) -> str:
    return _NONE if value is None or isinstance(value, str | bool) else _digits(value, unit)


def _text(value: Scalar, unit: str) -> str:
    """A value in words.

    >>> _text(19.8454, "mm"), _text(True, ""), _text("antegrade_wiring", ""), _text(None, "mm")
    ('19.85 mm', 'yes', 'antegrade wiring', '–')
    """
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("_", " ")
    digits = _digits(value, unit)
    return digits + unit if unit == "°" else f"{digits} {unit}".strip()


def _digits(value: float, unit: str) -> str:
    text_ = f"{value:.{_DECIMALS.get(unit, 1)}f}" if unit else f"{round(value, 2):g}"
    return (text_.lstrip("-") if float(text_) == 0 else text_).replace("-", "−")
