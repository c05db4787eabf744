"""Tests of counts against SciPy, R and enumeration by hand."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from recanal.errors import OptionError
from recanal.stats.contingency import (
    choose_count_test,
    cochran_armitage_test,
    expected_counts,
    fisher_exact_test,
    fisher_freeman_halton_statistic,
    fisher_freeman_halton_test,
    likelihood_ratio_test,
    n_minus_one_test,
    pearson_test,
    sampled_exact_test,
    yates_test,
)
from recanal.stats.exact_tables import exact_table_p

REFERENCE = Path(__file__).parents[4] / "shared" / "evidence" / "reference_values.json"
TABLES = [[[24, 24], [107, 52]], [[2, 8], [129, 68]], [[0, 2], [126, 73]], [[7, 5], [119, 70]], [[3, 1], [1, 3]]]
JOB = [[1, 2, 1, 0], [3, 3, 6, 1], [10, 10, 14, 9], [6, 7, 12, 11]]


@pytest.mark.parametrize("table", TABLES)
def test_chi_square_tests_agree_with_scipy(table):
    for test, options in (
        (pearson_test, {"correction": False}),
        (yates_test, {"correction": True}),
        (likelihood_ratio_test, {"correction": False, "lambda_": "log-likelihood"}),
    ):
        other = stats.chi2_contingency(table, **options)
        mine = test(table)
        assert (mine.statistic, mine.p_value, mine.df) == pytest.approx((other.statistic, other.pvalue, other.dof))
    assert expected_counts(table) == pytest.approx(stats.contingency.expected_freq(table))
    total = np.sum(table)
    plain = stats.chi2_contingency(table, correction=False).statistic
    assert n_minus_one_test(table).statistic == pytest.approx(plain * (total - 1) / total)


def test_fisher_agrees_with_scipy_on_many_tables():
    rng = np.random.default_rng(11)
    tried = 0
    for _ in range(200):
        table = rng.integers(0, 40, (2, 2))
        if table.sum(axis=0).all() and table.sum(axis=1).all():
            tried += 1
            assert fisher_exact_test(table).p_value == pytest.approx(stats.fisher_exact(table).pvalue, abs=1e-10)
    assert tried > 150


def all_tables(rows, columns):
    """Every table with these margins, by plain recursion over the cells of each row."""
    if len(rows) == 1:
        yield [list(columns)]
        return
    for first in product(*(range(min(rows[0], column) + 1) for column in columns)):
        if sum(first) == rows[0]:
            left = [column - cell for column, cell in zip(columns, first, strict=True)]
            for others in all_tables(rows[1:], left):
                yield [list(first), *others]


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (3, 3), (2, 5), (4, 2), (3, 4)])
def test_the_exact_p_value_is_that_of_enumeration(shape):
    rng = np.random.default_rng(sum(shape))
    for _ in range(6):
        table = rng.integers(0, 4, shape)
        if not (table.sum(axis=0).all() and table.sum(axis=1).all()):
            continue
        weights = [
            math.prod(1 / math.factorial(cell) for line in other for cell in line)
            for other in all_tables(table.sum(axis=1).tolist(), table.sum(axis=0).tolist())
        ]
        own = math.prod(1 / math.factorial(int(cell)) for cell in table.ravel())
        by_hand = sum(weight for weight in weights if weight <= own * (1 + 1e-7)) / sum(weights)
        assert exact_table_p(table) == pytest.approx(by_hand, rel=1e-9)
        assert exact_table_p(table.T) == pytest.approx(by_hand, rel=1e-9)


def test_job_satisfaction_in_r():
    """R 4, ``fisher.test(Job)`` in its help page: 0.7827."""
    assert exact_table_p(np.array(JOB)) == pytest.approx(0.7827, abs=5e-5)


def test_too_much_work_gives_none():
    assert fisher_freeman_halton_test(JOB, most_paths=1000).p_value is None


@pytest.mark.parametrize("table", [JOB, [[73, 15, 42], [23, 11, 25]], [[30, 9], [12, 14], [1, 3]]])
def test_random_tables_come_near_the_exact_p_value(table):
    exact = exact_table_p(np.array(table))
    error = math.sqrt(exact * (1 - exact) / 100_000)
    assert sampled_exact_test(table).p_value == pytest.approx(exact, abs=4 * error)


def test_a_large_table_with_a_rare_level_is_sampled_and_says_so():
    table = [[3336, 3288, 3281], [1947, 2062, 2014], [1382, 1314, 1370], [1, 2, 1]]
    found = choose_count_test(table, rule="spss")
    assert found.name == "Fisher-Freeman-Halton, sampled"
    assert found.rule.endswith("too many tables to go through, 100,000 drawn")
    assert found.p_value == choose_count_test(table, rule="spss").p_value
    # SciPy's random tables are ordered by chi-square, not by probability: near, not the same
    way = stats.MonteCarloMethod(n_resamples=2000, rng=np.random.default_rng(3))
    other = stats.chi2_contingency(table, correction=False, method=way)
    assert found.p_value == pytest.approx(other.pvalue, abs=0.08)


def test_the_statistic_of_the_exact_test_is_near_pearson_in_a_large_table():
    table = [[300, 320, 280], [310, 290, 300]]
    assert fisher_freeman_halton_statistic(table) == pytest.approx(pearson_test(table).statistic, abs=0.02)
    assert fisher_freeman_halton_test(table).p_value == pytest.approx(by_grid(np.array(table)), rel=1e-9)


def by_grid(table):
    """The exact P value of a 2 x 3 table over the grid of its two free cells."""
    (c1, c2, c3), first = table.sum(axis=0), table[0].sum()
    a, b = np.arange(c1 + 1)[:, None], np.arange(c2 + 1)[None, :]
    d = first - a - b
    fits = (d >= 0) & (d <= c3)
    d = np.where(fits, d, 0)
    log_weight = -sum(special.gammaln(cell + 1.0) for cell in (a, b, d, c1 - a, c2 - b, c3 - d))
    weight = np.where(fits, np.exp(log_weight - log_weight[fits].max()), 0.0)
    own = -special.gammaln(table + 1.0).sum()
    return weight[fits & (log_weight <= own + 1e-7)].sum() / weight.sum()


def test_no_correction_beyond_the_difference():
    """With 0.3 between observed and expected, half a unit would overshoot; the test then says 0."""
    table = [[5, 5], [10, 11]]
    assert yates_test(table).statistic == 0.0
    assert yates_test(table).p_value == 1.0


def test_trend_by_hand():
    """Armitage's formula with 1/10, 3/10, 5/10: share 0.3, variance 0.3 0.7 20 = 4.2, z = 4/sqrt(4.2)."""
    test = cochran_armitage_test([1, 3, 5], [10, 10, 10])
    assert test.statistic == pytest.approx(4 / math.sqrt(4.2))
    assert test.p_value == pytest.approx(2 * stats.norm.sf(4 / math.sqrt(4.2)))
    assert cochran_armitage_test([5, 3, 1], [10, 10, 10]).statistic == pytest.approx(-4 / math.sqrt(4.2))


@pytest.mark.parametrize(
    ("table", "spss", "recommended"),
    [
        ([[24, 24], [107, 52]], "Pearson", "N-1 chi-square"),
        ([[2, 8], [129, 68]], "Yates", "N-1 chi-square"),
        ([[0, 2], [126, 73]], "Fisher", "Fisher"),
        ([[102, 21, 7, 1], [1, 3, 6, 3]], "Fisher-Freeman-Halton", "Fisher-Freeman-Halton"),
        ([[20, 20, 20, 20, 20], [20, 20, 20, 20, 4]], "Pearson", "Pearson"),
        ([[20, 20, 20, 20, 6], [20, 20, 20, 20, 2]], "Fisher-Freeman-Halton", "Pearson"),
    ],
)
def test_rules_choose_by_expected_counts(table, spss, recommended):
    assert choose_count_test(table, rule="spss").name == spss
    chosen = choose_count_test(table)
    assert chosen.name == recommended
    assert chosen.rule.startswith("recommended: smallest expected count")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[1, 2]], "two or more rows"),
        ([[1, -1], [2, 3]], "0 or more"),
        ([[1, float("nan")], [2, 3]], "0 or more"),
        ([[0, 0], [2, 3]], "empty"),
    ],
)
def test_what_is_no_table_is_refused(table, words):
    with pytest.raises(OptionError, match=words):
        pearson_test(table)


def test_other_refusals():
    with pytest.raises(OptionError, match="2 x 2"):
        yates_test([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(OptionError, match="whole"):
        fisher_exact_test([[1.5, 2], [3, 4]])
    with pytest.raises(OptionError, match="No rule"):
        choose_count_test([[1, 2], [3, 4]], rule="best")
    with pytest.raises(OptionError, match="different positions"):
        cochran_armitage_test([0, 0], [3, 4])
    with pytest.raises(OptionError, match="events <= total"):
        cochran_armitage_test([5, 0], [3, 4])
    with pytest.raises(OptionError, match="one length"):
        cochran_armitage_test([1], [3])
    with pytest.raises(OptionError, match="0 or more"):
        exact_table_p(np.array([[-1, 2], [3, 4]]))


@pytest.mark.skipif(not REFERENCE.exists(), reason="../shared/evidence/reference_values.json is absent")
def test_birth_weight_by_race_smoking_and_hypertension_in_r():
    values = json.loads(REFERENCE.read_text(encoding="utf-8"))["table1_birthwt"]
    race = [[73, 15, 42], [23, 11, 25]]
    assert pearson_test(race).statistic == pytest.approx(values["race"]["pearson_chi2"], rel=1e-9)
    assert fisher_freeman_halton_test(race).p_value == pytest.approx(values["race"]["fisher_p"], rel=1e-6)
    smoke = [[86, 44], [29, 30]]
    assert pearson_test(smoke).p_value == pytest.approx(values["smoke"]["pearson_p"], rel=1e-9)
    assert yates_test(smoke).p_value == pytest.approx(values["smoke"]["yates_p"], rel=1e-9)
    assert fisher_exact_test(smoke).p_value == pytest.approx(values["smoke"]["fisher_p"], rel=1e-6)
    hypertension = [[125, 5], [52, 7]]
    assert fisher_exact_test(hypertension).p_value == pytest.approx(values["ht"]["fisher_p"], rel=1e-6)
    assert expected_counts(hypertension).min() == pytest.approx(values["ht"]["min_expected"])
