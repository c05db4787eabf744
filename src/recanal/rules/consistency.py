"""Facts that cannot both be true."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from recanal.core.findings import Fact, Findings, FindingValue, vocabulary
from recanal.errors import FindingsError
from recanal.rules.calcium import check_calcium
from recanal.rules.contradictions import check_contradictions, comparable, contradictions

__all__ = ["EXCLUSIONS", "barring", "check_consistent"]

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
_CALCIUM = (
    "calcification_any",
    "calcification_severe",
    "calcification_whole_lumen",
    "calcium_cross_section_max_ratio",
    "calcium_arc_max_deg",
)
# a fact that says that another cannot be known
_UNKNOWABLE = (("duration_unknown", "duration_months"), ("proximal_tortuosity_unseen", "proximal_tortuosity"))
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
        _check_percent(name, fact)
    for first, first_value, second, second_value in EXCLUSIONS:
        if findings.value(first) == first_value and findings.value(second) == second_value:
            _refuse_if_comparable(findings, first, second)
    check_calcium(findings)
    _check_bend(findings)
    check_contradictions(findings)
    for flag, known in _UNKNOWABLE:
        if findings.value(flag) is True and known in findings:
            raise FindingsError(f"{flag}: is true, but {known} is given.", hint="Leave one of the two out.")


def barring(findings: Findings, name: str, value: FindingValue) -> tuple[str, ...]:
    """The known findings of which one alone rules a value of another finding out.

    Parameters
    ----------
    findings
        The known facts.
    name, value
        The other finding, and the value to try; it counts as said by a person.

    Examples
    --------
    >>> barring(Findings.from_mapping({"proximal_cap_ambiguous": True}), "proximal_cap_shape", "tapered")
    ('proximal_cap_ambiguous',)
    """
    tried = Fact(value)
    return tuple(
        other
        for other in sorted(_linked().get(name, frozenset()) & set(findings))
        if _contradicts(Findings({name: tried, other: findings.facts[other]}))
    )


def _contradicts(pair: Findings) -> bool:
    try:
        check_consistent(pair)
    except FindingsError:
        return True
    return False


@lru_cache(maxsize=1)
def _linked() -> Mapping[str, frozenset[str]]:
    """For each finding those that may contradict it."""
    groups = [{first, second} for first, _, second, _ in EXCLUSIONS] + [set(row.names) for row in contradictions()]
    groups += [set(_CALCIUM), {"intralesional_curvature", "bend_max_deg"}, *(set(pair) for pair in _UNKNOWABLE)]
    names = set().union(*groups)
    return {name: frozenset(set().union(*(group for group in groups if name in group)) - {name}) for name in names}


def _check_prob(name: str, fact: Fact) -> None:
    """A stated word or truth value must not be what its own probability speaks against.

    The ``prob`` of a bool is that of being true, whatever was stated; that of a choice is that of the stated word.
    """
    if fact.prob is None:
        return
    if isinstance(fact.value, bool):
        if fact.prob != 0.5 and fact.value is not (fact.prob > 0.5):
            raise FindingsError(
                f"{name}: is {_word(fact.value)}, but its prob of being true is {fact.prob:g}.",
                hint="prob is the probability of true, also where the value is false.",
            )
    elif isinstance(fact.value, str):
        count = len(vocabulary()[name].choices)
        if fact.prob < 1 / count:
            raise FindingsError(
                f"{name}: is {fact.value}, but its prob is {fact.prob:g}, so another of the {count} words is likelier.",
                hint="prob is the probability of the stated word.",
            )
    else:
        raise FindingsError(f"{name}: a number has no prob.", hint="Give low and high, its 95 % interval.")


def _check_percent(name: str, fact: Fact) -> None:
    """Refuse a fraction where a percentage is asked for: no percentage here is known to less than one."""
    if name.endswith("_percent") and 0 < float(fact.value) < 1:
        raise FindingsError(
            f"{name}: is in percent, got {float(fact.value):g}.", hint=f"Was {100 * float(fact.value):g} meant?"
        )


def _refuse_if_comparable(findings: Findings, first: str, second: str) -> None:
    a, b = findings.facts[first], findings.facts[second]
    if comparable(a, b):
        raise FindingsError(
            f"{second}: is {_word(b.value)}, but {first} is {_word(a.value)}; both cannot hold.",
            hint="Correct one of the two, leave it out, or say with source which was seen on CT or the angiogram.",
        )


def _check_bend(findings: Findings) -> None:
    """Curvature inside the occlusion against its largest bend; an interval may straddle."""
    bend, curved = findings.facts.get("bend_max_deg"), findings.facts.get("intralesional_curvature")
    if bend is None or curved is None or not comparable(bend, curved):
        return
    low = float(bend.value) if bend.low is None else bend.low
    high = float(bend.value) if bend.high is None else bend.high
    if (curved.value is True and high <= _CURVATURE_LEAST_DEG) or (curved.value is False and low > _CURVATURE_SURE_DEG):
        raise FindingsError(
            f"intralesional_curvature: is {_word(curved.value)}, but bend_max_deg is {float(bend.value):g}; "
            f"curvature means >= 2 bends > {_CURVATURE_LEAST_DEG:g} deg or >= 1 bend > {_CURVATURE_SURE_DEG:g} deg.",
            hint="Correct one of the two, or leave it out.",
        )


def _word(value: FindingValue) -> str:
    return str(value).lower()
