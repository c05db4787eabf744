"""Stretches of the tree without contrast, and where to put the seeds on either side of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.branches import STEP_MM, Branch
from recanal.anatomy.naming import Named
from recanal.anatomy.paths import Path
from recanal.anatomy.tree import CoronaryTree
from recanal.anatomy.veins import runs_beside
from recanal.closures.course import (
    FAR_SEED_MM,
    LEAST_OPEN_HU,
    TISSUE_HU,
    WIDE_MM,
    Course,
    closed_along,
    course_of,
    open_place,
    point_at,
    vessel_at,
)
from recanal.core.case import Point
from recanal.imaging.cap_calcium import long_runs

__all__ = ["Suspect", "chosen", "find_suspects"]

_Run = tuple[int, int, int]

LUMEN_MM = 0.8
LEAST_MM = 3.0
JOINED_MM = 20.0
LEAST_BEYOND_MM = 5.0
RUN_OUT_MM = 10.0
RUN_OUT_WIDE_MM = 1.1
BEFORE_MM, BRIGHT_SHARE = 30.0, 0.6
MOST_OUTER_MM = 3.0
DENSE_SHARE = 0.6
SAME_MM = 3.0
COMPANY_MM = 40.0
LEAST_COMPANY_MM = 12.0
BRIGHTER = 1.3
FORK_MM = 3.0
LEAVES_MM, OWN_SAMPLES = 0.5, 4
ON_AXIS_HU, BETWEEN_MM, USUAL_MM, MOST_CALCIUM_MM = 60.0, 6.0, 40.0, 25.0
LEAST_RUN_MM, MOST_CALCIFIED = 1.0, 6
HEADING_MM, LEAST_LOOP_MM, BESIDE_VEIN_MM, AGAINST = 4.0, 15.0, 6.5, -0.5
STEP_BACK_MM, STEP_MOST_MM, STEP_CALCIUM_HU, STEP_SHARE = 25.0, 15.0, 60.0, 0.8
LOOK_BACK_MM, LOOK_ON_MM = 10.0, 20.0
GOES_ON_MM, TRUNK_WIDER, LONG_MM = 10.0, 1.2, 30.0


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
    shut
        ``otherwise``, or where that is None the vessel as one that runs out although something bright lies beyond: for
        where every way to that leaves the vessel, or where it is calcium.
    shorter
        The same without the last of several closed stretches, for where the measurement explains but a part of them.
    apart
        Whether the tree did not reach the vessel beyond.
    calcified
        Whether no contrast was missed: there is calcium on the axis, in an open vessel perhaps.
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
    shut: Suspect | None = None
    shorter: Suspect | None = None
    apart: bool = False
    calcified: bool = False

    @property
    def runs_out(self) -> bool:
        """Whether nothing is filled beyond."""
        return self.distal_mm is None


def find_suspects(tree: CoronaryTree) -> list[Suspect]:
    """Every stretch of at least 3 mm without contrast, in vessels that are wide enough to tell.

    Notes
    -----
    Along each path the level of the open vessel is carried on from what lies before, and from what fills again beyond.
    A sample is closed where the vessel is wide, by its border with fat, and its core lies below half of the way from
    tissue to the level before it and below 72 % of the way to the lower of the two, or far above (calcium). Thin
    vessels are not judged: there blur alone darkens the core. Stretches less than 20 mm apart are handed on as one,
    and told apart by the measurement; where no open vessel lies beyond the last of them, it is left out. Stretches with
    calcium on the axis come after these, the longest first: there the path may lead around what is closed. Last come
    those that run out.
    """
    found: list[Suspect] = []
    calcified: list[Suspect] = []
    for tip in range(len(tree.branches)):
        course = course_of(tree.branches, tip)
        upper, closed = closed_along(course)
        for group in _groups(closed):
            suspect = _of_group(course, upper, group, tree)
            if suspect is not None and all(_apart_mm(suspect, other) > SAME_MM for other in found):
                found.append(suspect)
        usual = ndimage.median_filter(course.core, round(USUAL_MM / STEP_MM) + 1, mode="nearest")
        usual = np.minimum(upper, np.maximum(usual, LEAST_OPEN_HU))
        for run in _calcified(course, usual, closed):
            suspect = _of_part(course, usual, [run], tree)
            if suspect is not None and all(_is_elsewhere(suspect, other) for other in calcified):
                calcified.append(replace(suspect, calcified=True))
    calcified = [one for one in calcified if all(_is_elsewhere(one, other) for other in found)]
    calcified.sort(key=lambda one: one.start_mm - one.end_mm)
    return sorted([*found, *calcified], key=lambda suspect: suspect.runs_out)


def chosen(found: list[Suspect], vessel: str | None) -> tuple[list[Suspect], list[str]]:
    """The stretches to be measured, and what is to be said of those left out.

    Parameters
    ----------
    found
        As :func:`find_suspects` gives them.
    vessel
        The artery that alone was asked for.

    Returns
    -------
    stretches, words
        All of that artery, but of those that are merely calcified the six longest; how many these leave, if any.
    """
    wanted = [one for one in found if vessel is None or one.vessel == vessel]
    spare = [one for one in wanted if one.calcified][MOST_CALCIFIED:]
    if not spare:
        return wanted, []
    where = ", ".join(dict.fromkeys(one.vessel or "an artery without a name" for one in spare))
    count = f"{len(spare)} more stretch{'es' if len(spare) > 1 else ''}"
    said = f"calcium on the axis of {count} ({where}) was not measured, only the {MOST_CALCIFIED} longest were"
    return [one for one in wanted if one not in spare], [said]


def _calcified(course: Course, level: NDArray[np.float64], closed: NDArray[np.bool_]) -> list[_Run]:
    """Stretches of 3 mm and more of a wide vessel that is brighter than its lumen, with what is dark next to it."""
    bright = long_runs((course.core > level + ON_AXIS_HU) & (course.outer >= WIDE_MM), LEAST_RUN_MM / STEP_MM)
    ends = np.flatnonzero(bright | long_runs(closed, LEAST_RUN_MM / STEP_MM))
    parts = np.split(ends, np.flatnonzero(np.diff(ends) * STEP_MM > BETWEEN_MM) + 1) if len(ends) else []
    runs = [(int(part[0]), int(part[-1]), int(part[-1] - part[0] + 1)) for part in parts if bright[part].any()]
    return [run for run in runs if LEAST_MM <= run[2] * STEP_MM <= MOST_CALCIUM_MM]


def _is_elsewhere(one: Suspect, other: Suspect) -> bool:
    """Whether two stretches do not overlap, nor lie within 3 mm of each other, on the way that they share."""
    last = min(one.end_mm, other.end_mm, one.path.shared_mm(other.path))
    return max(one.start_mm, other.start_mm) > last + SAME_MM


def _of_group(course: Course, upper: NDArray[np.float64], group: list[_Run], tree: CoronaryTree) -> Suspect | None:
    """The suspect of closed stretches that lie near each other: of all, or of as many as have open vessel beyond.

    Where none has, or should the measurement find no open vessel there, the vessel runs out, closed on most of its way.
    """
    parts = (_of_part(course, upper, group[:n], tree) for n in range(len(group), 0, -1))
    filled = list(islice((part for part in parts if part is not None), 2))
    empty = _of_part(course, upper, _dense(group), tree, runs_out=True)
    if not filled:
        return empty
    shut = empty or _of_part(course, upper, _dense(group), tree, runs_out=True, blind=True)
    return replace(filled[0], otherwise=empty, shut=shut, shorter=filled[1] if len(filled) > 1 else None)


def _of_part(
    course: Course,
    upper: NDArray[np.float64],
    part: list[_Run],
    tree: CoronaryTree,
    *,
    runs_out: bool = False,
    blind: bool = False,
) -> Suspect | None:
    """The suspect from the first to the last of some closed stretches, if it runs out, or fills again, as asked.

    ``blind`` is one that runs out whatever seems to lie beyond.
    """
    first, last = part[0][0], part[-1][1]
    if _closed_mm(part) < LEAST_MM or course.arc[last] < course.own_mm + 1.0:
        return None
    if runs_out and _is_side_of_open(course, first, tree):
        return None
    suspect = _suspect(course, upper, (first, last), tree.named, runs_out=runs_out, blind=blind)
    return None if suspect is None or _leads_to_vein(course, last, tree.branches) else suspect


def _is_side_of_open(course: Course, first: int, tree: CoronaryTree) -> bool:
    """Whether a way is dark from a fork on at which another vessel goes on: no vessel is seen to end there.

    A dark one that is much wider than the other, or as wide and 30 mm long, is the vessel itself, and the other its
    side branch.
    """
    if len(course.path.links) < 2 or course.arc[first] > course.own_mm + FORK_MM:
        return False
    before = max(0, first - round(LOOK_BACK_MM / STEP_MM))
    if vessel_at(course, first, tree.named) != vessel_at(course, before, tree.named):
        return False
    above = course.path.links[-2]
    parent = tree.branches[above.branch]
    half = TISSUE_HU + 0.5 * (float(np.median(course.core[before : first + 1])) - TISSUE_HU)
    beyond = parent.arc_mm > above.end_mm + FORK_MM
    later, dark = parent.core_hu[beyond], course.arc > course.own_mm + FORK_MM
    if beyond.any() and dark.any():
        span = round(LOOK_BACK_MM / STEP_MM)
        wide, other = float(np.median(course.outer[dark][:span])), float(np.median(parent.outer_mm[beyond][:span]))
        least = other if dark.sum() * STEP_MM >= LONG_MM else TRUNK_WIDER * other
        if wide > least:
            return False
    return float((later[: round(LOOK_ON_MM / STEP_MM)] > half).sum()) * STEP_MM > GOES_ON_MM


def _closed_mm(group: list[_Run]) -> float:
    return sum(size for *_, size in group) * STEP_MM


def _dense(group: list[_Run]) -> list[_Run]:
    """The last of some closed stretches, from the one on from which most of the way is closed."""
    while len(group) > 1 and _closed_mm(group) < DENSE_SHARE * (group[-1][1] - group[0][0]) * STEP_MM:
        group = group[1:]
    return group


def _leads_to_vein(course: Course, last: int, branches: tuple[Branch, ...]) -> bool:
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
    course: Course,
    upper: NDArray[np.float64],
    run: tuple[int, int],
    named: tuple[Named, ...],
    *,
    runs_out: bool,
    blind: bool = False,
) -> Suspect | None:
    first, last = run
    stump = course.lumen[max(0, first - 16) : max(1, first - 2)]
    if float(np.median(stump)) < LUMEN_MM:
        return None
    proximal = _open_before(course, first, float(upper[first]))
    if proximal is None:
        return None
    tail = course.core[last + 1 :]
    beyond = float(np.percentile(tail[: round(25.0 / STEP_MM)], 75)) if len(tail) * STEP_MM > LEAST_BEYOND_MM else 0.0
    distal = None
    if beyond >= LEAST_OPEN_HU and not blind:
        distal = open_place(course, range(last, len(course.arc)), min(beyond, float(upper[first])))
        distal = None if distal is None or _turns_back(course, distal) else distal
    if (distal is None) != runs_out or (runs_out and not (_is_wide_before(course, first) and _fades_wide(course, run))):
        return None
    first = _step_before(course, first, max(float(upper[first]), _level_before(course, first))) if runs_out else first
    return Suspect(
        course.path,
        float(course.arc[first]),
        float(course.arc[last]),
        proximal,
        distal,
        point_at(course, first),
        vessel_at(course, first, named),
        () if distal is None else _farther(course, run, (proximal, distal), (float(upper[run[0]]), beyond)),
    )


def _turns_back(course: Course, distal: Point) -> bool:
    """Whether a way comes back beside itself before a point: it ended in the vein beside the artery."""
    points, arc_mm = course.path.points_mm, course.path.arc_mm
    away = np.linalg.norm(points - np.asarray(distal), axis=1)
    here, span = int(away.argmin()), round(HEADING_MM / STEP_MM)
    earlier = np.flatnonzero((arc_mm < arc_mm[here] - LEAST_LOOP_MM) & (away < BESIDE_VEIN_MM))
    earlier = earlier[earlier >= span]
    if not len(earlier) or here < span:
        return False
    beside = int(earlier[away[earlier].argmin()])
    heading = [points[k] - points[k - span] for k in (here, beside)]
    sizes = float(np.linalg.norm(heading[0]) * np.linalg.norm(heading[1]))
    return bool(heading[0] @ heading[1] < AGAINST * sizes)


def _open_before(course: Course, first: int, level: float) -> Point | None:
    """An open place before a closed stretch, as bright as the vessel was farther up, or else as bright as next to it.

    Next to it bright plaque may lie, which is open for neither.
    """
    bright = max(level, _level_before(course, first))
    return open_place(course, range(first, -1, -1), bright) or open_place(course, range(first, -1, -1), level)


def _farther(
    course: Course, run: tuple[int, int], near: tuple[Point, Point], levels: tuple[float, float]
) -> tuple[tuple[Point, Point], ...]:
    """Pairs of points of which one or both lie 16 to 32 mm away from a closed stretch."""
    before = open_place(course, range(run[0], -1, -1), levels[0], within_mm=FAR_SEED_MM)
    after = open_place(course, range(run[1], len(course.arc)), min(levels), within_mm=FAR_SEED_MM)
    after = None if after is None or _turns_back(course, after) else after
    pairs = (near[0], after), (before, near[1]), (before, after)
    return tuple((one, other) for one, other in pairs if one is not None and other is not None)


def _step_before(course: Course, first: int, level: float) -> int:
    """The sample, up to 15 mm before a closed stretch, from which on the core is no longer that of the open vessel.

    Of all places the one at which two levels explain the core best, the median of the vessel before and that of what
    follows: plaque before the dark part may be bright. Calcium tells nothing; and what keeps 0.8 of the contrast is no
    plaque, for that of a long open vessel falls by itself.
    """
    begin, end = max(0, first - round(STEP_BACK_MM / STEP_MM)), min(len(course.core), first + round(3.0 / STEP_MM))
    core = ndimage.median_filter(course.core, 3, mode="nearest")[begin:end]
    told = core < level + STEP_CALCIUM_HU
    best, least = first, np.inf
    for here in range(max(begin, first - round(STEP_MOST_MM / STEP_MM)), first + 1):
        open_part, rest = core[: here - begin][told[: here - begin]], core[here - begin :][told[here - begin :]]
        lumen = min(float(np.median(open_part)), level) if len(open_part) else level
        plaque = min(float(np.median(rest)), lumen) if len(rest) else lumen
        off = float(np.abs(open_part - lumen).sum() + np.abs(rest - plaque).sum())
        fallen = here == first or plaque - TISSUE_HU < STEP_SHARE * (lumen - TISSUE_HU)
        if fallen and off < least:
            best, least = here, off
    return best


def _level_before(course: Course, first: int) -> float:
    """Contrast in the bright part of the 30 mm before; bright plaque next to a closed stretch does not lower it."""
    return float(np.percentile(course.core[max(0, first - round(BEFORE_MM / STEP_MM)) : first + 1], 75))


def _is_wide_before(course: Course, first: int) -> bool:
    """Whether a vessel is wide where it is bright: noise and fading widen what is dim.

    A branch that was open for 2 mm is judged by itself: a thin one that fades is no occluded trunk.
    """
    begin = max(0, first - round(BEFORE_MM / STEP_MM))
    own = int(np.searchsorted(course.arc, course.own_mm + LEAVES_MM))
    if first - own >= OWN_SAMPLES:
        begin = max(begin, own)
    before = slice(begin, max(first, 1))
    core, lumen = course.core[before], course.lumen[before]
    lit = core >= TISSUE_HU + BRIGHT_SHARE * (float(np.percentile(core, 75)) - TISSUE_HU)
    return bool(float(np.median(lumen[lit])) >= LUMEN_MM)


def _fades_wide(course: Course, run: tuple[int, int]) -> bool:
    """Whether a wide vessel, and not the wall of a chamber, goes on without contrast to the end of the path.

    A vessel has fat to most sides of it, a wall to one.
    """
    wide = course.outer[run[0] :]
    first = wide[: round(RUN_OUT_MM / STEP_MM)]
    vessel = float(np.percentile(first, 20)) >= RUN_OUT_WIDE_MM and float(np.median(first)) <= MOST_OUTER_MM
    vessel = vessel and float(np.median(course.lumen[run[0] :])) <= MOST_OUTER_MM
    return bool(len(wide) * STEP_MM >= RUN_OUT_MM and vessel and float(np.median(wide)) >= RUN_OUT_WIDE_MM)
