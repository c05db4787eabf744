"""Stretches of the tree without contrast, and where to put the seeds on either side of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.branches import STEP_MM, Branch
from recanal.anatomy.naming import Named
from recanal.anatomy.paths import Path, path_to
from recanal.anatomy.tree import CoronaryTree
from recanal.anatomy.veins import runs_beside
from recanal.core.case import Point

__all__ = ["Suspect", "find_suspects"]

_Run = tuple[int, int, int]

TISSUE_HU = 60.0
WIDE_MM = 0.95
LUMEN_MM = 0.8
LEAST_MM = 3.0
JOINED_MM = 20.0
DIP_SHARE = 0.72
CALCIUM_HU = 150.0
LOOK_MM = 12.0
AHEAD_MM = 60.0
SEED_MM = (3.0, 6.0, 16.0)
FAR_SEED_MM = (16.0, 16.0, 32.0)
OPEN_SHARE = 0.75
LEAST_OPEN_HU = 130.0
LEAST_BEYOND_MM = 5.0
RUN_OUT_MM = 10.0
RUN_OUT_WIDE_MM = 1.1
MOST_OUTER_MM = 3.0
DENSE_SHARE = 0.6
SAME_MM = 3.0
COMPANY_MM = 40.0
LEAST_COMPANY_MM = 12.0
BRIGHTER = 1.3


@dataclass(frozen=True, eq=False)
class Suspect:
    """A stretch of a path that shows no contrast.

    Parameters
    ----------
    path
        From the ostium to a tip.
    start_mm, end_mm
        Arc lengths on the path.
    proximal_mm, distal_mm
        Points of open lumen on either side; the distal one None where the vessel does not fill again.
    cap_mm
        Where the contrast stops.
    vessel
        ``"RCA"``, ``"LM"``, ``"LAD"`` or ``"LCX"``.
    farther_mm
        Pairs of points farther away, for where the first pair cannot be measured.
    otherwise
        The same vessel as one that runs out, for where no pair can be measured; None where it does not look like that.
    """

    path: Path
    start_mm: float
    end_mm: float
    proximal_mm: Point
    distal_mm: Point | None
    cap_mm: Point
    vessel: str | None
    farther_mm: tuple[tuple[Point, Point], ...] = ()
    otherwise: Suspect | None = None

    @property
    def runs_out(self) -> bool:
        """Whether nothing is filled beyond."""
        return self.distal_mm is None


@dataclass(frozen=True, eq=False)
class _Course:
    """Samples along a whole path, every 0.5 mm."""

    path: Path
    arc: NDArray[np.float64]
    core: NDArray[np.float64]
    lumen: NDArray[np.float64]
    outer: NDArray[np.float64]
    own_mm: float


def _course(branches: tuple[Branch, ...], tip: int) -> _Course:
    path = path_to(list(branches), tip)
    parts = []
    for k, link in enumerate(path.links):
        branch = branches[link.branch]
        keep = branch.arc_mm < link.end_mm - 1e-6 if k < len(path.links) - 1 else np.ones(len(branch.arc_mm), bool)
        parts.append(
            np.stack([link.offset_mm + branch.arc_mm, branch.core_hu, branch.lumen_mm, branch.outer_mm])[:, keep]
        )
    whole = np.concatenate(parts, axis=1)
    return _Course(path, whole[0], whole[1], whole[2], whole[3], path.links[-1].offset_mm)


def find_suspects(tree: CoronaryTree) -> list[Suspect]:
    """Every stretch of at least 3 mm without contrast, in vessels that are wide enough to tell.

    Notes
    -----
    Along each path the level of the open vessel is carried on from what lies before, and from what fills again beyond.
    A sample is closed where the vessel is wide, by its border with fat, and its core lies below half of the way from
    tissue to the level before it and below 72 % of the way to the lower of the two, or far above (calcium). Thin
    vessels are not judged: there blur alone darkens the core. Stretches less than 20 mm apart are handed on as one,
    and told apart by the measurement; where no open vessel lies beyond the last of them, it is left out.
    """
    found: list[Suspect] = []
    for tip in range(len(tree.branches)):
        course = _course(tree.branches, tip)
        upper, closed = _closed(course)
        for group in _groups(closed):
            suspect = _of_group(course, upper, group, tree)
            if suspect is not None and all(_apart_mm(suspect, other) > SAME_MM for other in found):
                found.append(suspect)
    return sorted(found, key=lambda suspect: suspect.runs_out)


def _of_group(course: _Course, upper: NDArray[np.float64], group: list[_Run], tree: CoronaryTree) -> Suspect | None:
    """The suspect of closed stretches that lie near each other: of all, or of as many as have open vessel beyond.

    Where none has, or should the measurement find no open vessel there, the vessel runs out, closed on most of its way.
    """
    filled = next((x for n in range(len(group), 0, -1) if (x := _of_part(course, upper, group[:n], tree))), None)
    empty = _of_part(course, upper, _dense(group), tree, runs_out=True)
    return empty if filled is None else replace(filled, otherwise=empty)


def _of_part(
    course: _Course, upper: NDArray[np.float64], part: list[_Run], tree: CoronaryTree, *, runs_out: bool = False
) -> Suspect | None:
    """The suspect from the first to the last of some closed stretches, if it runs out, or fills again, as asked."""
    first, last = part[0][0], part[-1][1]
    if _closed_mm(part) < LEAST_MM or course.arc[last] < course.own_mm + 1.0:
        return None
    suspect = _suspect(course, upper, (first, last), tree.named, runs_out=runs_out)
    return None if suspect is None or _leads_to_vein(course, last, tree.branches) else suspect


def _closed_mm(group: list[_Run]) -> float:
    return sum(size for *_, size in group) * STEP_MM


def _dense(group: list[_Run]) -> list[_Run]:
    """The last of some closed stretches, from the one on from which most of the way is closed."""
    while len(group) > 1 and _closed_mm(group) < DENSE_SHARE * (group[-1][1] - group[0][0]) * STEP_MM:
        group = group[1:]
    return group


def _leads_to_vein(course: _Course, last: int, branches: tuple[Branch, ...]) -> bool:
    """Whether what follows a stretch keeps company with a brighter artery: the stretch was the way into a vein."""
    after = slice(last + 4, last + 4 + round(COMPANY_MM / STEP_MM))
    points, hu = course.path.points_mm[after], course.core[after]
    if len(points) * STEP_MM < LEAST_COMPANY_MM:
        return False
    level = BRIGHTER * float(np.median(hu))
    tip = course.path.links[-1].branch
    others = [b.line.points_mm[b.core_hu > level] for k, b in enumerate(branches) if k != tip]
    return runs_beside(points, others)


def _apart_mm(one: Suspect, other: Suspect) -> float:
    """Distance between the places where the contrast stops; large where only one of the two fills again."""
    gap = float(np.linalg.norm(np.subtract(one.cap_mm, other.cap_mm)))
    return gap if one.runs_out == other.runs_out else gap + 2 * SAME_MM


def _closed(course: _Course) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) level of an open vessel, and the samples that are closed."""
    core = ndimage.median_filter(course.core, 3, mode="nearest")
    wide = course.outer >= WIDE_MM
    n, look, ahead = len(core), round(LOOK_MM / STEP_MM), round(AHEAD_MM / STEP_MM)
    upper = np.full(n, float(np.percentile(core[: 2 * look], 75)))
    beyond = np.full(n, 0.0)
    filled = np.where(wide & (course.lumen >= 0.6), core, 0.0)
    steady = ndimage.percentile_filter(filled, 40, round(6.0 / STEP_MM), mode="nearest")
    closed = np.zeros(n, dtype=bool)
    for k in range(n):
        lit = np.flatnonzero(~closed[max(0, k - 3 * look) : k] & wide[max(0, k - 3 * look) : k])
        if len(lit) >= 4:
            upper[k] = float(np.median(core[max(0, k - 3 * look) : k][lit[-look:]]))
        elif k:
            upper[k] = upper[k - 1]
        beyond[k] = float(steady[k : k + ahead].max())
        after = min(upper[k], max(beyond[k], LEAST_OPEN_HU))
        mark = min(0.5 * (upper[k] - TISSUE_HU), DIP_SHARE * (after - TISSUE_HU))
        dark = core[k] < TISSUE_HU + mark
        closed[k] = wide[k] and (dark or core[k] > upper[k] + CALCIUM_HU)
    return upper, closed


def _groups(closed: NDArray[np.bool_]) -> list[list[_Run]]:
    """The closed stretches of a millimetre and more, near ones in one group; groups that are short in all left out."""
    label, count = ndimage.label(closed)
    groups: list[list[_Run]] = []
    for k in range(1, count + 1):
        inside = np.flatnonzero(label == k)
        if len(inside) * STEP_MM < 1.0:
            continue
        run = (int(inside[0]), int(inside[-1]), len(inside))
        if groups and (run[0] - groups[-1][-1][1]) * STEP_MM < JOINED_MM:
            groups[-1].append(run)
        else:
            groups.append([run])
    return [group for group in groups if sum(size for *_, size in group) * STEP_MM >= LEAST_MM]


def _suspect(
    course: _Course, upper: NDArray[np.float64], run: tuple[int, int], named: tuple[Named, ...], *, runs_out: bool
) -> Suspect | None:
    first, last = run
    stump = course.lumen[max(0, first - 16) : max(1, first - 2)]
    if float(np.median(stump)) < LUMEN_MM:
        return None
    proximal = _seed(course, range(first, -1, -1), float(upper[first]))
    if proximal is None:
        return None
    tail = course.core[last + 1 :]
    beyond = float(np.percentile(tail[: round(25.0 / STEP_MM)], 75)) if len(tail) * STEP_MM > LEAST_BEYOND_MM else 0.0
    distal = None
    if beyond >= LEAST_OPEN_HU:
        distal = _seed(course, range(last, len(course.arc)), min(beyond, float(upper[first])))
    if (distal is None) != runs_out or (runs_out and not _fades_wide(course, run)):
        return None
    first = _half_way(course, first, float(upper[first])) if runs_out else first
    return Suspect(
        course.path,
        float(course.arc[first]),
        float(course.arc[last]),
        proximal,
        distal,
        _point(course, first),
        _vessel(course, first, named),
        () if distal is None else _farther(course, run, (proximal, distal), (float(upper[run[0]]), beyond)),
    )


def _farther(
    course: _Course, run: tuple[int, int], near: tuple[Point, Point], levels: tuple[float, float]
) -> tuple[tuple[Point, Point], ...]:
    """Pairs of points of which one or both lie 16 to 32 mm away from a closed stretch."""
    before = _seed(course, range(run[0], -1, -1), levels[0], within_mm=FAR_SEED_MM)
    after = _seed(course, range(run[1], len(course.arc)), min(levels), within_mm=FAR_SEED_MM)
    pairs = (near[0], after), (before, near[1]), (before, after)
    return tuple((one, other) for one, other in pairs if one is not None and other is not None)


def _half_way(course: _Course, first: int, level: float) -> int:
    """The sample, up to 15 mm before a closed stretch, from which on the core stays below half of the level."""
    mark = TISSUE_HU + 0.5 * (level - TISSUE_HU)
    core = ndimage.median_filter(course.core, 3, mode="nearest")
    here = first
    while here > max(0, first - round(15.0 / STEP_MM)) and core[here - 1] < mark:
        here -= 1
    return here


def _fades_wide(course: _Course, run: tuple[int, int]) -> bool:
    """Whether a wide vessel, and not the wall of a chamber, goes on without contrast to the end of the path."""
    wide = course.outer[run[0] :]
    first = wide[: round(RUN_OUT_MM / STEP_MM)]
    vessel = float(np.percentile(first, 20)) >= RUN_OUT_WIDE_MM and float(np.median(first)) <= MOST_OUTER_MM
    return bool(len(wide) * STEP_MM >= RUN_OUT_MM and vessel and float(np.median(wide)) >= RUN_OUT_WIDE_MM)


def _seed(
    course: _Course, way: range, level: float, *, within_mm: tuple[float, float, float] = SEED_MM
) -> Point | None:
    """The best open place 6 to 16 mm away from a closed stretch; the farthest one from 3 mm on where there is none.

    ``within_mm`` are the three limits.
    """
    least, good, most = within_mm
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
    return None if best is None else _point(course, best)


def _point(course: _Course, k: int) -> Point:
    x, y, z = course.path.points_mm[min(k, len(course.path.points_mm) - 1)]
    return float(x), float(y), float(z)


def _vessel(course: _Course, k: int, named: tuple[Named, ...]) -> str | None:
    at = float(course.arc[k])
    for link in reversed(course.path.links):
        if at >= link.offset_mm:
            inside = at - link.offset_mm
            near = [n for n in named if n.branch == link.branch]
            near.sort(key=lambda n: max(n.start_mm - inside, inside - n.end_mm, 0.0))
            return near[0].vessel if near else None
    return None
