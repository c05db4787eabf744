"""A way through the grid as a curve in the middle of its vessel, with what is seen along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.abdomen.maps import Maps
from recanal.anatomy.field import Field
from recanal.core.curves import Centerline
from recanal.imaging.edges import circle_fit, falling_edge, steady
from recanal.imaging.sample import sample
from recanal.imaging.sections import RING_MM, Sections, cut_sections, smooth_line

__all__ = ["RUN_MM", "STEP_MM", "TISSUE_HU", "Traced", "trace"]

STEP_MM = 0.5
REACH_MM = 6.0
RAYS = 16
TISSUE_HU = 60.0
FAT_HU = -90.0
FLOOR_MM = 4.5
ROUNDS = 3
MOST_MOVE_MM = 0.8
MOST_RADIUS_MM = 3.7
ALONG_MM = 1.5
CORE_MM = 0.5
LEAST_CONTRAST_HU = 30.0
MOST_SHARE = 1.3
BESIDE_MM = (0.7, 2.1)
RUN_MM = 5.0


@dataclass(frozen=True, eq=False)
class Traced:
    """A curve with what is seen on it, every 0.5 mm.

    Parameters
    ----------
    line
        n points.
    radius_mm
        (n,) median distance of the edge, where the contrast has fallen by half.
    area_radius_mm
        (n,) radius of a disc filled with the blood of the aorta that holds as much contrast as the section.
    core_hu, tissue_hu
        (n,) mean over a disc of 0.5 mm, and the upper quartile, over 16 rays, of the darkest place within 4.5 mm.
    smooth_hu, beside_hu
        (n,) Hounsfield units smoothed by 0.7 mm, and the mean of the same over 5 mm of the vessel, 0.7 to 2.1 mm beyond
        its edge, in the median of 16 directions.
    """

    line: Centerline
    radius_mm: NDArray[np.float64]
    area_radius_mm: NDArray[np.float64]
    core_hu: NDArray[np.float64]
    tissue_hu: NDArray[np.float64]
    smooth_hu: NDArray[np.float64]
    beside_hu: NDArray[np.float64]


def trace(maps: Maps, voxels: NDArray[np.int64]) -> Traced:
    """A way of voxels as a curve.

    Notes
    -----
    Three rounds of circles through the edges of polar sections. The edge on a ray lies halfway from the core, at most
    the blood of the aorta, to the lowest value within 4.5 mm, at most 60 HU. Blur spreads the contrast of a thin
    vessel but keeps its sum, so ``area_radius_mm`` does not grow with blur as ``radius_mm`` does.
    """
    points = ndimage.gaussian_filter1d(maps.field.block.affine.to_mm(voxels), 1.5, axis=0, mode="nearest")
    line = Centerline(points).resample(STEP_MM)
    for _ in range(ROUNDS):
        line = _centred(maps.field, line)
    sections, edge, core = _edges(maps.field, line)
    radius = np.median(np.where(np.isnan(edge), REACH_MM, edge), axis=1)
    area, tissue = _filled(sections, maps.field.blood_hu)
    calm = sample(maps.smooth, line.points_mm).astype(np.float64)
    return Traced(line, radius, area, core, tissue, calm, _beside(maps, line, radius))


def _edges(field: Field, line: Centerline) -> tuple[Sections, NDArray[np.float64], NDArray[np.float64]]:
    """Sections along a line, the (n, 16) edges of the contrast and the (n,) core."""
    sections = cut_sections(field.block, line, reach_mm=REACH_MM, rays=RAYS)
    core = ndimage.gaussian_filter1d(sections.core_hu(CORE_MM), 2.0, mode="nearest")
    hu = steady(sections.hu, along_mm=0.7, step_mm=sections.step_mm)
    around = np.clip(hu[:, :, : round(FLOOR_MM / RING_MM)].min(axis=2), FAT_HU, TISSUE_HU)
    level = 0.5 * (np.minimum(core, field.blood_hu)[:, None] + around)
    return sections, falling_edge(hu, level, limit_mm=REACH_MM), core


def _centred(field: Field, line: Centerline) -> Centerline:
    """The line moved to the middle of the contrast around it, by at most 0.8 mm."""
    sections, edge, _ = _edges(field, line)
    size = ndimage.median_filter(np.median(np.where(np.isnan(edge), REACH_MM, edge), axis=1), 9, mode="nearest")
    move, _ = circle_fit(edge, np.minimum(size, MOST_RADIUS_MM), prior_sd_mm=0.3, shift_sd_mm=0.6)
    move *= np.minimum(1.0, MOST_MOVE_MM / np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9))
    move = ndimage.gaussian_filter1d(move, 2.0, axis=0, mode="nearest")
    points = line.points_mm + move[:, :1] * sections.normals + move[:, 1:] * sections.binormals
    return smooth_line(points, step_mm=STEP_MM, sigma_mm=1.0)


def _filled(sections: Sections, blood_hu: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) radius of the disc of blood with the contrast of each section, and the (n,) tissue around it."""
    hu = ndimage.gaussian_filter1d(sections.hu, ALONG_MM / STEP_MM, axis=0, mode="nearest")
    hu = hu[:, :, : round(FLOOR_MM / RING_MM)]
    last = hu.argmin(axis=2)
    dark = np.maximum(np.take_along_axis(hu, last[:, :, None], axis=2)[:, :, 0], FAT_HU)
    share = (hu - dark[:, :, None]) / np.maximum(blood_hu - dark, LEAST_CONTRAST_HU)[:, :, None]
    ring = np.arange(hu.shape[2])
    share = np.where(ring <= last[:, :, None], np.clip(share, 0.0, MOST_SHARE), 0.0)
    area = (2.0 * RING_MM**2 * share * ring).sum(axis=2).mean(axis=1)
    return np.sqrt(area), np.percentile(dark, 75, axis=1)


def _beside(maps: Maps, line: Centerline, radius_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) Hounsfield units around a vessel; a mean, so noise makes them neither darker nor brighter."""
    hu = cut_sections(maps.smooth, line, reach_mm=MOST_RADIUS_MM + BESIDE_MM[1], rays=RAYS).hu
    size = round(RUN_MM / STEP_MM)
    radius = np.minimum(ndimage.median_filter(radius_mm, size, mode="nearest"), MOST_RADIUS_MM)[:, None]
    ring = RING_MM * np.arange(hu.shape[2])
    there = (ring >= radius + BESIDE_MM[0] - 1e-6) & (ring <= radius + BESIDE_MM[1] + 1e-6)
    mean = (hu * there[:, None]).sum(axis=2) / there.sum(axis=1)[:, None]
    return np.asarray(np.median(ndimage.uniform_filter1d(mean, size, axis=0, mode="nearest"), axis=1))
