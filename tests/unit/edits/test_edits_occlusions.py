"""Caps set, occlusions merged and split, and the list as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from edit_tables import listed

from analytic_tube import Scene
from recanal.core.edits import EditRecord
from recanal.edits.replay import replayed
from recanal.errors import EditError
from recanal.measure.lesion import measure_lesions

TWICE = Scene(gaps_mm=((16.0, 26.0), (36.0, 46.0)))
SPLIT = {"do": "split_lesion", "from": {"arc_mm": 29.0}, "to": {"arc_mm": 35.0}}


def test_caps_are_put_where_the_reader_says(plain, replay):
    drawing, vessel = plain
    true_start, true_end = drawing.at(23.0), drawing.at(40.0)
    rows = [
        {"do": "set_cap", "cap": "proximal", "at": {"point_mm": true_start.tolist()}},
        {"do": "set_cap", "cap": "distal", "lesion": "L1", "at": {"point_mm": true_end.tolist()}},
    ]
    new = replay(*rows).vessels[0]
    (lesion,) = measure_lesions(new)
    assert lesion.length_mm.value == pytest.approx(17.0, abs=0.15)
    assert lesion.proximal_cap_mm == pytest.approx(true_start, abs=0.3)
    assert lesion.distal_cap_mm == pytest.approx(true_end, abs=0.3)
    arc = new.line.arc_mm
    lumen = new.borders.contours.lumen_area_mm2
    inside = (arc > new.gaps[0].start_mm) & (arc < new.gaps[0].end_mm)
    assert (lumen[inside] == 0).all()
    assert (lumen[~inside] > 0).all()
    assert vessel.gaps[0].start_mm != new.gaps[0].start_mm


def test_position_counts_from_the_proximal_cap_as_it_stands(plain, replay):
    _, vessel = plain
    step = {"do": "set_cap", "cap": "proximal", "at": {"position_mm": 1.5}}
    once, twice = (replay(*[step] * count).vessels[0].gaps[0] for count in (1, 2))
    assert once.start_mm == pytest.approx(vessel.gaps[0].start_mm + 1.5)
    assert twice.start_mm == pytest.approx(vessel.gaps[0].start_mm + 3.0)


def test_a_split_makes_two_lesions_and_a_merge_makes_them_one_again(plain, replay):
    _, vessel = plain
    (whole,) = measure_lesions(vessel)
    parts = measure_lesions(replay(SPLIT).vessels[0])
    gap = vessel.gaps[0]
    assert [x.id for x in parts] == ["L1", "L2"]
    assert [x.length_mm.value for x in parts] == pytest.approx([29.0 - gap.start_mm, gap.end_mm - 35.0], abs=1e-6)
    (again,) = measure_lesions(replay(SPLIT, {"do": "merge_lesions", "lesions": ["L2", "L1"]}).vessels[0])
    assert again.length_mm == whole.length_mm
    assert again.plaque.volume_mm3.value == pytest.approx(whole.plaque.volume_mm3.value, rel=1e-6)


def test_two_found_occlusions_can_be_taken_as_one(traced, replay):
    _, vessel = traced(TWICE)
    assert len(vessel.gaps) == 2
    done = replay({"do": "merge_lesions", "lesions": ["L1", "L2"]}, scene=TWICE)
    (lesion,) = measure_lesions(done.vessels[0])
    assert lesion.length_mm.value == pytest.approx(vessel.gaps[1].end_mm - vessel.gaps[0].start_mm)
    assert lesion.length_mm.value == pytest.approx(30.0, abs=1.0)
    assert done.records[0].what == "L1 and L2 merged"


def test_a_short_open_stretch_is_split_with_a_note(replay):
    short, dark = replay({**SPLIT, "to": {"arc_mm": 31.0}}).records[0].notes
    assert "2.0 mm long" in short
    assert "CT shows no open lumen all the way from 29.0 to 31.0 mm" in dark


def test_a_reader_who_opens_what_ct_shows_dark_is_told(replay):
    (note,) = replay(SPLIT).records[0].notes
    assert "from 29.0 to 35.0 mm of the axis, which the reader calls open: contrast falls to" in note
    (note,) = replay({"do": "set_cap", "cap": "proximal", "lesion": "L1", "at": {"arc_mm": 30.0}}).records[0].notes
    assert "30.0 mm" in note


def test_nothing_is_noted_where_the_opened_stretch_is_bright(replay):
    wide = {"do": "merge_lesions", "lesions": ["L1", "L2"]}
    again = {"do": "split_lesion", "lesion": "L1", "from": {"arc_mm": 28.5}, "to": {"arc_mm": 35.5}}
    assert replay(wide, again, scene=TWICE).records[-1].notes == ()


def test_an_unchanged_occlusion_keeps_its_judgement(traced, replay):
    _, vessel = traced(TWICE)
    new = replay({"do": "set_cap", "cap": "distal", "lesion": "L2", "at": {"arc_mm": 47.0}}, scene=TWICE).vessels[0]
    assert new.bridges[0] is vessel.bridges[0]
    assert new.bridges[1] is not vessel.bridges[1]


BAD = [
    ({"do": "set_cap", "cap": "proximal", "at": {"arc_mm": 45.0}}, "occlusion 1 would reach from 45.0 to"),
    ({"do": "set_cap", "cap": "proximal", "at": {"arc_mm": 0.2}}, "would begin 0.2 mm beyond the end of the axis"),
    ({"do": "set_cap", "cap": "distal", "at": {"arc_mm": 57.5}, "lesion": "L3"}, "there is no lesion L3"),
    ({"do": "set_cap", "cap": "distal", "at": {"point_mm": [30, 0, 0]}}, "at.point_mm: lies"),
    ({"do": "merge_lesions", "lesions": ["L1", "L2"]}, "lesion: L2 is no occlusion of this vessel"),
    ({**SPLIT, "from": {"arc_mm": 10.0}}, "from, to: the open stretch 10.0 to 35.0 mm must lie inside"),
    ({**SPLIT, "to": {"arc_mm": 29.2}}, "from, to: the open stretch"),
]


@pytest.mark.parametrize(("row", "words"), BAD, ids=range(len(BAD)))
def test_what_makes_no_occlusion_is_refused_with_its_index(replay, row, words):
    with pytest.raises(EditError) as caught:
        replay({"do": "rename_vessel", "name": "LAD"}, row)
    assert caught.value.message.startswith(f"edits[1] ({row['do']}): ")
    assert words in caught.value.message
    assert caught.value.hint


def test_an_id_is_needed_where_there_are_several(replay):
    with pytest.raises(EditError, match="lesion: is missing, and there are several"):
        replay({"do": "set_cap", "cap": "distal", "at": {"arc_mm": 47.0}}, scene=TWICE)


def test_order_matters(replay):
    cap = {"do": "set_cap", "cap": "distal", "lesion": "L2", "at": {"arc_mm": 41.0}}
    assert len(replay(SPLIT, cap).vessels[0].gaps) == 2
    with pytest.raises(EditError, match=r"edits\[0\] \(set_cap\): there is no lesion L2"):
        replay(cap, SPLIT)


ROWS = [
    {"do": "set_cap", "cap": "proximal", "at": {"position_mm": 1.0}},
    {"do": "redraw", "border": "wall", "at": {"arc_mm": 31.0}, "radii_mm": [2.2] * 48},
    SPLIT,
    {"do": "waypoint"},
    {"do": "rename_vessel", "name": "LAD"},
]


def rows_on(drawing):
    point = {"point_mm": drawing.at(37.5).tolist()}
    return [{**row, **point} if row["do"] == "waypoint" else row for row in ROWS]


def same(one, two):
    return (
        np.array_equal(one.line.points_mm, two.line.points_mm)
        and np.array_equal(one.borders.contours.lumen_radius_mm, two.borders.contours.lumen_radius_mm)
        and np.array_equal(one.borders.contours.wall_radius_mm, two.borders.contours.wall_radius_mm)
        and one.gaps == two.gaps
        and [b.confidence for b in one.bridges] == [b.confidence for b in two.bridges]
    )


def test_a_replay_gives_the_same_again_and_each_correction_leaves_its_mark(plain, replay):
    drawing, _ = plain
    rows = rows_on(drawing)
    one, two = replay(*rows), replay(*rows)
    assert same(one.vessels[0], two.vessels[0])
    assert one.records == two.records
    assert one.names == ("LAD",)
    for count in range(len(rows) - 1):
        assert not same(replay(*rows[:count]).vessels[0], replay(*rows[: count + 1]).vessels[0]), count


def test_without_corrections_the_vessel_is_the_one_that_was_found(plain):
    drawing, vessel = plain
    done = replayed([vessel], (), drawing.volume, names=["RCA"])
    assert done.vessels[0] is vessel
    assert done.records == ()


def test_what_is_set_again_says_what_it_replaces(replay):
    caps = [{"do": "set_cap", "cap": cap, "at": {"arc_mm": arc}} for cap, arc in (("distal", 38), ("proximal", 24))]
    again = {"do": "set_cap", "cap": "distal", "lesion": "L1", "at": {"arc_mm": 39.0}}
    names = [{"do": "rename_vessel", "name": name} for name in ("LAD", "LCX")]
    done = replay(*caps, names[0], again, names[1], {**again, "at": {"arc_mm": 38.5}})
    said = [[note for note in record.notes if note.startswith("replaces")] for record in done.records]
    assert said == [[], [], [], ["replaces correction 1"], ["replaces correction 3"], ["replaces correction 4"]]


def test_a_cap_of_another_occlusion_replaces_nothing(replay):
    first = {"do": "set_cap", "cap": "distal", "lesion": "L1", "at": {"arc_mm": 41.0}}
    second = {"do": "set_cap", "cap": "distal", "lesion": "L2", "at": {"arc_mm": 42.0}}
    done = replay(first, SPLIT, {**first, "at": {"arc_mm": 29.5}}, second)
    assert [note for record in done.records for note in record.notes if note.startswith("replaces")] == []


def test_a_record_says_who_when_what_and_why(replay):
    (record,) = replay({**SPLIT, "who": "reader 3", "when": "2026-03-04", "reason": "lumen seen"}).records
    assert record == EditRecord(
        "split_lesion",
        "reader 3",
        "2026-03-04",
        "lumen seen",
        "L1 split by an open stretch from 29.0 to 35.0 mm of the axis",
        {**SPLIT, "who": "reader 3", "when": "2026-03-04", "reason": "lumen seen"},
        record.notes,
    )


def test_among_several_vessels_the_lesion_the_name_or_the_point_says_which(traced):
    drawing, one = traced(Scene())
    _, two = traced(TWICE)
    far = replace(two)

    def run(row):
        return replayed([one, far], listed(row), drawing.volume, names=["RCA", "LAD"]).vessels

    first, second = run({"do": "set_cap", "cap": "distal", "lesion": "L3", "at": {"arc_mm": 47.0}})
    assert first is one
    assert second.gaps[1].end_mm == 47.0
    first, second = run({"do": "set_cap", "cap": "distal", "vessel": "RCA", "at": {"arc_mm": 41.0}})
    assert second is far
    assert first.gaps[0].end_mm == 41.0
    with pytest.raises(EditError, match="which of 2 vessels is meant"):
        run({"do": "set_cap", "cap": "distal", "at": {"arc_mm": 41.0}})
