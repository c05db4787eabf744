"""Stated priors for unknown facts."""

from __future__ import annotations

import itertools
import json

import pytest
from click.testing import CliRunner

from recanal.cli.score import score
from recanal.core.findings import Findings
from recanal.errors import FindingsError, OptionError
from recanal.scores import check_priors, evaluate, evaluate_all, parse_priors

KNOWN = {"proximal_cap_shape": "blunt", "calcification_any": False, "bend_max_deg": 10, "length_mm": 25}


def scored(sheet, facts, priors=None):
    return evaluate(sheet, Findings.from_mapping(facts), priors=priors)


def test_off_by_default():
    result = scored("j_cto", KNOWN)
    assert (dict(result.stratum_probabilities), dict(result.priors)) == ({}, {})
    assert result.items[4].prob is None


def test_a_prior_gives_probabilities_and_changes_nothing_else():
    without, result = scored("j_cto", KNOWN), scored("j_cto", KNOWN, {"prior_failed_attempt": 0.1})
    assert result.stratum_probabilities == pytest.approx(
        {"easy": 0, "intermediate": 0, "difficult": 0.9, "very difficult": 0.1}
    )
    assert (result.points, result.points_min, result.points_max) == (None, 2, 3)
    assert (result.missing, result.stratum, result.printed_rate) == (without.missing, None, None)
    item = result.items[4]
    assert (item.points, item.met, item.source, item.prob) == (None, None, None, pytest.approx(0.1))
    assert result.priors == {"prior_failed_attempt": {"true": 0.1, "false": 0.9}}
    assert result.warnings[-1] == "Stated priors for unknown facts, not observations: prior failed attempt 0.1."
    assert result.warnings[:-1] == without.warnings


def test_a_known_fact_makes_its_prior_idle():
    facts = {**KNOWN, "prior_failed_attempt": True}
    assert scored("j_cto", facts, {"prior_failed_attempt": 0.1}) == scored("j_cto", facts)


def test_a_prior_that_a_sheet_does_not_need_is_not_named():
    result = scored("ct_rector", KNOWN, {"interventional_collaterals": 0.5})
    assert (dict(result.priors), result.stratum_probabilities) == ({}, {})
    assert not any("prior" in warning for warning in result.warnings)


def test_an_item_that_is_known_does_not_read_a_prior():
    """No severe calcification by the angiogram: the prior of calcification_severe must not reopen the item."""
    facts = {"calcification_grade": "mild", "prior_cabg": False, "prior_mi": False, "length_mm": 5, "vessel": "LAD"}
    facts["proximal_cap_shape"] = "tapered"
    result = scored("cl_score", facts, {"calcification_severe": 0.9})
    assert (result.points, dict(result.priors)) == (0, {})
    assert result.stratum_probabilities["high probability"] == pytest.approx(1)


def test_priors_leave_other_unknown_items_open():
    result = scored("j_cto", {"length_mm": 25}, {"prior_failed_attempt": 0.1})
    assert result.stratum_probabilities == {}
    assert result.items[4].prob == pytest.approx(0.1)
    assert result.warnings[-1] == "The priors leave items unknown, so there are no probabilities of strata."


OPERATOR_PRIORS = {
    "proximal_cap_shape": {"blunt": 0.5, "tapered": 0.4, "absent": 0.1},
    "calcification_any": 0.9,
    "intralesional_curvature": 0.3,
    "distal_vessel_diseased": 0.5,
    "in_stent": 0.15,
    "ostial": 0.2,
    "target_vessel_prior_cabg": 0.01,
}
OPERATOR_FACTS = {
    "length_mm": 30,
    "distal_diameter_mm": 2.5,
    "rentrop_grade": 3,
    "operator_annual_cto_volume": 100,
    "operator_cto_years": 3,
    "operator_last_year_success_percent": 92,
}


def test_negative_items_and_choices_against_a_sum_over_all_worlds():
    """Operator-CTO with seven unknown items: length gives 1, the operator -1 and -2, the rest follows the priors."""
    shares = [0.6, 0.9, 0.3, 0.5, 0.15, 0.2, 0.01]
    expected = {"simple": 0.0, "medium": 0.0, "difficult": 0.0, "extremely difficult": 0.0}
    for world in itertools.product((0, 1), repeat=7):
        weight = 1.0
        for met, share in zip(world, shares, strict=True):
            weight *= share if met else 1 - share
        total = 1 - 1 - 2 + sum(world)
        name = "simple" if total <= 2 else {3: "medium", 4: "difficult"}.get(total, "extremely difficult")
        expected[name] += weight
    result = scored("operator_cto", OPERATOR_FACTS, OPERATOR_PRIORS)
    assert result.stratum_probabilities == pytest.approx(expected, abs=1e-12)
    assert (result.points, result.points_min, result.points_max) == (None, -2, 5)
    assert set(result.priors) == set(OPERATOR_PRIORS)


def test_priors_and_measured_intervals_together():
    facts = {**KNOWN, "length_mm": {"value": 20, "low": 18, "high": 22, "source": "ct"}}
    result = scored("j_cto", facts, {"prior_failed_attempt": 0.2})
    assert list(result.stratum_probabilities.values()) == pytest.approx([0, 0.5 * 0.8, 0.5, 0.5 * 0.2])


def test_a_choice_prior_over_levels():
    facts = {"age_years": 70, "sex": "male", "calcification_grade": "none", "proximal_cap_shape": "tapered"}
    shares = {"antegrade_wiring": 0.5, "dissection_reentry": 0.3, "retrograde": 0.2}
    result = scored("progress_mace", facts, {"crossing_strategy": shares})
    assert list(result.stratum_probabilities.values()) == pytest.approx([0.5, 0.3, 0.2, 0, 0, 0])
    assert "crossing strategy antegrade wiring 0.5, dissection reentry 0.3, retrograde 0.2." in result.warnings[-1]


def test_a_choice_prior_on_an_undecided_word_gives_no_probabilities():
    facts = {key: value for key, value in KNOWN.items() if key != "proximal_cap_shape"} | {
        "prior_failed_attempt": False
    }
    result = scored("j_cto", facts, {"proximal_cap_shape": {"blunt": 0.9, "ambiguous": 0.1}})
    assert result.stratum_probabilities == {}


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"nonsense": 0.1}, "nonsense: no such finding, so it can have no prior."),
        ({"length_mm": 0.1}, "length_mm: is a number and can have no prior."),
        ({"in_stent": 1.1}, "in_stent: a prior must lie in [0, 1], got 1.1."),
        ({"in_stent": -0.1}, "in_stent: a prior must lie in [0, 1], got -0.1."),
        ({"in_stent": float("nan")}, "in_stent: a prior must lie in [0, 1], got nan."),
        ({"in_stent": True}, "in_stent: a prior must lie in [0, 1], got true."),
        ({"in_stent": "0.1"}, "in_stent: a prior must lie in [0, 1], got '0.1'."),
        ({"in_stent": {"true": 1.0}}, "in_stent: its prior must be one probability."),
        ({"sex": 0.5}, "sex: its prior must be a probability for each word."),
        ({"sex": {"female": 0.5}}, "sex: its prior must add up to 1, got 0.5."),
        ({"sex": {"woman": 1.0}}, "sex: has no choice 'woman'."),
        ({"calcification_any": 0.5, "calcification_severe": 0.1}, "calcification_any and calcification_severe depend"),
    ],
)
def test_priors_that_cannot_be(priors, message):
    with pytest.raises(OptionError) as caught:
        check_priors(priors, Findings({}))
    assert str(caught.value).startswith(message)
    with pytest.raises(OptionError):
        evaluate("j_cto", Findings({}), priors=priors)


def test_a_prior_against_a_known_fact_is_refused():
    with pytest.raises(FindingsError, match=r"target_vessel_prior_cabg: its prior gives true 0\.1, but prior_cabg is"):
        scored("recharge", {"prior_cabg": False}, {"target_vessel_prior_cabg": 0.1})
    assert scored("recharge", {"prior_cabg": False}, {"target_vessel_prior_cabg": 0.0}).priors == {}
    with pytest.raises(FindingsError, match="proximal_cap_ambiguous: its prior gives true"):
        scored("progress_cto", {"proximal_cap_shape": "tapered"}, {"proximal_cap_ambiguous": 0.3})


def test_priors_for_all_sheets():
    results = {row.sheet: row for row in evaluate_all(Findings.from_mapping(KNOWN), priors={"in_stent": 0.2})}
    assert dict(results["operator_cto"].priors) == {"in_stent": {"true": 0.2, "false": 0.8}}
    assert dict(results["j_cto"].priors) == {}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["in_stent"], "--prior must read NAME=P, got 'in_stent'."),
        (["in_stent=often"], "in_stent: a prior must be a number, got 'often'."),
        (["in_stent=0.1", "in_stent=0.2"], "in_stent: its prior is given twice."),
        (["sex=female:0.5,female:0.5"], "sex: female is given twice in its prior."),
    ],
)
def test_prior_texts_that_cannot_be(texts, message):
    with pytest.raises(OptionError) as caught:
        parse_priors(texts)
    assert str(caught.value).startswith(message)


def run(*args, facts):
    return CliRunner().invoke(score, [*args, "--findings", "-"], input=json.dumps(facts), catch_exceptions=False)


def test_command_line():
    done = run("j_cto", "--prior", "prior_failed_attempt=0.1", "--json", facts=KNOWN)
    shown = json.loads(done.stdout)
    assert shown["stratum_probabilities"]["very difficult"] == pytest.approx(0.1)
    assert shown["priors"] == {"prior_failed_attempt": {"true": 0.1, "false": 0.9}}
    assert shown["points"] is None
    text = run("j_cto", "--prior", "prior_failed_attempt=0.1", facts=KNOWN).stdout
    assert "with the measured intervals and the stated priors: easy 0 %, intermediate 0 %, difficult 90 %" in text
    assert "unknown (prior p 10 %)" in text
    assert "warning: Stated priors for unknown facts, not observations: prior failed attempt 0.1." in text


@pytest.mark.parametrize("prior", ["in_stent=1.5", "length_mm=0.5", "nonsense=0.5", "in_stent=nan", "in_stent"])
def test_a_bad_prior_is_one_line_and_status_2(prior):
    done = run("j_cto", "--prior", prior, facts=KNOWN)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert prior.split("=")[0] in done.stderr
