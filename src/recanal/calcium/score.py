"""The calcium score of a non-contrast series: with a reader's mask, or found automatically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.calcium.agatston import LEAST_AREA_MM2, SLICE_MM, THRESHOLD_HU, lesions_of
from recanal.calcium.candidates import find_candidates
from recanal.calcium.chest import Chest, look_at_chest
from recanal.calcium.doubts import NO_NOISE_HU, mask_doubts, name_flags, noise_flags, unsure_flags
from recanal.calcium.great_vessels import find_great_vessels
from recanal.calcium.judgement import Judged, judge
from recanal.calcium.noise import noise_hu
from recanal.calcium.registration import Registration, register
from recanal.calcium.stack import SliceStack
from recanal.calcium.territory import ON_LINE_MM, Named, by_position, parts_by_lines
from recanal.core.calcium import ARTERIES, CalciumLesion, CalciumMethod, ExcludedCalcium
from recanal.errors import InputError

__all__ = ["Contrast", "Scored", "find_calcium", "method_of", "score_labels", "series_flags"]

CONTRAST_SHARE = 0.12
CONTRAST_HU = (150.0, 700.0)
LEAST_TOLD_MM3 = 3.0
MOST_MARKED_ML = 1500.0
STENT_MM = 15.0
FAILED_CONFIDENCE = 0.5
"""The most that any lesion has where the contrast series given could not be used or does not fit, or where the
descending aorta, whose calcium is to be left out, was not found."""
AWAY = "away from the arteries"
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
        Dense groups of at least 3 mm3 inside the chest that were not counted, and every group too far from the arteries
        of the contrast series.
    artery_rule
        Where the names of the arteries come from.
    registration
        Of the contrast series; None without one.
    confidence
        Of the shape of the stack: how sure each label is; None where a reader decided.
    """

    labels: NDArray[np.uint8]
    lesions: tuple[CalciumLesion, ...]
    excluded: tuple[ExcludedCalcium, ...] = ()
    artery_rule: str = "the reader's mask"
    flags: tuple[str, ...] = ()
    registration: Registration | None = None
    confidence: NDArray[np.float32] | None = None


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
    """The exact score of a reader's regions.

    Raises
    ------
    InputError
        When the mask marks no voxel: a score of 0 would be no finding. When it marks more than a heart holds.
    """
    marked = labels > 0
    if not marked.any():
        raise InputError(
            "The mask marks no voxel.", hint="Mark where to look, calcium or not: 1 LM, 2 LAD, 3 LCX, 4 RCA."
        )
    marked_ml = float(marked.sum()) * abs(float(np.linalg.det(stack.affine.matrix[:3, :3]))) / 1000.0
    if marked_ml > MOST_MARKED_ML:
        raise InputError(
            f"The mask marks {marked_ml:.0f} mL; a whole heart holds less than {MOST_MARKED_ML:.0f} mL.",
            hint="Is it a mask of the body, or inverted? Mark the arteries alone: 1 LM, 2 LAD, 3 LCX, 4 RCA.",
        )
    lesions = lesions_of(stack, labels, calibration_mg_per_hu_mm3=calibration_mg_per_hu_mm3)
    flags: tuple[str, ...] = ()
    if not (stack.hu[marked] >= THRESHOLD_HU).any():
        flags = (f"nothing in the marked regions reaches {THRESHOLD_HU:.0f} HU",)
    elif not lesions:
        flags = (
            f"what reaches {THRESHOLD_HU:.0f} HU in the marked regions is smaller than {LEAST_AREA_MM2:g} mm2 in every "
            f"slice and counts nothing",
        )
    return Scored(labels, lesions, flags=(*flags, *mask_doubts(lesions)))


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


def _named(
    judged: tuple[Judged, ...], root_mm: NDArray[np.float64], lines_mm: Lines
) -> tuple[list[tuple[Judged, Named]], list[Judged]]:
    """Coronary groups with their artery, and those too far from every artery of the contrast series."""
    kept, away = list[tuple[Judged, Named]](), list[Judged]()
    for item in (j for j in judged if j.place == "coronary"):
        whole = item.candidate
        if not lines_mm:
            kept.append((item, by_position(whole.centre_mm, root_mm)))
            continue
        parts = parts_by_lines(whole.points_mm, whole.index[:, 0], lines_mm)
        for mine, named in parts:
            points = whole.points_mm[mine]
            part = replace(whole, index=whole.index[mine], points_mm=points, centre_mm=points.mean(axis=0))
            kept.append((replace(item, candidate=part), named))
        if not parts:
            gap_mm = min(float(cKDTree(points).query(whole.centre_mm)[0]) for points in lines_mm.values())
            away.append(Judged(whole, AWAY, f"{gap_mm:.1f} mm from the nearest named artery", 0.0))
    return kept, away


def _away_flags(away: list[Judged], lines_mm: Lines) -> list[str]:
    """What was left out because no artery of the contrast series is near, and which arteries that series lacks."""
    flags = []
    if away:
        volume_mm3 = sum(item.candidate.volume_mm3 for item in away)
        flags.append(
            f"{len(away)} group(s), {volume_mm3:.0f} mm3, not counted: farther than {ON_LINE_MM:g} mm from every named "
            f"artery of the contrast series"
        )
    missing = [name for name in ARTERIES[1:] if lines_mm and name not in lines_mm]
    if missing:
        flags.append(f"no {', '.join(missing)} in the contrast series: calcium there is not counted")
    return flags


def _painted(
    shape: tuple[int, ...], coronary: list[tuple[Judged, Named]], *, most_confidence: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Labels and confidences of coronary groups."""
    labels, sure = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.float32)
    for judged, named in coronary:
        where = tuple(judged.candidate.index.T)
        labels[where] = ARTERIES.index(named.artery) + 1
        sure[where] = min(judged.confidence, named.confidence, most_confidence)
    return labels, sure


def _misfit_flags(coronary: list[tuple[Judged, Named]], away: list[Judged]) -> list[str]:
    """Told where more calcium lies away from the arteries of the contrast series than on them."""
    if sum(len(j.candidate.index) for j in away) <= sum(len(j.candidate.index) for j, _ in coronary):
        return []
    return ["most calcium lies away from the arteries of the contrast series: is it laid over rightly, and are they?"]


def _excluded(judged: tuple[Judged, ...]) -> tuple[ExcludedCalcium, ...]:
    told = [j for j in judged if j.place in ("aorta", "valve or muscle", "stent or metal", AWAY)]
    told = [j for j in told if j.candidate.volume_mm3 >= LEAST_TOLD_MM3 or j.place == AWAY]
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
    :mod:`recanal.calcium.territory` for the names. Side branches belong to the main artery that they leave. With the
    named arteries of a contrast series, what lies farther than 6 mm from every one of them is not counted.
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
    candidates, noise = find_candidates(stack, chest), noise_hu(stack, chest)
    judged = judge(candidates, chest, great, noise_hu=NO_NOISE_HU if noise is None else noise)
    coronary, away = _named(judged, root, lines_mm)
    misfit = _misfit_flags(coronary, away)
    failed = bool(misfit) or (contrast is not None and not lines_mm) or great.descending is None
    labels, sure = _painted(stack.hu.shape, coronary, most_confidence=FAILED_CONFIDENCE if failed else 1.0)
    lesions = lesions_of(stack, labels, calibration_mg_per_hu_mm3=calibration_mg_per_hu_mm3, confidence=sure)
    long = len({j.candidate.number for j, _ in coronary if j.candidate.extent_mm > STENT_MM})
    if long:
        flags.append(f"{long} group(s) longer than {STENT_MM:.0f} mm counted as calcium: look whether one is a stent")
    if great.descending is None:
        flags.append("descending aorta not found")
    flags += [*misfit, *noise_flags(noise), *_away_flags(away, lines_mm), *unsure_flags(lesions)]
    flags += name_flags(lesions, [(j.candidate.centre_mm, named) for j, named in coronary])
    rule = "the named arteries of the contrast series" if lines_mm else "position relative to the aortic root"
    return Scored(labels, lesions, _excluded((*judged, *away)), rule, tuple(flags), registration, sure)
