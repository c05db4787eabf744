"""The table that ``recanal analyze`` prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recanal.cli.summary import summary_text
from recanal.cli.terminal import spelled
from recanal.core.case import Interval, Lesion
from recanal.stenosis import Stenosis, VesselGrade


@pytest.fixture
def text(case, tmp_path):
    return summary_text(case, tmp_path, width_columns=200)


def row(text, label):
    """What stands behind a label."""
    (line,) = [line for line in text.splitlines() if line.startswith(label + "  ")]
    return line.removeprefix(label).strip()


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Vessel", "RCA, SCCT segments 1, 2 (L1)"),
        ("Length", "18.8 mm (17.2–19.1)"),
        ("Proximal cap", "blunt; attenuation of the first 5 mm 96 HU"),
        ("Distal cap", "tapered; bifurcation no"),
        ("Side branch at cap", "yes, at 1.2 mm"),
        ("Largest bend", "41° (36–47) at 7.5 mm from the proximal cap"),
        ("Calcium", "any yes; severe yes (98 % likely); volume, lumen glow left out, 31.0 mm³ (27.2–35.9)"),
        ("Plaque", "240.0 mm³ (228.1–251.0)"),
        ("  necrotic core", "26.4 mm³ (22.0–33.0); 11.0 % (10.0–12.0) of plaque"),
        ("  dense calcium", "24.0 mm³ (20.0–30.0); 10.0 % (9.0–11.0) of plaque"),
        ("Vessel beyond", "opacified, mean 2.1 mm"),
        ("References", "proximal 3.1 mm, distal 2.4 mm"),
        ("Quality", "usable; noise 22 HU, blood pool 402 HU, contrast-to-noise 15.2"),
        ("Series", "CorCTA 75 % (thinnest slices)"),
    ],
)
def test_measurements_stand_beside_their_names(text, label, shown):
    assert row(text, label) == shown


def test_calcium_goes_on_with_share_and_arc(text):
    assert "largest share of a section 56 % (49–61); largest arc 220° (198–241)" in text


def test_both_kinds_of_flags_are_shown(text):
    flags = [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith("Flag ")]
    assert flags == ["Wall bridged over 38 %.", "Step artefact."]


def test_a_rate_stands_under_its_endpoint(text):
    lines = text.splitlines()
    line = row(text, "CT-RECTOR")
    head = lines[next(k for k, each in enumerate(lines) if each.startswith("CT-RECTOR ")) - 1]
    assert head.startswith("Endpoint: guidewire crossing ≤30 min")
    assert "44 % (31/70)" in line
    assert line.startswith("2 ")
    assert "intermediate 20 %," in text
    assert line.endswith("read in the source")


def test_an_endpoint_already_in_the_rate_is_not_said_twice(case, tmp_path):
    rate = "44 % guidewire crossing <= 30 min (derivation)"
    changed = replace(case, scores=(replace(case.scores[0], printed_rate_text=rate),))
    assert summary_text(changed, tmp_path, width_columns=200).count("guidewire crossing") == 1


def test_an_open_score_shows_its_range_and_what_is_missing(text):
    line = row(text, "J-CTO (CT)")
    assert line.startswith("2 to 4")
    assert "undecided, from difficult to very" in line
    assert "guidewire crossing ≤30 min" in line
    assert "Needed and not known: earlier failed attempt." in text
    assert "J-CTO (CT): outside the derivation population" in text


def test_it_ends_with_the_limit_of_use(text):
    assert text.splitlines()[-1] == "Research use only: not for diagnosis or treatment."


def test_only_files_that_exist_are_named(case, tmp_path):
    assert row(summary_text(case, tmp_path), "Result")
    (tmp_path / "report.html").write_text("")
    shown = summary_text(case, tmp_path, width_columns=200)
    assert row(shown, "Report") == str(tmp_path / "report.html")
    assert "report.pdf" not in shown


def test_what_was_not_measured_is_said(case, tmp_path):
    bare = replace(case, lesions=(Lesion(id="L1", kind="occlusion", vessel=None),), scores=())
    text = summary_text(bare, tmp_path)
    assert row(text, "Vessel") == "not named (L1)"
    for label in ("Length", "Side branch at cap", "Largest bend", "Calcium", "Plaque", "Vessel beyond"):
        assert row(text, label) == "not measurable"
    assert "None" not in text


def test_an_open_vessel_is_called_open(case, tmp_path):
    lesion = Lesion(id="L1", kind="none", vessel="LAD", narrowest_diameter_mm=1.34)
    text = summary_text(replace(case, lesions=(lesion,), scores=()), tmp_path)
    assert row(text, "Finding") == "no occlusion between the two points"
    assert row(text, "Smallest diameter") == "1.3 mm"
    assert "Plaque" not in text


def test_a_case_without_lesions_says_so(case, tmp_path):
    assert summary_text(replace(case, lesions=(), scores=()), tmp_path).startswith("No lesion was analysed.")


@pytest.fixture
def graded(case):
    share = Interval(39.0, 28.0, 50.0)
    narrow = Stenosis("LAD", "mLAD", (0.0, 0.0, 0.0), 31.0, 9.0, share, share, 1.9, 3.0, "2", calcified=False)
    clear = VesselGrade("RCA", 156.0, 3.6, 0.0, "0-1", ("0-1",), ())
    return replace(case, stenosis=(VesselGrade("LAD", 94.0, 3.4, 0.0, "2", ("2",), (narrow,)), clear))


def test_the_degrees_of_stenosis_are_a_table_where_no_occlusion_was_found(graded, tmp_path):
    text = summary_text(replace(graded, lesions=(), scores=()), tmp_path)
    assert "Stenosis of the arteries:" in text.splitlines()
    assert " ".join(row(text, "LAD").split()) == "39 % (28–50) mLAD, 31 mm 1.9 / 3.0 mm 2 94 mm"
    assert row(text, "RCA").startswith("none of 25 % or more")


def test_beside_an_occlusion_the_degrees_of_stenosis_are_one_line(graded, tmp_path):
    lines = summary_text(graded, tmp_path).splitlines()
    said = lines[lines.index("Stenosis of the arteries outside occlusions:") + 1]
    assert said == "LAD 39 % (28–50) at mLAD, 31 mm, CAD-RADS 2; none of 25 % or more in RCA."


def test_an_artery_that_was_hardly_judged_is_not_listed_as_clear(graded, tmp_path):
    stem = VesselGrade("LM", 1.0, 3.9, 0.0, "N", ("N",), ())
    lines = summary_text(replace(graded, stenosis=(stem, *graded.stenosis)), tmp_path).splitlines()
    said = lines[lines.index("Stenosis of the arteries outside occlusions:") + 1]
    assert "; LM hardly judged; none of 25 % or more in RCA." in said
    text = summary_text(replace(graded, stenosis=(stem,), lesions=(), scores=()), tmp_path)
    assert " ".join(row(text, "LM").split()) == "hardly judged – – N 1 mm"


def test_the_input_cannot_drive_the_terminal(case, tmp_path):
    evil = replace(case.input, description="\x1b[2J[red]gone\u202e")
    text = summary_text(replace(case, input=evil), tmp_path)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]gone" in text


def test_lines_keep_to_the_width(case, tmp_path):
    long = replace(case.scores[1], warnings=("far outside the derivation population " * 9,))
    out = tmp_path / ("deep" * 30)
    shown = summary_text(replace(case, scores=(case.scores[0], long)), out, width_columns=80).splitlines()
    assert f"Result   {out}" in shown, "a path must not be broken"
    assert max(len(line) for line in shown if str(out) not in line) <= 80


def test_signs_that_a_terminal_lacks_are_spelled():
    assert spelled("41° (36–47), 3 mm³ ≥ −2 ü", "ascii") == "41 deg (36-47), 3 mm3 >= -2 ?"
    assert spelled("41°", "utf-8") == "41°"
    assert spelled("41°", "no such encoding") == "41 deg"
