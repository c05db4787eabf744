"""How much like a vessel does the surrounding of each voxel look?"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.sample import Block

__all__ = ["soft_step", "tubularity"]


def soft_step(hu: NDArray[np.float32], low_hu: float, high_hu: float) -> NDArray[np.float32]:
    """0 up to ``low_hu``, 1 from ``high_hu`` on, straight in between."""
    ramp = (hu - np.float32(low_hu)) * np.float32(1.0 / (high_hu - low_hu))
    return np.clip(ramp, 0.0, 1.0, out=ramp)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _ridge(smooth, gate, scale, out, valley):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Mean of the two most negative curvatures times their balance, where the gate is open."""
    na, nb, nc = smooth.shape
    for i in range(1, na - 1):
        for j in range(1, nb - 1):
            for k in range(1, nc - 1):
                if gate[i, j, k] < 0.35:
                    continue
                centre = 2.0 * smooth[i, j, k]
                xx = smooth[i + 1, j, k] + smooth[i - 1, j, k] - centre
                yy = smooth[i, j + 1, k] + smooth[i, j - 1, k] - centre
                zz = smooth[i, j, k + 1] + smooth[i, j, k - 1] - centre
                xy = 0.25 * (smooth[i + 1, j + 1, k] + smooth[i - 1, j - 1, k])
                xy -= 0.25 * (smooth[i + 1, j - 1, k] + smooth[i - 1, j + 1, k])
                xz = 0.25 * (smooth[i + 1, j, k + 1] + smooth[i - 1, j, k - 1])
                xz -= 0.25 * (smooth[i + 1, j, k - 1] + smooth[i - 1, j, k + 1])
                yz = 0.25 * (smooth[i, j + 1, k + 1] + smooth[i, j - 1, k - 1])
                yz -= 0.25 * (smooth[i, j + 1, k - 1] + smooth[i, j - 1, k + 1])
                mean = (xx + yy + zz) / 3.0
                p = (xx - mean) ** 2 + (yy - mean) ** 2 + (zz - mean) ** 2 + 2.0 * (xy**2 + xz**2 + yz**2)
                p = np.sqrt(p / 6.0)
                if p < 1e-9:
                    continue
                a, b, c = (xx - mean) / p, (yy - mean) / p, (zz - mean) / p
                d, e, f = xy / p, xz / p, yz / p
                half = 0.5 * (a * (b * c - f * f) - d * (d * c - f * e) + e * (d * f - b * e))
                angle = np.arccos(min(1.0, max(-1.0, half))) / 3.0
                top = mean + 2.0 * p * np.cos(angle)
                bottom = mean + 2.0 * p * np.cos(angle + 2.0943951023931953)
                middle = 3.0 * mean - top - bottom
                valley[i, j, k] = scale * max(0.0, top)
                if middle >= 0.0:
                    continue
                value = scale * (-middle) * np.exp(-(top * top) / (middle * middle))
                value *= np.sqrt(middle / bottom)
                if value > out[i, j, k]:
                    out[i, j, k] = value


def tubularity(
    membership: NDArray[np.float32], block: Block, *, radii_mm: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Ridge and valley strength of a membership map.

    Parameters
    ----------
    membership
        (a, b, c) values in [0, 1] on the isotropic grid of ``block``.
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
    step = block.affine.spacing_mm[0]
    ridge = np.zeros(membership.shape, dtype=np.float32)
    valley = np.zeros_like(ridge)
    for rank, radius in enumerate(radii_mm):
        sigma = radius / np.sqrt(2) / step
        smooth = ndimage.gaussian_filter(membership, sigma, truncate=3.0, mode="nearest")
        unused = valley if rank == 0 else np.zeros_like(ridge)
        _ridge(smooth, membership, np.float32(sigma**2 * np.e / 2), ridge, unused)
    return ridge, valley
