"""The bootstrap and the best cut: known errors, clusters, and cuts by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from recanal.errors import OptionError, StatsError
from recanal.stats.bootstrap import best_cut, bootstrap_interval


@pytest.fixture
def rng():
    return np.random.default_rng(77)


def test_error_of_a_mean_is_the_textbook_one(rng):
    values = rng.normal(size=120)
    found = bootstrap_interval(lambda rows: float(values[rows].mean()), np.arange(120), rng=rng, draws_count=3000)
    assert found.value == pytest.approx(values.mean())
    assert found.standard_error == pytest.approx(values.std() / math.sqrt(120), rel=0.05)


def test_corrected_interval_repeats_scipy(rng):
    values = rng.exponential(size=60)
    found = bootstrap_interval(
        lambda rows: float(values[rows].var()), np.arange(60), rng=rng, draws_count=6000, method="bca"
    )
    expected = stats.bootstrap((values,), np.var, n_resamples=6000, method="BCa", rng=np.random.default_rng(1))
    assert (found.low, found.high) == pytest.approx(expected.confidence_interval, rel=0.08)


def test_patients_are_drawn_whole(rng):
    """Four equal rows per patient tell no more than one."""
    values = np.repeat(rng.normal(size=50), 4)
    patients = np.repeat(np.arange(50), 4)
    by_patient = bootstrap_interval(lambda rows: float(values[rows].mean()), patients, rng=rng)
    by_row = bootstrap_interval(lambda rows: float(values[rows].mean()), np.arange(200), rng=rng)
    assert by_patient.standard_error == pytest.approx(2 * by_row.standard_error, rel=0.1)


def test_the_same_seed_gives_the_same_interval():
    values = np.arange(30.0)
    one, two = (
        bootstrap_interval(lambda rows: float(np.median(values[rows])), np.arange(30), rng=np.random.default_rng(4))
        for _ in range(2)
    )
    assert one == two


def test_best_cut_by_hand(rng):
    """Calcium 1 to 8: events at 4, 6, 7, 8; the cut 6 keeps 3 of 4 events and spares 4 of 4 others."""
    scores, events = [1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 1, 0, 1, 1, 1]
    found = best_cut(scores, events, np.arange(8), rng=rng)
    assert found.threshold.value == 4  # sensitivity 1, specificity 3/4: equal to the cut 6, and lower
    assert (found.sensitivity.value, found.specificity.value) == (1.0, 0.75)
    assert found.threshold.low <= 4 <= found.threshold.high
    assert best_cut(scores, events, np.arange(8), rng=rng, criterion="closest").threshold.value == 4


def test_closest_cut_differs_where_the_curve_leans(rng):
    """Cut 2: sensitivity 1, specificity 0.4 (sum 1.4, distance 0.36). Cut 3: 0.6 and 0.78 (1.38, 0.2084)."""
    scores = [2] * 40 + [3] * 60 + [1] * 40 + [2] * 38 + [3] * 22
    events = [1] * 100 + [0] * 100
    youden = best_cut(scores, events, np.arange(200), rng=rng)
    closest = best_cut(scores, events, np.arange(200), rng=rng, criterion="closest")
    assert (youden.threshold.value, closest.threshold.value) == (2, 3)


def test_a_cut_found_on_the_data_flatters(rng):
    """The score says nothing: any cut seems to tell something, and the optimism says how much."""
    found = best_cut(rng.normal(size=80), rng.integers(0, 2, 80), np.arange(80), rng=rng, draws_count=500)
    apparent = found.sensitivity.value + found.specificity.value - 1
    assert apparent > 0.03
    assert found.optimism_share > 0.3 * apparent


def test_interval_of_a_cut_narrows_with_size(rng):
    widths = []
    for size in (100, 3000):
        events = rng.integers(0, 2, size)
        found = best_cut(rng.normal(size=size) + 2 * events, events, np.arange(size), rng=rng, draws_count=400)
        widths.append(found.threshold.high - found.threshold.low)
        assert found.threshold.low <= 1.0 <= found.threshold.high
    assert widths[1] < widths[0]


def test_wrong_use_is_refused(rng):
    rows = np.arange(20)
    with pytest.raises(OptionError, match="200 draws or more"):
        bootstrap_interval(lambda _: 1.0, rows, rng=rng, draws_count=50)
    with pytest.raises(OptionError, match="method must be one of"):
        bootstrap_interval(lambda _: 1.0, rows, rng=rng, method="basic")
    with pytest.raises(StatsError, match="no finite number"):
        bootstrap_interval(lambda _: math.nan, rows, rng=rng)
    with pytest.raises(StatsError, match="one side of the estimate"):
        bootstrap_interval(lambda r: float(len(np.unique(r))), rows, rng=rng, method="bca")
    with pytest.raises(OptionError, match="criterion must be one of"):
        best_cut([1, 2, 3, 4], [0, 1, 0, 1], [1, 2, 3, 4], rng=rng, criterion="cost")
    with pytest.raises(StatsError, match="'scores' is constant"):
        best_cut([1, 1, 1, 1], [0, 1, 0, 1], [1, 2, 3, 4], rng=rng)
    with pytest.raises(OptionError, match="200 draws or more"):
        best_cut([1, 2, 3, 4], [0, 1, 0, 1], [1, 2, 3, 4], rng=rng, draws_count=3)
