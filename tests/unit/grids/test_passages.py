"""A vessel that touches a chamber for some voxels, on grids drawn in code."""

import numpy as np
import pytest

from recanal.grids.breaks import Course
from recanal.grids.geodesic import BLOCKED, reach_from
from recanal.grids.passages import led_past

AT, WALL = 30, 32
FAR = (100, AT, AT)


def scene(*, length=12, rim_hu=300.0, beyond_hu=300.0, beyond=60, sideways=0):
    """A tube along the first axis whose voxels 40 and on lie in the rim of a chamber, and a tube beyond."""
    hu, tube = np.full((130, 60, 60), -80.0, np.float32), np.zeros((130, 60, 60), bool)
    shut = np.zeros(hu.shape, bool)
    end = 40 + length
    shut[40:end, AT - 1 :, AT - 12 : AT + 12] = True
    hu[shut] = rim_hu
    hu[:40, AT, AT], tube[:40, AT, AT] = 310.0, True
    other = AT + sideways
    hu[end : end + beyond, other, AT], tube[end : end + beyond, other, AT] = beyond_hu, True
    cost = np.where(tube & ~shut, np.float32(1.0), BLOCKED).astype(np.float32)
    return cost, hu, tube, shut


def front(cost):
    start = np.array([np.ravel_multi_index((0, AT, AT), cost.shape)])
    return reach_from(cost, start, np.array([1], np.int16), step_mm=0.6)


def past(**asked):
    cost, hu, tube, shut = scene(**asked)
    way = np.stack([np.arange(40), np.full(40, AT), np.full(40, AT)], axis=1)
    course = Course(way, way)
    return led_past(cost, hu, tube=tube, shut=shut, reach=front(cost), courses=[course]), front(cost)


def test_a_front_follows_a_vessel_along_a_chamber():
    count, reach = past()
    assert count == 1
    assert reach.length_mm[FAR] == pytest.approx(100 * 0.6, abs=2.0)


def test_specks_of_tube_in_the_rim_do_not_hide_the_vessel_beyond():
    cost, hu, tube, shut = scene()
    for k in (42, 44, 46, 48):
        tube[k, AT - 2, AT], hu[k, AT - 2, AT], cost[k, AT - 2, AT] = True, 300.0, 1.0
    way = np.stack([np.arange(40), np.full(40, AT), np.full(40, AT)], axis=1)
    assert led_past(cost, hu, tube=tube, shut=shut, reach=front(cost), courses=[Course(way, way)]) == 1
    assert np.isfinite(front(cost).cost[FAR])


def test_the_rest_of_the_chamber_stays_closed():
    _, reach = past()
    assert not np.isfinite(reach.cost[44, WALL + 4, AT])


@pytest.mark.parametrize(
    "asked",
    [
        {"length": 32},  # too far
        {"rim_hu": 120.0},  # no contrast between
        {"beyond_hu": 200.0},  # another blood: a vein
        {"beyond": 30},  # a speck
        {"sideways": 14},  # on another side of the chamber
    ],
)
def test_what_is_another_vessel(asked):
    count, reach = past(**asked)
    assert count == 0
    assert not np.isfinite(reach.cost[FAR])


def test_a_way_that_touches_no_chamber_is_left_alone():
    cost, hu, tube, shut = scene()
    way = np.stack([np.arange(30), np.full(30, AT), np.full(30, AT)], axis=1)
    course = Course(way, way)
    assert led_past(cost, hu, tube=tube, shut=shut, reach=front(cost), courses=[course]) == 0
