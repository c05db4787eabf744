"""The tissue inside the wall of a stretch of vessel, as small cells of known volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Contours
from recanal.imaging.sample import Block, sample_cubic
from recanal.imaging.sections import RING_MM, Sections
from recanal.measure.noise import without_noise

__all__ = ["Tissue", "tissue_between"]


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
    counted_hu
        (n, m, r) for counting by thresholds: sampled without blur, and spread as they would be without noise (see
        :func:`recanal.measure.noise.without_noise`); 0 outside the wall.
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
    counted_hu: NDArray[np.float32]
    area_mm2: NDArray[np.float64]
    volume_mm3: NDArray[np.float64]
    wall_mm: NDArray[np.float64]

    def area_between(self, low_hu: float, high_hu: float) -> NDArray[np.float64]:
        """(n,) area of each section with ``low_hu <= counted HU < high_hu``."""
        chosen = (self.counted_hu >= low_hu) & (self.counted_hu < high_hu)
        return np.asarray((self.area_mm2 * chosen).sum(axis=(1, 2)))

    def volume_between(self, low_hu: float, high_hu: float) -> float:
        """Volume with ``low_hu <= counted HU < high_hu``."""
        chosen = (self.counted_hu >= low_hu) & (self.counted_hu < high_hu)
        return float((self.volume_mm3 * chosen).sum())


def tissue_between(block: Block, sections: Sections, contours: Contours, *, start_mm: float, end_mm: float) -> Tissue:
    """All tissue inside the outer wall between two positions of the axis.

    Parameters
    ----------
    block
        The voxels around the vessel, from which the sections were cut.

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
    inside = volume > 0
    row, ray, ring = np.nonzero(inside)
    places = sections.line.points_mm[rows][row] + rings[ring, None] * along[row, ray]
    counted = np.zeros_like(hu)
    counted[inside] = without_noise(sample_cubic(block, places), volume[inside], noise_hu=block.noise_hu)
    return Tissue(arc[rows], step[rows], hu, counted, area, volume, wall)
