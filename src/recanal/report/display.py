"""Numbers as words: the one place where a number of ``case.json`` becomes text."""

from __future__ import annotations

import math
import unicodedata
from itertools import pairwise
from typing import Any

from recanal.core.case import CaseReport, as_json
from recanal.rules.chance import chance_text

__all__ = ["NOT_ASSESSED", "NOT_MEASURABLE", "Display", "clean", "found_open", "nothing_found", "words"]

NOT_MEASURABLE = "not measurable"
NOT_ASSESSED = "not assessed"
_UNITS = {"mm": "", "deg": "", "hu": "", "percent": "", "years": "", "months": "", "min": ""}


def clean(value: Any) -> Any:
    r"""A copy of nested lists and dictionaries whose strings can be printed anywhere.

    Line breaks and tabs become spaces; control characters, lone surrogates, private characters and those that turn the
    reading direction become the replacement character.

    >>> clean({"a": ["two\nlines", "be\x07ll"]})
    {'a': ['two lines', 'be�ll']}
    """
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    spaced = " ".join(value.split()) if any(char in value for char in "\t\r\n\v\f") else value
    return "".join("\ufffd" if _unprintable(char) else char for char in spaced)


def _unprintable(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn", "Cf", "Zl", "Zp")


def found_open(case: CaseReport) -> bool:
    """Whether a tree was searched without points, and no lesion was found in it."""
    searched = case.provenance.parameters.get("mode") == "automatic" and bool(case.tree.segments)
    return searched and not case.lesions


def nothing_found(case: CaseReport) -> str:
    """What is said of a case without a lesion: how much was looked at, where the tree was found without points.

    Where one vessel alone was searched, only its length counts, and it is said that the others were not looked at.
    """
    if not found_open(case):
        return "No lesion was analysed."
    vessel = case.provenance.parameters.get("vessel")
    searched = [segment for segment in case.tree.segments if vessel is None or segment.vessel == vessel]
    length_mm = sum(math.dist(a, b) for segment in searched for a, b in pairwise(segment.points_mm))
    if vessel is None:
        return f"No occlusion was found on {length_mm:.0f} mm of coronary artery."
    others = "The other vessels were not looked at."
    if not searched:
        return f"No {vessel} was found, so no occlusion of it could be. {others}"
    return f"No occlusion was found on {length_mm:.0f} mm of the {vessel}. {others}"


def words(name: str) -> str:
    """A field name as a reader would say it.

    >>> words("prior_failed_attempt"), words("age_years"), words("lvef_percent")
    ('prior failed attempt', 'age', 'LVEF')
    """
    parts = name.split("_")
    while len(parts) > 1 and parts[-1] in _UNITS:
        parts.pop()
    short = {"lvef": "LVEF", "egfr": "eGFR", "mi": "MI", "cabg": "CABG", "pci": "PCI", "cto": "CTO", "cc": "CC"}
    short |= {"rentrop": "Rentrop", "werner": "Werner", "agatston": "Agatston", "ml": ""}
    return " ".join(word for part in parts if (word := short.get(part, part)))


class Display:
    """Text for the numbers of a case, looked up by their path in ``case.json``.

    Parameters
    ----------
    case
        The result. Its JSON form is read, not its fields, so that page, PDF and file round the same digits.

    Parameters
    ----------
    shown
        Every number that was put into words: path to text.
    """

    def __init__(self, case: CaseReport) -> None:
        self._document: dict[str, Any] = as_json(case)
        self.shown: dict[str, str] = {}

    def at(self, path: str) -> Any:
        """The JSON value at a dotted path, or None where there is none.

        Items of a list are numbered: ``lesions.0.length_mm.value``.
        """
        value: Any = self._document
        for key in path.split("."):
            if isinstance(value, list):
                value = value[int(key)] if int(key) < len(value) else None
            else:
                value = value.get(key) if isinstance(value, dict) else None
        return value

    def number(
        self, path: str, *, decimals: int = 1, unit: str = "", scale: float = 1.0, missing: str = NOT_MEASURABLE
    ) -> str:
        """One number with its unit, such as ``"402 HU"``."""
        digits = self._digits(path, decimals, scale)
        return missing if digits is None else _with_unit(digits, unit)

    def interval(
        self, path: str, *, decimals: int = 1, unit: str = "", scale: float = 1.0, missing: str = NOT_MEASURABLE
    ) -> str:
        """A number with its 95 % interval, such as ``"18.3 mm (17.2–19.1)"``."""
        value, low, high = (self._digits(f"{path}.{key}", decimals, scale) for key in ("value", "low", "high"))
        if value is None:
            return self.number(path, decimals=decimals, unit=unit, scale=scale, missing=missing)
        text = _with_unit(value, unit)
        if low is None or high is None:
            return text
        dash = " to " if "−" in low + high else "–"
        return f"{text} ({low}{dash}{high})"

    def chance(self, path: str, *, missing: str = NOT_MEASURABLE) -> str:
        """A probability in percent, such as ``"86 %"``; never 0 % or 100 %, for nothing measured is certain."""
        value = self.at(path)
        if value is None or isinstance(value, bool | dict | list | str):
            return missing
        text = chance_text(value)
        if text[0].isdigit():
            self.shown[path] = text.removesuffix(" %")
        return text

    def truth(self, path: str, *, missing: str = NOT_ASSESSED) -> str:
        """``"yes"``, ``"no"`` or what stands for unknown."""
        value = self.at(path)
        return missing if value is None else "yes" if value else "no"

    def word(self, path: str, *, missing: str = NOT_MEASURABLE) -> str:
        """A word of the result, or what stands for unknown."""
        value = self.at(path)
        return missing if value in (None, "") else str(value).replace("_", " ")

    def _digits(self, path: str, decimals: int, scale: float) -> str | None:
        value = self.at(path)
        if value is None or isinstance(value, bool | dict | list | str):
            return None
        text = f"{value * scale:.{decimals}f}"
        text = text.lstrip("-") if float(text) == 0 else text.replace("-", "−")
        self.shown[path] = text
        return text


def _with_unit(digits: str, unit: str) -> str:
    if not unit:
        return digits
    return f"{digits}°" if unit == "°" else f"{digits} {unit}"
