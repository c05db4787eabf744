"""Every combination of met, not met and unknown, against tables written here by hand."""

from __future__ import annotations

import itertools

import pytest

from recanal.core.findings import Findings
from recanal.scores import evaluate, load_sheet

# item -> (facts that meet it, facts that do not), one point each
BLUNT = ({"proximal_cap_shape": "blunt"}, {"proximal_cap_shape": "tapered"})
BEND = ({"bend_max_deg": 45.1}, {"bend_max_deg": 45.0})
RETRY = ({"prior_failed_attempt": True}, {"prior_failed_attempt": False})
ANY_CALCIUM = ({"calcification_any": True}, {"calcification_any": False})
SEVERE = ({"calcification_severe": True}, {"calcification_severe": False})
LENGTH_GE_20 = ({"length_mm": 20.0}, {"length_mm": 19.9})
LENGTH_GT_20 = ({"length_mm": 20.1}, {"length_mm": 20.0})
YEAR_OR_UNKNOWN = ({"duration_months": 12}, {"duration_months": 11.9})

FOUR_STRATA = {0: "easy", 1: "intermediate", 2: "difficult"}
TABLES = {
    ("j_cto", None): [BLUNT, ANY_CALCIUM, BEND, LENGTH_GE_20, RETRY],
    ("j_cto", "gt20"): [BLUNT, ANY_CALCIUM, BEND, LENGTH_GT_20, RETRY],
    ("j_cto_ct", None): [
        BLUNT,
        ({"calcium_cross_section_max_ratio": 0.51}, {"calcium_cross_section_max_ratio": 0.5}),
        BEND,
        LENGTH_GE_20,
        RETRY,
    ],
    ("j_cto_ct", "li2015"): [BLUNT, SEVERE, BEND, LENGTH_GE_20, RETRY],
    ("j_cto_ct", "fujino2018"): [BLUNT, ANY_CALCIUM, BEND, LENGTH_GT_20, RETRY],
    ("j_cto_ct", "any"): [BLUNT, ANY_CALCIUM, BEND, LENGTH_GE_20, RETRY],
    ("ct_rector", None): [
        ({"multiple_occlusions": True}, {"multiple_occlusions": False}),
        BLUNT,
        ({"calcium_cross_section_max_ratio": 0.5}, {"calcium_cross_section_max_ratio": 0.49}),
        BEND,
        YEAR_OR_UNKNOWN,
        RETRY,
    ],
}


def stratum(points: int) -> str:
    return FOUR_STRATA.get(points, "very difficult")


@pytest.mark.parametrize(("sheet", "variant"), TABLES)
def test_every_combination(sheet, variant):
    table = TABLES[sheet, variant]
    for states in itertools.product((True, False, None), repeat=len(table)):
        facts = {}
        for (met, unmet), state in zip(table, states, strict=True):
            facts |= {} if state is None else met if state else unmet
        result = evaluate(sheet, Findings.from_mapping(facts), variant=variant)
        low, unknown = states.count(True), states.count(None)
        assert (result.points_min, result.points_max) == (low, low + unknown), states
        assert result.points == (None if unknown else low)
        assert [item.met for item in result.items] == list(states)
        assert [item.points for item in result.items] == [None if s is None else int(s) for s in states]
        assert len(result.missing) == unknown
        same = stratum(low) == stratum(low + unknown)
        assert result.stratum == (stratum(low) if same else None)
        assert (result.stratum_min, result.stratum_max) == (stratum(low), stratum(low + unknown))
        assert result.stratum_probabilities == (
            {} if unknown else {name: float(name == stratum(low)) for name in (*FOUR_STRATA.values(), "very difficult")}
        )


def test_every_combination_of_kcct():
    """KCCT's two calcium items are nested: whole-luminal calcium is severe, and no severe calcium is not whole."""
    plain = [
        BLUNT,
        ({"proximal_side_branch": True}, {"proximal_side_branch": False}),
        BEND,
        ({"length_mm": 15.0}, {"length_mm": 14.9}),
        RETRY,
        YEAR_OR_UNKNOWN,
    ]
    calcium = [  # facts, least points, most points
        ({}, 0, 2),
        ({"calcification_severe": True}, 1, 2),
        ({"calcification_severe": False}, 0, 0),
        ({"calcification_whole_lumen": True}, 2, 2),
        ({"calcification_whole_lumen": False}, 0, 1),
        ({"calcification_severe": True, "calcification_whole_lumen": True}, 2, 2),
        ({"calcification_severe": True, "calcification_whole_lumen": False}, 1, 1),
        ({"calcification_severe": False, "calcification_whole_lumen": False}, 0, 0),
        ({"calcification_any": False}, 0, 0),
    ]
    for states in itertools.product((True, False, None), repeat=len(plain)):
        base = {}
        for (met, unmet), state in zip(plain, states, strict=True):
            base |= {} if state is None else met if state else unmet
        for facts, least, most in calcium:
            result = evaluate("kcct", Findings.from_mapping(base | facts))
            low = states.count(True) + least
            high = states.count(True) + states.count(None) + most
            assert (result.points_min, result.points_max) == (low, high), (states, facts)
            assert result.points == (low if low == high else None)
            names = ["4 or more" if points >= 4 else "below 4" for points in (low, high)]
            assert [result.stratum_min, result.stratum_max] == names
            assert result.stratum == (names[0] if names[0] == names[1] else None)


@pytest.mark.parametrize(
    ("sheet", "variant", "facts", "item", "met"),
    [
        ("j_cto", None, {"length_mm": 20.0}, "length_ge_20", True),
        ("j_cto", None, {"length_mm": 19.999}, "length_ge_20", False),
        ("j_cto", "gt20", {"length_mm": 20.0}, "length_ge_20", False),
        ("j_cto", "gt20", {"length_mm": 20.001}, "length_ge_20", True),
        ("j_cto_ct", "li2015", {"length_mm": 20.0}, "length", True),
        ("j_cto_ct", "fujino2018", {"length_mm": 20.0}, "length", False),
        ("kcct", None, {"length_mm": 15.0}, "length_ge_15", True),
        ("kcct", None, {"length_mm": 14.999}, "length_ge_15", False),
        *[(s, None, {"bend_max_deg": 45.0}, i, False) for s, i in (("j_cto", "bending_gt_45"), ("kcct", "bending"))],
        *[(s, None, {"bend_max_deg": 45.001}, i, True) for s, i in (("j_cto", "bending_gt_45"), ("kcct", "bending"))],
        ("j_cto_ct", None, {"bend_max_deg": 45.0}, "bending_gt_45", False),
        ("ct_rector", None, {"bend_max_deg": 45.0}, "bending", False),
        ("ct_rector", None, {"calcium_cross_section_max_ratio": 0.5}, "severe_calcification", True),
        ("kcct", None, {"calcium_cross_section_max_ratio": 0.5}, "severe_calcification", True),
        ("j_cto_ct", "li2015", {"calcium_cross_section_max_ratio": 0.5}, "calcification", False),
        ("j_cto_ct", "li2015", {"calcium_cross_section_max_ratio": 0.501}, "calcification", True),
        ("ct_rector", None, {"duration_months": 12}, "duration_ge_12mo_or_unknown", True),
        ("ct_rector", None, {"duration_months": 11.99}, "duration_ge_12mo_or_unknown", False),
        ("ct_rector", None, {"duration_unknown": True}, "duration_ge_12mo_or_unknown", True),
        ("ct_rector", None, {"duration_unknown": False}, "duration_ge_12mo_or_unknown", None),
        ("kcct", None, {}, "duration_ge_12mo_or_unknown", None),
        ("kcct", None, {"duration_months": 24, "duration_unknown": False}, "duration_ge_12mo_or_unknown", True),
        ("j_cto", None, {"proximal_cap_shape": "ambiguous"}, "blunt_stump", None),
        ("j_cto", None, {"proximal_cap_shape": "absent"}, "blunt_stump", True),
        ("j_cto_ct", None, {"proximal_cap_shape": "absent"}, "blunt_stump", True),
        ("ct_rector", None, {"proximal_cap_shape": "absent"}, "blunt_stump", None),
        ("kcct", None, {"proximal_cap_shape": "ambiguous"}, "proximal_blunt_entry", None),
        ("j_cto", None, {"calcification_severe": True}, "calcification", True),
        ("j_cto", None, {"calcification_severe": False}, "calcification", None),
        ("j_cto", None, {"calcification_grade": "mild"}, "calcification", True),
        ("j_cto", None, {"calcification_grade": "none"}, "calcification", False),
        ("ct_rector", None, {"calcification_any": False}, "severe_calcification", False),
        ("ct_rector", None, {"calcification_any": True}, "severe_calcification", None),
    ],
)
def test_cut_offs_and_words(sheet, variant, facts, item, met):
    result = evaluate(sheet, Findings.from_mapping(facts), variant=variant)
    assert {row.name: row.met for row in result.items}[item] is met


def test_ct_rector_has_no_length_item():
    short, long = ({"length_mm": length} for length in (5.0, 80.0))
    assert evaluate("ct_rector", Findings.from_mapping(short)) == evaluate("ct_rector", Findings.from_mapping(long))


def test_ambiguous_cap_is_still_missing():
    result = evaluate("j_cto", Findings.from_mapping({"proximal_cap_shape": "ambiguous"}))
    assert "proximal_cap_shape" in result.missing


def test_a_persons_word_overrides_a_measured_ratio():
    ratio = {"value": 0.8, "low": 0.7, "high": 0.9, "source": "ct"}
    measured = Findings.from_mapping({"calcium_cross_section_max_ratio": ratio})
    corrected = measured.merged(Findings.from_mapping({"calcification_severe": False}))
    items = [evaluate("ct_rector", facts).items[2] for facts in (measured, corrected)]
    assert [item.met for item in items] == [True, False]
    assert [item.source for item in items] == ["ct", "typed"]


def test_the_ratio_with_its_interval_is_preferred_to_the_measured_bool():
    facts = {
        "calcium_cross_section_max_ratio": {"value": 0.52, "low": 0.45, "high": 0.6, "source": "ct"},
        "calcification_severe": {"value": True, "source": "ct"},
    }
    item = evaluate("ct_rector", Findings.from_mapping(facts)).items[2]
    assert item.met is True
    assert 0.5 < item.prob < 0.8


def test_every_item_says_what_it_means():
    for sheet_id in ("j_cto", "j_cto_ct", "ct_rector", "kcct"):
        for item in load_sheet(sheet_id).items:
            for rule in (item.rule, *(rule for _, rule in item.variants)):
                assert len(rule.definition) > 10, item.name
                assert len(rule.source) > 5, item.name


SEVERE_ITEMS = [
    ("j_cto_ct", "li2015", "calcification"),
    ("ct_rector", None, "severe_calcification"),
    ("kcct", None, "severe_calcification"),
]
ANY_ITEMS = [
    ("j_cto", "ge20", "calcification"),
    ("j_cto_ct", "fujino2018", "calcification"),
    ("j_cto_ct", "any", "calcification"),
]


def met(sheet, variant, item, facts):
    result = evaluate(sheet, Findings.from_mapping(facts), variant=variant)
    return {row.name: row.met for row in result.items}[item]


@pytest.mark.parametrize(("sheet", "variant", "item"), SEVERE_ITEMS)
def test_what_follows_for_severe_calcification(sheet, variant, item):
    for facts, expected in [
        ({"calcification_severe": True}, True),
        ({"calcification_severe": False}, False),
        ({"calcification_whole_lumen": True}, True),
        ({"calcification_whole_lumen": False}, None),
        ({"calcification_any": False}, False),
        ({"calcification_any": True}, None),
        ({"calcification_grade": "severe"}, None),
        ({"calcium_cross_section_max_ratio": 0.49}, False),
        ({"calcium_cross_section_max_ratio": 0.51}, True),
    ]:
        assert met(sheet, variant, item, facts) is expected, facts


@pytest.mark.parametrize(("sheet", "variant", "item"), ANY_ITEMS)
def test_what_follows_for_any_calcification(sheet, variant, item):
    for facts, expected in [
        ({"calcification_any": True}, True),
        ({"calcification_any": False}, False),
        ({"calcification_severe": True}, True),
        ({"calcification_severe": False}, None),
        ({"calcification_whole_lumen": True}, True),
        ({"calcification_whole_lumen": False}, None),
    ]:
        assert met(sheet, variant, item, facts) is expected, facts


def test_what_follows_for_whole_luminal_calcification():
    for facts, expected in [
        ({"calcification_whole_lumen": True}, True),
        ({"calcification_whole_lumen": False}, False),
        ({"calcification_severe": False}, False),
        ({"calcification_severe": True}, None),
        ({"calcification_any": False}, False),
        ({"calcification_any": True}, None),
    ]:
        assert met("kcct", None, "whole_luminal_calcification", facts) is expected, facts


@pytest.mark.parametrize("sheet", ["ct_rector", "kcct"])
def test_unknown_duration_is_met_and_absent_duration_is_open(sheet):
    for facts, expected in [({"duration_unknown": True}, True), ({"duration_unknown": False}, None), ({}, None)]:
        assert met(sheet, None, "duration_ge_12mo_or_unknown", facts) is expected, facts


def test_uncertain_facts_settle_nothing_by_implication():
    whole = {"calcification_whole_lumen": {"value": True, "prob": 0.7, "source": "ct"}}
    assert met("ct_rector", None, "severe_calcification", whole) is None
    result = evaluate("kcct", Findings.from_mapping(whole))
    assert [(row.met, row.prob) for row in result.items[4:6]] == [(None, None), (True, pytest.approx(0.7))]
