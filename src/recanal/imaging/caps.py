"""Where along a vessel the contrast stops and begins again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.sections import Sections

__all__ = ["Gap", "LumenLevel", "find_gaps", "lumen_level"]

TISSUE_HU = 60.0
CORE_MM = 0.2
ALONG_MM = 0.45
CALCIUM_MARGIN_HU = 130.0
LEAST_GAP_MM = 2.0
LEAST_ISLAND_MM = 5.0


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


@dataclass(frozen=True)
class Gap:
    """One stretch without contrast; arc lengths on the line of the sections.

    Parameters
    ----------
    start_mm, end_mm
        The proximal and the distal cap.
    plaque_start_hu, plaque_end_hu
        Level of the plaque next to each cap, calcium left out.
    residual
        Contrast left in the emptiest 2 mm, as a share of the lumen-to-tissue contrast.
    """

    start_mm: float
    end_mm: float
    plaque_start_hu: float
    plaque_end_hu: float
    residual: float


def _line_fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Offset and slope through the upper bulk of the points: medians of the two halves, slope limited to 3 HU/mm."""
    if len(x) < 8:
        return float(np.median(y)), 0.0
    half = len(x) // 2
    order = np.argsort(x)
    a, b = order[:half], order[half:]
    xa, xb = float(np.median(x[a])), float(np.median(x[b]))
    ya, yb = float(np.median(y[a])), float(np.median(y[b]))
    slope = float(np.clip((yb - ya) / max(xb - xa, 1.0), -3.0, 3.0))
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
        good = (share > 0.7) & (smooth < level + CALCIUM_MARGIN_HU)
        closed = np.flatnonzero(~_long_runs(good, 2.0 / sections.step_mm) & (share < 0.5))
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
    return out


def _long_runs(mask: NDArray[np.bool_], least: float) -> NDArray[np.bool_]:
    """The mask without its runs shorter than ``least`` samples."""
    label, count = ndimage.label(mask)
    if count == 0:
        return mask
    size = ndimage.sum_labels(mask, label, np.arange(1, count + 1))
    return np.asarray(np.isin(label, 1 + np.flatnonzero(size >= least)))


def find_gaps(sections: Sections, lumen: LumenLevel) -> tuple[Gap, ...]:
    """The occlusions along the sections, proximal first.

    Notes
    -----
    A gap is a run without lumen: contrast below half way from tissue to lumen, or calcium well above the lumen.
    Open islands shorter than 5 mm belong to the gap. Each cap is then put, between samples, where the core falls
    through half of the local lumen-to-plaque contrast.
    """
    step = sections.step_mm
    contrast = np.maximum(lumen.level_hu - TISSUE_HU, 40.0)
    share = (lumen.core_hu - TISSUE_HU) / contrast
    margin = max(CALCIUM_MARGIN_HU, 5 * lumen.noise_hu)
    low = share < 0.5
    hard = lumen.core_hu > lumen.level_hu + margin
    closed = ~_long_runs(~(low | hard), LEAST_ISLAND_MM / step)
    label, count = ndimage.label(closed)
    gaps = []
    for k in range(1, count + 1):
        run = np.flatnonzero(label == k)
        if run[0] == 0 or run[-1] == len(share) - 1:
            continue
        gap = _gap(sections, lumen, (int(run[0]), int(run[-1])), low | hard)
        if gap is not None:
            gaps.append(gap)
    return tuple(gaps)


def _gap(sections: Sections, lumen: LumenLevel, run: tuple[int, int], shut: NDArray[np.bool_]) -> Gap | None:
    inside = np.flatnonzero(shut[run[0] : run[1] + 1]) + run[0]
    first, last = int(inside[0]), int(inside[-1])
    step = sections.step_mm
    if (last - first) * step < LEAST_GAP_MM / 2:
        return None
    core, level = lumen.core_hu[first : last + 1], lumen.level_hu[first : last + 1]
    share = (core - TISSUE_HU) / np.maximum(level - TISSUE_HU, 40.0)
    window = max(1, round(min(2.0, 0.5 * (last - first) * step) / step))
    residual = float(ndimage.uniform_filter1d(share, window, mode="nearest").min())
    arc = sections.line.arc_mm
    ends = []
    for at, inward in ((first, 1), (last, -1)):
        plaque = _plaque_level(lumen, (first, last), at, round(5.0 / step) * inward)
        position = _cap(arc, lumen, at, inward, plaque=plaque)
        ends.append((position, plaque))
    (start, plaque_a), (end, plaque_b) = ends
    if end - start < LEAST_GAP_MM / 2:
        return None
    return Gap(start, end, plaque_a, plaque_b, residual)


def _plaque_level(lumen: LumenLevel, gap: tuple[int, int], at: int, reach: int) -> float:
    """Median core over the first millimetres of the gap that hold neither lumen nor calcium; tissue where none."""
    near = slice(at, min(at + reach, gap[1]) + 1) if reach > 0 else slice(max(at + reach, gap[0]), at + 1)
    for part in (near, slice(gap[0], gap[1] + 1)):
        core, level = lumen.core_hu[part], lumen.level_hu[part]
        soft = core[(core - TISSUE_HU) < 0.4 * (level - TISSUE_HU)]
        if len(soft) >= 3:
            return float(np.median(soft))
    return TISSUE_HU


def _cap(arc: NDArray[np.float64], lumen: LumenLevel, at: int, inward: int, *, plaque: float) -> float:
    """Arc length where the core leaves the lumen level, from the open side into the gap."""
    core, level = lumen.core_hu, lumen.level_hu
    half = (level + plaque) / 2
    hard = core[at] > half[at]
    here = at
    if hard:  # calcium stands directly at the lumen: half way up its flank
        flank = core[at : at + 12 * inward : inward]
        mark = np.full_like(core, (float(level[at]) + float(flank.max())) / 2)
        while 0 < here < len(core) - 1 and core[here] < mark[here]:
            here += inward
        while 0 < here < len(core) - 1 and core[here - inward] >= mark[here]:
            here -= inward
        level_here = mark
    else:
        level_here = half
        while 0 < here < len(core) - 1 and core[here] > half[here]:
            here += inward
        while 0 < here < len(core) - 1 and core[here - inward] <= half[here - inward]:
            here -= inward
    outer = here - inward
    if not 0 <= outer < len(core):
        return float(arc[here])
    a, b = core[outer] - level_here[outer], core[here] - level_here[here]
    share = float(np.clip(a / (a - b), 0.0, 1.0)) if a != b else 0.5
    return float(arc[outer] + share * (arc[here] - arc[outer]))
