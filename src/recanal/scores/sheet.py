"""What a published score is: the types behind a score sheet.

A sheet is data. Its items are conditions over the findings vocabulary, so that a new score needs a
TOML file and no Python. The TOML form is described in ``docs/scores.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recanal.core.findings import FindingValue
from recanal.errors import OptionError

__all__ = [
    "MODALITIES",
    "OPERATORS",
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

TRUST = ("read in the source", "read in part", "not verified")
OPERATORS = (">", ">=", "<", "<=", "is", "in", "not in")
MODALITIES = ("angiogram", "ct", "any")
TERRITORIES = ("coronary", "leg", "any")


@dataclass(frozen=True)
class Direct:
    """One finding against one value.

    Parameters
    ----------
    finding
        Name in the findings vocabulary.
    op
        One of ``OPERATORS``.
    value
        Threshold, truth value, word, or tuple of words for ``in`` and ``not in``.
    unknown
        Words that leave the question open, such as an ambiguous cap.
    decides
        ``"both"``; or ``"true"`` (``"false"``) for a finding that can settle the question one way only,
        such as severe calcification, which implies any calcification while its absence says nothing.
    """

    finding: str
    op: str
    value: FindingValue | tuple[str, ...]
    unknown: tuple[str, ...] = ()
    decides: str = "both"


@dataclass(frozen=True)
class AnyOf:
    """True when one part is; three-valued (Kleene)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AllOf:
    """True when every part is; three-valued (Kleene)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class FirstOf:
    """Several ways to learn one fact: the first known part speaks, a person's word before a measured one."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Negation:
    """True when the part is false."""

    part: Condition


Condition = Direct | AnyOf | AllOf | FirstOf | Negation


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
    """

    levels: tuple[Level, ...]
    definition: str
    source: str
    trust: str
    ask: tuple[str, ...] = ()


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
    """One published way to score the same sheet."""

    name: str
    note: str
    citation: str = ""
    doi: str = ""


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
        Short citation and identifier of the publication.
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
        As shown to the reader.
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


def readings(condition: Condition) -> Iterator[Direct]:
    """Every direct test inside a condition."""
    if isinstance(condition, Direct):
        yield condition
    elif isinstance(condition, Negation):
        yield from readings(condition.part)
    else:
        for part in condition.parts:
            yield from readings(part)


def conditions_of(rule: Rule) -> Iterator[Direct]:
    """Every direct test inside a rule."""
    for level in rule.levels:
        yield from readings(level.test)
