"""The abdomen on an even grid: what looks like a vessel, and where no artery runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.abdomen.aorta import aorta_region
from recanal.anatomy.aorta import Aorta
from recanal.anatomy.field import Field
from recanal.core.volume import Volume
from recanal.grids.depth import depth_mm
from recanal.grids.tubes import tubularity
from recanal.imaging.sample import Block, isotropic, sample_cubic

__all__ = ["GRID_MM", "Maps", "abdominal_maps"]

GRID_MM = 0.8
MARGIN_MM = (100.0, 110.0, 25.0)
RADII_MM = (0.9, 1.4, 2.2, 3.2)
FULL_RIDGE = 0.25
AROUND_MM = 4.0
FAT_HU = -90.0
FLOOR_HU = -20.0
CALM_MM, FINE_MM = 0.5, 0.25
GAS_HU = -1000.0
ABOVE_HU = 10.0
FULL_SHARE = 0.75
DENSE_SHARE = 1.6
WIDE_SHARE = 0.78
WIDE_RADIUS_MM = 3.0
BRIGHT_SHARE = (1.12, 1.5)
RIM_MM = 0.8
OSTIAL_MM = 1.6
BONE_HU = 220.0
SMOOTH_MM = 0.7


@dataclass(frozen=True, eq=False)
class Maps:
    """The abdomen around an aorta.

    Parameters
    ----------
    field
        Hounsfield units and tubes on a grid of 0.8 mm; ``soft`` holds the smoothed Hounsfield units, ``pool`` organs
        and wide veins, ``outside`` bone.
    smooth
        Hounsfield units smoothed by 0.7 mm.
    noise_hu
        Noise of ``smooth``, from the inside of the aorta.
    blur_mm
        Standard deviation of the blur that voxels of this size and the grid leave, in mm.
    """

    field: Field
    smooth: Block
    noise_hu: float
    blur_mm: float


def abdominal_maps(volume: Volume, aorta: Aorta) -> Maps:
    """Maps around an aorta.

    Notes
    -----
    Closed to every way are: what a ball of 3 mm fits into and is not the aorta (organs, large veins), what is clearly
    brighter than the aorta and not thin (the portal vein in its phase), and bone (dense, and thicker than calcium in a
    wall).
    """
    low, high = aorta.centre_mm.min(axis=0), aorta.centre_mm.max(axis=0)
    box = np.stack([low - np.array(MARGIN_MM), high + np.array([MARGIN_MM[0], 0.4 * MARGIN_MM[1], MARGIN_MM[2]])])
    stored = Block.around(volume, box, margin_mm=0.0)
    block = _sharp(stored)
    region = aorta_region(block, aorta, step_mm=GRID_MM)
    soft, fine = (_calm(block.hu, aorta.hu, size) for size in (CALM_MM, FINE_MM))
    around = _around(block.hu, aorta.hu)
    member = (fine - around - np.float32(ABOVE_HU)) / (np.float32(FULL_SHARE) * (aorta.hu - around))
    bright, valley = tubularity(np.clip(member, 0.0, 1.0).astype(np.float32), GRID_MM, radii_mm=RADII_MM)
    np.clip(bright / np.float32(FULL_RIDGE), 0.0, 1.0, out=bright)
    pool, bone = _pools(soft, aorta.hu, region), _bone(block.hu)
    field = Field(block, bright, np.zeros_like(bright), valley, soft, pool, region, bone, aorta.hu)
    smooth = Block(ndimage.gaussian_filter(block.hu, SMOOTH_MM / GRID_MM, mode="nearest"), block.affine)
    inside = smooth.hu[ndimage.binary_erosion(region, iterations=4)]
    noise = 1.4826 * float(np.median(np.abs(inside - np.median(inside)))) if inside.size else 0.0
    return Maps(field, smooth, noise, float(np.sqrt(np.square(stored.affine.spacing_mm).mean() + GRID_MM**2 / 4)))


def _sharp(stored: Block) -> Block:
    """The picture on the even grid, between its voxels by cubic convolution; finer voxels are averaged before.

    A mean of linear samples dims a vessel of two voxels, and by how much depends on where the voxels lie.
    """
    even = isotropic(stored, step_mm=GRID_MM)
    fine = GRID_MM / np.array(stored.affine.spacing_mm)
    calm = ndimage.gaussian_filter(stored.hu, 0.4 * np.sqrt(np.maximum(fine**2 - 1.0, 0.0)), mode="nearest")
    source, out = Block(calm, stored.affine), even.hu
    place = np.stack(np.meshgrid(0.0, *(np.arange(n, dtype=float) for n in out.shape[1:]), indexing="ij"), axis=-1)[0]
    for i in range(len(out)):
        place[..., 0] = i
        points = even.affine.to_mm(place.reshape(-1, 3))
        out[i] = np.where(out[i] > GAS_HU, sample_cubic(source, points).reshape(out[i].shape), out[i])
    return Block(out, even.affine)


def _calm(hu: NDArray[np.float32], blood_hu: float, size_mm: float) -> NDArray[np.float32]:
    """Smoothed, with bone and calcium no brighter than 1.6 times the aorta."""
    dull = np.minimum(hu, DENSE_SHARE * blood_hu)
    return np.asarray(ndimage.gaussian_filter(dull, size_mm / GRID_MM, mode="nearest"))


def _around(hu: NDArray[np.float32], blood_hu: float) -> NDArray[np.float32]:
    """The mean of what lies around a voxel and is neither blood nor gas."""
    plain = (hu < 0.8 * blood_hu) & (hu > -150)
    size = AROUND_MM / GRID_MM
    weight = ndimage.gaussian_filter(plain.astype(np.float32), size, mode="nearest", truncate=3.0)
    mean = ndimage.gaussian_filter(np.where(plain, np.maximum(hu, FAT_HU), 0), size, mode="nearest", truncate=3.0)
    return np.asarray(np.clip(mean / np.maximum(weight, 0.05), FLOOR_HU, 0.75 * blood_hu), dtype=np.float32)


def _pools(soft: NDArray[np.float32], blood_hu: float, aorta: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Organs and wide veins: bright and wide, or brighter than the aorta and not thin."""
    core = (depth_mm((soft > WIDE_SHARE * blood_hu) & ~aorta, step_mm=GRID_MM) > WIDE_RADIUS_MM) & ~aorta
    wide = depth_mm(~core, step_mm=GRID_MM) <= WIDE_RADIUS_MM + RIM_MM
    brighter = (soft > BRIGHT_SHARE[0] * blood_hu) & (soft < BRIGHT_SHARE[1] * blood_hu)
    brighter = ndimage.binary_opening(brighter, iterations=2)
    near = ndimage.binary_dilation(aorta, iterations=round(OSTIAL_MM / GRID_MM))
    return np.asarray((wide | ndimage.binary_dilation(brighter)) & ~near)


def _bone(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What is dense and thicker than calcium in a wall, with a rim."""
    core = ndimage.binary_opening(hu > BONE_HU, iterations=3)
    return np.asarray(ndimage.binary_dilation(core, iterations=2))
