"""Aorta and ostia on solids drawn in code."""

import numpy as np
import pytest

from recanal.anatomy.aorta import find_aorta, find_aortas
from recanal.anatomy.coarse import Coarse
from recanal.anatomy.ostia import Ostium, chosen_ostia
from recanal.core.volume import Affine
from recanal.imaging.sample import Block


def chest(*tubes, pool=None, size=(80, 80, 60)):
    """A coarse view with upright tubes (x, y, radius, HU, lean in x per z) and perhaps a ball (x, y, z, radius, HU)."""
    x, y, z = np.meshgrid(*(2.0 * np.arange(n) for n in size), indexing="ij")
    hu = np.full(size, 40.0, dtype=np.float32)
    for cx, cy, radius, level, lean in tubes:
        hu[np.hypot(x - cx - lean * (z - 60), y - cy) < radius] = level
    if pool is not None:
        hu[(x - pool[0]) ** 2 + (y - pool[1]) ** 2 + (z - pool[2]) ** 2 < pool[3] ** 2] = pool[4]
    hu += np.random.default_rng(0).normal(0, 8, size).astype(np.float32)
    block = Block(hu, Affine.from_spacing((2.0, 2.0, 2.0)))
    return Coarse(block, 400.0, np.zeros(size, dtype=bool))


def test_the_aorta_is_found_before_its_descending_part_and_beside_a_darker_trunk():
    view = chest((70, 60, 15, 400, 0.1), (90, 120, 12, 395, 0.0), (105, 45, 14, 260, 0.0))
    ascending, descending = find_aorta(view)
    assert ascending is not None
    assert descending is not None
    middle = int(np.argmin(np.abs(ascending.centre_mm[:, 2] - 60)))
    assert ascending.centre_mm[middle, :2] == pytest.approx((70, 60), abs=1.0)
    assert ascending.radius_mm[middle] == pytest.approx(15, abs=1.0)
    assert ascending.hu == pytest.approx(400, abs=8)
    assert descending.centre_mm[:, :2].mean(axis=0) == pytest.approx((90, 120), abs=1.0)
    assert descending.length_mm > 100


def test_the_aorta_is_preferred_to_an_atrium():
    view = chest((70, 60, 15, 400, 0.0), (90, 120, 12, 400, 0.0), pool=(120, 70, 60, 22, 400))
    ascending, _ = find_aorta(view)
    assert ascending is not None
    assert ascending.centre_mm[:, :2].mean(axis=0) == pytest.approx((70, 60), abs=1.0)
    assert ascending.length_mm > 100


@pytest.mark.parametrize("z_mm", [-1400.0, 0.0, 900.0])
def test_where_the_scanner_puts_its_origin_does_not_matter(z_mm):
    view = chest((70, 60, 15, 400, 0.1), (90, 120, 12, 395, 0.0), (105, 45, 14, 300, 0.0))
    matrix = view.block.affine.matrix.copy()
    matrix[2, 3] = z_mm
    moved = Coarse(Block(view.block.hu, Affine(matrix)), view.blood_hu, view.lung)
    ascending, _ = find_aorta(moved)
    assert ascending is not None
    assert ascending.hu == pytest.approx(400, abs=8)


def test_a_vein_that_ends_does_not_take_the_circles_of_the_aorta():
    view = chest((70, 60, 15, 400, 0.0), (90, 120, 12, 395, 0.0))
    x, y = np.meshgrid(2.0 * np.arange(80), 2.0 * np.arange(80), indexing="ij")
    for k in range(60):  # a cava that leans against the aorta and ends half way down
        if k > 30:
            view.block.hu[:, :, k][np.hypot(x - 42 - 0.25 * (60 - k), y - 60) < 10] = 430
    ascending, _ = find_aorta(view)
    assert ascending is not None
    assert ascending.length_mm > 110
    assert ascending.centre_mm[:, :2].mean(axis=0) == pytest.approx((70, 60), abs=1.5)


def test_an_aorta_that_a_darker_chamber_touches_is_led_farther_down():
    view = chest((70, 60, 15, 400, 0.0), (90, 120, 12, 395, 0.0))
    x, y = np.meshgrid(2.0 * np.arange(80), 2.0 * np.arange(80), indexing="ij")
    near = (np.hypot(x - 70, y - 60) >= 15) & (np.hypot(x - 62, y - 44) < 26)
    view.block.hu[:, :, :24][near] = 290
    (ascending, led, *_), _ = find_aortas(view)
    assert ascending.centre_mm[0, 2] == pytest.approx(48, abs=4)
    assert led.centre_mm[0, 2] < 30
    assert led.centre_mm[:8, :2].mean(axis=0) == pytest.approx((70, 60), abs=2.0)
    assert led.radius_mm[:8].mean() == pytest.approx(15, abs=1.5)


def test_a_vertebra_that_seems_filled_is_not_the_descending_aorta():
    view = chest((70, 50, 15, 400, 0.0), (90, 100, 12, 395, 0.0))
    x, y = np.meshgrid(2.0 * np.arange(80), 2.0 * np.arange(80), indexing="ij")
    view.block.hu[:, :, 16:38][np.hypot(x - 60, y - 146) < 11] = 330
    ascending, descending = find_aorta(view)
    assert ascending is not None
    assert descending is not None
    assert descending.centre_mm[:, :2].mean(axis=0) == pytest.approx((90, 100), abs=1.0)
    assert ascending.centre_mm[:, :2].mean(axis=0) == pytest.approx((70, 50), abs=1.0)


def test_a_descending_aorta_in_view_over_a_part_of_the_height_is_still_the_one_behind():
    view = chest((70, 50, 15, 400, 0.0), (90, 106, 12, 395, 0.0))
    view.block.hu[30:, 40:, :28] = 40.0
    ascending, descending = find_aorta(view)
    assert ascending is not None
    assert descending is not None
    assert descending.centre_mm[:, 1].mean() == pytest.approx(106, abs=1.0)


def test_no_blood_no_aorta():
    size = (40, 40, 40)
    view = Coarse(Block(np.full(size, 40, np.float32), Affine.from_spacing((2.0, 2.0, 2.0))), 0.0, np.zeros(size, bool))
    assert find_aorta(view) == (None, None)
    assert find_aortas(view) == ([], None)


def ostium(angle_deg, volume_mm3=400.0):
    return Ostium(0, np.zeros(3), angle_deg, "", 100.0, volume_mm3)


def test_the_usual_pair_is_chosen_before_a_larger_stranger():
    chosen, flags = chosen_ostia([ostium(41.0, 600.0), ostium(-42.0), ostium(118.0, 250.0)])
    assert [(x.side, x.angle_deg) for x in chosen] == [("left", -42.0), ("right", 118.0)]
    assert flags == []


def test_one_ostium_alone_is_said_to_be_alone():
    chosen, flags = chosen_ostia([ostium(-40.0)])
    assert [x.side for x in chosen] == ["left"]
    assert flags == ["no right coronary ostium found: closed at its origin, absent or anomalous?"]


def test_an_unusual_place_is_flagged():
    chosen, flags = chosen_ostia([ostium(-40.0), ostium(55.0)])
    assert [x.side for x in chosen] == ["left", "right"]
    assert flags == ["unusual place of the right coronary ostium (55 degrees): anomalous origin?"]


def test_nothing_found_is_said():
    assert chosen_ostia([]) == ([], ["no coronary ostium found on the aorta"])


@pytest.mark.parametrize("y_mm", [157.0, 159.0, 160.0, 161.0, 163.0])
def test_an_aorta_that_the_picture_cuts_along_its_axis_is_no_error(y_mm):
    candidates, _ = find_aortas(chest((70, 60, 15, 400, 0.0), (90, y_mm, 14, 400, 0.0)))
    assert all(np.isfinite(a.hu) for a in candidates)
