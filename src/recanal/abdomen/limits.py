"""How far a traced vessel is an artery."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.abdomen.maps import Maps
from recanal.abdomen.traced import RUN_MM, STEP_MM, TISSUE_HU, Traced
from recanal.anatomy.aorta import Aorta

__all__ = ["NOTHING_BEFORE", "artery_samples", "clear", "dips", "first_dip", "least_before", "stands_out", "wider_than"]

RUN_SHARE = 0.9
WIDER = 1.6
LEAST_WIDE_MM = 2.8
BRIGHTER = 1.10
GROWN, BRIGHTENED = 1.3, 1.35
NOTHING_BEFORE = np.full(3, np.inf)
LEAST_BRIGHT = (0.55, 1.0), (0.4, 0.5), (0.55, 0.8)
CLEAR = (0.75, 0.65, 0.7)
LEAST_CONTRAST_HU = 30.0
THIN_SHARE = 0.65
UPRIGHT = 0.7
BEHIND_MM = 12.0
HEAD_MM = 4.0
HEAD_DIP = 0.8
DIP = 0.7
DIP_NOISE = 2.0
SIDE_MM = 6.0
GAP_MM = 1.5
BROADER = 1.15
LEAST_BROAD_MM = 2.2
LUMEN_MM = 3.0
FIRST_MM = 23.0
WIDE_PERCENT = 60.0
FREE_MM = (2.0, 8.0)
FREE_NOISE = 2.0


def artery_samples(
    traced: Traced,
    maps: Maps,
    aorta: Aorta,
    least_diameter_mm: float,
    *,
    before: NDArray[np.float64] = NOTHING_BEFORE,
) -> int:
    """How many samples of a traced vessel lie before it stops to be an artery.

    Parameters
    ----------
    before
        What :func:`least_before` gives for the arteries that lead to it.

    Notes
    -----
    It ends at the first dip (:func:`first_dip`), or before the first 5 mm that are too thin (the disc of equal contrast
    below 1.3 times the diameter asked for), dark, brighter than 1.1 times the aorta, wider than 1.3 times the narrowest
    5 mm before (by the disc of equal contrast; 1.6 times by the edges, from 2.8 mm on), 1.35 times as bright as the
    darkest 5 mm before (an artery does not brighten: a wall was crossed), or upright beside the back of the aorta
    (azygos and lumbar veins, crura).
    Dark depends on the width. Blur leaves a vessel of half width R the share s = 1 - exp(-R^2 / (2 b^2)) of its
    contrast. Dark is below s of the aorta, less than 0.5 s of its contrast over the tissue, or above what lies
    beside it by less than 0.8 s of its contrast over muscle; at most 0.55, 0.4 and 0.55 are asked for.
    """
    size = round(RUN_MM / STEP_MM)
    edge = ndimage.median_filter(traced.radius_mm, size, mode="nearest")
    left, (wide, area, calm) = _left(traced, maps), _courses(traced)
    narrow, small, dim = np.minimum.accumulate(np.stack([wide, area, calm]), axis=1)
    wrong = (
        (traced.area_radius_mm < THIN_SHARE * least_diameter_mm)
        | (traced.core_hu > BRIGHTER * maps.field.blood_hu)
        | (area > GROWN * np.minimum(small, before[1]))
        | (calm > BRIGHTENED * np.minimum(dim, before[2]))
        | (edge > np.maximum(WIDER * narrow, LEAST_WIDE_MM))
        | ~_bright_for(traced, maps, *(np.minimum(most, part * left) for most, part in LEAST_BRIGHT))
        | _companion(traced, aorta)
    )
    return min(_end(wrong), first_dip(traced, maps.noise_hu, maps.field.blood_hu))


def clear(traced: Traced, maps: Maps) -> NDArray[np.bool_]:
    """(n,) where a vessel is clearly one: as far as blur leaves it, bright as blood.

    At 0.75 s of the aorta, 0.65 s of its contrast over the tissue, and 0.7 s over what lies beside it, s as in
    :func:`artery_samples`.
    """
    return _bright_for(traced, maps, *(part * _left(traced, maps) for part in CLEAR))


def _courses(traced: Traced) -> NDArray[np.float64]:
    """(3, n) radius by the edges, radius of the disc of equal contrast, and Hounsfield units, each over 5 mm."""
    size = round(RUN_MM / STEP_MM)
    rows = np.stack([traced.radius_mm, traced.area_radius_mm, traced.smooth_hu])
    rows[:2] = ndimage.median_filter(rows[:2], (1, size), mode="nearest")
    return np.asarray(ndimage.uniform_filter1d(rows, size, axis=1, mode="nearest"))


def _left(traced: Traced, maps: Maps) -> NDArray[np.float64]:
    """(n,) share of its contrast that blur leaves a vessel of this width."""
    edge = ndimage.median_filter(traced.radius_mm, round(RUN_MM / STEP_MM), mode="nearest")
    return np.asarray(1.0 - np.exp(-0.5 * (edge / maps.blur_mm) ** 2))


def _bright_for(
    traced: Traced, maps: Maps, core: NDArray[np.float64], over: NDArray[np.float64], beside: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n,) whether core, contrast over the tissue and over what lies beside reach these shares of what blood has."""
    blood = maps.field.blood_hu
    contrast = (traced.core_hu - traced.tissue_hu) / np.maximum(blood - traced.tissue_hu, LEAST_CONTRAST_HU)
    calm = ndimage.uniform_filter1d(traced.smooth_hu, round(RUN_MM / STEP_MM), mode="nearest")
    return np.asarray(
        (traced.core_hu >= core * blood)
        & (contrast >= over)
        & (calm - traced.beside_hu >= beside * (blood - TISSUE_HU))
    )


def first_dip(traced: Traced, noise_hu: float, blood_hu: float) -> int:
    """How many samples lie before the first wall (:func:`dips`): none for a wall within 4 mm, all without a wall."""
    at = dips(traced, noise_hu, blood_hu)
    if not len(at):
        return len(traced.smooth_hu)
    return int(at[0]) if at[0] * STEP_MM > HEAD_MM else 0


def dips(traced: Traced, noise_hu: float, blood_hu: float) -> NDArray[np.int64]:
    """The samples in a wall between two vessels that touch.

    Notes
    -----
    Blood that flows on from an artery into its branch has no wall across it. A dip is a place where the contrast over
    the tissue falls below 0.8 of what follows (in the first 4 mm) or 0.7 of what comes before and after (6 mm each),
    by more than two standard deviations of the noise.
    """
    value = ndimage.gaussian_filter1d(traced.smooth_hu, 1.0, mode="nearest")
    side, gap = round(SIDE_MM / STEP_MM), round(GAP_MM / STEP_MM)
    places = np.arange(len(value) - 2 * gap)
    if not len(places):
        return places
    tissue = ndimage.uniform_filter1d(np.minimum(traced.tissue_hu, 0.5 * blood_hu), 5, mode="nearest")[: len(places)]
    after = _medians(value, places + gap, side) - tissue
    before = _medians(value, np.maximum(places - gap - side, 0), side + 1, places - gap + 1) - tissue
    head = places * STEP_MM <= HEAD_MM
    beyond = np.where(head, after, np.minimum(after, before))
    here = value[: len(places)] - tissue
    low = here < np.where(head, HEAD_DIP, DIP) * beyond
    return np.flatnonzero(low & (beyond - here > DIP_NOISE * noise_hu))


def _medians(
    value: NDArray[np.float64], start: NDArray[np.int64], size: int, stop: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Medians of up to ``size`` values from each start on, not beyond the stop; infinite where there are none."""
    at = start[:, None] + np.arange(size)
    there = (at < len(value)) if stop is None else (at < stop[:, None])
    part = np.where(there, value[np.minimum(at, len(value) - 1)], np.nan)
    part[~there.any(axis=1)] = np.inf
    return np.asarray(np.nanmedian(part, axis=1))


def stands_out(traced: Traced, noise_hu: float) -> bool:
    """Whether a vessel that leaves the aorta is brighter than what lies around it, from 2 to 8 mm along it.

    Notes
    -----
    By more than two standard deviations of the noise, in the median. The inside of a wide vein that touches the aorta
    has no edge within 4.5 mm on most rays and does not stand out.
    """
    part = slice(*(round(value / STEP_MM) for value in FREE_MM))
    if not len(traced.core_hu[part]):
        return True
    return float(np.median((traced.core_hu - traced.tissue_hu)[part])) > FREE_NOISE * noise_hu


def least_before(parent: Traced, start_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) least values over 5 mm of a vessel before the place nearest to a point.

    Radius by its edges and radius of the disc of equal contrast, mm, and Hounsfield units.
    """
    at = int(np.linalg.norm(parent.line.points_mm - start_mm, axis=1).argmin())
    return np.asarray(_courses(parent)[:, : at + 1].min(axis=1))


def wider_than(traced: Traced, narrowest_mm: float, samples: int) -> bool:
    """Whether the first 20 mm of a vessel are wider than the narrowest place before it: a vein that touches.

    Notes
    -----
    An artery does not widen on its way. Where two vessels touch, both look wide, so what lies before decides. Wider: in
    two fifths of its first 20 mm, without the 3 mm in the lumen that it leaves, above 1.15 times the radius there.
    """
    part = slice(min(round(LUMEN_MM / STEP_MM), samples // 2), min(samples, round(FIRST_MM / STEP_MM)))
    return float(np.percentile(traced.radius_mm[part], WIDE_PERCENT)) > max(BROADER * narrowest_mm, LEAST_BROAD_MM)


def _companion(traced: Traced, aorta: Aorta) -> NDArray[np.bool_]:
    """(n,) upright, behind the middle of the aorta and close to it."""
    points = traced.line.points_mm
    tangent = np.gradient(points, axis=0)
    upright = np.abs(tangent[:, 2]) > UPRIGHT * np.linalg.norm(tangent, axis=1)
    z = aorta.centre_mm[:, 2]
    x, y, r = (np.interp(points[:, 2], z, v) for v in (*aorta.centre_mm[:, :2].T, aorta.radius_mm))
    near = np.hypot(points[:, 0] - x, points[:, 1] - y) < r + BEHIND_MM
    return np.asarray(upright & near & (points[:, 1] > y))


def _end(wrong: NDArray[np.bool_]) -> int:
    """How many samples lie before the first 5 mm that are wrong."""
    size = round(RUN_MM / STEP_MM)
    run = ndimage.uniform_filter1d(wrong.astype(float), size, mode="nearest") > RUN_SHARE
    return max(int(np.argmax(run)) - size // 2, 0) if run.any() else len(wrong)
