"""Facts that cannot both be true."""

from __future__ import annotations

from recanal.core.findings import Fact, Findings, FindingValue
from recanal.errors import FindingsError
from recanal.scores.logic import by_person

__all__ = ["check_consistent"]

# (finding, value) excludes (finding, value). Severe means >= 50 % of a cross-section, so it implies any.
_EXCLUSIONS: tuple[tuple[str, FindingValue, str, FindingValue], ...] = (
    ("calcification_severe", True, "calcification_any", False),
    ("calcification_whole_lumen", True, "calcification_any", False),
    ("calcification_whole_lumen", True, "calcification_severe", False),
    ("target_vessel_prior_cabg", True, "prior_cabg", False),
    ("in_stent", True, "prior_pci", False),
)
_SEVERE_RATIO = 0.5


def check_consistent(findings: Findings) -> None:
    """Refuse findings that contradict each other.

    A CT fact and an angiographic fact may differ, because the modalities see differently; they are not compared.
    Nor is a person's word compared with an unconfirmed measurement: it overrides it.

    Parameters
    ----------
    findings
        The facts.

    Raises
    ------
    FindingsError
        Naming both fields.
    """
    for name, fact in findings.facts.items():
        _check_prob(name, fact)
    for first, first_value, second, second_value in _EXCLUSIONS:
        if findings.value(first) is first_value and findings.value(second) is second_value:
            _refuse_if_comparable(findings, first, second)
    _check_ratio(findings)
    if findings.value("duration_unknown") is True and "duration_months" in findings:
        raise FindingsError(
            "duration_unknown: is true, but duration_months is given.", hint="Leave one of the two out."
        )


def _check_prob(name: str, fact: Fact) -> None:
    if isinstance(fact.value, bool) and fact.prob is not None and fact.prob == float(not fact.value):
        raise FindingsError(f"{name}: is {_word(fact.value)}, but its prob of being true is {fact.prob:g}.")
    if isinstance(fact.value, str) and fact.prob == 0:
        raise FindingsError(f"{name}: is {fact.value}, but its prob is 0.")


def _comparable(first: Fact, second: Fact) -> bool:
    return by_person(first) is by_person(second) and {first.source, second.source} != {"ct", "angiogram"}


def _refuse_if_comparable(findings: Findings, first: str, second: str) -> None:
    a, b = findings.facts[first], findings.facts[second]
    if _comparable(a, b):
        raise FindingsError(
            f"{second}: is {_word(b.value)}, but {first} is {_word(a.value)}; both cannot hold.",
            hint="Correct one of the two, or leave it out.",
        )


def _check_ratio(findings: Findings) -> None:
    """The calcified share of a cross-section against the facts that follow from it; an interval may straddle."""
    ratio = findings.facts.get("calcium_cross_section_max_ratio")
    if ratio is None:
        return
    low = float(ratio.value) if ratio.low is None else ratio.low
    high = float(ratio.value) if ratio.high is None else ratio.high
    for name in ("calcification_any", "calcification_severe"):
        fact = findings.facts.get(name)
        if fact is not None and fact.value is False and low > _SEVERE_RATIO and _comparable(ratio, fact):
            raise _ratio_error(name, fact, ratio)
    for name in ("calcification_severe", "calcification_whole_lumen"):
        fact = findings.facts.get(name)
        if fact is not None and fact.value is True and high < _SEVERE_RATIO and _comparable(ratio, fact):
            raise _ratio_error(name, fact, ratio)


def _ratio_error(name: str, fact: Fact, ratio: Fact) -> FindingsError:
    return FindingsError(
        f"{name}: is {_word(fact.value)}, but calcium_cross_section_max_ratio is {float(ratio.value):g}; "
        f"severe means >= {_SEVERE_RATIO:g}.",
        hint="Correct one of the two, or leave it out.",
    )


def _word(value: FindingValue) -> str:
    return str(value).lower()
