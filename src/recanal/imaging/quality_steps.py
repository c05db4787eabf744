"""Slabs that do not meet: sudden displacements between neighbouring slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Volume

__all__ = ["SlabSteps", "slab_steps"]

CLIP_HU = (-150.0, 500.0)
SMOOTH_MM = 1.2
GRID_MM = 0.8
NEIGHBOURS = 7
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


def _thinned(plane: NDArray[np.float32], size: list[int]) -> NDArray[np.float32]:
    """Means over blocks of pixels."""
    rows, columns = (n // s for n, s in zip(plane.shape, size, strict=True))
    whole = plane[: rows * size[0], : columns * size[1]]
    total = np.zeros((rows, columns), dtype=np.float32)
    for row in range(size[0]):
        for column in range(size[1]):
            total += whole[row :: size[0], column :: size[1]]
    return np.asarray(total / (size[0] * size[1]), dtype=np.float32)


def _shift_mm(
    first: NDArray[np.float32], second: NDArray[np.float32], spacing: tuple[float, float]
) -> NDArray[np.float64]:
    """(2,) displacement of the second plane against the first, by three least-squares steps."""
    total = np.zeros(2)
    for _ in range(3):
        moved = ndimage.shift(second, -total / spacing, order=1, mode="nearest") if total.any() else second
        rise = [
            np.gradient(0.5 * (first + moved), step, axis=axis)[4:-4, 4:-4].ravel() for axis, step in enumerate(spacing)
        ]
        slopes = np.stack(rise, axis=1)
        miss = (first - moved)[4:-4, 4:-4].ravel()
        weight = 1 / (1 + (miss / 60.0) ** 2)
        normal = (slopes * weight[:, None]).T @ slopes
        step = np.linalg.solve(normal + 1e-3 * np.trace(normal) * np.eye(2), (slopes * weight[:, None]).T @ miss)
        total = total + step
        if np.abs(step).max() < 0.02:
            break
    return total


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
    size = [max(1, round(GRID_MM / step)) for step in volume.spacing_mm[1:]]
    spacing = (volume.spacing_mm[1] * size[0], volume.spacing_mm[2] * size[1])
    shifts, before = [], None
    for plane in volume.hu:
        cut = _thinned(np.clip(plane.astype(np.float32), *CLIP_HU), size)
        here = ndimage.gaussian_filter(cut, [SMOOTH_MM / step for step in spacing])
        if before is not None:
            shifts.append(_shift_mm(before, here, spacing))
        before = here
    if len(shifts) < NEIGHBOURS:
        return SlabSteps(0.0, ())
    series = np.stack(shifts)
    jump = np.linalg.norm(series - ndimage.median_filter(series, (NEIGHBOURS, 1), mode="nearest"), axis=1)
    spread = 1.4826 * float(np.median(np.abs(jump - np.median(jump))))
    found = np.flatnonzero(jump > max(LEAST_STEP_MM, float(np.median(jump)) + SIGMAS * spread))
    return SlabSteps(float(jump[found].max()) if len(found) else 0.0, tuple(int(k) + 1 for k in found))
