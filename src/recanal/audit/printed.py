"""Numbers as they are printed: the value, and what the rounding leaves open."""

from __future__ import annotations

import re
from dataclasses import dataclass

from recanal.errors import TableError

__all__ = [
    "CountCell",
    "MeanCell",
    "Printed",
    "PrintedP",
    "SpanCell",
    "parse_count_cell",
    "parse_mean_cell",
    "parse_number",
    "parse_p",
    "parse_span_cell",
]

_SLACK = 1e-9
_NUMBER = r"[-+]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})"
_PLAIN = re.compile(_NUMBER)
_COUNT = re.compile(
    rf"(?P<count>\d{{1,8}})(?:\s*/\s*(?P<total>\d{{1,8}}))?(?:\s*\(\s*(?P<percent>{_NUMBER})\s*%?\s*\))?|(?P<only>{_NUMBER})\s*%"
)
_MEAN = re.compile(rf"(?P<mean>{_NUMBER})(?:\s*(?:±|\+/?-)\s*(?P<sd>{_NUMBER})|\s*\(\s*(?P<sd2>{_NUMBER})\s*\))?")
_SPAN = re.compile(
    rf"(?P<value>{_NUMBER})\s*[(\[]\s*(?P<low>{_NUMBER})\s*(?:-|to|;|,|/|\s)\s*(?P<high>{_NUMBER})\s*[)\]]"
)
_P = re.compile(rf"(?:p\s*)?(?P<relation><=|>=|<|>|=)?\s*(?P<number>{_NUMBER})", re.IGNORECASE)
_COMMA = re.compile(r"\d,\d")
_SAME = str.maketrans({"−": "-", "–": "-", "—": "-", "·": ".", "≤": "<", "≥": ">", "\u00a0": " ", "\u2009": " "})


@dataclass(frozen=True)
class Printed:
    """A printed number.

    Parameters
    ----------
    text
        As printed.
    value
        Its value.
    decimals
        Digits after the point; the number was rounded to so many.
    """

    text: str
    value: float
    decimals: int

    @property
    def unit_value(self) -> float:
        """One unit in the last printed place."""
        return float(10.0**-self.decimals)

    @property
    def low(self) -> float:
        """Least value that rounds to it."""
        return self.value - self.unit_value / 2

    @property
    def high(self) -> float:
        """Greatest value that rounds to it."""
        return self.value + self.unit_value / 2

    def agrees(self, low: float, high: float | None = None) -> bool:
        """Whether some number from ``low`` to ``high`` (or ``low`` itself) rounds to it, a half either way."""
        top = low if high is None else high
        slack = _SLACK * max(1.0, abs(self.value))
        return low <= self.high + slack and top >= self.low - slack

    def nearly(self, low: float, high: float | None = None) -> bool:
        """As :meth:`agrees`, or off by no more than one unit in the last place (truncated, or rounded twice)."""
        top = low if high is None else high
        slack = self.unit_value + _SLACK * max(1.0, abs(self.value))
        return low <= self.value + slack and top >= self.value - slack


@dataclass(frozen=True)
class PrintedP:
    """A printed P value.

    Parameters
    ----------
    text
        As printed.
    relation
        ``=``, ``<`` or ``>``.
    number
        The number after it.
    """

    text: str
    relation: str
    number: Printed

    def admits(self, low: float, high: float | None = None) -> bool:
        """Whether a P value from ``low`` to ``high`` (or ``low`` itself) could be printed so."""
        top = low if high is None else high
        if self.relation == "<":
            return low < self.number.value
        if self.relation == ">":
            return top > self.number.value
        return self.number.agrees(low, top)

    @property
    def limits(self) -> tuple[float, float]:
        """Least and greatest P value that could be printed so."""
        if self.relation == "<":
            return 0.0, self.number.value
        if self.relation == ">":
            return self.number.value, 1.0
        return max(0.0, self.number.low), min(1.0, self.number.high)


@dataclass(frozen=True)
class CountCell:
    """A count, with its denominator and percentage where they are printed.

    Parameters
    ----------
    text
        As printed.
    count, total
        The numbers; None where not printed.
    percent
        The percentage; None where not printed.
    """

    text: str
    count: int | None
    total: int | None
    percent: Printed | None


@dataclass(frozen=True)
class MeanCell:
    """A mean with its standard deviation; None for a single case."""

    text: str
    mean: Printed
    sd: Printed | None


@dataclass(frozen=True)
class SpanCell:
    """A number with a lower and an upper one: a median with quartiles, an estimate with its interval."""

    text: str
    centre: Printed
    low: Printed
    high: Printed


def parse_number(text: str) -> Printed:
    """A plain number, such as ``12.50``.

    Raises
    ------
    TableError
        When it is none.

    Examples
    --------
    >>> number = parse_number("0.970")
    >>> number.value, number.decimals, number.agrees(0.9697)
    (0.97, 3, True)
    """
    plain = _tidy(text)
    if not _PLAIN.fullmatch(plain):
        raise TableError(f"{text!r} is not a number.", hint=_how(text, "Type it as printed, with a point: 12.50."))
    return _printed(plain)


def parse_p(text: str) -> PrintedP:
    """A P value, such as ``0.030``, ``<0.001``, ``P = 0.5`` or ``NS``.

    ``NS`` is read as P > 0.05.

    Raises
    ------
    TableError
        When it is none, or lies outside 0 to 1.
    """
    plain = _tidy(text)
    if plain.lower() in ("ns", "n.s."):
        return PrintedP(text, ">", _printed("0.05"))
    match = _P.fullmatch(plain)
    if match is None or not 0 <= float(match["number"]) <= 1:
        raise TableError(f"{text!r} is not a P value.", hint=_how(text, "Type it as printed: 0.030, <0.001 or NS."))
    return PrintedP(text, (match["relation"] or "=")[0], _printed(match["number"]))


def parse_count_cell(text: str) -> CountCell:
    """A count: ``30``, ``30/131``, ``30 (22.9)``, ``30/131 (22.9%)`` or ``22.9%``.

    Raises
    ------
    TableError
        When it is none.
    """
    match = _COUNT.fullmatch(_tidy(text))
    if match is None:
        raise TableError(
            f"{text!r} is not a count.",
            hint=_how(text, "Type it as printed: 30, 30/131, 30 (22.9), 30/131 (22.9%) or 22.9%."),
        )
    percent = match["percent"] or match["only"]
    return CountCell(
        text,
        int(match["count"]) if match["count"] else None,
        int(match["total"]) if match["total"] else None,
        _printed(percent) if percent else None,
    )


def parse_mean_cell(text: str) -> MeanCell:
    """A mean with its standard deviation: ``58.84 ± 11.20``, ``58.84 +- 11.20``, ``58.84 (11.20)`` or ``86``.

    Raises
    ------
    TableError
        When it is none, or the standard deviation is negative.
    """
    match = _MEAN.fullmatch(_tidy(text))
    if match is None:
        raise TableError(f"{text!r} is not a mean with its SD.", hint=_how(text, "Type it as printed: 58.84 ± 11.20."))
    sd = match["sd"] or match["sd2"]
    if sd is not None and float(sd) < 0:
        raise TableError(f"{text!r} holds a negative standard deviation.")
    return MeanCell(text, _printed(match["mean"]), _printed(sd) if sd else None)


def parse_span_cell(text: str) -> SpanCell:
    """A number with two others: ``16.45 (9.50-27.00)`` or ``0.970 [0.950 to 0.991]``.

    Raises
    ------
    TableError
        When it is none.
    """
    match = _SPAN.fullmatch(_tidy(text))
    if match is None:
        raise TableError(
            f"{text!r} is not a number with a lower and an upper one.",
            hint=_how(text, "Type it as printed: 0.970 (0.950-0.991)."),
        )
    return SpanCell(text, *(_printed(match[part]) for part in ("value", "low", "high")))


def _how(text: str, usual: str) -> str:
    """What to do about a text that is not read."""
    if _COMMA.search(text):
        return "Type a point for the decimals, 12.50, and nothing between thousands, 1250."
    return usual


def _tidy(text: str) -> str:
    return " ".join(text.translate(_SAME).split())


def _printed(text: str) -> Printed:
    return Printed(text, float(text), len(text.partition(".")[2]))
