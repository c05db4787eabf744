"""Bad input is refused with one line that names the file and the rule, in bounded time and memory."""

from __future__ import annotations

import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from dicom_builder import DEPTH, dicom_bytes, enhanced_dataset, other_series, slice_dataset, true_hu, truth, write_stack
from recanal.errors import ReadError
from recanal.interop import load_study

VICTIM = "IM003"  # slice 3 of 6


def refusal(path, **options) -> ReadError:
    with pytest.raises(ReadError) as caught:
        load_study(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.rule
    assert "DOEFAMILY" not in text.upper()
    assert "PID7788" not in text
    return caught.value


def spoiled(folder, **changes) -> ReadError:
    """The refusal of a stack of which one slice is changed."""
    error = refusal(write_stack(folder, change=lambda k: changes if k == 3 else {}))
    assert error.file == VICTIM
    return error


def everywhere(folder, **changes) -> ReadError:
    return refusal(write_stack(folder, change=lambda k: changes))


# 1: bombs


def test_case_1_a_deflate_bomb_is_not_inflated(tmp_path):
    head = dicom_bytes(slice_dataset(0), DeflatedExplicitVRLittleEndian)
    start = 132 + 12 + int.from_bytes(head[140:144], "little")
    plain = zlib.decompress(head[start:], -15)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(plain) + packer.compress(bytes(64 * 2**20)) + packer.flush()
    write_stack(tmp_path)
    (tmp_path / VICTIM).write_bytes(head[:start] + bomb)
    ds = slice_dataset(3)
    inner = zlib.decompress(dicom_bytes(ds, DeflatedExplicitVRLittleEndian)[start:], -15)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    (tmp_path / VICTIM).write_bytes(head[:start] + packer.compress(inner + bytes(64 * 2**20)) + packer.flush())
    tracemalloc.start()
    error = refusal(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.rule, error.file) == ("deflate-bomb", VICTIM)
    assert peak < 30e6


def test_case_1_a_deflated_header_that_never_ends(tmp_path):
    head = dicom_bytes(slice_dataset(0), DeflatedExplicitVRLittleEndian)
    start = 132 + 12 + int.from_bytes(head[140:144], "little")
    element = struct.pack("<HH2sHI", 0x0008, 0x0001, b"OB", 0, 500 * 2**20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(element) + b"".join(packer.compress(bytes(2**20)) for _ in range(80)) + packer.flush()
    (tmp_path / "x").write_bytes(head[:start] + body)
    assert refusal(tmp_path).rule in ("deflate-bomb", "element-length", "truncated")


def test_case_1_damaged_deflate(tmp_path):
    write_stack(tmp_path, syntax=DeflatedExplicitVRLittleEndian)
    content = (tmp_path / VICTIM).read_bytes()
    (tmp_path / VICTIM).write_bytes(content[:-200])
    assert refusal(tmp_path).file == VICTIM


# 3, 4: sizes that lie


@pytest.mark.parametrize("changes", [{"Rows": 65535, "Columns": 65535}, {"Rows": 0}, {"Columns": 1}])
def test_case_3_rows_and_columns_that_cannot_be(tmp_path, changes):
    assert spoiled(tmp_path, **changes).rule == "image-size"


def test_case_3_rows_times_columns_against_the_pixels(tmp_path):
    assert spoiled(tmp_path, Rows=4000, Columns=4000).rule == "pixel-length"


def test_case_3_a_compressed_image_of_huge_size_is_refused_before_memory_is_taken(tmp_path):
    for k in range(DEPTH):
        ds = slice_dataset(k, Rows=4096, Columns=4096, PixelData=encapsulate([b"\xff\x4f\xff\x51" + bytes(60)]))
        (tmp_path / f"{k}").write_bytes(dicom_bytes(ds, JPEG2000Lossless))
    tracemalloc.start()
    assert refusal(tmp_path).rule == "codestream-size"
    assert tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()


@pytest.mark.parametrize("frames", ["100000", "1e5", "0", "-3", "x", "2"])
def test_case_4_number_of_frames(tmp_path, frames):
    content = dicom_bytes(slice_dataset(3, NumberOfFrames="7"))
    write_stack(tmp_path)
    text = frames.encode() + b" " * (len(frames) % 2)
    element = b"\x28\x00\x08\x00IS" + len(text).to_bytes(2, "little") + text
    (tmp_path / VICTIM).write_bytes(content.replace(b"\x28\x00\x08\x00IS\x02\x007 ", element))
    error = refusal(tmp_path)
    assert error.file == VICTIM
    assert error.rule in ("frames", "frames-without-geometry", "number-format")


def test_case_4_more_frames_than_are_described(tmp_path):
    (tmp_path / "one").write_bytes(dicom_bytes(enhanced_dataset(NumberOfFrames=5)))
    assert refusal(tmp_path).rule in ("functional-groups", "pixel-length")
    (tmp_path / "one").write_bytes(dicom_bytes(enhanced_dataset(NumberOfFrames=100000)))
    assert refusal(tmp_path).rule in ("frames", "pixel-length")


# 5, 6, 7: pixels cut off or contradicting their header


def test_case_5_truncated_pixels(tmp_path):
    write_stack(tmp_path)
    content = (tmp_path / VICTIM).read_bytes()
    (tmp_path / VICTIM).write_bytes(content[:-100])
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("truncated", VICTIM)


def test_case_5_a_header_cut_off(tmp_path):
    write_stack(tmp_path)
    content = (tmp_path / VICTIM).read_bytes()
    (tmp_path / VICTIM).write_bytes(content[:400])
    error = refusal(tmp_path)
    assert error.rule in ("truncated", "element-length")
    assert error.file == VICTIM


def test_case_5_a_ct_without_pixels_spoils_its_series(tmp_path):
    write_stack(tmp_path)
    (tmp_path / VICTIM).write_bytes(dicom_bytes(slice_dataset(3, PixelData=None)))
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("pixels-missing", VICTIM)


def test_case_5_a_stray_plan_cut_off_does_not_matter(tmp_path):
    write_stack(tmp_path)
    plan = slice_dataset(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5", Modality="RTPLAN", PixelData=None)
    (tmp_path / "plan").write_bytes(dicom_bytes(plan)[:-7])
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def rle(index: int, **changes) -> pydicom.Dataset:
    ds = slice_dataset(index, **changes)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(RLELossless, generate_instance_uid=False)
    return ds


def compressed_stack(folder, syntax, victim: bytes | None) -> Path:
    """A compressed stack whose slice 3 holds the given element value."""
    for k in range(DEPTH):
        ds = slice_dataset(k)
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(syntax, generate_instance_uid=False)
        if k == 3 and victim is not None:
            ds.PixelData = victim
        (folder / f"IM{DEPTH - k:03d}").write_bytes(dicom_bytes(ds, syntax))
    return folder


@pytest.mark.parametrize(
    "value",
    [
        b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\xdd\xe0\x00\x00\x00\x00",
        b"\xfe\xff\x00\xe0\x04\x00\x00\x00\xff\xff\xff\x7f\xfe\xff\x00\xe0\x10\x00\x00\x00" + bytes(16),
        b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\xf0\xff\xff\xff" + bytes(16),
    ],
)
def test_case_5_fragments_missing_or_tables_wrong(tmp_path, value):
    error = refusal(compressed_stack(tmp_path, RLELossless, value))
    assert error.file == VICTIM
    assert error.rule in ("encapsulation", "codestream")


def test_case_6_rle_header_that_contradicts(tmp_path):
    frame = pydicom.encaps.get_frame(rle(3).PixelData, 0)
    lie = struct.pack("<16L", 2, 64, 0x7FFFFFFF, *[0] * 13) + frame[64:]
    assert refusal(compressed_stack(tmp_path, RLELossless, encapsulate([lie]))).rule == "codestream"


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_case_6_codestream_size_that_contradicts(tmp_path, syntax):
    pixels = np.zeros((64, 64), np.uint16)
    ds = slice_dataset(3, Rows=64, Columns=64, PixelData=pixels.tobytes())
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(syntax, generate_instance_uid=False)
    error = refusal(compressed_stack(tmp_path, syntax, ds.PixelData))
    assert (error.rule, error.file) == ("codestream-size", VICTIM)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_case_6_a_codestream_cut_in_half(tmp_path, syntax):
    ds = slice_dataset(3)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(syntax, generate_instance_uid=False)
    frame = pydicom.encaps.get_frame(ds.PixelData, 0)
    error = refusal(compressed_stack(tmp_path, syntax, encapsulate([frame[: len(frame) // 3]])))
    assert error.file == VICTIM


def test_case_7_compressed_pixels_declared_uncompressed(tmp_path):
    write_stack(tmp_path)
    ds = rle(3)
    frame = pydicom.encaps.get_frame(ds.PixelData, 0)
    (tmp_path / VICTIM).write_bytes(dicom_bytes(slice_dataset(3, PixelData=frame)))
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("pixel-length", VICTIM)


def test_case_7_encapsulated_pixels_declared_uncompressed(tmp_path):
    content = dicom_bytes(rle(3), RLELossless)
    write_stack(tmp_path)
    raw = content.replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0")
    (tmp_path / VICTIM).write_bytes(raw)
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("encapsulation", VICTIM)


def test_case_7_uncompressed_pixels_declared_compressed(tmp_path):
    content = dicom_bytes(slice_dataset(3))
    compressed_stack(tmp_path, RLELossless, None)
    raw = content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    (tmp_path / VICTIM).write_bytes(raw)
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("encapsulation", VICTIM)


def test_case_7_jpeg_ls_declared_jpeg_2000(tmp_path):
    ds = slice_dataset(3)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(JPEGLSLossless, generate_instance_uid=False)
    error = refusal(compressed_stack(tmp_path, JPEG2000Lossless, ds.PixelData))
    assert (error.rule, error.file) == ("codestream", VICTIM)


def test_case_7_a_syntax_that_is_not_read(tmp_path):
    ds = slice_dataset(0, PixelData=encapsulate([b"\xff\xd8\xff\xd9"]))
    (tmp_path / "a").write_bytes(dicom_bytes(ds, JPEGBaseline8Bit))
    assert refusal(tmp_path).rule == "transfer-syntax"


# 8: structure


def nested(depth: int, *, defined: bool) -> bytes:
    body = b""
    for _ in range(depth):
        if defined:
            item = b"\xfe\xff\x00\xe0" + len(body).to_bytes(4, "little") + body
            body = b"\x08\x00\x40\x11SQ\0\0" + len(item).to_bytes(4, "little") + item
        else:
            item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + body + b"\xfe\xff\x0d\xe0\0\0\0\0"
            body = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return body


def with_element(content: bytes, element: bytes, before: bytes = b"\x10\x00\x10\x00PN") -> bytes:
    at = content.index(before)
    return content[:at] + element + content[at:]


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("depth", [65, 3000])
def test_case_8_sequences_that_nest_too_deep(tmp_path, depth, defined):
    write_stack(tmp_path)
    content = (tmp_path / VICTIM).read_bytes()
    (tmp_path / VICTIM).write_bytes(with_element(content, nested(depth, defined=defined)))
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("sequence-depth", VICTIM)


@pytest.mark.parametrize("defined", [True, False])
def test_case_8_sequences_that_nest_as_they_may(tmp_path, defined):
    for path in write_stack(tmp_path).iterdir():
        path.write_bytes(with_element(path.read_bytes(), nested(40, defined=defined)))
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


@pytest.mark.parametrize("length", [0xFFFFFFF0, 0x7FFFFFFF, 10_000_000])
def test_case_8_lengths_beyond_the_file(tmp_path, length):
    write_stack(tmp_path)
    element = b"\x09\x00\x10\x10OB\0\0" + length.to_bytes(4, "little")
    (tmp_path / VICTIM).write_bytes(with_element((tmp_path / VICTIM).read_bytes(), element))
    error = refusal(tmp_path)
    assert error.file == VICTIM
    assert error.rule in ("element-length", "truncated")


# 9, 10, 11: files that are something else, names, references


@pytest.mark.parametrize("magic", [b"MZ\x90\x00", b"\x7fELF", b"%PDF-1.7", b"#!/bin/sh\n"])
def test_case_9_polyglots(tmp_path, magic):
    write_stack(tmp_path)
    content = (tmp_path / VICTIM).read_bytes()
    (tmp_path / VICTIM).write_bytes(magic + content[len(magic) :])
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("polyglot", VICTIM)


@pytest.mark.parametrize("uid", [b"../../x.", b"1.2.\0.33", b"1.2.abc.", b"1..2.3.4", b"1.2.3.4."])
def test_case_10_uids_that_are_paths(tmp_path, uid):
    write_stack(tmp_path, change=lambda k: {"SOPInstanceUID": f"1.2.3.9{k}"})
    content = (tmp_path / VICTIM).read_bytes()
    head = b"\x08\x00\x18\x00UI\x08\x00"
    at = content.index(head)
    (tmp_path / VICTIM).write_bytes(content[: at + 8] + uid + content[at + 16 :])
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("uid-format", VICTIM)


def test_case_10_a_uid_that_is_too_long(tmp_path):
    write_stack(tmp_path)
    content = (tmp_path / VICTIM).read_bytes()
    at = content.index(b"\x08\x00\x18\x00UI")
    end = at + 8 + int.from_bytes(content[at + 6 : at + 8], "little")
    element = b"\x08\x00\x18\x00UI\x42\x00" + b"1." * 32 + b"1\0"
    (tmp_path / VICTIM).write_bytes(content[:at] + element + content[end:])
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("uid-format", VICTIM)


def test_case_11_a_dicomdir_is_never_followed(tmp_path):
    secret = write_stack(tmp_path / "outside", change=other_series(5))
    folder = write_stack(tmp_path / "in")
    index = pydicom.Dataset()
    index.SOPClassUID, index.SOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    record = pydicom.Dataset()
    record.add_new(0x00041500, "LO", ["..", "outside", "IM001"])
    index.DirectoryRecordSequence = [record]
    (folder / "DICOMDIR").write_bytes(dicom_bytes(index))
    study = load_study(folder)
    assert secret.is_dir()
    assert study.info.rejected == ()


# 14, 15, 16: geometry and scale


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("0\\0", "spacing"),
        ("-0.4\\0.4", "spacing"),
        ("nan\\0.4", "number-finite"),
        ("0.35\\0.35\\0.35", "spacing"),
        ("0.35", "spacing"),
        ("", "spacing"),
        ("0,4\\0,4", "number-format"),
        ("1e-9\\0.4", "spacing"),
    ],
)
def test_case_14_pixel_spacing(tmp_path, raw, rule):
    write_stack(tmp_path)
    content = (tmp_path / VICTIM).read_bytes()
    at = content.index(b"\x28\x00\x30\x00DS")
    end = at + 8 + int.from_bytes(content[at + 6 : at + 8], "little")
    value = raw.encode() + b" " * (len(raw) % 2)
    element = b"\x28\x00\x30\x00DS" + len(value).to_bytes(2, "little") + value
    (tmp_path / VICTIM).write_bytes(content[:at] + element + content[end:])
    error = refusal(tmp_path)
    assert (error.rule, error.file) == (rule, VICTIM)


@pytest.mark.parametrize("name", ["ImagePositionPatient", "ImageOrientationPatient"])
def test_case_15_geometry_that_is_missing(tmp_path, name):
    assert spoiled(tmp_path, **{name: None}).rule == "geometry-missing"


@pytest.mark.parametrize(
    ("raw", "rule"),
    [("0", "slope-zero"), ("-1", "slope"), ("nan", "number-finite"), ("inf", "number-finite"), ("x", "number-format")],
)
def test_case_16_slopes(tmp_path, raw, rule):
    write_stack(tmp_path, change=lambda k: {"RescaleSlope": "1.00"})
    content = (tmp_path / VICTIM).read_bytes()
    element = b"\x28\x00\x53\x10DS\x04\x001.00"
    assert element in content
    (tmp_path / VICTIM).write_bytes(content.replace(element, element[:8] + raw.encode().ljust(4)))
    error = refusal(tmp_path)
    assert (error.rule, error.file) == (rule, VICTIM)


def test_case_16_a_scale_that_is_missing_or_no_hounsfield(tmp_path):
    assert spoiled(tmp_path / "a", RescaleSlope=None).rule == "rescale-missing"
    assert everywhere(tmp_path / "b", RescaleType="ED").rule == "rescale-type"


def test_case_16_each_slice_has_its_own_scale(tmp_path):
    def change(k):
        slope, intercept = 0.5 + 0.25 * k, -1024 - 4 * k
        stored = np.rint((true_hu(k) - intercept) / slope)
        return {"RescaleSlope": str(slope), "RescaleIntercept": str(intercept), "BitsStored": 16, "HighBit": 15} | {
            "PixelData": stored.astype("<u2").tobytes()
        }

    assert np.abs(load_study(write_stack(tmp_path, change=change)).volume.hu - truth()).max() <= 1


@pytest.mark.parametrize("intercept", [-8192, -1024, 0])
@pytest.mark.parametrize("signed", [0, 1])
def test_case_16_signs_and_intercepts(tmp_path, signed, intercept):
    if not signed and intercept == 0:
        intercept = -2000

    def change(k):
        stored = true_hu(k).astype(int) - intercept
        kind = "<i2" if signed else "<u2"
        return {
            "PixelRepresentation": signed,
            "BitsStored": 16,
            "HighBit": 15,
            "RescaleIntercept": str(intercept),
            "PixelData": stored.astype(kind).tobytes(),
        }

    np.testing.assert_array_equal(load_study(write_stack(tmp_path, change=change)).volume.hu, truth())


def test_case_16_signed_and_unsigned_slices_in_one_series(tmp_path):
    def change(k):
        if k % 2:
            return {}
        signed = {"PixelRepresentation": 1, "RescaleIntercept": "0", "BitsStored": 16, "HighBit": 15}
        return signed | {"PixelData": true_hu(k).tobytes()}

    np.testing.assert_array_equal(load_study(write_stack(tmp_path, change=change)).volume.hu, truth())


@pytest.mark.parametrize("signed", [0, 1])
def test_case_16_garbage_above_bits_stored(tmp_path, signed):
    rng = np.random.default_rng(3)

    def change(k):
        stored = (true_hu(k) + (0 if signed else 1024)).astype(np.int16).view(np.uint16)
        garbage = rng.integers(0, 16, stored.shape).astype(np.uint16) << 12
        return {
            "PixelData": ((stored & 0xFFF) | garbage).astype("<u2").tobytes(),
            "PixelRepresentation": signed,
            "RescaleIntercept": "0" if signed else "-1024",
        }

    np.testing.assert_array_equal(load_study(write_stack(tmp_path, change=change)).volume.hu, truth())


@pytest.mark.parametrize(
    ("signed", "bits", "value", "limit"),
    [(1, 16, -2000, None), (1, 16, -3024, -2000), (0, 16, 65535, None), (0, 12, 63536, None), (0, 12, 4000, 4095)],
)
def test_case_16_padding_becomes_air(tmp_path, signed, bits, value, limit):
    def change(k):
        stored = true_hu(k).astype(int) + (0 if signed else 1024)
        stored[:4] = value
        stored[4] = value if limit is None else limit
        kind = "<i2" if signed else "<u2"
        return {"PixelData": stored.astype(kind).tobytes(), "PixelRepresentation": signed} | {
            "BitsStored": bits,
            "HighBit": bits - 1,
            "RescaleIntercept": "0" if signed else "-1024",
        }

    folder = write_stack(tmp_path, change=change)
    for path in folder.iterdir():
        kind = b"SS" if signed else b"US"
        element = b"\x28\x00\x20\x01" + kind + b"\x02\0" + (value & 0xFFFF).to_bytes(2, "little")
        if limit is not None:
            element += b"\x28\x00\x21\x01" + kind + b"\x02\0" + (limit & 0xFFFF).to_bytes(2, "little")
        path.write_bytes(with_element(path.read_bytes(), element, before=b"\x28\x00\x52\x10DS"))
    expected = truth()
    expected[:, :5] = -1024
    np.testing.assert_array_equal(load_study(folder).volume.hu, expected)


def test_case_16_values_below_air_without_a_padding_value(tmp_path):
    def change(k):
        stored = true_hu(k).copy()
        stored[0] = -2000
        signed = {"PixelRepresentation": 1, "RescaleIntercept": "0", "BitsStored": 16, "HighBit": 15}
        return signed | {"PixelData": stored.tobytes()}

    expected = truth()
    expected[:, 0] = -1024
    np.testing.assert_array_equal(load_study(write_stack(tmp_path, change=change)).volume.hu, expected)


# 21, 22: pictures that are no CT, odd headers, and what must not leak


def test_case_21_lossy_ct_is_flagged(tmp_path):
    study = load_study(write_stack(tmp_path, change=lambda k: {"LossyImageCompression": "01"}))
    assert study.flags == ("lossy-compression",)
    assert study.volume.meta["flags"] == ("lossy-compression",)


def test_case_21_a_syntax_that_may_be_lossy_without_a_word_about_it(tmp_path):
    ds = slice_dataset(3)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    for k in range(DEPTH):
        one = slice_dataset(k, PixelData=ds.PixelData)
        (tmp_path / f"{k}").write_bytes(dicom_bytes(one, JPEG2000))
    assert load_study(tmp_path).flags == ("perhaps-lossy-compression",)


def test_case_21_burned_in_annotation_is_flagged(tmp_path):
    assert load_study(write_stack(tmp_path, change=lambda k: {"BurnedInAnnotation": "YES"})).flags == (
        "burned-in-annotation",
    )


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, "photometric"),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelData": bytes(48 * 40)}, "not-ct"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "not-ct"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "not-ct"),
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "not-ct"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "not-ct"),
        ({"BitsStored": 12, "HighBit": 15}, "high-bit"),
    ],
)
def test_case_21_pictures_that_are_no_ct(tmp_path, changes, rule):
    error = everywhere(tmp_path, **changes)
    assert (error.rule, error.file) == (rule, "IM001")


@pytest.mark.parametrize("charset", ["ISO 2022 IR 87", "GB18030", "ISO_IR 192", "NONSENSE"])
def test_case_22_character_sets_and_odd_names(tmp_path, charset, caplog):
    name = b"\x1b$B;3ED\x1b(B^\xcd\xf5\x80<script>"
    name += b" " * (len(name) % 2)
    for path in write_stack(tmp_path).iterdir():
        content = path.read_bytes()
        at = content.index(b"\x10\x00\x10\x00PN")
        end = at + 8 + int.from_bytes(content[at + 6 : at + 8], "little")
        element = b"\x10\x00\x10\x00PN" + len(name).to_bytes(2, "little") + name
        text = charset.encode() + b" " * (len(charset) % 2)
        head = b"\x08\x00\x05\x00CS" + len(text).to_bytes(2, "little") + text
        changed = content[:at] + element + content[end:]
        path.write_bytes(with_element(changed, head, before=b"\x08\x00\x08\x00CS"))
    study = load_study(tmp_path)
    np.testing.assert_array_equal(study.volume.hu, truth())
    assert "<script" not in f"{study.info}{study.volume.meta}{caplog.text}"


def test_case_22_private_blobs(tmp_path):
    rng = np.random.default_rng(5)
    creator = b"\x09\x00\x10\x00LO\x06\x00VENDOR"
    for path in write_stack(tmp_path).iterdir():
        blob = rng.bytes(300_000)
        opaque = b"\x09\x00\x01\x10UN\0\0\x0c\0\0\0\xfe\xff\x00\xe0abcdefgh"
        element = creator + opaque + b"\x09\x00\x02\x10OB\0\0" + len(blob).to_bytes(4, "little") + blob
        path.write_bytes(with_element(path.read_bytes(), element))
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_case_22_a_huge_private_blob_is_refused_without_reading_it(tmp_path):
    write_stack(tmp_path)
    content = (tmp_path / VICTIM).read_bytes()
    at = content.index(b"\x10\x00\x10\x00PN")
    with (tmp_path / VICTIM).open("wb") as sink:
        sink.write(content[:at] + b"\x09\x00\x02\x10OB\0\0" + (500 * 2**20).to_bytes(4, "little"))
        sink.truncate(at + 12 + 500 * 2**20)
        sink.seek(0, 2)
        sink.write(content[at:])
    error = refusal(tmp_path)
    assert (error.rule, error.file) == ("header-too-long", VICTIM)


def test_case_22_overlays_in_the_high_bits_do_not_show(tmp_path):
    change = {"PixelData": ((true_hu(2) + 1024) | 0x1000).astype("<u2").tobytes()}
    study = load_study(write_stack(tmp_path, change=lambda k: change if k == 2 else {}))
    np.testing.assert_array_equal(study.volume.hu, truth())


def test_case_22_the_patient_never_shows(tmp_path, caplog):
    caplog.set_level("DEBUG")
    folder = write_stack(tmp_path / "DOEFAMILY_johnathan", change=lambda k: {"SeriesDescription": "Cor Doefamily 75 %"})
    write_stack(
        folder, change=other_series(1, SeriesDescription="CaSc Johnathan", SliceThickness="3"), prefix="Doefamily"
    )
    study = load_study(folder)
    shown = f"{study.info}{study.volume.meta}{study.flags}{caplog.text}".lower()
    assert "doefamily" not in shown
    assert "johnathan" not in shown
    assert "pid7788" not in shown
    for path in folder.glob("IM*"):
        path.unlink()
    for path in folder.glob("Doefamily*"):
        path.write_bytes(path.read_bytes()[:-100])
    error = refusal(folder)
    assert error.rule == "truncated"
    assert error.file.startswith("[removed]")


def test_case_22_a_description_that_names_anybody_shows_scan_words_alone(tmp_path):
    folder = write_stack(tmp_path, change=lambda k: {"SeriesDescription": "Cor Dr Whoever 12.03.1960 75 %"})
    write_stack(folder, change=other_series(1, SeriesDescription="Aunt Jemima", SliceThickness="3"), prefix="B")
    info = load_study(folder).info
    assert info.description == "Cor … 75 %"
    assert [other.description for other in info.rejected] == [""]


def test_case_12_short_numbers_of_a_patient_leave_file_names_alone(tmp_path):
    folder = write_stack(tmp_path / "in", change=lambda k: {"PatientID": "003", "PatientName": "Li^Wei"})
    (folder / VICTIM).write_bytes((folder / VICTIM).read_bytes()[:-50])
    assert refusal(folder).file == VICTIM


def test_case_12_escape_codes_do_not_reach_the_terminal(tmp_path):
    folder = write_stack(tmp_path, change=lambda k: {"SeriesDescription": "Cor\x1b[31m red\x9b 75 %"})
    info = load_study(folder).info
    assert info.description.isprintable()
    if sys.platform != "win32":
        (folder / "bad\x1b[2Jname").write_bytes((folder / "IM001").read_bytes()[:-50])
        error = refusal(folder)
        assert str(error).isprintable()


# several patients, several series, random damage


def test_two_patients_in_one_folder(tmp_path):
    write_stack(tmp_path / "a")
    write_stack(tmp_path / "b", change=other_series(1, PatientID="X1", PatientName="B^B"))
    assert refusal(tmp_path).rule == "two-patients"
    assert load_study(tmp_path, series_uid="1.2.826.0.1.3680043.8.498.101").volume.shape[0] == DEPTH


def test_a_broken_series_does_not_hide_a_good_one(tmp_path):
    write_stack(tmp_path / "good")
    write_stack(tmp_path / "bad", change=lambda k: other_series(2)(k) | {"RescaleSlope": "0"})
    study = load_study(tmp_path)
    assert study.volume.meta["series_uid"].endswith(".498.1")
    assert "slope-zero" in study.info.rejected[0].why
    assert "bad/IM" in study.info.rejected[0].why


def rule_broken(path) -> str | None:
    """The rule of the refusal, None where the input was read; any other error escapes."""
    try:
        load_study(path)
    except ReadError as error:
        return error.rule
    return None


def test_random_damage_never_crashes(tmp_path):
    """Any flip of header bytes ends in a volume or a ReadError."""
    rng = np.random.default_rng(11)
    folder = write_stack(tmp_path / "in")
    clean = (folder / VICTIM).read_bytes()
    header = clean.index(b"\xe0\x7f\x10\x00OW")
    refused = 0
    for _ in range(300):
        raw = bytearray(clean)
        for at in rng.integers(132, header + 12, rng.integers(1, 4)):
            raw[at] = rng.integers(0, 256)
        (folder / VICTIM).write_bytes(raw)
        refused += bool(rule_broken(folder))
    assert refused > 50


def test_random_damage_of_other_layouts_never_crashes(tmp_path):
    rng = np.random.default_rng(12)
    sources = [
        dicom_bytes(enhanced_dataset()),
        dicom_bytes(slice_dataset(0), "1.2.840.10008.1.2"),
        dicom_bytes(rle(0), RLELossless),
    ]
    for source in sources:
        for _ in range(60):
            raw = bytearray(source)
            for at in rng.integers(132, len(raw), 4):
                raw[at] = rng.integers(0, 256)
            (tmp_path / "x").write_bytes(raw)
            assert rule_broken(tmp_path) != ""


# studies without a CT that can be read


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "6 x modality MR"),
        ({"Modality": "PT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128"}, "6 x modality PT"),
        ({"Modality": "MR"}, "6 x modality MR"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "6 x localizer"),
    ],
)
def test_a_study_whose_only_series_is_no_ct(tmp_path, changes, word):
    error = everywhere(tmp_path, **changes)
    assert error.rule == "not-ct"
    assert word in error.message
    assert "CT angiogram" in error.hint


def test_a_ct_class_whose_modality_is_not_stated_is_a_ct(tmp_path):
    np.testing.assert_array_equal(
        load_study(write_stack(tmp_path, change=lambda k: {"Modality": ""})).volume.hu, truth()
    )


@pytest.mark.parametrize(
    "changes",
    [{"PixelData": bytes(48 * 40 * 2)}, {"RescaleSlope": "1000"}, {"RescaleSlope": "1e-9"}],
    ids=["air", "steep", "flat"],
)
def test_pixels_that_cannot_be_a_patient(tmp_path, changes):
    error = everywhere(tmp_path, **changes)
    assert error.rule == "not-hounsfield"
    assert error.file


@pytest.mark.parametrize("kvp", ["-120", "5", "120000"])
def test_a_tube_voltage_that_cannot_be_is_not_reported(tmp_path, kvp):
    study = load_study(write_stack(tmp_path, change=lambda k: {"KVP": kvp, "SliceThickness": "-3"}))
    assert study.info.kvp is None
    assert study.volume.meta["slice_thickness_mm"] is None
    assert study.flags == ("tube-voltage-implausible",)


def test_a_transfer_syntax_of_control_characters_does_not_reach_the_terminal(tmp_path):
    write_stack(tmp_path / "bad", change=other_series(1))
    for path in (tmp_path / "bad").iterdir():
        path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2\x1b[2J.\xff0008.1.2.1\0", 1))
    error = refusal(tmp_path)
    assert error.rule == "transfer-syntax"
    assert str(error).isprintable()
    write_stack(tmp_path / "good")
    assert load_study(tmp_path).info.rejected[0].why.isprintable()
