"""What may lie in the way of a beam: other vessels, bone, and the opacified chambers and great vessels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from recanal.angiography.coarse import coarse_grid
from recanal.core.volume import Affine, Volume
from recanal.grids.tubes import soft_step, tubularity
from recanal.imaging.sample import Block

__all__ = ["BLOCK", "BONE", "GRID_MM", "HEART", "VESSEL", "Scene", "read_scene", "without_target"]

VESSEL, BONE, HEART = 1, 2, 4
GRID_MM = 1.0
BLOCK = 8
REACH_MM = 160.0
TISSUE_HU = 60.0
LEAST_BRIGHT_HU = 150.0
BRIGHT_SHARE = 0.4
POOL_RADIUS_MM = 4.0
BONE_RADIUS_MM = 3.0
RIM_RATIO = 1.15
LUNG_HU = -400.0
LUNG_SHARE = 0.3
LUNG_BOX_MM = 12.0
VESSEL_RADII_MM = (1.0, 1.6)
VESSEL_SHARE = 0.35
MYOCARDIUM_HU = 110.0
LEAST_RIDGE = 0.12
LEAST_VESSEL_MM3 = 20.0
LEAST_BONE_MM3 = 1500.0
LEAST_HEART_MM3 = 5000.0
_COARSE = 2  # chambers and bones are found on a grid this many times coarser


@dataclass(frozen=True, eq=False)
class Scene:
    """The surroundings of an occlusion on an isotropic grid along the LPS axes.

    Parameters
    ----------
    hu
        (a, b, c) Hounsfield units.
    codes
        (a, b, c) sum of ``VESSEL``, ``BONE`` and ``HEART``; 0 elsewhere.
    affine
        Map from grid index to LPS millimetres.
    found
        Which of the three the CT shows at all, as a sum of their codes. Vessels count as found.
    blocks
        Codes that occur in each block of 8 x 8 x 8 cells; made from ``codes``.
    """

    hu: NDArray[np.float32]
    codes: NDArray[np.uint8]
    affine: Affine
    found: int
    blocks: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        full = np.pad(self.codes, [(0, -n % BLOCK) for n in self.codes.shape])
        a, b, c = (n // BLOCK for n in full.shape)
        blocks = np.bitwise_or.reduce(full.reshape(a, BLOCK, b, BLOCK, c, BLOCK), axis=(1, 3, 5))
        object.__setattr__(self, "blocks", np.ascontiguousarray(blocks))


def read_scene(volume: Volume, around_mm: ArrayLike, *, blood_hu: float) -> Scene:
    """What lies around an occlusion.

    Parameters
    ----------
    volume
        The CT angiogram.
    around_mm
        (n, 3) LPS points of the occlusion; the scene reaches 160 mm from them, or as far as the CT does.
    blood_hu
        Attenuation of opacified blood.

    Notes
    -----
    Bright is what exceeds 60 HU by 40 % of the contrast of blood over 60 HU, and 150 HU. Chambers and great vessels
    are what of it holds a ball of 4 mm and is no brighter at its rim than inside. Bone is bright and not that, closed
    and filled slice by slice, where it holds a ball of 3 mm and is brighter at its rim. Vessels are bright tubes
    (:func:`recanal.grids.tubes.tubularity`) outside of these and outside of lung.
    """
    points = np.atleast_2d(np.asarray(around_mm, dtype=np.float64))
    box = np.stack([points.min(axis=0) - REACH_MM, points.max(axis=0) + REACH_MM])
    block = coarse_grid(volume, box, step_mm=GRID_MM)
    bright_hu = max(LEAST_BRIGHT_HU, TISSUE_HU + BRIGHT_SHARE * (blood_hu - TISSUE_HU))
    fine = block.hu
    coarse, peak = _pooled(fine)
    bright = coarse > bright_hu
    heart, bone = _heart_and_bone(bright, peak)
    closed = ndimage.binary_dilation(heart | bone) | _lung(coarse)
    vessel = _vessels(block, _spread(closed, fine.shape), blood_hu)
    codes = vessel.astype(np.uint8) * np.uint8(VESSEL)
    codes |= _spread(bone, fine.shape).astype(np.uint8) * np.uint8(BONE)
    codes |= _spread(heart, fine.shape).astype(np.uint8) * np.uint8(HEART)
    voxel_mm3 = (GRID_MM * _COARSE) ** 3
    found = VESSEL
    found |= BONE if bone.sum() * voxel_mm3 >= LEAST_BONE_MM3 else 0
    found |= HEART if heart.sum() * voxel_mm3 >= LEAST_HEART_MM3 else 0
    return Scene(fine, codes, block.affine, found)


def without_target(scene: Scene, line_mm: NDArray[np.float64], keep_out_mm: ArrayLike) -> Scene:
    """The scene without the occluded vessel itself.

    Parameters
    ----------
    line_mm
        (n, 3) LPS axis of the vessel, its points no farther apart than the grid.
    keep_out_mm
        (n,) or one distance from the axis within which nothing counts.
    """
    codes = scene.codes.copy()
    reach = np.broadcast_to(np.asarray(keep_out_mm, dtype=np.float64), len(line_mm)) / GRID_MM
    index = scene.affine.to_index(line_mm)
    for centre, radius in zip(index, reach, strict=True):
        low = np.maximum(np.floor(centre - radius).astype(int), 0)
        high = np.minimum(np.ceil(centre + radius).astype(int) + 1, codes.shape)
        if np.any(high <= low):
            continue
        box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        away = np.ogrid[box]
        inside = sum((axis - middle) ** 2 for axis, middle in zip(away, centre, strict=True)) < radius**2
        codes[box][inside] = 0
    return Scene(scene.hu, codes, scene.affine, scene.found)


def _pooled(fine: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and maximum of blocks of voxels; the far edges are repeated to fill the last blocks."""
    pad = [(0, -n % _COARSE) for n in fine.shape]
    full = np.pad(fine, pad, mode="edge")
    a, b, c = (n // _COARSE for n in full.shape)
    blocks = full.reshape(a, _COARSE, b, _COARSE, c, _COARSE)
    return blocks.mean(axis=(1, 3, 5)), blocks.max(axis=(1, 3, 5))


def _spread(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A coarse mask on the fine grid."""
    for axis, count in enumerate(shape):
        mask = np.repeat(mask, _COARSE, axis=axis).take(np.arange(count), axis=axis)
    return mask


def _kept(mask: NDArray[np.bool_], least_voxels: float) -> NDArray[np.bool_]:
    """Connected parts of at least so many voxels."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.asarray((sizes >= least_voxels)[labels])


def _heart_and_bone(
    bright: NDArray[np.bool_], peak: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Chambers with great vessels, and bone: both hold a ball, and bone is brighter at its rim."""
    heart, _ = _by_rim(bright, peak, POOL_RADIUS_MM)
    padded = np.pad(bright & ~heart, 3, mode="edge")
    whole = ndimage.binary_closing(padded, iterations=2)[3:-3, 3:-3, 3:-3] & ~heart
    for plane in range(whole.shape[2]):
        whole[:, :, plane] = ndimage.binary_fill_holes(whole[:, :, plane])
    dim, bone = _by_rim(np.asarray(whole & ~heart), peak, BONE_RADIUS_MM)
    return np.asarray(heart | (dim & bright)), _kept(bone, LEAST_BONE_MM3 / (GRID_MM * _COARSE) ** 3)


def _vessels(block: Block, closed: NDArray[np.bool_], blood_hu: float) -> NDArray[np.bool_]:
    """Bright tubes of at least about 2 mm, as wide as they are bright."""
    contrast = max(blood_hu, LEAST_BRIGHT_HU) - TISSUE_HU
    ramp = soft_step(block.hu.copy(), MYOCARDIUM_HU, max(MYOCARDIUM_HU + 40.0, TISSUE_HU + 0.6 * contrast))
    ramp[closed] = 0.0
    ridge, _ = tubularity(ramp, block.affine.spacing_mm[0], radii_mm=VESSEL_RADII_MM)
    bright = (block.hu > TISSUE_HU + VESSEL_SHARE * contrast) & ~closed
    core = _kept((ridge > LEAST_RIDGE) & bright, LEAST_VESSEL_MM3 / GRID_MM**3)
    return np.asarray(ndimage.binary_dilation(core, structure=np.ones((3, 3, 3))) & bright)


def _by_rim(
    mask: NDArray[np.bool_], peak: NDArray[np.float32], radius_mm: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What of a mask holds a ball of the radius: parts no brighter at their rim than inside, and the others."""
    step = GRID_MM * _COARSE
    depth = np.asarray(ndimage.distance_transform_edt(mask) * step) if not mask.all() else np.full(mask.shape, np.inf)
    labels, count = ndimage.label(depth > radius_mm)
    if count == 0:
        return np.zeros_like(mask), np.zeros_like(mask)
    away, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    owner = labels[tuple(nearest)]
    owner[(away * step > radius_mm + 0.5 * step) | ~mask] = 0
    numbers = np.arange(1, count + 1)
    inner = ndimage.median(peak, np.where(depth > radius_mm, owner, 0), numbers)
    outer = ndimage.median(peak, np.where(depth <= step, owner, 0), numbers)
    even = np.asarray(outer) <= RIM_RATIO * np.asarray(inner)
    return np.concatenate([[False], even])[owner], np.concatenate([[False], ~even])[owner]


def _lung(coarse: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Lung with its vessels."""
    width = round(LUNG_BOX_MM / (GRID_MM * _COARSE))
    share = ndimage.uniform_filter((coarse < LUNG_HU).astype(np.float32), width, mode="nearest")
    return np.asarray(share > LUNG_SHARE)
