"""A collateral connection: a thin winding vessel from an open artery to the one beyond the occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from recanal.phantoms.geometry import Floats, arc_lengths, resample, smooth_noise, smoothed, unit
from recanal.phantoms.heart import Heart
from recanal.phantoms.lesion import Lesion
from recanal.phantoms.shapes import Solid, level_and_normal, normal_of
from recanal.phantoms.tree import STEP_MM, Artery
from recanal.phantoms.veins import Vein

__all__ = ["Connection", "build_connection"]

_CHORD_MM = {"epicardial": (14.0, 55.0), "septal": (22.0, 75.0)}
_TRIES = 120
_END_MM = 6.0
_FREE_MM = 0.4
_DEEP_MM = 2.0
_SEPTUM_MM = 9.0
_HOLLOW = ("lv", "rv", "la", "ra", "pulmonary", "aorta")


@dataclass(frozen=True, eq=False)
class Connection:
    """A collateral connection from a donor artery to the occluded one, its axis every 0.25 mm.

    Parameters
    ----------
    kind
        ``"septal"`` or ``"epicardial"``.
    donor, recipient
        Names of the arteries at its two ends.
    points_mm
        (n, 3) from the axis of the donor to that of the recipient.
    radius_mm
        (n,) lumen radius.
    hu
        Attenuation of its blood.
    """

    kind: str
    donor: str
    recipient: str
    points_mm: Floats
    radius_mm: Floats
    hu: float


def _descends(artery: Artery, name: str, known: dict[str, Artery]) -> bool:
    while artery.name != name and artery.parent in known:
        artery = known[artery.parent]
    return name in (artery.name, artery.parent)


def _beyond(arteries: list[Artery], lesion: Lesion) -> list[tuple[Artery, Floats]]:
    """The arteries beyond the occlusion, each from where blood can have come back to it."""
    target, end = arteries[0], lesion.place.end_mm
    found = [(target, target.points_mm[target.arc_mm > end + 12.0])]
    found += [(a, a.points_mm[a.arc_mm > 6.0]) for a in arteries[1:] if a.parent == target.name and a.start_mm > end]
    return [(artery, points) for artery, points in found if len(points) > 2.0 / STEP_MM]


def _open(arteries: list[Artery]) -> list[tuple[Artery, Floats]]:
    """The arteries that do not hang on the occluded one."""
    known = {artery.name: artery for artery in arteries}
    free = [a for a in arteries[1:] if not _descends(a, arteries[0].name, known)]
    found = [(a, a.points_mm[a.arc_mm > 20.0]) for a in free]
    return [(artery, points) for artery, points in found if len(points) > 2.0 / STEP_MM]


def _wound(surface: Solid, points: Floats, kind: str, rng: np.random.Generator) -> Floats:
    """A curve with the windings of a collateral, still at both ends."""
    fade = np.clip(np.minimum(arc_lengths(points), arc_lengths(points)[::-1]) / 5.0, 0.0, 1.0)[:, None]
    normal = normal_of(surface, points)
    side = unit(np.cross(unit(np.gradient(points, axis=0)), normal))
    size = float(rng.uniform(0.6, 2.0) if kind == "epicardial" else rng.uniform(0.3, 1.0))
    return np.asarray(points + fade * side * (size * smooth_noise(len(points), 3.0 / STEP_MM, rng))[:, None])


def _over(heart: Heart, ends: Floats, rng: np.random.Generator) -> Floats:
    """A course in the fat over the heart."""
    points = resample(np.linspace(ends[0], ends[1], 40), STEP_MM)
    height = float(rng.uniform(1.4, 2.6))
    for turn in range(14):
        fade = np.clip(np.minimum(arc_lengths(points), arc_lengths(points)[::-1]) / 3.0, 0.0, 1.0)[:, None]
        level, normal = level_and_normal(heart.epicardium, points)
        points = points + smoothed(np.clip(normal * (height - level)[:, None], -3.0, 3.0) * fade, 1.5 / STEP_MM)
        points = resample(points, STEP_MM)
        if turn == 6:
            points = _wound(heart.epicardium, points, "epicardial", rng)
    return points


def _through(heart: Heart, ends: Floats, rng: np.random.Generator) -> Floats:
    """A course through the muscle between the ventricles."""

    def cavities(p: Floats) -> Floats:
        return np.asarray(np.minimum(heart.solids["lv"](p), heart.solids["rv"](p)))

    points = _wound(heart.solids["lv"], resample(np.linspace(ends[0], ends[1], 40), STEP_MM), "septal", rng)
    for _ in range(14):
        fade = np.clip(np.minimum(arc_lengths(points), arc_lengths(points)[::-1]) / 4.0, 0.0, 1.0)[:, None]
        level, normal = level_and_normal(cavities, points)
        push = normal * np.clip(_DEEP_MM + 0.5 - level, 0.0, 2.0)[:, None] * fade
        points = resample(points + smoothed(push, 1.5 / STEP_MM), STEP_MM)
    return points


def _fits(heart: Heart, connection: Connection, arteries: list[Artery], veins: list[Vein]) -> bool:
    """Whether a connection keeps clear of every other vessel, and runs where its kind does."""
    points, along = connection.points_mm, arc_lengths(connection.points_mm)
    inner = (along > _END_MM) & (along < along[-1] - _END_MM)
    if inner.sum() < 6.0 / STEP_MM:
        return False
    walls = [(a.points_mm, a.lumen_mm * 1.25 + a.wall_mm) for a in arteries]
    walls += [(vein.points_mm, vein.radius_mm) for vein in veins]
    for line, reach in walls:
        gap, nearest = cKDTree(line).query(points[inner])
        if (gap < reach[nearest] + connection.radius_mm[inner] + _FREE_MM).any():
            return False
    depth = heart.epicardium(points[inner])
    if connection.kind == "epicardial":
        return bool(depth.min() > 0.4 and heart.obstacles(points[inner]).min() > 0.3)
    cavity = np.min([heart.solids[name](points[inner]) for name in _HOLLOW], axis=0)
    muscle = np.minimum(heart.solids["lv_outer"](points[inner]), heart.solids["rv_outer"](points[inner]))
    middle = points[len(points) // 2][None]
    between = max(float(heart.solids[name](middle)[0]) for name in ("lv", "rv")) < _SEPTUM_MM
    return bool(between and cavity.min() > 1.0 and (muscle < -1.0).mean() > 0.7)


def build_connection(
    heart: Heart,
    vessels: tuple[list[Artery], list[Vein]],
    lesion: Lesion,
    *,
    kind: str,
    diameter_mm: float,
    rng: np.random.Generator,
) -> Connection | None:
    """A connection of one kind; None where no course between the arteries is free.

    Parameters
    ----------
    heart, vessels, lesion
        The anatomy: arteries, of which the first carries the lesion, and veins.
    kind
        ``"septal"`` or ``"epicardial"``.
    diameter_mm
        Of its lumen.
    rng
        Where it begins, ends and winds.
    """
    arteries, veins = vessels
    givers, takers = _open(arteries), _beyond(arteries, lesion)
    if not givers or not takers:
        return None
    low, high = _CHORD_MM[kind]
    hu = float(np.interp(lesion.place.end_mm + 5.0, lesion.arc_mm, lesion.lumen_hu)) * float(rng.uniform(0.85, 1.05))
    for _ in range(_TRIES):
        donor, first = givers[int(rng.integers(len(givers)))]
        taker, last = takers[int(rng.integers(len(takers)))]
        start = first[int(rng.integers(len(first)))]
        chord = np.linalg.norm(last - start, axis=1)
        near = np.flatnonzero((chord > low) & (chord < high))
        if not len(near):
            continue
        ends = np.stack([start, last[int(rng.choice(near))]])
        points = (_over if kind == "epicardial" else _through)(heart, ends, rng)
        radius = 0.5 * diameter_mm * (1 + 0.06 * smooth_noise(len(points), 6.0 / STEP_MM, rng))
        found = Connection(kind, donor.name, taker.name, points, radius, hu)
        if _fits(heart, found, arteries, veins):
            return found
    return None
