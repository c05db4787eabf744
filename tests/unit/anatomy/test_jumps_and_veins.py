"""Where a way leaves its vessel: profiles drawn by hand."""

import numpy as np
import pytest

from recanal.anatomy.jumps import STEP_MM, Profile, find_jumps
from recanal.anatomy.veins import dim_stretches, runs_beside
from recanal.core.curves import Centerline


def profile(*stretches, radius_mm=1.2):
    """A straight way: pairs of length in mm and HU, or triples with a radius of their own."""
    hu = np.concatenate([np.full(round(s[0] / STEP_MM), float(s[1])) for s in stretches])
    wide = np.concatenate([np.full(round(s[0] / STEP_MM), s[2] if len(s) > 2 else radius_mm) for s in stretches])
    points = np.arange(len(hu))[:, None] * np.array([[STEP_MM, 0.0, 0.0]])
    return Profile(Centerline(points), hu, wide)


def test_a_short_dark_gap_between_two_vessels_is_a_jump():
    (jump,) = find_jumps(profile((20, 330), (1.25, 60), (20, 210)))
    assert jump.point_mm[0] == pytest.approx(20.5, abs=0.8)
    assert (jump.hu, jump.side_hu) == (60, 210)


@pytest.mark.parametrize(
    "stretches",
    [
        [(20, 330), (12, 70, 1.7), (20, 300)],  # an occlusion
        [(20, 330), (1.25, 210), (20, 300)],  # noise
        [(20, 330), (20, 120)],  # a thin branch
        [(20, 330), (1.25, -40), (10, -80)],  # the end
        [(20, 380, 1.7), (9, 110, 1.7), (1.5, 40, 1.8), (4, 125, 1.7), (20, 300, 1.5)],  # fat inside a plaque
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
