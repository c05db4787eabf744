"""Corrections and what they changed, for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recanal.core.case import CaseReport
from recanal.report.display import clean
from recanal.report.edits_section import change_rows

__all__ = ["edits_text"]

MOST_LISTED = 20


def edits_text(case: CaseReport, *, width_columns: int = 110) -> str:
    """The first twenty corrections with their notes, and the main numbers before and after; nothing without any.

    Parameters
    ----------
    case
        The result.
    width_columns
        Width of the table.
    """
    if not case.edits:
        return ""
    who = ", ".join(dict.fromkeys(edit.who for edit in case.edits))
    lines = [f"{len(case.edits)} correction{'s' if len(case.edits) > 1 else ''} by {who}:"]
    for number, edit in enumerate(case.edits[:MOST_LISTED], start=1):
        lines.append(f"  {number}. {edit.what}")
        lines += [f"     {note}" for note in edit.notes]
    left = len(case.edits) - MOST_LISTED
    if left > 0:
        lines.append(f"  ... and {left} more: report.html, case.json.")
    rows = change_rows(case)
    main = [row for row in rows if row.main]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("changed", "before", "after", "difference"):
        table.add_column(head, overflow="fold")
    for row in main:
        table.add_row(*(escape(str(clean(cell))) for cell in (row.label, row.before, row.after, row.difference)))
    console = Console(width=width_columns, color_system=None, highlight=False, legacy_windows=False)
    with console.capture() as capture:
        if main:
            console.print(table)
    more = len(rows) - len(main)
    tail = [f"{more} more number{'s' if more > 1 else ''} changed: report.html, case.json."] if more else []
    drawn = [line.rstrip() for line in capture.get().splitlines()]
    return "\n".join((*(str(clean(line)) for line in lines), *drawn, *tail))
