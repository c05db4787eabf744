"""How well a coronary tree was found: the measures of the Rotterdam framework, against phantom truth.

Definitions from Schaap M, et al. Med Image Anal 2009;13:701-714, doi:10.1016/j.media.2009.06.003. This module knows
nothing of how trees are found: it takes polylines and the truth of a phantom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.phantoms import Course, PhantomTruth

__all__ = ["Overlap", "Reference", "false_share", "overlap", "reference_vessels", "selected"]

STEP_MM = 0.1
FREE_MM = 5.0
RELEVANT_MM = 1.5
LEAST_MM = 1.0
LEAST_LENGTH_MM = 10.0
POINT_A_MM = 30.0
NEAR_MM = 2.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reference:
    """A true vessel from its ostium on.

    Parameters
    ----------
    name
        Of its last part.
    points_mm, radius_mm
        (n, 3) and (n,); inside an occlusion the radius that the lumen would have.
    own_mm
        Arc length at which its last part leaves its parent.
    """

    name: str
    points_mm: Floats
    radius_mm: Floats
    own_mm: float = 0.0


@dataclass(frozen=True)
class Overlap:
    """Measures of one vessel: shares, and millimetres for ``inside_mm``; None where nothing was found."""

    name: str
    overlap_share: float
    first_error_share: float
    relevant_share: float | None
    inside_mm: float | None


def _arc(points: Floats) -> Floats:
    return np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))


def _even(points: Floats, values: Floats | None = None) -> tuple[Floats, Floats]:
    arc = _arc(points)
    where = np.arange(0.0, arc[-1], STEP_MM)
    even = np.stack([np.interp(where, arc, points[:, k]) for k in range(3)], axis=1)
    return even, (np.zeros(len(where)) if values is None else np.interp(where, arc, values))


@numba.njit(cache=True)
def _matched(first, second):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """The cheapest monotone pairing in which every point of both curves has a partner: rows of index pairs."""
    n, m = len(first), len(second)
    total = np.full((n + 1, m + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(n):
        for j in range(m):
            gap = np.sqrt(((first[i] - second[j]) ** 2).sum())
            total[i + 1, j + 1] = gap + min(total[i, j], total[i, j + 1], total[i + 1, j])
    pairs = np.empty((n + m, 2), dtype=np.int64)
    i, j, k = n, m, 0
    while i > 0 and j > 0:
        pairs[k] = i - 1, j - 1
        k += 1
        least = min(total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])
        both, one = total[i - 1, j - 1] <= least, total[i - 1, j] <= least
        i, j = (i - 1, j - 1) if both else (i - 1, j) if one else (i, j - 1)
    return pairs[:k][::-1]


def overlap(reference: Reference, found_mm: Floats) -> Overlap:
    """OV, OF, OT and AI of one vessel.

    Parameters
    ----------
    reference
        The true vessel.
    found_mm
        (m, 3) polyline from the ostium on; may run on beyond the end of the reference, which is cut off.

    Notes
    -----
    Points every 0.1 mm (0.03 mm in the source). A point is right when a partner in the cheapest pairing of the two
    curves lies within the radius of the reference. Beyond the nearest approach to the ends of the reference the found
    line is not judged; OF ignores errors in the first 5 mm; OT stops at the last point of 1.5 mm diameter.
    """
    true, radius = _even(reference.points_mm, reference.radius_mm)
    if len(found_mm) < 2:
        return Overlap(reference.name, 0.0, 0.0, None if 2 * radius.max() < RELEVANT_MM else 0.0, None)
    line, _ = _even(found_mm)
    line = _clipped(line, true, radius)
    pairs = _matched(true, line)
    far = np.linalg.norm(true[pairs[:, 0]] - line[pairs[:, 1]], axis=1)
    good = far < radius[pairs[:, 0]]
    right = np.zeros(len(true), dtype=bool)
    right[pairs[good, 0]] = True
    hit = np.zeros(len(line), dtype=bool)
    hit[pairs[good, 1]] = True
    wrong = np.flatnonzero(~right & (np.arange(len(true)) * STEP_MM > FREE_MM))
    first = float(right[: wrong[0]].sum() if len(wrong) else right.sum())
    of = 1.0 if not len(wrong) else first / max(first + (len(true) - wrong[0]), 1.0)
    wide = np.flatnonzero(2 * radius >= RELEVANT_MM)
    relevant = None
    if len(wide):
        last = int(wide[-1]) + 1
        partner = int(pairs[pairs[:, 0] < last, 1].max()) + 1
        relevant = _share(right[:last], hit[:partner])
    inside = float(far[good].mean()) if good.any() else None
    return Overlap(reference.name, _share(right, hit), float(of), relevant, inside)


def _share(right: NDArray[np.bool_], hit: NDArray[np.bool_]) -> float:
    return float((right.sum() + hit.sum()) / (len(right) + len(hit)))


def _clipped(line: Floats, true: Floats, radius: Floats) -> Floats:
    """The found line without what lies before the start and beyond the end of the reference."""
    gap_start = np.linalg.norm(line - true[0], axis=1)
    near = gap_start < 2 * radius[0]
    first = (
        int(np.argmin(np.where(np.arange(len(line)) <= np.argmax(near) + 60, gap_start, np.inf))) if near.any() else 0
    )
    gap_end = np.linalg.norm(line - true[-1], axis=1)
    last = int(np.argmin(gap_end)) + 1
    return line[first : max(last, first + 2)]


def reference_vessels(truth: PhantomTruth) -> list[Reference]:
    """Every artery from its ostium to the last point of at least 1 mm diameter, of at least 10 mm of its own."""
    courses = {course.name: course for course in (truth.target, *truth.arteries)}
    out = []
    for course in courses.values():
        points, radius, own = _from_ostium(course, courses, truth)
        open_end = np.flatnonzero(2 * radius >= LEAST_MM)
        arc = _arc(points)
        if not len(open_end) or arc[open_end[-1]] - own < LEAST_LENGTH_MM:
            continue
        end = int(open_end[-1]) + 1
        out.append(Reference(course.name, points[:end], radius[:end], own))
    return out


def _radius(course: Course, truth: PhantomTruth) -> Floats:
    radius = np.maximum(course.lumen_radius_mm, np.asarray(course.outer_radius_mm) - 0.6)
    if course.name == truth.vessel and truth.occluded and not truth.distal_opacified:
        arc = _arc(np.asarray(course.points_mm))
        radius = np.where(arc > truth.proximal_arc_designed_mm, 0.0, radius)
    return np.asarray(radius, dtype=np.float64)


def _from_ostium(course: Course, courses: dict[str, Course], truth: PhantomTruth) -> tuple[Floats, Floats, float]:
    points, radius, own = np.asarray(course.points_mm), _radius(course, truth), 0.0
    seen = course
    while seen.parent and seen.parent in courses:
        parent = courses[seen.parent]
        stem, width = np.asarray(parent.points_mm), _radius(parent, truth)
        keep = _arc(stem) < seen.start_mm
        own += float(seen.start_mm)
        points, radius = np.concatenate([stem[keep], points]), np.concatenate([width[keep], radius])
        seen = parent
    return points, radius, own


def selected(reference: Reference, paths_mm: Sequence[Floats]) -> Floats:
    """The path from an ostium to a tip that belongs to a reference: through the point 30 mm before its end.

    Of all paths whose nearest approach to that point is within a millimetre of the best, the one that comes nearest to
    the end. A short vessel is asked for by the middle of its own part.
    """
    arc = _arc(reference.points_mm)
    back = min(POINT_A_MM, 0.5 * (arc[-1] - reference.own_mm))
    asked = reference.points_mm[int(np.searchsorted(arc, arc[-1] - back))]
    gaps = [float(np.linalg.norm(path - asked, axis=1).min()) for path in paths_mm]
    if not gaps:
        return np.empty((0, 3))
    near = [k for k, gap in enumerate(gaps) if gap < min(gaps) + 1.0]
    ends = [float(np.linalg.norm(paths_mm[k] - reference.points_mm[-1], axis=1).min()) for k in near]
    return np.asarray(paths_mm[near[int(np.argmin(ends))]])


def false_share(paths_mm: Sequence[Floats], truth: PhantomTruth) -> dict[str, Any]:
    """Length of the tree, in mm, and the share of it that lies in no artery: more than 2 mm beyond every true axis."""
    axes = np.concatenate([np.asarray(c.points_mm) for c in (truth.target, *truth.arteries)])
    tree = cKDTree(axes)
    total, wrong = 0.0, 0.0
    for path in paths_mm:
        even, _ = _even(path)
        total += len(even) * STEP_MM
        wrong += float((tree.query(even)[0] > NEAR_MM).sum()) * STEP_MM
    return {"tree_mm": total, "false_share": wrong / max(total, 1e-9)}
