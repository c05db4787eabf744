"""The ways from the ostia, without those that jump to a neighbouring vein."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.jumps import STEP_MM, Jump, Profile, find_jumps, profile_of
from recanal.anatomy.ostia import Ostium
from recanal.anatomy.steps import near_steps
from recanal.anatomy.veins import Dim, chamber_tail, companions, dim_stretches, risen_tail, runs_beside, widened_tail
from recanal.anatomy.ways import Way, find_ways, seen_tubes
from recanal.core.volume import Volume
from recanal.grids.breaks import closed_breaks
from recanal.grids.geodesic import BLOCKED, Reach, reach_from

__all__ = ["grown_ways"]

ROUNDS = 12
MENDED_ROUNDS = 2
CUT_MM = 1.3
LEAD_VOXELS = 6
BRIGHTER = 1.15
STEP_REACH_MM = 2.5
ALIKE_SHARE = 0.7
APART_MM = 15.0


def grown_ways(
    volume: Volume,
    field: Field,
    cost: NDArray[np.float32],
    ostia: list[Ostium],
    *,
    steps_mm: NDArray[np.float64] | None = None,
    room: Reach | None = None,
) -> list[Way]:
    """All ways from the ostia that stay within one vessel, farthest first.

    Parameters
    ----------
    volume, field, cost
        The picture, its maps, and what a way through them costs.
    ostia
        Where the ways begin.
    steps_mm
        (n,) z of the levels where the scan is stepped: a vessel that goes on alike beyond one has not been left.
    room
        A reach on the grid of the field that is not needed any more; its arrays are used again.
    """
    cost = cost.copy()
    steps = np.empty(0) if steps_mm is None else steps_mm
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
        cuts = [jump for profile in profiles for jump in find_jumps(profile) if not _stepped(jump, steps)]
        for jump in cuts:
            _cut(cost, field, jump)
        strays = [] if cuts else _risen(profiles) or _strays(ways, profiles)
        for stray in strays:
            _fill(cost, field, stray)
        if not cuts and not strays:
            break
    return ways


def _mended(cost: NDArray[np.float32], field: Field, reach: Reach, ways: list[Way]) -> bool:
    """Whether a break was closed ahead of a way; the cost is lowered in it."""
    ends = [way.voxels for way in ways]
    return closed_breaks(cost, field.block.hu, tube=seen_tubes(field), reach=reach, ways=ends) > 0


def _stepped(jump: Jump, steps_mm: NDArray[np.float64]) -> bool:
    """Whether a dip is that of one vessel at a level where the scan is stepped."""
    near = near_steps(jump.point_mm[None, 2], steps_mm, within_mm=STEP_REACH_MM)
    return bool(near[0]) and jump.alike_share > ALIKE_SHARE


def _risen(profiles: list[Profile]) -> list[NDArray[np.float64]]:
    """Points of the ends of ways that brighten beyond a thin vessel and run beside another one: a vein was touched."""
    out = []
    for k, profile in enumerate(profiles):
        tail, points = risen_tail(profile), profile.line.points_mm
        if tail is not None:
            others = [other.line.points_mm for n, other in enumerate(profiles) if n != k]
            others.append(points[: max(0, tail.first - round(APART_MM / STEP_MM))])
            if runs_beside(points[tail.first :: 4], others):
                out.append(points[tail.first :])
    return out


def _strays(ways: list[Way], profiles: list[Profile]) -> list[NDArray[np.float64]]:
    """Points of all other stretches that are no artery."""
    return [*_veins(ways, profiles), *_ends(profiles), *_chambers(ways, profiles)]


def _ends(profiles: list[Profile]) -> list[NDArray[np.float64]]:
    """Points of the ends of ways that keep company with brighter vessels, or that have become far wider."""
    ends: list[Dim | None] = [*companions(profiles), *(widened_tail(profile) for profile in profiles)]
    twice = zip([*profiles, *profiles], ends, strict=True)
    return [profile.line.points_mm[end.first : end.last + 1] for profile, end in twice if end is not None]


def _chambers(ways: list[Way], profiles: list[Profile]) -> list[NDArray[np.float64]]:
    """Points of the ends of ways that run in a chamber."""
    out, starts = [], np.zeros(len(ways))
    for k, (way, profile) in enumerate(zip(ways, profiles, strict=True)):
        if way.parent >= 0:
            share = way.at / max(len(ways[way.parent].voxels), 1)
            starts[k] = starts[way.parent] + share * profiles[way.parent].line.length_mm
        tail = chamber_tail(profile, float(starts[k]))
        if tail is not None:
            out.append(profile.line.points_mm[tail.first : tail.last + 1])
    return out


def _new_profiles(volume: Volume, field: Field, ways: list[Way], known: dict[bytes, Profile]) -> dict[bytes, Profile]:
    """The profiles of the ways that earlier rounds have not seen, by their voxels."""
    fresh = {way.tobytes(): way for way in (_led_in(ways, way) for way in ways)}
    return {
        key: profile_of(volume, field.block.affine.to_mm(voxels)) for key, voxels in fresh.items() if key not in known
    }


def _veins(ways: list[Way], profiles: list[Profile]) -> list[NDArray[np.float64]]:
    """Points of the stretches that run dimly beside another vessel."""
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
                out.append(stretch)
    return out


def _fill(cost: NDArray[np.float32], field: Field, points_mm: NDArray[np.float64]) -> None:
    """Block a tube around a curve."""
    index = np.rint(field.block.affine.to_index(points_mm[::2])).astype(int)
    reach = round(CUT_MM / GRID_MM)
    offset = np.argwhere(np.ones((2 * reach + 1,) * 3)) - reach
    ball = offset[(offset**2).sum(axis=1) <= reach**2]
    where = np.clip((index[:, None, :] + ball[None]).reshape(-1, 3), 0, np.array(cost.shape) - 1)
    cost[tuple(where.T)] = BLOCKED


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
