"""A MONAI bundle with a model made here, run by MONAI itself; skipped where torch and MONAI are not installed."""

import importlib.util
import json
import os

import pytest

from analytic_tube import Scene, draw
from recanal.segmenters.programs import MonaiBundle

pytestmark = pytest.mark.skipif(
    os.name != "posix" or not all(importlib.util.find_spec(name) for name in ("torch", "monai", "fire")),
    reason="torch, monai and fire are not installed; they are too large for the locks",
)
LEAST_HU = 230.0
INFERENCE = {
    "imports": ["$import glob", "$import numpy"],
    "bundle_root": "",
    "dataset_dir": "",
    "output_dir": "",
    "files": "$sorted(glob.glob(@dataset_dir + '/imagesTs/*.nii.gz'))",
    "network": "$__import__('torch').jit.load(@bundle_root + '/models/model.ts')",
    "load": {"_target_": "LoadImage", "image_only": True, "ensure_channel_first": True},
    "save": {
        "_target_": "SaveImage",
        "output_dir": "@output_dir",
        "output_dtype": "$numpy.uint8",
        "resample": False,
        "print_log": False,
    },
    "images": "$[@load(name) for name in @files]",
    "run": ["$[@save((@network(i.as_tensor()[None])[0] > 0.5).float(), i.meta) for i in @images]"],
}


def model_of_one_neuron(path):
    """sigmoid(HU - 230) as a TorchScript network of one 1 x 1 x 1 convolution."""
    import torch

    layer = torch.nn.Conv3d(1, 1, 1)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(-LEAST_HU)
    network = torch.nn.Sequential(layer, torch.nn.Sigmoid()).eval()
    torch.jit.trace(network, torch.zeros(1, 1, 4, 4, 4)).save(str(path))


def test_a_bundle_with_a_tiny_model_is_run_by_monai_itself(tmp_path):
    volume = draw(Scene()).volume
    for folder in ("configs", "models"):
        (tmp_path / folder).mkdir()
    (tmp_path / "configs" / "metadata.json").write_text(json.dumps({"name": "one neuron", "version": "0.0.1"}))
    (tmp_path / "configs" / "inference.json").write_text(json.dumps(INFERENCE))
    model_of_one_neuron(tmp_path / "models" / "model.ts")
    found = MonaiBundle(str(tmp_path)).segment(volume, progress=lambda _: None)
    assert (found.inside == (volume.hu > LEAST_HU)).all()
