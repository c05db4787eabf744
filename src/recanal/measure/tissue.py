"""The tissue inside the wall of a stretch of vessel, as small cells of known volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Contours
from recanal.imaging.sections import RING_MM, Sections

__all__ = ["Tissue", "steadied", "tissue_between"]

STEADY_MM = 0.4
SOFT_BELOW_HU = 300.0


@dataclass(frozen=True, eq=False)
class Tissue:
    """Polar cells inside the outer wall, section by section.

    Parameters
    ----------
    position_mm
        (n,) arc length of each section.
    step_mm
        (n,) length of vessel each section stands for.
    hu
        (n, m, r) Hounsfield units.
    steady_hu
        (n, m, r) the same with less noise, for counting by thresholds; see :func:`steadied`.
    area_mm2
        (n, m, r) area of each cell inside the wall, 0 outside.
    volume_mm3
        (n, m, r) volume of each cell, the curvature of the axis taken into account.
    wall_mm
        (n, m) outer wall radius.
    """

    position_mm: NDArray[np.float64]
    step_mm: NDArray[np.float64]
    hu: NDArray[np.float32]
    steady_hu: NDArray[np.float32]
    area_mm2: NDArray[np.float64]
    volume_mm3: NDArray[np.float64]
    wall_mm: NDArray[np.float64]

    def area_between(self, low_hu: float, high_hu: float) -> NDArray[np.float64]:
        """(n,) area of each section with ``low_hu <= steady HU < high_hu``."""
        chosen = (self.steady_hu >= low_hu) & (self.steady_hu < high_hu)
        return np.asarray((self.area_mm2 * chosen).sum(axis=(1, 2)))

    def volume_between(self, low_hu: float, high_hu: float) -> float:
        """Volume with ``low_hu <= steady HU < high_hu``."""
        chosen = (self.steady_hu >= low_hu) & (self.steady_hu < high_hu)
        return float((self.volume_mm3 * chosen).sum())


def steadied(hu: NDArray[np.float32], *, step_mm: float) -> NDArray[np.float32]:
    """Hounsfield units with noise lessened along the vessel, calcium left as it is.

    Parameters
    ----------
    hu
        (n, m, r) sections, ``step_mm`` apart, their rays in line with one another.

    Notes
    -----
    A Gaussian mean over 0.4 mm along each ray and ring, of the cells below 300 HU. Noise spreads the values of a tissue
    over the thresholds on either side of it, and so makes the bin in the middle too small. Across the vessel nothing is
    averaged, for there the border to fat would be blurred.

    Examples
    --------
    >>> import numpy as np
    >>> hu = np.full((9, 4, 3), 100.0, dtype=np.float32)
    >>> hu[4] = 900.0
    >>> bool((steadied(hu, step_mm=0.25) == hu).all())
    True
    """
    soft = hu < SOFT_BELOW_HU
    size = STEADY_MM / step_mm
    weight = ndimage.gaussian_filter1d(soft.astype(np.float32), size, axis=0, mode="nearest", truncate=3.0)
    total = ndimage.gaussian_filter1d(np.where(soft, hu, 0.0), size, axis=0, mode="nearest", truncate=3.0)
    return np.where(soft, total / np.maximum(weight, 1e-6), hu).astype(np.float32)


def tissue_between(sections: Sections, contours: Contours, *, start_mm: float, end_mm: float) -> Tissue:
    """All tissue inside the outer wall between two positions of the axis.

    Notes
    -----
    A cell at radius r on a ray has area r dr dtheta, the outermost one cut off at the wall, and volume
    area * (1 - r kappa) ds with kappa the curvature of the axis towards the ray (Pappus).
    """
    arc = sections.line.arc_mm
    half = sections.step_mm / 2
    step = np.clip(np.minimum(arc + half, end_mm) - np.maximum(arc - half, start_mm), 0.0, None)
    rows = np.flatnonzero(step > 0)
    wall = contours.wall_radius_mm[rows]
    last = int((wall.max(initial=0.0) + RING_MM / 2) / RING_MM) + 2  # no cell inside the wall lies beyond
    hu = sections.hu[rows][:, :, :last]
    rings = np.arange(hu.shape[2]) * RING_MM
    outer = np.minimum(rings + RING_MM / 2, wall[:, :, None])
    inner = np.maximum(rings - RING_MM / 2, 0.0)
    turn = 2 * np.pi / hu.shape[1]
    area = 0.5 * turn * np.maximum(outer**2 - inner**2, 0.0) * (outer > inner)
    area *= np.sin(turn) / turn  # the polygon of the contour, as drawn
    tangent = np.gradient(sections.line.points_mm, arc, axis=0)
    bending = np.gradient(tangent, arc, axis=0)[rows]
    angle = contours.angles_rad
    along = (
        np.cos(angle)[None, :, None] * contours.normals[rows][:, None, :]
        + np.sin(angle)[None, :, None] * contours.binormals[rows][:, None, :]
    )
    toward = np.einsum("nmk,nk->nm", along, bending)
    stretch = np.clip(1.0 - toward[:, :, None] * rings, 0.2, 1.8)
    volume = area * stretch * step[rows][:, None, None]
    return Tissue(arc[rows], step[rows], hu, steadied(hu, step_mm=sections.step_mm), area, volume, wall)
