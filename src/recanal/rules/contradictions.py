"""Declared contradictions: findings that cannot hold together, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import combinations

from recanal.core.findings import Fact, Findings
from recanal.errors import FindingsError
from recanal.rules.conditions import AllOf, Direct, readings
from recanal.rules.logic import State, World, answer, by_person
from recanal.rules.parsing import condition, finding_names
from recanal.rules.table import Table

__all__ = ["Contradiction", "check_contradictions", "comparable", "contradicted", "contradictions", "ends"]


@dataclass(frozen=True)
class Contradiction:
    """Findings that cannot hold together.

    Parameters
    ----------
    why
        What makes them contradict each other.
    tests
        They contradict when all of these hold; the last one is named first.
    above
        Two numbers of which the first exceeds the second, or nothing.
    """

    why: str
    tests: AllOf
    above: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The findings it reads."""
        return tuple(dict.fromkeys([*(test.finding for test in readings(self.tests)), *self.above]))


@lru_cache(maxsize=1)
def contradictions() -> tuple[Contradiction, ...]:
    """The contradictions that ship, in file order."""
    text = resources.files("recanal.rules").joinpath("contradictions.toml").read_text(encoding="utf-8")
    root = Table(tomllib.loads(text), "contradictions")
    return tuple(_contradiction(row) for row in root.tables("contradictions", required=True))


def check_contradictions(findings: Findings) -> None:
    """Refuse findings of which a declared contradiction holds.

    A number with an interval contradicts only where the whole interval does. Facts of different modalities are not
    compared, nor is a person's word with an unconfirmed measurement.

    Raises
    ------
    FindingsError
        Naming the fields.
    """
    for row in contradictions():
        if all(name in findings for name in row.names) and _comparable(row, findings) and _holds(row, findings):
            raise _error(row, findings)


def contradicted(world: World, rows: Iterable[Contradiction]) -> bool:
    """Whether one of the contradictions holds of the values of a world; what the world does not hold is not compared.

    Parameters
    ----------
    world
        The facts of one possible world.
    rows
        The contradictions to look at.
    """
    return any(_holds_in(row, world) for row in rows)


def comparable(first: Fact, second: Fact) -> bool:
    """Whether two facts can contradict each other.

    A person's word overrides an unconfirmed measurement, and CT and angiogram see differently.
    """
    return by_person(first) is by_person(second) and {first.source, second.source} != {"ct", "angiogram"}


def ends(fact: Fact) -> tuple[float, float]:
    """Both ends of the interval of a number; the number itself where it has none."""
    value = float(fact.value)
    return (value if fact.low is None else fact.low), (value if fact.high is None else fact.high)


def _holds_in(row: Contradiction, world: World) -> bool:
    if not all(name in world for name in row.names):
        return False
    if row.above and not float(world[row.above[0]].value) > float(world[row.above[1]].value):
        return False
    return answer(row.tests, world).truth is True


def _contradiction(row: Table) -> Contradiction:
    key = "only" if row.has("above") else "all"
    parts = tuple(condition(part) for part in row.tables(key, required=key == "all"))
    out = Contradiction(why=row.text("why"), tests=AllOf(parts), above=finding_names(row, "above"))
    row.done()
    return out


def _comparable(row: Contradiction, findings: Findings) -> bool:
    pairs = combinations((findings.facts[name] for name in row.names), 2)
    return all(comparable(a, b) for a, b in pairs)


def _holds(row: Contradiction, findings: Findings) -> bool:
    if row.above:
        first, second = (findings.facts[name] for name in row.above)
        if not ends(first)[0] > ends(second)[1]:
            return False
    return all(answer(test, world).truth is True for test in _tests(row) for world in _worlds(test, findings))


def _tests(row: Contradiction) -> Iterator[Direct]:
    return readings(row.tests)


def _worlds(test: Direct, findings: Findings) -> Iterator[World]:
    """The finding at its value and, for a number with an interval, at both ends."""
    fact = findings.facts[test.finding]
    values = [fact.value] if isinstance(fact.value, bool | str) else [*ends(fact), float(fact.value)]
    for value in values:
        yield {test.finding: State(value, fact.value)}


def _error(row: Contradiction, findings: Findings) -> FindingsError:
    *others, last = row.names
    said = " and ".join(f"{name} is {_word(findings.facts[name])}" for name in others)
    but = f", but {said}" if said else ""
    return FindingsError(
        f"{last}: is {_word(findings.facts[last])}{but}; {row.why}.",
        hint="Correct one of them, or leave it out." if said else "Correct it, or leave it out.",
    )


def _word(fact: Fact) -> str:
    return (
        f"{fact.value:g}"
        if isinstance(fact.value, float)
        else str(fact.value).lower()
        if isinstance(fact.value, bool)
        else str(fact.value)
    )
