"""Whether contrast ends bluntly or in a funnel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.cap_calcium import calcified
from recanal.imaging.caps import CALCIUM_MARGIN_HU, LumenLevel
from recanal.imaging.sections import RING_MM, Sections
from recanal.measure.cap_model import EndPicture, fit_funnel

__all__ = ["OpenEnd", "Taper", "taper"]

FIT_MM = 6.0
ALONG_BLUR_MM = 0.25
CALCIUM_ABOVE_HU = 100.0
LEAST_CALCIUM_HU = 350.0
CALCIUM_SHARE = 0.1
CALCIUM_GROWN_MM = 0.5
TRIMMED_SHARE = 0.2
LEAST_SECTIONS = 12
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
    wall_mm: NDArray[np.float64],
) -> Taper | None:
    """The length of the funnel in which the lumen ends, and whether calcium hides it.

    Parameters
    ----------
    end
        The cap and the open vessel next to it.
    plaque_hu, sigma_mm
        Level of the plaque next to the cap, point spread.
    wall_mm
        (n,) outer wall radius of each section.

    Returns
    -------
    Taper or None
        None where too little vessel lies on either side.

    Notes
    -----
    The picture of 6 mm of open vessel and 3 mm beyond the cap, averaged around the axis, is compared with what the
    scanner would show of ends of every length (:func:`recanal.measure.cap_model.fit_funnel`). Sections with calcium
    are left out, and each ring leaves out the darkest and the brightest fifth of its cells.
    """
    arc = (sections.line.arc_mm - end.cap_mm) * -end.away
    rows = np.flatnonzero((arc >= -8.0) & (arc <= 3.0))
    if len(rows) < 20 or arc[rows].min() > -4.0:
        return None
    rows = rows[np.argsort(arc[rows])]
    position = arc[rows]
    level = float(np.median(lumen.level_hu[rows][position < -1.0]))
    fill, hard = _filling(sections.hu[rows], level=level, plaque_hu=plaque_hu, size_mm=end.radius_mm)
    margin = max(CALCIUM_MARGIN_HU, 5 * lumen.noise_hu)
    covered = calcified(sections, lumen.level_hu, margin_hu=margin)[int(np.argmin(np.abs(arc)))]
    hidden = bool(covered) or _hidden(position, fill, hard)
    fit = fit_funnel(_picture(sections, lumen.level_hu, end, rows=rows[position >= -FIT_MM], outer=(sigma_mm, wall_mm)))
    return None if fit is None else Taper(fit.length_mm, fit.blunt_prob, hidden)


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
    hu = sections.hu[rows, :, : round(end.radius_mm / RING_MM) + 1].astype(np.float64)
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
