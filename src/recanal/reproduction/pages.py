"""The comparison for people: each table of the paper in its own columns, what was corrected and left out."""

from __future__ import annotations

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.reproduction.paper import MedianFigure, Paper
from recanal.reproduction.quantities import (
    KINDS,
    CellComparison,
    Comparison,
    RowComparison,
    TableComparison,
)
from recanal.study.wording import number_text, percent_text

__all__ = ["comparison_sections", "difference_text", "median_figures"]

_OUTSIDE = "†"
_NOTE = (
    "First line: printed. Second: reproduced. Third: reproduced less printed, in standard errors of the printed number "
    f"at the size of the paper, one for each number of the cell; {_OUTSIDE} more than one standard error."
)


def comparison_sections(paper: Paper, comparison: Comparison) -> tuple[StudySection, ...]:
    """A summary, then a section for each table of the paper."""
    tables = tuple(StudySection(table.id, table.title, (_table(table),)) for table in comparison.tables)
    return (_summary(paper, comparison), *_asides(paper), *tables)


def difference_text(cell: CellComparison) -> str:
    """Differences of a cell in standard errors.

    Examples
    --------
    >>> from recanal.reproduction.quantities import Quantity
    >>> numbers = (Quantity("mean", 1.0, 1.1, 0.5, 0.2, ""), Quantity("sd", 1.0, 0.1, 0.5, -1.8, ""))
    >>> difference_text(CellComparison("1.0 ± 1.0", "1.1 ± 0.1", numbers))
    '0.2, −1.8†'
    """
    return ", ".join(
        number_text(one.difference_sigmas, decimals=1) + ("" if one.within else _OUTSIDE) for one in cell.quantities
    )


def _table(table: TableComparison) -> StudyTable:
    rows: list[StudyRow] = []
    for number, row in enumerate(table.rows):
        rows += _rows(row, f"/reproduction/tables/{table.id}/{number}")
    return StudyTable(table.id, table.title, table.head, tuple(rows), (_NOTE,))


def _rows(row: RowComparison, source: str) -> list[StudyRow]:
    kind = "heading" if row.heading else "row"
    lines = [StudyRow((StudyCell(row.label, source), *(StudyCell(cell.printed, source) for cell in row.cells)), kind)]
    if not any(cell.reproduced for cell in row.cells):
        return lines
    reproduced = tuple(StudyCell(cell.reproduced, cell.source) for cell in row.cells)
    differences = tuple(StudyCell(difference_text(cell), source) for cell in row.cells)
    lines.append(StudyRow((StudyCell("reproduced", source), *reproduced), "level"))
    lines.append(StudyRow((StudyCell("standard errors apart", source), *differences), "level"))
    return lines


def _summary(paper: Paper, comparison: Comparison) -> StudySection:
    within, total = comparison.tally()
    sentences = (
        "This cohort is simulated to the printed margins of the paper. Agreement shows that the plan computes what the "
        "paper describes; it says nothing of whether the paper is right.",
        f"{within} of {total} printed numbers ({percent_text(within, total)}%) lie within one published standard "
        "error.",
        "Fitted: " + "; ".join(paper.built) + ".",
        "Not fitted, so they come out by themselves: " + "; ".join(paper.emerging) + ".",
        "Assumed, because the paper does not say: " + " ".join(paper.assumptions),
    )
    return StudySection("reproduction", "How far the two agree", (_tally_table(comparison),), (), sentences)


def _tally_table(comparison: Comparison) -> StudyTable:
    rows = []
    for kind, words in (*KINDS.items(), ("", "all")):
        within, total = comparison.tally(kind)
        if total:
            texts = (words, str(total), str(within), percent_text(within, total))
            rows.append(StudyRow(tuple(StudyCell(text, "/reproduction/tally") for text in texts)))
    head = ("Kind", "Judged", "Within one standard error", "%")
    notes = (
        "Standard error of the printed number, at the size of the paper. Counts: binomial. Means: SD/√n. Standard "
        "deviations: SD/√(2(n − 1)). Medians and quartiles: √(q(1 − q)/n) over a density that is normal on either side "
        "of the median, with the printed quartiles. Odds ratios and areas: from their printed interval. P values and "
        "statistics: on the scale of a normal deviate, which has a standard error of 1; the reproduced test is first brought to the size of the paper.",  # noqa: E501
    )
    return StudyTable(
        "reproduction_tally", "Printed numbers within one published standard error", head, tuple(rows), notes
    )


def _asides(paper: Paper) -> tuple[StudySection, ...]:
    """What was put right and what is not judged, a sentence each."""
    corrected = tuple(
        f"{one.table}, {one.row}: printed {one.printed}; judged against {one.used}. {one.why}"
        for one in paper.corrections
    )
    omitted = tuple(f"{one.table}, {one.row}: {one.what}. {one.why}" for one in paper.omissions)
    found = (
        StudySection(
            "corrections", f"Misprints, judged against the corrected number ({len(corrected)})", sentences=corrected
        ),
        StudySection("omissions", f"Printed, but not judged ({len(omitted)})", sentences=omitted),
    )
    return tuple(one for one in found if one.sentences)


def median_figures(table: TableComparison, figure: MedianFigure) -> tuple[StudyFigure, ...]:
    """Bars of medians with quartiles, printed and reproduced, of the rows whose name ends in a unit."""
    figures = []
    for name, title, ending in figure.parts:
        rows = [row for row in table.rows if row.label.endswith(ending)]
        series = [
            _bars(table, rows, place, part, ending) for place in figure.columns for part in ("printed", "reproduced")
        ]
        up = f"Median and quartiles, {ending.rpartition(', ')[2]}"
        figures.append(StudyFigure(name, title, "strata", "", up, tuple(series)))
    return tuple(figures)


def _bars(table: TableComparison, rows: list[RowComparison], place: int, part: str, ending: str) -> StudySeries:
    numbers = [[float(getattr(one, f"{part}_value")) for one in row.cells[place].quantities] for row in rows]
    middle, low, high = (tuple(values) for values in zip(*numbers, strict=True))
    where = tuple(float(number) for number in range(len(rows)))
    labels = tuple(row.label.removesuffix(ending) for row in rows)
    return StudySeries(f"{table.head[place + 1]}, {part}", where, middle, low, high, labels)
