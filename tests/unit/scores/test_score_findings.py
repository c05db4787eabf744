"""Findings read from JSON, and findings that contradict each other."""

from __future__ import annotations

import pytest

from recanal.core.findings import Findings
from recanal.errors import FindingsError
from recanal.scores import check_consistent, evaluate, parse_findings, parse_findings_file


def refused(text):
    with pytest.raises(FindingsError) as caught:
        parse_findings(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"lenght_mm": 20}', "lenght_mm: no such finding."),
        ('{"length_cm": 2}', "length_cm: no such finding."),
        ('{"length_mm": "20"}', "length_mm: must be a number, got '20'."),
        ('{"length_mm": true}', "length_mm: must be a number, got true."),
        ('{"length_mm": NaN}', "length_mm: must lie in [0, 600], got nan."),
        ('{"length_mm": -Infinity}', "length_mm: must lie in [0, 600], got -inf."),
        ('{"length_mm": 1e999}', "length_mm: must lie in [0, 600], got inf."),
        ('{"length_mm": %s}' % ("9" * 400), "length_mm: must lie in [0, 600], got inf."),
        ('{"length_mm": -1}', "length_mm: must lie in [0, 600], got -1."),
        ('{"length_mm": 2000}', "length_mm: must lie in [0, 600]"),
        ('{"bend_max_deg": 181}', "bend_max_deg: must lie in [0, 180]"),
        ('{"length_mm": [20]}', "length_mm: must be one value, got a list."),
        ('{"length_mm": {"low": 1, "high": 2}}', "length_mm: an object needs the key 'value'."),
        ('{"length_mm": {"value": [1]}}', "length_mm.value: must be one value."),
        ('{"length_mm": {"value": 20, "low": 22, "high": 18}}', "length_mm: the value 20 must lie between low 22"),
        ('{"length_mm": {"value": 20, "low": 18}}', "length_mm: give both low and high, or neither."),
        ('{"length_mm": {"value": 20, "low": NaN, "high": 21}}', "length_mm: must lie in [0, 600], got nan."),
        ('{"length_mm": {"value": 20, "unit": "cm"}}', "length_mm: unknown key 'unit'."),
        ('{"length_mm": {"value": 20, "source": "mri"}}', "length_mm: source must be one of ct, angiogram, typed"),
        ('{"in_stent": {"value": true, "prob": 1.1}}', "in_stent: prob must lie between 0 and 1"),
        ('{"in_stent": {"value": true, "low": false, "high": true}}', "in_stent: only a number has low and high."),
        ('{"vessel": {"value": "LAD", "low": "LAD", "high": "LAD"}}', "vessel: only a number has low and high."),
        ('{"in_stent": {"value": true, "confirmed_by": 3}}', "in_stent: confirmed_by must be a text."),
        ('{"in_stent": "yes"}', "in_stent: must be true or false, got 'yes'."),
        ('{"in_stent": 1}', "in_stent: must be true or false, got 1."),
        ('{"proximal_cap_shape": "Blunt"}', "proximal_cap_shape: must be one of blunt, tapered, ambiguous, absent"),
        ('{"length_mm": 20, "length_mm": 22}', "length_mm: is given twice."),
        ('{"length_mm": {"value": 20, "value": 22}}', "length_mm.value: is given twice."),
        ("[1, 2]", "The findings must be one JSON object, got a list."),
        ("{length_mm: 20}", "The findings are not JSON:"),
        ("", "The findings are not JSON:"),
        ('{"length_mm', "The findings are not JSON: Unterminated string starting at line 1."),
        ("[" * 200_000, "The findings are nested too deeply."),
    ],
)
def test_bad_input_names_the_field(text, message):
    assert refused(text).startswith(message)


def test_good_input():
    facts = parse_findings(
        '{"length_mm": {"value": 21, "low": 19.5, "high": 23, "source": "ct", "confirmed_by": "reader 2"},'
        ' "in_stent": null, "proximal_cap_shape": "blunt", "calcification_severe": {"value": true, "prob": 0.8}}'
    )
    assert set(facts) == {"length_mm", "proximal_cap_shape", "calcification_severe"}
    assert facts.facts["length_mm"].as_dict() == {
        "value": 21.0,
        "source": "ct",
        "confirmed_by": "reader 2",
        "low": 19.5,
        "high": 23.0,
    }
    assert parse_findings("{}") == Findings({})


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"calcification_severe": True, "calcification_any": False}, ("calcification_any", "calcification_severe")),
        (
            {"calcification_whole_lumen": True, "calcification_any": False},
            ("calcification_any", "calcification_whole_lumen"),
        ),
        (
            {"calcification_whole_lumen": True, "calcification_severe": False},
            ("calcification_severe", "calcification_whole_lumen"),
        ),
        ({"target_vessel_prior_cabg": True, "prior_cabg": False}, ("prior_cabg", "target_vessel_prior_cabg")),
        ({"in_stent": True, "prior_pci": False}, ("prior_pci", "in_stent")),
        ({"duration_unknown": True, "duration_months": 5}, ("duration_unknown", "duration_months")),
        (
            {"calcium_cross_section_max_ratio": 0.6, "calcification_severe": False},
            ("calcification_severe", "calcium_cross_section_max_ratio"),
        ),
        (
            {"calcium_cross_section_max_ratio": 0.4, "calcification_severe": True},
            ("calcification_severe", "calcium_cross_section_max_ratio"),
        ),
        (
            {"calcium_cross_section_max_ratio": 0.9, "calcification_any": False},
            ("calcification_any", "calcium_cross_section_max_ratio"),
        ),
        (
            {"proximal_cap_shape": "tapered", "proximal_cap_ambiguous": True},
            ("proximal_cap_ambiguous", "proximal_cap_shape"),
        ),
        (
            {"proximal_cap_shape": "ambiguous", "proximal_cap_ambiguous": False},
            ("proximal_cap_ambiguous", "proximal_cap_shape"),
        ),
        ({"calcification_grade": "none", "calcification_any": True}, ("calcification_any", "calcification_grade")),
        (
            {"calcification_grade": "none", "calcification_severe": True},
            ("calcification_severe", "calcification_grade"),
        ),
        ({"calcification_grade": "mild", "calcification_any": False}, ("calcification_any", "calcification_grade")),
        (
            {"calcification_grade": "severe", "calcification_severe": False},
            ("calcification_severe", "calcification_grade"),
        ),
        ({"vessel": "graft", "prior_cabg": False}, ("prior_cabg", "vessel")),
        (
            {"proximal_tortuosity_unseen": True, "proximal_tortuosity": "severe"},
            ("proximal_tortuosity_unseen", "proximal_tortuosity"),
        ),
        ({"intralesional_curvature": True, "bend_max_deg": 70}, ("intralesional_curvature", "bend_max_deg")),
        ({"intralesional_curvature": False, "bend_max_deg": 90.1}, ("intralesional_curvature", "bend_max_deg")),
        ({"in_stent": {"value": True, "prob": 0.0}}, ("in_stent", "prob")),
        ({"in_stent": {"value": True, "prob": 0.2}}, ("in_stent", "prob of being true is 0.2")),
        ({"in_stent": {"value": False, "prob": 0.51}}, ("in_stent", "prob of being true is 0.51")),
        ({"vessel": {"value": "LAD", "prob": 0.0}}, ("vessel", "prob")),
        ({"sex": {"value": "male", "prob": 0.4}}, ("sex", "another of the 2 words")),
        ({"proximal_cap_shape": {"value": "blunt", "prob": 0.2}}, ("proximal_cap_shape", "another of the 4 words")),
        ({"length_mm": {"value": 20, "prob": 0.9}}, ("length_mm", "a number has no prob")),
        ({"operator_last_year_success_percent": 0.9}, ("operator_last_year_success_percent", "Was 90 meant?")),
        ({"stenosis_percent": 0.7}, ("stenosis_percent", "in percent, got 0.7")),
        ({"lm_stenosis_percent": 0.5}, ("lm_stenosis_percent", "Was 50 meant?")),
        ({"length_mm": 0}, ("length_mm", "an occlusion has a length")),
    ],
)
def test_contradictions_name_both_fields(facts, named):
    with pytest.raises(FindingsError) as caught:
        check_consistent(Findings.from_mapping(facts))
    first, second = named
    assert str(caught.value).startswith(f"{first}: ")
    assert second in str(caught.value)
    with pytest.raises(FindingsError):
        evaluate("j_cto", Findings.from_mapping(facts))


@pytest.mark.parametrize(
    "facts",
    [
        {"calcification_severe": False, "calcification_any": True},
        {"calcification_severe": True, "calcification_any": True, "calcium_cross_section_max_ratio": 0.5},
        {
            "calcification_severe": True,
            "calcium_cross_section_max_ratio": {"value": 0.48, "low": 0.4, "high": 0.55, "source": "typed"},
        },
        {
            "calcification_severe": {"value": True, "source": "ct"},
            "calcification_any": {"value": False, "source": "angiogram"},
        },
        {"calcification_severe": False, "calcium_cross_section_max_ratio": {"value": 0.9, "source": "ct"}},
        {"duration_unknown": False, "duration_months": 5},
        {"in_stent": True, "prior_pci": True},
        {"proximal_cap_shape": "blunt", "proximal_cap_ambiguous": True},
        {"proximal_cap_shape": "tapered", "proximal_cap_ambiguous": False},
        {"proximal_cap_shape": {"value": "tapered"}, "proximal_cap_ambiguous": {"value": True, "source": "ct"}},
        {"calcification_grade": "moderate", "calcification_severe": True},
        {
            "calcification_grade": {"value": "none", "source": "angiogram"},
            "calcification_any": {"value": True, "source": "ct"},
        },
        {"proximal_tortuosity_unseen": False, "proximal_tortuosity": "severe"},
        {"intralesional_curvature": True, "bend_max_deg": 70.1},
        {"intralesional_curvature": False, "bend_max_deg": 90.0},
        {"intralesional_curvature": False, "bend_max_deg": {"value": 95, "low": 85, "high": 105}},
        {"in_stent": {"value": False, "prob": 0.4}, "ostial": {"value": True, "prob": 0.5}},
        {"proximal_cap_shape": {"value": "blunt", "prob": 0.3}},
        {"stenosis_percent": 0, "operator_last_year_success_percent": 1},
        {"length_mm": 0.1},
    ],
)
def test_what_is_no_contradiction(facts):
    check_consistent(Findings.from_mapping(facts))


RATIO, ANY = "calcium_cross_section_max_ratio", "calcification_any"
SEVERE, WHOLE = "calcification_severe", "calcification_whole_lumen"
CT = {"source": "ct"}


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({SEVERE: False, RATIO: 0.5}, f"{SEVERE}: is false, but {RATIO} is 0.5; severe means >= 0.5"),
        ({SEVERE: True, RATIO: 0.49}, f"{SEVERE}: is true, but {RATIO} is 0.49; severe means >= 0.5"),
        ({ANY: False, RATIO: 0.1}, f"{ANY}: is false, but {RATIO} is 0.1; any calcium takes up more than 0"),
        ({ANY: True, RATIO: 0}, f"{ANY}: is true, but {RATIO} is 0; any calcium takes up more than 0"),
        ({WHOLE: True, RATIO: 0.45}, f"{WHOLE}: is true, but {RATIO} is 0.45; a filled lumen is at least 0.5"),
        ({WHOLE: False, RATIO: 1}, f"{WHOLE}: is false, but {RATIO} is 1; a filled lumen is"),
        ({ANY: False, "calcium_arc_max_deg": 90}, f"{ANY}: is false, but calcium_arc_max_deg is 90; without calcium"),
        ({ANY: False, SEVERE: {"value": False, "prob": 0.3}}, f"{SEVERE}: its prob of being true is 0.3, but {ANY} is"),
        (
            {ANY: {"value": True, "prob": 0.6}, SEVERE: {"value": True, "prob": 0.7}},
            f"{SEVERE}: its prob of being true is 0.7, but {ANY} is true with prob 0.6",
        ),
        ({ANY: {"value": False, **CT}, RATIO: {"value": 0.5, **CT}}, f"{ANY}: is false, but {RATIO} is 0.5"),
    ],
)
def test_calcium_that_contradicts_its_measures(facts, message):
    with pytest.raises(FindingsError) as caught:
        check_consistent(Findings.from_mapping(facts))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "facts",
    [
        {WHOLE: True, RATIO: 0.6},
        {WHOLE: False, RATIO: 0.99},
        {SEVERE: True, RATIO: 0.5},
        {SEVERE: False, RATIO: {"value": 0.55, "low": 0.45, "high": 0.6}},
        {ANY: False, RATIO: 0, "calcium_arc_max_deg": 0},
        {ANY: True, RATIO: {"value": 0, "low": 0, "high": 0.1}},
        {ANY: {"value": True, "prob": 0.8}, SEVERE: {"value": False, "prob": 0.3}},
        # on CT a spot counts from 1 mm2 on, so a small share, arc or probability goes with no calcification
        {ANY: {"value": False, **CT}, RATIO: {"value": 0.3, "low": 0.1, "high": 0.4, **CT}},
        {ANY: {"value": False, **CT}, "calcium_arc_max_deg": {"value": 40, **CT}},
        {ANY: {"value": False, **CT}, SEVERE: {"value": False, "prob": 0.001, **CT}},
        # the artery's calcium may lie outside the occlusion; that is a warning
        {ANY: False, "calcium_agatston": 200},
    ],
)
def test_calcium_that_its_measures_allow(facts):
    check_consistent(Findings.from_mapping(facts))


CASE = """{"schema": "recanal.case/1", "findings_of": "L2", "lesions": [],
 "findings": {"length_mm": {"value": 21, "low": 19, "high": 23, "source": "ct", "confirmed_by": null}}}"""


def test_a_case_gives_its_findings_and_says_so():
    found = parse_findings_file(CASE)
    assert (found.findings.facts["length_mm"].low, found.findings.facts["length_mm"].source) == (19.0, "ct")
    assert found.note == "The findings of lesion L2 of a case (recanal.case/1) are used."
    assert parse_findings(CASE) == found.findings
    assert parse_findings_file('{"length_mm": 21}').note == ""
    empty = parse_findings_file('{"schema": "recanal.case/1", "findings": {}}')
    assert (empty.findings.facts, empty.note[-38:]) == ({}, "It holds none: no occlusion was measured."[-38:])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": "recanal.tree/1", "findings": {}}', "schema: the file holds 'recanal.tree/1', not findings."),
        ('{"schema": 1}', "schema: the file holds 1, not findings."),
        ('{"schema": "recanal.case/1"}', "findings: the case holds none."),
        ('{"schema": "recanal.case/1", "findings": [1]}', "findings: the case holds none."),
        ('{"schema": "recanal.case/1", "findings": {"length_cm": 1}}', "length_cm: no such finding."),
        ("null", "The findings must be one JSON object, got null."),
        ("true", "The findings must be one JSON object, got true."),
        ('{"": 1}', "the empty name '': no such finding."),
        (
            '{"length_mm": {"value": 3, "source": null}}',
            "length_mm: source must be one of ct, angiogram, typed, got null.",
        ),
    ],
)
def test_other_documents_are_refused_in_the_words_of_json(text, message):
    assert refused(text).startswith(message)
