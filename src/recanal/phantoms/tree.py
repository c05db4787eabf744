"""The arteries around one lesion, and how an artery is drawn over the heart.

Courses and calibres come from :mod:`recanal.phantoms.courses`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from recanal.phantoms.courses import Anatomy, Course, anatomy_of
from recanal.phantoms.geometry import Floats, arc_lengths, resample, smooth_noise, smoothed, spline_through, unit
from recanal.phantoms.heart import Heart
from recanal.phantoms.options import PhantomOptions
from recanal.phantoms.shapes import level_and_normal, normal_of

__all__ = [
    "STEP_MM",
    "Artery",
    "Placement",
    "branch_from",
    "build_arteries",
    "cap_branch",
    "kept_apart",
    "main_arteries",
    "on_heart",
    "pushed_out",
]

STEP_MM = 0.25


@dataclass(frozen=True, eq=False)
class Artery:
    """One artery before any disease.

    Parameters
    ----------
    points_mm
        (n, 3) axis, every ``STEP_MM``.
    lumen_mm
        (n,) lumen radius.
    wall_mm
        Thickness of the healthy wall.
    parent, start_mm
        Name of the artery it leaves and the arc length there; empty and 0 for the three main arteries.
    side
        Of a side branch: +1 or -1 over the surface, 0 into the septum.
    """

    name: str
    points_mm: Floats
    lumen_mm: Floats
    wall_mm: float
    parent: str = ""
    start_mm: float = 0.0
    side: float = 0.0

    @property
    def arc_mm(self) -> Floats:
        """(n,) arc length."""
        return arc_lengths(self.points_mm)


@dataclass(frozen=True)
class Placement:
    """Where the lesion lies on the target artery (designed arc lengths from the ostium)."""

    vessel: str
    start_mm: float
    end_mm: float


def _settle(heart: Heart, points: Floats, height_mm: float, free_mm: float) -> Floats:
    """Move a curve onto its height above the heart, leaving the first ``free_mm`` where it is."""
    along = arc_lengths(points)
    hold = np.clip((along - free_mm) / 10.0, 0.0, 1.0)[:, None]
    for _ in range(10):
        level, normal = level_and_normal(heart.epicardium, points)
        push = np.clip(normal * (height_mm - level)[:, None], -3.0, 3.0) * hold
        points = points + smoothed(push, 1.5 / STEP_MM)
    return resample(points, STEP_MM)


def _wiggled(heart: Heart, points: Floats, rng: np.random.Generator) -> Floats:
    normal = normal_of(heart.epicardium, points)
    side = unit(np.cross(unit(np.gradient(points, axis=0)), normal))
    fade = np.clip((arc_lengths(points) - 8.0) / 12.0, 0.0, 1.0)
    slow = rng.uniform(0.5, 1.6) * smooth_noise(len(points), 12.0 / STEP_MM, rng)
    fast = rng.uniform(0.1, 0.45) * smooth_noise(len(points), 5.0 / STEP_MM, rng)
    return np.asarray(points + side * ((slow + fast) * fade)[:, None], dtype=np.float64)


def on_heart(heart: Heart, course: Course, stem: list[Floats], rng: np.random.Generator) -> Floats:
    """A course over the surface of the heart that begins along the points of ``stem``."""
    jitter = rng.normal(0.0, [2.5, 1.2], (len(course), 2))
    jitter[0] *= 0.3
    groove = [heart.on_surface(t + dt, s + ds, 2.6) for (t, s), (dt, ds) in zip(course, jitter, strict=True)]
    points = spline_through(np.stack([*stem, *groove]), STEP_MM)
    return _settle(heart, _wiggled(heart, points, rng), float(rng.uniform(2.2, 3.6)), 14.0)


def _main_course(heart: Heart, course: Course, stem: list[Floats], rng: np.random.Generator) -> Floats:
    points = on_heart(heart, course, stem, rng)
    inside = np.flatnonzero(heart.solids["aorta"](points[: int(16 / STEP_MM)]) < -0.8)
    return points[inside[-1] :] if len(inside) else points


def _left_main(heart: Heart, rng: np.random.Generator) -> Floats:
    length = float(rng.uniform(0.0, 5.0))
    ends = [heart.place(-11, 12.5, -9.5), heart.place(-13.5, 16.5, -14.5), heart.place(-13.0, 21.0 + length, -17.5)]
    return np.stack(ends)


def _bent(heart: Heart, points: Floats, spot: tuple[float, float], angle_deg: float) -> Floats:
    """Add a bend of ``angle_deg`` at arc length ``spot[0]``, reaching ``spot[1]`` to either side."""
    if angle_deg < 1:
        return points
    along = arc_lengths(points) - spot[0]
    tent = np.maximum(spot[1] - np.abs(along), 0.0) * np.tan(np.deg2rad(angle_deg) / 2)
    normal = normal_of(heart.epicardium, points)
    side = unit(np.cross(unit(np.gradient(points, axis=0)), normal))
    middle = int(np.argmin(np.abs(along)))
    shift = smoothed(tent[:, None] * side[middle], 2.2 / STEP_MM)
    near = np.abs(along) < spot[1]
    ways = [points + shift, points - shift]
    free = [float(heart.obstacles(way[near]).min()) for way in ways]
    turn = unit(np.gradient(points, axis=0))[[middle - 20, middle + 20]]
    outward = 0 if float((turn[1] - turn[0]) @ side[middle]) < 0 else 1
    best = outward if free[outward] > 0 else int(np.argmax(free))
    return resample(ways[best], STEP_MM)


def pushed_out(heart: Heart, points: Floats, clearance_mm: float) -> Floats:
    """Keep a curve clear of the chambers and the great vessels beyond its first few millimetres."""
    hold = np.clip((arc_lengths(points) - 8.0) / 6.0, 0.0, 1.0)
    for _ in range(8):
        level, normal = level_and_normal(heart.obstacles, points)
        push = normal * (np.clip(clearance_mm - level, 0.0, 2.0) * hold)[:, None]
        points = points + smoothed(push, 1.5 / STEP_MM)
    first = np.clip((26.0 - arc_lengths(points)) / 10.0, 0.0, 1.0)[:, None]
    points = smoothed(points, 1.2 / STEP_MM) * (1 - first) + smoothed(points, 2.4 / STEP_MM) * first
    return resample(points, STEP_MM)


def kept_apart(artery: Artery, others: list[Artery], *, origin_mm: float = 8.0) -> Artery | None:
    """The artery as far as it keeps clear of others, its own origin excepted; None when too little is left."""
    outer = artery.lumen_mm + artery.wall_mm
    clash = np.zeros(len(outer), dtype=np.bool_)
    for other in others:
        gap, nearest = cKDTree(other.points_mm).query(artery.points_mm)
        reach = outer + (1.25 * other.lumen_mm + other.wall_mm)[nearest]
        related = artery.parent and artery.parent in (other.name, other.parent)
        start = int(origin_mm / STEP_MM) if related or not artery.parent else 0
        clash[start:] |= (gap < reach + 0.3)[start:]
    end = int(np.argmax(clash)) if clash.any() else len(clash)
    if end < 10.0 / STEP_MM:
        return None
    return replace(artery, points_mm=artery.points_mm[:end], lumen_mm=artery.lumen_mm[:end])


def _taper(name: str, along: Floats, anatomy: Anatomy, left_main_mm: float) -> Floats:
    first, last, length = anatomy.ends_mm[name]
    radius = (first + (last - first) * np.clip(along / length, 0.0, 1.15)) / 2
    if name != "RCA":
        share = 1 / (1 + np.exp((along - left_main_mm) / 0.8))
        radius = radius * (1 - share) + 0.5 * 4.5 * share
    return np.asarray(radius, dtype=np.float64)


def _branch_course(heart: Heart, parent: Artery, at_mm: float, side: float, rng: np.random.Generator) -> Floats:
    """A walk over the surface (or into the septum when ``side`` is 0) away from the parent."""
    i = int(np.argmin(np.abs(parent.arc_mm - at_mm)))
    points = parent.points_mm
    tangent = unit(points[min(i + 4, len(points) - 1)] - points[max(i - 4, 0)])
    normal = normal_of(heart.epicardium, points[i : i + 1])[0]
    lateral = unit(np.cross(tangent, normal)) * (side if side else 1.0)
    lateral = -normal if side == 0 else lateral
    angle = np.deg2rad(rng.uniform(58, 82))
    heading = unit(np.cos(angle) * tangent + np.sin(angle) * lateral)
    length, here, path = rng.uniform(24, 48) if side else rng.uniform(12, 22), points[i], [points[i]]
    drift = rng.normal(0.004, 0.006)
    for _ in range(int(length)):
        here = here + heading
        if side:
            level, normals = level_and_normal(heart.epicardium, here[None])
            up = normals[0]
            heading = unit(heading - (heading @ up) * up)
            miss = 1.8 - float(level[0])
            here = here + up * np.clip(miss, -0.35, 0.35) if len(path) > 3 else here
            heading = unit(heading + (drift + rng.normal(0, 0.03)) * np.cross(up, heading) + 0.02 * tangent)
        path.append(here)
    return resample(smoothed(resample(np.stack(path), STEP_MM), 1.0 / STEP_MM), STEP_MM)


def branch_from(
    heart: Heart, parent: Artery, spot: tuple[str, float, float], lumen_mm: float, rng: np.random.Generator
) -> Artery:
    """A side branch: its name, the arc length of its origin and its side, and its lumen radius there."""
    name, at_mm, side = spot
    points = _branch_course(heart, parent, at_mm, side, rng)
    share = np.linspace(0.0, 1.0, len(points))
    return Artery(name, points, lumen_mm * (1 - 0.45 * share), float(rng.uniform(0.3, 0.4)), parent.name, at_mm, side)


def _placement(options: PhantomOptions, length_mm: float, left_main_mm: float, rng: np.random.Generator) -> Placement:
    extent = float(options.occlusion_length_mm or 0.0)
    first = 24.0 if options.vessel == "RCA" else left_main_mm + 16.0
    last = max(first, min(length_mm - extent - 32.0, first + 36.0))
    start = float(rng.uniform(first, last))
    return Placement(str(options.vessel), start, start + extent)


def main_arteries(
    heart: Heart, options: PhantomOptions, anatomy: Anatomy, rng: np.random.Generator
) -> tuple[dict[str, Artery], Placement, float]:
    """RCA, LAD and circumflex, each from the aorta on; where the lesion goes; and the length of the left main."""
    stem = _left_main(heart, rng)
    left_main_mm = float(arc_lengths(spline_through(stem, STEP_MM))[-1])
    walls, place, mains = rng.uniform(0.35, 0.6, 3), Placement(str(options.vessel), 0.0, 0.0), {}
    for k, name in enumerate(anatomy.courses):
        first = [heart.place(-8, 13.0, 9.5), heart.place(-9, 19.5, 18.0)] if name == "RCA" else list(stem)
        points = _main_course(heart, anatomy.courses[name], first, rng)
        if name == options.vessel:
            place = _placement(options, arc_lengths(points)[-1], left_main_mm, rng)
            reach = float(np.clip(0.5 * (place.end_mm - place.start_mm) + 4.0, 7.0, 11.0))
            middle = rng.uniform(0.4, 0.6) * (place.end_mm - place.start_mm) + place.start_mm
            points = _bent(heart, points, (float(middle), reach), float(options.bend_deg or 0.0))
        points = pushed_out(heart, points, 2.3)
        radius = _taper(name, arc_lengths(points), anatomy, left_main_mm)
        if name == options.vessel:
            here = float(np.interp(place.start_mm, arc_lengths(points), radius))
            radius = radius * (0.5 * float(options.reference_diameter_mm or 2 * here) / here)
        mains[name] = Artery(name, points, np.clip(radius, 0.6, 3.0), float(walls[k]))
    return mains, place, left_main_mm


def cap_branch(
    heart: Heart, options: PhantomOptions, target: Artery, place: Placement, rng: np.random.Generator
) -> Artery:
    """The side branch within 3 mm of the proximal cap."""
    share = rng.uniform(0.75, 0.95) if options.proximal_cap == "ambiguous" else rng.uniform(0.4, 0.65)
    lumen = max(0.55, share * float(np.interp(place.start_mm, target.arc_mm, target.lumen_mm)))
    at_mm = place.start_mm - float(rng.uniform(min(0.3 + lumen, 2.4), 2.7))
    first = float(rng.choice([-1, 1]))
    tries = [branch_from(heart, target, ("cap branch", at_mm, first * (-1) ** n), lumen, rng) for n in range(6)]
    free = [kept_apart(branch, [target]) for branch in tries]
    return max((branch for branch in free if branch), key=lambda b: len(b.points_mm), default=tries[0])


def build_arteries(
    heart: Heart, options: PhantomOptions, rng: np.random.Generator
) -> tuple[list[Artery], Placement, float]:
    """The target artery first, then those that keep clear of it; where the lesion goes; the length of the left main.

    Made for pictures of one lesion: far from the target an artery may be missing, with its side branches left. The
    complete tree is :func:`recanal.phantoms.whole_tree.build_whole_tree`.
    """
    anatomy = anatomy_of("right")
    mains, place, left_main_mm = main_arteries(heart, options, anatomy, rng)
    target = mains[place.vessel]
    tree: list[Artery] = [target]
    for name, artery in mains.items():
        if name == place.vessel:
            continue
        split = int(left_main_mm / STEP_MM) if name != "RCA" and place.vessel in ("LAD", "LCX") else 0
        main = replace(artery, points_mm=artery.points_mm[split:], lumen_mm=artery.lumen_mm[split:])
        tree.append(replace(main, parent=place.vessel, start_mm=left_main_mm) if split else main)
    for main in list(tree):
        for spot in anatomy.branches[main.name]:
            at_mm = spot[1] + float(rng.normal(0, 3)) - (left_main_mm if main.parent else 0.0)
            near = main is target and place.start_mm - 9 < at_mm < place.end_mm + 9
            lumen = float(np.interp(at_mm, main.arc_mm, main.lumen_mm)) * float(rng.uniform(0.4, 0.62))
            if not near and at_mm < main.arc_mm[-1] - 8:
                tree.append(branch_from(heart, main, (spot[0], at_mm, spot[2]), max(lumen, 0.5), rng))
    if options.side_branch_at_cap:
        tree.insert(1, cap_branch(heart, options, target, place, rng))
    kept = [target]
    for artery in tree[1:]:
        clear = kept_apart(artery, kept)
        kept += [clear] if clear is not None else []
    return kept, place, left_main_mm
