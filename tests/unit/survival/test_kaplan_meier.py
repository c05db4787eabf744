"""Kaplan-Meier against the leukaemia trial of Freireich 1963 as printed in textbooks, and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from recanal.errors import OptionError, StatsError
from recanal.survival.kaplan_meier import (
    kaplan_meier,
    log_rank_test,
    median_survival,
    restricted_mean,
    survival_at,
)

# Weeks of remission, 6-MP and placebo; Gehan EA. Biometrika 1965;52:203-223, Table 1.
MP = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
MP_RELAPSE = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TIMES, EVENTS, GROUPS = MP + PLACEBO, MP_RELAPSE + [1] * 21, ["6-MP"] * 21 + ["placebo"] * 21


def test_curve_repeats_the_printed_one():
    """Cox DR, Oakes D, Analysis of Survival Data, 1984, Table 4.1."""
    curve = kaplan_meier(MP, MP_RELAPSE)
    assert curve.time_value == (6, 7, 10, 13, 16, 22, 23)
    assert [round(share, 3) for share in curve.survival_share] == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.at_risk_count == (21, 17, 15, 12, 11, 7, 6)
    assert median_survival(curve).value == 23
    assert median_survival(kaplan_meier(PLACEBO, [1] * 21)).value == 8


def test_log_rank_repeats_the_printed_one():
    """Kleinbaum and Klein, Survival Analysis: 16.79, expected 19.25 and 10.75."""
    test = log_rank_test(TIMES, EVENTS, GROUPS)
    assert test.statistic == pytest.approx(16.79, abs=0.005)
    assert test.expected_count == pytest.approx((19.25, 10.75), abs=0.005)
    assert test.observed_count == (9, 21)


def test_several_groups_repeat_statsmodels():
    rng = np.random.default_rng(2)
    times, events, groups = rng.exponential(size=90).round(1), rng.random(90) < 0.7, rng.integers(0, 3, 90)
    expected = survdiff(times, events.astype(int), groups)
    test = log_rank_test(times, events, groups)
    assert (test.statistic, test.p_value, test.df) == pytest.approx((*expected, 2), rel=1e-10)


def test_errors_and_limits_repeat_statsmodels():
    expected = SurvfuncRight(MP, MP_RELAPSE)
    curve = kaplan_meier(MP, MP_RELAPSE, interval="plain")
    assert curve.standard_error == pytest.approx(list(expected.surv_prob_se), rel=1e-10)
    low, high = kaplan_meier(MP, MP_RELAPSE).low_share[3], kaplan_meier(MP, MP_RELAPSE).high_share[3]
    # log(-log S) plus and minus 1.96 times Greenwood's error over S log S, at 13 weeks.
    s, error = curve.survival_share[3], curve.standard_error[3]
    width = 1.959964 * error / (s * abs(math.log(s)))
    assert (low, high) == pytest.approx((s ** math.exp(width), s ** math.exp(-width)), rel=1e-6)
    quantile = expected.quantile_ci(0.25, method="log")
    median = median_survival(kaplan_meier(MP, MP_RELAPSE, interval="log"), quantile=0.25)
    assert median.low == quantile[0]


def test_without_censoring_the_curve_is_a_share():
    curve = kaplan_meier([3, 1, 2, 4], [1, 1, 1, 1], interval="log")
    assert curve.survival_share == pytest.approx((0.75, 0.5, 0.25, 0.0))
    assert curve.standard_error[1] == pytest.approx(math.sqrt(0.5 * 0.5 / 4))
    assert math.isnan(curve.high_share[-1])
    assert curve.to_dict()["high_share"][-1] is None


def test_median_in_a_flat_part_is_its_middle():
    assert median_survival(kaplan_meier([1, 2, 5, 6], [1, 1, 1, 1])).value == 3.5
    assert median_survival(kaplan_meier([1, 2, 5, 6], [1, 0, 0, 0])).value == math.inf


def test_survival_at_a_time_holds_from_the_last_event():
    curve = kaplan_meier(MP, MP_RELAPSE)
    early, later = survival_at(curve, [3.0, 12.0])
    assert early.value == 1.0
    assert later.value == curve.survival_share[2]
    with pytest.raises(StatsError, match="Nobody was followed to 40"):
        survival_at(curve, [40.0])


def test_restricted_mean_is_an_area():
    """Curve 1 to time 1, 0.75 to time 2, 0.5 to time 3."""
    mean = restricted_mean([1, 2, 3, 4], [1, 1, 1, 1], horizon_value=3.0)
    assert mean.value == pytest.approx(2.25)
    # Without censoring the error is that of a mean of min(T, 3) with divisor n.
    assert mean.standard_error == pytest.approx(np.std([1, 2, 3, 3]) / 2, rel=1e-12)


def test_wrong_use_is_refused():
    with pytest.raises(StatsError, match="Are time and event swapped"):
        kaplan_meier(EVENTS, [time + 0.5 for time in TIMES])
    with pytest.raises(StatsError, match="competing risks"):
        kaplan_meier([1, 2, 3], [1, 2, 0])
    with pytest.raises(StatsError, match="no event 1 in 3 rows"):
        kaplan_meier([1, 2, 3], [0, 0, 0])
    with pytest.raises(StatsError, match="1 negative times"):
        kaplan_meier([1, -2, 3], [0, 1, 0])
    with pytest.raises(OptionError, match="interval must be one of"):
        kaplan_meier([1, 2, 3], [0, 1, 0], interval="arcsine")
    with pytest.raises(StatsError, match="one group alone"):
        log_rank_test([1, 2, 3], [0, 1, 0], ["a"] * 3)
    with pytest.raises(StatsError, match="horizon must lie"):
        restricted_mean([1, 2, 3], [0, 1, 0], horizon_value=9.0)
