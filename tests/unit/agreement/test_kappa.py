"""Coefficients of agreement against printed examples, scikit-free hand computation and the jackknife."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats import inter_rater

from recanal.agreement.kappa import cohen_kappa, fleiss_kappa, gwet_coefficient
from recanal.errors import OptionError, StatsError

# Krippendorff's example as used by Gwet (Handbook of Inter-Rater Reliability) and in the package irrCAC.
GWET = [
    *([1, 1, None, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4]),
    *([4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [None, 5, 5, 5], [None, None, 1, 1], [None, None, 3, None]),
]


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def pairs(table):
    """Two raters' columns from a square table of counts."""
    cells = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return [i for i, _ in cells], [j for _, j in cells]


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_cohen_repeats_statsmodels(rng, weights):
    table = rng.integers(1, 12, size=(4, 4))
    expected = inter_rater.cohens_kappa(table, wt={"none": None}.get(weights, weights))
    kappa = cohen_kappa(*pairs(table), weights=weights)
    assert kappa.value == pytest.approx(expected.kappa, rel=1e-12)
    assert kappa.standard_error == pytest.approx(expected.std_kappa, rel=1e-10)
    assert kappa.statistic == pytest.approx(expected.kappa / expected.std_kappa0, rel=1e-10)
    assert (kappa.low, kappa.high) == pytest.approx((expected.kappa_low, expected.kappa_upp), rel=1e-9)


def test_cohen_of_a_square_table_by_hand():
    """40 + 30 of 100 agree; margins 50/50 and 60/40 give 0.5 by chance; kappa 0.4, PABAK 2 * 0.7 - 1 = 0.4."""
    kappa = cohen_kappa(*pairs([[40, 10], [20, 30]]))
    assert (kappa.observed_share, kappa.expected_share) == pytest.approx((0.7, 0.5))
    assert kappa.value == pytest.approx(0.4)
    assert kappa.adjusted_value == pytest.approx(0.4)


def test_quadratic_kappa_of_equal_margins_is_a_correlation(rng):
    table = rng.integers(1, 9, size=(5, 5))
    one, two = pairs(table + table.T)
    assert cohen_kappa(one, two, weights="quadratic").value == pytest.approx(np.corrcoef(one, two)[0, 1], rel=1e-12)


def test_an_unused_category_changes_weighted_kappa_alone():
    one, two = [1, 2, 4, 4, 2, 1, 4], [1, 2, 4, 2, 2, 2, 4]
    wide = {w: cohen_kappa(one, two, weights=w, categories=[1, 2, 3, 4]).value for w in ("none", "linear")}
    assert wide["none"] == pytest.approx(cohen_kappa(one, two).value)
    assert wide["linear"] != pytest.approx(cohen_kappa(one, two, weights="linear").value, abs=1e-3)


def test_fleiss_repeats_statsmodels_and_the_jackknife(rng):
    ratings = rng.integers(0, 3, size=(40, 1)) + (rng.random((40, 4)) < 0.3)
    counts, _ = inter_rater.aggregate_raters(ratings)
    kappa = fleiss_kappa(ratings)
    assert kappa.value == pytest.approx(inter_rater.fleiss_kappa(counts), rel=1e-12)
    left_out = [inter_rater.fleiss_kappa(np.delete(counts, i, axis=0)) for i in range(40)]
    jackknife = np.sqrt(39 * np.var(left_out))
    assert kappa.standard_error == pytest.approx(jackknife, rel=0.05)


def test_gwet_repeats_the_published_example():
    """irrCAC prints 0.77544, standard error 0.14295, interval (0.461, 1), pa 0.81818 and pe 0.19032."""
    gwet = gwet_coefficient(GWET)
    assert gwet.value == pytest.approx(0.77544, abs=5e-6)
    assert gwet.standard_error == pytest.approx(0.14295, abs=5e-6)
    assert (gwet.low, gwet.high) == pytest.approx((0.461, 1.0), abs=5e-4)
    assert (gwet.observed_share, gwet.expected_share) == pytest.approx((0.81818, 0.19032), abs=5e-6)


def test_gwet_of_two_raters_by_hand():
    """Of 10 subjects 8 agree; shares 0.8 and 0.2 give 2 * 0.8 * 0.2 = 0.32 by chance: (0.8 - 0.32) / 0.68."""
    one, two = [1] * 8 + [2] * 2, [1] * 7 + [2] + [1] + [2]
    assert gwet_coefficient(np.column_stack([one, two])).value == pytest.approx(0.48 / 0.68)


def test_weights_give_credit_for_near_agreement():
    table = np.column_stack([[1, 2, 3, 4, 1, 2, 3, 4], [1, 2, 3, 4, 2, 3, 4, 3]])
    plain, near = (gwet_coefficient(table, weights=w) for w in ("none", "quadratic"))
    assert (plain.name, near.name) == ("Gwet AC1", "Gwet AC2")
    assert near.value > plain.value


def test_perfect_agreement_has_no_error_to_test_against():
    gwet = gwet_coefficient([[1, 1], [2, 2], [1, 1]])
    assert (gwet.value, gwet.standard_error) == (1.0, 0.0)
    assert gwet.to_dict()["p_value"] is None


def test_what_cannot_be_used_is_refused():
    with pytest.raises(OptionError, match="weights must be one of"):
        cohen_kappa([1, 2], [1, 2], weights="cubic")
    with pytest.raises(StatsError, match="got 2 and 3 rows"):
        cohen_kappa([1, 2], [1, 2, 2])
    with pytest.raises(StatsError, match="one category alone"):
        cohen_kappa([1, 1], [1, 1])
    with pytest.raises(StatsError, match="A rating is missing"):
        fleiss_kappa([[1, 2], [None, 1]])
    with pytest.raises(StatsError, match="not listed"):
        cohen_kappa([1, 2], [1, 3], categories=[1, 2])
    with pytest.raises(StatsError, match="rated by two raters"):
        gwet_coefficient([[1, None], [None, 2]])
    with pytest.raises(StatsError, match="Weighted agreement of words needs their order"):
        cohen_kappa(["mild", "severe"], ["mild", "mild"], weights="linear")
    with pytest.raises(StatsError, match="Weighted agreement of words"):
        gwet_coefficient([["mild", "severe"], ["mild", "mild"]], weights="linear")
    ordered = cohen_kappa(["mild", "severe"], ["mild", "none"], weights="linear", categories=["none", "mild", "severe"])
    assert ordered.categories == ("none", "mild", "severe")
    with pytest.raises(StatsError, match="no order"):
        cohen_kappa([1, "a"], [1, "a"])
