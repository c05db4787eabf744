"""Places where the tree stops although the vessel is still wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.branches import STEP_MM
from recanal.anatomy.tree import CoronaryTree
from recanal.closures.course import TISSUE_HU, Course, closed_along, course_of, open_place, point_at, vessel_at
from recanal.closures.forks import lost_at_forks
from recanal.closures.suspects import Suspect
from recanal.core.case import Point

__all__ = ["Stump", "find_stumps"]

LEAST_HALF_MM, MOST_HALF_MM = 1.05, 2.8
LIT_MM = (0.8, 3.0)
LEAST_OWN_MM = 2.0
REST_MM = 4.0
MOST_LIT_SHARE = 0.4
GOES_ON_MM = 8.0
NEAR_FORK_MM = 6.0
EXPLAINED_MM = 4.0
LEAST_BEYOND_MM = 12.0
SWOLLEN_MM, USUAL_MM, SWOLLEN, MOSTLY = 12.0, 15.0, 1.2, 0.6
NO_WALL_MM, DIM_SHARE = 3.2, 0.5
BEFORE_FORK_MM = 3.0
WALL_MM = 0.5
THIN_HALF_MM, THIN_OUTER_MM, THIN_NEAR_MM = 0.9, (1.3, 2.2), 90.0


@dataclass(frozen=True, eq=False)
class Stump:
    """The end of a wide open vessel.

    Parameters
    ----------
    course, last
        The path that ends there, and its last open sample.
    level_hu
        Of the open vessel before it.
    proximal_mm
        A point in open lumen before it.
    end_mm
        Where it ends.
    vessel
        The main artery it belongs to.
    forked
        Whether the tree goes on there, as a branch too thin to be all of it.
    """

    course: Course
    last: int
    level_hu: float
    proximal_mm: Point
    end_mm: Point
    vessel: str | None
    forked: bool = False

    @property
    def branch(self) -> int:
        """Index of the branch that ends."""
        return self.course.path.links[-1].branch

    @property
    def is_thin(self) -> bool:
        """Whether its own width leaves it open that it ends by nature."""
        return _before_mm(self.course.lumen, self.last) < LEAST_HALF_MM

    @property
    def half_hu(self) -> float:
        """Half way from tissue to the level."""
        return TISSUE_HU + 0.5 * (self.level_hu - TISSUE_HU)


def find_stumps(tree: CoronaryTree, suspects: Sequence[Suspect] = ()) -> list[Stump]:
    """Every place where a wide open vessel ends, and those before a suspect that leads to no credible vessel.

    Parameters
    ----------
    tree
        The coronary tree.
    suspects
        Closed stretches of it; a stump that one of them explains is left out.

    Notes
    -----
    Arteries taper. A vessel of 1.05 mm half width (0.9 mm in fat within 90 mm of the ostium; those in muscle are
    septal branches) that ends within 4 mm, or that goes on dark, and that no branch of its own carries on, is a stump.
    So is a fork at which a child is missing; those come last.
    """
    found: list[Stump] = []
    known: list[Point] = []
    for suspect in suspects:
        course = course_of(tree.branches, suspect.path.links[-1].branch)
        if not suspect.runs_out and _is_credible(course, suspect):
            known.append(suspect.cap_mm)
            continue
        first = int(np.abs(course.arc - suspect.start_mm).argmin())
        upper, _ = closed_along(course)
        stump = _made(course, max(first - 1, 0), float(upper[first]), tree)
        if stump is not None:
            found.append(stump)
            known.append(stump.end_mm)
    for tip in range(len(tree.branches)):
        stump = _stump(tree, tip)
        if stump is not None and all(_apart_mm(stump.end_mm, other) > EXPLAINED_MM for other in known):
            found.append(stump)
            known.append(stump.end_mm)
    for course, k, level_hu in lost_at_forks(tree):
        stump = _made(course, max(k - round(BEFORE_FORK_MM / STEP_MM), 0), level_hu, tree)
        if stump is not None and all(_apart_mm(stump.end_mm, other) > EXPLAINED_MM for other in known):
            found.append(replace(stump, forked=True))
            known.append(stump.end_mm)
    return found


def _apart_mm(one: Point, other: Point) -> float:
    return float(np.linalg.norm(np.subtract(one, other)))


def _is_credible(course: Course, suspect: Suspect) -> bool:
    """Whether what follows a closed stretch is long enough, and either bright or walled, to be the vessel beyond."""
    beyond = course.arc > suspect.end_mm
    if beyond.sum() * STEP_MM < LEAST_BEYOND_MM:
        return False
    before = (course.arc < suspect.start_mm) & (course.arc > suspect.start_mm - 16.0)
    level = float(np.median(course.core[before])) if before.any() else 0.0
    share = (float(np.median(course.core[beyond][:40])) - TISSUE_HU) / max(level - TISSUE_HU, 40.0)
    return share > DIM_SHARE or float(np.median(course.outer[beyond][:40])) < NO_WALL_MM


def _stump(tree: CoronaryTree, tip: int) -> Stump | None:
    """The stump at the end of a branch; None where it tapers, or goes on."""
    course = course_of(tree.branches, tip)
    upper, closed = closed_along(course)
    half = TISSUE_HU + 0.5 * (upper - TISSUE_HU)
    bright = course.core >= half
    lit = np.flatnonzero(bright & ~closed & (course.lumen >= LIT_MM[0]) & (course.lumen <= LIT_MM[1]))
    if not len(lit) or course.arc[lit[-1]] < course.own_mm + LEAST_OWN_MM:
        return None
    last = int(lit[-1])
    if _is_in_parent(course, last, tree):
        return None
    if not _is_wide(course, last):
        return None
    rest = bright[last + 3 :]
    if len(rest) * STEP_MM > REST_MM and float(rest.mean()) > MOST_LIT_SHARE:
        return None
    at = float(course.arc[last]) - course.own_mm - NEAR_FORK_MM
    later = [branch for branch in tree.branches if branch.parent == tip and branch.parent_mm > at]
    if any((branch.core_hu >= half[last]).sum() * STEP_MM > GOES_ON_MM for branch in later):
        return None
    last = _before_swelling(course, last)
    return _made(course, last, float(upper[last]), tree)


def _before_mm(half_width_mm: NDArray[np.float64], last: int) -> float:
    """Median half width over the 8 mm before a place, its last millimetre left out."""
    return float(np.median(half_width_mm[max(0, last - 16) : max(1, last - 2)]))


def _is_wide(course: Course, last: int) -> bool:
    """Whether a vessel is too wide to end; within 90 mm of the ostium a thinner one too, if it lies in fat."""
    half, outer = _before_mm(course.lumen, last), _before_mm(course.outer, last)
    if course.arc[last] <= THIN_NEAR_MM and THIN_OUTER_MM[0] <= outer <= THIN_OUTER_MM[1]:
        return THIN_HALF_MM <= half <= MOST_HALF_MM
    return LEAST_HALF_MM <= half <= MOST_HALF_MM


def _is_in_parent(course: Course, last: int, tree: CoronaryTree) -> bool:
    """Whether a place lies in the lumen, or at the wall, of the vessel that the last branch leaves and that goes on."""
    if len(course.path.links) < 2:
        return False
    parent = tree.branches[course.path.links[-2].branch]
    away = np.linalg.norm(parent.line.points_mm - np.asarray(point_at(course, last)), axis=1)
    near = int(away.argmin())
    return near < len(away) - 1 and float(away[near]) < float(parent.lumen_mm[near]) + WALL_MM


def _before_swelling(course: Course, last: int) -> int:
    """The last sample before the contrast seems wider on to the end of a vessel: there calcium glows, not lumen."""
    low = max(0, last - round(SWOLLEN_MM / STEP_MM))
    usual = float(np.median(course.lumen[max(0, low - round(USUAL_MM / STEP_MM)) : low + 1]))
    swollen = course.lumen[low : last + 1] > SWOLLEN * usual
    first = int(np.argmax(swollen))
    return low + first if swollen.any() and float(swollen[first:].mean()) > MOSTLY else last


def _made(course: Course, last: int, level_hu: float, tree: CoronaryTree) -> Stump | None:
    seed = open_place(course, range(last, -1, -1), level_hu)
    if seed is None:
        return None
    return Stump(course, last, level_hu, seed, point_at(course, last), vessel_at(course, last, tree.named))
