"""``recanal phantom``: a study on disk with its truth beside it."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex

import numpy as np
import pytest

from recanal.cli.phantom import phantom
from recanal.errors import OptionError
from recanal.interop import load_study
from recanal.phantoms import PhantomOptions, make_phantom
from recanal.phantoms.options import CHOICES
from recanal.pipeline import phantom_study
from recanal.pipeline.phantom_study import make_study

SMALL = PhantomOptions(vessel="RCA", occlusion_length_mm=10.0, margin_mm=18.0, pixel_mm=0.7, slice_mm=1.5)
FLAGS = ("--vessel", "rca", "--length-mm", 10, "--margin-mm", 18, "--pixel-mm", 0.7, "--slice-mm", 1.5)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_study(SMALL, seed=7, out=tmp_path_factory.mktemp("phantom") / "study")


@pytest.fixture(scope="module")
def drawn():
    return make_phantom(SMALL, seed=7).volume


def truth_of(folder):
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_study_reads_back_as_the_angiogram_among_its_decoys(made, drawn):
    study = load_study(made.input)
    assert made.series_count == 4
    assert len(study.info.rejected) == 3
    np.testing.assert_array_equal(study.volume.hu, drawn.hu)
    np.testing.assert_allclose(study.volume.affine.matrix, drawn.affine.matrix, atol=1e-6)


def test_the_truth_holds_the_seeds_at_the_top(made):
    truth = truth_of(made.folder)
    assert truth["proximal_seed_mm"] == list(made.truth.proximal_seed_mm)
    assert truth["distal_seed_mm"] == list(made.truth.distal_seed_mm)
    assert set(truth) - set(made.truth.to_dict()) == {"calcium_scan"}  # the truth of the calcium-score series
    assert {name: truth[name] for name in made.truth.to_dict()} == made.truth.to_dict()


def test_nothing_else_lies_about(made):
    assert {path.name for path in made.folder.parent.iterdir()} == {"study"}
    assert all(re.fullmatch(r"IM\d{6}|truth\.json", name) for name in contents(made.folder))


def test_the_order_of_the_series_does_not_tell_the_angiogram(made):
    import pydicom

    heads = [pydicom.dcmread(path, stop_before_pixels=True) for path in made.folder.glob("IM*")]
    assert {str(head.PatientName) for head in heads} == {"PHANTOM^RECANAL"}
    assert len({head.SeriesInstanceUID for head in heads}) == 4


def test_an_earlier_phantom_is_replaced_whole(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("truth.json", "phantom.nii.gz", *(f"IM{k:06d}" for k in range(200))):
        (tmp_path / "a" / name).write_bytes(b"{}")
    before = contents(tmp_path / "a")
    thick = dataclasses.replace(SMALL, slice_mm=3.0)
    second = make_study(thick, seed=8, out=tmp_path / "a", decoys=False)
    alone = make_study(thick, seed=8, out=tmp_path / "b", decoys=False)
    assert 2 < len(contents(second.folder)) < len(before)
    assert contents(second.folder) == contents(alone.folder)


def test_a_failed_run_leaves_the_earlier_phantom(tmp_path, monkeypatch):
    out = tmp_path / "a"
    out.mkdir()
    (out / "truth.json").write_text("{}")
    (out / "IM000000").write_text("a slice")
    before = contents(out)

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(phantom_study, "write_dicom_study", fail)
    with pytest.raises(OSError, match="No space"):
        make_study(SMALL, seed=8, out=out, decoys=False)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_with_other_files_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.delattr(phantom_study, "make_phantom")
    (tmp_path / "IM000001").write_bytes(b"a real scan")
    with pytest.raises(OptionError, match="holds files that are no phantom"):
        make_study(SMALL, seed=7, out=tmp_path)
    (tmp_path / "truth.json").write_text("{}")
    (tmp_path / "thesis.doc").write_text("")
    with pytest.raises(OptionError, match="Name a new or an empty folder"):
        make_study(SMALL, seed=7, out=tmp_path)
    with pytest.raises(OptionError, match="is a file"):
        make_study(SMALL, seed=7, out=tmp_path / "thesis.doc")
    with pytest.raises(OptionError, match="format must be one of dicom, nifti"):
        make_study(SMALL, seed=7, out=tmp_path / "new", file_format="jpeg")


def test_the_command_prints_a_command_that_is_ready_to_run(recanal, tmp_path, pipeline):
    out = tmp_path / "my study"
    done = recanal("phantom", "--out", out, "--seed", 7, *FLAGS, "--no-decoys")
    assert done.exit_code == 0
    steps = done.stderr.splitlines()
    assert steps[0] == "recanal: organs"
    assert len(steps) == len(set(steps)) > 2
    assert "RCA occluded over" in done.stdout
    words = shlex.split(done.stdout.split("Analyse:")[1])
    assert words[:2] == ["recanal", "analyze"]
    assert recanal(*words[1:]).exit_code == 0
    (request,) = pipeline.seen
    truth = truth_of(out)
    assert (request.input, request.vessel) == (out, "RCA")
    assert request.proximal_mm == pytest.approx(truth["proximal_seed_mm"], abs=6e-4)
    assert request.distal_mm == pytest.approx(truth["distal_seed_mm"], abs=6e-4)


def test_no_points_are_offered_where_nothing_is_opacified_beyond(recanal, tmp_path):
    flags = ("--distal-filling", "none", "--no-decoys")
    done = recanal("phantom", "--out", tmp_path / "n", "--seed", 7, *FLAGS, *flags)
    words = shlex.split(done.stdout.split("Analyse:")[1])
    assert words == ["recanal", "analyze", str(tmp_path / "n"), "--out", str(tmp_path / "n-result"), "--vessel", "RCA"]


def test_nifti_holds_the_same_picture(recanal, tmp_path, drawn):
    done = recanal("phantom", "--out", tmp_path / "n", "--seed", 7, *FLAGS, "--format", "nifti")
    assert done.exit_code == 0
    assert set(contents(tmp_path / "n")) == {"phantom.nii.gz", "truth.json"}
    read = load_study(tmp_path / "n" / "phantom.nii.gz").volume
    point = drawn.affine.to_mm([[5, 6, 7]])
    i, j, k = np.rint(read.affine.to_index(point)[0]).astype(int)
    np.testing.assert_allclose(read.affine.to_mm([[i, j, k]]), point, atol=1e-3)
    assert read.hu[i, j, k] == drawn.hu[5, 6, 7]
    assert sorted(read.shape) == sorted(drawn.shape)


def test_every_field_of_the_options_can_be_given():
    known = {parameter.name for parameter in phantom.params}
    assert {field.name for field in dataclasses.fields(PhantomOptions)} <= known


def test_the_help_names_every_choice(recanal):
    text = recanal("phantom", "--help").stdout
    for choices in CHOICES.values():
        assert all(re.search(rf"\b{choice}\b", text) for choice in choices)


def test_options_reach_their_fields(recanal, tmp_path, monkeypatch):
    seen = []

    def spy(options, **given):
        seen.append((options, given))
        raise OptionError("enough")

    monkeypatch.setattr(phantom_study, "make_study", spy)
    flags = "--open --stenosis-percent 40 --no-side-branch --kvp 100 --plaque-mix 1,2,3 --grid-shift-mm=-0.1,0,1"
    done = recanal("phantom", "--out", tmp_path / "x", "--seed", 3, *shlex.split(flags), "--extent", "heart")
    assert done.exit_code == 2
    ((options, given),) = seen
    assert options == PhantomOptions(
        occlusion=False,
        stenosis_percent=40.0,
        side_branch_at_cap=False,
        kvp=100,
        plaque_mix=(1.0, 2.0, 3.0),
        grid_shift_mm=(-0.1, 0.0, 1.0),
        extent="heart",
    )
    assert (given["seed"], given["decoys"], given["file_format"]) == (3, True, "dicom")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--vessel", "PDA"), "--vessel must be one of RCA, LAD, LCX"),
        (("--length-mm", "500"), "recanal: --length-mm must lie in [5, 60]"),
        (("--noise-hu", "nan"), "--noise-hu must lie in"),
        (("--plaque-mix", "1,2"), "--plaque-mix takes three finite numbers"),
        (("--plaque-mix", "1,2"), "--plaque-mix=0.2,0.4,0.4;"),
        (("--plaque-mix=-1,2,3",), "--plaque-mix must be three weights"),
        (("--plaque-mix=-1,2,3",), "Write for example --plaque-mix 0.2,0.4,0.4."),
        (("--grid-shift-mm=9,0,0",), "--grid-shift-mm must be three numbers in [-5, 5]"),
        (("--open", "--collateral", "septal"), "--collateral needs an occlusion"),
        (("--seed", "-1"), "--seed takes a whole number"),
        (("--noise-seed", "-3"), "recanal: --noise-seed takes a whole number of 0 or more, got -3."),
        (("--stenosis-percent", "40"), "--stenosis-percent has no effect"),
        (("--open", "--distal-filling", "weak"), "--distal-filling has no effect"),
        (("--open", "--proximal-cap", "blunt"), "--proximal-cap has no effect"),
        (("--open", "--distal-cap", "tapered"), "--distal-cap has no effect"),
        (("--open", "--stenosis-percent", "0", "--remodelling", "1.2"), "--remodelling has no effect"),
        (("--format", "nifti", "--decoys"), "--decoys has no effect"),
        (("--extent", "heart", "--margin-mm", "30"), "--margin-mm has no effect"),
        (("--tree", "lesion", "--dominance", "left"), "--tree lesion has no effect"),
        (("--tree", "lesion", "--ramus"), "need --tree whole"),
        (("--step-mm", "2"), "Add --misregistration"),
        (("--collateral-diameter-mm", "2"), "Add --collateral"),
        (("--proximal-cap", "ambiguous", "--calcium", "none", "--no-side-branch"), "Calcium or a side branch hides it"),
        (("--distal-cap", "ambiguous", "--calcium", "none"), "Calcium hides it"),
    ],
)
def test_wrong_options_end_with_two_and_leave_nothing(recanal, tmp_path, flags, words):
    done = recanal("phantom", "--out", tmp_path / "x", "--seed", 7, *flags)
    assert done.exit_code == 2
    assert done.stderr.startswith("recanal: ")
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_help_says_what_automatic_mode_needs(recanal):
    told = " ".join(recanal("phantom", "--help").stdout.split())
    assert "`recanal analyze` without points needs the whole heart: --extent heart --tree whole." in told
