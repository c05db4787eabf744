"""Ways through tissue from a tree to what has lost contact with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import arc_mm
from recanal.core.volume import Volume
from recanal.grids.geodesic import Reach, reach_from
from recanal.imaging.route import GRID_MM, CostMap, cost_map
from recanal.imaging.sample import Block, isotropic, sample

__all__ = ["Bridge", "ends_reached", "pieces_reached", "tissue_costs"]

MARGIN_MM = 12.0
INSIDE_COST = 0.1
LEAST_LEVEL_HU = 150.0
END_VOXELS = 2
CHEAP_COST = 300.0


@dataclass(frozen=True, eq=False)
class Bridge:
    """A way to one piece.

    Parameters
    ----------
    piece
        Index of the piece.
    points_mm
        (n >= 2, 3) from a point of the tree, or of a piece before it, to the piece.
    cost
        Mean cost per mm between them: near 1 inside a tube of tissue, above 10 outside any.
    """

    piece: int
    points_mm: NDArray[np.float64]
    cost: float

    @property
    def length_mm(self) -> float:
        """Length of the way."""
        return float(arc_mm(self.points_mm)[-1])


def tissue_costs(volume: Volume, points_mm: NDArray[np.float64]) -> CostMap:
    """Costs of a step in the box around points of vessels (n, 3): cheap in tubes of lumen, plaque or calcium."""
    fine = Block.around(volume, points_mm, margin_mm=MARGIN_MM)
    inside = sample(fine, points_mm)
    level = max(float(np.nanpercentile(inside, 30)), LEAST_LEVEL_HU)
    return cost_map(isotropic(fine, step_mm=GRID_MM), (level, level))


def _flat(costs: CostMap, points_mm: NDArray[np.float64]) -> NDArray[np.int64]:
    index = np.clip(np.round(costs.block.affine.to_index(points_mm)).astype(int), 0, np.array(costs.cost.shape) - 1)
    return np.asarray(np.ravel_multi_index(tuple(index.T), costs.cost.shape), dtype=np.int64)


def _reach(cost: NDArray[np.float32], starts: NDArray[np.int64], goals: NDArray[np.int64]) -> Reach:
    """The cheapest ways from some voxels: the cheap ones alone where they arrive at all goals."""
    seeds = np.unique(starts)
    labels = np.ones(len(seeds), dtype=np.int16)
    near = reach_from(cost, seeds, labels, step_mm=GRID_MM, most_cost=CHEAP_COST)
    if np.isfinite(near.cost.ravel()[goals]).all():
        return near
    return reach_from(cost, seeds, labels, step_mm=GRID_MM)


def pieces_reached(costs: CostMap, pieces: Sequence[NDArray[np.float64]], rooted: Sequence[int]) -> list[Bridge]:
    """A bridge to each piece that is not rooted, the cheapest first; it may come from another piece before it.

    Parameters
    ----------
    costs
        Of the tissue.
    pieces
        (n, 3) points of every piece.
    rooted
        Indices of the pieces that the ways begin at.
    """
    cost = costs.cost.copy()
    owner = np.full(cost.size, -1, dtype=np.int32)
    voxels = [_flat(costs, points) for points in pieces]
    for k, own in enumerate(voxels):
        cost.ravel()[own] = INSIDE_COST
        owner[own] = k
    goals = np.array([own[0] for k, own in enumerate(voxels) if k not in rooted], dtype=np.int64)
    reach = _reach(cost, np.concatenate([voxels[k] for k in rooted]), goals)
    total = reach.cost.ravel()
    found = []
    for k, own in enumerate(voxels):
        if k in rooted:
            continue
        end = int(own[np.argmin(total[own])])
        way = [end]
        while reach.came[way[-1]] >= 0 and (len(way) == 1 or owner[way[-1]] in (-1, k)):
            way.append(int(reach.came[way[-1]]))
        found.append((float(total[end]), _bridge(costs, k, way[::-1])))
    return [bridge for _, bridge in sorted(found, key=lambda item: item[0])]


def ends_reached(costs: CostMap, tree_mm: NDArray[np.float64], ends_mm: NDArray[np.float64]) -> Bridge:
    """The cheapest bridge from any point of a tree (n, 3) to one of some ends (m, 3), with the index of that end."""
    there = _flat(costs, ends_mm)
    reach = _reach(costs.cost, _flat(costs, tree_mm), there)
    best = int(np.argmin(reach.cost.ravel()[there]))
    return _bridge(costs, best, [int(voxel) for voxel in reach.way_to(int(there[best]))])


def _bridge(costs: CostMap, piece: int, way: list[int]) -> Bridge:
    voxels = np.stack(np.unravel_index(way, costs.cost.shape), axis=1)
    if len(voxels) < 2:
        voxels = np.concatenate([voxels, voxels])
    between = costs.cost[tuple(voxels[END_VOXELS:-END_VOXELS].T)]
    return Bridge(piece, costs.block.affine.to_mm(voxels), float(between.mean()) if len(between) else 0.0)
