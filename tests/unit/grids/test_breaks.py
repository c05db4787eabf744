"""Short breaks of tubes on grids drawn in code."""

import numpy as np
import pytest

from recanal.grids.breaks import Course, closed_breaks, led_on
from recanal.grids.geodesic import BLOCKED, reach_from

ALONG, ACROSS = 120, 15


def scene(*, gap=6, inside_hu=180.0, beyond_hu=220.0, beyond=60, turned=False):
    """A tube of 40 voxels, a break, and a tube beyond: costs, HU, where tubes are seen, and the way to the break."""
    shape = (ALONG, 2 * ACROSS + 90, 2 * ACROSS)
    hu, tube = np.full(shape, -80.0, np.float32), np.zeros(shape, bool)
    hu[:40, ACROSS, ACROSS], tube[:40, ACROSS, ACROSS] = 240.0, True
    hu[40 : 40 + gap, ACROSS, ACROSS] = inside_hu
    end = 40 + gap
    rest = (39, slice(ACROSS + gap + 1, ACROSS + gap + 1 + beyond)) if turned else (slice(end, end + beyond), ACROSS)
    hu[(*rest, ACROSS)], tube[(*rest, ACROSS)] = beyond_hu, True
    cost = np.where(tube, np.float32(1.0), BLOCKED).astype(np.float32)
    way = np.stack([np.arange(40), np.full(40, ACROSS), np.full(40, ACROSS)], axis=1)
    return cost, hu, tube, way


def front(cost):
    start = np.array([np.ravel_multi_index((0, ACROSS, ACROSS), cost.shape)])
    return reach_from(cost, start, np.array([1], np.int16), step_mm=0.6)


def closed(**asked):
    cost, hu, tube, way = scene(**asked)
    count = closed_breaks(cost, hu, tube=tube, reach=front(cost), ways=[way])
    return count, front(cost)


def test_a_front_passes_a_break_once_it_is_closed():
    cost, *_ = scene()
    far = (100, ACROSS, ACROSS)
    assert not np.isfinite(front(cost).cost[far])
    count, reach = closed()
    assert count == 1
    assert reach.length_mm[far] == pytest.approx(100 * 0.6, abs=2.0)


@pytest.mark.parametrize(
    "asked",
    [
        {"gap": 14},  # too long for noise
        {"inside_hu": 20.0},  # no contrast inside: two vessels, or an occlusion
        {"beyond_hu": 110.0},  # another blood: a vein
        {"beyond": 15},  # a speck
        {"turned": True},  # not ahead
    ],
)
def test_what_is_no_break(asked):
    count, reach = closed(**asked)
    assert count == 0
    assert not np.isfinite(reach.cost[100, ACROSS, ACROSS])


def test_what_was_cut_on_purpose_stays_cut():
    cost, hu, tube, way = scene()
    reach = front(cost)
    cost[46:106, ACROSS, ACROSS] = BLOCKED
    assert closed_breaks(cost, hu, tube=tube, reach=reach, ways=[way]) == 0


def led(*, stump_hu=70.0, muscle_hu=100.0, shut_at=None, **asked):
    """How many stumps are led on: 18 voxels of plaque end in muscle, an artery begins beyond."""
    cost, hu, tube, way = scene(gap=18, inside_hu=muscle_hu, **asked)
    hu[22:40, ACROSS, ACROSS] = stump_hu
    shut = np.zeros(hu.shape, bool)
    if shut_at is not None:
        shut[shut_at, ACROSS, ACROSS] = True
    return led_on(cost, hu, tube=tube, shut=shut, reach=front(cost), courses=[Course(way[20:], way)]), front(cost)


def test_a_stump_is_led_on_to_the_artery_beyond():
    count, reach = led()
    assert count == 1
    assert reach.length_mm[100, ACROSS, ACROSS] == pytest.approx(100 * 0.6, abs=2.0)


@pytest.mark.parametrize(
    "asked",
    [
        {"stump_hu": 240.0},  # an open end
        {"muscle_hu": -60.0},  # fat between
        {"beyond_hu": 100.0},  # nothing filled beyond
        {"beyond": 30},  # a speck
        {"turned": True},  # not ahead
        {"shut_at": 50},  # through a chamber
    ],
)
def test_what_no_stump_is_led_on_to(asked):
    count, reach = led(**asked)
    assert count == 0
    assert not np.isfinite(reach.cost[100, ACROSS, ACROSS])


def test_a_speck_before_the_artery_does_not_hide_it():
    cost, hu, tube, way = scene(gap=18, inside_hu=100.0)
    hu[22:40, ACROSS, ACROSS], hu[50, ACROSS, ACROSS], tube[50, ACROSS, ACROSS] = 70.0, 160.0, True
    cost[50, ACROSS, ACROSS] = 1.0
    course = Course(way, way)
    assert led_on(cost, hu, tube=tube, shut=np.zeros(hu.shape, bool), reach=front(cost), courses=[course]) == 1
