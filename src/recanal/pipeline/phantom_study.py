"""A phantom on disk: a study as a scanner would send it, with its truth beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from recanal.core.volume import Volume
from recanal.errors import OptionError, shown_name
from recanal.interop import ResultFolder, nifti_bytes, write_dicom_study
from recanal.phantoms import PhantomOptions, PhantomTruth, calcium_scan, make_phantom
from recanal.phantoms import decoys as make_decoys

__all__ = ["FORMATS", "PhantomStudy", "make_study"]

FORMATS = ("dicom", "nifti")
_TRUTH, _NIFTI = "truth.json", "phantom.nii.gz"
_OWN_FILE = re.compile(rf"IM\d{{6,}}|{re.escape(_TRUTH)}|{re.escape(_NIFTI)}")
Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class PhantomStudy:
    """What was written.

    Parameters
    ----------
    folder
        Where the study and ``truth.json`` lie.
    input
        What to hand to an analysis: the folder, or the NIfTI file.
    truth
        What is known.
    size
        Voxels of the angiogram along x, y and z.
    series_count
        Series of the study, the angiogram included.
    """

    folder: Path
    input: Path
    truth: PhantomTruth
    size: tuple[int, int, int]
    series_count: int


def make_study(
    options: PhantomOptions,
    *,
    seed: int,
    out: Path,
    decoys: bool = True,
    progress: Progress | None = None,
    file_format: str = "dicom",
) -> PhantomStudy:
    """Draw a phantom and write it with its truth; all files appear at the end, or none.

    Parameters
    ----------
    options, seed
        As :func:`recanal.phantoms.make_phantom` takes them.
    out
        A new folder, an empty one, or one with an earlier phantom, which is replaced.
    decoys
        Whether other series (localiser, calcium scan, a worse phase) lie beside the angiogram; DICOM only.
    progress
        Called with a share in [0, 1] and the name of the step.
    file_format
        ``"dicom"``, or ``"nifti"`` for one file without other series.

    Raises
    ------
    OptionError
        When the seed or the format is not supported, or ``out`` is a file or holds anything else.
    OSError
        As the system gives it; an earlier phantom stays as it was.

    Notes
    -----
    ``truth.json`` is :meth:`recanal.phantoms.PhantomTruth.to_dict`: LPS millimetres, the seeds of an analysis
    as ``proximal_seed_mm`` and ``distal_seed_mm``. With other series ``calcium_scan`` holds the truth of the
    calcium-score scan.
    """
    if file_format not in FORMATS:
        raise OptionError(f"format must be one of {', '.join(FORMATS)}, got {file_format!r}.")
    earlier = _earlier_files(out)
    tell = progress or _silent
    others = decoys and file_format == "dicom"
    share = 0.4 if others else 0.85
    made = make_phantom(options, seed=seed, progress=lambda done, step: tell(share * done, step))
    series, truth = [made.volume], made.truth.to_dict()
    if others:
        tell(share, "other series of the study")
        scan = calcium_scan(options, seed)
        truth["calcium_scan"] = asdict(scan.truth)
        series += make_decoys(options, seed, scan=scan)
    tell(0.85, "writing")
    with ResultFolder(out) as folder:
        # made whole in the staging folder, so that study and truth appear together
        staging = folder.write_json(_TRUTH, truth).parent
        if file_format == "dicom":
            write_dicom_study(staging, _shuffled(series, seed), seed=seed)
        else:
            folder.write(_NIFTI, nifti_bytes(made.volume))
        written = {path.name for path in staging.iterdir()}
    for name in earlier - written:
        (out / name).unlink(missing_ok=True)
    tell(1.0, "done")
    depth, height, width = made.volume.shape
    source = out if file_format == "dicom" else out / _NIFTI
    return PhantomStudy(out, source, made.truth, (width, height, depth), len(series))


def _silent(share: float, step: str) -> None:
    """Report nothing."""


def _earlier_files(out: Path) -> set[str]:
    """Names of the files of an earlier phantom in a folder."""
    if not out.exists():
        return set()
    if not out.is_dir():
        raise OptionError(f"The folder for the study, {shown_name(out)!a}, is a file.", hint="Name another folder.")
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    if names and (_TRUTH not in names or not all(_OWN_FILE.fullmatch(name) for name in names)):
        name = shown_name(out.resolve())
        raise OptionError(
            f"The folder {name!a} holds files that are no phantom, and the study would mix with them.",
            hint="Name a new or an empty folder.",
        )
    return names


def _shuffled(series: list[Volume], seed: int) -> list[Volume]:
    """The series in an order that does not tell which one is the angiogram."""
    order = np.random.default_rng([seed, len(series)]).permutation(len(series))
    return [series[k] for k in order]
