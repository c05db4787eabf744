"""Where a way leaves its vessel: profiles drawn by hand."""

import numpy as np
import pytest

from recanal.anatomy.jumps import STEP_MM, Profile, find_jumps
from recanal.anatomy.veins import (
    chamber_tail,
    companions,
    dim_stretches,
    returning_tail,
    risen_tail,
    runs_beside,
    widened_tail,
)
from recanal.core.curves import Centerline


def profile(*stretches, radius_mm=1.2, around_hu=-80.0):
    """A straight way: pairs of length in mm and HU, or triples with a radius of their own."""
    hu = np.concatenate([np.full(round(s[0] / STEP_MM), float(s[1])) for s in stretches])
    wide = np.concatenate([np.full(round(s[0] / STEP_MM), s[2] if len(s) > 2 else radius_mm) for s in stretches])
    points = np.arange(len(hu))[:, None] * np.array([[STEP_MM, 0.0, 0.0]])
    return Profile(Centerline(points), hu, wide, np.broadcast_to(around_hu, hu.shape))


def test_a_short_dark_gap_between_two_vessels_is_a_jump():
    (jump,) = find_jumps(profile((20, 330), (1.25, 60), (20, 210)))
    assert jump.point_mm[0] == pytest.approx(20.5, abs=0.8)
    assert (jump.hu, jump.side_hu) == (60, 210)
    assert jump.alike_share == pytest.approx((210 + 60) / (330 + 60))


def test_a_strand_of_tissue_to_a_neighbour_is_a_jump():
    (jump,) = find_jumps(profile((20, 430, 2.0), (5, 35, 1.2), (30, 250, 1.1)))
    assert 20.0 <= jump.point_mm[0] < 25.0
    assert (jump.hu, jump.side_hu, jump.alike_share) == (35, 250, 0.0)


@pytest.mark.parametrize(
    "stretches",
    [
        [(20, 330), (12, 70, 1.7), (20, 300)],  # an occlusion
        [(20, 330), (1.25, 210), (20, 300)],  # noise
        [(20, 330), (20, 120)],  # a thin branch
        [(20, 330), (1.25, -40), (10, -80)],  # the end
        [(20, 380, 1.7), (9, 110, 1.7), (1.5, 40, 1.8), (4, 125, 1.7), (20, 300, 1.5)],  # fat inside a plaque
        [(30, 340, 1.6), (24, 65, 1.6), (5, 150, 1.35), (1.5, 40, 1.3), (20, 230, 1.2)],  # at the end of a long one
        [(35, 290, 1.65), (6.5, 575, 1.7), (1.5, 115, 1.7), (20, 245, 1.5)],  # beyond the calcium of an occlusion
        [(20, 310, 1.5), (1.5, 60, 1.7), (6, 800, 1.6), (20, 70, 1.6)],  # before the calcium of an occlusion
        [(20, 360, 1.3), (8, 65, 1.5), (6, 280, 1.3), (1.5, 50, 1.4), (20, 150, 1.15)],  # before a dim vessel beyond
        [(20, 430, 2.0), (5, 35, 1.9), (20, 250, 1.6)],  # a short occlusion keeps its width
    ],
)
def test_what_is_no_jump(stretches):
    assert find_jumps(profile(*stretches)) == []


def test_a_wide_dim_stretch_to_the_tip_is_told():
    (dim,) = dim_stretches(profile((30, 330), (40, 130)), 0.0)
    assert dim.first * STEP_MM == pytest.approx(30, abs=3)
    assert dim.last * STEP_MM == pytest.approx(70, abs=3)


@pytest.mark.parametrize(
    "stretches",
    [
        [(30, 330), (40, 130, 0.6)],  # a thin vessel looks dark because of blur
        [(30, 330), (15, 70), (40, 290)],  # an occlusion with good filling beyond
        [(30, 330), (15, 40), (40, 180)],  # and with weak filling
        [(30, 330), (40, 260)],  # contrast that falls slowly
    ],
)
def test_what_is_not_dim(stretches):
    assert dim_stretches(profile(*stretches), 0.0) == []


def test_parallel_is_beside_and_across_is_not():
    along = np.arange(0, 40, 0.5)[:, None] * np.array([[1.0, 0.0, 0.0]])
    vein = along + np.array([0.0, 4.5, 0.0])
    across = np.arange(-20, 20, 0.5)[:, None] * np.array([[0.0, 1.0, 0.0]]) + np.array([20.0, 0.0, 4.0])
    far = along + np.array([0.0, 12.0, 0.0])
    assert runs_beside(vein, [along])
    assert not runs_beside(across, [along])
    assert not runs_beside(far, [along])
    assert not runs_beside(vein, [])


def test_a_way_that_ends_in_a_chamber_is_cut_where_it_enters():
    around = np.concatenate([np.full(round(40 / STEP_MM), -80.0), np.full(round(20 / STEP_MM), 190.0)])
    tail = chamber_tail(profile((40, 300), (20, 210), around_hu=around), 10.0)
    assert tail is not None
    assert tail.first * STEP_MM == pytest.approx(40, abs=1.0)
    assert tail.last * STEP_MM == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize(
    ("around_hu", "start_mm", "hu"),
    [
        (-80.0, 40.0, 300),  # fat around
        (110.0, 40.0, 300),  # in the myocardium
        (260.0, 0.0, 300),  # a wide left main
        (70.0, 40.0, 75),  # an occlusion in the myocardium
    ],
)
def test_what_is_no_chamber(around_hu, start_mm, hu):
    assert chamber_tail(profile((24, hu), around_hu=around_hu), start_mm) is None


def test_a_chamber_that_is_passed_is_no_end():
    around = np.repeat([-80.0, 200.0, -80.0], round(20 / STEP_MM))
    assert chamber_tail(profile((60, 210), around_hu=around), 40.0) is None


def course(length_mm, hu, *, offset=(0.0, 0.0, 0.0), turn=0.0, radius_mm=1.2):
    """A straight way from an offset on, at an angle to the x axis in radians."""
    arc = np.arange(0.0, length_mm, STEP_MM)
    points = np.asarray(offset) + arc[:, None] * np.array([np.cos(turn), np.sin(turn), 0.0])
    wide = np.full(len(arc), radius_mm)
    return Profile(Centerline(points), np.full(len(arc), float(hu)), wide, np.full(len(arc), -80.0))


def test_a_long_way_beside_a_brighter_one_keeps_it_company():
    artery, vein = course(90, 330), course(60, 240, offset=(15, 4.5, 0), radius_mm=0.8)
    none, end = companions([artery, vein])
    assert none is None
    assert end is not None
    assert end.first * STEP_MM == pytest.approx(7, abs=0.5)
    assert end.last == len(vein.hu) - 1


def test_a_short_wide_and_dimmer_one_does_so_too():
    led = course(28, 330, offset=(20, 4.5, 0), radius_mm=1.3)
    led.hu[round(5 / STEP_MM) :] = 200
    assert companions([course(90, 330), led])[1] is not None


@pytest.mark.parametrize(
    "other",
    [
        course(28, 200, offset=(20, 4.5, 0), radius_mm=0.9),  # short and thin: blur darkens it
        course(60, 320, offset=(15, 4.5, 0)),  # as bright
        course(60, 240, offset=(15, 14, 0)),  # far away
        course(60, 240, offset=(15, 3, 0), turn=0.5),  # parts from it
    ],
)
def test_what_keeps_no_company(other):
    assert companions([course(90, 330), other]) == [None, None]


def test_a_branch_that_runs_back_beside_its_vessel_is_told_where_it_does():
    vein = course(60, 330, offset=(70, 4.5, 0), turn=np.pi)
    tail = returning_tail(vein, course(90, 330))
    assert tail is not None
    assert (tail.first, tail.last) == (0, len(vein.hu) - 1)


@pytest.mark.parametrize(
    "branch",
    [
        course(60, 330, offset=(10, 4.5, 0)),  # onwards beside it
        course(60, 330, offset=(70, 0, 0), turn=2.4),  # back, and away
        course(12, 330, offset=(70, 4.5, 0), turn=np.pi),  # short
        course(60, 330, offset=(70, 14, 0), turn=np.pi),  # back far away
    ],
)
def test_what_does_not_run_back(branch):
    assert returning_tail(branch, course(90, 330)) is None


def test_a_way_that_turns_back_beside_itself_is_cut_where_it_turns():
    out, back = course(80, 330), course(70, 230, offset=(80, 5, 0), turn=np.pi)
    both = Profile(
        Centerline(np.concatenate([out.line.points_mm, back.line.points_mm])),
        np.concatenate([out.hu, back.hu]),
        np.concatenate([out.radius_mm, back.radius_mm]),
        np.concatenate([out.around_hu, back.around_hu]),
    )
    (end,) = companions([both])
    assert end is not None
    assert end.first * STEP_MM == pytest.approx(85, abs=12)


def test_a_thin_artery_that_goes_on_as_a_wide_wall_is_cut_where_it_widens():
    tail = widened_tail(profile((30, 220, 0.9), (40, 110, 2.2)))
    assert tail is not None
    assert tail.first * STEP_MM == pytest.approx(30, abs=0.5)
    assert tail.last * STEP_MM == pytest.approx(70, abs=0.5)


@pytest.mark.parametrize(
    "stretches",
    [
        [(60, 330, 2.0), (40, 100, 2.4)],  # an occlusion of a wide vessel: its wall
        [(30, 220, 0.9), (20, 110, 2.2)],  # a thin artery that ends on muscle
        [(30, 220, 0.9), (40, 200, 1.3)],  # a vessel that was narrowed
        [(30, 330, 1.6), (8, 150, 1.0), (40, 320, 1.5)],  # a stenosis
        [(10, 330, 1.0)],
    ],
)
def test_what_has_not_widened(stretches):
    assert widened_tail(profile(*stretches)) is None


def test_a_thin_vessel_that_brightens_has_touched_another_one():
    tail = risen_tail(profile((30, 260, 1.2), (12, 110, 1.1), (30, 230, 1.2)))
    assert tail is not None
    assert tail.first * STEP_MM == pytest.approx(42, abs=0.5)
    assert tail.last * STEP_MM == pytest.approx(72, abs=0.5)


def test_a_vein_beyond_three_millimetres_of_a_thin_branch_is_told():
    tail = risen_tail(profile((10, 285, 1.7), (3, 115, 0.9), (40, 240, 1.5)))
    assert tail is not None
    assert tail.first * STEP_MM == pytest.approx(13, abs=1.3)


@pytest.mark.parametrize(
    "stretches",
    [
        [(10, 285, 1.7), (1, 115, 0.9), (40, 240, 1.0)],  # noise
        [(30, 330, 1.6), (20, 90, 1.7), (40, 300, 1.4)],  # an occlusion: as wide as the vessel
        [(30, 260, 1.2), (12, 150, 1.1), (30, 190, 1.2)],  # not enough
        [(30, 260, 1.2), (12, 110, 1.1), (8, 230, 1.2)],  # calcium, or a speck
        [(30, 260, 1.2), (12, 110, 1.1), (10, 230, 1.2), (40, 110, 1.1)],
        [(30, 330, 1.2), (40, 200, 1.1)],
    ],
)
def test_what_has_not_brightened(stretches):
    assert risen_tail(profile(*stretches)) is None
