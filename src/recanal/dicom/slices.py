"""One slice as its header describes it, checked before any pixel is touched."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from recanal.core.volume import SPACING_RANGE_MM
from recanal.dicom.files import InputFile
from recanal.dicom.limits import MAX_SIDE
from recanal.dicom.syntaxes import DEFLATED, NATIVE
from recanal.dicom.wording import clean_text
from recanal.errors import ReadError

__all__ = [
    "CHANGEABLE",
    "CT_CLASSES",
    "TAGS",
    "WANTED",
    "PixelLayout",
    "SliceHeader",
    "Values",
    "check_native_length",
    "padding",
    "pixel_layout",
    "pixel_spacing",
    "read_slice_header",
    "rescale",
    "similar_slice",
]

TAGS: Mapping[str, int] = {
    "ImageType": 0x00080008,
    "SOPClassUID": 0x00080016,
    "SOPInstanceUID": 0x00080018,
    "Modality": 0x00080060,
    "Manufacturer": 0x00080070,
    "SeriesDescription": 0x0008103E,
    "PatientName": 0x00100010,
    "PatientID": 0x00100020,
    "PatientIdentityRemoved": 0x00120062,
    "ContrastBolusAgent": 0x00180010,
    "BodyPartExamined": 0x00180015,
    "SliceThickness": 0x00180050,
    "KVP": 0x00180060,
    "ProtocolName": 0x00181030,
    "TriggerTime": 0x00181060,
    "NominalInterval": 0x00181062,
    "ConvolutionKernel": 0x00181210,
    "PatientPosition": 0x00185100,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "SeriesNumber": 0x00200011,
    "AcquisitionNumber": 0x00200012,
    "InstanceNumber": 0x00200013,
    "ImagePositionPatient": 0x00200032,
    "ImageOrientationPatient": 0x00200037,
    "FrameOfReferenceUID": 0x00200052,
    "TemporalPositionIdentifier": 0x00200100,
    "ImageComments": 0x00204000,
    "TemporalPositionIndex": 0x00209128,
    "NominalPercentageOfCardiacPhase": 0x00209241,
    "SamplesPerPixel": 0x00280002,
    "PhotometricInterpretation": 0x00280004,
    "NumberOfFrames": 0x00280008,
    "Rows": 0x00280010,
    "Columns": 0x00280011,
    "PixelSpacing": 0x00280030,
    "BitsAllocated": 0x00280100,
    "BitsStored": 0x00280101,
    "HighBit": 0x00280102,
    "PixelRepresentation": 0x00280103,
    "PixelPaddingValue": 0x00280120,
    "PixelPaddingRangeLimit": 0x00280121,
    "BurnedInAnnotation": 0x00280301,
    "RescaleIntercept": 0x00281052,
    "RescaleSlope": 0x00281053,
    "RescaleType": 0x00281054,
    "LossyImageCompression": 0x00282110,
    "SharedFunctionalGroupsSequence": 0x52009229,
}
WANTED = frozenset(TAGS.values())
CT_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.5.1.4.1.1.2.1",
        "1.2.840.10008.5.1.4.1.1.2.2",
    }
)
"""CT, enhanced CT and legacy-converted enhanced CT image storage."""
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Values:
    """Raw element values, read as numbers or words on demand.

    Parameters
    ----------
    raw
        Bytes by tag.
    little
        Byte order of binary values.
    file
        Name for messages.
    """

    raw: Mapping[int, bytes]
    little: bool
    file: str

    def bare(self, name: str) -> bytes:
        """The value without padding; empty where it is absent."""
        return self.raw.get(TAGS[name], b"").strip(b" \0")

    def text(self, name: str) -> str:
        """A printable single-line text."""
        value = self.bare(name)
        if value.isascii():
            text = value.decode("ascii")
            if text.isprintable() and len(text) <= 64:
                return text
        try:
            return clean_text(value[:_LONGEST_TEXT].decode("utf-8"))
        except UnicodeDecodeError:
            return clean_text(value[:_LONGEST_TEXT].decode("latin-1"))

    def words(self, name: str) -> tuple[str, ...]:
        """The upper-case words of a multi-valued code string."""
        return tuple(word.strip().upper() for word in self.text(name).split("\\"))

    def numbers(self, name: str) -> tuple[float, ...]:
        """A decimal or integer string as finite numbers; empty where it is absent."""
        value = self.bare(name)
        if not value:
            return ()
        try:
            numbers = tuple(map(float, value.split(b"\\")))
        except ValueError:
            raise self.refused(f"{name} is not a number.", "number-format") from None
        if not all(map(math.isfinite, numbers)):
            raise self.refused(f"{name} is not finite.", "number-finite")
        return numbers

    def number(self, name: str) -> float | None:
        """The first number, or None where it is absent."""
        numbers = self.numbers(name)
        return numbers[0] if numbers else None

    def short(self, name: str, *, signed: bool = False) -> int | None:
        """An unsigned (or signed) 16-bit integer, or None where it is absent."""
        value = self.raw.get(TAGS[name], b"")
        return int.from_bytes(value[:2], "little" if self.little else "big", signed=signed) if len(value) > 1 else None

    def binary_float(self, name: str) -> float | None:
        """A binary float of 4 or 8 bytes, or None where it is absent or not finite."""
        value = self.raw.get(TAGS[name], b"")
        if len(value) not in (4, 8):
            return None
        number = float(struct.unpack(("<" if self.little else ">") + ("f" if len(value) == 4 else "d"), value)[0])
        return number if math.isfinite(number) else None

    def uid(self, name: str) -> str:
        """A well-formed UID; empty where it is absent."""
        value = self.raw.get(TAGS[name], b"").rstrip(b"\0 ").decode("latin-1")
        if value and (len(value) > 64 or not _UID.fullmatch(value)):
            raise self.refused(f"{name} is not a UID (digits and dots, at most 64 characters).", "uid-format")
        return value

    def refused(self, message: str, rule: str, *, hint: str = "") -> ReadError:
        """An error that names this file."""
        return ReadError(message, hint=hint, file=self.file, rule=rule)


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of a slice are stored.

    Parameters
    ----------
    syntax
        Transfer syntax UID.
    offset, length
        Of the pixel element's value in the data set (after inflation for the deflated syntax);
        length 0xFFFFFFFF for encapsulated pixels.
    frame, frames
        Index of this frame and how many the element holds.
    stored_bits
        Bits that count; higher bits are masked.
    signed
        Two's complement.
    """

    syntax: str
    offset: int
    length: int
    frame: int
    frames: int
    rows: int
    columns: int
    stored_bits: int
    signed: bool


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """A slice that passed the gate.

    Parameters
    ----------
    position_mm, orientation
        ImagePositionPatient (3) and ImageOrientationPatient (6).
    pixel_mm
        Distance between rows and between columns.
    slope, intercept_hu
        Stored value to HU.
    padding
        Lowest and highest stored value that means "no measurement", or None.
    values
        The other elements.
    phase_keys
        Candidate keys that may tell cardiac phases apart, by name.
    """

    file: InputFile
    layout: PixelLayout
    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    pixel_mm: tuple[float, float]
    slope: float
    intercept_hu: float
    padding: tuple[int, int] | None
    values: Values
    phase_keys: Mapping[str, float] = field(default_factory=dict)


def read_slice_header(
    file: InputFile, values: Values, *, syntax: str, pixel: tuple[int, int], whole_bytes: int | None
) -> SliceHeader:
    """The slice that a classic single-frame header describes.

    Parameters
    ----------
    pixel
        Offset and length of the pixel element's value.
    whole_bytes
        Bytes from the start of the data set to the end of the file, or None where that is not known (deflated).

    Raises
    ------
    ReadError
        Naming the file and the rule that it breaks.
    """
    layout = pixel_layout(values, syntax=syntax, pixel=pixel)
    if layout.frames > 1:
        raise values.refused("A multiframe image without functional groups has no geometry.", "frames-without-geometry")
    check_native_length(values, layout, whole_bytes)
    slope, intercept_hu = rescale(values, values.number("RescaleSlope"), values.number("RescaleIntercept"))
    position, orientation = _vector(values, "ImagePositionPatient", 3), _vector(values, "ImageOrientationPatient", 6)
    for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        values.uid(name)
    return SliceHeader(
        file=file,
        layout=layout,
        position_mm=(position[0], position[1], position[2]),
        orientation=orientation,
        pixel_mm=pixel_spacing(values, values.numbers("PixelSpacing")),
        slope=slope,
        intercept_hu=intercept_hu,
        padding=padding(values, layout.signed),
        values=values,
    )


CHANGEABLE = frozenset(
    TAGS[name]
    for name in (
        "SOPInstanceUID",
        "InstanceNumber",
        "ImagePositionPatient",
        "AcquisitionNumber",
        "TriggerTime",
        "NominalInterval",
        "TemporalPositionIdentifier",
        "TemporalPositionIndex",
        "NominalPercentageOfCardiacPhase",
        "ImageComments",
    )
)
"""Elements that :func:`similar_slice` lets differ."""


def similar_slice(model: SliceHeader, file: InputFile, values: Values, *, offset: int, whole_bytes: int) -> SliceHeader:
    """The slice of a header that differs from the model's in :data:`CHANGEABLE` elements alone.

    Raises
    ------
    ReadError
        As :func:`read_slice_header`.
    """
    layout = model.layout if offset == model.layout.offset else replace(model.layout, offset=offset)
    check_native_length(values, layout, whole_bytes)
    values.uid("SOPInstanceUID")
    position = _vector(values, "ImagePositionPatient", 3)
    return SliceHeader(
        file=file,
        layout=layout,
        position_mm=(position[0], position[1], position[2]),
        orientation=model.orientation,
        pixel_mm=model.pixel_mm,
        slope=model.slope,
        intercept_hu=model.intercept_hu,
        padding=model.padding,
        values=values,
    )


def pixel_layout(values: Values, *, syntax: str, pixel: tuple[int, int]) -> PixelLayout:
    """How the pixels are stored; anything but one grey 16-bit sample is refused."""
    rows, columns = values.short("Rows") or 0, values.short("Columns") or 0
    if not (2 <= rows <= MAX_SIDE and 2 <= columns <= MAX_SIDE):
        raise values.refused(f"Rows and Columns must lie in [2, {MAX_SIDE}], got {rows} x {columns}.", "image-size")
    if (values.short("SamplesPerPixel") or 1) != 1 or values.text("PhotometricInterpretation") != "MONOCHROME2":
        kind = values.text("PhotometricInterpretation") or "not stated"
        raise values.refused(f"CT pixels are MONOCHROME2, got {kind}.", "photometric")
    allocated, stored = values.short("BitsAllocated") or 0, values.short("BitsStored") or 0
    if allocated != 16 or not 8 <= stored <= 16:
        raise values.refused(f"CT pixels take 16 bits, got {allocated} allocated and {stored} stored.", "bits")
    high = values.short("HighBit")
    if high is not None and high != stored - 1:
        raise values.refused(f"HighBit must be BitsStored - 1, got {high} and {stored}.", "high-bit")
    frames = values.number("NumberOfFrames")
    if frames is not None and (frames < 1 or frames != int(frames)):
        raise values.refused("NumberOfFrames is not a positive whole number.", "frames")
    return PixelLayout(
        syntax=syntax,
        offset=pixel[0],
        length=pixel[1],
        frame=0,
        frames=int(frames or 1),
        rows=rows,
        columns=columns,
        stored_bits=stored,
        signed=values.short("PixelRepresentation") == 1,
    )


def check_native_length(values: Values, layout: PixelLayout, whole_bytes: int | None) -> None:
    """Refuse uncompressed pixels that are shorter than the header says, or cut off."""
    compressed = layout.length == 0xFFFFFFFF
    if compressed == (layout.syntax in NATIVE or layout.syntax == DEFLATED):
        raise values.refused("The pixels are not stored as the transfer syntax says.", "encapsulation")
    if compressed:
        return
    needed = layout.rows * layout.columns * layout.frames * 2
    if layout.length < needed or layout.length > needed + 2:
        raise values.refused(
            f"Rows x Columns x frames need {needed} bytes of pixels, the file declares {layout.length}.", "pixel-length"
        )
    if whole_bytes is not None and layout.offset + needed > whole_bytes:
        raise values.refused("The file ends before its pixels do.", "truncated", hint="Copy it again.")


def rescale(values: Values, slope: float | None, intercept_hu: float | None) -> tuple[float, float]:
    """A rescale slope and intercept that can give Hounsfield units."""
    if slope is None or intercept_hu is None:
        raise values.refused("RescaleSlope or RescaleIntercept is missing.", "rescale-missing")
    if not math.isfinite(slope) or not 0 < slope <= 1000:
        raise values.refused(
            f"RescaleSlope must lie in (0, 1000], got {slope:g}.", "slope-zero" if slope == 0 else "slope"
        )
    if not math.isfinite(intercept_hu) or abs(intercept_hu) > 100_000:
        raise values.refused(f"RescaleIntercept is implausible, got {intercept_hu:g}.", "intercept")
    kind = values.text("RescaleType")
    if kind not in ("", "HU", "US", "HU_MOD"):
        raise values.refused(f"The pixels are in {kind!r}, not in Hounsfield units.", "rescale-type")
    return slope, intercept_hu


def pixel_spacing(values: Values, spacing_mm: tuple[float, ...]) -> tuple[float, float]:
    """Two distances that a CT can have."""
    low, high = SPACING_RANGE_MM
    if len(spacing_mm) != 2:
        raise values.refused(f"PixelSpacing must hold two numbers, got {len(spacing_mm)}.", "spacing")
    if not all(low <= step <= high for step in spacing_mm):
        got = ", ".join(f"{step:g}" for step in spacing_mm)
        raise values.refused(f"PixelSpacing must lie in [{low:g}, {high:g}] mm, got {got}.", "spacing")
    return spacing_mm[0], spacing_mm[1]


def padding(values: Values, signed: bool) -> tuple[int, int] | None:
    """The range of stored values that marks pixels outside the scan, PS3.3 C.7.5.1.1.2."""
    first = values.short("PixelPaddingValue", signed=signed)
    if first is None:
        return None
    limit = values.short("PixelPaddingRangeLimit", signed=signed)
    return (first, first) if limit is None else (min(first, limit), max(first, limit))


def _vector(values: Values, name: str, count: int) -> tuple[float, ...]:
    numbers = values.numbers(name)
    if len(numbers) != count:
        raise values.refused(f"{name} must hold {count} numbers, got {len(numbers)}.", "geometry-missing")
    if max(map(abs, numbers)) > 100_000:
        raise values.refused(f"{name} is implausible.", "geometry")
    return numbers
