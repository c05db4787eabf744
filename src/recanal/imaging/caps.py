"""Where along a vessel the contrast stops and begins again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.cap_calcium import (
    CALCIUM_MARGIN_HU,
    calcified,
    clear_of_calcium,
    covered_cap_mm,
    empty_beside_calcium,
    filled_with_calcium,
)
from recanal.imaging.cap_evidence import (
    SideEvidence,
    credible_cap_mm,
    falls_in_a_step,
    island_is_open,
    side_evidence,
    weighed_cap,
)
from recanal.imaging.lumen_level import ALONG_MM, TISSUE_HU, LumenLevel
from recanal.imaging.sections import RING_MM, Sections

__all__ = ["Gap", "find_gaps"]

WIDE_MM = 0.7
DISC_MM = 1.0
DIP_MM = 0.3
FIRST_PLAQUE_HU = 100.0
LEAST_PLAIN = 6
OPEN_SHARE = 0.75
MOST_RESIDUAL = 0.48
MOST_DIP = 0.4
FINE_RADIUS_MM = 0.5
FINE_ALONG_MM = 0.75
MOST_FINE_SHARE = 0.3
SIZE_REACH_MM = 12.0
USUAL_RADIUS_MM = 1.4
FULL_SHARE = 0.8
THREAD_RING = (0.6, 0.85)
GLOW_MM = 0.5
THREAD = ((0.5, 0.12), (0.75, 0.08))
THREAD_LEAST = 0.18
INNER_MM = 2.0
EARLY_MM = 0.08
LEAST_GAP_MM = 2.0
LEAST_ISLAND_MM = 5.0
ANCHOR_MM = 1.0
_Sides = tuple[SideEvidence | None, SideEvidence | None]


@dataclass(frozen=True)
class Gap:
    """One stretch without contrast; arc lengths on the line of the sections.

    Parameters
    ----------
    start_mm, end_mm
        The proximal and the distal cap.
    plaque_start_hu, plaque_end_hu
        Level of the plaque next to each cap, calcium left out.
    residual_share
        Contrast left in the emptiest 2 mm, as a share of the lumen-to-tissue contrast.
    behind_calcium
        Seen only once the glow of calcium was taken off.
    """

    start_mm: float
    end_mm: float
    plaque_start_hu: float
    plaque_end_hu: float
    residual_share: float
    behind_calcium: bool = False


def find_gaps(sections: Sections, lumen: LumenLevel, *, open_mm: tuple[float, float] | None = None) -> tuple[Gap, ...]:
    """The occlusions along the sections, proximal first.

    Parameters
    ----------
    sections, lumen
        The vessel and its contrast.
    open_mm
        Arc lengths of two places known to be open: gaps are looked for between them. The two ends when None.

    Notes
    -----
    A gap is a run without lumen: contrast below half way from plaque to lumen, or calcium well above the lumen,
    over a disc of 0.7 mm. The level of the plaque is first that of tissue, then that found inside the gap itself.
    Open islands shorter than 5 mm belong to the gap. A run in which contrast never falls far, not even for a millimetre
    between two calcifications, and which no calcium fills from side to side, is a stenosis or a calcified wall and no
    gap. Each cap is then put, between samples, where the core falls through half of the local lumen-to-plaque contrast;
    the outermost two are moved where the evidence of many sections speaks against that, and left nowhere that it does.
    """
    step = sections.step_mm
    wide = ndimage.gaussian_filter1d(sections.core_hu(WIDE_MM), ALONG_MM / step, mode="nearest")
    wide_level = lumen.level_hu * _fill_ratio(wide, lumen, step)
    arc = sections.line.arc_mm
    low, high = open_mm if open_mm is not None else (float(arc[1]), float(arc[-2]))
    known = (arc <= low) | (arc >= high)
    clean = clear_of_calcium(sections, lumen.level_hu)
    fine = _fine_hu(sections)
    filled = (lumen.core_hu - TISSUE_HU) > MOST_RESIDUAL * (lumen.level_hu - TISSUE_HU)
    ends = filled & (arc <= low + ANCHOR_MM), filled & (arc >= high - ANCHOR_MM)
    told = _told(sections, lumen, wide, clean, ends=ends)
    plaque = np.full(len(wide), FIRST_PLAQUE_HU)
    runs: list[tuple[int, int]] = []
    for _ in range(4):
        shut = (
            _shut(wide, wide_level, lumen, plaque) | (~clean & (lumen.core_hu < (lumen.level_hu + plaque) / 2))
        ) & ~known
        share = (wide - plaque) / np.maximum(wide_level - plaque, 20.0)
        runs = _joined(_joined(_runs(shut, clean, share, step), told[0]), told[1])
        if not runs:
            return ()
        plaque = _plaque_along(lumen, clean, runs, fine_hu=fine, reach=round(6.0 / step))
    closed = _closed(sections, lumen, clean, runs, fine_hu=fine, before=told[1][0])
    gaps = [_gap(sections, lumen, run, plaque, residual=residual) for run, residual in closed]
    found = [gap for gap in gaps if gap is not None]
    inner = [(arc > gap.start_mm + INNER_MM) & (arc < gap.end_mm - INNER_MM) for gap in found]
    told = _told(sections, lumen, wide, clean, ends=ends, plaque=np.any(inner, axis=0) if inner else None)
    found = _weighed(found, lumen, told[0], arc=arc, clean=clean, open_mm=(low, high))
    wider = _weighed(found, lumen, told[1], arc=arc, clean=clean, open_mm=(low, high))
    outer = [(min(a.start_mm, b.start_mm), max(a.end_mm, b.end_mm)) for a, b in zip(found, wider, strict=True)]
    outer = _credible(outer, arc, wide, told[0], open_mm=(low, high))
    return tuple(
        replace(gap, start_mm=start + EARLY_MM, end_mm=end - EARLY_MM)
        for gap, (start, end) in zip(found, outer, strict=True)
    )


def _told(
    sections: Sections,
    lumen: LumenLevel,
    wide: NDArray[np.float64],
    clean: NDArray[np.bool_],
    *,
    ends: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    plaque: NDArray[np.bool_] | None = None,
) -> tuple[_Sides, _Sides]:
    """What the open vessel at either end tells, and the plaque where it is known; by the disc, and by the axis."""
    by_disc, by_axis = (
        [side_evidence(sections, hu, clean, anchor=end, looks=looks, plaque=plaque) for end in ends]
        for hu, looks in ((wide, True), (lumen.core_hu, False))
    )
    return (by_disc[0], by_disc[1]), (by_axis[0], by_axis[1])


def _weighed(
    gaps: list[Gap],
    lumen: LumenLevel,
    sides: _Sides,
    *,
    arc: NDArray[np.float64],
    clean: NDArray[np.bool_],
    open_mm: tuple[float, float],
) -> list[Gap]:
    """The gaps with their outermost caps where the whole of the evidence puts them."""
    if not gaps:
        return gaps
    first, last = gaps[0], gaps[-1]
    if sides[0] is not None:
        caps = first.start_mm, first.end_mm
        cap = weighed_cap(arc, lumen.core_hu, clean, sides[0], caps_mm=caps, limit_mm=open_mm[0])
        if cap is not None:
            level = first.plaque_start_hu if cap.plaque_hu is None else cap.plaque_hu
            gaps = [replace(first, start_mm=cap.arc_mm, plaque_start_hu=level), *gaps[1:]]
            last = gaps[-1]
    if sides[1] is not None:
        caps = last.end_mm, last.start_mm
        cap = weighed_cap(arc, lumen.core_hu, clean, sides[1], caps_mm=caps, limit_mm=open_mm[1])
        if cap is not None:
            level = last.plaque_end_hu if cap.plaque_hu is None else cap.plaque_hu
            gaps = [*gaps[:-1], replace(last, end_mm=cap.arc_mm, plaque_end_hu=level)]
    return gaps


def _credible(
    caps_mm: list[tuple[float, float]],
    arc: NDArray[np.float64],
    wide: NDArray[np.float64],
    sides: _Sides,
    *,
    open_mm: tuple[float, float],
) -> list[tuple[float, float]]:
    """Start and end of each gap, the outermost two no farther off than the evidence allows."""
    if caps_mm and sides[0] is not None:
        start, end = caps_mm[0]
        start = credible_cap_mm(arc, wide, sides[0], caps_mm=(start, end), limit_mm=open_mm[0])
        caps_mm = [(start, end), *caps_mm[1:]]
    if caps_mm and sides[1] is not None:
        start, end = caps_mm[-1]
        end = credible_cap_mm(arc, wide, sides[1], caps_mm=(end, start), limit_mm=open_mm[1])
        caps_mm = [*caps_mm[:-1], (start, end)]
    return caps_mm


def _fill_ratio(wide: NDArray[np.float64], lumen: LumenLevel, step_mm: float) -> NDArray[np.float64]:
    """(n,) what the wider disc shows of the lumen level in the open vessel: less in a small vessel."""
    good = np.abs(lumen.core_hu / lumen.level_hu - 1.0) < 0.2
    if good.sum() < 4:
        return np.ones(len(wide))
    size = 8.0 / step_mm
    weight = ndimage.gaussian_filter1d(good.astype(np.float64), size, mode="nearest")
    value = ndimage.gaussian_filter1d(np.where(good, wide / lumen.core_hu, 0.0), size, mode="nearest")
    return np.asarray(np.clip(value / np.maximum(weight, 1e-6), 0.6, 1.0))


def _shut(
    wide: NDArray[np.float64], wide_level: NDArray[np.float64], lumen: LumenLevel, plaque: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Where no lumen is seen: too dark, or too bright."""
    margin = max(CALCIUM_MARGIN_HU, 5 * lumen.noise_hu)
    return np.asarray((wide < (wide_level + plaque) / 2) | (wide > lumen.level_hu + margin))


def _runs(
    shut: NDArray[np.bool_], clean: NDArray[np.bool_], share: NDArray[np.float64], step_mm: float
) -> list[tuple[int, int]]:
    """First and last sample of each gap that has open vessel on both sides.

    An open island counts by its samples without calcium; one shorter than 5 mm, or well below the lumen level
    in the mean, belongs to the gap.
    """
    label, count = ndimage.label(~shut)
    closed = shut.copy()
    for k in range(1, count + 1):
        island = label == k
        counted = island & clean
        short = counted.sum() * step_mm < LEAST_ISLAND_MM
        if not (island[0] or island[-1]) and (short or float(share[counted].mean()) < OPEN_SHARE):
            closed |= island
    label, count = ndimage.label(closed)
    runs = []
    for k in range(1, count + 1):
        inside = np.flatnonzero(label == k)
        if inside[0] == 0 or inside[-1] == len(shut) - 1 or (inside[-1] - inside[0]) * step_mm < LEAST_GAP_MM / 2:
            continue
        runs.append((int(inside[0]), int(inside[-1])))
    return runs


def _joined(runs: list[tuple[int, int]], sides: _Sides) -> list[tuple[int, int]]:
    """The runs without the islands between them that may as well be bright plaque."""
    out = runs[:1]
    for first, last in runs[1:]:
        if island_is_open(sides, slice(out[-1][1] + 1, first)):
            out.append((first, last))
        else:
            out[-1] = (out[-1][0], last)
    return out


def _fine_hu(sections: Sections) -> NDArray[np.float64]:
    """(n,) mean near the axis, smoothed so little along it that calcium lends no glow to a dark place beside it."""
    size = max(1, round(FINE_ALONG_MM / sections.step_mm))
    return np.asarray(ndimage.uniform_filter1d(sections.core_hu(FINE_RADIUS_MM), size, mode="nearest"))


def _plaque_along(
    lumen: LumenLevel,
    clean: NDArray[np.bool_],
    runs: list[tuple[int, int]],
    *,
    fine_hu: NDArray[np.float64],
    reach: int,
) -> NDArray[np.float64]:
    """(n,) level of the soft plaque near the axis: that at the nearest end of the nearest gap, straight in between."""
    where, value = [], []
    for first, last in runs:
        skip, middle = min(round(reach / 3), (last - first) // 4), (first + last) // 2
        for low, high, at, half in (
            (first + skip, min(first + reach, last), first, slice(first, middle + 1)),
            (max(last - reach, first), last - skip, last, slice(middle, last + 1)),
        ):
            level = _plaque_hu(lumen, clean, fine_hu, near=slice(low, high + 1), half=half)
            where.append(at)
            value.append(min(max(level, 0.0), float(lumen.level_hu[at]) - 50.0))
    return np.asarray(np.interp(np.arange(len(clean)), where, value))


def _plaque_hu(
    lumen: LumenLevel, clean: NDArray[np.bool_], fine_hu: NDArray[np.float64], *, near: slice, half: slice
) -> float:
    """Level of the soft plaque ``near`` one end of a gap.

    The median of what lies clear of calcium; where too little does, the darkest place, for the glow of calcium only
    lifts. Where calcium fills that stretch, the darkest place of that ``half`` of the gap, but no more than plaque
    usually shows.
    """
    soft = lumen.core_hu[near] < lumen.level_hu[near] - 30.0
    plain = soft & clean[near]
    if plain.sum() >= LEAST_PLAIN:
        return float(np.median(lumen.core_hu[near][plain]))
    if soft.any():
        return float(fine_hu[near].min())
    return float(np.clip(fine_hu[half].min(), TISSUE_HU, FIRST_PLAQUE_HU))


def _closed(
    sections: Sections,
    lumen: LumenLevel,
    clean: NDArray[np.bool_],
    runs: list[tuple[int, int]],
    *,
    fine_hu: NDArray[np.float64],
    before: SideEvidence | None,
) -> list[tuple[tuple[int, int], float]]:
    """The runs that are closed, with the contrast left in each.

    Where contrast falls in a step and does not come back, what is left is measured against the contrast ``before``:
    a vessel that fills from beyond may be hardly brighter than the plaque.
    """
    step, out = sections.step_mm, []
    for run in runs:
        stepped = before is not None and falls_in_a_step(
            sections.line.arc_mm, lumen.core_hu, clean, before.level_hu, run=run
        )
        against = replace(lumen, level_hu=before.level_hu) if before is not None and stepped else lumen
        inside = slice(run[0], run[1] + 1)
        level = against.level_hu[inside]
        share = (lumen.core_hu[inside] - TISSUE_HU) / np.maximum(level - TISSUE_HU, 40.0)
        window = max(1, round(min(2.0, 0.5 * (run[1] - run[0]) * step) / step))
        residual = float(ndimage.uniform_filter1d(share, window, mode="nearest").min())
        dip = float(ndimage.uniform_filter1d(share, round(1.0 / step), mode="nearest").min())
        size = _open_radius_mm(sections, lumen, clean, run)
        if not stepped and _lumen_goes_through(sections, lumen, clean, run, size):
            continue
        empty = residual <= MOST_RESIDUAL or dip <= MOST_DIP or _dark_somewhere(fine_hu, against, run)
        level = lumen.level_hu
        if (
            empty
            or filled_with_calcium(sections, level, run, radius_mm=size)
            or empty_beside_calcium(sections, level, run, radius_mm=size, tissue_hu=TISSUE_HU)
        ):
            out.append((run, residual))
    return out


def _gap(
    sections: Sections, lumen: LumenLevel, run: tuple[int, int], plaque: NDArray[np.float64], *, residual: float
) -> Gap | None:
    first, last = run
    arc = sections.line.arc_mm
    disc = sections.core_hu(DISC_MM)
    dense = calcified(sections, lumen.level_hu, margin_hu=max(CALCIUM_MARGIN_HU, 5 * lumen.noise_hu))
    start = _cap(arc, lumen, first, 1, plaque=float(plaque[first]), seen=(disc, dense))
    end = _cap(arc, lumen, last, -1, plaque=float(plaque[last]), seen=(disc, dense))
    if end - start < LEAST_GAP_MM / 2:
        return None
    return Gap(start, end, float(plaque[first]), float(plaque[last]), residual)


def _dark_somewhere(fine_hu: NDArray[np.float64], lumen: LumenLevel, run: tuple[int, int]) -> bool:
    """Whether a run holds a place, be it short and between two calcifications, that is as dark as plaque."""
    level = lumen.level_hu[run[0] : run[1] + 1]
    share = (fine_hu[run[0] : run[1] + 1] - FIRST_PLAQUE_HU) / np.maximum(level - FIRST_PLAQUE_HU, 40.0)
    return bool(share.min() <= MOST_FINE_SHARE)


def _open_radius_mm(sections: Sections, lumen: LumenLevel, clean: NDArray[np.bool_], run: tuple[int, int]) -> float:
    """Lumen radius of the open vessel next to a run, where the mean profile falls half way to tissue."""
    arc = sections.line.arc_mm
    near = (arc > arc[run[0]] - SIZE_REACH_MM) & (arc < arc[run[1]] + SIZE_REACH_MM)
    near &= (arc < arc[run[0]] - WIDE_MM) | (arc > arc[run[1]] + WIDE_MM)
    rows = np.flatnonzero(near & clean & (lumen.core_hu > FULL_SHARE * lumen.level_hu))
    if len(rows) < LEAST_PLAIN:
        return USUAL_RADIUS_MM
    below = sections.hu[rows].mean(axis=1) < ((lumen.level_hu[rows] + TISSUE_HU) / 2)[:, None]
    radius = np.where(below.any(axis=1), (below.argmax(axis=1) - 0.5) * RING_MM, USUAL_RADIUS_MM)
    return float(np.median(radius))


def _lumen_goes_through(
    sections: Sections, lumen: LumenLevel, clean: NDArray[np.bool_], run: tuple[int, int], radius_mm: float
) -> bool:
    """Whether a bright thread runs along the axis through the whole of a run: a narrow lumen, not an occlusion.

    The core stands above a ring inside the wall, over every 2 mm of the sections without calcium, and nowhere falls
    nearly to the level of tissue; it may stand less far above where nearly all sections are without calcium. Sections
    into which calcium glows tell nothing: a nodule on the axis is no thread.
    """
    rings = np.arange(round(THREAD_RING[0] * radius_mm / RING_MM), round(THREAD_RING[1] * radius_mm / RING_MM) + 1)
    around = (sections.hu[:, :, rings].mean(axis=1) * rings).sum(axis=1) / rings.sum()
    contrast = np.maximum(lumen.level_hu - TISSUE_HU, 40.0)
    inside = slice(run[0], run[1] + 1)
    thread = ((sections.core_hu(0.3) - around) / contrast)[inside]
    plain = ndimage.binary_erosion(clean, iterations=round(GLOW_MM / sections.step_mm), border_value=1)[inside]
    if not plain.any():
        return False
    weight = ndimage.gaussian_filter1d(1.0 * plain, 1.0 / sections.step_mm, mode="nearest") + 1e-6
    thread = ndimage.gaussian_filter1d(thread * plain, 1.0 / sections.step_mm, mode="nearest") / weight
    share, least = float(plain.mean()), float(thread[plain].min())
    dimmest = float(((lumen.core_hu - TISSUE_HU) / contrast)[inside].min())
    return dimmest > THREAD_LEAST and any(share >= part and least > above for part, above in THREAD)


def _cap(
    arc: NDArray[np.float64],
    lumen: LumenLevel,
    at: int,
    inward: int,
    *,
    plaque: float,
    seen: tuple[NDArray[np.float64], NDArray[np.bool_]],
) -> float:
    """Arc length where the core leaves the lumen level, from the open side into the gap.

    ``seen`` is the mean over a wider disc, and where calcium stands.
    """
    core, level = lumen.core_hu, lumen.level_hu
    disc, dense = seen
    flank = core[at : at + 16] if inward > 0 else core[max(at - 15, 0) : at + 1][::-1]
    mark = np.asarray((level + plaque) / 2)
    top = int(np.argmax(flank))
    hard = flank[top] > level[at] + CALCIUM_MARGIN_HU and flank[: top + 1].min() > mark[at]
    sign = 1.0
    if hard:  # calcium stands directly at the lumen: at the dip before it, else half way up its flank
        before = slice(max(at - 14, 0), at + 5) if inward > 0 else slice(max(at - 4, 0), at + 15)
        dip = before.start + int(np.argmin(disc[before]))
        side = disc[max(at - 30, 0) : max(at - 14, 1)] if inward > 0 else disc[min(at + 15, len(disc) - 1) : at + 31]
        outer_level = float(np.median(side))
        if before.start < dip < before.stop - 1 and disc[dip] < 0.85 * outer_level:
            return float(arc[dip]) - inward * DIP_MM
        mark = np.full_like(core, (float(level[at]) + float(flank[top])) / 2)
        sign = -1.0
    above = sign * (core - mark)
    here = at
    while 0 < here < len(core) - 1 and above[here] > 0 and abs(here - at) < 12:
        here += inward
    while 0 < here < len(core) - 1 and above[here - inward] <= 0:
        here -= inward
    outer = here - inward
    found = float(arc[at])
    if 0 <= outer < len(core) and above[here] <= 0:
        a, b = float(above[outer]), float(above[here])
        share = float(np.clip(a / (a - b), 0.0, 1.0)) if a != b else 0.5
        found = float(arc[outer] + share * (arc[here] - arc[outer]))
    return covered_cap_mm(arc, core - (level + plaque) / 2, dense, cap_mm=found, inward=inward)
