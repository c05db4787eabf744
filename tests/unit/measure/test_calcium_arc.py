"""The angle of calcium is seen from the middle of the vessel, wherever the axis of the sections runs."""

import numpy as np
import pytest

from recanal.imaging.sections import RAYS, RING_MM
from recanal.measure.calcium_arc import calcium_arc_deg, wall_centre_mm
from recanal.measure.tissue import Tissue

RINGS = 34
ANGLE = np.arange(RAYS) * 2 * np.pi / RAYS
RADIUS = np.arange(RINGS) * RING_MM


def round_vessel(centre_mm, *, wall_mm=2.0, bright=lambda x, y: np.zeros_like(x, dtype=bool), sections=3):
    """Polar cells around the origin of a round vessel with its middle elsewhere; ``bright`` counts from there."""
    x = np.cos(ANGLE)[:, None] * RADIUS - centre_mm[0]
    y = np.sin(ANGLE)[:, None] * RADIUS - centre_mm[1]
    hu = np.where(bright(x, y), 900.0, 60.0).astype(np.float32)
    along = np.cos(ANGLE) * centre_mm[0] + np.sin(ANGLE) * centre_mm[1]
    wall = along + np.sqrt(along**2 - centre_mm[0] ** 2 - centre_mm[1] ** 2 + wall_mm**2)
    inside = (wall[:, None] > RADIUS).astype(float)
    many = (sections, 1, 1)
    area = np.tile(inside[None], many)
    return Tissue(
        np.arange(sections) * 0.25,
        np.full(sections, 0.25),
        np.tile(hu[None], many),
        np.tile(hu[None], many),
        area,
        area * 0.25,
        np.tile(wall[None], (sections, 1)),
    )


def arc(tissue):
    return calcium_arc_deg(tissue, tissue.hu >= 351, threshold_hu=351.0)


@pytest.mark.parametrize("centre_mm", [(0.0, 0.0), (0.4, 0.0), (-0.2, 0.5)])
def test_the_centre_of_the_wall_is_that_of_the_circle(centre_mm):
    assert wall_centre_mm(round_vessel(centre_mm).wall_mm) == pytest.approx(np.tile(centre_mm, (3, 1)), abs=0.01)


@pytest.mark.parametrize("centre_mm", [(0.0, 0.0), (0.4, 0.0), (-0.2, 0.5)])
@pytest.mark.parametrize("wide_deg", [60.0, 180.0, 270.0])
def test_a_sector_has_its_own_angle_from_any_axis(centre_mm, wide_deg):
    def sector(x, y):
        turn = np.abs(np.degrees(np.arctan2(y, x)))
        return (turn < wide_deg / 2) & (np.hypot(x, y) > 1.1)

    assert arc(round_vessel(centre_mm, bright=sector)) == pytest.approx(np.full(3, wide_deg), abs=20.0)


def test_a_spot_on_the_axis_but_beside_the_middle_does_not_surround_it():
    def spot(x, y):
        return np.hypot(x + 0.8, y) < 0.4  # the axis runs through it, 0.8 mm from the middle of the vessel

    seen = arc(round_vessel((0.8, 0.0), bright=spot))
    assert seen == pytest.approx(np.full(3, 2 * np.degrees(np.arcsin(0.4 / 0.8))), abs=15.0)


def test_no_calcium_no_angle_and_calcium_beyond_the_wall_does_not_count():
    assert arc(round_vessel((0.3, 0.0))).tolist() == [0.0, 0.0, 0.0]
    outside = round_vessel((0.0, 0.0), bright=lambda x, y: np.hypot(x, y) > 2.3)
    assert arc(outside).tolist() == [0.0, 0.0, 0.0]
