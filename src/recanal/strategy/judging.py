"""Which rules of an algorithm hold, and where it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recanal.rules.conditions import Condition, Direct, Negation
from recanal.rules.logic import Answer, World, answer
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


def judge_start(algorithm: Algorithm, world: World) -> Start:
    """The start of an algorithm in a world.

    Notes
    -----
    The starts are a decision list: the first that holds leads. An open one before it leaves the start open.
    """
    replies = [(rule, _answer(rule.test, world).truth) for rule in algorithm.starts()]
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


def judge_rules(rules: Sequence[PlanRule], world: World, context: Mapping[str, bool | None]) -> tuple[Judged, ...]:
    """Every rule judged; ``context`` says which strategies are planned, for rules that belong to some."""
    return tuple(_judge(rule, world, context) for rule in rules)


def _judge(rule: PlanRule, world: World, context: Mapping[str, bool | None]) -> Judged:
    reply = _answer(rule.test, world)
    planned: bool | None = True
    if rule.after:
        planned = False
        for strategy in rule.after:
            planned = _either(planned, context.get(strategy, False))
    if planned is False or reply.truth is False:
        return Judged(rule, False, reply.used if reply.truth is False else ())
    if reply.truth is None:
        return Judged(rule, None, reply.used, rule.ask or _unsettled(rule.test, world))
    return Judged(rule, None if planned is None else True, reply.used)


def _answer(test: Condition | None, world: World) -> Answer:
    return Answer(True) if test is None else answer(test, world)


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
