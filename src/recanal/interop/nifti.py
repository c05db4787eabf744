"""NIfTI-1 and NIfTI-2, plain or gzipped; RAS is turned into LPS here."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import PHANTOM_MAKER
from recanal.core.volume import Volume
from recanal.dicom.files import InputFile, open_regular
from recanal.errors import ReadError
from recanal.interop.rasters import Raster, check_size, raster_volume, read_exactly

__all__ = ["is_nifti", "read_nifti"]

_GZIP = b"\x1f\x8b"
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HEADER_BYTES = 540
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}


def is_nifti(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a single-file NIfTI, plain or gzipped."""
    try:
        plain = zlib.decompressobj(31).decompress(head, _HEADER_BYTES) if head[:2] == _GZIP else head
    except zlib.error:
        return False
    return plain[344:348] == b"n+1\0" or plain[4:8] == b"n+2\0"


def read_nifti(file: InputFile) -> Volume:
    """The volume of a NIfTI file.

    The affine is the sform where its code is set, else the qform; a file with neither has no place in the
    patient and is refused. So is one whose sform and qform give different voxel sizes or one of which is the
    other's mirror image; where they merely turn or move the picture, the sform holds and a flag says so.

    Raises
    ------
    ReadError
        Naming the file and the rule it breaks.
    """
    handle, _ = open_regular(file)
    with handle:
        packing = "gzip" if handle.read(2) == _GZIP else ""
        handle.seek(0)
        head = read_exactly(handle, _HEADER_BYTES, packing=packing, name=file.name).tobytes()
        raster, offset = _header(file.name, head)
        handle.seek(0)
        if packing:
            stored = read_exactly(handle, offset + raster.count_bytes, packing=packing, name=file.name)[offset:]
        else:
            handle.seek(offset)
            stored = read_exactly(handle, raster.count_bytes, name=file.name)
    return raster_volume(raster, stored)


def _header(name: str, head: bytes) -> tuple[Raster, int]:
    from nibabel import Nifti1Header, Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    kind: Any = Nifti2Header if head[4:8] == b"n+2\0" else Nifti1Header
    size = 540 if kind is Nifti2Header else 348
    try:
        header = kind(head[:size], check=False)
        fields = header.structarr
        dimensions = int(fields["dim"][0])
        sizes = tuple(int(n) for n in fields["dim"][1 : 1 + max(0, min(dimensions, 7))])
        code = int(fields["datatype"])
        phantom = fields["descrip"].tobytes().rstrip(b"\0") == PHANTOM_MAKER.encode("ascii")
        offset = int(fields["vox_offset"])
    except (HeaderDataError, ValueError, OverflowError) as error:
        raise ReadError("The NIfTI header is damaged.", file=name, rule="header") from error
    if code not in _TYPES:
        raise ReadError(
            f"NIfTI data type {code} is not read (numbers of one channel are).", file=name, rule="pixel-type"
        )
    dtype = np.dtype(header.endianness + _TYPES[code])
    if not size <= offset <= 64 * 2**20:
        raise ReadError("The NIfTI voxel offset is implausible.", file=name, rule="header")
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if np.isinf(slope):
        raise ReadError("The NIfTI slope is not finite.", file=name, rule="slope")
    if np.isnan(slope) or slope == 0:  # by convention: as stored
        slope, intercept = 1.0, 0.0
    if not np.isfinite(intercept):
        raise ReadError("The NIfTI intercept is not finite.", file=name, rule="intercept")
    shape = check_size(name, sizes, dtype)
    matrix, flags = _matrix(name, header)
    matrix = matrix * np.array([[_UNIT_MM.get(int(fields["xyzt_units"]) & 7, 1.0)]] * 3 + [[1.0]])
    maker = PHANTOM_MAKER if phantom else ""  # no other description is kept: it may name a patient
    return Raster(name, "NIfTI", shape, dtype, _RAS_TO_LPS @ matrix, slope, intercept, flags, maker), offset


def _matrix(name: str, header: object) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The sform, else the qform, in RAS and in the file's unit, and flags."""
    from nibabel.spatialimages import HeaderDataError

    found = []
    for read in ("get_sform", "get_qform"):
        try:
            with np.errstate(all="ignore"):  # what comes out is checked
                matrix, code = getattr(header, read)(coded=True)
        except (HeaderDataError, ValueError) as error:
            raise ReadError("The NIfTI orientation is damaged.", file=name, rule="geometry") from error
        if code and not np.isfinite(matrix).all():
            raise ReadError("The NIfTI orientation is not finite.", file=name, rule="geometry")
        if code:
            found.append(np.asarray(matrix, dtype=np.float64))
    if not found:
        raise ReadError(
            "The file has neither a qform nor an sform, so left and right are not known.",
            file=name,
            rule="orientation",
        )
    return found[0], _agreement(name, found[0], found[-1])


def _agreement(name: str, sform: NDArray[np.float64], qform: NDArray[np.float64]) -> tuple[str, ...]:
    """A flag where the two place the picture differently; refused where they give it another size or hand."""
    steps, others = (np.linalg.norm(m[:3, :3], axis=0) for m in (sform, qform))
    mirrored = np.linalg.det(sform[:3, :3]) * np.linalg.det(qform[:3, :3]) < 0
    if mirrored or np.abs(steps - others).max() > 0.01 * steps.max():
        raise ReadError(
            "The sform and the qform of the NIfTI contradict each other in "
            + ("left and right." if mirrored else "the voxel size."),
            hint="Convert it from DICOM again.",
            file=name,
            rule="orientation",
        )
    return () if np.abs(sform - qform).max() <= 0.01 * steps.max() else ("qform-differs-from-sform",)
