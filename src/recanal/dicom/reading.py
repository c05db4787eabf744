"""A folder of DICOM files, or one file, read into one volume."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from recanal.core.case import InputInfo, RejectedSeries
from recanal.core.volume import Volume
from recanal.dicom.choice import Judged, judge, label, pick
from recanal.dicom.files import InputFile
from recanal.dicom.pixels import read_stack
from recanal.dicom.series import Candidate, ScannedFiles, Series, candidates, scan_files
from recanal.dicom.slices import Values
from recanal.dicom.wording import NameGuard, patient_key
from recanal.errors import ReadError

__all__ = ["read_dicom"]

Progress = Callable[[str, float], None]
_TUBE_KV = (40.0, 200.0)
_THIN_HU, _SPAN_HU = -50, 100
"""A chest holds something thinner than the one, and differs within itself by more than the other."""


def read_dicom(
    files: Sequence[InputFile], *, series_uid: str | None, progress: Progress | None = None
) -> tuple[Volume, InputInfo, tuple[str, ...]]:
    """The best (or the named) series of the files as a volume, what it is, and its flags.

    Raises
    ------
    ReadError
        With the patient's name taken out of every text.
    """
    found = ScannedFiles()
    try:
        scan_files(files, found)
        return _read(found, series_uid, progress)
    except ReadError as error:
        raise NameGuard(found.identities).cleared(error) from None


def _read(
    found: ScannedFiles, series_uid: str | None, progress: Progress | None
) -> tuple[Volume, InputInfo, tuple[str, ...]]:
    wanted = _wanted(found, series_uid)
    if progress is not None:
        progress("headers", 1.0)
    usable: list[Candidate] = []
    refused: list[tuple[Series, ReadError]] = []
    for series in wanted:
        try:
            usable.extend(candidates(series))
        except ReadError as error:
            refused.append((series, error))
    if not usable:
        raise max(refused, key=lambda pair: (len(pair[0].slices) + (pair[1].rule != "not-ct"), pair[0].count))[1]
    _check_one_patient(usable)
    judged = [judge(c, look=len(usable) > 1) for c in usable]
    best, rejected, (volume, flags) = _first_readable(judged, progress, named=series_uid is not None)
    rejected += [RejectedSeries(s.uid, _why(error), s.description) for s, error in refused]
    rejected += [
        RejectedSeries(s.uid, "another series was asked for", s.description)
        for s in found.series.values()
        if s not in wanted
    ]
    return volume, _info(best, volume, rejected, NameGuard(found.identities), alone=not rejected), flags


def _first_readable(
    judged: Sequence[Judged], progress: Progress | None, *, named: bool
) -> tuple[Judged, list[RejectedSeries], tuple[Volume, tuple[str, ...]]]:
    """The best candidate whose pixels can be read, the others, and its volume with its flags.

    Where the pixels of the best one are damaged the next best is taken, with a flag and the reason, as long as it is
    not known to lack contrast. A series that was named is never replaced.
    """
    left, failed = list(judged), list[RejectedSeries]()
    first: ReadError | None = None
    while True:
        best, rejected = pick(left)
        if first is not None and best.contrast is False:
            raise first
        try:
            volume, flags = _volume(best, progress)
        except ReadError as error:
            first = first or error
            left.remove(best)
            if named or not left:
                raise first from None
            failed.append(RejectedSeries(best.candidate.series.uid, _why(error), label(best.candidate)))
            continue
        if failed:
            flags = (*flags, f"better-series-unreadable:{len(failed)}")
            volume = Volume(volume.hu, volume.affine, {**volume.meta, "flags": flags})
        return best, [*failed, *rejected], (volume, flags)


def _why(error: ReadError) -> str:
    """File, rule and message; what to do about it is for a series that was asked for."""
    return str(ReadError(error.message, file=error.file, rule=error.rule))


def _wanted(found: ScannedFiles, series_uid: str | None) -> list[Series]:
    if not found.series:
        raise ReadError(
            f"No DICOM image among {found.strays} file(s).", hint="Give the folder of a CT series.", rule="no-dicom"
        )
    if series_uid is None:
        return list(found.series.values())
    wanted = [s for s in found.series.values() if s.uid == series_uid]
    if not wanted:
        # no descriptions: they are free text and may name a patient
        there = "; ".join(f"{s.uid or 'no UID'} ({s.count} images)" for s in found.series.values())
        raise ReadError(
            "The series that was asked for is not there.", hint=f"There are: {there}.", rule="series-absent"
        )
    return wanted


def _check_one_patient(usable: Sequence[Candidate]) -> None:
    """Refuse to choose between the series of several patients."""
    first = usable[0].head.values
    for candidate in usable[1:]:
        values = candidate.head.values
        name = "PatientID" if values.bare("PatientID") and first.bare("PatientID") else "PatientName"
        mine, theirs = patient_key(values.bare(name)), patient_key(first.bare(name))
        if mine and theirs and mine != theirs:
            raise values.refused(
                "The input holds CT series of two patients.",
                "two-patients",
                hint="Give one patient, or name the series.",
            )


def _volume(best: Judged, progress: Progress | None) -> tuple[Volume, tuple[str, ...]]:
    candidate = best.candidate
    hu, affine, done = read_stack(candidate.stack, progress=progress)
    values = candidate.head.values
    _check_hounsfield(hu, values)
    flags = (*candidate.flags, *done)
    kvp, thickness_mm = values.number("KVP"), values.number("SliceThickness")
    if kvp and not _TUBE_KV[0] <= kvp <= _TUBE_KV[1]:
        kvp, flags = None, (*flags, "tube-voltage-implausible")
    meta = {
        "kvp": kvp if kvp else None,
        "series_uid": candidate.series.uid or None,
        "frame_of_reference_uid": values.uid("FrameOfReferenceUID") or None,
        "phase_percent": candidate.phase_percent,
        "kernel": values.text("ConvolutionKernel"),
        "slice_thickness_mm": thickness_mm if thickness_mm and thickness_mm > 0 else None,
        "manufacturer": values.text("Manufacturer"),
        "body_part": values.text("BodyPartExamined"),
        "contrast": best.contrast,
        "modality": "CT",
        "flags": flags,
    }
    return Volume(hu, affine, meta), flags


def _check_hounsfield(hu: NDArray[np.int16], values: Values) -> None:
    """Refuse voxels that span no tissue; the slices are looked at from the first on, as long as they leave a doubt."""
    lowest, highest = int(hu[0, 0, 0]), int(hu[0, 0, 0])
    for plane in hu:
        lowest, highest = min(lowest, int(plane.min())), max(highest, int(plane.max()))
        if lowest <= _THIN_HU and highest >= 0 and highest - lowest >= _SPAN_HU:
            return
    raise values.refused(
        f"Values from {lowest} to {highest} are not the Hounsfield units of a patient.",
        "not-hounsfield",
        hint="Export the series again.",
    )


def _info(
    best: Judged, volume: Volume, rejected: Sequence[RejectedSeries], guard: NameGuard, *, alone: bool
) -> InputInfo:
    meta = volume.meta
    why = tuple(guard.hide(words) for _, words in best.reasons)
    across, down, along = volume.spacing_mm[2], volume.spacing_mm[1], volume.spacing_mm[0]
    return InputInfo(
        series_uid=meta["series_uid"],
        description=guard.hide(label(best.candidate)),
        manufacturer=guard.hide(meta["manufacturer"]),
        kvp=meta["kvp"],
        phase_percent=meta["phase_percent"],
        spacing_mm=(across, down, along),
        size=(volume.shape[2], volume.shape[1], volume.shape[0]),
        why_chosen=("the only series", *why) if alone else why,
        rejected=tuple(RejectedSeries(r.series_uid, guard.hide(r.why), guard.hide(r.description)) for r in rejected),
        kernel=guard.hide(meta["kernel"]),
        format="DICOM",
    )
