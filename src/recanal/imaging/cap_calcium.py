"""Where a cap lies that calcium covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.sections import RING_MM, Sections

__all__ = ["calcified", "covered_cap_mm"]

RAY_MM = (0.2, 0.8)
ALONG_MM = 0.45
RAYS = 2.0
SHARE_OF_RAYS = 0.9
AHEAD_MM = 0.3
BEHIND_MM = 2.2
OPEN_MM = 3.0
COVERED_SHARE = 0.4
MOST_MM = 2.0


def calcified(sections: Sections, level_hu: NDArray[np.float64], *, margin_hu: float) -> NDArray[np.bool_]:
    """(n,) sections of which a tenth, near the axis, stands well above the lumen.

    Parameters
    ----------
    level_hu
        (n,) what an open lumen would show.
    margin_hu
        How much brighter calcium is.
    """
    first, last = (round(radius / RING_MM) for radius in RAY_MM)
    rays = sections.hu[:, :, first : last + 1].mean(axis=2)
    smooth = ndimage.gaussian_filter(rays, (ALONG_MM / sections.step_mm, RAYS), mode=("nearest", "wrap"), truncate=3.0)
    return np.asarray(np.quantile(smooth, SHARE_OF_RAYS, axis=1) > level_hu + margin_hu)


def covered_cap_mm(
    arc_mm: NDArray[np.float64],
    above_hu: NDArray[np.float64],
    dense: NDArray[np.bool_],
    *,
    cap_mm: float,
    inward: int,
) -> float:
    """The cap, moved under the calcium that covers it.

    Parameters
    ----------
    arc_mm
        (n,) arc lengths.
    above_hu
        (n,) contrast near the axis above the level half way from plaque to lumen.
    dense
        (n,) sections with calcium.
    cap_mm
        Where contrast seems to end.
    inward
        +1 where the gap lies after the cap, -1 where before.

    Notes
    -----
    Calcium that stands at the lumen without a dark gap between, and after which no lumen is seen, hides where the
    lumen ends: somewhere between its two ends. The cap is put 0.4 of the way through it, at most 2 mm in, for calcium
    lies in the occlusion more often than in the open vessel.
    """
    order = np.argsort(arc_mm * inward)
    depth = (arc_mm[order] - cap_mm) * inward
    hard, above = dense[order], above_hu[order]
    near = np.flatnonzero(hard & (depth > -BEHIND_MM) & (depth < AHEAD_MM))
    if not len(near):
        return cap_mm
    first = last = int(near[0])
    while first > 0 and hard[first - 1]:
        first -= 1
    while last < len(hard) - 1 and hard[last + 1]:
        last += 1
    before = (depth > depth[first] - OPEN_MM) & (depth <= depth[first])
    if above[before].min() < 0:
        return cap_mm
    inside = min(COVERED_SHARE * float(depth[last] - depth[first]), MOST_MM)
    return cap_mm + inward * (float(depth[first]) + inside)
