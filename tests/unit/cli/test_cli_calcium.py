"""``recanal calcium`` from the outside."""

import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner
from nibabel.nifti1 import Nifti1Image
from PIL import Image

from recanal.cli import main
from recanal.errors import OptionError, ReadError
from recanal.interop.label_map import read_label_map
from recanal.pipeline.calcium import CalciumRequest

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
