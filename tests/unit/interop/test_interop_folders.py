"""Folders, links, pipes and archives: what is opened, what is refused, and that nothing is left behind."""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

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


@pytest.mark.parametrize("name", ["../../Doe^Jane", "/etc/Doe^Jane", "C:/Doe^Jane", "..\\Doe^Jane"])
def test_case_2_zip_slip(tmp_path, name):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    before = {p for p in tmp_path.rglob("*")}
    path = zip_file(folder / "slip.zip", {"first": b"x", name: b"x"})
    error = refusal(path)
    assert (error.rule, error.file) == ("zip-slip", "slip.zip: file 2 of 2")
    assert "Doe" not in f"{error} {error.hint} {error!r}"  # a path may hold a patient's name
    assert {p for p in tmp_path.rglob("*")} == before | {path}


def test_case_2_a_zip_within_a_zip(tmp_path):
    inner = zip_file(tmp_path / "inner.zip", {"a": b"x"}).read_bytes()
    error = refusal(zip_file(tmp_path / "outer.zip", {"Doe^Jane.dcm": inner}))
    assert (error.rule, error.file) == ("nested-archive", "outer.zip: file 1 of 1")


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


# archives and folders of a hostile user


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packings_that_take_unbounded_memory_are_refused(tmp_path, packing):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", packing) as zipped:
        zipped.writestr("IM1", dicom_bytes(slice_dataset(0)))
    error = refusal(tmp_path / "a.zip")
    assert (error.rule, error.file) == ("zip-packing", "a.zip: file 1 of 1")


def study_zip(path: Path, extra: dict[str, bytes]) -> Path:
    return zip_file(path, {f"ct/{k}": dicom_bytes(slice_dataset(k)) for k in range(len(truth()))} | extra)


def test_an_archive_beside_the_images_of_a_zip_is_skipped_and_said(tmp_path):
    inner = zip_file(tmp_path / "inner.zip", {"a": b"x"}).read_bytes()
    study = load_study(study_zip(tmp_path / "z.zip", {"viewer.jar": inner, "__MACOSX/._1": b"\0\5\x16\7" + bytes(99)}))
    np.testing.assert_array_equal(study.volume.hu, truth())
    assert study.flags == study.volume.meta["flags"] == ("nested-archives-skipped:1",)
    assert load_study(study_zip(tmp_path / "y.zip", {})).flags == ()


def test_zips_that_hold_nothing(tmp_path):
    for name, entries in (("none.zip", {}), ("folders.zip", {"a/": b""})):
        error = refusal(zip_file(tmp_path / name, entries))
        assert (error.rule, error.file) == ("no-files", name)


def test_an_entry_of_a_zip_without_a_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as zipped:
        zipped.writestr("a", b"x")
        zipped.filelist[0].filename = ""
    error = refusal(tmp_path / "z.zip")
    assert (error.rule, error.file) == ("zip-damaged", "z.zip")


def test_a_full_disk_is_not_called_a_damaged_zip(tmp_path, monkeypatch):
    path = study_zip(tmp_path / "z.zip", {})

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", full)
    assert refusal(path).rule == "disk-full"


def test_a_share_that_fails_while_it_is_read(tmp_path, monkeypatch):
    folder = write_stack(tmp_path / "in")

    def broken(*arguments, **options):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("recanal.dicom.reading.read_stack", broken)
    error = refusal(folder)
    assert (error.rule, error.file) == ("unreadable", "in")


def test_files_and_folders_that_may_not_be_read(tmp_path, monkeypatch):
    folder = write_stack(tmp_path / "in")
    opened = os.open

    def guarded(path, *arguments, **options):
        if str(path).endswith("IM003"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, *arguments, **options)

    monkeypatch.setattr("recanal.dicom.files.os.open", guarded)
    error = refusal(folder)
    assert (error.rule, error.file) == ("unreadable", "IM003")
    monkeypatch.undo()

    def closed(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("recanal.interop.folders.os.scandir", closed)
    error = refusal(folder)
    assert (error.rule, error.file) == ("unreadable", "in")


def test_an_empty_path_is_not_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(write_stack(tmp_path / "in"))
    assert refusal("").rule == "not-found"
    assert load_study(".").flags == ()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in2").mkdir()
    monkeypatch.chdir(tmp_path / "in2")
    error = refusal(".")
    assert (error.rule, error.file) == ("no-files", "in2")


def test_paths_that_cannot_be(tmp_path):
    for path in (f"{tmp_path}\0x", tmp_path / ("a" * 5000)):
        assert refusal(path).rule == "not-found"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names that these systems do not take")
def test_names_with_line_breaks_and_escapes(tmp_path):
    folder = write_stack(tmp_path / "M\u00fcller\n\x1b[31m\u202e")
    np.testing.assert_array_equal(load_study(folder).volume.hu, truth())
    (folder / os.fsdecode(b"bad\xff\n")).write_bytes((folder / "IM003").read_bytes()[:-100])
    error = refusal(folder)
    assert (error.rule, error.file) == ("truncated", "bad")
    empty = tmp_path / "x\ny\x1b[2J"
    empty.mkdir()
    assert refusal(empty).file == "x y[2J"


def test_thousands_of_junk_files_around_a_study(tmp_path):
    rng = np.random.default_rng(3)
    for number in range(5000):
        (tmp_path / f"junk{number}").write_bytes(rng.bytes(int(rng.integers(0, 300))))
    error = refusal(tmp_path)
    assert error.rule == "no-dicom"
    assert "5000 file(s)" in error.message
    write_stack(tmp_path / "ct")
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_a_dicomdir_is_pointed_to_its_folder(tmp_path):
    index = Dataset()
    index.SOPClassUID, index.SOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    (tmp_path / "DICOMDIR").write_bytes(dicom_bytes(index))
    error = refusal(tmp_path / "DICOMDIR")
    assert (error.rule, error.file) == ("dicomdir", "DICOMDIR")
    assert "folder" in error.hint
