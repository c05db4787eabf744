"""A whole case with corrections: what changes, what is kept, and what is written."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace

import numpy as np
import pypdf
import pytest
from edit_tables import HEAD, listed

from analytic_tube import Scene, draw
from recanal.cli.edits_text import edits_text
from recanal.cli.summary import summary_text
from recanal.core.case import case_json
from recanal.core.findings import Findings
from recanal.edits.actions import Place, Redraw
from recanal.errors import EditError, ReadError
from recanal.interop import LoadedStudy, nifti_bytes
from recanal.pipeline import AnalyzeRequest, analyze, analyze_study
from recanal.pipeline.analyze import analyze_volume
from recanal.pipeline.edited import EditList, corrected_case, read_edits, remeasured
from recanal.report.page import render_html
from recanal.report.pdf import render_pdf

ROWS = [
    {"do": "set_cap", "cap": "distal", "at": {"position_mm": 21.0}, "reason": "the stump goes on"},
    {"do": "redraw", "border": "wall", "at": {"position_mm": 8.0}, "radii_mm": [2.6] * 48, "reach_mm": 2.0},
    {"do": "rename_vessel", "name": "LAD"},
    {"do": "rename_segment", "segment": "LAD", "name": "mLAD"},
]


def seeds_of(drawing):
    return [tuple(float(x) for x in seed) for seed in drawing.seeds()]


@pytest.fixture(scope="module")
def analysed():
    drawing = draw(Scene())
    proximal, distal = seeds_of(drawing)
    request = AnalyzeRequest(None, None, proximal, distal, vessel="RCA")
    case, result = analyze_volume(drawing.volume, request=request)
    return drawing.volume, case, result


@pytest.fixture(scope="module")
def corrected(analysed):
    volume, case, result = analysed
    return corrected_case(case, (result,), EditList(listed(*ROWS)), volume=volume, typed=Findings({}))


def walked(value, path=""):
    """Every leaf of a JSON document with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walked(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walked(item, f"{path}.{index}")
    else:
        yield path, value


def at(document, path):
    for key in path.split("."):
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def test_an_empty_list_leaves_the_very_case(analysed):
    volume, case, result = analysed
    same, parts = corrected_case(case, (result,), EditList(), volume=volume, typed=Findings({}))
    assert same is case
    assert parts[0] is result
    document = case_json(case)
    assert (document["edits"], document["changes"], document["before"]) == ([], [], None)


def test_the_original_is_kept_whole(analysed, corrected):
    before = case_json(analysed[1])
    kept = case_json(corrected[0])["before"]
    assert set(kept) == {"quality", "tree", "lesions", "findings", "findings_of", "scores", "strategy"}
    assert all(kept[name] == before[name] for name in kept)


def test_everything_downstream_follows(analysed, corrected):
    _, case, _ = analysed
    new, (part,) = corrected
    (lesion,) = new.lesions
    assert lesion.length_mm.value == pytest.approx(21.0)
    assert case.lesions[0].length_mm.value < 18.0
    assert new.findings.facts["length_mm"].value == lesion.length_mm.value
    assert (lesion.vessel, lesion.segments, new.findings.facts["vessel"].value) == ("LAD", (7,), "LAD")
    assert [(s.name, s.scct, s.vessel) for s in new.tree.segments] == [("mLAD", 7, "LAD")]
    jcto = {case_name: row for row in new.scores for case_name in [row.sheet] if "j_cto" in row.sheet}
    old = {row.sheet: row for row in case.scores if "j_cto" in row.sheet}
    assert max(jcto[name].points_min - old[name].points_min for name in jcto) == 1.0  # 20 mm or more
    arc = part.vessel.line.arc_mm
    lumen = np.asarray(new.tree.segments[0].radius_mm)
    gap = part.vessel.gaps[0]
    assert (lumen[(arc > gap.start_mm) & (arc < gap.end_mm)] == 0).all()
    assert new.provenance.parameters["edits_count"] == 4
    assert any("4 corrections by reader 2" in flag for flag in new.quality.flags)


def test_the_table_of_changes_holds_every_number_that_changed(analysed, corrected):
    old, new = case_json(analysed[1]), case_json(corrected[0])
    told = {row["path"]: row for row in new["changes"]}
    was, now = (dict(walked({"lesions": case["lesions"]})) for case in (old, new))
    skip = re.compile(r"\.(profile|flags|segments|points_mm)\b|_interval\.value$")
    missed = [
        path
        for path in now
        if not skip.search(path)
        and isinstance(now[path], int | float)
        and now[path] != was.get(path)
        and path not in told
    ]
    assert missed == []
    assert len(told) > 30


def test_every_change_can_be_looked_up(analysed, corrected):
    new = case_json(corrected[0])
    for row in new["changes"]:
        assert at(new, row["path"]) == row["after"], row["path"]
        assert row["before"] != row["after"]
        both = [row["before"], row["after"]]
        if all(isinstance(x, int | float) and not isinstance(x, bool) for x in both):
            assert math.isclose(row["difference"], both[1] - both[0], rel_tol=1e-4, abs_tol=1e-5)
        else:
            assert row["difference"] is None
    length = next(row for row in new["changes"] if row["path"] == "lesions.0.length_mm.value")
    assert (length["label"], length["unit"], length["main"]) == ("L1: length", "mm", True)


def test_page_paper_and_terminal_show_before_and_after(analysed, corrected, tmp_path):
    new, old = corrected[0], analysed[1]
    before, after = (f"{case.lesions[0].length_mm.value:.2f} mm" for case in (old, new))
    page = render_html(new, {})
    paper = " ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(render_pdf(new, {}))).pages)
    terminal = summary_text(new, tmp_path, width_columns=140)
    for text in (page, paper, terminal):
        squeezed = re.sub(r"\s+", " ", text)
        assert before in squeezed
        assert after in squeezed
        assert "distal cap of L1 set to" in squeezed
        assert "reader 2" in squeezed
    assert "Corrections by a reader" in page
    assert "Corrections by a reader" not in render_html(old, {})
    assert edits_text(old) == ""


def test_the_terminal_lists_twenty_corrections(corrected):
    case = corrected[0]
    many = [replace(case.edits[0], what=f"correction {k}.", notes=()) for k in range(1, 24)]
    text = edits_text(replace(case, edits=tuple(many)))
    assert text.startswith("23 corrections by ")
    assert "  20. correction 20." in text
    assert "correction 21." not in text
    assert "  ... and 3 more: report.html, case.json." in text
    assert "more: report" not in edits_text(replace(case, edits=tuple(many[:20])))


def test_a_contour_is_measured_again_alone_as_in_the_whole(analysed):
    volume, case, result = analysed
    action = Redraw("wall", (), (2.6,) * 48, Place(position_mm=8.0), 2.0)
    vessel, lesion = remeasured(result.vessel, action, name="RCA")
    row = {"do": "redraw", "border": "wall", "at": {"position_mm": 8.0}, "radii_mm": [2.6] * 48, "reach_mm": 2.0}
    whole, parts = corrected_case(case, (result,), EditList(listed(row)), volume=volume, typed=Findings({}))
    assert np.array_equal(vessel.borders.contours.wall_radius_mm, parts[0].vessel.borders.contours.wall_radius_mm)
    assert lesion.plaque == whole.lesions[0].plaque
    assert lesion.plaque.volume_mm3.value > result.lesions[0].plaque.volume_mm3.value


def test_a_split_case_names_its_new_lesion_and_speaks_of_the_longest(analysed):
    volume, case, result = analysed
    gap = result.vessel.gaps[0]
    row = {"do": "split_lesion", "from": {"arc_mm": gap.start_mm + 3.0}, "to": {"arc_mm": gap.start_mm + 8.5}}
    new, _ = corrected_case(case, (result,), EditList(listed(row)), volume=volume, typed=Findings({}))
    assert [x.id for x in new.lesions] == ["L1", "L2"]
    assert new.findings_of == "L2"
    assert new.findings.facts["multiple_occlusions"].value is True
    assert any("several occlusions" in flag for flag in new.quality.flags)
    labels = {row.label for row in new.changes}
    assert "L2 (L1 before): length" in labels
    assert "L1 (new): length" in labels
    assert [len(x.projections) for x in new.lesions] == [2, 2]


def test_parts_keep_their_numbers_and_untouched_ones_stay(analysed):
    volume, case, result = analysed
    second = replace(result, lesions=tuple(replace(x, id="L2") for x in result.lesions))
    both = replace(case, lesions=(*result.lesions, *second.lesions))
    row = {"do": "set_cap", "cap": "distal", "lesion": "L2", "at": {"position_mm": 21.0}}
    new, parts = corrected_case(both, (result, second), EditList(listed(row)), volume=volume, typed=Findings({}))
    assert [x.id for x in new.lesions] == ["L1", "L2"]
    assert new.lesions[0].length_mm == result.lesions[0].length_mm
    assert new.lesions[1].length_mm.value == pytest.approx(21.0)
    assert parts[0].vessel is result.vessel
    assert new.findings_of == "L2"


def test_names_that_no_vessel_and_no_segment_has_are_refused(analysed, tmp_path):
    volume, case, result = analysed
    path = tmp_path / "edits.json"
    for row, words in (
        ({"do": "rename_vessel", "name": "aorta"}, "no vessel is named 'aorta'"),
        ({"do": "rename_segment", "segment": "RCA", "name": "x"}, "no segment is named 'x'"),
    ):
        path.write_text(json.dumps({**HEAD, "edits": [row]}), encoding="utf-8")
        with pytest.raises(EditError, match=rf"edits\[0\] \({row['do']}\): name: {words}"):
            read_edits(path)
    path.write_text('{"schema": ' + "9" * 5000 + "}", encoding="utf-8")
    with pytest.raises(ReadError, match=r"a number has 5000 digits, 300 are read\.") as caught:
        read_edits(path)
    assert "sys." not in str(caught.value)
    with pytest.raises(ReadError, match=r"This is a folder\. Give a file"):
        read_edits(tmp_path)
    todo = EditList(listed({"do": "rename_segment", "segment": "LM", "name": "pRCA"}))
    with pytest.raises(EditError, match="segment: 0 segments are named 'LM'"):
        corrected_case(case, (result,), todo, volume=volume, typed=Findings({}))


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b'{"a": 1, "a": 2}', "format"),
        (b'{"a": NaN}', "format"),
        (b"[1]", "format"),
        (b"{", "format"),
        (b"\xff\xfe", "encoding"),
        (b" " * (16 * 2**20 + 1), "edits-size"),
        (None, "not-found"),
    ],
)
def test_files_that_cannot_be_read_are_refused_by_rule(tmp_path, content, rule):
    path = tmp_path / "edits.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_edits(path)
    assert caught.value.rule == rule
    assert caught.value.file == "edits.json"


def test_a_text_that_does_not_end_is_told_with_its_line(tmp_path):
    path = tmp_path / "edits.json"
    path.write_text('{\n"edits', encoding="utf-8")
    with pytest.raises(ReadError, match=r"not valid JSON: Unterminated string starting at line 2\."):
        read_edits(path)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    drawing = draw(Scene())
    path = tmp_path_factory.mktemp("study") / "tube.nii"
    path.write_bytes(nifti_bytes(drawing.volume))
    return path, seeds_of(drawing)


def run(study, out, rows=None, **head):
    path, (proximal, distal) = study
    edits = None
    if rows is not None:
        edits = out.parent / f"{out.name}.json"
        edits.write_text(json.dumps({**HEAD, **head, "edits": rows}), encoding="utf-8")
    analyze_study(AnalyzeRequest(path, out, proximal, distal, vessel="RCA", edits=edits))
    document = json.loads((out / "case.json").read_text(encoding="utf-8"))
    document.pop("timings_s")
    document["provenance"].pop("created_utc")
    return document


def test_an_empty_file_of_corrections_gives_the_same_case_file(study, tmp_path):
    assert run(study, tmp_path / "with", rows=[]) == run(study, tmp_path / "without")


def test_a_bad_correction_writes_nothing(study, tmp_path):
    bad = {"do": "set_cap", "cap": "distal", "at": {"arc_mm": 900}}
    with pytest.raises(EditError, match=r"edits\[1\] \(set_cap\): at.arc_mm: arc length 900.0 mm"):
        run(study, tmp_path / "out", rows=[*ROWS[:1], bad])
    assert not (tmp_path / "out").exists()


def test_the_folder_holds_the_corrected_case_and_undo_is_leaving_out_the_last(study, tmp_path):
    whole = run(study, tmp_path / "whole", rows=ROWS[:2])
    undone = run(study, tmp_path / "undone", rows=ROWS[:1])
    assert [edit["do"] for edit in whole["edits"]] == ["set_cap", "redraw"]
    assert whole["edits"][0]["reason"] == "the stump goes on"
    assert whole["lesions"][0]["length_mm"] == undone["lesions"][0]["length_mm"]
    assert whole["lesions"][0]["plaque"]["volume_mm3"] != undone["lesions"][0]["plaque"]["volume_mm3"]
    assert "Corrections by a reader" in (tmp_path / "whole" / "report.html").read_text(encoding="utf-8")


def test_corrections_of_another_series_are_refused(analysed):
    volume, case, result = analysed
    named = replace(case, input=replace(case.input, series_uid="1.2.3"))
    todo = EditList(listed(*ROWS), series_uid="1.2.4")
    with pytest.raises(EditError, match="made on another series"):
        corrected_case(named, (result,), todo, volume=volume, typed=Findings({}))


def test_an_empty_list_of_another_series_is_refused_too(analysed, tmp_path):
    volume, case, result = analysed
    path = tmp_path / "edits.json"
    path.write_text(json.dumps({**HEAD, "series_uid": "1.2.3", "edits": []}))
    todo = read_edits(path)
    assert todo.edits == ()
    named = replace(case, input=replace(case.input, series_uid="1.2.4"))
    with pytest.raises(EditError, match="made on another series"):
        corrected_case(named, (result,), todo, volume=volume, typed=Findings({}))
    same = replace(case, input=replace(case.input, series_uid="1.2.3"))
    assert corrected_case(same, (result,), todo, volume=volume, typed=Findings({}))[0] is same


@pytest.mark.parametrize(("named", "there", "said"), [("1.2.3", None, 1), ("1.2.3", "1.2.3", 0), (None, None, 0)])
def test_that_the_series_could_not_be_compared_is_said(analysed, named, there, said):
    volume, case, result = analysed
    read = replace(case, input=replace(case.input, series_uid=there))
    rename = {"do": "rename_vessel", "name": "LAD", "reason": "the other artery"}
    todo = EditList(listed(rename), series_uid=named)
    corrected, _ = corrected_case(read, (result,), todo, volume=volume, typed=Findings({}))
    assert sum("whether they belong was not checked" in flag for flag in corrected.quality.flags) == said


def test_another_series_is_refused_before_anything_is_measured(analysed, tmp_path, monkeypatch):
    volume, case, _ = analysed
    study = LoadedStudy(volume, replace(case.input, series_uid="1.2.4"), ())
    monkeypatch.setattr(analyze, "load_study", lambda path, series_uid: study)
    monkeypatch.setattr(analyze, "_analysed", lambda *_: pytest.fail("measured"))
    path = tmp_path / "edits.json"
    path.write_text(json.dumps({**HEAD, "series_uid": "1.2.3", "edits": []}))
    with pytest.raises(EditError, match=r"^edits\.json: series_uid: .* made on another series"):
        analyze_study(AnalyzeRequest(tmp_path, tmp_path / "out", None, None, edits=path))


def test_a_correction_can_raise_a_doubt_and_another_can_settle_it(analysed):
    volume, case, result = analysed
    end = result.vessel.line.length_mm
    far, back = (
        EditList(listed({"do": "set_cap", "cap": "distal", "at": {"arc_mm": arc}}))
        for arc in (end - 1.2, result.vessel.gaps[0].end_mm)
    )
    assert case.quality.usable
    doubted, parts = corrected_case(case, (result,), far, volume=volume, typed=Findings({}))
    assert not doubted.quality.usable
    assert any("of open vessel beyond the distal cap" in flag for flag in doubted.quality.flags)
    assert any("of open vessel beyond the distal cap" in reason for reason in doubted.quality.reasons)
    assert not any("correction" in reason for reason in doubted.quality.reasons)
    settled, _ = corrected_case(doubted, parts, back, volume=volume, typed=Findings({}))
    assert settled.quality.usable
    assert settled.quality.reasons == ()
    assert not any("of open vessel beyond the distal cap" in flag for flag in settled.quality.flags)
