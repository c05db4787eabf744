"""A crossing plan: what one published algorithm says, why, and what would change it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "ROLES",
    "PlanChange",
    "RuleTrace",
    "StrategyAdvice",
    "StrategyStep",
    "disagreements",
]

ROLES = ("prepare", "start", "technique", "material", "fallback", "stop")


@dataclass(frozen=True)
class StrategyStep:
    """One step of a crossing plan.

    Parameters
    ----------
    do
        What the rule says to do.
    because
        The published rule, then the findings that made it hold, with their values and origin.
    source
        DOI of the publication, or its citation where it has none.
    citation
        What was read, such as ``"Xiao 2021, section 2.3"``.
    role
        One of ``ROLES``.
    rule
        Name of the rule in its file.
    strategy
        For a start: the name of the strategy, the same in every algorithm.
    trust
        ``"read in the source"``, ``"read in part"`` or ``"not verified"``.
    """

    do: str
    because: tuple[str, ...]
    source: str
    citation: str = ""
    role: str = "start"
    rule: str = ""
    strategy: str = ""
    trust: str = ""


@dataclass(frozen=True)
class RuleTrace:
    """How one rule was judged.

    Parameters
    ----------
    rule, role
        Name and role of the rule.
    holds
        True, false, or None while a finding that could settle it is not known.
    text
        The published rule in words.
    because
        The findings that decided, with their values and origin.
    ask
        The findings to ask for while it is open.
    source, citation, trust
        As in :class:`StrategyStep`.
    """

    rule: str
    role: str
    holds: bool | None
    text: str
    because: tuple[str, ...]
    ask: tuple[str, ...]
    source: str
    citation: str
    trust: str


@dataclass(frozen=True)
class PlanChange:
    """One finding whose other value would give another start.

    Parameters
    ----------
    finding
        Its name.
    now
        Its value with its unit; ``"not known"`` without one.
    instead
        The value, or the side of the threshold, that changes the plan.
    gives
        The strategies that would then be possible, in order; empty where no rule would hold.
    plausible
        Whether that value lies within the 95 % interval of the measurement, or has a probability of at least 2.5 %.
    """

    finding: str
    now: str
    instead: str
    gives: tuple[str, ...]
    plausible: bool = False


@dataclass(frozen=True)
class StrategyAdvice:
    """What one published algorithm would do.

    Parameters
    ----------
    algorithm
        Id of the algorithm.
    steps
        What holds, in order: prepare, start, technique. ``material``, ``fallback`` and ``stop`` stand apart.
    name, citation, doi, trust, trust_note
        The publication, and how far its rules were read.
    territory
        ``"coronary"`` or ``"leg"``.
    start
        The strategy to start with; None while it is open or where no rule of the algorithm holds.
    options
        The techniques that the start allows.
    possible
        The strategies that the known findings leave open, in the order of the algorithm.
    ask
        The findings that would settle the start, or a step that is open.
    would_change
        Findings whose other value gives another start.
    trace
        Every rule and how it was judged.
    warnings
        What a reader must know, such as a case that the algorithm was not made for.
    caveats
        How the publication was read.
    """

    algorithm: str
    steps: tuple[StrategyStep, ...]
    name: str = ""
    citation: str = ""
    doi: str = ""
    trust: str = ""
    trust_note: str = ""
    territory: str = ""
    start: str | None = None
    options: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    material: tuple[StrategyStep, ...] = ()
    fallback: tuple[StrategyStep, ...] = ()
    stop: tuple[StrategyStep, ...] = ()
    would_change: tuple[PlanChange, ...] = ()
    trace: tuple[RuleTrace, ...] = ()
    warnings: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()


def disagreements(plans: Iterable[StrategyAdvice]) -> tuple[tuple[str, str], ...]:
    """The pairs of algorithms whose starts share no technique.

    An algorithm whose start is open, or that gives none, disagrees with nobody.

    >>> wire = StrategyAdvice("a", (), start="x", options=("antegrade_wire",))
    >>> either = StrategyAdvice("b", (), start="y", options=("antegrade_wire", "antegrade_dissection"))
    >>> back = StrategyAdvice("c", (), start="z", options=("retrograde",))
    >>> disagreements([wire, either, back])
    (('a', 'c'), ('b', 'c'))
    """
    settled = [plan for plan in plans if plan.start is not None]
    return tuple(
        (first.algorithm, second.algorithm)
        for first, second in itertools.combinations(settled, 2)
        if not set(first.options) & set(second.options)
    )
