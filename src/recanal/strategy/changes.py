"""What would change a plan: each finding set to its other values in turn, the start judged again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recanal.core.findings import Fact, Findings, FindingValue, vocabulary
from recanal.core.plan import PlanChange
from recanal.errors import FindingsError
from recanal.rules.conditions import Direct, readings
from recanal.rules.consistency import check_consistent
from recanal.strategy.algorithm import Algorithm
from recanal.strategy.judging import Start, judge_start
from recanal.strategy.phrases import fact_value, value_words

__all__ = ["changes_of"]

_STEP_SHARE = 1e-6
_LEAST_PROB = 0.025
_COUNTERPARTS = {"blunt": "tapered", "tapered": "blunt"}
_OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


@dataclass(frozen=True)
class _Other:
    value: FindingValue
    text: str
    plausible: bool


def changes_of(algorithm: Algorithm, findings: Findings) -> tuple[PlanChange, ...]:
    """The findings whose other value gives another start, one at a time.

    Parameters
    ----------
    algorithm
        The algorithm.
    findings
        The facts, free of contradictions.

    Returns
    -------
    changes
        In the order in which the starts read the findings. A number is moved to the other side of each threshold
        that a start compares it with. A value that would contradict another finding is left out.
    """
    now = judge_start(algorithm, findings)
    out: dict[tuple[str, str], PlanChange] = {}
    tests = [part for rule in algorithm.starts() if rule.test is not None for part in readings(rule.test)]
    for name in dict.fromkeys(test.finding for test in tests):
        for other in _others(name, findings.facts.get(name), tests):
            start = _start_with(algorithm, findings, name, other.value)
            if start is None or (start.strategy, start.possible) == (now.strategy, now.possible):
                continue
            shown = findings.facts.get(name)
            out[name, other.text] = PlanChange(
                finding=name,
                now="not known" if shown is None else fact_value(name, shown),
                instead=other.text,
                gives=(start.strategy,) if start.strategy is not None else start.possible,
                plausible=other.plausible,
            )
    return tuple(out.values())


def _start_with(algorithm: Algorithm, findings: Findings, name: str, value: FindingValue) -> Start | None:
    """The start with one other value, or None where that contradicts another finding."""
    known = findings.facts.get(name)
    fact = Fact(value) if known is None else Fact(value, known.source, confirmed_by=known.confirmed_by)
    changed = findings.merged(Findings({name: fact}))
    try:
        check_consistent(changed)
    except FindingsError:
        return None
    return judge_start(algorithm, changed)


def _others(name: str, fact: Fact | None, tests: list[Direct]) -> Iterator[_Other]:
    kind = vocabulary()[name]
    if kind.kind == "number":
        for test in tests:
            if test.finding == name:
                yield from _sides(name, fact, test)
        return
    values: tuple[FindingValue, ...] = (True, False) if kind.kind == "bool" else kind.choices
    for value in values:
        if fact is None or value != fact.value:
            yield _Other(value, value_words(name, value), _probable(fact, value))


def _probable(fact: Fact | None, value: FindingValue) -> bool:
    """Whether a bool or choice is not sure enough to rule the value out.

    The probability of a choice says how sure the stated word is; of the others it speaks for the counterpart alone.
    """
    if fact is None or fact.prob is None:
        return False
    if isinstance(value, bool):
        return (fact.prob if value else 1.0 - fact.prob) >= _LEAST_PROB
    return _COUNTERPARTS.get(str(fact.value)) == value and 1.0 - fact.prob >= _LEAST_PROB


def _sides(name: str, fact: Fact | None, test: Direct) -> Iterator[_Other]:
    threshold = float(test.value)  # type: ignore[arg-type]  # the reader of the file allows only numbers here
    for op in (test.op, _OPPOSITE[test.op]):
        if fact is not None and _satisfies(float(fact.value), op, threshold):
            continue
        ends = () if fact is None or fact.low is None or fact.high is None else (fact.low, fact.high)
        value = _just(op, threshold)
        kind = vocabulary()[name]
        if kind.low <= value <= kind.high:
            text = f"{op} {value_words(name, threshold)}"
            yield _Other(value, text, any(_satisfies(end, op, threshold) for end in ends))


def _just(op: str, threshold: float) -> float:
    step = _STEP_SHARE * max(1.0, abs(threshold))
    return {">": threshold + step, "<": threshold - step}.get(op, threshold)


def _satisfies(value: float, op: str, threshold: float) -> bool:
    return {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
    }[op]
