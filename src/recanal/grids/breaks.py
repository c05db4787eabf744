"""Breaks of tubes: short ones that noise has made, and stumps in plaque with an artery beyond; how to close them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.grids.geodesic import BLOCKED, Reach

__all__ = ["Course", "closed_breaks", "led_on", "opened", "piece_at"]

Voxels = NDArray[np.int64]
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
STUMP_VOXELS = 7
LUMEN_PERCENT, LEAST_LUMEN_HU, CLOSED_SHARE = 80, 180.0, 0.62
TURN_VOXELS = 13
MOST_GAP_VOXELS = 23.0
STUMP_AHEAD = 0.75
LEAST_TREE_VOXELS = 42.0
NEAR_VOXELS, ONWARDS = 11.0, 0.35
FAT_HU = 0.0


@dataclass(frozen=True, eq=False)
class Course:
    """The voxels (n, 3) of one way, and those of the whole course from its ostium to its tip."""

    own: Voxels
    whole: Voxels


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
        goals = _ahead(free, tip, ahead / max(float(np.linalg.norm(ahead)), 1e-9), (MOST_BREAK_VOXELS, AHEAD))
        if not len(goals) or not _goes_on(free, hu, (tip, goals[0]), level):
            continue
        opened(cost, _between(tip, goals[0]))
        count += 1
    return count


def led_on(
    cost: NDArray[np.float32],
    hu: NDArray[np.float32],
    *,
    tube: NDArray[np.bool_],
    shut: NDArray[np.bool_],
    reach: Reach,
    courses: Sequence[Course],
) -> int:
    """How many stumps were led on to an artery that the front did not reach; the cost is lowered in between.

    Parameters
    ----------
    cost, hu, tube, reach
        As for :func:`closed_breaks`.
    shut
        (a, b, c) chambers and great vessels, which nothing is led through.
    courses
        The ways.

    Notes
    -----
    A stump ends inside a closed stretch: its last 7 voxels keep less than 62 % of the contrast over tissue of its
    course. Ahead of it, at most 23 voxels away and with no fat or chamber between, a filled tube of 42 voxels or more
    begins and runs on the same way. The wall of an occlusion inside the muscle is not seen; that of a vein that runs
    beside it does not begin there. The limits are recanal's own.
    """
    free = tube & ~np.isfinite(reach.cost) & (cost < BLOCKED)
    count = 0
    for course in courses:
        along = hu[tuple(course.whole.T)]
        last, lumen = float(np.median(along[-STUMP_VOXELS:])), float(np.percentile(along, LUMEN_PERCENT))
        if lumen < LEAST_LUMEN_HU or last - FLOOR_HU > CLOSED_SHARE * (lumen - FLOOR_HU):
            continue
        tip = course.own[-1]
        ahead = (tip - course.own[-min(TURN_VOXELS, len(course.own))]).astype(np.float64)
        ahead /= max(float(np.linalg.norm(ahead)), 1e-9)
        goals = _ahead(free, tip, ahead, (MOST_GAP_VOXELS, STUMP_AHEAD))
        goal = _first_long(free, hu, goals, ahead)
        if goal is None:
            continue
        way = tuple(_between(tip, goal).T)
        inside = ndimage.uniform_filter1d(hu[way].astype(np.float64), 5, mode="nearest")
        if not shut[way].any() and float(inside.min()) > FAT_HU:
            opened(cost, _between(tip, goal))
            count += 1
    return count


def _ahead(free: NDArray[np.bool_], tip: Voxels, ahead: NDArray[np.float64], limits: tuple[float, float]) -> Voxels:
    """(n, 3) free voxels ahead of a tip, within a distance and a cosine, the nearest first."""
    most, straight = limits
    look = int(most) + 2
    low = np.maximum(tip - look, 0)
    box = tuple(slice(int(a), int(b) + look + 1) for a, b in zip(low, tip, strict=True))
    found = np.argwhere(free[box]) + low
    away = (found - tip).astype(np.float64)
    far = np.linalg.norm(away, axis=1)
    keep = (far <= most) & (away @ ahead > straight * far)
    return np.asarray(found[keep][np.argsort(far[keep], kind="stable")])


def piece_at(free: NDArray[np.bool_], goal: Voxels) -> tuple[Voxels, NDArray[np.float64]]:
    """The voxels (n, 3) of the tube that a free voxel belongs to, within 45 voxels, and how far they lie from it."""
    low = np.maximum(goal - BEYOND_VOXELS, 0)
    box = tuple(slice(int(a), int(b) + BEYOND_VOXELS + 1) for a, b in zip(low, goal, strict=True))
    label, _ = ndimage.label(free[box], structure=np.ones((3, 3, 3)))
    piece = np.argwhere(label == label[tuple(goal - low)]) + low
    return piece, np.linalg.norm(piece - goal, axis=1)


def _first_long(
    free: NDArray[np.bool_], hu: NDArray[np.float32], goals: Voxels, ahead: NDArray[np.float64]
) -> Voxels | None:
    """The first of some free voxels that lies in a long tube; None where that is not filled or turns away."""
    known: set[bytes] = set()
    for goal in goals:
        if goal.tobytes() in known:
            continue
        piece, far = piece_at(free, goal)
        if far.max() < LEAST_TREE_VOXELS:
            known |= {voxel.tobytes() for voxel in piece}
            continue
        near = piece[far <= NEAR_VOXELS]
        onwards = float((near - goal).mean(axis=0) @ ahead)
        level = float(np.percentile(hu[tuple(near.T)], 75))
        return goal if onwards >= ONWARDS * NEAR_VOXELS and level > LEAST_LEVEL_HU else None
    return None


def _between(tip: Voxels, goal: Voxels) -> Voxels:
    """(n, 3) voxels on the straight line from one to the other."""
    steps = int(np.abs(goal - tip).max()) + 1
    return np.rint(np.linspace(tip, goal, 2 * steps)).astype(np.int64)


def _goes_on(free: NDArray[np.bool_], hu: NDArray[np.float32], pair: tuple[Voxels, Voxels], level: float) -> bool:
    """Whether a long tube begins at a free voxel that is as bright as the tip, and contrast lies between."""
    tip, goal = pair
    piece, far = piece_at(free, goal)
    if far.max() < LEAST_BEYOND_VOXELS:
        return False
    beyond = float(np.percentile(hu[tuple(piece[far <= LEVEL_VOXELS].T)], 60))
    share = (beyond - FLOOR_HU) / (level - FLOOR_HU)
    way = _between(tip, goal)
    inside = ndimage.uniform_filter1d(hu[tuple(way.T)].astype(np.float64), 5, mode="nearest")
    left = float(inside.min()) - FLOOR_HU
    return ALIKE[0] <= share <= ALIKE[1] and left >= KEPT_SHARE * (min(level, beyond) - FLOOR_HU)


def opened(cost: NDArray[np.float32], voxels: Voxels) -> None:
    """Lower the cost of some voxels (n, 3) of a grid, and next to them, to that of a poor tube."""
    for voxel in voxels:
        part = cost[tuple(slice(max(int(v) - 1, 0), max(int(v) + 2, 0)) for v in voxel)]
        np.minimum(part, BREAK_COST, out=part)
