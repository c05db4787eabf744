"""Hounsfield units at any point of a volume."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError

__all__ = ["Block", "isotropic", "sample"]

AIR_HU = -1024.0


@dataclass(frozen=True, eq=False)
class Block:
    """A box cut out of a volume as float32, small enough to work on.

    Parameters
    ----------
    hu
        (a, b, c) float32.
    affine
        Map from block index to LPS millimetres.
    """

    hu: NDArray[np.float32]
    affine: Affine

    @classmethod
    def around(cls, volume: Volume, points_mm: ArrayLike, *, margin_mm: float) -> Block:
        """The voxels of ``volume`` in the box around ``points_mm`` (n, 3), widened by ``margin_mm``.

        Raises
        ------
        GeometryError
            When the box does not meet the volume.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        low, high = points.min(axis=0) - margin_mm, points.max(axis=0) + margin_mm
        corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, -1).T
        index = volume.affine.to_index(corners)
        start = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
        stop = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, volume.shape)
        if np.any(stop - start < 2):
            raise GeometryError("The region of interest lies outside the volume.")
        cut = volume.hu[tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))]
        matrix = volume.affine.matrix.copy()
        matrix[:3, 3] = volume.affine.to_mm(start)[0]
        return cls(np.ascontiguousarray(cut, dtype=np.float32), Affine(matrix))


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _between(hu, i, j, k):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Trilinear value at a fractional index inside the block."""
    a, b, c = min(int(i), hu.shape[0] - 2), min(int(j), hu.shape[1] - 2), min(int(k), hu.shape[2] - 2)
    u, v, w = i - a, j - b, k - c
    front = (hu[a, b, c] * (1 - w) + hu[a, b, c + 1] * w) * (1 - v) + (
        hu[a, b + 1, c] * (1 - w) + hu[a, b + 1, c + 1] * w
    ) * v
    back = (hu[a + 1, b, c] * (1 - w) + hu[a + 1, b, c + 1] * w) * (1 - v) + (
        hu[a + 1, b + 1, c] * (1 - w) + hu[a + 1, b + 1, c + 1] * w
    ) * v
    return front * (1 - u) + back * u


@numba.njit(cache=True, nogil=True, fastmath=True)
def _trilinear(hu, inverse, points, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    na, nb, nc = hu.shape
    for p in range(points.shape[0]):
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        i = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
        j = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
        k = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
        if i < -1e-6 or j < -1e-6 or k < -1e-6 or i > na - 1 + 1e-6 or j > nb - 1 + 1e-6 or k > nc - 1 + 1e-6:
            out[p] = np.nan
            continue
        i, j, k = min(max(i, 0.0), na - 1.0), min(max(j, 0.0), nb - 1.0), min(max(k, 0.0), nc - 1.0)
        out[p] = _between(hu, i, j, k)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _mean_of_eight(hu, inverse, low, step, rows, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Grid values as means of eight trilinear samples a quarter step off the centre; air outside."""
    na, nb, nc = hu.shape
    for a0 in rows:
        for b0 in range(out.shape[1]):
            for c0 in range(out.shape[2]):
                total = 0.0
                for corner in range(8):
                    x = low[0] + step * (a0 + 0.5 * (corner & 1) - 0.25)
                    y = low[1] + step * (b0 + 0.5 * ((corner >> 1) & 1) - 0.25)
                    z = low[2] + step * (c0 + 0.5 * ((corner >> 2) & 1) - 0.25)
                    i = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
                    j = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
                    k = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
                    if i < 0.0 or j < 0.0 or k < 0.0 or i > na - 1 or j > nb - 1 or k > nc - 1:
                        total += AIR_HU
                        continue
                    total += _between(hu, i, j, k)
                out[a0, b0, c0] = total / 8.0


def sample(block: Block, points_mm: ArrayLike) -> NDArray[np.float32]:
    """Trilinear Hounsfield units at (..., 3) LPS points; NaN outside the block."""
    points = np.asarray(points_mm, dtype=np.float64)
    flat = np.ascontiguousarray(points.reshape(-1, 3))
    out = np.empty(len(flat), dtype=np.float32)
    _trilinear(block.hu, np.ascontiguousarray(block.affine.inverse), flat, out)
    return out.reshape(points.shape[:-1])


def isotropic(block: Block, *, step_mm: float) -> Block:
    """The block on an isotropic grid along the LPS axes, each voxel the mean of eight samples.

    The grid does not depend on how the volume was stored, so a flipped, rotated or permuted volume
    gives the same result. Outside the block the value is that of air.
    """
    shape = np.asarray(block.hu.shape)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1).T
    where = block.affine.to_mm(corners)
    low = np.ceil(where.min(axis=0) / step_mm) * step_mm
    count = np.maximum(np.floor((where.max(axis=0) - low) / step_mm).astype(int) + 1, 3)
    affine = Affine.from_spacing((step_mm, step_mm, step_mm), low)
    out = np.empty(tuple(int(n) for n in count), dtype=np.float32)
    halves = np.array_split(np.arange(len(out)), 2)  # the kernel frees the interpreter lock: one thread each
    inverse = np.ascontiguousarray(block.affine.inverse)
    with ThreadPoolExecutor(len(halves)) as pool:
        list(pool.map(lambda rows: _mean_of_eight(block.hu, inverse, low, step_mm, rows, out), halves))
    return Block(out, affine)
