"""Tables of a study as CSV."""

from __future__ import annotations

import csv
import io

from recanal.core.study import StudyTable

__all__ = ["study_table_csv"]

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "'")


def study_table_csv(table: StudyTable) -> str:
    """A table as CSV: the head, the rows, and the JSON pointer of each row's numbers in the last column.

    A text that a spreadsheet would run as a formula starts with an apostrophe. Levels are indented by two spaces.

    Examples
    --------
    >>> from recanal.core.study import StudyCell, StudyRow
    >>> table = StudyTable("t", "T", ("a",), (StudyRow((StudyCell("=1", "/x"),)),))
    >>> study_table_csv(table).splitlines()
    ['a,source', "'=1,/x"]
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*map(_safe, table.head), "source"])
    for row in table.rows:
        texts = [_safe(cell.text) for cell in row.cells]
        if row.kind == "level":
            texts[0] = f"  {row.cells[0].text}"
        writer.writerow([*texts, row.cells[0].source])
    return out.getvalue()


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_RISKY) else text
