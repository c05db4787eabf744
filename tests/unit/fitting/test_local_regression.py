"""Local regression against the printed example of R, and what a local quadratic cannot miss."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.errors import StatsError
from recanal.fitting.local_regression import local_regression

# Speed and stopping distance of 50 cars; Ezekiel M, Methods of Correlation Analysis, 1930.
SPEED = [
    *(4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 16, 16, 17),
    *(17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25),
]
DISTANCE = [
    *(2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20, 26, 54, 32, 40, 32),
    *(40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85),
]
# predict(loess(dist ~ speed, cars), data.frame(speed = 5:25)), as the manual page of R prints it.
PRINTED = [
    *(7.797353, 10.002308, 12.499786, 15.281082, 18.446568, 21.865315, 25.517015, 29.350386, 33.230660, 37.167935),
    *(41.205226, 45.055736, 48.355889, 49.824812, 51.986702, 56.461318, 61.959729, 68.569313, 76.316068, 85.212121),
    95.324047,
]


def test_cars_have_the_curve_that_r_prints():
    curve = local_regression(np.array(SPEED, dtype=float), np.array(DISTANCE, dtype=float))
    assert curve.at(np.arange(5.0, 26.0)) == pytest.approx(PRINTED, abs=1e-6)


def test_a_parabola_is_found_exactly():
    x = np.sort(np.random.default_rng(3).random(200))
    curve = local_regression(x, 2 - 3 * x + 5 * x**2)
    assert curve.at(x) == pytest.approx(2 - 3 * x + 5 * x**2, abs=1e-10)


def test_order_of_cases_does_not_matter():
    rng = np.random.default_rng(8)
    x, y = rng.random(150), rng.random(150)
    turned = rng.permutation(150)
    points = np.linspace(x.min(), x.max(), 20)
    assert local_regression(x, y).at(points) == pytest.approx(local_regression(x[turned], y[turned]).at(points))


def test_standard_error_is_that_of_repeated_outcomes():
    rng = np.random.default_rng(5)
    x = np.sort(rng.random(120))
    points = np.array([0.1, 0.5, 0.9])
    drawn = [local_regression(x, rng.normal(0, 2.0, 120)).at(points) for _ in range(600)]
    errors = local_regression(x, x).standard_errors(points, np.full(120, 4.0))
    assert errors == pytest.approx(np.std(drawn, axis=0), rel=0.1)


def test_too_few_distinct_values_are_refused():
    with pytest.raises(StatsError, match="Too few distinct"):
        local_regression(np.array([0.2] * 40 + [0.8] * 5), np.zeros(45))
    with pytest.raises(StatsError, match="Too few distinct"):
        local_regression(np.array([0.2, 0.8] * 20), np.zeros(40))
