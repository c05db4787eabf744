"""How wide the lumen of each cross-section is, and how sure that is.

The mean radial profile of a section is compared with that of a blurred round lumen in a wall. The contrast of the
lumen is known from its surroundings along the vessel; the levels of the wall (or plaque) and of what lies outside are
not, and are integrated out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.edge_model import blurred_disc
from recanal.imaging.sections import RING_MM, Sections

__all__ = ["LumenWidth", "lumen_width", "point_spread_mm", "radial_profiles"]

TISSUE_HU, TISSUE_SD_HU = 70.0, 35.0
OUTSIDE_HU, OUTSIDE_SD_HU = -30.0, 90.0
LEVEL_SD_SHARE = 0.04
RING_SD_HU = 14.0
ALONG_MM = 0.5
INNER_RAYS = (0.2, 0.75)
PLAIN_MM = (0.6, 1.0)
BEYOND_MM = 0.9
RADII_MM = np.arange(0.1, 2.91, 0.08)
WALLS_MM = (0.35, 0.6, 1.0, 1.6)
SPREADS_MM = np.arange(0.28, 0.73, 0.05)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LumenWidth:
    """Lumen radius of each section.

    Parameters
    ----------
    radius_mm
        (n,) mean of the posterior.
    sd_mm
        (n,) its standard deviation.
    """

    radius_mm: Floats
    sd_mm: Floats


def radial_profiles(sections: Sections, level_hu: Floats) -> Floats:
    """(n, r) profile of each section: mean over the middle rays of each ring, nothing brighter than the lumen.

    Parameters
    ----------
    sections
        Polar sections.
    level_hu
        (n,) contrast of the lumen. What is brighter is calcium and is cut down to it.
    """
    hu = np.minimum(sections.hu, (level_hu[:, None, None] + 3 * RING_SD_HU).astype(np.float32))
    hu = ndimage.gaussian_filter1d(hu, ALONG_MM / sections.step_mm, axis=0, mode="nearest", truncate=3.0)
    ordered = np.sort(hu, axis=1)
    first, last = (round(share * hu.shape[1]) for share in INNER_RAYS)
    trimmed, plain = ordered[:, first:last].mean(axis=1), ordered.mean(axis=1)
    near = np.clip((PLAIN_MM[1] - sections.radii_mm) / (PLAIN_MM[1] - PLAIN_MM[0]), 0.0, 1.0)
    return np.asarray(trimmed + near * (plain - trimmed), dtype=np.float64)


def _windows(profile: Floats, level_hu: Floats) -> NDArray[np.int64]:
    """(n,) number of rings to look at: to 0.9 mm beyond the half-way level, in steps of 0.4 mm."""
    below = profile < 0.5 * (level_hu + TISSUE_HU)[:, None]
    first = np.where(below.any(axis=1), below.argmax(axis=1), profile.shape[1] - 1)
    count = np.ceil((first * RING_MM + BEYOND_MM) / 0.4) * round(0.4 / RING_MM) + 1
    return np.asarray(np.minimum(count.astype(np.int64), profile.shape[1]), dtype=np.int64)


def _costs(profile: Floats, level_hu: Floats, sigma_mm: float) -> Floats:
    """(n, radii, walls) minus twice the log likelihood, the levels of wall and surroundings integrated out."""
    out = np.empty((len(profile), len(RADII_MM), len(WALLS_MM)))
    count = _windows(profile, level_hu)
    typical = float(np.median(level_hu))
    for rings in np.unique(count):
        rows = np.flatnonzero(count == rings)
        at = np.arange(rings) * RING_MM
        seen = profile[rows, :rings]
        inner = blurred_disc(at[None, :], RADII_MM[:, None], sigma_mm)
        for w, wall in enumerate(WALLS_MM):
            outer = blurred_disc(at[None, :], RADII_MM[:, None] + wall, sigma_mm)
            for k in range(len(RADII_MM)):
                tissue, beyond = outer[k] - inner[k], 1.0 - outer[k]
                spread = RING_SD_HU**2 * np.eye(int(rings))
                spread += TISSUE_SD_HU**2 * np.outer(tissue, tissue) + OUTSIDE_SD_HU**2 * np.outer(beyond, beyond)
                spread += (LEVEL_SD_SHARE * typical) ** 2 * np.outer(inner[k], inner[k])
                factor = np.linalg.cholesky(spread)
                mean = TISSUE_HU * tissue + OUTSIDE_HU * beyond
                off = seen - level_hu[rows, None] * inner[k] - mean
                white = np.linalg.solve(factor, off.T)
                out[rows, k, w] = (white**2).sum(axis=0) + 2 * np.log(np.diag(factor)).sum()
    return out


def point_spread_mm(profile: Floats, level_hu: Floats) -> float:
    """The width of the blur that explains the profiles best.

    Parameters
    ----------
    profile
        (n, r) of open vessel.
    level_hu
        (n,) contrast of the lumen.
    """
    total = [_costs(profile, level_hu, float(sigma)).min(axis=(1, 2)) for sigma in SPREADS_MM]
    return float(SPREADS_MM[int(np.argmin(np.median(total, axis=1)))])


def lumen_width(profile: Floats, level_hu: Floats, sigma_mm: float) -> LumenWidth:
    """The lumen radius of each section.

    Parameters
    ----------
    profile
        (n, r) radial profiles on rings ``RING_MM`` apart.
    level_hu
        (n,) what the inside of a wide lumen would show there.
    sigma_mm
        Width of the blur.
    """
    cost = _costs(profile, level_hu, sigma_mm)
    weight = np.exp(-0.5 * (cost - cost.min(axis=(1, 2), keepdims=True))).sum(axis=2)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = weight @ RADII_MM
    sd = np.sqrt(np.maximum(weight @ RADII_MM**2 - mean**2, 0.0))
    return LumenWidth(np.asarray(mean), np.asarray(sd))
