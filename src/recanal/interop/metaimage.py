"""MetaImage (MHA) with local data; its space is LPS, as ITK writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Volume
from recanal.dicom.files import InputFile, open_regular
from recanal.dicom.wording import clean_text
from recanal.errors import ReadError
from recanal.interop.rasters import Raster, check_size, raster_volume, read_exactly

__all__ = ["is_metaimage", "read_metaimage"]

_HEADER_BYTES = 65_536
_TYPES: Mapping[str, str] = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def is_metaimage(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a MetaImage."""
    start = head[:4096]
    return start.lstrip().startswith((b"ObjectType", b"NDims")) and b"NDims" in start


def read_metaimage(file: InputFile) -> Volume:
    """The volume of an MHA file.

    Raises
    ------
    ReadError
        Naming the file and the rule it breaks; data in other files are never followed.
    """
    handle, _ = open_regular(file)
    with handle:
        fields, offset = _fields(file.name, handle.read(_HEADER_BYTES))
        raster = _raster(file.name, fields)
        packing = "zlib" if fields.get("CompressedData", "False").lower() == "true" else ""
        handle.seek(offset)
        stored = read_exactly(handle, raster.count_bytes, packing=packing, name=file.name)
    return raster_volume(raster, stored)


def _fields(name: str, head: bytes) -> tuple[Mapping[str, str], int]:
    fields: dict[str, str] = {}
    at = 0
    while "ElementDataFile" not in fields:
        end = head.find(b"\n", at)
        key, equals, value = head[at : max(end, at)].decode("latin-1").partition("=")
        if end < 0 or not equals:
            raise ReadError("The MetaImage header is damaged.", file=name, rule="header")
        if key.strip() in fields:
            raise ReadError(f"{clean_text(key)} is given twice.", file=name, rule="header")
        fields[key.strip()] = value.strip()
        at = end + 1
    return fields, at


def _raster(name: str, fields: Mapping[str, str]) -> Raster:
    if fields["ElementDataFile"].upper() != "LOCAL":
        raise ReadError("The voxels are in another file.", hint="Save as one .mha.", file=name, rule="detached-data")
    kind = fields.get("ElementType", "")
    if kind not in _TYPES or fields.get("ElementNumberOfChannels", "1") != "1":
        raise ReadError("The voxels are not numbers of one channel.", file=name, rule="pixel-type")
    if fields.get("BinaryData", "True").lower() != "true" or "HeaderSize" in fields:
        raise ReadError("Only binary MetaImage data right after the header are read.", file=name, rule="encoding")
    big = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")).lower() == "true"
    dtype: np.dtype[Any] = np.dtype((">" if big else "<") + _TYPES[kind])
    sizes = tuple(_whole(n) for n in _numbers(name, fields, ("DimSize",)))
    if fields.get("NDims", "") != str(len(sizes)):
        raise ReadError("NDims and DimSize do not agree.", file=name, rule="header")
    shape = check_size(name, sizes, dtype)
    return Raster(name, "MHA", shape, dtype, _matrix(name, fields))


def _whole(number: float) -> int:
    """A size; 0, which is refused, for a broken number."""
    return int(number) if number == int(number) else 0


def _matrix(name: str, fields: Mapping[str, str]) -> NDArray[np.float64]:
    """Index to LPS; ``TransformMatrix`` lists the direction of the first axis first, as ITK reads it."""
    spacing = _numbers(name, fields, ("ElementSpacing", "ElementSize"))[:3]
    directions = _numbers(name, fields, ("TransformMatrix", "Rotation", "Orientation"))
    origin = _numbers(name, fields, ("Offset", "Position", "Origin"))[:3]
    if len(spacing) != 3 or len(directions) != 9 or len(origin) != 3:
        raise ReadError("Spacing, orientation or origin are missing.", file=name, rule="orientation")
    if not (spacing > 0).all():
        raise ReadError("The spacing is not positive.", file=name, rule="spacing")
    axes = directions.reshape(3, 3)
    if np.abs((axes**2).sum(axis=1) - 1.0).max() > 0.01:
        raise ReadError(
            "The axes are not unit vectors.", hint="Write TransformMatrix anew.", file=name, rule="orientation"
        )
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes.T * spacing, origin
    return matrix


def _numbers(name: str, fields: Mapping[str, str], keys: tuple[str, ...]) -> NDArray[np.float64]:
    text = next((fields[key] for key in keys if key in fields), "")
    try:
        numbers = np.array([float(word) for word in text.split()])
    except ValueError as error:
        raise ReadError(f"{keys[0]} is not a list of numbers.", file=name, rule="header") from error
    if not np.isfinite(numbers).all():
        raise ReadError(f"{keys[0]} is not finite.", file=name, rule="number-finite")
    return numbers
