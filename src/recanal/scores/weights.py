"""Points that come from a table of weights or from a count, as levels of an item.

A published weight table stays a table in the sheet; it becomes levels when the sheet is read, so that totals, bounds
and probabilities follow the same rules as for any other item.
"""

from __future__ import annotations

from recanal.core.findings import vocabulary
from recanal.rules.conditions import AllOf, Direct
from recanal.rules.table import Table
from recanal.scores.sheet import Level

__all__ = ["counted_levels", "weighted_levels"]


def counted_levels(row: Table) -> tuple[Level, ...]:
    """Levels of ``per = "NAME"``: ``points`` for each one counted.

    Parameters
    ----------
    row
        The item; its finding must be a whole number with a greatest value.

    Raises
    ------
    SheetError
        Naming the field.
    """
    name = row.text("per")
    kind = vocabulary().get(name)
    if kind is None or not kind.whole:
        raise row.error("per", f"must name a finding that is counted in whole numbers, got {name!r}")
    points = row.number("points")
    counts = range(int(kind.high), int(kind.low), -1)
    return tuple(Level(points * count, Direct(name, ">=", float(count))) for count in counts)


def weighted_levels(row: Table) -> tuple[Level, ...]:
    """Levels of a table of weights over one choice, one column for each word of another.

    Parameters
    ----------
    row
        The item. ``weights.rows`` and ``weights.columns`` name two findings, ``weights.multiplier`` the factor, and
        ``weights.cells`` holds one table of row words to weights for each column word; a word without a weight in a
        column does not exist there.

    Raises
    ------
    SheetError
        Naming the field.

    Notes
    -----
    The last column of a row is taken without asking for the column, so that an unknown column leaves the row's
    weights open and no other; that a row exists in a column is for the declared contradictions to check.
    """
    table = row.table("weights")
    by, across = _choice(table, "rows"), _choice(table, "columns")
    multiplier = table.number("multiplier")
    cells = table.table("cells")
    weights: dict[str, dict[str, float]] = {}
    for column in cells.names():
        inner = cells.table(column)
        if column not in vocabulary()[across].choices:
            raise table.error("cells", f"{across} has no choice {column!r}")
        for word in inner.names():
            if word not in vocabulary()[by].choices:
                raise inner.error(word, f"{by} has no choice {word!r}")
            weights.setdefault(word, {})[column] = multiplier * inner.number(word)
    table.done()
    return tuple(level for word, points in weights.items() for level in _row_levels(by, across, word, points))


def _row_levels(by: str, across: str, word: str, points: dict[str, float]) -> list[Level]:
    here = Direct(by, "is", word)
    *others, last = list(points)
    levels = [
        Level(points[column], AllOf((here, Direct(across, "is", column))))
        for column in others
        if points[column] != points[last]
    ]
    return [*levels, Level(points[last], here)]


def _choice(table: Table, key: str) -> str:
    name = table.text(key)
    kind = vocabulary().get(name)
    if kind is None or kind.kind != "choice":
        raise table.error(key, f"must name a finding that is a choice, got {name!r}")
    return name
