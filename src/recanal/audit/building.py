"""From typed fields to rows: one builder per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from recanal.audit.fields import Fields
from recanal.audit.groupings import parse_merge
from recanal.audit.printed import parse_count_cell, parse_mean_cell, parse_number, parse_p, parse_span_cell
from recanal.audit.rows import (
    AucRow,
    ChiSquareRow,
    ColumnSumRow,
    Content,
    CountRow,
    Group,
    Level,
    LevelsRow,
    MeanRow,
    MedianRow,
    Merge,
    PercentagesRow,
    PercentRow,
    RatioRow,
    Row,
    ScoreItem,
    ScoreRow,
    StrataRow,
    TotalsRow,
    TrendRow,
)
from recanal.errors import TableError

__all__ = ["KINDS", "build_groups", "build_row"]

_COMMON = ("name", "kind", "statistic", "df", "p", "note", "what_if")
_GROUPED = ("groups", "merges")

KINDS: Mapping[str, tuple[str, ...]] = {
    "count": (*_GROUPED, "cells", "all"),
    "levels": (*_GROUPED, "levels"),
    "mean": (*_GROUPED, "cells", "all", "integer", "range"),
    "median": (*_GROUPED, "cells", "all"),
    "ratio": ("value", "level_percent"),
    "auc": ("value", "events", "others", "level_percent"),
    "strata": ("events", "others", "value", "coarse"),
    "chi2": ("total", "shape"),
    "percent": ("value",),
    "percentages": ("percents",),
    "score": ("value", "total", "items"),
    "totals": ("parts",),
    "sums": ("parts", "total"),
    "trend": ("groups", "merges", "cells"),
}


def build_row(values: Mapping[str, Any], *, table: str, place: str) -> Row:
    """A row from its fields; ``groups`` and ``merges`` of the table are already among them.

    Raises
    ------
    TableError
        When a field is missing, unknown or cannot be read, naming the place, the field, the value and the rule.
    """
    fields = Fields(values, place)
    kind = fields.text("kind")
    if kind not in KINDS:
        raise TableError(f"{place}, kind: no kind {kind!r}.", hint=f"Kinds: {', '.join(KINDS)}.")
    fields.refuse_others((*_COMMON, *KINDS[kind]))
    return Row(
        table=table,
        name=fields.text("name"),
        content=_BUILDERS[kind](fields),
        statistic=fields.maybe("statistic", parse_number),
        df=_df(fields),
        p=fields.maybe("p", parse_p),
        note=fields.text("note", default=""),
        what_if=fields.yes("what_if"),
    )


def _df(fields: Fields) -> int | None:
    if not fields.has("df"):
        return None
    df = fields.whole("df")
    if df < 1:
        raise fields.error("df", "a whole number of 1 or more")
    return df


def build_groups(values: Mapping[str, Any], place: str) -> tuple[Group, ...]:
    """Groups from names and sizes; a size of ``"?"`` is not printed.

    Raises
    ------
    TableError
        When a size is neither a whole number of 1 or more nor ``"?"``.
    """
    groups = []
    for name, size in values.items():
        if size == "?":
            groups.append(Group(name, None))
            continue
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 10**7:
            raise TableError(
                f"{place}, groups: the size of {name!r} must be a whole number of 1 or more, got {size!r}."
            )
        groups.append(Group(name, size))
    return tuple(groups)


def _groups(fields: Fields) -> tuple[Group, ...]:
    return build_groups(fields.table("groups"), fields.place)


def _merges(fields: Fields, groups: tuple[Group, ...]) -> tuple[Merge, ...]:
    if not fields.has("merges"):
        return ()
    names = [group.name for group in groups]
    return fields.cells("merges", lambda text: parse_merge(text, names))


def _count(fields: Fields) -> Content:
    groups = _groups(fields)
    cells = fields.cells("cells", parse_count_cell, count=len(groups))
    return CountRow(groups, cells, fields.maybe("all", parse_count_cell), _merges(fields, groups))


def _levels(fields: Fields) -> Content:
    groups = _groups(fields)
    levels = []
    for number, values in enumerate(fields.items("levels"), start=1):
        level = Fields(values, f"{fields.place}, level {number}")
        level.refuse_others(("name", "cells", "all"))
        cells = level.cells("cells", parse_count_cell, count=len(groups))
        levels.append(Level(level.text("name"), cells, level.maybe("all", parse_count_cell)))
    return LevelsRow(groups, tuple(levels), _merges(fields, groups))


def _mean(fields: Fields) -> Content:
    groups = _groups(fields)
    cells = fields.cells("cells", parse_mean_cell, count=len(groups))
    low = high = None
    if fields.has("range"):
        ends = fields.cells("range", parse_number, count=2)
        low, high = ends[0].value, ends[1].value
        if low >= high:
            raise fields.error("range", "two numbers, the lower first")
    overall = fields.maybe("all", parse_mean_cell)
    return MeanRow(groups, cells, overall, integer=fields.yes("integer"), span_low=low, span_high=high)


def _median(fields: Fields) -> Content:
    groups = _groups(fields)
    return MedianRow(
        groups, fields.cells("cells", parse_span_cell, count=len(groups)), fields.maybe("all", parse_span_cell)
    )


def _level(fields: Fields) -> float:
    percent = fields.number("level_percent", default_value=95.0) or 0.0
    if not 50 <= percent < 100:
        raise fields.error("level_percent", "from 50 to below 100")
    return percent / 100


def _ratio(fields: Fields) -> Content:
    return RatioRow(fields.parsed("value", parse_span_cell), _level(fields))


def _auc(fields: Fields) -> Content:
    events, others = fields.whole("events"), fields.whole("others")
    if min(events, others) < 1:
        raise fields.error("events" if events < 1 else "others", "1 or more")
    return AucRow(fields.parsed("value", parse_span_cell), events, others, _level(fields))


def _strata(fields: Fields) -> Content:
    events, others = fields.wholes("events"), fields.wholes("others")
    if len(events) != len(others) or len(events) < 2 or min(sum(events), sum(others)) < 2:
        raise fields.error("events", "as many strata as others, with two events and two others in all")
    return StrataRow(events, others, fields.maybe("value", parse_number), coarse=fields.yes("coarse"))


def _chi2(fields: Fields) -> Content:
    if not fields.has("statistic"):
        raise fields.error("statistic", "the statistic as printed")
    shape = fields.wholes("shape") if fields.has("shape") else None
    if shape is not None and (len(shape) != 2 or min(shape) < 2):
        raise fields.error("shape", "rows and columns, 2 or more of each")
    return ChiSquareRow(fields.whole("total") if fields.has("total") else None, (shape[0], shape[1]) if shape else None)


def _percent(fields: Fields) -> Content:
    return PercentRow(fields.parsed("value", parse_count_cell))


def _percentages(fields: Fields) -> Content:
    percents = fields.cells("percents", parse_number)
    if len(percents) < 2 or not all(0 <= percent.value <= 100 for percent in percents):
        raise fields.error("percents", "two or more numbers from 0 to 100")
    return PercentagesRow(percents)


def _score(fields: Fields) -> Content:
    items = []
    for number, values in enumerate(fields.items("items"), start=1):
        item = Fields(values, f"{fields.place}, item {number}")
        item.refuse_others(("name", "count", "points", "expected_points"))
        count = None if values.get("count") == "?" else item.whole("count")
        points = None if values.get("points") == "?" else item.number("points", default_value=1.0)
        items.append(ScoreItem(item.text("name"), count, points, item.number("expected_points")))
    if sum(item.count is None or item.points is None for item in items) > 1:
        raise TableError(f"{fields.place}, items: only one number may be unknown.")
    total = fields.whole("total")
    if total < 1:
        raise fields.error("total", "1 or more")
    return ScoreRow(total, tuple(items), fields.maybe("value", parse_number))


def _totals(fields: Fields) -> Content:
    parts = fields.table("parts")
    if len(parts) < 2:
        raise fields.error("parts", "two or more tables of counts")
    reader = Fields(parts, f"{fields.place}, parts")
    return TotalsRow(tuple((name, reader.wholes(name)) for name in parts))


def _sums(fields: Fields) -> Content:
    parts = fields.table("parts")
    reader = Fields(parts, f"{fields.place}, parts")
    rows, total = tuple(reader.wholes(name) for name in parts), fields.wholes("total")
    if any(len(row) != len(total) for row in rows):
        raise fields.error("total", "as long as each part")
    return ColumnSumRow(rows, total)


def _trend(fields: Fields) -> Content:
    groups = _groups(fields)
    return TrendRow(groups, fields.cells("cells", parse_count_cell, count=len(groups)))


_BUILDERS: Mapping[str, Callable[[Fields], Content]] = {
    "count": _count,
    "levels": _levels,
    "mean": _mean,
    "median": _median,
    "ratio": _ratio,
    "auc": _auc,
    "strata": _strata,
    "chi2": _chi2,
    "percent": _percent,
    "percentages": _percentages,
    "score": _score,
    "totals": _totals,
    "sums": _sums,
    "trend": _trend,
}
