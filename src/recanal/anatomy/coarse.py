"""A small copy of a volume to find the large things in: blood pools, lungs, the heart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Affine, Volume
from recanal.grids.depth import depth_mm
from recanal.imaging.sample import Block, isotropic

__all__ = ["COARSE_MM", "Coarse", "coarse_view", "thinned"]

COARSE_MM = 2.0
THIN_MM = 1.1
BLOOD_HU = (150.0, 900.0)
DEEP_MM = 5.0
AIR_HU = -400.0
LUNG_CLOSING_MM = 6.0


@dataclass(frozen=True, eq=False)
class Coarse:
    """The whole field on a grid of 2 mm along the LPS axes.

    Parameters
    ----------
    block
        (a, b, c) Hounsfield units; axes x, y, z.
    blood_hu
        Level of the brightest deep blood pools.
    lung
        (a, b, c) lungs and all vessels inside them, and the air around the patient.
    """

    block: Block
    blood_hu: float
    lung: NDArray[np.bool_]


@numba.njit(cache=True, nogil=True)
def _box_mean(hu, factors, rows, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    fa, fb, fc = factors
    scale = np.float32(1.0 / (fa * fb * fc))
    line = np.empty(out.shape[2], dtype=np.float32)
    for i in rows:
        for j in range(out.shape[1]):
            line[:] = 0.0
            for a in range(fa):
                for b in range(fb):
                    for k in range(out.shape[2]):
                        total = np.float32(0.0)
                        for c in range(fc):
                            total += hu[i * fa + a, j * fb + b, k * fc + c]
                        line[k] += total
            for k in range(out.shape[2]):
                out[i, j, k] = line[k] * scale


def thinned(volume: Volume, *, step_mm: float = THIN_MM) -> Block:
    """The volume as means of whole voxels, close to but not above ``step_mm`` where voxels are smaller than that."""
    factors = tuple(max(1, int(step_mm / s + 1e-6)) for s in volume.spacing_mm)
    shape = tuple(n // f for n, f in zip(volume.shape, factors, strict=True))
    out = np.empty(shape, dtype=np.float32)
    with ThreadPoolExecutor(2) as pool:
        halves = np.array_split(np.arange(shape[0]), 2)
        list(pool.map(lambda rows: _box_mean(volume.hu, factors, rows, out), halves))
    matrix = volume.affine.matrix.copy()
    matrix[:3, 3] = volume.affine.to_mm([(f - 1) / 2 for f in factors])[0]
    matrix[:3, :3] = matrix[:3, :3] * np.asarray(factors)
    return Block(out, Affine(matrix))


def coarse_view(thin: Block) -> Coarse:
    """The large parts of a thinned volume."""
    block = isotropic(thin, step_mm=COARSE_MM)
    smooth = ndimage.uniform_filter(block.hu, 3, mode="nearest")
    deep = depth_mm((smooth > BLOOD_HU[0]) & (smooth < BLOOD_HU[1]), step_mm=COARSE_MM) > DEEP_MM
    blood = float(np.percentile(block.hu[deep], 80)) if deep.sum() > 50 else 0.0
    air = block.hu < AIR_HU
    near = depth_mm(~air, step_mm=COARSE_MM) <= LUNG_CLOSING_MM
    lung = depth_mm(near, step_mm=COARSE_MM) > LUNG_CLOSING_MM
    return Coarse(block, blood, np.asarray(lung | air))
