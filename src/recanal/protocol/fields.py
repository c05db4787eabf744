"""Typed values out of a table of a plan; every refusal names line, key, value and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recanal.protocol.place import UNPRINTABLE, Place, shown, similar

__all__ = ["Fields"]

_ID = re.compile(r"[a-z][a-z0-9_]*")
_REQUIRED: Any = object()


@dataclass(frozen=True)
class Fields:
    """A table of a plan and where it stands."""

    values: Mapping[str, Any]
    place: Place

    def only(self, *names: str) -> None:
        """Refuse keys that are not among ``names``.

        Raises
        ------
        StudyError
            Naming the first such key, with the nearest one that is allowed.
        """
        for key in self.values:
            if key not in names:
                allowed = f"allowed: {', '.join(names)}."
                raise self.place.error(key, "there is no such key.", hint=f"{similar(key, names)} {allowed}")

    def has(self, key: str) -> bool:
        """Whether the key is given."""
        return key in self.values

    def text(self, key: str, default: Any = _REQUIRED) -> str:
        """A text that is not empty."""
        value = self._get(key, default)
        if value is default and not isinstance(value, str):
            return str(value)
        if not isinstance(value, str) or (not value.strip() and value != default):
            raise self._wrong(key, "a text", value)
        if UNPRINTABLE.search(value):
            raise self._wrong(key, "a text of printed letters", value)
        return value.strip()

    def word(self, key: str, allowed: Sequence[str], default: Any = _REQUIRED) -> str:
        """One of the allowed words."""
        value = self._get(key, default)
        if value not in allowed:
            hint = similar(value, allowed) if isinstance(value, str) else ""
            raise self.place.error(key, f"got {shown(value)}; allowed: {', '.join(allowed)}.", hint=hint)
        return str(value)

    def identifier(self, key: str, default: str) -> str:
        """A name for files: lower-case letters, digits and underscores."""
        value = self.text(key, default)
        if not _ID.fullmatch(value) or len(value) > 60:
            raise self.place.error(key, f"got {shown(value)}; allowed: lower-case letters, digits, underscores.")
        return value

    def names(self, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        """A list of names, none twice."""
        value = self._get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self._wrong(key, 'a list of names, such as ["age_years"]', value)
        twice = [name for number, name in enumerate(value) if name in value[:number]]
        if twice:
            raise self.place.error(key, f"{shown(twice[0])} stands twice.")
        return tuple(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false", value)
        return value

    def number(self, key: str, value_range: tuple[float, float], default: Any = _REQUIRED) -> float:
        """A number within closed bounds."""
        value = self._get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not value_range[0] <= value <= value_range[1]
        ):
            raise self._wrong(key, f"a number from {value_range[0]:g} to {value_range[1]:g}", value)
        return float(value)

    def whole(self, key: str, bounds: tuple[int, int], default: Any = _REQUIRED) -> int:
        """A whole number within closed bounds."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not bounds[0] <= value <= bounds[1]:
            raise self._wrong(key, f"a whole number from {bounds[0]} to {bounds[1]}", value)
        return value

    def numbers(self, key: str, default: Any = _REQUIRED) -> tuple[float, ...]:
        """A list of rising numbers."""
        value = self._get(key, default)
        good = isinstance(value, list | tuple) and all(
            isinstance(item, int | float) and not isinstance(item, bool) for item in value
        )
        if not good or list(value) != sorted(set(value)):
            raise self._wrong(key, "a list of rising numbers, such as [3, 4, 5]", value)
        return tuple(float(item) for item in value)

    def scalar(self, key: str, default: Any = _REQUIRED) -> str:
        """A level of a variable, as text: ``1``, ``"1"`` and ``true`` all become ``"1"``."""
        value = self._get(key, default)
        if isinstance(value, bool):
            return str(int(value))
        if not isinstance(value, str | int) or value == "":
            raise self._wrong(key, "a level of the variable, as a text or a whole number", value)
        return str(value)

    def pairs(self, key: str, allowed: Sequence[str] = ()) -> dict[str, str]:
        """A table of texts, empty where the key is not given; values among ``allowed`` where that is given."""
        value = self._get(key, {})
        if not isinstance(value, Mapping):
            raise self._wrong(key, "a table, such as { name = value }", value)
        inner = Fields(value, self.place.inside(key))
        return {name: inner.word(name, allowed) if allowed else inner.text(name) for name in value}

    def pairs_of_self(self) -> dict[str, str]:
        """The whole table as texts by name."""
        return {name: self.text(name) for name in self.values}

    def levels_of(self, key: str) -> dict[str, str]:
        """The levels of a variable in order: a list of codes, or a table of codes and their names."""
        value = self.values[key]
        if isinstance(value, list):
            codes = [str(int(item)) if isinstance(item, bool) else str(item) for item in value]
            if len(codes) < 2 or len(set(codes)) < len(codes) or not all(isinstance(item, str | int) for item in value):
                raise self._wrong(key, "a list of two or more levels", value)
            return {code: code for code in codes}
        words = self.pairs(key)
        if len(words) < 2 or len(set(words.values())) < len(words):
            raise self._wrong(key, 'two or more levels with names of their own, such as { 1 = "yes", 0 = "no" }', value)
        return words

    def table(self, key: str) -> Fields:
        """A table; empty where the key is not given."""
        value = self._get(key, {})
        if not isinstance(value, Mapping):
            raise self._wrong(key, f"a table [{self.place.name(key)}]", value)
        return Fields(value, self.place.inside(key))

    def tables(self, key: str) -> tuple[Fields, ...]:
        """The items of a list of tables; empty where the key is not given."""
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise self._wrong(key, f"a list of tables [[{self.place.name(key)}]]", value)
        return tuple(Fields(item, self.place.inside(key, number)) for number, item in enumerate(value))

    def needs_one(self, keys: Iterable[str]) -> str:
        """The one of several keys that is given.

        Raises
        ------
        StudyError
            When none or more than one is given.
        """
        keys = list(keys)
        given = [key for key in keys if key in self.values]
        if len(given) != 1:
            said = "none of them is given" if not given else f"{' and '.join(given)} are given"
            raise self.place.error(given[-1] if given else "", f"needs one of {', '.join(keys)}; {said}.")
        return given[0]

    def _get(self, key: str, default: Any) -> Any:
        if key in self.values:
            return self.values[key]
        if default is _REQUIRED:
            raise self.place.error(key, "is missing.", hint="`recanal study --template` prints a plan.")
        return default

    def _wrong(self, key: str, wanted: str, value: Any) -> Exception:
        return self.place.error(key, f"must be {wanted}, got {shown(value)}.")
