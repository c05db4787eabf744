"""What a published score is: the types behind a score sheet.

A sheet is data. Its items are conditions over the findings vocabulary, so that a new score needs a
TOML file and no Python. The TOML form is described in ``docs/scores.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recanal.errors import OptionError
from recanal.rules.conditions import (
    OPERATORS,
    TRUST,
    AllOf,
    AnyOf,
    Condition,
    Direct,
    FirstOf,
    Negation,
    readings,
)

__all__ = [
    "MODALITIES",
    "OPERATORS",
    "PREDICTS",
    "TERRITORIES",
    "TRUST",
    "AllOf",
    "AnyOf",
    "CStatistic",
    "Condition",
    "Direct",
    "FirstOf",
    "Item",
    "Level",
    "Limit",
    "Negation",
    "RateSet",
    "Rule",
    "Sheet",
    "Stratum",
    "StratumRate",
    "Variant",
    "conditions_of",
    "readings",
]

MODALITIES = ("angiogram", "ct", "any")
TERRITORIES = ("coronary", "leg", "any")
PREDICTS = ("success", "failure", "complication", "description")


@dataclass(frozen=True)
class Level:
    """Points given when a condition holds."""

    points: float
    test: Condition


@dataclass(frozen=True)
class Rule:
    """How an item is judged in one variant: the first level that holds gives its points, else none.

    Parameters
    ----------
    levels
        In order of precedence.
    definition
        The published definition with its operator.
    source
        Where the definition was read.
    trust
        One of ``TRUST``.
    ask
        The findings to ask for while the item is unknown; empty means all that it reads.
    label
        The item in a few words, for texts that people read.
    """

    levels: tuple[Level, ...]
    definition: str
    source: str
    trust: str
    ask: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Item:
    """One item: the rule that holds in general, and those of the variants that differ."""

    name: str
    rule: Rule
    variants: tuple[tuple[str, Rule], ...] = ()

    def rule_for(self, variant: str | None) -> Rule:
        """The rule in force under a variant."""
        return dict(self.variants).get(variant, self.rule) if variant is not None else self.rule


@dataclass(frozen=True)
class Variant:
    """One published way to score the same sheet; ``label`` says it in a few words."""

    name: str
    note: str
    citation: str = ""
    doi: str = ""
    label: str = ""


@dataclass(frozen=True)
class Stratum:
    """A range of totals, each end closed or open; None is unbounded."""

    name: str
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, points: float) -> bool:
        """Whether a total lies in the stratum."""
        if self.low is not None and (points < self.low or (self.low_open and points == self.low)):
            return False
        return not (self.high is not None and (points > self.high or (self.high_open and points == self.high)))

    @property
    def text(self) -> str:
        """The range in words, such as ``"> 1 to < 3"``."""
        if self.low is not None and self.low == self.high:
            return f"{self.low:g}"
        low = "" if self.low is None else f"{'>' if self.low_open else '>='} {self.low:g}"
        high = "" if self.high is None else f"{'<' if self.high_open else '<='} {self.high:g}"
        return " to ".join(part for part in (low, high) if part)


@dataclass(frozen=True)
class StratumRate:
    """The event rate of one stratum; counts only where they were printed."""

    stratum: str
    rate: float
    events: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class RateSet:
    """The rates that one publication printed for one cohort.

    Parameters
    ----------
    cohort
        Such as ``"derivation"``, ``"validation"`` or ``"external"``.
    endpoint
        What was counted.
    source, doi
        Short citation and identifier of the publication; the identifier is empty when it is not known.
    trust
        One of ``TRUST``.
    primary
        Whether it is the one shown with a result.
    variants
        The variants it applies to; empty means all.
    rates
        One entry per stratum that was printed.
    note
        What a reader of these rates must know.
    """

    cohort: str
    endpoint: str
    source: str
    doi: str
    trust: str
    primary: bool
    variants: tuple[str, ...]
    rates: tuple[StratumRate, ...]
    note: str = ""

    def of(self, stratum: str) -> StratumRate | None:
        """The rate of a stratum, or None when it was not printed."""
        return next((rate for rate in self.rates if rate.stratum == stratum), None)


@dataclass(frozen=True)
class CStatistic:
    """A printed area under the curve; ``value`` is text because intervals and ranges are printed with it."""

    value: str
    cohort: str
    endpoint: str
    source: str
    trust: str


@dataclass(frozen=True)
class Limit:
    """A warning for cases outside the population the score was made for."""

    test: Condition
    warning: str
    source: str


@dataclass(frozen=True)
class Sheet:
    """One published score, whole.

    Parameters
    ----------
    id, name, citation, doi, endpoint
        As shown to the reader; ``doi`` is empty when it is not known.
    trust, trust_note
        How far the sheet was checked against its publication, and what was not.
    modality
        What the items were read on in the publication: ``"angiogram"``, ``"ct"`` or ``"any"``.
    territory
        ``"coronary"``, ``"leg"`` or ``"any"``.
    derivation
        The cohort the score comes from.
    points_range
        Least and greatest total.
    items, strata, rates, c_statistics, limits, caveats
        In print order.
    variants, default_variant
        Published ways to score it; empty and None when there is one.
    sources
        Addresses that were read.
    predicts
        What a higher total goes with: less ``"success"``, more ``"failure"``, or more of a ``"complication"``;
        ``"description"`` where it predicts nothing.
        The endpoint counts that event.
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
    derivation: str
    points_range: tuple[float, float]
    items: tuple[Item, ...]
    strata: tuple[Stratum, ...]
    rates: tuple[RateSet, ...] = ()
    c_statistics: tuple[CStatistic, ...] = ()
    limits: tuple[Limit, ...] = ()
    caveats: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    default_variant: str | None = None
    sources: tuple[str, ...] = ()
    predicts: str = "success"

    def variant_named(self, name: str | None) -> Variant | None:
        """The variant of that name, or the default when None.

        Raises
        ------
        OptionError
            When the sheet has no such variant.
        """
        wanted = self.default_variant if name is None else name
        found = next((variant for variant in self.variants if variant.name == wanted), None)
        if found is None and wanted is not None:
            known = ", ".join(variant.name for variant in self.variants) or "none"
            raise OptionError(f"{self.id} has no variant {wanted!r}.", hint=f"Known variants: {known}.")
        return found

    def stratum_of(self, points: float) -> str | None:
        """The name of the stratum of a total; None when the sheet has no strata."""
        return next((stratum.name for stratum in self.strata if stratum.holds(points)), None)


def conditions_of(rule: Rule) -> Iterator[Direct]:
    """Every direct test inside a rule."""
    for level in rule.levels:
        yield from readings(level.test)
