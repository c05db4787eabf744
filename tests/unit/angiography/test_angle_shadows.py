"""Shadows of built shapes against plane geometry."""

import numpy as np
import pytest

from recanal.angiography.beams import detector_direction
from recanal.angiography.scene import BONE, HEART, VESSEL, without_target
from recanal.angiography.shadows import shadow_shares

POINTS = np.linspace(-15, 15, 121)[:, None] * np.array([1.0, 0.0, 0.0])


def column(x_mm, y_mm, radius_mm):
    """A cylinder along the body axis."""
    return lambda x, y, z: ((x - x_mm) ** 2 + (y - y_mm) ** 2 <= radius_mm**2) & (abs(z) < 99)


@pytest.mark.parametrize("primary", [-50, -35, -20, -10, 0, 10, 20, 35, 60])
@pytest.mark.parametrize(("x_mm", "y_mm"), [(0, 40), (6, -30)])
def test_a_column_throws_the_shadow_of_its_width(primary, x_mm, y_mm, scene_of):
    scene = scene_of({BONE: column(x_mm, y_mm, 8.0)})
    p = np.radians(primary)
    # a beam through (x, 0) with direction (sin p, -cos p) passes the centre of the column at this distance
    gap = np.abs((x_mm - POINTS[:, 0]) * -np.cos(p) - y_mm * np.sin(p))
    expected = float((gap <= 8.0).mean())
    shares = shadow_shares(scene, POINTS, detector_direction([primary], [0]))
    assert shares[0, 1] == pytest.approx(expected, abs=0.06)  # the column is made of 1 mm cells
    assert shares[0].tolist() == [0, shares[0, 1], 0, shares[0, 1]]


def test_cranial_angles_lift_the_beam_over_a_low_column(scene_of):
    scene = scene_of({HEART: lambda x, y, z: (abs(x) < 60) & (abs(y + 50) < 5) & (z < 10)})
    level, lifted = shadow_shares(scene, POINTS, detector_direction([0, 0], [0, 30]))[:, 2]
    assert (level, lifted) == (1, 0)  # 50 mm in front, 30 degrees cranial passes at a height of 29 mm


def test_each_kind_is_counted_apart_and_the_total_is_a_union(scene_of):
    scene = scene_of(
        {
            VESSEL: lambda x, y, z: (x < -5) & (abs(y + 20) < 3) & (abs(z) < 5),
            BONE: lambda x, y, z: (x > 5) & (abs(y - 50) < 6) & (abs(z) < 90),
            HEART: lambda x, y, z: (x < 0) & (abs(y - 25) < 6) & (abs(z) < 90),
        }
    )
    shares = shadow_shares(scene, POINTS, detector_direction([0], [0]))[0]
    # the edges of the cells lie at -5.5, 5.5 and -0.5 mm
    assert shares == pytest.approx([9.5 / 30, 9.5 / 30, 14.5 / 30, 24 / 30], abs=0.01)


def test_what_touches_the_point_itself_does_not_cover_it(scene_of):
    scene = scene_of({VESSEL: lambda x, y, z: (abs(x) < 20) & (abs(y) < 0.6) & (abs(z) < 0.6)})
    assert shadow_shares(scene, POINTS, detector_direction([0], [0]))[0, 0] == 0


def test_beams_along_the_cells_end(scene_of):
    scene = scene_of({BONE: column(0, 40, 8)})
    straight = np.concatenate([np.eye(3), -np.eye(3)])
    shares = shadow_shares(scene, np.zeros((1, 3)), straight)
    assert shares[:, 1].tolist() == [0, 1, 0, 0, 1, 0]
    far = shadow_shares(scene, np.array([[500.0, 0, 0]]), straight)
    assert far.tolist() == np.zeros((6, 4)).tolist()


def test_the_vessel_itself_is_taken_out(scene_of):
    scene = scene_of({VESSEL: lambda x, y, z: (y**2 + z**2 <= 9) | ((y + 20) ** 2 + z**2 <= 9)})
    line = np.linspace(-100, 100, 401)[:, None] * np.array([1.0, 0, 0])
    left = without_target(scene, line, 4.0)
    x, y, _ = scene.affine.to_mm(np.argwhere(left.codes)).T
    assert np.all(np.abs(y + 20) <= 3)
    assert len(x) == int((scene.codes > 0).sum()) // 2
    assert shadow_shares(left, POINTS, detector_direction([0], [0]))[0, 0] == 1
    narrow = without_target(scene, line, np.where(line[:, 0] < 0, 4.0, 0.0))
    assert narrow.codes[150, 100, 100] == VESSEL
    assert narrow.codes[50, 100, 100] == 0
