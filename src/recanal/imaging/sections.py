"""Cross-sections of a vessel on polar rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Centerline, frames
from recanal.imaging.sample import Block, sample_rays

__all__ = ["RAYS", "RING_MM", "Sections", "cut_sections", "smooth_line"]

RAYS = 48
RING_MM = 0.1


@dataclass(frozen=True, eq=False)
class Sections:
    """Hounsfield units on rays around each point of a curve.

    Parameters
    ----------
    line
        n points, evenly spaced.
    normals, binormals
        (n, 3) rotation-minimising frame.
    hu
        (n, m rays, r rings) float32; ring i lies ``i * RING_MM`` from the curve.
    """

    line: Centerline
    normals: NDArray[np.float64]
    binormals: NDArray[np.float64]
    hu: NDArray[np.float32]

    @property
    def radii_mm(self) -> NDArray[np.float64]:
        """(r,) distance of each ring from the curve."""
        return np.asarray(np.arange(self.hu.shape[2]) * RING_MM)

    @property
    def step_mm(self) -> float:
        """Distance between neighbouring sections."""
        return self.line.length_mm / (len(self.line.points_mm) - 1)

    def core_hu(self, radius_mm: float) -> NDArray[np.float64]:
        """(n,) mean over the disc of ``radius_mm`` around the curve."""
        rings = round(radius_mm / RING_MM) + 1
        weight = np.maximum(self.radii_mm[:rings], RING_MM / 4)
        return np.asarray((self.hu[:, :, :rings].mean(axis=1) * weight).sum(axis=1) / weight.sum(), dtype=np.float64)


def cut_sections(block: Block, line: Centerline, *, reach_mm: float, rays: int = RAYS) -> Sections:
    """The polar cross-sections of ``block`` along ``line``, out to ``reach_mm``.

    Points outside the block take the value of the nearest ring inside it.
    """
    _, normals, binormals = frames(line)
    rings = np.asarray(np.arange(round(reach_mm / RING_MM) + 1) * RING_MM)
    hu = sample_rays(block, line.points_mm, (normals, binormals), rays, rings)
    if np.isnan(hu).any():
        hu = _filled(hu)
    return Sections(line, normals, binormals, hu)


def _filled(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Copies of the last known ring outward; air where a whole ray is unknown."""
    known = ~np.isnan(hu)
    last = np.maximum.accumulate(np.where(known, np.arange(hu.shape[2]), 0), axis=2)
    return np.nan_to_num(np.take_along_axis(hu, last, axis=2), nan=-1024.0)


def smooth_line(points_mm: NDArray[np.float64], *, step_mm: float, sigma_mm: float) -> Centerline:
    """The polyline with even steps, smoothed along its arc, its ends held.

    Parameters
    ----------
    points_mm
        (n, 3).
    sigma_mm
        Width of the Gaussian along the arc.
    """
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points_mm, axis=0), axis=1) > 1e-6])
    line = Centerline(points_mm[keep]).resample(step_mm)
    spacing = line.length_mm / (len(line.points_mm) - 1)
    points = line.points_mm
    pad = min(len(points) - 1, round(4 * sigma_mm / spacing))
    before = 2 * points[0] - points[pad:0:-1]
    after = 2 * points[-1] - points[-2 : -pad - 2 : -1]
    longer = np.concatenate([before, points, after])
    smooth = ndimage.gaussian_filter1d(longer, sigma_mm / spacing, axis=0, mode="nearest")
    return Centerline(smooth[pad : pad + len(points)]).resample(step_mm)
