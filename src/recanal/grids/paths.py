"""The cheapest way through a grid of costs."""

from __future__ import annotations

import heapq

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["cheapest_path"]


@numba.njit(cache=True, nogil=True)
def _dijkstra(cost, start, goal, came, best):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    na, nb, nc = cost.shape
    source = (start[0] * nb + start[1]) * nc + start[2]
    target = (goal[0] * nb + goal[1]) * nc + goal[2]
    best[source] = 0.0
    heap = [(np.float32(0.0), source)]
    while len(heap) > 0:
        value, here = heapq.heappop(heap)
        if value > best[here]:
            continue
        if here == target:
            break
        i, rest = here // (nb * nc), here % (nb * nc)
        j, k = rest // nc, rest % nc
        for di in range(-1, 2):
            for dj in range(-1, 2):
                for dk in range(-1, 2):
                    a, b, c = i + di, j + dj, k + dk
                    if a < 0 or b < 0 or c < 0 or a >= na or b >= nb or c >= nc:
                        continue
                    there = (a * nb + b) * nc + c
                    if there == here:
                        continue
                    stride = np.sqrt(np.float32(di * di + dj * dj + dk * dk))
                    total = value + np.float32(0.5) * stride * (cost[i, j, k] + cost[a, b, c])
                    if total < best[there]:
                        best[there] = total
                        came[there] = here
                        heapq.heappush(heap, (total, there))


def cheapest_path(
    cost: NDArray[np.float32], start: tuple[int, int, int], goal: tuple[int, int, int]
) -> tuple[NDArray[np.int64], float]:
    """Voxels of the path of least summed cost between two voxels, and that sum in voxel steps.

    Parameters
    ----------
    cost
        (a, b, c) positive cost per voxel step.
    start, goal
        Voxel indices inside the grid.

    Returns
    -------
    path
        (n, 3) voxel indices from start to goal.
    total
        Sum of the costs along the path.

    Notes
    -----
    Dijkstra EW. Numer Math 1959;1:269, on the 26-neighbourhood, stopped at the goal.
    """
    came = np.full(cost.size, -1, dtype=np.int64)
    best = np.full(cost.size, np.inf, dtype=np.float32)
    _dijkstra(cost, np.asarray(start, dtype=np.int64), np.asarray(goal, dtype=np.int64), came, best)
    here = int(np.ravel_multi_index(goal, cost.shape))
    total = float(best[here])
    flat = [here]
    while came[here] >= 0:
        here = int(came[here])
        flat.append(here)
    return np.stack(np.unravel_index(flat[::-1], cost.shape), axis=1), total
