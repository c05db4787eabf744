"""Where a vessel ends: drawn abdomens with a touching vein, a wide vein, a bright vein and a fading artery."""

import numpy as np
import pytest
from scipy import ndimage

from recanal.abdomen.aorta import aorta_from_point
from recanal.abdomen.limits import artery_samples, first_dip, narrowest_before, wider_than
from recanal.abdomen.maps import abdominal_maps
from recanal.abdomen.traced import Traced
from recanal.abdomen.tree import grow_from_aorta
from recanal.core.curves import Centerline
from recanal.core.volume import Affine, Volume

STEP_MM = 0.9
SHAPE = (110, 90, 50)
BLOOD_HU, FAT_HU = 180.0, -80.0
AORTA_MM = (50.0, 55.0)
ORIGIN, TIP = np.array([50.0, 55.0, 22.0]), np.array([92.0, 40.0, 22.0])


def distance_mm(points, start, end):
    """Distance of points to a straight piece."""
    way = end - start
    along = np.clip((points - start) @ way / (way @ way), 0.0, 1.0)
    return np.linalg.norm(points - start - along[..., None] * way, axis=-1)


def abdomen(*vessels, seed=3):
    """Aorta and an artery of 2.2 mm, with more vessels: from, to, radius in mm, HU."""
    points = STEP_MM * np.stack(np.indices(SHAPE), axis=-1)
    hu = np.full(SHAPE, FAT_HU)
    for start, end, radius, value in vessels:
        hu[distance_mm(points, np.array(start), np.array(end)) < radius] = value
    hu[distance_mm(points, ORIGIN, TIP) < 2.2] = BLOOD_HU
    hu[np.hypot(points[..., 0] - AORTA_MM[0], points[..., 1] - AORTA_MM[1]) < 8.0] = BLOOD_HU
    hu = ndimage.gaussian_filter(hu, 0.6) + np.random.default_rng(seed).normal(0.0, 8.0, SHAPE)
    return Volume(hu.astype(np.int16), Affine.from_spacing((STEP_MM,) * 3))


def points_of(volume):
    tree = grow_from_aorta(volume, (49.0, 56.0, 22.0))
    return np.concatenate([np.empty((0, 3)), *(branch.line.points_mm for branch in tree.branches)])


def found_share(points, start, end):
    """Share of a straight piece with a found point within 1.5 mm."""
    place = np.asarray(start) + np.linspace(0.0, 1.0, 60)[:, None] * (np.asarray(end) - np.asarray(start))
    return float((np.linalg.norm(place[:, None] - points[None], axis=2).min(axis=1) < 1.5).mean())


@pytest.mark.parametrize(
    ("radius_mm", "vein_hu"), [(4.5, 178.0), (2.6, 250.0)], ids=["as bright but wide", "thin but brighter"]
)
def test_a_vein_that_crosses_the_artery_is_left_out(radius_mm, vein_hu):
    vein = (70.0, 47.9, 4.0), (70.0, 47.9, 42.0)
    points = points_of(abdomen((*vein, radius_mm, vein_hu)))
    beyond = [(70.0, 47.9, 28.0), (70.0, 47.9, 42.0)]
    assert found_share(points, *beyond) < 0.1
    assert found_share(points, ORIGIN, ORIGIN + 0.3 * (TIP - ORIGIN)) > 0.95


def test_a_true_branch_of_the_same_course_is_found():
    branch = (70.0, 47.9, 22.0), (70.0, 47.9, 42.0)
    points = points_of(abdomen((*branch, 1.9, BLOOD_HU)))
    assert found_share(points, (70.0, 47.9, 26.0), (70.0, 47.9, 39.0)) > 0.9
    assert found_share(points, ORIGIN, TIP) > 0.9


def along(values, radius_mm=2.0, start=(0.0, 0.0, 0.0), beside_hu=20.0):
    """A straight vessel with given Hounsfield units every 0.5 mm, in tissue of 20 HU."""
    n = len(values)
    line = Centerline(np.asarray(start) + np.arange(n)[:, None] * np.array([0.5, 0.0, 0.0]))
    flat = np.full(n, float(radius_mm))
    hu = np.asarray(values, float)
    return Traced(line, flat, flat, hu, np.full(n, 20.0), hu, np.full(n, beside_hu))


def test_a_wall_between_two_vessels_is_a_dip_and_a_fading_vessel_has_none():
    even = np.full(60, 150.0)
    wall = even.copy()
    wall[28:33] = 70.0
    fading = np.linspace(160.0, 90.0, 60)
    assert first_dip(along(even), 10.0, 160.0) == 60
    assert first_dip(along(fading), 10.0, 160.0) == 60
    assert 25 <= first_dip(along(wall), 10.0, 160.0) <= 30
    assert first_dip(along(wall), 60.0, 160.0) == 60


def test_a_dip_at_the_root_leaves_nothing():
    values = np.full(40, 150.0)
    values[2:6] = 60.0
    assert first_dip(along(values), 10.0, 160.0) == 0


@pytest.mark.parametrize(("radius_mm", "wide"), [(2.1, False), (3.0, True)])
def test_a_branch_is_no_wider_than_the_narrowest_place_before_it(radius_mm, wide):
    assert wider_than(along(np.full(40, 150.0), radius_mm), 2.5, 40) is wide


def test_the_narrowest_place_lies_before_the_branch_and_not_beyond_it():
    values = np.full(80, 150.0)
    parent = along(values, 2.5)
    parent.radius_mm[20:35] = 2.0
    parent.radius_mm[60:] = 1.0
    assert narrowest_before(parent, np.array([25.0, 0.5, 0.0])) == pytest.approx(2.0, abs=0.05)
    assert narrowest_before(parent, np.array([2.0, 0.5, 0.0])) == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize(("beside_hu", "samples"), [(60.0, 60), (120.0, 0)])
def test_a_vessel_stands_out_from_what_lies_beside_it(beside_hu, samples):
    volume = abdomen()
    aorta = aorta_from_point(volume, (49.0, 56.0, 22.0))
    maps = abdominal_maps(volume, aorta)
    traced = along(np.full(60, 150.0), start=(60.0, 20.0, 22.0), beside_hu=beside_hu)
    assert artery_samples(traced, maps, aorta, 2.0) == samples
