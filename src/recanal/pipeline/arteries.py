"""The arteries of a tree, as the rooms that grade them take them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.anatomy.branches import Branch
from recanal.anatomy.paths import Path
from recanal.anatomy.tree import CoronaryTree
from recanal.core.curves import Centerline
from recanal.pipeline.seeded import SeededResult
from recanal.stenosis.course import Course

__all__ = ["courses_of"]

OSTIAL_MM = 3.0
BEYOND_WALL_MM = 2.0
LEAST_BRANCH_MM = 16.0
LEAST_ORIGIN_MM = 1.4
NEAR_MM = 1.5


def courses_of(anatomy: CoronaryTree, parts: tuple[SeededResult, ...] = ()) -> tuple[Course, ...]:
    """The main arteries, each from the aorta or the left main on, and the side branches that can be judged.

    Parameters
    ----------
    anatomy
        The tree.
    parts
        The measured occlusions; their stretches are marked as closed.

    Returns
    -------
    tuple of Course
        RCA, LAD with the left main, circumflex, then side branches of at least 1.4 mm at their origin and 16 mm
        length; parents before their branches.
    """
    mains = anatomy.mains
    if mains is None:
        return ()
    closed = _closed_points(parts)
    out: list[Course] = []
    places: list[_Place] = []
    for name, path in (("RCA", mains.rca), ("LAD", mains.lad), ("LCX", mains.lcx)):
        if path is not None:
            lad = next((k for k, course in enumerate(out) if course.name == "LAD"), None)
            places += [_Place(link.branch, link.end_mm, len(out), link.offset_mm) for link in path.links]
            out.append(_main(anatomy, name, path, closed, lad=lad))
    mine = {place.branch for place in places}
    for number, branch in enumerate(anatomy.branches):
        above = next((p for p in places if p.branch == branch.parent and p.end_mm >= branch.parent_mm), None)
        course = None if number in mine or above is None else _side(anatomy, number, above, closed)
        if course is not None:
            places.append(_Place(number, branch.line.length_mm, len(out), 0.0))
            out.append(course)
    return tuple(out)


@dataclass(frozen=True)
class _Place:
    """The part of a branch, up to ``end_mm``, that belongs to a course, and where it begins there."""

    branch: int
    end_mm: float
    course_index: int
    offset_mm: float


def _closed_points(parts: tuple[SeededResult, ...]) -> NDArray[np.float64]:
    """(n, 3) points of the axes inside occlusions."""
    found = [part.vessel.line.points_between(gap.start_mm, gap.end_mm) for part in parts for gap in part.vessel.gaps]
    return np.concatenate(found) if found else np.zeros((0, 3))


def _closed_on(line: Centerline, closed: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """The stretches of a line that run through occlusions."""
    if not len(closed):
        return ()
    near = cKDTree(closed).query(line.points_mm)[0] < NEAR_MM
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(int)))
    arc = line.arc_mm
    return tuple((float(arc[a]), float(arc[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True))


def _line(points_mm: NDArray[np.float64]) -> Centerline:
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points_mm, axis=0), axis=1) > 1e-6])
    return Centerline(points_mm[keep])


def _main(anatomy: CoronaryTree, name: str, path: Path, closed: NDArray[np.float64], *, lad: int | None) -> Course:
    fork = anatomy.mains.fork_mm if anatomy.mains is not None else 0.0
    line = _line(path.points_mm)
    shared = name == "LCX" and lad is not None and fork > 0
    stretches = tuple(
        (link.offset_mm + item.start_mm, link.offset_mm + item.end_mm, item.name)
        for link in path.links
        for item in anatomy.named
        if item.branch == link.branch and item.start_mm < link.end_mm
    )
    return Course(
        name=name,
        vessel=name,
        line=line,
        start_mm=fork + _leave_mm(anatomy, line, fork) if shared else OSTIAL_MM,
        forks_mm=(fork,) if name == "LAD" and fork > 0 else (),
        closed_mm=_closed_on(line, closed),
        stretches=tuple(sorted(stretches)),
        parent=lad if shared else None,
        parent_mm=fork if shared else 0.0,
    )


def _leave_mm(anatomy: CoronaryTree, line: Centerline, fork_mm: float) -> float:
    """How far beyond the end of the left main the circumflex is free of the LAD."""
    lad = anatomy.mains.lad if anatomy.mains is not None else None
    if lad is None:
        return 0.0
    where = np.arange(fork_mm, min(fork_mm + 15.0, line.length_mm), 0.5)
    gap = cKDTree(lad.points_mm).query(line.at(where))[0]
    free = np.flatnonzero(gap > 3.0)
    return float(where[free[0]] - fork_mm) if len(free) else 8.0


def _side(anatomy: CoronaryTree, number: int, above: _Place, closed: NDArray[np.float64]) -> Course | None:
    branch, parent = anatomy.branches[number], anatomy.branches[anatomy.branches[number].parent]
    start = _free_mm(branch, parent)
    near = (branch.arc_mm >= start) & (branch.arc_mm < start + 8.0)
    if not near.any() or branch.line.length_mm - start < LEAST_BRANCH_MM:
        return None
    if 2 * float(np.median(branch.lumen_mm[near])) < LEAST_ORIGIN_MM:
        return None
    mine = [item for item in anatomy.named if item.branch == number]
    name = mine[0].name if mine else "side branch"
    return Course(
        name=name,
        vessel=mine[0].vessel if mine else "",
        line=branch.line,
        start_mm=start,
        closed_mm=_closed_on(branch.line, closed),
        stretches=tuple((item.start_mm, item.end_mm, item.name) for item in mine),
        parent=above.course_index,
        parent_mm=above.offset_mm + branch.parent_mm,
    )


def _free_mm(branch: Branch, parent: Branch) -> float:
    """Arc length at which a branch is clear of the lumen of its parent."""
    gap, near = cKDTree(parent.line.points_mm).query(branch.line.points_mm)
    free = np.flatnonzero(gap > parent.lumen_mm[near] + BEYOND_WALL_MM)
    return float(branch.arc_mm[free[0]]) if len(free) else branch.line.length_mm
