"""The open vessel next to an occlusion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["diseased_beyond", "reference_diameter_mm"]

REFERENCE_MM = 5.0
STENOSIS = 0.5
LEAST_DIAMETER_MM = 0.61  # the contour knows no smaller lumen: where it is drawn so small, none was seen


def reference_diameter_mm(
    arc_mm: NDArray[np.float64], lumen_area_mm2: NDArray[np.float64], *, cap_mm: float, away: int, skip_mm: float
) -> float | None:
    """Mean lumen diameter over the 5 mm of open vessel next to a cap.

    Parameters
    ----------
    arc_mm, lumen_area_mm2
        (n,) along the vessel.
    away
        -1 before the proximal cap, +1 beyond the distal one.
    skip_mm
        Left out next to the cap: its blur and its taper.

    Returns
    -------
    float or None
        None where a lumen wider than 0.6 mm was seen over less than 1 mm.
    """
    diameter_mm = 2 * np.sqrt(lumen_area_mm2 / np.pi)
    distance = (arc_mm - cap_mm) * away
    near = (distance >= skip_mm) & (distance <= skip_mm + REFERENCE_MM) & (diameter_mm > LEAST_DIAMETER_MM)
    if near.sum() < 4:
        return None
    return float(np.mean(diameter_mm[near]))


def diseased_beyond(
    arc_mm: NDArray[np.float64], lumen_area_mm2: NDArray[np.float64], *, cap_mm: float, skip_mm: float
) -> bool | None:
    """Whether the lumen beyond the distal cap narrows to half of its median diameter, or less.

    None where less than 5 mm of it were seen.
    """
    beyond = (arc_mm >= cap_mm + skip_mm) & (lumen_area_mm2 > 0)
    if beyond.sum() < 8 or np.ptp(arc_mm[beyond]) < REFERENCE_MM:
        return None
    diameter = 2 * np.sqrt(lumen_area_mm2[beyond] / np.pi)
    inner = diameter[: -max(1, len(diameter) // 20)]
    return bool(inner.min() <= STENOSIS * np.median(diameter))
