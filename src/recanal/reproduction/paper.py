"""A paper: its printed tables, the misprints put right, and which number of a plan stands for which cell."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from recanal.audit.examples import read_example
from recanal.audit.printed import (
    CountCell,
    MeanCell,
    SpanCell,
    parse_count_cell,
    parse_mean_cell,
    parse_number,
    parse_p,
    parse_span_cell,
)
from recanal.audit.rows import CountRow, MeanRow, MedianRow, Row
from recanal.errors import OptionError

__all__ = [
    "PAPERS",
    "Correction",
    "Link",
    "MedianFigure",
    "Omission",
    "Paper",
    "PrintedTable",
    "cell_shares",
    "paper_plan",
    "read_paper",
]

PAPERS = ("xing_2022", "xiao_2021")
"""Papers that can be reproduced."""


@dataclass(frozen=True)
class Correction:
    """A misprint: where it stands, what is printed, what is used instead, and why."""

    table: str
    row: str
    where: str
    printed: str
    used: str
    why: str


@dataclass(frozen=True)
class Omission:
    """A printed number that is not judged, and why."""

    table: str
    row: str
    what: str
    why: str


@dataclass(frozen=True)
class Link:
    """Where a plan computes a row: the analysis, the variable, the analysis of its test and a part of it."""

    analysis: str
    variable: str
    test_analysis: str
    part: str


@dataclass(frozen=True)
class PrintedTable:
    """A table of the paper.

    Parameters
    ----------
    name, title
        As the paper has them.
    columns
        Names of the groups, or, where lines are put together from several rows, of all columns.
    lines
        What each line is put together from: table and row as they were typed.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True)
class MedianFigure:
    """A figure of medians: its table, the places of its columns, and id, title and ending of the rows of each part."""

    id: str
    title: str
    table: str
    columns: tuple[int, ...]
    parts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Paper:
    """A paper that can be reproduced.

    Parameters
    ----------
    name, title, doi
        Which one.
    tables
        In the order of the paper.
    rows
        As printed, misprints put right, by table and name of the row.
    links
        Where the plan computes each row.
    corrections, omissions
        What was put right, and what is not judged.
    lesions_count
        Lesions of the paper.
    built, emerging
        What the simulation is fitted to, and what comes out by itself, in words.
    assumptions
        What the paper does not say and the simulation assumes.
    median_figures
        Figures of medians with their quartiles.
    """

    name: str
    title: str
    doi: str
    tables: tuple[PrintedTable, ...]
    rows: Mapping[tuple[str, str], Row]
    links: Mapping[tuple[str, str], Link]
    corrections: tuple[Correction, ...]
    omissions: tuple[Omission, ...]
    lesions_count: int
    built: tuple[str, ...]
    emerging: tuple[str, ...]
    assumptions: tuple[str, ...]
    median_figures: tuple[MedianFigure, ...]

    def count_shares(self, table: str, row: str) -> tuple[float, ...]:
        """Share of each group that has a characteristic.

        Raises
        ------
        OptionError
            When the row holds no counts of groups with a size.
        """
        content = self.rows[table, row].content
        if not isinstance(content, CountRow):
            raise OptionError(f"{table}, {row}: is no row of counts.")
        return cell_shares(content.cells, tuple(group.size_count for group in content.groups))


def cell_shares(cells: tuple[CountCell, ...], sizes: tuple[int | None, ...]) -> tuple[float, ...]:
    """Shares of counts, or of percentages where no count is printed.

    Raises
    ------
    OptionError
        When a cell holds neither.
    """
    out = []
    for cell, size in zip(cells, sizes, strict=True):
        whole = cell.total or size
        if cell.count is not None and whole:
            out.append(cell.count / whole)
        elif cell.percent is not None:
            out.append(cell.percent.value / 100)
        else:
            raise OptionError(f"{cell.text!r} holds neither a count with its group nor a percentage.")
    return tuple(out)


def read_paper(name: str) -> Paper:
    """A paper by its name.

    Raises
    ------
    OptionError
        When there is none of this name.

    Examples
    --------
    >>> paper = read_paper("xing_2022")
    >>> [round(share, 3) for share in paper.count_shares("Table 2", "Blunt stump")]
    [0.229, 0.605]
    """
    if name not in PAPERS:
        raise OptionError(f"No paper {name!r}.", hint=f"Papers: {', '.join(PAPERS)}.")
    text = resources.files("recanal.reproduction.papers").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    values = tomllib.loads(text)
    document = read_example(name)
    figures = tuple(
        MedianFigure(
            one["id"], one["title"], one["table"], tuple(one["columns"]), tuple((*part,) for part in one["parts"])
        )
        for one in values.get("median_figures", ())
    )
    corrections = tuple(Correction(**one) for one in values.get("corrections", ()))
    rows = {(row.table, row.name): row for row in document.rows}
    for one in corrections:
        rows[one.table, one.row] = _corrected(rows[one.table, one.row], one)
    tables, links = [], {}
    for one in values["tables"]:
        table, found = _table(one)
        tables.append(table)
        links.update(found)
    return Paper(
        name, document.title, document.doi, tuple(tables), rows, links, corrections,
        tuple(Omission(**one) for one in values.get("omissions", ())), values["lesions_count"],
        tuple(values["built"]), tuple(values["emerging"]), tuple(values["assumptions"]), figures,
    )  # fmt: skip


def paper_plan(name: str) -> str:
    """The plan of a paper, TOML.

    Raises
    ------
    OptionError
        When there is no paper of this name.
    """
    if name not in PAPERS:
        raise OptionError(f"No paper {name!r}.", hint=f"Papers: {', '.join(PAPERS)}.")
    return resources.files("recanal.reproduction.papers").joinpath(f"{name}.plan.toml").read_text(encoding="utf-8")


def _table(values: Mapping[str, Any]) -> tuple[PrintedTable, dict[tuple[str, str], Link]]:
    """A table, with its links; a list of several places makes one line of several rows."""
    links: dict[tuple[str, str], Link] = {}
    lines = []
    for name, places in values["rows"].items():
        keys = []
        for place in [places] if isinstance(places, str) else places:
            where, _, row = place.rpartition(" | ")
            source, _, inner = where.partition(" | ")
            key = (source or values.get("source", values["name"]), inner or name)
            links[key] = _link(row, values)
            keys.append(key)
        lines.append(tuple(keys))
    return PrintedTable(values["name"], values["title"], tuple(values["columns"]), tuple(lines)), links


def _link(text: str, values: Mapping[str, Any]) -> Link:
    """``analysis/variable@part#analysis of the test``, all but the variable optional."""
    place, _, test = text.partition("#")
    analysis, _, variable = place.rpartition("/")
    variable, _, part = variable.partition("@")
    main = analysis or values["analysis"]
    return Link(main, variable, test or values.get("test_analysis", main), part)


def _corrected(row: Row, one: Correction) -> Row:
    """A row with one cell replaced; ``where`` is p, statistic, label, all, or the number of a column from 1."""
    if one.where == "label":
        return row
    if one.where == "p":
        return dataclasses.replace(row, p=parse_p(one.used))
    if one.where == "statistic":
        return dataclasses.replace(row, statistic=parse_number(one.used))
    content = row.content
    if isinstance(content, CountRow):
        return dataclasses.replace(row, content=_replaced(content, one.where, parse_count_cell(one.used)))
    if isinstance(content, MeanRow):
        return dataclasses.replace(row, content=_replaced(content, one.where, parse_mean_cell(one.used)))
    if isinstance(content, MedianRow):
        return dataclasses.replace(row, content=_replaced(content, one.where, parse_span_cell(one.used)))
    raise OptionError(f"{one.table}, {one.row}: such a row cannot be corrected.")


def _replaced(content: Any, where: str, cell: CountCell | MeanCell | SpanCell) -> Any:
    if where == "all":
        return dataclasses.replace(content, overall=cell)
    place = int(where) - 1
    cells = tuple(cell if number == place else old for number, old in enumerate(content.cells))
    return dataclasses.replace(content, cells=cells)
