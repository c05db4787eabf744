"""Forks at which a vessel of the size of its parent is missing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.branches import STEP_MM
from recanal.anatomy.tree import CoronaryTree
from recanal.closures.course import TISSUE_HU, Course, closed_along, course_of

__all__ = ["lost_at_forks"]

LEAST_HALF_MM, MOST_HALF_MM = 1.15, 2.6
BEFORE_MM, AFTER_MM, FARTHER_MM = (1.5, 7.5), (2.0, 9.0), (9.0, 20.0)
LEFT_SHARE, SAME_SHARE = 0.78, 1.03
STEADY_SHARE = 0.85
LIT_SHARE, MOSTLY = 0.6, 0.9
BESIDE_MM, WIDE_BESIDE_MM, WIDE_SHARE = (-4.0, 7.0), 12.0, 0.7
OWN_MM, ENDED_MM = 12.0, 4.0
FINET = 0.678
SAME_MM = 6.0


def lost_at_forks(tree: CoronaryTree) -> Iterator[tuple[Course, int, float]]:
    """Courses with the sample at which a child is missing, and the level in HU of the open vessel before it.

    Parameters
    ----------
    tree
        The coronary tree.

    Notes
    -----
    Where an occlusion begins at a fork, the side branch carries the tree on, much thinner than the vessel before.
    At a fork the diameter of the parent is 0.678 of the sum of those of its children (Finet, EuroIntervention 2007):
    a vessel of 1.15 mm half width that suddenly keeps less than 78 % of it, open and for 20 mm on, has another child.
    Where a branch of the tree that leaves there makes up for it, none is missing; nor on a side branch of a trunk that
    goes on, or in what is wider than 2.6 mm. Half widths are those at half contrast. All limits are recanal's own.
    """
    seen: list[NDArray[np.float64]] = []
    for tip in range(len(tree.branches)):
        course = course_of(tree.branches, tip)
        upper, closed = closed_along(course)
        for k in _narrowed(course, upper, closed):
            point = course.path.points_mm[min(k, len(course.path.points_mm) - 1)]
            known = any(np.linalg.norm(point - other) < SAME_MM for other in seen)
            if known or _leaves_a_trunk(course, k, tree) or _is_made_up(course, k, tree):
                continue
            seen.append(point)
            yield course, k, float(upper[k])


def _narrowed(course: Course, upper: NDArray[np.float64], closed: NDArray[np.bool_]) -> list[int]:
    """The samples, the middle one of those alike, after which an open vessel is suddenly thinner."""
    width, n = course.lumen, len(course.lumen)
    first, last = round(BEFORE_MM[1] / STEP_MM), n - round(FARTHER_MM[1] / STEP_MM)
    lit = (course.core >= TISSUE_HU + LIT_SHARE * (upper - TISSUE_HU)) & ~closed
    share = np.ones(n)
    for k in range(first, last):
        before, after, on = _around(k)
        usual = float(np.median(width[before]))
        if not LEAST_HALF_MM <= usual <= MOST_HALF_MM or lit[before.start : after.stop].mean() < MOSTLY:
            continue
        if float(np.median(width[on])) < STEADY_SHARE * usual:
            share[k] = float(np.median(width[after])) / usual
    found = []
    while n and share.min() < LEFT_SHARE:
        label, _ = ndimage.label(share <= SAME_SHARE * share.min())
        alike = np.flatnonzero(label == label[int(share.argmin())])
        found.append(int(np.median(alike)))
        share[max(0, int(alike[0]) - round(AFTER_MM[1] / STEP_MM)) : _around(int(alike[-1]))[1].stop] = 1.0
    return found


def _around(k: int) -> tuple[slice, slice, slice]:
    """The samples before one, after it, and farther on."""
    before = slice(k - round(BEFORE_MM[1] / STEP_MM), k - round(BEFORE_MM[0] / STEP_MM))
    after, on = (slice(k + round(mm[0] / STEP_MM), k + round(mm[1] / STEP_MM)) for mm in (AFTER_MM, FARTHER_MM))
    return before, after, on


def _leaves_a_trunk(course: Course, k: int, tree: CoronaryTree) -> bool:
    """Whether a path is no longer on the vessel that it came from: it left a trunk that goes on."""
    link = course.path.links[-2] if len(course.path.links) > 1 else None
    if link is None or course.arc[k] > course.own_mm + OWN_MM:
        return False
    return bool(tree.branches[link.branch].arc_mm[-1] > link.end_mm + ENDED_MM)


def _is_made_up(course: Course, k: int, tree: CoronaryTree) -> bool:
    """Whether the branches of the tree that leave around a sample are as wide as the child that seems missing."""
    at, (before, after, _) = float(course.arc[k]), _around(k)
    usual = float(np.median(course.lumen[before]))
    missing = LEFT_SHARE * usual / FINET - float(np.median(course.lumen[after]))
    for number, leaves_mm in course.path.leaving(list(tree.branches)):
        branch = tree.branches[number]
        own = branch.lumen_mm[(branch.arc_mm > AFTER_MM[0]) & (branch.arc_mm < AFTER_MM[1])]
        width = float(np.median(own)) if len(own) else 0.0
        most = WIDE_BESIDE_MM if width > WIDE_SHARE * usual else BESIDE_MM[1]
        if BESIDE_MM[0] <= at - leaves_mm <= most and missing <= width <= MOST_HALF_MM:
            return True
    return False
