"""The words of the report."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest

from recanal.core.case import CaseReport, Interval, Lesion, Quality, Reference, SegmentReport, TreeReport, as_json
from recanal.core.findings import Fact, Findings, vocabulary
from recanal.measure.findings import lesion_findings
from recanal.report.angle_section import view_lines
from recanal.report.display import Display, clean, nothing_found, words
from recanal.report.finding_words import finding_label, finding_text
from recanal.report.flag_words import flag_sentence
from recanal.report.model import report_model
from recanal.report.palette import bin_text, caption


def leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in leaves(item)]
    if isinstance(value, list):
        return [text for item in value for text in leaves(item)]
    return [value] if isinstance(value, str) else []


def with_lesion(case: CaseReport, **changes: Any) -> CaseReport:
    return dataclasses.replace(case, lesions=(dataclasses.replace(case.lesions[0], **changes),))


def row(model: dict[str, Any], label: str) -> str:
    found = [r["value"] for g in model["lesions"][0]["groups"] for r in g["rows"] if r["label"].startswith(label)]
    assert len(found) == 1, label
    return str(found[0])


def test_six_findings_in_the_order_of_the_crossing_algorithm(case: CaseReport) -> None:
    groups = report_model(case)["lesions"][0]["groups"]
    assert [(g["number"], g["title"]) for g in groups] == [
        ("1", "Proximal cap"),
        ("2", "Length"),
        ("3", "Calcium"),
        ("4", "Bend"),
        ("5", "Distal side"),
        ("6", "Collaterals"),
    ]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Along the vessel", "18.8 mm (17.2–19.1)"),
        ("Straight line", "17.4 mm"),
        ("Shape", "blunt"),
        ("Side branch", "yes, at 1.2 mm"),
        ("Attenuation", "96 HU"),
        ("Any", "yes"),
        ("Severe", "yes (98 % likely)"),
        ("Chance that it is blunt", "86 %"),
        ("Largest share", "56 % (49–61)"),
        ("Largest arc", "220° (198–241)"),
        ("Volume, lumen glow left out", "31.0 mm³ (27.2–35.9)"),
        ("Where, from the proximal cap", "7.5 mm"),
        ("Mean diameter of all traced beyond", "2.1 mm"),
        ("Reference diameter, proximal", "3.1 mm"),
        ("Vessel beyond diseased", "no"),
        ("Rentrop grade", "2 (angiogram)"),
    ],
)
def test_values_in_words(case: CaseReport, label: str, text: str) -> None:
    groups = report_model(case)["lesions"][0]["groups"]
    found = [r["value"] for g in groups for r in g["rows"] if r["label"].startswith(label)]
    assert found[0] == text


def test_every_shown_number_is_the_number_of_the_file(case: CaseReport) -> None:
    model = report_model(case)
    say = Display(case)
    scales = {"cross_section_max_ratio": 100, "blunt_prob": 100, "bridge_confidence": 100}
    assert len(model["numbers"]) > 60
    for path, text in model["numbers"].items():
        scale = next((s for key, s in scales.items() if key in path), 1)
        decimals = len(text.partition(".")[2])
        value = say.at(path) * scale
        assert float(text.replace("−", "-")) == pytest.approx(value, abs=0.5000001 * 10**-decimals), path


def test_numbers_are_rounded_from_the_file_and_not_from_memory(case: CaseReport) -> None:
    changed = with_lesion(case, length_mm=Interval(2.6499999, 2.0, 3.0))
    assert as_json(changed)["lesions"][0]["length_mm"]["value"] == 2.65
    assert row(report_model(changed), "Along the vessel") == f"{2.65:.1f} mm (2.0–3.0)"


def test_what_is_not_known_is_said_in_words(case: CaseReport) -> None:
    model = report_model(dataclasses.replace(case, lesions=(Lesion("L1", "occlusion", None),), quality=Quality()))
    texts = leaves(model)
    assert not any("None" in text or "nan" in text.lower().split() for text in texts)
    assert row(model, "Along the vessel") == "not measurable"
    assert row(model, "Bifurcation") == "not assessed"
    assert model["lesions"][0]["composition"] is None
    assert "length" in model["limits"][0]
    assert "noise not measurable" in model["verdict"]["line"]


def test_nan_is_not_measurable(case: CaseReport) -> None:
    nan = math.nan
    model = report_model(with_lesion(case, length_mm=Interval(nan, nan, nan), chord_mm=math.inf))
    assert row(model, "Along the vessel") == "not measurable"
    assert row(model, "Straight line") == "not measurable"
    model = report_model(with_lesion(case, length_mm=Interval(18.0, nan, nan)))
    assert row(model, "Along the vessel") == "18.0 mm"


def test_collaterals_come_from_the_angiogram(case: CaseReport) -> None:
    model = report_model(dataclasses.replace(case, findings=Findings({})))
    assert row(model, "Grade, size") == "not measurable on CT; from the angiogram"


def test_the_lesion_that_the_findings_speak_of_is_named(case: CaseReport) -> None:
    first = case.lesions[0]
    second = dataclasses.replace(first, id="L2", length_mm=Interval(30.0, 28.0, 32.0))
    model = report_model(dataclasses.replace(case, lesions=(first, second), findings_of="L2"))
    collaterals = [lesion["groups"][5]["rows"][0]["value"] for lesion in model["lesions"]]
    assert collaterals == ["not measurable on CT; from the angiogram", "2 (angiogram)"]
    assert model["findings"]["about"] == "Findings, scores and plan speak of L2, the longest of 2 lesions."
    unsaid = report_model(dataclasses.replace(case, lesions=(first, second)))
    assert unsaid["findings"]["about"] == "Which of the lesions these findings speak of is not stated."
    assert {lesion["groups"][5]["rows"][0]["value"] for lesion in unsaid["lesions"]} == {collaterals[0]}
    assert report_model(case)["findings"]["about"] == ""


def test_an_open_vessel_says_so(case: CaseReport) -> None:
    lesion = Lesion("L1", "none", "LCX", narrowest_diameter_mm=1.44, narrowest_mm=(1.0, -2.5, 30.0))
    model = report_model(dataclasses.replace(case, lesions=(lesion,), scores=()))
    summary = "No occlusion found between the two points; smallest lumen diameter 1.4 mm"
    assert model["lesions"][0]["summary"] == summary
    assert model["title"] == "Coronary vessel report, no occlusion found"
    assert row(model, "Smallest diameter") == "1.4 mm"
    assert row(model, "Where") == "1.0, −2.5, 30.0 mm (LPS)"
    assert [g["title"] for g in model["lesions"][0]["groups"]] == ["Narrowest lumen"]
    assert "cap" not in model["strips_note"] + model["sections_note"]
    assert not any("not measured" in text.lower() for text in model["limits"])
    assert any("scores were not computed" in text for text in model["limits"])
    known = dataclasses.replace(lesion, reference=Reference(3.1, None))
    groups = report_model(dataclasses.replace(case, lesions=(known,)))["lesions"][0]["groups"]
    assert [[r["label"] for r in group["rows"]] for group in groups[1:]] == [["Reference, proximal"]]


def shown_scores(model: dict[str, Any]) -> dict[str, Any]:
    return {r["name"]: r for g in model["scores"]["groups"] for t in g["tables"] for r in t["rows"]}


def test_scores_say_points_stratum_rate_and_what_is_missing(case: CaseReport) -> None:
    scores = shown_scores(report_model(case))
    assert scores["RECHARGE"]["rate"] == "77.2 %"
    number = scores["CT-RECTOR"]["source"]
    assert scores["CT-RECTOR"]["rate"] == f"44.3 % (31/70) (derivation, Opolski 2015 {number}; not verified)"
    assert scores["J-CTO (CT)"]["rate"] == ""
    assert scores["J-CTO (CT)"]["points"] == "2 to 3"
    assert scores["J-CTO (CT)"]["stratum"] == "undecided, from difficult to very difficult"
    assert scores["PROGRESS-CTO"]["stratum"] == "undecided, from “0” to “3”"
    assert scores["CT-RECTOR"]["chances"] == "by the measured intervals: intermediate 21 %, difficult 79 %"
    assert [scores[name]["trusted"] for name in ("CT-RECTOR", "KCCT")] == [False, True]


def test_a_table_of_rates_has_one_endpoint(case: CaseReport) -> None:
    """Two endpoints with rates, in one group and in two: never in one table, and never without a heading."""
    other = dataclasses.replace(case.scores[1], sheet="other_ct", name="Other", endpoint="technical success")
    foreign = "80.0 % procedural success (derivation, Some 2020; read in part)"
    moved = dataclasses.replace(case.scores[1], sheet="moved_ct", name="Moved", printed_rate_text=foreign)
    other = dataclasses.replace(other, printed_rate_text="90.0 % technical success (cohort)")
    model = report_model(dataclasses.replace(case, scores=(*case.scores, other, moved)))
    tables = [(t["endpoint"], [r["name"] for r in t["rows"]]) for t in model["scores"]["groups"][0]["tables"]]
    assert tables == [
        ("guidewire crossing ≤30 min", ["CT-RECTOR"]),
        ("technical success", ["Other"]),
        ("procedural success", ["Moved"]),
        ("", ["J-CTO (CT)"]),
    ]
    assert shown_scores(model)["Moved"]["rate"] == "80.0 % (derivation, Some 2020; read in part)"
    unrated = model["scores"]["groups"][0]["tables"][-1]
    assert (unrated["fourth"], unrated["rows"][0]["fourth"]) == ("Endpoint", "guidewire crossing ≤30 min")


def test_scores_stand_in_groups_and_those_of_which_nothing_is_known_apart(case: CaseReport) -> None:
    scores = report_model(case)["scores"]
    assert [group["title"] for group in scores["groups"]] == [
        "Difficulty, scores made for CT",
        "Difficulty, scores made for the angiogram",
    ]
    assert scores["unknown_line"] == "PROGRESS MACE"
    assert scores["unknown"][0]["missing"] == "age, sex"
    assert scores["unknown"][0]["range"] == "0 to 7"
    assert "sex" not in scores["missing"]
    mace = dataclasses.replace(case.scores[-1], items=())
    known = report_model(dataclasses.replace(case, scores=(mace,)))["scores"]
    assert [group["title"] for group in known["groups"]] == ["Complications"]


def test_items_are_said_in_words_by_where_they_come_from(case: CaseReport) -> None:
    scores = shown_scores(report_model(case))
    assert scores["J-CTO (CT)"]["items"] == [
        {"origin": "CT", "known": True, "words": "blunt stump: 1, bending >45°: 1"},
        {"origin": "Entered", "known": True, "words": "length ≥20 mm: 0"},
        {"origin": "Not known", "known": False, "words": "earlier failed attempt"},
    ]


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("duration >= 12 months or unknown", "duration ≥12 months"),
        ("no interventional collaterals", "interventional collaterals"),
        ("not in the LAD", "in the LAD"),
        ("nodules", "nodules"),
    ],
)
def test_an_item_that_is_not_known_is_named_without_a_negation(case: CaseReport, label: str, said: str) -> None:
    score = case.scores[0]
    item = dataclasses.replace(score.items[1], points=None, met=None, prob=None, source=None, label=label)
    open_score = dataclasses.replace(score, items=(score.items[0], item))
    (row,) = shown_scores(report_model(dataclasses.replace(case, scores=(open_score,)))).values()
    assert row["items"][-1] == {"origin": "Not known", "known": False, "words": said}


def test_what_is_not_certain_of_a_fact_stands_beside_the_points_it_gives(case: CaseReport) -> None:
    score, item = case.scores[0], case.scores[0].items[0]
    shares = (0.63, 0.998, 0.38)
    items = tuple(
        dataclasses.replace(item, points=float(p), prob=share) for p, share in zip((1, 1, 0), shares, strict=True)
    )
    (row,) = shown_scores(
        report_model(dataclasses.replace(case, scores=(dataclasses.replace(score, items=items),)))
    ).values()
    (known,) = row["items"]
    assert known["words"] == "blunt stump: 1 (63 % likely), blunt stump: 1, blunt stump: 0 (62 % likely)"


def test_how_likely_a_fact_is_stands_beside_it(case: CaseReport) -> None:
    facts = {
        "calcification_severe": Fact(True, "ct", prob=0.63),
        "proximal_cap_shape": Fact("blunt", "ct", prob=0.9),
        "ostial": Fact(False, "ct", prob=0.001),
        "in_stent": Fact(True, "ct", prob=0.993),
    }
    rows = report_model(dataclasses.replace(case, findings=Findings(facts)))["findings"]["rows"]
    assert {row["label"]: row["value"] for row in rows} == {
        "Severe calcium": "yes (63 % likely)",
        "Shape of the proximal cap": "blunt (90 % likely)",
        "Ostial": "no",
        "In a stent": "yes (99 % likely)",
    }


def test_remarks_on_a_sheet_and_on_foreign_facts_are_said_once(case: CaseReport) -> None:
    model = report_model(case)
    scores = shown_scores(model)
    assert scores["CT-RECTOR"]["warnings"] == []
    assert model["scores"]["checks"] == [
        {"name": "CT-RECTOR", "words": "Sheet not verified: the publication was not read."}
    ]
    kept = ["In-stent state not assessed: the case may lie outside the derivation population."]
    assert scores["RECHARGE"]["warnings"] == kept
    assert [bool(group["note"]) for group in model["scores"]["groups"]] == [False, True]


def test_a_stratum_that_the_intervals_do_not_change_is_not_called_certain(case: CaseReport) -> None:
    sure = dataclasses.replace(case.scores[2], stratum_probabilities={"easy": 0.001, "difficult": 0.999})
    row = shown_scores(report_model(dataclasses.replace(case, scores=(sure,))))["KCCT"]
    assert row["chances"] == "the same all over the measured intervals"


def test_no_probability_is_said_to_be_certain(case: CaseReport) -> None:
    for prob, shown in ((1.0, "over 99 %"), (0.993, "99 %"), (0.0, "under 1 %"), (0.5, "50 %")):
        cap = dataclasses.replace(case.lesions[0].proximal_cap, blunt_prob=prob)
        assert row(report_model(with_lesion(case, proximal_cap=cap)), "Chance that it is blunt") == shown


def test_no_chance_of_a_blunt_cap_is_shown_beside_an_ambiguous_shape(case: CaseReport) -> None:
    cap = dataclasses.replace(case.lesions[0].proximal_cap, shape="ambiguous", blunt_prob=0.999)
    model = report_model(with_lesion(case, proximal_cap=cap))
    (group,) = [g for g in model["lesions"][0]["groups"] if g["title"] == "Proximal cap"]
    assert group["rows"][0]["value"] == "ambiguous"
    assert not any("blunt" in f"{line['label']} {line['value']}" for line in group["rows"])


def two_vessels(case: CaseReport, vessel: str | None) -> CaseReport:
    """A case of automatic mode without a lesion: 30 mm of LCX, 50 mm of RCA."""
    ends = {"LCX": 30.0, "RCA": 50.0}
    segments = tuple(
        SegmentReport(name, None, name, ((0.0, 0.0, 0.0), (0.0, end, 0.0)), (1.0, 1.0)) for name, end in ends.items()
    )
    parameters = {"mode": "automatic", "vessel": vessel}
    provenance = dataclasses.replace(case.provenance, parameters=parameters)
    return dataclasses.replace(case, lesions=(), tree=TreeReport("right", segments), provenance=provenance)


@pytest.mark.parametrize(
    ("vessel", "text"),
    [
        (None, "No occlusion was found on 80 mm of coronary artery."),
        ("LCX", "No occlusion was found on 30 mm of the LCX. The other vessels were not looked at."),
        ("LAD", "No LAD was found, so no occlusion of it could be. The other vessels were not looked at."),
    ],
)
def test_only_what_was_searched_counts_as_free_of_occlusions(case: CaseReport, vessel: str | None, text: str) -> None:
    assert nothing_found(two_vessels(case, vessel)) == text


def test_what_fails_comes_first_in_the_verdict(case: CaseReport) -> None:
    quality = Quality(usable=False, flags=("noisy: 50 HU", "no lumen"), reasons=("no lumen",))
    flags = report_model(dataclasses.replace(case, quality=quality))["verdict"]["flags"]
    assert [flag["words"] for flag in flags[:2]] == ["No lumen.", "Noisy: 50 HU."]


def test_the_verdict_tells_all_flags_as_sentences(case: CaseReport) -> None:
    flags = ("missing-slices-interpolated:2", "weak contrast: 225 HU", "better-series-unreadable:1")
    verdict = report_model(dataclasses.replace(case, quality=Quality(usable=False, flags=flags)))["verdict"]
    assert verdict["words"] == "Do not trust this analysis"
    assert [flag["words"] for flag in verdict["flags"]] == [
        "Missing slices filled in between their neighbours: 2.",
        "Weak contrast: 225 HU.",
        "Series that were better but could not be read: 1; see the choice of series.",
        "Outer wall bridged over 38 % of the occlusion: no fat around it.",
    ]
    assert {flag["of"] for flag in verdict["flags"]} == {""}
    two = (case.lesions[0], dataclasses.replace(case.lesions[0], id="L2"))
    named = report_model(dataclasses.replace(case, lesions=two))["verdict"]["flags"]
    assert [flag["of"] for flag in named] == ["", "L1", "L2"]


def test_every_flag_that_a_reader_of_files_sets_has_words() -> None:
    made = ("lossy-compression", "copies-dropped:3", "gantry-tilt-corrected:4.5deg", "localizer-left-out:2")
    for flag in made:
        sentence = flag_sentence(flag)
        assert not re.search(r"[a-z]-[a-z]", sentence), sentence
        assert sentence.endswith(".")
    assert "4.5°" in flag_sentence("gantry-tilt-corrected:4.5deg")


def test_synthetic_data_are_called_so(case: CaseReport) -> None:
    drawn = dataclasses.replace(case, input=dataclasses.replace(case.input, manufacturer="recanal phantom"))
    assert report_model(drawn)["verdict"]["synthetic"].startswith("Synthetic data")
    assert report_model(drawn)["mark"] == "Research use only · Synthetic data"
    assert report_model(case)["verdict"]["synthetic"] == ""
    assert report_model(case)["mark"] == "Research use only"


def test_no_name_that_programs_read_reaches_the_reader(case: CaseReport) -> None:
    texts = leaves({key: value for key, value in report_model(case).items() if key != "numbers"})
    files = [text for text in texts if text.startswith(("figures/", "#"))]
    raw = [text for text in texts if re.search(r"[a-z]_[a-z]|\[[a-z-]+\]", text) and text not in files]
    assert raw == []


def test_sources_are_numbered_once_each(case: CaseReport) -> None:
    model = report_model(case)
    dois = [entry["doi"] for entry in model["references"]]
    assert len(dois) == len(set(dois))
    assert "10.21037/qims-21-1050" in dois
    first = shown_scores(model)["J-CTO (CT)"]
    assert next(e["number"] for e in model["references"] if e["doi"] == case.scores[0].doi) == first["source"]


def test_projections_are_named_by_side(case: CaseReport) -> None:
    (section,) = report_model(case)["sections"]["views"]
    rows = next(block["rows"] for block in section["blocks"] if block["kind"] == "bullets")
    assert rows[0].startswith("RAO 30 / CRA 20 (foreshortening 2.0 %, covered over 3.0 % of its length")
    assert rows[1].startswith("LAO 45 / CAU 5 (foreshortening 4.1 %, covered over 0.0 % of its length")


def test_facts_from_elsewhere_come_first_and_name_their_source(case: CaseReport) -> None:
    rows = [(r["label"], r["value"], r["source"]) for r in report_model(case)["findings"]["rows"]]
    assert rows == [
        ("Rentrop grade", "2", "angiogram, confirmed by reader 1"),
        ("Prior MI", "yes", "entered"),
        ("LVEF", "52 %", "entered"),
        ("Length", "18.8 mm (17.2–19.1)", "CT"),
    ]


def test_a_measurement_that_a_reader_confirmed_is_listed_with_the_entered_ones(case: CaseReport) -> None:
    facts = {"length_mm": {"value": 18.8, "source": "ct"}, "proximal_cap_shape": {"value": "blunt"}}
    facts |= {"calcium_cross_section_max_ratio": {"value": 0.56, "source": "ct", "confirmed_by": "reader 2"}}
    model = report_model(dataclasses.replace(case, findings=Findings.from_mapping(facts, source="angiogram")))
    assert [(r["value"], r["source"]) for r in model["findings"]["rows"]] == [
        ("blunt", "angiogram"),
        ("56 %", "CT, confirmed by reader 2"),
        ("18.8 mm", "CT"),
    ]


def test_every_finding_of_the_vocabulary_has_a_label_in_words() -> None:
    labels = [finding_label(name) for name in vocabulary()]
    assert len(set(labels)) == len(labels)
    assert not [label for label in labels if "_" in label or not (label[:1].isupper() or label == "eGFR")]


def test_the_reason_against_a_series_names_no_rule(case: CaseReport) -> None:
    assert report_model(case)["series"]["rejected"][2] == {"what": "Topogram", "why": "The series holds no CT slices."}


def test_intervals_across_zero_use_a_word_for_the_dash(case: CaseReport) -> None:
    model = report_model(with_lesion(case, length_mm=Interval(0.04, -1.2, 1.0)))
    assert row(model, "Along the vessel") == "0.0 mm (−1.2 to 1.0)"


def test_long_lists_of_series_are_cut_and_say_so(case: CaseReport) -> None:
    many = dataclasses.replace(case, input=dataclasses.replace(case.input, rejected=case.input.rejected * 4))
    series = report_model(many)["series"]
    assert len(series["rejected"]) == 8
    assert series["more"] == "and 4 more, listed in case.json"


def test_a_leg_is_not_called_coronary(case: CaseReport) -> None:
    assert report_model(case)["title"] == "Coronary occlusion report"
    assert report_model(with_lesion(case, vessel="femoropopliteal"))["title"] == "Arterial occlusion report"


def test_strings_are_made_printable() -> None:
    assert clean(["a\x00b", "x\ud800", "up\u202edown", "line\nbreak", "caf\u00e9 ≥ 5 mm³"]) == [
        "a\ufffdb",
        "x\ufffd",
        "up\ufffddown",
        "line break",
        "caf\u00e9 ≥ 5 mm³",
    ]


def test_words_for_names() -> None:
    assert [words(n) for n in ("egfr_ml_min", "prior_cabg", "length_mm")] == ["eGFR", "prior CABG", "length"]
    assert caption("cross_section_middle") == "Middle"
    assert bin_text((-30, 76, 131, 351), 1) == "76 to <131 HU"


@pytest.mark.parametrize("share", [Interval(0.45, 0.37, 0.52), Interval(0.56, 0.49, 0.61), Interval(0.9, 0.88, 0.92)])
def test_severe_calcium_is_said_as_the_findings_say_it(case: CaseReport, share: Interval) -> None:
    calcium = case.lesions[0].calcification
    assert calcium is not None
    changed = dataclasses.replace(calcium, cross_section_max_ratio=share, severe=share.value >= 0.5)
    told = with_lesion(case, calcification=changed)
    fact = lesion_findings(told.lesions[0], occlusions=told.lesions).facts["calcification_severe"]
    assert row(report_model(told), "Severe") == finding_text("calcification_severe", fact)


def test_a_view_has_one_name_in_words_and_under_its_picture(case: CaseReport) -> None:
    lesion = case.lesions[0]
    names = [view.name for view in lesion.projections or ()]
    assert names
    for name, line in zip(names, view_lines(lesion, "lesions.0", Display(case)), strict=True):
        assert line.startswith(f"{name} (foreshortening ")
