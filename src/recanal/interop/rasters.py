"""What NIfTI, NRRD and MetaImage have in common: a grid of numbers with a header before it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import FileIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import SPACING_RANGE_MM, Affine, Volume
from recanal.dicom.limits import MAX_VOLUME_BYTES
from recanal.errors import GeometryError, ReadError

__all__ = ["Raster", "check_right_angles", "check_size", "raster_volume", "read_exactly"]

_CHUNK = 4 * 2**20
_SLACK = 65_536
_MOST_SKEW_DEG = 0.5
"""What rounding of a header may turn one axis against another."""
_DENSEST = 1032
"""Bytes that one byte of deflate can stand for, at most."""
_LOWEST_HU, _HIGHEST_HU = -40_000.0, 100_000.0
_TYPES = frozenset(("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"))


@dataclass(frozen=True, eq=False)
class Raster:
    """What a header says of its grid.

    Parameters
    ----------
    name
        File name for messages.
    shape
        Voxels along the file's axes, fastest first.
    dtype
        As stored, with byte order.
    matrix
        (4, 4) index in the file's axis order (fastest first) to LPS millimetres.
    slope, intercept_hu
        Stored value to HU.
    flags
        What a reader must know.
    maker
        What made the picture, where the header says so.
    """

    name: str
    format: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    matrix: NDArray[np.float64]
    slope: float = 1.0
    intercept_hu: float = 0.0
    flags: tuple[str, ...] = field(default=())
    maker: str = ""

    @property
    def count_bytes(self) -> int:
        """Bytes of the stored grid."""
        return self.shape[0] * self.shape[1] * self.shape[2] * self.dtype.itemsize


def check_size(name: str, sizes: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, int, int]:
    """Three axes of a plausible size; a fourth axis of length one is dropped.

    Raises
    ------
    ReadError
        ``dimensions``, ``image-size``, ``pixel-type`` or ``volume-too-large``.
    """
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if len(sizes) != 3:
        raise ReadError(
            f"A CT volume has three dimensions, this has {len(sizes)}.",
            hint="Export one time point and one channel.",
            file=name,
            rule="dimensions",
        )
    if not all(2 <= size <= 8192 for size in sizes):
        raise ReadError("Every axis must have 2 to 8192 voxels.", file=name, rule="image-size")
    if dtype.name not in _TYPES:
        raise ReadError(f"The voxels are {dtype.name}, not numbers of one channel.", file=name, rule="pixel-type")
    if sizes[0] * sizes[1] * sizes[2] * max(2, dtype.itemsize) > MAX_VOLUME_BYTES:
        raise ReadError("The volume is larger than 4 GiB.", file=name, rule="volume-too-large")
    return sizes[0], sizes[1], sizes[2]


def check_right_angles(name: str, matrix: NDArray[np.float64]) -> None:
    """Refuse a grid whose axes do not stand at right angles, to half a degree.

    Parameters
    ----------
    name
        File name for messages.
    matrix
        (4, 4) index to millimetres, no column of length zero.

    Raises
    ------
    ReadError
        ``orientation``.

    Examples
    --------
    >>> check_right_angles("ct.nii", np.diag([0.4, 0.4, 0.5, 1.0]))
    """
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    cosine = np.abs(axes.T @ axes - np.eye(3)).max()
    skew_deg = float(np.degrees(np.arcsin(min(cosine, 1.0))))
    if skew_deg > _MOST_SKEW_DEG:
        raise ReadError(
            f"The axes of the grid are not at right angles: two of them are {skew_deg:.1f} degrees off.",
            hint="Resample it to axes at right angles, or give the DICOM series: a tilted gantry is corrected there.",
            file=name,
            rule="orientation",
        )


def read_exactly(stream: FileIO | BinaryIO, count: int, *, packing: str = "", name: str = "") -> NDArray[np.uint8]:
    """``count`` bytes from a stream, unpacked with bounded memory.

    Where the packed stream ends with these bytes, its check sum is checked. Memory is taken only where the
    rest of the file is long enough to hold that much.

    Parameters
    ----------
    packing
        ``""`` (plain), ``"gzip"`` or ``"zlib"``; hardly more unpacked bytes than ``count`` are ever made.

    Raises
    ------
    ReadError
        ``truncated`` where there are fewer, ``packing`` where the packed bytes are damaged.
    """
    here = stream.tell()
    there = stream.seek(0, 2)
    stream.seek(here)
    if count > (there - here) * (_DENSEST if packing else 1):
        raise _truncated(name)
    out = np.empty(count, dtype=np.uint8)
    at = 0
    try:
        for data in _chunks(stream, count, packing, name):
            kept = min(len(data), count - at)
            out[at : at + kept] = np.frombuffer(data, dtype=np.uint8, count=kept)
            at += kept
    except (zlib.error, EOFError) as error:
        if isinstance(error, EOFError):
            raise _truncated(name) from error
        raise ReadError("The packed voxels are damaged.", file=name, rule="packing") from error
    if at < count:
        raise _truncated(name)
    return out


def _truncated(name: str) -> ReadError:
    return ReadError("The file ends before its voxels do.", hint="Copy it again.", file=name, rule="truncated")


def _chunks(stream: FileIO | BinaryIO, count: int, packing: str, name: str) -> Iterator[bytes]:
    """The unpacked bytes of a stream until ``count`` and a little more have come."""
    if not packing:
        while count > 0 and (data := stream.read(min(_CHUNK, count))):
            count -= len(data)
            yield data
        return
    inflater = zlib.decompressobj(zlib.MAX_WBITS | (16 if packing == "gzip" else 0))
    limit = count + _SLACK
    while limit > 0 and not inflater.eof:
        packed = inflater.unconsumed_tail or stream.read(_CHUNK) or b""
        data = inflater.decompress(packed, min(_CHUNK, limit))
        if not packed and not data:
            break
        limit -= len(data)
        yield data
    if limit > _SLACK and inflater.unused_data.startswith(b"\x1f\x8b"):
        raise ReadError(
            "The voxels are packed in several gzip members.", hint="Unpack the file.", file=name, rule="packing"
        )
    if limit > 0 and not inflater.eof:
        raise EOFError("The packed stream ends before its check sum.")


def raster_volume(raster: Raster, stored: NDArray[np.uint8]) -> Volume:
    """The volume of a grid's bytes, with axes in reverse file order: (slowest, ..., fastest).

    int8, uint8, int16 and whole-number rescales give int16; everything else float32.

    Raises
    ------
    ReadError
        ``spacing``, ``geometry``, ``orientation``, ``not-finite`` or ``not-hounsfield``.
    """
    steps = np.linalg.norm(raster.matrix[:3, :3], axis=0)
    low, high = SPACING_RANGE_MM
    if not np.isfinite(raster.matrix).all() or not all(low <= s <= high for s in steps):
        got = ", ".join(f"{s:.4g}" for s in steps)
        raise ReadError(f"Voxel spacing must lie in [{low}, {high}] mm, got {got}.", file=raster.name, rule="spacing")
    order = [2, 1, 0, 3]
    try:
        affine = Affine(raster.matrix[:, order])
    except GeometryError as error:
        raise ReadError(error.message, hint=error.hint, file=raster.name, rule="geometry") from error
    check_right_angles(raster.name, affine.matrix)
    hu = _hounsfield(raster, stored.view(raster.dtype).reshape(raster.shape[::-1]))
    meta: dict[str, Any] = {
        "kvp": None,
        "series_uid": None,
        "phase_percent": None,
        "kernel": "",
        "slice_thickness_mm": None,
    }
    meta |= {"manufacturer": raster.maker, "body_part": "", "contrast": None, "modality": "CT", "flags": raster.flags}
    return Volume(hu, affine, meta)


def _hounsfield(raster: Raster, grid: NDArray[Any]) -> NDArray[Any]:
    whole = raster.slope == int(raster.slope) and raster.intercept_hu == int(raster.intercept_hu)
    lowest, highest = float(grid.min()) * raster.slope + raster.intercept_hu, float(grid.max()) * raster.slope
    highest += raster.intercept_hu
    if not np.isfinite([lowest, highest]).all():
        raise ReadError("The voxels hold values that are not finite.", file=raster.name, rule="not-finite")
    _check_hounsfield(raster.name, min(lowest, highest), max(lowest, highest))
    if np.issubdtype(grid.dtype, np.integer) and whole and lowest >= -32_768 and highest <= 32_767:
        if raster.slope == 1 and raster.intercept_hu == 0:
            hu = grid.astype(np.int16, copy=grid.dtype != np.dtype("=i2"))
        else:
            hu = (grid.astype(np.int32) * int(raster.slope) + int(raster.intercept_hu)).astype(np.int16)
        return np.maximum(hu, np.int16(-1024), out=hu)
    scaled: NDArray[Any] = grid.astype(np.float32)
    scaled *= np.float32(raster.slope)
    scaled += np.float32(raster.intercept_hu)
    np.maximum(scaled, np.float32(-1024), out=scaled)
    return scaled


def _check_hounsfield(name: str, lowest: float, highest: float) -> None:
    """Refuse values that cannot be the Hounsfield units of a patient: soft tissue and something thinner."""
    if lowest < _LOWEST_HU or highest > _HIGHEST_HU or highest < 0 or lowest > -50 or highest - lowest < 100:
        raise ReadError(
            f"Values from {lowest:.5g} to {highest:.5g} are not the Hounsfield units of a CT.",
            hint="Was it rescaled, or is it a mask or an MR image?",
            file=name,
            rule="not-hounsfield",
        )
