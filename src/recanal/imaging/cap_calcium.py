"""Where a cap lies that calcium covers, and where calcium stands in place of the lumen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.imaging.sections import RING_MM, Sections

__all__ = [
    "CALCIUM_MARGIN_HU",
    "calcified",
    "clear_of_calcium",
    "covered_cap_mm",
    "empty_beside_calcium",
    "filled_with_calcium",
    "long_runs",
]

RAY_MM = (0.2, 0.8)
ALONG_MM = 0.45
RAYS = 2.0
SHARE_OF_RAYS = 0.9
AHEAD_MM = 0.3
BEHIND_MM = 2.2
OPEN_MM = 3.0
COVERED_SHARE = 0.4
MOST_MM = 2.0
CALCIUM_MARGIN_HU = 130.0
CALCIUM_REACH_MM, CALCIUM_TRACE = 1.6, 0.05
FILLED_RADIUS = 0.9
FILLED = ((0.6, 4.0), (0.9, 3.0))
AXIS_MM = 0.3
RING_RAYS = 0.25
HOLE_SHARE = 0.75
ON_AXIS = (300.0, 2.0)
GLOW_REACH_MM, RIM_MM = 1.0, 1.0
BESIDE_MM, MOST_BESIDE, LEAST_PLACES = 2.0, 0.3, 16
BRIGHT_PART = 0.9


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


def clear_of_calcium(sections: Sections, level_hu: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) sections in which no more than a trace is well brighter than the lumen.

    Parameters
    ----------
    level_hu
        (n,) what an open lumen would show.
    """
    rings = round(CALCIUM_REACH_MM / RING_MM)
    weight = np.arange(rings) + 0.25
    level = np.maximum(level_hu + CALCIUM_MARGIN_HU, 350.0)
    dense = (sections.hu[:, :, :rings] > level[:, None, None]).mean(axis=1)
    return np.asarray((dense * weight).sum(axis=1) / weight.sum() < CALCIUM_TRACE)


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


def long_runs(mask: NDArray[np.bool_], least_samples: float) -> NDArray[np.bool_]:
    """The mask without its runs shorter than a length.

    Parameters
    ----------
    mask
        (n,) along the vessel.
    least_samples
        That length.
    """
    label, count = ndimage.label(mask)
    if count == 0:
        return mask
    size = ndimage.sum_labels(mask, label, np.arange(1, count + 1))
    return np.asarray(np.isin(label, 1 + np.flatnonzero(size >= least_samples)))


def filled_with_calcium(
    sections: Sections,
    level_hu: NDArray[np.float64],
    run: tuple[int, int],
    *,
    radius_mm: float,
    on_axis: bool = True,
) -> bool:
    """Whether calcium stands where the lumen should be.

    It takes most of what would be lumen over 4 mm of the run, or nearly all of it over 3 mm, the axis included: a ring
    of calcium, round at least three quarters, glows into its lumen but leaves it darker than itself. Or it stands on
    the axis, far brighter than any lumen, over 2 mm.

    Parameters
    ----------
    level_hu
        (n,) what an open lumen would show.
    run
        First and last section.
    radius_mm
        Of the open lumen.
    on_axis
        Whether calcium that stands on the axis, and not from side to side, counts.
    """
    rings = round(FILLED_RADIUS * radius_mm / RING_MM) + 1
    weight = np.arange(rings) + 0.25
    rows = slice(run[0], run[1] + 1)
    level = level_hu[rows]
    inside = sections.hu[rows, :, :rings]
    dense = (inside > (level + CALCIUM_MARGIN_HU)[:, None, None]).mean(axis=1)
    covered = (dense * weight).sum(axis=1) / weight.sum()
    blur = ALONG_MM / sections.step_mm
    ring = ndimage.gaussian_filter1d(np.quantile(inside, RING_RAYS, axis=1).max(axis=1), blur, mode="nearest") - level
    core = ndimage.gaussian_filter1d(sections.core_hu(AXIS_MM)[rows], blur, mode="nearest") - level
    whole = core > HOLE_SHARE * ring
    stretches = [((covered > share) & whole, length_mm) for share, length_mm in FILLED]
    if on_axis:
        stretches.append((whole & (core > ON_AXIS[0]), ON_AXIS[1]))
    return any(bool(long_runs(mask, length_mm / sections.step_mm).any()) for mask, length_mm in stretches)


def empty_beside_calcium(
    sections: Sections, level_hu: NDArray[np.float64], run: tuple[int, int], *, radius_mm: float, tissue_hu: float
) -> bool:
    """Whether no lumen is seen beside the calcium of a run, over 2 mm.

    The axis may lead along calcium, which glows like lumen. So what lies in the vessel more than 1 mm from calcium is
    looked at: where even the brightest tenth of its samples keeps less than 30 % of the contrast, on average over 2 mm,
    no lumen passes beside.

    Parameters
    ----------
    sections, level_hu, run, radius_mm
        As for :func:`filled_with_calcium`.
    tissue_hu
        Level of tissue without contrast.
    """
    inner, outer = (round(mm / RING_MM) + 1 for mm in (FILLED_RADIUS * radius_mm, radius_mm + RIM_MM))
    rows = slice(run[0], run[1] + 1)
    blur = ALONG_MM / sections.step_mm
    hu = ndimage.gaussian_filter1d(sections.hu[rows, :, :outer].astype(np.float64), blur, axis=0, mode="nearest")
    angle = 2 * np.pi * np.arange(hu.shape[1]) / hu.shape[1]
    radius = RING_MM * np.arange(hu.shape[2])
    places = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, None, :]
    share = np.ones(len(hu))
    for k, (plane, level) in enumerate(zip(hu, level_hu[rows], strict=True)):
        dense = places[plane > level + CALCIUM_MARGIN_HU]
        if not len(dense):
            continue
        near = cKDTree(dense).query(places[:, :inner].reshape(-1, 2), distance_upper_bound=GLOW_REACH_MM)[0]
        away = np.isinf(near).reshape(-1, inner)
        if away.sum() >= LEAST_PLACES:
            bright = float(np.quantile(plane[:, :inner][away], BRIGHT_PART))
            share[k] = (bright - tissue_hu) / max(level - tissue_hu, 40.0)
    size = max(1, round(BESIDE_MM / sections.step_mm))
    share = np.clip(share, 0.0, 1.0)
    return bool(ndimage.uniform_filter1d(share, size, mode="constant", cval=1.0).min() < MOST_BESIDE)
