"""Fields of a row as typed: text, whole numbers, lists, each with the place it stands at for the error message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from recanal.errors import TableError

__all__ = ["Fields"]

_T = TypeVar("_T")
_MOST_COUNT = 10**7


class Fields:
    """The fields of one row; every error names the place, the field, the value and the rule.

    Parameters
    ----------
    values
        Field names and values.
    place
        Where they stand, for messages: ``line 7`` or ``table 'Table 2', row 'Age'``.
    """

    def __init__(self, values: Mapping[str, Any], place: str) -> None:
        self._values, self.place = dict(values), place

    def refuse_others(self, known: Sequence[str]) -> None:
        """Refuse a field that the kind of row does not have.

        Raises
        ------
        TableError
            When there is one.
        """
        others = [name for name in self._values if name not in known]
        if others:
            raise TableError(f"{self.place}: no field {others[0]!r} here.", hint=f"Fields: {', '.join(known)}.")

    def has(self, name: str) -> bool:
        """Whether a field is given."""
        return self._values.get(name) not in (None, "", [], {})

    def text(self, name: str, *, default: str | None = None) -> str:
        """A text.

        Raises
        ------
        TableError
            When it is missing without a default, or no text.
        """
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (not value.strip() and default is None):
            raise self.error(name, "a text in quotes, as printed")
        if not all(letter.isprintable() for letter in value):
            raise self.error(name, "a text without control characters")
        return value.strip()

    def parsed(self, name: str, parse: Callable[[str], _T]) -> _T:
        """A printed number or cell.

        Raises
        ------
        TableError
            When it is missing or cannot be read.
        """
        return self._parsed(name, self.text(name), parse)

    def maybe(self, name: str, parse: Callable[[str], _T]) -> _T | None:
        """As :meth:`parsed`, None where the field is missing or empty."""
        return self.parsed(name, parse) if self.has(name) else None

    def cells(self, name: str, parse: Callable[[str], _T], *, count: int | None = None) -> tuple[_T, ...]:
        """A list of printed cells, as many as groups.

        Raises
        ------
        TableError
            When it is no list of texts, has another length, or a cell cannot be read.
        """
        value = self._values.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(cell, str) for cell in value):
            raise self.error(name, "a list of texts, one per group")
        if count is not None and len(value) != count:
            raise TableError(f"{self.place}, {name}: {len(value)} cells for {count} groups.")
        return tuple(self._parsed(name, cell, parse) for cell in value)

    def whole(self, name: str, *, default: int | None = None) -> int:
        """A whole number of 0 or more.

        Raises
        ------
        TableError
            When it is missing without a default, or something else.
        """
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_COUNT:
            raise self.error(name, "a whole number from 0 to 10 million")
        return value

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers of 0 or more.

        Raises
        ------
        TableError
            When it is something else.
        """
        value = self._values.get(name)
        if not isinstance(value, list) or not value:
            raise self.error(name, "a list of whole numbers")
        return tuple(Fields({name: one}, self.place).whole(name) for one in value)

    def number(self, name: str, *, default_value: float | None = None) -> float | None:
        """A number, whole or not.

        Raises
        ------
        TableError
            When it is something else.
        """
        value = self._values.get(name, default_value)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST_COUNT:
            raise self.error(name, "a number")
        return float(value)

    def yes(self, name: str) -> bool:
        """Whether a field is true; false where it is missing.

        Raises
        ------
        TableError
            When it is neither.
        """
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def items(self, name: str) -> list[Mapping[str, Any]]:
        """A list of tables.

        Raises
        ------
        TableError
            When it is something else or empty.
        """
        value = self._values.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
            raise self.error(name, "a list of tables in braces")
        return value

    def table(self, name: str) -> Mapping[str, Any]:
        """A table of names and values.

        Raises
        ------
        TableError
            When it is something else or empty.
        """
        value = self._values.get(name)
        if not isinstance(value, dict) or not value:
            raise self.error(name, "a table of names and values")
        return value

    def error(self, name: str, rule: str) -> TableError:
        """The error for a field that breaks a rule."""
        if name not in self._values:
            return TableError(f"{self.place}: the field {name!r} is missing; it must be {rule}.")
        value = repr(self._values[name])
        shown = value if len(value) <= 60 else f"{value[:57]}..."
        return TableError(f"{self.place}, {name}: must be {rule}, got {shown}.")

    def _parsed(self, name: str, text: str, parse: Callable[[str], _T]) -> _T:
        try:
            return parse(text)
        except TableError as error:
            raise TableError(f"{self.place}, {name}: {error.message}", hint=error.hint) from None
