"""Which classes are possible, given facts that may be unknown."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recanal.core.findings import FindingValue, vocabulary
from recanal.rules.conditions import Direct, readings
from recanal.rules.contradictions import Contradiction, contradicted, contradictions
from recanal.rules.logic import State, World, answer
from recanal.scores.classes import (
    NOT_CLASSIFIED,
    AgreeRule,
    Axis,
    ClassSheet,
    CriteriaRule,
    Criterion,
    GradeClass,
    LookupRule,
    tests_of,
)

__all__ = ["Judgement", "judge_axes", "possible_classes"]

_MOST_VISITS = 3000


@dataclass(frozen=True)
class Judgement:
    """What an axis gives.

    Parameters
    ----------
    possible
        Classes that are left open, in sheet order; :data:`recanal.scores.classes.NOT_CLASSIFIED` is one of them
        while it may be that no criterion holds.
    because
        The criterion that held, or the cell; empty while none did.
    used
        Findings that decided it.
    missing
        Findings to ask for; empty once one class is left.
    edge
        Whether the publication itself leaves the class open there.
    conflict
        Measurements that disagree, in words; empty where none do.
    """

    possible: tuple[str, ...]
    because: str = ""
    used: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    edge: bool = False
    conflict: str = ""

    @property
    def one(self) -> str | None:
        """The class, or None while several are possible."""
        return self.possible[0] if len(self.possible) == 1 else None


@dataclass(frozen=True)
class _Walk:
    """The criteria of an axis gone through in order, in one world."""

    possible: frozenset[str]
    because: str
    used: tuple[str, ...]
    open_tests: tuple[Direct, ...]
    edge: bool
    held: Criterion | None = None


def judge_axes(sheet: ClassSheet, world: World) -> Mapping[str, Judgement]:
    """What each axis of a classification gives in a world, by name of the axis."""
    judged: dict[str, Judgement] = {}
    for axis in sheet.axes:
        if isinstance(axis.rule, CriteriaRule):
            judged[axis.name] = _by_criteria(axis, axis.rule, world)
        elif isinstance(axis.rule, LookupRule):
            judged[axis.name] = _by_lookup(sheet, axis, axis.rule, judged)
        else:
            judged[axis.name] = _by_agreement(sheet, axis, axis.rule, judged, world)
    return judged


def possible_classes(rule: CriteriaRule, world: World) -> frozenset[str]:
    """The classes that some completion of the unknown findings gives.

    Kleene's logic alone keeps classes that no completion gives, because it takes parts that rest on the same unknown
    finding as free of each other. So the unknown findings are tried out, one at a time, until nothing new can come;
    completions that contradict themselves do not count. After a few thousand trials the wider answer stands.

    Parameters
    ----------
    rule
        The criteria.
    world
        The known facts.
    """
    found: set[str] = set()
    cuts = _cuts(test for criterion in rule.criteria for test in readings(criterion.test))
    barred = [row for row in contradictions() if set(row.names) <= set(cuts)]
    visits = 0

    def visit(here: World) -> None:
        nonlocal visits
        visits += 1
        walk = _walk(rule, here)
        if walk.possible <= found or contradicted(here, barred):
            return
        unknown = [test.finding for test in walk.open_tests if test.finding not in here]
        if len(walk.possible) == 1 or not unknown or visits > _MOST_VISITS:
            found.update(walk.possible)
            return
        for value in _values(unknown[0], _cut_points(unknown[0], cuts, barred, here)):
            visit({**here, unknown[0]: State(value, value)})

    visit(world)
    return frozenset(found) or _walk(rule, world).possible


def _walk(rule: CriteriaRule, world: World) -> _Walk:
    possible: set[str] = set()
    open_tests: list[Direct] = []
    used: dict[str, None] = {}
    for criterion in rule.criteria:
        reply = answer(criterion.test, world)
        if reply.truth is False:
            used.update(dict.fromkeys(reply.used))
            continue
        possible.update(criterion.gives)
        if reply.truth is True:
            used = dict.fromkeys(reply.used) if not open_tests else {**used, **dict.fromkeys(reply.used)}
            edge = len(criterion.gives) > 1 and not open_tests
            return _Walk(frozenset(possible), criterion.says, tuple(used), tuple(open_tests), edge, criterion)
        open_tests += [test for test in readings(criterion.test) if answer(test, world).truth is None]
    return _Walk(frozenset(possible | {NOT_CLASSIFIED}), rule.otherwise, tuple(used), tuple(open_tests), False)


def _is_void(axis: Axis, world: World) -> tuple[str, ...]:
    """The findings by which what the axis measures says nothing; empty where it speaks, or was not measured."""
    rule = axis.rule
    if not isinstance(rule, CriteriaRule) or rule.void is None:
        return ()
    reply = answer(rule.void, world)
    return reply.used if reply.truth is True else ()


def _by_criteria(axis: Axis, rule: CriteriaRule, world: World) -> Judgement:
    void = _is_void(axis, world)
    if void and any(test.finding in world for test in tests_of(axis)):
        return Judgement((NOT_CLASSIFIED,), because=rule.otherwise, used=void)
    walk = _walk(rule, world)
    possible = walk.possible if len(walk.possible) == 1 else possible_classes(rule, world)
    decided = len(possible) == 1
    return Judgement(
        possible=_ordered(axis.classes, possible),
        because=_reason(rule, possible, walk, world),
        used=walk.used,
        missing=() if decided else tuple(dict.fromkeys(test.finding for test in walk.open_tests)),
        edge=walk.edge,
    )


def _reason(rule: CriteriaRule, possible: frozenset[str], walk: _Walk, world: World) -> str:
    """Why the class is what it is: the criterion that holds; else those that may, of which one must."""
    if not walk.open_tests:
        return walk.because
    if len(possible) > 1:
        return ""
    if walk.held and set(possible) <= set(walk.held.gives):
        return walk.held.says
    may = [row.says for row in rule.criteria if set(row.gives) == set(possible) and _may_hold(row, world)]
    return " or ".join(may) or rule.otherwise


def _may_hold(criterion: Criterion, world: World) -> bool:
    return answer(criterion.test, world).truth is not False


def _by_lookup(sheet: ClassSheet, axis: Axis, rule: LookupRule, judged: Mapping[str, Judgement]) -> Judgement:
    sources = [(sheet.axis(name), judged[name]) for name in rule.of]
    possible: set[str] = set()
    for names in itertools.product(*(judgement.possible for _, judgement in sources)):
        if NOT_CLASSIFIED in names:
            possible.add(NOT_CLASSIFIED)
        else:
            places = tuple(source.place(name) for (source, _), name in zip(sources, names, strict=True))
            possible.add(rule.cell(places))
    known = [f"{source.title} {' or '.join(judgement.possible)}" for source, judgement in sources]
    decided = len(possible) == 1
    return Judgement(
        possible=_ordered(axis.classes, possible),
        because="; ".join(known) if decided else "",
        used=_union(judgement.used for _, judgement in sources),
        missing=() if decided else _union(judgement.missing for _, judgement in sources),
        conflict="" if decided else "; ".join(row.conflict for _, row in sources if row.conflict),
    )


def _by_agreement(
    sheet: ClassSheet, axis: Axis, rule: AgreeRule, judged: Mapping[str, Judgement], world: World
) -> Judgement:
    """The classes that every known axis allows; all that any of them allows where they disagree."""
    known = [
        (sheet.axis(name), judged[name])
        for name in rule.of
        if any(test.finding in world for test in tests_of(sheet.axis(name)))
        and judged[name].possible != (NOT_CLASSIFIED,)
    ]
    if not known:
        return Judgement(tuple(row.name for row in axis.classes), missing=_still_to_ask(sheet, rule, world))
    sets = [frozenset(judgement.possible) - {NOT_CLASSIFIED} for _, judgement in known]
    common, said = frozenset.intersection(*sets), [_said(source, row) for source, row in known]
    used = _union(row.used for _, row in known)
    if not common:
        union = _ordered(axis.classes, frozenset.union(*sets))
        return Judgement(union, used=used, conflict=f"{axis.title}: {'; '.join(said)}")
    return Judgement(
        possible=_ordered(axis.classes, common),
        because="; ".join(said),
        used=used,
        missing=() if len(common) == 1 else _union(row.missing for _, row in known),
        edge=len(common) > 1 and any(row.edge for _, row in known),
    )


def _still_to_ask(sheet: ClassSheet, rule: AgreeRule, world: World) -> tuple[str, ...]:
    """What to ask for, without what is known already and what would say nothing."""
    voided = [sheet.axis(name) for name in rule.of if _is_void(sheet.axis(name), world)]
    idle = {test.finding for axis in voided for test in tests_of(axis)}
    return tuple(name for name in rule.ask if name not in world and name not in idle)


def _said(source: Axis, judgement: Judgement) -> str:
    return f"{source.title} gives {' or '.join(judgement.possible)}"


def _ordered(classes: Iterable[GradeClass], possible: Iterable[str]) -> tuple[str, ...]:
    names = set(possible)
    return tuple(name for name in [*(row.name for row in classes), NOT_CLASSIFIED] if name in names)


def _cuts(tests: Iterable[Direct]) -> Mapping[str, tuple[Direct, ...]]:
    out: dict[str, tuple[Direct, ...]] = {}
    for test in tests:
        out[test.finding] = (*out.get(test.finding, ()), test)
    return out


def _cut_points(
    name: str, tests: Mapping[str, tuple[Direct, ...]], barred: Iterable[Contradiction], world: World
) -> set[float]:
    """Thresholds of a number, and of the numbers that bound it, with their values where those are known."""
    linked = {name}.union(*(row.above for row in barred if name in row.above))
    cuts = {float(test.value) for other in linked for test in tests[other] if isinstance(test.value, int | float)}
    return cuts | {float(world[other].value) for other in linked if other in world}


def _values(name: str, cut_points: Iterable[float]) -> list[FindingValue]:
    """One value of each stretch between the thresholds of a number, and the thresholds; every word of a choice."""
    kind = vocabulary()[name]
    if kind.kind == "bool":
        return [True, False]
    if kind.kind == "choice":
        return list(kind.choices)
    cuts = sorted(cut for cut in cut_points if kind.low <= cut <= kind.high)
    if kind.whole:
        near = {cut + step for cut in cuts for step in (-1, 0, 1)} | {kind.low, kind.high}
        return [value for value in sorted(near) if kind.low <= value <= kind.high]
    ends = sorted({kind.low, *cuts, kind.high})
    return sorted({*ends, *((a + b) / 2 for a, b in itertools.pairwise(ends))})


def _union(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))
