"""The way through an occlusion, sought again through points that a reader gave."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recanal.core.curves import Centerline
from recanal.edits.axis import cut_short, drawn_through
from recanal.edits.draft import Draft
from recanal.errors import EditError
from recanal.imaging.centring import centred
from recanal.imaging.route import CostMap, find_route

__all__ = ["Rerouted", "rerouted"]

BEYOND_CAP_MM = 2.0
AROUND_MM = 5.0
CONTEXT_MM = 10.0
FADE_MM = 3.0
HELD_MM = 1.0
HELD_REACH_MM = 5.0
LEAST_LEG_MM = 2.0
TURN_MM = 3.0
MOST_TURN_DEG = 110.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rerouted:
    """The axis through all waypoints.

    Parameters
    ----------
    line
        The axis.
    stretch_mm
        Arc lengths on the old axis between which it was sought again.
    notes
        How it meets the new waypoint.
    """

    line: Centerline
    stretch_mm: tuple[float, float]
    notes: tuple[str, ...]


def rerouted(draft: Draft, waypoint_mm: Floats, costs: CostMap) -> Rerouted:
    """The cheapest way through a waypoint, between the open vessel on either side of the occlusion it is nearest to.

    Parameters
    ----------
    draft
        The vessel; its earlier waypoints within the stretch stay.
    waypoint_mm
        (3,) LPS point.
    costs
        The map that the first way was found on.

    Notes
    -----
    The stretch reaches from 2 mm before the proximal cap to 2 mm beyond the distal one, and at least 5 mm to either
    side of the waypoint. The way is put on the axis of the vessel as the first one was; where that leaves it more than
    1 mm from the waypoint, the axis is drawn through the waypoint itself.

    Raises
    ------
    EditError
        When the waypoint lies outside the surroundings of the vessel, or in a place that the way enters and leaves by
        the same path, such as a side branch.
    """
    line = draft.line
    grid = np.asarray(costs.cost.shape)
    index = costs.block.affine.to_index(waypoint_mm)[0]
    if (index < 0).any() or (index > grid - 1).any():
        raise EditError("point_mm: lies outside the surroundings of the vessel.", hint="Give a point near the vessel.")
    start, end = _stretch(draft, waypoint_mm)
    kept = [point for point in draft.waypoints if start < line.nearest(point)[0] < end]
    points = sorted([*kept, waypoint_mm], key=lambda point: line.nearest(point)[0])
    path = _path(line, points, (start, end), costs)
    level = draft.vessel.lumen.level_hu
    before, after = max(start - CONTEXT_MM, 0.0), min(end + CONTEXT_MM, line.length_mm)
    pieces = [_part(line, before, start)[:-1], path, _part(line, end, after)[1:]]
    arc = line.arc_mm
    levels = (float(np.interp(before, arc, level)), float(np.interp(after, arc, level)))
    new = centred(draft.vessel.block, np.concatenate(pieces), levels)
    joined = _joined(line, new, (start, end))
    notes = []
    for point in points:
        joined, far = _held(joined, point)
        if point is waypoint_mm:
            how = "the axis is drawn through it" if far > HELD_MM else "the axis passes at that distance"
            notes.append(f"the centred way passes {far:.1f} mm from the waypoint; {how}")
    return Rerouted(joined, (start, end), tuple(notes))


def _stretch(draft: Draft, waypoint: Floats) -> tuple[float, float]:
    at = draft.line.nearest(waypoint)[0]
    low, high = at - AROUND_MM, at + AROUND_MM
    if draft.gaps:
        gap = min(draft.gaps, key=lambda g: max(g.start_mm - at, at - g.end_mm, 0.0))
        if gap.start_mm - AROUND_MM <= at <= gap.end_mm + AROUND_MM:
            low, high = min(low, gap.start_mm - BEYOND_CAP_MM), max(high, gap.end_mm + BEYOND_CAP_MM)
    return max(low, 0.0), min(high, draft.line.length_mm)


def _path(line: Centerline, points: list[Floats], stretch: tuple[float, float], costs: CostMap) -> Floats:
    """(n, 3) the way from end to end of the stretch through every point."""
    ends = line.at(stretch)
    stops = [ends[0], *points, ends[1]]
    legs = []
    for a, b in pairwise(stops):
        if np.linalg.norm(b - a) < LEAST_LEG_MM:
            legs.append(np.stack([a, b]))
        else:
            legs.append(find_route(costs, np.stack([a, b])).points_mm)
    for first, second in pairwise(legs):
        _no_turning_back(first, second)
    return np.concatenate([legs[0], *(leg[1:] for leg in legs[1:])])


def _no_turning_back(first: Floats, second: Floats) -> None:
    back = _part(Centerline(first[::-1]), 0.0, TURN_MM)[-1] - first[-1]
    ahead = _part(Centerline(second), 0.0, TURN_MM)[-1] - second[0]
    cosine = float(back @ ahead / max(np.linalg.norm(back) * np.linalg.norm(ahead), 1e-9))
    turn = 180.0 - float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    if turn > MOST_TURN_DEG:
        raise EditError(
            f"point_mm: the way through the waypoint would turn by {turn:.0f} degrees there.",
            hint="Does it lie in a side branch? Give a point on the vessel's own course.",
        )


def _part(line: Centerline, start_mm: float, end_mm: float) -> Floats:
    """(n, 3) points of the axis between two arc lengths; one point where they are the same."""
    end = min(end_mm, line.length_mm)
    if end - start_mm < 1e-6:
        return line.at(end)
    return cut_short(line, start_mm, end).points_mm


def _joined(line: Centerline, new: Centerline, stretch: tuple[float, float]) -> Centerline:
    """The old axis with the stretch taken from the new one, which fades in over 3 mm before it and out beyond."""
    start, end = stretch
    low, high = max(start - FADE_MM, 0.0), min(end + FADE_MM, line.length_mm)
    first, last = new.nearest(line.at(low)[0])[0], new.nearest(line.at(high)[0])[0]
    middle = np.array(_part(new.resample(0.5), first, last))
    for k, point in enumerate(middle):
        at = line.nearest(point)[0]
        share = 1.0 if start <= at <= end else 1.0 - (start - at if at < start else at - end) / FADE_MM
        if at < start or at > end:
            middle[k] = max(share, 0.0) * point + (1.0 - max(share, 0.0)) * line.at(at)[0]
    pieces = [_part(line, 0.0, low)[:-1], middle, _part(line, high, line.length_mm)[1:]]
    points = np.concatenate(pieces)
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 0.05])
    return Centerline(points[keep])


def _held(line: Centerline, point: Floats) -> tuple[Centerline, float]:
    """The axis, drawn through a point that it would miss by more than 1 mm, and by how much it missed."""
    at, far = line.nearest(point)
    if far <= HELD_MM:
        return line, far
    return drawn_through(line, at, point, reach_mm=max(HELD_REACH_MM, 1.5 * far)), far
