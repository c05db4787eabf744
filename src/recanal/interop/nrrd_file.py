"""NRRD with attached data; its ``space`` is turned into LPS here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Volume
from recanal.dicom.files import InputFile, open_regular
from recanal.errors import ReadError
from recanal.interop.rasters import Raster, check_size, raster_volume, read_exactly

__all__ = ["read_nrrd"]

_HEADER_BYTES = 65_536
_SIGNS: Mapping[str, tuple[float, float, float]] = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}
_MILLIMETRES = frozenset({"", "mm", "millimeter", "millimeters", "millimetre", "millimetres"})
_PACKING = {"raw": "", "gzip": "gzip", "gz": "gzip"}


def read_nrrd(file: InputFile) -> Volume:
    """The volume of an NRRD file.

    Raises
    ------
    ReadError
        Naming the file and the rule it breaks; data in other files (``data file``) are never followed.
    """
    handle, _ = open_regular(file)
    with handle:
        fields, offset = _fields(file.name, handle.read(_HEADER_BYTES))
        raster, packing = _raster(file.name, fields)
        handle.seek(offset)
        stored = read_exactly(handle, raster.count_bytes, packing=packing, name=file.name)
    return raster_volume(raster, stored)


def _fields(name: str, head: bytes) -> tuple[Mapping[str, Any], int]:
    import nrrd

    end = head.find(b"\n\n")
    windows = head.find(b"\r\n\r\n")
    if windows >= 0 and (end < 0 or windows < end):
        text, offset = head[:windows], windows + 4
    elif end >= 0:
        text, offset = head[:end], end + 2
    else:
        raise ReadError("The NRRD header does not end within 64 KiB.", file=name, rule="header")
    try:
        with np.errstate(invalid="raise"):
            fields = nrrd.read_header([line + "\n" for line in text.decode("latin-1").splitlines()] + ["\n"])
    except (nrrd.NRRDError, ValueError, TypeError, KeyError, IndexError, StopIteration, ArithmeticError) as error:
        raise ReadError("The NRRD header is damaged.", file=name, rule="header") from error
    return fields, offset


def _raster(name: str, fields: Mapping[str, Any]) -> tuple[Raster, str]:
    if "data file" in fields or "datafile" in fields:
        raise ReadError("The voxels are in another file.", hint="Save as one .nrrd.", file=name, rule="detached-data")
    encoding = str(fields.get("encoding", ""))
    if encoding not in _PACKING:
        raise ReadError(f"NRRD encoding {encoding[:20]!r} is not read; raw and gzip are.", file=name, rule="encoding")
    if fields.get("line skip", 0) or fields.get("byte skip", 0):
        raise ReadError("NRRD with skipped lines or bytes is not read.", file=name, rule="encoding")
    units = [str(unit).strip().lower() for unit in fields.get("space units", ())]
    others = [unit for unit in units if unit not in _MILLIMETRES]
    if others:
        raise ReadError(
            f"The NRRD space is in {others[0][:20]!r}, not in millimetres.",
            hint="Save it in mm.",
            file=name,
            rule="spacing-unit",
        )
    dtype = _dtype(name, fields)
    sizes = tuple(int(n) for n in fields.get("sizes", ()))
    if fields.get("dimension") != len(sizes):
        raise ReadError(
            f"The NRRD header tells {fields.get('dimension')} dimensions and {len(sizes)} sizes.",
            file=name,
            rule="header",
        )
    shape = check_size(name, sizes, dtype)
    return Raster(name, "NRRD", shape, dtype, _matrix(name, fields)), _PACKING[encoding]


_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "int64", "int64_t"), "i8"),
    "float": "f4",
    "double": "f8",
}


def _dtype(name: str, fields: Mapping[str, Any]) -> np.dtype[Any]:
    kind = str(fields.get("type", ""))
    if kind not in _TYPES:
        raise ReadError(f"NRRD type {kind[:20]!r} is not read.", file=name, rule="pixel-type")
    endian = str(fields.get("endian", "little" if _TYPES[kind][1] == "1" else ""))
    if endian not in ("little", "big"):
        raise ReadError("The NRRD byte order is not given.", file=name, rule="header")
    return np.dtype(("<" if endian == "little" else ">") + _TYPES[kind])


def _matrix(name: str, fields: Mapping[str, Any]) -> NDArray[np.float64]:
    """Index to LPS, from ``space``, ``space directions`` and ``space origin``."""
    space = str(fields.get("space", "")).lower()
    directions = np.asarray(fields.get("space directions", np.nan), dtype=np.float64)
    if space not in _SIGNS or directions.shape != (3, 3) or not np.isfinite(directions).all():
        raise ReadError(
            "The NRRD gives no anatomical space and directions, so left and right are not known.",
            hint="Save it with space and space directions.",
            file=name,
            rule="orientation",
        )
    origin = np.asarray(fields.get("space origin", np.zeros(3)), dtype=np.float64)
    if origin.shape != (3,) or not np.isfinite(origin).all():
        raise ReadError("The NRRD origin is damaged.", file=name, rule="geometry")
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = directions.T, origin
    return np.asarray(np.diag([*_SIGNS[space], 1.0]) @ matrix)
