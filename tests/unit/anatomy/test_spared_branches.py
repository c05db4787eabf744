"""Branches that a vein touches, on ways drawn by hand."""

import numpy as np
import pytest

from recanal.anatomy.field import GRID_MM
from recanal.anatomy.growth import LEAD_VOXELS, Stray, spared_voxels
from recanal.anatomy.jumps import STEP_MM, Profile
from recanal.anatomy.ways import Way
from recanal.core.curves import Centerline

TOUCH = 8


def run(start, direction, count):
    return np.asarray(start) + np.arange(count)[:, None] * np.asarray(direction)


def profile(way, hu):
    """The profile of a way with the voxels that lead to it."""
    count = round((len(way.voxels) + LEAD_VOXELS) * GRID_MM / STEP_MM)
    line = Centerline(np.arange(count)[:, None] * np.array([[STEP_MM, 0.0, 0.0]]))
    return Profile(line, np.full(count, float(hu)), np.full(count, 1.0), np.full(count, -80.0))


def scene(branch_hu, *, onward=(0, 1, 0)):
    """An artery; a vein that a branch of it leads to after 8 voxels; and what leaves the vein there."""
    artery = Way(run((0, 50, 20), (1, 0, 0), 100), -1, 0, 1)
    stem = run((40, 50, 20), (0, 1, 0), TOUCH)
    vein = Way(np.concatenate([stem, run((40, 50 + TOUCH, 20), (1, 0, 0), 80)]), 0, 40, 1)
    other = Way(run(stem[-1], onward, 40), 1, TOUCH - 1, 1)
    ways = [artery, vein, other]
    profiles = [profile(way, hu) for way, hu in zip(ways, (330, 180, branch_hu), strict=True)]
    stray = Stray(1, round((TOUCH + LEAD_VOXELS) * GRID_MM / STEP_MM), len(profiles[1].hu) - 1)
    return ways, profiles, stray


def voxels(ways, profiles, stray, strays=()):
    return {tuple(int(x) for x in voxel) for voxel in spared_voxels(ways, profiles, [stray, *strays], stray)}


@pytest.mark.parametrize(("branch_hu", "onward"), [(170, (0, 1, 0)), (260, (0, 1, 0)), (260, (-1, 0, 0))])
def test_a_branch_that_crosses_the_vein_or_is_brighter_is_spared_with_its_stem(branch_hu, onward):
    ways, profiles, stray = scene(branch_hu, onward=onward)
    kept = voxels(ways, profiles, stray)
    assert {tuple(v) for v in ways[2].voxels.tolist()} <= kept
    assert {tuple(v) for v in ways[1].voxels[: TOUCH - 1].tolist()} <= kept
    assert not {tuple(v) for v in ways[1].voxels[TOUCH + 1 :].tolist()} & kept


def test_the_other_half_of_the_vein_is_not_spared():
    ways, profiles, stray = scene(180, onward=(-1, 0, 0))
    kept = voxels(ways, profiles, stray)
    assert not {tuple(v) for v in ways[2].voxels[1:].tolist()} & kept
    assert {tuple(v) for v in ways[0].voxels.tolist()} <= kept


def test_what_is_a_stray_itself_is_not_spared():
    ways, profiles, stray = scene(260)
    kept = voxels(ways, profiles, stray, [Stray(2, 20, len(profiles[2].hu) - 1)])
    assert not {tuple(v) for v in ways[2].voxels[1:].tolist()} & kept
