"""Arteries that leave an abdominal aorta: a drawn abdomen whose axes are known."""

import numpy as np
import pytest
from scipy import ndimage

from recanal.abdomen.aorta import aorta_from_point
from recanal.abdomen.tree import grow_from_aorta
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError

STEP_MM = 0.9
SHAPE = (120, 100, 60)
BLOOD_HU, FAT_HU = 180.0, -80.0
AORTA_MM = (54.0, 54.0)
BRANCH_FROM, BRANCH_TO = np.array([54.0, 54.0, 27.0]), np.array([100.0, 36.0, 27.0])


def distance_mm(points, start, end):
    """Distance of points to a straight piece."""
    way = end - start
    along = np.clip((points - start) @ way / (way @ way), 0.0, 1.0)
    return np.linalg.norm(points - start - along[..., None] * way, axis=-1)


@pytest.fixture(scope="module")
def abdomen():
    """Aorta of 8 mm radius, an artery of 2 mm, a brighter vein of 4 mm beside it that leaves a blob, and a spine."""
    points = STEP_MM * np.stack(np.indices(SHAPE), axis=-1)
    hu = np.full(SHAPE, FAT_HU)
    hu[np.hypot(points[..., 0] - AORTA_MM[0], points[..., 1] - AORTA_MM[1]) < 8.0] = BLOOD_HU
    hu[distance_mm(points, BRANCH_FROM, BRANCH_TO) < 2.0] = BLOOD_HU
    vein = np.array([20.0, 30.0, 40.0]), np.array([100.0, 30.0, 40.0])
    hu[distance_mm(points, *vein) < 4.5] = 215.0
    hu[np.hypot(points[..., 0] - AORTA_MM[0], points[..., 1] - 78.0) < 11.0] = 450.0
    hu = ndimage.gaussian_filter(hu, 0.6) + np.random.default_rng(4).normal(0.0, 8.0, SHAPE)
    return Volume(hu.astype(np.int16), Affine.from_spacing((STEP_MM,) * 3))


def test_the_aorta_is_followed_through_all_slices(abdomen):
    aorta = aorta_from_point(abdomen, (52.0, 55.0, 27.0))
    assert np.hypot(aorta.centre_mm[:, 0] - 54.0, aorta.centre_mm[:, 1] - 54.0).max() < 0.7
    assert aorta.radius_mm == pytest.approx(8.0, abs=0.6)
    assert aorta.length_mm > 48.0
    assert aorta.hu == pytest.approx(BLOOD_HU, abs=4.0)


def test_an_aorta_that_fades_towards_one_end_is_followed_to_it(abdomen):
    share = np.linspace(0.78, 1.0, SHAPE[2])
    hu = np.where(abdomen.hu > 100, abdomen.hu * share, abdomen.hu)
    noise = np.random.default_rng(8).normal(0.0, 20.0, SHAPE)
    aorta = aorta_from_point(Volume((hu + noise).astype(np.int16), abdomen.affine), (52.0, 55.0, 45.0))
    assert aorta.length_mm > 48.0
    assert np.hypot(aorta.centre_mm[:, 0] - 54.0, aorta.centre_mm[:, 1] - 54.0).max() < 0.9


def test_the_artery_is_found_on_its_axis_and_vein_and_bone_are_not(abdomen):
    tree = grow_from_aorta(abdomen, (52.0, 55.0, 27.0))
    points = np.concatenate([branch.line.points_mm for branch in tree.branches])
    beyond = points[np.hypot(points[:, 0] - 54.0, points[:, 1] - 54.0) > 12.0]
    end = BRANCH_TO + 2.0 * (BRANCH_TO - BRANCH_FROM) / np.linalg.norm(BRANCH_TO - BRANCH_FROM)  # of the round cap
    assert distance_mm(beyond, BRANCH_FROM, end).max() < 1.0
    truth = BRANCH_FROM + np.linspace(0.25, 0.95, 40)[:, None] * (BRANCH_TO - BRANCH_FROM)
    gap = np.linalg.norm(truth[:, None] - points[None], axis=2).min(axis=1)
    assert gap.max() < 1.0
    trunk = max(tree.branches, key=lambda branch: branch.line.length_mm)
    assert trunk.parent == -1
    assert np.median(trunk.radius_mm) == pytest.approx(2.0, abs=0.4)


def test_a_branch_is_led_back_to_the_axis_of_the_aorta(abdomen):
    tree = grow_from_aorta(abdomen, (52.0, 55.0, 27.0))
    trunk = max(tree.branches, key=lambda branch: branch.line.length_mm)
    inside = BRANCH_FROM + np.linspace(0.0, 0.15, 10)[:, None] * (BRANCH_TO - BRANCH_FROM)
    gap = np.linalg.norm(inside[:, None] - trunk.line.points_mm[None], axis=2).min(axis=1)
    assert gap.max() < 2.0
    assert np.hypot(*(trunk.line.points_mm[0, :2] - AORTA_MM)) < 0.7
    assert len(trunk.radius_mm) == len(trunk.core_hu) == len(trunk.line.points_mm)


def test_thin_branches_are_left_out_on_demand(abdomen):
    tree = grow_from_aorta(abdomen, (52.0, 55.0, 27.0), least_diameter_mm=6.0)
    points = np.concatenate([np.empty((0, 3)), *(branch.line.points_mm for branch in tree.branches)])
    assert not len(points) or np.hypot(points[:, 0] - 54.0, points[:, 1] - 54.0).max() < 20.0


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ((500.0, 0.0, 0.0), "must lie inside the volume"),
        ((np.nan, 54.0, 27.0), "must lie inside the volume"),
        ((20.0, 80.0, 27.0), "blood with contrast is 120 to 900 HU"),
        ((75.0, 30.0, 40.0), "ends after 3 slices"),
    ],
)
def test_a_point_outside_the_aorta_is_refused(abdomen, point, said):
    with pytest.raises(GeometryError, match=said):
        aorta_from_point(abdomen, point)
