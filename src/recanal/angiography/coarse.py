"""A CT on a coarse grid along the patient's axes, each cell the mean of the voxels in it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Affine, Volume
from recanal.imaging.sample import AIR_HU, Block, sample

__all__ = ["coarse_grid"]

_TIE = 1e-6  # a voxel on the border of two cells belongs to the upper one, however the volume was stored


@numba.njit(cache=True, nogil=True)
def _add(hu, matrix, low, total, count):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Sum and number of the voxels in each cell; ``matrix`` maps voxel index to fractional cell."""
    top = np.array(total.shape)
    for i in range(hu.shape[0]):
        for j in range(hu.shape[1]):
            x0 = matrix[0, 0] * i + matrix[0, 1] * j + low[0]
            y0 = matrix[1, 0] * i + matrix[1, 1] * j + low[1]
            z0 = matrix[2, 0] * i + matrix[2, 1] * j + low[2]
            for k in range(hu.shape[2]):
                a = int(np.floor(x0 + matrix[0, 2] * k))
                b = int(np.floor(y0 + matrix[1, 2] * k))
                c = int(np.floor(z0 + matrix[2, 2] * k))
                if a < 0 or b < 0 or c < 0 or a >= top[0] or b >= top[1] or c >= top[2]:
                    continue
                total[a, b, c] += hu[i, j, k]
                count[a, b, c] += 1


def coarse_grid(volume: Volume, box_mm: NDArray[np.float64], *, step_mm: float) -> Block:
    """The part of a volume inside a box, on an isotropic grid along the LPS axes.

    Parameters
    ----------
    volume
        The CT.
    box_mm
        (2, 3) lower and upper LPS corner.
    step_mm
        Side of a cell.

    Returns
    -------
    Block
        Cell centres lie on multiples of the step, so that a flipped or permuted volume gives the same grid. A cell
        without a voxel centre takes the trilinear value; outside the volume the value is that of air.
    """
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in volume.shape], indexing="ij")).reshape(3, -1).T
    where = volume.affine.to_mm(corners)
    low = np.ceil(np.maximum(where.min(axis=0), box_mm[0]) / step_mm - _TIE) * step_mm
    high = np.minimum(where.max(axis=0), box_mm[1])
    shape = np.maximum(np.floor((high - low) / step_mm + _TIE).astype(int) + 1, 3)
    total = np.zeros(tuple(int(n) for n in shape), dtype=np.float32)
    count = np.zeros(total.shape, dtype=np.uint16)
    part = _cut(volume, low - step_mm, low + (shape + 1) * step_mm)
    matrix = part.affine.matrix / step_mm
    _add(part.hu, np.ascontiguousarray(matrix[:3, :3]), matrix[:3, 3] - low / step_mm + 0.5 + _TIE, total, count)
    affine = Affine.from_spacing((step_mm, step_mm, step_mm), low)
    empty = np.argwhere(count == 0)
    np.divide(total, count, out=total, where=count > 0)
    if len(empty):
        found = sample(part, affine.to_mm(empty))
        total[tuple(empty.T)] = np.nan_to_num(found, nan=AIR_HU)
    return Block(total, affine)


def _cut(volume: Volume, low_mm: NDArray[np.float64], high_mm: NDArray[np.float64]) -> Block:
    """The voxels in a box, not copied."""
    corners = np.array(np.meshgrid(*zip(low_mm, high_mm, strict=True), indexing="ij")).reshape(3, -1).T
    index = volume.affine.to_index(corners)
    start = np.clip(np.floor(index.min(axis=0)).astype(int), 0, np.asarray(volume.shape) - 2)
    stop = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, start + 2, volume.shape)
    matrix = volume.affine.matrix.copy()
    matrix[:3, 3] = volume.affine.to_mm(start)[0]
    part = volume.hu[tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))]
    return Block(part, Affine(matrix))
