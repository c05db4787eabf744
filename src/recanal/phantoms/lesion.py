"""The diseased stretch of the target artery: lumen, outer wall, plaque and calcium, as functions of the tube."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.special import ndtr

from recanal.phantoms.geometry import Floats, smooth_noise
from recanal.phantoms.options import CALCIUM_SCALE, PhantomOptions
from recanal.phantoms.tree import STEP_MM, Artery, Placement

__all__ = ["Calcium", "Cap", "Lesion", "build_lesion"]

_TEXTURE_MM = 0.25
_HALF_MM = 4.0


@dataclass(frozen=True)
class Cap:
    """The end of the lumen: its designed shape and over how many millimetres the lumen narrows."""

    shape: str
    narrowing_mm: float
    power: float

    def opening(self, distance_mm: Floats) -> Floats:
        """Share of the lumen radius at a distance from the tip, on the open side."""
        x = np.clip(distance_mm / self.narrowing_mm, 0.0, 1.0)
        if self.shape == "tapered":
            return np.asarray(x**self.power, dtype=np.float64)
        return np.asarray(np.sqrt(1 - (1 - x) ** 2), dtype=np.float64)


@dataclass(frozen=True)
class Calcium:
    """One calcification in tube coordinates: a ``"nodule"`` (ellipsoid), or a ``"plate"`` or ``"fill"`` (sector)."""

    kind: str
    along_mm: float
    half_length_mm: float
    angle_rad: float
    half_arc_rad: float
    inner_share: float
    outer_share: float
    hu: float


@dataclass(frozen=True, eq=False)
class Lesion:
    """What fills the target artery, as functions of arc length ``s`` and the cross-section ``(u, v)``."""

    place: Placement
    occluded: bool
    narrowing: float
    caps: tuple[Cap, Cap]
    arc_mm: Floats
    lumen_mm: Floats
    outer_mm: Floats
    lumen_hu: Floats
    wall_hu: float
    oval: Floats
    plaque: NDArray[np.float32]
    calcium: tuple[Calcium, ...]

    def outer_radius(self, s: Floats, angle: Floats) -> Floats:
        """Outer wall at an angle of the cross-section."""
        oval = self.oval
        shape = 1 + oval[0] * np.cos(2 * (angle - oval[1] - 0.03 * s)) + oval[2] * np.cos(3 * (angle - oval[3]))
        return np.asarray(np.interp(s, self.arc_mm, self.outer_mm) * shape, dtype=np.float64)

    def lumen_radius(self, s: Floats) -> Floats:
        """Lumen radius, 0 where there is none."""
        return np.asarray(np.interp(s, self.arc_mm, self.lumen_mm), dtype=np.float64)

    def soft_hu(self, s: Floats, u: Floats, v: Floats) -> Floats:
        """Wall and plaque, without lumen and calcium."""
        index = np.stack([(s - self.place.start_mm) / _TEXTURE_MM + 40, u / _TEXTURE_MM + 16, v / _TEXTURE_MM + 16])
        tissue = map_coordinates(self.plaque, index, order=1, mode="nearest")
        inside = _rise(s - self.place.start_mm + self.caps[0].narrowing_mm, 0.5)
        inside = inside * _rise(self.place.end_mm + self.caps[1].narrowing_mm - s, 0.5)
        return np.asarray(self.wall_hu + (tissue - self.wall_hu) * inside, dtype=np.float64)

    def calcium_cover(self, s: Floats, u: Floats, v: Floats, soft_mm: float) -> tuple[Floats, Floats]:
        """Share and attenuation of calcium at each point; an open lumen is free of it."""
        cover, hu = np.zeros(len(s)), np.zeros(len(s))
        angle, depth = np.arctan2(v, u), np.hypot(u, v)
        for item in self.calcium:
            near = np.flatnonzero(np.abs(s - item.along_mm) < item.half_length_mm + 1)
            if len(near) == 0:
                continue
            radius = self.outer_radius(s[near], angle[near])
            gap = _calcium_distance(item, s[near], (angle[near], depth[near]), radius)
            share = np.clip(0.5 - gap / soft_mm, 0.0, 1.0)
            grain = 1 + 0.1 * np.sin(3.1 * s[near] + 5 * u[near] + item.angle_rad) * np.sin(4.3 * v[near] + item.hu)
            better = share > cover[near]
            cover[near] = np.where(better, share, cover[near])
            hu[near] = np.where(better, item.hu * grain, hu[near])
        if not self.occluded:
            cover *= np.clip(0.5 + (depth - self.lumen_radius(s)) / soft_mm, 0.0, 1.0)
        return cover, hu


def _rise(x: Floats, width: float) -> Floats:
    return np.asarray(np.clip(0.5 + x / (2 * width), 0.0, 1.0), dtype=np.float64)


def _calcium_distance(item: Calcium, s: Floats, polar: tuple[Floats, Floats], radius: Floats) -> Floats:
    """Rough distance in millimetres to the surface of a calcification, negative inside."""
    angle, depth = polar
    ds = s - item.along_mm
    if item.kind == "nodule":
        centre = 0.5 * (item.inner_share + item.outer_share) * radius
        half = 0.5 * (item.outer_share - item.inner_share) * radius
        gap = np.sqrt(depth**2 + centre**2 - 2 * depth * centre * np.cos(angle - item.angle_rad))
        size = np.sqrt((ds / item.half_length_mm) ** 2 + (gap / half) ** 2)
        return np.asarray((size - 1) * np.minimum(half, item.half_length_mm), dtype=np.float64)
    turn = np.abs(np.angle(np.exp(1j * (angle - item.angle_rad))))
    arc = (turn - item.half_arc_rad) * depth if item.half_arc_rad < 3.14 else np.full_like(depth, -9.0)
    sides = [
        np.abs(ds) - item.half_length_mm,
        arc,
        item.inner_share * radius - depth,
        depth - item.outer_share * radius,
    ]
    if item.inner_share <= 0:
        sides.pop(2)
    return np.asarray(np.maximum.reduce(sides), dtype=np.float64)


def _mixture(rank: Floats, mix: tuple[float, float, float], rng: np.random.Generator) -> Floats:
    """Attenuation at each rank of a mixture of three tissues."""
    weights = np.asarray(mix) / sum(mix)
    centres = np.array([46.0, 101.0, 157.0]) + rng.normal(0, 4, 3)
    grid = np.linspace(5.0, 215.0, 600)
    share = (weights * ndtr((grid[:, None] - centres) / np.array([17.0, 15.0, 15.0]))).sum(axis=1)
    return np.asarray(np.interp(rank, share, grid), dtype=np.float64)


def _plaque_texture(options: PhantomOptions, length_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    count = int(length_mm / _TEXTURE_MM) + 80
    side = int(2 * _HALF_MM / _TEXTURE_MM) + 1
    white = rng.standard_normal((count, side, side))
    sizes = np.array([rng.uniform(2.0, 5.0), rng.uniform(0.7, 1.2), rng.uniform(0.7, 1.2)]) / _TEXTURE_MM
    fine = gaussian_filter(white, 0.35 * sizes, mode="wrap")
    field = gaussian_filter(white, sizes, mode="wrap")
    field = field / field.std() + 0.35 * fine / fine.std()
    across = (np.arange(side) - side // 2) * _TEXTURE_MM
    depth = np.hypot(*np.meshgrid(across, across, indexing="ij"))
    angle = rng.uniform(0, 2 * np.pi)
    side_bias = np.cos(angle) * across[:, None] + np.sin(angle) * across[None, :]
    field = field + 0.55 * (depth - 1.0) + 0.3 * side_bias
    core = depth < 1.8
    centre, spread = field[:, core].mean(), field[:, core].std()
    mix = options.plaque_mix or (0.2, 0.4, 0.4)
    return _mixture(ndtr((field - centre) / spread), mix, rng).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Deposits:
    """Draws calcifications inside one lesion."""

    place: Placement
    radius_mm: float
    scale: float
    rng: np.random.Generator

    def _hu(self, low: float, high: float) -> float:
        return float(np.clip(self.rng.uniform(low, high) * self.scale, 500, 1400))

    def nodule(self, low_mm: float, high_mm: float, along_mm: float | None = None) -> Calcium:
        """An ellipsoid of half-width between two bounds, somewhere in the lesion or at a given arc length."""
        rng, length = self.rng, self.place.end_mm - self.place.start_mm
        half = float(rng.uniform(low_mm, high_mm))
        share = min(2 * half / self.radius_mm, 1.9)
        outer = 0.98 if share > 0.98 else float(rng.uniform(max(share, 0.75), 0.98))
        drawn = self.place.start_mm + float(rng.uniform(0.12, 0.88)) * length
        along = drawn if along_mm is None else along_mm
        angle, stretch = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.9, 1.8))
        return Calcium("nodule", along, half * stretch, angle, 0.0, outer - share, outer, self._hu(620, 1100))

    def plate(self) -> Calcium:
        """A sheet that hugs the outer wall over part of the circumference."""
        rng = self.rng
        inner = max(0.97 - float(rng.uniform(0.45, 0.95)) / self.radius_mm, 0.2)
        return self._sector((inner, 0.97), np.deg2rad(float(rng.uniform(70, 220))), float(rng.uniform(3, 12)))

    def filling(self) -> Calcium:
        """Calcium across the whole cross-section."""
        return self._sector((0.0, 0.97), 2 * np.pi, float(self.rng.uniform(3, 8)))

    def _sector(self, band: tuple[float, float], arc_rad: float, length_mm: float) -> Calcium:
        rng, length = self.rng, self.place.end_mm - self.place.start_mm
        half = min(0.5 * length_mm, 0.4 * length)
        along = self.place.start_mm + half + 0.6 + float(rng.uniform(0, 1)) * max(length - 2 * half - 1.2, 0.0)
        kind, angle = "plate" if band[0] > 0 else "fill", float(rng.uniform(-np.pi, np.pi))
        return Calcium(kind, along, half, angle, float(arc_rad) / 2, band[0], band[1], self._hu(700, 1250))


def _calcifications(
    options: PhantomOptions, place: Placement, radius: float, rng: np.random.Generator
) -> list[Calcium]:
    kind = str(options.calcium)
    if kind == "none":
        return []
    make = _Deposits(place, radius, CALCIUM_SCALE[int(options.kvp or 120)], rng)
    small = [make.nodule(0.25, 0.5) for _ in range(int(rng.integers(1, 4)))]
    large = [make.nodule(0.45, min(1.3, 0.7 * radius)) for _ in range(int(rng.integers(2, 6)))]
    plates = [make.plate() for _ in range(int(rng.integers(1, 3)))]
    filling = make.filling()
    chosen = {"spots": small, "nodules": large, "plate": [*small, *plates], "whole_lumen": [filling, *large]}[kind]
    if options.occlusion and options.proximal_cap == "ambiguous" and not options.side_branch_at_cap:
        chosen.append(make.nodule(0.45 * radius, 0.65 * radius, place.start_mm + 0.2))
    if options.occlusion and options.distal_cap == "ambiguous":
        chosen.append(make.nodule(0.45 * radius, 0.65 * radius, place.end_mm - 0.2))
    return chosen


def _drawn_caps(options: PhantomOptions, rng: np.random.Generator) -> tuple[Cap, Cap]:
    limit = 0.5 * float(options.occlusion_length_mm or 10.0) + 3.0

    def one(shape: str) -> Cap:
        spans = {"blunt": (0.5, 1.0), "tapered": (3.0, 8.0), "ambiguous": (0.8, 1.8)}
        return Cap(shape, min(float(rng.uniform(*spans[shape])), limit), float(rng.uniform(0.8, 1.15)))

    bare = (options.distal_cap, options.calcium) == ("ambiguous", "none")  # nothing would hide it
    return one(str(options.proximal_cap)), one("blunt" if bare else str(options.distal_cap))


def _lumen_hu(options: PhantomOptions, arc: Floats, place: Placement, rng: np.random.Generator) -> Floats:
    """Attenuation of the lumen along the vessel: it falls with distance, and is weaker beyond an occlusion."""
    first, drop = float(options.lumen_hu or 350.0), float(options.lumen_drop_hu_per_mm or 0.0)
    drop = min(drop, 0.35 * first / float(arc[-1]))
    level = first - drop * arc
    if not options.occlusion:
        return np.asarray(level, dtype=np.float64)
    share = {"good": rng.uniform(0.82, 0.98), "weak": rng.uniform(0.5, 0.66), "none": 0.0}[str(options.distal_filling)]
    distal = level * share + rng.uniform(-0.4, 0.6) * (arc - place.end_mm) * (drop > 0)
    distal = np.maximum(distal, 235.0 if options.distal_filling == "good" else 185.0)
    if options.distal_filling == "none":
        distal = np.full_like(arc, rng.uniform(38, 58))
    return np.where(arc < 0.5 * (place.start_mm + place.end_mm), level, distal)


def build_lesion(options: PhantomOptions, target: Artery, place: Placement, rng: np.random.Generator) -> Lesion:
    """Fill the target artery with what the options ask for."""
    arc, reference = target.arc_mm, target.lumen_mm
    caps = _drawn_caps(options, rng)
    before, after = caps[0].opening(place.start_mm - arc), caps[1].opening(arc - place.end_mm)
    share = np.where(arc < 0.5 * (place.start_mm + place.end_mm), before, after)
    narrowing = 0.0 if options.occlusion else 1 - float(options.stenosis_percent or 0.0) / 100
    if not options.occlusion:
        share = narrowing + (1 - narrowing) * share
    grown = np.sqrt(float(options.remodelling or 1.0))
    within = _rise(arc - place.start_mm + 0.5, 1.5) * _rise(place.end_mm + 0.5 - arc, 1.5)
    if not options.occlusion and narrowing > 0.99:
        within = np.zeros_like(arc)
    outer = (reference + target.wall_mm) * (1 + (grown - 1) * within)
    outer = outer * (1 + 0.02 * smooth_noise(len(arc), 5.0 / STEP_MM, rng) * within)
    oval = np.array([rng.uniform(0.01, 0.07), rng.uniform(0, np.pi), rng.uniform(0.0, 0.03), rng.uniform(0, np.pi)])
    lumen = np.minimum(reference * share, outer - 0.25)
    level = _lumen_hu(options, arc, place, rng)
    brightest = min(180.0, 0.82 * min(np.interp([place.start_mm, place.end_mm], arc, level)))
    if options.distal_filling == "none":
        brightest = 180.0
    radius = float(np.interp(0.5 * (place.start_mm + place.end_mm), arc, outer))
    return Lesion(
        place=place,
        occluded=options.occlusion,
        narrowing=narrowing,
        caps=caps,
        arc_mm=arc,
        lumen_mm=np.where(share <= 0, 0.0, lumen),
        outer_mm=outer,
        lumen_hu=level,
        wall_hu=float(rng.uniform(42, 78)),
        oval=oval,
        plaque=np.minimum(_plaque_texture(options, place.end_mm - place.start_mm, rng), np.float32(brightest)),
        calcium=tuple(_calcifications(options, place, radius, rng)),
    )
