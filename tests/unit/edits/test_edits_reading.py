"""What a file of corrections may say, and how it is told what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from edit_tables import HEAD

from recanal.edits.actions import MovePoint, Place, Redraw, SplitLesion
from recanal.edits.reading import ACTIONS, parse_edits
from recanal.errors import EditError

PLACE = {"arc_mm": 12.5}
GOOD = {
    "move_point": {"at": PLACE, "to_mm": [1, 2, 3]},
    "add_point": {"point_mm": [1, 2, 3]},
    "delete_points": {"from": PLACE, "to": {"point_mm": [4, 5, 6]}},
    "waypoint": {"point_mm": [1, 2, 3]},
    "set_cap": {"cap": "proximal", "at": {"position_mm": -1.5}},
    "redraw": {"border": "lumen", "at": PLACE, "radii_mm": [1.5] * 12},
    "rename_vessel": {"name": "LAD"},
    "rename_segment": {"segment": "RCA", "name": "mRCA"},
    "merge_lesions": {"lesions": ["L1", "L2"]},
    "split_lesion": {"lesion": "L2", "from": PLACE, "to": {"arc_mm": 19}},
}


def parsed(row, **top):
    return parse_edits({**HEAD, **top, "edits": [row]})[0]


def refused(row, **top):
    with pytest.raises(EditError) as caught:
        parse_edits({**HEAD, **top, "edits": [{"do": "rename_vessel", "name": "LM"}, row]})
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("do", GOOD)
def test_every_kind_is_read(do):
    edit = parsed({"do": do, **GOOD[do]})
    assert (edit.index, edit.do, edit.who, edit.when, edit.reason) == (
        0,
        do,
        "reader 2",
        "2026-03-01",
        "seen on the sections",
    )
    assert edit.given == {"do": do, **GOOD[do]}


def test_the_kinds_are_those_of_the_table():
    assert set(GOOD) == set(ACTIONS)


def test_values_reach_their_fields():
    assert parsed({"do": "move_point", **GOOD["move_point"], "reach_mm": 7}).action == MovePoint(
        Place(arc_mm=12.5), (1.0, 2.0, 3.0), 7.0
    )
    assert parsed({"do": "split_lesion", **GOOD["split_lesion"]}).action == SplitLesion(
        "L2", Place(arc_mm=12.5), Place(arc_mm=19.0)
    )
    assert parsed({"do": "redraw", **GOOD["redraw"]}).action == Redraw(
        "lumen", (), (1.5,) * 12, Place(arc_mm=12.5), 1.0
    )


def test_an_edit_says_its_own_reader_and_reason():
    edit = parsed({"do": "rename_vessel", "name": "LM", "who": "reader 3", "when": "2026-03-02T09:30:00+01:00"})
    assert (edit.who, edit.when, edit.reason) == ("reader 3", "2026-03-02T09:30:00+01:00", HEAD["reason"])


@pytest.mark.parametrize("name", ["who", "when", "reason"])
def test_reader_time_and_reason_are_needed(name):
    table = {key: value for key, value in HEAD.items() if key != name}
    with pytest.raises(EditError, match=rf"edits\[0\] \(waypoint\): {name}: is missing"):
        parse_edits({**table, "edits": [{"do": "waypoint", "point_mm": [1, 2, 3]}]})


BAD = [
    ({"do": "paint"}, ["edits[1]: do: is not known: 'paint'"]),
    ({}, ["edits[1]: do: is missing"]),
    ({"do": "waypoint"}, ["edits[1] (waypoint): point_mm: is missing"]),
    ({"do": "waypoint", "point_mm": [1, 2]}, ["point_mm: must be three finite numbers, got [1, 2]"]),
    ({"do": "waypoint", "point_mm": [1, 2, True]}, ["got [1, 2, True]"]),
    ({"do": "waypoint", "point_mm": [1, 2, float("nan")]}, ["must be three finite numbers"]),
    ({"do": "waypoint", "point_mm": [1, 2, 1e9]}, ["beyond 100 m"]),
    ({"do": "waypoint", "point_mm": [1, 2, 3], "pointmm": 1}, ["'pointmm': is no field here"]),
    ({"do": "waypoint", "point_mm": [1, 2, 3], "when": "yesterday"}, ["when: must be a date or time, got 'yesterday'"]),
    ({"do": "waypoint", "point_mm": [1, 2, 3], "who": "  "}, ["who: must be a text"]),
    ({"do": "waypoint", "point_mm": [1, 2, 3], "who": "a\x1b[31m"}, ["who: must be a text", "a text of 6 characters"]),
    ({"do": "set_cap", "cap": "middle", "at": PLACE}, ["cap: is not known: 'middle'"]),
    ({"do": "set_cap", "cap": "distal", "at": {}}, ["at: needs exactly one of point_mm, arc_mm, position_mm, got 0"]),
    ({"do": "set_cap", "cap": "distal", "at": {**PLACE, "position_mm": 1}}, ["got 2"]),
    ({"do": "set_cap", "cap": "distal", "at": {"arc_mm": -1}}, ["at: arc_mm: must be a number from 0", "got -1"]),
    ({"do": "set_cap", "cap": "distal", "at": {"position_mm": 10**400}}, ["position_mm: must be a number", "got 1000"]),
    ({"do": "set_cap", "cap": "distal", "at": {"point_mm": [0, 0, -(10**400)]}}, ["point_mm: lies beyond 100 m"]),
    ({"do": "set_cap", "cap": "distal", "at": PLACE, "lesion": "1"}, ["lesion: must be the id of a lesion, got '1'"]),
    ({"do": "set_cap", "cap": "distal", "at": [1, 2, 3]}, ["at: must be a place on the axis, got [1, 2, 3]"]),
    ({"do": "merge_lesions", "lesions": ["L1", "L1"]}, ["lesions: must hold two different ids"]),
    ({"do": "merge_lesions", "lesions": ["L1"]}, ["lesions: must hold two different ids"]),
    ({"do": "redraw", "border": "lumen", "at": PLACE}, ["exactly one of polygon_mm and radii_mm"]),
    ({"do": "redraw", "border": "lumen", "radii_mm": [1] * 12}, ["at: is missing"]),
    ({"do": "redraw", "border": "lumen", "at": PLACE, "radii_mm": [1] * 7}, ["radii_mm: must hold 8 to 720 numbers"]),
    ({"do": "redraw", "border": "lumen", "at": PLACE, "radii_mm": [1] * 11 + [0]}, ["radii_mm[11]", "got 0"]),
    ({"do": "redraw", "border": "wall", "polygon_mm": [[0, 0, 0]] * 7}, ["polygon_mm: must hold 8 to 2000 points"]),
    ({"do": "redraw", "border": "wall", "polygon_mm": [[0, 0, 0]] * 8 + [[1, 2]]}, ["polygon_mm[8]", "got [1, 2]"]),
    ({"do": "move_point", "at": PLACE, "to_mm": [1, 2, 3], "reach_mm": 0}, ["reach_mm: must be a number from 1 to 20"]),
    ("waypoint", ["edits[1]: must be an object, got 'waypoint'"]),
]


@pytest.mark.parametrize(("row", "words"), BAD, ids=range(len(BAD)))
def test_what_is_not_well_formed_is_refused_with_its_index_and_field(row, words):
    message = refused(row)
    assert message.startswith("edits[1]")
    for word in words:
        assert word in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"schema": "recanal.edits/2"}, "schema: must be 'recanal.edits/1'"),
        ({"edits": {}}, "edits: must be a list"),
        ({"edits": [{}] * 1001}, "at most 1000"),
        ({"remarks": ""}, "'remarks' is no field of the file"),
        ({"who": 7}, "the file: who: must be a text"),
        ({"when": "yesterday"}, "the file: when: must be a date or time"),
        ({"reason": ""}, "the file: reason: must be a text"),
    ],
)
def test_the_frame_of_the_file_is_checked(change, word):
    with pytest.raises(EditError, match=word.replace("(", r"\(")):
        parse_edits({**HEAD, "edits": [], **change})


def test_a_close_name_is_offered():
    with pytest.raises(EditError) as caught:
        parsed({"do": "waypoint", "point_mm": [1, 2, 3], "resaon": "x"})
    assert caught.value.hint == "Did you mean reason?"


def test_the_example_of_the_documentation_is_read():
    page = Path(__file__).parents[3] / "docs" / "edits.md"
    example = re.search(r"```json\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)[1]
    edits = parse_edits(json.loads(example))
    assert [edit.do for edit in edits] == ["waypoint", "set_cap", "redraw", "rename_segment"]
    assert [edit.who for edit in edits] == ["reader 2", "reader 2", "reader 3", "reader 2"]


def test_the_documentation_names_every_kind():
    page = (Path(__file__).parents[3] / "docs" / "edits.md").read_text(encoding="utf-8")
    assert [do for do in ACTIONS if f"| `{do}` |" not in page] == []
