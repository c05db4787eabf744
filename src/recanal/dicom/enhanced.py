"""Enhanced multiframe CT: the frames as slices, each with its own place and rescale."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from recanal.dicom.files import InputFile, open_regular
from recanal.dicom.headers import DicomHead
from recanal.dicom.limits import MAX_FRAMES
from recanal.dicom.slices import (
    TAGS,
    PixelLayout,
    SliceHeader,
    Values,
    check_native_length,
    padding,
    pixel_layout,
    pixel_spacing,
    rescale,
)
from recanal.dicom.syntaxes import DEFLATED
from recanal.errors import ReadError

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["read_frame_headers"]


def read_frame_headers(file: InputFile, head: DicomHead, values: Values) -> list[SliceHeader]:
    """The frames of an enhanced or legacy-converted CT object, in stored order.

    Raises
    ------
    ReadError
        ``frames``, ``functional-groups`` or a rule of a single slice.
    """
    if head.syntax == DEFLATED:
        raise values.refused(
            "A deflated multiframe object is not read.", "transfer-syntax", hint="Export it uncompressed."
        )
    elements = head.elements
    layout = pixel_layout(values, syntax=head.syntax, pixel=(elements.pixel_offset, elements.pixel_length))
    if layout.frames > MAX_FRAMES:
        raise values.refused(f"NumberOfFrames must be at most {MAX_FRAMES}, got {layout.frames}.", "frames")
    check_native_length(values, layout, head.size)
    per_frame, shared = _functional_groups(file)
    if len(per_frame) != layout.frames:
        raise values.refused(
            f"NumberOfFrames is {layout.frames}, but {len(per_frame)} frames are described.", "functional-groups"
        )
    try:
        return [_frame(file, values, replace(layout, frame=i), (item, shared)) for i, item in enumerate(per_frame)]
    except ReadError:
        raise
    except Exception as error:  # damaged bytes raise whatever they hit
        raise values.refused("The functional groups cannot be read.", "functional-groups") from error


def _functional_groups(file: InputFile) -> tuple[list[Dataset], Dataset | None]:
    import pydicom

    handle, _ = open_regular(file)
    with handle:
        try:
            dataset = pydicom.dcmread(handle, force=True, stop_before_pixels=True)
            shared = list(dataset.get("SharedFunctionalGroupsSequence", []))
            return list(dataset.get("PerFrameFunctionalGroupsSequence", [])), shared[0] if shared else None
        except Exception as error:  # damaged bytes raise whatever they hit
            raise ReadError("The header cannot be parsed.", file=file.name, rule="layout") from error


_Groups = tuple["Dataset", "Dataset | None"]


def _group(groups: _Groups, sequence: str, name: str) -> Any:
    """An attribute of a functional group, per frame before shared; None where it is absent."""
    for item in groups:
        if item is not None and item.get(sequence):
            value = item[sequence].value[0].get(name)
            if value is not None:
                return value
    return None


def _frame(file: InputFile, values: Values, layout: PixelLayout, groups: _Groups) -> SliceHeader:
    named = replace(values, file=f"{file.name} frame {layout.frame + 1}", raw=_frame_values(values, groups))
    position = _floats(named, _group(groups, "PlanePositionSequence", "ImagePositionPatient"), 3)
    orientation = _floats(named, _group(groups, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    spacing = _floats(named, _group(groups, "PixelMeasuresSequence", "PixelSpacing"), 2)
    transform = "PixelValueTransformationSequence"
    slope, intercept = (_group(groups, transform, name) for name in ("RescaleSlope", "RescaleIntercept"))
    factors = rescale(named, None if slope is None else float(slope), None if intercept is None else float(intercept))
    return SliceHeader(
        file=file,
        layout=layout,
        position_mm=(position[0], position[1], position[2]),
        orientation=orientation,
        pixel_mm=pixel_spacing(named, spacing),
        slope=factors[0],
        intercept_hu=factors[1],
        padding=padding(named, layout.signed),
        values=named,
        phase_keys=_phase_keys(groups),
    )


def _floats(values: Values, value: Any, count: int) -> tuple[float, ...]:
    numbers = () if value is None else tuple(float(v) for v in value)
    if len(numbers) != count or not all(abs(number) < 100_000 for number in numbers):
        raise values.refused("A frame has no usable place, orientation or pixel spacing.", "geometry-missing")
    return numbers


_MOVED = (
    ("CTReconstructionSequence", "ConvolutionKernel", "ConvolutionKernel"),
    ("CTXRayDetailsSequence", "KVP", "KVP"),
    ("PixelMeasuresSequence", "SliceThickness", "SliceThickness"),
    ("PixelValueTransformationSequence", "RescaleType", "RescaleType"),
    ("CTImageFrameTypeSequence", "FrameType", "ImageType"),
)


def _frame_values(values: Values, groups: _Groups) -> dict[int, bytes]:
    raw = dict(values.raw)
    for sequence, name, classic in _MOVED:
        value = _group(groups, sequence, name)
        if value is not None:
            words = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
            raw[TAGS[classic]] = "\\".join(map(str, words)).encode("latin-1", "replace")
    return raw


def _phase_keys(groups: _Groups) -> dict[str, float]:
    sources = {
        "NominalPercentageOfCardiacPhase": ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
        "TriggerTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
        "TemporalPositionIndex": ("FrameContentSequence", "TemporalPositionIndex"),
        "AcquisitionNumber": ("FrameContentSequence", "FrameAcquisitionNumber"),
    }
    found = {name: _group(groups, *source) for name, source in sources.items()}
    return {name: float(value) for name, value in found.items() if value is not None}
