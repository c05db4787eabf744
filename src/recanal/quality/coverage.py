"""What is in view: whether the heart is cut by the edges of the volume, and metal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Volume

__all__ = ["METAL_HU", "heart_cut", "is_wide", "metal_mm3", "plain_depth_mm"]

METAL_HU = 2000.0
GRID_MM = 2.5
POOL_HU = (150.0, 900.0)
PLAIN_HU = (20.0, 165.0)
LEAST_DEPTH_MM = 5.0
BOTTOM_MM2 = 1000.0
TOP_MM2 = 1700.0
LEAST_TOP_MM2 = 900.0
TOP_SHARE = 0.6
SIDE_MM2 = 600.0
HEART_VIEW_MM = 100.0


def is_wide(volume: Volume) -> bool:
    """Whether a picture is wide enough to show a heart, 100 mm in every direction, and no box cut around a vessel.

    Motion and contrast are judged on chambers, displaced slabs on the outline of the heart and the chest; the blood of
    a box may be that of a ventricle into which no contrast flows any more. Of 53 sound boxes of 50 to 80 mm 6 came out
    as not usable.
    """
    return min(count * step for count, step in zip(volume.shape, volume.spacing_mm, strict=True)) >= HEART_VIEW_MM


def metal_mm3(volume: Volume) -> float:
    """Volume brighter than 2,000 HU: stents, clips, leads, prostheses.

    Calcium stays below: 1,400 HU and less at 120 kV, half as much again at 80 kV.
    """
    count = sum(int(np.count_nonzero(plane > METAL_HU)) for plane in volume.hu)
    return float(count * np.prod(volume.spacing_mm))


def _coarse(volume: Volume) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The volume smoothed on a grid of 2.5 mm, and its steps."""
    stride = tuple(max(1, round(GRID_MM / step)) for step in volume.spacing_mm)
    coarse = volume.hu[:: stride[0], :: stride[1], :: stride[2]].astype(np.float32)
    smooth = ndimage.uniform_filter(coarse, 3, mode="nearest")
    return np.asarray(smooth, dtype=np.float32), np.asarray(volume.spacing_mm) * stride


def plain_depth_mm(volume: Volume) -> float:
    """How deep soft tissue without contrast is: more than a heart wall can be where a chamber holds no contrast."""
    smooth, spacing = _coarse(volume)
    plain = np.pad((smooth > PLAIN_HU[0]) & (smooth < PLAIN_HU[1]), 1, mode="edge")
    return float(ndimage.distance_transform_edt(plain, sampling=spacing).max())


def _largest_mm2(plane: NDArray[np.bool_], pixel_mm2: float) -> float:
    groups, count = ndimage.label(plane)
    return float(np.bincount(groups.ravel())[1:].max() * pixel_mm2) if count else 0.0


def heart_cut(volume: Volume, *, blood_hu: float) -> tuple[str, ...]:
    """Sides on which a large blood pool leaves the volume: ``"upper end"``, ``"lower end"``, ``"sides"``.

    Parameters
    ----------
    volume
        A CT angiogram whose first axis runs from slice to slice.
    blood_hu
        Level of the blood pool. Left chambers and aorta reach three quarters of it; bone marrow does not.

    Notes
    -----
    On a grid of 2.5 mm, blood at least 5 mm deep. The descending aorta leaves through the lower end and aorta and
    pulmonary trunk through the upper one of a complete scan; what is wider than they can be is a chamber: a connected
    area of more than 10 cm2 below, 17 cm2 above, 6 cm2 on a side. Above, 9 cm2 are enough where no slice has much more:
    aorta and pulmonary trunk had at most 0.4 of the largest area of their phantom, chambers cut across 0.75 and more.
    """
    smooth, spacing = _coarse(volume)
    pool = (smooth > max(POOL_HU[0], 0.75 * blood_hu)) & (smooth < POOL_HU[1])
    depth = ndimage.distance_transform_edt(pool, sampling=spacing)
    groups, count = ndimage.label(depth > LEAST_DEPTH_MM)
    if count == 0:
        return ()
    heart = groups == 1 + int(np.argmax(np.bincount(groups.ravel())[1:]))
    body = ndimage.binary_dilation(heart, iterations=2) & pool
    first_mm = volume.affine.to_mm([[0, 0, 0]])[0, 2]
    rising = volume.affine.to_mm([[1, 0, 0]])[0, 2] > first_mm
    ends = (body[0], body[-1]) if rising else (body[-1], body[0])
    cut = []
    pixel_mm2 = float(spacing[1] * spacing[2])
    top_mm2 = _largest_mm2(ends[1], pixel_mm2)
    widest_mm2 = float(np.percentile([_largest_mm2(plane, pixel_mm2) for plane in body], 95))
    if top_mm2 > TOP_MM2 or (top_mm2 > LEAST_TOP_MM2 and top_mm2 > TOP_SHARE * widest_mm2):
        cut.append("upper end")
    if _largest_mm2(ends[0], pixel_mm2) > BOTTOM_MM2:
        cut.append("lower end")
    faces = ((body[:, 0], 2), (body[:, -1], 2), (body[:, :, 0], 1), (body[:, :, -1], 1))
    if any(_largest_mm2(face, float(spacing[0] * spacing[axis])) > SIDE_MM2 for face, axis in faces):
        cut.append("sides")
    return tuple(cut)
