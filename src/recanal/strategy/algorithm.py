"""What a published crossing algorithm is: the types behind a rule file.

An algorithm is data. Its rules are conditions over the findings vocabulary, so that a new one needs a TOML file and
no Python. The form is described in ``docs/plan.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from recanal.rules.conditions import Condition

__all__ = ["KINDS", "OPTIONS", "TERRITORIES", "Algorithm", "Limit", "PlanRule"]

KINDS = ("algorithm", "material")
TERRITORIES = ("coronary", "leg")
OPTIONS = ("antegrade_wire", "antegrade_dissection", "cap_resolution", "retrograde")


@dataclass(frozen=True)
class PlanRule:
    """One rule.

    Parameters
    ----------
    name
        Its name in the file.
    role
        One of ``recanal.core.plan.ROLES``. Among the starts the first that holds leads.
    text
        The rule as published, in words, with what had to be settled by reading.
    do
        What to do when it holds.
    source
        Where the rule was read.
    doi
        DOI of that publication; empty where it has none.
    trust
        One of ``recanal.rules.conditions.TRUST``.
    test
        When it holds; None means always.
    strategy
        For a start: the strategy it names.
    options
        For a start: the techniques it allows, of ``OPTIONS``; two algorithms disagree when they share none.
    after
        The strategies it belongs to; empty means all. A rule of a ``material`` file looks at the starts of the
        algorithms.
    ask
        The findings to ask for while it is open; empty means all that it reads.
    """

    name: str
    role: str
    text: str
    do: str
    source: str
    doi: str
    trust: str
    test: Condition | None = None
    strategy: str = ""
    options: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """A warning for cases that the algorithm was not made for."""

    test: Condition
    warning: str
    source: str


@dataclass(frozen=True)
class Algorithm:
    """One published crossing algorithm, or one table of material.

    Parameters
    ----------
    id, name, citation, doi
        As shown to the reader; ``doi`` is empty for a table from several publications.
    kind
        One of ``KINDS``.
    territory
        One of ``TERRITORIES``.
    trust, trust_note
        How far the rules were checked against the publication, and what was not.
    rules, limits, caveats, sources
        In print order; ``sources`` are the addresses that were read.
    """

    id: str
    name: str
    citation: str
    doi: str
    kind: str
    territory: str
    trust: str
    trust_note: str
    rules: tuple[PlanRule, ...]
    limits: tuple[Limit, ...] = ()
    caveats: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def starts(self) -> tuple[PlanRule, ...]:
        """The rules that choose where to start, in order of precedence."""
        return tuple(rule for rule in self.rules if rule.role == "start")
