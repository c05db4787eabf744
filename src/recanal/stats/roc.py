"""The area under the receiver operating characteristic curve, with DeLong's variance.

Placements come from midranks, so that the work grows as n log n (Sun X, Xu W. IEEE Signal Process Lett
2014;21:1389-1393); the variance is that of DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988;44:837-845. A
higher score means that the event is more likely; turn the sign of a score that runs the other way. Nothing is turned
silently.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from recanal.errors import OptionError

__all__ = [
    "AucComparison",
    "AucEstimate",
    "RocPoint",
    "auc_delong",
    "auc_from_counts",
    "compare_paired_auc",
    "compare_unpaired_auc",
    "hanley_mcneil_error",
    "roc_points",
    "youden_point",
]


@dataclass(frozen=True)
class AucEstimate:
    """An area under the curve.

    Parameters
    ----------
    auc
        Probability that an event has the higher score, ties counted half.
    standard_error
        DeLong's standard error.
    low, high
        Normal interval, cut at 0 and 1 as in pROC.
    level
        Its coverage.
    events_count, others_count
        Cases with and without the event.
    """

    auc: float
    standard_error: float
    low: float
    high: float
    level: float
    events_count: int
    others_count: int


@dataclass(frozen=True)
class AucComparison:
    """The difference of two areas.

    Parameters
    ----------
    difference_auc
        First minus second area.
    statistic
        z of the paired test, D of the unpaired test.
    df
        Degrees of freedom of the unpaired test; None for the normal distribution.
    p_value
        Two-sided.
    """

    difference_auc: float
    statistic: float
    df: float | None
    p_value: float


@dataclass(frozen=True)
class RocPoint:
    """One cut of a score: ``score >= threshold`` counts as positive.

    Parameters
    ----------
    threshold
        The cut, in the unit of the score.
    sensitivity_share, specificity_share
        Of the events, and of the others.
    """

    threshold: float
    sensitivity_share: float
    specificity_share: float


def auc_delong(scores: ArrayLike, events: ArrayLike, *, level: float = 0.95) -> AucEstimate:
    """The area of a score, with DeLong's interval.

    Parameters
    ----------
    scores
        (n,) finite numbers.
    events
        (n,) true or 1 where the event came.
    level
        Coverage of the interval.

    Raises
    ------
    OptionError
        When the two do not match, hold something else, or there are fewer than two events or others.

    Examples
    --------
    >>> auc_delong([1, 2, 3, 4], [0, 1, 0, 1]).auc
    0.75
    """
    score, event = _checked(scores, events)
    high, low = score[event], score[~event]
    of_events, of_others = _placements(high, low)
    return _estimate(of_events, of_others, np.ones(len(high)), np.ones(len(low)), level)


def auc_from_counts(events: Sequence[int], others: Sequence[int], *, level: float = 0.95) -> AucEstimate:
    """The area from counts per stratum, strata in rising order of risk.

    Parameters
    ----------
    events, others
        Cases with and without the event in each stratum.
    level
        Coverage of the interval.

    Raises
    ------
    OptionError
        When the strata do not match, a count is negative, or there are fewer than two events or others.

    Notes
    -----
    Where a stratum joins several values of a score, the area is that of the joined score.

    Examples
    --------
    Technical failure over the four strata of Operator-CTO (Xiao 2021, doi 10.1155/2021/9988943, Table 6).

    >>> auc = auc_from_counts([1, 3, 6, 3], [102, 21, 7, 1])
    >>> [round(number, 3) for number in (auc.auc, auc.low, auc.high)]
    [0.904, 0.812, 0.996]
    """
    with_event, without = np.asarray(events, dtype=float), np.asarray(others, dtype=float)
    if with_event.ndim != 1 or with_event.shape != without.shape:
        raise OptionError(f"Strata must match, got {len(events)} counts of events and {len(others)} of others.")
    if (with_event < 0).any() or (without < 0).any() or min(with_event.sum(), without.sum()) < 2:
        raise OptionError("Strata need counts of 0 or more, and two events and two others in all.")
    below = np.cumsum(without) - without / 2
    above = with_event.sum() - np.cumsum(with_event) + with_event / 2
    return _estimate(below / without.sum(), above / with_event.sum(), with_event, without, level)


def compare_paired_auc(first: ArrayLike, second: ArrayLike, events: ArrayLike) -> AucComparison:
    """DeLong's test of two scores of the same cases.

    Parameters
    ----------
    first, second
        (n,) scores.
    events
        (n,) true where the event came.

    Raises
    ------
    OptionError
        As :func:`auc_delong`, and when the difference does not vary.
    """
    parts = []
    for scores in (first, second):
        score, event = _checked(scores, events)
        parts.append(_placements(score[event], score[~event]))
    gaps = [parts[0][side] - parts[1][side] for side in (0, 1)]
    variance = sum(float(gap.var(ddof=1)) / len(gap) for gap in gaps)
    difference = float(gaps[0].mean())
    if not variance > 0:
        raise OptionError("The two scores order the cases alike; there is nothing to test.")
    z = difference / math.sqrt(variance)
    return AucComparison(difference, z, None, math.erfc(abs(z) / math.sqrt(2)))


def compare_unpaired_auc(first: AucEstimate, second: AucEstimate) -> AucComparison:
    """Test of two areas from different cases.

    Notes
    -----
    Referred to Student's t with the degrees of freedom of Welch, as pROC does (Robin X, et al. BMC Bioinformatics
    2011;12:77).

    Raises
    ------
    OptionError
        When neither area varies.
    """
    sizes = [estimate.events_count + estimate.others_count for estimate in (first, second)]
    variances = [estimate.standard_error**2 for estimate in (first, second)]
    total = sum(variances)
    if not total > 0:
        raise OptionError("Neither area varies; there is nothing to test.")
    df = total**2 / sum(part**2 / (size - 1) for part, size in zip(variances, sizes, strict=True))
    statistic = (first.auc - second.auc) / math.sqrt(total)
    return AucComparison(first.auc - second.auc, statistic, df, float(2 * special.stdtr(df, -abs(statistic))))


def hanley_mcneil_error(auc: float, *, events_count: int, others_count: int) -> float:
    """Standard error of an area from the area and the two sizes alone.

    Raises
    ------
    OptionError
        When the area lies outside 0 to 1 or a size below 1.

    Notes
    -----
    Hanley JA, McNeil BJ. Radiology 1982;143:29-36, with the exponential approximation of Q1 and Q2.
    """
    if not 0 <= auc <= 1 or min(events_count, others_count) < 1:
        raise OptionError(f"An area lies in 0 to 1 and sizes are 1 or more, got {auc}, {events_count}, {others_count}.")
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (events_count - 1) * (first - auc**2) + (others_count - 1) * (second - auc**2)
    return math.sqrt(max(spread, 0.0) / (events_count * others_count))


def roc_points(scores: ArrayLike, events: ArrayLike) -> tuple[RocPoint, ...]:
    """Every cut of a score, from the lowest value up.

    Raises
    ------
    OptionError
        As :func:`auc_delong`.
    """
    score, event = _checked(scores, events)
    high, low = np.sort(score[event]), np.sort(score[~event])
    cuts = np.unique(score)
    sensitivity = 1 - np.searchsorted(high, cuts, side="left") / len(high)
    specificity = np.searchsorted(low, cuts, side="left") / len(low)
    rows = zip(cuts, sensitivity, specificity, strict=True)
    return tuple(RocPoint(float(cut), float(hit), float(spared)) for cut, hit, spared in rows)


def youden_point(points: Sequence[RocPoint]) -> RocPoint:
    """The cut with the greatest sensitivity plus specificity; the lowest of equals.

    Raises
    ------
    OptionError
        When there is no point.

    Notes
    -----
    Youden WJ. Cancer 1950;3:32-35. Chosen on the data, it flatters the score.
    """
    if not points:
        raise OptionError("There is no point to choose from.")
    return max(points, key=lambda point: point.sensitivity_share + point.specificity_share)


def _checked(scores: ArrayLike, events: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    score = np.asarray(scores, dtype=np.float64)
    event = np.asarray(events)
    if score.ndim != 1 or event.shape != score.shape:
        raise OptionError(f"Scores and events must be (n,), got {score.shape} and {event.shape}.")
    if not np.isfinite(score).all() or not np.isin(event, (0, 1)).all():
        raise OptionError("Scores are finite numbers and events 0 or 1.", hint="Leave out cases with missing values.")
    chosen = event.astype(bool)
    if min(int(chosen.sum()), int((~chosen).sum())) < 2:
        raise OptionError(f"An area needs two events and two others, got {chosen.sum()} and {(~chosen).sum()}.")
    return score, chosen


def _placements(high: NDArray[np.float64], low: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each event the share of others below it, for each other the share of events above it."""
    together = stats.rankdata(np.concatenate([high, low]))
    of_events = (together[: len(high)] - stats.rankdata(high)) / len(low)
    of_others = 1 - (together[len(high) :] - stats.rankdata(low)) / len(high)
    return of_events, of_others


def _estimate(
    of_events: NDArray[np.float64],
    of_others: NDArray[np.float64],
    event_weights: NDArray[np.float64],
    other_weights: NDArray[np.float64],
    level: float,
) -> AucEstimate:
    if not 0 < level < 1:
        raise OptionError(f"level must lie between 0 and 1, got {level}.")
    sizes = (float(event_weights.sum()), float(other_weights.sum()))
    auc = float((of_events * event_weights).sum()) / sizes[0]
    variance = 0.0
    for shares, weights, size in ((of_events, event_weights, sizes[0]), (of_others, other_weights, sizes[1])):
        variance += float((weights * (shares - auc) ** 2).sum()) / (size - 1) / size
    error = math.sqrt(variance)
    reach = float(special.ndtri((1 + level) / 2)) * error
    return AucEstimate(auc, error, max(0.0, auc - reach), min(1.0, auc + reach), level, int(sizes[0]), int(sizes[1]))
