"""Cumulative incidence and Gray's test against identities and hand computation."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.errors import StatsError
from recanal.survival.incidence import cumulative_incidence, gray_test, incidence_at
from recanal.survival.kaplan_meier import kaplan_meier, log_rank_test


@pytest.fixture
def followed():
    rng = np.random.default_rng(6)
    times = rng.exponential(2.0, 300).round(1) + 0.1
    return times, rng.choice([0, 1, 2], 300, p=[0.3, 0.4, 0.3]), rng.integers(0, 2, 300)


def test_incidence_by_hand():
    """Five cases: event 1, competing 2, censored 3, event 4 (one of two left), censored 5."""
    curve = cumulative_incidence([1, 2, 3, 4, 5], [1, 2, 0, 1, 0])
    assert curve.incidence_share == pytest.approx((1 / 5, 1 / 5, 1 / 5 + 3 / 5 * 1 / 2))
    assert curve.at_risk_count == (5, 4, 2)
    assert curve.events_count == (1, 0, 1)


def test_incidences_and_survival_add_up_to_one(followed):
    times, causes, _ = followed
    at = [1.0, 2.5, 4.0]
    free = kaplan_meier(times, causes > 0)
    for time in at:
        parts = [incidence_at(cumulative_incidence(times, causes, cause=cause), [time])[0].value for cause in (1, 2)]
        step = np.searchsorted(free.time_value, time, side="right") - 1
        assert sum(parts) + free.survival_share[step] == pytest.approx(1.0, abs=1e-12)


def test_without_competing_events_it_is_one_minus_kaplan_meier(followed):
    times, causes, _ = followed
    curve, free = cumulative_incidence(times, causes == 1), kaplan_meier(times, causes == 1)
    assert curve.incidence_share == pytest.approx([1 - share for share in free.survival_share], abs=1e-12)
    assert curve.standard_error[10] == pytest.approx(free.standard_error[10], rel=0.01)


def test_without_censoring_it_is_a_share(followed):
    times, causes, _ = followed
    causes = np.where(causes == 0, 2, causes)
    last = incidence_at(cumulative_incidence(times, causes), [times.max()])[0]
    share = (causes == 1).mean()
    assert last.value == pytest.approx(share, abs=1e-12)
    assert last.standard_error == pytest.approx(np.sqrt(share * (1 - share) / 300), rel=0.01)
    assert 0 < last.low < share < last.high < 1


def test_error_agrees_with_the_bootstrap(followed):
    times, causes, _ = followed
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(400):
        rows = rng.integers(0, 300, 300)
        draws.append(incidence_at(cumulative_incidence(times[rows], causes[rows]), [2.0])[0].value)
    found = incidence_at(cumulative_incidence(times, causes), [2.0])[0]
    assert found.standard_error == pytest.approx(np.std(draws), rel=0.1)


def test_gray_without_competing_events_is_near_the_log_rank_test(followed):
    """The scores are then the same; the variances are estimated in two ways."""
    times, causes, groups = followed
    gray, rank = gray_test(times, causes == 1, groups), log_rank_test(times, causes == 1, groups)
    assert gray.statistic == pytest.approx(rank.statistic, rel=0.05)


def test_gray_has_its_size_and_sees_a_difference():
    rng = np.random.default_rng(12)
    rejected = 0
    for _ in range(300):
        times, causes = rng.exponential(size=120), rng.choice([0, 1, 2], 120)
        rejected += gray_test(times, causes, rng.integers(0, 3, 120)).p_value < 0.05
    assert 0.02 <= rejected / 300 <= 0.09
    groups = rng.integers(0, 2, 300)
    causes = np.where(rng.random(300) < 0.3 + 0.4 * groups, 1, 2)
    assert gray_test(rng.exponential(size=300), causes, groups).p_value < 1e-6


def test_order_of_rows_and_names_of_groups_do_not_matter(followed):
    times, causes, groups = followed
    turned = gray_test(times[::-1], causes[::-1], np.where(groups[::-1] == 0, "b", "a"))
    assert turned.statistic == pytest.approx(gray_test(times, causes, groups).statistic, rel=1e-10)
    assert turned.groups == ("a", "b")


def test_wrong_use_is_refused(followed):
    times, causes, _ = followed
    with pytest.raises(StatsError, match="no event 3"):
        cumulative_incidence(times, causes, cause=3)
    with pytest.raises(StatsError, match="whole numbers"):
        cumulative_incidence(causes, times)
    with pytest.raises(StatsError, match="Nobody was followed"):
        incidence_at(cumulative_incidence(times, causes), [1e6])
    with pytest.raises(StatsError, match="group of each of the 300 rows"):
        gray_test(times, causes, [None] * 300)
