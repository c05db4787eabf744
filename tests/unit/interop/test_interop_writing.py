"""Files appear whole or not at all, and what is written can be read."""

from __future__ import annotations

import json
import os
import stat
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pydicom
import pytest

from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError, OptionError, ReadError
from recanal.interop import (
    ResultFolder,
    load_study,
    read_findings_file,
    write_atomic,
    write_centerlines_vtp,
    write_dicom_study,
    write_json_atomic,
    write_text_atomic,
)


def names(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_bytes_text_and_json(tmp_path):
    assert write_atomic(tmp_path / "a" / "b.bin", b"\x00\xff").read_bytes() == b"\x00\xff"
    assert write_text_atomic(tmp_path / "t.txt", "ü\n").read_bytes() == b"\xc3\xbc\n"
    path = write_json_atomic(tmp_path / "j.json", {"b": 1.5, "a": "ü"})
    assert json.loads(path.read_text("utf-8")) == {"b": 1.5, "a": "ü"}
    assert names(tmp_path) == ["a/b.bin", "j.json", "t.txt"]


def test_an_older_file_survives_a_failure(tmp_path):
    path = write_json_atomic(tmp_path / "j.json", {"old": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json_atomic(path, {"new": float("nan")})
    assert json.loads(path.read_text()) == {"old": 1}
    assert names(tmp_path) == ["j.json"]


def test_a_failed_rename_leaves_nothing_behind(tmp_path):
    (tmp_path / "dir").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - the system's words
        write_atomic(tmp_path / "dir", b"x")
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_modes_follow_the_umask(tmp_path):
    mask = os.umask(0o027)
    try:
        path = write_atomic(tmp_path / "a", b"x")
        with ResultFolder(tmp_path / "out") as out:
            out.write("b", b"y")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o750


def test_result_files_appear_together_at_the_end(tmp_path):
    target = tmp_path / "out"
    with ResultFolder(target) as out:
        out.write("case.json", b"{}")
        out.path("figures/a.png").write_bytes(b"png")
        out.write_json("x.json", {"a": 1})
        assert not target.exists()
    assert names(target) == ["case.json", "figures/a.png", "x.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_files_that_were_there_stay(tmp_path):
    target = tmp_path / "out"
    (target / "figures").mkdir(parents=True)
    (target / "notes.txt").write_text("mine")
    (target / "case.json").write_text("old")
    with ResultFolder(target) as out:
        out.write("case.json", b"new")
        out.write("figures/a.png", b"png")
        assert (target / "case.json").read_text() == "old"
    assert (target / "notes.txt").read_text() == "mine"
    assert (target / "case.json").read_text() == "new"
    assert names(target) == ["case.json", "figures/a.png", "notes.txt"]


def test_nothing_appears_after_an_error(tmp_path):
    target = tmp_path / "out"

    def run():
        with ResultFolder(target) as out:
            out.write("case.json", b"half")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        run()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "", "C:\\x", "a\\b"])
def test_result_names_stay_in_the_folder(tmp_path, name):
    with ResultFolder(tmp_path / "out") as out, pytest.raises(OptionError):
        out.path(name)


def test_result_folder_misuse(tmp_path):
    with pytest.raises(OptionError, match="not open"):
        ResultFolder(tmp_path / "out").path("a")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OptionError, match="is a file"), ResultFolder(tmp_path / "file"):
        pass


def phantom(shape=(8, 48, 40), **meta) -> Volume:
    rng = np.random.default_rng(5)
    hu = rng.integers(-1024, 3000, shape).astype(np.int16)
    turn = np.array([[0, 0, 1.0], [0.1, 1, 0], [1, -0.1, 0]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn / np.linalg.norm(turn, axis=0) * [0.6, 0.35, 0.4]
    matrix[:3, 3] = [-100.123456, 20, 3]
    return Volume(hu, Affine(matrix), {"series_description": "Cor 75 %", "kvp": 100, "kernel": "Bv40", **meta})


def test_a_written_study_reads_back(tmp_path):
    volume = phantom(contrast=True, phase_percent=75, slice_thickness_mm=0.7, manufacturer="Phantom works")
    study = load_study(write_dicom_study(tmp_path / "study", [volume], seed=3))
    np.testing.assert_array_equal(study.volume.hu, volume.hu)
    np.testing.assert_allclose(study.volume.affine.matrix, volume.affine.matrix, atol=1e-5)
    meta = study.volume.meta
    assert (meta["kvp"], meta["kernel"], meta["phase_percent"], meta["contrast"]) == (100.0, "Bv40", 75.0, True)
    assert (meta["slice_thickness_mm"], meta["manufacturer"]) == (0.7, "Phantom works")
    assert study.info.description == "Cor 75 %"
    assert study.flags == ()


def test_a_written_study_is_a_fake_and_says_so(tmp_path):
    folder = write_dicom_study(
        tmp_path / "study", [phantom(), phantom(kernel="B70f", image_type=("DERIVED", "SECONDARY"))], seed=3
    )
    files = [pydicom.dcmread(p) for p in sorted(folder.iterdir())]
    assert {str(ds.PatientName) for ds in files} == {"PHANTOM^RECANAL"}
    assert {ds.PatientIdentityRemoved for ds in files} == {"YES"}
    assert len({ds.SeriesInstanceUID for ds in files}) == 2
    assert len({ds.StudyInstanceUID for ds in files}) == 1
    assert len({ds.SOPInstanceUID for ds in files}) == 16
    assert all(ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID for ds in files)
    numbers = [int(ds.InstanceNumber) for ds in files]
    assert numbers != sorted(numbers)
    study = load_study(folder)
    assert study.info.kernel == "Bv40"
    assert len(study.info.rejected) == 1


def test_written_studies_follow_from_the_seed(tmp_path):
    one, same, other = (
        {p.name: p.read_bytes() for p in write_dicom_study(tmp_path / name, [phantom()], seed=seed).iterdir()}
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert one == same
    assert set(one.values()).isdisjoint(other.values())


def test_float_volumes_are_rounded(tmp_path):
    volume = phantom()
    fine = Volume(volume.hu.astype(np.float32) + np.float32(0.4), volume.affine, volume.meta)
    study = load_study(write_dicom_study(tmp_path / "study", [fine], seed=1))
    np.testing.assert_array_equal(study.volume.hu, volume.hu)


def test_a_study_of_nothing(tmp_path):
    with pytest.raises(OptionError):
        write_dicom_study(tmp_path / "study", [], seed=1)
    assert list(tmp_path.iterdir()) == []


def test_findings_from_toml_and_json(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbflength_mm = 22.5\r\nvessel = 'RCA'\r\n")
    (tmp_path / "a.json").write_text('{"length_mm": {"value": 22.5, "source": "ct"}}')
    assert read_findings_file(tmp_path / "a.toml") == {"length_mm": 22.5, "vessel": "RCA"}
    assert read_findings_file(tmp_path / "a.json") == {"length_mm": {"value": 22.5, "source": "ct"}}


@pytest.mark.parametrize(
    ("name", "content", "rule", "word"),
    [
        ("a.toml", b"x = ", "format", "TOML"),
        ("a.toml", b"x = 1\nx = 2", "format", "TOML"),
        ("a.toml", b"x = " + b"9" * 5000, "format", "TOML: a number has too many digits."),
        ("a.json", b"{", "format", "line 1"),
        ("a.json", b'{"a": NaN}', "format", "NaN is not a number"),
        ("a.json", b'{"a": Infinity}', "format", "Infinity"),
        ("a.json", b'{"a": 1, "a": 2}', "format", "twice"),
        ("a.json", b"[1]", "format", "one object"),
        ("a.json", b"[" * 100_000, "format", "too deep"),
        ("a.json", '{"a": "ü"}'.encode("cp1252"), "encoding", "UTF-8"),
        ("a.json", b'{"a": "' + b"x" * 2**20 + b'"}', "findings-size", "1 MiB"),
        ("a.yaml", b"a: 1", "unknown-format", ".toml or .json"),
    ],
)
def test_findings_that_cannot_be_read(tmp_path, name, content, rule, word):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_findings_file(tmp_path / name)
    assert (caught.value.rule, caught.value.file) == (rule, name)
    assert word in str(caught.value)


def test_findings_that_are_absent_or_no_file(tmp_path):
    for path, rule in ((tmp_path / "no.toml", "not-found"), (tmp_path, "not-a-file")):
        with pytest.raises(ReadError) as caught:
            read_findings_file(path)
        assert caught.value.rule == rule


def test_vtp_holds_the_lines(tmp_path):
    lines = [np.array([[0, 0, 0], [1, 2, 3.5]]), np.array([[9, 9, 9], [8, 8, 8], [7, 7, 7.0]])]
    root = ET.fromstring(write_centerlines_vtp(lines, [[1, 2], [3, 4, 5]], names=["pRCA", "LAD"]))
    arrays = {a.get("Name"): a for a in root.iter("DataArray")}
    numbers = {name: [float(v) for v in (a.text or "").split()] for name, a in arrays.items()}
    assert numbers["Points"] == [0, 0, 0, 1, 2, 3.5, 9, 9, 9, 8, 8, 8, 7, 7, 7]
    assert numbers["Radius"] == [1, 2, 3, 4, 5]
    assert numbers["connectivity"] == [0, 1, 2, 3, 4]
    assert numbers["offsets"] == [2, 5]
    assert bytes(map(int, numbers["Name"])) == b"pRCA\0LAD\0"
    assert bytes(map(int, numbers["SPACE"])) == b"LPS\0"
    piece = root.find("./PolyData/Piece")
    assert piece is not None
    assert (piece.get("NumberOfPoints"), piece.get("NumberOfLines")) == ("5", "2")


@pytest.mark.parametrize(
    ("points", "radii", "labels"),
    [
        ([[[0, 0, 0]]], [[1]], ()),
        ([[[0, 0, 0], [1, 1, np.nan]]], [[1, 1]], ()),
        ([[[0, 0, 0], [1, 1, 1]]], [[1]], ()),
        ([[[0, 0, 0], [1, 1, 1]]], [], ()),
        ([[[0, 0, 0], [1, 1, 1]]], [[1, 1]], ("a", "b")),
    ],
)
def test_vtp_refuses_lines_that_are_none(points, radii, labels):
    with pytest.raises(GeometryError):
        write_centerlines_vtp(points, radii, names=labels)


def test_vtp_of_no_lines_is_still_a_file():
    assert b'NumberOfLines="0"' in write_centerlines_vtp([], [])
