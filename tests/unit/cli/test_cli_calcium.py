"""``recanal calcium`` from the outside."""

import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from nibabel.nifti1 import Nifti1Image
from PIL import Image

from recanal.calcium.score import method_of
from recanal.calcium.stack import SliceStack
from recanal.cli import main
from recanal.cli.calcium import _text
from recanal.core.calcium import ARTERIES, CalciumAmount, CalciumLesion, CalciumReport, CalciumSpot
from recanal.core.case import InputInfo, Provenance
from recanal.core.volume import Affine
from recanal.errors import OptionError, ReadError
from recanal.interop.label_map import read_label_map
from recanal.pipeline.calcium import CalciumRequest
from recanal.report.calcium_picture import SliceView, calcium_png

AFFINE = np.diag([-0.5, -0.5, 3.0, 1.0])


def write(path, data, affine=AFFINE):
    image = Nifti1Image(np.asarray(data), affine)
    path.write_bytes(gzip.compress(image.to_bytes()))
    return path


@pytest.fixture
def study(tmp_path):
    """A block of soft tissue in air, (columns, rows, slices), with one spot of 8 mm2 and 250 HU in slice 3."""
    hu = np.full((60, 50, 8), -800, np.int16)
    hu[10:50, 10:40] = 40
    hu[20:24, 20:28, 3] = 250
    labels = np.zeros(hu.shape, np.uint8)
    labels[18:26, 18:30, 2:5] = 4
    return write(tmp_path / "plain.nii.gz", hu), write(tmp_path / "mask.nii.gz", labels), tmp_path / "out"


def run(*arguments):
    return CliRunner().invoke(main, ["calcium", *map(str, arguments)])


def test_a_mask_gives_the_exact_score_and_three_files(study):
    plain, mask, out = study
    done = run(plain, "--out", out, "--mask", mask, "--calibration", "0.0008")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("\n\nResearch use only: not for diagnosis or treatment.\n")
    told = json.loads((out / "calcium.json").read_text())
    assert told["schema"] == "recanal.calcium/1"
    assert told["total"] == {"agatston": 16.0, "volume_mm3": 24.0, "mass_mg": 4.8, "lesion_count": 1}
    assert told["arteries"]["RCA"]["agatston"] == 16.0
    assert told["arteries"]["LAD"]["agatston"] == 0
    assert told["lesions"][0]["spots"][0] == {
        "slice_index": 3,
        "z_mm": 9.0,
        "area_mm2": 8.0,
        "peak_hu": 250.0,
        "mean_hu": 250.0,
        "weight": 2,
        "agatston": 16.0,
    }
    assert told["method"]["mode"] == "mask"
    assert "tube voltage not known" in told["flags"][0]
    with Image.open(out / "calcium.png") as picture:
        assert picture.size[0] > 600
    assert "RCA" in done.output
    assert "16.0" in done.output


def test_the_labels_written_give_the_same_score_again(study):
    plain, mask, out = study
    run(plain, "--out", out, "--mask", mask)
    again = run(plain, "--out", out.with_name("again"), "--mask", out / "calcium_labels.nii.gz", "--json")
    assert json.loads(again.output)["total"]["agatston"] == 16.0


def test_without_a_calibration_there_is_no_mass(study):
    plain, mask, out = study
    assert json.loads(run(plain, "--out", out, "--mask", mask, "--json").output)["total"]["mass_mg"] is None


def test_without_an_aorta_nothing_is_guessed(study):
    plain, _, out = study
    done = run(plain, "--out", out)
    assert done.exit_code == 2
    assert "--mask" in done.output
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x.astype(np.float32) + 0.5, "whole numbers from 0 to 4"),
        (lambda x: x + 3, "whole numbers from 0 to 4, got 3, 7"),
        (lambda x: x[:-1], "59 voxels"),
        (lambda x: x[..., None, None].repeat(2, axis=3), "three dimensions"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(study, tmp_path, change, words):
    plain, _, out = study
    labels = np.zeros((60, 50, 8), np.uint8)
    labels[18:26, 18:30, 2:5] = 4
    done = run(plain, "--out", out, "--mask", write(tmp_path / "bad.nii.gz", change(labels)))
    assert done.exit_code == 2
    assert words in done.output
    assert not out.exists()


def test_a_mask_that_is_no_nifti_is_refused(tmp_path):
    path = tmp_path / "mask.nii.gz"
    with pytest.raises(ReadError, match="no such file"):
        read_label_map(path, most_label=4)
    path.write_bytes(b"not a picture")
    with pytest.raises(ReadError, match="no readable NIfTI"):
        read_label_map(path, most_label=4)


def test_a_mask_and_a_contrast_series_exclude_each_other(tmp_path):
    with pytest.raises(OptionError, match="contrast series is not used"):
        CalciumRequest(tmp_path, tmp_path, mask=tmp_path, cta="1.2.3")
    with pytest.raises(OptionError, match="calibration_mg_per_hu_mm3 must lie between"):
        CalciumRequest(tmp_path, tmp_path, calibration_mg_per_hu_mm3=0.8)


def test_help_shows_an_example():
    shown = run("--help")
    assert shown.exit_code == 0
    assert "recanal calcium study --out score --mask" in shown.output


def test_an_empty_mask_is_refused_and_one_without_calcium_scores_nought(study, tmp_path):
    plain, _, out = study
    labels = np.zeros((60, 50, 8), np.uint8)
    done = run(plain, "--out", out, "--mask", write(tmp_path / "empty.nii.gz", labels))
    assert done.exit_code == 2
    assert "The mask marks no voxel" in done.output
    assert not out.exists()
    labels[30:36, 30:36, 3] = 2
    done = run(plain, "--out", out, "--mask", write(tmp_path / "clean.nii.gz", labels), "--json")
    told = json.loads(done.output)
    assert told["total"]["agatston"] == 0
    assert "nothing in the marked regions reaches 130 HU" in told["flags"]


def test_calibration_and_folder_are_looked_at_before_the_study(study, tmp_path):
    _, mask, _ = study
    nowhere = tmp_path / "nowhere"
    for wrong in ("0.8", "nan", "-1"):
        done = run(nowhere, "--out", tmp_path / "out", "--mask", mask, "--calibration", wrong)
        assert done.exit_code == 2
        assert "--calibration" in done.output
    (tmp_path / "file").write_text("x")
    (tmp_path / "full" / "calcium.png").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "IM000001").touch()
    for out in ("file", "file/below/it", "full", "link", "scan"):
        done = run(nowhere, "--out", tmp_path / out, "--mask", mask)
        assert done.exit_code == 2
        assert "--out" in done.output
    done = run(nowhere, "--out", tmp_path / "out", "--mask", tmp_path / "absent.nii.gz")
    assert "path of the mask" in done.output


def test_an_unsure_lesion_below_the_twelve_largest_slices_is_shown(unsure):
    report, _, _ = unsure
    hu, labels = np.full((20, 60, 60), 40, np.int16), np.zeros((20, 60, 60), np.uint8)
    hu[:, 20:26, 20:26], labels[:, 20:26, 20:26] = 300, 2
    hu[17, 40:44, 40:44], labels[17, 40:44, 40:44] = 200, 3
    spots = tuple(CalciumSpot(k, 3.0 * k, 9.0, 300.0, 300.0, 3, 60.0 - k) for k in range(17))
    faint = CalciumSpot(17, 51.0, 4.0, 200.0, 200.0, 2, 8.0)
    lesions = (replace(report.lesions[0], spots=spots), replace(report.lesions[1], spots=(faint,)))
    many = replace(report, lesions=lesions)
    sizes = []
    for mask in (None, labels == 3):
        with Image.open(io.BytesIO(calcium_png(many, SliceView(hu, labels, (0.5, 0.5), unsure=mask)))) as picture:
            sizes.append(picture.size[1])
    assert sizes[1] == sizes[0] + 306  # one more row of tiles


@pytest.fixture
def unsure():
    """A report of two lesions in one slice, C2 of them unsure, and its picture."""
    hu, labels = np.full((3, 200, 200), 40, np.int16), np.zeros((3, 200, 200), np.uint8)
    hu[1, 80:86, 60:66], hu[1, 100:106, 120:126] = 300, 300
    labels[1, 80:86, 60:66], labels[1, 100:106, 120:126] = 2, 3
    spot = CalciumSpot(1, 3.0, 9.0, 300.0, 300.0, 3, 27.0)
    lesions = tuple(
        CalciumLesion(name, artery, 27.0, 27.0, None, 300.0, 300.0, (0.0, 0.0, 3.0), (spot,), sure)
        for name, artery, sure in (("C1", "LAD", 0.9), ("C2", "LCX", 0.55))
    )
    stack = SliceStack(hu, Affine.from_spacing((3.0, 0.5, 0.5)), 3.0)
    one, none = CalciumAmount(27.0, 27.0, None, 1), CalciumAmount(0.0, 0.0, None, 0)
    report = CalciumReport(
        input=InputInfo(),
        method=method_of(stack, mode="automatic", artery_rule="position", kvp=120.0, calibration_mg_per_hu_mm3=None),
        total=CalciumAmount(54.0, 54.0, None, 2),
        arteries={name: one if name in ("LAD", "LCX") else none for name in ARTERIES},
        lesions=lesions,
        excluded=(),
        flags=(),
        provenance=Provenance("0.1.0"),
    )
    return report, hu, labels


@pytest.mark.parametrize(("share", "said"), [(0.5, True), (0.4, False)])
def test_a_score_that_is_mostly_doubtful_says_so(unsure, tmp_path, monkeypatch, share, said):
    report = replace(unsure[0], total=CalciumAmount(27.0 / share, 54.0, None, 2))
    monkeypatch.setattr("recanal.pipeline.calcium.score_study", lambda request, progress: report)
    done = run(tmp_path, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stderr.startswith("recanal: At least half of this score is doubtful") is said


def test_the_table_marks_what_is_unsure(unsure):
    lines = _text(unsure[0], Path("out")).splitlines()
    marked = [line.split()[0] for line in lines[:6] if line.endswith("?")]
    assert marked == ["LCX", "total"]
    assert [line for line in lines if line.startswith("  C")] == ["  C2  LCX     27.0  confidence 0.55, slice 1"]


def test_the_picture_marks_what_is_unsure(unsure):
    report, hu, labels = unsure

    def drawn(mask, flips=(False, False)):
        shown = calcium_png(report, SliceView(hu, labels, (0.5, 0.5), flips, mask))
        with Image.open(io.BytesIO(shown)) as picture:
            return np.asarray(picture.convert("RGB")).astype(int)

    nothing = drawn(np.zeros(labels.shape, np.bool_))
    assert np.array_equal(nothing, drawn(None))
    for flips in ((False, False), (True, True)):
        changed = np.abs(drawn(labels == 3, flips) - drawn(None, flips)).sum(axis=2)
        tile = changed[132:432, 6:306]
        rows, columns = np.nonzero(tile)
        assert len(rows) > 20
        assert np.ptp(rows) < 40
        assert np.ptp(columns) < 30
        left, top = (columns.min() > 150), (rows.min() > 150)
        assert (left, top) == (not flips[1], not flips[0])
        assert changed[:132].any()
