"""Where each algorithm starts, what would change it, and where they disagree."""

import itertools

import pytest

from recanal.core.findings import Findings
from recanal.core.plan import disagreements
from recanal.errors import FindingsError, OptionError
from recanal.scores import evaluate
from recanal.strategy import advise, advise_all

AWE, ADR = "antegrade_wire_escalation", "antegrade_dissection_reentry"


def start(algorithm, **values):
    return advise(algorithm, Findings.from_mapping(values)).start


@pytest.mark.parametrize(
    ("ambiguous", "diseased", "length_mm", "collaterals"),
    list(itertools.product((False, True), (False, True), (10.0, 19.99, 20.0, 60.0), (False, True))),
)
def test_the_four_branches_of_the_hybrid_algorithm(ambiguous, diseased, length_mm, collaterals):
    found = start(
        "hybrid_2012",
        proximal_cap_ambiguous=ambiguous,
        distal_vessel_diseased=diseased,
        length_mm=length_mm,
        interventional_collaterals=collaterals,
    )
    if not ambiguous and not diseased:
        assert found == (AWE if length_mm < 20 else ADR)
    else:
        assert found == ("retrograde" if collaterals else "antegrade_with_cap_resolution")


@pytest.mark.parametrize(
    ("diseased", "large_branch", "length_mm"), list(itertools.product((False, True), (False, True), (20.0, 20.1)))
)
def test_dissection_needs_its_three_conditions(diseased, large_branch, length_mm):
    found = start(
        "operator_cto_2021",
        proximal_cap_shape="blunt",
        interventional_collaterals=False,
        distal_vessel_diseased=diseased,
        landing_zone_large_branch=large_branch,
        length_mm=length_mm,
    )
    assert (found == ADR) == (not diseased and not large_branch and length_mm > 20)


def test_dissection_needs_a_failed_attempt_or_poor_collaterals():
    landing = {"distal_vessel_diseased": False, "landing_zone_large_branch": False, "length_mm": 30.0}
    plan = advise(
        "operator_cto_2021",
        Findings.from_mapping(
            landing
            | {"proximal_cap_shape": "tapered", "prior_failed_attempt": False, "interventional_collaterals": True}
        ),
    )
    assert [step.strategy for step in plan.steps if step.role == "start"] == [AWE]


def test_several_principles_are_listed_in_print_order():
    values = {
        "proximal_cap_shape": "blunt",
        "interventional_collaterals": True,
        "prior_failed_attempt": True,
        "distal_vessel_diseased": False,
        "distal_cap_bifurcation": False,
        "length_mm": 25.0,
    }
    plan = advise("operator_cto_2021", Findings.from_mapping(values))
    assert [step.strategy for step in plan.steps if step.role == "start"] == ["retrograde", ADR]
    assert plan.start == "retrograde"


def test_the_landing_zone_speaks_before_the_bifurcation():
    values = {
        "proximal_cap_shape": "blunt",
        "interventional_collaterals": False,
        "distal_vessel_diseased": False,
        "length_mm": 25.0,
        "distal_cap_bifurcation": True,
    }
    assert start("operator_cto_2021", **values) is None
    assert start("operator_cto_2021", **values, landing_zone_large_branch=False) == ADR


@pytest.mark.parametrize(
    ("ambiguous", "diseased", "collaterals", "expected"),
    [
        (True, False, True, "cap_resolution_or_retrograde"),
        (True, True, True, "cap_resolution_or_retrograde"),
        (True, False, False, "antegrade_with_cap_resolution"),
        (False, True, True, "retrograde"),
        (False, True, False, "antegrade_wiring"),
        (False, False, True, "antegrade_wiring"),
        (False, False, False, "antegrade_wiring"),
    ],
)
def test_the_global_algorithm_follows_its_steps(ambiguous, diseased, collaterals, expected):
    found = start(
        "global_2021",
        proximal_cap_ambiguous=ambiguous,
        distal_vessel_diseased=diseased,
        interventional_collaterals=collaterals,
    )
    assert found == expected


@pytest.mark.parametrize(
    ("proximal", "distal", "length_mm", "severe", "expected"),
    [
        ("concave", "concave", 80.0, False, "antegrade_access"),
        ("concave", "concave", 100.0, False, "antegrade_access"),
        ("concave", "concave", 101.0, False, "antegrade_with_retrograde_ready"),
        ("concave", "concave", 80.0, True, "antegrade_with_retrograde_ready"),
        ("concave", "convex", 80.0, False, "antegrade_with_retrograde_ready"),
        ("convex", "concave", 80.0, False, "antegrade_with_retrograde_ready"),
        ("convex", "convex", 80.0, False, "retrograde_tibiopedal"),
        ("convex", "convex", 300.0, True, "retrograde_tibiopedal"),
    ],
)
def test_access_follows_the_caps_in_leg_arteries(proximal, distal, length_mm, severe, expected):
    values = {
        "vessel": "femoropopliteal",
        "proximal_cap_contour": proximal,
        "distal_cap_contour": distal,
        "length_mm": length_mm,
        "calcification_severe": severe,
    }
    plans = advise_all(Findings.from_mapping(values))
    assert [(plan.algorithm, plan.start) for plan in plans] == [("ctop_access", expected)]


def test_length_alone_does_not_choose_dissection_in_asia_pacific_but_does_in_the_hybrid_algorithm():
    values = {"proximal_cap_ambiguous": False, "distal_vessel_diseased": False, "length_mm": 30.0}
    assert start("hybrid_2012", **values) == ADR
    assert start("asia_pacific_2017", **values) == "antegrade_wire_or_dissection"


def test_an_ambiguous_shape_and_an_ambiguous_place_are_the_same_question():
    values = {"interventional_collaterals": True}
    assert start("hybrid_2012", proximal_cap_shape="ambiguous", **values) == "retrograde"
    assert start("hybrid_2012", proximal_cap_shape="absent", **values) is None


@pytest.mark.parametrize(
    ("shape", "possible", "asked"),
    [
        ("tapered", ("antegrade_wire_escalation",), ()),
        ("ambiguous", ("retrograde",), ()),
        ("blunt", ("antegrade_wire_escalation", "retrograde"), ("proximal_cap_ambiguous",)),
        ("absent", ("antegrade_wire_escalation", "retrograde"), ("proximal_cap_ambiguous",)),
    ],
)
def test_a_blunt_cap_alone_does_not_say_whether_its_place_is_clear(shape, possible, asked):
    values = {"distal_vessel_diseased": False, "length_mm": 12.0, "interventional_collaterals": True}
    plan = advise("hybrid_2012", Findings.from_mapping(values | {"proximal_cap_shape": shape}))
    assert (plan.possible, plan.ask) == (possible, asked)
    score = evaluate("progress_cto", Findings.from_mapping({"proximal_cap_shape": shape})).items[0]
    assert (score.met is None) == bool(asked), "as in PROGRESS-CTO"


def test_a_start_that_the_findings_rule_out_is_not_offered():
    """An ambiguous cap is not tapered, so the principle for a tapered stump does not hold."""
    values = {
        "vessel": "LCX",
        "proximal_cap_ambiguous": True,
        "distal_vessel_diseased": True,
        "interventional_collaterals": False,
        "length_mm": 20,
    }
    plan = advise("operator_cto_2021", Findings.from_mapping(values))
    assert (plan.start, plan.possible, plan.options) == (None, (), ())
    trace = next(row for row in plan.trace if row.rule == "antegrade_for_tapered_stump")
    assert (trace.holds, trace.because) == (False, ("proximal cap ambiguous: yes (entered)",))
    with_collaterals = values | {"interventional_collaterals": True}
    assert start("operator_cto_2021", **with_collaterals) == "retrograde", "whatever the shape, it is not tapered"
    open_plan = advise("operator_cto_2021", Findings.from_mapping(values | {"proximal_cap_ambiguous": None}))
    assert open_plan.possible == (AWE,)


CALCIUM = [
    ({"calcification_any": False}, False),
    ({"calcification_grade": "mild"}, False),
    ({"calcification_grade": "severe"}, True),
    ({"calcium_cross_section_max_ratio": 0.9}, True),
    ({"calcium_cross_section_max_ratio": 0.49}, False),
    ({"calcium_cross_section_max_ratio": 0.5}, True),
    ({"calcification_whole_lumen": True}, True),
    ({"calcification_any": True}, None),
]


@pytest.mark.parametrize(("facts", "severe"), CALCIUM)
def test_severe_calcium_is_learnt_from_every_fact_that_settles_it(facts, severe):
    simple = {
        "proximal_cap_ambiguous": False,
        "distal_vessel_diseased": False,
        "vessel_course_ambiguous": False,
        "bend_max_deg": 10,
        "length_mm": 12,
        "prior_failed_attempt": False,
    }
    expected = {True: "antegrade_wire_or_dissection", False: AWE, None: None}
    assert start("asia_pacific_2017", **simple, **facts) == expected[severe]
    leg = {"proximal_cap_contour": "concave", "distal_cap_contour": "concave", "length_mm": 50}
    expected = {True: "antegrade_with_retrograde_ready", False: "antegrade_access", None: None}
    assert start("ctop_access", **leg, **facts) == expected[severe]
    trace = advise("material", Findings.from_mapping(facts)).trace
    assert next(row.holds for row in trace if row.rule == "calcium_preparation") is severe


def test_unknown_findings_leave_the_start_open_and_say_what_to_ask():
    plan = advise("hybrid_2012", Findings.from_mapping({"proximal_cap_shape": "tapered", "length_mm": 12.0}))
    assert plan.start is None
    assert plan.possible == (AWE, "retrograde", "antegrade_with_cap_resolution")
    assert plan.ask == ("distal_vessel_diseased", "interventional_collaterals")
    assert not [step for step in plan.steps if step.role == "start"]


def test_an_open_rule_that_names_the_same_strategy_does_not_open_the_start():
    # whichever factor is unknown, one that is present settles Asia Pacific
    plan = advise(
        "asia_pacific_2017",
        Findings.from_mapping(
            {"proximal_cap_shape": "tapered", "distal_vessel_diseased": False, "prior_failed_attempt": True}
        ),
    )
    assert plan.start == "antegrade_wire_or_dissection"


def test_eurocto_gives_no_start_and_says_why():
    plan = advise("eurocto_2019", Findings.from_mapping({"length_mm": 25.0}))
    assert plan.start is None
    assert plan.possible == ()
    assert any("no start is given" in text for text in plan.warnings)


def test_reasons_hold_the_rule_then_the_findings_with_value_interval_and_origin():
    values = {
        "proximal_cap_ambiguous": {"value": False, "source": "angiogram"},
        "distal_vessel_diseased": False,
        "length_mm": {"value": 24.0, "low": 22.1, "high": 26.0, "source": "ct"},
    }
    plan = advise("hybrid_2012", Findings.from_mapping(values))
    step = next(step for step in plan.steps if step.role == "start")
    assert step.because[1:] == (
        "proximal cap ambiguous: no (angiogram)",
        "vessel beyond diseased: no (entered)",
        "length 24.0 mm (22.1–26.0; CT)",
    )
    assert step.source == "10.1016/j.jcin.2012.02.006"


def test_what_would_change_is_computed_from_the_other_values():
    values = {
        "proximal_cap_ambiguous": False,
        "distal_vessel_diseased": False,
        "length_mm": {"value": 21.0, "low": 18.0, "high": 24.0, "source": "ct"},
        "interventional_collaterals": True,
    }
    plan = advise("hybrid_2012", Findings.from_mapping(values))
    found = {(row.finding, row.instead): (row.gives, row.plausible) for row in plan.would_change}
    assert found == {
        ("proximal_cap_ambiguous", "yes"): (("retrograde",), False),
        ("distal_vessel_diseased", "yes"): (("retrograde",), False),
        ("length_mm", "< 20 mm"): ((AWE,), True),
    }


def test_an_interval_on_one_side_is_firm():
    values = {
        "proximal_cap_ambiguous": False,
        "distal_vessel_diseased": False,
        "length_mm": {"value": 30.0, "low": 27.0, "high": 33.0, "source": "ct"},
    }
    plan = advise("hybrid_2012", Findings.from_mapping(values))
    assert [row.plausible for row in plan.would_change if row.finding == "length_mm"] == [False]


@pytest.mark.parametrize(("prob", "plausible"), [(0.8, True), (0.99, False)])
def test_the_probability_of_a_cap_shape_speaks_for_its_counterpart_alone(prob, plausible):
    values = {
        "proximal_cap_shape": {"value": "blunt", "source": "ct", "prob": prob},
        "interventional_collaterals": True,
    }
    plan = advise("operator_cto_2021", Findings.from_mapping(values))
    found = {row.instead: row.plausible for row in plan.would_change if row.finding == "proximal_cap_shape"}
    assert found == {"tapered": plausible}


def test_a_value_that_would_contradict_another_finding_is_not_proposed():
    values = {"calcification_any": False, "calcification_severe": False, "length_mm": 50.0}
    plan = advise("ctop_access", Findings.from_mapping(values))
    assert "calcification_severe" not in {row.finding for row in plan.would_change}


def test_disagreement_is_shown_as_pairs():
    values = {
        "vessel": "LAD",
        "proximal_cap_shape": "blunt",
        "proximal_cap_ambiguous": False,
        "distal_vessel_diseased": False,
        "length_mm": 26.0,
        "interventional_collaterals": True,
    }
    plans = advise_all(Findings.from_mapping(values))
    assert {plan.algorithm: plan.start for plan in plans} == {
        "hybrid_2012": ADR,
        "asia_pacific_2017": "antegrade_wire_or_dissection",
        "eurocto_2019": None,
        "global_2021": "antegrade_wiring",
        "operator_cto_2021": "retrograde",
        "material": None,
    }
    assert disagreements(plans) == (
        ("hybrid_2012", "global_2021"),
        ("hybrid_2012", "operator_cto_2021"),
        ("asia_pacific_2017", "operator_cto_2021"),
        ("global_2021", "operator_cto_2021"),
    )


def test_algorithms_that_agree_disagree_with_nobody():
    values = {
        "proximal_cap_shape": "tapered",
        "distal_vessel_diseased": False,
        "length_mm": 12.0,
        "vessel_course_ambiguous": False,
        "calcification_severe": False,
        "bend_max_deg": 10.0,
        "prior_failed_attempt": False,
    }
    assert disagreements(advise_all(Findings.from_mapping(values))) == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ivus_planned": True}, ["7 F or 8 F; 8 F when a dual-lumen"]),
        ({"proximal_cap_ambiguous": False, "distal_vessel_diseased": False, "length_mm": 25.0}, ["dissection"]),
        (
            {"ivus_planned": False, "proximal_cap_shape": "tapered", "distal_vessel_diseased": False, "length_mm": 5.0},
            [],
        ),
    ],
)
def test_a_guide_of_7_or_8_french_for_ultrasound_or_dissection(values, expected):
    plan = advise("material", Findings.from_mapping(values))
    found = [step.do for step in plan.material if "7 F or 8 F" in step.do]
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(expected, found, strict=True))


def test_material_for_dissection_names_the_algorithm_that_starts_with_it():
    values = {"proximal_cap_ambiguous": False, "distal_vessel_diseased": False, "length_mm": 25.0}
    plan = advise("material", Findings.from_mapping(values))
    step = next(step for step in plan.material if step.rule == "guide_7f_8f_for_dissection")
    assert step.because[1:] == ("start of: Hybrid algorithm (2012)",)


def test_contradictory_findings_are_refused():
    facts = Findings.from_mapping({"calcification_severe": True, "calcification_any": False})
    with pytest.raises(FindingsError, match="calcification_any: is false, but calcification_severe is true"):
        advise("hybrid_2012", facts)
    with pytest.raises(FindingsError, match="both cannot hold"):
        advise_all(facts)


def test_an_unknown_algorithm_or_territory_is_refused():
    with pytest.raises(OptionError, match="No crossing algorithm is called 'hybrid'"):
        advise("hybrid", Findings({}))
    with pytest.raises(OptionError, match="No territory 'arm'"):
        advise_all(Findings({}), territory="arm")


def test_an_algorithm_for_other_arteries_warns():
    plan = advise("hybrid_2012", Findings.from_mapping({"vessel": "infrapopliteal"}))
    assert any("Made for coronary arteries, but the vessel is infrapopliteal." in text for text in plan.warnings)


def test_a_young_occlusion_warns():
    young = advise("operator_cto_2021", Findings.from_mapping({"duration_months": 2.0}))
    old = advise("operator_cto_2021", Findings.from_mapping({"duration_months": 3.0}))
    assert any("younger than 3 months" in text for text in young.warnings)
    assert old.warnings == ()
