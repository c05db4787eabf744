"""The way from one seed to the other, through open and closed vessel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Volume
from recanal.errors import SeedError
from recanal.grids.paths import cheapest_path
from recanal.grids.tubes import soft_step, tubularity
from recanal.imaging.sample import Block, isotropic_around

__all__ = ["GRID_MM", "CostMap", "Route", "cost_map", "find_route", "region", "seed_level_hu"]

GRID_MM = 0.6
TISSUE_HU = (-45.0, 20.0)
MYOCARDIUM_HU = 110.0
LUMEN_RADII_MM = (0.8, 1.5)
WALL_RADII_MM = (1.0, 1.4, 2.0)
LEAST_LUMEN_HU = 120.0
AIR_LIMIT_HU = -200.0
BLOOD_HU = 195.0
DARK_HU = 140.0
LEAST_ISLAND_MM = 8.0
ISLAND_REACH_MM = 2.0
ISLAND_COST = 40.0
MOST_DEARER = 2.2
ALONG_MM = 2.0


@dataclass(frozen=True, eq=False)
class Route:
    """A coarse path and what it was found on.

    Parameters
    ----------
    points_mm
        (n, 3) LPS, from the proximal to the distal seed.
    cost_per_mm
        (n,) cost along it; near 1 inside a tube, above 10 outside any.
    total_cost
        Summed cost times mm.
    """

    points_mm: NDArray[np.float64]
    cost_per_mm: NDArray[np.float64]
    total_cost: float


@dataclass(frozen=True, eq=False)
class CostMap:
    """Cost of a step anywhere in the region of interest."""

    block: Block
    cost: NDArray[np.float32]


def seed_level_hu(block: Block, seed_mm: NDArray[np.float64], *, name: str) -> float:
    """The contrast level of the lumen at a seed, in HU.

    Parameters
    ----------
    block
        The isotropic region of interest.
    seed_mm
        (3,) LPS point.
    name
        ``"proximal"`` or ``"distal"``, for the message.

    Raises
    ------
    SeedError
        When the seed lies in air, or in tissue without contrast.
    """
    where = np.round(block.affine.to_index(seed_mm)[0]).astype(int)
    cut = tuple(slice(max(0, int(c) - 2), int(c) + 3) for c in where)
    near = block.hu[cut]
    if near.size == 0:
        raise SeedError(f"The {name} seed lies outside the volume.", hint="Give LPS millimetres of this series.")
    if float(np.median(near)) < AIR_LIMIT_HU:
        raise SeedError(
            f"The {name} seed lies in air or lung ({np.median(near):.0f} HU).",
            hint="Place it inside the open, contrast-filled lumen; coordinates are LPS millimetres.",
        )
    level = float(np.sort(near, axis=None)[-5:].mean())
    if level < LEAST_LUMEN_HU:
        raise SeedError(
            f"The {name} seed is not in contrast-filled lumen (brightest surrounding {level:.0f} HU).",
            hint="Place it where the vessel is opacified; one that never fills again cannot be measured with seeds.",
        )
    return level


def cost_map(block: Block, levels_hu: tuple[float, float]) -> CostMap:
    """Cheap inside tubes of lumen, plaque or calcium; dear in fat, lung, chambers and muscle."""
    tissue = soft_step(block.hu.copy(), *TISSUE_HU)
    tube, valley = tubularity(tissue, block.affine.spacing_mm[0], radii_mm=WALL_RADII_MM)
    weakest = max(min(levels_hu), MYOCARDIUM_HU + 60.0)
    bright = soft_step(block.hu.copy(), MYOCARDIUM_HU, MYOCARDIUM_HU + 0.7 * (weakest - MYOCARDIUM_HU))
    np.maximum(tube, tubularity(bright, block.affine.spacing_mm[0], radii_mm=LUMEN_RADII_MM)[0], out=tube)
    np.clip(tube * np.float32(1.0 / 0.28), 0.0, 1.0, out=tube)
    cost = 1.0 / (0.08 + 0.92 * tube * tube)
    cost += np.float32(30.0) * (1.0 - tissue)
    cost += np.float32(400.0) * np.maximum(valley - np.float32(0.15), 0.0)
    return CostMap(block, cost.astype(np.float32))


def _snap(costs: CostMap, seed_mm: NDArray[np.float64], reach_mm: float = 1.6) -> tuple[int, int, int]:
    """The voxel of least cost within reach of a seed."""
    index = costs.block.affine.to_index(seed_mm)[0]
    middle = np.clip(np.round(index).astype(int), 0, np.asarray(costs.cost.shape) - 1)
    reach = int(np.ceil(reach_mm / GRID_MM))
    low = np.maximum(middle - reach, 0)
    cut = costs.cost[tuple(slice(int(a), int(b) + reach + 1) for a, b in zip(low, middle, strict=True))]
    offset = np.stack(np.meshgrid(*[np.arange(n) for n in cut.shape], indexing="ij"), axis=-1) + low
    far = np.linalg.norm(offset - index, axis=-1) * GRID_MM
    value = np.where(far <= reach_mm, cut + 0.3 * far**2, np.inf)
    best = np.unravel_index(int(np.argmin(value)), value.shape)
    a, b, c = (int(low[k]) + int(best[k]) for k in range(3))
    return a, b, c


def region(volume: Volume, seeds_mm: NDArray[np.float64]) -> Block:
    """The isotropic region of interest around two seeds (2, 3)."""
    apart = float(np.linalg.norm(seeds_mm[1] - seeds_mm[0]))
    return isotropic_around(volume, seeds_mm, margin_mm=min(18.0 + 0.4 * apart, 45.0), step_mm=GRID_MM)


def find_route(costs: CostMap, seeds_mm: NDArray[np.float64]) -> Route:
    """The cheapest path between two seeds (2, 3), kept out of veins where it can be.

    Notes
    -----
    A vein beside a long occlusion is a better tube than the plaque. A path that leaves the lumen, crosses something
    dark and then runs through blood for 8 mm and more, until it is dark again, is sought a second time with that blood
    dear; the second path is taken where it meets no such blood and costs at most 2.2 times as much. An artery with a
    truly open stretch between two occlusions keeps it, for the only way around it is out of any vessel.
    """
    start, goal = _snap(costs, seeds_mm[0]), _snap(costs, seeds_mm[1])
    if start == goal:
        raise SeedError("The two seeds are the same place.", hint="Give one point on each side of the occlusion.")
    path, total = cheapest_path(costs.cost, start, goal)
    most_hu = max(float(costs.block.hu[start]), float(costs.block.hu[goal])) + 50.0
    island = _island(costs, path, most_hu)
    if island.any():
        other, dearer = cheapest_path(_without(costs, path[island]), start, goal)
        if dearer <= MOST_DEARER * total and not _island(costs, other, most_hu).any():
            path, total = other, dearer
    along = ndimage.map_coordinates(costs.cost, path.T, order=0)
    return Route(costs.block.affine.to_mm(path), np.asarray(along, dtype=np.float64), total * GRID_MM)


def _island(costs: CostMap, path: NDArray[np.int64], most_hu: float) -> NDArray[np.bool_]:
    """(n,) points of a path in stretches of blood that something dark parts from either end."""
    hu = ndimage.map_coordinates(costs.block.hu, path.T, order=0).astype(np.float64)
    smooth = ndimage.uniform_filter1d(hu, round(ALONG_MM / GRID_MM), mode="nearest")
    label, count = ndimage.label((smooth > BLOOD_HU) & (smooth < most_hu))
    dark = np.flatnonzero(ndimage.uniform_filter1d(hu, 2, mode="nearest") < DARK_HU)
    step = float(np.linalg.norm(np.diff(path, axis=0), axis=1).mean()) * GRID_MM
    out = np.zeros(len(path), dtype=bool)
    for k in range(1, count + 1):
        inside = np.flatnonzero(label == k)
        apart = (dark < inside[0]).any() and (dark > inside[-1]).any()
        if apart and len(inside) * step >= LEAST_ISLAND_MM:
            out |= label == k
    return out


def _without(costs: CostMap, points: NDArray[np.int64]) -> NDArray[np.float32]:
    """The cost with everything near some points dear."""
    reach = int(np.ceil(ISLAND_REACH_MM / GRID_MM))
    offsets = np.argwhere(np.ones((2 * reach + 1,) * 3)) - reach
    ball = offsets[(offsets**2).sum(axis=1) * GRID_MM**2 <= ISLAND_REACH_MM**2]
    where = np.clip((points[:, None, :] + ball[None]).reshape(-1, 3), 0, np.array(costs.cost.shape) - 1)
    out = costs.cost.copy()
    out[tuple(where.T)] = ISLAND_COST
    return out
