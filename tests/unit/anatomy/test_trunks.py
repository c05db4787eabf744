"""The beginning of an artery, on a grid drawn in code."""

import numpy as np
import pytest

from recanal.anatomy.branches import led_to_wall
from recanal.anatomy.field import Field
from recanal.core.curves import Centerline
from recanal.core.volume import Affine
from recanal.imaging.sample import Block

AORTA_MM = 6.0


def field(*, gap_hu=400.0):
    """The aorta up to 6 mm along x, and blood of some level beyond; voxels of 0.6 mm."""
    shape = (60, 30, 30)
    aorta = np.zeros(shape, bool)
    aorta[: round(AORTA_MM / 0.6)] = True
    hu = np.where(aorta, np.float32(400.0), np.float32(gap_hu)).astype(np.float32)
    empty, none = np.zeros(shape, np.float32), np.zeros(shape, bool)
    block = Block(hu, Affine(np.diag([0.6, 0.6, 0.6, 1.0])))
    return Field(block, empty, empty, empty, empty, aorta, aorta, none, 400.0)


def trunk(start_mm):
    return Centerline(np.stack([np.arange(start_mm, start_mm + 12.0, 0.5), np.full(24, 9.0), np.full(24, 9.0)], axis=1))


def test_a_trunk_that_ends_before_the_aorta_is_led_on_to_it():
    line = led_to_wall(field(), trunk(11.0))
    assert line.points_mm[0] == pytest.approx([AORTA_MM, 9.0, 9.0], abs=0.6)
    assert line.length_mm == pytest.approx(trunk(11.0).length_mm + 5.0, abs=0.6)
    assert np.linalg.norm(np.diff(line.points_mm, axis=0), axis=1) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("start_mm", "gap_hu"),
    [
        (5.0, 400.0),  # in it already
        (16.0, 400.0),  # too far away
        (11.0, 100.0),  # no blood between
    ],
)
def test_what_is_not_led_on(start_mm, gap_hu):
    line = trunk(start_mm)
    assert led_to_wall(field(gap_hu=gap_hu), line) is line
