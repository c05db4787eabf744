"""A DICOM segmentation in a file."""

from __future__ import annotations

import warnings
from pathlib import Path

from recanal.dicom.segmentation import SegmentMask, read_segmentation
from recanal.dicom.wording import clean_text
from recanal.errors import ReadError, shown_name
from recanal.interop.folders import single_file

__all__ = ["SegmentMask", "is_dicom_file", "read_segmentation_file"]


def is_dicom_file(path: Path) -> bool:
    """Whether a file carries the mark of DICOM; False where there is no file."""
    try:
        with path.open("rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_segmentation_file(path: Path, *, wanted: tuple[int, ...]) -> SegmentMask:
    """Some segments of a DICOM SEG file; see :func:`recanal.dicom.segmentation.read_segmentation`.

    Parameters
    ----------
    wanted
        Numbers of the segments; empty for the only one.

    Raises
    ------
    OptionError
        When a number is not there, or there are several segments and none was named.
    ReadError
        When the file cannot be read or is no segmentation.
    """
    try:
        file = single_file(path)
    except OSError as error:
        name = clean_text(shown_name(path), max_length=200)
        raise ReadError("There is no such file.", hint="Check the path.", file=name, rule="not-found") from error
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")  # they quote values of the header
        return read_segmentation(file, wanted=wanted)
