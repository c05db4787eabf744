"""Which parts of the tree lie beyond an occlusion, and which may give blood to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from recanal.anatomy.branches import Branch
from recanal.anatomy.tree import CoronaryTree
from recanal.collaterals.thin_vessels import Bed
from recanal.pipeline.seeded import SeededResult

__all__ = ["Beds", "beds_of"]

LEAST_RADIUS_MM = 1.0
OVER_MM = 5.0
CLOSED_MM = 1.5
BEYOND_MM = 5.0
NEAR_MM = 2.0


@dataclass(frozen=True, eq=False)
class Beds:
    """The sides of an occlusion.

    Parameters
    ----------
    recipient
        What lies beyond it.
    donors
        The other arteries, one of each name.
    avoid_mm
        (n, 3) the occluded artery up to the distal cap.
    """

    recipient: Bed
    donors: tuple[Bed, ...]
    avoid_mm: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Every sample of every branch: where, how wide, of which vessel, and in which connected part.

    ``part`` is -1 where the tree is cut; ``rooted`` says whether the part begins at an ostium.
    """

    points_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    vessel: NDArray[np.str_]
    part: NDArray[np.int64]
    rooted: NDArray[np.bool_]


def beds_of(anatomy: CoronaryTree, result: SeededResult, lesion: int) -> Beds:
    """The vessel beyond an occlusion, and the arteries that are open.

    Parameters
    ----------
    anatomy
        The tree.
    result
        A measured vessel.
    lesion
        Which of its occlusions, from 0.

    Notes
    -----
    The tree may have come to the vessel beyond through a connection. So it is cut where it is closed and where it is
    narrower than 2 mm; what then hangs together with the measured axis beyond the occlusion is the vessel beyond.
    """
    gap, line = result.vessel.gaps[lesion], result.vessel.line
    arc, name = line.arc_mm, result.lesions[lesion].vessel
    closed = line.points_between(gap.start_mm, gap.end_mm)
    beyond = line.points_mm[arc > gap.end_mm + BEYOND_MM]
    nodes = _nodes(anatomy, closed)
    mine = np.zeros(len(nodes.part), dtype=bool)
    if len(beyond):
        near = cKDTree(beyond).query(nodes.points_mm)[0] < NEAR_MM
        mine = np.isin(nodes.part, np.unique(nodes.part[near & (nodes.part >= 0)]))
    wide = (nodes.part >= 0) & ~mine
    points = np.concatenate([beyond, nodes.points_mm[mine]])
    radius = np.concatenate([np.full(len(beyond), LEAST_RADIUS_MM), nodes.radius_mm[mine]])
    donors = tuple(
        Bed(other, nodes.points_mm[keep], nodes.radius_mm[keep])
        for other in ("LM", "RCA", "LAD", "LCX")
        for keep in [wide & (nodes.vessel == other)]
        if other != name and keep.any()
    )
    before = [line.points_mm[arc <= gap.end_mm], nodes.points_mm[wide & nodes.rooted & (nodes.vessel == name)]]
    return Beds(Bed(name or "", points, radius), donors, np.concatenate(before))


def _nodes(anatomy: CoronaryTree, closed_mm: NDArray[np.float64]) -> _Nodes:
    counts = [len(branch.arc_mm) for branch in anatomy.branches]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    radius = np.concatenate([_steady(branch) for branch in anatomy.branches])
    points = np.concatenate([branch.line.points_mm for branch in anatomy.branches])
    vessel = np.full(len(points), "", dtype="<U8")
    for item in anatomy.named:
        arc = anatomy.branches[item.branch].arc_mm
        vessel[first[item.branch] + np.flatnonzero((arc >= item.start_mm) & (arc <= item.end_mm))] = item.vessel
    keep = radius >= LEAST_RADIUS_MM
    if len(closed_mm):
        keep &= cKDTree(closed_mm).query(points)[0] > CLOSED_MM
    starts = set(first.tolist())
    pairs = [(a, a + 1) for a in range(len(points) - 1) if a + 1 not in starts]
    for k, branch in enumerate(anatomy.branches):
        if branch.parent >= 0:
            above = anatomy.branches[branch.parent]
            pairs.append((int(first[k]), int(first[branch.parent] + np.abs(above.arc_mm - branch.parent_mm).argmin())))
    edges = np.array([pair for pair in pairs if keep[pair[0]] and keep[pair[1]]]).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(points), len(points)))
    _, part = connected_components(graph, directed=False)
    part = np.where(keep, part, -1).astype(np.int64)
    stems = [slice(first[k], first[k] + 30) for k, branch in enumerate(anatomy.branches) if branch.parent < 0]
    roots = np.unique(np.concatenate([part[stem] for stem in stems])) if stems else np.array([], dtype=np.int64)
    return _Nodes(points, radius, vessel, part, np.isin(part, roots[roots >= 0]))


def _steady(branch: Branch) -> NDArray[np.float64]:
    """The lumen radius of a branch, as its median over 5 mm."""
    step = branch.line.length_mm / max(len(branch.arc_mm) - 1, 1)
    return np.asarray(ndimage.median_filter(branch.lumen_mm, max(1, round(OVER_MM / max(step, 0.1))), mode="nearest"))
