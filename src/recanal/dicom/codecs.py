"""Compressed frames decoded, after their own header was held against the data set's.

RLE, JPEG-LS, JPEG 2000 and HTJ2K are decoded in this process by memory-safe or well-tested libraries;
JPEG lossless through GDCM in a process of its own (:mod:`recanal.dicom.gdcm_process`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from recanal.dicom.slices import PixelLayout, Values
from recanal.dicom.syntaxes import JPEG_2000, PLUGINS, RLE
from recanal.errors import ReadError

__all__ = ["check_codestream", "decode_frame", "frame_options", "read_encapsulated_frame"]

_SOF = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7})


@dataclass(frozen=True)
class _Size:
    rows: int
    columns: int
    samples: int


def read_encapsulated_frame(stream: BinaryIO, layout: PixelLayout, values: Values) -> bytes:
    """The compressed bytes of one frame; the stream stands at the value of the pixel element.

    Raises
    ------
    ReadError
        ``encapsulation`` where fragments or offset tables are damaged or missing.
    """
    from pydicom.encaps import get_frame

    try:
        return get_frame(stream, layout.frame, number_of_frames=layout.frames)
    except Exception as error:  # damaged bytes raise whatever they hit
        message = "The compressed pixels are cut off or their fragments damaged."
        raise values.refused(message, "encapsulation") from error


def check_codestream(data: bytes, layout: PixelLayout, values: Values) -> None:
    """Refuse a frame whose own header contradicts the data set.

    Raises
    ------
    ReadError
        ``codestream`` where it is not of the declared syntax, ``codestream-size`` where rows, columns or
        samples differ.
    """
    if layout.syntax == RLE:
        _check_rle(data, layout, values)
        return
    measure = _jpeg_2000_size if layout.syntax in JPEG_2000 else _jpeg_size
    try:
        size = measure(data)
    except (IndexError, ValueError):
        size = None
    if size is None:
        raise values.refused("The compressed pixels are not of the declared transfer syntax.", "codestream")
    if size != _Size(layout.rows, layout.columns, 1):
        raise values.refused(
            f"The compressed pixels are {size.rows} x {size.columns} x {size.samples}, "
            f"the header says {layout.rows} x {layout.columns} x 1.",
            "codestream-size",
        )


def _check_rle(data: bytes, layout: PixelLayout, values: Values) -> None:
    starts = np.frombuffer(data[4:64], dtype="<u4")
    count = int.from_bytes(data[:4], "little")
    if len(data) < 64 or count != 2 or starts[0] != 64 or not starts[0] < starts[1] < len(data):
        raise values.refused("The RLE header does not describe one 16-bit sample.", "codestream")
    if (len(data) - 64) * 64 < layout.rows * layout.columns * 2:
        raise values.refused("The RLE data cannot fill the image.", "codestream-size")


def _jpeg_2000_size(data: bytes) -> _Size | None:
    at = data.find(b"\xff\x4f\xff\x51", 0, 1024)
    if at < 0 or (at > 0 and data[4:8] != b"jP  "):
        return None

    def number(offset: int) -> int:
        return int.from_bytes(data[at + offset : at + offset + 4], "big")

    samples = int.from_bytes(data[at + 40 : at + 42], "big")
    return _Size(number(12) - number(20), number(8) - number(16), samples)


def _jpeg_size(data: bytes) -> _Size | None:
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _SOF:
            rows, columns = (int.from_bytes(data[i : i + 2], "big") for i in (at + 5, at + 7))
            return _Size(rows, columns, data[at + 9])
        if marker == 0xDA or length < 2:
            return None
        at += 2 + length
    return None


def frame_options(layout: PixelLayout) -> dict[str, int | str]:
    """What pydicom's decoder must know of a single frame."""
    return {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "bits_allocated": 16,
        "bits_stored": layout.stored_bits,
        "pixel_representation": int(layout.signed),
        "photometric_interpretation": "MONOCHROME2",
        "pixel_keyword": "PixelData",
    }


def decode_frame(data: bytes, syntax: str, options: Mapping[str, int | str]) -> NDArray[np.int16]:
    """One frame decoded in this process, as the 16 stored bits of each pixel.

    Raises
    ------
    ReadError
        ``decode``, without a file name, where the decoder refuses the data.
    """
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    as_array: Callable[..., tuple[NDArray[np.generic], object]] = get_decoder(syntax).as_array
    try:
        pixels, _ = as_array(encapsulate([data]), index=0, raw=True, decoding_plugin=PLUGINS[syntax], **options)
    except Exception as error:  # damaged bytes raise whatever they hit
        raise ReadError("The compressed pixels cannot be decoded.", rule="decode") from error
    if pixels.shape != (options["rows"], options["columns"]) or pixels.dtype.itemsize != 2:
        raise ReadError("The decoded pixels have the wrong size.", rule="codestream-size")
    return pixels.view(np.int16)
