"""DICOM segmentation objects (SEG): some of their segments as one mask on the grid that the object describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import SPACING_RANGE_MM, Affine
from recanal.dicom.files import InputFile, open_regular
from recanal.dicom.headers import HeadReader
from recanal.dicom.limits import MAX_SIDE, MAX_VOLUME_BYTES
from recanal.dicom.segmentation_grid import FramePlace, SegmentGrid, grid_of
from recanal.dicom.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE, PLUGINS, RLE
from recanal.dicom.wording import NameGuard, clean_text
from recanal.errors import OptionError, ReadError

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["SEG_CLASSES", "SegmentMask", "read_segmentation"]

SEG_CLASSES = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
"""Segmentation and label map segmentation storage."""
_KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")
_BITS = {"BINARY": (1,), "FRACTIONAL": (8,), "LABELMAP": (8, 16)}
_MAX_FRAMES = 65_536
_SHOWN = 12


@dataclass(frozen=True, eq=False)
class SegmentMask:
    """Some segments of a segmentation object.

    Parameters
    ----------
    inside
        (slice, row, column) bool; slices whose frames were left out because they are empty are there.
    affine
        From that index to LPS.
    kind
        ``"BINARY"``, ``"FRACTIONAL"`` or ``"LABELMAP"``.
    segments
        What was taken: label by number.
    frame_of_reference_uid
        Empty where the object names none.
    series_uids
        The series that it says it was drawn on.
    """

    inside: NDArray[np.bool_]
    affine: Affine
    kind: str
    segments: Mapping[int, str]
    frame_of_reference_uid: str
    series_uids: tuple[str, ...]


def read_segmentation(file: InputFile, *, wanted: tuple[int, ...]) -> SegmentMask:
    """Some segments of a DICOM SEG, joined, on the grid that its frames lie on.

    Parameters
    ----------
    file
        A segmentation object: binary, fractional or a label map, uncompressed or RLE.
    wanted
        Numbers of the segments; empty for the only one.

    Returns
    -------
    SegmentMask
        A fractional segment holds the voxels of at least half of its MaximumFractionalValue.

    Raises
    ------
    OptionError
        When a number is not there, or there are several segments and none was named.
    ReadError
        ``not-seg``, ``transfer-syntax``, ``frames``, ``functional-groups``, ``geometry``, ``truncated`` and the rules
        of :mod:`recanal.dicom.headers`.

    Notes
    -----
    PS3.3 sections A.51 and C.8.20. Frames come in any order and those without a voxel may be left out, so that each is
    put where its plane position says.
    """
    dataset = _dataset(file)
    guard = NameGuard(str(dataset.get(name) or "").encode() for name in ("PatientName", "PatientID"))
    try:
        return _mask(dataset, file, wanted, guard)
    except ReadError as error:
        raise guard.cleared(ReadError(error.message, hint=error.hint, file=file.name, rule=error.rule)) from None
    except OptionError:
        raise
    except Exception as error:  # damaged bytes raise whatever they hit
        raise ReadError("The segmentation is damaged.", file=file.name, rule="functional-groups") from error


def _dataset(file: InputFile) -> Dataset:
    """The object, once its header has passed the gate."""
    import pydicom

    head = HeadReader().read(file)
    kind = "" if head is None else head.elements.values.get(0x00080016, b"").rstrip(b"\0 ").decode("latin-1")
    if head is None or kind not in SEG_CLASSES:
        raise ReadError(
            "This is no DICOM segmentation.", hint="Give a SEG object, or NIfTI.", file=file.name, rule="not-seg"
        )
    if head.syntax not in (IMPLICIT_LITTLE, EXPLICIT_LITTLE, RLE):
        raise ReadError(
            "Of segmentations, uncompressed little-endian and RLE ones are read.",
            hint="Export it uncompressed.",
            file=file.name,
            rule="transfer-syntax",
        )
    handle, size = open_regular(file)
    with handle:
        if size > MAX_VOLUME_BYTES:
            raise ReadError("The segmentation is too large.", file=file.name, rule="size")
        try:
            return pydicom.dcmread(handle, force=True)
        except Exception as error:  # damaged bytes raise whatever they hit
            raise ReadError("The segmentation cannot be parsed.", file=file.name, rule="layout") from error


def _mask(dataset: Dataset, file: InputFile, wanted: tuple[int, ...], guard: NameGuard) -> SegmentMask:
    kind = str(dataset.get("SegmentationType", ""))
    bits = int(dataset.get("BitsAllocated", 0))
    if kind not in _KINDS or bits not in _BITS[kind]:
        raise ReadError(f"A segmentation of type {clean_text(kind)!a} with {bits} bits is not read.", rule="not-seg")
    chosen = _chosen(_segments(dataset, guard), wanted, kind)
    items = list(dataset.get("PerFrameFunctionalGroupsSequence", []))
    frames = int(dataset.get("NumberOfFrames", 0))
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if not 1 <= frames <= _MAX_FRAMES or len(items) != frames or max(rows, columns) > MAX_SIDE:
        raise ReadError(f"{frames} frames are declared and {len(items)} described.", rule="frames")
    shared = list(dataset.get("SharedFunctionalGroupsSequence", []))
    both = [(item, shared[0] if shared else None) for item in items]
    grid = grid_of([_place(pair) for pair in both], rows=rows, columns=columns)
    if grid.slice_count * rows * columns > MAX_VOLUME_BYTES:
        raise ReadError("The segmentation spans too many voxels.", rule="size")
    numbers = [0 if kind == "LABELMAP" else _segment_number(pair) for pair in both]
    inside = _painted(dataset, grid, [kind == "LABELMAP" or n in chosen for n in numbers], (kind, tuple(chosen)))
    return SegmentMask(
        inside=inside,
        affine=grid.affine,
        kind=kind,
        segments=chosen,
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID") or ""),
        series_uids=tuple(str(item.get("SeriesInstanceUID")) for item in dataset.get("ReferencedSeriesSequence", [])),
    )


def _segments(dataset: Dataset, guard: NameGuard) -> dict[int, str]:
    """Every segment but a label map's background, with its label made safe to show."""
    found = {
        int(item.SegmentNumber): guard.hide(clean_text(str(item.get("SegmentLabel", "")), max_length=40))
        for item in dataset.get("SegmentSequence", [])
    }
    return {number: label for number, label in sorted(found.items()) if number > 0}


def _chosen(there: dict[int, str], wanted: tuple[int, ...], kind: str) -> dict[int, str]:
    shown = ", ".join(f"{number} {label!a}" for number, label in list(there.items())[:_SHOWN])
    if not there:
        raise ReadError(f"The {kind.lower()} segmentation describes no segment.", rule="not-seg")
    absent = [str(number) for number in wanted if number not in there]
    if absent:
        raise OptionError(
            f"The segmentation has no segment {', '.join(absent)}; it has {shown}.", hint="Name one that it has."
        )
    if not wanted and len(there) > 1:
        raise OptionError(
            f"The segmentation has {len(there)} segments ({shown}), and which are coronary arteries is not known.",
            hint="Name them behind a #, such as mask=FILE#1,2.",
        )
    return {number: there[number] for number in wanted or there}


_Groups = tuple["Dataset", "Dataset | None"]


def _group(groups: _Groups, sequence: str, name: str) -> Any:
    """An attribute of a functional group, per frame before shared; None where it is absent."""
    for item in groups:
        if item is not None and item.get(sequence):
            value = item[sequence].value[0].get(name)
            if value is not None:
                return value
    return None


def _segment_number(groups: _Groups) -> int:
    number = _group(groups, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
    if number is None:
        raise ReadError("A frame does not say which segment it shows.", rule="functional-groups")
    return int(number)


def _place(groups: _Groups) -> FramePlace:
    position = _floats(_group(groups, "PlanePositionSequence", "ImagePositionPatient"), 3)
    turned = _floats(_group(groups, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    pixel = _floats(_group(groups, "PixelMeasuresSequence", "PixelSpacing"), 2)
    between = _group(groups, "PixelMeasuresSequence", "SpacingBetweenSlices")
    thick = _group(groups, "PixelMeasuresSequence", "SliceThickness")
    low, high = SPACING_RANGE_MM
    if not all(low <= step <= high for step in pixel):
        raise ReadError(f"PixelSpacing must lie in [{low:g}, {high:g}] mm, got {pixel}.", rule="geometry")
    return FramePlace(
        position_mm=position,
        column_direction=turned[:3],
        row_direction=turned[3:],
        pixel_mm=(pixel[0], pixel[1]),
        between_mm=None if between is None else float(between),
        thickness_mm=None if thick is None else float(thick),
    )


def _floats(value: Any, count: int) -> tuple[float, ...]:
    numbers = () if value is None else tuple(float(v) for v in value)
    if len(numbers) != count or not all(abs(number) < 100_000 for number in numbers):
        raise ReadError("A frame has no usable place, orientation or pixel spacing.", rule="geometry")
    return numbers


def _painted(
    dataset: Dataset, grid: SegmentGrid, used: Sequence[bool], taken: tuple[str, tuple[int, ...]]
) -> NDArray[np.bool_]:
    """Every used frame laid into its slice; where two meet, their union."""
    kind, numbers = taken
    inside = np.zeros((grid.slice_count, int(dataset.Rows), int(dataset.Columns)), dtype=np.bool_)
    least = 0.5 * float(dataset.get("MaximumFractionalValue", 255)) if kind == "FRACTIONAL" else 1.0
    wanted = [index for index, use in enumerate(used) if use]
    for index, frame in zip(wanted, _frames(dataset, wanted), strict=True):
        inside[grid.slice_of[index]] |= np.isin(frame, numbers) if kind == "LABELMAP" else frame >= least
    return inside


def _frames(dataset: Dataset, wanted: Sequence[int]) -> Iterator[NDArray[np.integer]]:
    """(rows, columns) stored values of some frames, in the order asked for."""
    rows, columns, bits = int(dataset.Rows), int(dataset.Columns), int(dataset.BitsAllocated)
    if dataset.file_meta.TransferSyntaxUID == RLE:
        from pydicom.pixels.utils import iter_pixels

        yield from iter_pixels(dataset, raw=True, indices=list(wanted), decoding_plugin=PLUGINS[RLE])
        return
    stored, size = np.frombuffer(dataset.PixelData, dtype=np.uint8), rows * columns * bits
    if len(stored) * 8 < int(dataset.NumberOfFrames) * size:
        raise ReadError("The file ends before its pixels do.", hint="Copy it again.", rule="truncated")
    for index in wanted:
        first, last = index * size, (index + 1) * size
        part = stored[first // 8 : -(-last // 8)]
        if bits == 1:
            values = np.unpackbits(part, bitorder="little")[first % 8 : first % 8 + size]
        else:
            values = part.view("<u2") if bits == 16 else part
        yield values.reshape(rows, columns)
