"""The result of a published score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["ClassAxis", "ClassResult", "ScoreItem", "ScoreResult"]


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
        Probability that it applies, from the measured interval or stated priors; None while unknown without them.
    source
        ``"ct"``, ``"angiogram"``, ``"typed"``, or None while unknown.
    definition
        The published definition with its operator.
    findings
        Names of the findings it reads.
    points_if_met
        What it is worth.
    label
        The item in a few words.
    """

    name: str
    points: float | None
    met: bool | None
    prob: float | None
    source: str | None
    definition: str = ""
    findings: tuple[str, ...] = ()
    points_if_met: float = 0.0
    label: str = ""


@dataclass(frozen=True)
class ClassAxis:
    """One axis of a published classification as it was judged, such as the femoropopliteal grade of GLASS.

    Parameters
    ----------
    name, title
        Name in the sheet, and in words.
    class_name
        The class, or None while several are possible.
    meaning
        What the class means; empty while several are possible.
    classes_possible
        Every class that the unknown findings leave open, in the order of the sheet.
    because
        The criterion that held, or the cell that was looked up; empty while none did.
    findings
        Names of the findings that decided it.
    sources
        Where those came from: ``"ct"``, ``"angiogram"``, ``"typed"``.
    missing
        Names of the findings to ask for.
    """

    name: str
    title: str
    class_name: str | None
    meaning: str
    classes_possible: tuple[str, ...]
    because: str = ""
    findings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


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
        item is known or has a stated prior. While some are not, ``stratum_min`` and ``stratum_max`` hold the strata
        of the bounds.
    items
        The items, in sheet order.
    trust
        ``"read in the source"``, ``"read in part"`` or ``"not verified"``.
    warnings
        What a reader must know, such as a case outside the derivation population.
    modality
        What the sheet was made for: ``"ct"``, ``"angiogram"`` or ``"any"``; empty where that is not stated.
    predicts
        ``"success"``, ``"failure"`` or ``"complication"``: what the endpoint counts; ``"description"`` where it
        predicts nothing.
    variant_label
        The variant in a few words.
    priors
        The stated priors that were used: finding to value, in lower case, to probability.
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
    modality: str = ""
    predicts: str = "success"
    variant_label: str = ""
    priors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassResult:
    """What one published classification says about a lesion, a limb or a patient.

    Parameters
    ----------
    sheet, name
        Sheet id and printed name.
    endpoint
        What is classified.
    class_name
        The class, or None while several are possible; ``"not classified"`` where no class of the publication
        describes the case.
    classes_possible
        Every class that the unknown findings leave open, in the order of the sheet.
    class_text
        The whole result as it is written, such as ``"CAD-RADS 4A/P2/HRP"``; a ``?`` stands for an open axis.
    missing
        Names of the findings to ask for.
    axis
        Name of the axis that gives the class.
    axes
        The axes, in sheet order.
    trust
        ``"read in the source"``, ``"read in part"`` or ``"not verified"``.
    doi, citation
        The publication; ``doi`` is empty where it has none or none is known.
    class_probabilities
        Probability of each class given the measured intervals; empty unless a fact that was used has one.
    modality
        What the sheet was made for: ``"ct"``, ``"angiogram"`` or ``"any"``.
    warnings
        What a reader must know, such as measurements that disagree.
    """

    sheet: str
    name: str
    endpoint: str
    class_name: str | None
    classes_possible: tuple[str, ...]
    class_text: str
    missing: tuple[str, ...]
    axis: str
    axes: tuple[ClassAxis, ...]
    trust: str
    doi: str
    citation: str = ""
    class_probabilities: Mapping[str, float] = field(default_factory=dict)
    modality: str = ""
    warnings: tuple[str, ...] = ()
