"""Local quadratic regression on one variable, evaluated as the R function ``loess`` does by default.

The curve is fitted at a few vertices, chosen by halving cells of the data, and joined by cubic Hermite pieces from the
values and slopes there. Value and slope at a vertex are linear in the outcome, and so is the whole curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.errors import StatsError

__all__ = ["LocalRegression", "local_regression"]

_CELL = 0.2
_MARGIN = 0.005
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LocalRegression:
    """A fitted curve.

    Parameters
    ----------
    vertices
        (v,) where the curve was fitted.
    operator
        (2 v, n) what turns the outcome into the values, then the slopes, at the vertices.
    outcome
        (n,) outcome.
    """

    vertices: Vector
    operator: Vector
    outcome: Vector

    def at(self, points: Vector) -> Vector:
        """(m,) curve at given points within the data."""
        out: Vector = self._blend(points) @ (self.operator @ self.outcome)
        return out

    def standard_errors(self, points: Vector, variances: Vector) -> Vector:
        """(m,) standard errors of the curve, from the (n,) variances of the outcomes."""
        covariance = (self.operator * variances) @ self.operator.T
        blend = self._blend(points)
        out: Vector = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", blend, covariance, blend, optimize=True), 0.0))
        return out

    def _blend(self, points: Vector) -> Vector:
        """(m, 2 v) weights of the values and slopes of the two vertices beside each point."""
        v = len(self.vertices)
        cell = np.clip(np.searchsorted(self.vertices, points, side="right") - 1, 0, v - 2)
        width = np.diff(self.vertices)[cell]
        t = (points - self.vertices[cell]) / width
        rows, out = np.arange(len(points)), np.zeros((len(points), 2 * v))
        out[rows, cell] = (1 + 2 * t) * (1 - t) ** 2
        out[rows, cell + 1] = t**2 * (3 - 2 * t)
        out[rows, v + cell] = width * t * (1 - t) ** 2
        out[rows, v + cell + 1] = width * t**2 * (t - 1)
        return out


def local_regression(position: Vector, outcome: Vector, *, span_share: float = 0.75) -> LocalRegression:
    """A local quadratic fit with tricube weights.

    Parameters
    ----------
    position, outcome
        (n,) variable and outcome, n >= 10.
    span_share
        Share of the cases that each local fit uses, at most 1.

    Raises
    ------
    StatsError
        When too few distinct positions lie in a neighbourhood.

    Notes
    -----
    Cleveland WS, Devlin SJ. J Am Stat Assoc 1988;83:596-610; cells, vertices and blending of Cleveland WS, Grosse E.
    Stat Comput 1991;1:47-62. A cell is cut at the lower of its two middle cases, as R does.
    """
    order = np.argsort(position, kind="stable")
    sorted_positions = position[order]
    n = len(position)
    vertices = _vertices(sorted_positions, int(n * span_share * _CELL))
    near = int(n * span_share + 1e-5)
    operator = np.zeros((2 * len(vertices), n))
    for number, vertex in enumerate(vertices):
        rows = _vertex_rows(sorted_positions, float(vertex), near)
        operator[number, order], operator[len(vertices) + number, order] = rows
    return LocalRegression(vertices, operator, outcome)


def _vertices(positions: Vector, most: int) -> Vector:
    """Ends of the box and cuts between cells that hold at most ``most`` cases."""
    spread = float(positions[-1] - positions[0])
    margin = _MARGIN * max(spread, 1e-3 * float(np.abs(positions).max()) + 1e-30)
    found = [float(positions[0]) - margin, float(positions[-1]) + margin]
    cells = [(1, len(positions))]
    while cells:
        first, last = cells.pop()
        if last - first + 1 <= most:
            continue
        middle = _cut(positions, first, last)
        if middle is None:
            continue
        found.append(float(positions[middle - 1]))
        cells += [(first, middle), (middle + 1, last)]
    return np.unique(np.array(found))


def _cut(positions: Vector, first: int, last: int) -> int | None:
    """Number of the case, from 1, after which a cell is cut: the middle, moved off ties by turns up and down."""
    middle, offset = (first + last) // 2, 0
    while first <= middle + offset < last:
        if positions[middle + offset - 1] != positions[middle + offset]:
            return middle + offset
        offset = -offset
        if offset >= 0:
            offset += 1
    return None


def _vertex_rows(positions: Vector, vertex: float, near: int) -> tuple[Vector, Vector]:
    """Rows that give value and slope at a vertex."""
    square = (positions - vertex) ** 2
    reach = float(np.partition(square, near - 1)[near - 1])
    inside = square < reach
    gap = positions[inside] - vertex
    root = np.sqrt((1 - (square[inside] / max(reach, 1e-300)) ** 1.5) ** 3)
    scale = max(float(np.sqrt(reach)), 1e-150)
    matrix = np.column_stack([np.ones(len(gap)), gap / scale, (gap / scale) ** 2]) * root[:, None]
    if len(gap) < 3 or np.linalg.matrix_rank(matrix) < 3:
        raise StatsError("Too few distinct predictions for a smooth curve.", hint="Compare groups instead.")
    inverse = np.linalg.pinv(matrix) * root
    value, slope = np.zeros(len(positions)), np.zeros(len(positions))
    value[inside], slope[inside] = inverse[0], inverse[1] / scale
    return value, slope
