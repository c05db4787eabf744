"""Balls of voxels around points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_balls"]


def fill_balls(out: NDArray[Any], where: NDArray[np.float64], reach_voxels: NDArray[Any], value: float) -> None:
    """Write a value into the balls around some places of a grid.

    Parameters
    ----------
    out
        (a, b, c) the grid, changed in place.
    where
        (n, 3) places in voxels; each ball is put on the nearest voxel, and what falls off the grid is left out.
    reach_voxels
        (n,) radii, rounded up.
    value
        What is written.

    Examples
    --------
    >>> grid = np.zeros((3, 3, 3), dtype=np.int16)
    >>> fill_balls(grid, np.array([[1.0, 1.0, 1.0]]), np.array([1.0]), 7)
    >>> int(grid[1, 1, 0]), int(grid[0, 1, 0]), int((grid == 7).sum())
    (7, 0, 7)
    """
    middle, sizes = np.rint(where).astype(int), np.ceil(reach_voxels).astype(int)
    for size in np.unique(sizes):
        ball = np.argwhere(np.ones((2 * size + 1,) * 3)) - size
        ball = ball[(ball**2).sum(axis=1) <= size**2]
        index = (middle[sizes == size][:, None] + ball[None]).reshape(-1, 3)
        index = index[((index >= 0) & (index < np.array(out.shape))).all(axis=1)]
        out[tuple(index.T)] = value
