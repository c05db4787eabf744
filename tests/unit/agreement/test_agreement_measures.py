"""Intraclass correlation and limits of agreement against printed tables, other routes and identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from recanal.agreement.bland_altman import bland_altman, bland_altman_repeated
from recanal.agreement.intraclass import ICC_FORMS, intraclass_correlation, intraclass_correlations
from recanal.errors import OptionError, StatsError

# Shrout PE, Fleiss JL. Psychol Bull 1979;86:420-428, Table 2 (six targets, four judges) and Table 4.
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
PRINTED = {"ICC(1,1)": 0.17, "ICC(2,1)": 0.29, "ICC(3,1)": 0.71, "ICC(1,k)": 0.44, "ICC(2,k)": 0.62, "ICC(3,k)": 0.91}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("form", ICC_FORMS)
def test_icc_repeats_the_table_of_shrout_and_fleiss(form):
    icc = intraclass_correlation(SHROUT_FLEISS, form=form)
    assert round(icc.value, 2) == PRINTED[form]
    assert icc.low < icc.value < icc.high
    assert (icc.target_count, icc.rater_count) == (6, 4)


def test_icc_answers_to_both_names():
    for form, other in ICC_FORMS.items():
        assert intraclass_correlation(SHROUT_FLEISS, form=form) == intraclass_correlation(SHROUT_FLEISS, form=other)


def test_f_of_the_one_way_form_is_that_of_scipy(rng):
    table = rng.normal(size=(8, 1)) + rng.normal(size=(8, 3))
    expected = stats.f_oneway(*table)
    icc = intraclass_correlation(table, form="ICC(1,1)")
    assert icc.statistic == pytest.approx(float(expected.statistic), rel=1e-12)
    assert icc.p_value == pytest.approx(float(expected.pvalue), rel=1e-10)


def test_bias_of_a_rater_lowers_agreement_and_leaves_consistency(rng):
    table = rng.normal(size=(10, 1)) + 0.3 * rng.normal(size=(10, 3))
    shifted = table + np.array([0.0, 0.0, 5.0])
    before, after = ({i.form: i.value for i in intraclass_correlations(t)} for t in (table, shifted))
    assert after["ICC(3,1)"] == pytest.approx(before["ICC(3,1)"], abs=1e-12)
    assert after["ICC(2,1)"] < before["ICC(2,1)"] - 0.3


def test_interval_of_icc_covers_as_often_as_it_says(rng):
    hits = 0
    for _ in range(400):
        table = rng.normal(size=(20, 1)) + rng.normal(size=(20, 3))  # true ICC 1/2
        icc = intraclass_correlation(table, form="ICC(1,1)", level=0.9)
        hits += icc.low <= 0.5 <= icc.high
    assert 0.86 <= hits / 400 <= 0.94


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ([[1, 2]], r"got \(1, 2\)"),
        ([[1, 2], [3, math.nan]], "missing or infinite"),
        ([[1, 2], [2, 3], [5, 6]], "differ by a constant"),
        ([["a", "b"], ["c", "d"]], "must be numbers"),
    ],
)
def test_icc_refuses_what_it_cannot_use(table, text):
    with pytest.raises(StatsError, match=text):
        intraclass_correlations(table)


def test_icc_refuses_an_unknown_form():
    with pytest.raises(OptionError, match=r"No intraclass correlation is called 'ICC\(9\)'"):
        intraclass_correlation(SHROUT_FLEISS, form="ICC(9)")


@pytest.mark.parametrize(("n", "factor"), [(10, 2.911), (20, 2.396), (50, 2.065), (100, 1.927)])
def test_limits_have_the_exact_tolerance_factors(n, factor):
    """One-sided normal tolerance factors, 95 % of the population at 95 % confidence (ISO 16269-6, Table D.4)."""
    gap = stats.norm.ppf((np.arange(n) + 0.5) / n)
    gap = (gap - gap.mean()) / gap.std(ddof=1)
    limits = bland_altman(gap, np.zeros(n), agreement_share=0.9, level=0.9)
    assert limits.upper_limit.high == pytest.approx(factor, abs=6e-4)
    assert limits.lower_limit.low == pytest.approx(-factor, abs=6e-4)


def test_bias_is_the_paired_t_test(rng):
    one, two = rng.normal(size=15), rng.normal(size=15)
    expected = stats.ttest_rel(one, two).confidence_interval(0.95)
    limits = bland_altman(one, two)
    assert (limits.bias.low, limits.bias.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert limits.slope == pytest.approx(np.polyfit((one + two) / 2, one - two, 1)[0])


def test_repeated_limits_have_the_variance_of_one_difference(rng):
    """In a balanced design the components of the one-way analysis of variance add up to the same."""
    subject = np.repeat(np.arange(12), 4)
    gap = rng.normal(size=12)[subject] + 0.5 * rng.normal(size=48) + 0.2
    limits = bland_altman_repeated(gap, np.zeros(48), subject)
    groups = gap.reshape(12, 4)
    within = groups.var(axis=1, ddof=1).mean()
    between = (4 * groups.mean(axis=1).var(ddof=1) - within) / 4
    assert limits.sd_value**2 == pytest.approx(within + between, rel=1e-12)
    assert limits.bias.value == pytest.approx(gap.mean())
    assert limits.upper_limit.value == pytest.approx(gap.mean() + 1.959964 * math.sqrt(within + between), rel=1e-6)
    assert (limits.pair_count, limits.subject_count) == (48, 12)


def test_repeated_limits_cover_as_often_as_they_say(rng):
    truth, hits = 1.959964 * math.sqrt(1 + 0.5), 0
    for _ in range(400):
        subject = np.repeat(np.arange(25), 3)
        gap = rng.normal(size=25)[subject] + math.sqrt(0.5) * rng.normal(size=75)
        limit = bland_altman_repeated(gap, np.zeros(75), subject).upper_limit
        hits += limit.low <= truth <= limit.high
    assert 0.92 <= hits / 400 <= 0.98


def test_limits_refuse_what_they_cannot_use():
    with pytest.raises(StatsError, match="one length"):
        bland_altman([1, 2, 3], [1, 2, 3, 4])
    with pytest.raises(StatsError, match="'difference' is constant"):
        bland_altman([1, 2, 3], [2, 3, 4])
    with pytest.raises(StatsError, match="'second' has 1 missing"):
        bland_altman([1, 2, 3], [2, 3, math.nan])
    with pytest.raises(StatsError, match="No subject has two pairs"):
        bland_altman_repeated([1, 2, 4], [2, 3, 4], ["a", "b", "c"])


def test_results_turn_to_json():
    out = bland_altman([1, 2, 4, 4], [2, 3, 4, 5]).to_dict()
    assert out["bias"]["level"] == 0.95
    assert out["slope_p_value"] is not None
