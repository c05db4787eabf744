"""Judging an item over facts that may be unknown."""

from __future__ import annotations

from dataclasses import dataclass

from recanal.rules.logic import Answer, State, World, answer, by_person, is_certain, stated_world
from recanal.scores.sheet import Rule

__all__ = ["Answer", "Outcome", "State", "World", "answer", "by_person", "is_certain", "outcome", "stated_world"]


@dataclass(frozen=True)
class Outcome:
    """What an item gives: the totals still possible and the findings that decided it."""

    possible: tuple[float, ...]
    used: tuple[str, ...]

    @property
    def points(self) -> float | None:
        """The points, or None while several values are possible."""
        return self.possible[0] if len(self.possible) == 1 else None

    @property
    def met(self) -> bool | None:
        """Whether the item applies (gives points other than none), or None while unknown."""
        kinds = {points != 0 for points in self.possible}
        return kinds.pop() if len(kinds) == 1 else None


def outcome(rule: Rule, world: World) -> Outcome:
    """The points of a rule in a world: the first level that holds gives its points, else none."""
    possible: set[float] = set()
    used: dict[str, None] = {}
    for level in rule.levels:
        reply = answer(level.test, world)
        used.update(dict.fromkeys(reply.used))
        if reply.truth is not False:
            possible.add(level.points)
        if reply.truth is True:
            return Outcome(tuple(sorted(possible)), tuple(used))
    return Outcome(tuple(sorted(possible | {0.0})), tuple(used))
