"""Tiny CT slices and stacks for the tests of reading."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
ROWS, COLUMNS, DEPTH = 48, 40, 6
SERIES = "1.2.826.0.1.3680043.8.498.1"
Change = Mapping[str, Any]


def true_hu(index: int) -> np.ndarray:
    """Air, a block of tissue that differs from slice to slice, one bright voxel off the centre."""
    hu = np.full((ROWS, COLUMNS), -1000, dtype=np.int16)
    hu[6:30, 4:26] = 40 + index
    hu[8, 13] = 900
    return hu


def truth(depth: int = DEPTH) -> np.ndarray:
    return np.stack([true_hu(k) for k in range(depth)])


def slice_dataset(index: int, **changes: Any) -> Dataset:
    """A valid single-frame CT slice at z = 0.5 * index."""
    ds = Dataset()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CT_IMAGE
    ds.SOPInstanceUID = f"{SERIES}.1.{index + 1}"
    ds.Modality = "CT"
    ds.Manufacturer = "Maker"
    ds.SeriesDescription = "CorCTA 0.6 Bv40 75 %"
    ds.PatientName = "DOEFAMILY^JOHNATHAN"
    ds.PatientID = "PID7788"
    ds.ContrastBolusAgent = "IOMEPROL"
    ds.BodyPartExamined = "HEART"
    ds.SliceThickness = "0.6"
    ds.KVP = "120"
    ds.ConvolutionKernel = "Bv40"
    ds.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.9"
    ds.SeriesInstanceUID = SERIES
    ds.SeriesNumber = 1
    ds.InstanceNumber = 99 - index
    ds.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.8"
    ds.ImagePositionPatient = [10, 20, 0.5 * index]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [0.4, 0.4]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = ROWS, COLUMNS
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.PixelData = (true_hu(index) + 1024).astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    for name, value in changes.items():
        if value is None:
            del ds[name]
        else:
            setattr(ds, name, value)
    return ds


def dicom_bytes(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The file of a data set; big endian pixels are swapped here, compressed ones must be ready."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CT_IMAGE)
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = syntax
    ds.file_meta = meta
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").byteswap().tobytes()
        ds["PixelData"].VR = "OW"
    buffer = io.BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def write_stack(
    folder: Path,
    *,
    depth: int = DEPTH,
    change: Callable[[int], Change] = lambda index: {},
    syntax: str = ExplicitVRLittleEndian,
    prefix: str = "IM",
) -> Path:
    """A stack whose file names run against its positions."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(depth):
        content = dicom_bytes(slice_dataset(index, **change(index)), syntax)
        (folder / f"{prefix}{depth - index:03d}").write_bytes(content)
    return folder


def other_series(number: int, **changes: Any) -> Callable[[int], Change]:
    """Changes that make a stack another series."""
    uid = f"1.2.826.0.1.3680043.8.498.{100 + number}"
    return lambda index: {"SeriesInstanceUID": uid, "SOPInstanceUID": f"{uid}.{index}", **changes}


def enhanced_dataset(depth: int = DEPTH, *, order: tuple[int, ...] | None = None, **changes: Any) -> Dataset:
    """An enhanced CT whose frames lie in ``order``, each with its own rescale intercept."""
    order = order or tuple(range(depth))
    ds = slice_dataset(0, SOPClassUID=ENHANCED_CT, NumberOfFrames=depth)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleIntercept", "RescaleSlope"):
        del ds[name]
    del ds.KVP, ds.ConvolutionKernel, ds.SliceThickness, ds.RescaleType
    shared, plane, measures, kernel, tube = Dataset(), Dataset(), Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [0.4, 0.4], "0.6"
    kernel.ConvolutionKernel, tube.KVP = "Bv40", 100.0
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    shared.CTReconstructionSequence, shared.CTXRayDetailsSequence = Sequence([kernel]), Sequence([tube])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames, pixels = [], []
    for number, index in enumerate(order):
        frame, place, scale = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [10, 20, 0.5 * index]
        intercept = -1024 - 10 * number
        scale.RescaleIntercept, scale.RescaleSlope, scale.RescaleType = str(intercept), "1", "HU"
        frame.PlanePositionSequence, frame.PixelValueTransformationSequence = Sequence([place]), Sequence([scale])
        frames.append(frame)
        pixels.append(true_hu(index) - intercept)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.PixelData = np.stack(pixels).astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    for name, value in changes.items():
        setattr(ds, name, value)
    return ds
