"""The calcium score of a non-contrast series: with a reader's mask, or found automatically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.calcium.agatston import LEAST_AREA_MM2, SLICE_MM, THRESHOLD_HU, lesions_of
from recanal.calcium.candidates import Candidate, Candidates, find_candidates
from recanal.calcium.chest import Chest, look_at_chest
from recanal.calcium.great_vessels import find_great_vessels
from recanal.calcium.judgement import Judged, judge
from recanal.calcium.registration import Registration, register
from recanal.calcium.stack import SliceStack
from recanal.calcium.territory import Named, by_lines, by_position
from recanal.core.calcium import ARTERIES, CalciumLesion, CalciumMethod, ExcludedCalcium
from recanal.errors import InputError

__all__ = ["Contrast", "Scored", "find_calcium", "method_of", "score_labels", "series_flags"]

CONTRAST_SHARE = 0.12
CONTRAST_HU = (150.0, 700.0)
LEAST_TOLD_MM3 = 3.0
STENT_MM = 15.0
Lines = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Contrast:
    """The contrast series of the same study.

    Parameters
    ----------
    stack
        Its slices.
    lines_mm
        By artery (LM, LAD, LCX, RCA): (n, 3) points of its axis and side branches in the contrast series; may be
        empty.
    """

    stack: SliceStack
    lines_mm: Lines = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Scored:
    """Calcium found, and what it was found with.

    Parameters
    ----------
    labels
        Of the shape of the stack: 1 LM, 2 LAD, 3 LCX, 4 RCA, 0 elsewhere.
    lesions
        See :func:`recanal.calcium.agatston.lesions_of`.
    excluded
        Dense groups of at least 3 mm3 inside the chest that were not counted.
    artery_rule
        Where the names of the arteries come from.
    registration
        Of the contrast series; None without one.
    """

    labels: NDArray[np.uint8]
    lesions: tuple[CalciumLesion, ...]
    excluded: tuple[ExcludedCalcium, ...] = ()
    artery_rule: str = "the reader's mask"
    flags: tuple[str, ...] = ()
    registration: Registration | None = None


def method_of(
    stack: SliceStack, *, mode: str, artery_rule: str, kvp: float | None, calibration_mg_per_hu_mm3: float | None
) -> CalciumMethod:
    """The rules of a score, with what the slices of this series ask for.

    Notes
    -----
    Agatston's slices are 3 mm thick and touch. Where the distance between slices is another, every spot is weighted
    with that distance over 3 mm, so that each millimetre of artery counts once, overlapping slices included: the
    "equivalent Agatston score" of scanner consoles. Nothing is resampled.
    """
    step, thick = stack.step_mm, stack.thickness_mm
    factor = step / SLICE_MM
    if abs(step - SLICE_MM) < 0.01:
        rule = "slices 3 mm apart: the original definition"
    else:
        rule = f"slices {step:.2f} mm apart: every spot counts {factor:.3f} times (distance over 3 mm)"
    if thick is not None and thick > step * 1.05:
        rule += f"; slices of {thick:.2f} mm overlap, each millimetre counts once"
    return CalciumMethod(
        mode=mode,
        threshold_hu=THRESHOLD_HU,
        least_area_mm2=LEAST_AREA_MM2,
        connectivity=8,
        slice_step_mm=step,
        slice_thickness_mm=thick,
        slice_factor=factor,
        slice_rule=rule,
        artery_rule=artery_rule,
        kvp=kvp,
        calibration_mg_per_hu_mm3=calibration_mg_per_hu_mm3,
    )


def series_flags(stack: SliceStack, *, kvp: float | None) -> tuple[str, ...]:
    """What makes the score of a series another quantity than Agatston's."""
    flags, thick = [], stack.thickness_mm
    if kvp is None:
        flags.append("tube voltage not known: the weights belong to 120 kV")
    elif abs(kvp - 120.0) > 1.0:
        flags.append(f"{kvp:.0f} kV: threshold and weights belong to 120 kV and were not changed")
    if thick is None:
        flags.append("slice thickness not known: the score belongs to slices of 3 mm")
    elif abs(thick - SLICE_MM) > 0.05:
        flags.append(
            f"slices {thick:.2f} mm thick: thinner ones show more and denser spots than 3 mm, thicker ones fewer"
        )
    if thick is not None and stack.step_mm > thick * 1.05:
        flags.append(f"gaps of {stack.step_mm - thick:.2f} mm between slices: calcium in them is not seen")
    return tuple(flags)


def score_labels(
    stack: SliceStack, labels: NDArray[np.uint8], *, calibration_mg_per_hu_mm3: float | None = None
) -> Scored:
    """The exact score of a reader's regions."""
    lesions = lesions_of(stack, labels, calibration_mg_per_hu_mm3=calibration_mg_per_hu_mm3)
    return Scored(labels, lesions)


def _noise_hu(stack: SliceStack, chest: Chest) -> float:
    """Median standard deviation in 5 x 5 pixels of soft tissue around the middle of the heart."""
    k, row, column = np.rint(stack.affine.to_index(chest.heart_mm)[0]).astype(int)
    k = int(np.clip(k, 1, len(stack.hu) - 2))
    half = [int(20.0 / step) for step in stack.affine.spacing_mm[1:]]
    box = (
        slice(k - 1, k + 2),
        slice(max(row - half[0], 0), row + half[0]),
        slice(max(column - half[1], 0), column + half[1]),
    )
    part = stack.hu[box].astype(np.float64)
    mean = ndimage.uniform_filter(part, (1, 5, 5))
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(part**2, (1, 5, 5)) - mean**2, 0.0) * 25 / 24)
    soft = (mean > 0) & (mean < 100)
    return float(np.median(spread[soft])) if soft.any() else 20.0


def _check_plain(chest: Chest) -> None:
    """Refuse a series with contrast in the blood."""
    reach = int(50.0 / (chest.affine.spacing_mm[0]))
    middle = [n // 2 for n in chest.hu.shape]
    part = chest.hu[tuple(slice(max(m - reach, 0), m + reach) for m in middle)]
    share = float(((part > CONTRAST_HU[0]) & (part < CONTRAST_HU[1])).mean())
    if share > CONTRAST_SHARE:
        raise InputError(
            f"This series shows contrast: {100 * share:.0f} % of the middle of the chest is brighter than "
            f"{CONTRAST_HU[0]:.0f} HU.",
            hint="Name the non-contrast series with --series.",
        )


def _artery(item: Candidate, root_mm: NDArray[np.float64], lines_mm: Lines) -> Named:
    """By the lines of the contrast series where one is near, else by position."""
    place = by_position(item.centre_mm, root_mm)
    line = by_lines(item.centre_mm, lines_mm)
    if line is None:
        return place if not lines_mm else Named(place.artery, 0.5)
    return line


def _painted(
    candidates: Candidates, coronary: list[tuple[Judged, Named]]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Labels and confidences of coronary groups."""
    number = np.zeros(int(candidates.groups.max()) + 1, dtype=np.uint8)
    sure = np.zeros(len(number), dtype=np.float32)
    for judged, named in coronary:
        number[judged.candidate.number] = ARTERIES.index(named.artery) + 1
        sure[judged.candidate.number] = min(judged.confidence, named.confidence)
    return number[candidates.groups], sure[candidates.groups]


def _excluded(judged: tuple[Judged, ...]) -> tuple[ExcludedCalcium, ...]:
    told = [j for j in judged if j.place in ("aorta", "valve or muscle", "stent or metal")]
    told = [j for j in told if j.candidate.volume_mm3 >= LEAST_TOLD_MM3]
    ordered = sorted(told, key=lambda j: -j.candidate.volume_mm3)
    return tuple(
        ExcludedCalcium(
            place=j.place,
            volume_mm3=j.candidate.volume_mm3,
            peak_hu=j.candidate.peak_hu,
            centre_mm=(
                float(j.candidate.centre_mm[0]),
                float(j.candidate.centre_mm[1]),
                float(j.candidate.centre_mm[2]),
            ),
            why=j.why,
        )
        for j in ordered
    )


def _lined_up(chest: Chest, contrast: Contrast | None) -> tuple[Registration | None, Lines, list[str]]:
    """The registration, the arteries in the space of the non-contrast series, and flags."""
    if contrast is None:
        return None, {}, []
    found = register(chest, look_at_chest(contrast.stack))
    if not found.trusted:
        return found, {}, [f"contrast series not matched (correlation {found.correlation:.2f}): arteries by position"]
    if not contrast.lines_mm:
        return found, {}, ["no named arteries of the contrast series: arteries by position"]
    return found, {name: found.backward(points) for name, points in contrast.lines_mm.items() if len(points)}, []


def find_calcium(
    stack: SliceStack, *, contrast: Contrast | None = None, calibration_mg_per_hu_mm3: float | None = None
) -> Scored:
    """Coronary calcium found and named without a reader.

    Parameters
    ----------
    stack
        The non-contrast series.
    contrast
        The contrast series of the same study, with named arteries.

    Raises
    ------
    InputError
        When the series shows contrast, or neither the heart nor the ascending aorta can be found.

    Notes
    -----
    See :func:`recanal.calcium.judgement.judge` for what counts as coronary and
    :mod:`recanal.calcium.territory` for the names. Side branches belong to the main artery that they leave.
    """
    chest = look_at_chest(stack)
    _check_plain(chest)
    great = find_great_vessels(chest)
    root = great.root_mm
    if root is None:
        raise InputError(
            "The ascending aorta was not found, so that its calcium cannot be told from that of the arteries.",
            hint="Give the reader's regions with --mask.",
        )
    registration, lines_mm, flags = _lined_up(chest, contrast)
    candidates = find_candidates(stack, chest)
    judged = judge(candidates, chest, great, noise_hu=_noise_hu(stack, chest))
    coronary = [(j, _artery(j.candidate, root, lines_mm)) for j in judged if j.place == "coronary"]
    labels, sure = _painted(candidates, coronary)
    lesions = lesions_of(stack, labels, calibration_mg_per_hu_mm3=calibration_mg_per_hu_mm3, confidence=sure)
    long = sum(j.candidate.extent_mm > STENT_MM for j, _ in coronary)
    if long:
        flags.append(f"{long} group(s) longer than {STENT_MM:.0f} mm counted as calcium: look whether one is a stent")
    if great.descending is None:
        flags.append("descending aorta not found")
    rule = "the named arteries of the contrast series" if lines_mm else "position relative to the aortic root"
    return Scored(labels, lesions, _excluded(judged), rule, tuple(flags), registration)
