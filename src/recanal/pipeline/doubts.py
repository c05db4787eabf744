"""When a measured vessel is not to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Volume
from recanal.pipeline.seeded import SeededResult
from recanal.quality.coverage import is_wide
from recanal.quality.steps import SlabSteps

__all__ = ["cap_doubts", "doubts_of", "named_doubts", "off_steps", "perhaps_exchanged"]

UNUSABLE_CONFIDENCE = 0.05
LEAST_PROXIMAL_SHARE = 0.7
MOST_DISTAL_WIDTH = 1.1
LEAST_BLOOD_SHARE = 0.5
LEAST_OPEN_HU = 150.0
LEAST_CONTRAST_HU = 60.0
MOST_LUMEN_HU, MOST_BLOOD_SHARE = 750.0, 1.3
MOST_BLOOD_SHARE_SEEN = 1.4
FACE_MM = 1.5
LEAST_OPEN_MM = 2.0
STEP_REACH_MM, STEP_LENGTH_MM = 2.5, 2.0
ASTRAY_LENGTH_MM, ASTRAY_CONFIDENCE = 8.0, 0.1
_GIVEN = MappingProxyType(
    {
        "axis": "the axis through {} is not to be trusted: check both seeds",
        "edge": "the vessel runs along or out of the edge of the picture between the seeds",
        "exchanged": "less contrast at the proximal seed ({:.0f} HU) than at the distal one ({:.0f} HU): "
        "are the seeds exchanged, or does the proximal one lie in the occlusion?",
        "blood": "the proximal seed ({:.0f} HU) is far below the blood pool ({:.0f} HU): is it in the occlusion?",
        "faint": "only {:.0f} HU at a seed: it may lie in plaque or muscle and not in open lumen",
        "hard": "{:.0f} HU at a seed, more than blood shows: it may lie in calcium; move it to lumen without calcium",
        "short": "only {0:.1f} mm of open vessel beyond the {1} cap: the {1} seed may lie in the occlusion",
        "dim": "the lumen at the {} seed is only {:.0f} HU above the plaque: the seed may lie in the occlusion",
    }
)
_FOUND = MappingProxyType(
    {
        "axis": "the axis found through {} is not to be trusted: measure again with two points in open lumen",
        "edge": "the vessel that was found runs along or out of the edge of the picture",
        "exchanged": "less contrast before the occlusion ({:.0f} HU) than beyond it ({:.0f} HU): "
        "what was followed there may be no open artery",
        "blood": "the vessel before the occlusion ({:.0f} HU) is far below the blood pool ({:.0f} HU): "
        "what was followed there may be no open artery",
        "faint": "only {:.0f} HU at an end of what was followed: it may be plaque or muscle and no open lumen",
        "hard": "{:.0f} HU at an end of what was followed, more than blood shows: it may be calcium and no open lumen",
        "short": "only {:.1f} mm of open vessel was found beyond the {} cap: the cap may lie elsewhere",
    }
)


def doubts_of(result: SeededResult, volume: Volume, *, automatic: bool = False) -> tuple[str, ...]:
    """Reasons not to trust a result, in words for its reader; none when it can be trusted.

    Parameters
    ----------
    result
        What was measured.
    volume
        What it was measured on.
    automatic
        Whether the two ends were found and not given: then no seed is spoken of, and that a cap may lie elsewhere is a
        doubt of one lesion (:func:`cap_doubts`) and no reason not to trust the case.
    """
    says = _FOUND if automatic else _GIVEN
    caps = [] if automatic else [*_short(result, says), *_dim(result, says)]
    return (
        *_axis_doubts(result, volume, says),
        *_seed_doubts(result, says, seen=not automatic and is_wide(volume)),
        *caps,
    )


def cap_doubts(result: SeededResult) -> tuple[str, ...]:
    """Why a cap of a vessel whose ends were found may lie elsewhere, in words for the reader of its lesion.

    That the lumen beside a cap is dim is left to the flag of the lesion, which is raised earlier.
    """
    return tuple(_short(result, _FOUND))


def named_doubts(result: SeededResult, doubts: tuple[str, ...]) -> list[str]:
    """Doubts of a measured vessel with the names of its lesions before them."""
    names = ", ".join(lesion.id for lesion in result.lesions)
    return [f"{names}: {doubt}" for doubt in doubts]


def perhaps_exchanged(result: SeededResult) -> tuple[str, ...]:
    """What to look at where the vessel is wider beyond the occlusion than before it; no reason not to trust a case.

    Notes
    -----
    Arteries narrow along their course. Of 436 made occlusions 1 was more than 1.1 times as wide beyond as before; with
    the points exchanged and contrast alike at both, 87 % are.
    """
    before, beyond = (lesion.reference for lesion in (result.lesions[0], result.lesions[-1]))
    width = None if before is None else before.proximal_diameter_mm
    far = None if beyond is None else beyond.distal_diameter_mm
    if not width or not far or far <= MOST_DISTAL_WIDTH * width:
        return ()
    said = f"the vessel is wider beyond the occlusion ({far:.1f} mm) than before it ({width:.1f} mm)"
    return (f"{said}: are the seeds exchanged, or is it dilated there?",)


def off_steps(parts: list[SeededResult], volume: Volume, steps: SlabSteps) -> tuple[list[SeededResult], list[str]]:
    """The measured vessels without what is as short as a displacement of slabs at it, and a note on each such stretch.

    Where two slabs do not meet, a vessel that runs level is shown beside itself, and the way between is dark. The way
    from one part to the other may be led astray: where it shows no vessel it may be 8 mm longer than the displacement.

    Parameters
    ----------
    parts
        One measured vessel for each place where an occlusion was found.
    volume, steps
        The picture, and where its slabs do not meet.
    """
    kept, notes = [], []
    for part in parts:
        met = [_is_step(part, k, volume, steps) for k in range(len(part.vessel.gaps))]
        notes += [
            f"{lesion.vessel or 'an artery without a name'}: {gap.end_mm - gap.start_mm:.1f} mm without contrast "
            "where two slabs do not meet, not taken for an occlusion"
            for lesion, gap, step in zip(part.lesions, part.vessel.gaps, met, strict=True)
            if step
        ]
        rest = [k for k, step in enumerate(met) if not step]
        gaps, bridges = tuple(part.vessel.gaps[k] for k in rest), tuple(part.vessel.bridges[k] for k in rest)
        vessel = replace(part.vessel, gaps=gaps, bridges=bridges)
        if rest:
            kept.append(replace(part, vessel=vessel, lesions=tuple(part.lesions[k] for k in rest)))
    return kept, notes


def _is_step(part: SeededResult, k: int, volume: Volume, steps: SlabSteps) -> bool:
    """Whether a stretch lies where slabs do not meet, and is hardly longer than their displacement."""
    gap, confidence = part.vessel.gaps[k], part.lesions[k].bridge_confidence
    astray = confidence is not None and confidence <= ASTRAY_CONFIDENCE
    slices = volume.affine.to_index(part.vessel.line.points_between(gap.start_mm, gap.end_mm))[:, 0]
    if not len(slices) or gap.end_mm - gap.start_mm > steps.largest_mm + (
        ASTRAY_LENGTH_MM if astray else STEP_LENGTH_MM
    ):
        return False
    reach = STEP_REACH_MM / volume.spacing_mm[0]
    return any(slices.min() - reach < k < slices.max() + reach for k in steps.slice_index)


def _axis_doubts(result: SeededResult, volume: Volume, says: Mapping[str, str]) -> list[str]:
    lost = [
        x.id for x in result.lesions if x.bridge_confidence is not None and x.bridge_confidence < UNUSABLE_CONFIDENCE
    ]
    doubts = [says["axis"].format(", ".join(lost))] if lost else []
    line, arc = result.vessel.line, result.vessel.line.arc_mm
    within = (arc >= result.vessel.seed_mm[0]) & (arc <= result.vessel.seed_mm[1])
    if not volume.contains_mm(line.points_mm[within], margin_mm=FACE_MM).all():
        doubts.append(says["edge"])
    return doubts


def _seed_doubts(result: SeededResult, says: Mapping[str, str], *, seen: bool) -> list[str]:
    """Doubts of the lumen at the two ends; ``seen`` where the aorta or a left chamber surely is in view."""
    vessel, gaps = result.vessel, result.vessel.gaps
    first, last = float(vessel.lumen.level_hu[0]), float(vessel.lumen.level_hu[-1])
    blood = result.quality.aorta_hu
    doubts = []
    if gaps and first < LEAST_PROXIMAL_SHARE * last:
        doubts.append(says["exchanged"].format(first, last))
    if blood is not None and first < LEAST_BLOOD_SHARE * blood:
        doubts.append(says["blood"].format(first, blood))
    faint = min(first, last)
    if not gaps and (faint < LEAST_OPEN_HU or (blood is not None and faint < LEAST_BLOOD_SHARE * blood)):
        doubts.append(says["faint"].format(faint))
    most = max(MOST_LUMEN_HU, MOST_BLOOD_SHARE * (blood or 0.0))
    if gaps and max(first, last) > (MOST_BLOOD_SHARE_SEEN * blood if seen and blood else most):
        doubts.append(says["hard"].format(max(first, last)))
    return doubts


def _short(result: SeededResult, says: Mapping[str, str]) -> list[str]:
    """The caps with hardly any open vessel beside them."""
    vessel, gaps = result.vessel, result.vessel.gaps
    if not gaps:
        return []
    area, arc = vessel.borders.contours.lumen_area_mm2, vessel.line.arc_mm
    open_mm = {
        "proximal": _span(arc[(arc < gaps[0].start_mm) & (area > 0)]),
        "distal": _span(arc[(arc > gaps[-1].end_mm) & (area > 0)]),
    }
    return [says["short"].format(length, name) for name, length in open_mm.items() if length < LEAST_OPEN_MM]


def _dim(result: SeededResult, says: Mapping[str, str]) -> list[str]:
    """The caps beside which the lumen is hardly brighter than the plaque."""
    vessel, gaps = result.vessel, result.vessel.gaps
    if not gaps:
        return []
    contrast = {
        "proximal": float(vessel.lumen.level_hu[0]) - gaps[0].plaque_start_hu,
        "distal": float(vessel.lumen.level_hu[-1]) - gaps[-1].plaque_end_hu,
    }
    return [says["dim"].format(name, hu) for name, hu in contrast.items() if hu < LEAST_CONTRAST_HU]


def _span(arc_mm: NDArray[np.float64]) -> float:
    return float(np.ptp(arc_mm)) if len(arc_mm) else 0.0
