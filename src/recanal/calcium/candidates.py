"""Everything on a non-contrast scan that is as dense as calcium, with what tells coronary calcium from the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.calcium.agatston import LEAST_AREA_MM2, THRESHOLD_HU
from recanal.calcium.chest import GRID_MM, Chest
from recanal.calcium.stack import SliceStack

__all__ = ["BLOOD_HU", "Candidate", "Candidates", "find_candidates"]

SHELL_MM = (2.0, 7.0)
BONE_MM3 = 2500.0
BLOOD_HU = 45.0
FAR_MM = 110.0
_TWENTY_SIX = np.ones((3, 3, 3), dtype=bool)
_EIGHT = np.zeros((3, 3, 3), dtype=bool)
_EIGHT[1] = True


@dataclass(frozen=True, eq=False)
class Candidate:
    """One group of dense voxels, 26-connected.

    Parameters
    ----------
    number
        Its value in :attr:`Candidates.groups`.
    index, points_mm
        (n, 3) its voxels: as (slice, row, column), and in LPS.
    centre_mm
        Their mean.
    volume_mm3, extent_mm, peak_hu, mean_hu
        Size, largest side of its box, and attenuation.
    tissue_hu
        Median attenuation of the soft tissue at 2 to 7 mm from it; that of blood where there is none.
    fat_share
        Share of fat there.
    air_mm
        Air on the straight way to the middle of the heart.
    bone_mm
        Distance to the nearest group larger than 2,500 mm3.
    """

    number: int
    index: NDArray[np.intp]
    points_mm: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    volume_mm3: float
    extent_mm: float
    peak_hu: float
    mean_hu: float
    tissue_hu: float
    fat_share: float
    air_mm: float
    bone_mm: float


@dataclass(frozen=True, eq=False)
class Candidates:
    """All groups of one scan.

    Parameters
    ----------
    groups
        (slices, rows, columns), 0 where nothing is dense or the spot in the slice is smaller than 1 mm2.
    found
        What is not bone and lies within 110 mm of the middle of the heart, in any order.
    bone_mm3
        Volume of what is.
    """

    groups: NDArray[np.int32]
    found: tuple[Candidate, ...]
    bone_mm3: float


def _spots(stack: SliceStack) -> NDArray[np.bool_]:
    """Voxels of spots of at least 1 mm2 in their slice."""
    dense = stack.hu >= THRESHOLD_HU
    groups, count = ndimage.label(dense, structure=_EIGHT)
    area = np.bincount(groups.ravel(), minlength=count + 1) * stack.pixel_mm2
    large = area >= LEAST_AREA_MM2
    large[0] = False
    return np.asarray(large[groups])


def _around(chest: Chest, centre_mm: NDArray[np.float64], half_mm: float) -> tuple[float, float]:
    """Median of the soft tissue in, and share of fat of, the shell around a candidate."""
    reach = int(np.ceil((half_mm + SHELL_MM[1]) / GRID_MM))
    steps = np.arange(-reach, reach + 1) * GRID_MM
    dz, dy, dx = np.meshgrid(steps, steps, steps, indexing="ij")
    offset = np.stack([dx.ravel(), dy.ravel(), dz.ravel()], axis=1)
    far = np.linalg.norm(offset, axis=1)
    points = centre_mm + offset[(far >= half_mm + SHELL_MM[0]) & (far <= half_mm + SHELL_MM[1])]
    hu = chest.at(chest.hu, points)[chest.at(chest.soft, points)]
    return float(np.median(hu)) if len(hu) else BLOOD_HU, float(chest.at(chest.fat, points).mean())


def _air_on_the_way(chest: Chest, centre_mm: NDArray[np.float64]) -> float:
    way = chest.heart_mm - centre_mm
    length = float(np.linalg.norm(way))
    share = np.linspace(0.0, 1.0, max(2, int(length)))
    return float(chest.at(chest.air, centre_mm + share[:, None] * way).mean() * length)


def _bone_distance(stack: SliceStack, groups: NDArray[np.int32], bones: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance from bone on every fourth pixel, large where there is none."""
    thin = bones[groups[:, ::4, ::4]]
    spacing = (stack.step_mm, 4 * stack.affine.spacing_mm[1], 4 * stack.affine.spacing_mm[2])
    if not thin.any():
        return np.full(thin.shape, 1e3, dtype=np.float32)
    return np.asarray(ndimage.distance_transform_edt(~thin, sampling=spacing), dtype=np.float32)


def find_candidates(stack: SliceStack, chest: Chest) -> Candidates:
    """Dense groups of a scan and their surroundings; the skeleton is left out by its size."""
    groups, count = ndimage.label(_spots(stack), structure=_TWENTY_SIX)
    groups = groups.astype(np.int32)
    volume = np.bincount(groups.ravel(), minlength=count + 1) * stack.voxel_mm3
    bones = volume > BONE_MM3
    bones[0] = False
    distance = _bone_distance(stack, groups, bones)
    found = []
    for number, box in enumerate(ndimage.find_objects(groups), start=1):
        if box is None or bones[number]:
            continue
        inside = groups[box] == number
        index = np.argwhere(inside) + [edge.start for edge in box]
        values = stack.hu[box][inside].astype(np.float64)
        points = stack.affine.to_mm(index)
        centre = points.mean(axis=0)
        if np.linalg.norm(centre - chest.heart_mm) > FAR_MM:
            continue
        extent = np.ptp(points, axis=0).max() + stack.affine.spacing_mm[1]
        hu, fat = _around(chest, centre, min(0.5 * float(extent), 4.0))
        near = np.minimum(np.rint(index.mean(axis=0) / [1, 4, 4]).astype(int), np.asarray(distance.shape) - 1)
        found.append(
            Candidate(
                number=number,
                index=index,
                points_mm=points,
                centre_mm=centre,
                volume_mm3=float(volume[number]),
                extent_mm=float(extent),
                peak_hu=float(values.max()),
                mean_hu=float(values.mean()),
                tissue_hu=hu,
                fat_share=fat,
                air_mm=_air_on_the_way(chest, centre),
                bone_mm=float(distance[tuple(near)]),
            )
        )
    return Candidates(groups, tuple(found), float(volume[bones].sum()))
