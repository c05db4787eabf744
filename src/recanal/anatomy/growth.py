"""The ways from the ostia, without those that jump to a neighbouring vein."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.jumps import STEP_MM, Jump, Profile, find_jumps, profile_of
from recanal.anatomy.ostia import Ostium
from recanal.anatomy.veins import (
    chamber_tail,
    companions,
    dim_stretches,
    returning_tail,
    risen_tail,
    runs_beside,
    widened_tail,
)
from recanal.anatomy.ways import Way, find_ways, seen_tubes
from recanal.core.volume import Volume
from recanal.grids.balls import fill_balls
from recanal.grids.breaks import Course, closed_breaks, led_on, opened
from recanal.grids.geodesic import BLOCKED, Reach, reach_from
from recanal.grids.passages import led_past
from recanal.grids.steps import near_steps

__all__ = ["Given", "Stray", "grown_ways", "spared_voxels"]

ROUNDS = 12
MENDED_ROUNDS = 2
CUT_MM = 1.3
LEAD_VOXELS = 6
BRIGHTER = 1.15
STEP_REACH_MM = 2.5
ALIKE_SHARE = 0.7
APART_MM = 15.0
SPARED_SHARE = 1.12
TURN_VOXELS = 8
LEAST_SPARED_MM = 10.0
TOUCHED_MM = 6.0
ACROSS = 0.7
KNOWN_MM = 2.5


@dataclass(frozen=True, eq=False)
class Stray:
    """A stretch that is no artery: the index of its way, and its first and last sample of the profile of that."""

    way: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Given:
    """What is known of a picture before the ways are looked for.

    Parameters
    ----------
    steps_mm
        (n,) z of the levels where the scan is stepped: a vessel that goes on alike beyond one has not been left.
    through_mm
        (n, 3) curves of arteries that the ways are led along, closed or not.
    """

    steps_mm: NDArray[np.float64]
    through_mm: tuple[NDArray[np.float64], ...] = ()


def grown_ways(
    volume: Volume,
    field: Field,
    cost: NDArray[np.float32],
    ostia: list[Ostium],
    *,
    given: Given | None = None,
    room: Reach | None = None,
) -> list[Way]:
    """All ways from the ostia that stay within one vessel, farthest first.

    Parameters
    ----------
    volume, field, cost
        The picture, its maps, and what a way through them costs.
    ostia
        Where the ways begin.
    given
        What is known of the picture beforehand.
    room
        A reach on the grid of the field that is not needed any more; its arrays are used again.
    """
    cost, given = cost.copy(), given or Given(np.empty(0))
    for points_mm in given.through_mm:
        opened(cost, np.rint(field.block.affine.to_index(points_mm)).astype(np.int64))
    starts = np.array([ostium.voxel for ostium in ostia], dtype=np.int64)
    labels = np.arange(1, len(ostia) + 1, dtype=np.int16)
    ways: list[Way] = []
    known: dict[bytes, Profile] = {}
    for number in range(ROUNDS):
        room = reach_from(cost, starts, labels, step_mm=GRID_MM, room=room)
        ways = find_ways(field, room)
        if number < MENDED_ROUNDS and _mended(cost, field, room, ways):
            continue
        known = {**known, **_new_profiles(volume, field, ways, known)}
        profiles = [known[_led_in(ways, way).tobytes()] for way in ways]
        cuts = [jump for profile in profiles for jump in find_jumps(profile) if not _is_kept(jump, given)]
        for jump in cuts:
            _cut(cost, field, jump)
        strays = [] if cuts else _risen(profiles) or _strays(ways, profiles)
        for stray in strays:
            points = profiles[stray.way].line.points_mm[stray.first : stray.last + 1]
            _fill(cost, field, points, spared_voxels(ways, profiles, strays, stray))
        if not cuts and not strays:
            break
    return ways


def _mended(cost: NDArray[np.float32], field: Field, reach: Reach, ways: list[Way]) -> bool:
    """Whether a break was closed ahead of a way, or one led on or past a chamber; the cost is lowered there."""
    tube, hu = seen_tubes(field), field.block.hu
    courses = [Course(way.voxels, np.concatenate(_course(ways, way)[::-1])) for way in ways]
    closed = closed_breaks(cost, hu, tube=tube, reach=reach, ways=[way.voxels for way in ways])
    led = led_on(cost, hu, tube=tube, shut=field.pool, reach=reach, courses=courses)
    return closed + led + led_past(cost, hu, tube=tube, shut=field.pool, reach=reach, courses=courses) > 0


def _course(ways: list[Way], way: Way) -> list[NDArray[np.int64]]:
    """The voxels of a way, and of all that leads to it, back to the ostium."""
    out = [way.voxels]
    while way.parent >= 0:
        out.append(ways[way.parent].voxels[: way.at])
        way = ways[way.parent]
    return out


def _is_kept(jump: Jump, given: Given) -> bool:
    """Whether a dip is that of one vessel: at a level where the scan is stepped, or on an artery that is known."""
    if any(np.linalg.norm(points - jump.point_mm, axis=1).min() < KNOWN_MM for points in given.through_mm):
        return True
    near = near_steps(jump.point_mm[None, 2], given.steps_mm, within_mm=STEP_REACH_MM)
    return bool(near[0]) and jump.alike_share > ALIKE_SHARE


def _risen(profiles: list[Profile]) -> list[Stray]:
    """The ends of ways that brighten beyond a thin vessel and run beside another one: a vein was touched."""
    out = []
    for k, profile in enumerate(profiles):
        tail, points = risen_tail(profile), profile.line.points_mm
        if tail is not None:
            others = [other.line.points_mm for n, other in enumerate(profiles) if n != k]
            others.append(points[: max(0, tail.first - round(APART_MM / STEP_MM))])
            if runs_beside(points[tail.first :: 4], others):
                out.append(Stray(k, tail.first, len(points) - 1))
    return out


def _strays(ways: list[Way], profiles: list[Profile]) -> list[Stray]:
    """All other stretches that are no artery."""
    return [*_ends(ways, profiles), *_chambers(ways, profiles)] or _veins(ways, profiles)


def _ends(ways: list[Way], profiles: list[Profile]) -> list[Stray]:
    """The ends of ways that keep company with brighter vessels, that turn back, or that have become far wider."""
    ends = [*enumerate(companions(profiles)), *((k, widened_tail(profile)) for k, profile in enumerate(profiles))]
    ends += [(k, returning_tail(profiles[k], profiles[w.parent])) for k, w in enumerate(ways) if w.parent >= 0]
    return [Stray(k, end.first, end.last) for k, end in ends if end is not None]


def _chambers(ways: list[Way], profiles: list[Profile]) -> list[Stray]:
    """The ends of ways that run in a chamber."""
    out, starts = [], np.zeros(len(ways))
    for k, (way, profile) in enumerate(zip(ways, profiles, strict=True)):
        if way.parent >= 0:
            share = way.at / max(len(ways[way.parent].voxels), 1)
            starts[k] = starts[way.parent] + share * profiles[way.parent].line.length_mm
        tail = chamber_tail(profile, float(starts[k]))
        if tail is not None:
            out.append(Stray(k, tail.first, tail.last))
    return out


def spared_voxels(ways: list[Way], profiles: list[Profile], strays: list[Stray], stray: Stray) -> NDArray[np.int64]:
    """(n, 3) voxels of the ways without a stray that a vein only touches, and of all that leads to them.

    They are brighter than it, or leave it near its beginning across its course.
    """
    level = SPARED_SHARE * float(np.median(profiles[stray.way].hu[stray.first : stray.last + 1]))
    lost = {item.way for item in strays}
    out = [np.empty((0, 3), dtype=np.int64)]
    for k, way in enumerate(ways):
        if k in lost:
            continue
        crosses = way.parent == stray.way and _crosses(ways, way, profiles[stray.way], stray)
        if crosses or float(np.median(profiles[k].hu[LEAD_VOXELS:])) > level:
            out += _course(ways, way)
    return np.concatenate(out)


def _crosses(ways: list[Way], way: Way, profile: Profile, stray: Stray) -> bool:
    """Whether a way leaves near the beginning of a stray, across it."""
    stem, ahead = ways[way.parent].voxels, min(TURN_VOXELS, len(way.voxels) - 1)
    if len(way.voxels) * GRID_MM < LEAST_SPARED_MM or way.at + TURN_VOXELS >= len(stem):
        return False
    beyond = (way.at + LEAD_VOXELS) * profile.line.length_mm / (len(stem) + LEAD_VOXELS) - stray.first * STEP_MM
    one, other = way.voxels[ahead] - way.voxels[0], stem[way.at + TURN_VOXELS] - stem[way.at]
    cosine = float(one @ other) / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1.0)
    return beyond < TOUCHED_MM and abs(cosine) < ACROSS


def _new_profiles(volume: Volume, field: Field, ways: list[Way], known: dict[bytes, Profile]) -> dict[bytes, Profile]:
    """The profiles of the ways that earlier rounds have not seen, by their voxels."""
    fresh = {way.tobytes(): way for way in (_led_in(ways, way) for way in ways)}
    return {
        key: profile_of(volume, field.block.affine.to_mm(voxels)) for key, voxels in fresh.items() if key not in known
    }


def _veins(ways: list[Way], profiles: list[Profile]) -> list[Stray]:
    """The stretches that run dimly beside another vessel."""
    out = []
    for k, way in enumerate(ways):
        level = 0.0
        if way.parent >= 0:
            level = float(np.median(profiles[k].hu[: round(3.0 / STEP_MM)]))
        for dim in dim_stretches(profiles[k], level):
            points = profiles[k].line.points_mm
            stretch = points[dim.first : dim.last + 1]
            level = BRIGHTER * float(np.median(profiles[k].hu[dim.first : dim.last + 1]))
            others = [profiles[n].line.points_mm[profiles[n].hu > level] for n in range(len(ways)) if n != k]
            others.append(points[: max(0, dim.first - 16)])
            if runs_beside(stretch[::4], others):
                out.append(Stray(k, dim.first, dim.last))
    return out


def _fill(cost: NDArray[np.float32], field: Field, points_mm: NDArray[np.float64], spared: NDArray[np.int64]) -> None:
    """Block a tube around a curve, but for some voxels."""
    kept = cost[tuple(spared.T)]
    where = field.block.affine.to_index(points_mm[::2])
    fill_balls(cost, where, np.full(len(where), round(CUT_MM / GRID_MM)), float(BLOCKED))
    cost[tuple(spared.T)] = kept


def _led_in(ways: list[Way], way: Way) -> NDArray[np.int64]:
    """The voxels of a way with a few of its parent before them."""
    if way.parent < 0:
        return way.voxels
    parent = ways[way.parent].voxels
    return np.concatenate([parent[max(0, way.at - LEAD_VOXELS) : way.at], way.voxels])


def _cut(cost: NDArray[np.float32], field: Field, jump: Jump) -> None:
    """Block the dark voxels around a jump."""
    index = field.block.affine.to_index(jump.point_mm)[0]
    low = np.maximum(np.floor(index - CUT_MM / GRID_MM).astype(int), 0)
    high = np.minimum(np.ceil(index + CUT_MM / GRID_MM).astype(int) + 1, cost.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij"), axis=-1)
    near = np.linalg.norm(grid - index, axis=-1) * GRID_MM <= CUT_MM
    dark = field.block.hu[box] < jump.hu + 0.4 * (jump.side_hu - jump.hu)
    nearest = np.linalg.norm(grid - index, axis=-1) * GRID_MM <= 0.6
    cost[box][near & (dark | nearest)] = BLOCKED
