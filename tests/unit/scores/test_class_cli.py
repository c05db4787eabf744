"""Classifications at the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from recanal.cli.score import score, scores
from recanal.scores import class_sheet_ids, tally_ids

LIMB = {
    "vessel": "infrapopliteal",
    "limb_symptoms": "tissue_loss",
    "tissue_loss_extent": "minor",
    "toe_pressure_mmhg": 35,
    "abi_ratio": 0.7,
    "wifi_wound_grade": 2,
    "wifi_foot_infection_grade": 1,
}


def run(command, *args, facts=None):
    return CliRunner().invoke(command, args, input=json.dumps(facts), catch_exceptions=False)


def test_json_has_the_class_and_the_keys_of_a_score():
    done = run(score, "wifi", "--findings", "-", "--json", facts={**LIMB, "abi_ratio": None})
    shown = json.loads(done.stdout)
    assert done.exit_code == 0
    assert {key: shown[key] for key in ("sheet", "class_name", "classes_possible", "class_text", "missing")} == {
        "sheet": "wifi",
        "class_name": "4",
        "classes_possible": ["4"],
        "class_text": "W2 I2 fI1, stage 4 (high)",
        "missing": [],
    }
    assert {shown[key] for key in ("points", "points_min", "points_max", "stratum", "printed_rate")} == {None}
    assert (shown["items"], shown["trust"], shown["doi"]) == ([], "read in part", "10.1016/j.jvs.2013.08.003")
    toe = next(row for row in shown["axes"] if row["name"] == "from_toe")
    assert (toe["class_name"], toe["because"], toe["sources"]) == ("2", "Toe pressure 30-39 mmHg.", ["typed"])


def test_a_work_without_doi_has_null():
    shown = json.loads(run(score, "fontaine", "--findings", "-", "--json", facts=LIMB).stdout)
    assert (shown["class_name"], shown["doi"]) == ("IV", None)


def test_people_see_the_class_what_it_means_and_what_disagrees():
    text = run(score, "wifi", "--findings", "-", facts=LIMB).stdout
    for words in (
        "WIfI: W2 I? fI1, stage ?",
        "still possible: 3, 4",
        "toe pressure",
        "trust: read in part",
        "warning: Measurements disagree; the class is left open.",
    ):
        assert words in text
    text = run(score, "rutherford", "--findings", "-", facts=LIMB).stdout
    assert "Rutherford: Rutherford 5\n" in text
    assert "meaning: Minor tissue loss." in text
    text = run(score, "glass", "--findings", "-", facts={"popliteal_occlusion": True}).stdout
    assert "meaning: High complexity" in text
    assert "missing: target_crosses_ankle, pedal_arch" in text


def test_all_says_what_is_left_out():
    text = run(score, "all", "--findings", "-", facts=LIMB).stdout
    assert "Rutherford: Rutherford 5" in text
    assert "J-CTO" not in text
    assert "left out (for coronary arteries, but the vessel is infrapopliteal): syntax_cto, cad_rads_2" in text
    shown = json.loads(run(score, "all", "--findings", "-", "--json", facts=LIMB).stdout)
    assert [row["sheet"] for row in shown] == ["abi", "fontaine", "rutherford", "wifi"]


def test_list_names_every_classification_with_its_trust():
    text = run(scores, "list").stdout
    for sheet_id in (*class_sheet_ids(), *tally_ids()):
        assert f"\n{sheet_id} " in text
    assert "not verified" in text


@pytest.mark.parametrize("sheet_id", [*class_sheet_ids(), *tally_ids()])
def test_show_gives_the_whole_sheet(sheet_id):
    done = run(scores, "show", sheet_id)
    assert done.exit_code == 0
    assert "trust: " in done.stdout
    assert f"({sheet_id})" in done.stdout


def test_show_gives_criteria_tables_and_caveats():
    text = " ".join(run(scores, "show", "glass").stdout.split())
    assert "looked up from fp_grade, ip_grade" in text
    assert "none I I II III I I II II III" in text
    assert "caveat: " in text
    assert "from_reader, from_toe" in " ".join(run(scores, "show", "wifi").stdout.split())


@pytest.mark.parametrize(
    ("args", "facts", "message"),
    [
        (["glass", "--variant", "x"], {}, "glass is a classification: it has no variants"),
        (["glass", "--prior", "popliteal_occlusion=0.5"], {}, "glass is a classification: it has no variants"),
        (["timi"], {"timi_flow_grade": 3, "stenosis_percent": 100}, "timi_flow_grade: is 3, but stenosis_percent"),
        (["timi"], {"timi_flow_grade": 1.5}, "timi_flow_grade: must be a whole number, got 1.5."),
        (["abi"], {"abi_ratio": -1}, "abi_ratio: must lie in [0, 3]"),
        (["abi"], {"abi_ratio": "0.8"}, "abi_ratio: must be a number, got '0.8'."),
        (["fontaine"], {"claudication_distance_mm": 2}, "claudication_distance_mm: no such finding."),
    ],
)
def test_errors_are_one_line_and_status_2(args, facts, message):
    done = run(score, *args, "--findings", "-", "--json", facts=facts)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"recanal: {message}")


def test_probabilities_are_shown_only_where_something_is_uncertain():
    assert "with the measured" not in run(score, "abi", "--findings", "-", facts={"abi_ratio": 0.7}).stdout
    wide = {"abi_ratio": {"value": 0.88, "low": 0.8, "high": 0.95}}
    line = next(row for row in run(score, "abi", "--findings", "-", facts=wide).stdout.split("\n") if "measured" in row)
    assert line.startswith("with the measured intervals: ")
    assert "borderline " in line
    assert "abnormal " in line
