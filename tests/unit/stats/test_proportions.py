"""Shares and trials against printed examples, scipy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from statsmodels.stats.contingency_tables import StratifiedTable

from recanal.errors import OptionError, StatsError
from recanal.fitting.design import design_matrix
from recanal.stats.logistic import fit_logistic
from recanal.stats.proportions import (
    diagnostic_accuracy,
    mantel_haenszel,
    proportion_interval,
    risk_difference,
    risk_ratio,
    standardised_effect,
)

# Newcombe RG. Stat Med 1998;17:873-890, Table II: 95 % limits by method 10.
NEWCOMBE = [
    ((56, 70), (48, 80), 0.0524, 0.3339),
    ((9, 10), (3, 10), 0.1705, 0.8090),
    ((6, 7), (2, 7), 0.0582, 0.8062),
    ((5, 56), (0, 29), -0.0381, 0.1926),
    ((0, 10), (0, 20), -0.1611, 0.2775),
    ((0, 10), (0, 10), -0.2775, 0.2775),
    ((10, 10), (0, 20), 0.6791, 1.0000),
    ((10, 10), (0, 10), 0.6075, 1.0000),
]


@pytest.mark.parametrize(("first", "second", "low", "high"), NEWCOMBE)
def test_difference_repeats_the_printed_limits(first, second, low, high):
    gap = risk_difference([[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]])
    assert (round(gap.low, 4), round(gap.high, 4)) == (low, high)


@pytest.mark.parametrize(("method", "name"), [("wilson", "wilson"), ("exact", "exact")])
@pytest.mark.parametrize(("events", "total"), [(0, 12), (12, 12), (3, 17), (81, 263)])
def test_interval_of_a_share_repeats_scipy(method, name, events, total):
    expected = stats.binomtest(events, total).proportion_ci(0.9, method=name)
    found = proportion_interval(events, total, method=method, level=0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_ratio_of_risks_repeats_scipy():
    expected = stats.contingency.relative_risk(187, 200, 168, 200)
    found = risk_ratio([[187, 13], [168, 32]])
    interval = expected.confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((expected.relative_risk, interval.low, interval.high))


def test_strata_repeat_statsmodels():
    rng = np.random.default_rng(3)
    tables = [rng.integers(3, 30, size=(2, 2)) for _ in range(4)]
    expected = StratifiedTable([table.astype(float) for table in tables])
    found = mantel_haenszel(tables)
    assert found.odds_ratio.value == pytest.approx(expected.oddsratio_pooled, rel=1e-12)
    assert (found.odds_ratio.low, found.odds_ratio.high) == pytest.approx(
        expected.oddsratio_pooled_confint(), rel=1e-10
    )
    assert found.statistic == pytest.approx(expected.test_null_odds().statistic, rel=1e-10)
    assert mantel_haenszel(tables, continuity=True).statistic == pytest.approx(
        expected.test_null_odds(correction=True).statistic, rel=1e-10
    )
    assert found.homogeneity_statistic == pytest.approx(expected.test_equal_odds(adjust=True).statistic, rel=1e-8)
    assert found.homogeneity_p_value == pytest.approx(expected.test_equal_odds(adjust=True).pvalue, rel=1e-8)


def test_one_stratum_is_a_plain_table():
    found = mantel_haenszel([[[187, 13], [168, 32]]])
    assert found.odds_ratio.value == pytest.approx(187 * 32 / (13 * 168))
    assert found.risk_difference.value == pytest.approx(0.095)
    wald = math.sqrt(0.935 * 0.065 / 200 + 0.84 * 0.16 / 200)
    assert found.risk_difference.standard_error == pytest.approx(wald, rel=0.02)


def test_common_difference_covers_as_often_as_it_says():
    """Ten strata whose risks differ, and a true difference of 0.1 in each."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(500):
        base = np.linspace(0.2, 0.7, 10)
        a, c = rng.binomial(30, base + 0.1), rng.binomial(20, base)
        tables = [[[x, 30 - x], [y, 20 - y]] for x, y in zip(a, c, strict=True)]
        gap = mantel_haenszel(tables).risk_difference
        hits += gap.low <= 0.1 <= gap.high
    assert 0.92 <= hits / 500 <= 0.98


def test_accuracy_of_a_test_by_hand():
    found = diagnostic_accuracy([[26, 14], [15, 58]])
    assert found.sensitivity.value == pytest.approx(26 / 41)
    assert found.specificity.value == pytest.approx(58 / 72)
    assert found.positive_value.value == pytest.approx(26 / 40)
    assert found.negative_value.value == pytest.approx(58 / 73)
    assert found.positive_ratio.value == pytest.approx(26 / 41 / (14 / 72))
    assert found.negative_ratio.value == pytest.approx(15 / 41 / (58 / 72))
    assert diagnostic_accuracy([[26, 0], [15, 72]]).positive_ratio is None


def test_standardised_effect_without_covariates_is_the_plain_difference():
    table = pd.DataFrame({"guided": [1] * 200 + [0] * 200})
    crossed = [1] * 187 + [0] * 13 + [1] * 168 + [0] * 32
    design = design_matrix(table, ["guided"])
    effect = standardised_effect(fit_logistic(design, crossed, profile=False), design, "guided")
    assert (effect.treated_share.value, effect.control_share.value) == pytest.approx((0.935, 0.84))
    wald = math.sqrt(0.935 * 0.065 / 200 + 0.84 * 0.16 / 200)
    assert effect.difference.standard_error == pytest.approx(wald, rel=1e-6)
    assert effect.ratio.standard_error == pytest.approx(risk_ratio([[187, 13], [168, 32]]).standard_error, rel=1e-6)


def test_adjustment_for_a_strong_covariate_narrows_the_interval():
    rng = np.random.default_rng(15)
    table = pd.DataFrame({"guided": np.tile([0, 1], 300), "score": rng.normal(size=600)})
    crossed = rng.random(600) < special.expit(0.6 + 0.5 * table["guided"] - 2.0 * table["score"])
    errors = []
    for names in (["guided"], ["guided", "score"]):
        design = design_matrix(table, names)
        effect = standardised_effect(fit_logistic(design, crossed, profile=False), design, "guided")
        errors.append(effect.difference.standard_error)
    assert errors[1] < 0.85 * errors[0]


def test_wrong_use_is_refused():
    with pytest.raises(StatsError, match="2 x 2 counts"):
        risk_difference([[1, 2, 3], [1, 2, 3]])
    with pytest.raises(StatsError, match="An arm of the table is empty"):
        risk_difference([[0, 0], [1, 2]])
    with pytest.raises(StatsError, match="no event"):
        risk_ratio([[0, 5], [1, 2]])
    with pytest.raises(OptionError, match="got 5 of 4"):
        proportion_interval(5, 4)
    with pytest.raises(OptionError, match="wilson or exact"):
        proportion_interval(1, 4, method="wald")
    with pytest.raises(StatsError, match="No stratum"):
        mantel_haenszel([[[0, 0], [1, 2]]])
    with pytest.raises(StatsError, match="0 or infinite"):
        mantel_haenszel([[[0, 5], [3, 2]]])
    with pytest.raises(StatsError, match="column of the table is empty"):
        diagnostic_accuracy([[0, 5], [0, 2]])
    design = design_matrix(pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 1.0, 2.0]}), ["x"])
    fit = fit_logistic(design, [0, 1, 0, 1, 0, 1], profile=False)
    with pytest.raises(OptionError, match="0 and 1 alone"):
        standardised_effect(fit, design, "x")
