"""Survival without competing risks: Kaplan and Meier's curve, its median and restricted mean, the log-rank test.

Times keep the unit that they come in. Where death can prevent the event of interest, use
:mod:`recanal.survival.incidence` instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import normal_reach
from recanal.fitting.results import Estimate, StatsResult
from recanal.survival.follow_up import checked_events, checked_times, group_codes, risk_table

__all__ = [
    "SURVIVAL_INTERVALS",
    "LogRank",
    "SurvivalCurve",
    "kaplan_meier",
    "log_rank_test",
    "median_survival",
    "restricted_mean",
    "survival_at",
]

SURVIVAL_INTERVALS = ("log-log", "log", "plain")


@dataclass(frozen=True)
class SurvivalCurve(StatsResult):
    """A Kaplan-Meier curve; one entry per distinct event time, each share holding from that time on.

    Parameters
    ----------
    time_value
        Event times, in the unit of the input.
    survival_share, standard_error, low_share, high_share
        Curve, Greenwood's standard error, and pointwise limits.
    at_risk_count, events_count
        Cases at risk just before, and events at, each time.
    rows_count
        Cases in all.
    last_value
        End of the longest follow-up.
    level, interval
        Coverage, and the scale of the intervals.
    """

    time_value: tuple[float, ...]
    survival_share: tuple[float, ...]
    standard_error: tuple[float, ...]
    low_share: tuple[float, ...]
    high_share: tuple[float, ...]
    at_risk_count: tuple[int, ...]
    events_count: tuple[int, ...]
    rows_count: int
    last_value: float
    level: float
    interval: str


@dataclass(frozen=True)
class LogRank(StatsResult):
    """A test that groups share one hazard.

    Parameters
    ----------
    statistic, df, p_value
        Chi-square test.
    groups, observed_count, expected_count
        Name, events and expected events of each group.
    """

    statistic: float
    df: int
    p_value: float
    groups: tuple[str, ...]
    observed_count: tuple[int, ...]
    expected_count: tuple[float, ...]


def kaplan_meier(
    times: ArrayLike, events: ArrayLike, *, interval: str = "log-log", level: float = 0.95
) -> SurvivalCurve:
    """The product-limit estimate of survival.

    Parameters
    ----------
    times
        (n,) end of follow-up.
    events
        (n,) 1 where it was the event, 0 where censored. Events at a time come before censorings at it.
    interval
        Scale on which the limits are normal: ``log-log``, ``log`` or ``plain``.
    level
        Coverage of the pointwise intervals.

    Raises
    ------
    OptionError
        When the interval is unknown.
    StatsError
        When times or events cannot be used, or nobody had the event.

    Notes
    -----
    Kaplan EL, Meier P. J Am Stat Assoc 1958;53:457-481; variance of Greenwood M, 1926; log-log limits of Kalbfleisch
    JD, Prentice RL, The Statistical Analysis of Failure Time Data, 1980.

    Examples
    --------
    >>> curve = kaplan_meier([1, 2, 2, 3, 4], [1, 1, 0, 1, 0])
    >>> [round(share, 3) for share in curve.survival_share]
    [0.8, 0.6, 0.3]
    """
    if interval not in SURVIVAL_INTERVALS:
        raise OptionError(f"interval must be one of {', '.join(SURVIVAL_INTERVALS)}, got '{interval}'.")
    end = checked_times(times)
    event = checked_events(events, rows=len(end))
    at, deaths = np.unique(end[event], return_counts=True)
    risk = risk_table(end, at)
    share = np.asarray(np.cumprod(1 - deaths / risk), dtype=np.float64)
    left = risk - deaths
    steps = np.where(left > 0, deaths / (risk * np.where(left > 0, left, 1.0)), np.inf)
    spread = np.asarray(np.cumsum(steps), dtype=np.float64)
    low, high = _limits(share, spread, interval, normal_reach(level))
    error = np.where(share > 0, share * np.sqrt(np.where(np.isfinite(spread), spread, 0.0)), 0.0)
    columns = (_floats(at), _floats(share), _floats(error), _floats(low), _floats(high))
    counts = (tuple(int(count) for count in risk), tuple(int(count) for count in deaths))
    return SurvivalCurve(*columns, *counts, len(end), float(end.max()), level, interval)


def survival_at(curve: SurvivalCurve, times: Sequence[float]) -> tuple[Estimate, ...]:
    """Survival at given times, with its intervals.

    Raises
    ------
    StatsError
        When a time lies beyond the longest follow-up.

    Examples
    --------
    >>> round(survival_at(kaplan_meier([1, 2, 3, 4], [1, 0, 1, 0]), [2.5])[0].value, 3)
    0.75
    """
    out = []
    for time in times:
        if time > curve.last_value:
            raise StatsError(f"Nobody was followed to {time:g}; the longest follow-up is {curve.last_value:g}.")
        step = int(np.searchsorted(curve.time_value, time, side="right")) - 1
        if step < 0:
            out.append(Estimate(1.0, 1.0, 1.0, curve.level, 0.0))
            continue
        limits = curve.low_share[step], curve.high_share[step]
        out.append(Estimate(curve.survival_share[step], *limits, curve.level, curve.standard_error[step]))
    return tuple(out)


def median_survival(curve: SurvivalCurve, *, quantile: float = 0.5) -> Estimate:
    """Time by which the share ``quantile`` had the event; infinite where the curve does not fall so far.

    Raises
    ------
    OptionError
        When the quantile does not lie between 0 and 1.

    Notes
    -----
    Limits after Brookmeyer R, Crowley J. Biometrics 1982;38:29-41: where the limits of the curve cross the level. Where
    the curve is flat at the level, the middle of the flat part, as in R.
    """
    if not 0 < quantile < 1:
        raise OptionError(f"quantile must lie between 0 and 1, got {quantile}.")
    cut = 1 - quantile
    low, high = (_crossing(curve.time_value, part, cut) for part in (curve.low_share, curve.high_share))
    return Estimate(_crossing(curve.time_value, curve.survival_share, cut), low, high, curve.level)


def restricted_mean(times: ArrayLike, events: ArrayLike, *, horizon_value: float, level: float = 0.95) -> Estimate:
    """Mean time without the event up to a horizon, the area under the curve.

    Parameters
    ----------
    times, events
        As :func:`kaplan_meier`.
    horizon_value
        End of the area, in the unit of the times.
    level
        Coverage of the interval.

    Raises
    ------
    StatsError
        When the horizon lies beyond the longest follow-up.

    Notes
    -----
    Irwin JO. J Hyg 1949;47:188-189; variance of Klein JP, Moeschberger ML, Survival Analysis, 2003, eq. 4.5.2.
    """
    curve = kaplan_meier(times, events, level=level)
    if not 0 < horizon_value <= curve.last_value:
        raise StatsError(f"The horizon must lie above 0 and within the follow-up of {curve.last_value:g}.")
    keep = np.array(curve.time_value) < horizon_value
    at = np.concatenate([[0.0], np.array(curve.time_value)[keep], [horizon_value]])
    share = np.concatenate([[1.0], np.array(curve.survival_share)[keep]])
    area = share * np.diff(at)
    rest = np.cumsum(area[::-1])[::-1][1:]
    risk, deaths = np.array(curve.at_risk_count)[keep], np.array(curve.events_count)[keep]
    left = np.maximum(risk - deaths, 1)
    error = math.sqrt(float((rest**2 * deaths / (risk * left)).sum()))
    mean, reach = float(area.sum()), normal_reach(level) * error
    return Estimate(mean, mean - reach, mean + reach, level, error)


def log_rank_test(times: ArrayLike, events: ArrayLike, groups: ArrayLike) -> LogRank:
    """The log-rank test of two or more groups.

    Raises
    ------
    StatsError
        When the columns cannot be used, or no event came while two groups were at risk.

    Notes
    -----
    Mantel N. Cancer Chemother Rep 1966;50:163-170; Peto R, Peto J. J R Stat Soc A 1972;135:185-207; hypergeometric
    variance.
    """
    end = checked_times(times)
    event = checked_events(events, rows=len(end))
    code, names = group_codes(groups, rows=len(end))
    at = np.unique(end[event])
    risk = np.stack([risk_table(end[code == g], at) for g in range(len(names))], axis=1)
    place = np.searchsorted(at, end[event])
    deaths = np.stack([np.bincount(place, code[event] == g, minlength=len(at)) for g in range(len(names))], axis=1)
    total, dead = risk.sum(axis=1), deaths.sum(axis=1)
    share = risk / total[:, None]
    expected = share * dead[:, None]
    factor = np.where(total > 1, dead * (total - dead) / np.maximum(total - 1, 1), 0.0)
    covariance = np.diag((share * factor[:, None]).sum(axis=0)) - (share * factor[:, None]).T @ share
    gap = (deaths - expected).sum(axis=0)[:-1]
    inner = covariance[:-1, :-1]
    if np.linalg.matrix_rank(inner) < len(gap):
        raise StatsError("No event came while the groups were at risk together; there is nothing to test.")
    statistic, df = float(gap @ np.linalg.solve(inner, gap)), len(names) - 1
    seen = tuple(int(count) for count in deaths.sum(axis=0))
    return LogRank(statistic, df, float(special.chdtrc(df, statistic)), names, seen, _floats(expected.sum(axis=0)))


def _limits(
    share: NDArray[np.float64], spread: NDArray[np.float64], interval: str, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pointwise limits; where nobody is left the curve is 0 and so is its lower limit, and the upper is not known."""
    alive = share > 0
    s, root = share[alive], np.sqrt(spread[alive])
    if interval == "log-log":
        power = np.exp(reach * root / np.abs(np.log(s)))
        low, high = s**power, s ** (1 / power)
    elif interval == "log":
        low, high = s * np.exp(-reach * root), np.minimum(s * np.exp(reach * root), 1.0)
    else:
        low, high = np.maximum(s - reach * s * root, 0.0), np.minimum(s + reach * s * root, 1.0)
    full = np.zeros(len(share)), np.full(len(share), np.nan)
    full[0][alive], full[1][alive] = low, high
    return full


def _crossing(times: tuple[float, ...], shares: tuple[float, ...], cut: float) -> float:
    share = np.array(shares)
    below = np.flatnonzero(share <= cut + 1e-12)
    if not len(below):
        return math.inf
    first = int(below[0])
    if abs(share[first] - cut) < 1e-12 and first + 1 < len(times):
        return (times[first] + times[first + 1]) / 2
    return times[first]


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
