"""Which dense groups of a non-contrast scan are coronary calcium, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.calcium.candidates import Candidate, Candidates
from recanal.calcium.chest import Chest
from recanal.calcium.great_vessels import GreatVessels

__all__ = ["NOISE_SIGMAS", "Judged", "judge"]

WALL_MM = 2.5
DESCENDING_WALL_MM = 4.0
ROOT_MM = 9.0
OSTIA_MM = 22.0
OSTIA_WALL_MM = 0.6
INNERMOST_PERCENT = 10.0
LEAST_FAT = 0.22
ANNULUS_FAT = 0.30
ANNULUS_MM = (11.0, 24.0, -20.0)
ANNULUS_REACH_MM = (14.0, 20.0)
MOST_AIR_MM = 8.0
BONE_NEAR_MM = 5.0
NOISE_SIGMAS = 4.5
HEART_MM = 80.0
METAL_HU = 1600.0
VALVE_FAT = 0.3


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate and what it was taken for.

    Parameters
    ----------
    place
        ``"coronary"``, ``"noise"``, ``"bone"``, ``"outside the heart"``, ``"aorta"``, ``"valve or muscle"``,
        ``"stent or metal"``.
    why
        The rule, in words; empty for coronary calcium.
    confidence
        From 0 to 1, that a coronary one is coronary: how far the nearest rule is from refusing it.
    """

    candidate: Candidate
    place: str
    why: str
    confidence: float


def _ascending_rule(item: Candidate, great: GreatVessels) -> tuple[str, float]:
    """Reason and margin of the rule on the ascending aorta."""
    if great.ascending is None or great.root_mm is None:
        return "", np.inf
    if item.centre_mm[2] - great.root_mm[2] > OSTIA_MM:
        wall = float(great.ascending.wall_mm(item.centre_mm[None])[0])
        return f"{wall:.1f} mm from the wall of the ascending aorta", (wall - WALL_MM) / 3.0
    walls = great.ascending.wall_mm(item.points_mm)
    inner = float(np.partition(walls, k := int(INNERMOST_PERCENT / 100.0 * (len(walls) - 1)))[k])
    return f"reaches to {inner:.1f} mm from the wall of the ascending aorta", (inner - OSTIA_WALL_MM) / 1.5


def _least_fat(item: Candidate, root_mm: NDArray[np.float64] | None) -> float:
    """The share of fat that coronary calcium has around it at least: more where the mitral annulus is expected."""
    if root_mm is None:
        return LEAST_FAT
    away = float(np.linalg.norm(item.centre_mm - root_mm - ANNULUS_MM))
    return float(np.interp(away, ANNULUS_REACH_MM, (ANNULUS_FAT, LEAST_FAT)))


def _refusals(
    item: Candidate, great: GreatVessels, noise_hu: float, heart_mm: NDArray[np.float64]
) -> list[tuple[str, str, float]]:
    """Place, reason and margin (negative where the rule refuses, 1 where it is far from it), in order of rank."""
    point = item.centre_mm[None]
    ascending, ascending_margin = _ascending_rule(item, great)
    least_fat = _least_fat(item, great.root_mm)
    descending = np.inf if great.descending is None else float(great.descending.wall_mm(point)[0])
    root = np.inf if great.root_mm is None else float(np.linalg.norm(item.centre_mm - great.root_mm))
    above = item.peak_hu - item.tissue_hu
    far = float(np.linalg.norm(item.centre_mm - heart_mm))
    return [
        ("noise", f"{above:.0f} HU above the tissue around it", (above / max(noise_hu, 5.0) - NOISE_SIGMAS) / 2.0),
        ("bone", f"{item.bone_mm:.0f} mm from bone", (item.bone_mm - BONE_NEAR_MM) / 5.0),
        ("outside the heart", "lung lies between it and the heart", (MOST_AIR_MM - item.air_mm) / 4.0),
        ("outside the heart", f"{far:.0f} mm from the middle of the heart", (HEART_MM - far) / 10.0),
        ("aorta", ascending, ascending_margin),
        (
            "aorta",
            f"{descending:.1f} mm from the wall of the descending aorta",
            (descending - DESCENDING_WALL_MM) / 3.0,
        ),
        ("valve or muscle", f"{root:.0f} mm from the middle of the aortic root", (root - ROOT_MM) / 3.0),
        ("valve or muscle", f"{100 * item.fat_share:.0f} % fat around it", (item.fat_share - least_fat) / 0.1),
        ("stent or metal", f"peak of {item.peak_hu:.0f} HU", (METAL_HU - item.peak_hu) / 200.0),
    ]


def judge(candidates: Candidates, chest: Chest, great: GreatVessels, *, noise_hu: float) -> tuple[Judged, ...]:
    """Every candidate with its place.

    Parameters
    ----------
    noise_hu
        Standard deviation of the noise, all of it: see :func:`recanal.calcium.noise.noise_hu`.

    Notes
    -----
    Coronary calcium lies in the fat of the grooves of the heart, between the lungs, clear of the aorta. What is
    refused, in this order: less than 4.5 noise standard deviations above the tissue around it; within 5 mm of the
    skeleton; lung between it and the heart, or more than 80 mm from its middle; on the ascending aorta, within 4 mm of
    the descending one; in the aortic root, or with too little fat within 2 to 7 mm (valves, annulus, papillary muscle);
    a peak above 1,600 HU (metal).

    On the ascending aorta is what lies within 2.5 mm of its wall, more than 22 mm above the root. Below that coronary
    arteries pass close by; there it is what reaches within 0.6 mm of the wall. Too little fat is less than 22 %, and
    less than 30 % where the mitral annulus is expected: 11 mm to the left, 24 behind and 20 below the root.
    """
    judged = []
    for item in candidates.found:
        rules = _refusals(item, great, noise_hu, chest.heart_mm)
        refused = next((rule for rule in rules if rule[2] < 0), None)
        if refused is not None:
            judged.append(Judged(item, refused[0], refused[1], 0.0))
            continue
        margin = min(rule[2] for rule in rules)
        judged.append(Judged(item, "coronary", "", float(np.clip(0.5 + 0.5 * margin, 0.5, 1.0))))
    return tuple(judged)
