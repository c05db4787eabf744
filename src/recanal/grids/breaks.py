"""Short breaks of tubes that noise has made, and how to close them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.grids.geodesic import BLOCKED, Reach

__all__ = ["closed_breaks"]

Voxels = NDArray[np.int64]
LOOK_VOXELS = 14
TANGENT_VOXELS = 8
MOST_BREAK_VOXELS = 12.0
AHEAD = 0.7
BEYOND_VOXELS = 45
LEAST_BEYOND_VOXELS = 26.0
LEVEL_VOXELS = 10
FLOOR_HU = 60.0
LEAST_LEVEL_HU = 125.0
KEPT_SHARE = 0.5
ALIKE = (0.6, 1.5)
BREAK_COST = np.float32(3.0)


def closed_breaks(
    cost: NDArray[np.float32],
    hu: NDArray[np.float32],
    *,
    tube: NDArray[np.bool_],
    reach: Reach,
    ways: Sequence[Voxels],
) -> int:
    """How many breaks were closed between the ends of ways and tubes that the front did not reach.

    Parameters
    ----------
    cost
        (a, b, c) cost per mm, which is lowered inside the breaks; a break that it was cut to stays.
    hu
        (a, b, c) Hounsfield units.
    tube
        (a, b, c) where a tube was seen.
    reach
        What the front arrived at.
    ways
        (n, 3) voxels of each way, from its start to its tip.

    Notes
    -----
    A break is at most 12 voxels long and lies straight ahead of a tip. Beyond it a tube goes on for 26 voxels or more
    that carries 0.6 to 1.5 times the contrast over tissue of the tip, and inside it at least half of the lower one is
    left. The limits are recanal's own, chosen on phantoms.
    """
    free = tube & ~np.isfinite(reach.cost) & (cost < BLOCKED)
    count = 0
    for way in ways:
        tip, level = way[-1], float(np.median(hu[tuple(way[-LEVEL_VOXELS:].T)]))
        if len(way) < LEVEL_VOXELS or level < LEAST_LEVEL_HU:
            continue
        ahead = (tip - way[-TANGENT_VOXELS]).astype(np.float64)
        goal = _goal(free, tip, ahead / max(float(np.linalg.norm(ahead)), 1e-9))
        if goal is None or not _goes_on(free, hu, (tip, goal), level):
            continue
        _open(cost, tip, goal)
        count += 1
    return count


def _goal(free: NDArray[np.bool_], tip: Voxels, ahead: NDArray[np.float64]) -> Voxels | None:
    """The nearest free voxel straight ahead of a tip."""
    low = np.maximum(tip - LOOK_VOXELS, 0)
    box = tuple(slice(int(a), int(b) + LOOK_VOXELS + 1) for a, b in zip(low, tip, strict=True))
    found = np.argwhere(free[box]) + low
    away = (found - tip).astype(np.float64)
    far = np.linalg.norm(away, axis=1)
    found = found[(far <= MOST_BREAK_VOXELS) & (away @ ahead > AHEAD * far)]
    return found[int(np.argmin(np.linalg.norm(found - tip, axis=1)))] if len(found) else None


def _between(tip: Voxels, goal: Voxels) -> Voxels:
    """(n, 3) voxels on the straight line from one to the other."""
    steps = int(np.abs(goal - tip).max()) + 1
    return np.rint(np.linspace(tip, goal, 2 * steps)).astype(np.int64)


def _goes_on(free: NDArray[np.bool_], hu: NDArray[np.float32], pair: tuple[Voxels, Voxels], level: float) -> bool:
    """Whether a long tube begins at a free voxel that is as bright as the tip, and contrast lies between."""
    tip, goal = pair
    low = np.maximum(goal - BEYOND_VOXELS, 0)
    box = tuple(slice(int(a), int(b) + BEYOND_VOXELS + 1) for a, b in zip(low, goal, strict=True))
    label, _ = ndimage.label(free[box], structure=np.ones((3, 3, 3)))
    piece = np.argwhere(label == label[tuple(goal - low)]) + low
    far = np.linalg.norm(piece - goal, axis=1)
    if far.max() < LEAST_BEYOND_VOXELS:
        return False
    beyond = float(np.percentile(hu[tuple(piece[far <= LEVEL_VOXELS].T)], 60))
    share = (beyond - FLOOR_HU) / (level - FLOOR_HU)
    way = _between(tip, goal)
    inside = ndimage.uniform_filter1d(hu[tuple(way.T)].astype(np.float64), 5, mode="nearest")
    left = float(inside.min()) - FLOOR_HU
    return ALIKE[0] <= share <= ALIKE[1] and left >= KEPT_SHARE * (min(level, beyond) - FLOOR_HU)


def _open(cost: NDArray[np.float32], tip: Voxels, goal: Voxels) -> None:
    """Lower the cost on a straight line, and next to it, to that of a poor tube."""
    for voxel in _between(tip, goal):
        part = cost[tuple(slice(max(int(v) - 1, 0), int(v) + 2) for v in voxel)]
        np.minimum(part, BREAK_COST, out=part)
