"""The coronary tree led on into the arteries that were measured beyond an occlusion, and what they are called there."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.anatomy.tree import CoronaryTree, TreeSearch
from recanal.core.case import Lesion
from recanal.imaging.caps import Gap
from recanal.pipeline.seeded import SeededResult

__all__ = ["led_beyond", "segments_of"]

NEAR_MM = 2.5
LEAST_SAMPLES = 4
BEYOND_MM = 15.0
LEAST_MISSING = 0.5


def led_beyond(
    search: TreeSearch | None, anatomy: CoronaryTree, parts: list[SeededResult]
) -> tuple[CoronaryTree, list[SeededResult]]:
    """The tree with the arteries beyond the measured occlusions that it lacked, and these with their names in it.

    Both stay as they are where the tree lacks none, or where the longer one is doubted for more than it was.

    Parameters
    ----------
    search
        The maps that the tree grew on; None for one that was given.
    anatomy
        The tree.
    parts
        The measured vessels, each with its occlusions.
    """
    missing = [_between_seeds(part) for part in parts if _is_missing(part, anatomy)]
    if search is None or not missing:
        return anatomy, parts
    longer = search.tree(missing)
    if len(longer.doubts) > len(anatomy.doubts):
        return anatomy, parts
    return longer, [_retold(part, longer) for part in parts]


def segments_of(axis_mm: NDArray[np.float64], anatomy: CoronaryTree) -> tuple[int, ...]:
    """SCCT numbers of the segments that a curve (n, 3) runs through."""
    count = Counter(scct for scct, _ in _names(axis_mm, anatomy) if scct)
    return tuple(sorted(number for number, samples in count.items() if samples >= LEAST_SAMPLES))


def _names(axis_mm: NDArray[np.float64], anatomy: CoronaryTree) -> list[tuple[int | None, str | None]]:
    """The SCCT number and the artery of each point of a curve that lies near a named stretch."""
    points, names = [], []
    for item in anatomy.named:
        branch = anatomy.branches[item.branch]
        keep = (branch.arc_mm >= item.start_mm) & (branch.arc_mm <= item.end_mm)
        points.append(branch.line.points_mm[keep])
        names += [(item.scct, item.vessel)] * int(keep.sum())
    if not names or not len(axis_mm):
        return []
    far, near = cKDTree(np.concatenate(points)).query(axis_mm)
    return [names[k] for k in near[far < NEAR_MM]]


def _retold(part: SeededResult, anatomy: CoronaryTree) -> SeededResult:
    """A measured vessel whose occlusions carry the segments, and the artery beyond them, of another tree."""
    pairs = zip(part.lesions, part.vessel.gaps, strict=True)
    return replace(part, lesions=tuple(_renamed(lesion, *_axis(part, gap), anatomy) for lesion, gap in pairs))


def _renamed(lesion: Lesion, axis: NDArray[np.float64], beyond: NDArray[np.float64], anatomy: CoronaryTree) -> Lesion:
    vessels = Counter(vessel for _, vessel in _names(beyond, anatomy) if vessel)
    vessel = vessels.most_common(1)[0][0] if vessels else lesion.vessel
    return replace(lesion, segments=segments_of(axis, anatomy), vessel=vessel)


def _axis(part: SeededResult, gap: Gap) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The axis (n, 3) inside an occlusion, and that of the 15 mm beyond it."""
    line, arc = part.vessel.line, part.vessel.line.arc_mm
    return line.points_between(gap.start_mm, gap.end_mm), line.points_mm[
        (arc > gap.end_mm) & (arc < gap.end_mm + BEYOND_MM)
    ]


def _between_seeds(part: SeededResult) -> NDArray[np.float64]:
    return part.vessel.line.points_between(*part.vessel.seed_mm)


def _is_missing(part: SeededResult, anatomy: CoronaryTree) -> bool:
    """Whether a tree has less than half of what was measured between the last occlusion and the point beyond it."""
    vessel = part.vessel
    arc = vessel.line.arc_mm
    beyond = vessel.line.points_mm[(arc > vessel.gaps[-1].end_mm) & (arc <= vessel.seed_mm[1])]
    if not len(beyond) or not anatomy.branches:
        return False
    far, _ = cKDTree(np.concatenate([branch.line.points_mm for branch in anatomy.branches])).query(beyond)
    return bool((far > NEAR_MM).mean() > LEAST_MISSING)
