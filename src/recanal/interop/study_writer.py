"""Volumes written as a classic DICOM CT study with a plainly synthetic identity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recanal.core.volume import Volume
from recanal.dicom.writing import encode_study
from recanal.errors import OptionError
from recanal.interop.atomic import ResultFolder

__all__ = ["write_dicom_study"]


def write_dicom_study(folder: str | Path, series: Sequence[Volume], *, seed: int) -> Path:
    """Write volumes as the series of one DICOM CT study, as :func:`recanal.dicom.writing.encode_study` encodes them.

    All files appear at the end or none.

    Parameters
    ----------
    folder
        Target; files that are there stay.
    series
        Volumes whose first axis runs across the slices, second down the rows, third along the columns.
    seed
        Of the UIDs and of the order of the names.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OptionError
        Where there is no volume.
    """
    if not series:
        raise OptionError("A study needs at least one volume.")
    with ResultFolder(folder) as out:
        for name, content in encode_study(series, seed=seed):
            out.write(name, content)
    return Path(folder)
