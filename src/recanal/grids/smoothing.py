"""Gaussian smoothing of whole grids, in one pass and on two threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["gaussian_weights", "smooth_plane", "smoothed"]

THREADS = 2


def gaussian_weights(sigma_vox: float, *, most_sigmas: float = 4.0) -> NDArray[np.float64]:
    """(r + 1,) weights of a Gaussian of ``sigma_vox`` voxels: that of the centre, then of each voxel beside it.

    Examples
    --------
    >>> gaussian_weights(0.5, most_sigmas=2.0).round(3)
    array([0.787, 0.107])
    """
    reach = int(most_sigmas * sigma_vox + 0.5)
    weight = np.exp(-0.5 / max(sigma_vox, 1e-12) ** 2 * np.arange(-reach, reach + 1) ** 2)
    return np.asarray((weight / weight.sum())[reach:])


@numba.njit(cache=True, nogil=True)
def _add_row(total, one, other, weight):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for k in range(len(total)):
        total[k] += (np.float64(one[k]) + np.float64(other[k])) * weight


@numba.njit(cache=True, nogil=True)
def _set_row(total, row, weight):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for k in range(len(total)):
        total[k] = np.float64(row[k]) * weight


@numba.njit(cache=True, nogil=True)
def smooth_plane(picture, i, weights, room, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Plane ``i`` of a smoothed (a, b, c) float32 grid into ``out`` (b, c); ``room`` is a plane of the same shape.

    Sums are kept in double precision and rounded after each axis, as ``scipy.ndimage.gaussian_filter`` does, and the
    border is carried on outwards.
    """
    first, second, third = weights
    na, nb, nc = picture.shape
    total = np.empty(nc, dtype=np.float64)
    reach = len(third) - 1
    padded = np.empty(nc + 2 * reach, dtype=np.float64)
    for j in range(nb):
        _set_row(total, picture[i, j], first[0])
        for t in range(len(first) - 1, 0, -1):
            _add_row(total, picture[max(i - t, 0), j], picture[min(i + t, na - 1), j], first[t])
        for k in range(nc):
            room[j, k] = total[k]
    for j in range(nb):
        _set_row(total, room[j], second[0])
        for t in range(len(second) - 1, 0, -1):
            _add_row(total, room[max(j - t, 0)], room[min(j + t, nb - 1)], second[t])
        for k in range(nc):
            padded[reach + k] = np.float32(total[k])
        padded[:reach] = padded[reach]
        padded[reach + nc :] = padded[reach + nc - 1]
        _set_row(total, padded[reach : reach + nc], third[0])
        for t in range(reach, 0, -1):
            _add_row(total, padded[reach - t : reach - t + nc], padded[reach + t : reach + t + nc], third[t])
        for k in range(nc):
            out[j, k] = total[k]


@numba.njit(cache=True, nogil=True)
def _smooth_planes(picture, rows, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    room = np.empty(picture.shape[1:], dtype=np.float32)
    for i in rows:
        smooth_plane(picture, i, weights, room, out[i])


def smoothed(
    picture: NDArray[np.float32], sigma_vox: tuple[float, float, float], *, most_sigmas: float = 4.0
) -> NDArray[np.float32]:
    """A grid smoothed by a Gaussian, its border carried on outwards.

    Parameters
    ----------
    picture
        (a, b, c).
    sigma_vox
        Width along each axis, in voxels; 0 leaves an axis as it is.
    most_sigmas
        Where the Gaussian ends, in sigmas.

    Notes
    -----
    The numbers are those of ``scipy.ndimage.gaussian_filter`` with ``mode="nearest"``.
    """
    weights = tuple(gaussian_weights(s, most_sigmas=most_sigmas) for s in sigma_vox)
    out = np.empty(picture.shape, dtype=np.float32)
    with ThreadPoolExecutor(THREADS) as pool:
        parts = np.array_split(np.arange(len(out)), THREADS)
        list(pool.map(lambda rows: _smooth_planes(picture, rows, weights, out), parts))
    return out
