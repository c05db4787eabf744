"""The exact P value of a table of counts: every table with the same margins, none drawn at random.

Columns are taken one after the other, the smallest first. A node is what is left of the row sums; at each node the
distinct probabilities of the ways to it are kept with their number, so that equal ways are followed once. A way
whose every continuation is, or none is, as improbable as the table seen is settled at once, as in the network
algorithm (Mehta CR, Patel NR. J Am Stat Assoc 1983;78:427-434).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recanal.errors import OptionError

__all__ = ["exact_table_p"]

_SLACK = 1e-7  # relative; R's fisher.test uses the same, so that ties are counted whatever the rounding
_STEP = 20  # what a step costs beside the ways that take it
_DIGITS = 9  # ways are joined where their log weights agree to so many decimals
_Node = tuple[int, ...]
_Ways = tuple[NDArray[np.float64], NDArray[np.float64]]  # log weights so far, rising, and how many ways have each


def exact_table_p(table: NDArray[np.int64], *, most_paths: int | None = None) -> float | None:
    """Sum of the probabilities of all tables with these margins that are no more probable than the one seen.

    Parameters
    ----------
    table
        Whole counts, (r, c), no empty row or column.
    most_paths
        Give up, with None, beyond that much work (ways followed, plus 20 a step); None never gives up.

    Returns
    -------
    float or None
        The P value, at most 1.

    Raises
    ------
    OptionError
        When the table is empty or a count is negative.

    Examples
    --------
    >>> round(exact_table_p(np.array([[3, 1], [1, 3]])), 4)
    0.4857
    """
    counts = np.asarray(table, dtype=np.int64)
    if counts.ndim != 2 or counts.size == 0 or (counts < 0).any() or counts.sum() == 0:
        raise OptionError("An exact P value takes a table of counts of 0 or more.")
    if counts.shape[0] > counts.shape[1]:
        counts = counts.T
    columns = tuple(sorted(int(size) for size in counts.sum(axis=0)))
    rows = tuple(sorted(int(size) for size in counts.sum(axis=1)))
    if counts.shape == (2, 2):
        return _two_by_two(counts)
    if most_paths is not None and _STEP * sum(rows) > most_paths:
        return None
    network = _Network(rows, columns)
    return network.tail(network.seen(counts) + _SLACK, most_paths)


def _two_by_two(counts: NDArray[np.int64]) -> float:
    """All tables with the margins of a 2 x 2 table at once."""
    first, column, total = int(counts[0].sum()), int(counts[:, 0].sum()), int(counts.sum())
    corner = np.arange(max(0, first + column - total), min(first, column) + 1)
    log_weight = np.zeros(len(corner))
    for cells in (corner, first - corner, column - corner, total - first - column + corner):
        log_weight -= special.gammaln(cells + 1.0)
    seen = -float(special.gammaln(counts + 1.0).sum())
    weight = np.exp(log_weight - log_weight.max())
    return min(1.0, float(weight[log_weight <= seen + _SLACK].sum() / weight.sum()))


class _Network:
    """All tables with given margins, as ways from the full row sums to nothing."""

    def __init__(self, rows: _Node, columns: tuple[int, ...]) -> None:
        self._rows, self._columns = rows, columns
        self._log_factorial = special.gammaln(np.arange(sum(rows) + 2) + 1.0)
        self._ahead = lru_cache(maxsize=None)(self._ahead_plain)

    def seen(self, counts: NDArray[np.int64]) -> float:
        """Log weight of a table: minus the log factorials of its cells."""
        return -float(self._log_factorial[counts].sum())

    def tail(self, limit: float, most_paths: int | None) -> float | None:
        """Probability of the tables whose log weight does not exceed the limit; None when it is too much work."""
        ways: dict[_Node, _Ways] = {self._rows: (np.zeros(1), np.ones(1))}
        base = self._weight_of_all(self._rows, 0)
        prob, work = 0.0, 0
        for stage in range(len(self._columns)):
            following: dict[_Node, list[_Ways]] = {}
            for node, (past, number) in ways.items():
                mass = np.concatenate([[0.0], np.cumsum(np.exp(past - past[0]) * number)])
                for step, after in self._steps(node, stage):
                    work += len(past) + _STEP
                    if most_paths is not None and work > most_paths:
                        return None
                    most, least, all_of_it = self._ahead(after, stage + 1)
                    settled, kept = np.searchsorted(past, [limit - step - most, limit - step - least], side="right")
                    if settled:
                        prob += float(mass[settled]) * math.exp(past[0] + step + all_of_it - base)
                    if kept > settled:
                        following.setdefault(after, []).append((past[settled:kept] + step, number[settled:kept]))
            ways = {node: _joined(parts) for node, parts in following.items()}
        return min(1.0, prob)

    def _ahead_plain(self, node: _Node, stage: int) -> tuple[float, float, float]:
        """Bounds of the log weights from a node on, and the log of their sum."""
        return self._longest(node, stage), self._shortest(node, stage), self._weight_of_all(node, stage)

    def _steps(self, node: _Node, stage: int) -> Iterator[tuple[float, _Node]]:
        """Log weight and end of every way to fill a column; rows of equal rest are interchangeable, and sorted."""
        size = self._columns[stage]
        for cells in _fillings(node, size):
            after = tuple(sorted(left - cell for left, cell in zip(node, cells, strict=True)))
            yield -float(sum(self._log_factorial[cell] for cell in cells)), after

    def _weight_of_all(self, node: _Node, stage: int) -> float:
        """Log of the summed weights of all tables from a node on, in closed form."""
        left = sum(node)
        log_sum = self._log_factorial[left] - sum(self._log_factorial[size] for size in node)
        return float(log_sum - sum(self._log_factorial[size] for size in self._columns[stage:]))

    def _longest(self, node: _Node, stage: int) -> float:
        """Log weight of the most probable table from a node on, or a bound above it.

        The cells are left free to be fractions; the weight is then greatest where they are proportional to the
        margins, because -ln x! is concave.
        """
        left = sum(node)
        if not left:
            return 0.0
        ends = np.array(self._columns[stage:], dtype=float)
        cells = np.outer(np.array(node, dtype=float), ends) / left
        slope = special.digamma(cells + 1)
        # The tangent at any point bounds a concave function from above; its greatest value over all tables with
        # these margins is a transport problem, bounded in turn row by row.
        value = -float(special.gammaln(cells + 1).sum())
        spread = slope - slope.mean(axis=0, keepdims=True)
        room = np.minimum.outer(np.array(node, dtype=float), ends)
        return value + float((np.abs(spread - spread.mean(axis=1, keepdims=True)) * room).sum())

    def _shortest(self, node: _Node, stage: int) -> float:
        """Log weight of the least probable table from a node on, or a bound below it."""
        merged = [self._log_factorial[size] for size in self._columns[stage:]]
        by_row = [self._log_factorial[size] for size in node]
        return -float(min(sum(merged), sum(by_row)))


def _joined(parts: list[_Ways]) -> _Ways:
    """Ways of equal weight counted together."""
    together = np.concatenate([part[0] for part in parts]).round(_DIGITS)
    weights, inverse = np.unique(together, return_inverse=True)
    number = np.bincount(inverse, weights=np.concatenate([part[1] for part in parts]))
    return weights, number.astype(np.float64)


def _fillings(node: _Node, size: int) -> Iterator[_Node]:
    """Every way to take ``size`` from the rests of the rows."""
    if len(node) == 1:
        if node[0] >= size:
            yield (size,)
        return
    rest = sum(node[1:])
    for first in range(max(0, size - rest), min(node[0], size) + 1):
        for others in _fillings(node[1:], size - first):
            yield (first, *others)
