"""Competing risks: cumulative incidence after Aalen and Johansen, and Gray's test.

An event that another kind of event can prevent, such as a revascularisation prevented by death, has no Kaplan-Meier
curve with a meaning: one minus it says too much. The cumulative incidence says how many had the event by a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import StatsError
from recanal.fitting.columns import normal_reach
from recanal.fitting.results import Estimate, StatsResult
from recanal.survival.follow_up import checked_causes, checked_times, group_codes, risk_table

__all__ = ["GrayTest", "IncidenceCurve", "cumulative_incidence", "gray_test", "incidence_at"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class IncidenceCurve(StatsResult):
    """The cumulative incidence of one kind of event; one entry per distinct time of any event.

    Parameters
    ----------
    cause
        Code of the event.
    time_value
        Times, in the unit of the input.
    incidence_share, standard_error, low_share, high_share
        Share that had the event by each time, its standard error and log-log limits.
    at_risk_count, events_count
        Cases at risk just before each time, and events of this kind at it.
    rows_count
        Cases in all.
    last_value
        End of the longest follow-up.
    level
        Coverage of the pointwise intervals.
    """

    cause: int
    time_value: tuple[float, ...]
    incidence_share: tuple[float, ...]
    standard_error: tuple[float, ...]
    low_share: tuple[float, ...]
    high_share: tuple[float, ...]
    at_risk_count: tuple[int, ...]
    events_count: tuple[int, ...]
    rows_count: int
    last_value: float
    level: float


@dataclass(frozen=True)
class GrayTest(StatsResult):
    """A test that groups share one cumulative incidence.

    Parameters
    ----------
    cause
        Code of the event.
    statistic, df, p_value
        Chi-square test.
    groups
        Names of the groups.
    """

    cause: int
    statistic: float
    df: int
    p_value: float
    groups: tuple[str, ...]


def cumulative_incidence(times: ArrayLike, causes: ArrayLike, *, cause: int = 1, level: float = 0.95) -> IncidenceCurve:
    """The share that had one kind of event by each time, others competing.

    Parameters
    ----------
    times
        (n,) end of follow-up.
    causes
        (n,) 0 where censored, else the code of the event that ended it.
    cause
        Code of the event of interest.
    level
        Coverage of the intervals.

    Raises
    ------
    StatsError
        When times or codes cannot be used, or nobody had the event.

    Notes
    -----
    Aalen OO, Johansen S. Scand J Stat 1978;5:141-150; the variance is Aalen's, as in the R package cmprsk; limits are
    normal on the log-log scale of the incidence (Choudhury JB. Stat Med 2002;21:1129-1144).

    Examples
    --------
    >>> curve = cumulative_incidence([1, 2, 3, 4, 5], [1, 2, 0, 1, 0])
    >>> [round(share, 3) for share in curve.incidence_share]
    [0.2, 0.2, 0.5]
    """
    end = checked_times(times)
    code = checked_causes(causes, cause=cause, rows=len(end))
    at = np.unique(end[code > 0])
    risk = risk_table(end, at)
    own = np.bincount(np.searchsorted(at, end[code == cause]), minlength=len(at)).astype(float)
    every = np.bincount(np.searchsorted(at, end[code > 0]), minlength=len(at)).astype(float)
    before = np.concatenate([[1.0], np.cumprod(1 - every / risk)])[:-1]
    share = np.cumsum(before * own / risk)
    error = np.sqrt(np.maximum(_variance(share, before, risk, own=own, every=every), 0.0))
    low, high = _limits(share, error, normal_reach(level))
    return IncidenceCurve(
        cause,
        _floats(at),
        _floats(share),
        _floats(error),
        _floats(low),
        _floats(high),
        tuple(int(cell) for cell in risk),
        tuple(int(cell) for cell in own),
        len(end),
        float(end.max()),
        level,
    )


def incidence_at(curve: IncidenceCurve, times: Sequence[float]) -> tuple[Estimate, ...]:
    """Cumulative incidence at given times, with its intervals.

    Raises
    ------
    StatsError
        When a time lies beyond the longest follow-up.

    Examples
    --------
    >>> incidence_at(cumulative_incidence([1, 2, 3, 4], [1, 2, 1, 0]), [0.5, 2.5])[1].value
    0.25
    """
    out = []
    for time in times:
        if time > curve.last_value:
            raise StatsError(f"Nobody was followed to {time:g}; the longest follow-up is {curve.last_value:g}.")
        step = int(np.searchsorted(curve.time_value, time, side="right")) - 1
        if step < 0:
            out.append(Estimate(0.0, 0.0, 0.0, curve.level, 0.0))
            continue
        limits = curve.low_share[step], curve.high_share[step]
        out.append(Estimate(curve.incidence_share[step], *limits, curve.level, curve.standard_error[step]))
    return tuple(out)


def gray_test(times: ArrayLike, causes: ArrayLike, groups: ArrayLike, *, cause: int = 1) -> GrayTest:
    """Gray's test that the cumulative incidence of one kind of event is the same in all groups.

    Raises
    ------
    StatsError
        When the columns cannot be used, or the groups cannot be told apart.

    Notes
    -----
    Gray RJ. Ann Stat 1988;16:1141-1154, with rho 0 and the variance of the R package cmprsk.
    """
    end = checked_times(times)
    code = checked_causes(causes, cause=cause, rows=len(end))
    group, names = group_codes(groups, rows=len(end))
    at = np.unique(end[code > 0])
    risk = np.stack([risk_table(end[group == g], at) for g in range(len(names))], axis=1)
    counts = []
    for kind in (code == cause, (code > 0) & (code != cause)):
        place = np.searchsorted(at, end[kind])
        counts.append(np.stack([np.bincount(place, group[kind] == g, minlength=len(at)) for g in range(len(names))], 1))
    sums = _GraySums(len(names))
    for row, own, other in zip(risk, *counts, strict=True):
        sums.step(row, own.astype(float), other.astype(float))
    score, covariance = sums.finish()
    inner = covariance[:-1, :-1]
    if np.linalg.matrix_rank(inner) < len(names) - 1:
        raise StatsError("The groups were never at risk together; there is nothing to test.")
    statistic, df = float(score[:-1] @ np.linalg.solve(inner, score[:-1])), len(names) - 1
    return GrayTest(cause, statistic, df, float(special.chdtrc(df, statistic)), names)


class _GraySums:
    """Sums over time of Gray's score and of its covariance."""

    def __init__(self, groups: int) -> None:
        self.alive, self.share = np.ones(groups), np.zeros(groups)
        self.common = 0.0
        self.score, self.drift = np.zeros(groups), np.zeros((groups, groups))
        self.own, self.cross = np.zeros(groups), np.zeros((groups, groups))
        self.covariance = np.zeros((groups, groups))

    def step(self, risk: Vector, own: Vector, other: Vector) -> None:
        """One time: cases at risk, events of the kind of interest and of other kinds, by group."""
        here = risk > 0
        safe = np.where(here, risk, 1.0)
        after = np.where(here, self.alive * (risk - own - other) / safe, self.alive)
        share = self.share + np.where(here, self.alive * own / safe, 0.0)
        weight = np.where(here, risk / np.where(here, self.alive, 1.0), 0.0)
        total, events = float(weight.sum()), float(own.sum())
        common = self.common + events / total
        slope = np.diag(weight) - np.outer(weight, weight) / total
        self.drift += slope * events / (total * (1 - self.common))
        if events > 0:
            expected = events * weight * (1 - self.share) / float((weight * (1 - self.share)).sum())
            self.score += own - expected
            left = np.where(after > 0, 1 - (1 - common) / np.where(after > 0, after, 1.0), 1.0)
            shared = np.where(here, total * self.alive - 1, 1.0)
            tied = 1 - (events - 1) / shared if events > 1 else np.ones(len(risk))
            self._add(slope - left * self.drift, left, np.where(here, tied * self.alive * events / (total * safe), 0.0))
        if other.sum() > 0:
            chosen = here & (after > 0) & (other > 0)
            left = np.where(chosen, (1 - common) / np.where(chosen, after, 1.0), 0.0)
            tied = np.where(other > 1, 1 - (other - 1) / np.maximum(risk - 1, 1), 1.0)
            factor = np.where(chosen, tied * self.alive**2 * other / safe**2, 0.0)
            self._add(-left * self.drift, left, factor)
        self.alive, self.share, self.common = after, share, common

    def _add(self, tilt: Vector, left: Vector, factor: Vector) -> None:
        self.own += left**2 * factor
        self.cross += tilt * left * factor
        self.covariance += (tilt * factor) @ tilt.T

    def finish(self) -> tuple[Vector, Vector]:
        """Score and covariance."""
        mixed = self.drift @ self.cross.T
        return self.score, self.covariance + (self.drift * self.own) @ self.drift.T + mixed + mixed.T


def _variance(share: Vector, before: Vector, risk: Vector, *, own: Vector, every: Vector) -> Vector:
    """Aalen's variance at each time, with his correction for ties, from running sums so that it takes n steps."""
    after = before * (risk - every) / risk
    inverse = np.where(after > 0, 1 / np.where(after > 0, after, 1.0), 0.0)
    sums = np.zeros((3, len(share)))
    for count, gain in ((own, 1.0), (every - own, 0.0)):
        tied = np.where(count > 1, 1 - (count - 1) / np.maximum(risk - 1, 1), 1.0)
        spread = before**2 * tied * count / risk**2
        if gain == 0:
            spread = np.where(after > 0, spread, 0.0)
        reach = gain + inverse * share
        sums += np.stack([reach**2 * spread, inverse * reach * spread, inverse**2 * spread])
    whole, mixed, plain = np.cumsum(sums, axis=1)
    out: Vector = whole + share**2 * plain - 2 * share * mixed
    return out


def _limits(share: Vector, error: Vector, reach: float) -> tuple[Vector, Vector]:
    inside = (share > 0) & (share < 1)
    safe = np.where(inside, share, 0.5)
    power = np.exp(reach * error / (safe * np.abs(np.log(safe))))
    return np.where(inside, safe**power, share), np.where(inside, safe ** (1 / power), share)


def _floats(values: Vector) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
