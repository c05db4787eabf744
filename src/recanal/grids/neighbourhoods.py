"""The voxels around places of a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["every", "neighbourhoods"]


def every(*places: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, k) all combinations of indices along k axes, the last one running fastest.

    Examples
    --------
    >>> every(np.array([1, 2]), np.array([5, 6])).tolist()
    [[1, 5], [1, 6], [2, 5], [2, 6]]
    """
    return np.stack(np.meshgrid(*places, indexing="ij"), axis=-1).reshape(-1, len(places))


def neighbourhoods(grid: NDArray[Any], centres: NDArray[np.int64], *, reach: int) -> NDArray[np.float64]:
    """Values of the cubes of voxels around some places.

    Parameters
    ----------
    grid
        (a, b, c) values.
    centres
        (n, 3) indices, at least ``reach`` from every face.
    reach
        How many voxels the cubes go on to each side.

    Returns
    -------
    (n, (2 reach + 1)^3) array.

    Examples
    --------
    >>> neighbourhoods(np.arange(27).reshape(3, 3, 3), np.array([[1, 1, 1]]), reach=1).mean()
    np.float64(13.0)
    """
    index = centres[:, None, :] + every(*[np.arange(-reach, reach + 1)] * 3)
    return np.asarray(grid[tuple(np.moveaxis(index, -1, 0))], dtype=np.float64)
