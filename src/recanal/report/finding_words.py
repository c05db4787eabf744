"""Findings and score items as a reader would say them."""

from __future__ import annotations

import re

from recanal.core.findings import Fact, vocabulary
from recanal.report.display import words

__all__ = [
    "SURE_SHARE",
    "finding_label",
    "finding_text",
    "finding_unit",
    "item_label",
    "likely_text",
    "source_text",
    "variant_label",
]

SURE_SHARE = 0.995

_UNITS = {"_mm": "mm", "_mm3": "mm³", "_deg": "°", "_hu": "HU", "_percent": "%", "_years": "years"}
_UNITS |= {"_months": "months", "_ml_min": "ml/min", "_mmhg": "mmHg", "_m": "m"}
_LABELS = {
    "vessel": "Vessel",
    "length_mm": "Length",
    "bend_max_deg": "Largest bend",
    "proximal_tortuosity": "Tortuosity before the cap",
    "intralesional_curvature": "Curved inside the occlusion",
    "proximal_cap_shape": "Shape of the proximal cap",
    "proximal_cap_ambiguous": "Proximal cap ambiguous",
    "proximal_side_branch": "Side branch at the proximal cap",
    "proximal_cap_attenuation_hu": "Attenuation at the proximal cap",
    "calcification_any": "Any calcium",
    "calcification_severe": "Severe calcium",
    "calcification_grade": "Calcium grade",
    "calcium_cross_section_max_ratio": "Largest calcified share of a section",
    "calcification_whole_lumen": "Calcium fills a whole section",
    "calcium_arc_max_deg": "Largest calcium arc",
    "calcium_agatston": "Agatston score",
    "calcium_length_ratio": "Calcified share of the length",
    "plaque_volume_mm3": "Plaque volume",
    "multiple_occlusions": "Several occlusions",
    "ostial": "Ostial",
    "in_stent": "In a stent",
    "distal_vessel_diseased": "Vessel beyond diseased",
    "distal_diameter_mm": "Diameter of the first 5 mm beyond",
    "distal_cap_bifurcation": "Bifurcation at the distal cap",
    "rentrop_grade": "Rentrop grade",
    "werner_cc": "Werner CC",
    "interventional_collaterals": "Collaterals a wire can cross",
    "duration_months": "Age of the occlusion",
    "duration_unknown": "Age of the occlusion not known",
    "prior_failed_attempt": "Earlier failed attempt",
    "age_years": "Age",
    "sex": "Sex",
    "lvef_percent": "LVEF",
    "egfr_ml_min": "eGFR",
    "prior_mi": "Prior MI",
    "prior_cabg": "Prior CABG",
    "target_vessel_prior_cabg": "Prior CABG to this vessel",
    "prior_pci": "Prior PCI",
    "operator_annual_cto_volume": "Operator's CTO procedures a year",
    "operator_cto_years": "Operator's years of CTO work",
    "operator_last_year_success_percent": "Operator's success last year",
}
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
    if name in _LABELS:
        return _LABELS[name]
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
    """
    if isinstance(fact.value, bool | str):
        word = fact.value.replace("_", " ") if isinstance(fact.value, str) else "yes" if fact.value else "no"
        return (
            f"{word}{likely_text(None if fact.prob is None else 1 - fact.prob if fact.value is False else fact.prob)}"
        )
    decimals = _decimals(name, fact)
    unit = finding_unit(name)
    digits = _digits(fact.value, decimals)
    out = f"{digits}{'' if unit in ('', '°') else ' '}{unit}"
    if fact.low is None or fact.high is None:
        return out
    low, high = _digits(fact.low, decimals), _digits(fact.high, decimals)
    return f"{out} ({low}{' to ' if '−' in low + high else '–'}{high})"


def likely_text(share: float | None) -> str:
    """How likely what was said is, in brackets; nothing where it is certain, or as good as that."""
    return "" if share is None or share >= SURE_SHARE else f" ({max(100 * share, 1):.0f} % likely)"


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
