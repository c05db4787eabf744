"""How much like a vessel does the surrounding of each voxel look?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from recanal.grids.smoothing import THREADS, gaussian_weights, smooth_plane

__all__ = ["soft_step", "tubularity"]

GATE = 0.35


def soft_step(hu: NDArray[np.float32], low_hu: float, high_hu: float) -> NDArray[np.float32]:
    """0 up to ``low_hu``, 1 from ``high_hu`` on, straight in between."""
    ramp = (hu - np.float32(low_hu)) * np.float32(1.0 / (high_hu - low_hu))
    return np.clip(ramp, 0.0, 1.0, out=ramp)


def _third_of_angle() -> tuple[float, ...]:
    """Coefficients, highest first, of cos(a / 3) as a polynomial of cos(a / 2), for a from 0 to 180 degrees."""
    fitted = np.polynomial.Chebyshev.interpolate(lambda u: np.cos(2.0 / 3.0 * np.arccos(u)), 13, domain=[0.0, 1.0])
    return tuple(float(c) for c in fitted.convert(kind=np.polynomial.Polynomial).coef[::-1])


THIRD = _third_of_angle()


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _cos_third(half):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """The cosine of a third of the angle whose half has this cosine, to ten digits."""
    total = THIRD[0]
    for n in range(1, len(THIRD)):
        total = total * half + THIRD[n]
    return total


@numba.njit(cache=True, nogil=True, fastmath=True)
def _ridge(planes, gate, scale, out, valley):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Mean of the two most negative curvatures times their balance, where the gate is open, in one plane.

    The curvatures are the roots of a cubic, by Viete's cosines. ``valley`` is empty where it is not asked for.
    """
    below, smooth, above = planes
    nb, nc = smooth.shape
    for j in range(1, nb - 1):
        for k in range(1, nc - 1):
            if gate[j, k] < GATE:
                continue
            centre = 2.0 * smooth[j, k]
            xx = above[j, k] + below[j, k] - centre
            yy = smooth[j + 1, k] + smooth[j - 1, k] - centre
            zz = smooth[j, k + 1] + smooth[j, k - 1] - centre
            mean = (xx + yy + zz) / 3.0
            xy = 0.25 * (above[j + 1, k] + below[j - 1, k] - above[j - 1, k] - below[j + 1, k])
            xz = 0.25 * (above[j, k + 1] + below[j, k - 1] - above[j, k - 1] - below[j, k + 1])
            yz = 0.25 * (smooth[j + 1, k + 1] + smooth[j - 1, k - 1] - smooth[j + 1, k - 1] - smooth[j - 1, k + 1])
            a, b, c = xx - mean, yy - mean, zz - mean
            square = (a * a + b * b + c * c + 2.0 * (xy * xy + xz * xz + yz * yz)) / 6.0
            if square < 1e-18:
                continue
            p = np.sqrt(square)
            half = a * (b * c - yz * yz) - xy * (xy * c - yz * xz) + xz * (xy * yz - b * xz)
            half = min(1.0, max(-1.0, 0.5 * half / (square * p)))
            top = mean + 2.0 * p * _cos_third(np.sqrt(0.5 + 0.5 * half))
            if len(valley) > 0:
                valley[j, k] = scale * max(0.0, top)
            bottom = mean - 2.0 * p * _cos_third(np.sqrt(0.5 - 0.5 * half))
            middle = 3.0 * mean - top - bottom
            if middle >= 0.0 or -scale * middle <= out[j, k]:
                continue
            value = scale * (-middle) * np.exp(-(top * top) / (middle * middle)) * np.sqrt(middle / bottom)
            if value > out[j, k]:
                out[j, k] = value


@numba.njit(cache=True, nogil=True)
def _tubes(membership, rows, weights, found):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Ridges of some planes at one scale; three smooth planes are kept at a time."""
    kernel, scale = weights
    out, valley, first = found
    na, nb, nc = membership.shape
    kept = np.empty((3, nb, nc), dtype=np.float32)
    room, unused = np.empty((nb, nc), dtype=np.float32), np.empty((0, nc), dtype=np.float32)
    low, high = max(rows[0], 1), min(rows[-1], na - 2)
    if low > high:
        return
    for i in range(low - 1, high + 2):
        smooth_plane(membership, i, (kernel, kernel, kernel), room, kept[i % 3])
        if i > low:
            planes = kept[(i - 2) % 3], kept[(i - 1) % 3], kept[i % 3]
            _ridge(planes, membership[i - 1], scale, out[i - 1], valley[i - 1] if first else unused)


def tubularity(
    membership: NDArray[np.float32], step_mm: float, *, radii_mm: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ridge and valley strength of a membership map.

    Parameters
    ----------
    membership
        (a, b, c) values in [0, 1] on an isotropic grid.
    step_mm
        Of that grid.
    radii_mm
        Tube radii to look for, the smallest first.

    Returns
    -------
    ridge
        (a, b, c) near 1 on the axis of an ideal tube of one of the radii.
    valley
        (a, b, c) positive where the map, at the smallest scale, is lower than on both sides: between two vessels.

    Notes
    -----
    Curvatures of the Gaussian-smoothed map: the second most negative one, balanced against the other two,
    as in Sato Y, et al. Med Image Anal 1998;2:143. doi:10.1016/S1361-8415(98)80009-1. Scale and strength are
    set so that a tube of radius r gives its peak response at sigma = r / sqrt(2): 2 / e of the contrast.
    """
    found = np.zeros((2, *membership.shape), dtype=np.float32)
    parts = np.array_split(np.arange(len(membership)), THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        for rank, radius in enumerate(radii_mm):
            sigma = radius / np.sqrt(2) / step_mm
            weights = gaussian_weights(sigma, most_sigmas=3.0), np.float32(sigma**2 * np.e / 2)
            done = (found[0], found[1], rank == 0)
            list(pool.map(lambda rows, w=weights, out=done: _tubes(membership, rows, w, out), parts))
    return found[0], found[1]
