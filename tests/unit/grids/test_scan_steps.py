"""Levels where a scan is stepped, in a picture of upright tubes."""

import numpy as np
import pytest
from scipy import ndimage

from recanal.core.volume import Affine
from recanal.grids.steps import near_steps, step_levels_mm


def scan(*, shift_mm, noise_hu, tilt=False):
    """A thinned picture, slices first, 1 mm apart from z = -100; moved to the side from the 30th slice on."""
    rng = np.random.default_rng(5)
    plane = np.full((120, 120), -80.0, dtype=np.float32)
    rows, columns = np.mgrid[:120, :120]
    for _ in range(14):
        r, c = rng.uniform(15, 105, 2)
        plane[np.hypot(rows - r, columns - c) < rng.uniform(3, 12)] = rng.uniform(60, 380)
    plane = ndimage.gaussian_filter(plane, 0.7)
    hu = np.stack([ndimage.shift(plane, (0, 0.03 * k + (shift_mm if k >= 30 else 0.0)), order=1) for k in range(60)])
    hu += rng.normal(0, noise_hu, hu.shape)
    matrix = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, -100.0], [0, 0, 0, 1]])
    if tilt:
        matrix[:3, 0] = [0.0, 0.5, 0.8]
    return hu.astype(np.float32), Affine(matrix)


@pytest.mark.parametrize(("shift_mm", "noise_hu"), [(2.5, 12.0), (1.5, 6.0)])
def test_a_step_is_found_between_its_slices(shift_mm, noise_hu):
    assert step_levels_mm(*scan(shift_mm=shift_mm, noise_hu=noise_hu)) == pytest.approx([-70.5])


@pytest.mark.parametrize("noise_hu", [2.0, 12.0])
def test_anatomy_that_drifts_has_no_steps(noise_hu):
    assert len(step_levels_mm(*scan(shift_mm=0.0, noise_hu=noise_hu))) == 0


def test_tilted_or_few_slices_are_not_judged():
    assert len(step_levels_mm(*scan(shift_mm=2.5, noise_hu=6.0, tilt=True))) == 0
    hu, affine = scan(shift_mm=2.5, noise_hu=6.0)
    assert len(step_levels_mm(hu[27:34], affine)) == 0


def test_near_means_within_reach_of_any_level():
    assert near_steps(np.array([0.0, 9.0, 21.5]), np.array([10.0, 20.0]), within_mm=1.5).tolist() == [False, True, True]
    assert near_steps(np.array([0.0]), np.empty(0), within_mm=1.5).tolist() == [False]
