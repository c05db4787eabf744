"""Occlusions, and ends of occlusions, that the glow of calcium fills with light."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.grids.glow import without_glow
from recanal.imaging.beside_calcium import DARK_SHARE, LEAST_LEFT_MM, Beside, cap_beside_calcium, mean_share
from recanal.imaging.borders import Borders
from recanal.imaging.caps import Gap, find_gaps
from recanal.imaging.lumen_level import ALONG_MM, CORE_MM, TISSUE_HU, LumenLevel
from recanal.imaging.sample import Block
from recanal.imaging.sections import RING_MM, Sections, cut_sections

__all__ = ["gaps_behind_calcium"]

NEAR_MM = 4.0
INSIDE = 0.9
END_MM = 1.0
BRIGHT_PART, LEAST_PART, TRACE = 0.9, 0.4, 0.02
LEAST_LENGTH_MM = 5.0
LEAST_CONTRAST_HU = 40.0
CAP_REACH_MM = 6.0
REFERENCE_MM = 3.0
ABOVE_LUMEN_HU, OPEN_BEFORE_MM = (130.0, 90.0), 1.0
BRIGHT_PLAQUE_HU = 165.0


class _Vessel(NamedTuple):
    """A vessel, its contrast and contours, and two places along it known to be open."""

    block: Block
    sections: Sections
    lumen: LumenLevel
    borders: Borders
    open_mm: tuple[float, float]


def gaps_behind_calcium(
    block: Block,
    sections: Sections,
    lumen: LumenLevel,
    gaps: tuple[Gap, ...],
    borders: Borders,
    *,
    open_mm: tuple[float, float],
) -> tuple[Gap, ...]:
    """The occlusions of a vessel once the glow of its calcium is taken off.

    Parameters
    ----------
    block, sections, lumen, borders
        The vessel, its contrast and its contours.
    gaps
        The occlusions seen so far.
    open_mm
        Arc lengths of two places known to be open.

    Notes
    -----
    Blur makes a plate of calcium light the whole section, as lumen would. Its glow is what the calcium, fitted to the
    voxels that show it, sends beyond them (:func:`recanal.grids.glow.without_glow`). What is dark without it counts
    where even the brightest tenth of the sections beside the calcium keeps less than 0.35 of the contrast, in the mean.
    Where no occlusion was seen, one of 5 mm or more is taken: so in about six of ten made occlusions with calcium, and
    in none of sixty open vessels with calcium and a stenosis below 70 %, along their true axes. Calcium is what stands
    130 HU above the lumen; the lumen of its own side, where an occlusion was seen, whose outermost caps then move
    (:func:`recanal.imaging.beside_calcium.cap_beside_calcium`). Where that tells nothing, 90 HU count as calcium: a
    nodule in plaque may be little brighter than lumen.
    """
    vessel, found = _Vessel(block, sections, lumen, borders, open_mm), gaps
    for above_hu in ABOVE_LUMEN_HU:
        if found and not gaps:
            break
        found = _first_moves(gaps, found, _gaps_behind(vessel, gaps, above_hu))
    return found


def _first_moves(gaps: tuple[Gap, ...], found: tuple[Gap, ...], now: tuple[Gap, ...]) -> tuple[Gap, ...]:
    """What was found before, its outermost caps where they are now, if they had stayed where they were."""
    if not gaps:
        return found or now
    start_mm, end_mm = found[0].start_mm, found[-1].end_mm
    start_mm = now[0].start_mm if start_mm == gaps[0].start_mm else start_mm
    end_mm = now[-1].end_mm if end_mm == gaps[-1].end_mm else end_mm
    return _with_caps(gaps, start_mm, end_mm)


def _with_caps(gaps: tuple[Gap, ...], start_mm: float, end_mm: float) -> tuple[Gap, ...]:
    """The gaps with other outermost caps; as they are where too little would be left."""
    if len(gaps) == 1 and end_mm - start_mm < LEAST_LEFT_MM:
        return gaps
    gaps = (replace(gaps[0], start_mm=start_mm), *gaps[1:])
    return (*gaps[:-1], replace(gaps[-1], end_mm=end_mm))


def _gaps_behind(vessel: _Vessel, gaps: tuple[Gap, ...], above_hu: float) -> tuple[Gap, ...]:
    """The occlusions once the glow of what is so much brighter than the lumen is taken off."""
    block, sections, lumen, borders, open_mm = vessel
    line, between = sections.line, (sections.line.arc_mm >= open_mm[0]) & (sections.line.arc_mm <= open_mm[1])
    near, caps_mm = between, open_mm
    if gaps:
        caps_mm = gaps[0].start_mm, gaps[-1].end_mm
        lumen = replace(lumen, level_hu=_own_side(lumen.level_hu, line.arc_mm, caps_mm))
        near = np.abs(line.arc_mm[:, None] - caps_mm).min(axis=1) < CAP_REACH_MM
    calcium_hu = lumen.level_hu + above_hu
    if not _brighter(block, line.points_mm[near], calcium_hu[near]).any():
        return gaps
    bright = _brighter(block, line.points_mm[between], calcium_hu[between])
    spacing = np.linalg.norm(block.affine.matrix[:3, :3], axis=0)
    reach_mm = (sections.hu.shape[2] - 1) * RING_MM
    dark = without_glow(block.hu, bright, sigma=borders.sigma_mm / spacing, ground_hu=TISSUE_HU)
    cleared = cut_sections(replace(block, hu=dark), line, reach_mm=reach_mm)
    hard = sections.hu > calcium_hu[:, None, None]

    def beside(part: NDArray[np.bool_]) -> Beside:
        area_mm2 = float(np.median(borders.contours.lumen_area_mm2[part])) if part.any() else 0.0
        share, calcium = _beside(cleared, hard, lumen, np.sqrt(area_mm2 / np.pi))
        contrast_hu = float(np.median(lumen.level_hu[part if part.any() else between])) - TISSUE_HU
        bright_plaque = (BRIGHT_PLAQUE_HU - TISSUE_HU) / max(contrast_hu, LEAST_CONTRAST_HU)
        return Beside(np.where(between, share, np.nan), calcium, bright_plaque)

    if gaps:
        held = cut_sections(replace(block, hu=np.where(bright, block.hu, dark)), line, reach_mm=reach_mm)
        sides = beside(line.arc_mm < caps_mm[0] - REFERENCE_MM), beside(line.arc_mm > caps_mm[1] + REFERENCE_MM)
        return _moved(gaps, _found(held, lumen, open_mm), line.arc_mm, sides)
    long = [gap for gap in _found(cleared, lumen, open_mm) if gap.end_mm - gap.start_mm >= LEAST_LENGTH_MM]
    share = beside(np.ones(len(between), dtype=bool)).share
    kept = [
        gap for gap in long if mean_share(share, line.arc_mm, gap.start_mm + END_MM, gap.end_mm - END_MM) < DARK_SHARE
    ]
    return tuple(replace(gap, behind_calcium=True) for gap in kept)


def _found(sections: Sections, lumen: LumenLevel, open_mm: tuple[float, float]) -> tuple[Gap, ...]:
    core = ndimage.gaussian_filter1d(sections.core_hu(CORE_MM), ALONG_MM / sections.step_mm, mode="nearest")
    return find_gaps(sections, replace(lumen, core_hu=core), open_mm=open_mm)


def _moved(
    gaps: tuple[Gap, ...], seen: tuple[Gap, ...], arc_mm: NDArray[np.float64], sides: tuple[Beside, Beside]
) -> tuple[Gap, ...]:
    """The gaps, their outermost caps where the contrast beside the calcium, or the picture without glow, puts them."""
    first, last = gaps[0], gaps[-1]
    start_mm = min([gap.start_mm for gap in seen if gap.end_mm > first.start_mm], default=np.inf)
    end_mm = max([gap.end_mm for gap in seen if gap.start_mm < last.end_mm], default=-np.inf)
    after = sides[1]._replace(share=sides[1].share[::-1], calcium=sides[1].calcium[::-1])
    start_mm = cap_beside_calcium(arc_mm, sides[0], first.start_mm, outer_mm=start_mm, other_mm=first.end_mm)
    end_mm = -cap_beside_calcium(-arc_mm[::-1], after, -last.end_mm, outer_mm=-end_mm, other_mm=-last.start_mm)
    return _with_caps(gaps, start_mm, end_mm)


def _own_side(
    level_hu: NDArray[np.float64], arc_mm: NDArray[np.float64], caps_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """(n,) the lumen level; between the caps, that of the open vessel next to the nearer one."""
    start_mm, end_mm = caps_mm
    first, last = np.interp([start_mm - OPEN_BEFORE_MM, end_mm + OPEN_BEFORE_MM], arc_mm, level_hu)
    inside = np.where(arc_mm < (start_mm + end_mm) / 2, first, last)
    return np.where((arc_mm > start_mm) & (arc_mm < end_mm), inside, level_hu)


def _brighter(block: Block, points_mm: NDArray[np.float64], least_hu: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The voxels within 4 mm of some points that are brighter than the nearest of these asks for."""
    out = np.zeros(block.hu.shape, dtype=bool)
    index = np.argwhere(block.hu > least_hu.min(initial=np.inf))
    if len(index):
        away_mm, nearest = cKDTree(points_mm).query(block.affine.to_mm(index), distance_upper_bound=NEAR_MM)
        index, nearest = index[np.isfinite(away_mm)], nearest[np.isfinite(away_mm)]
        out[tuple(index[block.hu[tuple(index.T)] > least_hu[nearest]].T)] = True
    return out


def _beside(
    cleared: Sections, hard: NDArray[np.bool_], lumen: LumenLevel, radius_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Contrast of each section's brightest tenth beside calcium, NaN where calcium takes most; and where any stands."""
    rings = round(INSIDE * radius_mm / RING_MM) + 1
    hu = ndimage.gaussian_filter1d(cleared.hu[:, :, :rings].astype(np.float64), ALONG_MM / cleared.step_mm, axis=0)
    beside = ~hard[:, :, :rings].reshape(len(hu), -1)
    values = np.where(beside, hu.reshape(len(hu), -1), np.nan)
    values[beside.mean(axis=1) < LEAST_PART] = np.nan
    known = ~np.isnan(values).all(axis=1)
    out = np.full(len(hu), np.nan)
    out[known] = np.nanquantile(values[known], BRIGHT_PART, axis=1)
    share = (out - TISSUE_HU) / np.maximum(lumen.level_hu - TISSUE_HU, LEAST_CONTRAST_HU)
    return share, np.asarray(beside.mean(axis=1) < 1.0 - TRACE)
