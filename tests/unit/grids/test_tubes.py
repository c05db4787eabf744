"""Ridges and valleys of a map of vessel membership."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.grids.tubes import soft_step, tubularity

STEP_MM = 0.5
GRID = np.stack(np.meshgrid(*[np.arange(n) * STEP_MM for n in (41, 41, 33)], indexing="ij"), axis=-1)
AXIS = (slice(12, 29), 20, 16)


def tube(radius_mm: float, *, y_mm: float = 10.0, z_mm: float = 8.0) -> np.ndarray:
    """Membership of a tube along the first axis, with a soft edge of one voxel."""
    distance = np.hypot(GRID[..., 1] - y_mm, GRID[..., 2] - z_mm)
    return np.clip(0.5 + (radius_mm - distance) / STEP_MM, 0, 1).astype(np.float32)


@pytest.mark.parametrize("radius_mm", [1.0, 1.5, 2.0])
def test_ridge_peaks_on_the_axis(radius_mm: float) -> None:
    ridge, _ = tubularity(tube(radius_mm), STEP_MM, radii_mm=(radius_mm,))
    plane = ridge[20]
    assert np.unravel_index(int(np.argmax(plane)), plane.shape) == (20, 16)
    assert np.ptp(ridge[AXIS]) < 0.02
    assert plane[20, 16 + round(radius_mm / STEP_MM)] < 0.6 * plane[20, 16]


@pytest.mark.parametrize("radius_mm", [1.25, 2.0])
def test_the_right_radius_answers_most(radius_mm: float) -> None:
    tried = np.array([0.5, 0.75, 1.0, 1.25]) * radius_mm
    tried = np.append(tried, [1.6 * radius_mm, 2.2 * radius_mm])
    answers = [float(tubularity(tube(radius_mm), STEP_MM, radii_mm=(float(r),))[0][20, 20, 16]) for r in tried]
    assert tried[int(np.argmax(answers))] == pytest.approx(radius_mm, rel=0.3)
    assert answers[0] < 0.8 * max(answers) > answers[-1]


def test_a_tube_stands_out_from_a_sheet_and_a_ball() -> None:
    distance = np.linalg.norm(GRID - GRID[20, 20, 16], axis=-1)
    ball = np.clip(0.5 + (4.0 - distance) / STEP_MM, 0, 1).astype(np.float32)
    sheet = np.clip(0.5 + (1.2 - np.abs(GRID[..., 2] - 8.0)) / STEP_MM, 0, 1).astype(np.float32)
    answers = [float(tubularity(shape, STEP_MM, radii_mm=(1.2,))[0][20, 20, 16]) for shape in (tube(1.2), sheet, ball)]
    assert answers[0] > 0.4
    assert max(answers[1:]) < 0.2 * answers[0]


def test_many_radii_give_the_best_of_each() -> None:
    both, _ = tubularity(tube(1.5), STEP_MM, radii_mm=(1.0, 1.5))
    single = [tubularity(tube(1.5), STEP_MM, radii_mm=(r,))[0] for r in (1.0, 1.5)]
    assert both == pytest.approx(np.maximum(*single))


def test_valley_between_two_parallel_tubes_and_nowhere_on_their_axes() -> None:
    pair = np.maximum(tube(1.4, y_mm=8.0), tube(1.4, y_mm=12.0)) * 0.6 + 0.4
    _, valley = tubularity(pair.astype(np.float32), STEP_MM, radii_mm=(1.0,))
    assert valley[AXIS].min() > 0.05
    assert valley[20, 16, 16] < 0.2 * valley[20, 20, 16]
    assert valley[20, 24, 16] < 0.2 * valley[20, 20, 16]


def test_a_single_tube_has_no_valley_inside() -> None:
    _, valley = tubularity(tube(1.4), STEP_MM, radii_mm=(1.0,))
    assert valley[20, 19:22, 15:18].max() < 0.02


def test_nothing_gives_nothing() -> None:
    ridge, valley = tubularity(np.zeros(GRID.shape[:3], np.float32), STEP_MM, radii_mm=(1.0, 2.0))
    assert ridge.max() == valley.max() == 0.0


def test_soft_step_is_straight_between_its_ends() -> None:
    hu = np.array([-1024, -45, -12.5, 20, 3000], np.float32)
    assert soft_step(hu, -45.0, 20.0) == pytest.approx([0, 0, 0.5, 1, 1])
