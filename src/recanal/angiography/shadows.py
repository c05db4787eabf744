"""What covers a curve from a direction."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from recanal.angiography.scene import BLOCK, GRID_MM, Scene

__all__ = ["shadow_shares"]

_STEP = 0.75  # of a grid cell
_LEAVE_MM = 1.0
_SHIFT = 3  # log2 of BLOCK


@numba.njit(cache=True, nogil=True, inline="always")
def _steps_per_cell(step):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Signed, and large where the beam runs along the cells."""
    if abs(step) > 1e-9:
        return 1.0 / step
    return 1e9 if step > 0.0 else -1e9


@numba.njit(cache=True, nogil=True, inline="always")
def _free(place, step, per_step):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Steps until a coordinate leaves its block."""
    inside = place - (int(place) & ~(BLOCK - 1))
    return (BLOCK - inside) * per_step if step > 0.0 else -inside * per_step


@numba.njit(cache=True, nogil=True, fastmath=True)
def _met(codes, blocks, start, step, skip):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Codes on a half-line; blocks that hold nothing new are crossed in one go."""
    dx, dy, dz = step
    ix = _steps_per_cell(dx)
    iy = _steps_per_cell(dy)
    iz = _steps_per_cell(dz)
    na, nb, nc = codes.shape
    met, k = 0, skip
    while met != 7:
        x, y, z = start[0] + k * dx, start[1] + k * dy, start[2] + k * dz
        if x < 0.0 or y < 0.0 or z < 0.0 or x >= na or y >= nb or z >= nc:
            break
        a, b, c = int(x), int(y), int(z)
        if blocks[a >> _SHIFT, b >> _SHIFT, c >> _SHIFT] & ~met:
            met |= codes[a, b, c]
            k += 1
        else:
            k += int(min(_free(x, dx, ix), _free(y, dy, iy), _free(z, dz, iz))) + 1
    return met


@numba.njit(cache=True, nogil=True)
def _walk(codes, blocks, starts, steps, skip, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Count, for each direction, the starts whose line meets code 1, 2, 4 or any of them."""
    for d in range(steps.shape[0]):
        there = (steps[d, 0], steps[d, 1], steps[d, 2])
        back = (-steps[d, 0], -steps[d, 1], -steps[d, 2])
        for s in range(starts.shape[0]):
            start = (starts[s, 0], starts[s, 1], starts[s, 2])
            met = _met(codes, blocks, start, there, skip) | _met(codes, blocks, start, back, skip)
            out[d, 0] += met & 1
            out[d, 1] += (met >> 1) & 1
            out[d, 2] += (met >> 2) & 1
            out[d, 3] += met != 0


def shadow_shares(scene: Scene, points_mm: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of points whose beam passes through something, on either side of the point.

    Parameters
    ----------
    scene
        What may lie in the way.
    points_mm
        (n, 3) LPS, evenly spaced along the occlusion.
    directions
        (m, 3) unit vectors along the beams.

    Returns
    -------
    shares
        (m, 4) for other vessels, bone, heart, and any of them, 0 to 1. The scene counts as empty outside of the CT.

    Notes
    -----
    The beams are parallel and cross the whole scene in steps of 0.75 mm; the nearest cell counts.
    """
    out = np.zeros((len(directions), 4))
    starts = np.ascontiguousarray(scene.affine.to_index(points_mm) + 0.5)
    steps = np.ascontiguousarray(directions * _STEP)
    _walk(scene.codes, scene.blocks, starts, steps, round(_LEAVE_MM / GRID_MM / _STEP), out)
    return np.asarray(out / len(starts))
