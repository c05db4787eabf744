"""An axis moved, carried on, cut and sought again."""

from __future__ import annotations

import numpy as np
import pytest
from edit_tables import listed

from analytic_tube import Scene
from recanal.core.curves import Centerline
from recanal.edits.axis import bridged, checked, drawn_through
from recanal.edits.replay import replayed
from recanal.errors import EditError
from recanal.measure.lesion import measure_lesions

RING = Scene(ring_mm=7.0, gaps_mm=((20.0, 42.0),))


def nearest_mm(line, point):
    """Distance of a point from an axis, by brute force on points 0.01 mm apart."""
    dense = line.at(np.arange(0.0, line.length_mm, 0.01))
    return float(np.linalg.norm(dense - np.asarray(point), axis=1).min())


def test_a_moved_point_takes_its_neighbours_along_and_leaves_the_rest(plain, replay):
    _, vessel = plain
    line = vessel.line
    target = line.at(30.0)[0] + [0.0, 0.0, 1.0]
    new = replay({"do": "move_point", "at": {"arc_mm": 30.0}, "to_mm": target.tolist(), "reach_mm": 6}).vessels[0].line
    assert nearest_mm(new, target) < 0.01
    assert nearest_mm(new, line.at(36.5)[0]) < 0.01
    assert nearest_mm(new, line.at(23.5)[0]) < 0.01
    # half way out the raised cosine moves by a half
    assert nearest_mm(new, line.at(33.0)[0] + [0.0, 0.0, 0.5]) < 0.02


def test_the_length_follows_the_moved_axis():
    straight = Centerline([[0.0, 0.0, 0.25 * k] for k in range(121)])
    moved = checked(drawn_through(straight, 15.0, [3.0, 0.0, 15.0], reach_mm=10.0))
    z = np.linspace(0.0, 30.0, 30001)
    x = np.where(abs(z - 15) < 10, 1.5 * (1 + np.cos(np.pi * (z - 15) / 10)), 0.0)
    truth = np.hypot(np.diff(z), np.diff(x)).sum()
    assert moved.length_mm == pytest.approx(truth, abs=0.01)


def test_a_bridge_keeps_its_ends_and_directions():
    angle = np.linspace(0.0, np.pi / 2, 400)
    arc = Centerline(np.stack([20 * np.cos(angle), 20 * np.sin(angle), 0 * angle], axis=1))
    new = bridged(arc, 10.0, 18.0)
    radius = np.linalg.norm(new.points_mm, axis=1)
    assert radius == pytest.approx(20.0, abs=0.05)
    assert new.length_mm == pytest.approx(10 * np.pi, abs=0.05)


def test_deleted_ends_shorten_the_axis_and_keep_the_occlusion(plain, replay):
    _, vessel = plain
    rows = [{"do": "delete_points", "from": {"arc_mm": 0}, "to": {"arc_mm": 4}}]
    new = replay(*rows).vessels[0]
    assert new.line.length_mm == pytest.approx(vessel.line.length_mm - 4, abs=0.01)
    assert new.gaps[0].start_mm == pytest.approx(vessel.gaps[0].start_mm - 4, abs=0.1)
    assert new.gaps[0].end_mm == pytest.approx(vessel.gaps[0].end_mm - 4, abs=0.1)


def test_a_point_beyond_the_end_carries_the_axis_on(plain, replay):
    drawing, vessel = plain
    short = {"do": "delete_points", "from": {"arc_mm": 55}, "to": {"arc_mm": vessel.line.length_mm}}
    cut = replay(short).vessels[0].line
    target = vessel.line.at(57.0)[0]
    done = replay(short, {"do": "add_point", "point_mm": target.tolist()})
    assert cut.length_mm == pytest.approx(55.0, abs=0.01)
    assert done.vessels[0].line.length_mm == pytest.approx(57.0, abs=0.05)
    assert done.vessels[0].line.points_mm[-1] == pytest.approx(target, abs=1e-9)
    assert "carried on" in done.records[1].what
    assert drawing.project(done.vessels[0].line.points_mm[-8:])[1].max() < 0.4


def test_a_waypoint_on_the_axis_leaves_it_there(plain, replay):
    drawing, vessel = plain
    done = replay({"do": "waypoint", "point_mm": drawing.at(31.0).tolist()}).vessels[0]
    off = drawing.project(done.line.points_mm)[1]
    was = drawing.project(vessel.line.points_mm)[1]
    assert off.max() < was.max() + 0.15
    assert done.gaps[0].end_mm - done.gaps[0].start_mm == pytest.approx(17.0, abs=0.6)


def test_a_waypoint_sends_the_way_through_the_other_tube(traced, replay):
    drawing, vessel = traced(RING)
    # top of the ring: the axis of the artery raised by 7 mm along (0, -0.6, 0.8), as the drawing has it
    side = np.array([0.0, -0.6, 0.8])
    on_ring = drawing.at(31.0) + 7.0 * side
    on_artery = drawing.at(31.0)
    assert nearest_mm(vessel.line, on_artery) < 0.5
    there = replay({"do": "waypoint", "point_mm": on_ring.tolist()}, scene=RING)
    line = there.vessels[0].line
    assert nearest_mm(line, on_ring) < 1.05
    for arc in (27.0, 35.0):
        height = 7.0 * np.sin(np.pi * (arc - 18.0) / 26.0) ** 0.5
        assert nearest_mm(line, drawing.at(arc) + height * side) < 1.0
    assert line.length_mm > vessel.line.length_mm + 3.0
    assert "waypoint" in there.records[0].notes[0]


def test_an_earlier_waypoint_still_holds_after_a_later_one(plain, replay):
    _, vessel = plain
    first = vessel.line.at(28.0)[0] + [0.0, 0.0, 1.8]
    second = vessel.line.at(36.0)[0]
    rows = [{"do": "waypoint", "point_mm": point.tolist()} for point in (first, second)]
    line = replay(*rows).vessels[0].line
    assert nearest_mm(line, first) < 1.0 + 1e-6
    assert nearest_mm(line, second) < 1.0


def test_occlusions_are_found_again_on_a_new_axis_unless_the_reader_set_them(plain, replay):
    _, vessel = plain
    move = {"do": "move_point", "at": {"arc_mm": 31.0}, "to_mm": (vessel.line.at(31.0)[0] + [0, 0, 0.8]).tolist()}
    cap = {"do": "set_cap", "cap": "proximal", "at": {"arc_mm": 27.0}}
    place = vessel.line.at(27.0)[0]
    kept = replay(cap, move).vessels[0]
    assert kept.line.at(kept.gaps[0].start_mm)[0] == pytest.approx(place, abs=0.2)
    found = replay(move).vessels[0]
    assert found.gaps[0].start_mm == pytest.approx(vessel.gaps[0].start_mm, abs=0.2)


def test_measured_length_is_the_arc_between_the_caps_of_the_new_axis(plain, replay):
    _, vessel = plain
    target = vessel.line.at(31.0)[0] + [0.0, 1.5, 1.5]
    rows = [
        {"do": "set_cap", "cap": "proximal", "at": {"arc_mm": 24.0}},
        {"do": "move_point", "at": {"arc_mm": 31.0}, "to_mm": target.tolist(), "reach_mm": 6},
    ]
    new = replay(*rows).vessels[0]
    (lesion,) = measure_lesions(new)
    gap = new.gaps[0]
    dense = new.line.at(np.linspace(gap.start_mm, gap.end_mm, 20001))
    assert lesion.length_mm.value == pytest.approx(np.linalg.norm(np.diff(dense, axis=0), axis=1).sum(), abs=1e-3)
    assert lesion.length_mm.value > vessel.gaps[0].end_mm - 24.0 + 0.3


BAD = [
    ({"do": "move_point", "at": {"arc_mm": 30}, "to_mm": [300, 0, 0]}, "the axis would move by"),
    ({"do": "move_point", "at": {"arc_mm": 900}, "to_mm": [30, 20, 17]}, "at.arc_mm: arc length 900.0 mm lies beyond"),
    ({"do": "move_point", "at": {"point_mm": [0, 0, 0]}, "to_mm": [30, 20, 17]}, "at.point_mm: lies"),
    ({"do": "add_point", "point_mm": [130, 20, 17]}, "beyond the end of the axis"),
    ({"do": "add_point", "point_mm": [75, 20, 17]}, "the axis would leave the volume"),
    ({"do": "delete_points", "from": {"arc_mm": 9}, "to": {"arc_mm": 8}}, "from, to: 9.0 mm does not lie before"),
    ({"do": "delete_points", "from": {"arc_mm": 0}, "to": {"arc_mm": 55}}, "the axis would be"),
    ({"do": "waypoint", "point_mm": [30, 20, 500]}, "point_mm: lies outside the surroundings"),
    ({"do": "waypoint", "vessel": "LAD", "point_mm": [30, 20, 17]}, "vessel: 'LAD' names 0 of the traced vessels"),
]


@pytest.mark.parametrize(("row", "words"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_drawn_is_refused_with_its_index(plain, row, words):
    drawing, vessel = plain
    edits = listed({"do": "rename_vessel", "name": "RCA"}, row)
    with pytest.raises(EditError) as caught:
        replayed([vessel], edits, drawing.volume, names=["RCA"])
    assert caught.value.message.startswith(f"edits[1] ({row['do']}): ")
    assert words in caught.value.message
    assert caught.value.hint


def test_a_waypoint_in_a_dead_end_is_refused(plain, replay):
    _, vessel = plain
    step = int(np.argmin(abs(vessel.line.arc_mm - 31.0)))
    aside = vessel.line.points_mm[step] + 9.0 * vessel.sections.normals[step]
    with pytest.raises(EditError, match=r"would turn by \d+ degrees"):
        replay({"do": "waypoint", "point_mm": aside.tolist()})
