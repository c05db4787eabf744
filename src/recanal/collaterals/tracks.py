"""Thin bright tracks between two sets of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from recanal.core.volume import Volume
from recanal.errors import GeometryError
from recanal.imaging.sample import Block, isotropic

__all__ = ["Track", "TubeMap", "find_tracks", "tube_map"]

GRID_MM = 0.8
SIGMA_MM = 0.75
MARGIN_MM = 40.0
BRIGHT_HU = 600.0
RING_MM = 2.4
LEAST_ABOVE_HU = 8.0
LEAST_HU = 30.0
POOL_HU = 160.0
WIDE_MM = 3.2
FULL_HU = 100.0
LEAST_ROUND_SHARE = 0.25
LEAST_STRENGTH = 0.06
FLOOR_STRENGTH = 0.02
END_MM = 2.2
APART_MM = 4.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TubeMap:
    """How much each voxel looks like a thin bright tube.

    Parameters
    ----------
    strength
        (a, b, c) 0 to 1.
    block
        The grid, isotropic along LPS.
    """

    strength: NDArray[np.float32]
    block: Block


@dataclass(frozen=True, eq=False)
class Track:
    """One way along thin bright voxels.

    Parameters
    ----------
    points_mm
        (n, 3) from the first set of points to the second.
    strength_share
        (n,) tubularity along it.
    """

    points_mm: Floats
    strength_share: Floats


def tube_map(volume: Volume, points_mm: Floats) -> TubeMap:
    """Tubularity on a 0.8 mm grid around points.

    Parameters
    ----------
    volume
        The CT angiogram.
    points_mm
        (n, 3); the map reaches 40 mm beyond them.

    Notes
    -----
    Eigenvalues of the Hessian at one width, 0.75 mm, as for a bright tube of 0.8 to 2 mm (Sato Y, et al. Med Image
    Anal 1998;2:143-68, doi:10.1016/s1361-8415(98)80009-1): two strongly negative ones of similar size. Blood pools,
    bright and wider than 3.2 mm, are left out.

    Raises
    ------
    GeometryError
        Where the points lie outside the volume.
    """
    block = isotropic(Block.around(volume, points_mm, margin_mm=MARGIN_MM), step_mm=GRID_MM)
    hu = np.clip(block.hu, -150.0, BRIGHT_HU)
    near = ndimage.gaussian_filter(hu, SIGMA_MM / GRID_MM, truncate=3.0)
    above = near - ndimage.uniform_filter(near, round(2 * RING_MM / GRID_MM) + 1)
    seen = (above > LEAST_ABOVE_HU) & (near > LEAST_HU) & ~_pools(near)
    seen[[0, -1]] = seen[:, [0, -1]] = seen[:, :, [0, -1]] = False
    strength = np.zeros(hu.shape, dtype=np.float32)
    where = np.nonzero(seen)
    if len(where[0]):
        strength[where] = _tubularity(near, where)
    return TubeMap(strength, block)


def _pools(near: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Bright voxels that belong to something wider than 3.2 mm: the bright ones, opened by a box."""
    size = round(WIDE_MM / GRID_MM)
    core = ndimage.uniform_filter((near > POOL_HU).astype(np.float32), size) > 0.98
    return np.asarray(ndimage.maximum_filter(core, size))


def _tubularity(near: NDArray[np.float32], where: tuple[NDArray[np.intp], ...]) -> NDArray[np.float32]:
    """(n,) how tube-like chosen voxels are, by second differences of the smoothed picture, from 0 to 1."""
    a, b, c = where
    scale = (SIGMA_MM / GRID_MM) ** 2

    def at(i: int, j: int, k: int) -> NDArray[np.float32]:
        return near[a + i, b + j, c + k]

    middle = at(0, 0, 0)
    hessian = np.empty((len(a), 3, 3), dtype=np.float32)
    axes = np.eye(3, dtype=int)
    for i in range(3):
        hessian[:, i, i] = at(*axes[i]) - 2 * middle + at(*-axes[i])
        for j in range(i):
            up, down = axes[i] + axes[j], axes[i] - axes[j]
            hessian[:, i, j] = hessian[:, j, i] = 0.25 * (at(*up) - at(*down) - at(*-down) + at(*-up))
    value = np.linalg.eigvalsh(scale * hessian)
    first, second, third = -value[:, 0], -value[:, 1], -value[:, 2]
    tube = np.where(second > LEAST_ROUND_SHARE * first, second - 0.5 * np.maximum(third, 0.0), 0.0)
    return np.asarray(np.clip(tube / FULL_HU, 0.0, 1.0), dtype=np.float32)


def find_tracks(tubes: TubeMap, bed_mm: Floats, donors_mm: Floats, *, most: int = 3) -> list[Track]:
    """The best ways along tube-like voxels from the donor to the bed, each to another place of the bed.

    Parameters
    ----------
    tubes
        The map.
    bed_mm, donors_mm
        (n, 3) axes of the vessel beyond the occlusion and of the donor tree.
    most
        How many to give at most.

    Raises
    ------
    GeometryError
        Where there are no points.
    """
    if not len(bed_mm) or not len(donors_mm):
        raise GeometryError("A track needs points at both of its ends.")
    strength = tubes.strength
    keep = ndimage.binary_dilation(strength >= LEAST_STRENGTH)
    number = np.full(strength.shape, -1, dtype=np.int32)
    voxels = np.argwhere(keep)
    number[keep] = np.arange(len(voxels))
    if len(voxels) < 10:
        return []
    places = tubes.block.affine.to_mm(voxels)
    near_bed = cKDTree(bed_mm).query(places, distance_upper_bound=END_MM)[0] < END_MM
    near_donor = cKDTree(donors_mm).query(places, distance_upper_bound=END_MM)[0] < END_MM
    graph = _graph(number, strength, voxels)
    tracks: list[Track] = []
    blocked = np.zeros(len(voxels), dtype=bool)
    for _ in range(most):
        found = _best(graph, np.flatnonzero(near_donor & ~blocked), near_bed & ~blocked)
        if found is None:
            break
        tracks.append(Track(places[found], strength[tuple(voxels[found].T)].astype(np.float64)))
        blocked |= cKDTree(places[found]).query(places, distance_upper_bound=APART_MM)[0] < APART_MM
    return tracks


def _graph(number: NDArray[np.int32], strength: NDArray[np.float32], voxels: NDArray[np.int64]) -> coo_array:
    """Neighbours among the kept voxels; a step costs its length over the strength."""
    shape = np.asarray(number.shape)
    rows, columns, costs = [], [], []
    steps = [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) > (0, 0, 0)]
    value = strength[tuple(voxels.T)]
    for step in steps:
        to = voxels + step
        inside = ((to >= 0) & (to < shape)).all(axis=1)
        other = np.full(len(voxels), -1, dtype=np.int64)
        other[inside] = number[tuple(to[inside].T)]
        ok = other >= 0
        length = float(np.linalg.norm(step)) * GRID_MM
        rows.append(np.flatnonzero(ok))
        columns.append(other[ok])
        costs.append(length / np.clip(0.5 * (value[ok] + value[other[ok]]), FLOOR_STRENGTH, 1.0))
    return coo_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=(len(voxels), len(voxels))
    )


def _best(graph: coo_array, sources: NDArray[np.int64], goal: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Indices of the cheapest way from any source to any goal."""
    if not len(sources) or not goal.any():
        return None
    cost, before, _ = dijkstra(graph.tocsr(), directed=False, indices=sources, min_only=True, return_predecessors=True)
    ends = np.flatnonzero(goal & np.isfinite(cost) & (cost > 0))
    if not len(ends):
        return None
    here = int(ends[np.argmin(cost[ends])])
    way = [here]
    while before[here] >= 0:
        here = int(before[here])
        way.append(here)
    return np.asarray(way[::-1])
