"""Probabilities of items and strata when measurements have intervals."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recanal.core.findings import Fact, Findings
from recanal.scores import evaluate, load_sheet_file
from recanal.scores.uncertainty import share_below

Z = 1.959963984540054


def phi(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def two_piece(rng, value, low, high, n):
    """The model itself: half of the mass on each side, each side a half-normal."""
    z = rng.standard_normal(n)
    return value + np.where(z < 0, z * (value - low), z * (high - value)) / Z


@pytest.mark.parametrize(("value", "low", "high"), [(20.0, 18.0, 25.0), (5.0, 4.9, 5.3), (0.5, 0.1, 0.6)])
def test_the_three_quantiles_are_the_interval(value, low, high):
    fact = Fact(value, "ct", low, high)
    assert share_below(fact, low) == pytest.approx(0.025, abs=1e-12)
    assert share_below(fact, high) == pytest.approx(0.975, abs=1e-12)
    assert share_below(fact, value - 1e-9) == pytest.approx(0.5, abs=1e-6)
    assert share_below(fact, value + 1e-9) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("value", [19.0, 19.9, 20.0, 20.1, 22.0])
def test_length_item_closed_form(value):
    low, high = value - 1.5, value + 4.0
    facts = Findings.from_mapping({"length_mm": {"value": value, "low": low, "high": high, "source": "ct"}})
    item = evaluate("j_cto_ct", facts).items[3]
    sd = (1.5 if value > 20 else 4.0) / Z
    expected = 0.5 if value == 20 else phi((value - 20.0) / sd)
    assert item.prob == pytest.approx(expected, abs=1e-12)
    assert item.met is (value >= 20)
    assert item.points == float(value >= 20)


def test_point_value_decides_although_the_interval_straddles():
    base = {"proximal_cap_shape": "tapered", "calcification_severe": False, "bend_max_deg": 10}
    base |= {"prior_failed_attempt": False, "length_mm": {"value": 20.5, "low": 17, "high": 23, "source": "ct"}}
    result = evaluate("j_cto_ct", Findings.from_mapping(base))
    assert (result.points, result.stratum) == (1, "intermediate")
    above = phi(0.5 / (3.5 / Z))
    assert result.stratum_probabilities == pytest.approx(
        {"easy": 1 - above, "intermediate": above, "difficult": 0.0, "very difficult": 0.0}, abs=1e-12
    )


def test_strata_agree_with_simulation():
    facts = {
        "proximal_cap_shape": {"value": "blunt", "prob": 0.7, "source": "ct"},
        "calcium_cross_section_max_ratio": {"value": 0.47, "low": 0.35, "high": 0.55, "source": "ct"},
        "bend_max_deg": {"value": 47.0, "low": 38.0, "high": 52.0, "source": "ct"},
        "length_mm": {"value": 19.0, "low": 17.5, "high": 22.0, "source": "ct"},
        "prior_failed_attempt": False,
    }
    result = evaluate("j_cto_ct", Findings.from_mapping(facts))
    rng, n = np.random.default_rng(20260101), 400_000
    points = (
        (rng.random(n) < 0.7).astype(int)
        + (two_piece(rng, 0.47, 0.35, 0.55, n) > 0.5)
        + (two_piece(rng, 47.0, 38.0, 52.0, n) > 45)
        + (two_piece(rng, 19.0, 17.5, 22.0, n) >= 20)
    )
    shares = [np.mean(points == 0), np.mean(points == 1), np.mean(points == 2), np.mean(points >= 3)]
    assert list(result.stratum_probabilities.values()) == pytest.approx(shares, abs=0.004)
    assert result.points == 2


SHARED = """
id = "shared"
name = "Shared"
citation = "A"
doi = "10.1000/x"
endpoint = "e"
trust = "read in the source"
trust_note = "-"
modality = "ct"
territory = "coronary"
derivation = "-"
range = [0, 3]

[[items]]
name = "long"
points = 1
definition = "length >= 15 mm"
source = "-"
trust = "read in the source"
test = { finding = "length_mm", op = ">=", value = 15 }

[[items]]
name = "longer"
points = 1
definition = "length >= 20 mm"
source = "-"
trust = "read in the source"
test = { finding = "length_mm", op = ">=", value = 20 }

[[items]]
name = "branch"
points = 1
definition = "side branch"
source = "-"
trust = "read in the source"
test = { finding = "proximal_side_branch", op = "is", value = true }

[[strata]]
name = "0"
max = 0
[[strata]]
name = "1"
min = 1
max = 1
[[strata]]
name = "2"
min = 2
max = 2
[[strata]]
name = "3"
min = 3
"""


def test_items_that_read_the_same_finding_are_handled_jointly():
    sheet = load_sheet_file(SHARED.encode())
    facts = {
        "length_mm": {"value": 18.0, "low": 13.0, "high": 24.0, "source": "ct"},
        "proximal_side_branch": {"value": True, "prob": 0.8, "source": "ct"},
    }
    result = evaluate(sheet, Findings.from_mapping(facts))
    p0 = phi((15 - 18) / (5 / Z))
    p2 = 1 - phi((20 - 18) / (6 / Z))
    p1 = 1 - p0 - p2
    expected = [p0 * 0.2, p0 * 0.8 + p1 * 0.2, p1 * 0.8 + p2 * 0.2, p2 * 0.8]
    assert list(result.stratum_probabilities.values()) == pytest.approx(expected, abs=1e-12)
    assert expected[0] + expected[3] != pytest.approx(p0 * (1 - p2) * 0.2 + p2 * (1 - p0) * 0.8, abs=1e-3)


def test_an_interval_of_no_width_on_one_side_holds_half_at_the_value():
    facts = {"length_mm": {"value": 20.0, "low": 20.0, "high": 26.0, "source": "ct"}}
    at_least = evaluate("j_cto_ct", Findings.from_mapping(facts)).items[3]
    more = evaluate("j_cto_ct", Findings.from_mapping(facts), variant="fujino2018").items[3]
    assert (at_least.prob, more.prob) == (1.0, 0.5)


def test_bool_probability_and_value_are_kept_apart():
    facts = {"prior_failed_attempt": {"value": False, "prob": 0.4, "source": "ct"}}
    item = evaluate("j_cto", Findings.from_mapping(facts)).items[4]
    assert (item.met, item.points, item.prob) == (False, 0.0, pytest.approx(0.4))


def test_probabilities_are_empty_while_an_item_is_unknown():
    facts = {"length_mm": {"value": 20.5, "low": 17, "high": 23, "source": "ct"}}
    result = evaluate("j_cto", Findings.from_mapping(facts))
    assert result.stratum_probabilities == {}
    assert (result.stratum_min, result.stratum_max) == ("intermediate", "very difficult")


def spread(centre_low, centre_high):
    """A number with a 95 % interval around it."""
    return st.tuples(
        st.floats(centre_low, centre_high), st.floats(0, centre_low * 0.5), st.floats(0, centre_low * 0.5)
    ).map(lambda t: {"value": t[0], "low": t[0] - t[1], "high": t[0] + t[2], "source": "ct"})


FACTS = st.fixed_dictionaries(
    {},
    optional={
        "length_mm": spread(10, 40),
        "bend_max_deg": spread(20, 80),
        "calcium_cross_section_max_ratio": spread(0.2, 0.7).filter(lambda f: f["high"] <= 1),
        "proximal_cap_shape": st.sampled_from(["blunt", "tapered", "ambiguous", "absent"]),
        "prior_failed_attempt": st.booleans(),
        "proximal_side_branch": st.floats(0.01, 0.99).map(lambda p: {"value": p > 0.5, "prob": p, "source": "ct"}),
        "calcification_any": st.just(True),
        "multiple_occlusions": st.booleans(),
        "duration_months": st.floats(3, 60),
    },
)
SHEETS = st.sampled_from(["j_cto", "j_cto_ct", "ct_rector", "kcct"])


@settings(derandomize=True, deadline=None)
@given(FACTS, SHEETS)
def test_bounds_hold_the_points_and_probabilities_sum_to_one(facts, sheet):
    result = evaluate(sheet, Findings.from_mapping(facts))
    assert result.points_min <= result.points_max
    assert result.points is None or result.points_min <= result.points <= result.points_max
    assert (result.points is None) is (result.points_min < result.points_max)
    assert bool(result.missing) is (result.points is None)
    if result.stratum_probabilities:
        assert math.fsum(result.stratum_probabilities.values()) == pytest.approx(1.0, abs=1e-12)
    for item in result.items:
        assert item.prob is None or -1e-12 <= item.prob <= 1 + 1e-12


@settings(derandomize=True, deadline=None)
@given(FACTS, SHEETS, st.randoms(use_true_random=False))
def test_more_knowledge_never_widens_the_bounds(facts, sheet, random):
    names = list(facts)
    random.shuffle(names)
    known = [evaluate(sheet, Findings.from_mapping({n: facts[n] for n in names[:k]})) for k in range(len(names) + 1)]
    for before, after in pairwise(known):
        assert before.points_min <= after.points_min <= after.points_max <= before.points_max


@settings(derandomize=True, deadline=None)
@given(st.floats(16, 19.9), st.floats(0.5, 3), st.floats(0.1, 3))
def test_a_longer_occlusion_is_never_less_likely_to_be_long(value, half, step):
    def prob(length):
        fact = {"value": length, "low": length - half, "high": length + half, "source": "ct"}
        return evaluate("j_cto_ct", Findings.from_mapping({"length_mm": fact})).items[3].prob

    assert prob(value + step) >= prob(value)
