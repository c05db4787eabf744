"""Judging a condition over facts that may be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recanal.core.findings import Fact, Findings, FindingValue
from recanal.rules.conditions import AllOf, AnyOf, Condition, Direct, FirstOf, Negation

__all__ = ["Answer", "State", "World", "answer", "by_person", "is_certain", "stated_world"]


@dataclass(frozen=True)
class State:
    """What one fact is in one possible world.

    Parameters
    ----------
    value
        The value there.
    stated
        The value that was stated or measured.
    certain
        Whether no other value is possible.
    person
        Whether a person gave or confirmed it.
    otherwise
        Whether a choice is taken not to be what was stated, so that its tests turn round.
    """

    value: FindingValue
    stated: FindingValue
    certain: bool = True
    person: bool = False
    otherwise: bool = False


World = Mapping[str, State]


@dataclass(frozen=True)
class Answer:
    """True, false or unknown (None), and the findings that decided it."""

    truth: bool | None
    used: tuple[str, ...] = ()


def is_certain(fact: Fact) -> bool:
    """Whether a number carries no interval, or a bool or choice no probability short of certainty."""
    if isinstance(fact.value, bool | str):
        return fact.prob is None or fact.prob in (0.0, 1.0)
    return fact.low is None or fact.high is None or fact.low == fact.high


def by_person(fact: Fact) -> bool:
    """Whether a person gave or confirmed a fact."""
    return fact.source == "typed" or fact.confirmed_by is not None


def stated_world(findings: Findings) -> World:
    """The world in which every fact is what was stated."""
    return {
        name: State(
            value=fact.value,
            stated=fact.value,
            certain=is_certain(fact),
            person=by_person(fact),
        )
        for name, fact in findings.facts.items()
    }


def answer(condition: Condition, world: World) -> Answer:
    """Judge a condition; unknown parts follow Kleene's strong three-valued logic."""
    if isinstance(condition, Direct):
        return _direct(condition, world)
    if isinstance(condition, Negation):
        inner = answer(condition.part, world)
        return Answer(None if inner.truth is None else not inner.truth, inner.used)
    if isinstance(condition, FirstOf):
        return _first(condition, world)
    return _kleene(condition, world)


def _kleene(condition: AnyOf | AllOf, world: World) -> Answer:
    settles = isinstance(condition, AnyOf)
    replies = [answer(part, world) for part in condition.parts]
    settled = [reply for reply in replies if reply.truth is settles]
    if settled:
        return Answer(settles, _union(settled))
    if any(reply.truth is None for reply in replies):
        return Answer(None)
    return Answer(not settles, _union(replies))


def _first(condition: FirstOf, world: World) -> Answer:
    known = [reply for reply in (answer(part, world) for part in condition.parts) if reply.truth is not None]
    from_person = [reply for reply in known if all(world[name].person for name in reply.used)]
    return (from_person or known or [Answer(None)])[0]


def _direct(test: Direct, world: World) -> Answer:
    state = world.get(test.finding)
    if state is None or state.stated in test.unknown:
        return Answer(None)
    truth = _compare(test, state.value) is not state.otherwise
    if test.decides != "both" and (not state.certain or truth is not (test.decides == "true")):
        return Answer(None)
    return Answer(truth, (test.finding,))


def _compare(test: Direct, value: FindingValue) -> bool:
    if test.op in ("in", "not in"):
        words = test.value if isinstance(test.value, tuple) else (test.value,)
        return (value in words) is (test.op == "in")
    if test.op == "is" or isinstance(test.value, str | tuple):
        return value == test.value
    number, threshold = float(value), float(test.value)
    return {
        ">": number > threshold,
        ">=": number >= threshold,
        "<": number < threshold,
        "<=": number <= threshold,
    }[test.op]


def _union(replies: list[Answer]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for reply in replies for name in reply.used))
