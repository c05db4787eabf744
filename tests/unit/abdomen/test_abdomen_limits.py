"""Where a vessel ends: drawn abdomens with a touching vein, a wide vein, a bright vein and a fading artery."""

import numpy as np
import pytest
from scipy import ndimage

from recanal.abdomen.aorta import aorta_from_point
from recanal.abdomen.limits import artery_samples, clear, first_dip, least_before, wider_than
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
    return Traced(line, flat, flat.copy(), hu, np.full(n, 20.0), hu, np.full(n, beside_hu))


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
    values[60:] = 90.0
    parent = along(values, 2.5)
    for radius in (parent.radius_mm, parent.area_radius_mm):
        radius[20:35], radius[60:] = 2.0, 1.0
    assert least_before(parent, np.array([25.0, 0.5, 0.0])) == pytest.approx([2.0, 2.0, 150.0], abs=0.05)
    assert least_before(parent, np.array([2.0, 0.5, 0.0])) == pytest.approx([2.5, 2.5, 150.0], abs=0.05)


@pytest.fixture(scope="module")
def surroundings():
    """Maps and aorta of the drawn abdomen."""
    volume = abdomen()
    aorta = aorta_from_point(volume, (49.0, 56.0, 22.0))
    return abdominal_maps(volume, aorta), aorta


def beside_the_aorta(values, radius_mm=2.0):
    return along(values, radius_mm, start=(60.0, 20.0, 22.0))


def test_blur_is_that_of_the_voxels_and_the_grid(surroundings):
    assert surroundings[0].blur_mm == pytest.approx(np.hypot(STEP_MM, 0.4), abs=1e-6)


@pytest.mark.parametrize(("radius_mm", "samples"), [(1.1, 60), (2.6, 0)], ids=["thin", "wide"])
def test_blur_dims_a_thin_artery_and_not_a_wide_one(surroundings, radius_mm, samples):
    maps, aorta = surroundings
    traced = beside_the_aorta(np.full(60, 0.53 * maps.field.blood_hu), radius_mm)
    assert artery_samples(traced, maps, aorta, 1.5) == samples


def test_an_artery_grows_neither_wider_nor_brighter_on_its_way(surroundings):
    maps, aorta = surroundings
    even, brighter = np.full(60, 120.0), np.repeat([105.0, 160.0], 30)
    wider = beside_the_aorta(even)
    wider.area_radius_mm[30:] = 2.8
    assert artery_samples(beside_the_aorta(even), maps, aorta, 2.0) == 60
    assert 25 <= artery_samples(wider, maps, aorta, 2.0) <= 35
    assert 25 <= artery_samples(beside_the_aorta(brighter), maps, aorta, 2.0) <= 35


@pytest.mark.parametrize("before", [(9.0, 1.4, 200.0), (9.0, 9.0, 80.0)], ids=["wider", "brighter"])
def test_a_branch_is_neither_wider_nor_brighter_than_the_arteries_before_it(surroundings, before):
    maps, aorta = surroundings
    traced = beside_the_aorta(np.full(60, 120.0))
    assert artery_samples(traced, maps, aorta, 2.0, before=np.array(before)) == 0


def test_a_wide_vessel_of_half_the_contrast_is_not_clearly_one(surroundings):
    maps, _ = surroundings
    assert clear(beside_the_aorta(np.full(40, 160.0)), maps).all()
    assert not clear(beside_the_aorta(np.full(40, 105.0), 2.6), maps).any()


@pytest.mark.parametrize(("beside_hu", "samples"), [(60.0, 60), (120.0, 0)])
def test_a_vessel_stands_out_from_what_lies_beside_it(surroundings, beside_hu, samples):
    maps, aorta = surroundings
    traced = along(np.full(60, 150.0), start=(60.0, 20.0, 22.0), beside_hu=beside_hu)
    assert artery_samples(traced, maps, aorta, 2.0) == samples
