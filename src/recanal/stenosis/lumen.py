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

from recanal.grids.edge_model import blurred_disc
from recanal.imaging.sections import RING_MM, Sections

__all__ = ["LumenWidth", "lumen_width", "point_spread_mm", "profile_misfits", "radial_profiles"]

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
    """(n, radii, walls) minus twice the log likelihood, the levels of wall and surroundings integrated out.

    Notes
    -----
    The covariance of a profile is white noise and three uncertain levels; its inverse and determinant follow from
    those of a 3 x 3 matrix (Woodbury MA. Inverting modified matrices. Princeton 1950).
    """
    out = np.empty((len(profile), len(RADII_MM), len(WALLS_MM)))
    count = _windows(profile, level_hu)
    inner, outer = _discs(int(count.max()), sigma_mm)
    for rings in np.unique(count):
        rows = np.flatnonzero(count == rings)
        part = inner[:, None, :rings], outer[:, :, :rings]
        out[rows] = profile_misfits(profile[rows, :rings], level_hu[rows], part, float(np.median(level_hu)))
    return out


def _discs(rings: int, sigma_mm: float) -> tuple[Floats, Floats]:
    """(radii, rings) share of the lumen, and (radii, walls, rings) of lumen and wall together, in each ring."""
    at = np.arange(rings) * RING_MM
    sizes = np.concatenate([RADII_MM[:, None], RADII_MM[:, None] + np.array(WALLS_MM)], axis=1)
    shares = blurred_disc(at, sizes[:, :, None], sigma_mm)
    return shares[:, 0], shares[:, 1:]


def profile_misfits(seen: Floats, level_hu: Floats, discs: tuple[Floats, Floats], typical_hu: float) -> Floats:
    """Minus twice the log likelihood of profiles of the same number of rings, up to a constant.

    Parameters
    ----------
    seen
        (n, r) profiles.
    level_hu
        (n,) contrast of the lumen.
    discs
        (radii, 1, r) share of the lumen, and (radii, walls, r) of lumen and wall together, in each ring.
    typical_hu
        Contrast of which the uncertainty of the level is a share.

    Returns
    -------
    (n, radii, walls).
    """
    inner, outer = discs
    tissue, beyond = outer - inner, 1.0 - outer
    inner = np.broadcast_to(inner, outer.shape)
    spreads = np.array([TISSUE_SD_HU, OUTSIDE_SD_HU, LEVEL_SD_SHARE * typical_hu])
    modes = np.stack([tissue, beyond, inner], axis=-1) * spreads / RING_SD_HU
    core = np.eye(3) + np.swapaxes(modes, -1, -2) @ modes
    white = modes @ np.linalg.inv(np.linalg.cholesky(core)).swapaxes(-1, -2)
    mean = TISSUE_HU * tissue + OUTSIDE_HU * beyond
    off = (seen[:, None, None] - level_hu[:, None, None, None] * inner - mean) / RING_SD_HU
    known = np.einsum("nkwr,kwrm->nkwm", off, white, optimize=True)
    determinant = np.linalg.slogdet(core)[1] + 2 * seen.shape[1] * np.log(RING_SD_HU)
    return np.asarray((off**2).sum(axis=-1) - (known**2).sum(axis=-1) + determinant)


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
