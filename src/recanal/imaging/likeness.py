"""How much a section of a vessel looks like its open lumen, whatever its contrast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.lumen_level import ALONG_MM, TISSUE_HU
from recanal.imaging.sections import Sections

__all__ = ["unlike_lumen"]

LEAN_ALONG_MM = 0.8
BORDER = (0.8, 1.3)
LEAST_DOME_HU = 25.0
LEAST_RATIO = 0.05
MOST_LOOK = 6.0
ELSE_SHARE = 0.1
LOOKS = tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]
OPEN_LOOKS: LOOKS = (
    (0.887, -0.096, 0.134),
    ((0.0336, 0.0275, -0.0045), (0.0275, 0.0266, 0.0033), (-0.0045, 0.0033, 0.498)),
)
CLOSED_LOOKS: LOOKS = (
    (0.079, -0.215, 1.862),
    ((0.0902, 0.0012, -0.0369), (0.0012, 0.1711, 0.1439), (-0.0369, 0.1439, 0.6817)),
)
ANY_LOOKS: LOOKS = ((0.0, 0.0, 0.0), ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))


def unlike_lumen(sections: Sections, disc_hu: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of how many times likelier each section is plaque than lumen, by its looks alone.

    Parameters
    ----------
    disc_hu
        (n,) mean over a disc well inside the lumen, lightly smoothed along the vessel.
    rows
        Sections known to be open.

    Returns
    -------
    numpy.ndarray
        (n,) nats. Zeros where the open sections hardly stand out against what is around them.

    Notes
    -----
    Contrast does not tell weakly filled lumen from fibrous plaque; looks do. Three are compared with what the open
    sections show: the *dome*, how far the disc stands above the border of the lumen (blood fades there, plaque goes on
    to the outer wall); the *spread* of the values inside that border (in lumen that of the dome and of noise, in plaque
    that of its patches); the *lean*, how much brighter one side of the border is than the other (lumen lies in the
    middle of its axis, plaque is eccentric). Each class is normally distributed in dome, log spread and log lean; a
    tenth of either may look like anything. Means and covariances are those of weakly filled vessels in 186 phantoms,
    1 to 12 mm from the distal cap; the lumen of well filled ones differs by less than a third of a standard deviation.
    """
    step = sections.step_mm
    profile = sections.hu[rows].mean(axis=(0, 1))
    edge = int((profile < (profile[0] + TISSUE_HU) / 2).argmax())
    ring = sections.hu[:, :, max(edge - 1, 0) : edge + 2].mean(axis=(1, 2))
    dome = disc_hu - ndimage.gaussian_filter1d(ring, ALONG_MM / step, mode="nearest")
    if edge == 0 or float(np.median(dome[rows])) < LEAST_DOME_HU:
        return np.zeros(len(disc_hu))
    low, high = (round(share * edge) for share in BORDER)
    looks = [dome / float(np.median(dome[rows]))]
    for look in (_spread_hu(sections, edge), _lean_hu(sections, slice(low, high + 1))):
        along = ndimage.gaussian_filter1d(look, ALONG_MM / step, mode="nearest")
        looks.append(np.log(np.maximum(along / max(float(np.median(along[rows])), 1e-3), LEAST_RATIO)))
    seen = np.clip(np.stack(looks, axis=1), -MOST_LOOK, MOST_LOOK)
    anything = ELSE_SHARE * _density(seen, ANY_LOOKS)
    closed, lumen = ((1 - ELSE_SHARE) * _density(seen, known) + anything for known in (CLOSED_LOOKS, OPEN_LOOKS))
    return np.asarray(np.log(closed / lumen))


def _spread_hu(sections: Sections, edge: int) -> NDArray[np.float64]:
    """(n,) standard deviation over the area inside ring ``edge``."""
    disc = sections.hu[:, :, : edge + 1].astype(np.float64)
    area = np.arange(edge + 1) + 0.25
    area /= area.sum() * disc.shape[1]
    mean = (disc * area).sum(axis=(1, 2))
    return np.asarray(np.sqrt((((disc - mean[:, None, None]) ** 2) * area).sum(axis=(1, 2))))


def _lean_hu(sections: Sections, rings: slice) -> NDArray[np.float64]:
    """(n,) amplitude of the first harmonic around the border."""
    border = sections.hu[:, :, rings].mean(axis=2).astype(np.float64)
    border = ndimage.gaussian_filter1d(border, LEAN_ALONG_MM / sections.step_mm, axis=0, mode="nearest")
    return np.asarray(np.abs(np.fft.rfft(border, axis=1))[:, 1])


def _density(seen: NDArray[np.float64], known: LOOKS) -> NDArray[np.float64]:
    mean, covariance = np.asarray(known[0]), np.asarray(known[1])
    off = seen - mean
    square = np.einsum("ij,jk,ik->i", off, np.linalg.inv(covariance), off)
    return np.asarray(np.exp(-0.5 * square) / np.sqrt(np.linalg.det(2 * np.pi * covariance)))
