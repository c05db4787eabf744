"""A tree of ways through the field: the farthest places first, each down to the tree so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.geodesic import Reach

__all__ = ["Way", "find_ways"]

LEAST_ADDED_MM = 5.0
COVER_MM = 2.8
LEAST_TUBE = 0.45
LEAST_MEAN_TUBE = 0.5
MOST_WAYS = 160


@dataclass(frozen=True, eq=False)
class Way:
    """One way from a voxel of the tree so far, or of an ostium, to a tip.

    Parameters
    ----------
    voxels
        (n, 3) indices; the first one lies on the parent.
    parent, at
        Index of the way it leaves and of the voxel on it; -1 for one that begins at an ostium.
    label
        Of the ostium.
    """

    voxels: NDArray[np.int64]
    parent: int
    at: int
    label: int


def find_ways(
    field: Field, reach: Reach, *, least_mean_share: float = LEAST_MEAN_TUBE, most_ways: int = MOST_WAYS
) -> list[Way]:
    """Repeated backtracking from the farthest place that is not yet covered.

    Notes
    -----
    Deschamps T, Cohen LD. Med Image Anal 2001;5:281, doi:10.1016/S1361-8415(01)00046-9: farthest geodesic points.
    """
    shape = field.block.hu.shape
    tube = np.maximum(field.bright, np.float32(0.8) * field.tissue).ravel()
    length = reach.length_mm.ravel()
    targets = np.flatnonzero(np.isfinite(length) & (tube >= LEAST_TUBE))
    targets = targets[np.argsort(-length[targets])]
    covered = np.zeros(shape, dtype=bool)
    owner = np.full(length.shape, -1, dtype=np.int32)
    place = np.full(length.shape, -1, dtype=np.int32)
    ball = _ball(round(COVER_MM / GRID_MM))
    ways: list[Way] = []
    flat_covered = covered.ravel()
    for tip in targets:
        if flat_covered[tip] or len(ways) >= most_ways:
            continue
        way, joined = _down_to_tree(int(tip), reach.came, owner)
        added = float(length[tip] - length[way[0]])
        if added < LEAST_ADDED_MM or float(tube[way[1:]].mean()) < least_mean_share:
            flat_covered[tip] = True
            continue
        voxels = np.stack(np.unravel_index(way, shape), axis=1)
        parent, at = (int(owner[way[0]]), int(place[way[0]])) if joined else (-1, 0)
        fresh = way[1:] if joined else way
        owner[fresh] = len(ways)
        place[fresh] = np.arange(len(way))[1:] if joined else np.arange(len(way))
        _cover(covered, voxels, ball)
        ways.append(Way(voxels, parent, at, int(reach.label[tip])))
    return ways


def _ball(reach: int) -> NDArray[np.int64]:
    offset = np.argwhere(np.ones((2 * reach + 1,) * 3)) - reach
    return np.asarray(offset[(offset**2).sum(axis=1) <= reach**2 + 1])


def _cover(covered: NDArray[np.bool_], voxels: NDArray[np.int64], ball: NDArray[np.int64]) -> None:
    where = (voxels[:, None, :] + ball[None]).reshape(-1, 3)
    where = np.clip(where, 0, np.array(covered.shape) - 1)
    covered[tuple(where.T)] = True


def _down_to_tree(tip: int, came: NDArray[np.int32], owner: NDArray[np.int32]) -> tuple[NDArray[np.int64], bool]:
    """Voxels from the tree, or from the start, to a tip; whether the first one lies on the tree."""
    way = [tip]
    while owner[way[-1]] < 0 and came[way[-1]] >= 0:
        way.append(int(came[way[-1]]))
    return np.array(way[::-1], dtype=np.int64), bool(owner[way[-1]] >= 0)
