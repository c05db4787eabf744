"""How calcified a stretch of vessel is, on a contrast-enhanced picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from recanal.imaging.sections import RING_MM
from recanal.measure.calcium_arc import calcium_arc_deg
from recanal.measure.tissue import Tissue

__all__ = ["CalciumMeasure", "calcium"]

SEVERE_RATIO = 0.5
SPOT_MM2 = 1.0
WALL_RIM_MM = 0.5
FILLED_RATIO = 0.95
FADING_MM = 0.6
FADED_HU = 100.0
TIP_SHARE = 0.35
GLOW_MARGIN_HU = 60.0


@dataclass(frozen=True, eq=False)
class CalciumMeasure:
    """Calcium between the caps.

    Parameters
    ----------
    max_ratio, max_ratio_at_mm
        Largest calcified share of a cross-section of the vessel, and the arc length where it lies.
    arc_max_deg, arc_at_mm
        Largest angle under which calcium is seen from the centre of the outer wall.
    spot_max_mm2
        Largest calcified area of a section.
    core_max_ratio
        Largest calcified share of the section without its outer 0.5 mm.
    arc_deg
        (n,) angle per section of the tissue.
    """

    max_ratio: float
    max_ratio_at_mm: float
    arc_max_deg: float
    arc_at_mm: float
    spot_max_mm2: float
    core_max_ratio: float
    volume_mm3: float
    threshold_hu: float
    arc_deg: NDArray[np.float64]

    @property
    def any(self) -> bool:
        """At least one calcified spot of 1 mm2 in a section, or half of a small one."""
        return self.spot_max_mm2 >= SPOT_MM2 or self.severe

    @property
    def severe(self) -> bool:
        """At least half of a cross-section (Opolski 2015, doi:10.1016/j.jcin.2014.07.031; Li 2015 prints > 50 %)."""
        return self.max_ratio >= SEVERE_RATIO

    @property
    def whole_lumen(self) -> bool:
        """Calcium fills a section up to half a millimetre from its outer border, and at least half of all of it."""
        return self.core_max_ratio >= FILLED_RATIO and self.severe


def _glow(
    tissue: Tissue, lumen_hu: tuple[float, float], threshold_hu: float, *, taper_mm: tuple[float, float]
) -> NDArray[np.bool_]:
    """(n, m, r) cells next to a cap that are no brighter than the blurred lumen can be there: glow, not calcium.

    Beyond the cap the lumen fades like a blurred step, beyond the tip of a funnel where that is longer. Where every
    section from the cap on holds something bright and nothing brighter than the lumen, the lumen itself goes on.
    """
    out = np.zeros(tissue.hu.shape, dtype=bool)
    brightest = np.where(tissue.area_mm2 > 0, tissue.hu, -np.inf).max(axis=(1, 2))
    ends = (tissue.position_mm - tissue.position_mm[0], tissue.position_mm[-1] - tissue.position_mm)
    for turn, distance, level, funnel in zip((1, -1), ends, lumen_hu, taper_mm, strict=True):
        most = level + GLOW_MARGIN_HU
        if most > threshold_hu:
            plain = ((brightest >= threshold_hu) & (brightest < most))[::turn]
            left = ndtr((TIP_SHARE * funnel - distance) / FADING_MM)
            left = np.where(np.logical_and.accumulate(plain)[::turn], 1.0, left)
            out |= tissue.hu < (FADED_HU + left * (level - FADED_HU) + GLOW_MARGIN_HU)[:, None, None]
    return out


def calcium(
    tissue: Tissue,
    *,
    threshold_hu: float = 351.0,
    lumen_hu: tuple[float, float] = (0.0, 0.0),
    taper_mm: tuple[float, float] = (0.0, 0.0),
) -> CalciumMeasure:
    """The calcium inside the wall: all that reaches ``threshold_hu``, the glow of a bright lumen at the caps left out.

    Parameters
    ----------
    tissue
        Between the caps.
    threshold_hu
        From where on tissue counts as calcium.
    lumen_hu
        Lumen level before the proximal and beyond the distal cap.
    taper_mm
        Length of the funnel at either cap. Contrast on the axis of a cone falls to half at about a third of its length
        before the tip, so that so much of it lies beyond the cap.

    Notes
    -----
    Per section of 0.25 mm. The arc is seen from the centre of the outer wall
    (:func:`recanal.measure.calcium_arc.calcium_arc_deg`).
    """
    dense = (tissue.hu >= threshold_hu) & ~_glow(tissue, lumen_hu, threshold_hu, taper_mm=taper_mm)
    area = (tissue.area_mm2 * dense).sum(axis=(1, 2))
    ratio = area / np.maximum(tissue.area_mm2.sum(axis=(1, 2)), 1e-9)
    arc = calcium_arc_deg(tissue, dense, threshold_hu=threshold_hu)
    rings = np.arange(tissue.hu.shape[2]) * RING_MM
    core = tissue.area_mm2 * (rings < tissue.wall_mm[:, :, None] - WALL_RIM_MM)
    filled = (core * dense).sum(axis=(1, 2)) / np.maximum(core.sum(axis=(1, 2)), 1e-9)
    best, widest = int(np.argmax(ratio)), int(np.argmax(arc))
    return CalciumMeasure(
        max_ratio=float(ratio[best]),
        max_ratio_at_mm=float(tissue.position_mm[best]),
        arc_max_deg=float(arc[widest]),
        arc_at_mm=float(tissue.position_mm[widest]),
        spot_max_mm2=float(area.max()),
        core_max_ratio=float(filled.max()),
        volume_mm3=float((tissue.volume_mm3 * dense).sum()),
        threshold_hu=threshold_hu,
        arc_deg=np.asarray(arc, dtype=np.float64),
    )
