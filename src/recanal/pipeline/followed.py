"""Which of two ways between the ends of an occlusion is followed, where two searches found one each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from recanal.closures.suspects import Suspect
from recanal.core.volume import Volume
from recanal.errors import SeedError
from recanal.imaging.lumen_level import TISSUE_HU
from recanal.imaging.vessel import trace_vessel
from recanal.pipeline.seeded import SeededResult, measured_vessel

__all__ = ["CONFIRMED", "FOLLOWED", "along_the_tree", "goes_back", "led_farther"]

LEAST_CONFIDENCE = 0.1
LED_OFF_MM, SEEN_AT_MM, LEAST_GAP_MM = 3.0, 4.0, 6.0
LEAST_STEPS = 8
BESIDE_MM, BACK_MM = 2.5, 5.0
CONFIRMED_MM, CONFIRMED_CONFIDENCE, FARTHER_MM, DIM = 1.5, 0.1, 3.0, 0.6
CONFIRMED = (
    "the way through the second part is uncertain; along the first, a shorter way to bright plaque leads the same way"
)
FOLLOWED = "axis drawn along the coronary tree: the cheapest way between its two ends leaves it"


def along_the_tree(volume: Volume, suspect: Suspect, result: SeededResult) -> SeededResult:
    """The vessel through a suspect along its own path, where the measured way left that path and is not to be trusted.

    Parameters
    ----------
    volume
        The CT angiogram.
    suspect
        A closed stretch of the tree that fills again beyond.
    result
        What was measured between its two points.

    Notes
    -----
    The tree is grown from the aorta on other maps than the way between two points is found on. It is followed where
    that way leaves it by more than 3 mm inside the occlusion, with a confidence below 0.1, and it is believed where
    the occlusion then begins within 4 mm of where the tree lost the contrast, and is 6 mm long or more.
    """
    if suspect.apart or suspect.calcified or suspect.distal_mm is None or not _is_led_off(suspect, result):
        return result
    path = suspect.path.points_mm
    first, last = (int(cKDTree(path).query(end)[1]) for end in (suspect.proximal_mm, suspect.distal_mm))
    if last - first < LEAST_STEPS:
        return result
    try:
        vessel = trace_vessel(volume, suspect.proximal_mm, suspect.distal_mm, along_mm=path[first : last + 1])
    except SeedError:
        return result
    if len(vessel.gaps) != 1 or vessel.gaps[0].end_mm - vessel.gaps[0].start_mm < LEAST_GAP_MM:
        return result
    start = vessel.line.at([vessel.gaps[0].start_mm])[0]
    if float(np.linalg.norm(start - np.asarray(suspect.cap_mm))) > SEEN_AT_MM:
        return result
    other = measured_vessel(vessel, result.quality, name=suspect.vessel)
    return replace(other, lesions=tuple(replace(one, flags=(*one.flags, FOLLOWED)) for one in other.lesions))


def led_farther(part: SeededResult, aside: Sequence[SeededResult]) -> SeededResult | None:
    """Of occlusions set aside since the way through them was uncertain, one of which this is but the first part.

    Parameters
    ----------
    part
        A measured vessel with one occlusion.
    aside
        Measured vessels to places that the coronary tree did not reach.

    Notes
    -----
    The tree may go astray in an occlusion, and take bright plaque for the vessel beyond. So one that begins within
    4 mm of the same place, runs within 1.5 mm of it all along, and leads on for 3 mm or more to a vessel beyond which
    keeps more contrast, explains it; where the lumen beyond it is dim itself, less than 0.6 of that before it.
    """
    if len(part.vessel.gaps) != 1:
        return None
    vessel, gap = part.vessel, part.vessel.gaps[0]
    first_hu, last_hu = vessel.lumen.level_hu[[0, -1]] - TISSUE_HU
    if last_hu >= DIM * first_hu:
        return None
    axis = vessel.line.points_between(gap.start_mm, gap.end_mm)
    for other in aside:
        if len(other.vessel.gaps) != 1:
            continue
        line, whole = other.vessel.line, other.vessel.gaps[0]
        within = line.points_between(whole.start_mm - SEEN_AT_MM, whole.end_mm)
        longer_mm = (whole.end_mm - whole.start_mm) - (gap.end_mm - gap.start_mm)
        starts_apart_mm = float(np.linalg.norm(line.at([whole.start_mm])[0] - axis[0]))
        same = float(cKDTree(within).query(axis)[0].max()) <= CONFIRMED_MM and starts_apart_mm <= SEEN_AT_MM
        if same and longer_mm >= FARTHER_MM and other.vessel.lumen.level_hu[-1] > vessel.lumen.level_hu[-1]:
            lesion = other.lesions[0]
            flags = (*lesion.flags, CONFIRMED)
            return replace(other, lesions=(replace(lesion, bridge_confidence=CONFIRMED_CONFIDENCE, flags=flags),))
    return None


def goes_back(suspect: Suspect, result: SeededResult) -> bool:
    """Whether the way to an occlusion runs back along the artery, towards the aorta: it lies in something beside it.

    Parameters
    ----------
    suspect
        What was measured.
    result
        The vessel between its two points.
    """
    path, line = suspect.path, result.vessel.line
    if not result.vessel.gaps:
        return False
    ends = line.at([result.vessel.gaps[0].start_mm, result.vessel.seed_mm[0]])
    away_mm, nearest = cKDTree(path.points_mm).query(ends)
    cap_mm, seed_mm = path.arc_mm[nearest]
    return bool(away_mm[0] < BESIDE_MM and cap_mm < seed_mm - BACK_MM)


def _is_led_off(suspect: Suspect, result: SeededResult) -> bool:
    """Whether the way through an occlusion is doubtful, and leaves the path of the tree."""
    vessel = result.vessel
    tree = cKDTree(suspect.path.points_mm)
    for gap, bridge in zip(vessel.gaps, vessel.bridges, strict=True):
        axis = vessel.line.points_between(gap.start_mm, gap.end_mm)
        if bridge.confidence < LEAST_CONFIDENCE and float(tree.query(axis)[0].max()) > LED_OFF_MM:
            return True
    return False
