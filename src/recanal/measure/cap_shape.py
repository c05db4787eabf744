"""Whether contrast ends bluntly or in a funnel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from recanal.imaging.cap_calcium import calcified
from recanal.imaging.caps import CALCIUM_MARGIN_HU, LumenLevel
from recanal.imaging.sections import RING_MM, Sections

__all__ = ["TAPER_LIMIT_MM", "OpenEnd", "Taper", "taper"]

TAPER_LIMIT_MM = 2.0
TAPER_SD_MM = 0.6
FILL_BLUR_MM = 0.25
HIDDEN_MM = 1.5
HIDDEN_BEFORE_MM = 2.0
HIDDEN_SHARE = 0.12
DARK_GAP_MM = 0.5
DARK_GAP_FILL = 0.25


@dataclass(frozen=True)
class Taper:
    """The funnel into a cap.

    Parameters
    ----------
    length_mm
        Over how much the lumen narrows from its full width to a point; 0 for a flat end.
    blunt_prob
        Probability that this is less than 2 mm.
    hidden
        Calcium stands at the cap and hides its shape.
    """

    length_mm: float
    blunt_prob: float
    hidden: bool


@dataclass(frozen=True)
class OpenEnd:
    """Where an open lumen ends.

    Parameters
    ----------
    cap_mm
        Arc length of the cap.
    away
        -1 where the open vessel lies before the cap, +1 where after.
    radius_mm
        Radius of the open lumen.
    """

    cap_mm: float
    away: int
    radius_mm: float


def taper(
    sections: Sections,
    lumen: LumenLevel,
    *,
    end: OpenEnd,
    plaque_hu: float,
    sigma_mm: float,
) -> Taper | None:
    """The length of the funnel in which the lumen ends, from how its filling falls along the axis.

    Parameters
    ----------
    end
        The cap and the open vessel next to it.
    plaque_hu, sigma_mm
        Level of the plaque next to the cap, point spread.

    Returns
    -------
    Taper or None
        None where too little vessel lies on either side.

    Notes
    -----
    The contrast summed over each section, clipped at the lumen level so that calcium counts no more than lumen,
    is that of a cone of the unknown length blurred by the point spread; length and place by least squares.
    """
    arc = (sections.line.arc_mm - end.cap_mm) * -end.away
    rows = np.flatnonzero((arc >= -8.0) & (arc <= 3.0))
    if len(rows) < 20 or arc[rows].min() > -4.0:
        return None
    position = arc[rows]
    level = float(np.median(lumen.level_hu[rows][position < -1.0]))
    fill, hard = _filling(sections.hu[rows], level=level, plaque_hu=plaque_hu, size_mm=end.radius_mm)
    if position[0] > position[-1]:
        position, fill, hard = position[::-1], fill[::-1], hard[::-1]
    margin = max(CALCIUM_MARGIN_HU, 5 * lumen.noise_hu)
    covered = calcified(sections, lumen.level_hu, margin_hu=margin)[int(np.argmin(np.abs(arc)))]
    hidden = bool(covered) or _hidden(position, fill, hard)
    length = _fit(position, fill, float(np.hypot(sigma_mm, FILL_BLUR_MM)))
    prob = float(ndtr((TAPER_LIMIT_MM - length) / TAPER_SD_MM))
    return Taper(length, prob, hidden)


def _hidden(position: NDArray[np.float64], fill: NDArray[np.float64], hard: NDArray[np.float64]) -> bool:
    """Whether calcium stands at the cap, before it or beyond it with no dark gap in between."""
    before = (position > -HIDDEN_BEFORE_MM) & (position <= 0.0)
    beyond = (position > 0.0) & (position < HIDDEN_MM)
    around = (position > -DARK_GAP_MM) & (position < HIDDEN_MM)
    gap_seen = fill[around].min(initial=1.0) < DARK_GAP_FILL
    reached = hard[before].max(initial=0.0), 0.0 if gap_seen else hard[beyond].max(initial=0.0)
    return bool(max(reached) > HIDDEN_SHARE)


def _filling(
    hu: NDArray[np.float32], *, level: float, plaque_hu: float, size_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k,) contrast inside the vessel as a share of a full lumen, and the share of the section that is calcium."""
    last = round((size_mm + 0.3) / RING_MM) + 1
    rings = np.arange(last) * RING_MM
    weight = np.maximum(rings, RING_MM / 4)
    part = hu[:, :, :last]
    contrast = np.clip((part - plaque_hu) / max(level - plaque_hu, 40.0), 0.0, 1.0)
    fill = (contrast.mean(axis=1) * weight).sum(axis=1) / weight.sum()
    hard = ((part > max(level + 80.0, 380.0)).mean(axis=1) * weight).sum(axis=1) / weight.sum()
    return np.asarray(ndimage.gaussian_filter1d(fill, 1.0, mode="nearest"), dtype=np.float64), np.asarray(hard)


def _fit(position: NDArray[np.float64], fill: NDArray[np.float64], sigma_mm: float) -> float:
    """Length of the blurred cone on a free base and of free height that best follows the filling."""
    step = 0.1
    grid = np.arange(position[0] - 3.0, position[-1] + 3.0, step)
    middle = fill - fill.mean()
    pairs = np.meshgrid(np.arange(0.0, 8.01, 0.25), np.arange(-1.0, 4.01, 0.25), indexing="ij")
    length, tip = pairs[0].ravel(), pairs[1].ravel()
    allowed = (tip - length <= 1.0) & (tip - 0.3 * length >= -1.5)
    length, tip = length[allowed], tip[allowed]
    cones = np.clip((tip[:, None] - grid) / np.maximum(length, step)[:, None], 0.0, 1.0) ** 2
    blurred = ndimage.gaussian_filter1d(cones, sigma_mm / step, axis=1, mode="nearest")
    place = (position - grid[0]) / step
    low = np.clip(place.astype(int), 0, len(grid) - 2)
    model = blurred[:, low] * (1.0 - (place - low)) + blurred[:, low + 1] * (place - low)
    model -= model.mean(axis=1, keepdims=True)
    top = np.maximum(model @ middle / np.maximum((model**2).sum(axis=1), 1e-9), 0.0)
    cost = ((middle - top[:, None] * model) ** 2).sum(axis=1)
    return float(length[np.argmin(cost)])
