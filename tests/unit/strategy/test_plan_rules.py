"""Every rule of the shipped algorithms: when it holds, when not, and when it is open.

The cases are typed from the texts of the publications, not read from the rule files.
"""

import pytest

from recanal.core.findings import Findings
from recanal.strategy import advise, algorithm_ids, load_algorithm

CLEAR = {"proximal_cap_shape": "blunt", "proximal_cap_ambiguous": False}
AMBIGUOUS = {"proximal_cap_ambiguous": True}
GOOD = {"distal_vessel_diseased": False}
POOR = {"distal_vessel_diseased": True}
SHORT, LONG = {"length_mm": 19.9}, {"length_mm": 20.0}
COLLATERALS, NONE = {"interventional_collaterals": True}, {"interventional_collaterals": False}
SIMPLE = {
    "vessel_course_ambiguous": False,
    "calcification_severe": False,
    "bend_max_deg": 45.0,
    "length_mm": 12.0,
    "prior_failed_attempt": False,
}
LANDING = {"distal_vessel_diseased": False, "landing_zone_large_branch": False, "length_mm": 20.1}
FAILED = {"prior_failed_attempt": True}
LEG_I = {
    "proximal_cap_contour": "concave",
    "distal_cap_contour": "concave",
    "length_mm": 100.0,
    "calcification_severe": False,
}

# (algorithm, rule): findings for which it holds, does not hold, is open
CASES = {
    ("hybrid_2012", "antegrade_wire_escalation"): (CLEAR | GOOD | SHORT, CLEAR | GOOD | LONG, CLEAR | SHORT),
    ("hybrid_2012", "antegrade_dissection_reentry"): (CLEAR | GOOD | LONG, CLEAR | POOR | LONG, CLEAR | GOOD),
    ("hybrid_2012", "retrograde"): (AMBIGUOUS | COLLATERALS, CLEAR | GOOD | COLLATERALS, AMBIGUOUS),
    ("hybrid_2012", "antegrade_with_cap_resolution"): (POOR | NONE, AMBIGUOUS | COLLATERALS, CLEAR | NONE),
    ("hybrid_2012", "retrograde_wire_escalation"): (
        AMBIGUOUS | COLLATERALS | SHORT,
        CLEAR | GOOD | SHORT,
        AMBIGUOUS | COLLATERALS,
    ),
    ("hybrid_2012", "retrograde_dissection_reentry"): (
        AMBIGUOUS | COLLATERALS | LONG,
        AMBIGUOUS | COLLATERALS | SHORT,
        AMBIGUOUS | LONG,
    ),
    ("asia_pacific_2017", "retrograde"): (POOR | COLLATERALS, CLEAR | GOOD, POOR),
    ("asia_pacific_2017", "ivus_guided_entry"): (AMBIGUOUS | NONE, CLEAR | NONE, AMBIGUOUS),
    ("asia_pacific_2017", "antegrade_wire_escalation"): (
        CLEAR | GOOD | SIMPLE,
        CLEAR | GOOD | SIMPLE | FAILED,
        CLEAR | GOOD | {name: value for name, value in SIMPLE.items() if name != "vessel_course_ambiguous"},
    ),
    ("asia_pacific_2017", "antegrade_wire_or_dissection"): (
        CLEAR | GOOD | {"bend_max_deg": 45.1},
        CLEAR | GOOD | SIMPLE,
        CLEAR | GOOD | SHORT,
    ),
    ("asia_pacific_2017", "in_stent_microdissection"): ({"in_stent": True}, {"in_stent": False}, {}),
    ("eurocto_2019", "length_long"): (LONG, SHORT, {}),
    ("eurocto_2019", "length_short"): (SHORT, LONG, {}),
    ("global_2021", "step_3_cap_ambiguity"): (AMBIGUOUS | COLLATERALS, AMBIGUOUS | NONE, AMBIGUOUS),
    ("global_2021", "step_3_without_collaterals"): (AMBIGUOUS | NONE, CLEAR | NONE, AMBIGUOUS),
    ("global_2021", "step_4_poor_distal_vessel"): (POOR | COLLATERALS, GOOD | COLLATERALS, POOR),
    ("global_2021", "step_6_antegrade_wiring"): (CLEAR | POOR | NONE, CLEAR | POOR | COLLATERALS, CLEAR | POOR),
    ("global_2021", "step_4_distal_bifurcation"): (
        {"distal_cap_bifurcation": True},
        {"distal_cap_bifurcation": False},
        {},
    ),
    ("global_2021", "step_7_retrograde"): (COLLATERALS, NONE, {}),
    ("operator_cto_2021", "antegrade_for_tapered_stump"): ({"proximal_cap_shape": "tapered"}, CLEAR, LONG),
    ("operator_cto_2021", "direct_retrograde"): (
        CLEAR | COLLATERALS,
        {"proximal_cap_shape": "tapered"} | COLLATERALS,
        CLEAR,
    ),
    ("operator_cto_2021", "dissection_reentry"): (LANDING | FAILED, LANDING | SHORT | FAILED, LANDING),
    ("operator_cto_2021", "other_antegrade_techniques"): ({"proximal_cap_shape": "tapered"}, CLEAR, {}),
    ("operator_cto_2021", "dissection_reentry_after_failure"): (
        LANDING | CLEAR | COLLATERALS,
        LANDING | CLEAR | NONE,
        CLEAR | COLLATERALS | GOOD,
    ),
    ("ctop_access", "type_4_retrograde"): (
        {"proximal_cap_contour": "convex", "distal_cap_contour": "convex"},
        LEG_I,
        {"proximal_cap_contour": "convex"},
    ),
    ("ctop_access", "antegrade_with_retrograde_ready"): ({"length_mm": 100.1}, LEG_I, {"length_mm": 100.0}),
    ("ctop_access", "type_1_antegrade"): (LEG_I, LEG_I | {"length_mm": 101.0}, {"length_mm": 50.0}),
    ("ctop_access", "convert_access"): ({"calcification_severe": True}, LEG_I, {}),
    ("material", "guide_left"): ({"vessel": "LAD"}, {"vessel": "RCA"}, {}),
    ("material", "guide_right"): ({"vessel": "RCA"}, {"vessel": "LCX"}, {}),
    ("material", "guide_7f_8f_for_ivus"): ({"ivus_planned": True}, {"ivus_planned": False}, {}),
    ("material", "guide_7f_8f_for_dissection"): (
        CLEAR | GOOD | LONG,
        {"proximal_cap_shape": "tapered", "prior_failed_attempt": False} | GOOD | SHORT | COLLATERALS,
        CLEAR | GOOD,
    ),
    ("material", "dual_lumen_proximal_branch"): (
        {"proximal_side_branch": True},
        {"proximal_side_branch": False, "distal_cap_bifurcation": False},
        {"proximal_side_branch": False},
    ),
    ("material", "wire_tapered_cap"): (
        {"proximal_cap_shape": "tapered"},
        CLEAR,
        {"proximal_cap_shape": "ambiguous"},
    ),
    ("material", "wire_blunt_cap"): (CLEAR, {"proximal_cap_shape": "tapered"}, {}),
    ("material", "calcium_preparation"): (
        {"calcification_severe": True},
        {"calcification_grade": "moderate"},
        {"calcification_any": True},
    ),
}


def holds(algorithm, rule, values):
    plan = advise(algorithm, Findings.from_mapping(values))
    return next(row.holds for row in plan.trace if row.rule == rule)


@pytest.mark.parametrize(("algorithm", "rule"), CASES, ids="-".join)
def test_a_rule_holds_fails_and_stays_open(algorithm, rule):
    found = [holds(algorithm, rule, values) for values in CASES[algorithm, rule]]
    assert found == [True, False, None]


def test_every_rule_that_asks_something_has_its_cases():
    asking = {
        (name, rule.name)
        for name in algorithm_ids()
        for rule in load_algorithm(name).rules
        if rule.test is not None or rule.after
    }
    assert asking == set(CASES)


@pytest.mark.parametrize("algorithm", algorithm_ids())
def test_rules_without_a_condition_always_hold(algorithm):
    plain = [rule.name for rule in load_algorithm(algorithm).rules if rule.test is None and not rule.after]
    assert all(holds(algorithm, rule, {}) is True for rule in plain)


@pytest.mark.parametrize("algorithm", algorithm_ids())
def test_an_open_rule_says_what_to_ask(algorithm):
    plan = advise(algorithm, Findings.from_mapping({}))
    ruled_by_others = {rule.name for rule in load_algorithm(algorithm).rules if rule.test is None}
    for row in plan.trace:
        assert (row.holds is None) == bool(row.ask) or row.rule in ruled_by_others


@pytest.mark.parametrize("algorithm", algorithm_ids())
def test_every_rule_names_a_source_and_how_far_it_was_read(algorithm):
    for rule in load_algorithm(algorithm).rules:
        assert rule.source
        assert rule.trust in ("read in the source", "read in part", "not verified")
        if "not read" in rule.source:
            assert rule.trust == "not verified"


@pytest.mark.parametrize("algorithm", algorithm_ids())
def test_no_brand_is_named(algorithm):
    brands = ("EBU", " XB", "SASUKE", "KDLC", "CrossBoss", "Stingray", "Fielder", "Pilot", "Corsair", "Gaia")
    said = " ".join(rule.do + rule.text for rule in load_algorithm(algorithm).rules)
    assert not [brand for brand in brands if brand in said]
