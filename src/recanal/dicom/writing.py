"""Volumes encoded as a classic DICOM CT study with a plainly synthetic identity."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import PHANTOM_MAKER
from recanal.core.volume import Volume

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["encode_study"]

_CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
_EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"


def encode_study(series: Sequence[Volume], *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file of a DICOM CT study: PS3.3 A.3, explicit VR little endian.

    The patient is ``PHANTOM^RECANAL``, marked as de-identified. UIDs follow from the seed; the file names are
    shuffled, so that their order says nothing about the slices' order.

    Parameters
    ----------
    series
        Volumes whose first axis runs across the slices, second down the rows, third along the columns.
        ``meta`` may give ``series_description``, ``kvp``, ``kernel``, ``slice_thickness_mm``, ``phase_percent``,
        ``manufacturer``, ``contrast`` (bool), ``body_part`` and ``image_type`` (sequence of words).
    seed
        Of the UIDs and of the order of the names.
    """
    rng = np.random.default_rng(seed)
    names = iter(rng.permutation(sum(volume.shape[0] for volume in series)))
    for number, volume in enumerate(series, start=1):
        template = _series_header(volume, seed=seed, number=number)
        for index in range(volume.shape[0]):
            yield f"IM{int(next(names)):06d}", _file_bytes(template, volume, index=index, seed=seed)


def _uid(seed: int, *parts: object) -> str:
    """A UID of the 2.25 arc (PS3.5 B.2) that follows from its arguments."""
    text = "\\".join(map(str, ("recanal", seed, *parts)))
    return f"2.25.{int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], 'big')}"


def _series_header(volume: Volume, *, seed: int, number: int) -> Dataset:
    from pydicom import Dataset

    meta = volume.meta
    header = Dataset()
    header.ImageType = list(meta.get("image_type") or ("ORIGINAL", "PRIMARY", "AXIAL"))
    header.SOPClassUID = _CT_IMAGE
    header.StudyDate, header.StudyTime, header.AccessionNumber = "", "", ""
    header.Modality = "CT"
    header.Manufacturer = meta.get("manufacturer") or PHANTOM_MAKER
    header.ReferringPhysicianName = ""
    header.SeriesDescription = str(meta.get("series_description") or f"Phantom {number}")[:64]
    header.PatientName, header.PatientID = "PHANTOM^RECANAL", "RECANAL-PHANTOM"
    header.PatientBirthDate, header.PatientSex = "", "O"
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = "Synthetic data, no patient"
    if meta.get("contrast"):
        header.ContrastBolusAgent = "Synthetic contrast"
    header.BodyPartExamined = str(meta.get("body_part") or "HEART")[:16]
    header.KVP = _decimal(meta.get("kvp"))
    header.ConvolutionKernel = str(meta.get("kernel") or "PHANTOM")[:16]
    header.PatientPosition = "HFS"
    header.StudyInstanceUID = _uid(seed, "study")
    header.SeriesInstanceUID = _uid(seed, "series", number)
    header.StudyID, header.SeriesNumber, header.AcquisitionNumber = "1", number, 1
    header.FrameOfReferenceUID = _uid(seed, "frame")
    header.PositionReferenceIndicator = ""
    if meta.get("phase_percent") is not None:
        header.NominalPercentageOfCardiacPhase = float(meta["phase_percent"])
    _add_geometry(header, volume)
    return header


def _add_geometry(header: Dataset, volume: Volume) -> None:
    matrix = volume.affine.matrix
    down, across = (matrix[:3, axis] / volume.spacing_mm[axis] for axis in (1, 2))
    header.SliceThickness = _decimal(volume.meta.get("slice_thickness_mm") or volume.spacing_mm[0])
    header.ImageOrientationPatient = [_decimal(v) for v in (*across, *down)]
    header.PixelSpacing = [_decimal(volume.spacing_mm[1]), _decimal(volume.spacing_mm[2])]
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.Rows, header.Columns = volume.shape[1], volume.shape[2]
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 16, 15, 1
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = "0", "1", "HU"
    header.WindowCenter, header.WindowWidth = "300", "1000"


def _decimal(value: Any) -> str:
    """A decimal string of at most 16 characters; empty for None."""
    if value is None:
        return ""
    number = float(value)
    return next(text for digits in range(15, 0, -1) if len(text := f"{number + 0.0:.{digits}g}") <= 16)


def _file_bytes(template: Dataset, volume: Volume, *, index: int, seed: int) -> bytes:
    from pydicom.dataset import FileMetaDataset
    from pydicom.filewriter import dcmwrite

    instance = _uid(seed, template.SeriesInstanceUID, index)
    template.SOPInstanceUID, template.InstanceNumber = instance, index + 1
    template.ImagePositionPatient = [_decimal(v) for v in volume.affine.to_mm([[index, 0, 0]])[0]]
    template.PixelData = _stored(volume.hu[index]).tobytes()
    template["PixelData"].VR = "OW"
    template.file_meta = FileMetaDataset()
    template.file_meta.TransferSyntaxUID = _EXPLICIT_LITTLE  # type: ignore[assignment]
    template.file_meta.MediaStorageSOPClassUID = _CT_IMAGE  # type: ignore[assignment]
    template.file_meta.MediaStorageSOPInstanceUID = instance  # type: ignore[assignment]
    buffer = io.BytesIO()
    dcmwrite(buffer, template, enforce_file_format=True)
    return buffer.getvalue()


def _stored(hu: NDArray[Any]) -> NDArray[np.int16]:
    whole = hu if np.issubdtype(hu.dtype, np.integer) else np.rint(np.clip(hu, -32_768, 32_767))
    return np.ascontiguousarray(whole, dtype="<i2")
