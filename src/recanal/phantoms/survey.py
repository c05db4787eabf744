"""Reading the truth off the design and off the noise-free picture. Shares no code with the measuring rooms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter

from recanal.phantoms.geometry import Floats, arc_lengths, resample, transport_frames
from recanal.phantoms.lesion import Lesion
from recanal.phantoms.scanner import Grid
from recanal.phantoms.truth import CalciumTruth, Composition

__all__ = ["Cells", "Scene", "bend_max", "calcium_truth", "composition", "designed_hu", "find_caps", "tube_cells"]

_BINS = (-30.0, 76.0, 131.0, 351.0)
_NAMES = ("necrotic_core", "fibrofatty", "fibrous", "dense_calcium")
_ANGLES = 72
_RINGS = 16


@dataclass(frozen=True, eq=False)
class Cells:
    """Small pieces of the vessel inside its outer wall: (sections, rings, angles) each."""

    s: Floats
    u: Floats
    v: Floats
    points_mm: Floats
    volume_mm3: Floats
    area_mm2: Floats


@dataclass(frozen=True, eq=False)
class Scene:
    """The noise-free pictures around the lesion, with and without calcium, ready for interpolation."""

    grid: Grid
    clean: NDArray[np.float32]
    without_calcium: NDArray[np.float32]

    @classmethod
    def of(cls, grid: Grid, clean: NDArray[np.float32], without: NDArray[np.float32]) -> Scene:
        """Both pictures as cubic spline coefficients."""
        return cls(grid, spline_filter(clean, 3, output=np.float32), spline_filter(without, 3, output=np.float32))

    def at(self, points_mm: Floats, *, calcium: bool = True) -> Floats:
        """Attenuation at (..., 3) anatomical points."""
        flat = self.grid.scanned(points_mm.reshape(-1, 3))
        picture = self.clean if calcium else self.without_calcium
        hu = map_coordinates(picture, self.grid.index_of(flat).T, order=3, mode="nearest", prefilter=False)
        return np.asarray(hu.reshape(points_mm.shape[:-1]), dtype=np.float64)


def tube_cells(axis_mm: Floats, lesion: Lesion, span_mm: tuple[float, float], step_mm: float = 0.1) -> Cells:
    """Cut the vessel between two arc lengths into cells, with the volume element of a curved tube."""
    count = max(1, round((span_mm[1] - span_mm[0]) / step_mm))
    width = (span_mm[1] - span_mm[0]) / count
    s = np.asarray(span_mm[0] + (np.arange(count) + 0.5) * width, dtype=np.float64)
    fine = resample(axis_mm, 0.125)
    arc = arc_lengths(fine)
    tangent, normal, binormal = transport_frames(fine)
    curve = np.gradient(tangent, arc, axis=0)

    def at(field: Floats) -> Floats:
        return np.stack([np.interp(s, arc, field[:, k]) for k in range(3)], axis=1)[:, None, None, :]

    angle = np.asarray((np.arange(_ANGLES) + 0.5) * 2 * np.pi / _ANGLES, dtype=np.float64)
    ring = (np.arange(_RINGS) + 0.5) / _RINGS
    s3 = np.broadcast_to(s[:, None, None], (count, _RINGS, _ANGLES))
    edge = lesion.outer_radius(s[:, None], angle[None, :])[:, None, :]
    radius = ring[None, :, None] * edge
    u, v = radius * np.cos(angle), radius * np.sin(angle)
    offset = u[..., None] * at(normal) + v[..., None] * at(binormal)
    area = radius * edge / _RINGS * (2 * np.pi / _ANGLES)
    jacobian = np.maximum(1 - (offset * at(curve)).sum(axis=-1), 0.0)
    return Cells(s3, u, v, at(fine) + offset, area * jacobian * width, area)


def designed_hu(lesion: Lesion, cells: Cells, *, calcium: bool = True) -> Floats:
    """Attenuation of each cell as it was drawn, before any blur."""
    s, u, v = cells.s.ravel(), cells.u.ravel(), cells.v.ravel()
    hu = lesion.soft_hu(s, u, v)
    hu = np.where(np.hypot(u, v) < lesion.lumen_radius(s), np.interp(s, lesion.arc_mm, lesion.lumen_hu), hu)
    if calcium:
        cover, dense = lesion.calcium_cover(s, u, v, 0.02)
        hu = hu + cover * (dense - hu)
    return np.asarray(hu.reshape(cells.s.shape), dtype=np.float64)


def composition(hu: Floats, volume_mm3: Floats) -> Composition:
    """Volumes and fractions of the plaque components."""
    which = np.digitize(hu.ravel(), _BINS)
    totals = np.bincount(which, weights=volume_mm3.ravel(), minlength=5)
    within = max(float(totals[1:].sum()), 1e-12)
    return Composition(
        total_mm3=float(totals.sum()),
        below_range_mm3=float(totals[0]),
        volume_mm3={name: float(totals[k + 1]) for k, name in enumerate(_NAMES)},
        fraction_percent={name: float(100 * totals[k + 1] / within) for k, name in enumerate(_NAMES)},
    )


def _crossing(s: Floats, hu: Floats, half: float) -> float | None:
    """First arc length, walking from the open side, where attenuation falls below ``half``."""
    below = np.flatnonzero(hu < half)
    if len(below) == 0 or below[0] == 0:
        return None
    k = int(below[0])
    share = (hu[k - 1] - half) / (hu[k - 1] - hu[k])
    return float(s[k - 1] + share * (s[k] - s[k - 1]))


def find_caps(axis_mm: Floats, lesion: Lesion, scene: Scene, opacified: bool) -> tuple[float | None, float | None]:
    """Arc lengths of the imaged caps: half way between the local lumen plateau and the local plaque level.

    The plateau is the median over the 4 mm of full lumen next to the narrowing; the plaque level is the median over up
    to 5 mm of occlusion next to the tip; both on the axis of the noise-free picture without calcium. The walk starts
    on the plateau, so that texture inside the occlusion cannot stop it.
    """
    if not lesion.occluded:
        return None, None
    fine = resample(axis_mm, 0.05)
    arc = arc_lengths(fine)
    start, end = lesion.place.start_mm, lesion.place.end_mm
    middle = 0.5 * (start + end)
    found: list[float | None] = []
    for sign, tip, cap in ((1.0, start, lesion.caps[0]), (-1.0, end, lesion.caps[1])):
        lumen_from, lumen_to = tip - sign * (cap.narrowing_mm + 5.0), tip - sign * (cap.narrowing_mm + 1.0)
        plaque_to = tip + sign * min(6.0, 0.5 * (end - start))
        s = np.arange(0.0, abs(middle - lumen_to), 0.05) * sign + lumen_to
        if s.min() < 0 or s.max() > arc[-1]:
            found.append(None)
            continue

        def level(a: float, b: float) -> Floats:
            where = np.linspace(a, b, 81)
            return scene.at(np.stack([np.interp(where, arc, fine[:, k]) for k in range(3)], axis=1), calcium=False)

        bright, dark = np.median(level(lumen_from, lumen_to)), np.median(level(tip + sign, plaque_to))
        half = 0.5 * float(bright + dark) if bright > dark + 20 else np.inf
        line = scene.at(np.stack([np.interp(s, arc, fine[:, k]) for k in range(3)], axis=1), calcium=False)
        found.append(_crossing(s, line, half))
    return found[0], found[1] if opacified else None


def bend_max(axis_mm: Floats, span_mm: tuple[float, float], reach_mm: float = 5.0) -> tuple[float, float]:
    """Largest bend in degrees within a span: between tangents at +-5 mm, and between the 5 mm chords."""
    fine = resample(axis_mm, 0.1)
    arc = arc_lengths(fine)
    tangents = np.gradient(fine, arc, axis=0)

    def at(field: Floats, s: Floats) -> Floats:
        return np.stack([np.interp(s, arc, field[:, k]) for k in range(3)], axis=1)

    def largest(first: Floats, second: Floats) -> float:
        cosine = (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
        return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max())

    s = np.arange(span_mm[0], span_mm[1] + 1e-9, 0.1)
    here, before, after = at(fine, s), s - reach_mm, s + reach_mm
    return (
        largest(at(tangents, before), at(tangents, after)),
        largest(here - at(fine, before), at(fine, after) - here),
    )


def _arc_deg(dense: NDArray[np.bool_]) -> float:
    """Largest angular extent (sections, rings, angles) of calcium seen from the centre."""
    return float(dense.any(axis=1).sum(axis=1).max() * 360.0 / _ANGLES)


def calcium_truth(axis_mm: Floats, lesion: Lesion, scene: Scene, span_mm: tuple[float, float]) -> CalciumTruth:
    """Calcium between the caps, on sections every 0.5 mm for areas and arcs, on 0.1 mm cells for volumes."""
    sections = tube_cells(axis_mm, lesion, span_mm, 0.5)
    dense = scene.at(sections.points_mm) >= 351
    dense &= scene.at(sections.points_mm, calcium=False) < 351
    wall = sections.area_mm2.sum(axis=(1, 2))
    area = (sections.area_mm2 * dense).sum(axis=(1, 2))
    core = np.hypot(sections.u, sections.v) < (np.hypot(sections.u, sections.v).max(axis=1, keepdims=True) - 0.5)
    core_area = (sections.area_mm2 * core).sum(axis=(1, 2))
    core_share = (sections.area_mm2 * (core & dense)).sum(axis=(1, 2)) / np.maximum(core_area, 1e-9)
    fine = tube_cells(axis_mm, lesion, span_mm, 0.1)
    imaged = (scene.at(fine.points_mm) >= 351) & (scene.at(fine.points_mm, calcium=False) < 351)
    drawn = lesion.calcium_cover(fine.s.ravel(), fine.u.ravel(), fine.v.ravel(), 0.02)[0].reshape(fine.s.shape) > 0.5
    ratio = float((area / wall).max())
    return CalciumTruth(
        any=bool(area.max() >= 1.0),
        cross_section_max_ratio=ratio,
        severe=ratio >= 0.5,
        whole_lumen=bool(core_share.max() >= 0.95),
        arc_max_deg=_arc_deg(dense),
        volume_mm3=float((fine.volume_mm3 * imaged).sum()),
        volume_designed_mm3=float((fine.volume_mm3 * drawn).sum()),
        cross_section_max_ratio_designed=float(
            ((fine.area_mm2 * drawn).sum(axis=(1, 2)) / fine.area_mm2.sum(axis=(1, 2))).max()
        ),
    )
