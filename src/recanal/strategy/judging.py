"""Which rules of an algorithm hold, and where it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from recanal.core.findings import Findings, FindingValue, vocabulary
from recanal.rules.conditions import Condition, Direct, Negation, readings
from recanal.rules.consistency import barring
from recanal.rules.logic import Answer, State, World, answer, stated_world
from recanal.strategy.algorithm import Algorithm, PlanRule

__all__ = ["Judged", "Start", "judge_rules", "judge_start"]


@dataclass(frozen=True)
class Judged:
    """One rule, whether it holds (None: open), the findings that decided, those to ask for, and which plans need it."""

    rule: PlanRule
    holds: bool | None
    used: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    planners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Start:
    """Where an algorithm starts.

    Parameters
    ----------
    strategy
        The strategy of the first start that holds, when none before it is open; else None.
    possible
        The strategies of the starts that are open, up to and with the first that holds.
    options
        The techniques that the leading starts allow; empty while the start is open.
    context
        Each strategy that a start names: true when it leads or also holds, None while open, else false.
    """

    strategy: str | None
    possible: tuple[str, ...]
    options: tuple[str, ...]
    context: Mapping[str, bool | None]


def judge_start(algorithm: Algorithm, findings: Findings) -> Start:
    """The start of an algorithm, given facts free of contradictions.

    Notes
    -----
    The starts are a decision list: the first that holds leads. An open one before it leaves the start open.
    A rule is open only while it matters: where every value of one unknown finding that the known ones allow gives the
    same answer, that is the answer.
    """
    world = stated_world(findings)
    replies = [(rule, _answer(rule.test, findings, world).truth) for rule in algorithm.starts()]
    leading: list[PlanRule] = []
    settled = False
    for rule, truth in replies:
        if truth is not False:
            leading.append(rule)
        if truth is True:
            settled = True
            break
    possible = tuple(dict.fromkeys(rule.strategy for rule in leading))
    context: dict[str, bool | None] = {}
    for rule, truth in replies:
        context[rule.strategy] = _either(context.get(rule.strategy, False), truth)
    if not settled or len(possible) > 1:
        return Start(None, possible, (), context)
    options = tuple(dict.fromkeys(option for rule in leading for option in rule.options))
    return Start(possible[0], possible, options, context)


def judge_rules(
    rules: Sequence[PlanRule], findings: Findings, context: Mapping[str, bool | None]
) -> tuple[Judged, ...]:
    """Every rule judged; ``context`` says which strategies are planned, for rules that belong to some."""
    world = stated_world(findings)
    return tuple(_judge(rule, findings, world, context=context) for rule in rules)


def _judge(rule: PlanRule, findings: Findings, world: World, *, context: Mapping[str, bool | None]) -> Judged:
    reply = _answer(rule.test, findings, world)
    planned: bool | None = True
    if rule.after:
        planned = False
        for strategy in rule.after:
            planned = _either(planned, context.get(strategy, False))
    if planned is False or reply.truth is False:
        return Judged(rule, False, reply.used if reply.truth is False else ())
    if reply.truth is None:
        return Judged(rule, None, reply.used, rule.ask or _to_ask(rule.test, world))
    return Judged(rule, None if planned is None else True, reply.used)


def _answer(test: Condition | None, findings: Findings, world: World) -> Answer:
    if test is None:
        return Answer(True)
    reply = answer(test, world)
    if reply.truth is not None:
        return reply
    names = dict.fromkeys(part.finding for part in readings(test) if part.finding not in world)
    return next((found for name in names for found in _by_completion(test, findings, world, name=name)), reply)


def _by_completion(test: Condition, findings: Findings, world: World, *, name: str) -> Iterator[Answer]:
    """The answer that all values give which the known findings leave to one unknown finding, if there is one.

    Only findings some of whose values are ruled out are tried: else the condition's own logic says as much.
    """
    barred = {value: barring(findings, name, value) for value in _values(name)}
    left = [value for value, by in barred.items() if not by]
    if not left or len(left) == len(barred):
        return
    replies = [answer(test, {**world, name: State(value, value, person=True)}) for value in left]
    truths = {reply.truth for reply in replies}
    if len(truths) == 1 and None not in truths:
        used = [other for by in barred.values() for other in by]
        used += [other for reply in replies for other in reply.used if other != name]
        yield Answer(replies[0].truth, tuple(dict.fromkeys(used)))


def _values(name: str) -> tuple[FindingValue, ...]:
    kind = vocabulary()[name]
    return (True, False) if kind.kind == "bool" else kind.choices


def _to_ask(test: Condition | None, world: World) -> tuple[str, ...]:
    """The findings of the open parts; those that are known are asked again only where nothing else is open."""
    names = _unsettled(test, world)
    return tuple(name for name in names if name not in world) or names


def _unsettled(test: Condition | None, world: World) -> tuple[str, ...]:
    """The findings of the parts that are open; what another part has already settled is not asked."""
    if test is None or answer(test, world).truth is not None:
        return ()
    if isinstance(test, Direct):
        return (test.finding,)
    parts = (test.part,) if isinstance(test, Negation) else test.parts
    return tuple(dict.fromkeys(name for part in parts for name in _unsettled(part, world)))


def _either(first: bool | None, second: bool | None) -> bool | None:
    if first is True or second is True:
        return True
    return None if first is None or second is None else False
