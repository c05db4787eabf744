"""The result of a published score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ScoreItem", "ScoreResult"]


@dataclass(frozen=True)
class ScoreItem:
    """One item of a score sheet as it was evaluated.

    Parameters
    ----------
    name
        Item name in the sheet.
    points
        Points given, or None while unknown.
    met
        Whether the item applies, or None while unknown.
    prob
        Probability that it applies, from the measured interval; None while unknown.
    source
        ``"ct"``, ``"angiogram"``, ``"typed"``, or None while unknown.
    definition
        The published definition with its operator.
    findings
        Names of the findings it reads.
    points_if_met
        What it is worth.
    """

    name: str
    points: float | None
    met: bool | None
    prob: float | None
    source: str | None
    definition: str = ""
    findings: tuple[str, ...] = ()
    points_if_met: float = 0.0


@dataclass(frozen=True)
class ScoreResult:
    """What one published score says about a lesion.

    Parameters
    ----------
    sheet, name
        Sheet id and printed name.
    endpoint
        What the score predicts.
    points
        Total, or None while an unknown item could change it.
    points_min, points_max
        Bounds over the unknown items.
    missing
        Names of the findings that are not known.
    stratum
        Stratum of ``points``, or None when the bounds span several strata.
    printed_rate
        Published event rate of the stratum (share of the endpoint), or None.
    printed_rate_text
        The rate as printed, with counts and interval where they were published.
    stratum_probabilities
        Probability of each stratum given the measured intervals and probabilities of the facts; empty unless every
        item is known. While some are not, ``stratum_min`` and ``stratum_max`` hold the strata of the bounds.
    items
        The items, in sheet order.
    trust
        ``"read in the source"``, ``"read in part"`` or ``"not verified"``.
    warnings
        What a reader must know, such as a case outside the derivation population.
    """

    sheet: str
    name: str
    endpoint: str
    points: float | None
    points_min: float
    points_max: float
    missing: tuple[str, ...]
    stratum: str | None
    printed_rate: float | None
    stratum_probabilities: Mapping[str, float]
    items: tuple[ScoreItem, ...]
    trust: str
    doi: str
    citation: str = ""
    variant: str | None = None
    stratum_min: str | None = None
    stratum_max: str | None = None
    printed_rate_text: str = ""
    warnings: tuple[str, ...] = field(default=())
