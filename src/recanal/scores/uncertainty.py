"""How likely each total is, when measurements have intervals.

A number with a 95 % interval is taken as two half-normal pieces joined at the stated value, each
holding half of the probability, so that low, value and high are exactly its 2.5, 50 and 97.5 %
quantiles. A bool with ``prob`` is true with that probability. A choice with ``prob`` is what was
stated with that probability, and otherwise turns its tests round. Stated priors of unknown facts, which serve
the items that are unknown without them and no other, give each value its probability. Facts are
independent of each other; items that read the same uncertain fact are handled together, so nothing
is counted twice.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

from recanal.core.findings import Fact, Findings
from recanal.scores.logic import State, World, by_person, is_certain, outcome, stated_world
from recanal.scores.priors import Priors
from recanal.scores.sheet import Direct, Rule, conditions_of

__all__ = ["fact_states", "priors_read", "share_below", "total_distribution"]

_QUANTILE = NormalDist().inv_cdf(0.975)
Weighted = tuple[State, float]


def share_below(fact: Fact, threshold: float) -> float:
    """Probability that a measured number lies below a threshold that differs from its value, by the two-piece normal.

    Parameters
    ----------
    fact
        A number with or without ``low`` and ``high``.
    threshold
        In the unit of the fact.
    """
    value = float(fact.value)
    side = fact.low if threshold < value else fact.high
    sd = 0.0 if side is None else abs(value - side) / _QUANTILE
    if sd == 0.0:
        return 0.0 if threshold < value else 1.0
    return NormalDist(value, sd).cdf(threshold)


def fact_states(fact: Fact, cuts: Iterable[float]) -> list[Weighted]:
    """The distinguishable states of a fact with their probabilities.

    Parameters
    ----------
    fact
        The fact.
    cuts
        Every threshold that a number is compared with.
    """
    person = by_person(fact)
    if is_certain(fact):
        return [(State(fact.value, fact.value, person=person), 1.0)]
    if isinstance(fact.value, bool):
        share = 1.0 if fact.prob is None else fact.prob
        pairs: list[tuple[bool, float]] = [(True, share), (False, 1 - share)]
        return [(State(value, fact.value, certain=False, person=person), p) for value, p in pairs]
    if isinstance(fact.value, str):
        share = 1.0 if fact.prob is None else fact.prob
        return [
            (State(fact.value, fact.value, certain=False, person=person, otherwise=other), p)
            for other, p in ((False, share), (True, 1 - share))
        ]
    return [
        (State(value, fact.value, certain=False, person=person), share) for value, share in _cells(fact, sorted(cuts))
    ]


def _cells(fact: Fact, cuts: Sequence[float]) -> list[tuple[float, float]]:
    """One representative value and the probability of each stretch between cuts, split at the value itself."""
    value = float(fact.value)
    edges = sorted({*cuts, value})
    shares = [0.5 if edge == value else share_below(fact, edge) for edge in edges]
    ends = [edges[0] - 1.0, *edges, edges[-1] + 1.0]
    below = [0.0, *shares, 1.0]
    cells = [
        ((ends[k] + ends[k + 1]) / 2, below[k + 1] - below[k]) for k in range(len(edges) + 1) if below[k + 1] > below[k]
    ]
    return _with_atoms(fact, value, cells)


def _with_atoms(fact: Fact, value: float, cells: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A side of zero width has its half of the probability at the value itself."""
    if fact.low == value:
        return [(value, 0.5), *(cell for cell in cells if cell[0] > value)]
    if fact.high == value:
        return [*(cell for cell in cells if cell[0] < value), (value, 0.5)]
    return cells


def total_distribution(
    rules: Sequence[Rule], findings: Findings, *, priors: Priors | None = None
) -> Mapping[float, float] | None:
    """Probability of each total over the given items.

    Parameters
    ----------
    rules
        The items' rules, in one variant.
    findings
        The facts.
    priors
        Of unknown facts; none when None.

    Returns
    -------
    Mapping or None
        Total to probability, exact up to rounding; None when an item is unknown in some possible world.
    """
    total: Mapping[float, float] = {0.0: 1.0}
    for group in _groups(rules, findings, priors or {}):
        part = _group_distribution(group, findings, priors or {})
        if part is None:
            return None
        total = _convolved(total, part)
    return total


def priors_read(rule: Rule, findings: Findings, priors: Priors) -> tuple[str, ...]:
    """The unknown facts whose priors an item needs: none when it is known without them."""
    if outcome(rule, stated_world(findings)).points is not None:
        return ()
    return tuple(dict.fromkeys(test.finding for test in conditions_of(rule) if test.finding in priors))


def _uncertain(rule: Rule, findings: Findings) -> set[str]:
    names = {test.finding for test in conditions_of(rule)}
    return {name for name in names if name in findings and not is_certain(findings.facts[name])}


def _groups(rules: Sequence[Rule], findings: Findings, priors: Priors) -> list[list[Rule]]:
    """Items gathered so that no uncertain fact is read by two groups."""
    groups: list[tuple[set[str], list[Rule]]] = []
    for rule in rules:
        names, members = {*_uncertain(rule, findings), *priors_read(rule, findings, priors)}, [rule]
        apart = []
        for other_names, other_members in groups:
            if names & other_names:
                names, members = names | other_names, [*other_members, *members]
            else:
                apart.append((other_names, other_members))
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _group_distribution(rules: Sequence[Rule], findings: Findings, priors: Priors) -> Mapping[float, float] | None:
    base = stated_world(findings)
    own = [priors_read(rule, findings, priors) for rule in rules]
    tests = [test for rule in rules for test in conditions_of(rule)]
    names = sorted(set().union(*(_uncertain(rule, findings) for rule in rules)))
    cuts = {name: {_threshold(test) for test in tests if test.finding == name} for name in names}
    states = {name: fact_states(findings.facts[name], cuts[name]) for name in names}
    states |= {name: _prior_states(priors, name) for name in sorted(set().union(*own))}
    spread: dict[float, float] = {}
    for chosen in itertools.product(*states.values()):
        here: World = {name: state for name, (state, _) in zip(states, chosen, strict=True)}
        points = [
            outcome(
                rule, {**base, **{name: state for name, state in here.items() if name in base or name in mine}}
            ).points
            for rule, mine in zip(rules, own, strict=True)
        ]
        if any(value is None for value in points):
            return None
        key = round(math.fsum(value for value in points if value is not None), 9)
        spread[key] = spread.get(key, 0.0) + math.prod(weight for _, weight in chosen)
    return spread


def _prior_states(priors: Priors, name: str) -> list[Weighted]:
    return [(State(value, value, certain=False), share) for value, share in priors[name] if share > 0]


def _threshold(test: Direct) -> float:
    """The cut of a number; a word or a truth value has none, and its states need none."""
    return float(test.value) if isinstance(test.value, int | float) else 0.0


def _convolved(left: Mapping[float, float], right: Mapping[float, float]) -> Mapping[float, float]:
    out: dict[float, float] = {}
    for (a, p), (b, q) in itertools.product(left.items(), right.items()):
        key = round(a + b, 9)
        out[key] = out.get(key, 0.0) + p * q
    return out
