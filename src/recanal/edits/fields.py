"""The fields of one correction, read one by one; what is left over is refused."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from recanal.edits.actions import Place, Point
from recanal.errors import EditError, shown_text

__all__ = ["Fields"]

FARTHEST_MM = 1e5
_LESION = re.compile(r"L[1-9][0-9]{0,2}")
_PLACES = ("point_mm", "arc_mm", "position_mm")


class Fields:
    """A table of the file with the words that say where it stands.

    Parameters
    ----------
    table
        From the file.
    where
        Such as ``"edits[2] (set_cap)"``.
    """

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._table = table
        self._where = where
        self._read: set[str] = set()

    def refusal(self, field: str, wrong: str, hint: str) -> EditError:
        """The error that names a field."""
        return EditError(f"{self._where}: {field}: {wrong}.", hint=hint)

    def has(self, field: str) -> bool:
        """Whether a field is given."""
        return field in self._table

    def _value(self, field: str, hint: str) -> Any:
        self._read.add(field)
        if field not in self._table:
            raise self.refusal(field, "is missing", hint)
        return self._table[field]

    def text(self, field: str, *, most: int = 200) -> str:
        """A text that is not empty."""
        hint = f"Give a text of at most {most} characters."
        value = self._value(field, hint)
        if not isinstance(value, str) or not value.strip() or len(value) > most or not value.isprintable():
            raise self.refusal(field, f"must be a text of printable characters, got {_got(value)}", hint)
        return value.strip()

    def word(self, field: str, choices: Sequence[str]) -> str:
        """One of the given words."""
        hint = f"Use {' or '.join(choices)}."
        value = self._value(field, hint)
        if value not in choices:
            raise self.refusal(field, f"is not known: {_got(value)}", hint)
        return str(value)

    def lesion(self, field: str) -> str:
        """The id of a lesion."""
        hint = 'Give the id of a lesion, such as "L1".'
        return self._id(field, self._value(field, hint), hint)

    def lesion_or_none(self, field: str = "lesion") -> str | None:
        """The id of a lesion where one is given."""
        return self.lesion(field) if self.has(field) else None

    def two_lesions(self, field: str) -> tuple[str, str]:
        """The ids of two lesions."""
        hint = 'Give the ids of two neighbouring lesions, such as ["L1", "L2"].'
        value = self._value(field, hint)
        if not isinstance(value, list) or len(value) != 2 or value[0] == value[1]:
            raise self.refusal(field, f"must hold two different ids, got {_got(value)}", hint)
        return self._id(field, value[0], hint), self._id(field, value[1], hint)

    def _id(self, field: str, value: Any, hint: str) -> str:
        if not isinstance(value, str) or not _LESION.fullmatch(value):
            raise self.refusal(field, f"must be the id of a lesion, got {_got(value)}", hint)
        return value

    def number(self, field: str, *, low: float, high: float, default_value: float | None = None) -> float:
        """A number within bounds; the default where the field is not given."""
        if default_value is not None and not self.has(field):
            return default_value
        hint = f"Give a number from {low:g} to {high:g}."
        value = self._value(field, hint)
        if not _is_number(value) or not low <= value <= high:
            raise self.refusal(field, f"must be a number from {low:g} to {high:g}, got {_got(value)}", hint)
        return float(value)

    def point(self, field: str) -> Point:
        """An LPS point."""
        hint = "Give [x, y, z] in LPS millimetres of this series."
        return self._point(field, self._value(field, hint), hint)

    def points(self, field: str, *, least: int, most: int) -> tuple[Point, ...]:
        """A list of LPS points."""
        hint = f"Give {least} to {most} points [x, y, z] in LPS millimetres."
        value = self._value(field, hint)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.refusal(field, f"must hold {least} to {most} points, got {_got(value)}", hint)
        return tuple(self._point(f"{field}[{k}]", item, hint) for k, item in enumerate(value))

    def radii(self, field: str, *, high_mm: float) -> tuple[float, ...]:
        """Radii on rays."""
        hint = f"Give 8 to 720 radii above 0 and at most {high_mm:g} mm, one for each evenly spaced ray."
        value = self._value(field, hint)
        if not isinstance(value, list) or not 8 <= len(value) <= 720:
            raise self.refusal(field, f"must hold 8 to 720 numbers, got {_got(value)}", hint)
        for k, item in enumerate(value):
            if not _is_number(item) or not 0 < item <= high_mm:
                raise self.refusal(f"{field}[{k}]", f"must lie above 0 and at most {high_mm:g}, got {_got(item)}", hint)
        return tuple(float(item) for item in value)

    def place(self, field: str) -> Place:
        """A place on the axis."""
        hint = 'Write {"point_mm": [x, y, z]}, {"arc_mm": s} or {"position_mm": s}.'
        value = self._value(field, hint)
        if not isinstance(value, Mapping):
            raise self.refusal(field, f"must be a place on the axis, got {_got(value)}", hint)
        inner = Fields(value, f"{self._where}: {field}")
        given = [name for name in _PLACES if name in value]
        if len(given) != 1:
            raise self.refusal(field, f"needs exactly one of {', '.join(_PLACES)}, got {len(given)}", hint)
        lesion = inner.lesion_or_none()
        name = given[0]
        if name == "point_mm":
            place = Place(point_mm=inner.point(name), lesion=lesion)
        elif name == "arc_mm":
            place = Place(arc_mm=inner.number(name, low=0.0, high=FARTHEST_MM), lesion=lesion)
        else:
            place = Place(position_mm=inner.number(name, low=-FARTHEST_MM, high=FARTHEST_MM), lesion=lesion)
        inner.nothing_left()
        return place

    def nothing_left(self) -> None:
        """Refuse fields that nobody read."""
        unknown = [name for name in self._table if name not in self._read]
        if not unknown:
            return
        close = difflib.get_close_matches(str(unknown[0]), sorted(self._read), n=1)
        hint = f"Did you mean {close[0]}?" if close else f"The fields are {', '.join(sorted(self._read))}."
        raise self.refusal(ascii(unknown[0])[:60], "is no field here", hint)

    def _point(self, field: str, value: Any, hint: str) -> Point:
        if not isinstance(value, list) or len(value) != 3 or not all(_is_number(x) for x in value):
            raise self.refusal(field, f"must be three finite numbers, got {_got(value)}", hint)
        if max(abs(x) for x in value) > FARTHEST_MM:
            raise self.refusal(field, f"lies beyond 100 m: {_got(value)}", hint)
        return float(value[0]), float(value[1]), float(value[2])


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)  # a whole number too large for a float is finite


def _got(value: Any) -> str:
    """A value in a few signs that can be printed anywhere, and that name no patient."""
    if isinstance(value, str):
        return shown_text(value)
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
