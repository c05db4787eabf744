"""The fast path gives what a full walk gives, and pydicom agrees with both."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from dicom_builder import dicom_bytes, slice_dataset
from recanal.dicom.files import InputFile
from recanal.dicom.headers import HeadReader
from recanal.dicom.slices import TAGS, Values


def varied(index: int, rng: np.random.Generator) -> Dataset:
    """A slice in which a random choice of elements differs from the others' in value or length."""
    ds = slice_dataset(index, SOPInstanceUID=f"1.2.{rng.integers(1, 10**12)}")
    if rng.random() < 0.5:
        ds.XRayTubeCurrent = int(rng.integers(1, 1000))
    ds.ContentTime = f"12{rng.integers(0, 60):02d}{rng.integers(0, 60):02d}.{rng.integers(0, 1000)}"
    ds.TriggerTime = str(rng.integers(0, 1000))
    ds.WindowCenter = "40" if index % 3 else "100"
    ds.RescaleIntercept = "-1024" if index % 5 else "-1023"
    link = Dataset()
    link.ReferencedSOPClassUID = "1.2.3"
    link.ReferencedSOPInstanceUID = f"1.2.{rng.integers(1, 10**9)}"
    ds.ReferencedImageSequence = Sequence([link] * int(rng.integers(1, 3)))
    ds.ReferencedImageSequence.is_undefined_length = bool(rng.random() < 0.5)
    return ds


@pytest.mark.parametrize("seed", range(5))
def test_like_headers_are_read_as_if_walked_in_full(tmp_path, seed):
    rng = np.random.default_rng(seed)
    reader = HeadReader()
    recognised = 0
    for index in range(40):
        path = tmp_path / str(index)
        path.write_bytes(dicom_bytes(varied(index, rng)))
        file = InputFile(str(path), path.name)
        quick, full = reader.read(file), HeadReader().read(file)
        assert quick is not None
        assert full is not None
        recognised += quick.elements.likeness is not None
        assert quick.elements.values == full.elements.values
        assert (quick.start, quick.elements.pixel_offset) == (full.start, full.elements.pixel_offset)
        assert quick.elements.pixel_length == full.elements.pixel_length
        ds = pydicom.dcmread(path)
        values = Values(quick.elements.values, True, path.name)
        assert values.numbers("ImagePositionPatient") == tuple(map(float, ds.ImagePositionPatient))
        assert values.number("RescaleIntercept") == ds.RescaleIntercept
        assert values.uid("SOPInstanceUID") == ds.SOPInstanceUID
        assert path.read_bytes()[quick.elements.pixel_offset :] == ds.PixelData
    assert recognised >= 15


def test_an_element_that_varies_late_is_learned_once(tmp_path):
    """A pattern keeps what it knows to vary: two headers that agree by chance do not narrow it."""
    reader = HeadReader()
    walked = []
    for index in range(24):
        ds = slice_dataset(index, WindowCenter="40" if index % 4 else "50", WindowWidth="300" if index % 7 else "400")
        path = tmp_path / str(index)
        path.write_bytes(dicom_bytes(ds))
        head = reader.read(InputFile(str(path), path.name))
        assert head is not None
        walked += [index] if head.elements.likeness is None else []
    assert len(walked) <= 5


def test_every_tag_is_the_one_of_its_name():
    from pydicom.datadict import tag_for_keyword

    assert {name: tag_for_keyword(name) for name in TAGS} == dict(TAGS)


def test_headers_longer_than_the_first_read(tmp_path):
    rng = np.random.default_rng(1)
    reader = HeadReader()
    for index in range(4):
        ds = slice_dataset(index)
        block = ds.private_block(0x0029, "VENDOR", create=True)
        block.add_new(0x10, "OB", rng.bytes(50_000))
        path = tmp_path / str(index)
        path.write_bytes(dicom_bytes(ds))
        head = reader.read(InputFile(str(path), path.name))
        assert head is not None
        assert (head.elements.likeness is not None) == (index > 1)
        assert path.read_bytes()[head.elements.pixel_offset :] == ds.PixelData
