"""Logistic models against statsmodels, closed forms, and what defines a profile."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, special, stats

from recanal.errors import OptionError, StatsError
from recanal.fitting.design import design_matrix, without_intercept
from recanal.fitting.logistic_likelihood import LogisticProblem, maximise_logistic
from recanal.fitting.separation import find_separation
from recanal.stats.logistic import fit_logistic, predicted_probabilities, variance_inflation


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(17)
    table = pd.DataFrame({"length_mm": rng.gamma(4, 6, 240), "blunt": rng.integers(0, 2, 240)})
    table["vessel"] = rng.choice(["LAD", "LCX", "RCA"], 240)
    risk = -2 + 0.05 * table["length_mm"] + 0.9 * table["blunt"]
    table["failed"] = (rng.random(240) < special.expit(risk)).astype(int)
    return table


@pytest.fixture(scope="module")
def design(cohort):
    return design_matrix(cohort, ["length_mm", "blunt", "vessel"])


def test_maximum_likelihood_repeats_statsmodels(cohort, design):
    expected = sm.Logit(cohort["failed"].to_numpy(), np.array(design.matrix)).fit(disp=0, tol=1e-12)
    fit = fit_logistic(design, cohort["failed"], profile=False)
    assert [row.beta for row in fit.coefficients] == pytest.approx(list(expected.params), rel=1e-8)
    assert [row.standard_error for row in fit.coefficients] == pytest.approx(list(expected.bse), rel=1e-7)
    assert [row.p_value for row in fit.coefficients] == pytest.approx(list(expected.pvalues), rel=1e-6)
    assert [row.low_ratio for row in fit.coefficients] == pytest.approx(
        list(np.exp(expected.conf_int()[:, 0])), rel=1e-7
    )
    assert (fit.log_likelihood, fit.null_log_likelihood) == pytest.approx((expected.llf, expected.llnull), rel=1e-8)
    assert (fit.ratio_statistic, fit.ratio_p_value) == pytest.approx((expected.llr, expected.llr_pvalue), rel=1e-6)
    assert (fit.aic_value, fit.bic_value) == pytest.approx((expected.aic, expected.bic), rel=1e-10)
    assert fit.events_count == cohort["failed"].sum()


@pytest.mark.parametrize("method", ["ml", "firth"])
@pytest.mark.parametrize("factor", [1e-3, 1e6])
def test_unit_of_a_column_does_not_matter(cohort, method, factor):
    plain = fit_logistic(design_matrix(cohort, ["length_mm", "blunt"]), cohort["failed"], method=method)
    table = cohort.assign(length_mm=cohort["length_mm"] * factor + 2000 * factor)
    scaled = fit_logistic(design_matrix(table, ["length_mm", "blunt"]), cohort["failed"], method=method)
    one, two = plain.coefficient("length_mm"), scaled.coefficient("length_mm")
    assert two.beta * factor == pytest.approx(one.beta, rel=1e-6)
    assert two.p_value == pytest.approx(one.p_value, rel=1e-5)
    assert math.log(two.high_ratio) * factor == pytest.approx(math.log(one.high_ratio), rel=1e-5)
    assert scaled.coefficient("blunt").beta == pytest.approx(plain.coefficient("blunt").beta, rel=1e-6)


def test_a_profile_limit_loses_the_chi_square_quantile(cohort, design):
    fit = fit_logistic(design, cohort["failed"], level=0.9)
    events = cohort["failed"].to_numpy(dtype=float)
    for index in (1, 2):
        others = np.delete(design.matrix, index, axis=1)
        for limit in (fit.coefficients[index].low_ratio, fit.coefficients[index].high_ratio):
            offset = math.log(limit) * design.matrix[:, index]
            held = sm.GLM(events, others, family=sm.families.Binomial(), offset=offset).fit(tol=1e-12)
            assert 2 * (fit.log_likelihood - held.llf) == pytest.approx(stats.chi2.ppf(0.9, 1), abs=1e-6)


def test_firth_maximises_the_penalised_likelihood():
    """Independent route: a general optimiser on the formula of Firth 1993."""
    rng = np.random.default_rng(4)
    matrix = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    events = (rng.random(30) < special.expit(matrix @ [0.2, 1.0, -1.0])).astype(float)

    def loss(beta):
        fitted = special.expit(matrix @ beta)
        information = (matrix * (fitted * (1 - fitted))[:, None]).T @ matrix
        plain = np.sum(events * np.log(fitted) + (1 - events) * np.log(1 - fitted))
        return -plain - 0.5 * np.linalg.slogdet(information)[1]

    expected = optimize.minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    found = maximise_logistic(LogisticProblem(matrix, events, penalised=True))
    assert found.beta == pytest.approx(expected, abs=1e-6)


def test_firth_of_a_single_group_adds_half_an_event():
    """With an intercept alone the estimate is log((events + 1/2) / (others + 1/2))."""
    found = maximise_logistic(LogisticProblem(np.ones((10, 1)), np.array([1.0] * 3 + [0.0] * 7), penalised=True))
    assert found.beta[0] == pytest.approx(math.log(3.5 / 7.5), rel=1e-9)


def test_firth_of_an_empty_cell_has_the_odds_ratio_with_halves():
    """A saturated 2 x 2 table: every cell plus 1/2 (Haldane, Anscombe)."""
    table = pd.DataFrame({"calcified": [1] * 12 + [0] * 20})
    failed = [1] * 12 + [1] * 8 + [0] * 12
    fit = fit_logistic(design_matrix(table, ["calcified"]), failed)
    ratio = fit.coefficient("calcified")
    assert fit.method == "firth"
    assert fit.separation.kind == "quasi"
    assert "calcified" in fit.separation.columns
    assert ratio.odds_ratio == pytest.approx(12.5 * 12.5 / (0.5 * 8.5), rel=1e-7)
    assert 1 < ratio.low_ratio < ratio.odds_ratio < ratio.high_ratio < math.inf


def test_predictions_after_firth_have_the_share_of_events():
    rng = np.random.default_rng(9)
    table = pd.DataFrame({"x": rng.normal(size=40)})
    events = (rng.random(40) < 0.2).astype(int)
    design = design_matrix(table, ["x"])
    for method in ("firth", "flac", "ml"):
        fit = fit_logistic(design, events, method=method)
        assert predicted_probabilities(fit, design).mean() == pytest.approx(events.mean(), abs=1e-8)


def test_separation_is_found_and_named():
    matrix = np.column_stack([np.ones(6), [1, 2, 3, 4, 5, 6], [1, 0, 1, 0, 1, 0]])
    names = ("(intercept)", "length_mm", "blunt")
    assert find_separation(matrix, np.array([0, 0, 0, 1, 1, 1.0]), names=names).kind == "complete"
    assert find_separation(matrix[:, :2], np.array([0, 1, 0, 1, 0, 1.0]), names=names[:2]).kind == "none"
    tied = find_separation(matrix[:, :2], np.array([0, 0, 0, 1, 1, 1.0]) * (matrix[:, 1] != 4), names=names[:2])
    assert tied.kind == "complete"
    touching = np.column_stack([np.ones(6), [1, 2, 3, 3, 4, 5]])
    quasi = find_separation(touching, np.array([0, 0, 0, 1, 1, 1.0]), names=names[:2])
    assert (quasi.kind, quasi.columns) == ("quasi", ("length_mm",))
    alone = find_separation(np.ones((6, 1)), np.ones(6), names=names[:1])
    assert (alone.kind, alone.columns) == ("complete", ("(intercept)",))


def test_auto_uses_maximum_likelihood_where_it_exists(cohort, design):
    fit = fit_logistic(design, cohort["failed"])
    assert (fit.method, fit.separation.kind) == ("ml", "none")
    assert {row.interval for row in fit.coefficients} == {"profile"}


def test_inflation_is_that_of_an_auxiliary_regression(cohort):
    """For a linear predictor that explains nothing, weights are equal and the factor is 1 / (1 - R2)."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=4000)
    table = pd.DataFrame({"a": x, "b": x + rng.normal(size=4000)})
    fit = fit_logistic(design_matrix(table, ["a", "b"]), rng.integers(0, 2, 4000), profile=False)
    share = np.corrcoef(table["a"], table["b"])[0, 1] ** 2
    assert variance_inflation(fit)["a"] == pytest.approx(1 / (1 - share), rel=0.01)


def test_what_cannot_be_fitted_is_refused(cohort, design):
    with pytest.raises(OptionError, match="method must be one of"):
        fit_logistic(design, cohort["failed"], method="lasso")
    with pytest.raises(StatsError, match="'crossed' has 0 events in 240 rows"):
        fit_logistic(design, np.zeros(240), outcome="crossed")
    few = np.zeros(240)
    few[:3] = 1
    with pytest.raises(StatsError, match="4 parameters for 3 events of 'crossed'"):
        fit_logistic(design, few, outcome="crossed")
    with pytest.raises(OptionError, match="has 10 rows, the design 240"):
        fit_logistic(design, [0, 1] * 5)
    with pytest.raises(OptionError, match="with an intercept"):
        fit_logistic(without_intercept(design), cohort["failed"])
    with pytest.raises(StatsError, match="separated by length_mm"):
        fit_logistic(design_matrix(cohort, ["length_mm"]), cohort["length_mm"] > 20, method="ml")
    with pytest.raises(OptionError, match="no column 'stump'"):
        fit_logistic(design, cohort["failed"], profile=False).coefficient("stump")


def test_separation_is_seen_in_a_large_table_as_well():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=30_000), "rare": (np.arange(30_000) < 40).astype(int)})
    failed = (rng.random(30_000) < 0.3).astype(int)
    failed[:40] = 1
    design = design_matrix(table, ["x", "rare"])
    with pytest.raises(StatsError, match="run to infinity"):
        fit_logistic(design, failed, profile=False)
    failed[0] = 0
    assert fit_logistic(design, failed, profile=False).coefficient("rare").standard_error < 2


def test_result_turns_to_json(cohort, design):
    out = fit_logistic(design, cohort["failed"], profile=False).to_dict()
    assert out["coefficients"][1]["name"] == "length_mm"
    assert len(out["covariance"]) == 5
