"""How a found tree is judged against a mask: boxes and lines that can be counted by hand."""

import numpy as np
import pytest
from evidence.abdomen import resampled, score_tree, skeleton_of

from recanal.core.volume import Affine, Volume

AFFINE = Affine.from_spacing((1.0, 1.0, 2.0))
SHAPE = (60, 40, 12)


@pytest.fixture
def mask():
    """A bar of 5 x 5 voxels from x = 5 to 54 along the middle of the picture."""
    out = np.zeros(SHAPE, dtype=bool)
    out[5:55, 18:23, 4:9] = True
    return out


def along_x(first, last, y, z):
    return np.array([[first, y, z], [last, y, z]], dtype=float)


def test_the_skeleton_of_a_bar_has_its_length_and_half_width(mask):
    skeleton = skeleton_of(mask, AFFINE)
    assert set(map(tuple, skeleton.index[:, 1:])) == {(20, 6)}
    assert skeleton.length_mm.sum() == pytest.approx(np.ptp(skeleton.index[:, 0]))
    assert np.median(skeleton.radius_mm) == pytest.approx(3.0)


def test_half_of_the_line_gives_half_of_the_length(mask):
    score = score_tree(along_x(5, 29.5, 20, 12), [], mask, np.zeros(SHAPE, dtype=bool), AFFINE)
    assert score.found_share == pytest.approx(0.5, abs=0.04)
    assert (score.outside_share, score.bone_share) == (0.0, 0.0)


@pytest.mark.parametrize(("off_voxels", "found"), [(0.9, 1.0), (1.2, 0.0)])
def test_a_line_is_near_within_one_voxel_of_the_axis(mask, off_voxels, found):
    empty = np.zeros(SHAPE, dtype=bool)
    for y, z in ((20 + off_voxels, 12.0), (20.0, 12 + 2 * off_voxels)):
        score = score_tree(along_x(4, 55, y, z), [], mask, empty, AFFINE)
        assert score.found_share == pytest.approx(found, abs=0.001)


def test_what_leaves_the_mask_by_more_than_a_voxel_is_outside_and_bone_is_seen(mask):
    bone = np.zeros(SHAPE, dtype=bool)
    bone[:, 34:36, :] = True
    stem = along_x(10, 40, 20, 12)
    side = np.array([[30.0, 20.0, 12.0], [30.0, 35.0, 12.0]])
    score = score_tree(stem, [side], mask, bone, AFFINE)
    assert score.branch_outside_share == pytest.approx((35.0 - 23.5) / 15.0, abs=0.02)
    assert score.outside_share == pytest.approx((35.0 - 23.5) / 45.0, abs=0.02)
    assert score.bone_share == pytest.approx(1.5 / 45.0, abs=0.01)


def test_vessels_below_two_millimetres_are_not_asked_for(mask):
    mask[30, 23:36, 6] = True
    score = score_tree(
        along_x(5, 55, 20, 12), [], mask, np.zeros(SHAPE, dtype=bool), Affine.from_spacing((0.9, 0.9, 2))
    )
    assert score.true_mm < 0.9 * 50


def test_a_cavity_leaves_a_shell_that_filling_takes_away(mask):
    line = along_x(4, 55, 20, 12)
    mask[10:50, 17:24, 3:10] = True
    mask[30, 20, 6] = False
    score = score_tree(line, [], mask, np.zeros(SHAPE, dtype=bool), AFFINE)
    assert score.found_share < 0.95
    assert score.filled_share == pytest.approx(1.0, abs=0.001)
    assert score.true_mm * (1 - score.found_share) == pytest.approx(
        score.aorta_missed_mm + score.near_missed_mm + score.far_missed_mm, abs=0.01
    )


def test_a_moved_or_coarser_picture_has_its_values_where_the_map_says():
    grid = Affine.from_spacing((1.0, 1.0, 2.0), (5.0, -3.0, 1.0))
    index = np.stack(np.indices((30, 28, 26)), axis=-1)
    slope = np.array([3.0, -2.0, 1.0])
    volume = Volume((grid.to_mm(index.reshape(-1, 3)) @ slope).reshape(30, 28, 26).astype(np.float32), grid)
    shift = np.eye(4)
    shift[:3, 3] = 1.0, 2.0, -2.0
    moved = resampled(volume, shift)
    at = np.array([[10, 12, 9]])
    assert moved.hu[10, 12, 9] == pytest.approx(float(((grid.to_mm(at) + shift[:3, 3]) @ slope)[0]), abs=0.6)
    coarse = resampled(volume, np.eye(4), stretch=1.3)
    assert coarse.affine.spacing_mm == pytest.approx((1.3, 1.3, 2.6))
    assert coarse.hu[10, 12, 9] == pytest.approx(float((coarse.affine.to_mm(at) @ slope)[0]), abs=0.6)
