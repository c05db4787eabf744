"""The true centreline of a mask: drawn vessels whose axes are known."""

import numpy as np
import pytest
from evidence.abdomen_truth import Axis, centred_axis, contrast_along, score_axis

from recanal.core.volume import Affine

AFFINE = Affine.from_spacing((0.75, 0.75, 1.6))
SHAPE = (96, 72, 30)
AORTA_MM = np.array([20.3, 27.1])
BRANCH_FROM, BRANCH_TO = np.array([20.3, 27.1, 24.2]), np.array([66.0, 30.0, 30.0])


def distance_mm(points):
    way = BRANCH_TO - BRANCH_FROM
    along = np.clip((points - BRANCH_FROM) @ way / (way @ way), 0.0, 1.0)
    return np.linalg.norm(points - BRANCH_FROM - along[..., None] * way, axis=-1)


@pytest.fixture(scope="module")
def mask():
    """An aorta of 9 mm radius and a slanted branch of 2.4 mm, with a spur of two voxels and a cavity."""
    points = AFFINE.to_mm(np.stack(np.indices(SHAPE), axis=-1).reshape(-1, 3)).reshape(*SHAPE, 3)
    out = np.hypot(points[..., 0] - AORTA_MM[0], points[..., 1] - AORTA_MM[1]) < 9.0
    out |= distance_mm(points) < 2.4
    out[70, 42:44, 17] = True
    out[27, 36, 10] = False
    return out


@pytest.fixture(scope="module")
def axis(mask):
    return centred_axis(mask, AFFINE)


def test_the_middle_of_the_aorta_is_that_of_its_circles(axis):
    assert np.hypot(*(axis.aorta_mm[:, :2] - AORTA_MM).T).max() < 0.4
    assert 0.2 * len(axis.aorta_mm) == pytest.approx(1.6 * (SHAPE[2] - 1), abs=0.5)


def test_the_branch_lies_on_its_axis_outside_the_aorta_and_has_no_spur(axis):
    inner = (axis.branch_mm[:, 0] > 33.0) & (axis.branch_mm[:, 0] < 62.0)
    assert distance_mm(axis.branch_mm[inner]).max() < 0.35
    assert np.hypot(*(axis.branch_mm[:, :2] - AORTA_MM).T).min() > 7.0
    direct = np.linalg.norm(BRANCH_TO - BRANCH_FROM) * (62.0 - 33.0) / (BRANCH_TO[0] - BRANCH_FROM[0])
    assert 0.2 * inner.sum() == pytest.approx(direct, rel=0.03)
    assert np.median(axis.radius_mm[inner]) == pytest.approx(2.4, abs=0.5)


def test_a_tree_is_scored_by_length_within_one_voxel():
    aorta = np.stack([np.zeros(100), np.zeros(100), 0.2 * np.arange(100)], axis=1)
    branch = aorta[:, [2, 1, 0]] + np.array([10.0, 0.0, 0.0])
    along = np.tile([1.0, 0.0, 0.0], (100, 1))
    axis = Axis(aorta, branch, np.where(np.arange(100) < 80, 2.0, 0.5), along, 0.0)
    found = np.concatenate([aorta[:50] + np.array([0.7, 0.0, 0.0]), branch[:40] + np.array([0.0, 0.8, 0.0])])
    score = score_axis(found, axis, AFFINE)
    assert (score.true_mm, score.branch_mm) == pytest.approx((36.0, 16.0))
    # 1.6 mm of the aorta beyond the last point of the line lie within one voxel of 1.6 mm
    assert score.aorta_missed_mm == pytest.approx(10.0 - 1.6, abs=0.21)
    assert score.branch_share == 0.0
    assert score.near_missed_mm == pytest.approx(8.0 + np.sqrt(2.5**2 - 0.8**2), abs=0.21)
    assert score.far_missed_mm == pytest.approx(16.0 - score.near_missed_mm)


def test_contrast_is_that_of_the_vessel_over_its_surroundings(mask, axis):
    hu = np.where(mask, 150.0, 30.0).astype(np.float32)
    seen = contrast_along((hu, AFFINE), axis, mask=mask, affine=AFFINE)
    inner = (axis.branch_mm[:, 0] > 38.0) & (axis.branch_mm[:, 0] < 60.0)
    assert seen.on_hu[inner] == pytest.approx(120.0, abs=25.0)
    assert np.median(seen.beside_hu) == pytest.approx(0.0, abs=2.0)
    hu[distance_mm(AFFINE.to_mm(np.stack(np.indices(SHAPE), axis=-1).reshape(-1, 3)).reshape(*SHAPE, 3)) > 0] = 150.0
    assert contrast_along((hu, AFFINE), axis, mask=mask, affine=AFFINE).on_hu == pytest.approx(0.0, abs=1e-3)
