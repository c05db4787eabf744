"""Hazard models against textbooks, statsmodels, plain double loops and the jackknife."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from statsmodels.duration.hazard_regression import PHReg

from recanal.errors import OptionError, StatsError
from recanal.fitting.design import design_matrix, without_intercept
from recanal.survival.cox import fit_cox, proportional_hazards_test
from recanal.survival.fine_gray import fit_fine_gray, predicted_incidence
from recanal.survival.follow_up import FollowUp

MP = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
MP_RELAPSE = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(31)
    table = pd.DataFrame({"age_years": rng.normal(65, 9, 220), "diabetes": rng.integers(0, 2, 220)})
    table["vessel"] = rng.choice(["LAD", "LCX", "RCA"], 220)
    hazard = np.exp(0.04 * (table["age_years"] - 65) + 0.6 * table["diabetes"])
    times, stop = rng.exponential(1 / hazard), rng.exponential(1.5, 220)
    table["months"] = np.ceil(10 * np.minimum(times, stop))
    table["died"] = (times <= stop).astype(int)
    table["cause"] = np.where(table["died"] == 1, rng.choice([1, 2], 220, p=[0.6, 0.4]), 0)
    table["patient"] = np.arange(220) // 2
    return table


@pytest.fixture(scope="module")
def design(cohort):
    return design_matrix(cohort, ["age_years", "diabetes", "vessel"])


def test_leukaemia_trial_has_the_printed_hazard_ratios():
    """Kleinbaum and Klein print 1.509 (Breslow) and 1.572 (Efron) for the log hazard ratio of placebo."""
    table = pd.DataFrame({"placebo": [0] * 21 + [1] * 21})
    followed = FollowUp(MP + PLACEBO, MP_RELAPSE + [1] * 21)
    design = design_matrix(table, ["placebo"])
    for ties, beta, error in (("breslow", 1.509, 0.410), ("efron", 1.572, 0.412)):
        found = fit_cox(followed, design, ties=ties).coefficients[0]
        assert (found.beta, found.standard_error) == pytest.approx((beta, error), abs=6e-4)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_model_repeats_statsmodels(cohort, design, ties):
    exog = np.array(without_intercept(design).matrix)
    expected = PHReg(cohort["months"].to_numpy(), exog, status=cohort["died"].to_numpy(), ties=ties).fit(disp=0)
    fit = fit_cox(FollowUp(cohort["months"], cohort["died"]), design, ties=ties)
    assert [row.beta for row in fit.coefficients] == pytest.approx(list(expected.params), rel=1e-5)
    assert [row.standard_error for row in fit.coefficients] == pytest.approx(list(expected.bse), rel=1e-5)
    assert fit.log_likelihood == pytest.approx(expected.llf, rel=1e-9)


def test_strata_repeat_statsmodels(cohort):
    design = design_matrix(cohort, ["age_years", "diabetes"])
    exog, strata = np.array(design.matrix[:, 1:]), cohort["vessel"].to_numpy()
    model = PHReg(cohort["months"].to_numpy(), exog, status=cohort["died"].to_numpy(), strata=strata, ties="breslow")
    fit = fit_cox(FollowUp(cohort["months"], cohort["died"], strata=strata), design, ties="breslow")
    assert [row.beta for row in fit.coefficients] == pytest.approx(list(model.fit(disp=0).params), rel=1e-5)


def test_robust_errors_agree_with_leaving_one_out(cohort):
    design = design_matrix(cohort, ["age_years", "diabetes"])
    robust = fit_cox(FollowUp(cohort["months"], cohort["died"], np.arange(220)), design)
    left_out = []
    for row in range(220):
        rest = cohort.drop(index=row)
        part = fit_cox(FollowUp(rest["months"], rest["died"]), design_matrix(rest, ["age_years", "diabetes"]))
        left_out.append([found.beta for found in part.coefficients])
    jackknife = np.sqrt(219 / 220 * ((left_out - np.mean(left_out, axis=0)) ** 2).sum(axis=0))
    assert [row.standard_error for row in robust.coefficients] == pytest.approx(list(jackknife), rel=0.03)
    assert robust.ratio_statistic is None


def test_two_equal_rows_per_patient_count_once(cohort):
    twice = pd.concat([cohort, cohort], ignore_index=True)
    once = fit_cox(
        FollowUp(cohort["months"], cohort["died"], cohort.index), design_matrix(cohort, ["diabetes"]), ties="breslow"
    )
    again = fit_cox(
        FollowUp(twice["months"], twice["died"], [*cohort.index, *cohort.index]),
        design_matrix(twice, ["diabetes"]),
        ties="breslow",
    )
    assert again.coefficients[0].beta == pytest.approx(once.coefficients[0].beta, rel=1e-9)
    assert again.coefficients[0].standard_error == pytest.approx(once.coefficients[0].standard_error, rel=1e-9)
    assert again.cluster_count == 220
    assert again.concordance.value == pytest.approx(once.concordance.value, rel=1e-12)
    assert again.concordance.standard_error == pytest.approx(once.concordance.standard_error, rel=1e-9)


def test_concordance_is_a_count_of_pairs(cohort, design):
    fit = fit_cox(FollowUp(cohort["months"], cohort["died"]), design)
    risk = without_intercept(design).matrix @ [row.beta for row in fit.coefficients]
    time, died = cohort["months"].to_numpy(), cohort["died"].to_numpy()
    right = total = 0.0
    for i in np.flatnonzero(died):
        for j in range(220):
            if time[j] > time[i] or (time[j] == time[i] and not died[j]):
                total += 1
                right += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    assert fit.concordance.value == pytest.approx(right / total, rel=1e-12)


def test_proportionality_is_the_score_test_of_a_changing_coefficient():
    """Independent route: the plain likelihood with beta + theta g(t), differentiated numerically."""
    rng = np.random.default_rng(5)
    x, times = rng.normal(size=60), rng.exponential(size=60)
    died = rng.random(60) < 0.8
    table = pd.DataFrame({"x": x})
    deaths = np.sort(times[died])
    survival = np.cumprod([1 - 1 / (times >= t).sum() for t in deaths])
    clock = {t: 1 - before for t, before in zip(deaths, [1.0, *survival[:-1]], strict=True)}

    def height(beta, theta):
        return sum(
            (beta + theta * clock[t]) * x[times == t][0]
            - np.log(np.exp((beta + theta * clock[t]) * x[times >= t]).sum())
            for t in deaths
        )

    beta = optimize.minimize_scalar(lambda b: -height(b, 0.0), bracket=(-1, 1), options={"xtol": 1e-12}).x
    h = 1e-4
    score = (height(beta, h) - height(beta, -h)) / (2 * h)

    def second(a, b):
        return (
            height(beta + a[0], a[1]) * 0
            + height(beta + a[0] + b[0], a[1] + b[1])
            - height(beta + a[0] - b[0], a[1] - b[1])
            - height(beta - a[0] + b[0], -a[1] + b[1])
            + height(beta - a[0] - b[0], -a[1] - b[1])
        ) / (4 * h * h)

    e1, e2 = np.array([h, 0.0]), np.array([0.0, h])
    information = -np.array([[second(e1, e1), second(e1, e2)], [second(e2, e1), second(e2, e2)]])
    expected = score**2 * np.linalg.inv(information)[1, 1]
    found = proportional_hazards_test(FollowUp(times, died), design_matrix(table, ["x"]))
    assert found[0].statistic == pytest.approx(expected, rel=1e-4)
    assert [test.name for test in found] == ["x", "GLOBAL"]


def test_proportionality_joins_the_columns_of_a_variable(cohort, design):
    tests = proportional_hazards_test(FollowUp(cohort["months"], cohort["died"]), design)
    assert [(test.name, test.df) for test in tests] == [("age_years", 1), ("diabetes", 1), ("vessel", 2), ("GLOBAL", 4)]


def test_fine_gray_without_censoring_is_cox_with_competitors_kept_for_ever(cohort, design):
    """Fine and Gray 1999, section 3.1: with complete data those with a competing event never leave the risk set."""
    causes = np.where(cohort["cause"] == 0, 2, cohort["cause"])
    months = np.where(causes == 1, cohort["months"], 1e6)
    expected = fit_cox(FollowUp(months, causes == 1), design, ties="breslow")
    found = fit_fine_gray(FollowUp(cohort["months"], causes), design)
    for one, two in zip(found.coefficients, expected.coefficients, strict=True):
        assert one.beta == pytest.approx(two.beta, rel=1e-8)
    robust = fit_cox(FollowUp(months, causes == 1, np.arange(220)), design, ties="breslow")
    assert found.coefficients[0].standard_error == pytest.approx(robust.coefficients[0].standard_error, rel=1e-6)


def test_fine_gray_errors_agree_with_the_jackknife(cohort):
    """Leaving one out estimates the censoring curve anew; the variance holds its terms."""
    design = design_matrix(cohort, ["age_years", "diabetes"])
    found = fit_fine_gray(FollowUp(cohort["months"], cohort["cause"]), design)
    left_out = []
    for row in range(220):
        rest = cohort.drop(index=row)
        part = fit_fine_gray(FollowUp(rest["months"], rest["cause"]), design_matrix(rest, ["age_years", "diabetes"]))
        left_out.append([column.beta for column in part.coefficients])
    jackknife = np.sqrt(219 / 220 * ((left_out - np.mean(left_out, axis=0)) ** 2).sum(axis=0))
    assert [row.standard_error for row in found.coefficients] == pytest.approx(list(jackknife), rel=0.03)


def test_predicted_incidence_rises_with_time_and_risk(cohort, design):
    fit = fit_fine_gray(FollowUp(cohort["months"], cohort["cause"]), design)
    shares = predicted_incidence(fit, design, [0.0, 5.0, 20.0])
    assert (shares[:, 0] == 0).all()
    assert (np.diff(shares, axis=1) >= 0).all()
    order = np.argsort(without_intercept(design).matrix @ [row.beta for row in fit.coefficients])
    assert (np.diff(shares[order, 1]) >= -1e-12).all()


def test_wrong_use_is_refused(cohort, design):
    followed = FollowUp(cohort["months"], cohort["died"])
    with pytest.raises(OptionError, match="ties must be efron or breslow"):
        fit_cox(followed, design, ties="exact")
    with pytest.raises(OptionError, match="has 220 rows, the follow-up 3"):
        fit_cox(FollowUp([1, 2, 3], [0, 1, 1]), design)
    few = np.zeros(220)
    few[:3] = 1
    with pytest.raises(StatsError, match="4 parameters for 3 events"):
        fit_cox(FollowUp(cohort["months"], few), design)
    endless = pd.DataFrame({"x": [0.0] * 10 + [1.0] * 10})
    with pytest.raises(StatsError, match="run to infinity"):
        fit_cox(FollowUp(np.arange(1, 21), [1] * 10 + [0] * 10), design_matrix(endless, ["x"]))
    ordered = pd.DataFrame({"x": np.arange(20.0)})
    with pytest.raises(StatsError, match="run to infinity"):
        fit_cox(FollowUp(np.arange(1, 21), [1] * 20), design_matrix(ordered, ["x"]))
    with pytest.raises(StatsError, match="No competing event"):
        fit_fine_gray(followed, design)
    with pytest.raises(OptionError, match="without strata"):
        fit_fine_gray(FollowUp(cohort["months"], cohort["cause"], strata=cohort["vessel"]), design)
    with pytest.raises(StatsError, match="more clusters than columns"):
        fit_cox(FollowUp(cohort["months"], cohort["died"], cohort["diabetes"]), design)
