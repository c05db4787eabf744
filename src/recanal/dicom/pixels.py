"""The pixels of a stack, read straight into its volume."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Affine
from recanal.dicom.codecs import check_codestream, decode_frame, frame_options, read_encapsulated_frame
from recanal.dicom.elements import scan_file_meta
from recanal.dicom.files import open_regular
from recanal.dicom.gdcm_process import GdcmProcess
from recanal.dicom.headers import inflate
from recanal.dicom.hounsfield import to_hounsfield
from recanal.dicom.slices import PixelLayout, SliceHeader
from recanal.dicom.stacks import Stack
from recanal.dicom.syntaxes import DEFLATED, EXPLICIT_BIG, GDCM_SYNTAXES, NATIVE
from recanal.dicom.tilt import TILT_PIXELS, drift_pixels, set_upright
from recanal.errors import ReadError

__all__ = ["read_slice", "read_stack", "stored_bytes"]

_WORKERS = 4
_PART = 24
Progress = Callable[[str, float], None]


def read_stack(stack: Stack, *, progress: Progress | None = None) -> tuple[NDArray[np.int16], Affine, tuple[str, ...]]:
    """The volume of a stack in HU, its affine and what was done to it.

    Missing slices are the mean of their neighbours; a tilted gantry's slices are shifted in their plane
    (cubic spline) until the axes stand at right angles.

    Raises
    ------
    ReadError
        Naming the first file whose pixels cannot be read.
    """
    first = stack.slices[0].layout
    volume = np.empty((stack.depth, first.rows, first.columns), dtype=np.int16)
    jobs = list(zip(stack.slices, stack.places, strict=True))
    parts = [jobs[i : i + _PART] for i in range(0, len(jobs), _PART)]
    with _decoders(stack.slices) as gdcm, ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:

        def read(part: list[tuple[SliceHeader, int]]) -> int:
            for header, place in part:
                read_slice(header, volume[place], gdcm)
            return len(part)

        done = 0
        for count in pool.map(read, parts):
            done += count
            if progress is not None:
                progress("pixels", done / len(jobs))
    for index in stack.missing:
        volume[index] = (volume[index - 1].astype(np.int32) + volume[index + 1]) // 2
    if max(map(abs, drift_pixels(stack.matrix))) * (stack.depth - 1) <= TILT_PIXELS:
        return volume, Affine(stack.matrix), stack.flags
    volume, matrix, tilt_deg = set_upright(volume, stack.matrix)
    return volume, Affine(matrix), (*stack.flags, f"gantry-tilt-corrected:{tilt_deg:.1f}deg")


@contextlib.contextmanager
def _decoders(slices: tuple[SliceHeader, ...]) -> Iterator[GdcmProcess | None]:
    if not any(s.layout.syntax in GDCM_SYNTAXES for s in slices):
        yield None
        return
    with GdcmProcess() as process:
        yield process


def read_slice(header: SliceHeader, out: NDArray[np.int16], gdcm: GdcmProcess | None = None) -> None:
    """Read one slice in HU into ``out``, (rows, columns) int16 and contiguous."""
    layout = header.layout
    if layout.syntax in NATIVE:
        _read_native(header, out)
    elif layout.syntax == DEFLATED:
        out.view(np.uint8).reshape(-1)[:] = np.frombuffer(stored_bytes(header), dtype=np.uint8)
    else:
        _read_compressed(header, out, gdcm)
    if layout.syntax == EXPLICIT_BIG:
        out.byteswap(inplace=True)
    to_hounsfield(out, layout, slope=header.slope, intercept_hu=header.intercept_hu, padding=header.padding)


def _frame_bytes(layout: PixelLayout) -> int:
    return layout.rows * layout.columns * 2


def _read_native(header: SliceHeader, out: NDArray[np.int16]) -> None:
    handle, _ = open_regular(header.file)
    with handle:
        handle.seek(header.layout.offset + header.layout.frame * _frame_bytes(header.layout))
        view = memoryview(out.data).cast("B")
        count = 0
        while count < len(view):
            got = handle.readinto(view[count:])
            if not got:
                raise header.values.refused("The file ends before its pixels do.", "truncated")
            count += got


def _read_compressed(header: SliceHeader, out: NDArray[np.int16], gdcm: GdcmProcess | None) -> None:
    data = stored_bytes(header)
    check_codestream(data, header.layout, header.values)
    try:
        if header.layout.syntax not in GDCM_SYNTAXES:
            out[...] = decode_frame(data, header.layout.syntax, frame_options(header.layout))
        elif gdcm is not None:
            out[...] = gdcm.decode(data, header.layout)
        else:
            with GdcmProcess() as process:
                out[...] = process.decode(data, header.layout)
    except ReadError as error:
        raise header.values.refused(error.message, error.rule) from error


def stored_bytes(header: SliceHeader) -> bytes:
    """The bytes of one frame as they are stored: raw, or compressed."""
    layout = header.layout
    handle, size = open_regular(header.file)
    with handle:
        if layout.syntax == DEFLATED:
            return _inflated(header, handle.read(size))
        if layout.syntax in NATIVE:
            handle.seek(layout.offset + layout.frame * _frame_bytes(layout))
            return handle.read(_frame_bytes(layout)) or b""
        handle.seek(layout.offset)
        return read_encapsulated_frame(handle, layout, header.values)


def _inflated(header: SliceHeader, content: bytes) -> bytes:
    layout = header.layout
    start = scan_file_meta(content, 132)[1][-1][1]
    needed = layout.offset + _frame_bytes(layout)
    slack = 65_536
    try:
        data, _ = inflate(content[start:], needed + slack)
    except ReadError as error:
        raise header.values.refused(error.message, error.rule) from error
    if len(data) >= needed + slack:
        raise header.values.refused("The deflated data set goes on long after its pixels.", "deflate-bomb")
    if len(data) < needed:
        raise header.values.refused("The file ends before its pixels do.", "truncated")
    return data[layout.offset : needed]
