"""Where thin vessels may run: what a connection costs to pass, voxel by voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Volume
from recanal.grids.balls import fill_balls
from recanal.grids.depth import depth_mm
from recanal.grids.geodesic import BLOCKED
from recanal.grids.smoothing import smoothed
from recanal.grids.tubes import soft_step, tubularity
from recanal.imaging.sample import Block, isotropic_around

__all__ = ["GRID_MM", "Bed", "ThinVessels", "painted", "thin_vessels"]

GRID_MM = 0.5
MARGIN_MM = 8.0
BEFORE_MM = 0.3
RADIUS_MM = 0.8
FAT_STEP_HU = (-85.0, 35.0)
MUSCLE_HU = 110.0
MUSCLE_STEP_HU = (0.0, 60.0)
WIDE_MM = 3.0
LEAST_WIDE_HU = -110.0
NO_RIDGE, FULL_RIDGE = 0.06, 0.18
LEAST_RIDGE = 0.01
POOL_RADIUS_MM = 2.6
POOL_RIM_MM = 0.4
LUNG_HU = -400.0
SHUT_MM = 2.0


@dataclass(frozen=True, eq=False)
class Bed:
    """The axes of an artery and its branches, as points.

    Parameters
    ----------
    vessel
        ``"RCA"``, ``"LM"``, ``"LAD"`` or ``"LCX"``.
    points_mm
        (n, 3) at most 0.5 mm apart along each axis.
    radius_mm
        (n,) lumen radius.
    """

    vessel: str
    points_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ThinVessels:
    """A map of thin vessels.

    Parameters
    ----------
    block
        (a, b, c) Hounsfield units on a grid of 0.5 mm.
    cost
        (a, b, c) about 1 per mm on the axis of a thin vessel, 100 where there is none; blocked in chambers, great
        vessels, lung and the occluded artery.
    """

    block: Block
    cost: NDArray[np.float32]


def thin_vessels(
    volume: Volume, around_mm: NDArray[np.float64], shut_mm: NDArray[np.float64], *, blood_hu: float
) -> ThinVessels:
    """The map around some points.

    Parameters
    ----------
    volume
        The CT angiogram.
    around_mm
        (n, 3) points that the map reaches 8 mm beyond.
    shut_mm
        (n, 3) axes within 2 mm of which nothing passes.
    blood_hu
        Level of the aorta.

    Notes
    -----
    Tubes of 0.8 mm radius are looked for in two pictures, of what is brighter than its surroundings and than muscle,
    and of what is denser than fat: blur takes a thin vessel in fat below the level of muscle.
    """
    block = isotropic_around(volume, around_mm, margin_mm=MARGIN_MM, step_mm=GRID_MM)
    soft = Block(smoothed(block.hu, (BEFORE_MM / GRID_MM,) * 3, most_sigmas=3.0), block.affine)
    pool_hu = 0.45 * (blood_hu + MUSCLE_HU)
    over = soft.hu - np.maximum(_surroundings(soft.hu, pool_hu), np.float32(MUSCLE_HU))
    step_mm = soft.affine.spacing_mm[0]
    ridge, _ = tubularity(soft_step(over, *MUSCLE_STEP_HU), step_mm, radii_mm=(RADIUS_MM,))
    in_fat, _ = tubularity(soft_step(soft.hu.copy(), *FAT_STEP_HU), step_mm, radii_mm=(RADIUS_MM,))
    np.maximum(ridge, in_fat, out=ridge)
    np.clip((ridge - np.float32(NO_RIDGE)) / np.float32(FULL_RIDGE - NO_RIDGE), 0.0, 1.0, out=ridge)
    cost = np.float32(1.0) / (np.float32(LEAST_RIDGE) + ridge)
    core = depth_mm(soft.hu > pool_hu, step_mm=GRID_MM) > POOL_RADIUS_MM
    cost[depth_mm(~core, step_mm=GRID_MM) <= POOL_RADIUS_MM + POOL_RIM_MM] = BLOCKED
    cost[soft.hu < LUNG_HU] = BLOCKED
    if len(shut_mm):
        cost[painted(block, [Bed("", shut_mm, np.full(len(shut_mm), SHUT_MM))]) > 0] = BLOCKED
    return ThinVessels(block, cost)


def _surroundings(hu: NDArray[np.float32], pool_hu: float) -> NDArray[np.float32]:
    """The mean of a wide neighbourhood without bright blood."""
    plain = (hu < pool_hu).astype(np.float32)
    size = (WIDE_MM / GRID_MM,) * 3
    weight = smoothed(plain, size, most_sigmas=2.0)
    around = smoothed(plain * np.maximum(hu, np.float32(LEAST_WIDE_HU)), size, most_sigmas=2.0)
    around /= np.maximum(weight, np.float32(0.05))
    return around


def painted(block: Block, beds: Sequence[Bed]) -> NDArray[np.int16]:
    """(a, b, c) the number, from 1, of the bed that each voxel lies in; 0 outside all."""
    out = np.zeros(block.hu.shape, dtype=np.int16)
    for number, bed in enumerate(beds, start=1):
        reach = np.maximum(bed.radius_mm, GRID_MM) / GRID_MM
        fill_balls(out, block.affine.to_index(bed.points_mm), reach, number)
    return out
