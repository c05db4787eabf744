"""Where a vessel runs along a chamber so close that the two look like one: how to lead ways past it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.grids.breaks import FLOOR_HU, Course, Voxels, opened, piece_at
from recanal.grids.depth import depth_mm
from recanal.grids.geodesic import BLOCKED, Reach, reach_from

__all__ = ["led_past"]

LEAST_HU = 180.0
RIM_VOXELS = 4.4
MARGIN_VOXELS = 28
MOST_COST = 28.0
LEAST_BEYOND_VOXELS = 42.0
UP_VOXELS, NEAR_VOXELS = 12, 14.0
ONWARDS, STRAIGHT = 0.35, 0.8
ALIKE = (0.8, 1.25)
KEPT_SHARE, FULL_SHARE = 0.5, 0.75
DIM_COST = np.float32(2.5)
MOST_TRIED = 3


def led_past(
    cost: NDArray[np.float32],
    hu: NDArray[np.float32],
    *,
    tube: NDArray[np.bool_],
    shut: NDArray[np.bool_],
    reach: Reach,
    courses: Sequence[Course],
) -> int:
    """How many ways were led past a chamber, to the same vessel beyond; the cost is lowered in between.

    Parameters
    ----------
    cost, hu, tube, reach
        As for :func:`recanal.grids.breaks.closed_breaks`.
    shut
        (a, b, c) chambers and great vessels.
    courses
        The ways.

    Notes
    -----
    From where a way touches a chamber, a front spreads in the bright rim of it, 4 voxels deep, to tubes that no way has
    reached. The same vessel is a tube that goes on for 42 voxels or more, in the same direction, with 0.8 to 1.25
    times the contrast of the way, of which half is left between. The limits are recanal's own, chosen on phantoms.
    """
    free = tube & ~np.isfinite(reach.cost) & (cost < BLOCKED)
    return sum(_is_led(cost, hu, (free, shut), course) for course in courses)


def _is_led(
    cost: NDArray[np.float32],
    hu: NDArray[np.float32],
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    course: Course,
) -> bool:
    free, shut = masks
    start = _touching(course.own, shut, hu)
    if not len(start):
        return False
    low = np.maximum(start.min(axis=0) - MARGIN_VOXELS, 0)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, start.max(axis=0) + MARGIN_VOXELS + 1, strict=True))
    over = (hu[box] - FLOOR_HU) / np.float32(np.median(hu[tuple(start.T)]) - FLOOR_HU)
    rim = shut[box] & (depth_mm(shut[box], step_mm=1.0) <= RIM_VOXELS) & (over > KEPT_SHARE)
    passing = np.where(rim | free[box], np.where(over > FULL_SHARE, np.float32(1.0), DIM_COST), BLOCKED)
    begin = np.ravel_multi_index(tuple((start - low).T), passing.shape)
    passing.ravel()[begin] = 1.0
    front = reach_from(passing, begin, np.ones(len(begin), np.int16), step_mm=1.0, most_cost=MOST_COST)
    for goal in _arrivals(free, front, low):
        flat = int(np.ravel_multi_index(tuple(goal - low), passing.shape))
        way = np.stack(np.unravel_index(front.way_to(flat), passing.shape), axis=1) + low
        if _is_same(free, hu, way, course):
            opened(cost, way)
            return True
    return False


def _touching(way: Voxels, shut: NDArray[np.bool_], hu: NDArray[np.float32]) -> Voxels:
    """The bright voxels of a way that touch a mask."""
    last = np.array(shut.shape) - 1
    around = np.argwhere(np.ones((3, 3, 3))) - 1
    near = np.clip(way[:, None, :] + around[None], 0, last)
    touch = shut[tuple(near.reshape(-1, 3).T)].reshape(len(way), -1).any(axis=1)
    return np.asarray(way[touch & (hu[tuple(way.T)] > LEAST_HU)])


def _arrivals(free: NDArray[np.bool_], front: Reach, low: Voxels) -> list[Voxels]:
    """The first voxel of each free tube of some length that a front arrived at, the nearest first."""
    box = tuple(slice(int(a), int(a) + size) for a, size in zip(low, front.cost.shape, strict=True))
    label, _ = ndimage.label(free[box], structure=np.ones((3, 3, 3)))
    long = 1 + np.flatnonzero(np.bincount(label.ravel())[1:] >= NEAR_VOXELS)
    firsts = ndimage.minimum_position(front.cost, label, long) if len(long) else []
    firsts = sorted(firsts, key=lambda where: float(front.cost[where]))[:MOST_TRIED]
    return [np.array(where, dtype=np.int64) + low for where in firsts if np.isfinite(front.cost[where])]


def _is_same(free: NDArray[np.bool_], hu: NDArray[np.float32], way: Voxels, course: Course) -> bool:
    """Whether the tube at the end of a way along a rim is the vessel that the way left."""
    piece, far = piece_at(free, way[-1])
    if far.max() < LEAST_BEYOND_VOXELS:
        return False
    at = int(np.argmin(np.abs(course.whole - way[0]).sum(axis=1)))
    before = course.whole[max(0, at - UP_VOXELS) : at + 1]
    beyond = piece[far <= NEAR_VOXELS]
    levels = np.median(hu[tuple(before.T)]), np.percentile(hu[tuple(beyond.T)], 75)
    inside = ndimage.uniform_filter1d(hu[tuple(way.T)].astype(np.float64), 5, mode="nearest").min()
    share = (levels[1] - FLOOR_HU) / max(levels[0] - FLOOR_HU, 1.0)
    ahead, along, onwards = way[-1] - way[0], way[0] - before[0], beyond.mean(axis=0) - way[-1]
    straight = _cosine(along, ahead) >= ONWARDS and _cosine(onwards, ahead) >= STRAIGHT
    kept = inside - FLOOR_HU >= KEPT_SHARE * (min(levels) - FLOOR_HU)
    return bool(ALIKE[0] <= share <= ALIKE[1] and straight and kept)


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(one @ other) / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-9)
