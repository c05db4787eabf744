"""Findings and score items as a reader would say them."""

from __future__ import annotations

import re

from recanal.core.findings import Fact, vocabulary
from recanal.report.display import words
from recanal.rules.chance import SURE_SHARE, chance_text

__all__ = [
    "finding_label",
    "finding_text",
    "finding_unit",
    "item_label",
    "likely_text",
    "signs",
    "source_text",
    "variant_label",
]

_UNITS = {"_mm": "mm", "_mm3": "mm³", "_deg": "°", "_hu": "HU", "_percent": "%", "_years": "years"}
_UNITS |= {"_months": "months", "_ml_min": "ml/min", "_mmhg": "mmHg", "_m": "m"}
_SHARES = ("calcium_cross_section_max_ratio", "calcium_length_ratio")  # said in percent, as where they are measured
_SHORT = {name.lower(): name for name in ("ABI", "CFA", "CIA", "CT", "CTA", "EIA", "IVUS", "LAD", "LCX", "LM", "RCA")}
_SHORT |= {name.lower(): name for name in ("SFA", "SYNTAX", "TIMI", "TcPO2", "WIfI")} | {"ge70": "≥70 %"}
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_SIGN = re.compile(r"\b(ge|gt|le|lt) ?(\d+(?: \d+)?)(mo|mm|y)?\b")
_SPANS = {"mo": " months", "mm": " mm", "y": " years"}
_VARIANTS = {"ge20": "length ≥20 mm", "gt20": "length >20 mm"}


def finding_label(name: str) -> str:
    """The name of a finding, in words.

    >>> finding_label("prior_failed_attempt"), finding_label("toe_pressure_mmhg"), finding_label("sfa_occlusion_flush")
    ('Earlier failed attempt', 'Toe pressure', 'SFA occlusion flush')
    """
    known = vocabulary().get(name)
    if known is not None and known.label:
        return known.label
    bare = name.removesuffix("_count").removesuffix("_ratio").removesuffix("_mmhg").removesuffix("_m")
    plain = " ".join(_SHORT.get(word, word) for word in words(bare).split())
    return plain[:1].upper() + plain[1:]


def finding_unit(name: str) -> str:
    """The unit of a finding, or nothing.

    >>> finding_unit("length_mm"), finding_unit("bend_max_deg"), finding_unit("rentrop_grade")
    ('mm', '°', '')
    """
    return next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")


def finding_text(name: str, fact: Fact) -> str:
    """The value of a finding with its interval and unit, or with how likely it is where that is not certain.

    >>> finding_text("length_mm", Fact(26.76, "ct", 24.82, 28.69)), finding_text("in_stent", Fact(False))
    ('26.8 mm (24.8–28.7)', 'no')
    >>> finding_text("calcification_severe", Fact(False, "ct", prob=0.38))
    'no (62 % likely)'
    >>> finding_text("calcium_cross_section_max_ratio", Fact(0.448, "ct", 0.37, 0.52))
    '45 % (37–52)'
    """
    if isinstance(fact.value, bool | str):
        word = fact.value.replace("_", " ") if isinstance(fact.value, str) else "yes" if fact.value else "no"
        share = None if fact.prob is None else 1 - fact.prob if fact.value is False else fact.prob
        return f"{word}{likely_text(share)}"
    scale, decimals, unit = (100, 0, "%") if name in _SHARES else (1, _decimals(name, fact), finding_unit(name))
    out = f"{_digits(scale * fact.value, decimals)}{'' if unit in ('', '°') else ' '}{unit}"
    if fact.low is None or fact.high is None:
        return out
    low, high = (_digits(scale * end, decimals) for end in (fact.low, fact.high))
    return f"{out} ({low}{' to ' if '−' in low + high else '–'}{high})"


def likely_text(share: float | None) -> str:
    """How likely what was said is, in brackets; nothing where it is certain, or as good as that."""
    return "" if share is None or share >= SURE_SHARE else f" ({chance_text(share)} likely)"


def signs(words: str) -> str:
    """Comparisons and degrees as a printer sets them.

    >>> signs("bend > 45 deg, length >= 20 mm")
    'bend >45°, length ≥20 mm'
    """
    set_words = words.replace("<=", "≤").replace(">=", "≥")
    return re.sub(r"([<>≤≥]) (?=\d)", r"\1", re.sub(r"(?<=\d) deg\b", "°", set_words))


def _digits(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−")


def _decimals(name: str, fact: Fact) -> int:
    if name.endswith("_ratio"):
        return 2
    if name.endswith(("_deg", "_hu")) and fact.source == "ct":
        return 0
    return 0 if fact.source != "ct" and float(fact.value).is_integer() and fact.low is None else 1


def source_text(fact: Fact) -> str:
    """Where a finding comes from.

    >>> source_text(Fact(2.0, "angiogram", confirmed_by="reader 1")), source_text(Fact(True))
    ('angiogram, confirmed by reader 1', 'entered')
    """
    source = {"ct": "CT", "typed": "entered"}.get(fact.source, fact.source)
    return f"{source}, confirmed by {fact.confirmed_by}" if fact.confirmed_by else source


def item_label(name: str, findings: tuple[str, ...] = ()) -> str:
    """An item of a score sheet, in words; ``findings`` are those it reads, for the unit of a bare number.

    >>> item_label("blunt_stump"), item_label("length_ge_20", ("length_mm",)), item_label("bend_gt_45", ("bend_deg",))
    ('blunt stump', 'length ≥20 mm', 'bend >45°')
    >>> item_label("duration_ge_12mo_or_unknown")
    'duration ≥12 months or unknown'
    """
    if name in vocabulary():
        label = finding_label(name)
        return label if label[1:2].isupper() else label[:1].lower() + label[1:]
    unit = next((finding_unit(finding) for finding in findings if finding_unit(finding)), "")
    plain = words(name) if not name.endswith(tuple(_UNITS)) else name.replace("_", " ")

    def signed(found: re.Match[str]) -> str:
        bare = unit if unit in ("", "°") else f" {unit}"
        return f"{_SIGNS[found[1]]}{found[2].replace(' ', '.')}{_SPANS.get(found[3] or '', bare)}"

    return _SIGN.sub(signed, plain)


def variant_label(name: str) -> str:
    """A variant of a score sheet, in words.

    >>> variant_label("ge20"), variant_label("li2015"), variant_label("technical")
    ('length ≥20 mm', 'Li 2015', 'technical')
    """
    if name in _VARIANTS:
        return _VARIANTS[name]
    author = re.fullmatch(r"([a-z]+)_?((?:19|20)\d\d)", name)
    return f"{author[1].capitalize()} {author[2]}" if author else name.replace("_", " ")
