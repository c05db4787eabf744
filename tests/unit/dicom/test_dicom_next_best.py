"""Where the best series cannot be decoded the next best is taken, and the reader is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from dicom_builder import DEPTH, SERIES, dicom_bytes, other_series, slice_dataset, true_hu, write_stack
from recanal.errors import ReadError
from recanal.interop import load_study
from recanal.report.flag_words import flag_sentence

FLAG = "better-series-unreadable:1"


def write_damaged(folder: Path, number: int | None = None, **changes: object) -> None:
    """A compressed series whose first slice ends in the middle of its pixels."""
    folder.mkdir()
    change = other_series(number, **changes) if number else lambda index: changes
    for index in range(DEPTH):
        ds = slice_dataset(index, **change(index))
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.compress(RLELossless, generate_instance_uid=False)
        if index == 0:
            (frame,) = generate_frames(ds.PixelData, number_of_frames=1)
            ds.PixelData = encapsulate([frame[: len(frame) // 3]])
        (folder / f"IM{index}").write_bytes(dicom_bytes(ds, RLELossless))


def test_the_next_best_series_is_taken_and_said(tmp_path: Path) -> None:
    write_damaged(tmp_path / "best")
    write_stack(tmp_path / "next", change=other_series(1, SliceThickness="1"))
    study = load_study(tmp_path)
    assert study.volume.meta["series_uid"].endswith(".498.101")
    assert np.array_equal(study.volume.hu[0], true_hu(0))
    assert FLAG in study.flags
    assert study.flags == study.volume.meta["flags"]
    (best,) = study.info.rejected
    assert best.series_uid == SERIES
    assert "best/IM0" in best.why
    assert "points against" not in best.why
    assert "could not be read" in flag_sentence(FLAG)


def test_without_damage_nothing_is_said(tmp_path: Path) -> None:
    write_stack(tmp_path / "best")
    write_stack(tmp_path / "next", change=other_series(1, SliceThickness="1"))
    study = load_study(tmp_path)
    assert study.volume.meta["series_uid"] == SERIES
    assert not any(flag.startswith("better-series") for flag in study.flags)


def test_a_series_that_was_named_is_never_replaced(tmp_path: Path) -> None:
    write_damaged(tmp_path / "best")
    write_stack(tmp_path / "next", change=other_series(1, SliceThickness="1"))
    with pytest.raises(ReadError, match="best/IM0"):
        load_study(tmp_path, series_uid=SERIES)


def test_a_series_without_contrast_does_not_stand_in(tmp_path: Path) -> None:
    write_damaged(tmp_path / "best")
    plain = {"ContrastBolusAgent": None, "SeriesDescription": "CaSc 75 %"}
    write_stack(tmp_path / "next", change=other_series(1, **plain))
    with pytest.raises(ReadError, match="best/IM0"):
        load_study(tmp_path)


def test_where_all_are_damaged_the_error_is_that_of_the_best(tmp_path: Path) -> None:
    write_damaged(tmp_path / "best")
    write_damaged(tmp_path / "next", 1, SliceThickness="1")
    with pytest.raises(ReadError, match="best/IM0"):
        load_study(tmp_path)
