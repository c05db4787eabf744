"""The arteries that leave the abdominal aorta, as far as they can be told from veins and organs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.abdomen.aorta import aorta_from_point
from recanal.abdomen.limits import NOTHING_BEFORE, artery_samples, clear, least_before, wider_than
from recanal.abdomen.maps import GRID_MM, Maps, abdominal_maps
from recanal.abdomen.traced import STEP_MM, Traced, trace
from recanal.abdomen.walls import Walls
from recanal.anatomy.aorta import Aorta
from recanal.anatomy.field import Field
from recanal.anatomy.ways import Way, find_ways
from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.grids.geodesic import BLOCKED, Reach, reach_from

__all__ = ["AbdominalBranch", "AbdominalTree", "grow_from_aorta"]

PASSABLE_HU = 30.0
LEAST_TUBE_SQUARE = 0.04
INSIDE_COST = 0.01
MOST_COST = 300.0
LEAST_MEAN_TUBE = 0.35
MOST_WAYS = 800
ROUNDS = 4
MORE_ROUNDS = 2
LEAST_MM = 8.0
LEAST_BEYOND_MM = 8.0
START_MM = 4.0
REACH_MM = 30.0
FARTHER = 2.0
FROM_AORTA, FROM_STEM = 1, 2
TIP_MM = 5.0


@dataclass(frozen=True, eq=False)
class AbdominalBranch:
    """One artery.

    Parameters
    ----------
    line
        From the axis of the aorta, or from its parent, to the tip; every 0.5 mm outside the aorta.
    radius_mm, core_hu
        (n,) half width of the contrast, and its mean over a disc of 0.5 mm; inside the aorta those of its wall.
    parent
        Index of the branch it leaves; -1 for the aorta.
    """

    line: Centerline
    radius_mm: NDArray[np.float64]
    core_hu: NDArray[np.float64]
    parent: int


@dataclass(frozen=True, eq=False)
class AbdominalTree:
    """The aorta and the arteries that leave it."""

    aorta: Aorta
    branches: tuple[AbdominalBranch, ...]

    @property
    def length_mm(self) -> float:
        """Of the aorta and all branches."""
        steps = np.linalg.norm(np.diff(self.aorta.centre_mm, axis=0), axis=1)
        return float(steps.sum() + sum(branch.line.length_mm for branch in self.branches))


@dataclass(frozen=True, eq=False)
class _Kept:
    """A traced vessel as far as it is an artery; where it is clearly one; the least radii of the arteries before it."""

    traced: Traced
    samples: int
    parent: int
    before: NDArray[np.float64]
    clear: NDArray[np.bool_]

    @property
    def points_mm(self) -> NDArray[np.float64]:
        return self.traced.line.points_mm[: self.samples]

    @property
    def radius_mm(self) -> NDArray[np.float64]:
        return self.traced.radius_mm[: self.samples]


def grow_from_aorta(
    volume: Volume,
    point_mm: ArrayLike,
    *,
    least_diameter_mm: float = 2.0,
    progress: Callable[[str], None] = lambda _: None,
) -> AbdominalTree:
    """The aorta around a point, and the arteries that leave it.

    Parameters
    ----------
    volume
        An abdominal CT with contrast in the aorta.
    point_mm
        (3,) LPS point inside the aorta.
    least_diameter_mm
        Branches end where they stay near or below this over 5 mm.
    progress
        Called with a few words before each step.

    Raises
    ------
    GeometryError
        When the point is not in a round vessel with contrast.

    Notes
    -----
    The cheapest ways from the wall of the aorta along tubes that are brighter than their surroundings (the kernels of
    the coronary tree), as far as they are arteries (:mod:`recanal.abdomen.limits`). The walls that they crossed into
    veins are closed, and they are looked for again: four times from the aorta, twice from the arteries found. A branch
    of the aorta is led back to the axis of the aorta along its first direction.
    Limits: in the portal-venous phase arteries and small veins carry the same contrast, and a vein that touches an
    artery without a dip in contrast between them is taken for its branch.
    """
    progress("following the aorta")
    aorta = aorta_from_point(volume, point_mm)
    progress("looking for vessels")
    maps = abdominal_maps(volume, aorta)
    progress("following the arteries")
    return AbdominalTree(aorta, tuple(_branch(item, aorta) for item in _arteries(maps, aorta, least_diameter_mm)))


def _arteries(maps: Maps, aorta: Aorta, least_diameter_mm: float) -> list[_Kept]:
    """The ways from the aorta that are arteries, each after the one it leaves.

    What was crossed to leave the arteries is closed, and the ways are looked for again: a place that was reached
    through a vein is then reached along its artery. The last rounds start on the arteries that were found, for a
    branch that begins where a way through another vessel was the cheaper one.
    """
    closed = np.zeros(maps.field.aorta.shape, dtype=bool)
    seen: dict[bytes, Traced] = {}
    kept: list[_Kept] = []
    for turn in range(ROUNDS + MORE_ROUNDS):
        stems = kept if turn >= ROUNDS else []
        reach = _reach(maps.field, closed, stems)
        ways = find_ways(maps.field, reach, least_mean_share=LEAST_MEAN_TUBE, most_ways=MOST_WAYS)
        kept, walls = _kept(ways, partial(_traced, maps, seen), maps, aorta, stems, least_diameter_mm=least_diameter_mm)
        closed |= walls.closed(maps.field.block, [item.points_mm for item in kept]) & ~maps.field.aorta
    return kept


def _traced(maps: Maps, seen: dict[bytes, Traced], voxels: NDArray[np.int64]) -> Traced:
    """A way as a curve, made once."""
    key = voxels.tobytes()
    if key not in seen:
        seen[key] = trace(maps, voxels)
    return seen[key]


def _kept(
    ways: list[Way],
    traced_of: Callable[[NDArray[np.int64]], Traced],
    maps: Maps,
    aorta: Aorta,
    stems: list[_Kept],
    *,
    least_diameter_mm: float,
) -> tuple[list[_Kept], Walls]:
    """The arteries among the ways, and the walls that the others crossed.

    A way that runs inside a vessel that is there is no branch, but what leaves it still is one of that vessel.
    """
    out: list[_Kept] = list(stems)
    walls = Walls()
    reached = [0.0] * len(ways)
    for k, way in enumerate(ways):
        if GRID_MM * len(way.voxels) < LEAST_MM or (way.parent >= 0 and reached[way.parent] < way.at):
            continue
        traced = traced_of(way.voxels)
        root = way.parent < 0 and way.label == FROM_AORTA
        if root and walls.false_head(traced, maps):
            continue
        parent = -1 if root else _nearest(traced, out)
        before = _before(out, parent, traced)
        samples = artery_samples(traced, maps, aorta, least_diameter_mm, before=before)
        long = samples * STEP_MM >= LEAST_MM
        if long and wider_than(traced, float(before[0]), samples):
            walls.mouth(traced)
            continue
        walls.dip(traced, samples, maps)
        reached[k] = len(way.voxels) * samples / len(traced.line.points_mm)
        item = _Kept(traced, samples, parent, before, clear(traced, maps)[:samples])
        if long and _beyond(item, out):
            out.append(item)
    return out, walls


def _nearest(traced: Traced, found: list[_Kept]) -> int:
    """The vessel on which another one begins."""
    start = traced.line.points_mm[0]
    return int(np.argmin([np.linalg.norm(item.points_mm - start, axis=1).min() for item in found])) if found else -1


def _before(found: list[_Kept], parent: int, traced: Traced) -> NDArray[np.float64]:
    """(3,) the least radii and Hounsfield units of the arteries that lead to a vessel; infinite at the aorta."""
    if parent < 0:
        return NOTHING_BEFORE
    stem = found[parent]
    return np.minimum(stem.before, least_before(stem.traced, traced.line.points_mm[0]))


def _beyond(item: _Kept, found: list[_Kept]) -> bool:
    """Whether enough of a vessel is clearly one outside those that are there."""
    if not found:
        return float(item.clear.sum()) * STEP_MM >= LEAST_BEYOND_MM
    points = np.concatenate([one.points_mm for one in found])
    radius = np.concatenate([one.radius_mm for one in found])
    far, near = cKDTree(points).query(item.points_mm)
    return float(((far > radius[near]) & item.clear).sum()) * STEP_MM >= LEAST_BEYOND_MM


def _reach(field: Field, closed: NDArray[np.bool_], stems: list[_Kept]) -> Reach:
    """The cheapest ways from the wall of the aorta and from arteries found, around what is closed."""
    cost = (1.0 / (LEAST_TUBE_SQUARE + field.bright**2)).astype(np.float32)
    cost[(field.soft < PASSABLE_HU) | field.pool | field.outside | closed] = BLOCKED
    cost[field.aorta] = INSIDE_COST
    wall = np.flatnonzero(field.aorta & ~ndimage.binary_erosion(field.aorta))
    stem = _stem_voxels(field, stems)
    label = np.repeat(np.array([FROM_AORTA, FROM_STEM], dtype=np.int16), (len(wall), len(stem)))
    starts = np.concatenate([wall, stem])
    reach = reach_from(cost, starts, label, step_mm=GRID_MM, most_cost=MOST_COST)
    reach.length_mm[field.aorta] = 0.0
    return reach


def _stem_voxels(field: Field, stems: list[_Kept]) -> NDArray[np.int64]:
    """Flat indices of the voxels on arteries outside the aorta, without their last 5 mm."""
    if not stems:
        return np.empty(0, dtype=np.int64)
    tip = round(TIP_MM / STEP_MM)
    points = np.concatenate([item.points_mm[: max(len(item.points_mm) - tip, 1)] for item in stems])
    index = np.clip(np.rint(field.block.affine.to_index(points)).astype(int), 0, np.array(field.aorta.shape) - 1)
    flat = np.unique(np.ravel_multi_index(tuple(index.T), field.aorta.shape))
    return np.asarray(flat[~field.aorta.ravel()[flat]])


def _branch(item: _Kept, aorta: Aorta) -> AbdominalBranch:
    """The artery, with its leg to the axis of the aorta where it leaves it."""
    points, radius, core = item.points_mm, item.radius_mm, item.traced.core_hu[: item.samples]
    if item.parent < 0:
        leg = _leg(points, aorta)
        points = np.concatenate([leg, points])
        radius, core = (np.concatenate([np.full(len(leg), v[0]), v]) for v in (radius, core))
    return AbdominalBranch(Centerline(points), radius, core, item.parent)


def _leg(points_mm: NDArray[np.float64], aorta: Aorta) -> NDArray[np.float64]:
    """Points from the axis of the aorta to the start of a branch, along the first direction of the branch.

    To the nearest point of the axis where that direction leads more than twice as far.
    """
    axis, start = aorta.centre_mm, points_mm[0]
    back = start - points_mm[min(round(START_MM / STEP_MM), len(points_mm) - 1)]
    ray = start + np.arange(0.0, REACH_MM, STEP_MM)[:, None] * back / np.linalg.norm(back)
    far, near = cKDTree(axis).query(ray)
    at = int(near[np.argmin(far)])
    gap = np.linalg.norm(axis - start, axis=1)
    if gap[at] > FARTHER * gap.min():
        at = int(gap.argmin())
    count = max(round(float(gap[at]) / STEP_MM), 1)
    return np.asarray(axis[at] + np.arange(count)[:, None] / count * (start - axis[at]))
