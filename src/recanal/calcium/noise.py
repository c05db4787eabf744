"""The noise of a non-contrast series, measured wide enough for noise that is smooth over millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recanal.calcium.chest import Chest
from recanal.calcium.stack import SliceStack

__all__ = ["WINDOW_MM", "noise_hu", "spread_hu"]

WINDOW_MM = 20.0
_STEPS_MM = (-20.0, -10.0, 0.0, 10.0, 20.0)
_SLICES = (-1, 0, 1)
_LEAST_SOFT = 0.8
_MAD_TO_SD = 1.4826


def spread_hu(part: NDArray[np.float64], *, used: NDArray[np.bool_] | None = None) -> float:
    """Standard deviation of a window of one slice about a plane, by the median absolute deviation.

    Parameters
    ----------
    part
        (rows, columns), HU.
    used
        Of the same shape: what the plane is laid through; everything when None.

    Examples
    --------
    >>> slope = np.add.outer(np.arange(8.0), 3 * np.arange(9.0))
    >>> round(spread_hu(slope), 6)
    0.0
    """
    rows, columns = np.indices(part.shape)
    design = np.stack([np.ones(part.size), rows.ravel(), columns.ravel()], axis=1)
    fit = np.ones(part.size, dtype=np.bool_) if used is None else used.ravel()
    plane, *_ = np.linalg.lstsq(design[fit], part.ravel()[fit], rcond=None)
    left = part.ravel() - design @ plane
    return float(_MAD_TO_SD * np.median(np.abs(left - np.median(left))))


def noise_hu(stack: SliceStack, chest: Chest) -> float | None:
    """Standard deviation of the noise in the heart; None where no window of soft tissue is found.

    Parameters
    ----------
    stack
        The non-contrast series.
    chest
        Where its heart and its soft tissue are.

    Notes
    -----
    The noise of a CT picture is correlated over several millimetres, so that a window of a few pixels sees only part
    of it. Here windows of 20 by 20 mm, 10 mm apart, in three slices through the middle of the heart, each at least
    80 % soft tissue, are freed of a plane; the noise is the median of their robust standard deviations.
    """
    middle = stack.affine.to_index(chest.heart_mm)[0]
    half = [max(2, round(0.5 * WINDOW_MM / step)) for step in stack.affine.spacing_mm[1:]]
    found = []
    for k in {int(np.clip(round(middle[0]) + step, 0, len(stack.hu) - 1)) for step in _SLICES}:
        for down_mm in _STEPS_MM:
            for across_mm in _STEPS_MM:
                row = round(middle[1] + down_mm / stack.affine.spacing_mm[1])
                column = round(middle[2] + across_mm / stack.affine.spacing_mm[2])
                found.append(_window_hu(stack, chest, (k, row, column), half))
    spreads = [value for value in found if value is not None]
    return float(np.median(spreads)) if spreads else None


def _window_hu(stack: SliceStack, chest: Chest, at: tuple[int, int, int], half: list[int]) -> float | None:
    """The noise in one window; None outside the slice or with too little soft tissue."""
    k, row, column = at
    edges = (row - half[0], row + half[0] + 1, column - half[1], column + half[1] + 1)
    if min(edges) < 0 or edges[1] > stack.hu.shape[1] or edges[3] > stack.hu.shape[2]:
        return None
    rows, columns = np.mgrid[edges[0] : edges[1], edges[2] : edges[3]]
    index = np.stack([np.full(rows.size, k), rows.ravel(), columns.ravel()], axis=1)
    soft = chest.at(chest.soft, stack.affine.to_mm(index)).reshape(rows.shape)
    if soft.mean() < _LEAST_SOFT:
        return None
    return spread_hu(stack.hu[k, edges[0] : edges[1], edges[2] : edges[3]].astype(np.float64), used=soft)
