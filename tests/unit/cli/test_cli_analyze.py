"""``recanal analyze``: what it asks of the pipeline, and how it ends."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from recanal.errors import FindingsError, GeometryError, ReadError, SeedError


def one_line(done):
    """The only line on stderr."""
    (line,) = done.stderr.splitlines()
    assert line.startswith("recanal: ")
    return line


def test_every_option_reaches_the_request(analyze, pipeline, study, tmp_path):
    clinical = tmp_path / "facts.toml"
    clinical.write_text("")
    options = ("--series", "1.2.3", "--vessel", "rca", "--clinical", clinical, "--territory", "coronary")
    done = analyze(*options, "--backend", "cpu", "--workers", "2", seeds=("--proximal", "-1,2,3", "--distal=4, 5,-6e1"))
    assert done.exit_code == 0, done.stderr
    (request,) = pipeline.seen
    assert (request.input, request.out) == (study, tmp_path / "out")
    assert (request.proximal_mm, request.distal_mm) == ((-1.0, 2.0, 3.0), (4.0, 5.0, -60.0))
    assert (request.series_uid, request.vessel, request.clinical) == ("1.2.3", "RCA", clinical)
    assert request.territory == "coronary"
    assert isinstance(request.input, Path)


def test_what_is_not_given_is_none(analyze, pipeline):
    assert analyze().exit_code == 0
    (request,) = pipeline.seen
    assert (request.series_uid, request.vessel, request.clinical, request.territory) == (None, None, None, None)


def test_without_seeds_everything_is_looked_for(analyze, pipeline):
    assert analyze(seeds=()).exit_code == 0
    (request,) = pipeline.seen
    assert request.proximal_mm is None
    assert request.distal_mm is None


@pytest.mark.parametrize("option", ["--proximal", "--distal"])
def test_a_point_given_twice_is_refused(analyze, pipeline, option):
    done = analyze(seeds=("--proximal=1,2,3", "--distal=4,5,6", f"{option}=7,8,9"))
    assert done.exit_code == 2
    first = "1,2,3" if option == "--proximal" else "4,5,6"
    assert f"{option} was given 2 times: {first}, 7,8,9." in one_line(done)
    assert pipeline.seen == []


@pytest.mark.parametrize("seeds", [("--proximal=1,2,3",), ("--distal=1,2,3",)])
def test_one_seed_is_not_enough(analyze, pipeline, seeds):
    done = analyze(seeds=seeds)
    assert done.exit_code == 2
    assert "Give both" in one_line(done)
    assert pipeline.seen == []


@pytest.mark.parametrize(
    "text",
    [
        "1,2",
        "1,2,3,4",
        "1,2,nan",
        "1,inf,3",
        "a,b,c",
        "",
        "1;2;3",
        "1,2,",
        "1_0,2,3",
        "\x1b[31m,1,2",
    ],
)
def test_points_that_are_none_are_refused(analyze, pipeline, text):
    done = analyze(seeds=("--distal=1,2,3", f"--proximal={text}"))
    assert done.exit_code == 2
    line = one_line(done)
    assert "--proximal takes three finite numbers" in line
    assert "\x1b" not in line
    assert pipeline.seen == []


@pytest.mark.parametrize(
    ("options", "word"),
    [(("--territory", "leg"), "Leg"), (("--backend", "gpu"), "GPU")],
)
def test_what_is_not_there_yet_is_refused(analyze, pipeline, options, word):
    done = analyze(*options)
    assert done.exit_code == 2
    assert f"{word} " in one_line(done)
    assert "not available yet" in one_line(done)
    assert pipeline.seen == []


def test_absent_input_is_named(analyze, pipeline, tmp_path):
    done = analyze(source=tmp_path / "nowhere")
    assert done.exit_code == 2
    assert one_line(done).startswith("recanal: nowhere: [not-found] ")
    assert pipeline.seen == []


def test_absent_clinical_file_is_named(analyze, pipeline, tmp_path):
    done = analyze("--clinical", tmp_path / "facts.toml")
    assert done.exit_code == 2
    assert one_line(done).startswith("recanal: facts.toml: [not-found] ")
    assert pipeline.seen == []


def test_the_file_of_corrections_reaches_the_request_and_an_absent_one_is_named(analyze, pipeline, tmp_path):
    edits = tmp_path / "edits.json"
    done = analyze("--edits", edits)
    assert done.exit_code == 2
    assert one_line(done).startswith("recanal: edits.json: [not-found] ")
    assert pipeline.seen == []
    edits.write_text("{}")
    assert analyze("--edits", edits).exit_code == 0
    assert pipeline.seen[0].edits == edits


@pytest.mark.parametrize("inside", ["", "deeper/result"])
def test_a_file_where_the_result_should_lie_is_refused_and_kept(analyze, pipeline, tmp_path, inside):
    taken = tmp_path / "taken"
    taken.write_text("precious")
    done = analyze(out=taken / inside)
    assert done.exit_code == 2
    assert "'taken'" in one_line(done)
    assert taken.read_text() == "precious"
    assert pipeline.seen == []


@pytest.mark.parametrize(
    "error",
    [
        ReadError("The slope is zero.", hint="Export the series again.", file="IM1", rule="slope-zero"),
        SeedError("The point lies in no lumen.", hint="Move it."),
        GeometryError("The spacing is odd."),
        FindingsError("age_years: must be a number."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_unusable_input_ends_with_two_and_the_error_in_one_line(analyze, pipeline, error):
    pipeline.answer = error
    done = analyze()
    assert done.exit_code == 2
    assert one_line(done) == f"recanal: {error}"
    assert done.stdout == ""


def test_a_distrusted_result_ends_with_three_and_its_reasons(analyze, pipeline, distrusted):
    pipeline.answer = distrusted
    done = analyze()
    assert done.exit_code == 3
    assert "too noisy; no contrast" in one_line(done)
    assert "DO NOT TRUST" in done.stdout


def test_a_reason_that_asks_ends_with_its_question_mark(analyze, pipeline, distrusted):
    pipeline.answer = replace(distrusted, quality=replace(distrusted.quality, reasons=("is the heart in view?",)))
    assert one_line(analyze()).endswith("is the heart in view?")


def test_the_reasons_are_only_what_fails(analyze, pipeline, distrusted):
    pipeline.answer = replace(distrusted, quality=replace(distrusted.quality, reasons=("no contrast",)))
    done = analyze()
    assert done.exit_code == 3
    line = one_line(done)
    assert "no contrast" in line
    assert "too noisy" not in line
    assert "Too noisy." in done.stdout


def test_unforeseen_errors_are_reported_without_their_text(analyze, pipeline):
    pipeline.answer = KeyError("DOE^JANE")
    done = analyze()
    assert done.exit_code == 1
    line = one_line(done)
    assert "KeyError" in line
    assert "conftest.py line " in line
    assert "report" in line
    assert "DOE" not in line


def test_debug_shows_the_traceback(analyze, pipeline):
    pipeline.answer = ZeroDivisionError("by zero")
    done = analyze("--debug")
    assert done.exit_code == 1
    assert done.stderr.startswith("Traceback")
    assert "ZeroDivisionError: by zero" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("recanal: ")


@pytest.mark.parametrize(
    ("error", "words"),
    [(OSError(errno.ENOSPC, "No space left on device", "/secret"), "Make room"), (MemoryError(), "memory")],
)
def test_a_full_machine_is_told_plainly(analyze, pipeline, error, words):
    pipeline.answer = error
    done = analyze()
    assert done.exit_code == 1
    assert words in one_line(done)
    assert "secret" not in done.stderr


def test_progress_is_silent_where_stderr_is_no_terminal(analyze, pipeline):
    pipeline.steps = ["reading", "measuring [bold]"]
    assert analyze().stderr == ""


@pytest.mark.parametrize("name", ["case.json", "report.html", "report.pdf", "centerlines.vtp"])
def test_a_folder_where_a_result_file_belongs_is_refused_before_the_analysis(analyze, pipeline, tmp_path, name):
    (tmp_path / "out" / name).mkdir(parents=True)
    done = analyze()
    assert done.exit_code == 2
    assert name in one_line(done)
    assert not pipeline.seen


def test_a_file_where_the_figures_belong_is_refused_before_the_analysis(analyze, pipeline, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "figures").touch()
    done = analyze()
    assert done.exit_code == 2
    assert "figures" in one_line(done)
    assert not pipeline.seen


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("IM000001", "DICM"),
        ("case.json", '{"patient": 7}'),
        ("case.json", ""),
        ("notes.txt", ""),
        ("report.pdf", "mine"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused_and_kept(analyze, pipeline, tmp_path, name, content):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text(content)
    done = analyze()
    assert done.exit_code == 2
    assert f"'out' is no earlier result of recanal: it holds '{name}'" in one_line(done)
    assert (tmp_path / "out" / name).read_text() == content
    assert not pipeline.seen


def test_an_earlier_result_and_a_folder_with_hidden_files_alone_are_taken(analyze, pipeline, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".DS_Store").touch()
    assert analyze().exit_code == 0
    (tmp_path / "out" / "case.json").write_text('{\n  "schema": "recanal.case/1",\n')
    (tmp_path / "out" / "remarks.txt").touch()
    assert analyze().exit_code == 0
    (tmp_path / "out" / "case.json").unlink()
    (tmp_path / "out" / "calcium.json").write_text('{"schema": "recanal.calcium/1"}')
    assert analyze().exit_code == 0
    assert len(pipeline.seen) == 3


@pytest.mark.parametrize("out", ["", "x" * 300])
def test_names_that_no_folder_can_have_are_refused(analyze, pipeline, out):
    done = analyze(out=out)
    assert done.exit_code == 2
    one_line(done)
    assert not pipeline.seen


def test_a_result_folder_that_links_to_nowhere_is_refused(analyze, pipeline, tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "absent")
    done = analyze()
    assert done.exit_code == 2
    assert "link" in one_line(done)
    assert not pipeline.seen


@pytest.mark.parametrize("text", ["1e9,2,3", "1,1e308,1"])
def test_points_beyond_any_scanner_are_refused(analyze, pipeline, text):
    done = analyze(seeds=(f"--proximal={text}", "--distal=1,2,3"))
    assert done.exit_code == 2
    assert "beyond 100 m" in one_line(done)
    assert not pipeline.seen
