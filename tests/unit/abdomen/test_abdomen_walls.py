"""Walls between vessels that touch: what is noted and what is closed."""

import numpy as np
import pytest

from recanal.abdomen.limits import dips, stands_out
from recanal.abdomen.traced import Traced
from recanal.abdomen.walls import Walls
from recanal.core.curves import Centerline
from recanal.core.volume import Affine
from recanal.imaging.sample import Block

BLOCK = Block(np.zeros((60, 40, 40), dtype=np.float32), Affine.from_spacing((0.8, 0.8, 0.8)))


def along(values, tissue_hu=20.0):
    """A straight vessel with given Hounsfield units every 0.5 mm."""
    n = len(values)
    line = Centerline(np.array([5.0, 16.0, 16.0]) + np.arange(n)[:, None] * np.array([0.5, 0.0, 0.0]))
    flat, values = np.full(n, 2.0), np.asarray(values, dtype=np.float64)
    return Traced(line, flat, flat, values, np.full(n, float(tissue_hu)), values, np.full(n, 20.0))


@pytest.mark.parametrize(("tissue_hu", "free"), [(60.0, True), (120.0, True), (135.0, False)])
def test_a_vessel_stands_out_by_more_than_twice_the_noise(tissue_hu, free):
    assert stands_out(along(np.full(40, 150.0), tissue_hu), 10.0) is free


def test_all_samples_of_a_wall_are_known():
    values = np.full(60, 150.0)
    values[28:33] = 60.0
    at = dips(along(values), 10.0, 160.0)
    assert set(range(28, 33)) <= set(at.tolist()) <= set(range(24, 37))
    assert not len(dips(along(np.full(60, 150.0)), 10.0, 160.0))


def test_a_closed_wall_is_a_ball_around_its_points_away_from_what_is_kept():
    walls = Walls(crossed=[np.array([[16.0, 16.0, 16.0]])])
    index = np.stack(np.indices(BLOCK.hu.shape), axis=-1) * 0.8
    far = np.linalg.norm(index - 16.0, axis=-1)
    closed = walls.closed(BLOCK, [])
    assert closed[far < 1.4].all()
    assert not closed[far > 1.8].any()
    kept = np.array([[16.0, 16.0, 16.0 + 2.4]])
    parted = walls.closed(BLOCK, [kept])
    assert 0 < parted.sum() < closed.sum()
    assert not parted[np.linalg.norm(index - kept, axis=-1) < 1.7].any()


def test_nothing_noted_closes_nothing():
    assert not Walls().closed(BLOCK, [np.array([[16.0, 16.0, 16.0]])]).any()


def test_the_mouth_of_a_wide_vessel_is_noted_beyond_the_lumen():
    walls = Walls()
    traced = along(np.full(40, 150.0))
    walls.mouth(traced)
    far = np.linalg.norm(walls.crossed[0] - traced.line.points_mm[0], axis=1)
    assert far.min() > 2.5
    assert far.max() < 6.0
