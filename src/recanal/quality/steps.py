"""Slabs that do not meet: sudden displacements between neighbouring slices."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
from scipy import ndimage

from recanal.core.volume import Volume
from recanal.grids.smoothing import THREADS, smoothed

__all__ = ["SlabSteps", "slab_steps"]

CLIP_HU = (-150.0, 500.0)
SMOOTH_MM = 1.2
GRID_MM = 0.8
NEIGHBOURS = 7
BORDER = 4
OUTLIER_HU = 60.0
ENOUGH_MM = 0.02
LEAST_STEP_MM = 0.4
SIGMAS = 7.0


@dataclass(frozen=True)
class SlabSteps:
    """Displacements between slabs.

    Parameters
    ----------
    largest_mm
        The largest one, 0 where there is none.
    slice_index
        The slices before which the picture jumps.
    """

    largest_mm: float
    slice_index: tuple[int, ...]


@numba.njit(cache=True, nogil=True, fastmath={"nnan"})
def _thin(hu, rows, size, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Means of clipped values over blocks of pixels, of some slices."""
    low, high = np.float32(CLIP_HU[0]), np.float32(CLIP_HU[1])
    count = np.float32(size[0] * size[1])
    line = np.empty(hu.shape[2], dtype=np.float32)
    for i in rows:
        for j in range(out.shape[1]):
            line[:] = 0.0
            for row in range(size[0]):
                values = hu[i, j * size[0] + row]
                for k in range(len(line)):
                    line[k] += min(max(np.float32(values[k]), low), high)
            for k in range(out.shape[2]):
                total = np.float32(0.0)
                for column in range(size[1]):
                    total += line[k * size[1] + column]
                out[i, j, k] = total / count


@numba.njit(cache=True, nogil=True)
def _moved(plane, shift, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """A plane seen from a displaced place, linear between pixels, its border carried on outwards."""
    nb, nc = plane.shape
    down, right = int(np.floor(shift[0])), int(np.floor(shift[1]))
    v, u = shift[0] - down, shift[1] - right
    pad = min(abs(right) + 2, nc)
    line = np.empty(nc + 2 * pad, dtype=np.float64)
    first = min(max(pad + right, 0), 2 * pad - 1)
    for j in range(nb):
        upper, lower = plane[min(max(j + down, 0), nb - 1)], plane[min(max(j + down + 1, 0), nb - 1)]
        for k in range(nc):
            line[pad + k] = upper[k] * (1.0 - v) + lower[k] * v
        line[:pad] = line[pad]
        line[pad + nc :] = line[pad + nc - 1]
        for k in range(nc):
            out[j, k] = line[first + k] * (1.0 - u) + line[first + k + 1] * u


@numba.njit(cache=True, nogil=True, fastmath=True)
def _least_squares(first, moved, spacing):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """(2,) displacement that explains best, to first order, how two planes differ."""
    nb, nc = first.shape
    yy = yx = xx = y0 = x0 = 0.0
    for j in range(BORDER, nb - BORDER):
        above, here, below = first[j - 1], first[j], first[j + 1]
        above_moved, here_moved, below_moved = moved[j - 1], moved[j], moved[j + 1]
        for k in range(BORDER, nc - BORDER):
            up = np.float64(below[k] + below_moved[k] - above[k] - above_moved[k])
            side = np.float64(here[k + 1] + here_moved[k + 1] - here[k - 1] - here_moved[k - 1])
            miss = np.float64(here[k] - here_moved[k])
            weight = 1.0 / (1.0 + miss * miss / (OUTLIER_HU * OUTLIER_HU))
            yy += weight * up * up
            yx += weight * up * side
            xx += weight * side * side
            y0 += weight * up * miss
            x0 += weight * side * miss
    b, c = 4.0 * spacing[0], 4.0 * spacing[1]
    yy, yx, xx, y0, x0 = yy / (b * b), yx / (b * c), xx / (c * c), y0 / b, x0 / c
    ridge = 1e-3 * (yy + xx)
    yy, xx = yy + ridge, xx + ridge
    size = yy * xx - yx * yx
    if size <= 0.0:
        return 0.0, 0.0
    return (xx * y0 - yx * x0) / size, (yy * x0 - yx * y0) / size


@numba.njit(cache=True, nogil=True)
def _shifts(planes, rows, spacing, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """(n, 2) displacement of each of some planes against the one before, by three least-squares steps."""
    moved = np.empty(planes.shape[1:], dtype=np.float32)
    for i in rows:
        y = x = 0.0
        for _ in range(3):
            _moved(planes[i + 1], (y / spacing[0], x / spacing[1]), moved)
            dy, dx = _least_squares(planes[i], moved, spacing)
            y, x = y + dy, x + dx
            if max(abs(dy), abs(dx)) < ENOUGH_MM:
                break
        out[i, 0], out[i, 1] = y, x


def slab_steps(volume: Volume) -> SlabSteps:
    """Where neighbouring slices are displaced against each other more than those around them.

    Parameters
    ----------
    volume
        A CT angiogram whose first axis runs from slice to slice.

    Notes
    -----
    The displacement of each slice against the one before is found by least squares (Lucas and Kanade 1981). Anatomy
    changes it slowly; a step is what differs from the median of seven neighbours by more than 0.4 mm and by more than
    seven robust standard deviations.
    """
    size = max(1, round(GRID_MM / volume.spacing_mm[1])), max(1, round(GRID_MM / volume.spacing_mm[2]))
    spacing = (volume.spacing_mm[1] * size[0], volume.spacing_mm[2] * size[1])
    if volume.shape[0] <= NEIGHBOURS:
        return SlabSteps(0.0, ())
    thin = np.empty((volume.shape[0], volume.shape[1] // size[0], volume.shape[2] // size[1]), dtype=np.float32)
    series = np.empty((len(thin) - 1, 2))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda rows: _thin(volume.hu, rows, size, thin), np.array_split(np.arange(len(thin)), THREADS)))
        thin = smoothed(thin, (0.0, SMOOTH_MM / spacing[0], SMOOTH_MM / spacing[1]))
        parts = np.array_split(np.arange(len(series)), THREADS)
        list(pool.map(lambda rows: _shifts(thin, rows, spacing, series), parts))
    jump = np.linalg.norm(series - ndimage.median_filter(series, (NEIGHBOURS, 1), mode="nearest"), axis=1)
    spread = 1.4826 * float(np.median(np.abs(jump - np.median(jump))))
    found = np.flatnonzero(jump > max(LEAST_STEP_MM, float(np.median(jump)) + SIGMAS * spread))
    return SlabSteps(float(jump[found].max()) if len(found) else 0.0, tuple(int(k) + 1 for k in found))
