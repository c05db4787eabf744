"""A vessel axis moved, carried on, cut short or bridged by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.core.curves import Centerline
from recanal.errors import EditError
from recanal.imaging.vessel import SECTION_STEP_MM

__all__ = ["LEAST_AXIS_MM", "MOST_TURN_DEG", "bridged", "checked", "cut_short", "drawn_on", "drawn_through"]

LEAST_AXIS_MM = 8.0
MOST_TURN_DEG = 75.0
MOST_ADDED_MM = 40.0
TURN_STEP_MM = 1.0
Floats = NDArray[np.float64]


def drawn_through(line: Centerline, position_mm: float, target_mm: ArrayLike, *, reach_mm: float) -> Centerline:
    """The axis moved so that the place at an arc length comes to lie on a point.

    Parameters
    ----------
    line
        The axis.
    position_mm
        Arc length of the place.
    target_mm
        (3,) where it goes.
    reach_mm
        The move fades to nothing over this arc length on either side, as a raised cosine.

    Raises
    ------
    EditError
        When the move is longer than its reach.

    Examples
    --------
    >>> straight = Centerline([[0, 0, float(z)] for z in range(21)])
    >>> moved = drawn_through(straight, 10.0, [1, 0, 10], reach_mm=5.0)
    >>> moved.points_mm[10].tolist(), moved.points_mm[5].tolist()
    ([1.0, 0.0, 10.0], [0.0, 0.0, 5.0])
    """
    move = np.asarray(target_mm, dtype=np.float64) - line.at(position_mm)[0]
    size = float(np.linalg.norm(move))
    if size > reach_mm:
        raise EditError(
            f"the axis would move by {size:.1f} mm over a reach of {reach_mm:.1f} mm.",
            hint="Give a larger reach_mm, or a waypoint.",
        )
    points = np.array(line.points_mm)
    arc = line.arc_mm
    if np.abs(arc - position_mm).min() > 1e-6:
        after = int(np.searchsorted(arc, position_mm))
        points = np.insert(points, after, line.at(position_mm)[0], axis=0)
        arc = np.insert(arc, after, position_mm)
    share = np.clip(np.abs(arc - position_mm) / reach_mm, 0.0, 1.0)
    return Centerline(points + 0.5 * (1.0 + np.cos(np.pi * share))[:, None] * move)


def drawn_on(line: Centerline, target_mm: ArrayLike, *, at_start: bool) -> Centerline:
    """The axis carried on from one of its ends to a point, in a smooth curve.

    Raises
    ------
    EditError
        When the point is more than 40 mm away.
    """
    points = line.points_mm[::-1] if at_start else line.points_mm
    target = np.asarray(target_mm, dtype=np.float64)
    chord = float(np.linalg.norm(target - points[-1]))
    if chord > MOST_ADDED_MM:
        raise EditError(
            f"the point lies {chord:.1f} mm beyond the end of the axis; at most {MOST_ADDED_MM:.0f} mm are added.",
            hint="Add points step by step along the vessel.",
        )
    ahead = _direction(points)
    new = _hermite(points[-1], target, ahead * chord, target - points[-1])
    longer = np.concatenate([points[:-1], new])
    return Centerline(longer[::-1] if at_start else longer)


def cut_short(line: Centerline, start_mm: float, end_mm: float) -> Centerline:
    """The stretch of the axis between two arc lengths."""
    arc = line.arc_mm
    inside = (arc > start_mm + 1e-6) & (arc < end_mm - 1e-6)
    ends = line.at([start_mm, end_mm])
    return Centerline(np.concatenate([ends[:1], line.points_mm[inside], ends[1:]]))


def bridged(line: Centerline, start_mm: float, end_mm: float) -> Centerline:
    """The axis with the stretch between two arc lengths replaced by a smooth curve that keeps its directions."""
    before, after = cut_short(line, 0.0, start_mm).points_mm, cut_short(line, end_mm, line.length_mm).points_mm
    chord = float(np.linalg.norm(after[0] - before[-1]))
    leave, arrive = _direction(before) * chord, -_direction(after[::-1]) * chord
    between = _hermite(before[-1], after[0], leave, arrive)
    return Centerline(np.concatenate([before[:-1], between, after[1:]]))


def checked(line: Centerline) -> Centerline:
    """The axis in steps of 0.25 mm.

    Raises
    ------
    EditError
        When it is shorter than 8 mm, or turns by more than 75 degrees within 2 mm.
    """
    if line.length_mm < LEAST_AXIS_MM:
        raise EditError(
            f"the axis would be {line.length_mm:.1f} mm long; at least {LEAST_AXIS_MM:.0f} mm are needed.",
            hint="Leave more of it.",
        )
    coarse = line.resample(TURN_STEP_MM)
    steps = np.diff(coarse.points_mm, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    turn = np.degrees(np.arccos(np.clip((steps[:-1] * steps[1:]).sum(axis=1), -1.0, 1.0)))
    worst = int(np.argmax(turn))
    if turn[worst] > MOST_TURN_DEG:
        raise EditError(
            f"the axis would turn by {turn[worst]:.0f} degrees within 2 mm, at arc length "
            f"{coarse.arc_mm[worst + 1]:.1f} mm.",
            hint="Give points that the vessel can follow, or a larger reach_mm.",
        )
    return line.resample(SECTION_STEP_MM)


def _direction(points: Floats) -> Floats:
    """Unit vector at the end of a polyline, over its last 2 mm or so."""
    far = points[max(0, len(points) - 9)]
    ahead = points[-1] - far
    return np.asarray(ahead / np.linalg.norm(ahead))


def _hermite(start: Floats, end: Floats, leave: Floats, arrive: Floats) -> Floats:
    """(n, 3) cubic curve between two points with given derivatives, ends included."""
    count = max(3, int(np.ceil(np.linalg.norm(end - start) / SECTION_STEP_MM)) + 1)
    t = np.linspace(0.0, 1.0, count)[:, None]
    return np.asarray(
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * leave
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * arrive
    )
