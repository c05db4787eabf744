"""Ways led along arteries that are known, on a field drawn in code."""

import numpy as np
import pytest

from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.growth import Given, grown_ways
from recanal.anatomy.ostia import Ostium
from recanal.core.volume import Affine, Volume
from recanal.grids.geodesic import BLOCKED
from recanal.imaging.sample import Block

AT, END, BEYOND, LAST = 20, 45, 60, 130


def drawn(middle_hu):
    """A tube of contrast of 78 mm along x, of another level and without a tube map over 9 mm of it."""
    shape = (LAST + 8, 41, 41)
    x, y, z = np.indices(shape)
    inside = (np.hypot(y - AT, z - AT) * GRID_MM < 1.5) & (x >= 4) & (x < LAST)
    hu = np.where(inside, 300.0, -90.0).astype(np.float32)
    gap = (x >= END) & (x < BEYOND)
    hu[inside & gap] = middle_hu
    axis = np.zeros(shape, np.float32)
    axis[4:END, AT, AT] = axis[BEYOND:LAST, AT, AT] = 1.0
    matrix = np.diag([GRID_MM, GRID_MM, GRID_MM, 1.0])
    none, nothing = np.zeros(shape, bool), np.zeros(shape, np.float32)
    soft = (hu > 0).astype(np.float32)
    field = Field(Block(hu, Affine(matrix)), axis, axis, nothing, soft, none, none, none, 320.0)
    cost = np.where(axis > 0, np.float32(1.0), BLOCKED).astype(np.float32)
    start = int(np.ravel_multi_index((4, AT, AT), shape))
    ostium = Ostium(start, np.array([4, AT, AT]) * GRID_MM, 0.0, "left", 80.0, 500.0)
    return Volume(hu.astype(np.int16), Affine(matrix)), field, cost, [ostium]


def curve_mm():
    where = np.arange(END - 8, BEYOND + 8)
    return np.stack([where, np.full(len(where), AT), np.full(len(where), AT)], axis=1) * GRID_MM


def farthest(ways):
    return max(int(way.voxels[:, 0].max()) for way in ways)


@pytest.mark.parametrize("middle_hu", [70.0, -20.0])
def test_ways_follow_a_curve_that_is_given(middle_hu):
    volume, field, cost, ostia = drawn(middle_hu)
    before = cost.copy()
    ways = grown_ways(volume, field, cost, ostia, given=Given(np.empty(0), (curve_mm(),)))
    assert farthest(ways) > LAST - 6
    np.testing.assert_array_equal(cost, before)


def test_without_it_they_end():
    volume, field, cost, ostia = drawn(-20.0)
    assert farthest(grown_ways(volume, field, cost, ostia)) < END
