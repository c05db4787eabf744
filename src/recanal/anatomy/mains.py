"""The main coronary arteries, by where vessels run over the heart, and the dominance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.anatomy.branches import Branch
from recanal.anatomy.chamber import Heart
from recanal.anatomy.paths import Path, paths_of

__all__ = [
    "Mains",
    "Offshoot",
    "Places",
    "crux_mm",
    "find_mains",
    "levelled",
    "offshoots",
    "places_of",
    "posterolateral",
]

Floats = NDArray[np.float64]
POSTERIOR_DEG = 155.0
ANTERIOR = ((10.0, 70.0), (15.0, 42.0))
SPREAD_DEG = 22.0
GROOVE_MM = (-10.0, 28.0)
APEXWARD_SHARE = 0.35
LEAST_NAMED_MM, LEAST_LATERAL_MM = 5.0, 9.0
LEAST_PDA_MM = 12.0
TURN_MM, TURN_SHARE = 12.0, 0.7
PARTED_MM, BESIDE_MM, JOINED_MM, COMMON_MM = 2.5, 4.0, 3.0, 5.0
LEFT_OF_PDA_DEG = 9.0
BEFORE_CRUX_MM = 16.0
UNSEEN_CONFIDENCE = 0.4
SHARED_WALL_DEG = 45.0
SMALL_SHARE = 0.72
WIDTH_MM = (20.0, 60.0)
MOST_SHIFT_MM = 6.0


@dataclass(frozen=True, eq=False)
class Places:
    """Points as seen from the left ventricle.

    Parameters
    ----------
    along_mm
        (n,) distance from the level of the aortic root towards the apex.
    angle_deg
        (n,) angle around the long axis: 0 superior, 90 to the right, -90 to the left.
    depth_mm
        (n,) distance from the long axis.
    """

    along_mm: Floats
    angle_deg: Floats
    depth_mm: Floats


@dataclass(frozen=True)
class Offshoot:
    """A vessel that leaves a path at ``at_mm``: the part of a branch from ``start_mm`` on."""

    branch: int
    start_mm: float
    at_mm: float


@dataclass(frozen=True, eq=False)
class Mains:
    """The paths of the main arteries, each None where it was not found.

    Parameters
    ----------
    fork_mm
        Length of the left main.
    dominance
        ``"right"``, ``"left"``, ``"co"``, or None when it cannot be told.
    dominance_confidence
        0 to 1.
    """

    rca: Path | None
    lad: Path | None
    lcx: Path | None
    fork_mm: float
    dominance: str | None
    dominance_confidence: float = 0.0


def places_of(heart: Heart, points_mm: Floats) -> Places:
    """Where points (n, 3) lie relative to the left ventricle."""
    up = np.array([0.0, 0.0, 1.0]) - heart.apex[2] * heart.apex
    up /= np.linalg.norm(up)
    right = np.cross(heart.apex, up)
    away = points_mm - heart.ventricle_mm
    high, wide = away @ up, away @ right
    along = (points_mm - heart.root_mm) @ heart.apex
    return Places(along, np.rad2deg(np.arctan2(wide, high)), np.hypot(high, wide))


def levelled(heart: Heart, branches: list[Branch]) -> Heart:
    """The heart with its root at the level of the coronary origin that lies nearest to it along the long axis."""
    starts = [branch.line.points_mm[0] for branch in branches if branch.parent < 0]
    if not starts:
        return heart
    along = places_of(heart, np.stack(starts)).along_mm
    shift = float(along[np.argmin(np.abs(along))])
    return heart if abs(shift) < MOST_SHIFT_MM else replace(heart, root_mm=heart.root_mm + shift * heart.apex)


def offshoots(path: Path, branches: list[Branch]) -> list[Offshoot]:
    """What leaves a path, proximal first.

    Branches; the rest of each branch that the path itself leaves; and branches of these that begin within 5 mm of their
    origin, or within 3 mm of the path. One that runs beside the path at first leaves it where it parts by 2.5 mm.
    """
    own = {link.branch for link in path.links}
    queue = [Offshoot(k, 0.0, at_mm) for k, at_mm in path.leaving(branches)]
    queue += [
        Offshoot(link.branch, link.end_mm, link.offset_mm + link.end_mm)
        for link in path.links[:-1]
        if branches[link.branch].line.length_mm - link.end_mm > 1.0
    ]
    tree, found = cKDTree(path.points_mm), []
    while queue:
        shoot = queue.pop()
        line = branches[shoot.branch].line
        gap, place = tree.query(line.points_mm[line.arc_mm >= shoot.start_mm])
        last = int(np.argmax(gap > PARTED_MM)) if (gap > PARTED_MM).any() else len(gap) - 1
        parts_mm = float(path.arc_mm[place[last]])
        found.append(replace(shoot, at_mm=parts_mm if parts_mm > shoot.at_mm + BESIDE_MM else shoot.at_mm))
        for k, branch in enumerate(branches):
            if k not in own and branch.parent == shoot.branch and branch.parent_mm >= shoot.start_mm:
                away, near = tree.query(line.at([branch.parent_mm])[0])
                if away < JOINED_MM or branch.parent_mm - shoot.start_mm < COMMON_MM:
                    queue.append(Offshoot(k, 0.0, max(shoot.at_mm, float(path.arc_mm[near]))))
    return sorted(found, key=lambda item: item.at_mm)


def _turned_deg(angle: Floats, middle: float | Floats) -> Floats:
    """Angles from another, between -180 and 180 degrees."""
    return np.asarray((angle - middle + 180.0) % 360.0 - 180.0)


def _best(paths: list[Path], score: list[float], least: float) -> Path | None:
    if not paths or max(score) < least:
        return None
    return paths[int(np.argmax(score))]


def _down_mm(path: Path, heart: Heart, *, anterior: bool = False) -> float:
    """How far a path runs towards the apex along the posterior, or the anterior, interventricular groove."""
    at = places_of(heart, path.points_mm)
    groove_deg = np.interp(at.along_mm, *ANTERIOR) if anterior else POSTERIOR_DEG
    near = np.exp(-((_turned_deg(at.angle_deg, groove_deg) / SPREAD_DEG) ** 2)) * (at.along_mm > 6.0)
    return float(near[1:] @ np.diff(at.along_mm))


def _around_mm(path: Path, heart: Heart, *, towards: int) -> float:
    """How far a path runs around the heart in the atrioventricular groove: to the right (+1) or to the left (-1).

    What it runs towards the apex meanwhile counts against it: the groove does not, branches over the ventricles do.
    """
    at = places_of(heart, path.points_mm)
    angle = (towards * at.angle_deg + 30.0) % 360.0 - 30.0
    last = POSTERIOR_DEG if towards > 0 else 360.0 - POSTERIOR_DEG
    groove = (at.along_mm > GROOVE_MM[0]) & (at.along_mm < GROOVE_MM[1]) & (angle > 35.0) & (angle < last)
    around = np.deg2rad(np.diff(np.unwrap(angle, period=360.0))) * at.depth_mm[1:]
    return float(groove[1:] @ (around - APEXWARD_SHARE * np.maximum(np.diff(at.along_mm), 0.0)))


def find_mains(branches: list[Branch], heart: Heart) -> Mains:
    """The right coronary artery, the left anterior descending and the circumflex, and the dominance."""
    paths = paths_of(branches)
    right = [path for path in paths if branches[path.links[0].branch].side == "right"]
    left = [path for path in paths if branches[path.links[0].branch].side == "left"]
    rca = _best(right, [_around_mm(p, heart, towards=1) + _down_mm(p, heart) for p in right], 20.0)
    lad = _best(left, [_down_mm(path, heart, anterior=True) for path in left], 10.0)
    rest = [path for path in left if lad is None or path.length_mm - lad.shared_mm(path) > 8.0]
    round_mm = [_around_mm(path, heart, towards=-1) for path in rest]
    score = [mm + _down_mm(path, heart) if mm > 8.0 else 0.0 for mm, path in zip(round_mm, rest, strict=True)]
    lcx = _best(rest, score, 10.0)
    fork = lad.shared_mm(lcx) if lad is not None and lcx is not None else 0.0
    dominance, confidence = _dominance(branches, heart, (rca, lcx))
    return Mains(rca, lad, lcx, fork, dominance, confidence)


def _tail_deg(path: Path | None, heart: Heart) -> float | None:
    """Middle angle of the part of a path beyond its crux; None where less than 12 mm lie there."""
    if path is None:
        return None
    beyond = path.arc_mm > crux_mm(path, heart)
    if beyond.sum() * float(np.mean(path.steps_mm)) < LEAST_PDA_MM:
        return None
    angle = places_of(heart, path.points_mm[beyond]).angle_deg % 360.0
    return float(np.median(angle))


def _dominance(branches: list[Branch], heart: Heart, pair: tuple[Path | None, Path | None]) -> tuple[str | None, float]:
    """Which artery gives the posterior descending artery, and which the posterolateral branches."""
    rca, lcx = pair
    own, other = (0.0 if p is None else _down_mm(p, heart) for p in pair)
    tails = _tail_deg(rca, heart), _tail_deg(lcx, heart)
    if max(own, other) < LEAST_PDA_MM:
        return _unseen(branches, pair, tails[1])
    if other > own:
        return "left", min(1.0, 0.5 + 0.5 * (other - own) / other)
    if rca is not None and posterolateral(branches, heart, rca):
        return "right", 0.95
    if tails[0] is None or tails[1] is None:  # with its own posterior descending branch alone the RCA shares the wall
        return ("right" if tails[0] is None else "co"), 0.5
    beyond = np.array([tails[1] - tails[0], tails[1] - POSTERIOR_DEG]) - SHARED_WALL_DEG
    margin = float(np.abs(beyond).min()) if beyond[0] * beyond[1] > 0 else 0.0
    return _by_wall(POSTERIOR_DEG + SHARED_WALL_DEG + float(beyond.mean())), min(0.95, 0.5 + margin / 20.0)


def _unseen(
    branches: list[Branch], pair: tuple[Path | None, Path | None], tail_deg: float | None
) -> tuple[str | None, float]:
    """The dominance where no posterior descending artery is seen: left where the RCA is small, else by the LCX."""
    rca, lcx = pair
    if rca is None:
        return None, 0.0
    if lcx is not None and _width_mm(branches, rca) < SMALL_SHARE * _width_mm(branches, lcx):
        return "left", UNSEEN_CONFIDENCE
    return (None, 0.0) if tail_deg is None else (_by_wall(tail_deg), UNSEEN_CONFIDENCE)


def _width_mm(branches: list[Branch], path: Path) -> float:
    """Half width of the lumen 20 to 60 mm from the ostium."""
    parts = [branches[link.branch].lumen_mm[branches[link.branch].arc_mm <= link.end_mm] for link in path.links]
    arcs = [branches[link.branch].arc_mm + link.offset_mm for link in path.links]
    lumen, arc = np.concatenate(parts), np.concatenate([a[: len(p)] for a, p in zip(arcs, parts, strict=True)])
    near = (arc > WIDTH_MM[0]) & (arc < WIDTH_MM[1])
    return float(np.percentile(lumen[near], 70)) if near.any() else 0.0


def _by_wall(tail_deg: float) -> str:
    """Co-dominant where the circumflex ends on the inferior wall, next to the posterior descending artery."""
    return "co" if tail_deg - POSTERIOR_DEG < SHARED_WALL_DEG else "right"


def crux_mm(path: Path, heart: Heart) -> float:
    """Arc length at which a path ceases to run around the heart and runs towards the apex; its end where it does not.

    Behind the acute or the obtuse margin, the first place around which 12 mm bring it 70 % as far towards the apex.
    """
    at = places_of(heart, path.points_mm)
    arc = path.arc_mm
    gain = np.interp(arc + TURN_MM / 2, arc, at.along_mm) - np.interp(arc - TURN_MM / 2, arc, at.along_mm)
    down = (gain > TURN_SHARE * TURN_MM) & (np.abs(at.angle_deg) > 115.0) & (arc > 40.0)
    return float(arc[np.argmax(down)]) if down.any() else path.length_mm


def posterolateral(branches: list[Branch], heart: Heart, path: Path) -> list[Offshoot]:
    """Branches from the crux of a path on that run to the left of its tail, over the left ventricle."""
    crux, out = crux_mm(path, heart), []
    tail = places_of(heart, path.points_mm[path.arc_mm >= crux - BEFORE_CRUX_MM])
    for shoot in offshoots(path, branches):
        line = branches[shoot.branch].line
        if shoot.at_mm < crux - BEFORE_CRUX_MM or line.length_mm - shoot.start_mm < LEAST_LATERAL_MM:
            continue
        at = places_of(heart, line.points_mm[line.arc_mm >= shoot.start_mm])
        order = np.argsort(tail.along_mm)
        beside = np.interp(at.along_mm, tail.along_mm[order], tail.angle_deg[order] % 360.0)
        if float(_turned_deg(at.angle_deg, beside)[len(beside) // 2 :].mean()) > LEFT_OF_PDA_DEG:
            out.append(shoot)
    return out
