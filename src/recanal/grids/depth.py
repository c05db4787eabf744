"""How deep each voxel of a mask lies in it."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["depth_mm"]

FARTHEST_MM = np.float32(1e6)


@numba.njit(cache=True, nogil=True, fastmath={"nnan"})
def _lower(here, rows, moves, diagonal):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """A row made no deeper than the four rows that the sweep has passed allow: two at a straight step, two askew."""
    up, side, left, right = rows
    one, two, three = moves
    nc = len(here)
    for k in range(nc):
        diagonal[k + 1] = min(min(up[k], side[k]) + two, min(left[k], right[k]) + three)
    for k in range(nc):
        straight = min(min(up[k], side[k]) + one, min(left[k], right[k]) + two)
        here[k] = min(here[k], straight, diagonal[k], diagonal[k + 2])


@numba.njit(cache=True, nogil=True, fastmath={"nnan"})
def _sweep(far, moves, turn):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """One chamfer sweep, upwards (``turn`` 1) or downwards (-1): each voxel from those that the sweep has passed."""
    na, nb, nc = far.shape
    none = np.full(nc, FARTHEST_MM, dtype=np.float32)
    diagonal = np.full(nc + 2, FARTHEST_MM, dtype=np.float32)
    for step in range(na * nb):
        i, j = divmod(step if turn > 0 else na * nb - 1 - step, nb)
        here = far[i, j]
        deepest = np.float32(0.0)
        for k in range(nc):
            deepest = max(deepest, here[k])
        if deepest <= 0:
            continue
        passed = 0 <= i - turn < na
        up = far[i - turn, j] if passed else none
        left = far[i - turn, j - 1] if passed and j > 0 else none
        right = far[i - turn, j + 1] if passed and j < nb - 1 else none
        side = far[i, j - turn] if 0 <= j - turn < nb else none
        _lower(here, (up, side, left, right), moves, diagonal)
        if turn > 0:
            for k in range(1, nc):
                here[k] = min(here[k], here[k - 1] + moves[0])
        else:
            for k in range(nc - 2, -1, -1):
                here[k] = min(here[k], here[k + 1] + moves[0])


def depth_mm(inside: NDArray[np.bool_], *, step_mm: float) -> NDArray[np.float32]:
    """Distance in mm of each voxel inside a mask to the nearest voxel outside it, within about 5 %; 0 outside.

    Notes
    -----
    Chamfer distance with the optimal weights of Borgefors G. Comput Vis Graph Image Process 1986;34:344
    (3-D: 0.92644, 1.34065, 1.65849). The border of the array counts as inside.
    """
    far = np.where(np.ascontiguousarray(inside), FARTHEST_MM, np.float32(0.0))
    moves = tuple(np.array([0.92644, 1.34065, 1.65849], dtype=np.float32) * np.float32(step_mm))
    _sweep(far, moves, 1)
    _sweep(far, moves, -1)
    return far
