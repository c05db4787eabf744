"""The files of an input sorted into series, and each series into volumes that could be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from recanal.dicom.enhanced import read_frame_headers
from recanal.dicom.files import InputFile
from recanal.dicom.headers import DicomHead, HeadReader
from recanal.dicom.likeness import Pattern
from recanal.dicom.phases import PhaseGroup, phase_percent, split_phases
from recanal.dicom.pixels import stored_bytes
from recanal.dicom.slices import CHANGEABLE, CT_CLASSES, WANTED, SliceHeader, Values, read_slice_header, similar_slice
from recanal.dicom.stacks import SAME_PLACE_MM, Stack, along_normal_mm, build_stack, orientation_axes
from recanal.dicom.syntaxes import DEFLATED, LOSSY, MAYBE_LOSSY, SYNTAXES
from recanal.dicom.wording import clean_text, known_words, patient_key
from recanal.errors import ReadError

__all__ = ["Candidate", "ScannedFiles", "Series", "candidates", "scan_files"]

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SAME_ORIENTATION = 1e-3


@dataclass
class Series:
    """One series as it was found.

    Parameters
    ----------
    uid
        SeriesInstanceUID; empty where the files have none.
    description, first_file
        What may be shown of the SeriesDescription, and name of the first file that was met.
    slices
        The slices that passed the gate.
    problem
        The first rule that a file of the series breaks, or None.
    dropped
        What was left out, with counts, such as ``localizer``.
    """

    uid: str
    description: str = ""
    first_file: str = ""
    slices: list[SliceHeader] = field(default_factory=list)
    problem: ReadError | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    count: int = 0


@dataclass
class ScannedFiles:
    """Everything that was found in the files.

    Parameters
    ----------
    series
        By key.
    identities
        Raw patient names and numbers, to keep them out of messages.
    strays
        Files that are no DICOM image.
    models
        By the pattern of like headers: the series and one slice that was read in full.
    """

    series: dict[str, Series] = field(default_factory=dict)
    identities: set[bytes] = field(default_factory=set)
    strays: int = 0
    models: dict[object, tuple[Series, SliceHeader]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A volume that could be analysed: one phase of one series."""

    series: Series
    stack: Stack
    phase_percent: float | None
    phase_key: str
    flags: tuple[str, ...]

    @property
    def head(self) -> SliceHeader:
        """The first slice, which speaks for the series."""
        return self.stack.slices[0]


def scan_files(files: Iterable[InputFile], found: ScannedFiles) -> None:
    """Read every header and sort the images into the series of ``found``; pixels are not touched.

    Raises
    ------
    ReadError
        Where a file claims to be DICOM and its header cannot be read.
    """
    reader = HeadReader()
    for file in files:
        head = reader.read(file)
        if head is None:
            found.strays += 1
        elif not head.elements.pixel_tag:
            _take_without_pixels(file, head, found)
        elif head.elements.likeness in found.models:
            _take_similar(file, head, found)
        else:
            _take(file, head, found)


def _take_without_pixels(file: InputFile, head: DicomHead, found: ScannedFiles) -> None:
    """Pass over an object without pixels; a CT image without them spoils its series."""
    values = Values(head.elements.values, head.elements.little, file.name)
    if values.text("SOPClassUID") not in CT_CLASSES:
        found.strays += 1
        return
    series = _series(values, found)
    error = values.refused("A CT image without pixels.", "pixels-missing", hint="Copy the file again.")
    series.problem = series.problem or error


def _series(values: Values, found: ScannedFiles) -> Series:
    """The series that a file belongs to, counted."""
    if values.text("PatientIdentityRemoved") != "YES":
        found.identities.update(v for v in (values.bare("PatientName"), values.bare("PatientID")) if v)
    uid = values.uid("SeriesInstanceUID")
    key = uid or "\\".join((values.uid("FrameOfReferenceUID"), values.text("SeriesDescription"), values.text("Rows")))
    if key not in found.series:
        found.series[key] = Series(uid, known_words(values.text("SeriesDescription")), values.file)
    series = found.series[key]
    series.count += 1
    return series


def _take(file: InputFile, head: DicomHead, found: ScannedFiles) -> None:
    values = Values(head.elements.values, head.elements.little, file.name)
    series = _series(values, found)
    unfit = _unfit(values, head)
    if unfit:
        series.dropped[unfit] += 1
        return
    try:
        slices = _slices(file, head, values)
    except ReadError as error:
        series.problem = series.problem or error
        return
    series.slices.extend(slices)
    pattern = head.elements.likeness
    if isinstance(pattern, Pattern) and len(slices) == 1 and not (pattern.varying & WANTED) - CHANGEABLE:
        found.models[pattern] = (series, slices[0])


def _take_similar(file: InputFile, head: DicomHead, found: ScannedFiles) -> None:
    """Take a slice whose header is like that of one taken before."""
    series, model = found.models[head.elements.likeness]
    elements = head.elements
    series.count += 1
    values = Values(elements.values, elements.little, file.name)
    try:
        slice_ = similar_slice(model, file, values, offset=elements.pixel_offset, whole_bytes=head.size)
    except ReadError as error:
        series.problem = series.problem or error
    else:
        series.slices.append(slice_)


def _unfit(values: Values, head: DicomHead) -> str:
    """Why an image can be no slice of a CT volume; empty where it can."""
    modality, sop_class, image_type = values.text("Modality"), values.text("SOPClassUID"), values.words("ImageType")
    if modality != "CT" and (modality or sop_class not in CT_CLASSES):
        return f"modality {modality or 'not stated'}"
    if sop_class.startswith(_SECONDARY_CAPTURE):
        return "secondary capture"
    if "LOCALIZER" in image_type:
        return "localizer"
    if values.short("BitsAllocated") == 8 or (values.short("SamplesPerPixel") or 1) > 1:
        return "8-bit or colour picture"
    return "no integer pixels" if head.elements.pixel_tag != 0x7FE00010 else ""


def _slices(file: InputFile, head: DicomHead, values: Values) -> list[SliceHeader]:
    if head.syntax not in SYNTAXES:
        raise values.refused(
            f"Transfer syntax {clean_text(head.syntax)} is not read.",
            "transfer-syntax",
            hint="Export the series uncompressed.",
        )
    if "SharedFunctionalGroupsSequence" in _names(values):
        return read_frame_headers(file, head, values)
    elements = head.elements
    pixel = (elements.pixel_offset, elements.pixel_length)
    whole = None if head.syntax == DEFLATED else head.size
    return [read_slice_header(file, values, syntax=head.syntax, pixel=pixel, whole_bytes=whole)]


def _names(values: Values) -> tuple[str, ...]:
    return ("SharedFunctionalGroupsSequence",) if 0x52009229 in values.raw else ()


def candidates(series: Series) -> list[Candidate]:
    """The volumes of a series, one per phase.

    Raises
    ------
    ReadError
        Where a rule forbids reading the series.
    """
    if series.problem is not None:
        raise series.problem
    if not series.slices:
        what = ", ".join(f"{count} x {kind}" for kind, count in series.dropped.items())
        raise ReadError(
            f"The series holds no CT slices ({what}).",
            hint="Give a CT angiogram.",
            file=series.first_file,
            rule="not-ct",
        )
    _check_uniform(series.slices)
    slices, flags = _without_copies(series.slices)
    groups = split_phases(slices)
    if groups is None:
        slices, more = _without_twins(slices)
        groups, flags = (PhaseGroup(tuple(slices)),), flags + more
    flags += [f"{kind.replace(' ', '-')}-left-out:{count}" for kind, count in series.dropped.items()]
    flags += [] if series.uid else ["series-uid-missing"]
    return [_candidate(series, group, len(groups), tuple(flags)) for group in groups]


def _candidate(series: Series, group: PhaseGroup, groups: int, flags: tuple[str, ...]) -> Candidate:
    stack = build_stack(group.slices)
    if groups > 1:
        flags += (f"phases-in-one-series:{groups}",)
    return Candidate(series, stack, _phase(stack), f"{group.key} {group.value}".strip(), flags + _facts(stack))


def _phase(stack: Stack) -> float | None:
    """The phase that all slices share to 5 % of the RR interval; None where one gives none."""
    percents = [percent for header in stack.slices if (percent := phase_percent(header)) is not None]
    if len(percents) < len(stack.slices) or max(percents) - min(percents) > 5:
        return None
    return round(sorted(percents)[len(percents) // 2], 1)


def _facts(stack: Stack) -> tuple[str, ...]:
    """Flags that follow from the headers."""
    flags = []
    if any(s.values.text("LossyImageCompression") == "01" or s.layout.syntax in LOSSY for s in stack.slices):
        flags.append("lossy-compression")
    elif any(s.layout.syntax in MAYBE_LOSSY and not s.values.text("LossyImageCompression") for s in stack.slices):
        flags.append("perhaps-lossy-compression")
    if any(s.values.text("BurnedInAnnotation") == "YES" for s in stack.slices):
        flags.append("burned-in-annotation")
    if stack.slices[0].values.text("RescaleType") not in ("HU", ""):
        flags.append(f"rescale-type:{stack.slices[0].values.text('RescaleType')}")
    if any(part.startswith("0") and part != "0" for part in stack.slices[0].values.uid("SOPInstanceUID").split(".")):
        flags.append("uid-leading-zero")
    return tuple(flags)


def _check_uniform(slices: Sequence[SliceHeader]) -> None:
    """Refuse a series that mixes patients, frames of reference, matrices, pixel sizes or orientations."""
    first = slices[0]
    orientation_axes(first)
    for header in slices[1:]:
        if header.orientation != first.orientation:
            orientation_axes(header)
            if max(abs(a - b) for a, b in zip(header.orientation, first.orientation, strict=True)) > _SAME_ORIENTATION:
                raise header.values.refused("Its orientation differs from the series'.", "mixed-orientation")
        if (header.layout.rows, header.layout.columns) != (first.layout.rows, first.layout.columns):
            raise header.values.refused("Its rows or columns differ from the series'.", "mixed-matrix")
        if max(abs(a - b) for a, b in zip(header.pixel_mm, first.pixel_mm, strict=True)) > 1e-3:
            raise header.values.refused("Its pixel spacing differs from the series'.", "mixed-spacing")
        _check_same(header, first, "FrameOfReferenceUID", ("frames of reference", "two-frames-of-reference"))
        for name in ("PatientID", "PatientName"):
            _check_same(header, first, name, ("patients", "two-patients"))


def _check_same(header: SliceHeader, first: SliceHeader, name: str, what: tuple[str, str]) -> None:
    mine, theirs = header.values.bare(name), first.values.bare(name)
    if mine != theirs and patient_key(mine) != patient_key(theirs):
        raise header.values.refused(f"The series mixes two {what[0]}.", what[1])


def _without_copies(slices: Sequence[SliceHeader]) -> tuple[list[SliceHeader], list[str]]:
    """The slices without second copies of the same instance."""
    kept: dict[tuple[bytes, int], SliceHeader] = {}
    copies, anonymous = 0, []
    for header in slices:
        key = (header.values.bare("SOPInstanceUID"), header.layout.frame)
        if not key[0]:
            anonymous.append(header)
        elif key not in kept:
            kept[key] = header
        elif _same_image(header, kept[key]):
            copies += 1
        else:
            raise header.values.refused("Another image has the same SOPInstanceUID.", "duplicate-uid")
    flags = [f"copies-dropped:{copies}"] if copies else []
    flags += ["sop-uid-missing"] if anonymous else []
    return [*kept.values(), *anonymous], flags


def _without_twins(slices: Sequence[SliceHeader]) -> tuple[list[SliceHeader], list[str]]:
    """The slices without images that repeat another's place and pixels."""
    heights = along_normal_mm(slices)
    order = sorted(range(len(slices)), key=lambda i: heights[i])
    kept: list[int] = []
    for index in order:
        if not kept or heights[index] - heights[kept[-1]] > SAME_PLACE_MM:
            kept.append(index)
        elif not _same_image(slices[index], slices[kept[-1]]):
            raise slices[index].values.refused(
                "Another image lies at the same place and no element tells their phases apart.",
                "phases-not-separable",
                hint="Export one phase.",
            )
    return [slices[i] for i in kept], [f"duplicates-dropped:{len(slices) - len(kept)}"]


def _same_image(one: SliceHeader, other: SliceHeader) -> bool:
    same_place = max(abs(a - b) for a, b in zip(one.position_mm, other.position_mm, strict=True)) <= SAME_PLACE_MM
    same_scale = (one.slope, one.intercept_hu, one.padding) == (other.slope, other.intercept_hu, other.padding)
    plain = replace(one.layout, offset=0, length=0, frame=0), replace(other.layout, offset=0, length=0, frame=0)
    return same_place and same_scale and plain[0] == plain[1] and stored_bytes(one) == stored_bytes(other)
