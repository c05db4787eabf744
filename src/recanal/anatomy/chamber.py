"""Where the heart lies, and its large blood pools."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.coarse import COARSE_MM, Coarse
from recanal.grids.depth import depth_mm

__all__ = ["Heart", "find_heart"]

POOL_DEPTH_MM = 6.0
POOL_SHARE = 0.75
NEAR_ROOT_MM = 38.0
LEAST_POOL_MM3 = 8000.0
AXIS_QUANTILE = 0.98
MOST_OF_27 = 14


@dataclass(frozen=True, eq=False)
class Heart:
    """The left side of the heart, which is bright in every coronary angiogram, and the frame it gives.

    Parameters
    ----------
    root_mm
        (3,) centre of the aortic root.
    left_mm
        (n, 3) points of the left ventricle and atrium, and what is joined to them.
    ventricle_mm, atrium_mm
        (3,) centres of the left ventricle and of the left atrium.
    apex
        Unit vector from the base to the apex of the left ventricle.
    """

    root_mm: NDArray[np.float64]
    left_mm: NDArray[np.float64]
    ventricle_mm: NDArray[np.float64]
    atrium_mm: NDArray[np.float64]
    apex: NDArray[np.float64]


def _outside(coarse: Coarse, *tubes: Aorta | None) -> NDArray[np.bool_]:
    """The voxels away from the great vessels."""
    shape = coarse.block.hu.shape
    grid = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    free = np.ones(shape, dtype=bool)
    for tube in tubes:
        if tube is None:
            continue
        index = coarse.block.affine.to_index(tube.centre_mm)
        for (a, b, c), radius in zip(index, tube.radius_mm, strict=True):
            free[:, :, round(c)] &= np.hypot(grid[0] - a, grid[1] - b) * COARSE_MM > radius + 2.0
    return free


def find_heart(coarse: Coarse, ascending: Aorta, descending: Aorta | None) -> Heart | None:
    """The left ventricle, the left atrium and the long axis; None where there is no pool next to the root.

    Notes
    -----
    Bright pools at least 12 mm thick near the aortic root, outside the aorta. Behind and above the root lies the
    atrium, before and below it the ventricle: the two are parted by the plane through the root, across the line from
    the root to the far end of the pool.
    """
    root = ascending.centre_mm[0]
    bright = (coarse.block.hu > POOL_SHARE * ascending.hu) & (coarse.block.hu < 1.35 * ascending.hu)
    bright &= _outside(coarse, ascending, descending)
    deep = depth_mm(_steadied(bright), step_mm=COARSE_MM) > POOL_DEPTH_MM
    label, count = ndimage.label(deep)
    points = []
    for k, box in enumerate(ndimage.find_objects(label)):
        own = np.argwhere(label[box] == k + 1) + [s.start for s in box]
        where = coarse.block.affine.to_mm(own)
        gap = float(np.linalg.norm(where - root, axis=1).min())
        if len(own) * COARSE_MM**3 * 2 > LEAST_POOL_MM3 and gap < NEAR_ROOT_MM and _soft(coarse, own):
            points.append(where)
    if not count or not points:
        return None
    left = np.concatenate(points)
    return _framed(root, left)


def _steadied(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The median of each voxel and its 26 neighbours: true where 14 of them are."""
    count = mask.astype(np.uint8)
    for axis in range(3):
        count = ndimage.correlate1d(count, np.ones(3), axis=axis)
    return np.asarray(count >= MOST_OF_27)


def _soft(coarse: Coarse, index: NDArray[np.int64]) -> bool:
    """Whether a region has the even contrast of blood, not the mottle of bone."""
    values = coarse.block.hu[tuple(index.T)]
    return bool(np.std(values) < 0.2 * abs(float(np.mean(values))))


def _framed(root: NDArray[np.float64], left: NDArray[np.float64]) -> Heart:
    """The frame: the ventricle reaches far to the left, front and bottom of the root, the atrium lies behind it."""
    away = left - root
    first = np.array([0.6, -0.5, -0.6])
    apex = first / np.linalg.norm(first)
    ventricle = away @ apex > 0
    for _ in range(6):
        ventricle = away @ apex > -2.0
        if ventricle.sum() < 20:
            break
        along = away[ventricle] @ apex
        tip = away[ventricle][along >= np.quantile(along, AXIS_QUANTILE)].mean(axis=0)
        middle = away[ventricle].mean(axis=0)
        turned = tip - (middle - 0.6 * (tip - middle))
        apex = turned / np.linalg.norm(turned)
    atrium = ~ventricle
    centre = left[ventricle].mean(axis=0) if ventricle.any() else root + 40 * apex
    behind = left[atrium].mean(axis=0) if atrium.sum() > 20 else root + np.array([0.0, 25.0, 0.0])
    return Heart(root, left, centre, behind, apex)
