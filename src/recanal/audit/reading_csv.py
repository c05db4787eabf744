"""The CSV form of printed tables: one line per row, lists separated by ``|``.

Columns: table, row, kind, level, groups, merges, cells, all, value, statistic, df, p, events, others, total,
integer, range, note. Lines with the same table and row and a level make one row with several levels.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

from recanal.errors import TableError

__all__ = ["COLUMNS", "csv_tables"]

COLUMNS = (
    *("table", "row", "kind", "level", "groups", "merges", "cells", "all", "value", "statistic", "df", "p"),
    *("events", "others", "total", "integer", "range", "note"),
)
_KINDS = (
    "count",
    "levels",
    "mean",
    "median",
    "ratio",
    "auc",
    "strata",
    "chi2",
    "percent",
    "percentages",
    "score",
    "trend",
)
_LISTS = {"strata"}
_Line = tuple[str, str, dict[str, Any]]


def csv_tables(text: str) -> list[_Line]:
    """Table, place and fields of each row.

    Raises
    ------
    TableError
        When a column is unknown or missing, a line is longer than the header, or a cell cannot be read.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        lines = [(reader.line_num, line) for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise TableError(f"This is not valid CSV: {error}.") from error
    _check_header(header)
    rows: list[_Line] = []
    for number, line in lines:
        if len(line) != len(header):
            raise TableError(
                f"line {number}: {len(line)} cells for {len(header)} columns.",
                hint="Put cells with a comma in quotes, type decimals with a point, leave no cell out at the end.",
            )
        cells = {name: cell.strip() for name, cell in zip(header, line, strict=True) if cell.strip()}
        _add(rows, cells, f"line {number}")
    return rows


def _check_header(header: list[str]) -> None:
    for letter, words in ((";", "';'"), ("\t", "tabs")):
        if len(header) == 1 and letter in header[0]:
            raise TableError(
                f"line 1: the columns are separated by {words}, not by commas.",
                hint="Save it as CSV with commas between columns and points for decimals.",
            )
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise TableError(f"line 1: no column {unknown[0]!r}.", hint=f"Columns: {', '.join(COLUMNS)}.")
    if len(set(header)) < len(header):
        raise TableError("line 1: a column is given twice.")
    for name in ("row", "kind"):
        if name not in header:
            raise TableError(f"line 1: the column {name!r} is missing.", hint=f"Columns: {', '.join(COLUMNS)}.")


def _add(rows: list[_Line], cells: dict[str, str], place: str) -> None:
    table = cells.pop("table", "")
    kind = cells.get("kind", "")
    if kind not in _KINDS:
        raise TableError(f"{place}, kind: no kind {kind!r}.", hint=f"Kinds in CSV: {', '.join(_KINDS)}.")
    values: dict[str, Any] = {"name": cells.pop("row", "")}
    level = cells.pop("level", "")
    for name, cell in cells.items():
        values[name] = _value(name, cell, kind, place)
    if kind == "levels":
        own: dict[str, Any] = {"name": level}
        own.update({name: values.pop(name) for name in ("cells", "all") if name in values})
        last = rows[-1] if rows else None
        if last is not None and last[0] == table and last[2]["kind"] == kind and last[2]["name"] == values["name"]:
            last[2]["levels"].append(own)
            return
        values["levels"] = [own]
    elif level:
        raise TableError(f"{place}, level: only rows of kind levels have levels, got {level!r}.")
    if kind in ("score", "percentages") and "cells" in values:
        values["items" if kind == "score" else "percents"] = values.pop("cells")
    rows.append((table, place, values))


def _value(name: str, cell: str, kind: str, place: str) -> Any:
    if name == "cells" and kind == "score":
        return [_item(part, place) for part in _parts(cell)]
    if name in ("events", "others"):
        numbers = [_whole(part, name, place) for part in _parts(cell)]
        return numbers if kind in _LISTS else numbers[0]
    readers: Mapping[str, Callable[[str], Any]] = {
        "groups": lambda text: _groups(text, place),
        "merges": lambda text: [part.strip() for part in text.split(";")],
        "cells": _parts,
        "range": _parts,
        "df": lambda text: _whole(text, name, place),
        "total": lambda text: _whole(text, name, place),
        "integer": lambda text: _yes(text, place),
    }
    return readers[name](cell) if name in readers else cell


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|")]


def _groups(text: str, place: str) -> dict[str, Any]:
    pairs = [_group(part, place) for part in _parts(text)]
    names = [name for name, _ in pairs]
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    if twice:
        raise TableError(f"{place}, groups: {twice[0]!r} is named twice.", hint="Give each group a name of its own.")
    return dict(pairs)


def _group(part: str, place: str) -> tuple[str, Any]:
    name, equals, size = (piece.strip() for piece in part.rpartition("="))
    if not equals or not name:
        raise TableError(f"{place}, groups: {part!r} is not NAME=SIZE.", hint="Type: crossed=131 | failed=76.")
    return name, size if size == "?" else _whole(size, "groups", place)


def _item(part: str, place: str) -> dict[str, Any]:
    """``NAME=COUNT`` or ``NAME=COUNT*POINTS``; a ``?`` for the count that is not printed."""
    name, equals, rest = (piece.strip() for piece in part.rpartition("="))
    count, _, points = (piece.strip() for piece in rest.partition("*"))
    if not equals or not name:
        raise TableError(f"{place}, cells: {part!r} is not NAME=COUNT.", hint="Type: blunt=76 | severe calcium=20*2.")
    item: dict[str, Any] = {"name": name, "count": count if count == "?" else _whole(count, "cells", place)}
    if points:
        try:
            item["points"] = float(points)
        except ValueError:
            raise TableError(f"{place}, cells: {points!r} is no number of points.") from None
    return item


def _whole(text: str, name: str, place: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 8:
        raise TableError(f"{place}, {name}: must be a whole number of 0 or more, got {text!r}.")
    return int(text)


def _yes(text: str, place: str) -> bool:
    if text.lower() not in ("true", "false", "yes", "no"):
        raise TableError(f"{place}, integer: must be yes or no, got {text!r}.")
    return text.lower() in ("true", "yes")
