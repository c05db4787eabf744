"""The Hosmer-Lemeshow test by hand and against R."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recanal.errors import OptionError
from recanal.stats.hosmer_lemeshow import (
    hosmer_lemeshow_by_score,
    hosmer_lemeshow_degrees,
    hosmer_lemeshow_from_groups,
    hosmer_lemeshow_test,
)

SHARED = Path(__file__).parents[4] / "shared" / "evidence"


def test_groups_by_hand():
    """2, 5, 9 of 20 each against 3, 5, 8: 1/3 + 1/17 + 0 + 1/8 + 1/12."""
    test = hosmer_lemeshow_from_groups([2, 5, 9], [3, 5, 8], [20, 20, 20])
    assert test.statistic == pytest.approx(1 / 3 + 1 / 17 + 1 / 8 + 1 / 12)
    assert (test.df, test.group_count) == (1, 3)
    assert test.p_value == pytest.approx(stats.chi2.sf(test.statistic, 1))
    assert hosmer_lemeshow_from_groups([2, 5, 9], [3, 5, 8], [20, 20, 20], fitted=0).df == 3


def test_one_group_per_value_of_a_score():
    score = np.repeat([0, 1, 2, 3], 10)
    prob = np.repeat([0.1, 0.2, 0.4, 0.6], 10)
    event = np.concatenate([[1] * n + [0] * (10 - n) for n in (2, 2, 3, 7)])
    test = hosmer_lemeshow_by_score(event, prob, score)
    by_hand = hosmer_lemeshow_from_groups([2, 2, 3, 7], [1, 2, 4, 6], [10] * 4)
    assert test.statistic == pytest.approx(by_hand.statistic)
    assert (test.df, test.group_count) == (2, 4)
    joined = hosmer_lemeshow_test(event, prob, group_count=10)
    assert joined.group_count <= 4


def test_degrees_that_fit():
    assert hosmer_lemeshow_degrees(2.416, 0.2985, 0.2995) == (2,)
    assert hosmer_lemeshow_degrees(2.416, 0.0, 0.001) == ()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hosmer_lemeshow_test([0, 1], [0.2, 1.0]), "strictly between"),
        (lambda: hosmer_lemeshow_test([0, 1], [0.2]), "must be"),
        (lambda: hosmer_lemeshow_test([0, 1], [0.2, 0.3], group_count=2), "three or more"),
        (lambda: hosmer_lemeshow_test([0, 1, 0], [0.2, 0.2, 0.2]), "groups remain"),
        (lambda: hosmer_lemeshow_by_score([0, 1], [0.2, 0.3], [1]), "one score"),
        (lambda: hosmer_lemeshow_from_groups([1, 2], [1, 2], [5, 5]), "no degree"),
        (lambda: hosmer_lemeshow_from_groups([1], [1, 2], [5, 5]), "must match"),
        (lambda: hosmer_lemeshow_from_groups([1, 2, 1], [1, 2, 0], [5, 5, 5]), "0 < expected"),
        (lambda: hosmer_lemeshow_degrees(-1.0, 0.1, 0.2), "0 or more"),
    ],
)
def test_what_cannot_be_tested_is_refused(call, words):
    with pytest.raises(OptionError, match=words):
        call()


@pytest.mark.skipif(not (SHARED / "reference_values.json").exists(), reason="../shared/evidence is absent")
def test_birth_weight_in_r():
    """``ResourceSelection::hoslem.test`` with 5, 8, 10 and 12 groups."""
    reference = json.loads((SHARED / "reference_values.json").read_text(encoding="utf-8"))["logistic_birthwt"]
    with (SHARED / "reference_data" / "birthwt_predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    event, prob = ([float(row[name]) for row in rows] for name in ("low", "p_full"))
    ten = hosmer_lemeshow_test(event, prob, group_count=10)
    values = reference["hosmer_lemeshow_g10"]
    assert (ten.statistic, ten.p_value, ten.df) == pytest.approx((values["chi2"], values["p"], values["df"]), rel=1e-6)
    for groups in (5, 8, 12):
        found = hosmer_lemeshow_test(event, prob, group_count=groups).p_value
        assert found == pytest.approx(reference[f"hosmer_lemeshow_g{groups}"], rel=1e-6)
