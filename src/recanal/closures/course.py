"""A whole path, sample by sample: where it is closed, where it is open enough for a point, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.branches import STEP_MM, Branch
from recanal.anatomy.naming import Named
from recanal.anatomy.paths import Path, path_to
from recanal.core.case import Point

__all__ = [
    "FAR_SEED_MM",
    "LEAST_OPEN_HU",
    "TISSUE_HU",
    "WIDE_MM",
    "Course",
    "closed_along",
    "course_of",
    "open_place",
    "point_at",
    "vessel_at",
]

TISSUE_HU = 60.0
WIDE_MM = 0.95
DIP_SHARE = 0.72
STEP_SHARE = 0.3
CALCIUM_HU = 100.0
LOOK_MM = 12.0
AHEAD_MM = 60.0
SEED_MM = (3.0, 6.0, 16.0)
FAR_SEED_MM = (16.0, 16.0, 32.0)
OPEN_SHARE = 0.75
LEAST_OPEN_HU = 130.0
SWOLLEN_MM = (12.0, 15.0)
SWOLLEN, MOSTLY, LEAST_SWOLLEN = 1.2, 0.6, 4


@dataclass(frozen=True, eq=False)
class Course:
    """Samples along a whole path, every 0.5 mm.

    Parameters
    ----------
    path
        From an ostium to a tip.
    arc
        (n,) arc lengths in mm.
    core
        (n,) mean over a disc of 0.4 mm, in HU.
    lumen, outer
        (n,) half width in mm of the contrast, and of all that stands out from fat.
    own_mm
        Where the last branch of the path begins.
    """

    path: Path
    arc: NDArray[np.float64]
    core: NDArray[np.float64]
    lumen: NDArray[np.float64]
    outer: NDArray[np.float64]
    own_mm: float


def course_of(branches: tuple[Branch, ...], tip: int) -> Course:
    """The samples along the path to the end of a branch."""
    path = path_to(list(branches), tip)
    parts = []
    for k, link in enumerate(path.links):
        branch = branches[link.branch]
        keep = branch.arc_mm < link.end_mm - 1e-6 if k < len(path.links) - 1 else np.ones(len(branch.arc_mm), bool)
        parts.append(
            np.stack([link.offset_mm + branch.arc_mm, branch.core_hu, branch.lumen_mm, branch.outer_mm])[:, keep]
        )
    whole = np.concatenate(parts, axis=1)
    return Course(path, whole[0], whole[1], whole[2], whole[3], path.links[-1].offset_mm)


def closed_along(course: Course) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) level of an open vessel, and the samples that are closed.

    Notes
    -----
    The level is that of what is not closed before. Inside bright plaque it falls with the plaque. So where the vessel
    fills again, no level before that is taken to be lower, but no higher either than it was nearer to the ostium.
    """
    core = ndimage.median_filter(course.core, 3, mode="nearest")
    wide = course.outer >= WIDE_MM
    n, look, ahead = len(core), round(LOOK_MM / STEP_MM), round(AHEAD_MM / STEP_MM)
    upper = np.full(n, float(np.percentile(core[: 2 * look], 75)))
    level, highest = upper.copy(), float(upper[0]) if n else 0.0
    filled = np.where(wide & (course.lumen >= 0.6), core, 0.0)
    steady = ndimage.percentile_filter(filled, 40, round(6.0 / STEP_MM), mode="nearest")
    closed = np.zeros(n, dtype=bool)
    for k in range(n):
        lit = np.flatnonzero(~closed[max(0, k - 3 * look) : k] & wide[max(0, k - 3 * look) : k])
        if len(lit) >= 4:
            upper[k] = float(np.median(core[max(0, k - 3 * look) : k][lit[-look:]]))
        elif k:
            upper[k] = upper[k - 1]
        highest = max(highest, float(upper[k]))
        beyond = float(steady[k : k + ahead].max())
        level[k] = max(upper[k], min(beyond, highest))
        stays_dim = TISSUE_HU <= beyond < TISSUE_HU + STEP_SHARE * (level[k] - TISSUE_HU)
        after = level[k] if stays_dim else min(level[k], max(beyond, LEAST_OPEN_HU))
        mark = min(0.5 * (level[k] - TISSUE_HU), DIP_SHARE * (after - TISSUE_HU))
        dark = core[k] < TISSUE_HU + mark
        closed[k] = wide[k] and (dark or core[k] > level[k] + CALCIUM_HU)
    return level, closed


def open_place(
    course: Course, way: range, level: float, *, within_mm: tuple[float, float, float] = SEED_MM
) -> Point | None:
    """The best open place 6 to 16 mm away from a closed stretch; the farthest one from 3 mm on where there is none.

    ``within_mm`` are the three limits. They count from where the contrast no longer seems wider than farther on.
    """
    way, (least, good, most) = way[_swollen_samples(course, way, level) :], within_mm
    best, quality = None, -np.inf
    start, middle = course.arc[way[0]], (good + most) / 2 - 1.0
    for k in way:
        far = abs(float(course.arc[k] - start))
        if far > most:
            break
        around = course.core[max(0, k - 3) : k + 4]
        share = float((around.min() - TISSUE_HU) / max(level - TISSUE_HU, 40.0))
        if far < least or share < OPEN_SHARE or around.max() > level + CALCIUM_HU:
            continue
        value = min(share, 1.0) - 0.06 * abs(far - middle) + (0.0 if far >= good else -1.0)
        if value > quality:
            best, quality = k, value
    return None if best is None else point_at(course, best)


def _swollen_samples(course: Course, way: range, level: float) -> int:
    """How many samples at the beginning of a way seem wider than those farther on: there calcium glows, not lumen."""
    near, farther = (round(mm / STEP_MM) for mm in SWOLLEN_MM)
    if len(way) < near + farther // 2:
        return 0
    where = np.asarray(way[: near + farther])
    lumen, core = course.lumen[where], course.core[where]
    if float(np.median(core[near:])) < TISSUE_HU + OPEN_SHARE * (level - TISSUE_HU):
        return 0
    swollen = lumen[:near] > SWOLLEN * float(np.median(lumen[near:]))
    count = int(np.flatnonzero(swollen)[-1]) + 1 if swollen.any() else 0
    return count if count >= LEAST_SWOLLEN and float(swollen[:count].mean()) > MOSTLY else 0


def point_at(course: Course, k: int) -> Point:
    """The LPS point of a sample."""
    x, y, z = course.path.points_mm[min(k, len(course.path.points_mm) - 1)]
    return float(x), float(y), float(z)


def vessel_at(course: Course, k: int, named: tuple[Named, ...]) -> str | None:
    """The main artery that a sample belongs to; None where it has no name."""
    at = float(course.arc[k])
    for link in reversed(course.path.links):
        if at >= link.offset_mm:
            inside = at - link.offset_mm
            near = [n for n in named if n.branch == link.branch]
            near.sort(key=lambda n: max(n.start_mm - inside, inside - n.end_mm, 0.0))
            return near[0].vessel if near else None
    return None
