"""The cheapest ways from a set of voxels to all others."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCKED", "Reach", "no_reach", "reach_from"]

BLOCKED = np.float32(1e9)
_Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int16]]


@dataclass(frozen=True, eq=False)
class Reach:
    """What a front that starts at some voxels arrives at.

    Parameters
    ----------
    cost
        (a, b, c) cost of the cheapest way in cost times mm; infinite where none arrived.
    length_mm
        (a, b, c) length of that way.
    came
        Flat index of the voxel before, -1 at a start.
    label
        Number of the start that it came from, 0 where none arrived.
    """

    cost: NDArray[np.float32]
    length_mm: NDArray[np.float32]
    came: NDArray[np.int32]
    label: NDArray[np.int16]

    def way_to(self, flat: int) -> NDArray[np.int64]:
        """Flat indices from the start to a voxel."""
        came = self.came
        way = [flat]
        while came[way[-1]] >= 0:
            way.append(int(came[way[-1]]))
        return np.array(way[::-1], dtype=np.int64)


@numba.njit(cache=True, nogil=True)
def _spread(cost, most, neighbours, seeds, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill cost, length, predecessor and label from the seeds outwards."""
    moves, strides = neighbours
    starts, labels = seeds
    best, length, came, label = out
    na, nb, nc = cost.shape
    flat_cost = cost.ravel()
    heap = [(np.float32(0.0), np.int64(0))]
    heap.pop()
    for n in range(len(starts)):
        best[starts[n]] = 0.0
        length[starts[n]] = 0.0
        label[starts[n]] = labels[n]
        heapq.heappush(heap, (np.float32(0.0), starts[n]))
    while len(heap) > 0:
        value, here = heapq.heappop(heap)
        if value > best[here]:
            continue
        for n in range(len(moves)):
            a = here // (nb * nc) + moves[n, 0]
            b = here // nc % nb + moves[n, 1]
            c = here % nc + moves[n, 2]
            if a < 0 or b < 0 or c < 0 or a >= na or b >= nb or c >= nc:
                continue
            there = (a * nb + b) * nc + c
            if flat_cost[there] >= BLOCKED:
                continue
            total = value + np.float32(0.5) * strides[n] * (flat_cost[here] + flat_cost[there])
            if total < best[there] and total <= most:
                best[there] = total
                length[there] = length[here] + strides[n]
                came[there] = here
                label[there] = label[here]
                heapq.heappush(heap, (total, there))


def reach_from(
    cost: NDArray[np.float32],
    starts: NDArray[np.int64],
    labels: NDArray[np.int16],
    *,
    step_mm: float,
    most_cost: float = np.inf,
    room: Reach | None = None,
) -> Reach:
    """The cheapest ways from labelled voxels.

    Parameters
    ----------
    cost
        (a, b, c) cost per mm; ``BLOCKED`` where nothing passes.
    starts, labels
        (n,) flat indices, and the label handed on from each.
    most_cost
        Where the front stops.
    room
        An earlier reach on the same grid that is not needed any more: its arrays are used again.

    Notes
    -----
    Dijkstra EW. Numer Math 1959;1:269, on the 26-neighbourhood.
    """
    best, length, came, label = _emptied(no_reach(cost.shape) if room is None else room)
    seeds = (starts.astype(np.int64), labels)
    moves = np.argwhere(np.ones((3, 3, 3))) - 1
    moves = moves[(moves != 0).any(axis=1)]
    strides = (step_mm * np.linalg.norm(moves, axis=1)).astype(np.float32)
    _spread(cost, np.float32(most_cost), (moves, strides), seeds, (best, length, came, label))
    return Reach(best.reshape(cost.shape), length.reshape(cost.shape), came, label)


def no_reach(shape: tuple[int, ...]) -> Reach:
    """The reach of a front that has not started."""
    far = np.full((2, *shape), np.inf, dtype=np.float32)
    return Reach(far[0], far[1], np.full(far[0].size, -1, dtype=np.int32), np.zeros(far[0].size, dtype=np.int16))


def _emptied(room: Reach) -> _Arrays:
    """The arrays of a reach without what it had reached."""
    arrays = room.cost.reshape(-1), room.length_mm.reshape(-1), room.came, room.label
    reached = np.flatnonzero(arrays[3])
    cost, length, came, label = arrays
    cost[reached], length[reached], came[reached], label[reached] = np.inf, np.inf, -1, 0
    return arrays
