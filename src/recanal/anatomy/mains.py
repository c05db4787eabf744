"""The main coronary arteries, by where vessels run over the heart, and the dominance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.branches import Branch
from recanal.anatomy.chamber import Heart
from recanal.anatomy.paths import Path, paths_of

__all__ = ["LEAST_NAMED_MM", "Mains", "Places", "crux_mm", "find_mains", "pda_mm", "places_of", "plb_start_mm"]

ANTERIOR_DEG, POSTERIOR_DEG = 28.0, 155.0
SPREAD_DEG = 18.0
TURN_MM = 9.0
LEAST_NAMED_MM = 6.0
LEAST_PDA_MM = 15.0


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

    along_mm: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    depth_mm: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mains:
    """The paths of the main arteries, each None where it was not found.

    Parameters
    ----------
    fork_mm
        Length of the left main.
    dominance
        ``"right"``, ``"left"``, ``"co"``, or None when it cannot be told.
    """

    rca: Path | None
    lad: Path | None
    lcx: Path | None
    fork_mm: float
    dominance: str | None


def places_of(heart: Heart, points_mm: NDArray[np.float64]) -> Places:
    """Where points (n, 3) lie relative to the left ventricle."""
    up = np.array([0.0, 0.0, 1.0]) - heart.apex[2] * heart.apex
    up /= np.linalg.norm(up)
    right = np.cross(heart.apex, up)
    away = points_mm - heart.ventricle_mm
    high, wide = away @ up, away @ right
    along = (points_mm - heart.root_mm) @ heart.apex
    return Places(along, np.rad2deg(np.arctan2(wide, high)), np.hypot(high, wide))


def _near_deg(angle: NDArray[np.float64], middle: float) -> NDArray[np.float64]:
    return np.asarray((angle - middle + 180.0) % 360.0 - 180.0)


def _best(paths: list[Path], score: list[float], least: float) -> Path | None:
    if not paths or max(score) < least:
        return None
    return paths[int(np.argmax(score))]


def _lad_score(path: Path, heart: Heart) -> float:
    """Length along the anterior interventricular groove."""
    at = places_of(heart, path.points_mm)
    near = np.exp(-((_near_deg(at.angle_deg, ANTERIOR_DEG) / SPREAD_DEG) ** 2))
    return float((near * (at.along_mm > 6.0))[1:] @ path.steps_mm)


def _lcx_score(path: Path, heart: Heart) -> float:
    """Length along the left atrioventricular groove, and what follows it on the underside."""
    at = places_of(heart, path.points_mm)
    groove = (at.along_mm > -3.0) & (at.along_mm < 25.0) & (at.angle_deg < -35.0)
    tail = (at.along_mm >= 12.0) & (np.abs(_near_deg(at.angle_deg, 180.0)) < 45.0)
    if (groove[1:] @ path.steps_mm) < 10.0:
        return 0.0
    return float(groove[1:] @ path.steps_mm + 0.5 * (tail[1:] & ~groove[1:]) @ path.steps_mm)


def _rca_score(path: Path, heart: Heart) -> float:
    """Length along the right atrioventricular groove, and along the posterior interventricular groove."""
    at = places_of(heart, path.points_mm)
    groove = (at.along_mm < 14.0) & (at.along_mm > -8.0) & (at.angle_deg > 40.0)
    near = np.exp(-((_near_deg(at.angle_deg, POSTERIOR_DEG) / SPREAD_DEG) ** 2))
    tail = near * (at.along_mm >= 14.0) * (np.abs(_near_deg(at.angle_deg, POSTERIOR_DEG)) < 45.0)
    return float(groove[1:] @ path.steps_mm + tail[1:] @ path.steps_mm)


def pda_mm(path: Path | None, heart: Heart, from_mm: float = 0.0) -> float:
    """Length of a path in the posterior interventricular groove."""
    if path is None:
        return 0.0
    at = places_of(heart, path.points_mm)
    inside = (at.along_mm > 14.0) & (np.abs(_near_deg(at.angle_deg, POSTERIOR_DEG)) < 24.0)
    inside &= path.arc_mm > from_mm
    return float(inside[1:] @ path.steps_mm)


def find_mains(branches: list[Branch], heart: Heart) -> Mains:
    """The right coronary artery, the left anterior descending and the circumflex, and the dominance."""
    paths = paths_of(branches)
    right = [path for path in paths if branches[path.links[0].branch].side == "right"]
    left = [path for path in paths if branches[path.links[0].branch].side == "left"]
    rca = _best(right, [_rca_score(path, heart) for path in right], 20.0)
    lad = _best(left, [_lad_score(path, heart) for path in left], 12.0)
    rest = [path for path in left if lad is None or path.length_mm - lad.shared_mm(path) > 8.0]
    lcx = _best(rest, [_lcx_score(path, heart) for path in rest], 10.0)
    fork = lad.shared_mm(lcx) if lad is not None and lcx is not None else 0.0
    found = Mains(rca, lad, lcx, fork, None)
    return Mains(rca, lad, lcx, fork, _dominance(branches, heart, found))


def _dominance(branches: list[Branch], heart: Heart, mains: Mains) -> str | None:
    """Right: the RCA gives the PDA and a posterolateral branch; co: the PDA alone; left: the circumflex gives it."""
    own, other = pda_mm(mains.rca, heart), pda_mm(mains.lcx, heart)
    if max(own, other) < LEAST_PDA_MM:
        return None
    if other > own:
        return "left"
    return "right" if mains.rca is not None and plb_start_mm(branches, heart, mains.rca) is not None else "co"


def crux_mm(path: Path, heart: Heart) -> float:
    """Arc length at which a path leaves the atrioventricular groove for the underside; its end where it does not."""
    at = places_of(heart, path.points_mm)
    side = np.abs(at.angle_deg)
    groove = at.along_mm[(side > 55.0) & (side < 130.0) & (at.along_mm < 20.0)]
    level = float(np.median(groove)) if len(groove) > 4 else 4.0
    down = (at.along_mm > level + TURN_MM) & (side > 115.0) & (path.arc_mm > 40.0)
    return float(path.arc_mm[np.argmax(down)]) if down.any() else path.length_mm


def plb_start_mm(branches: list[Branch], heart: Heart, rca: Path) -> float | None:
    """Where the first branch near the crux leaves the right coronary artery."""
    crux = crux_mm(rca, heart)
    starts = []
    for k, at_mm in rca.leaving(branches):
        start = places_of(heart, branches[k].line.points_mm[:1])
        near = abs(at_mm - crux) < 14.0 and abs(float(start.angle_deg[0])) > 132.0
        if near and branches[k].line.length_mm >= LEAST_NAMED_MM:
            starts.append(at_mm)
    return min(starts, default=None)
