"""Chambers and great vessels: bright or dim regions that no coronary artery is as wide as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.grids.depth import depth_mm
from recanal.grids.smoothing import smoothed

__all__ = ["dim_pools", "muscle_hu", "pools_of"]

MUSCLE_HU = 110.0
POOL_RADIUS_MM = 3.4
POOL_RIM_MM = 0.9
ABOVE_MUSCLE_HU = 36.0
RING_MM = (2.5, 7.5)
LEAST_MUSCLE_HU = 50.0
MUSCLE_BIN_HU = 6.0
ENOUGH_VOXELS = 500
DIM_POOL_RADIUS_MM = 4.6
DIM_RIM_MM = 0.3
DIM_EDGE_MM = 2.0
THIN = 2
ROOT_STEPS = 2
STEMS_MM = 9.0


def pools_of(
    hu: NDArray[np.float32], blood_hu: float, aorta: NDArray[np.bool_], *, step_mm: float
) -> NDArray[np.bool_]:
    """The aorta, the bright regions that a ball of 3.4 mm fits into, with their rim, and the dim chambers.

    Next to the aorta, where its sinuses bulge and the coronary arteries begin, no other pool begins, and within 9 mm of
    it there is no dim one: the stems of the arteries run between the aorta and the atria there.
    """
    root = ndimage.binary_dilation(aorta[::THIN, ::THIN, ::THIN], iterations=ROOT_STEPS)
    core = (depth_mm(hu > 0.45 * (blood_hu + MUSCLE_HU), step_mm=step_mm) > POOL_RADIUS_MM) & ~_doubled(root, hu.shape)
    bright = depth_mm(~core, step_mm=step_mm) <= POOL_RADIUS_MM + POOL_RIM_MM
    small = smoothed(hu, (1.0, 1.0, 1.0), most_sigmas=2.0)[::THIN, ::THIN, ::THIN]
    level = muscle_hu(small, bright[::THIN, ::THIN, ::THIN], blood_hu, step_mm=THIN * step_mm) + ABOVE_MUSCLE_HU
    dim = dim_pools(small, level, root, step_mm=THIN * step_mm)
    dim &= depth_mm(~aorta[::THIN, ::THIN, ::THIN], step_mm=THIN * step_mm) > STEMS_MM
    return np.asarray(bright | _doubled(dim, hu.shape) | aorta)


def dim_pools(
    hu: NDArray[np.float32], level_hu: float, root: NDArray[np.bool_], *, step_mm: float
) -> NDArray[np.bool_]:
    """Regions above a level that a ball of 4.6 mm fits into, and what they reach within 2 mm; none from ``root``."""
    open_region = ndimage.gaussian_filter(hu, 1.0, truncate=2.0, mode="nearest") > level_hu
    core = (depth_mm(open_region, step_mm=step_mm) > DIM_POOL_RADIUS_MM) & ~root
    away = depth_mm(~core, step_mm=step_mm) - DIM_POOL_RADIUS_MM
    return np.asarray((away <= DIM_RIM_MM) | ((away <= DIM_EDGE_MM) & open_region))


def muscle_hu(hu: NDArray[np.float32], pool: NDArray[np.bool_], blood_hu: float, *, step_mm: float) -> float:
    """The level of the myocardium: of most tissue 2.5 to 7.5 mm outside the bright pools."""
    away = depth_mm(~pool, step_mm=step_mm)
    ring = hu[(away > RING_MM[0]) & (away < RING_MM[1])]
    ring = ring[(ring > LEAST_MUSCLE_HU) & (ring < 0.5 * (blood_hu + MUSCLE_HU))]
    if len(ring) < ENOUGH_VOXELS:
        return MUSCLE_HU
    count, edges = np.histogram(ring, bins=np.arange(LEAST_MUSCLE_HU, 0.5 * (blood_hu + MUSCLE_HU), MUSCLE_BIN_HU))
    best = int(np.argmax(ndimage.uniform_filter1d(count.astype(float), 3, mode="constant")))
    return float(0.5 * (edges[best] + edges[best + 1]))


def _doubled(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask of every second voxel on all voxels."""
    for axis, size in enumerate(shape):
        mask = np.take(mask, np.arange(size) // THIN, axis=axis)
    return mask
