"""A volume as NIfTI: the same grid back, and that a phantom is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recanal.core.volume import Affine, Volume
from recanal.interop import load_study, nifti_bytes


def volume(**meta: str) -> Volume:
    rng = np.random.default_rng(5)
    turn = np.array([[0.0, 0.1, 0.99], [0.0, 0.99, -0.1], [1.0, 0.0, 0.0]])
    matrix = np.eye(4)
    matrix[:3, :3] = np.linalg.qr(turn)[0] * np.sign(np.diag(np.linalg.qr(turn)[1])) * (0.6, 0.4, 0.4)
    matrix[:3, 3] = (-20.0, 31.0, 7.5)
    return Volume(rng.integers(-1000, 900, (9, 8, 7)).astype(np.int16), Affine(matrix), dict(meta))


def read_back(folder: Path, made: Volume):
    path = folder / "a.nii.gz"
    path.write_bytes(nifti_bytes(made))
    return load_study(path)


def test_the_picture_and_its_place_come_back(tmp_path: Path) -> None:
    made = volume()
    study = read_back(tmp_path, made)
    corners = np.array([[0, 0, 0], [8, 0, 0], [0, 7, 0], [0, 0, 6], [8, 7, 6]])
    there = study.volume.affine.to_index(made.affine.to_mm(corners))
    found = study.volume.hu[tuple(np.rint(there).astype(int).T)]
    assert found.tolist() == made.hu[tuple(corners.T)].tolist()
    assert np.abs(there - np.rint(there)).max() < 1e-4
    assert nifti_bytes(made) == nifti_bytes(made)


@pytest.mark.parametrize(("maker", "synthetic"), [("recanal phantom", True), ("ACME", False), ("", False)])
def test_a_phantom_says_that_it_is_one_and_nothing_else_is_written(tmp_path, maker, synthetic) -> None:
    study = read_back(tmp_path, volume(manufacturer=maker))
    assert study.info.synthetic is synthetic
    assert study.info.manufacturer == (maker if synthetic else "")
    assert study.volume.meta["manufacturer"] == study.info.manufacturer
