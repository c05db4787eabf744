"""How much shorter a curve looks from a direction than it is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.errors import GeometryError

__all__ = ["foreshortening_percent", "thirds_percent"]


def foreshortening_percent(points_mm: ArrayLike, directions: ArrayLike) -> NDArray[np.float64]:
    """``100 (1 - projected length / true length)`` of a polyline.

    Parameters
    ----------
    points_mm
        (n >= 2, 3) LPS.
    directions
        (..., 3) unit vectors along the beam.

    Returns
    -------
    percent
        (...) 0 where the whole curve lies across the beam, 100 where it lies along it.

    Raises
    ------
    GeometryError
        When the curve has no length.

    Notes
    -----
    Beams are parallel. Both lengths are arc lengths in three dimensions, summed over the pieces of the polyline: a
    bend that the view hides counts as foreshortening.

    >>> foreshortening_percent([[0, 0, 0], [10, 0, 0]], [[0, -1, 0], [1, 0, 0]])
    array([  0., 100.])
    """
    pieces = np.diff(np.asarray(points_mm, dtype=np.float64), axis=0)
    length = np.linalg.norm(pieces, axis=1)
    if not len(pieces) or not length.sum() > 0:
        raise GeometryError(f"A curve needs a length, got {len(pieces)} pieces of {length.sum():g} mm.")
    along = np.asarray(directions, dtype=np.float64) @ pieces.T
    across = np.sqrt(np.maximum(length**2 - along**2, 0.0))
    return np.asarray(100.0 * (1.0 - across.sum(axis=-1) / length.sum()))


def thirds_percent(points_mm: NDArray[np.float64], direction: ArrayLike) -> tuple[float, float, float]:
    """Foreshortening of the proximal, the middle and the distal third (by arc length) of a polyline.

    >>> thirds_percent(np.array([[0.0, 0, 0], [2, 0, 0], [2, 1, 0]]), [0, -1, 0])
    (0.0, 0.0, 100.0)
    """
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points_mm, axis=0), axis=1))])
    cuts = np.linspace(0.0, arc[-1], 4)
    parts = []
    for low, high in pairwise(cuts):
        where = np.concatenate([[low], arc[(arc > low + 1e-9) & (arc < high - 1e-9)], [high]])
        piece = np.stack([np.interp(where, arc, points_mm[:, k]) for k in range(3)], axis=1)
        parts.append(float(foreshortening_percent(piece, direction)))
    return parts[0], parts[1], parts[2]
