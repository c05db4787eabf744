"""Findings in words, with value, unit, interval and origin; in the form in which the report gives them."""

from __future__ import annotations

from recanal.core.findings import Fact, FindingValue, vocabulary
from recanal.rules.chance import SURE_SHARE, chance_text

__all__ = ["fact_phrase", "fact_value", "finding_words", "value_words"]

_UNITS = {"_mm": " mm", "_mm2": " mm²", "_mm3": " mm³", "_deg": "°", "_hu": " HU", "_percent": " %"}
_UNITS |= {"_years": " years", "_months": " months", "_ml_min": " ml/min", "_mmhg": " mmHg", "_m": " m"}
_SHARES = ("calcium_cross_section_max_ratio", "calcium_length_ratio")
_SHORT = {"cto": "CTO", "ctop": "CTOP", "ivus": "IVUS", "cabg": "CABG", "pci": "PCI", "mi": "MI", "cc": "CC"}
_ORIGIN = {"ct": "CT", "angiogram": "angiogram", "typed": "entered"}


def finding_words(name: str) -> str:
    """A finding as a reader would say it within a sentence, without its unit.

    >>> finding_words("bend_max_deg"), finding_words("ctop_type")
    ('largest bend', 'CTOP type')
    """
    known = vocabulary().get(name)
    if known is not None and known.label:
        proper = known.label[1:2].isupper() or known.label.startswith(("Rentrop", "Werner", "Agatston"))
        return known.label if proper else known.label[:1].lower() + known.label[1:]
    bare = next((name.removesuffix(end) for end in _UNITS if name.endswith(end)), name)
    return " ".join(_SHORT.get(part, part) for part in bare.split("_"))


def value_words(name: str, value: FindingValue) -> str:
    """A value that a rule names, with its unit.

    >>> value_words("length_mm", 22.54), value_words("bend_max_deg", 45.0), value_words("ostial", False)
    ('22.5 mm', '45°', 'no')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("_", " ")
    if name in _SHARES:
        return f"{100 * value:.0f} %"
    return f"{round(value, 2 if name.endswith('_ratio') else 1):g}{_unit(name)}"


def fact_phrase(name: str, fact: Fact) -> str:
    """A fact with where it comes from.

    >>> fact_phrase("length_mm", Fact(22.0, "ct", 19.0, 24.0))
    'length 22.0 mm (19.0–24.0; CT)'
    >>> fact_phrase("ostial", Fact(False)), fact_phrase("calcification_severe", Fact(False, "ct", prob=0.38))
    ('ostial: no (entered)', 'severe calcium: no (62 % likely; CT)')
    """
    origin = _ORIGIN[fact.source] + (f", confirmed by {fact.confirmed_by}" if fact.confirmed_by else "")
    if isinstance(fact.value, bool | str):
        share = 1.0 if fact.prob is None else 1.0 - fact.prob if fact.value is False else fact.prob
        likely = "" if share >= SURE_SHARE else f"{chance_text(share)} likely; "
        return f"{finding_words(name)}: {value_words(name, fact.value)} ({likely}{origin})"
    span = ""
    if fact.low is not None and fact.high is not None and fact.low != fact.high:
        low, high = (_digits(name, end, fact) for end in (fact.low, fact.high))
        span = f"{low}{' to ' if '−' in low + high else '–'}{high}; "
    return f"{finding_words(name)} {fact_value(name, fact)} ({span}{origin})"


def fact_value(name: str, fact: Fact) -> str:
    """The value of a fact with its unit and the digits that its source bears."""
    if isinstance(fact.value, bool | str):
        return value_words(name, fact.value)
    return f"{_digits(name, fact.value, fact)}{_unit(name)}"


def _digits(name: str, value: float, fact: Fact) -> str:
    if name in _SHARES:
        return f"{100 * value:.0f}"
    decimals = 2 if name.endswith("_ratio") else 1
    whole = fact.source != "ct" and float(fact.value).is_integer() and fact.low is None
    if whole or (name.endswith(("_deg", "_hu")) and fact.source == "ct"):
        decimals = 0
    return f"{value:.{decimals}f}".replace("-", "−")


def _unit(name: str) -> str:
    return " %" if name in _SHARES else next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")
