"""The corrections a reader can make, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Action",
    "AddPoint",
    "DeletePoints",
    "Edit",
    "MergeLesions",
    "MovePoint",
    "Place",
    "Point",
    "Redraw",
    "RenameSegment",
    "RenameVessel",
    "SetCap",
    "SplitLesion",
    "Waypoint",
]

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Place:
    """A place on a vessel axis; exactly one of the three numbers is given.

    Parameters
    ----------
    point_mm
        LPS point; the nearest place of the axis is meant.
    arc_mm
        Arc length from the first point of the axis.
    position_mm
        Arc length from the proximal cap of ``lesion``, as in its profile; negative before the cap.
    lesion
        Id of that lesion; the lesion of the edit, or the only one, when None.
    """

    point_mm: Point | None = None
    arc_mm: float | None = None
    position_mm: float | None = None
    lesion: str | None = None


@dataclass(frozen=True)
class MovePoint:
    """The axis drawn from ``at`` to ``to_mm``; it follows over ``reach_mm`` to either side."""

    at: Place
    to_mm: Point
    reach_mm: float


@dataclass(frozen=True)
class AddPoint:
    """The axis drawn through a point, or carried on to it beyond an end."""

    point_mm: Point
    reach_mm: float


@dataclass(frozen=True)
class DeletePoints:
    """The axis without a stretch: cut short at an end, bridged by a smooth curve elsewhere."""

    start: Place
    end: Place


@dataclass(frozen=True)
class Waypoint:
    """A point that the way through the occlusion has to pass."""

    point_mm: Point


@dataclass(frozen=True)
class SetCap:
    """A cap put to a place of the axis; ``cap`` is ``"proximal"`` or ``"distal"``."""

    cap: str
    at: Place
    lesion: str | None


@dataclass(frozen=True)
class Redraw:
    """A contour drawn anew on one cross-section.

    Parameters
    ----------
    border
        ``"lumen"`` or ``"wall"``.
    polygon_mm
        Closed polygon of LPS points, or empty.
    radii_mm
        Distances from the axis on evenly spaced rays, the first along the normal of the section, or empty.
    at
        The section; where None, the one nearest to the middle of the polygon.
    reach_mm
        Over how much of the axis the change fades out on either side.
    """

    border: str
    polygon_mm: tuple[Point, ...]
    radii_mm: tuple[float, ...]
    at: Place | None
    reach_mm: float


@dataclass(frozen=True)
class RenameVessel:
    """Another name for the vessel."""

    name: str


@dataclass(frozen=True)
class RenameSegment:
    """Another name for a segment of the tree."""

    segment: str
    name: str


@dataclass(frozen=True)
class MergeLesions:
    """Two neighbouring occlusions taken as one."""

    first: str
    second: str


@dataclass(frozen=True)
class SplitLesion:
    """An occlusion taken as two, with an open stretch between ``start`` and ``end``."""

    lesion: str | None
    start: Place
    end: Place


Action = (
    MovePoint
    | AddPoint
    | DeletePoints
    | Waypoint
    | SetCap
    | Redraw
    | RenameVessel
    | RenameSegment
    | MergeLesions
    | SplitLesion
)


@dataclass(frozen=True)
class Edit:
    """One correction with its origin.

    Parameters
    ----------
    index
        Its place in the list, from 0.
    do
        The kind as written, such as ``"set_cap"``.
    action
        What to do.
    who, when, reason
        The reader, when (ISO 8601) and why.
    vessel
        Name of the vessel it is meant for, or None.
    given
        The correction as the file has it.
    """

    index: int
    do: str
    action: Action
    who: str
    when: str
    reason: str
    vessel: str | None
    given: Mapping[str, Any]
