"""The words of the report."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from recanal.core.case import CaseReport, Interval, Lesion, Quality, as_json
from recanal.core.findings import Findings
from recanal.report import report_model
from recanal.report.display import Display, clean, words
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
        ("Any; severe", "yes; yes"),
        ("Largest share", "56 % (49–61)"),
        ("Largest arc", "220° (198–241)"),
        ("Volume, lumen glow left out", "31.0 mm³ (27.2–35.9)"),
        ("Largest, and where", "41° (36–47) at 7.5 mm"),
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
    scales = {"cross_section_max_ratio": 100}
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
    assert "noise not measurable" in model["quality"]["line"]


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


def test_the_findings_of_a_case_belong_to_its_first_lesion(case: CaseReport) -> None:
    second = dataclasses.replace(case.lesions[0], id="L2")
    model = report_model(dataclasses.replace(case, lesions=(case.lesions[0], second)))
    assert model["lesions"][1]["groups"][5]["rows"][0]["value"] == "not measurable on CT; from the angiogram"


def test_an_open_vessel_says_so(case: CaseReport) -> None:
    lesion = Lesion("L1", "none", "LCX", narrowest_diameter_mm=1.44, narrowest_mm=(1.0, -2.5, 30.0))
    model = report_model(dataclasses.replace(case, lesions=(lesion,)))
    assert model["lesions"][0]["summary"] == "No occlusion found between the two points"
    assert row(model, "Smallest diameter") == "1.4 mm"
    assert row(model, "Where") == "1.0, −2.5, 30.0 mm (LPS)"
    assert [g["title"] for g in model["lesions"][0]["groups"]] == ["Narrowest lumen", "Vessel"]


def test_rates_stand_with_their_endpoint(case: CaseReport) -> None:
    scores = {score["name"]: score for score in report_model(case)["scores"]}
    assert scores["RECHARGE"]["outcome"] == "technical success: 77.2 %"
    assert scores["CT-RECTOR"]["outcome"] == "guidewire crossing within 30 min: 44 % (31/70)"
    assert scores["J-CTO (CT)"]["outcome"] == "guidewire crossing within 30 min: no single rate"
    assert scores["J-CTO (CT)"]["points"] == "2 to 3"
    assert scores["J-CTO (CT)"]["stratum"] == "difficult to very difficult"
    assert scores["J-CTO (CT)"]["missing"] == "prior failed attempt"
    assert scores["KCCT"]["missing"] == "nothing"
    assert scores["CT-RECTOR"]["probabilities"] == "chance: intermediate 21 %, difficult 79 %"


def test_sources_are_numbered_once_each(case: CaseReport) -> None:
    model = report_model(case)
    dois = [entry["doi"] for entry in model["references"]]
    assert len(dois) == len(set(dois))
    assert "10.21037/qims-21-1050" in dois
    first = model["scores"][0]
    assert next(e["number"] for e in model["references"] if e["doi"] == case.scores[0].doi) == first["source"]
    assert model["strategy"][0]["steps"][0]["source"] == model["strategy"][0]["steps"][1]["source"]


def test_projections_are_named_by_side(case: CaseReport) -> None:
    assert report_model(case)["lesions"][0]["angles"] == [
        "RAO 30° CRA 20° (foreshortening 2.0 %, overlap 3.0 %)",
        "LAO 45° CAU 5° (foreshortening 4.1 %, overlap 0.0 %)",
    ]


def test_facts_from_elsewhere_name_their_source(case: CaseReport) -> None:
    typed = {r["label"]: (r["value"], r["source"]) for r in report_model(case)["typed"]}
    assert typed == {
        "Rentrop grade": ("2", "angiogram, confirmed by reader 1"),
        "Prior MI": ("yes", "typed"),
        "LVEF": ("52 %", "typed"),
    }


def test_a_measurement_that_a_reader_confirmed_is_listed(case: CaseReport) -> None:
    facts = {"calcium_cross_section_max_ratio": {"value": 0.56, "source": "ct", "confirmed_by": "reader 2"}}
    facts |= {"length_mm": {"value": 18.8, "source": "ct"}, "proximal_cap_shape": {"value": "blunt"}}
    model = report_model(dataclasses.replace(case, findings=Findings.from_mapping(facts, source="angiogram")))
    assert [(r["value"], r["source"]) for r in model["typed"]] == [
        ("0.56", "CT, confirmed by reader 2"),
        ("blunt", "angiogram"),
    ]


def test_intervals_across_zero_use_a_word_for_the_dash(case: CaseReport) -> None:
    model = report_model(with_lesion(case, length_mm=Interval(0.04, -1.2, 1.0)))
    assert row(model, "Along the vessel") == "0.0 mm (−1.2 to 1.0)"


def test_long_lists_of_series_are_cut_and_say_so(case: CaseReport) -> None:
    many = dataclasses.replace(case, input=dataclasses.replace(case.input, rejected=case.input.rejected * 6))
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
