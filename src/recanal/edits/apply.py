"""One correction made to one vessel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.edits.actions import (
    AddPoint,
    DeletePoints,
    Edit,
    MergeLesions,
    MovePoint,
    Place,
    Redraw,
    RenameSegment,
    RenameVessel,
    SetCap,
    SplitLesion,
    Waypoint,
)
from recanal.edits.axis import bridged, cut_short, drawn_on, drawn_through
from recanal.edits.contours import Drawn, polar_radii, section_points
from recanal.edits.draft import Draft, on_axis, shut_of, with_drawn
from recanal.edits.occlusions import cap_set, merged, place_mm, split
from recanal.edits.waypoints import rerouted
from recanal.errors import EditError
from recanal.imaging.caps import Gap
from recanal.imaging.route import CostMap

__all__ = ["Site", "applied", "redrawn"]

END_MM = 0.5
Done = tuple[Draft, str]


@dataclass(frozen=True, eq=False)
class Site:
    """What a correction is made on.

    Parameters
    ----------
    volume
        The CT angiogram.
    first
        Number of the first lesion of the vessel.
    costs
        Gives the costs of the way, where they are needed.
    """

    volume: Volume
    first: int
    costs: Callable[[], CostMap]


def applied(draft: Draft, edit: Edit, site: Site) -> Done:
    """The vessel after a correction, and the correction in words.

    Raises
    ------
    EditError
        When it cannot be made.
    """
    action = edit.action
    match action:
        case MovePoint() | AddPoint() | DeletePoints() | Waypoint():
            return _axis(draft, action, site)
        case SetCap() | MergeLesions() | SplitLesion():
            return _occlusions(draft, action, site)
        case Redraw():
            return redrawn(draft, action, index=edit.index, first=site.first)
        case RenameVessel(name=name):
            return replace(draft, name=name), f"vessel {draft.name or 'without a name'} is now {name}"
        case RenameSegment(segment=segment, name=name):
            return draft, f"segment {segment} is now {name}"


def _axis(draft: Draft, action: MovePoint | AddPoint | DeletePoints | Waypoint, site: Site) -> Done:
    line = draft.line
    match action:
        case MovePoint(at=at, to_mm=to_mm, reach_mm=reach_mm):
            arc = _arc(draft, at, site.first, field="at")
            moved = drawn_through(line, arc, to_mm, reach_mm=reach_mm)
            return on_axis(draft, moved, site.volume), f"axis at {arc:.1f} mm moved to {_text(to_mm)}"
        case AddPoint(point_mm=point_mm, reach_mm=reach_mm):
            return _added(draft, point_mm, reach_mm, site.volume)
        case DeletePoints(start=start, end=end):
            low = _arc(draft, start, site.first, field="from")
            high = _arc(draft, end, site.first, field="to")
            return on_axis(draft, _deleted(draft, low, high), site.volume), (
                f"axis from {low:.1f} to {high:.1f} mm deleted"
            )
        case Waypoint(point_mm=point_mm):
            target = np.asarray(point_mm, dtype=np.float64)
            found = rerouted(draft, target, site.costs())
            kept = replace(draft, waypoints=(*draft.waypoints, target), notes=(*draft.notes, *found.notes))
            low, high = found.stretch_mm
            return on_axis(kept, found.line, site.volume), (
                f"way from {low:.1f} to {high:.1f} mm of the axis sought again through {_text(point_mm)}"
            )


def _added(draft: Draft, point_mm: tuple[float, float, float], reach_mm: float, volume: Volume) -> Done:
    line = draft.line
    arc, far = line.nearest(point_mm)
    if far < 1e-6:
        return draft, f"point {_text(point_mm)} lies on the axis already"
    at_start, at_end = arc < 1e-6, arc > line.length_mm - 1e-6
    if at_start or at_end:
        longer = drawn_on(line, point_mm, at_start=at_start)
        return on_axis(draft, longer, volume), f"axis carried on by {far:.1f} mm to {_text(point_mm)}"
    return on_axis(draft, drawn_through(line, arc, point_mm, reach_mm=reach_mm), volume), (
        f"axis at {arc:.1f} mm drawn through {_text(point_mm)}"
    )


def _deleted(draft: Draft, low: float, high: float) -> Centerline:
    line = draft.line
    if high <= low:
        raise EditError(f"from, to: {low:.1f} mm does not lie before {high:.1f} mm.", hint="Give from before to.")
    head, tail = low <= END_MM, high >= line.length_mm - END_MM
    if head and tail:
        raise EditError("from, to: nothing of the axis would be left.", hint="Delete less.")
    if head:
        return cut_short(line, high, line.length_mm)
    return cut_short(line, 0.0, low) if tail else bridged(line, low, high)


def _occlusions(draft: Draft, action: SetCap | MergeLesions | SplitLesion, site: Site) -> Done:
    match action:
        case SetCap(cap=cap, at=at, lesion=lesion):
            number = _number(draft, lesion or at.lesion, site.first)
            arc = _arc(draft, at, site.first, field="at", gap=draft.gaps[number])
            words = f"{cap} cap of L{site.first + number} set to {arc:.1f} mm of the axis"
            return cap_set(draft, number, cap, arc), words
        case MergeLesions(first=first, second=second):
            numbers = sorted((_number(draft, first, site.first), _number(draft, second, site.first)))
            if numbers[1] - numbers[0] != 1:
                raise EditError(f"lesions: {first} and {second} are not neighbours.", hint="Merge two at a time.")
            return merged(draft, numbers[0]), f"{first} and {second} merged"
        case SplitLesion(lesion=lesion, start=start, end=end):
            number = _number(draft, lesion or start.lesion or end.lesion, site.first)
            gap = draft.gaps[number]
            low = _arc(draft, start, site.first, field="from", gap=gap)
            high = _arc(draft, end, site.first, field="to", gap=gap)
            words = f"L{site.first + number} split by an open stretch from {low:.1f} to {high:.1f} mm of the axis"
            return split(draft, number, low, high), words


def redrawn(draft: Draft, action: Redraw, *, index: int, first: int = 1) -> Done:
    """The vessel after a contour was redrawn, and that in words.

    Parameters
    ----------
    index
        Of the correction in the file, for messages.
    first
        Number of the first lesion of the vessel.

    Raises
    ------
    EditError
        When the contour cannot be: see :func:`recanal.edits.contours.polar_radii`.
    """
    contours = draft.found.contours
    if action.at is not None:
        arc = _arc(draft, action.at, first, field="at")
    else:
        arc = draft.line.nearest(np.mean(np.asarray(action.polygon_mm), axis=0))[0]
    section = int(np.argmin(np.abs(contours.line.arc_mm - arc)))
    if action.border == "lumen" and shut_of(draft.vessel)[section]:
        raise EditError(
            f"border: the section at {arc:.1f} mm of the axis lies inside an occlusion, which has no lumen.",
            hint="Set the cap or split the lesion first.",
        )
    if action.radii_mm:
        points = section_points(contours, section, action.radii_mm)
    else:
        points = np.asarray(action.polygon_mm, dtype=np.float64)
    polar_radii(contours, section, points)
    place = contours.line.points_mm[section]
    drawn = Drawn(action.border, points, place, action.reach_mm, index)
    return with_drawn(draft, (*draft.drawn, drawn)), f"{action.border} redrawn at {arc:.1f} mm of the axis"


def _arc(draft: Draft, place: Place, first: int, *, field: str, gap: Gap | None = None) -> float:
    if gap is None and place.position_mm is not None and draft.gaps:
        gap = draft.gaps[_number(draft, place.lesion, first)]
    return place_mm(draft, place, field=field, gap=gap)


def _number(draft: Draft, lesion: str | None, first: int) -> int:
    """The occlusion of the axis, from 0, that an id means."""
    if not draft.gaps:
        raise EditError("lesion: the vessel has no occlusion.", hint="Correct the axis or the seeds first.")
    last = first + len(draft.gaps) - 1
    if lesion is None:
        if len(draft.gaps) > 1:
            raise EditError("lesion: is missing, and there are several.", hint=f"Give one of L{first} to L{last}.")
        return 0
    number = int(lesion[1:]) - first
    if not 0 <= number < len(draft.gaps):
        raise EditError(f"lesion: {lesion} is no occlusion of this vessel.", hint=f"It has L{first} to L{last}.")
    return number


def _text(point_mm: tuple[float, float, float]) -> str:
    return ", ".join(f"{x:.1f}" for x in point_mm)
