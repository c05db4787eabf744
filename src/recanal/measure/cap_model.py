"""How long the funnel is in which a lumen ends, from the picture of its end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit, logsumexp

from recanal.imaging.edge_model import blurred_disc
from recanal.imaging.sections import RING_MM

__all__ = ["TAPER_LIMIT_MM", "EndPicture", "FunnelFit", "fit_funnel"]

TAPER_LIMIT_MM = 2.0
LENGTHS_MM = tuple(np.arange(0.0, 8.01, 0.5))
TIPS_MM = tuple(np.arange(-2.0, 5.01, 0.25))
ROUND_MM = 1.0
LEAST_ROUND_MM = 0.25
CAP_PLACE_MM = (-2.5, 1.5)
CAP_SHARE = (0.7, 0.5)
STEP_MM = 0.125
REACH_MM = 16.0
LEAST_CONTRAST_HU = 20.0
INDEPENDENT_CELLS = 30.0


@dataclass(frozen=True, eq=False)
class EndPicture:
    """The end of an open lumen, averaged around its axis.

    Parameters
    ----------
    position_mm
        (n,) along the axis, ascending, from the open side; about 0 at the cap.
    hu
        (n, r) mean of each ring; ring i lies ``i * RING_MM`` from the axis.
    seen
        (n,) sections without calcium.
    level_share
        (n,) lumen level over its mean, for it may fall along the vessel.
    wall_mm
        (n,) outer wall radius.
    radius_mm
        Radius of the open lumen.
    sigma_mm, along_sigma_mm
        Point spread across and along the axis.
    """

    position_mm: NDArray[np.float64]
    hu: NDArray[np.float64]
    seen: NDArray[np.bool_]
    level_share: NDArray[np.float64]
    wall_mm: NDArray[np.float64]
    radius_mm: float
    sigma_mm: float
    along_sigma_mm: float


@dataclass(frozen=True)
class FunnelFit:
    """A funnel fitted to a picture.

    Parameters
    ----------
    length_mm
        Over how much the lumen narrows from its full width to a point: the mean over all lengths, weighted by how well
        each fits.
    blunt_prob
        Probability that this is less than 2 mm, both kinds of cap taken for equally likely beforehand.
    """

    length_mm: float
    blunt_prob: float


def fit_funnel(picture: EndPicture) -> FunnelFit | None:
    """The length of the funnel, from a model of lumen, wall and surroundings blurred by the scanner.

    Parameters
    ----------
    picture
        The end of a lumen.

    Returns
    -------
    FunnelFit or None
        None where no model with more contrast in the lumen than beside it fits.

    Notes
    -----
    Lengths up to 1 mm are round ends, longer ones cones. For each length and place of the tip, the levels of lumen,
    vessel and surroundings follow by least squares. The probability counts the cells of the picture as 30 independent
    ones, for noise and plaque texture are correlated; the number was chosen on phantoms.
    """
    lengths, cost = _costs(picture)
    if not len(cost):
        return None
    weight = -0.5 * INDEPENDENT_CELLS * np.log(cost / cost.min())
    each = np.unique(lengths)
    log_weight = np.array([float(logsumexp(weight[lengths == length])) for length in each])
    log_weight -= float(logsumexp(log_weight))
    blunt = each < TAPER_LIMIT_MM
    if not blunt.any() or blunt.all():
        return FunnelFit(float((np.exp(log_weight) * each).sum()), float(blunt.all()))
    odds = [float(logsumexp(log_weight[kind])) - np.log(kind.sum()) for kind in (blunt, ~blunt)]
    return FunnelFit(float((np.exp(log_weight) * each).sum()), float(expit(odds[0] - odds[1])))


def _costs(picture: EndPicture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k,) lengths and mean squared residuals of every model that makes sense."""
    pairs = np.meshgrid(LENGTHS_MM, TIPS_MM, indexing="ij")
    length, tip = pairs[0].ravel(), pairs[1].ravel()
    near = (tip - CAP_SHARE[0] * length >= CAP_PLACE_MM[0]) & (tip - CAP_SHARE[1] * length <= CAP_PLACE_MM[1])
    length, tip = length[near], tip[near]
    lumen = _lumens(picture, length, tip) * picture.level_share[None, :, None]
    rings = np.arange(picture.hu.shape[1]) * RING_MM
    vessel = blurred_disc(rings, picture.wall_mm[:, None], picture.sigma_mm)
    use = np.broadcast_to(picture.seen[:, None], picture.hu.shape).ravel()
    shown = picture.hu.ravel()[use]
    basis = np.empty((len(length), len(shown), 3))
    basis[:, :, 0] = 1.0
    basis[:, :, 1] = vessel.ravel()[use]
    basis[:, :, 2] = lumen.reshape(len(length), -1)[:, use]
    square = np.einsum("kni,knj->kij", basis, basis) + 1e-6 * len(shown) * np.eye(3)
    levels = np.linalg.solve(square, np.einsum("kni,n->ki", basis, shown)[:, :, None])
    cost = ((shown - (basis @ levels)[:, :, 0]) ** 2).mean(axis=1)
    bright = levels[:, 2, 0] > LEAST_CONTRAST_HU
    return length[bright], np.maximum(cost[bright], 1e-9)


def _lumens(picture: EndPicture, length: NDArray[np.float64], tip: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, n, r) share of lumen in each cell, for each length and tip."""
    out = np.empty((len(length), *picture.hu.shape))
    for one in np.unique(length):
        end = _blurred_end(float(one), picture.radius_mm, picture.sigma_mm, picture.along_sigma_mm, picture.hu.shape[1])
        for k in np.flatnonzero(length == one):
            place = np.clip((picture.position_mm - tip[k] + REACH_MM) / STEP_MM, 0, len(end) - 1.001)
            low = place.astype(int)
            part = (place - low)[:, None]
            out[k] = end[low] * (1 - part) + end[low + 1] * part
    return out


def _blurred_end(
    length_mm: float, radius_mm: float, sigma_mm: float, along_sigma_mm: float, rings: int
) -> NDArray[np.float64]:
    """(m, r) share of lumen from 16 mm before the tip to 16 mm beyond it."""
    along = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
    depth = np.clip(-along / max(length_mm, LEAST_ROUND_MM), 0.0, 1.0)
    opening = np.sqrt(1.0 - (1.0 - depth) ** 2) if length_mm <= ROUND_MM else depth
    sizes = np.arange(0.0, 1.001, 0.02)
    table = blurred_disc(np.arange(rings) * RING_MM, sizes[:, None] * radius_mm, sigma_mm)
    place = np.minimum(opening / 0.02, len(sizes) - 1.001)
    low = place.astype(int)
    part = (place - low)[:, None]
    sharp = table[low] * (1 - part) + table[low + 1] * part
    out = ndimage.gaussian_filter1d(sharp, along_sigma_mm / STEP_MM, axis=0, mode="nearest")
    return np.asarray(out)
