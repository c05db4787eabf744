"""Whether contrast ends bluntly or in a funnel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.cap_calcium import CALCIUM_MARGIN_HU, calcified
from recanal.imaging.edges import steady
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.sections import RING_MM, Sections
from recanal.measure.cap_model import EndPicture, fit_funnel

__all__ = ["OpenEnd", "Taper", "taper"]

FIT_MM = 8.0
ALONG_BLUR_MM = 0.25
CALCIUM_ABOVE_HU = 100.0
LEAST_CALCIUM_HU = 350.0
CALCIUM_SHARE = 0.1
CALCIUM_GROWN_MM = 0.5
TRIMMED_SHARE = 0.2
BEFORE_MM = 1.0
BRANCH_TURN = 0.125
SPOT_HU = 90.0
SPOT_NOISES = 10.0
SPOT_SHARE = 0.07
SPOT_RADIUS_MM = (0.2, 0.9)
SPOT_BLUR_MM = 0.3
SPOT_REACH_MM = 1.8
LEAST_SECTIONS = 12
BLUNT_SHARE, DISTAL_BLUNT_SHARE = 0.5, 0.21


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
    branch_angle_rad
        Where around the axis a branch leaves, if one does.
    """

    cap_mm: float
    away: int
    radius_mm: float
    branch_angle_rad: float | None = None


def taper(
    sections: Sections,
    lumen: LumenLevel,
    *,
    end: OpenEnd,
    sigma_mm: float,
    wall_mm: NDArray[np.float64],
) -> Taper | None:
    """The length of the funnel in which the lumen ends, and whether calcium hides it.

    Parameters
    ----------
    end
        The cap and the open vessel next to it.
    sigma_mm
        Point spread.
    wall_mm
        (n,) outer wall radius of each section.

    Returns
    -------
    Taper or None
        None where too little vessel lies on either side.

    Notes
    -----
    The picture of 8 mm of open vessel and 3 mm beyond the cap, averaged around the axis, is compared with what the
    scanner would show of ends of every length (:func:`recanal.measure.cap_model.fit_funnel`). Sections with calcium
    are left out, and so is an eighth of a turn on either side of a branch; of what remains each ring leaves out the
    darkest and the brightest fifth of its cells.
    Calcium hides the shape where it stands at the cap or up to 1 mm before it; beyond, the end of the lumen is seen.
    Beforehand half of the proximal caps are taken for blunt and a fifth of the distal ones: of 95 occlusions under the
    microscope about 50 % closed abruptly on the proximal side, and 79 % tapered on the distal one (Sakakura K, et al.
    Eur Heart J 2014, doi:10.1093/eurheartj/eht422).
    """
    arc = (sections.line.arc_mm - end.cap_mm) * -end.away
    rows = np.flatnonzero((arc >= -FIT_MM) & (arc <= 3.0))
    if len(rows) < 20 or arc[rows].min() > -4.0:
        return None
    rows = rows[np.argsort(arc[rows])]
    position = arc[rows]
    margin = max(CALCIUM_MARGIN_HU, 5 * lumen.noise_hu)
    hard = calcified(sections, lumen.level_hu, margin_hu=margin)
    hidden = bool(hard[int(np.argmin(np.abs(arc)))] or hard[(arc > -BEFORE_MM) & (arc <= 0.0)].any())
    hidden = hidden or _spot_above_hu(sections, rows, position) > min(SPOT_HU, SPOT_NOISES * lumen.noise_hu)
    picture = _picture(sections, lumen.level_hu, end, rows=rows, outer=(sigma_mm, wall_mm))
    fit = fit_funnel(picture, blunt_share=BLUNT_SHARE if end.away < 0 else DISTAL_BLUNT_SHARE)
    return None if fit is None else Taper(fit.length_mm, fit.blunt_prob, hidden)


def _spot_above_hu(sections: Sections, rows: NDArray[np.int64], position: NDArray[np.float64]) -> float:
    """How far the brightest 7 % near the axis rise at the cap, or up to 1.8 mm before it, over what they are before.

    Calcium too small, or too little brighter than the lumen, to fill a tenth of a section still stands out so.
    """
    first, last = (round(radius / RING_MM) for radius in SPOT_RADIUS_MM)
    smooth = steady(sections.hu[rows], along_mm=SPOT_BLUR_MM, step_mm=sections.step_mm, rays=1.0)[:, :, first:last]
    top = np.quantile(smooth.reshape(len(rows), -1), 1.0 - SPOT_SHARE, axis=1)
    usual, here = position < -2.5, (position > -SPOT_REACH_MM) & (position <= 0.1)
    return float(top[here].max() - np.median(top[usual])) if usual.any() and here.any() else 0.0


def _clear_of(branch_angle_rad: float | None, rays: int) -> NDArray[np.int64]:
    """The rays that do not run into a branch."""
    if branch_angle_rad is None:
        return np.arange(rays)
    turn = np.arange(rays) / rays - branch_angle_rad / (2 * np.pi)
    return np.flatnonzero(np.abs(np.mod(turn + 0.5, 1.0) - 0.5) > BRANCH_TURN)


def _picture(
    sections: Sections,
    level_hu: NDArray[np.float64],
    end: OpenEnd,
    *,
    rows: NDArray[np.int64],
    outer: tuple[float, NDArray[np.float64]],
) -> EndPicture:
    """The sections in ``rows``, averaged around the axis; ``outer`` is the point spread and the wall radius."""
    sigma_mm, wall_mm = outer
    position = (sections.line.arc_mm[rows] - end.cap_mm) * -end.away
    clear = _clear_of(end.branch_angle_rad, sections.hu.shape[1])
    hu = sections.hu[rows][:, clear, : round(end.radius_mm / RING_MM) + 1].astype(np.float64)
    level = float(np.median(level_hu[rows][position < -1.0]))
    hard = (hu > max(level + CALCIUM_ABOVE_HU, LEAST_CALCIUM_HU)).mean(axis=1) > CALCIUM_SHARE
    hard = ndimage.binary_dilation(hard.any(axis=1), iterations=round(CALCIUM_GROWN_MM / sections.step_mm))
    left_out = int(TRIMMED_SHARE * hu.shape[1])
    mean = np.sort(hu, axis=1)[:, left_out : hu.shape[1] - left_out].mean(axis=1)
    return EndPicture(
        position_mm=position,
        hu=mean,
        seen=~hard if (~hard).sum() >= LEAST_SECTIONS else np.ones(len(rows), dtype=bool),
        level_share=level_hu[rows] / level,
        wall_mm=wall_mm[rows],
        radius_mm=end.radius_mm,
        sigma_mm=sigma_mm,
        along_sigma_mm=float(np.hypot(sigma_mm, ALONG_BLUR_MM)),
    )
