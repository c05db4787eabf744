"""Continuous variables against scipy, hand computation and R."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recanal.errors import OptionError, StatsError
from recanal.stats.continuous import (
    choose_continuous,
    compare_groups,
    describe,
    quantiles,
    standardised_difference,
    standardised_difference_of_counts,
)

SHARED = Path(__file__).parents[4] / "shared" / "evidence"
needs_reference = pytest.mark.skipif(
    not (SHARED / "reference_values.json").exists(), reason="../shared/evidence is absent"
)


@pytest.fixture
def rng():
    return np.random.default_rng(21)


@pytest.fixture
def weights():
    with (SHARED / "reference_data" / "birthwt.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    values = {low: [float(row["lwt"]) for row in rows if row["low"] == low] for low in ("0", "1")}
    races = sorted({row["race"] for row in rows})
    return values, {race: [float(row["lwt"]) for row in rows if row["race"] == race] for race in races}


@pytest.fixture
def reference():
    return json.loads((SHARED / "reference_values.json").read_text(encoding="utf-8"))["table1_birthwt"]


def test_quartiles_of_spss_and_r_by_hand():
    """Hyndman and Fan 1996: positions (n + 1) p and (n - 1) p + 1 among 1, 2, 4, 8, 16."""
    assert quantiles([16, 1, 8, 2, 4], [0.25, 0.75], quantile_type="type6") == (1.5, 12.0)
    assert quantiles([16, 1, 8, 2, 4], [0.25, 0.75], quantile_type="type7") == (2.0, 8.0)


def test_description_counts_what_is_missing():
    shown = describe([3.0, math.nan, 1.0, 2.0], name="length_mm")
    assert (shown.count, shown.missing_count, shown.mean_value, shown.sd_value) == (3, 1, 2.0, 1.0)
    assert describe([5.0]).sd_value is None
    assert describe([0, 0, 1, 3, 9]).skewness_value == pytest.approx(float(stats.skew([0, 0, 1, 3, 9], bias=False)))
    with pytest.raises(StatsError, match="'length_mm' needs 1 or more rows, got 0"):
        describe([math.nan], name="length_mm")


@pytest.mark.parametrize(("test", "equal"), [("student", True), ("welch", False)])
def test_t_tests_repeat_scipy(rng, test, equal):
    one, two = rng.normal(size=12), rng.normal(0.5, 2.0, size=20)
    expected = stats.ttest_ind(one, two, equal_var=equal)
    interval = expected.confidence_interval(0.9)
    got = compare_groups({"a": one, "b": two}, test=test, level=0.9)
    assert (got.statistic, got.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)
    assert (got.difference.low, got.difference.high) == pytest.approx((interval.low, interval.high), rel=1e-10)


def test_equal_means_still_have_an_interval():
    for test in ("student", "welch"):
        found = compare_groups({"a": [1.0, 2.0, 3.0], "b": [0.0, 2.0, 4.0]}, test=test)
        assert (found.difference.value, found.p_value) == (0.0, 1.0)
        assert found.difference.low == pytest.approx(-found.difference.high)
        assert found.difference.standard_error == pytest.approx(math.sqrt(1 / 3 + 4 / 3))


def test_several_groups_repeat_scipy(rng):
    groups = {name: rng.normal(shift, 1.0, size=15) for name, shift in (("a", 0.0), ("b", 0.3), ("c", 0.9))}
    values = list(groups.values())
    for test, expected in (
        ("anova", stats.f_oneway(*values)),
        ("welch_anova", stats.f_oneway(*values, equal_var=False)),
        ("kruskal_wallis", stats.kruskal(*values)),
    ):
        got = compare_groups(groups, test=test)
        assert (got.statistic, got.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
        assert got.difference is None


def test_mann_whitney_shift_is_the_median_of_all_differences(rng):
    one, two = rng.normal(size=30), rng.normal(1.0, 1.0, size=25)
    got = compare_groups({"a": one, "b": two}, test="mann_whitney", continuity=True)
    expected = stats.mannwhitneyu(one, two, method="asymptotic")
    assert got.p_value == pytest.approx(expected.pvalue, rel=1e-10)
    assert got.difference.value == pytest.approx(np.median(np.subtract.outer(one, two)))
    # A shift just inside a limit is not rejected, one well outside is.
    inside = stats.mannwhitneyu(one - got.difference.low - 1e-9, two, method="asymptotic", use_continuity=False)
    outside = stats.mannwhitneyu(one - got.difference.low + 0.2, two, method="asymptotic", use_continuity=False)
    assert inside.pvalue >= 0.049
    assert outside.pvalue < 0.05


@needs_reference
def test_description_and_tests_repeat_r(weights, reference):
    values, races = weights
    expected = reference["lwt"]
    low = describe(values["1"])
    spss = describe(values["1"], quantile_type="type6")
    assert [low.mean_value, low.sd_value] == pytest.approx(expected["mean_sd_low1"], rel=1e-9)
    assert [low.median_value, low.q1_value, low.q3_value] == expected["median_iqr_type7_low1"]
    assert [spss.median_value, spss.q1_value, spss.q3_value] == expected["median_iqr_type6_SPSS_low1"]
    both = {"low": values["1"], "normal": values["0"]}
    for test, name, correct in (
        ("student", "student_t_p", False),
        ("welch", "welch_t_p", False),
        ("mann_whitney", "wilcoxon_nocorrect_p_SPSS", False),
        ("mann_whitney", "wilcoxon_correct_p", True),
    ):
        assert compare_groups(both, test=test, continuity=correct).p_value == pytest.approx(expected[name], rel=1e-6)
    smd = standardised_difference(values["1"], values["0"])
    assert smd.value == pytest.approx(expected["smd_pooled"], rel=1e-9)
    assert compare_groups(races, test="anova").statistic == pytest.approx(reference["anova_lwt_race_F"], rel=1e-9)
    assert compare_groups(races, test="anova").p_value == pytest.approx(reference["anova_p"], rel=1e-6)
    kruskal = compare_groups(races, test="kruskal_wallis").p_value
    assert kruskal == pytest.approx(reference["kruskal_lwt_race_p"], rel=1e-6)


def test_rule_sets_choose_as_they_say(rng):
    normal = {"a": stats.norm.ppf((np.arange(40) + 0.5) / 40), "b": stats.norm.ppf((np.arange(30) + 0.5) / 30)}
    skewed = {**normal, "b": np.exp(2 * normal["b"])}
    three = {**normal, "c": normal["a"] + 1}
    assert [choose_continuous(g, rules="spss").test for g in (normal, skewed, three)] == [
        "student",
        "mann_whitney",
        "anova",
    ]
    assert [choose_continuous(g).test for g in (normal, skewed, three)] == ["welch", "mann_whitney", "welch_anova"]
    choice = choose_continuous(skewed, rules="spss")
    assert (choice.summary, choice.quantile_type) == ("median_iqr", "type6")
    assert choice.reason.startswith("a: Shapiro-Wilk P ")
    assert "skewness" in choose_continuous(skewed).reason


def test_rule_sets_differ_on_a_mildly_skewed_large_group():
    mild = stats.gamma.ppf((np.arange(1000) + 0.5) / 1000, 6.0)  # skewness about 0.8
    groups = {"a": mild, "b": mild + 1}
    assert choose_continuous(groups, rules="spss").test == "mann_whitney"
    assert choose_continuous(groups).test == "welch"


def test_a_group_without_spread_goes_to_ranks():
    assert choose_continuous({"a": [1, 1, 1], "b": [1, 2, 3]}).test == "mann_whitney"


def test_standardised_differences_by_hand():
    """Shares 0.3 and 0.2: 0.1 / sqrt((0.21 + 0.16) / 2)."""
    assert standardised_difference_of_counts([[30, 20], [70, 80]]).value == pytest.approx(0.1 / math.sqrt(0.185))
    table = np.array([[10, 30], [20, 40], [70, 30]])
    p, q = table[:, 0] / 100, table[:, 1] / 100
    spread = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    distance = math.sqrt((p - q) @ np.linalg.pinv(spread) @ (p - q))
    assert standardised_difference_of_counts(table).value == pytest.approx(distance, rel=1e-10)


def test_what_cannot_be_used_is_refused():
    with pytest.raises(OptionError, match="takes two groups, got 3"):
        compare_groups({"a": [1, 2], "b": [1, 3], "c": [2, 3]}, test="student")
    with pytest.raises(OptionError, match="test must be one of"):
        compare_groups({"a": [1, 2], "b": [1, 3]}, test="z")
    with pytest.raises(StatsError, match="'failed' has 1 missing"):
        compare_groups({"crossed": [1, 2], "failed": [1, math.nan]}, test="welch")
    with pytest.raises(StatsError, match="two or more groups"):
        choose_continuous({"a": [1, 2]})
    with pytest.raises(OptionError, match="rules must be one of"):
        choose_continuous({"a": [1, 2], "b": [2, 3]}, rules="sas")
    with pytest.raises(OptionError, match="quantile_type must be one of"):
        quantiles([1, 2], [0.5], quantile_type="type9")
    with pytest.raises(StatsError, match="Neither group varies"):
        standardised_difference([1, 1], [1, 1])
    with pytest.raises(StatsError, match="one group alone"):
        standardised_difference_of_counts([[10, 0], [0, 10]])
