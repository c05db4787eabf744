"""From the table of a file to corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from recanal.core.edits import EDITS_SCHEMA
from recanal.edits.actions import (
    Action,
    AddPoint,
    DeletePoints,
    Edit,
    MergeLesions,
    MovePoint,
    Redraw,
    RenameSegment,
    RenameVessel,
    SetCap,
    SplitLesion,
    Waypoint,
)
from recanal.edits.fields import Fields
from recanal.errors import EditError

__all__ = ["ACTIONS", "MOST_EDITS", "parse_edits"]

MOST_EDITS = 1000
AXIS_REACH_MM = 5.0
CONTOUR_REACH_MM = 1.0
MOST_REACH_MM = 20.0
MOST_RADIUS_MM = 5.0
_TOP = ("schema", "series_uid", "who", "when", "reason", "edits")


def parse_edits(table: Mapping[str, Any]) -> tuple[Edit, ...]:
    """The corrections of a file in their order.

    Parameters
    ----------
    table
        The object of the JSON file. ``who``, ``when`` and ``reason`` at the top hold for every correction that does
        not give its own.

    Raises
    ------
    EditError
        With the index of the correction, the field, what was got and what to do.

    Examples
    --------
    >>> rename = {"do": "rename_vessel", "name": "LAD", "reason": "the other artery"}
    >>> table = {"schema": "recanal.edits/1", "who": "reader 2", "when": "2026-03-01", "edits": [rename]}
    >>> parse_edits(table)[0].action
    RenameVessel(name='LAD')
    """
    if table.get("schema") != EDITS_SCHEMA:
        raise EditError(
            f"schema: must be {EDITS_SCHEMA!r}, got {ascii(table.get('schema'))[:60]}.", hint="See docs/edits.md."
        )
    unknown = sorted(set(table) - set(_TOP))
    if unknown:
        raise EditError(f"{ascii(unknown[0])[:60]} is no field of the file.", hint=f"Use {', '.join(_TOP)}.")
    rows = table.get("edits")
    if not isinstance(rows, list) or len(rows) > MOST_EDITS:
        raise EditError(
            f"edits: must be a list of at most {MOST_EDITS} corrections.", hint="Use [] where there are none."
        )
    shared = {name: table[name] for name in ("who", "when", "reason") if name in table}
    top = Fields(shared, "the file")
    for name in shared:
        _moment(top) if name == "when" else top.text(name, most=1000 if name == "reason" else 200)
    return tuple(_edit(index, row, shared) for index, row in enumerate(rows))


def _edit(index: int, row: Any, shared: Mapping[str, Any]) -> Edit:
    if not isinstance(row, Mapping):
        raise EditError(f"edits[{index}]: must be an object, got {ascii(row)[:60]}.", hint="Write {...}.")
    do = Fields(row, f"edits[{index}]").word("do", tuple(ACTIONS))
    fields = Fields({**shared, **row}, f"edits[{index}] ({do})")
    fields.word("do", tuple(ACTIONS))
    who, when, reason = fields.text("who"), _moment(fields), fields.text("reason", most=1000)
    vessel = fields.text("vessel", most=40) if fields.has("vessel") else None
    action = ACTIONS[do](fields)
    fields.nothing_left()
    return Edit(index, do, action, who, when, reason, vessel, dict(row))


def _moment(fields: Fields) -> str:
    text = fields.text("when", most=40)
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise fields.refusal(
            "when", f"must be a date or time, got {text!a}", "Write 2026-03-01 or 2026-03-01T14:30:00+00:00."
        ) from None
    return text


def _move(fields: Fields) -> Action:
    return MovePoint(fields.place("at"), fields.point("to_mm"), _axis_reach(fields))


def _add(fields: Fields) -> Action:
    return AddPoint(fields.point("point_mm"), _axis_reach(fields))


def _axis_reach(fields: Fields) -> float:
    return fields.number("reach_mm", low=1.0, high=MOST_REACH_MM, default_value=AXIS_REACH_MM)


def _delete(fields: Fields) -> Action:
    return DeletePoints(fields.place("from"), fields.place("to"))


def _waypoint(fields: Fields) -> Action:
    return Waypoint(fields.point("point_mm"))


def _cap(fields: Fields) -> Action:
    return SetCap(fields.word("cap", ("proximal", "distal")), fields.place("at"), fields.lesion_or_none())


def _redraw(fields: Fields) -> Action:
    border = fields.word("border", ("lumen", "wall"))
    if fields.has("polygon_mm") == fields.has("radii_mm"):
        raise fields.refusal("polygon_mm", "needs exactly one of polygon_mm and radii_mm", "Give one of them.")
    reach = fields.number("reach_mm", low=0.0, high=MOST_REACH_MM, default_value=CONTOUR_REACH_MM)
    at = fields.place("at") if fields.has("at") or fields.has("radii_mm") else None
    if fields.has("radii_mm"):
        return Redraw(border, (), fields.radii("radii_mm", high_mm=MOST_RADIUS_MM), at, reach)
    return Redraw(border, fields.points("polygon_mm", least=8, most=2000), (), at, reach)


def _rename_vessel(fields: Fields) -> Action:
    return RenameVessel(fields.text("name", most=40))


def _rename_segment(fields: Fields) -> Action:
    return RenameSegment(fields.text("segment", most=80), fields.text("name", most=40))


def _merge(fields: Fields) -> Action:
    return MergeLesions(*fields.two_lesions("lesions"))


def _split(fields: Fields) -> Action:
    return SplitLesion(fields.lesion_or_none(), fields.place("from"), fields.place("to"))


ACTIONS: Mapping[str, Callable[[Fields], Action]] = {
    "move_point": _move,
    "add_point": _add,
    "delete_points": _delete,
    "waypoint": _waypoint,
    "set_cap": _cap,
    "redraw": _redraw,
    "rename_vessel": _rename_vessel,
    "rename_segment": _rename_segment,
    "merge_lesions": _merge,
    "split_lesion": _split,
}
