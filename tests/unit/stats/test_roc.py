"""Areas under the curve against counting by hand, Mann-Whitney and pROC."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recanal.errors import OptionError
from recanal.stats.roc import (
    auc_delong,
    auc_from_counts,
    compare_paired_auc,
    compare_unpaired_auc,
    hanley_mcneil_error,
    roc_points,
    youden_point,
)

SHARED = Path(__file__).parents[4] / "shared" / "evidence"
needs_reference = pytest.mark.skipif(
    not (SHARED / "reference_values.json").exists(), reason="../shared/evidence is absent"
)


def plain_delong(score, event):
    """Area and variance by the double sum of DeLong 1988, equations 1 to 4."""
    high, low = score[event], score[~event]
    kernel = np.array([[1.0 if x > y else 0.5 if x == y else 0.0 for y in low] for x in high])
    return kernel.mean(), kernel.mean(axis=1).var(ddof=1) / len(high) + kernel.mean(axis=0).var(ddof=1) / len(low)


@pytest.fixture
def tied():
    rng = np.random.default_rng(5)
    event = rng.random(120) < 0.3
    return np.round(rng.normal(size=120) + event, 1), event


def test_the_area_is_that_of_the_double_sum(tied):
    score, event = tied
    area, variance = plain_delong(score, event)
    found = auc_delong(score, event)
    assert (found.auc, found.standard_error) == pytest.approx((area, math.sqrt(variance)), rel=1e-12)
    reach = stats.norm.ppf(0.975) * math.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((area - reach, area + reach))
    u = stats.mannwhitneyu(score[event], score[~event]).statistic
    assert found.auc == pytest.approx(u / event.sum() / (~event).sum())


def test_counts_give_the_same_as_the_cases(tied):
    score, event = np.round(tied[0]), tied[1]
    values = np.unique(score)
    counts = [[int((event[score == value] == kind).sum()) for value in values] for kind in (True, False)]
    one, other = auc_from_counts(*counts), auc_delong(score, event)
    assert (one.auc, one.standard_error) == pytest.approx((other.auc, other.standard_error))
    assert (one.events_count, one.others_count) == (other.events_count, other.others_count)


def test_a_perfect_score_has_no_error():
    found = auc_delong([1, 2, 3, 4], [0, 0, 1, 1])
    assert (found.auc, found.standard_error, found.high) == (1.0, 0.0, 1.0)


def test_a_hundred_thousand_cases_take_no_matrix():
    rng = np.random.default_rng(1)
    event = rng.random(100_000) < 0.1
    found = auc_delong(rng.normal(size=100_000) + event, event)
    assert found.auc == pytest.approx(stats.norm.cdf(1 / math.sqrt(2)), abs=0.01)


def test_hanley_and_mcneil_by_hand():
    """A = 0.8, 10 and 20 cases: Q1 = 2/3, Q2 = 32/45."""
    spread = 0.16 + 9 * (2 / 3 - 0.64) + 19 * (32 / 45 - 0.64)
    error = hanley_mcneil_error(0.8, events_count=10, others_count=20)
    assert error == pytest.approx(math.sqrt(spread / 200))


def test_points_and_youden_by_hand():
    points = roc_points([1, 1, 2, 3, 3], [0, 0, 1, 0, 1])
    assert [(p.threshold, p.sensitivity_share, round(p.specificity_share, 4)) for p in points] == [
        (1, 1.0, 0.0),
        (2, 1.0, 0.6667),
        (3, 0.5, 0.6667),
    ]
    assert youden_point(points).threshold == 2


@pytest.mark.parametrize(
    ("scores", "events", "words"),
    [
        ([1, 2, 3], [0, 1], "must be"),
        ([1, 2, float("nan"), 4], [0, 1, 0, 1], "finite"),
        ([1, 2, 3, 4], [0, 1, 2, 1], "0 or 1"),
        ([1, 2, 3, 4], [0, 0, 0, 1], "two events"),
    ],
)
def test_what_has_no_area_is_refused(scores, events, words):
    with pytest.raises(OptionError, match=words):
        auc_delong(scores, events)


def test_other_refusals():
    with pytest.raises(OptionError, match="level"):
        auc_delong([1, 2, 3, 4], [0, 1, 0, 1], level=95)
    with pytest.raises(OptionError, match="match"):
        auc_from_counts([1, 2], [3])
    with pytest.raises(OptionError, match="two others"):
        auc_from_counts([1, 2], [1, 0])
    with pytest.raises(OptionError, match="nothing to test"):
        compare_paired_auc([1, 2, 3, 4], [2, 4, 6, 8], [0, 1, 0, 1])
    perfect = auc_delong([1, 2, 3, 4], [0, 0, 1, 1])
    with pytest.raises(OptionError, match="Neither"):
        compare_unpaired_auc(perfect, perfect)
    with pytest.raises(OptionError, match="0 to 1"):
        hanley_mcneil_error(1.2, events_count=1, others_count=1)
    with pytest.raises(OptionError, match="no point"):
        youden_point(())


def haemorrhage():
    with (SHARED / "reference_data" / "aSAH.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    event = np.array([row["outcome"] == "Poor" for row in rows])
    columns = {name: np.array([float(row[name]) for row in rows]) for name in ("s100b", "ndka", "wfns")}
    return rows, event, columns, json.loads((SHARED / "reference_values.json").read_text(encoding="utf-8"))["roc_aSAH"]


@needs_reference
@pytest.mark.parametrize("name", ["s100b", "ndka", "wfns"])
def test_areas_of_proc(name):
    _, event, columns, reference = haemorrhage()
    found = auc_delong(columns[name], event)
    values = reference[name]
    assert found.auc == pytest.approx(values["auc"], rel=1e-6)
    assert found.standard_error**2 == pytest.approx(values["delong_var"], rel=1e-6)
    assert (found.low, found.high) == pytest.approx(values["delong_ci95"], rel=1e-6)


@needs_reference
def test_comparisons_of_proc():
    rows, event, columns, reference = haemorrhage()
    for pair, values in reference["paired_delong"].items():
        one, other = pair.split("_vs_")
        test = compare_paired_auc(columns[one], columns[other], event)
        assert (test.statistic, test.p_value) == pytest.approx((values["Z"], values["p"]), rel=1e-6)
    values = reference["unpaired_delong_by_gender"]
    male = np.array([row["gender"] == "Male" for row in rows])
    groups = [auc_delong(columns["s100b"][chosen], event[chosen]) for chosen in (male, ~male)]
    test = compare_unpaired_auc(*groups)
    assert abs(test.statistic) == pytest.approx(abs(values["Z"]), rel=1e-6)
    assert test.p_value == pytest.approx(values["p"], rel=1e-6)


@needs_reference
def test_the_cut_of_proc():
    _, event, columns, reference = haemorrhage()
    best, values = youden_point(roc_points(columns["s100b"], event)), reference["youden_s100b"]
    assert best.sensitivity_share == pytest.approx(values["sensitivity"], rel=1e-6)
    assert best.specificity_share == pytest.approx(values["specificity"], rel=1e-6)
    below = np.max(columns["s100b"][columns["s100b"] < best.threshold])
    assert below < values["threshold"] <= best.threshold
