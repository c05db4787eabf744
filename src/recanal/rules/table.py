"""One TOML table, read field by field, with its place in the file for messages."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from recanal.errors import SheetError

__all__ = ["Table"]

_MOST = 1e12
_DOI = re.compile(r"10\.\d{4,9}/\S+")


class Table:
    """A TOML table that knows where it stands and what was read from it.

    Parameters
    ----------
    values
        The parsed table.
    place
        Its place, such as ``"j_cto: items[2].test"``.
    form
        The page that describes the form, for the hint of an error.
    """

    def __init__(self, values: Mapping[str, Any], place: str, *, form: str = "docs/scores.md") -> None:
        self._values = values
        self._place = place
        self._form = form
        self._read: set[str] = set()

    def error(self, key: str, what: str) -> SheetError:
        """The error to raise about a field."""
        where = self._place if ": " in self._place else f"{self._place}: "
        dot = "" if where.endswith(": ") else "."
        return SheetError(f"{where}{dot}{key}: {what}.", hint=f"The form is described in {self._form}.")

    def names(self) -> list[str]:
        """The keys of the table."""
        return list(self._values)

    def has(self, key: str) -> bool:
        """Whether the field is given."""
        return key in self._values

    def raw(self, key: str) -> Any:
        """The field as parsed."""
        if key not in self._values:
            raise self.error(key, "missing")
        self._read.add(key)
        return self._values[key]

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text that is not empty."""
        if default is not None and key not in self._values:
            return default
        value = self.raw(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"must be a text, got {reprlib.repr(value)}")
        return value

    def doi(self, key: str) -> str:
        """A digital object identifier."""
        value = self.text(key)
        if _DOI.fullmatch(value) is None:
            raise self.error(key, f"must be a DOI such as 10.1016/j.jcin.2010.09.024, got {value!r}")
        return value

    def one_of(self, key: str, words: Sequence[str], *, default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(key, default=default)
        if value not in words:
            raise self.error(key, f"must be one of {', '.join(words)}, got {value!r}")
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_MOST < value < _MOST:
            raise self.error(key, f"must be a finite number, got {reprlib.repr(value)}")
        return float(value)

    def count(self, key: str) -> int:
        """A whole number."""
        value = self.raw(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, f"must be a whole number, got {reprlib.repr(value)}")
        return value

    def truth(self, key: str, *, default: bool | None = None) -> bool:
        """True or false."""
        if default is not None and key not in self._values:
            return default
        value = self.raw(key)
        if not isinstance(value, bool):
            raise self.error(key, f"must be true or false, got {reprlib.repr(value)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when the field is not given."""
        values = self.raw(key) if key in self._values else []
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            raise self.error(key, "must be a list of texts")
        return tuple(values)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        values = self.raw(key)
        if not isinstance(values, list):
            raise self.error(key, "must be a list of numbers")
        inner = Table({str(k): value for k, value in enumerate(values)}, self._below(key), form=self._form)
        return tuple(inner.number(name) for name in inner.names())

    def table(self, key: str) -> Table:
        """A table inside this one."""
        value = self.raw(key)
        if not isinstance(value, dict):
            raise self.error(key, "must be a table")
        return Table(value, self._below(key), form=self._form)

    def tables(self, key: str, *, required: bool = False) -> list[Table]:
        """A list of tables inside this one; empty when it is not given and not required."""
        if key not in self._values and not required:
            return []
        values = self.raw(key)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(key, "must be a list of tables")
        if required and not values:
            raise self.error(key, "must not be empty")
        return [
            Table(value, self._below(f"{key}[{_label(value, k)}]"), form=self._form) for k, value in enumerate(values)
        ]

    def done(self) -> None:
        """Refuse fields that nobody read: a misspelt field would be lost in silence.

        Raises
        ------
        SheetError
            Naming the first such field.
        """
        left = [key for key in self._values if key not in self._read]
        if left:
            raise self.error(left[0], "unknown field")

    def _below(self, key: str) -> str:
        return f"{self._place}.{key}" if ": " in self._place else f"{self._place}: {key}"


def _label(value: Mapping[str, Any], position: int) -> str:
    name = value.get("name")
    return name if isinstance(name, str) else str(position)
