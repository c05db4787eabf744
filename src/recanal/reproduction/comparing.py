"""Every printed row of a paper beside what its plan gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from recanal.audit.rows import AucRow, ChiSquareRow, CountRow, LevelsRow, MeanRow, MedianRow, RatioRow, TrendRow
from recanal.errors import OptionError
from recanal.reproduction.cells import Place, count_cell, mean_cell, median_cell
from recanal.reproduction.estimates import area_cells, fit_cells, ratio_cells, test_cell, trend_cells
from recanal.reproduction.paper import Paper, PrintedTable
from recanal.reproduction.quantities import CellComparison, Comparison, RowComparison, TableComparison

__all__ = ["compare_paper"]

Record = Mapping[str, Any]
_Cell = TypeVar("_Cell")
_PAIR = 2
_EMPTY = CellComparison("", "")
_ESTIMATES: Mapping[type, Callable[..., tuple[CellComparison, ...]]] = {
    RatioRow: ratio_cells,
    AucRow: area_cells,
    ChiSquareRow: fit_cells,
    TrendRow: trend_cells,
}


def compare_paper(paper: Paper, analyses: Record) -> Comparison:
    """The tables of a paper.

    Parameters
    ----------
    paper
        As printed, with links to its plan.
    analyses
        Records of the analyses of the plan, by their id.

    Raises
    ------
    OptionError
        When the plan does not compute a row that the paper prints.
    """
    return Comparison(tuple(_table(paper, table, analyses) for table in paper.tables))


def _table(paper: Paper, table: PrintedTable, analyses: Record) -> TableComparison:
    found: list[RowComparison] = []
    for keys in table.lines:
        parts = [_lines(Place(paper.rows[key], paper.links[key], analyses, paper.lesions_count)) for key in keys]
        found += parts[0] if len(parts) == 1 else [_joined([part[0] for part in parts])]
    head = _head(paper, table)
    width = max(len(row.cells) for row in found)
    rows = tuple(RowComparison(row.label, _filled(row.cells, width), row.heading) for row in found)
    identity = "printed_" + "".join(letter if letter.isalnum() else "_" for letter in table.name.lower())
    return TableComparison(identity, f"{table.name}: {table.title}", head[: width + 1], rows)


def _joined(parts: list[RowComparison]) -> RowComparison:
    """Rows side by side: all cases together stand in the first alone, and each estimate has a place for its P."""
    cells = list(parts[0].cells)
    if len(cells) <= _PAIR:
        return RowComparison(parts[0].label, tuple(cell for part in parts for cell in _filled(part.cells, _PAIR)))
    for part in parts[1:]:
        cells += part.cells[1:]
    return RowComparison(parts[0].label, tuple(cells))


def _filled(cells: tuple[CellComparison, ...], width: int) -> tuple[CellComparison, ...]:
    return cells + (_EMPTY,) * (width - len(cells))


def _head(paper: Paper, table: PrintedTable) -> tuple[str, ...]:
    if len(table.lines[0]) > 1:
        return ("", *table.columns)
    content = paper.rows[table.lines[0][0]].content
    sizes = [group.size_count or 0 for group in getattr(content, "groups", ())]
    words = [f"{name} (n = {sizes[number]})" if sizes else name for number, name in enumerate(table.columns)]
    return ("", *([f"All (n = {sum(sizes)})"] if _has_overall(content) else []), *words, "P value")


def _has_overall(content: object) -> bool:
    if isinstance(content, LevelsRow):
        return content.levels[0].overall is not None
    return getattr(content, "overall", None) is not None


def _lines(place: Place) -> list[RowComparison]:
    content, name = place.row.content, place.label
    if type(content) in _ESTIMATES:
        return [RowComparison(name, _ESTIMATES[type(content)](place))]
    if isinstance(content, LevelsRow):
        return _levels(place, content)
    if isinstance(content, CountRow):
        cells = [count_cell(place, number, cell) for number, cell in _columns(content.overall, content.cells)]
    elif isinstance(content, MeanRow):
        cells = [mean_cell(place, number, cell) for number, cell in _columns(content.overall, content.cells)]
    elif isinstance(content, MedianRow):
        cells = [median_cell(place, number, cell) for number, cell in _columns(content.overall, content.cells)]
    else:
        raise OptionError(f"{place.row.table}, {place.row.name}: such a row is not compared.")
    return [RowComparison(name, (*cells, *test_cell(place)))]


def _levels(place: Place, content: LevelsRow) -> list[RowComparison]:
    codes = place.record["codes"]
    if len(codes) != len(content.levels):
        raise OptionError(
            f"{place.row.table}, {place.row.name}: {len(content.levels)} levels printed, {len(codes)} found."
        )
    columns = 1 + len(content.levels[0].cells) if content.levels[0].overall else len(content.levels[0].cells)
    out = [RowComparison(place.label, (*(_EMPTY,) * columns, *test_cell(place)), heading=True)]
    for code, level in zip(codes, content.levels, strict=True):
        cells = [count_cell(place, number, cell, code) for number, cell in _columns(level.overall, level.cells)]
        out.append(RowComparison(level.name, tuple(cells)))
    return out


def _columns(overall: _Cell | None, cells: tuple[_Cell, ...]) -> list[tuple[int, _Cell]]:
    """Cells with the number of their group, -1 for all together."""
    return [*([(-1, overall)] if overall is not None else []), *enumerate(cells)]
