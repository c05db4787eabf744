"""What can go wrong.

::

    RecanalError
     └─ InputError            the caller's data cannot be used (exit status 2)
         ├─ GeometryError     coordinates, spacings, curves that cannot be
         ├─ ReadError         a file or folder that cannot be read, with the rule it breaks
         ├─ SeedError         points that do not frame an occlusion
         ├─ FindingsError     a clinical fact with a wrong name, type or range
         ├─ SheetError        a score sheet that is not well formed
         ├─ TableError        a printed table that cannot be read
         ├─ StatsError        data that a statistical method cannot use
         ├─ CohortError       rows, a data dictionary or a store of cases that cannot be used
         ├─ StudyError        a study plan, or data that it does not fit
         ├─ EditError         a reader's correction that cannot be replayed
         └─ OptionError       a parameter outside what is supported

Every message says what was wrong, what was got and, in ``hint``, what to do.
No message holds a patient identifier.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = [
    "ApartError",
    "CohortError",
    "EditError",
    "FindingsError",
    "GeometryError",
    "InputError",
    "OptionError",
    "ReadError",
    "RecanalError",
    "SeedError",
    "SheetError",
    "StatsError",
    "StudyError",
    "TableError",
    "install_hint",
    "of_file",
    "parse_reason",
    "shown_name",
    "shown_text",
]

_WORD = re.compile("[a-z0-9_.,+-]{0,24}")


def shown_name(path: str | Path) -> str:
    """The name by which a message calls a file or folder: its last part, or the path itself where it has none.

    Examples
    --------
    >>> shown_name("study/lesions.csv"), shown_name("."), shown_name("/")
    ('lesions.csv', '.', '/')
    """
    return Path(path).name or str(Path(path))


def install_hint(extra: str) -> str:
    """What to do where the packages of an extra are missing; recanal is installed from its folder, from no index.

    Examples
    --------
    >>> install_hint("study")
    "In recanal's folder: .venv/bin/pip install -e '.[study]'"
    """
    return f"In recanal's folder: .venv/bin/pip install -e '.[{extra}]'"


def parse_reason(error: ValueError | RecursionError) -> str:
    """Why a text is not TOML or JSON, in recanal's words where Python's would speak to a programmer.

    Examples
    --------
    >>> parse_reason(ValueError("Exceeds the limit; use sys.set_int_max_str_digits() to increase the limit"))
    'a number has too many digits'
    """
    if isinstance(error, RecursionError):
        return "it nests too deep"
    said = str(error).rstrip(".")
    return "a number has too many digits" if "set_int_max_str_digits" in said else said


_AGAIN = "Copy the file again; if that does not help, export or convert it anew."
_WHOLE = "Export the series anew, with all its original slices."
_PLAIN = "Export the study as original CT images in Hounsfield units."
_VOLUME = "Convert it to NIfTI, or to NRRD or MetaImage with raw or gzip-packed numbers of one channel."
_SMALLER = "Give a smaller part of it, or only the series that is to be read."
_ZIP = "Unpack the zip yourself, look at what it holds, and give the folder."

#: What to do about a broken rule where the place that found it does not say.
HINTS = {
    "bits": _PLAIN,
    "codestream": _AGAIN,
    "codestream-size": _AGAIN,
    "columns": "Give every row as many cells as the header has.",
    "decode": "Export the study without compression.",
    "deflate": _AGAIN,
    "deflate-bomb": _AGAIN,
    "dimensions": "Give one volume of three dimensions.",
    "duplicate-uid": "Remove one of the two images.",
    "edits-size": "Split the corrections, or take contours out that are not meant.",
    "element-length": _AGAIN,
    "encapsulation": _AGAIN,
    "encoding": _VOLUME,
    "findings-size": "Give the findings of one lesion.",
    "folder-depth": "Give the folder that holds the images.",
    "format": "Mend the file in an editor that checks its syntax.",
    "frames": _AGAIN,
    "frames-without-geometry": "Export it as enhanced CT or as single slices.",
    "functional-groups": _AGAIN,
    "geometry": "Export or convert it anew, on a regular grid of upright voxels.",
    "geometry-missing": _WHOLE,
    "header": _AGAIN,
    "header-too-long": _AGAIN,
    "high-bit": _PLAIN,
    "image-size": "Give a CT volume, not a single image or a scout view.",
    "intercept": _PLAIN,
    "irregular-gap": _WHOLE,
    "labels": "Number the labels as the help of the command lists them.",
    "layout": _AGAIN,
    "line": "Write every centreline as one run of two or more different points.",
    "link-outside": _ZIP,
    "mixed-matrix": "Give the slices of one reconstruction.",
    "mixed-orientation": "Give the slices of one reconstruction.",
    "mixed-spacing": "Give the slices of one reconstruction.",
    "no-files": "Give the folder or file that holds the images.",
    "not-a-file": "Give a file or a folder.",
    "number-finite": "Mend the header, or export the series anew: this field must hold finite numbers.",
    "not-finite": "Replace what is not a number, for instance by -1024 HU outside the field of view.",
    "not-found": "Check the path and the right to read it.",
    "not-seg": "Export it as a binary or label-map DICOM segmentation, or as NIfTI.",
    "number": "Give finite numbers, one radius for each point.",
    "number-format": _AGAIN,
    "orientation": "Convert it anew with its orientation, axes at right angles.",
    "packing": _AGAIN,
    "photometric": _PLAIN,
    "pixel-length": _AGAIN,
    "pixel-type": _VOLUME,
    "rescale-missing": _PLAIN,
    "rescale-type": _PLAIN,
    "sequence-depth": _AGAIN,
    "series-absent": "Leave out --series, or give a DICOM study.",
    "size": _SMALLER,
    "slice-drift": _WHOLE,
    "slice-spacing": "Choose a reconstruction with thinner slices.",
    "slope": _PLAIN,
    "slope-zero": _PLAIN,
    "spacing": "Check the header: spacing is read in millimetres.",
    "too-large": _SMALLER,
    "too-many-files": _SMALLER,
    "truncated": _AGAIN,
    "two-frames-of-reference": "Give one of them alone.",
    "two-patients": "Give the files of one patient alone.",
    "uid-format": _AGAIN,
    "unknown-format": "Check that it is the file that was meant, and export it anew.",
    "unreadable": "Check that it may be read and is complete.",
    "volume-too-large": _SMALLER,
    "zip-bomb": _ZIP,
    "zip-damaged": _ZIP,
    "zip-slip": _ZIP,
}


class RecanalError(Exception):
    """Base of every error that recanal raises on purpose.

    Parameters
    ----------
    message
        What was wrong and what was got, one line.
    hint
        What to do about it, one line; may be empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = " ".join(message.split())
        self.hint = " ".join(hint.split())

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(RecanalError):
    """The data handed in cannot be used."""


def of_file(error: InputError, path: str | Path) -> InputError:
    """The same error, its message led by the name of the file it is about.

    Examples
    --------
    >>> str(of_file(InputError("The mask is empty."), "case/mask.nii.gz"))
    "'mask.nii.gz': The mask is empty."
    """
    return type(error)(f"{shown_name(path)!r}: {error.message}", hint=error.hint)


class GeometryError(InputError):
    """Coordinates, spacings or curves that cannot be."""


class ReadError(InputError):
    """A file or folder that cannot be read.

    Parameters
    ----------
    message, hint
        As in :class:`RecanalError`; without a hint that of the rule is taken.
    file
        The name of the offending file, relative to the input.
    rule
        Short machine-readable name of the rule that was broken, such as ``"slope-zero"``.
    """

    def __init__(self, message: str, *, hint: str = "", file: str = "", rule: str = "") -> None:
        super().__init__(message, hint=hint or HINTS.get(rule, ""))
        self.file = file
        self.rule = rule

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        what = f"[{self.rule}] " if self.rule else ""
        return f"{where}{what}{super().__str__()}"


class SeedError(InputError):
    """Points that do not frame an occlusion."""


class ApartError(SeedError):
    """Points that lie in different vessels."""


class FindingsError(InputError):
    """A clinical fact with a wrong name, type or range."""


class SheetError(InputError):
    """A score sheet that is not well formed."""


class TableError(InputError):
    """A printed table, typed into a file, that cannot be read."""


class StatsError(InputError):
    """Data that a statistical method cannot use."""


class CohortError(InputError):
    """Rows, a data dictionary or a store of cases that cannot be used."""


class StudyError(InputError):
    """A study plan that is not well formed, or data that it does not fit."""


class EditError(InputError):
    """A reader's correction that cannot be replayed."""


class OptionError(InputError):
    """A parameter outside what is supported."""


def shown_text(text: str) -> str:
    """A text that may be a misspelt word or number, as typed; of any other, which may name a patient, the length.

    Examples
    --------
    >>> shown_text("blnt"), shown_text("0,8"), shown_text("Jane Doe")
    ("'blnt'", "'0,8'", 'a text of 8 characters')
    """
    return repr(text) if _WORD.fullmatch(text) else f"a text of {len(text)} characters"
