"""A tilted gantry's slices set upright: shifted in their plane until the axes stand at right angles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from recanal.dicom.hounsfield import AIR_HU

__all__ = ["TILT_PIXELS", "drift_pixels", "set_upright"]

TILT_PIXELS = 0.5
"""Drift over the whole stack, in pixels, below which the affine alone carries it."""


def drift_pixels(matrix: NDArray[np.float64]) -> tuple[float, float]:
    """How far each slice lies down the rows and along the columns from the one before, in pixels.

    Parameters
    ----------
    matrix
        (4, 4) index (slice, row, column) to LPS millimetres; rows and columns stand at right angles.
    """
    step, down, across = matrix[:3, 0], matrix[:3, 1], matrix[:3, 2]
    return float(step @ down / (down @ down)), float(step @ across / (across @ across))


def set_upright(
    volume: NDArray[np.int16], matrix: NDArray[np.float64]
) -> tuple[NDArray[np.int16], NDArray[np.float64], float]:
    """The volume on axes at right angles, its affine, and the tilt in degrees.

    Every slice is shifted in its plane by a cubic spline (the slices keep their places), on a canvas that
    holds all of them; what lies outside a slice is -1024 HU.

    Parameters
    ----------
    volume
        (slice, row, column) in HU.
    matrix
        (4, 4) sheared affine.
    """
    from scipy import ndimage

    depth, rows, columns = volume.shape
    drift = drift_pixels(matrix)
    total = [d * (depth - 1) for d in drift]
    low = [math.floor(min(0.0, t)) for t in total]
    size = (
        rows + math.ceil(abs(total[0])) + 1,
        columns + (math.ceil(abs(total[1])) + 1 if abs(total[1]) > 1e-3 else 0),
    )
    upright = np.empty((depth, *size), dtype=np.int16)
    canvas = np.empty(size, dtype=np.float32)
    for index in range(depth):
        canvas[:] = AIR_HU
        canvas[:rows, :columns] = volume[index]
        shift = [index * drift[axis] - low[axis] for axis in (0, 1)]
        moved = ndimage.shift(canvas, shift, order=3, mode="constant", cval=AIR_HU)
        upright[index] = np.rint(np.clip(moved, AIR_HU, np.iinfo(np.int16).max))
    down, across = matrix[:3, 1], matrix[:3, 2]
    in_plane = down * drift[0] + across * drift[1]
    straight = matrix.copy()
    straight[:3, 0] = matrix[:3, 0] - in_plane
    straight[:3, 3] = matrix[:3, 3] + down * low[0] + across * low[1]
    tilt_deg = math.degrees(math.atan2(np.linalg.norm(in_plane), np.linalg.norm(straight[:3, 0])))
    return upright, straight, tilt_deg
