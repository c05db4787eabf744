"""A vessel measured along the coronary tree where the cheapest way between two points leads elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from recanal.closures.suspects import Suspect
from recanal.core.volume import Volume
from recanal.errors import SeedError
from recanal.imaging.vessel import trace_vessel
from recanal.pipeline.seeded import SeededResult, measured_vessel

__all__ = ["FOLLOWED", "along_the_tree"]

LEAST_CONFIDENCE = 0.1
LED_OFF_MM, SEEN_AT_MM, LEAST_GAP_MM = 3.0, 4.0, 6.0
LEAST_STEPS = 8
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


def _is_led_off(suspect: Suspect, result: SeededResult) -> bool:
    """Whether the way through an occlusion is doubtful, and leaves the path of the tree."""
    vessel = result.vessel
    tree = cKDTree(suspect.path.points_mm)
    for gap, bridge in zip(vessel.gaps, vessel.bridges, strict=True):
        axis = vessel.line.points_mm[(vessel.line.arc_mm >= gap.start_mm) & (vessel.line.arc_mm <= gap.end_mm)]
        if bridge.confidence < LEAST_CONFIDENCE and float(tree.query(axis)[0].max()) > LED_OFF_MM:
            return True
    return False
