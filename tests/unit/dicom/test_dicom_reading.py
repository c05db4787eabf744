"""A study, however it is stored, becomes the same volume."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from dicom_builder import (
    COLUMNS,
    DEPTH,
    NATIVE,
    ROWS,
    SERIES,
    dicom_bytes,
    enhanced_dataset,
    slice_dataset,
    true_hu,
    truth,
    write_stack,
)
from recanal.dicom.gdcm_process import GdcmProcess
from recanal.dicom.slices import PixelLayout
from recanal.errors import ReadError
from recanal.interop import load_study

DATA = Path(__file__).parents[3].parent / "shared" / "data"


def test_slices_are_ordered_by_place_not_by_name_or_number(tmp_path):
    study = load_study(write_stack(tmp_path))
    assert study.volume.hu.dtype == np.int16
    assert study.volume.hu.flags.c_contiguous
    assert not study.volume.hu.flags.writeable
    np.testing.assert_array_equal(study.volume.hu, truth())


def test_the_affine_leads_from_slice_row_column_to_lps(tmp_path):
    volume = load_study(write_stack(tmp_path, change=lambda k: {"PixelSpacing": [0.3, 0.5]})).volume
    assert volume.spacing_mm == pytest.approx((0.5, 0.3, 0.5))
    np.testing.assert_allclose(volume.affine.to_mm([[2, 8, 13]])[0], [10 + 13 * 0.5, 20 + 8 * 0.3, 1.0])


def test_info_and_meta_say_what_was_read(tmp_path):
    study = load_study(write_stack(tmp_path))
    meta = study.volume.meta
    expected = {"kvp": 120.0, "series_uid": SERIES, "phase_percent": 75.0, "kernel": "Bv40", "slice_thickness_mm": 0.6}
    expected |= {"manufacturer": "Maker", "body_part": "HEART", "contrast": True, "flags": ()}
    assert {key: meta[key] for key in expected} == expected
    assert study.info.size == (COLUMNS, ROWS, DEPTH)
    assert study.info.spacing_mm == pytest.approx((0.4, 0.4, 0.5))
    assert study.info.why_chosen[0] == "the only series"
    assert study.info.format == "DICOM"


@pytest.mark.parametrize("syntax", NATIVE)
def test_uncompressed_and_deflated_syntaxes(tmp_path, syntax):
    np.testing.assert_array_equal(load_study(write_stack(tmp_path, syntax=syntax)).volume.hu, truth())


def compressed(index: int, syntax: str, **changes) -> bytes:
    ds = slice_dataset(index, **changes)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(syntax, generate_instance_uid=False)
    return dicom_bytes(ds, syntax)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_compression_gives_every_voxel_back(tmp_path, syntax):
    for k in range(DEPTH):
        (tmp_path / f"{k}").write_bytes(compressed(k, syntax))
    study = load_study(tmp_path)
    np.testing.assert_array_equal(study.volume.hu, truth())
    assert study.flags == ()


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_lossless_compression_of_signed_pixels(tmp_path, syntax):
    for k in range(DEPTH):
        signed = {"PixelRepresentation": 1, "BitsStored": 16, "HighBit": 15, "RescaleIntercept": "0"}
        content = compressed(k, syntax, **signed, PixelData=true_hu(k).tobytes())
        (tmp_path / f"{k}").write_bytes(content)
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_near_lossless_compression_is_flagged(tmp_path):
    for k in range(DEPTH):
        ds = slice_dataset(k)
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(JPEGLSNearLossless, jls_error=2, generate_instance_uid=False)
        (tmp_path / f"{k}").write_bytes(dicom_bytes(ds, JPEGLSNearLossless))
    study = load_study(tmp_path)
    assert "lossy-compression" in study.flags
    assert "lossy-compression" in study.volume.meta["flags"]
    assert np.abs(study.volume.hu - truth()).max() <= 2


def jpeg_lossless(content: bytes, folder: Path) -> bytes:
    gdcm = pytest.importorskip("gdcm", reason="python-gdcm encodes JPEG lossless for this test")
    source, target = folder / "raw.tmp", folder / "packed.tmp"
    source.write_bytes(content)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()
    packed = target.read_bytes()
    source.unlink()
    target.unlink()
    return packed


def test_jpeg_lossless_is_decoded_in_a_process_of_its_own(tmp_path):
    for k in range(DEPTH):
        (tmp_path / f"{k}").write_bytes(jpeg_lossless(dicom_bytes(slice_dataset(k)), tmp_path))
    assert pydicom.dcmread(tmp_path / "0").file_meta.TransferSyntaxUID == JPEGLosslessSV1
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_damaged_jpeg_lossless_is_refused_by_name(tmp_path):
    for k in range(DEPTH):
        (tmp_path / f"{k}").write_bytes(jpeg_lossless(dicom_bytes(slice_dataset(k)), tmp_path))
    ds = pydicom.dcmread(tmp_path / "3")
    frame = pydicom.encaps.get_frame(ds.PixelData, 0)
    ds.PixelData = encapsulate([frame[: len(frame) // 2 & ~1]])
    ds.save_as(tmp_path / "3")
    with pytest.raises(ReadError) as caught:
        load_study(tmp_path)
    assert caught.value.file == "3"
    assert caught.value.rule == "decode"


HTJ2K_SLICE_2 = (
    "|4;u>04YEK0000e0000m00000000000000e0000m0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&"
    "kdTm&kdTmwh=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00002MgRf-lfVEg0J-~N{Zjt({Q`ls0KfnfzyK4#022VPW%vS%"
    "bO4$c?*O7S0H*o_2Xp|y02QzR1)%@{Rsb}B3j#I-BIN*aMzsJW!33m}G}1s60$Zbldba=;h4#+Ei46d80kr_Y02fIB09{M~0dD}$"
    "09;~+ffIzvMIzxE5jH5{oXSKf2%v@s{s0xTI6Q_R5t;yG5YW>k)vQu}7c|Hj5Rk|LMi}ru5KF)hIK21-F3z*$P$CP)Fan(b&oz~y"
    "8Wcz)LIC_gganeQ07L!&1G^IYSqLCQI{?4{7k>Z%UGx9}bf81vyc12*5r9}VHG2%4|8Yqs0R)ghfgV2&WD-9B`4cE`V?P?8_&<ap"
    "agKkM2Y;G@$r1S>L3Fb%pHh){0VDo_Q6&gBAY6dx`T-2caf2}$swD}4!dP`s=Rl7Kdi*EwK#v)S@g8sh0uTyx$UrH&!8Z~RfWZhr"
    "3zh*#{ta-{^l@(*)hQAH54gd=I2<0H02ly&83EFB0ED;bU`3JvzyL2pfB;^T006c?fIO}S;&=oR7*q`iAQ(Xe5I``32q1u91Q9?0"
    "!3ZLN0D_YQA_*Y={ImW6eu3}NJ^ClVMEBw+pRxKAkai%s0y_bK$3-xL5sY9pBB(|LBN)L5PBIYH)qvw52tf!!5P}edAOs;ONkIJk"
    "{|A6j-co_Tc}fQT<q#XkIf@&~P&e->K<B)o19)))2(li?dH})vv-~n}1QU=4ApRhnfpP$H0sq+"
)
"""Slice 2 of the builder as a reversible High-Throughput JPEG 2000 codestream (written by OpenJPH), base 85."""


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_high_throughput_jpeg_2000(tmp_path, syntax):
    frame = base64.b85decode(HTJ2K_SLICE_2)
    for k in range(DEPTH):
        ds = slice_dataset(k, PixelData=encapsulate([frame]))
        (tmp_path / f"{k}").write_bytes(dicom_bytes(ds, syntax))
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, np.stack([true_hu(2)] * DEPTH))


def test_a_decoder_process_that_takes_too_long_is_ended(tmp_path):
    content = jpeg_lossless(dicom_bytes(slice_dataset(0)), tmp_path)
    (tmp_path / "a").write_bytes(content)
    frame = pydicom.encaps.get_frame(pydicom.dcmread(tmp_path / "a").PixelData, 0)
    layout = PixelLayout(JPEGLosslessSV1, 0, 0, 0, 1, ROWS, COLUMNS, stored_bits=12, signed=False)
    with GdcmProcess(seconds_per_frame=1e-3) as process, pytest.raises(ReadError) as caught:
        process.decode(frame, layout)
    assert caught.value.rule == "decode"


def test_htj2k_is_told_from_other_streams(tmp_path):
    for k in range(DEPTH):
        ds = slice_dataset(k, PixelData=encapsulate([b"\xff\xd8\xff\xda not a codestream "]))
        (tmp_path / f"{k}").write_bytes(dicom_bytes(ds, HTJ2KLossless))
    with pytest.raises(ReadError) as caught:
        load_study(tmp_path)
    assert caught.value.rule == "codestream"


def test_files_without_preamble_or_meta_are_read(tmp_path):
    for k in range(DEPTH):
        content = dicom_bytes(slice_dataset(k), NATIVE[k % 2])
        start = 132 + 12 + int.from_bytes(content[140:144], "little")
        (tmp_path / f"{k}").write_bytes(content[start:] if k < 4 else content[132:])
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_implicit_elements_in_a_file_that_claims_explicit(tmp_path):
    for k in range(DEPTH):
        explicit, implicit = (dicom_bytes(slice_dataset(k), syntax) for syntax in NATIVE[:2])
        starts = [132 + 12 + int.from_bytes(content[140:144], "little") for content in (explicit, implicit)]
        (tmp_path / f"{k}").write_bytes(explicit[: starts[0]] + implicit[starts[1] :])
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_an_unknown_vr_is_left_to_pydicom(tmp_path):
    for path in write_stack(tmp_path).iterdir():
        path.write_bytes(path.read_bytes().replace(b"\x08\x00\x70\x00LO", b"\x08\x00\x70\x00QQ"))
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_enhanced_multiframe_with_unsorted_frames_and_a_rescale_each(tmp_path):
    order = (3, 0, 5, 1, 4, 2)
    path = tmp_path / "enhanced.dcm"
    path.write_bytes(dicom_bytes(enhanced_dataset(order=order)))
    study = load_study(path)
    np.testing.assert_array_equal(study.volume.hu, truth())
    assert (study.volume.meta["kvp"], study.volume.meta["kernel"]) == (100.0, "Bv40")
    assert study.volume.meta["slice_thickness_mm"] == 0.6


def test_enhanced_multiframe_compressed(tmp_path):
    ds = enhanced_dataset(order=(5, 4, 3, 2, 1, 0))
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.compress(RLELossless, generate_instance_uid=False)
    (tmp_path / "one").write_bytes(dicom_bytes(ds, RLELossless))
    np.testing.assert_array_equal(load_study(tmp_path).volume.hu, truth())


def test_progress_ends_at_one(tmp_path):
    seen: list[tuple[str, float]] = []
    load_study(write_stack(tmp_path), progress=lambda stage, share: seen.append((stage, share)))
    assert seen[-1] == ("pixels", 1.0)


@pytest.mark.skipif(not (DATA / "ct_heart_aorta").is_dir(), reason="the real JPEG 2000 stack is not here")
def test_a_real_jpeg_2000_stack():
    folder = DATA / "ct_heart_aorta" / "example_ct_dicom_j2k"
    study = load_study(folder)
    assert study.volume.shape == (20, 512, 512)
    assert study.volume.spacing_mm == pytest.approx((2.0, 0.9765625, 0.9765625))
    lowest = min((pydicom.dcmread(p, force=True) for p in folder.iterdir()), key=lambda d: d.ImagePositionPatient[2])
    expected = lowest.pixel_array.astype(int) - 1024
    np.testing.assert_array_equal(study.volume.hu[0], expected)
    assert "series-uid-missing" in study.flags
