"""Stretches without contrast on trees drawn in code."""

from dataclasses import replace

import numpy as np
import pytest

from recanal.anatomy.branches import Branch
from recanal.anatomy.naming import Named
from recanal.anatomy.paths import path_to, paths_of
from recanal.anatomy.tree import CoronaryTree
from recanal.closures.suspects import find_suspects
from recanal.core.curves import Centerline


def branch(*stretches, parent=-1, parent_mm=0.0, start=(0.0, 0.0, 0.0), toward=(1.0, 0.0, 0.0)):
    """A straight branch: length in mm, HU, half width of all that stands out from fat."""
    hu = np.concatenate([np.full(round(s[0] / 0.5), float(s[1])) for s in stretches])
    outer = np.concatenate([np.full(round(s[0] / 0.5), s[2] if len(s) > 2 else 1.8) for s in stretches])
    points = np.asarray(start) + 0.5 * np.arange(len(hu))[:, None] * np.asarray(toward)
    return Branch(Centerline(points), hu, np.where(hu > 140, outer - 0.5, outer), outer, parent, parent_mm, "right")


def suspects(*branches, vessel="RCA"):
    named = tuple(Named(k, 0.0, b.line.length_mm, 1, vessel, 0.9) for k, b in enumerate(branches))
    return find_suspects(CoronaryTree(None, None, branches=tuple(branches), named=named))


def test_an_occlusion_gets_a_seed_on_either_side():
    (found,) = suspects(branch((40, 380), (20, 90), (40, 300)))
    assert (found.start_mm, found.end_mm) == pytest.approx((40, 59.5), abs=1.0)
    assert not found.runs_out
    assert 24 <= found.proximal_mm[0] <= 34
    assert 65 <= found.distal_mm[0] <= 76
    assert found.vessel == "RCA"


def test_weak_filling_beyond_is_filling():
    (found,) = suspects(branch((40, 330), (15, 80), (40, 190)))
    assert not found.runs_out


def test_calcium_across_the_vessel_is_closed():
    (found,) = suspects(branch((40, 350), (8, 900), (40, 330)))
    assert found.start_mm == pytest.approx(40, abs=1.0)


def test_two_gaps_close_together_are_handed_on_as_one():
    (found,) = suspects(branch((40, 350), (8, 90), (10, 330), (8, 90), (40, 320)))
    assert (found.start_mm, found.end_mm) == pytest.approx((40, 65.5), abs=1.0)


def test_bright_plaque_before_the_dark_one_belongs_to_the_occlusion():
    (found,) = suspects(branch((40, 350), (8, 182), (6, 145), (20, 85), (32, 130), (40, 240)))
    assert found.end_mm == pytest.approx(105.5, abs=1.5)
    assert found.proximal_mm[0] < 40
    assert found.distal_mm[0] >= 109


@pytest.mark.parametrize(
    "stretches",
    [
        [(100, 350)],
        [(30, 250), (40, 165), (20, 345)],  # something brighter than the vessel ever was
        [(40, 350), (2, 90), (40, 340)],  # a step between two table positions
        [(40, 350), (20, 250), (40, 340)],  # a stenosis
        [(60, 350), (30, 90, 0.7)],  # a vessel that gets thin
        [(60, 350), (5, 60)],  # the end of the vessel
    ],
)
def test_false_alarms_are_not_raised(stretches):
    assert suspects(branch(*stretches)) == []


def test_a_wide_vessel_that_stays_dark_runs_out():
    (found,) = suspects(branch((50, 350), (40, 50)))
    assert found.runs_out
    assert found.distal_mm is None
    assert found.cap_mm[0] == pytest.approx(50, abs=1.0)


def test_one_that_stays_as_bright_as_plaque_runs_out_where_it_fell():
    (found,) = suspects(branch((50, 350), (60, 118)))
    assert found.runs_out
    assert found.cap_mm[0] == pytest.approx(50, abs=1.0)


def test_bright_plaque_before_a_dark_end_belongs_to_what_runs_out():
    (found,) = suspects(branch((50, 400), (9, 185), (30, 60)))
    assert found.runs_out
    assert found.cap_mm[0] == pytest.approx(50, abs=1.0)


def test_a_dark_thin_end_does_not_hide_an_occlusion_before_it():
    (found,) = suspects(branch((40, 350), (16, 90), (15, 190), (4, 80, 1.0), (20, 85, 0.8)))
    assert not found.runs_out
    assert (found.start_mm, found.end_mm) == pytest.approx((40, 55.5), abs=1.0)
    assert 58 <= found.distal_mm[0] <= 71


def test_a_vessel_that_also_looks_as_if_it_ran_out_says_so():
    dark = ((40, 350), (16, 90), (14, 150), (8, 80), (10, 140), (60, 60))
    (found,) = suspects(branch(*dark))
    assert not found.runs_out
    assert found.otherwise is not None
    assert found.otherwise.runs_out
    assert found.otherwise.cap_mm[0] == pytest.approx(40, abs=1.0)
    (filled,) = suspects(branch((40, 350), (16, 90), (60, 300)))
    assert filled.otherwise is None


def test_two_gaps_close_together_can_be_told_without_the_second():
    (found,) = suspects(branch((40, 350), (8, 90), (15, 330), (8, 90), (40, 320)))
    assert found.end_mm == pytest.approx(70.5, abs=1.0)
    assert found.shorter is not None
    assert (found.shorter.start_mm, found.shorter.end_mm) == pytest.approx((40, 47.5), abs=1.0)
    assert found.shorter.distal_mm[0] < 63.0
    (one,) = suspects(branch((40, 350), (8, 90), (40, 320)))
    assert one.shorter is None


def test_a_wide_dark_vessel_may_be_shut_whatever_seems_to_lie_beyond():
    (found,) = suspects(branch((40, 350), (40, 60), (40, 330, 2.0)))
    assert not found.runs_out
    assert found.otherwise is None
    assert found.shut is not None
    assert found.shut.runs_out
    assert found.shut.cap_mm[0] == pytest.approx(40, abs=1.0)


def test_farther_points_are_given_for_where_the_near_ones_fail():
    (found,) = suspects(branch((60, 380), (20, 90), (60, 300)))
    assert len(found.farther_mm) == 3
    (same, after), (before, other), both = found.farther_mm
    assert (same, other, both) == (found.proximal_mm, found.distal_mm, (before, after))
    assert 28 <= before[0] <= 44
    assert 96 <= after[0] <= 112
    (short,) = suspects(branch((14, 380), (20, 90), (14, 300)))
    assert short.farther_mm == ()


def test_a_way_that_is_dark_from_a_fork_on_is_none_where_the_other_vessel_goes_on():
    dark = branch((2, 330), (26, 50), parent=0, parent_mm=60.0, start=(60.0, 0.0, 0.0), toward=(0.0, 1.0, 0.0))
    assert suspects(branch((110, 350)), dark) == []
    (ends,) = suspects(branch((64, 350)), dark)
    assert ends.runs_out


def test_it_runs_out_where_it_is_much_wider_than_the_vessel_that_goes_on():
    fork = {"parent": 0, "parent_mm": 60.0, "start": (60.0, 0.0, 0.0), "toward": (0.0, 1.0, 0.0)}
    dark = branch((2, 330), (26, 50), **fork)
    (ends,) = suspects(branch((60, 350), (50, 350, 1.3)), dark)
    assert ends.runs_out
    assert ends.cap_mm[0] == pytest.approx(60.0, abs=3.0)
    assert suspects(branch((60, 350), (50, 350, 1.6)), dark) == []
    (long,) = suspects(branch((60, 350), (50, 350, 1.6)), branch((2, 330), (40, 50), **fork))
    assert long.runs_out
    assert suspects(branch((60, 350), (50, 350, 1.9)), branch((2, 330), (40, 50), **fork)) == []


def test_calcium_that_hardly_outshines_the_lumen_is_closed():
    (found,) = suspects(branch((40, 330), (2, 440), (3, 230), (2, 450), (40, 260)))
    assert 39 <= found.start_mm <= 41
    assert suspects(branch((40, 330), (8, 390), (40, 300))) == []


def test_what_lies_between_two_spots_of_calcium_on_the_axis_is_looked_at():
    (found,) = suspects(branch((40, 380), (1.5, 500), (3.5, 320), (1.5, 470), (40, 350)))
    assert (found.start_mm, found.end_mm) == pytest.approx((40, 46), abs=1.0)
    assert suspects(branch((40, 380), (1.5, 500), (43, 350))) == []
    assert suspects(branch((40, 380), (1.5, 455), (8, 360), (1.5, 450), (40, 350))) == []


def test_calcium_on_the_axis_is_measured_against_the_vessel_around_it():
    (found,) = suspects(branch((20, 340), (40, 250), (5, 345), (40, 245)))
    assert (found.start_mm, found.end_mm) == pytest.approx((60, 64.5), abs=1.0)
    assert suspects(branch((20, 340), (40, 250), (5, 300), (40, 245))) == []


def test_what_lies_next_to_a_closed_stretch_is_not_looked_at_twice():
    (found,) = suspects(branch((40, 350), (8, 90), (2, 340), (4, 430), (40, 340)))
    assert found.start_mm == pytest.approx(40, abs=1.0)


def test_a_vessel_that_tapers_before_it_runs_out_is_not_cut_where_it_begins_to():
    (found,) = suspects(branch((20, 300), (12, 265), (8, 245), (4, 215), (3, 195), (30, 90)))
    assert found.runs_out
    assert 41 <= found.cap_mm[0] <= 49


def test_what_runs_out_into_a_wall_is_no_occlusion():
    assert suspects(branch((50, 350), (10, 50, 3.6), (30, 50, 1.8))) == []
    vessel = branch((50, 350), (40, 90))
    along = replace(vessel, lumen_mm=np.where(vessel.core_hu < 140, 3.6, vessel.lumen_mm))  # fat on one side alone
    assert len(suspects(vessel)) == 1
    assert suspects(along) == []


def test_a_dark_speck_in_a_thin_vessel_is_not_where_it_runs_out():
    thin = branch((12, 350, 2.4), (5, 230, 1.2), (1, 100, 1.2), (12, 220, 1.2), (14, 60, 1.8))
    assert suspects(thin) == []


def test_what_lies_on_the_parent_is_told_once():
    trunk = branch((40, 380), (20, 90), (60, 300))
    side = branch((30, 280, 1.5), parent=0, parent_mm=80.0, start=(80.0, 0.0, 0.0), toward=(0.0, 1.0, 0.0))
    assert len(suspects(trunk, side)) == 1


def test_paths_run_from_the_ostium_to_the_tip():
    trunk = branch((60, 300))
    side = branch((30, 280), parent=0, parent_mm=20.0, start=(20.0, 0.0, 0.0), toward=(0.0, 1.0, 0.0))
    far = branch((10, 280), parent=1, parent_mm=15.0, start=(20.0, 15.0, 0.0), toward=(0.0, 0.0, 1.0))
    branches = [trunk, side, far]
    path = path_to(branches, 2)
    assert path.length_mm == pytest.approx(20 + 15 + 9.5)
    assert path.points_mm[-1] == pytest.approx((20, 15, 9.5))
    first, second, third = paths_of(branches)
    assert first.shared_mm(second) == pytest.approx(20)
    assert second.shared_mm(third) == pytest.approx(35)
    assert [k for k, _ in first.leaving(branches)] == [1]


def turned(*stretches, at_mm, beside_mm):
    """A branch that turns round at a place and comes back beside itself."""
    straight = branch(*stretches)
    arc = straight.arc_mm
    radius = beside_mm / 2
    turn = np.clip((arc - at_mm) / radius, 0.0, np.pi)
    back = np.maximum(arc - at_mm - np.pi * radius, 0.0)
    x = np.minimum(arc, at_mm) + radius * np.sin(turn) - back
    points = np.stack([x, radius * (1 - np.cos(turn)), 0 * arc], axis=1)
    return replace(straight, line=Centerline(points))


def test_a_way_that_turns_back_into_the_vein_beside_it_runs_out():
    way = (40, 350), (45, 80), (40, 250)
    (straight,) = suspects(branch(*way))
    assert not straight.runs_out
    (found,) = suspects(turned(*way, at_mm=78.0, beside_mm=4.5))
    assert found.runs_out
    assert found.cap_mm[0] == pytest.approx(40, abs=1.0)
    (late,) = suspects(turned((40, 350), (10, 80), (80, 300), at_mm=60.0, beside_mm=4.5))
    assert all(point is None or point[1] < 1.0 for _, point in late.farther_mm)
    (wide,) = suspects(turned(*way, at_mm=78.0, beside_mm=12.0))  # a bend of the artery itself
    assert not wide.runs_out


def test_a_dark_way_into_a_vein_is_no_occlusion():
    trunk = branch((140, 380))
    vein = branch(
        (10, 330, 1.6), (6, 90, 1.6), (60, 150, 1.4), parent=0, parent_mm=30.0, start=(30.0, 0.0, 0.0),
        toward=(0.998, 0.06, 0.0),
    )  # fmt: skip
    diverging = branch(
        (10, 330, 1.6), (6, 90, 1.6), (60, 150, 1.4), parent=0, parent_mm=30.0, start=(30.0, 0.0, 0.0),
        toward=(0.6, 0.8, 0.0),
    )  # fmt: skip
    assert suspects(trunk, vein) == []
    assert len(suspects(trunk, diverging)) == 1


@pytest.mark.parametrize(("width_mm", "count"), [(1.15, 0), (1.8, 1)])
def test_a_thin_branch_that_fades_does_not_run_out_as_its_trunk_would(width_mm, count):
    """A conus branch is dimmed by blur from its origin on; the right coronary artery before it is wide."""
    trunk = branch((60, 350))
    side = branch((4, 230, width_mm), (25, 80, 1.4), parent=0, parent_mm=12.0, start=(12, 1, 0), toward=(0, 1, 0))
    assert len([found for found in suspects(trunk, side) if found.runs_out]) == count


def test_a_spot_of_calcium_in_bright_plaque_does_not_hold_up_the_cap():
    (found,) = suspects(branch((40, 338), (4, 180), (3, 240), (3, 170), (2, 345), (20, 60)))
    assert found.runs_out
    assert found.start_mm == pytest.approx(40.0, abs=1.0)


def test_contrast_that_falls_by_itself_is_no_plaque_before_what_runs_out():
    falling = [(4, 500.0 - 5.0 * k) for k in range(14)]
    for open_part, cap_mm in ((falling, 56.0), ([(40, 450), (14, 425)], 54.0)):
        (found,) = suspects(branch(*open_part, (3, 600), (35, 60)))
        assert found.runs_out
        assert found.start_mm == pytest.approx(cap_mm, abs=1.0)
