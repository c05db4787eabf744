"""What a picture would show without the glow of what is brightest in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["without_glow"]

ROUNDS = 40
REACH_SIGMAS = 4.0


def without_glow(
    hu: NDArray[np.float32],
    bright: NDArray[np.bool_],
    *,
    sigma: NDArray[np.float64],
    ground_hu: float,
) -> NDArray[np.float32]:
    """The picture less what blur carries out of bright voxels.

    Parameters
    ----------
    hu
        (a, b, c) picture.
    bright
        (a, b, c) voxels that the bright matter lies in.
    sigma
        (3,) point spread, Gaussian, in voxels along each axis.
    ground_hu
        What these voxels would show without it.

    Returns
    -------
    ndarray
        (a, b, c); in the bright voxels themselves it tells nothing.

    Notes
    -----
    Matter of no negative density within the bright voxels, blurred, is fitted to them by least squares (40 rounds of
    the fast projected gradient of Beck A, Teboulle M. SIAM J Imaging Sci 2009, doi:10.1137/080716542), and what it
    shows is taken off everywhere.
    """
    if not bright.any():
        return hu
    margin = np.ceil(REACH_SIGMAS * sigma).astype(int)
    places = np.nonzero(bright)
    low = [max(int(p.min()) - m, 0) for p, m in zip(places, margin, strict=True)]
    high = [int(p.max()) + m + 1 for p, m in zip(places, margin, strict=True)]
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inside = bright[box]
    wanted = np.where(inside, hu[box] - np.float32(ground_hu), np.float32(0.0)).astype(np.float32)

    def blurred(matter: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(ndimage.gaussian_filter(matter, sigma, mode="constant", truncate=3.5), dtype=np.float32)

    matter = ahead = np.zeros_like(wanted)
    pace = 1.0
    for _ in range(ROUNDS):
        miss = np.where(inside, blurred(ahead) - wanted, np.float32(0.0))
        step = np.where(inside, np.maximum(ahead - blurred(miss), 0.0), np.float32(0.0))
        faster = (1.0 + np.sqrt(1.0 + 4.0 * pace * pace)) / 2.0
        ahead, matter, pace = step + np.float32((pace - 1.0) / faster) * (step - matter), step, faster
    out = hu.copy()
    out[box] -= blurred(matter)
    return out
