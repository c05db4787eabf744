"""Findings in words, with value, unit, interval and origin."""

from __future__ import annotations

from recanal.core.findings import Fact, FindingValue

__all__ = ["fact_phrase", "finding_words", "value_words"]

_UNITS = {
    "mm": "mm",
    "mm2": "mm2",
    "mm3": "mm3",
    "deg": "deg",
    "hu": "HU",
    "percent": "%",
    "years": "years",
    "months": "months",
}
_SHORT = {"cto": "CTO", "ctop": "CTOP", "ivus": "IVUS", "cabg": "CABG", "pci": "PCI", "mi": "MI", "cc": "CC"}
_ORIGIN = {"ct": "CT", "angiogram": "angiogram", "typed": "typed"}


def finding_words(name: str) -> str:
    """A finding as a reader would say it, without its unit.

    >>> finding_words("length_mm"), finding_words("ctop_type")
    ('length', 'CTOP type')
    """
    parts = name.split("_")
    if len(parts) > 1 and parts[-1] in _UNITS:
        parts.pop()
    return " ".join(_SHORT.get(part, part) for part in parts)


def value_words(name: str, value: FindingValue) -> str:
    """A value with its unit.

    >>> value_words("length_mm", 22.54), value_words("ostial", False)
    ('22.5 mm', 'no')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    unit = _UNITS.get(name.rpartition("_")[2], "")
    decimals = 2 if name.endswith("_ratio") else 1
    return f"{round(value, decimals):g} {unit}".strip()


def fact_phrase(name: str, fact: Fact) -> str:
    """A fact with where it comes from.

    >>> fact_phrase("length_mm", Fact(22.0, "ct", 19.0, 24.0))
    'length 22 mm (19 mm to 24 mm; CT)'
    >>> fact_phrase("ostial", Fact(False))
    'ostial: no (typed)'
    """
    origin = _ORIGIN[fact.source] + (f", confirmed by {fact.confirmed_by}" if fact.confirmed_by else "")
    shown = value_words(name, fact.value)
    if isinstance(fact.value, bool | str):
        sure = "" if fact.prob is None else f"; probability {_percent(_prob_of_value(fact))}"
        return f"{finding_words(name)}: {shown} ({origin}{sure})"
    span = ""
    if fact.low is not None and fact.high is not None and fact.low != fact.high:
        span = f"{value_words(name, fact.low)} to {value_words(name, fact.high)}; "
    return f"{finding_words(name)} {shown} ({span}{origin})"


def _percent(prob: float) -> str:
    """A probability as it is read: no certainty that was not measured."""
    if prob > 0.99:
        return "over 99 %"
    return "below 1 %" if prob < 0.01 else f"{100 * prob:.0f} %"


def _prob_of_value(fact: Fact) -> float:
    prob = 1.0 if fact.prob is None else fact.prob
    return 1.0 - prob if fact.value is False else prob
