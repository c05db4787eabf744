"""The heart region on a fine grid: what looks like a vessel, and what it costs to pass."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.chamber import Heart
from recanal.anatomy.coarse import COARSE_MM, Coarse
from recanal.anatomy.pools import pools_of
from recanal.core.volume import Volume
from recanal.grids.smoothing import THREADS
from recanal.grids.tubes import soft_step, tubularity
from recanal.imaging.sample import Block, isotropic_around

__all__ = ["GRID_MM", "Field", "heart_field"]

GRID_MM = 0.6
REACH_MM = ((-52.0, 26.0), (-44.0, 22.0), (-28.0, 26.0))
TISSUE_HU = (-45.0, 20.0)
MUSCLE_HU = 110.0
LUMEN_RADII_MM = (0.8, 1.5)
WALL_RADII_MM = (0.9, 1.4, 2.0)
FULL_RIDGE = 0.28
WIDE_MM = 4.0
LEAST_WIDE_HU = -110.0
ABOVE_HU = 40.0


@dataclass(frozen=True, eq=False)
class Field:
    """Maps of the heart region on an isotropic grid.

    Parameters
    ----------
    block
        (a, b, c) Hounsfield units.
    bright, tissue
        (a, b, c) 0 to 1: the axis of a tube filled with contrast, and of a tube of anything denser than fat.
    valley
        (a, b, c) where a tube is parted from its neighbour.
    soft
        (a, b, c) 0 in fat, 1 in tissue.
    pool
        (a, b, c) chambers, aorta and other great vessels, with their rim.
    aorta
        (a, b, c) the ascending aorta, without a rim.
    outside
        (a, b, c) lungs and whatever else no coronary artery runs through.
    """

    block: Block
    bright: NDArray[np.float32]
    tissue: NDArray[np.float32]
    valley: NDArray[np.float32]
    soft: NDArray[np.float32]
    pool: NDArray[np.bool_]
    aorta: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    blood_hu: float

    @cached_property
    def aorta_box(self) -> tuple[slice, ...]:
        """The box around the aorta, some voxels wider; empty where there is none."""
        return _box_of(self.aorta, margin=6)


def _box_of(mask: NDArray[np.bool_], *, margin: int) -> tuple[slice, ...]:
    """The box around a mask, wider by a margin of voxels; empty where the mask is."""
    axes = [np.flatnonzero(mask.any(axis=tuple(b for b in range(3) if b != a))) for a in range(3)]
    return tuple(slice(max(0, int(n[0]) - margin), int(n[-1]) + 1 + margin) if len(n) else slice(0, 0) for n in axes)


def _box(heart: Heart, ascending: Aorta) -> NDArray[np.float64]:
    points = np.concatenate([heart.left_mm, ascending.centre_mm[ascending.centre_mm[:, 2] < heart.root_mm[2] + 12.0]])
    low, high = points.min(axis=0), points.max(axis=0)
    for axis, (before, after) in enumerate(REACH_MM):
        low[axis] += before
        high[axis] += after
    return np.stack([low, high])


def _upsampled(coarse: Coarse, mask: NDArray[np.bool_], block: Block) -> NDArray[np.bool_]:
    """A coarse mask on the fine grid: both run along the LPS axes."""
    index = []
    for axis in range(3):
        where = np.zeros((block.hu.shape[axis], 3))
        where[:, axis] = np.arange(block.hu.shape[axis])
        near = coarse.block.affine.to_index(block.affine.to_mm(where))[:, axis]
        index.append(np.clip(np.rint(near), 0, mask.shape[axis] - 1).astype(int))
    return np.asarray(mask[np.ix_(*index)])


def _surroundings(coarse: Coarse, block: Block, blood_hu: float) -> NDArray[np.float32]:
    """The mean of a wide neighbourhood without bright blood, on the fine grid."""
    plain = (coarse.block.hu < blood_hu).astype(np.float32)
    size = WIDE_MM / COARSE_MM
    weight = ndimage.gaussian_filter(plain, size, mode="nearest")
    wide = ndimage.gaussian_filter(plain * np.maximum(coarse.block.hu, LEAST_WIDE_HU), size, mode="nearest")
    wide /= np.maximum(weight, 0.05)
    places = [_places(coarse, block, axis, wide.shape[axis]) for axis in range(3)]
    for axis, (low, share) in enumerate(places[:2]):
        part = share.reshape([-1 if a == axis else 1 for a in range(3)])
        wide = np.take(wide, low, axis=axis) * (1 - part) + np.take(wide, low + 1, axis=axis) * part
    out = np.empty(block.hu.shape, dtype=np.float32)
    with ThreadPoolExecutor(THREADS) as pool:
        parts = np.array_split(np.arange(len(out)), THREADS)
        list(pool.map(lambda rows: _spread_along(wide, rows, places[2], out), parts))
    return out


def _places(coarse: Coarse, block: Block, axis: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The coarse voxel before each fine one along an axis, and how far the fine one lies beyond it."""
    where = np.zeros((block.hu.shape[axis], 3))
    where[:, axis] = np.arange(block.hu.shape[axis])
    at = coarse.block.affine.to_index(block.affine.to_mm(where))[:, axis]
    at = np.clip(at, 0.0, size - 1.001)
    low = at.astype(np.int64)
    return low, (at - low).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _spread_along(wide, rows, place, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Values between those of a grid that is coarse along the last axis."""
    low, share = place
    for i in rows:
        for j in range(out.shape[1]):
            line = wide[i, j]
            for k in range(out.shape[2]):
                out[i, j, k] = line[low[k]] * (np.float32(1.0) - share[k]) + line[low[k] + 1] * share[k]


def _grain_hu(block: Block, aorta: NDArray[np.bool_]) -> float:
    """Noise on the fine grid, from the inside of the aorta."""
    box = _box_of(aorta, margin=1)
    inside = block.hu[box][ndimage.binary_erosion(aorta[box], iterations=4)]
    return float(1.4826 * np.median(np.abs(inside - np.median(inside)))) if inside.size > 200 else 20.0


def _aorta_mask(block: Block, ascending: Aorta, level_hu: float) -> NDArray[np.bool_]:
    """The bright voxels inside the chain of circles, continued 8 mm below its lowest one."""
    lowest, step = (
        ascending.centre_mm[0],
        ascending.centre_mm[0] - ascending.centre_mm[min(3, len(ascending.centre_mm) - 1)],
    )
    drift = step / max(abs(step[2]), 1e-6)
    more = lowest + np.arange(8.0, 0.0, -2.0)[:, None] * drift
    centre = np.concatenate([more, ascending.centre_mm])
    radius = np.concatenate([np.full(len(more), ascending.radius_mm[0]), ascending.radius_mm])
    out = np.zeros(block.hu.shape, dtype=bool)
    axes = [block.affine.to_mm(np.eye(3)[a] * np.arange(block.hu.shape[a])[:, None])[:, a] for a in range(3)]
    for k, z in enumerate(axes[2]):
        if not centre[0, 2] <= z <= centre[-1, 2]:
            continue
        x, y = (np.interp(z, centre[:, 2], centre[:, c]) for c in range(2))
        r = float(np.interp(z, centre[:, 2], radius)) + 0.8
        rows = np.flatnonzero(np.abs(axes[0] - x) <= r)
        cols = np.flatnonzero(np.abs(axes[1] - y) <= r)
        if not len(rows) or not len(cols):
            continue
        part = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1), k)
        disc = np.hypot(axes[0][rows][:, None] - x, axes[1][cols][None, :] - y) <= r
        out[part] = disc & (block.hu[part] > level_hu)
    box = _box_of(out, margin=2)
    out[box] = ndimage.binary_dilation(out[box], iterations=2, mask=block.hu[box] > 0.8 * level_hu)
    return out


def heart_field(volume: Volume, coarse: Coarse, heart: Heart, ascending: Aorta) -> Field:
    """The maps that vessels are looked for in."""
    block = isotropic_around(volume, _box(heart, ascending), margin_mm=0.0, step_mm=GRID_MM)
    blood = ascending.hu
    aorta = _aorta_mask(block, ascending, 0.6 * blood)
    pool_hu = 0.45 * (blood + MUSCLE_HU)
    weakest = max(0.55 * blood, MUSCLE_HU + 60.0)
    soft = soft_step(block.hu.copy(), *TISSUE_HU)
    around = _surroundings(coarse, block, pool_hu)
    grain = _grain_hu(block, aorta)
    np.maximum(around + np.float32(max(ABOVE_HU, 2.5 * grain)), np.float32(MUSCLE_HU), out=around)
    lumen = soft_step(block.hu - around, 0.0, max(0.7 * (weakest - MUSCLE_HU), 3.0 * grain))
    with ThreadPoolExecutor(1) as pool:
        pools = pool.submit(pools_of, block.hu, blood, aorta, step_mm=GRID_MM)
        tissue, valley = tubularity(soft, block.affine.spacing_mm[0], radii_mm=WALL_RADII_MM)
        bright, _ = tubularity(lumen, block.affine.spacing_mm[0], radii_mm=LUMEN_RADII_MM)
        pool_mask = pools.result()
    for ridge in (tissue, bright):
        np.clip(ridge * np.float32(1.0 / FULL_RIDGE), 0.0, 1.0, out=ridge)
    outside = _upsampled(coarse, coarse.lung, block)
    return Field(block, bright, tissue, valley, soft, pool_mask, aorta, outside, blood)
