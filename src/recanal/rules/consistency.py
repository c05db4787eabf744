"""Facts that cannot both be true."""

from __future__ import annotations

from recanal.core.findings import Fact, Findings, FindingValue
from recanal.errors import FindingsError
from recanal.rules.contradictions import check_contradictions
from recanal.rules.logic import by_person

__all__ = ["EXCLUSIONS", "check_consistent"]

# (finding, value) excludes (finding, value). Severe means >= 50 % of a cross-section, so it implies any.
EXCLUSIONS: tuple[tuple[str, FindingValue, str, FindingValue], ...] = (
    ("calcification_severe", True, "calcification_any", False),
    ("calcification_whole_lumen", True, "calcification_any", False),
    ("calcification_whole_lumen", True, "calcification_severe", False),
    ("target_vessel_prior_cabg", True, "prior_cabg", False),
    ("in_stent", True, "prior_pci", False),
    ("vessel", "graft", "prior_cabg", False),
    ("proximal_cap_shape", "tapered", "proximal_cap_ambiguous", True),
    ("proximal_cap_shape", "ambiguous", "proximal_cap_ambiguous", False),
    ("calcification_grade", "none", "calcification_any", True),
    ("calcification_grade", "none", "calcification_severe", True),
    ("calcification_grade", "none", "calcification_whole_lumen", True),
    ("calcification_grade", "mild", "calcification_any", False),
    ("calcification_grade", "moderate", "calcification_any", False),
    ("calcification_grade", "severe", "calcification_any", False),
    ("calcification_grade", "severe", "calcification_severe", False),
)
# a fact that says that another cannot be known
_UNKNOWABLE = (("duration_unknown", "duration_months"), ("proximal_tortuosity_unseen", "proximal_tortuosity"))
_SEVERE_RATIO = 0.5
# >= 2 bends > 70 deg or >= 1 bend > 90 deg (Xiao 2021, 10.1155/2021/9988943, section 2.2)
_CURVATURE_LEAST_DEG, _CURVATURE_SURE_DEG = 70.0, 90.0


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
    for first, first_value, second, second_value in EXCLUSIONS:
        if findings.value(first) == first_value and findings.value(second) == second_value:
            _refuse_if_comparable(findings, first, second)
    _check_ratio(findings)
    _check_bend(findings)
    check_contradictions(findings)
    for flag, known in _UNKNOWABLE:
        if findings.value(flag) is True and known in findings:
            raise FindingsError(f"{flag}: is true, but {known} is given.", hint="Leave one of the two out.")


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
            hint="Correct one of the two, leave it out, or say with source which was seen on CT or the angiogram.",
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


def _check_bend(findings: Findings) -> None:
    """Curvature inside the occlusion against its largest bend; an interval may straddle."""
    bend, curved = findings.facts.get("bend_max_deg"), findings.facts.get("intralesional_curvature")
    if bend is None or curved is None or not _comparable(bend, curved):
        return
    low = float(bend.value) if bend.low is None else bend.low
    high = float(bend.value) if bend.high is None else bend.high
    if (curved.value is True and high <= _CURVATURE_LEAST_DEG) or (
        curved.value is False and low > _CURVATURE_SURE_DEG
    ):
        raise FindingsError(
            f"intralesional_curvature: is {_word(curved.value)}, but bend_max_deg is {float(bend.value):g}; "
            f"curvature means >= 2 bends > {_CURVATURE_LEAST_DEG:g} deg or >= 1 bend > {_CURVATURE_SURE_DEG:g} deg.",
            hint="Correct one of the two, or leave it out.",
        )


def _ratio_error(name: str, fact: Fact, ratio: Fact) -> FindingsError:
    return FindingsError(
        f"{name}: is {_word(fact.value)}, but calcium_cross_section_max_ratio is {float(ratio.value):g}; "
        f"severe means >= {_SEVERE_RATIO:g}.",
        hint="Correct one of the two, or leave it out.",
    )


def _word(value: FindingValue) -> str:
    return str(value).lower()
