"""Charts of outcomes over time, by hand and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from recanal.errors import OptionError, StatsError
from recanal.stats.monitoring import expected_minus_observed, funnel_limits, risk_adjusted_cusum


def test_steps_are_log_likelihood_ratios():
    """Under the doubled odds a risk of 0.3 becomes 0.6 / 1.3."""
    doubled = 0.6 / 1.3
    chart = risk_adjusted_cusum([1, 0, 0], [0.3, 0.3, 0.3])
    up, down = math.log(doubled / 0.3), math.log((1 - doubled) / 0.7)
    assert chart.score == pytest.approx((up, up + down, max(0.0, up + 2 * down)))


def test_chart_signals_and_begins_anew():
    chart = risk_adjusted_cusum([1] * 6, [0.2] * 6, limit_score=1.0)
    assert chart.signal_counts == (2, 4, 6)
    assert chart.score[2] == pytest.approx(chart.score[0])


def test_chart_sees_a_change_and_rests_without_one():
    rng = np.random.default_rng(3)
    prob = rng.uniform(0.05, 0.4, 400)
    worse = 2 * prob / (1 + prob)
    kept, changed = ((rng.random((200, 400)) < risk).astype(int) for risk in (prob, worse))
    signals = [
        np.mean([bool(risk_adjusted_cusum(row, prob, limit_score=4.5).signal_counts) for row in rows])
        for rows in (kept, changed)
    ]
    assert signals[0] < 0.25
    assert signals[1] > 0.95


def test_improvement_is_looked_for_with_a_ratio_below_one():
    assert risk_adjusted_cusum([0, 0, 0], [0.3, 0.3, 0.3], odds_ratio=0.5).score[-1] > 0


def test_expected_minus_observed_ends_at_the_difference():
    assert expected_minus_observed([0, 1, 1, 0], [0.2, 0.4, 0.4, 0.1])[-1] == pytest.approx(1.1 - 2)


def test_funnel_holds_its_share():
    limits = funnel_limits(0.2, rows_count=40)
    inside = stats.binom.cdf(40 * limits.high_share, 40, 0.2) - stats.binom.cdf(40 * limits.low_share - 1, 40, 0.2)
    assert 0.95 <= inside < 0.99


def test_wrong_use_is_refused():
    with pytest.raises(OptionError, match="above 0 and not 1"):
        risk_adjusted_cusum([0, 1], [0.1, 0.2], odds_ratio=1.0)
    with pytest.raises(OptionError, match="limit_score"):
        risk_adjusted_cusum([0, 1], [0.1, 0.2], limit_score=0.0)
    with pytest.raises(StatsError, match="'expected' must hold probabilities"):
        expected_minus_observed([0, 1], [0.1, 1.2])
    with pytest.raises(StatsError, match="0 and 1 alone"):
        expected_minus_observed([0, 2], [0.1, 0.2])
    with pytest.raises(OptionError, match="funnel"):
        funnel_limits(1.0, rows_count=5)
