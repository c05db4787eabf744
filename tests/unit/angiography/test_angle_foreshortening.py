"""Foreshortening against closed forms."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recanal.angiography.beams import detector_direction
from recanal.angiography.foreshortening import foreshortening_percent, thirds_percent
from recanal.errors import GeometryError

ANGLES = [(p, s) for p in (-50, -30, -7, 0, 20, 45, 60) for s in (-40, -15, 0, 25, 40)]


@pytest.mark.parametrize("angles", ANGLES)
@pytest.mark.parametrize("tilt_deg", [0, 10, 30, 45, 60, 80, 90])
def test_a_straight_segment_shortens_by_the_sine_of_its_angle_to_the_beam(angles, tilt_deg):
    beam = detector_direction(*angles)
    across = np.cross(beam, [0.3, 0.5, -0.81])
    across /= np.linalg.norm(across)
    along = np.cos(np.radians(tilt_deg)) * beam + np.sin(np.radians(tilt_deg)) * across
    points = np.array([4.0, -60.0, -130.0]) + np.linspace(0, 18, 37)[:, None] * along
    expected = 100 * (1 - np.sin(np.radians(tilt_deg)))
    assert foreshortening_percent(points, beam) == pytest.approx(expected, abs=1e-4)


def test_a_half_circle_seen_along_its_chord_keeps_two_over_pi():
    turn = np.linspace(0, np.pi, 2001)
    points = 10 * np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    assert foreshortening_percent(points, [1, 0, 0]) == pytest.approx(100 * (1 - 2 / np.pi), abs=1e-3)
    assert foreshortening_percent(points, [0, 0, 1]) == pytest.approx(0, abs=1e-9)


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(1, 50), st.integers(2, 60))
def test_it_lies_between_0_and_100_and_does_not_depend_on_size_or_sampling(primary, secondary, scale_mm, count):
    beam = detector_direction(primary, secondary)
    corner = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]])
    fine = np.concatenate([np.linspace(a, b, count)[:-1] for a, b in pairwise(corner)])
    fine = scale_mm * np.concatenate([fine, corner[-1:]])
    percent = float(foreshortening_percent(corner, beam))
    expected = 100 * (1 - np.sqrt(np.maximum(1 - beam**2, 0)).sum() / 3)
    assert 0 <= percent <= 100
    assert percent == pytest.approx(expected, abs=1e-9)
    assert foreshortening_percent(fine, beam) == pytest.approx(expected, abs=1e-5)


def test_thirds_are_cut_by_arc_length():
    points = np.array([[0.0, 0, 0], [5, 0, 0], [6, 0, 0], [6, 0, 3], [6, 3, 3]])  # 6 across, 3 across, 3 along
    assert thirds_percent(points, [0, -1, 0]) == pytest.approx((0, 0, 75))


def test_a_point_is_no_curve():
    with pytest.raises(GeometryError, match="needs a length"):
        foreshortening_percent([[1, 2, 3], [1, 2, 3]], [0, -1, 0])
