"""Stretches of a way that carry other blood than the artery they leave: veins that keep it company, and chambers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.anatomy.jumps import STEP_MM, Profile

__all__ = [
    "Dim",
    "chamber_tail",
    "companions",
    "dim_stretches",
    "returning_tail",
    "risen_tail",
    "runs_beside",
    "widened_tail",
]

FAT_HU = -90.0
LEAST_RADIUS_MM = 0.85
DIM_SHARE = 0.72
OVER_MM = 6.0
LEAST_MM = 8.0
LEAST_REST_MM = 6.0
DECAY_HU_PER_MM = 1.5
LEAST_SHARE = 0.72
LAG_MM = 4.0
PLAQUE_MM = (40.0, 3.0)
PLAQUE_SHARE = (0.7, 1.4)
BESIDE_MM = 8.5
PARALLEL = 0.75
LEAST_BESIDE = 0.55
TISSUE_HU = 60.0
FLAT_SHARE = 0.7
LEAST_FLAT_HU = 120.0
LEAST_TAIL_MM = 6.0
ROOT_MM = 25.0
EVERY = 4
BRIGHTER = 1.15
EARLIER_MM = 25.0
APART_MM = 1.5
LEAST_COMPANY_SHARE = 0.73
LONG_COMPANY_MM = 40.0
WIDE_COMPANY_MM = 14.0
WIDE_MM = 1.15
DIMMER_SHARE = 0.85
MOUTH_MM = 6.0
CLEAR_MM = 7.0
WIDENED_OVER_MM = 8.0
WIDENED_MM = 1.85
WIDENED = 1.5
LEAST_WIDENED_MM = 25.0
MOUTH_FREE_MM = 4.0
THIN_MM = 1.3
RISE_HU = 50.0
RISE_SHARE = 1.6
LEAST_RISEN_MM = 12.0
TURNED_SHARE = 0.3
DIP_MM = 2.5
LEAST_BACK_MM, LEAST_BACK_SHARE = 20.0, 0.6


@dataclass(frozen=True, eq=False)
class Dim:
    """A stretch of a profile that is wide and yet much darker than what leads to it.

    Parameters
    ----------
    first, last
        Its samples.
    """

    first: int
    last: int


def dim_stretches(profile: Profile, level_hu: float) -> list[Dim]:
    """Wide stretches, on to the tip, whose contrast over fat is below 72 % of that of the open vessel before them.

    Parameters
    ----------
    level_hu
        The level of the vessel that the way begins in.
    """
    hu, wide = profile.hu, profile.radius_mm >= LEAST_RADIUS_MM
    smooth = ndimage.median_filter(hu, round(OVER_MM / STEP_MM), mode="nearest")
    expected = np.empty_like(smooth)
    best = most = level_hu
    for k, value in enumerate(smooth):
        best = max(best - DECAY_HU_PER_MM * STEP_MM, LEAST_SHARE * most)
        best = max(best, value) if wide[k] else best
        most = max(most, best)
        expected[k] = best
    dim = wide & ((smooth - FAT_HU) < DIM_SHARE * (expected - FAT_HU))
    dim = ndimage.binary_closing(np.pad(dim, 40), iterations=round(2.0 / STEP_MM))[40:-40]
    label, count = ndimage.label(dim)
    out = []
    for k in range(1, count + 1):
        inside = np.flatnonzero(label == k)
        rest = len(hu) - 1 - inside[-1]
        if len(inside) * STEP_MM < LEAST_MM or rest * STEP_MM >= LEAST_REST_MM:
            continue
        if not _after_plaque(hu[inside]):
            out.append(Dim(int(inside[0]), int(inside[-1])))
    return out


def chamber_tail(profile: Profile, start_mm: float) -> Dim | None:
    """The end of a way that runs in a chamber: contrast to all sides of it, on to the tip; None where there is none.

    Parameters
    ----------
    start_mm
        Length from the ostium to the first sample. In the first 25 mm a wide artery fills the section too.

    Notes
    -----
    Flat is where most of the section, 2 to 2.6 mm from the way, keeps 70 % of the contrast of the way over tissue.
    """
    over = (profile.around_hu - TISSUE_HU) / np.maximum(profile.hu - TISSUE_HU, 1.0)
    flat = (over > FLAT_SHARE) & (profile.hu > LEAST_FLAT_HU)
    flat &= start_mm + np.arange(len(flat)) * STEP_MM > ROOT_MM
    flat = ndimage.median_filter(flat, round(LEAST_TAIL_MM / STEP_MM), mode="nearest")
    label, count = ndimage.label(flat)
    if not count:
        return None
    inside = np.flatnonzero(label == count)
    rest = len(flat) - 1 - inside[-1]
    short = len(inside) * STEP_MM < LEAST_TAIL_MM
    return None if short or rest * STEP_MM >= LEAST_REST_MM else Dim(int(inside[0]), len(flat) - 1)


def widened_tail(profile: Profile) -> Dim | None:
    """The end of a way that has become far wider than it was, for 25 mm on to the tip; None where there is none.

    Notes
    -----
    Arteries taper. What grows to 1.5 times the half width that it had before, and to more than 1.85 mm, is the wall of
    a chamber, or the level of a table position, that a thin artery ended on.
    """
    radius = ndimage.median_filter(profile.radius_mm, round(WIDENED_OVER_MM / STEP_MM) + 1, mode="nearest")
    wide = radius > np.maximum(WIDENED_MM, WIDENED * np.minimum.accumulate(radius))
    first = int(np.argmax(wide))
    long = (len(radius) - first) * STEP_MM >= LEAST_WIDENED_MM
    return Dim(first, len(radius) - 1) if wide.any() and long and np.median(radius[first:]) > WIDENED_MM else None


def risen_tail(profile: Profile) -> Dim | None:
    """The end of a way, of 12 mm or more, that is far brighter than the thin vessel that led there; None without one.

    Notes
    -----
    Contrast gets less along an artery. A thin vessel that brightens by 50 HU, and to 1.6 times its contrast over
    tissue, has touched another one; beyond an occlusion, too, it is brighter, but seldom as thin there.
    """
    hu = ndimage.median_filter(profile.hu, round(OVER_MM / STEP_MM) + 1, mode="nearest")
    dip, radius = (
        ndimage.median_filter(x, round(DIP_MM / STEP_MM) + 1, mode="nearest") for x in (profile.hu, profile.radius_mm)
    )
    thin = np.where((radius <= THIN_MM) & (np.arange(len(hu)) * STEP_MM >= MOUTH_FREE_MM), dip, np.inf)
    low = np.minimum.accumulate(thin)
    above = np.minimum(hu, dip) > np.maximum(low + RISE_HU, TISSUE_HU + RISE_SHARE * (low - TISSUE_HU))
    first = int(np.argmax(above))
    rest = hu[first:]
    if not above.any() or len(rest) * STEP_MM < LEAST_RISEN_MM or np.median(rest) < low[first] + RISE_HU:
        return None
    mark = low[first] + TURNED_SHARE * (dip[first] - low[first])
    return Dim(int(np.flatnonzero(dip[: first + 1] <= mark)[-1]) + 1, len(hu) - 1)


def _after_plaque(hu: NDArray[np.float64]) -> bool:
    """Whether a stretch begins much darker, or much brighter, than it goes on: plaque, and then a vessel that fills."""
    level = float(np.median(hu[len(hu) // 2 :])) - FAT_HU
    first = hu[round(LAG_MM / STEP_MM) : round(PLAQUE_MM[0] / STEP_MM)] - FAT_HU
    odd = (first < PLAQUE_SHARE[0] * level) | (first > PLAQUE_SHARE[1] * level)
    return bool(odd.sum() * STEP_MM >= PLAQUE_MM[1])


def runs_beside(points_mm: NDArray[np.float64], others_mm: list[NDArray[np.float64]]) -> bool:
    """Whether a curve keeps within 8.5 mm of another vessel, and runs along it, over more than half of its length."""
    tangent = _tangents(points_mm)
    for other in others_mm:
        if len(other) < 4:
            continue
        far, near = cKDTree(other).query(points_mm)
        cosine = np.abs((tangent * _tangents(other)[near]).sum(axis=1))
        if float(((far < BESIDE_MM) & (far > 1.5) & (cosine > PARALLEL)).mean()) > LEAST_BESIDE:
            return True
    return False


def returning_tail(profile: Profile, parent: Profile) -> Dim | None:
    """The end of a way, of 20 mm or more, that runs back beside the vessel it left over 60 % of its length; or None.

    No branch of an artery returns along it. A vein that it touched leads both ways.
    """
    points, stem = profile.line.points_mm[::EVERY], parent.line.points_mm
    far, near = cKDTree(stem).query(points)
    cosine = (_tangents(points) * _tangents(stem)[near]).sum(axis=1)
    back = (far < BESIDE_MM) & (far > APART_MM) & (cosine < -PARALLEL)
    share = np.cumsum(back[::-1])[::-1] / np.arange(len(back), 0, -1)
    first = int(np.argmax(back & (share >= LEAST_BACK_SHARE))) * EVERY
    long = (len(profile.hu) - first) * STEP_MM >= LEAST_BACK_MM
    return (
        Dim(first, len(profile.hu) - 1)
        if back[first // EVERY] and share[first // EVERY] >= LEAST_BACK_SHARE and long
        else None
    )


def companions(profiles: Sequence[Profile]) -> list[Dim | None]:
    """Of each way the end, on to the tip, that keeps company with brighter vessels; None where there is none.

    Parameters
    ----------
    profiles
        Of all ways, each with a few samples of its parent before it.

    Notes
    -----
    A sample has company where a vessel 1.15 times as bright runs along it within 8.5 mm: another way, or the same one
    25 mm before. Branches of an artery part from it; a vein stays. So an end is a vein where 73 % of it has company,
    over 40 mm, or over 14 mm where it is wider than 1.15 mm, and blur so does not explain that its contrast over fat is
    below 85 % of that of the vessel it left.
    """
    every = [profile.line.points_mm[::EVERY] for profile in profiles]
    points = np.concatenate(every)
    along = np.concatenate([_tangents(part) for part in every])
    hu = np.concatenate([_steady_hu(profile)[::EVERY] for profile in profiles])
    owner = np.repeat(np.arange(len(every)), [len(part) for part in every])
    arc = np.concatenate([np.arange(len(part)) * EVERY * STEP_MM for part in every])
    out = []
    for k, profile in enumerate(profiles):
        own = owner == k
        gap = np.linalg.norm(points[own][:, None] - points[None], axis=2)
        near = (gap < BESIDE_MM) & (gap > APART_MM) & (np.abs(along[own] @ along.T) > PARALLEL)
        near &= hu[None] > BRIGHTER * hu[own][:, None]
        near &= (owner != k)[None] | (arc[None] < arc[own][:, None] - EARLIER_MM)
        out.append(_company(near.any(axis=1), profile))
    return out


def _company(beside: NDArray[np.bool_], profile: Profile) -> Dim | None:
    """The longest end of a way that has company enough."""
    mouth = round(MOUTH_MM / STEP_MM)
    hu, lead = _steady_hu(profile), float(np.median(profile.hu[: mouth // 2]))
    share = np.cumsum(beside[::-1])[::-1] / np.arange(len(beside), 0, -1)
    for k in np.flatnonzero((share >= LEAST_COMPANY_SHARE) & beside):
        first = int(k) * EVERY
        length = (len(hu) - first) * STEP_MM
        inside = slice(max(first, mouth), None)
        if length < WIDE_COMPANY_MM or first + mouth >= len(hu):
            break
        dimmer = float(np.median(hu[inside])) - FAT_HU < DIMMER_SHARE * (lead - FAT_HU)
        if length >= LONG_COMPANY_MM or (dimmer and float(np.median(profile.radius_mm[inside])) > WIDE_MM):
            return Dim(max(first, round(CLEAR_MM / STEP_MM)), len(hu) - 1)
    return None


def _steady_hu(profile: Profile) -> NDArray[np.float64]:
    return np.asarray(ndimage.median_filter(profile.hu, round(OVER_MM / STEP_MM), mode="nearest"))


def _tangents(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3) unit directions along a polyline."""
    along = np.gradient(points_mm, axis=0) if len(points_mm) > 1 else np.zeros_like(points_mm)
    return np.asarray(along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9))
