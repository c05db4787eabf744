"""How long the funnel is in which a lumen ends, from the picture of its end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import expit, logit

from recanal.grids.edge_model import blurred_disc
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
INDEPENDENT_CELLS = 60.0
GRAIN_MM = 0.6
GRAIN_NUGGET = 0.25
FIRST_RING_MM = 0.15
PLAQUE_AT_MM = (-2.0, 0.0, 1.5, 3.0)
PLAQUE_SPREAD_MM = 0.9
PLAQUE_VARIES = 0.4


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
        Probability that this is less than 2 mm.
    """

    length_mm: float
    blunt_prob: float


def fit_funnel(picture: EndPicture, *, blunt_share: float = 0.5) -> FunnelFit | None:
    """The length of the funnel, from a model of lumen, wall and surroundings blurred by the scanner.

    Parameters
    ----------
    picture
        The end of a lumen.
    blunt_share
        How many of such ends are blunt, in (0, 1): what is to be expected before the picture is seen.

    Returns
    -------
    FunnelFit or None
        None where no model with more contrast in the lumen than beside it fits.

    Notes
    -----
    Lengths up to 1 mm are round ends, longer ones cones. For each length and place of the tip, the levels of lumen,
    vessel and surroundings follow by least squares. Plaque is not of one level: around four places along the axis it
    may be brighter or darker than its mean, by 0.4 of the lumen's contrast (one standard deviation). What no model
    explains, noise and the finer grain of plaque, is taken to be alike over 0.6 mm, and smaller in the wider rings,
    which are means of more (:func:`_whitening`). The probability counts the picture as 60 independent cells. These
    numbers were chosen on phantoms.
    """
    lengths, cost = _costs(picture)
    if not len(cost):
        return None
    weight = -0.5 * INDEPENDENT_CELLS * np.log(cost / cost.min())
    each = np.unique(lengths)
    log_weight = np.array([np.logaddexp.reduce(weight[lengths == length]) for length in each])
    log_weight -= np.logaddexp.reduce(log_weight)
    blunt = each < TAPER_LIMIT_MM
    if not blunt.any() or blunt.all():
        return FunnelFit(float((np.exp(log_weight) * each).sum()), float(blunt.all()))
    odds = [float(np.logaddexp.reduce(log_weight[kind]) - np.log(kind.sum())) for kind in (blunt, ~blunt)]
    length_mm = float((np.exp(log_weight) * each).sum())
    return FunnelFit(length_mm, float(expit(odds[0] - odds[1] + logit(blunt_share))))


def _costs(picture: EndPicture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k,) lengths and mean squared residuals of every model that makes sense."""
    pairs = np.meshgrid(LENGTHS_MM, TIPS_MM, indexing="ij")
    length, tip = pairs[0].ravel(), pairs[1].ravel()
    near = (tip - CAP_SHARE[0] * length >= CAP_PLACE_MM[0]) & (tip - CAP_SHARE[1] * length <= CAP_PLACE_MM[1])
    length, tip = length[near], tip[near]
    rings = np.asarray(np.arange(picture.hu.shape[1]) * RING_MM, dtype=np.float64)
    seen, position_mm = picture.seen, picture.position_mm[picture.seen]
    vessel = blurred_disc(rings, picture.wall_mm[:, None], picture.sigma_mm)[seen]
    shown = picture.hu[seen] - picture.hu[seen].mean()
    along, across = _whitening(position_mm, rings)
    shared = np.stack([(along @ part @ across.T).ravel() for part in (np.ones_like(vessel), vessel, shown)], axis=1)
    share = _lumens(picture, length, tip)[:, seen]
    patches = np.exp(-0.5 * ((position_mm - np.array(PLAQUE_AT_MM)[:, None]) / PLAQUE_SPREAD_MM) ** 2)
    plaque = vessel * (1.0 - share)
    own = [share * picture.level_share[None, seen, None], *(plaque * patch[None, :, None] for patch in patches)]
    white = np.stack([(along @ part @ across.T).reshape(len(length), -1) for part in own], axis=1)
    levels, cost = _least_squares(white[:, :1], shared)
    if not (levels[:, 2] > LEAST_CONTRAST_HU).any():
        return length[:0], cost[:0]
    spread_hu = PLAQUE_VARIES * max(float(np.median(levels[:, 2])), LEAST_CONTRAST_HU)
    held = float(cost.min()) * len(shared) / INDEPENDENT_CELLS / spread_hu**2
    levels, cost = _least_squares(white, shared, held=held)
    bright = levels[:, 2] > LEAST_CONTRAST_HU
    return length[bright], np.maximum(cost[bright], 1e-9)


def _whitening(
    position_mm: NDArray[np.float64], rings_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, n) and (r, r) factors, to the left and the right of a picture, after which its cells vary independently."""

    def covariance(place_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        apart = (place_mm[:, None] - place_mm[None, :]) / GRAIN_MM
        return np.asarray(np.exp(-0.5 * apart**2) + GRAIN_NUGGET * np.eye(len(place_mm)))

    size = 1.0 / np.sqrt(rings_mm + FIRST_RING_MM)
    both = covariance(position_mm), covariance(rings_mm) * size[:, None] * size
    along, across = (np.linalg.inv(np.linalg.cholesky(part)) for part in both)
    return along, across


def _least_squares(
    own: NDArray[np.float64], shared: NDArray[np.float64], *, held: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k, 2 + m) levels of surroundings, vessel and each model's own parts (k, m, n), and (k,) mean squared residuals.

    ``shared`` are the columns (n, 3) of surroundings, of the vessel and of what is shown. Own parts after the first,
    the lumen, are held near 0: the residuals contain ``held`` times their squares.
    """
    count, size = len(shared), 2 + own.shape[1]
    mixed = own @ shared
    square = np.empty((len(own), size, size))
    square[:, :2, :2] = shared[:, :2].T @ shared[:, :2]
    square[:, 2:, :2] = mixed[:, :, :2]
    square[:, :2, 2:] = mixed[:, :, :2].swapaxes(1, 2)
    square[:, 2:, 2:] = own @ own.swapaxes(1, 2)
    square[:, 3:, 3:] += held * np.eye(size - 3)
    right = np.empty((len(own), size))
    right[:, :2] = shared[:, :2].T @ shared[:, 2]
    right[:, 2:] = mixed[:, :, 2]
    levels = np.asarray(np.linalg.solve(square + 1e-6 * count * np.eye(size), right[:, :, None])[:, :, 0], np.float64)
    explained = 2 * (levels * right).sum(axis=1) - np.einsum("ki,kij,kj->k", levels, square, levels)
    return levels, np.asarray((float(shared[:, 2] @ shared[:, 2]) - explained) / count)


def _lumens(picture: EndPicture, length: NDArray[np.float64], tip: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, n, r) share of lumen in each cell, for each length and tip."""
    sizes = np.arange(0.0, 1.001, 0.02)
    rings = np.arange(picture.hu.shape[1]) * RING_MM
    discs = blurred_disc(rings, sizes[:, None] * picture.radius_mm, picture.sigma_mm)
    out = np.empty((len(length), *picture.hu.shape))
    for one in np.unique(length):
        end = _blurred_end(float(one), discs, picture.along_sigma_mm)
        these = length == one
        out[these] = _between(end, (picture.position_mm - tip[these, None] + REACH_MM) / STEP_MM)
    return out


def _between(table: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of a table at places between them."""
    place = np.clip(place, 0, len(table) - 1.001)
    low = place.astype(int)
    part = (place - low)[..., None]
    return np.asarray(table[low] * (1 - part) + table[low + 1] * part)


def _blurred_end(length_mm: float, discs: NDArray[np.float64], along_sigma_mm: float) -> NDArray[np.float64]:
    """(m, r) share of lumen from 16 mm before the tip to 16 mm beyond it; (k, r) discs from none to full width."""
    along = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
    depth = np.clip(-along / max(length_mm, LEAST_ROUND_MM), 0.0, 1.0)
    opening = np.sqrt(1.0 - (1.0 - depth) ** 2) if length_mm <= ROUND_MM else depth
    sharp = _between(discs, opening * (len(discs) - 1))
    return np.asarray(ndimage.gaussian_filter1d(sharp, along_sigma_mm / STEP_MM, axis=0, mode="nearest"))
