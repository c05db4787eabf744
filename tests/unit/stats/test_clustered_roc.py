"""Clustered areas against DeLong, the plain formula of Obuchowski and the jackknife over clusters."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.errors import StatsError
from recanal.stats.clustered_roc import auc_clustered, compare_clustered_auc
from recanal.stats.roc import auc_delong, compare_paired_auc


@pytest.fixture
def lesions():
    rng = np.random.default_rng(19)
    patient = np.repeat(np.arange(150), rng.integers(1, 4, 150))
    shift = rng.normal(size=150)[patient]
    events = (rng.random(len(patient)) < 1 / (1 + np.exp(-shift))).astype(int)
    scores = np.round(0.8 * events + shift + rng.normal(size=len(patient)), 1)
    return scores, events, patient


def test_one_row_per_cluster_is_delong(lesions):
    scores, events, _ = lesions
    rows = np.arange(len(scores))
    plain, found = auc_delong(scores, events), auc_clustered(scores, events, rows)
    assert (found.auc, found.standard_error) == pytest.approx((plain.auc, plain.standard_error), rel=1e-12)
    other = scores + np.random.default_rng(1).normal(size=len(rows))
    paired, tested = compare_paired_auc(scores, other, events), compare_clustered_auc(scores, other, events, rows)
    assert (tested.statistic, tested.p_value) == pytest.approx((paired.statistic, paired.p_value), rel=1e-10)


def test_error_is_the_plain_formula(lesions):
    """Obuchowski 1997, equations for S10, S01 and S11, by loops over patients."""
    scores, events, patient = lesions
    high, low = scores[events == 1], scores[events == 0]
    area = np.mean([(x > low).mean() + 0.5 * (x == low).mean() for x in high])
    s10 = s01 = s11 = 0.0
    with_event = without = 0
    for one in np.unique(patient):
        rows = patient == one
        x = sum((v > low).mean() + 0.5 * (v == low).mean() - area for v in scores[rows & (events == 1)])
        y = sum((v < high).mean() + 0.5 * (v == high).mean() - area for v in scores[rows & (events == 0)])
        with_event += (rows & (events == 1)).any()
        without += (rows & (events == 0)).any()
        s10, s01, s11 = s10 + x * x, s01 + y * y, s11 + x * y
    m, n, count = len(high), len(low), len(np.unique(patient))
    s10 *= with_event / ((with_event - 1) * m)
    s01 *= without / ((without - 1) * n)
    s11 *= count / (count - 1)
    found = auc_clustered(scores, events, patient)
    assert found.auc == pytest.approx(area, rel=1e-12)
    assert found.standard_error**2 == pytest.approx(s10 / m + s01 / n + 2 * s11 / (m * n), rel=1e-10)


def test_error_agrees_with_leaving_patients_out(lesions):
    scores, events, patient = lesions
    left_out = [auc_delong(scores[patient != one], events[patient != one]).auc for one in np.unique(patient)]
    jackknife = np.sqrt(149 / 150 * ((left_out - np.mean(left_out)) ** 2).sum())
    assert auc_clustered(scores, events, patient).standard_error == pytest.approx(jackknife, rel=0.05)


def test_equal_rows_of_a_patient_tell_no_more(lesions):
    scores, events, _ = lesions
    once = auc_clustered(scores, events, np.arange(len(scores))).standard_error
    twice = auc_clustered(np.tile(scores, 2), np.tile(events, 2), np.tile(np.arange(len(scores)), 2)).standard_error
    assert twice == pytest.approx(once, rel=1e-10)
    assert auc_delong(np.tile(scores, 2), np.tile(events, 2)).standard_error < 0.75 * once


def test_wrong_use_is_refused(lesions):
    scores, events, patient = lesions
    with pytest.raises(StatsError, match="order the rows alike"):
        compare_clustered_auc(scores, 2 * scores, events, patient)
    with pytest.raises(StatsError, match="All events come from one cluster"):
        auc_clustered([1, 2, 3, 4], [1, 1, 0, 0], ["a", "a", "b", "c"])
    with pytest.raises(StatsError, match="without a cluster"):
        auc_clustered([1, 2, 3, 4], [1, 1, 0, 0], ["a", None, "b", "c"])
    with pytest.raises(StatsError, match="one length"):
        auc_clustered([1, 2, 3], [1, 1, 0, 0], ["a", "d", "b", "c"])
