"""Folders, links, pipes and archives: what is opened, what is refused, and that nothing is left behind."""

from __future__ import annotations

import io
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dicom_builder import dicom_bytes, slice_dataset, true_hu, truth, write_stack
from recanal.errors import ReadError
from recanal.interop import input_sha256, load_study


def refusal(path, **options) -> ReadError:
    with pytest.raises(ReadError) as caught:
        load_study(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.rule
    assert "DOEFAMILY" not in text.upper()
    assert "PID7788" not in text
    return caught.value


def zip_file(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
    return path


def test_case_2_a_zip_bomb_by_its_own_declaration(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped, zipped.open("a", "w") as sink:
        for _ in range(300):
            sink.write(bytes(2**20))
    assert refusal(path).rule == "zip-bomb"


def test_case_2_a_zip_that_lies_about_its_size(tmp_path):
    path = zip_file(tmp_path / "lie.zip", {"a": bytes(10 * 2**20)})
    raw = path.read_bytes().replace((10 * 2**20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(raw)
    assert refusal(path).rule in ("zip-bomb", "zip-damaged")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "C:/evil", "..\\evil"])
def test_case_2_zip_slip(tmp_path, name):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    before = {p for p in tmp_path.rglob("*")}
    path = zip_file(folder / "slip.zip", {name: b"x"})
    assert refusal(path).rule == "zip-slip"
    assert {p for p in tmp_path.rglob("*")} == before | {path}


def test_case_2_a_zip_within_a_zip(tmp_path):
    inner = zip_file(tmp_path / "inner.zip", {"a": b"x"}).read_bytes()
    error = refusal(zip_file(tmp_path / "outer.zip", {"inner.dcm": inner}))
    assert (error.rule, error.file) == ("nested-archive", "inner.dcm")


def test_case_2_a_link_within_a_zip(tmp_path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as zipped:
        zipped.writestr(entry, "/etc/passwd")
    assert refusal(tmp_path / "link.zip").rule == "link-outside"


def test_case_2_a_damaged_zip(tmp_path):
    path = zip_file(tmp_path / "cut.zip", {"a": os.urandom(5000)})
    path.write_bytes(path.read_bytes()[:3000])
    assert refusal(path).rule == "zip-damaged"


needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need POSIX")


@needs_links
def test_case_11_a_link_out_of_the_folder(tmp_path):
    outside = write_stack(tmp_path / "outside")
    folder = write_stack(tmp_path / "in")
    (folder / "link").symlink_to(outside / "IM001")
    error = refusal(folder)
    assert (error.rule, error.file) == ("link-outside", "link")
    (folder / "link").unlink()
    (folder / "dir").symlink_to(outside)
    assert refusal(folder).rule == "link-outside"


@needs_links
def test_a_link_that_the_caller_names_is_followed(tmp_path):
    folder = write_stack(tmp_path / "in")
    (tmp_path / "folder").symlink_to(folder)
    archive = shutil.make_archive(str(tmp_path / "z"), "zip", folder)
    (tmp_path / "file").symlink_to(archive)
    for name in ("folder", "file"):
        np.testing.assert_array_equal(load_study(tmp_path / name).volume.hu, truth())


@needs_links
def test_case_11_links_that_stay_inside_are_skipped(tmp_path):
    folder = write_stack(tmp_path / "in")
    (folder / "again").symlink_to(folder)
    (folder / "same").symlink_to("IM001")
    study = load_study(folder)
    assert study.flags == ("links-skipped",)
    np.testing.assert_array_equal(study.volume.hu, truth())


@needs_links
def test_case_11_pipes_are_not_opened(tmp_path):
    folder = write_stack(tmp_path / "in")
    os.mkfifo(folder / "pipe")
    error = refusal(folder)
    assert (error.rule, error.file) == ("not-a-file", "pipe")
    assert refusal(folder / "pipe").rule == "not-a-file"
    assert refusal(Path("/dev/zero")).rule == "not-a-file"


def test_folders_that_nest_without_end(tmp_path):
    folder = tmp_path
    for _ in range(70):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"x")
    assert refusal(tmp_path).rule == "folder-depth"


def test_nothing_to_read(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    expected = {folder: "no-files", folder / "absent": "not-found"}
    for path, rule in expected.items():
        error = refusal(path)
        assert (error.rule, error.file) == (rule, path.name)
    (folder / "a.txt").write_text("text")
    (folder / "empty.dcm").write_bytes(b"")
    unknown = {folder / "a.txt": "unknown-format", folder / "empty.dcm": "unknown-format"}
    for path, rule in {folder: "no-dicom", **unknown}.items():
        error = refusal(path)
        assert (error.rule, error.file) == (rule, path.name)


def test_a_study_on_a_read_only_folder_leaves_nothing_behind(tmp_path):
    folder = write_stack(tmp_path / "in")
    before = sorted(p.name for p in folder.iterdir())
    load_study(folder)
    archive = shutil.make_archive(str(tmp_path / "z"), "zip", folder)
    load_study(archive)
    assert sorted(p.name for p in folder.iterdir()) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "z.zip"]
    assert io.BytesIO(Path(archive).read_bytes()).read(2) == b"PK"


def test_folders_nest_and_hold_strays(tmp_path):
    deep = tmp_path
    for name in "abcdefgh":
        deep = deep / name
    write_stack(deep)
    (tmp_path / "readme.txt").write_text("no DICOM")
    (tmp_path / "a" / "empty").write_bytes(b"")
    (tmp_path / "a" / "report.pdf").write_bytes(b"%PDF-1.7 ...")
    report = slice_dataset(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR", PixelData=None)
    (tmp_path / "a" / "SR1").write_bytes(dicom_bytes(report))
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_a_zip_reads_like_its_folder(tmp_path):
    folder = write_stack(tmp_path / "in")
    archive = Path(shutil.make_archive(str(tmp_path / "study"), "zip", folder))
    one, other = load_study(folder), load_study(archive)
    np.testing.assert_array_equal(one.volume.hu, other.volume.hu)
    assert one.input_sha256 == other.input_sha256


def test_the_hash_tells_one_voxel_and_one_affine_apart(tmp_path):
    one = load_study(write_stack(tmp_path / "a"))
    pixels = true_hu(2) + 1024
    pixels[0, 0] += 1
    other = load_study(
        write_stack(tmp_path / "b", change=lambda k: {"PixelData": pixels.astype("<u2").tobytes()} if k == 2 else {})
    )
    moved = load_study(write_stack(tmp_path / "c", change=lambda k: {"ImagePositionPatient": [10, 20.01, 0.5 * k]}))
    assert len({one.input_sha256, other.input_sha256, moved.input_sha256}) == 3
    assert input_sha256(one.volume) == one.input_sha256


def test_zip_holding_a_stray_only(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("a.txt", "nothing")
    (tmp_path / "x.zip").write_bytes(buffer.getvalue())
    with pytest.raises(ReadError) as caught:
        load_study(tmp_path / "x.zip")
    assert caught.value.rule == "no-dicom"
