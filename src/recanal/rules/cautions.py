"""Declared cautions: findings with which a lesion is hardly the chronic total occlusion that scores expect."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from recanal.rules.conditions import Condition, readings
from recanal.rules.logic import World, answer
from recanal.rules.parsing import condition
from recanal.rules.table import Table

__all__ = ["Caution", "cautions", "cautions_on"]

_TERRITORIES = ("coronary", "leg", "any")
_SERVES = ("score", "tally", "plan")


@dataclass(frozen=True)
class Caution:
    """A warning where a condition holds.

    Parameters
    ----------
    test
        The condition.
    warning
        What a reader must know.
    territory
        ``"coronary"``, ``"leg"`` or ``"any"``: of the score or algorithm that it is given with.
    serves
        With what it is given: ``"score"``, ``"tally"`` (points that predict nothing) or ``"plan"``.
    """

    test: Condition
    warning: str
    territory: str
    serves: tuple[str, ...]

    @property
    def names(self) -> frozenset[str]:
        """The findings it reads."""
        return frozenset(test.finding for test in readings(self.test))


@lru_cache(maxsize=1)
def cautions() -> tuple[Caution, ...]:
    """The cautions that ship, in file order."""
    text = resources.files("recanal.rules").joinpath("cautions.toml").read_text(encoding="utf-8")
    root = Table(tomllib.loads(text), "cautions")
    return tuple(_caution(row) for row in root.tables("cautions", required=True))


def cautions_on(world: World, *, serves: str, territory: str, own: Iterable[Condition] = ()) -> tuple[str, ...]:
    """The warnings that hold in a world.

    Parameters
    ----------
    world
        The known facts.
    serves
        ``"score"``, ``"tally"`` or ``"plan"``.
    territory
        That of the score or algorithm.
    own
        The conditions of its own limits; a caution on the same findings gives way to them.
    """
    said = {test.finding for limit in own for test in readings(limit)}
    return tuple(
        row.warning
        for row in cautions()
        if serves in row.serves
        and ("any" in (row.territory, territory) or row.territory == territory)
        and not row.names <= said
        and answer(row.test, world).truth is True
    )


def _caution(row: Table) -> Caution:
    serves = row.texts("serves")
    for word in serves:
        if word not in _SERVES:
            raise row.error("serves", f"must be of {', '.join(_SERVES)}, got {word!r}")
    caution = Caution(
        test=condition(row.table("test")),
        warning=row.text("warning"),
        territory=row.one_of("territory", _TERRITORIES),
        serves=serves,
    )
    row.done()
    return caution
