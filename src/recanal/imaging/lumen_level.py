"""What an open lumen would show along a vessel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.cap_calcium import CALCIUM_MARGIN_HU, clear_of_calcium, long_runs
from recanal.imaging.sections import Sections

__all__ = ["LumenLevel", "lumen_level"]

TISSUE_HU = 60.0
CORE_MM = 0.2
ALONG_MM = 0.45
SLOPES_HU_PER_MM = (-3.0, 1.0)


@dataclass(frozen=True, eq=False)
class LumenLevel:
    """Contrast along the vessel.

    Parameters
    ----------
    core_hu
        (n,) mean near the axis, lightly smoothed along it.
    level_hu
        (n,) what an open lumen would show there.
    noise_hu
        Residual noise of ``core_hu``.
    """

    core_hu: NDArray[np.float64]
    level_hu: NDArray[np.float64]
    noise_hu: float


def _line_fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Offset and slope through the medians of two halves; contrast falls by 3 HU/mm or rises by 1 at most."""
    if len(x) < 8:
        return float(np.median(y)), 0.0
    half = len(x) // 2
    order = np.argsort(x)
    a, b = order[:half], order[half:]
    xa, xb = float(np.median(x[a])), float(np.median(x[b]))
    ya, yb = float(np.median(y[a])), float(np.median(y[b]))
    slope = float(np.clip((yb - ya) / max(xb - xa, 1.0), *SLOPES_HU_PER_MM))
    return float(np.median(y - slope * x)), slope


def lumen_level(sections: Sections, levels_hu: tuple[float, float]) -> LumenLevel:
    """The contrast along the vessel, and what an open lumen would show, from the open stretch at either end.

    Parameters
    ----------
    levels_hu
        First guesses at the two ends.
    """
    core = sections.core_hu(CORE_MM)
    smooth = ndimage.gaussian_filter1d(core, ALONG_MM / sections.step_mm, mode="nearest")
    noise = 1.4826 * float(np.median(np.abs(core - smooth)))
    arc = sections.line.arc_mm
    n = len(arc)
    level = np.where(np.arange(n) < n / 2, levels_hu[0], levels_hu[1]).astype(float)
    for _ in range(3):
        share = (smooth - TISSUE_HU) / np.maximum(level - TISSUE_HU, 40.0)
        clean = clear_of_calcium(sections, level)
        good = (share > 0.7) & (smooth < level + CALCIUM_MARGIN_HU) & clean
        closed = np.flatnonzero(~long_runs(good, 2.0 / sections.step_mm) & ((share < 0.5) | ~clean))
        first, last = (int(closed[0]), int(closed[-1])) if len(closed) else (n // 2, n // 2)
        level = _two_ends(arc, smooth, good, (first, last), level)
    return LumenLevel(smooth, level, noise)


def _two_ends(
    arc: NDArray[np.float64],
    core: NDArray[np.float64],
    good: NDArray[np.bool_],
    closed: tuple[int, int],
    level: NDArray[np.float64],
) -> NDArray[np.float64]:
    out = level.copy()
    index = np.arange(len(arc))
    split = (closed[0] + closed[1]) / 2
    for side in (index < split, index >= split):
        stretch = side & good & ((index < closed[0]) | (index > closed[1]))
        if stretch.sum() < 4:
            continue
        offset, slope = _line_fit(arc[stretch], core[stretch])
        inside = np.clip(arc, arc[stretch].min(), arc[stretch].max())
        out[side] = (offset + slope * inside)[side]
    between = (index > closed[0]) & (index < closed[1])
    ends = list(closed)
    out[between] = np.interp(arc[between], arc[ends], out[ends])  # contrast that goes on falls steadily, not in a step
    return out
