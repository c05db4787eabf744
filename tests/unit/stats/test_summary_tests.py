"""Tests from summaries against SciPy on the data they summarise, and ratios by hand."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recanal.errors import OptionError
from recanal.stats.summary_tests import (
    anova_from_summary,
    kruskal_wallis_test,
    mann_whitney_test,
    odds_ratio_wald,
    p_from_ratio_interval,
    pooled_mean_and_sd,
    student_from_summary,
    welch_anova_from_summary,
    welch_from_summary,
)

SHARED = Path(__file__).parents[4] / "shared" / "evidence"


@pytest.fixture
def groups():
    rng = np.random.default_rng(3)
    return [rng.normal(mean, sd, size) for mean, sd, size in ((5.0, 1.0, 12), (5.5, 2.0, 20), (6.0, 1.5, 9))]


def summary(groups):
    return [group.mean() for group in groups], [group.std(ddof=1) for group in groups], [len(g) for g in groups]


def test_two_groups_as_in_scipy(groups):
    for test, equal in ((student_from_summary, True), (welch_from_summary, False)):
        mine, other = test(*summary(groups[:2])), stats.ttest_ind(*groups[:2], equal_var=equal)
        assert (mine.statistic, mine.df, mine.p_value) == pytest.approx((other.statistic, other.df, other.pvalue))


def test_three_groups_as_in_scipy(groups):
    mine, other = anova_from_summary(*summary(groups)), stats.f_oneway(*groups)
    assert (mine.statistic, mine.p_value) == pytest.approx((other.statistic, other.pvalue))
    assert (mine.df, mine.df_within) == (2, 38)
    plain, welch = welch_from_summary(*summary(groups[:2])), welch_anova_from_summary(*summary(groups[:2]))
    assert (welch.statistic, welch.p_value) == pytest.approx((plain.statistic**2, plain.p_value))


def test_welch_anova_in_r():
    """R 4, ``oneway.test(len ~ dose, ToothGrowth)``: F 68.4, df 2 and 37.7, from means, SDs and sizes of the data."""
    test = welch_anova_from_summary([10.605, 19.735, 26.1], [4.499763, 4.415436, 3.774150], [20, 20, 20])
    assert (test.statistic, test.df_within) == pytest.approx((68.401, 37.743), abs=2e-3)


def test_all_together(groups):
    together = np.concatenate(groups)
    assert pooled_mean_and_sd(*summary(groups)) == pytest.approx((together.mean(), together.std(ddof=1)))


def test_rank_tests_as_in_scipy(groups):
    rounded = [group.round() for group in groups]
    h, other = kruskal_wallis_test(rounded), stats.kruskal(*rounded)
    assert (h.statistic, h.p_value, h.df) == pytest.approx((other.statistic, other.pvalue, 2))
    for continuity in (False, True):
        mine = mann_whitney_test(*rounded[:2], continuity=continuity)
        scipy = stats.mannwhitneyu(*rounded[:2], method="asymptotic", use_continuity=continuity)
        assert mine.p_value == pytest.approx(scipy.pvalue)


def test_odds_ratio_by_hand():
    """[[10, 20], [30, 40]]: 400/600, error sqrt(1/10 + 1/20 + 1/30 + 1/40)."""
    found = odds_ratio_wald([[10, 20], [30, 40]])
    error = math.sqrt(1 / 10 + 1 / 20 + 1 / 30 + 1 / 40)
    assert found.ratio == pytest.approx(2 / 3)
    assert found.high_ratio / found.low_ratio == pytest.approx(math.exp(2 * 1.959963985 * error))
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(math.log(2 / 3)) / error))
    assert not found.corrected
    empty = odds_ratio_wald([[0, 2], [126, 73]])
    assert empty.corrected
    assert empty.ratio == pytest.approx(0.5 * 73.5 / (2.5 * 126.5))


def test_p_of_an_interval_is_that_of_its_table():
    found = odds_ratio_wald([[46, 30], [30, 101]])
    assert p_from_ratio_interval(found.ratio, found.low_ratio, found.high_ratio) == pytest.approx(found.p_value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: student_from_summary([1, 2, 3], [1, 1, 1], [5, 5, 5]), "takes 2 groups"),
        (lambda: student_from_summary([1, 2], [1], [5, 5]), "must match"),
        (lambda: student_from_summary([1, 2], [1, -1], [5, 5]), "0 or more"),
        (lambda: student_from_summary([1, 2], [0, 0], [5, 5]), "nothing to test"),
        (lambda: student_from_summary([1, 2], [1, 1], [5, 1]), "2 or more"),
        (lambda: anova_from_summary([1], [1], [5]), "two or more"),
        (lambda: welch_anova_from_summary([1, 2], [1, 0], [5, 5]), "above 0"),
        (lambda: odds_ratio_wald([[0, 0], [1, 2]]), "empty row"),
        (lambda: p_from_ratio_interval(1.0, 2.0, 1.5), "low < high"),
        (lambda: kruskal_wallis_test([[1, 1], [1]]), "not all equal"),
        (lambda: mann_whitney_test([], [1]), "none empty"),
    ],
)
def test_what_cannot_be_tested_is_refused(call, words):
    with pytest.raises(OptionError, match=words):
        call()


@pytest.mark.skipif(not (SHARED / "reference_values.json").exists(), reason="../shared/evidence is absent")
def test_birth_weight_in_r():
    values = json.loads((SHARED / "reference_values.json").read_text(encoding="utf-8"))["table1_birthwt"]
    with (SHARED / "reference_data" / "birthwt.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    weight = np.array([float(row["lwt"]) for row in rows])
    low = np.array([row["low"] == "1" for row in rows])
    race = np.array([row["race"] for row in rows])
    pair = [weight[~low], weight[low]]
    assert student_from_summary(*summary(pair)).p_value == pytest.approx(values["lwt"]["student_t_p"], rel=1e-6)
    assert welch_from_summary(*summary(pair)).p_value == pytest.approx(values["lwt"]["welch_t_p"], rel=1e-6)
    for continuity, key in ((True, "wilcoxon_correct_p"), (False, "wilcoxon_nocorrect_p_SPSS")):
        found = mann_whitney_test(*pair, continuity=continuity).p_value
        assert found == pytest.approx(values["lwt"][key], rel=1e-6)
    by_race = [weight[race == name] for name in np.unique(race)]
    assert kruskal_wallis_test(by_race).p_value == pytest.approx(values["kruskal_lwt_race_p"], rel=1e-6)
    anova = anova_from_summary(*summary(by_race))
    assert (anova.statistic, anova.p_value) == pytest.approx((values["anova_lwt_race_F"], values["anova_p"]), rel=1e-6)
