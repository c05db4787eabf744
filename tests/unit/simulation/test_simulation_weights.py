"""Weights of least relative entropy, and columns drawn from margins."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import spearmanr

from recanal.errors import StudyError
from recanal.simulation.draws import (
    latent_normals,
    paired_by_rank,
    shares_of_latent,
    skewed_of_latent,
    whole_numbers,
)
from recanal.simulation.maximum_entropy import Margin, tilt
from recanal.simulation.plaque import COMPONENTS, Quartiles, propose_profiles
from recanal.simulation.ratio_counts import counts_of_ratio

FACES = np.arange(1.0, 7.0)


def test_a_die_with_the_mean_of_jaynes_has_weights_of_one_exponential():
    def mean(rate):
        raised = np.exp(rate * FACES)
        return raised @ FACES / raised.sum()

    rate = brentq(lambda value: mean(value) - 4.5, -2, 2)
    expected = np.exp(rate * FACES) / np.exp(rate * FACES).sum()
    found = tilt(np.zeros(6), [Margin("mean", FACES, 4.5, 1e-4)])
    assert found.weights == pytest.approx(expected, abs=1e-5)
    assert found.effective_count == pytest.approx(1 / (expected @ expected), rel=1e-4)


def test_two_margins_of_a_table_give_the_table_of_iterative_proportional_fitting():
    prior = np.array([[4.0, 1.0, 2.0], [1.0, 3.0, 2.0]])
    rows, columns = np.array([0.3, 0.7]), np.array([0.5, 0.2, 0.3])
    table = prior / prior.sum()
    for _ in range(500):
        table *= (rows / table.sum(axis=1))[:, None]
        table *= columns / table.sum(axis=0)
    row, column = np.repeat([0, 1], 3), np.tile([0, 1, 2], 2)
    margins = [Margin(f"row {i}", (row == i) * 1.0, rows[i], 1e-4) for i in (0, 1)]
    margins += [Margin(f"column {i}", (column == i) * 1.0, columns[i], 1e-4) for i in (0, 1, 2)]
    assert tilt(np.log(prior.ravel()), margins).weights == pytest.approx(table.ravel(), abs=1e-5)


def test_margins_that_contradict_each_other_meet_between_by_their_errors():
    half = np.repeat([0.0, 1.0], 50)
    found = tilt(np.zeros(100), [Margin("one", half, 0.5, 0.03), Margin("other", half, 0.6, 0.04)])
    # Weighted mean of 0.5 and 0.6 by 1 / error squared: 0.5 + 0.1 * 9 / 25.
    assert found.weights @ half == pytest.approx(0.536, abs=0.001)
    assert found.miss_sigmas == pytest.approx([0.036 / 0.03, -0.064 / 0.04], abs=0.03)


@pytest.mark.parametrize(
    ("margins", "words"),
    [
        ([], "at least one margin"),
        ([Margin("mean", FACES, 7.0, 0.1)], "'mean' asks for 7; its feature lies from 1 to 6"),
        ([Margin("mean", FACES, 3.0, 0.0)], "needs an error above 0"),
        ([Margin("mean", FACES[:5], 3.0, 0.1)], "has 5 rows, the prior 6"),
        ([Margin("low", FACES, 2.0, 0.01), Margin("high", FACES, 5.0, 0.01)], "standard errors off"),
    ],
)
def test_margins_that_cannot_be_met_are_refused_by_name(margins, words):
    with pytest.raises(StudyError, match=words):
        tilt(np.zeros(6), margins)


def test_latents_keep_their_ties_and_a_circle_is_refused():
    rng = np.random.default_rng(5)
    found = latent_normals(("c", "a", "b"), {"b": ("a", -0.6), "c": ("b", 0.5)}, 40_000, rng)
    assert np.corrcoef(found["a"], found["b"])[0, 1] == pytest.approx(-0.6, abs=0.02)
    assert np.corrcoef(found["a"], found["c"])[0, 1] == pytest.approx(-0.3, abs=0.02)
    with pytest.raises(StudyError, match="circle"):
        latent_normals(("a", "b"), {"a": ("b", 0.1), "b": ("a", 0.1)}, 10, rng)


def test_columns_have_the_margins_that_were_asked_for():
    rng = np.random.default_rng(6)
    latent = rng.standard_normal(60_000)
    assert shares_of_latent(latent, np.full(60_000, 0.2)).mean() == pytest.approx(0.2, abs=0.006)
    assert not shares_of_latent(latent, np.zeros(60_000)).any()
    values = skewed_of_latent(latent, np.full(60_000, 1.74), np.full(60_000, 1.04), skewed=True)
    assert (values.mean(), values.std()) == pytest.approx((1.74, 1.04), abs=0.03)
    assert values.min() > 0
    wires = whole_numbers(2.85, 1.21, 60_000, rng)
    assert (wires.mean(), wires.std()) == pytest.approx((2.85, 1.21), abs=0.03)
    assert wires.min() >= 1
    with pytest.raises(StudyError, match="from 0 to 1"):
        shares_of_latent(latent, np.full(60_000, 1.2))


def test_pairing_uses_each_once_and_ties_the_ranks():
    rng = np.random.default_rng(7)
    first, second = rng.exponential(size=5000), rng.normal(size=5000)
    places = paired_by_rank(first, second, 0.7, rng)
    assert sorted(places) == list(range(5000))
    # Spearman's coefficient of a bivariate normal: 6 / pi * arcsin(r / 2).
    assert spearmanr(first, second[places]).statistic == pytest.approx(6 / np.pi * np.arcsin(0.35), abs=0.03)


def test_profiles_are_whole_and_inside_their_bounds():
    lengths, volumes = Quartiles(13.0, 7.0, 22.0), Quartiles(118.0, 50.0, 188.0)
    found = propose_profiles(5000, lengths, volumes, np.random.default_rng(8))
    assert sum(found[f"{name}_percent"] for name in COMPONENTS) == pytest.approx(100)
    assert sum(found[f"{name}_mm3"] for name in COMPONENTS) == pytest.approx(found["plaque_mm3"])
    assert found["non_calcified_mm3"] + found["dense_calcium_mm3"] == pytest.approx(found["plaque_mm3"])
    assert 1.5 < found["length_mm"].min() < found["length_mm"].max() < 110
    assert np.corrcoef(np.log(found["length_mm"]), np.log(found["plaque_mm3"]))[0, 1] > 0.5


def test_quartiles_are_those_of_the_values_they_spread():
    latent = np.random.default_rng(9).standard_normal(200_000)
    values = Quartiles(13.0, 7.0, 22.0).spread_by(latent)
    assert np.quantile(values, [0.25, 0.5, 0.75]) == pytest.approx([7.0, 13.0, 22.0], rel=0.01)


def test_counts_come_back_from_an_odds_ratio_with_its_interval():
    a, b, events, others = 46, 30, 76, 131
    ratio = a * (others - b) / (b * (events - a))
    wide = np.exp(1.959964 * np.sqrt(1 / a + 1 / b + 1 / (events - a) + 1 / (others - b)))
    assert counts_of_ratio(ratio, ratio / wide, ratio * wide, events_count=events, others_count=others) == (a, b)
    with pytest.raises(StudyError, match="lies in its interval"):
        counts_of_ratio(0.5, 0.6, 0.9, events_count=76, others_count=131)
