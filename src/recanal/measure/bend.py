"""How far a vessel turns."""

from __future__ import annotations

import numpy as np

from recanal.core.curves import Centerline

__all__ = ["bend_max", "chord_mm"]

WINDOW_MM = 5.0


def bend_max(
    line: Centerline, *, start_mm: float, end_mm: float, window_mm: float = WINDOW_MM
) -> tuple[float, float] | None:
    """Largest angle between the vessel's directions over ``window_mm`` before and after a point between two positions.

    Parameters
    ----------
    line
        The axis; it should reach ``window_mm`` beyond both positions, else the windows shrink to what there is.
    start_mm, end_mm
        Arc lengths of the caps.

    Returns
    -------
    (degrees, position)
        The position is the arc length of the point; None where less than 2 mm of vessel lie on either side.

    Notes
    -----
    The direction over a window is that of its chord, so a bend counts however sharply it turns inside the window.
    J-CTO counts a bend of more than 45 degrees within the occlusion (Morino 2011, doi:10.1016/j.jcin.2010.09.024).

    >>> corner = Centerline([[0, 0, 0], [10, 0, 0], [10, 10, 0]])
    >>> angle, where = bend_max(corner, start_mm=5, end_mm=15)
    >>> round(angle), round(where)
    (90, 10)
    """
    where = np.arange(start_mm, end_mm + 1e-9, 0.1)
    before = np.minimum(window_mm, where)
    after = np.minimum(window_mm, line.length_mm - where)
    usable = (before >= 2.0) & (after >= 2.0)
    if not usable.any():
        return None
    where, before, after = where[usable], before[usable], after[usable]
    here = line.at(where)
    back, ahead = here - line.at(where - before), line.at(where + after) - here
    dot = (back * ahead).sum(axis=1) / (np.linalg.norm(back, axis=1) * np.linalg.norm(ahead, axis=1))
    angle = np.degrees(np.arccos(np.clip(dot, -1.0, 1.0)))
    best = int(np.argmax(angle))
    return float(angle[best]), float(where[best])


def chord_mm(line: Centerline, *, start_mm: float, end_mm: float) -> float:
    """Straight distance between two positions of the axis."""
    ends = line.at([start_mm, end_mm])
    return float(np.linalg.norm(ends[1] - ends[0]))
