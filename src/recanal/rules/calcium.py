"""What is said of the calcium of an occlusion, against what was measured of it.

Any calcium is a calcified spot, severe calcium fills at least half of a cross-section, whole-lumen calcium all of one;
each implies the one before. A measurement on CT counts a spot from 1 mm2 on: there, a small share or a small arc goes
with no calcification, and is not compared with it.
"""

from __future__ import annotations

from recanal.core.findings import Fact, Findings
from recanal.errors import FindingsError
from recanal.rules.contradictions import comparable, ends

__all__ = ["SEVERE_RATIO", "check_calcium"]

SEVERE_RATIO = 0.5
_RATIO, _ARC = "calcium_cross_section_max_ratio", "calcium_arc_max_deg"
_ANY, _SEVERE, _WHOLE = "calcification_any", "calcification_severe", "calcification_whole_lumen"
_MEANS = {
    _ANY: "any calcium takes up more than 0 of a cross-section",
    _SEVERE: f"severe means >= {SEVERE_RATIO:g} of a cross-section",
    _WHOLE: f"a filled lumen is at least {SEVERE_RATIO:g} of a cross-section, and the whole section is a filled lumen",
}
_IMPLIED = ((_SEVERE, _ANY), (_WHOLE, _ANY), (_WHOLE, _SEVERE))


def check_calcium(findings: Findings) -> None:
    """Refuse what is said of the calcium when its share, its arc or a probability rules it out.

    A number with an interval rules out only what the whole interval does.

    Raises
    ------
    FindingsError
        Naming both fields.
    """
    facts = findings.facts
    for name in (_ANY, _SEVERE, _WHOLE):
        if name in facts and _RATIO in facts and comparable(facts[name], facts[_RATIO]):
            _check_ratio(name, facts[name], facts[_RATIO])
    if _ANY in facts and _ARC in facts and comparable(facts[_ANY], facts[_ARC]):
        _check_arc(facts[_ANY], facts[_ARC])
    for narrow, wide in _IMPLIED:
        if narrow in facts and wide in facts and comparable(facts[narrow], facts[wide]):
            _check_implied(narrow, wide, findings)


def _check_ratio(name: str, fact: Fact, ratio: Fact) -> None:
    low, high = ends(ratio)
    if fact.value is True:
        wrong = high <= 0 if name == _ANY else high < SEVERE_RATIO
    elif name == _ANY:
        wrong = low >= SEVERE_RATIO or (low > 0 and not _both_measured(fact, ratio))
    else:
        wrong = low >= (SEVERE_RATIO if name == _SEVERE else 1.0)
    if wrong:
        raise FindingsError(
            f"{name}: is {_said(fact)}, but {_RATIO} is {float(ratio.value):g}; {_MEANS[name]}.",
            hint="Correct one of the two, or leave it out.",
        )


def _check_arc(fact: Fact, arc: Fact) -> None:
    if fact.value is False and ends(arc)[0] > 0 and not _both_measured(fact, arc):
        raise FindingsError(
            f"{_ANY}: is false, but {_ARC} is {float(arc.value):g}; without calcium there is no arc of it.",
            hint="Correct one of the two, or leave it out.",
        )


def _check_implied(narrow: str, wide: str, findings: Findings) -> None:
    """The probability of the narrower fact cannot exceed that of the one it implies."""
    first, second = findings.facts[narrow], findings.facts[wide]
    stated = first.prob is not None or second.prob is not None
    if not stated or _both_measured(first, second) or _prob(first) <= _prob(second):
        return
    raise FindingsError(
        f"{narrow}: its prob of being true is {_prob(first):g}, but {wide} is {_said(second)}"
        + (f" with prob {second.prob:g}" if second.prob is not None else "")
        + "; it implies that one, so it cannot be likelier.",
        hint="Correct one of the two, or leave the prob out.",
    )


def _prob(fact: Fact) -> float:
    return float(fact.value is True) if fact.prob is None else fact.prob


def _both_measured(first: Fact, second: Fact) -> bool:
    return first.source == second.source == "ct"


def _said(fact: Fact) -> str:
    return str(fact.value).lower()
