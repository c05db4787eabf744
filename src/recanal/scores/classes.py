"""What a published classification is: the types behind a sheet of classes.

A classification has axes. An axis is judged by ordered criteria, looked up from other axes, or taken from several
axes that measure the same thing. Its TOML form is described in ``docs/classifications.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recanal.rules.conditions import Condition, Direct, readings
from recanal.scores.sheet import Limit

__all__ = [
    "NOT_CLASSIFIED",
    "AgreeRule",
    "Axis",
    "ClassSheet",
    "CriteriaRule",
    "Criterion",
    "Derived",
    "GradeClass",
    "LookupRule",
    "tests_of",
]

NOT_CLASSIFIED = "not classified"
Cells = tuple["Cells", ...] | str


@dataclass(frozen=True)
class GradeClass:
    """One class of an axis.

    Parameters
    ----------
    name
        As the publication writes it.
    meaning
        The published definition.
    text
        How it stands in the written result; its name where not given.
    """

    name: str
    meaning: str
    text: str


@dataclass(frozen=True)
class Criterion:
    """A condition and the class that it gives; several classes where the publication leaves the edge open.

    Parameters
    ----------
    gives
        Names of classes; the class when there is one.
    says
        The criterion in words, with its operator.
    test
        The condition.
    """

    gives: tuple[str, ...]
    says: str
    test: Condition


@dataclass(frozen=True)
class CriteriaRule:
    """The first criterion that holds gives the class.

    Parameters
    ----------
    criteria
        In order of precedence.
    otherwise
        What it means that no criterion holds.
    void
        When it holds, what the axis measures says nothing, and no criterion is asked; None where that cannot be.
    """

    criteria: tuple[Criterion, ...]
    otherwise: str
    void: Condition | None = None


@dataclass(frozen=True)
class LookupRule:
    """A table over the classes of other axes: one level of ``cells`` for each of them, in the order of ``of``."""

    of: tuple[str, ...]
    cells: Cells

    def cell(self, places: tuple[int, ...]) -> str:
        """The class at a place of the table."""
        cells = self.cells
        for place in places:
            cells = cells[place]
        return str(cells)


@dataclass(frozen=True)
class AgreeRule:
    """Several axes that measure the same: those that are known must agree, or the class stays open."""

    of: tuple[str, ...]
    ask: tuple[str, ...]


@dataclass(frozen=True)
class Axis:
    """One axis of a classification.

    Parameters
    ----------
    name, title
        Name in the sheet, and in words.
    classes
        In the order of the publication.
    rule
        How it is judged.
    source, trust
        Where it was read, and how far it was checked.
    unknown_text
        What stands in the written result while the axis is open.
    shown
        Whether a reader sees it; an axis that only feeds others may be left out of tables.
    """

    name: str
    title: str
    classes: tuple[GradeClass, ...]
    rule: CriteriaRule | LookupRule | AgreeRule
    source: str
    trust: str
    unknown_text: str = "?"
    shown: bool = True

    def place(self, name: str) -> int:
        """The position of a class."""
        return [row.name for row in self.classes].index(name)

    def class_named(self, name: str) -> GradeClass | None:
        """The class of that name, or None."""
        return next((row for row in self.classes if row.name == name), None)


@dataclass(frozen=True)
class Derived:
    """A finding that follows from others while it is not given itself.

    Parameters
    ----------
    finding
        The finding.
    of
        One finding to copy, or two whose ratio it is.
    when
        Holds the derivation back unless it is true; None where it is always sound.
    tolerance_ratio
        For a ratio: how far a given value may lie from it, because it was rounded or measured apart.
    """

    finding: str
    of: tuple[str, ...]
    when: Condition | None = None
    tolerance_ratio: float = 0.0


@dataclass(frozen=True)
class ClassSheet:
    """One published classification, whole.

    Parameters
    ----------
    id, name, citation, doi, endpoint
        As shown to the reader; ``doi`` is empty where the work has none or none is known.
    trust, trust_note
        How far the sheet was checked against its publication, and what was not.
    modality
        What it was read on in the publication: ``"angiogram"``, ``"ct"`` or ``"any"``.
    territory
        ``"coronary"``, ``"leg"`` or ``"any"``.
    vessels
        Values of the finding ``vessel`` that it fits; empty means all of its territory.
    result
        The axis that gives the class.
    text
        The written result, with axis names in braces.
    axes
        In the order in which they are judged: an axis that looks up others comes after them.
    derived, limits, caveats, sources
        As in a sheet of points.
    """

    id: str
    name: str
    citation: str
    doi: str
    endpoint: str
    trust: str
    trust_note: str
    modality: str
    territory: str
    vessels: tuple[str, ...]
    result: str
    text: str
    axes: tuple[Axis, ...]
    derived: tuple[Derived, ...] = ()
    limits: tuple[Limit, ...] = ()
    caveats: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def axis(self, name: str) -> Axis:
        """The axis of that name.

        Raises
        ------
        KeyError
            When there is none.
        """
        return {axis.name: axis for axis in self.axes}[name]

    @property
    def findings(self) -> tuple[str, ...]:
        """Every finding that its axes read, in order."""
        names = [test.finding for axis in self.axes for test in tests_of(axis)]
        return tuple(dict.fromkeys([*names, *(name for row in self.derived for name in row.of)]))


def tests_of(axis: Axis) -> Iterator[Direct]:
    """Every direct test of an axis that is judged by criteria."""
    if isinstance(axis.rule, CriteriaRule):
        for criterion in axis.rule.criteria:
            yield from readings(criterion.test)
