"""Lumen and outer wall around a vessel axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Contours
from recanal.errors import SeedError
from recanal.grids.edge_model import EdgeModel
from recanal.imaging.caps import Gap
from recanal.imaging.edges import falling_edge, steady
from recanal.imaging.hard_edge import hard_edge
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.sections import RING_MM, Sections

__all__ = ["Borders", "filled", "find_borders"]

WALL_HU = 60.0
FAT_SIDE_HU = -35.0
LUMEN_LIMIT_MM = 3.0
WALL_LIMIT_MM = 3.4
CALCIUM_HU = 300.0
HARD_WEIGHT = 0.05
LUMP_WEIGHT = 0.01
SHEET_MM = 0.9
NEAR_HARD_WEIGHT = 0.1
NEAR_HARD_MM = 0.5
NEAR_HARD_RAYS = 3
TAPER_MM = 5.0


@dataclass(frozen=True, eq=False)
class Borders:
    """Contours and the edge model they were drawn with.

    Parameters
    ----------
    contours
        Lumen and outer wall per section and ray.
    sigma_mm
        Point spread across the vessel, fitted where the vessel is open.
    wall_mm
        Thickness of the normal wall, fitted likewise.
    """

    contours: Contours
    sigma_mm: float
    wall_mm: float


def _spread(
    value: NDArray[np.float64], weight: NDArray[np.float64], sigmas: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted Gaussian mean over (section, ray), and the weight behind it."""

    def blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
        along = ndimage.gaussian_filter1d(x, sigmas[0], axis=0, mode="nearest", truncate=3.0)
        return np.asarray(ndimage.gaussian_filter1d(along, sigmas[1], axis=1, mode="wrap", truncate=3.0))

    total = blur(weight)
    return blur(np.where(weight > 0, value, 0.0) * weight) / np.maximum(total, 1e-12), total


def filled(
    radius: NDArray[np.float64],
    seen: NDArray[np.bool_] | NDArray[np.float64],
    prior: NDArray[np.float64],
    *,
    step_mm: float,
) -> NDArray[np.float64]:
    """Radii smoothed where they were seen and carried in from their surroundings where not.

    Parameters
    ----------
    radius, seen
        (n, m); ``seen`` may be a weight between 0 and 1.
    prior
        (n, 1) or (n, m) radius to fall back on, with the weight of a few far neighbours.
    """
    trust = np.asarray(seen, dtype=np.float64)
    weight = trust
    for _ in range(2):
        far, far_weight = _spread(radius, weight, (3.0 / step_mm, 8.0))
        far = (far * far_weight + prior * 0.05) / (far_weight + 0.05)
        near, near_weight = _spread(radius, weight, (0.8 / step_mm, 1.5))
        out = (near * near_weight + far * 0.08) / (near_weight + 0.08)
        weight = np.asarray(trust * (np.abs(np.where(trust > 0, radius, out) - out) < 0.45), dtype=np.float64)
    return out


def _outside(
    hu: NDArray[np.float32], radius: NDArray[np.float64], beyond_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """(n, m) mean level between two distances beyond a radius."""
    rings = np.arange(hu.shape[2]) * RING_MM
    gap = rings[None, None, :] - radius[:, :, None]
    inside = (gap >= beyond_mm[0]) & (gap <= beyond_mm[1])
    count = inside.sum(axis=2)
    total = np.where(inside, hu, 0.0).sum(axis=2)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), hu[:, :, -1]), dtype=np.float64)


def _fit_edge(
    hu: NDArray[np.float32], crossing: NDArray[np.float64], use: NDArray[np.bool_], core_hu: float
) -> EdgeModel:
    """The edge model of the rays that look into fat."""
    outside = _outside(hu, np.nan_to_num(crossing, nan=2.0), (1.1, 1.5))
    good = use & np.isfinite(crossing) & (outside < FAT_SIDE_HU) & (crossing > 0.7)
    if good.sum() < 60:
        return EdgeModel(core_hu, WALL_HU, 0.45, 0.42)
    middle = float(np.median(crossing[good]))
    radii = np.arange(0.0, middle + 1.6, RING_MM)
    rows, rays = np.nonzero(good)
    if len(rows) > 1500:
        pick = np.linspace(0, len(rows) - 1, 1500).astype(int)
        rows, rays = rows[pick], rays[pick]
    where = (radii[None, :] + (crossing[rows, rays] - middle)[:, None]) / RING_MM
    low = np.clip(where.astype(int), 0, hu.shape[2] - 2)
    part = np.clip(where - low, 0.0, 1.0)
    line = hu[rows, rays]
    index = np.arange(len(rows))[:, None]
    values = line[index, low] * (1 - part) + line[index, low + 1] * part
    return EdgeModel.fitted(
        np.asarray(np.median(values, axis=0), dtype=np.float64),
        radii,
        crossing_mm=middle,
        core_hu=core_hu,
        wall_hu=WALL_HU,
    )


def find_borders(sections: Sections, lumen: LumenLevel, gaps: tuple[Gap, ...]) -> Borders:
    """Lumen and outer wall of every section; no lumen inside a gap.

    Notes
    -----
    Half-way crossings on each ray, turned into true radii by a model of a round blurred vessel with a thin wall
    (see :mod:`recanal.grids.edge_model`); point spread and wall thickness are fitted to the open vessel itself.
    Rays without a visible border take the smooth continuation of their surroundings.
    """
    hu = steady(sections.hu, along_mm=0.4, step_mm=sections.step_mm)
    arc = sections.line.arc_mm
    shut = np.zeros(len(arc), dtype=bool)
    for gap in gaps:
        shut |= (arc > gap.start_mm) & (arc < gap.end_mm)
    crossing = falling_edge(hu, ((lumen.level_hu + WALL_HU) / 2)[:, None], limit_mm=LUMEN_LIMIT_MM)
    radius, models = _lumen_radius(hu, lumen, gaps, crossing=crossing, arc=arc, shut=shut)
    model = models[0]
    lumen_mm = _tidy_lumen(radius, shut, sections.step_mm)
    wall_mm, seen = _wall(hu, lumen_mm, shut, model=model, step_mm=sections.step_mm)
    wall_mm = np.maximum(wall_mm, lumen_mm + 0.1 * (lumen_mm > 0))
    contours = Contours(sections.line, sections.normals, sections.binormals, lumen_mm, wall_mm, seen)
    return Borders(contours, model.sigma_mm, model.wall_mm)


def _lumen_radius(
    hu: NDArray[np.float32],
    lumen: LumenLevel,
    gaps: tuple[Gap, ...],
    *,
    crossing: NDArray[np.float64],
    arc: NDArray[np.float64],
    shut: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], tuple[EdgeModel, ...]]:
    """True lumen radii per ray, NaN where unseen, and the edge models of the proximal and the distal side."""
    split = (gaps[0].start_mm + gaps[-1].end_mm) / 2 if gaps else arc[-1] + 1.0
    sides = [~shut & (arc < split), ~shut & (arc >= split)]
    sides = [side for side in sides if side.sum() >= 4]
    if not sides:
        raise SeedError(
            "No open lumen was found at either seed.",
            hint="Place both seeds where the vessel is filled with contrast, one on each side of the occlusion.",
        )
    first = _fit_edge(hu, crossing, sides[0][:, None], float(np.median(lumen.level_hu[sides[0]])))
    outside = _outside(hu, np.nan_to_num(crossing, nan=2.0), (1.0, 1.5))
    outside = ndimage.gaussian_filter(outside, (2.0, 2.0), mode=("nearest", "wrap"))
    radius = np.full(crossing.shape, np.nan)
    models = []
    for side in sides:
        model = EdgeModel(float(np.median(lumen.level_hu[side])), WALL_HU, first.wall_mm, first.sigma_mm)
        part = crossing[side]
        radius[side] = np.where(np.isfinite(part), model.lumen_mm(np.nan_to_num(part, nan=1.0), outside[side]), np.nan)
        models.append(model)
    return radius, tuple(models)


def _tidy_lumen(radius: NDArray[np.float64], shut: NDArray[np.bool_], step_mm: float) -> NDArray[np.float64]:
    """Smooth lumen radii; zero where shut."""
    out = np.zeros_like(radius)
    label, count = ndimage.label(~shut)
    for k in range(1, count + 1):
        rows = np.flatnonzero(label == k)
        part = radius[rows]
        seen = np.isfinite(part)
        some = np.asarray(seen.any(axis=1))
        typical = np.nanmedian(np.where(some[:, None], part, 1.0), axis=1)
        typical = ndimage.median_filter(np.nan_to_num(typical, nan=1.0), min(9, len(rows)))
        near = np.abs(np.where(seen, part, 0.0) - typical[:, None]) < 0.5 * typical[:, None] + 0.2
        seen = np.asarray(seen & near)
        out[rows] = filled(np.nan_to_num(part, nan=1.0), seen, typical[:, None], step_mm=step_mm)
    return np.maximum(out, 0.0)


def _wall(
    hu: NDArray[np.float32],
    lumen_mm: NDArray[np.float64],
    shut: NDArray[np.bool_],
    *,
    model: EdgeModel,
    step_mm: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Outer wall radii and where they were seen.

    In the open vessel the wall is at least the normal wall around the lumen; inside a gap it is traced at the half-way
    level to fat, corrected for the curvature of a blurred disc, and bridged between the open ends elsewhere.
    """
    rows = np.arange(len(shut))
    size = np.where(shut, np.nan, lumen_mm.mean(axis=1) + model.wall_mm)
    reach = round(TAPER_MM / step_mm)
    narrowed = ndimage.binary_dilation(shut, iterations=reach) if shut.any() else shut
    known = np.isfinite(size) & ~narrowed
    known = known if known.sum() > 8 else np.isfinite(size)
    expected = np.interp(rows, rows[known], size[known]) if known.any() else np.full(len(rows), 1.6)
    expected = ndimage.gaussian_filter1d(expected, 2.0 / step_mm, mode="nearest")
    start = np.where(shut[:, None], 0.5, lumen_mm)
    edge, beyond, inner = _half_way(hu)
    radius = edge + model.sigma_mm**2 / (2 * np.maximum(edge, 0.8))
    hard_radius, growth, thick = hard_edge(hu, edge, beyond, sigma_mm=model.sigma_mm, limit_mm=WALL_LIMIT_MM)
    rim = np.clip(((edge - hard_radius) / model.sigma_mm - 1.3) / 0.8, 0.0, 1.0)  # soft tissue outside the calcium
    hard = (inner >= CALCIUM_HU) & (rim < 1.0)
    radius = np.where(hard, hard_radius + rim * (radius - hard_radius) - growth, radius)
    plain = np.isfinite(radius) & (beyond < FAT_SIDE_HU) & (edge > start)
    seen = np.asarray(plain & (np.abs(np.where(plain, radius, 0.0) - expected[:, None]) < 1.3))
    seen[~shut] = False
    weight = _trust(hard, thick, step_mm) * seen
    prior = _gap_size(radius, weight, expected, shut=shut, step_mm=step_mm)
    inside = filled(np.nan_to_num(radius, nan=1.6), weight, prior[:, None], step_mm=step_mm)
    around = lumen_mm + model.wall_mm
    around = np.where((narrowed & ~shut)[:, None], np.maximum(around, expected[:, None]), around)
    return np.where(shut[:, None], inside, around), seen & ~hard


def _trust(hard: NDArray[np.bool_], thick_mm: NDArray[np.float64], step_mm: float) -> NDArray[np.float64]:
    """(n, m) weight of each ray: little where calcium hides the wall, least behind a lump, and next to such rays."""
    size = (2 * round(NEAR_HARD_MM / step_mm) + 1, 2 * NEAR_HARD_RAYS + 1)
    near = ndimage.maximum_filter(hard.astype(np.uint8), size=size, mode=("nearest", "wrap")) > 0
    return np.where(
        hard, np.where(thick_mm < SHEET_MM, HARD_WEIGHT, LUMP_WEIGHT), np.where(near, NEAR_HARD_WEIGHT, 1.0)
    )


def _half_way(
    hu: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where each ray falls half way from the tissue just inside the wall to what lies just outside, and both levels."""
    level: NDArray[np.float64] | float = (WALL_HU + _fat(hu)) / 2
    for _ in range(2):
        edge = falling_edge(hu, level, start_mm=0.5, limit_mm=WALL_LIMIT_MM)
        at = np.nan_to_num(edge, nan=3.0)
        beyond, inner = _outside(hu, at, (0.7, 1.1)), _outside(hu, at, (-1.1, -0.7))
        soft = np.isfinite(edge) & (beyond < FAT_SIDE_HU) & (inner < CALCIUM_HU)
        weight = soft.astype(np.float64)
        inside, _ = _spread(np.clip(inner, 0.0, 200.0), weight + 1e-9, (4.0, 2.0))
        outside, _ = _spread(np.clip(beyond, -140.0, -40.0), weight + 1e-9, (4.0, 2.0))
        level = (inside + outside) / 2
    return edge, beyond, inner


def _fat(hu: NDArray[np.float32]) -> float:
    """The level of the fat around the vessel."""
    around = hu[:, :, 15:]
    fat = around[(around < -40) & (around > -160)]
    return float(np.median(fat)) if fat.size > 200 else -90.0


def _gap_size(
    radius: NDArray[np.float64],
    seen: NDArray[np.float64],
    expected: NDArray[np.float64],
    *,
    shut: NDArray[np.bool_],
    step_mm: float,
) -> NDArray[np.float64]:
    """(n,) mean wall radius inside the gap: the seen one where enough was seen, else the bridge between the ends."""
    count = seen.sum(axis=1)
    mean = np.where(seen > 0, seen * radius, 0.0).sum(axis=1) / np.maximum(count, 1e-9)
    weight = np.where(shut, count / seen.shape[1], 0.0)
    sigma = 2.0 / step_mm
    total = ndimage.gaussian_filter1d(weight, sigma, mode="nearest")
    value = ndimage.gaussian_filter1d(weight * mean, sigma, mode="nearest")
    return np.asarray((value + 0.1 * expected) / (total + 0.1))
