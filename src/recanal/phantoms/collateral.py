"""One collateral: a thin artery from a donor to the vessel beyond the occlusion."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from recanal.phantoms.geometry import Floats, arc_lengths, resample, smooth_noise, smoothed, unit
from recanal.phantoms.heart import Heart
from recanal.phantoms.options import PhantomOptions
from recanal.phantoms.shapes import level_and_normal, normal_of
from recanal.phantoms.tree import STEP_MM, Artery, Placement

__all__ = ["COLLATERAL", "build_collateral"]

COLLATERAL = "collateral"
_WALL_MM = 0.2
_BEYOND_MM = 14.0
_REACH_MM = {"epicardial": (16.0, 60.0), "septal": (20.0, 80.0)}
_HEIGHT_MM = {"epicardial": 1.8, "septal": 4.5}
_TRIES = 120
_CLEAR_MM = 0.8
_JOIN_MM = 5.0


def build_collateral(
    heart: Heart, options: PhantomOptions, arteries: list[Artery], place: Placement, rng: np.random.Generator
) -> Artery | None:
    """A collateral of even calibre that joins a donor artery to the target beyond its lesion.

    Parameters
    ----------
    heart
        The solids that it keeps clear of.
    options
        ``collateral`` is ``"epicardial"`` (over the surface) or ``"septal"`` (through the muscle).
    arteries
        The target first.
    place
        Where the lesion lies.
    rng
        Draws the ends and the bends.

    Returns
    -------
    Artery or None
        Named ``"collateral"``, from donor to target; None where no free course was found, which a septal
        one for the circumflex never has.
    """
    target = arteries[0]
    donors = [a for a in arteries[1:] if target.name not in (a.parent, a.name) and not a.name.startswith("collateral")]
    donors = [a for a in donors if a.parent != "" or a.name in ("RCA", "LAD", "LCX")]
    bed = target.points_mm[(target.arc_mm > place.end_mm + _BEYOND_MM) & (target.arc_mm < target.arc_mm[-1] - 6.0)]
    if not donors or not len(bed):
        return None
    for _ in range(_TRIES):
        donor = donors[int(rng.integers(len(donors)))]
        at = int(rng.integers(len(donor.points_mm)))
        end = bed[int(rng.integers(len(bed)))]
        apart = float(np.linalg.norm(donor.points_mm[at] - end))
        reach = _REACH_MM[str(options.collateral)]
        if at < 20 or not reach[0] < apart < reach[1]:
            continue
        points = _course(heart, (donor.points_mm[at], end), str(options.collateral), rng)
        if _is_free(heart, points, [a for a in arteries if a not in (donor, target)], str(options.collateral)):
            radius = np.full(len(points), 0.5 * options.collateral_diameter_mm)
            return Artery(COLLATERAL, points, radius, _WALL_MM, donor.name, float(donor.arc_mm[at]), 1.0)
    return None


def _course(heart: Heart, ends: tuple[Floats, Floats], kind: str, rng: np.random.Generator) -> Floats:
    """A bent way between two points; over the surface where it is epicardial."""
    count = max(int(np.linalg.norm(ends[1] - ends[0]) / STEP_MM), 20)
    share = np.linspace(0.0, 1.0, count)[:, None]
    points = resample((1 - share) * ends[0] + share * ends[1], STEP_MM)
    for _ in range(2):
        along = arc_lengths(points)
        fade = np.clip(np.minimum(along, along[-1] - along) / _JOIN_MM, 0.0, 1.0)
        side = unit(np.cross(unit(np.gradient(points, axis=0)), normal_of(heart.epicardium, points)))
        bends = 0.7 * smooth_noise(len(points), 6.0 / STEP_MM, rng) * fade
        points = points + side * bends[:, None]
        surface = heart.epicardium if kind == "epicardial" else heart.solids["lv"]
        for _ in range(14):
            level, normal = level_and_normal(surface, points)
            push = np.clip(normal * (_HEIGHT_MM[kind] - level)[:, None], -2.0, 2.0) * fade[:, None]
            points = points + smoothed(push, 1.0 / STEP_MM)
        points = resample(points, STEP_MM)
    return points


def _is_free(heart: Heart, points: Floats, others: list[Artery], kind: str) -> bool:
    """Whether a way keeps clear of the chambers and of the other arteries."""
    inner = points[round(_JOIN_MM / STEP_MM) : -round(_JOIN_MM / STEP_MM)]
    if len(inner) < 20 or arc_lengths(points)[-1] > 1.8 * float(np.linalg.norm(points[-1] - points[0])):
        return False
    if kind == "septal":
        blood = np.minimum(heart.solids["lv"](inner), heart.solids["rv"](inner))
        if float(np.median(heart.epicardium(inner))) > -3.0 or float(blood.min()) < 2 * _CLEAR_MM:
            return False
    elif float(heart.obstacles(inner).min()) < _CLEAR_MM:
        return False
    return all(
        float(cKDTree(other.points_mm).query(inner)[0].min()) > float(other.lumen_mm.max()) + 2 * _CLEAR_MM
        for other in others
    )
