"""Smoothing of whole grids, against SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from recanal.grids.smoothing import gaussian_weights, smoothed


@pytest.mark.parametrize("sigma", [(1.0, 1.0, 1.0), (0.0, 2.3, 0.7), (1.6, 0.0, 0.0)])
@pytest.mark.parametrize("most", [2.0, 4.0])
def test_smoothing_gives_the_numbers_of_scipy(sigma, most):
    picture = np.random.default_rng(4).normal(100, 60, (9, 14, 17)).astype(np.float32)
    expected = ndimage.gaussian_filter(picture, sigma, truncate=most, mode="nearest")
    assert smoothed(picture, sigma, most_sigmas=most) == pytest.approx(expected, abs=2e-5)


def test_weights_fall_from_the_centre_and_sum_to_one():
    weights = gaussian_weights(1.4)
    assert weights[0] + 2 * weights[1:].sum() == pytest.approx(1.0)
    assert (np.diff(weights) < 0).all()
    assert weights[1] / weights[0] == pytest.approx(np.exp(-0.5 / 1.4**2))


def test_a_single_plane_can_be_smoothed():
    plane = np.random.default_rng(5).normal(0, 1, (1, 12, 11)).astype(np.float32)
    expected = ndimage.gaussian_filter(plane[0], 1.2, mode="nearest")
    assert smoothed(plane, (0.0, 1.2, 1.2))[0] == pytest.approx(expected, abs=1e-6)
