"""What an open lumen shows along a vessel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.sections import RING_MM, Sections

__all__ = ["contrast_along"]

CORE_MM = 0.2
WIDE_MM = 0.75
CORE_ALONG_MM = 0.6
USUAL_SPREAD_MM = 0.42
LOCAL_MM = 10.0
PRIOR_SECTIONS = 3.0
FARTHEST_HU = 90.0
LEAST_SHARE = 0.45
TISSUE_HU = 70.0
STEEPEST_HU_PER_MM = 3.0
USUAL_HU_PER_MM = -0.8
LEAST_SECTIONS = 12
LEAST_LEVEL_HU = 150.0
CALCIUM_MARGIN_HU = 100.0

Floats = NDArray[np.float64]


def _robust_line(x: Floats, y: Floats) -> tuple[float, float]:
    """Offset and slope of the line from which the points differ least in absolute terms (Huber, 15 HU)."""
    weight = np.ones(len(x))
    slope, offset = 0.0, float(np.median(y))
    for _ in range(15):
        centre = np.average(x, weights=weight)
        spread = np.average((x - centre) ** 2, weights=weight) + 25.0
        slope = float(np.average((x - centre) * (y - np.average(y, weights=weight)), weights=weight) / spread)
        slope = float(np.clip(slope, -STEEPEST_HU_PER_MM, STEEPEST_HU_PER_MM))
        offset = float(np.average(y - slope * x, weights=weight))
        weight = 15.0 / np.maximum(np.abs(y - offset - slope * x), 15.0)
    return offset, slope


def contrast_along(sections: Sections, part: NDArray[np.bool_], origin_hu: float | None) -> Floats:
    """(n,) contrast of an open lumen, from the sections that are wide enough to show it.

    Parameters
    ----------
    sections
        Of the whole artery.
    part
        (n,) the sections to go by: one open stretch.
    origin_hu
        The contrast at the first of them, where it is known from another vessel.

    Notes
    -----
    A section counts where the middle of its rays falls half way from its own core to tissue at 0.75 mm from the axis
    or farther, which no narrowed lumen does, and where its core is not brighter than the usual by 100 HU, which would
    be calcium. Its core is raised by what the blur takes from a lumen of that radius. The contrast is the mean of
    these sections weighted by a Gaussian of 10 mm, drawn to a robust line through all of them where they are few.
    Where fewer than 12 count, it is taken from the origin and falls by 0.8 HU for each millimetre.
    """
    arc, core = sections.line.arc_mm, sections.core_hu(CORE_MM)
    core = ndimage.gaussian_filter1d(core, CORE_ALONG_MM / sections.step_mm, mode="nearest")
    rows = np.flatnonzero(part)
    level = origin_hu if origin_hu is not None else float(np.percentile(core[rows], 70))
    level = max(level, LEAST_LEVEL_HU)
    half = _half_radius(sections, core)[rows]
    shown = 1.0 - np.exp(-0.5 * (half / USUAL_SPREAD_MM) ** 2)
    value = TISSUE_HU + (core[rows] - TISSUE_HU) / np.maximum(shown, 0.5)
    use = (half >= WIDE_MM) & (value > LEAST_SHARE * level) & (value < level + CALCIUM_MARGIN_HU)
    if use.sum() < LEAST_SECTIONS:
        return np.asarray(np.maximum(level + USUAL_HU_PER_MM * (arc - arc[rows[0]]), 0.6 * level))
    at, value = arc[rows[use]], value[use]
    offset, slope = _robust_line(at, value)
    line = offset + slope * np.clip(arc, at.min(), at.max())
    off = np.clip(value - offset - slope * at, -FARTHEST_HU, FARTHEST_HU)
    weight = np.exp(-0.5 * ((arc[:, None] - at[None, :]) / LOCAL_MM) ** 2)
    return np.asarray(line + (weight @ off) / (weight.sum(axis=1) + PRIOR_SECTIONS))


def _half_radius(sections: Sections, core_hu: Floats) -> Floats:
    """(n,) where the middle of the rays falls half way from the core to tissue."""
    middle = np.median(sections.hu, axis=1)
    below = middle < 0.5 * (core_hu + TISSUE_HU)[:, None]
    return np.asarray(np.where(below.any(axis=1), below.argmax(axis=1), middle.shape[1]) * RING_MM)
