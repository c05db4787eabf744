"""Vessels beyond an occlusion that the tree did not reach, on pictures drawn here."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.branches import Branch
from recanal.anatomy.naming import Named
from recanal.anatomy.tree import CoronaryTree
from recanal.closures.refills import find_refills
from recanal.core.curves import Centerline
from recanal.core.volume import Affine, Volume

STEP_MM = 0.5
SHAPE = (80, 180, 80)
Y0_MM, CAP_MM, FILLS_MM, Y1_MM = 4.0, 34.0, 50.0, 84.0


def along(first, last, *, x_mm=20.0):
    y = np.arange(first, last, 0.25)
    return np.stack([x_mm + 3.0 * np.sin(y / 15.0), y, np.full(len(y), 20.0)], axis=1)


def picture(*tubes, ground_hu=-90.0):
    """Tubes of (axis, radius, HU) in an even ground, blurred by 0.45 mm, with noise."""
    grid = np.stack(np.meshgrid(*(np.arange(n) * STEP_MM for n in SHAPE), indexing="ij"), axis=-1)
    hu = np.full(SHAPE, ground_hu)
    for axis, radius, level in tubes:
        gap = cKDTree(axis).query(grid.reshape(-1, 3), distance_upper_bound=radius + 2.0)[0].reshape(SHAPE)
        hu += (level - hu) * np.clip(0.5 + (radius - gap) / STEP_MM, 0, 1)
    hu = gaussian_filter(hu, 0.45 / STEP_MM) + np.random.default_rng(2).normal(scale=12.0, size=SHAPE)
    return Volume(hu.astype(np.int16), Affine.from_spacing((STEP_MM,) * 3, (0.0, 0.0, 0.0)), {})


def tree_of(axis, *others):
    """The tree that ends at the cap, and other vessels of it."""
    branches = []
    for line in (axis, *others):
        n = len(line[::2])
        flat = np.full(n, 350.0), np.full(n, 1.4), np.full(n, 2.0)
        branches.append(Branch(Centerline(line[::2]), *flat, -1, 0.0, "right"))
    aorta = Aorta(np.array([[20.0, -40.0, 20.0], [20.0, -40.0, 60.0]]), np.array([14.0, 14.0]), 380.0)
    named = tuple(Named(k, 0.0, b.line.length_mm, 1, "RCA", 0.9) for k, b in enumerate(branches))
    return CoronaryTree(aorta, None, branches=tuple(branches), named=named)


STUMP = (along(Y0_MM, CAP_MM), 1.4, 350.0)
PLAQUE = (along(CAP_MM, FILLS_MM), 1.8, 80.0)
BEYOND = (along(FILLS_MM, Y1_MM), 1.1, 260.0)


def test_the_vessel_beyond_plaque_is_found_and_gets_a_point():
    (found, *more) = find_refills(picture(PLAQUE, STUMP, BEYOND), tree_of(STUMP[0]))
    assert more == []
    assert found.apart
    assert not found.runs_out
    assert found.vessel == "RCA"
    assert found.end_mm - found.start_mm == pytest.approx(16.0, abs=3.0)
    assert cKDTree(BEYOND[0]).query(found.distal_mm)[0] < 1.0
    assert 5.0 <= found.distal_mm[1] - FILLS_MM <= 16.0
    assert 6.0 <= CAP_MM - found.proximal_mm[1] <= 16.0
    before, after = found.farther_mm[-1]
    assert after[1] > found.distal_mm[1]
    assert before == found.proximal_mm


def test_a_vessel_across_fat_is_not_the_one_beyond():
    vein = along(FILLS_MM, Y1_MM, x_mm=26.0), 1.1, 260.0
    assert find_refills(picture(STUMP, vein), tree_of(STUMP[0])) == []


def test_a_vessel_of_the_tree_is_not_found_again():
    assert find_refills(picture(PLAQUE, STUMP, BEYOND), tree_of(STUMP[0], BEYOND[0])) == []


def test_nothing_is_found_without_an_aorta_or_without_a_stump():
    volume, tree = picture(PLAQUE, STUMP, BEYOND), tree_of(STUMP[0])
    assert find_refills(volume, CoronaryTree(None, None, branches=tree.branches, named=tree.named)) == []
    assert find_refills(volume, CoronaryTree(tree.ascending, None)) == []


@pytest.mark.parametrize("last_mm", [89.0, 89.3, 89.5, 89.75])
def test_a_vessel_that_leaves_the_picture_is_no_error(last_mm):
    vessel = along(Y0_MM, last_mm + 0.1), 1.4, 350.0
    assert find_refills(picture(vessel), tree_of(vessel[0])) == []
