"""Cardiac veins that keep an artery company without ever touching one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from recanal.phantoms.geometry import Floats, arc_lengths, resample, smooth_noise, smoothed, unit
from recanal.phantoms.heart import Heart
from recanal.phantoms.lesion import Lesion
from recanal.phantoms.shapes import level_and_normal, normal_of
from recanal.phantoms.tree import STEP_MM, Artery

__all__ = ["Vein", "build_veins"]

_GAP_MM = 0.35


@dataclass(frozen=True, eq=False)
class Vein:
    """A vein: its axis every 0.25 mm, its radius and its attenuation."""

    name: str
    points_mm: Floats
    radius_mm: Floats
    hu: float


class _Crowd:
    """All arteries at once, to ask how far the nearest wall is."""

    def __init__(self, arteries: list[Artery], outer_mm: Floats) -> None:
        outer = [outer_mm, *(artery.lumen_mm + artery.wall_mm for artery in arteries[1:])]
        self._walls = [(cKDTree(a.points_mm), a.points_mm, r) for a, r in zip(arteries, outer, strict=True)]

    def gap(self, points: Floats, radius: Floats) -> tuple[Floats, Floats]:
        """Free space between a vein and the nearest artery, and the direction away from it."""
        best, away = np.full(len(points), np.inf), np.zeros_like(points)
        for tree, line, outer in self._walls:
            distance, nearest = tree.query(points)
            free = distance - outer[nearest] - radius
            closer = free < best
            best = np.where(closer, free, best)
            away[closer] = unit(points[closer] - line[nearest[closer]])
        return best, away


def _longest_run(free: Floats) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (free >= _GAP_MM).astype(int), [0]])))
    if len(edges) == 0:
        return 0, 0
    runs = edges.reshape(-1, 2)
    first, last = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return int(first), int(last)


def _clear(heart: Heart, crowd: _Crowd, points: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """Push a vein off the arteries and out of the myocardium, then keep the longest stretch that is free."""
    for _ in range(30):
        free, away = crowd.gap(points, radius)
        level, normal = level_and_normal(heart.epicardium, points)
        push = away * np.clip(_GAP_MM + 0.25 - free, 0.0, 1.0)[:, None]
        sunk = np.clip(0.7 * radius - level, 0.0, 0.6)[:, None]
        push = push + normal * (0.5 * np.clip(_GAP_MM + 0.25 - free, 0.0, 1.0)[:, None] + 0.6 * sunk)
        points = points + smoothed(push, 1.0 / STEP_MM)
    share = np.linspace(0.0, 1.0, len(points))
    points = resample(smoothed(points, 0.8 / STEP_MM), STEP_MM)
    radius = np.interp(np.linspace(0.0, 1.0, len(points)), share, radius)
    first, last = _longest_run(crowd.gap(points, radius)[0])
    return points[first:last], radius[first:last]


def _beside(
    heart: Heart, artery: Artery, span: tuple[float, float], size: tuple[float, float], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """A curve at 3-7 mm beside a stretch of artery."""
    arc = artery.arc_mm
    keep = (arc >= span[0]) & (arc <= span[1])
    points, outer = artery.points_mm[keep], (artery.lumen_mm * 1.2 + artery.wall_mm)[keep]
    radius = np.linspace(size[0], size[1], len(points)) / 2
    normal = normal_of(heart.epicardium, points)
    side = unit(np.cross(unit(np.gradient(points, axis=0)), normal))
    offset = rng.uniform(3.4, 5.6) + 0.8 * smooth_noise(len(points), 12.0 / STEP_MM, rng)
    offset = np.clip(np.maximum(offset, outer + radius + 0.6), 3.0, 7.0)
    return points + float(rng.choice([-1, 1])) * side * offset[:, None], radius


def build_veins(heart: Heart, arteries: list[Artery], lesion: Lesion, rng: np.random.Generator) -> list[Vein]:
    """Veins beside the target lesion and beside the other main arteries, none of which meets an artery."""
    place, veins = lesion.place, []
    crowd = _Crowd(arteries, lesion.outer_mm * (1 + float(lesion.oval[0] + lesion.oval[2])))
    hu = float(rng.uniform(120, 280))
    for artery in arteries:
        if artery.name not in ("RCA", "LAD", "LCX"):
            continue
        length = float(artery.arc_mm[-1])
        span = (24.0, length - 4.0)
        if artery is arteries[0]:
            span = (max(16.0, place.start_mm - rng.uniform(12, 40)), min(length, place.end_mm + rng.uniform(15, 45)))
        size = (float(rng.uniform(2.2, 4.0)), float(rng.uniform(1.5, 2.2)))
        points, radius = _beside(heart, artery, span, size, rng)
        points, radius = _clear(heart, crowd, points, radius)
        if len(points) > 8 / STEP_MM:
            veins.append(
                Vein(f"vein beside {artery.name}", points, radius, float(np.clip(hu + rng.normal(0, 12), 120, 280)))
            )
    angles = np.linspace(-135, -178, 12)
    sinus = np.stack([heart.on_surface(float(a), -9.0, 1.0) for a in angles])
    points = resample(sinus, STEP_MM)
    radius = np.interp(arc_lengths(points), [0, arc_lengths(points)[-1]], [2.6, 4.2])
    points, radius = _clear(heart, crowd, points, radius)
    if len(points) > 8 / STEP_MM:
        veins.append(Vein("coronary sinus", points, radius, hu))
    return veins
