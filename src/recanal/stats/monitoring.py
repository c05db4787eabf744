"""Outcomes over the cases of an operator, set against what their difficulty let expect.

The expected risks must come from a model that does not hold the operator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import number_column, same_length
from recanal.fitting.results import StatsResult

__all__ = ["FunnelLimits", "RiskAdjustedCusum", "expected_minus_observed", "funnel_limits", "risk_adjusted_cusum"]


@dataclass(frozen=True)
class RiskAdjustedCusum(StatsResult):
    """A risk-adjusted cumulative sum chart.

    Parameters
    ----------
    score
        Chart after each case; it never falls below 0.
    odds_ratio
        Change that the chart looks for.
    signal_counts
        Cases, counted from 1, at which the chart reached its limit and began anew.
    """

    score: tuple[float, ...]
    odds_ratio: float
    signal_counts: tuple[int, ...]


@dataclass(frozen=True)
class FunnelLimits(StatsResult):
    """Limits of a funnel plot at one number of cases.

    Parameters
    ----------
    rows_count
        Cases.
    low_share, high_share
        Shares that chance leaves at the coverage ``level``.
    level
        Coverage.
    """

    rows_count: int
    low_share: float
    high_share: float
    level: float


def expected_minus_observed(events: ArrayLike, expected: ArrayLike) -> tuple[float, ...]:
    """Running sum of expected minus observed events, the variable life-adjusted display.

    Parameters
    ----------
    events
        (n,) 0 or 1 in the order of the cases; 1 is what is to be avoided.
    expected
        (n,) risks foreseen for each case.

    Raises
    ------
    StatsError
        When columns do not match, or hold something else.

    Notes
    -----
    Lovegrove J, et al. Lancet 1997;350:1128-1130. A rising curve is better than expected.

    Examples
    --------
    >>> [round(step, 2) for step in expected_minus_observed([0, 1, 0], [0.1, 0.3, 0.2])]
    [0.1, -0.6, -0.4]
    """
    event, prob = _checked(events, expected)
    return tuple(float(step) for step in np.cumsum(prob - event))


def risk_adjusted_cusum(
    events: ArrayLike, expected: ArrayLike, *, odds_ratio: float = 2.0, limit_score: float | None = None
) -> RiskAdjustedCusum:
    """A chart that rises as evidence gathers that the odds of the event are ``odds_ratio`` times those expected.

    Parameters
    ----------
    events, expected
        As :func:`expected_minus_observed`.
    odds_ratio
        Above 1 to look for a change for the worse, below 1 for the better.
    limit_score
        Height at which the chart signals and begins anew; None for no limit.

    Raises
    ------
    OptionError
        When the odds ratio or the limit cannot be.
    StatsError
        As :func:`expected_minus_observed`.

    Notes
    -----
    Steiner SH, et al. Biostatistics 2000;1:441-452. The limit sets how often a chart signals by chance; it depends on
    the case mix and is found by simulation.

    Examples
    --------
    >>> chart = risk_adjusted_cusum([0, 1, 1], [0.2, 0.2, 0.2])
    >>> [round(step, 3) for step in chart.score]
    [0.0, 0.511, 1.022]
    """
    if not odds_ratio > 0 or odds_ratio == 1:
        raise OptionError(f"odds_ratio must be above 0 and not 1, got {odds_ratio}.")
    if limit_score is not None and not limit_score > 0:
        raise OptionError(f"limit_score must be above 0, got {limit_score}.")
    event, prob = _checked(events, expected)
    steps = event * np.log(odds_ratio) - np.log1p((odds_ratio - 1) * prob)
    height, heights, signals = 0.0, [], []
    for number, step in enumerate(steps.tolist(), start=1):
        height = max(0.0, height + step)
        heights.append(height)
        if limit_score is not None and height >= limit_score:
            signals.append(number)
            height = 0.0
    return RiskAdjustedCusum(tuple(heights), odds_ratio, tuple(signals))


def funnel_limits(share: float, *, rows_count: int, level: float = 0.95) -> FunnelLimits:
    """What chance leaves of a share in a number of cases, from the binomial distribution.

    Parameters
    ----------
    share
        Share in all cases.
    rows_count
        Cases of one operator.
    level
        Coverage.

    Raises
    ------
    OptionError
        When a number is out of its range.

    Notes
    -----
    Spiegelhalter DJ. Stat Med 2005;24:1185-1202, without interpolation between counts.

    Examples
    --------
    >>> limits = funnel_limits(0.09, rows_count=50)
    >>> limits.low_share, limits.high_share
    (0.02, 0.18)
    """
    if not 0 < share < 1 or not 0 < level < 1 or rows_count < 1:
        raise OptionError(f"A funnel needs shares between 0 and 1 and a case, got {share}, {level} and {rows_count}.")
    low, high = stats.binom.ppf([(1 - level) / 2, (1 + level) / 2], rows_count, share)
    return FunnelLimits(rows_count, float(low) / rows_count, float(high) / rows_count, level)


def _checked(events: ArrayLike, expected: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    event, prob = number_column(events, "events"), number_column(expected, "expected")
    same_length({"events": event, "expected": prob})
    if not np.isin(event, (0.0, 1.0)).all():
        raise StatsError("Column 'events' must hold 0 and 1 alone.")
    if prob.min() < 0 or prob.max() > 1:
        raise StatsError(f"Column 'expected' must hold probabilities, got {prob.min():g} to {prob.max():g}.")
    return event, prob
