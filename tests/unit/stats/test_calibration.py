"""Calibration against statsmodels, simulation and identities."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special

from recanal.errors import StatsError
from recanal.stats.calibration import brier_score, calibrate, calibration_curve, calibration_errors


@pytest.fixture(scope="module")
def predictions():
    rng = np.random.default_rng(44)
    line = rng.normal(-1, 1.2, 400)
    events = (rng.random(400) < special.expit(0.3 + 0.7 * line)).astype(int)
    return events, special.expit(line)


def test_intercept_and_slope_repeat_statsmodels(predictions):
    events, prob = predictions
    line = special.logit(prob)
    found = calibrate(events, prob)
    binomial = sm.families.Binomial()
    shifted = sm.GLM(events, np.ones((400, 1)), family=binomial, offset=line).fit(tol=1e-12)
    turned = sm.GLM(events, sm.add_constant(line), family=binomial).fit(tol=1e-12)
    assert (found.in_the_large.value, found.in_the_large.standard_error) == pytest.approx(
        (shifted.params[0], shifted.bse[0]), rel=1e-6
    )
    assert (found.slope.value, found.slope.standard_error) == pytest.approx((turned.params[1], turned.bse[1]), rel=1e-6)
    assert found.slope_intercept_beta == pytest.approx(turned.params[0], rel=1e-6)
    assert found.recalibration_statistic == pytest.approx(2 * (turned.llf - found.original_log_likelihood), rel=1e-6)
    assert found.recalibration_p_value < 0.01
    assert found.observed_expected_ratio.value == pytest.approx(events.sum() / prob.sum())


def test_the_fitted_data_calibrate_by_construction(predictions):
    events, prob = predictions
    fitted = sm.Logit(events, sm.add_constant(special.logit(prob))).fit(disp=0, tol=1e-12).predict()
    found = calibrate(events, fitted)
    assert (found.in_the_large.value, found.slope.value) == pytest.approx((0.0, 1.0), abs=1e-6)
    assert any("fitted to" in text for text in found.warnings)


def test_few_events_are_pointed_out():
    rng = np.random.default_rng(1)
    prob = rng.uniform(0.1, 0.6, 60)
    assert "100 of each are advised" in calibrate(rng.random(60) < prob, prob).warnings[0]


def test_brier_score_by_hand():
    """(0.04 + 0.09 + 0.01 + 0.16) / 4, against 1/4 for predicting a half."""
    found = brier_score([0, 1, 1, 0], [0.2, 0.7, 0.9, 0.4])
    assert found.score == pytest.approx(0.075)
    assert found.scaled_share == pytest.approx(0.7)


def test_spiegelhalter_has_its_size():
    rng = np.random.default_rng(7)
    rejected = 0
    for _ in range(500):
        prob = rng.beta(2, 3, 200)
        rejected += brier_score(rng.random(200) < prob, prob).p_value < 0.05
    assert 0.03 <= rejected / 500 <= 0.08


def test_errors_find_a_known_distance():
    """True risk is the prediction plus 0.1 everywhere: all four distances tend to 0.1."""
    rng = np.random.default_rng(10)
    prob = rng.uniform(0.1, 0.8, 200_000)
    found = calibration_errors(rng.random(200_000) < prob + 0.1, prob)
    assert (found.ici_share, found.e50_share, found.e90_share) == pytest.approx((0.1, 0.1, 0.1), abs=0.006)


def test_curve_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(2)
    inside = []
    for _ in range(200):
        prob = rng.uniform(0.1, 0.9, 300)
        curve = calibration_curve(rng.random(300) < prob, prob, points_count=21)
        middle = slice(3, 18)
        low, high = np.array(curve.low_share)[middle], np.array(curve.high_share)[middle]
        inside.append(((low <= curve.predicted_share[middle]) & (curve.predicted_share[middle] <= high)).mean())
    assert 0.92 <= np.mean(inside) <= 0.98


def test_wrong_use_is_refused():
    with pytest.raises(StatsError, match=r"must hold probabilities, got 0\.2 to 1\.5"):
        brier_score([0, 1], [0.2, 1.5])
    with pytest.raises(StatsError, match="holds 0 or 1"):
        calibrate([0, 1, 1], [0.0, 0.5, 0.7])
    with pytest.raises(StatsError, match="'predicted' is constant"):
        calibrate([0, 1, 1], [0.5, 0.5, 0.5])
    with pytest.raises(StatsError, match="0 events in 3 rows"):
        brier_score([0, 0, 0], [0.1, 0.2, 0.3])
    with pytest.raises(StatsError, match="one length"):
        brier_score([0, 1, 0], [0.1, 0.2])
    with pytest.raises(StatsError, match="needs 10 or more rows"):
        calibration_errors([0, 1, 0], [0.1, 0.2, 0.5])
