"""What a study says: tables, figures, sentences and a checklist, each number with the place it came from."""

from __future__ import annotations

from dataclasses import dataclass

from recanal.errors import OptionError

__all__ = [
    "FIGURE_KINDS",
    "ROW_KINDS",
    "ChecklistItem",
    "StudyCell",
    "StudyFigure",
    "StudyLine",
    "StudyReport",
    "StudyRow",
    "StudySection",
    "StudySeries",
    "StudyTable",
]

ROW_KINDS = ("row", "level", "heading")
FIGURE_KINDS = ("forest", "curves", "strata", "differences")


@dataclass(frozen=True)
class StudyCell:
    """Text of a cell, and the JSON pointer of its numbers in ``results.json`` (empty where it holds none)."""

    text: str
    source: str = ""


@dataclass(frozen=True)
class StudyRow:
    """A row of a table; ``level`` is indented under the ``heading`` or ``row`` above it."""

    cells: tuple[StudyCell, ...]
    kind: str = "row"

    def __post_init__(self) -> None:
        if self.kind not in ROW_KINDS:
            raise OptionError(f"A row of a study is one of {', '.join(ROW_KINDS)}, got {self.kind!r}.")


@dataclass(frozen=True)
class StudyTable:
    """A table: every row has as many cells as the head."""

    id: str
    title: str
    head: tuple[str, ...]
    rows: tuple[StudyRow, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [len(row.cells) for row in self.rows if len(row.cells) != len(self.head)]
        if wrong:
            raise OptionError(f"Table {self.id!r} has {len(self.head)} columns, a row has {wrong[0]}.")


@dataclass(frozen=True)
class StudySeries:
    """Points of a figure, all tuples of one length or empty.

    Parameters
    ----------
    label
        Name in the legend.
    x_value, y_value
        Positions, in the units that the axes name.
    low_value, high_value
        Interval of y, or of x in a forest plot; empty where there is none.
    point_labels
        Words at each point: rows of a forest plot, strata.
    value_labels
        The numbers of each point in words, for a forest plot.
    step
        Whether the line goes in steps.
    """

    label: str
    x_value: tuple[float, ...]
    y_value: tuple[float, ...]
    low_value: tuple[float, ...] = ()
    high_value: tuple[float, ...] = ()
    point_labels: tuple[str, ...] = ()
    value_labels: tuple[str, ...] = ()
    step: bool = False

    def __post_init__(self) -> None:
        size = len(self.x_value)
        parts = (self.low_value, self.high_value, self.point_labels, self.value_labels)
        if len(self.y_value) != size or any(part and len(part) != size for part in parts):
            raise OptionError(f"Series {self.label!r} needs one length, got {size} and others.")


@dataclass(frozen=True)
class StudyLine:
    """A straight line across a figure at ``value`` of the upright axis, with its words."""

    value: float
    label: str
    dashed: bool = True


@dataclass(frozen=True)
class StudyFigure:
    """A figure to draw.

    Parameters
    ----------
    id, title
        Name of its file, and what it shows.
    kind
        ``forest``, ``curves``, ``strata`` (shares with bars) or ``differences`` (points with lines).
    across, up
        Names of the axes with their units.
    series
        What is drawn.
    lines
        Lines across.
    unit_square
        Both axes run from 0 to 1 with their diagonal.
    shares_up
        The upright axis runs from 0 to 1.
    notes
        What a reader needs to know.
    """

    id: str
    title: str
    kind: str
    across: str
    up: str
    series: tuple[StudySeries, ...]
    lines: tuple[StudyLine, ...] = ()
    unit_square: bool = False
    shares_up: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in FIGURE_KINDS:
            raise OptionError(f"A figure of a study is one of {', '.join(FIGURE_KINDS)}, got {self.kind!r}.")


@dataclass(frozen=True)
class StudySection:
    """One analysis as people read it."""

    id: str
    title: str
    tables: tuple[StudyTable, ...] = ()
    figures: tuple[StudyFigure, ...] = ()
    sentences: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChecklistItem:
    """One item of a reporting checklist.

    Parameters
    ----------
    number, topic, asks
        As the checklist numbers it, its part of the paper, and what it asks for.
    state
        ``filled`` from the run, ``partly``, or ``to write`` by the authors.
    text
        What the run can say.
    """

    number: str
    topic: str
    asks: str
    state: str
    text: str


@dataclass(frozen=True)
class StudyReport:
    """All that a study says.

    Parameters
    ----------
    title
        Of the plan.
    facts
        Name and value of what the run rests on: version, rows, hashes, seed.
    sections
        Analyses in the order of the plan.
    methods
        Paragraphs on the methods, from what was run.
    checklist
        STROBE items.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[StudySection, ...]
    methods: tuple[str, ...]
    checklist: tuple[ChecklistItem, ...]
