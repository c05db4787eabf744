"""The whole coronary tree: right, left or co-dominant, each artery joined to the one it leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recanal.phantoms.courses import RAMUS_COURSE, anatomy_of
from recanal.phantoms.geometry import Floats, arc_lengths, resample
from recanal.phantoms.heart import Heart
from recanal.phantoms.options import PhantomOptions
from recanal.phantoms.segments import turn_mm
from recanal.phantoms.tree import (
    STEP_MM,
    Artery,
    Placement,
    branch_from,
    cap_branch,
    kept_apart,
    main_arteries,
    on_heart,
    pushed_out,
)

__all__ = ["build_whole_tree"]

_JOIN_MM = 8.0
_FORK_MM = 12.0
_CLEAR_MM = 9.0
_LEAST_BRANCH_MM = 16.0
_NEEDED = ("d1", "om1", "pl", "l pl")
Spot = tuple[str, float, float]


def _joined(points: Floats, origin: Floats) -> Floats:
    """The curve moved so that it begins at a point, the shift fading over 8 mm."""
    fade = np.clip(1 - arc_lengths(points) / _JOIN_MM, 0.0, 1.0)[:, None] ** 2
    return np.asarray(points + (origin - points[0]) * fade * (3 - 2 * np.sqrt(fade)), dtype=np.float64)


def _split_off(child: Artery, trunk: Artery, stem_mm: float) -> Artery:
    """The part of an artery beyond the left main, as a branch of the one that carries the left main."""
    origin = trunk.points_mm[round(stem_mm / STEP_MM)]
    first = int(np.argmin(np.linalg.norm(child.points_mm[: int(30 / STEP_MM)] - origin, axis=1)))
    points = resample(_joined(child.points_mm[first:], origin), STEP_MM)
    lumen = np.interp(
        np.linspace(0, 1, len(points)), np.linspace(0, 1, len(child.points_mm) - first), child.lumen_mm[first:]
    )
    return replace(child, points_mm=points, lumen_mm=lumen, parent=trunk.name, start_mm=stem_mm)


def _stem_mm(mains: dict[str, Artery], left_main_mm: float) -> float:
    """Arc length at which LAD and circumflex part: where they are 2.5 mm from each other, within the left main."""
    lad, lcx = mains["LAD"].points_mm, mains["LCX"].points_mm
    count = int((left_main_mm + 4.0) / STEP_MM)
    gap = np.linalg.norm(lad[:count, None] - lcx[None, : count + 20], axis=2).min(axis=1)
    near = np.flatnonzero(gap < 2.5)
    return float(np.clip(near[-1] if len(near) else 0, int(7 / STEP_MM), count - 1) * STEP_MM)


def _ramus(heart: Heart, trunk: Artery, stem_mm: float, rng: np.random.Generator) -> Artery:
    origin = trunk.points_mm[round(stem_mm / STEP_MM)]
    before = trunk.points_mm[max(round((stem_mm - 5.0) / STEP_MM), 0)]
    points = pushed_out(heart, on_heart(heart, RAMUS_COURSE, [before, origin], rng), 2.3)
    first = int(np.argmin(np.linalg.norm(points[: int(20 / STEP_MM)] - origin, axis=1)))
    points = resample(_joined(points[first:], origin), STEP_MM)
    radius = np.linspace(rng.uniform(0.95, 1.3), rng.uniform(0.6, 0.75), len(points))
    return Artery("ramus", points, radius, float(rng.uniform(0.35, 0.5)), trunk.name, stem_mm, -1.0)


def _spots(heart: Heart, options: PhantomOptions, main: Artery, stem_mm: float) -> list[Spot]:
    """Where the side branches of a main artery are planned, in its own arc length, and towards which side.

    The apex lies on side +1 of the circumflex and on side -1 of the RCA until it turns, the left ventricle on side +1
    of what follows.
    """
    dominance = str(options.dominance)
    local = stem_mm if main.parent else 0.0
    apex = {"RCA": -1.0, "LCX": -1.0}.get(main.name, 1.0)
    plan = anatomy_of(dominance).branches[main.name]
    spots = [(name, at - local, apex * side) for name, at, side in plan if name != "pl"]
    if main.name == "RCA" and dominance == "right":
        spots.append(("pl", turn_mm(heart, main) + 4.0, 1.0))
    if main.name == "LCX" and dominance == "left":
        turn = turn_mm(heart, main)
        spots += [("l pl", turn - 5.0, 1.0), ("l pl 2", turn - 24.0, 1.0)]
    return spots


def _placed(at_mm: float, main: Artery, place: Placement | None, needed: bool) -> float | None:
    """Arc length for a branch clear of the lesion; None where an optional one would meet it."""
    last = float(main.arc_mm[-1]) - 12.0
    if place is not None and place.start_mm - _CLEAR_MM < at_mm < place.end_mm + _CLEAR_MM:
        if not needed:
            return None
        ways = [place.start_mm - _CLEAR_MM - 0.5, place.end_mm + _CLEAR_MM + 0.5]
        ways = [way for way in ways if 8.0 < way < last]
        at_mm = min(ways, key=lambda way: abs(way - at_mm), default=at_mm)
    return at_mm if at_mm < last or needed else None


def _grown(heart: Heart, main: Artery, spot: Spot, kept: list[Artery], rng: np.random.Generator) -> Artery | None:
    """A branch that keeps clear of all others; one that the names rest on is tried again until it is long enough."""
    needed = spot[0] in _NEEDED
    share = rng.uniform(0.52, 0.72) if needed else rng.uniform(0.4, 0.62)
    lumen = max(float(np.interp(spot[1], main.arc_mm, main.lumen_mm)) * float(share), 0.7 if needed else 0.5)
    best: Artery | None = None
    for _ in range(8 if needed else 1):
        clear = kept_apart(branch_from(heart, main, spot, lumen, rng), kept)
        if clear is not None and (best is None or len(clear.points_mm) > len(best.points_mm)):
            best = clear
        if best is not None and best.arc_mm[-1] >= _LEAST_BRANCH_MM:
            break
    return best


def _mains(heart: Heart, options: PhantomOptions, rng: np.random.Generator) -> tuple[list[Artery], Placement, float]:
    """Target first, then the other main arteries and the ramus; where the lesion goes; arc length of the left main."""
    drawn, place, left_main_mm = main_arteries(heart, options, anatomy_of(str(options.dominance)), rng)
    stem_mm = _stem_mm(drawn, left_main_mm)
    names = ("LCX", "LAD") if place.vessel == "LCX" else ("LAD", "LCX")
    trunk = drawn[names[0]]
    tree = {"RCA": drawn["RCA"], trunk.name: trunk, names[1]: _split_off(drawn[names[1]], trunk, stem_mm)}
    kept = [tree.pop(place.vessel)]
    for artery in tree.values():
        clear = kept_apart(artery, kept, origin_mm=_FORK_MM)
        kept += [clear] if clear is not None else []
    if options.ramus:
        ramus = kept_apart(_ramus(heart, trunk, stem_mm, rng), kept, origin_mm=_FORK_MM)
        kept += [ramus] if ramus is not None else []
    return kept, place, stem_mm


def build_whole_tree(
    heart: Heart, options: PhantomOptions, rng: np.random.Generator
) -> tuple[list[Artery], Placement, float]:
    """The target artery first, then all the others; where the lesion goes; and the arc length of the left main.

    The circumflex leaves the LAD (or the LAD the circumflex, when that is the target) at the end of the left main. A
    first diagonal, a first marginal and, where the dominance has them, posterolateral branches are always tried for;
    a branch stays 9 mm away from the lesion unless it is the branch at the cap.
    """
    kept, place, stem_mm = _mains(heart, options, rng)
    target = kept[0]
    if options.side_branch_at_cap:
        branch = kept_apart(cap_branch(heart, options, target, place, rng), kept)
        kept += [branch] if branch is not None else []
    mains = [artery for artery in kept if artery.name in ("RCA", "LAD", "LCX")]
    wanted = [(main, spot) for main in mains for spot in _spots(heart, options, main, stem_mm)]
    for main, (name, at, side) in sorted(wanted, key=lambda item: item[1][0] not in _NEEDED):
        free_mm = _placed(at + float(rng.normal(0, 2)), main, place if main is target else None, name in _NEEDED)
        if free_mm is not None:
            branch = _grown(heart, main, (name, free_mm, side), kept, rng)
            kept += [branch] if branch is not None else []
    return kept, place, stem_mm
