"""From a study on disk to its calcium score."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recanal import __version__
from recanal.anatomy.tree import find_tree
from recanal.calcium.agatston import amount_of
from recanal.calcium.doubts import UNSURE_BELOW
from recanal.calcium.score import Contrast, Scored, find_calcium, method_of, score_labels, series_flags
from recanal.calcium.stack import SliceStack, labels_on, stack_of
from recanal.core.calcium import ARTERIES, CalciumReport
from recanal.core.case import InputInfo, Provenance, RejectedSeries, as_json
from recanal.core.volume import Volume
from recanal.errors import OptionError, ReadError, shown_name
from recanal.interop import LoadedStudy, ResultFolder, load_study, nifti_bytes
from recanal.interop.earlier_results import check_own_folder
from recanal.interop.label_map import read_label_map
from recanal.report.calcium_picture import SliceView, calcium_png

__all__ = ["CalciumRequest", "load_plain_series", "score_calcium", "score_study"]

_FILES = ("calcium.json", "calcium.png", "calcium_labels.nii.gz")
_PLAIN = re.compile(r"(ca[ _-]?sc|calcium|scoring|non[- ]?contrast|without contrast|nativ|unenhanced|plain)", re.I)
Tell = Callable[[str], None]


@dataclass(frozen=True)
class CalciumRequest:
    """What ``recanal calcium`` was asked to do.

    Parameters
    ----------
    input, out
        The study, and the folder for the result.
    mask
        A NIfTI file of the reader's regions on the grid of the series: 1 LM, 2 LAD, 3 LCX, 4 RCA.
    series_uid
        The non-contrast series; found when None.
    cta
        SeriesInstanceUID of the contrast series in ``input``, or a path to it.
    calibration_mg_per_hu_mm3
        Of the mass; None leaves the mass unknown.
    """

    input: Path
    out: Path
    mask: Path | None = None
    series_uid: str | None = None
    cta: str | None = None
    calibration_mg_per_hu_mm3: float | None = None

    def __post_init__(self) -> None:
        factor = self.calibration_mg_per_hu_mm3
        if factor is not None and not 1e-5 < factor < 1e-2:
            raise OptionError(
                f"--calibration: calibration_mg_per_hu_mm3 must lie between 0.00001 and 0.01, got {factor:g}.",
                hint="A phantom scan gives it; near 0.0008 at 120 kV.",
            )
        if self.mask is not None and self.cta is not None:
            raise OptionError("With a mask the contrast series is not used.", hint="Leave --cta or --mask away.")


def _silent(step: str) -> None:
    """Tell nobody."""


def load_plain_series(path: Path, *, series_uid: str | None = None) -> LoadedStudy:
    """The non-contrast series of a study.

    Parameters
    ----------
    series_uid
        The series to read. Without it: the only volume of the input, or the series that says in its header or its
        description that it was taken without contrast.

    Raises
    ------
    ReadError
        ``no-plain-series`` where none says so, and what :func:`recanal.interop.load_study` raises.
    """
    first = load_study(path, series_uid=series_uid)
    said = first.volume.meta.get("contrast") is False or _PLAIN.search(first.info.description)
    if series_uid is not None or said or not first.info.rejected:
        return first
    likely = [item for item in first.info.rejected if _PLAIN.search(item.description) and item.series_uid]
    for item in likely:
        found = load_study(path, series_uid=item.series_uid)
        if found.volume.meta.get("contrast") is not True:
            others = (RejectedSeries(first.info.series_uid or "", "it shows contrast", first.info.description),)
            kept = tuple(other for other in first.info.rejected if other is not item)
            why = (f"its description says that it was taken without contrast: {found.info.description}",)
            return replace(found, info=replace(found.info, rejected=(*others, *kept), why_chosen=why))
    there = "; ".join(item.series_uid or "no UID" for item in first.info.rejected)
    raise ReadError(
        "No series of the study says that it was taken without contrast.",
        hint=f"Name it with --series. There are: {there}.",
        rule="no-plain-series",
    )


def _contrast(request: CalciumRequest, tell: Tell) -> tuple[Contrast | None, list[str]]:
    """The contrast series with its named arteries, and flags."""
    if request.cta is None:
        return None, []
    tell("reading the contrast series")
    where = Path(request.cta)
    study = load_study(where) if where.exists() else load_study(request.input, series_uid=request.cta)
    tree = find_tree(study.volume, progress=tell)
    if tree.doubts:
        return Contrast(stack_of(study.volume)), [f"contrast series: {tree.doubts[0]}"]
    lines: dict[str, list[NDArray[np.float64]]] = {}
    for segment in tree.vessel_tree().segments:
        if segment.vessel in ARTERIES:
            lines.setdefault(str(segment.vessel), []).append(segment.line.points_mm)
    return Contrast(stack_of(study.volume), {name: np.concatenate(parts) for name, parts in lines.items()}), []


def score_calcium(
    volume: Volume,
    *,
    request: CalciumRequest,
    study: LoadedStudy | None = None,
    progress: Tell = _silent,
) -> tuple[CalciumReport, Scored, SliceStack]:
    """The score of a volume in memory, what was found, and the slices it was found on; nothing is written.

    Raises
    ------
    InputError
        When the series shows contrast, the mask does not fit or marks nothing, or nothing can be found without one.
    """
    stack, kvp = stack_of(volume), volume.meta.get("kvp")
    factor = request.calibration_mg_per_hu_mm3
    told: list[str] = []
    if request.mask is not None:
        progress("reading the mask")
        labels = labels_on(stack, *read_label_map(request.mask, most_label=len(ARTERIES)))
        scored = score_labels(stack, labels, calibration_mg_per_hu_mm3=factor)
    else:
        contrast, told = _contrast(request, progress)
        progress("looking for calcium")
        scored = find_calcium(stack, contrast=contrast, calibration_mg_per_hu_mm3=factor)
    mode = "automatic" if request.mask is None else "mask"
    method = method_of(stack, mode=mode, artery_rule=scored.artery_rule, kvp=kvp, calibration_mg_per_hu_mm3=factor)
    own = study.flags if study is not None else ()
    report = CalciumReport(
        input=_info(volume, study),
        method=method,
        total=amount_of(scored.lesions, calibrated=factor is not None),
        arteries={
            name: amount_of([x for x in scored.lesions if x.artery == name], calibrated=factor is not None)
            for name in ARTERIES
        },
        lesions=scored.lesions,
        excluded=scored.excluded,
        flags=(*own, *series_flags(stack, kvp=kvp), *told, *scored.flags),
        provenance=_provenance(request, study),
        registration=_registered(scored),
    )
    return report, scored, stack


def _info(volume: Volume, study: LoadedStudy | None) -> InputInfo:
    return InputInfo(spacing_mm=volume.spacing_mm, size=volume.shape) if study is None else study.info


def _registered(scored: Scored) -> dict[str, float]:
    found = scored.registration
    if found is None:
        return {}
    return {
        "shift_mm": float(np.linalg.norm(found.shift_mm)),
        "turn_deg": found.turn_deg,
        "correlation": found.correlation,
        "overlap_share": found.overlap_share,
    }


def _provenance(request: CalciumRequest, study: LoadedStudy | None) -> Provenance:
    parameters = {
        "series": request.series_uid,
        "cta": None if request.cta is None else Path(request.cta).name,
        "mask_sha256": None if request.mask is None else hashlib.sha256(request.mask.read_bytes()).hexdigest(),
    }
    return Provenance(
        version=__version__,
        parameters=parameters,
        input_sha256="" if study is None else study.input_sha256,
        created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _view(stack: SliceStack, scored: Scored) -> SliceView:
    steps = stack.affine.matrix
    flips = (bool(steps[1, 1] < 0), bool(steps[0, 2] < 0))
    sure = scored.confidence
    open_names = None if sure is None else (scored.labels > 0) & (sure < UNSURE_BELOW)
    words = f"? confidence below {UNSURE_BELOW:g}"
    return SliceView(stack.hu, scored.labels, stack.affine.spacing_mm[1:], flips, open_names, words)


def _check_files(request: CalciumRequest) -> None:
    """Refuse a mask that is not there and a result folder that cannot be written, before anything is computed."""
    if request.mask is not None and not request.mask.is_file():
        name = ascii(shown_name(request.mask))[1:-1]
        raise ReadError("There is no such file.", hint="Check the path of the mask.", file=name, rule="not-found")
    out = request.out
    if out.is_symlink() and not out.exists():
        raise OptionError(f"--out: {shown_name(out)!a} is a link to nowhere.", hint="Name another folder.")
    nearest = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise OptionError(f"--out: {shown_name(nearest)!a} is a file, not a folder.", hint="Name another folder.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OptionError(
            f"--out: the folder {shown_name(nearest)!a} cannot be written to.", hint="Name another folder."
        )
    wrong = [name for name in _FILES if (out / name).is_dir()]
    if wrong:
        raise OptionError(f"--out: {wrong[0]!r} is a folder there.", hint="Remove it, or name another folder.")
    check_own_folder(out)


def score_study(request: CalciumRequest, *, progress: Tell = _silent) -> CalciumReport:
    """Score a study and write ``calcium.json``, ``calcium.png`` and ``calcium_labels.nii.gz``, whole or not at all.

    The labels are those the score was made with, restricted to what was counted or drawn; corrected by a reader they
    go back in as a mask.

    Raises
    ------
    OptionError
        When the result folder cannot be written; before anything is read.
    InputError
        See :func:`load_plain_series` and :func:`score_calcium`.
    """
    _check_files(request)
    progress("reading")
    study = load_plain_series(request.input, series_uid=request.series_uid)
    report, scored, stack = score_calcium(study.volume, request=request, study=study, progress=progress)
    progress("writing")
    labels = Volume(
        scored.labels.astype(np.int16), stack.affine, {"manufacturer": study.volume.meta.get("manufacturer")}
    )
    with ResultFolder(request.out, seal="calcium.json") as folder:
        folder.write("calcium.png", calcium_png(report, _view(stack, scored)))
        folder.write("calcium_labels.nii.gz", nifti_bytes(labels))
        folder.write_json("calcium.json", as_json(report))
    return report
