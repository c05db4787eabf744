"""The main job from outside: a study goes in, a folder comes out."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from recanal.cli import main

pytestmark = pytest.mark.slow

GRID = ["--margin-mm", "20", "--pixel-mm", "0.45", "--slice-mm", "0.6", "--noise-hu", "18"]
# what the schema recanal.case/1 promises; "*" stands for every item of a list or every entry of an object
REQUIRED = {
    "": "schema input quality tree lesions findings scores strategy timings_s provenance",
    "input": "series_uid description manufacturer kvp phase_percent spacing_mm size why_chosen rejected",
    "input.rejected.*": "series_uid why",
    "quality": "noise_hu aorta_hu contrast_to_noise usable flags",
    "tree": "dominance segments",
    "tree.segments.*": "name scct vessel points_mm radius_mm",
    "lesions.*": "id kind vessel segments in_stent proximal_cap_mm distal_cap_mm ostial length_mm proximal_cap "
    "distal_cap bend_max_deg reference calcification plaque distal_vessel profile projections",
    "lesions.*.length_mm": "value low high",
    "lesions.*.proximal_cap": "shape side_branch side_branch_distance_mm attenuation_hu",
    "lesions.*.distal_cap": "shape bifurcation",
    "lesions.*.bend_max_deg": "value low high at_mm",
    "lesions.*.reference": "proximal_diameter_mm distal_diameter_mm",
    "lesions.*.calcification": "any cross_section_max_ratio severe whole_lumen arc_max_deg volume_mm3 agatston mass_mg "
    "threshold_hu",
    "lesions.*.plaque": "volume_mm3 components below_range_mm3 thresholds_hu scheme",
    "lesions.*.plaque.volume_mm3": "value low high",
    "lesions.*.plaque.components": "necrotic_core fibrofatty fibrous dense_calcium",
    "lesions.*.plaque.components.*": "volume_mm3 fraction_percent",
    "lesions.*.distal_vessel": "opacified diameter_mean_mm diseased",
    "lesions.*.profile": "position_mm lumen_area_mm2 vessel_area_mm2 calcium_arc_deg",
    "findings.*": "value source confirmed_by",
    "scores.*": "sheet endpoint points points_min points_max missing stratum printed_rate stratum_probabilities",
    "timings_s": "read",
    "provenance": "version backend parameters input_sha256",
}


def run_recanal(*args):
    """Run the command; anything unforeseen is raised."""
    return CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)


def seeds_of(study):
    """The seed options that the truth of a study gives."""
    truth = json.loads((study / "truth.json").read_text(encoding="utf-8"))
    return [
        f"--{side}=" + ",".join(f"{value:.3f}" for value in truth[f"{side}_seed_mm"]) for side in ("proximal", "distal")
    ]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A cropped phantom among its decoys."""
    folder = tmp_path_factory.mktemp("e2e") / "study"
    options = "--vessel RCA --length-mm 14 --bend-deg 0 --calcium nodules --proximal-cap blunt --distal-filling good"
    done = run_recanal("phantom", "--out", folder, "--seed", 7, *options.split(), *GRID)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def result(study):
    """The folder of a first run, and what the command said."""
    out = study.parent / "result"
    done = run_recanal("analyze", study, "--out", out, *seeds_of(study), "--vessel", "RCA")
    assert done.exit_code == 0, done.output
    return out, done


def at(document, path):
    """Every value that a path of the schema names."""
    found = [document]
    for key in path.split(".") if path else []:
        if key == "*":
            found = [item for value in found for item in (value.values() if isinstance(value, dict) else value)]
        else:
            found = [value[key] for value in found]
    return found


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def case(result):
    def refuse(word):
        raise ValueError(word)

    return json.loads((result[0] / "case.json").read_text(encoding="utf-8"), parse_constant=refuse)


@pytest.fixture(scope="module")
def truth(study):
    return json.loads((study / "truth.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", REQUIRED)
def test_case_json_holds_what_the_schema_promises(case, path):
    objects = at(case, path)
    assert objects
    for found in objects:
        assert set(REQUIRED[path].split()) <= set(found)


def test_case_json_says_which_series_and_why(case):
    assert case["schema"] == "recanal.case/1"
    assert case["input"]["why_chosen"]
    assert len(case["input"]["rejected"]) == 3
    assert "45 %" not in case["input"]["description"]
    assert "Ca Score" not in case["input"]["description"]


def test_case_json_holds_the_vessel_from_seed_to_seed(case, truth):
    (segment,) = case["tree"]["segments"]
    assert segment["vessel"] == "RCA"
    assert len(segment["points_mm"]) == len(segment["radius_mm"]) > 20
    for side in ("proximal", "distal"):
        assert min(math.dist(point, truth[f"{side}_seed_mm"]) for point in segment["points_mm"]) < 1.0
    assert min(segment["radius_mm"]) == 0.0


def test_one_occlusion_is_found_where_it_was_put(case, truth):
    (lesion,) = case["lesions"]
    assert (lesion["kind"], lesion["vessel"]) == ("occlusion", "RCA")
    assert lesion["length_mm"]["value"] == pytest.approx(truth["length_mm"], abs=2.0)
    assert lesion["proximal_cap_mm"] == pytest.approx(truth["proximal_cap_mm"], abs=1.5)
    assert lesion["distal_cap_mm"] == pytest.approx(truth["distal_cap_mm"], abs=1.5)
    assert lesion["length_mm"]["low"] <= lesion["length_mm"]["value"] <= lesion["length_mm"]["high"]


def test_components_fill_the_plaque(case):
    plaque = case["lesions"][0]["plaque"]
    parts = [part["volume_mm3"] for part in plaque["components"].values()]
    assert sum(parts) + plaque["below_range_mm3"] == pytest.approx(plaque["volume_mm3"]["value"], rel=1e-3)


def test_scores_come_with_bounds_and_endpoint(case):
    assert {score["sheet"] for score in case["scores"]} >= {"j_cto", "ct_rector", "kcct"}
    for score in case["scores"]:
        assert score["endpoint"]
        assert score["points_min"] <= score["points_max"]
        assert score["points"] in (None, score["points_min"])
        assert (score["points"] is None) == (score["points_min"] != score["points_max"])


def test_provenance_names_version_and_input(case):
    assert case["provenance"]["version"]
    assert len(case["provenance"]["input_sha256"]) == 64


def test_reports_and_pictures_are_there(result):
    files = contents(result[0])
    assert files["report.pdf"].startswith(b"%PDF-")
    page = files["report.html"].decode("utf-8")
    assert "Research use only" in page
    assert 'src="data:image/' in page
    pictures = {name: data for name, data in files.items() if name.endswith(".png")}
    assert len(pictures) >= 4
    assert all(data.startswith(b"\x89PNG") for data in pictures.values())
    assert {"centerlines.vtp", "centerlines.json"} & files.keys()
    assert not [name for name in files if "partial" in name]


def test_the_summary_and_the_file_say_the_same(result, case):
    text = result[1].stdout
    lesion = case["lesions"][0]
    assert f"{lesion['length_mm']['value']:.1f} mm (" in text
    assert f"{lesion['plaque']['volume_mm3']['value']:.1f} mm³" in text
    assert str(result[0] / "report.html") in text
    assert text.rstrip().endswith("Research use only: not for diagnosis or treatment.")
    assert result[1].stderr == ""


def test_a_second_run_replaces_the_first(study, result, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "case.json").write_text('{"schema": "recanal.case/1", "of": "an earlier run"}')
    for name in ("report.html", "report.pdf"):
        (out / name).write_text("of an earlier run")
    (out / "notes.txt").write_text("the reader's own")
    done = run_recanal("analyze", study, "--out", out, *seeds_of(study), "--vessel", "RCA")
    assert done.exit_code == 0, done.output
    assert set(contents(out)) == set(contents(result[0])) | {"notes.txt"}
    assert (out / "notes.txt").read_text() == "the reader's own"
    again, first = (json.loads((folder / "case.json").read_text(encoding="utf-8")) for folder in (out, result[0]))
    for timed in (again, first):
        del timed["timings_s"], timed["provenance"]["created_utc"]
    assert again == first


def damaged(folder, study, kind):
    """An input that cannot be used."""
    source = folder / "input"
    source.mkdir()
    if kind == "text":
        (source / "letter.txt").write_text("no picture")
    elif kind == "truncated":
        for path in sorted(study.glob("IM*")):
            (source / path.name).write_bytes(path.read_bytes()[:600])
    return source


@pytest.mark.parametrize("kind", ["empty", "text", "truncated"])
def test_bad_input_leaves_an_older_result_alone(study, result, tmp_path, kind):
    out, before = result[0], contents(result[0])
    done = run_recanal("analyze", damaged(tmp_path, study, kind), "--out", out, *seeds_of(study))
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("recanal: ")
    assert "[" in line, "no rule named"
    assert contents(out) == before


def test_seeds_outside_the_picture_are_refused(study, tmp_path):
    done = run_recanal("analyze", study, "--out", tmp_path / "out", "--proximal=900,0,0", "--distal=910,0,0")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_broken_clinical_file_is_refused(study, tmp_path):
    facts = tmp_path / "facts.toml"
    facts.write_text("age_years = 'old'")
    done = run_recanal("analyze", study, "--out", tmp_path / "out", *seeds_of(study), "--clinical", facts)
    assert done.exit_code == 2
    assert "age_years" in done.stderr
    assert not (tmp_path / "out").exists()


def test_typed_findings_close_a_score(study, tmp_path):
    facts = tmp_path / "facts.toml"
    facts.write_text("prior_failed_attempt = false")
    out = tmp_path / "out"
    done = run_recanal("analyze", study, "--out", out, *seeds_of(study), "--clinical", facts)
    assert done.exit_code == 0, done.output
    case = json.loads((out / "case.json").read_text(encoding="utf-8"))
    assert case["findings"]["prior_failed_attempt"]["source"] == "typed"
    assert not [s["sheet"] for s in case["scores"] if "prior_failed_attempt" in s["missing"]]


def test_the_installed_command_runs_in_a_plain_locale(study, tmp_path):
    code = "from recanal.cli import main; main(prog_name='recanal')"
    command = [sys.executable, "-c", code, "analyze", str(study), "--out", str(tmp_path / "out"), *seeds_of(study)]
    plain = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, env=plain, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert b"mm3 (" in done.stdout
    assert done.stdout.isascii()
