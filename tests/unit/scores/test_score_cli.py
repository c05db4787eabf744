"""The commands score, scores and findings."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from recanal.cli.score import findings, score, scores
from recanal.core.findings import vocabulary
from recanal.scores import class_sheet_ids, sheet_ids, tally_ids

CONTRACT = {
    "sheet",
    "points",
    "points_min",
    "points_max",
    "missing",
    "stratum",
    "endpoint",
    "printed_rate",
    "items",
    "trust",
    "doi",
}
LESION = {
    "length_mm": {"value": 22.0, "low": 18.0, "high": 25.0, "source": "ct"},
    "bend_max_deg": 30,
    "calcification_any": True,
    "proximal_cap_shape": "blunt",
    "prior_failed_attempt": False,
}


@pytest.fixture
def lesion(tmp_path):
    path = tmp_path / "lesion.json"
    path.write_text(json.dumps(LESION), encoding="utf-8")
    return str(path)


def run(command, *args, **kwargs):
    return CliRunner().invoke(command, args, catch_exceptions=False, **kwargs)


def test_json_follows_the_contract(lesion):
    done = run(score, "j_cto", "--findings", lesion, "--json")
    assert done.exit_code == 0
    shown = json.loads(done.stdout)
    assert set(shown) >= CONTRACT
    assert {key: shown[key] for key in CONTRACT - {"items"}} == {
        "sheet": "j_cto",
        "points": 3,
        "points_min": 3,
        "points_max": 3,
        "missing": [],
        "stratum": "very difficult",
        "endpoint": "guidewire crossing <= 30 min",
        "printed_rate": 0.1,
        "trust": "read in part",
        "doi": "10.1016/j.jcin.2010.09.024",
    }
    assert [{key: row[key] for key in ("name", "points", "met", "source")} for row in shown["items"]] == [
        {"name": "blunt_stump", "points": 1, "met": True, "source": "typed"},
        {"name": "calcification", "points": 1, "met": True, "source": "typed"},
        {"name": "bending_gt_45", "points": 0, "met": False, "source": "typed"},
        {"name": "length_ge_20", "points": 1, "met": True, "source": "ct"},
        {"name": "prior_failed_attempt", "points": 0, "met": False, "source": "typed"},
    ]
    assert shown["stratum_probabilities"]["difficult"] > 0.1


def test_unknown_points_are_null(lesion):
    shown = json.loads(run(score, "ct_rector", "--findings", lesion, "--json").stdout)
    assert shown["points"] is None
    assert (shown["points_min"], shown["points_max"]) == (1, 4)
    assert shown["missing"] == ["multiple_occlusions", "calcification_severe", "duration_months"]
    assert (shown["stratum"], shown["printed_rate"]) == (None, None)


def test_all_gives_a_list(lesion):
    shown = json.loads(run(score, "all", "--findings", lesion, "--json").stdout)
    assert [row["sheet"] for row in shown] == list(sheet_ids())


def test_variant(lesion):
    shown = json.loads(run(score, "j_cto_ct", "--findings", lesion, "--variant", "any", "--json").stdout)
    assert (shown["variant"], shown["points"]) == ("any", 3)


def test_stdin():
    done = run(score, "j_cto", "--findings", "-", "--json", input='{"length_mm": 20}')
    assert json.loads(done.stdout)["points_min"] == 1


def test_people_see_total_rate_trust_and_warnings(lesion):
    text = run(score, "j_cto", "--findings", lesion).stdout
    for words in (
        "J-CTO: 3 points (ge20: length >= 20 mm)",
        "stratum: very difficult",
        "10.0 % guidewire crossing <= 30 min (derivation, Morino 2011",
        "trust: read in part",
        "warning: CT-derived values used in an angiographic score: length >= 20 mm.",
        "Occlusion length >= 20 mm.",
        "with the measured intervals: easy 0 %, intermediate 0 %, difficult ",
    ):
        assert words in text
    unknown = run(score, "kcct", "--findings", lesion).stdout
    assert "KCCT: 2 to 6 points" in unknown
    assert "missing: proximal_side_branch, calcification_severe, calcification_whole_lumen, duration_months" in unknown
    assert "stratum: below 4 to 4 or more" in unknown


@pytest.mark.parametrize("sheet_id", ["j_cto", "j_cto_ct", "ct_rector", "kcct"])
def test_trust_is_shown_wherever_a_score_is(sheet_id, lesion):
    for text in (
        run(score, sheet_id, "--findings", lesion).stdout,
        run(scores, "show", sheet_id).stdout,
        run(scores, "list").stdout,
    ):
        assert ("not verified" if sheet_id == "ct_rector" else "read in part") in text


def test_show_gives_items_rates_and_caveats():
    text = " ".join(run(scores, "show", "j_cto_ct").stdout.split())
    for words in (
        "53/58, 95 % interval 81.4 to 96.3 %",
        "external, Xing 2022, Table S2",
        "10.21037/qims-21-1050",
        "calcification [fujino2018]",
        "caveat: ",
        "very difficult >= 3 to <= 5",
    ):
        assert words in text


def test_list_sets_success_failure_and_complication_apart_and_names_what_is_left_out():
    text = run(scores, "list").stdout
    first, second, third, last = (
        text.index(words)
        for words in ("endpoint is a success.", "endpoint is a failure.", "endpoint is a complication.", "Not shipped")
    )
    assert first < text.index("operator_cto ") < second < text.index("castle ") < third
    assert third < text.index("progress_mace ") < last
    line = text.rstrip().split("\n")[-1]
    for name in ("Ellis 2017", "E-CTO", "DJ-CTO / DASI", "Chai", "CTo-aBCDE", "ERCTO", "JR-CTO", "FACTOR", "R-ICPS"):
        assert name in line
    assert line.endswith("see docs/scores.md.")


def test_all_sets_results_apart_by_what_their_endpoints_count(lesion):
    text = run(score, "all", "--findings", lesion).stdout
    assert text.index("J-CTO: 3 points") < text.index("EuroCTO (CASTLE): ") < text.index("OPEN-CLEAN: ")
    assert text.count("== ") == 3


def test_a_rate_that_is_not_known_is_said_to_be_unknown():
    facts = '{"age_years": 80, "ostial": false, "rentrop_grade": 3}'
    text = run(score, "ora", "--findings", "-", input=facts).stdout
    assert "ORA: 1 point\n" in text
    assert "printed rate: unknown; none was printed or could be read for this total" in text
    assert "doi not known" in text
    shown = json.loads(run(score, "ora", "--findings", "-", "--json", input=facts).stdout)
    assert (shown["printed_rate"], shown["doi"], shown["predicts"]) == (None, None, "failure")
    castle = run(scores, "show", "castle").stdout
    assert "rate: 2: unknown" in castle
    assert "rate: 0-1: 8.0 % technical failure" in castle
    assert "strata: none published" in run(scores, "show", "recharge").stdout


def test_negative_points_in_json():
    facts = {"operator_annual_cto_volume": 60, "operator_cto_years": 5, "operator_last_year_success_percent": 90}
    shown = json.loads(run(score, "operator_cto", "--findings", "-", "--json", input=json.dumps(facts)).stdout)
    assert (shown["points"], shown["points_min"], shown["points_max"]) == (None, -4, 5)
    assert [row["points_if_met"] for row in shown["items"]][-3:] == [-1, -1, -2]


def test_half_points_stay_and_whole_points_are_whole():
    facts = '{"prior_cabg": true, "length_mm": 5, "vessel": "LAD", "proximal_cap_shape": "tapered", "prior_mi": false}'
    text = run(
        score, "cl_score", "--findings", "-", "--json", input=facts.replace("}", ', "calcification_any": false}')
    )
    assert json.loads(text.stdout)["points"] == 1.5


@pytest.mark.parametrize("sheet_id", sorted(sheet_ids()))
def test_bad_input_computes_nothing_on_any_sheet(sheet_id):
    for text, field in [
        ('{"lenght_mm": 20}', "lenght_mm"),
        ('{"length_cm": 2}', "length_cm"),
        ('{"length_mm": "20"}', "length_mm"),
        ('{"length_mm": NaN}', "length_mm"),
        ('{"length_mm": -1}', "length_mm"),
        ('{"rentrop_grade": 4}', "rentrop_grade"),
        ('{"lvef_percent": 0.45}', "lvef_percent"),
        ('{"operator_last_year_success_percent": "90 %"}', "operator_last_year_success_percent"),
        ('{"crossing_strategy": "adr"}', "crossing_strategy"),
        ('{"proximal_cap_shape": "tapered", "proximal_cap_ambiguous": true}', "proximal_cap_ambiguous"),
    ]:
        done = run(score, sheet_id, "--findings", "-", "--json", input=text)
        assert (done.exit_code, done.stdout) == (2, ""), text
        assert done.stderr.startswith(f"recanal: {field}: ")
        assert done.stderr.count("\n") == 1


def test_findings_lists_the_vocabulary():
    text = run(findings).stdout
    assert all(f"{name} " in text for name in vocabulary())
    assert [row["name"] for row in json.loads(run(findings, "--json").stdout)] == list(vocabulary())


@pytest.mark.parametrize(
    ("args", "text", "message"),
    [
        (["jcto"], "{}", "No score sheet is called 'jcto'."),
        (["j_cto", "--variant", "x"], "{}", "j_cto has no variant 'x'."),
        (["all", "--variant", "ge20"], "{}", "--variant belongs to one sheet"),
        (["j_cto"], '{"length_mm": NaN}', "length_mm: must lie in [0, 600], got nan."),
        (["j_cto"], '{"length_mm": 1, "length_mm": 2}', "length_mm: is given twice."),
        (["j_cto"], '{"length": 20}', "length: no such finding."),
        (["j_cto"], '{"calcification_severe": true, "calcification_any": false}', "calcification_any: is false"),
        (["j_cto"], " " * 20_000_001, "The findings are larger than 20000000 bytes."),
        (["j_cto"], "\udcff", "The findings are not UTF-8 text"),
    ],
)
def test_errors_are_one_line_and_status_2(args, text, message):
    data = text.encode("utf-8", errors="surrogateescape")
    done = run(score, *args, "--findings", "-", "--json", input=data)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"recanal: {message}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"length_mm": "x"}', "length_mm: must be a number, got 'x'."),
        (b"{", "The findings are not JSON: "),
        (b"\xff", "The findings are not UTF-8 text (byte 0)."),
    ],
)
def test_what_is_wrong_with_a_file_names_it(tmp_path, content, said):
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    done = run(score, "j_cto", "--findings", str(path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"recanal: 'mine.json': {said}")


def test_a_file_that_is_not_there(tmp_path):
    done = run(score, "j_cto", "--findings", str(tmp_path / "none.json"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("recanal: 'none.json' cannot be read: ")


@pytest.mark.parametrize(
    ("command", "args"), [(score, []), (scores, []), (scores, ["list"]), (scores, ["show"]), (findings, [])]
)
def test_help_has_an_example(command, args):
    text = run(command, *args, "--help").stdout
    assert "Usage:" in text
    assert "Example:\n  " in text or (command is scores and not args)


def test_a_case_of_recanal_is_read_and_named(tmp_path):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"schema": "recanal.case/1", "findings_of": "L1", "findings": LESION}), encoding="utf-8")
    done = run(score, "j_cto", "--findings", str(path), "--json")
    assert json.loads(done.stdout)["points"] == 3
    assert done.stderr == "The findings of lesion L1 of a case (recanal.case/1) are used.\n"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("J-CTO", "j_cto"),
        ("jcto", "j_cto"),
        ("WIFI", "wifi"),
        ("CAD-RADS", "cad_rads_2"),
        ("TASC", "tasc2_aortoiliac or tasc2_femoropopliteal or tasc_infrapopliteal_2015"),
    ],
)
def test_an_unknown_sheet_names_what_was_meant_and_all_that_there_are(asked, meant):
    for done in (run(score, asked, "--findings", "-", input="{}"), run(scores, "show", asked)):
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"Did you mean {meant}? Scores: " in done.stderr
        assert all(name in done.stderr for name in (*sheet_ids(), *class_sheet_ids(), *tally_ids(), "score all"))
    assert "Did you mean" not in run(score, "xyz", "--findings", "-", input="{}").stderr


def test_list_and_show_as_json():
    shown = json.loads(run(scores, "list", "--json").stdout)
    rows = {row["id"]: row for row in shown["sheets"]}
    assert set(rows) == {*sheet_ids(), *class_sheet_ids(), *tally_ids()}
    assert {key: rows["j_cto"][key] for key in ("kind", "points_range", "variants", "doi")} == {
        "kind": "points",
        "points_range": [0, 5],
        "variants": ["ge20", "gt20"],
        "doi": "10.1016/j.jcin.2010.09.024",
    }
    assert (rows["fontaine"]["kind"], rows["fontaine"]["doi"]) == ("classes", None)
    assert rows["timi"]["classes"] == ["0", "1", "2", "3"]
    assert "Ellis 2017" in [row["name"] for row in shown["not_shipped"]]
    sheet = json.loads(run(scores, "show", "j_cto", "--json").stdout)
    levels = {row["name"]: row["rule"]["levels"] for row in sheet["items"]}
    assert levels["length_ge_20"] == [{"points": 1, "test": {"finding": "length_mm", "op": ">=", "value": 20}}]
    assert [part["finding"] for part in levels["calcification"][0]["test"]["first"]][:2] == [
        "calcification_grade",
        "calcification_any",
    ]
    wifi = json.loads(run(scores, "show", "wifi", "--json").stdout)
    assert wifi["axes"][0]["rule"]["void"] == {"finding": "abi_ratio", "op": ">", "value": 1.4}


def test_probabilities_are_shown_only_where_something_is_uncertain(lesion):
    sure = {name: 22 if name == "length_mm" else value for name, value in LESION.items()}
    assert "with the measured intervals" not in run(score, "j_cto", "--findings", "-", input=json.dumps(sure)).stdout
    near = {**sure, "length_mm": {"value": 22, "low": 20.1, "high": 24}, "in_stent": {"value": True, "prob": 0.999}}
    text = run(score, "j_cto", "--findings", "-", input=json.dumps(near)).stdout
    assert "difficult 2 %, very difficult 98 %" in text
    assert "yes (p 98 %)" in text
    far = {**sure, "length_mm": {"value": 22, "low": 20.9, "high": 24}}
    text = run(score, "j_cto", "--findings", "-", input=json.dumps(far)).stdout
    assert "very difficult over 99 %" in text
    assert "yes (p over 99 %)" in text


@pytest.mark.parametrize("value", ["０.５", "1_0", "nan", "inf", "", "0,5"])
def test_a_prior_is_written_in_plain_digits(value):
    done = run(score, "j_cto", "--findings", "-", "--prior", f"in_stent={value}", input="{}")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("recanal: in_stent: a prior must be a number, got ")
