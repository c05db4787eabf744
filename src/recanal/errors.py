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
]


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


class GeometryError(InputError):
    """Coordinates, spacings or curves that cannot be."""


class ReadError(InputError):
    """A file or folder that cannot be read.

    Parameters
    ----------
    message, hint
        As in :class:`RecanalError`.
    file
        The name of the offending file, relative to the input.
    rule
        Short machine-readable name of the rule that was broken, such as ``"slope-zero"``.
    """

    def __init__(self, message: str, *, hint: str = "", file: str = "", rule: str = "") -> None:
        super().__init__(message, hint=hint)
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
