"""The comparison for people: each table of the paper in its own columns, and what was corrected, fitted and left out."""

from __future__ import annotations

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.reproduction.paper import Paper
from recanal.reproduction.quantities import KINDS, CellComparison, Comparison, RowComparison, TableComparison
from recanal.study.wording import number_text, percent_text

__all__ = ["comparison_sections", "difference_text", "median_figures"]

_OUTSIDE = "†"
_NOTE = (
    "First line: printed. Second: reproduced. Third: reproduced less printed, in standard errors of the printed number at "
    f"the size of the paper, one for each number of the cell; {_OUTSIDE} more than one standard error."
)


def comparison_sections(paper: Paper, comparison: Comparison) -> tuple[StudySection, ...]:
    """A summary, then a section for each table of the paper."""
    tables = tuple(
        StudySection(table.id, table.title, (_table(table),)) for table in comparison.tables
    )
    return (_summary(paper, comparison), *tables)


def difference_text(cell: CellComparison) -> str:
    """Differences of a cell in standard errors.

    Examples
    --------
    >>> from recanal.reproduction.quantities import Quantity
    >>> numbers = (Quantity("mean", 1.0, 1.1, 0.5, 0.2, ""), Quantity("sd", 1.0, 0.1, 0.5, -1.8, ""))
    >>> difference_text(CellComparison("1.0 ± 1.0", "1.1 ± 0.1", numbers))
    '0.2, −1.8†'
    """
    texts = []
    for one in cell.quantities:
        texts.append(number_text(one.difference_sigmas, decimals=1) + ("" if one.within else _OUTSIDE))
    return ", ".join(texts)


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
        f"{within} of {total} printed numbers ({percent_text(within, total)}%) lie within one published standard error.",
        "Fitted: " + "; ".join(paper.built) + ".",
        "Not fitted, so they come out by themselves: " + "; ".join(paper.emerging) + ".",
        "Assumed, because the paper does not say: " + " ".join(paper.assumptions),
    )
    tables = [_tally_table(comparison)]
    tables += [_corrections(paper)] if paper.corrections else []
    tables += [_omissions(paper)] if paper.omissions else []
    title = f"{paper.title}: printed and reproduced"
    return StudySection("reproduction", title, tuple(tables), (), sentences)


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
        "deviations: SD/√(2(n − 1)). Medians and quartiles: √(q(1 − q)/n) over a density that is normal on either side of "
        "the median, with the printed quartiles. Odds ratios and areas: from their printed interval. P values and "
        "statistics: on the scale of a normal deviate, which has a standard error of 1; the reproduced test is first brought to the size of the paper.",  # noqa: E501
    )
    return StudyTable("reproduction_tally", "Printed numbers within one published standard error", head, tuple(rows), notes)


def _corrections(paper: Paper) -> StudyTable:
    rows = tuple(
        StudyRow(tuple(StudyCell(text) for text in (one.table, one.row, one.printed, one.used, one.why)))
        for one in paper.corrections
    )
    head = ("Table", "Row", "Printed", "Judged against", "Why")
    return StudyTable("reproduction_corrections", "Misprints, judged against the corrected number", head, rows)


def _omissions(paper: Paper) -> StudyTable:
    rows = tuple(
        StudyRow(tuple(StudyCell(text) for text in (one.table, one.row, one.what, one.why))) for one in paper.omissions
    )
    head = ("Table", "Row", "What", "Why")
    return StudyTable("reproduction_omissions", "Printed, but not judged", head, rows)


def median_figures(table: TableComparison, parts: tuple[tuple[str, str, str], ...]) -> tuple[StudyFigure, ...]:
    """Bars of medians with quartiles, printed and reproduced, of the rows whose name ends in a unit.

    Parameters
    ----------
    table
        A comparison of medians.
    parts
        Id, title and the ending of the rows of each figure.
    """
    figures = []
    for name, title, ending in parts:
        rows = [row for row in table.rows if row.label.endswith(ending)]
        series = []
        for place in range(1, len(table.head) - 1):
            for words, part in (("printed", "printed_value"), ("reproduced", "reproduced_value")):
                numbers = [[getattr(one, part) for one in row.cells[place].quantities] for row in rows]
                if all(len(one) == 3 for one in numbers):
                    middle, low, high = (tuple(float(v) for v in part) for part in zip(*numbers, strict=True))
                    where = tuple(float(number) for number in range(len(rows)))
                    labels = tuple(row.label.removesuffix(ending) for row in rows)
                    series.append(StudySeries(f"{table.head[place + 1]}, {words}", where, middle, low, high, labels))
        figures.append(StudyFigure(name, title, "strata", "", f"Median and quartiles{ending}", tuple(series)))
    return tuple(figures)
