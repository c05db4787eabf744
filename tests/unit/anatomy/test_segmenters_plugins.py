"""Segmenters of other packages, found by their entry points, and programs that are run."""

import json
import os
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import ndimage

from analytic_tube import Scene, draw
from recanal.anatomy.segmentation import VesselMask
from recanal.cli.main import main
from recanal.errors import InputError, OptionError, ReadError
from recanal.interop import nifti_bytes
from recanal.segmenters import plug_ins
from recanal.segmenters.plug_ins import make_segmenter, segmented_tree, segmenter_names
from recanal.segmenters.programs import MonaiBundle, NnUnet, TotalSegmentator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the programs are run on Linux and macOS only")


class TinyModel:
    """A model of two numbers: what is bright and lies in a thin tube."""

    name, version = "tiny", "0.3+weights.1"

    def __init__(self, argument):
        self.threshold_hu = float(argument or 230)
        self.details = {"threshold_hu": self.threshold_hu}

    def segment(self, volume, *, progress):
        progress("thinking")
        bright = volume.hu > self.threshold_hu
        depth = ndimage.distance_transform_edt(bright, sampling=volume.spacing_mm)
        label, _ = ndimage.label(bright)
        thin = [k + 1 for k, d in enumerate(ndimage.maximum(depth, label, range(1, label.max() + 1))) if d < 3.0]
        return VesselMask(np.isin(label, thin))


class Broken(TinyModel):
    def segment(self, volume, *, progress):
        raise RuntimeError("secret")


class WrongKind(TinyModel):
    def segment(self, volume, *, progress):
        return np.ones(volume.shape)


OFFERED = {
    "first": ("tiny = {0}:TinyModel", "broken = {0}:Broken", "wrong = {0}:WrongKind", "lost = {0}:Absent"),
    "second": ("twice = {0}:TinyModel", "mask = {0}:TinyModel", "odd = builtins:str"),
    "third": ("twice = {0}:TinyModel",),
}


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Three packages with segmenters, as an installer lays them down: importlib.metadata finds them by itself."""
    for package, offered in OFFERED.items():
        folder = tmp_path / "site" / f"{package}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"[{plug_ins.GROUP}]", *(line.format(__name__) for line in offered)]
        (folder / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[TinyModel.__module__])
    monkeypatch.syspath_prepend(tmp_path / "site")


def test_no_package_takes_the_name_of_a_segmenter_of_recanal(packages):
    assert segmenter_names().count("mask") == 1
    assert make_segmenter("mask=a.nii.gz").version != TinyModel.version


@pytest.fixture(scope="module")
def occluded():
    return draw(Scene())


def test_a_model_of_another_package_is_found_run_and_named(packages, occluded):
    assert segmenter_names()[:2] == ("mask", "centerlines")
    assert "tiny" in segmenter_names()
    steps = []
    found = segmented_tree(occluded.volume, make_segmenter("tiny=240"), progress=steps.append)
    assert steps[:2] == ["segmenting with tiny", "thinking"]
    assert found.record == {
        "name": "tiny",
        "version": "0.3+weights.1",
        "gave": "mask of the lumen",
        "threshold_hu": "240.0",
    }
    assert found.tree.flags[-1] == "the vessels were taken from the segmenter tiny (0.3+weights.1)"
    assert len(found.tree.branches) == 2
    _, off = occluded.project(found.tree.branches[0].line.points_mm)
    assert off.mean() < 0.15


def test_the_segmenter_of_the_manual_runs(occluded):
    page = Path(__file__).parents[3] / "docs" / "segmenters.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = {}
    exec(compile(code, str(page), "exec"), names)  # noqa: S102
    segmenter = names["ThinAndBright"]("250")
    found = segmented_tree(occluded.volume, segmenter)
    assert found.record["threshold_hu"] == "250.0"
    assert len(found.tree.branches) == 2
    with pytest.raises(OptionError, match="takes a number of HU"):
        names["ThinAndBright"]("much")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "There is no segmenter 'nobody'. There are mask, centerlines, totalsegmentator, nnunet, monai, br"),
        ("twice", "2 installed packages offer a segmenter 'twice'"),
        ("lost", "The segmenter 'lost' cannot be loaded: AttributeError"),
        ("odd", "The segmenter 'odd' is not built as recanal asks"),
        ("", "There is no segmenter ''"),
    ],
)
def test_what_cannot_be_made_is_said(packages, name, message):
    with pytest.raises(OptionError, match=message.replace(".", r"\.")):
        make_segmenter(name)


def test_a_model_that_fails_or_gives_another_thing_is_told_without_its_words(packages, occluded):
    with pytest.raises(InputError, match="'tiny' failed: RuntimeError") as caught:
        segmented_tree(occluded.volume, make_segmenter("broken"))
    assert "secret" not in str(caught.value)
    with pytest.raises(OptionError, match="gave ndarray, not VesselMask or VesselLines"):
        segmented_tree(occluded.volume, make_segmenter("wrong"))


def test_analyze_takes_the_vessels_of_a_segmenter_and_names_it_in_the_case(packages, occluded, tmp_path):
    study, out = tmp_path / "study.nii.gz", tmp_path / "out"
    study.write_bytes(nifti_bytes(occluded.volume))
    result = CliRunner().invoke(main, ["analyze", str(study), "--out", str(out), "--segmenter", "tiny", "-q"])
    assert result.exit_code == 3, result.output  # no aorta in view: analysed, and said not to be trusted
    case = json.loads((out / "case.json").read_text())
    assert case["provenance"]["parameters"]["segmenter"]["name"] == "tiny"
    assert case["provenance"]["parameters"]["segmenter"]["version"] == "0.3+weights.1"
    assert "the vessels were taken from the segmenter tiny (0.3+weights.1)" in case["quality"]["flags"]
    (lesion,) = case["lesions"]
    assert lesion["length_mm"]["value"] == pytest.approx(17.0, abs=0.8)
    lines = make_segmenter(f"centerlines={out / 'centerlines.vtp'}")
    assert len(segmented_tree(occluded.volume, lines).tree.branches) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--segmenter", "nobody"], "There is no segmenter"),
        (["--segmenter", "mask=none.nii.gz"], "There is no such file"),
        (["--segmenter", "mask"], "needs a file"),
        (["--segmenter", "tiny", "--proximal=0,0,0", "--distal=1,1,1"], "With seeds no segmenter is used"),
    ],
)
def test_analyze_refuses_what_cannot_be_used_and_writes_nothing(packages, occluded, tmp_path, options, message):
    study, out = tmp_path / "study.nii.gz", tmp_path / "out"
    study.write_bytes(nifti_bytes(occluded.volume))
    result = CliRunner().invoke(main, ["analyze", str(study), "--out", str(out), "-q", *options])
    assert result.exit_code == 2
    assert message in result.output
    assert not out.exists()


def command(folder, name, body):
    """A program on the path that stands in for another one."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport os, pathlib, sys, time\nimport nibabel, numpy as np\n{body}")
    path.chmod(0o755)


TOTAL = """
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert sorted(words) == ["-i", "-o", "-ta"] and words["-ta"] == "coronary_arteries"
assert os.environ["TOTALSEG_WEIGHTS_PATH"].endswith("weights")
assert os.environ["https_proxy"] == "http://127.0.0.1:9"
image = nibabel.load(words["-i"])
pathlib.Path(words["-o"]).mkdir()
found = (np.asarray(image.dataobj) > 230).astype(np.uint8)
nibabel.save(nibabel.Nifti1Image(found, image.affine), words["-o"] + "/coronary_arteries.nii.gz")
"""


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    for name in ("Dataset509_arteries", "Dataset298_total"):
        (tmp_path / "weights" / name).mkdir(parents=True)
    return tmp_path


def test_a_fake_command_that_keeps_totalsegmentators_contract_is_run_offline(on_path, occluded):
    command(on_path / "bin", "TotalSegmentator", TOTAL)
    segmenter = TotalSegmentator(str(on_path / "weights"))
    assert segmenter.details["weights"] == "Dataset509_arteries, Dataset298_total"
    found = segmenter.segment(occluded.volume, progress=lambda _: None)
    assert found.covers == "vessel"
    assert (found.inside == (occluded.volume.hu > 230)).all()


def test_a_missing_command_or_missing_weights_are_named_and_nothing_is_fetched(on_path):
    with pytest.raises(OptionError, match="The command TotalSegmentator was not found") as caught:
        TotalSegmentator(str(on_path / "weights"))
    assert "downloads neither" in caught.value.hint
    command(on_path / "bin", "TotalSegmentator", TOTAL)
    (on_path / "weights" / "Dataset298_total").rmdir()
    with pytest.raises(OptionError, match=r"holds no Dataset298_\* or Dataset297_\*"):
        TotalSegmentator(str(on_path / "weights"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print('half way\\nno memory', file=sys.stderr); sys.exit(7)", "ended with status 7, saying 'no memory'"),
        ("", "wrote no coronary_arteries.nii.gz"),
    ],
)
def test_a_fake_command_that_fails_is_told(on_path, occluded, body, message):
    command(on_path / "bin", "TotalSegmentator", body)
    with pytest.raises(InputError, match=message):
        TotalSegmentator(str(on_path / "weights")).segment(occluded.volume, progress=lambda _: None)


def test_a_fake_command_that_hangs_is_stopped_with_its_children(on_path, occluded):
    command(on_path / "bin", "TotalSegmentator", "import subprocess\nsubprocess.run(['sleep', '60'])\n")
    started = time.monotonic()
    with pytest.raises(InputError, match="took longer than 2 s and was stopped"):
        TotalSegmentator(str(on_path / "weights"), limit_s=2.0).segment(occluded.volume, progress=lambda _: None)
    assert time.monotonic() - started < 20


NNUNET = """
words = sys.argv[1:]
value = lambda key: words[words.index(key) + 1]
assert words[words.index("-f") + 1 : words.index("-chk")] == ["0", "1"]
assert value("-chk") == "checkpoint_best.pth" and pathlib.Path(value("-m"), "plans.json").is_file()
(source,) = pathlib.Path(value("-i")).iterdir()
assert source.name == "ct_0000.nii.gz"
image = nibabel.load(source)
pathlib.Path(value("-o")).mkdir()
found = np.where(np.asarray(image.dataobj) > 230, 2, 1).astype(np.uint8)
nibabel.save(nibabel.Nifti1Image(found, image.affine), value("-o") + "/ct.nii.gz")
"""


def model_folder(path, **changes):
    about = {"channel_names": {"0": "CT"}, "labels": {"background": 0}, "file_ending": ".nii.gz", **changes}
    for fold in (0, 1):
        (path / f"fold_{fold}").mkdir(parents=True, exist_ok=True)
        (path / f"fold_{fold}" / "checkpoint_best.pth").write_bytes(b"")
    (path / "dataset.json").write_text(json.dumps(about))
    (path / "plans.json").write_text("{}")
    return path


def test_a_fake_command_that_keeps_nnunets_contract_is_run_with_all_folds(on_path, occluded):
    command(on_path / "bin", "nnUNetv2_predict_from_modelfolder", NNUNET)
    model = model_folder(on_path / "model")
    found = NnUnet(f"{model}#2").segment(occluded.volume, progress=lambda _: None)
    assert found.covers == "lumen"
    assert (found.inside == (occluded.volume.hu > 230)).all()
    with pytest.raises(OptionError, match="has 2 labels"):
        NnUnet(str(model)).segment(occluded.volume, progress=lambda _: None)


def test_an_nnunet_that_is_not_there_or_wants_more_is_refused(on_path):
    with pytest.raises(OptionError, match="nnUNetv2_predict_from_modelfolder was not found"):
        NnUnet(str(on_path))
    command(on_path / "bin", "nnUNetv2_predict_from_modelfolder", NNUNET)
    with pytest.raises(OptionError, match=r"lacks a readable dataset\.json"):
        NnUnet(str(on_path))
    with pytest.raises(OptionError, match="does not take one channel"):
        NnUnet(str(model_folder(on_path / "two", channel_names={"0": "CT", "1": "PET"})))
    model = model_folder(on_path / "bare")
    (model / "fold_1" / "checkpoint_best.pth").unlink()
    with pytest.raises(OptionError, match="has no weights"):
        NnUnet(str(model))


MONAI = """
import pathlib, sys
import nibabel, numpy as np
words = sys.argv[1:]
value = lambda key: words[words.index(key) + 1]
assert words[0] == "run" and value("--config_file").endswith("inference.json")
image = nibabel.load(value("--dataset_dir") + "/imagesTs/ct.nii.gz")
out = pathlib.Path(value("--output_dir"), "ct")
out.mkdir(parents=True)
found = (np.asarray(image.dataobj) > 230).astype(np.uint8)
nibabel.save(nibabel.Nifti1Image(found, image.affine), out / "ct_trans.nii.gz")
"""


def test_a_fake_monai_that_keeps_the_bundle_contract_is_run(on_path, occluded, monkeypatch):
    bundle = on_path / "bundle"
    with pytest.raises(OptionError, match="The package monai is not installed"):
        MonaiBundle(str(bundle))
    (bundle / "monai").mkdir(parents=True)
    (bundle / "monai" / "__init__.py").write_text("")
    (bundle / "monai" / "bundle.py").write_text(MONAI)
    monkeypatch.syspath_prepend(bundle)
    with pytest.raises(OptionError, match=r"lacks a readable metadata\.json"):
        MonaiBundle(str(bundle))
    for folder in ("configs", "models"):
        (bundle / folder).mkdir()
    (bundle / "configs" / "metadata.json").write_text('{"name": "tubes", "version": "0.1.2"}')
    (bundle / "configs" / "inference.json").write_text("{}")
    with pytest.raises(OptionError, match="has no weights"):
        MonaiBundle(str(bundle))
    (bundle / "models" / "model.pt").write_bytes(b"")
    segmenter = MonaiBundle(str(bundle))
    assert segmenter.details == {"bundle": "tubes", "bundle_version": "0.1.2"}
    found = segmenter.segment(occluded.volume, progress=lambda _: None)
    assert (found.inside == (occluded.volume.hu > 230)).all()


def test_a_fake_command_whose_mask_is_no_nifti_is_told(on_path, occluded):
    body = TOTAL.rsplit("nibabel.save", 1)[0] + "open(words['-o'] + '/coronary_arteries.nii.gz', 'wb').write(b'x')\n"
    command(on_path / "bin", "TotalSegmentator", body)
    with pytest.raises(ReadError, match="no readable NIfTI"):
        TotalSegmentator(str(on_path / "weights")).segment(occluded.volume, progress=lambda _: None)
