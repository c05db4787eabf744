"""How far a vessel turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Centerline

__all__ = ["bend_max", "chord_mm"]

REACH_MM = 5.0
DIRECTION_MM = 2.0


def bend_max(line: Centerline, *, start_mm: float, end_mm: float) -> tuple[float, float] | None:
    """Largest angle between the vessel's directions 5 mm before and 5 mm after a point between two positions.

    Parameters
    ----------
    line
        The axis; it should reach 7 mm beyond both positions, else the reach shrinks to what there is.
    start_mm, end_mm
        Arc lengths of the caps.

    Returns
    -------
    (degrees, position)
        The position is the arc length of the point; None where less than 2 mm of vessel lie on either side.

    Notes
    -----
    So it is the whole turn over 10 mm of vessel. The direction at a place is that of the chord over 2 mm on either
    side of it. J-CTO counts a bend of more than 45 degrees within the occlusion (Morino 2011,
    doi:10.1016/j.jcin.2010.09.024).

    >>> corner = Centerline([[0, 0, 0], [10, 0, 0], [10, 10, 0]])
    >>> angle, where = bend_max(corner, start_mm=6, end_mm=14)
    >>> round(angle), 6 <= where <= 14
    (90, True)
    """
    where = np.arange(start_mm, end_mm + 1e-9, 0.1)
    back = np.minimum(REACH_MM, where - DIRECTION_MM)
    ahead = np.minimum(REACH_MM, line.length_mm - DIRECTION_MM - where)
    usable = (back >= 1.0) & (ahead >= 1.0)
    if not usable.any():
        return None
    where, back, ahead = where[usable], back[usable], ahead[usable]
    before, after = _direction(line, where - back), _direction(line, where + ahead)
    angle = np.degrees(np.arccos(np.clip((before * after).sum(axis=1), -1.0, 1.0)))
    best = int(np.argmax(angle))
    return float(angle[best]), float(where[best])


def _direction(line: Centerline, where_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) unit vectors along the axis."""
    chord = line.at(where_mm + DIRECTION_MM) - line.at(where_mm - DIRECTION_MM)
    return np.asarray(chord / np.linalg.norm(chord, axis=1, keepdims=True))


def chord_mm(line: Centerline, *, start_mm: float, end_mm: float) -> float:
    """Straight distance between two positions of the axis."""
    ends = line.at([start_mm, end_mm])
    return float(np.linalg.norm(ends[1] - ends[0]))
