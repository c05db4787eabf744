"""The rows of a printed table, one type per kind of row."""

from __future__ import annotations

from dataclasses import dataclass, field

from recanal.audit.printed import CountCell, MeanCell, Printed, PrintedP, SpanCell

__all__ = [
    "AucRow",
    "ChiSquareRow",
    "ColumnSumRow",
    "Content",
    "CountRow",
    "Document",
    "Group",
    "Level",
    "LevelsRow",
    "MeanRow",
    "MedianRow",
    "Merge",
    "PercentRow",
    "PercentagesRow",
    "RatioRow",
    "Row",
    "ScoreItem",
    "ScoreRow",
    "StrataRow",
    "TotalsRow",
    "TrendRow",
]

Merge = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Group:
    """A column of a table: its name and the number of cases; None where it is not printed."""

    name: str
    size_count: int | None


@dataclass(frozen=True)
class CountRow:
    """One yes-or-no characteristic in several groups.

    ``merges`` are groupings that the authors may have tested in place of the printed columns.
    """

    groups: tuple[Group, ...]
    cells: tuple[CountCell, ...]
    overall: CountCell | None = None
    merges: tuple[Merge, ...] = ()


@dataclass(frozen=True)
class Level:
    """One level of a characteristic with several."""

    name: str
    cells: tuple[CountCell, ...]
    overall: CountCell | None = None


@dataclass(frozen=True)
class LevelsRow:
    """One characteristic with several levels, which share the cases of each group."""

    groups: tuple[Group, ...]
    levels: tuple[Level, ...]
    merges: tuple[Merge, ...] = ()


@dataclass(frozen=True)
class MeanRow:
    """Means with standard deviations.

    ``integer`` declares that each value is a whole number, ``span_low`` and ``span_high`` that it lies between two.
    """

    groups: tuple[Group, ...]
    cells: tuple[MeanCell, ...]
    overall: MeanCell | None = None
    integer: bool = False
    span_low: float | None = None
    span_high: float | None = None


@dataclass(frozen=True)
class MedianRow:
    """Medians with quartiles."""

    groups: tuple[Group, ...]
    cells: tuple[SpanCell, ...]
    overall: SpanCell | None = None


@dataclass(frozen=True)
class RatioRow:
    """An odds, risk or hazard ratio with its interval."""

    cell: SpanCell
    level: float = 0.95


@dataclass(frozen=True)
class AucRow:
    """An area under the curve with its interval."""

    cell: SpanCell
    events_count: int
    others_count: int
    level: float = 0.95


@dataclass(frozen=True)
class StrataRow:
    """Events and others per stratum of a score, in rising order, and the area printed for it, if any.

    ``coarse`` says that the printed area is that of the whole score and the strata join some of its values.
    """

    events: tuple[int, ...]
    others: tuple[int, ...]
    printed_auc: Printed | None = None
    coarse: bool = False


@dataclass(frozen=True)
class ChiSquareRow:
    """A chi-square statistic on its own, with the size of its table where that is known."""

    total_count: int | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class PercentRow:
    """A count with its denominator and percentage."""

    cell: CountCell


@dataclass(frozen=True)
class PercentagesRow:
    """Percentages of groups that may have been taken for counts out of 100, with the statistic that was printed."""

    percents: tuple[Printed, ...]


@dataclass(frozen=True)
class ScoreItem:
    """An item of a score: how many cases have it and what it gives each; None for the one number to be solved for."""

    name: str
    count: int | None
    points: float | None = 1.0
    expected_points: float | None = None


@dataclass(frozen=True)
class ScoreRow:
    """The mean of a score beside its items."""

    total_count: int
    items: tuple[ScoreItem, ...]
    mean: Printed | None = None


@dataclass(frozen=True)
class TotalsRow:
    """Counts of the same cases in several tables; their sums must be equal."""

    parts: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class ColumnSumRow:
    """Rows that must add up, group by group, to another."""

    parts: tuple[tuple[int, ...], ...]
    sums: tuple[int, ...]


@dataclass(frozen=True)
class TrendRow:
    """A proportion over ordered groups."""

    groups: tuple[Group, ...]
    cells: tuple[CountCell, ...]


Content = (
    CountRow
    | LevelsRow
    | MeanRow
    | MedianRow
    | RatioRow
    | AucRow
    | StrataRow
    | ChiSquareRow
    | PercentRow
    | PercentagesRow
    | ScoreRow
    | TotalsRow
    | ColumnSumRow
    | TrendRow
)


@dataclass(frozen=True)
class Row:
    """A row of a printed table.

    Parameters
    ----------
    table, name
        Where it stands.
    content
        What it holds.
    statistic, df, p
        As printed beside it; None where not printed.
    note
        A remark that is shown with the findings.
    what_if
        Whether the row holds a supposition, not what is printed.
    """

    table: str
    name: str
    content: Content
    statistic: Printed | None = None
    df: int | None = None
    p: PrintedP | None = None
    note: str = ""
    what_if: bool = False


@dataclass(frozen=True)
class Document:
    """The tables of one publication.

    Parameters
    ----------
    title, doi
        Which one; the DOI may be empty.
    rows
        In the order of the file.
    sizes
        Every group size that occurs, to look for a denominator that fits.
    """

    title: str
    doi: str
    rows: tuple[Row, ...]
    sizes: frozenset[int] = field(default=frozenset())
