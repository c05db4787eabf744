"""A tree of ways through the field: the farthest places first, each down to the tree so far."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.field import GRID_MM, Field
from recanal.grids.geodesic import Reach

__all__ = ["Way", "find_ways", "seen_tubes"]

LEAST_ADDED_MM = 5.0
COVER_MM = 2.8
LEAST_TUBE = 0.45
LEAST_MEAN_TUBE = 0.5
MOST_WAYS = 160
TISSUE_SHARE = np.float32(0.8)
COVERED, ON_WAY = np.uint8(1), np.uint8(2)


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
    maps = field.bright.ravel(), field.tissue.ravel()
    length = reach.length_mm.ravel()
    reached = np.flatnonzero(np.isfinite(length))
    targets = reached[np.maximum(maps[0][reached], TISSUE_SHARE * maps[1][reached]) >= LEAST_TUBE]
    targets = targets[np.argsort(-length[targets])]
    marks = np.zeros(shape, dtype=np.uint8), np.empty(length.size, np.int32), np.empty(length.size, np.int32)
    room = np.empty(len(reached) + most_ways + 1, dtype=np.int64)
    limits = (np.float32(LEAST_ADDED_MM), least_mean_share, most_ways)
    ends, links = _trace(targets, (length, reach.came, *maps), marks, (_ball(round(COVER_MM / GRID_MM)), room), limits)
    starts = np.concatenate([[0], ends])[: len(ends)]
    return [
        Way(np.stack(np.unravel_index(room[a:b], shape), axis=1), int(parent), int(at), int(reach.label[room[b - 1]]))
        for a, b, (parent, at) in zip(starts, ends, links, strict=True)
    ]


def seen_tubes(field: Field) -> NDArray[np.bool_]:
    """(a, b, c) where a tube is seen clearly enough to be looked for."""
    return np.asarray((field.bright >= LEAST_TUBE) | (field.tissue >= LEAST_TUBE / TISSUE_SHARE))


def _ball(reach: int) -> NDArray[np.int64]:
    offset = np.argwhere(np.ones((2 * reach + 1,) * 3)) - reach
    return np.asarray(offset[(offset**2).sum(axis=1) <= reach**2 + 1])


@numba.njit(cache=True, nogil=True)
def _trace(targets, maps, marks, rooms, limits):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """The ways one after the other in ``room``: where each ends there, and (n, 2) the way and the voxel it leaves.

    ``marks`` are 1 where a voxel is covered and 2 more where it lies on a way; the number of its way and its place on
    it are held for those alone.
    """
    length, came, bright, tissue = maps
    marked, owner, place = marks
    ball, room = rooms
    least_mm, least_share, most = limits
    flat = marked.ravel()
    ends, links = np.empty(most, dtype=np.int64), np.empty((most, 2), dtype=np.int64)
    count = used = 0
    for tip in targets:
        if count >= most:
            break
        if flat[tip]:
            continue
        here, size, total = tip, 0, 0.0
        while True:
            room[used + size] = here
            size += 1
            if flat[here] >= ON_WAY or came[here] < 0:
                break
            total += max(bright[here], TISSUE_SHARE * tissue[here])
            here = came[here]
        if length[tip] - length[here] < least_mm or total / (size - 1) < least_share:
            flat[tip] |= COVERED
            continue
        way = room[used : used + size]
        way[:] = way[::-1].copy()
        joined = flat[here] >= ON_WAY
        links[count, 0], links[count, 1] = (owner[here], place[here]) if joined else (-1, 0)
        for k in range(1 if joined else 0, size):
            owner[way[k]], place[way[k]] = count, k
            flat[way[k]] |= ON_WAY
        _cover(marked, way, ball)
        used += size
        ends[count] = used
        count += 1
    return ends[:count], links[:count]


@numba.njit(cache=True, nogil=True)
def _cover(marked, way, ball):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Mark a tube around a way."""
    na, nb, nc = marked.shape
    for here in way:
        a, b, c = here // (nb * nc), here // nc % nb, here % nc
        for n in range(len(ball)):
            i, j, k = a + ball[n, 0], b + ball[n, 1], c + ball[n, 2]
            marked[min(max(i, 0), na - 1), min(max(j, 0), nb - 1), min(max(k, 0), nc - 1)] |= COVERED
