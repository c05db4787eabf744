"""The best series is chosen, with reasons for it and against the others."""

from __future__ import annotations

import numpy as np
import pytest

from dicom_builder import DEPTH, SERIES, dicom_bytes, other_series, slice_dataset, true_hu, write_stack
from recanal.dicom.choice import blood_pool_share, kernel_class
from recanal.errors import ReadError
from recanal.interop import load_study


def rejected(folder, number=1, **changes):
    """The reason why a series that differs from the good one in some elements was not chosen."""
    write_stack(folder / "good")
    write_stack(folder / "other", change=other_series(number, **changes))
    study = load_study(folder)
    assert study.volume.meta["series_uid"] == SERIES
    (other,) = study.info.rejected
    assert other.series_uid.endswith(str(100 + number))
    return other.why


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"SliceThickness": "3"}, "slices of 3 mm"),
        ({"ConvolutionKernel": "B70f"}, "sharp kernel B70f"),
        ({"SeriesDescription": "CorCTA 0.6 Bv40 55 %"}, "phase 55 %"),
        ({"SeriesDescription": "CorCTA 0.6 Bv40 40 %"}, "phase 40 % (end systole)"),
        ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, "derived images"),
        ({"SeriesDescription": "MIP 75 %"}, "a reformation or projection"),
        ({"LossyImageCompression": "01"}, "lossy compression"),
        ({"ContrastBolusAgent": None, "SeriesDescription": "CaSc 75 %"}, "no contrast"),
    ],
)
def test_each_rule_decides_between_otherwise_equal_series(tmp_path, changes, word):
    why = rejected(tmp_path, **changes)
    assert word in why
    assert "points against" in why


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"Modality": "MR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "modality MR"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"RescaleSlope": "0"}, "slope-zero"),
    ],
)
def test_series_that_cannot_be_read_are_named_with_the_rule(tmp_path, changes, word):
    assert word in rejected(tmp_path, **changes)


def test_more_of_the_heart_is_better(tmp_path):
    write_stack(tmp_path / "short", depth=5)
    write_stack(tmp_path / "long", depth=9, change=other_series(3))
    study = load_study(tmp_path)
    assert study.volume.shape[0] == 9
    assert "slices over 2 mm" in study.info.rejected[0].why


def test_reasons_for_the_chosen_series(tmp_path):
    write_stack(tmp_path / "good")
    write_stack(tmp_path / "other", change=other_series(1, SliceThickness="3"))
    why = load_study(tmp_path).info.why_chosen
    assert "slices of 0.6 mm" in why
    assert "medium kernel Bv40" in why
    assert "phase 75 % (diastole)" in why
    assert "original images" in why


def heart(contrast: bool) -> np.ndarray:
    hu = np.full((48, 40), 40, dtype=np.int16)
    hu[:4] = -1000
    if contrast:
        hu[14:34, 10:30] = 420
    return hu


def test_contrast_is_seen_in_the_picture(tmp_path):
    for number, contrast in ((1, False), (2, True)):
        silent = other_series(number, ContrastBolusAgent=None, SeriesDescription="Series", ProtocolName="Heart")
        pixels = (heart(contrast) + 1024).astype("<u2").tobytes()
        write_stack(tmp_path / str(number), change=lambda k, s=silent, p=pixels: {**s(k), "PixelData": p})
    study = load_study(tmp_path)
    assert study.volume.meta["series_uid"].endswith("102")
    assert study.volume.meta["contrast"] is True
    assert "no contrast in the header or the picture" in study.info.rejected[0].why


@pytest.mark.parametrize("contrast", [True, False])
def test_contrast_of_a_single_silent_series(tmp_path, contrast):
    silent = {"ContrastBolusAgent": None, "SeriesDescription": "Series"}
    silent["PixelData"] = (heart(contrast) + 1024).astype("<u2").tobytes()
    assert load_study(write_stack(tmp_path, change=lambda k: silent)).volume.meta["contrast"] is contrast


def test_blood_pool_share_ignores_small_and_uneven_brightness():
    speckle = heart(False)
    speckle[10:40:2, 10:40:2] = 1500
    assert blood_pool_share(heart(True)) > 0.1
    assert blood_pool_share(speckle) < 0.01


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("B26f", "medium"),
        ("I36f\\3", "medium"),
        ("Bv40", "medium"),
        ("Qr36", "medium"),
        ("B70s", "sharp"),
        ("Br64", "sharp"),
        ("B10f", "smooth"),
        ("FC05", "medium"),
        ("FC51", "sharp"),
        ("FC44", "medium"),
        ("STANDARD", "medium"),
        ("SOFT", "medium"),
        ("LUNG", "sharp"),
        ("BONEPLUS", "sharp"),
        ("DETAIL", "sharp"),
        ("", "unknown"),
        ("?", "unknown"),
    ],
)
def test_kernels(name, kind):
    assert kernel_class(name) == kind


def test_a_series_can_be_asked_for(tmp_path):
    write_stack(tmp_path / "good")
    write_stack(tmp_path / "other", change=other_series(1, SliceThickness="3"))
    uid = "1.2.826.0.1.3680043.8.498.101"
    study = load_study(tmp_path, series_uid=uid)
    assert study.info.series_uid == uid
    assert [r.why for r in study.info.rejected] == ["another series was asked for"]


def test_asking_for_a_series_that_is_absent_lists_those_there_without_their_descriptions(tmp_path):
    write_stack(tmp_path / "good")
    write_stack(tmp_path / "other", change=other_series(1, SeriesDescription="Thick"))
    with pytest.raises(ReadError) as caught:
        load_study(tmp_path, series_uid="1.2.3")
    assert caught.value.rule == "series-absent"
    for text in (SERIES, "1.2.826.0.1.3680043.8.498.101", f"{DEPTH} images"):
        assert text in str(caught.value)
    assert not any(text in str(caught.value) for text in ("Thick", "CorCTA"))  # free text, which may name a patient


def test_asking_for_a_broken_series_gives_its_rule(tmp_path):
    write_stack(tmp_path / "good")
    write_stack(tmp_path / "other", change=lambda k: other_series(1)(k) | {"RescaleSlope": "0"})
    with pytest.raises(ReadError) as caught:
        load_study(tmp_path, series_uid="1.2.826.0.1.3680043.8.498.101")
    assert caught.value.rule == "slope-zero"


def test_interleaved_series_of_one_folder_are_kept_apart(tmp_path):
    """Headers alike but for the series: the fast path must not mix them."""
    for k in range(DEPTH):
        for number in range(3):
            changes = other_series(number, SeriesDescription=f"Series {number}", RescaleIntercept=str(-1024 - number))
            ds = slice_dataset(k, **changes(k))
            ds.PixelData = (true_hu(k) + 1024).astype("<u2").tobytes()
            (tmp_path / f"{k}-{number}").write_bytes(dicom_bytes(ds))
    for number in range(3):
        study = load_study(tmp_path, series_uid=f"1.2.826.0.1.3680043.8.498.{100 + number}")
        assert study.volume.hu[2, 10, 10] == 42 - number
        assert study.info.description == f"Series {number}"
