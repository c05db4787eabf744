"""Balls of voxels around points."""

import numpy as np
import pytest

from recanal.grids.balls import fill_balls


def test_a_ball_is_what_lies_within_its_radius():
    grid = np.zeros((21, 21, 21), dtype=np.int16)
    fill_balls(grid, np.array([[10.2, 9.8, 10.0]]), np.array([4.0]), 3)
    far = np.linalg.norm(np.argwhere(grid == 3) - 10, axis=1)
    assert far.max() <= 4.0
    assert (grid == 3).sum() == (np.linalg.norm(np.argwhere(np.ones((9, 9, 9))) - 4, axis=1) <= 4).sum()
    assert (grid == 3).sum() == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.07)


def test_each_place_has_its_own_radius_and_what_lies_off_the_grid_is_left_out():
    grid = np.zeros((10, 10, 10), dtype=bool)
    fill_balls(grid, np.array([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0], [40.0, 0.0, 0.0]]), np.array([1.0, 0.4, 2.0]), 1)
    assert grid[0, 0, 1]
    assert grid[1, 0, 0]
    assert not grid[2, 0, 0]
    assert grid[9, 9, 8]  # a radius is rounded up
    assert grid.sum() == 4 + 4
