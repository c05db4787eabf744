"""Under what angle calcium is seen from the middle of the vessel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recanal.imaging.sections import RING_MM
from recanal.measure.tissue import Tissue

__all__ = ["calcium_arc_deg", "wall_centre_mm"]

DIRECTIONS = 72
SPAN_SHARE = 1.2


def wall_centre_mm(wall_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) centre of gravity of the area inside each outer wall, in mm along the first ray and the quarter turn.

    Parameters
    ----------
    wall_mm
        (n, m) radii of the wall on m evenly spaced rays.

    Examples
    --------
    >>> float(np.abs(wall_centre_mm(np.full((1, 48), 2.0))).max()) < 1e-9
    True
    """
    angle = np.arange(wall_mm.shape[1]) * (2 * np.pi / wall_mm.shape[1])
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    weight = np.maximum((wall_mm**2).sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(2.0 / 3.0 * (wall_mm**3 @ along) / weight)


def calcium_arc_deg(tissue: Tissue, dense: NDArray[np.bool_], *, threshold_hu: float) -> NDArray[np.float64]:
    """(n,) angle under which the calcium of each section is seen from the centre of the outer wall, 0 to 360 degrees.

    Parameters
    ----------
    tissue
        Of the vessel, on polar cells around its axis.
    dense
        (n, m, r) cells that count as calcium.
    threshold_hu
        From where on tissue counts as calcium.

    Notes
    -----
    The share of 72 directions in which calcium lies between the centre and the wall. The axis may lie some tenths of
    a millimetre off the middle of the vessel, and calcium near it then covers quite another angle; the wall, traced
    all around, has a steadier centre.
    """
    arc = np.zeros(len(dense))
    rows = np.flatnonzero((dense & (tissue.area_mm2 > 0)).any(axis=(1, 2)))
    if len(rows):
        arc[rows] = _seen(tissue, dense, rows, threshold_hu).mean(axis=1) * 360.0
    return arc


def _seen(tissue: Tissue, dense: NDArray[np.bool_], rows: NDArray[np.int64], threshold_hu: float) -> NDArray[np.bool_]:
    """(k, 72) whether calcium lies in each direction from the centre of the wall of each of the rows."""
    hu, wall, inside = tissue.hu[rows], tissue.wall_mm[rows], dense[rows]
    rays, rings = hu.shape[1:]
    centre = wall_centre_mm(wall)[:, :, None, None]
    angle = (np.arange(DIRECTIONS) * (2 * np.pi / DIRECTIONS))[:, None]
    reach = np.arange(round(SPAN_SHARE * rings)) * RING_MM
    x, y = centre[:, 0] + np.cos(angle) * reach, centre[:, 1] + np.sin(angle) * reach
    radius = np.hypot(x, y)
    turn = np.mod(np.arctan2(y, x) * (rays / (2 * np.pi)), rays)
    ray, ring = turn.astype(np.int64) % rays, np.minimum((radius / RING_MM).astype(np.int64), rings - 2)
    across, outward = turn - np.floor(turn), np.clip(radius / RING_MM - ring, 0.0, 1.0)
    row, after = np.arange(len(rows))[:, None, None], (ray + 1) % rays
    near = hu[row, ray, ring] * (1 - across) + hu[row, after, ring] * across
    far = hu[row, ray, ring + 1] * (1 - across) + hu[row, after, ring + 1] * across
    border = wall[row, ray] * (1 - across) + wall[row, after] * across
    counted = inside[
        row, np.rint(turn).astype(np.int64) % rays, np.minimum(np.rint(radius / RING_MM).astype(int), rings - 1)
    ]
    bright = near * (1 - outward) + far * outward >= threshold_hu
    return np.asarray((bright & counted & (radius < border)).any(axis=2))
