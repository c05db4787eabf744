"""The partial likelihood of Cox, and that of Fine and Gray, with their residuals.

Everything here takes arrays that were checked before. Times are in any unit. A stratum of a model is one
:class:`RiskSets`; likelihoods, scores and information of strata add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.errors import StatsError

__all__ = ["CoxSolution", "CoxTerms", "Lingering", "RiskSets", "cox_terms", "maximise_cox", "score_residuals"]

_MOST_STEPS = 100
_WIDEST = 100.0  # standard error of a standardised column; beyond, the maximum lies at infinity
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lingering:
    """Cases that stay at risk after a competing event, with falling weight (Fine and Gray).

    Parameters
    ----------
    competing
        (n,) true where the competing event ended the case.
    own
        (n,) chance of being uncensored just before the end of each case.
    at_event
        (m,) the same just before each distinct event time.
    """

    competing: NDArray[np.bool_]
    own: Vector
    at_event: Vector


class RiskSets:
    """Cases of one stratum, sorted by time, and who is at risk at each distinct event time.

    Parameters
    ----------
    times, events, matrix
        (n,), (n,) and (n, p): end of each case, whether it was the event, covariates.
    efron
        Whether tied events are treated after Efron, else after Breslow.
    """

    def __init__(self, times: Vector, events: NDArray[np.bool_], matrix: Vector, *, efron: bool = True) -> None:
        self.order = np.argsort(times, kind="stable")
        self.times, self.events, self.matrix = times[self.order], events[self.order], matrix[self.order]
        self.event_times, deaths = np.unique(self.times[self.events], return_counts=True)
        self.first = np.searchsorted(self.times, self.event_times, side="left")
        self.death_of = np.searchsorted(self.event_times, self.times[self.events])
        self.of = np.repeat(np.arange(len(deaths)), deaths)
        begin = np.repeat(np.cumsum(deaths) - deaths, deaths)
        self.fraction = (np.arange(len(self.of)) - begin) / deaths[self.of] if efron else np.zeros(len(self.of))
        self.lingering: Lingering | None = None

    def keep(self, lingering: Lingering) -> None:
        """Let cases stay at risk after a competing event; arrays as the cases were handed in."""
        order = self.order
        self.lingering = Lingering(lingering.competing[order], lingering.own[order], lingering.at_event)

    def at_risk(self, values: Vector) -> Vector:
        """Sum of (n,) sorted values over those at risk at each event time."""
        total: Vector = np.cumsum(np.add.reduceat(values, self.first)[::-1])[::-1]
        if self.lingering is not None:
            stay = self.lingering
            gone = np.cumsum(np.where(stay.competing, values / stay.own, 0.0))
            total = total + stay.at_event * np.concatenate([[0.0], gone])[self.first]
        return total

    def of_events(self, values: Vector) -> Vector:
        """Sum of (n,) sorted values over the events at each event time."""
        sums = np.bincount(self.death_of, values[self.events], minlength=len(self.event_times))
        return np.asarray(sums, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class CoxTerms:
    """The partial likelihood at one point, with one row for each of the M events (ties one after the other).

    Parameters
    ----------
    log_likelihood
        Log partial likelihood.
    weight
        (n,) relative hazards of the sorted cases.
    total_weight
        (M,) sum of relative hazards at risk.
    mean
        (M, p) mean covariates at risk.
    spread
        (M, p, p) covariance of the covariates at risk.
    """

    log_likelihood: float
    weight: Vector
    total_weight: Vector
    mean: Vector
    spread: Vector


@dataclass(frozen=True, eq=False)
class CoxSolution:
    """Where the partial likelihood is greatest.

    Parameters
    ----------
    beta, covariance
        Coefficients and inverse information.
    log_likelihood, null_log_likelihood
        At the maximum and at zero.
    score
        Gradient at zero.
    """

    beta: Vector
    covariance: Vector
    log_likelihood: float
    null_log_likelihood: float
    score: Vector


def cox_terms(sets: RiskSets, beta: Vector) -> CoxTerms:
    """Likelihood, means and spreads of one stratum at given coefficients."""
    p = sets.matrix.shape[1]
    predictor = sets.matrix @ beta
    weight = np.exp(predictor - predictor.max()) if len(predictor) else predictor
    at, cut = sets.of, sets.fraction
    total = sets.at_risk(weight)[at] - cut * sets.of_events(weight)[at]
    mean, spread = np.empty((len(at), p)), np.empty((len(at), p, p))
    for j in range(p):
        values = weight * sets.matrix[:, j]
        mean[:, j] = (sets.at_risk(values)[at] - cut * sets.of_events(values)[at]) / total
        for k in range(j + 1):
            square = values * sets.matrix[:, k]
            spread[:, j, k] = (sets.at_risk(square)[at] - cut * sets.of_events(square)[at]) / total - mean[:, j] * mean[
                :, k
            ]
            spread[:, k, j] = spread[:, j, k]
    shift = predictor.max() if len(predictor) else 0.0
    height = float((predictor[sets.events] - shift).sum() - np.log(total).sum())
    return CoxTerms(height, weight, total, mean, spread)


def maximise_cox(strata: Sequence[RiskSets]) -> CoxSolution:
    """The maximum of the partial likelihood, by Newton's method with halved steps.

    Parameters
    ----------
    strata
        Cases of each stratum, with covariates centred and of similar size.

    Raises
    ------
    StatsError
        When the information is singular or the coefficients run away.
    """
    p = strata[0].matrix.shape[1]
    beta = np.zeros(p)
    height, score, information = _slope(strata, beta)
    null, first = height, score
    for _ in range(_MOST_STEPS):
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            raise StatsError("The information of the Cox model is singular.", hint="Leave a column out.") from None
        if float(step @ score) < 1e-18 * (1 + abs(height)):
            covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
            spread = np.diag(covariance)
            if not ((spread > 0) & (spread < _WIDEST**2)).all():
                break
            return CoxSolution(beta, covariance, height, null, first)
        for share in 0.5 ** np.arange(30):
            trial = _slope(strata, beta + share * step)
            if trial[0] >= height - 1e-12 * (1 + abs(height)):
                break
        beta = beta + share * step
        height, score, information = trial
    raise StatsError(
        "The coefficients of the Cox model run to infinity.",
        hint="In one level of a covariate nobody had the event; join levels or leave it out.",
    )


def score_residuals(sets: RiskSets, beta: Vector) -> Vector:
    """(n, p) part of each case in the score, in the order that the cases were handed in.

    Notes
    -----
    Lin DY, Wei LJ. J Am Stat Assoc 1989;84:1074-1078, with the weights of tied events after Efron as in the R package
    survival; for Fine and Gray the terms of J Am Stat Assoc 1999;94:496-509 without those of the censoring.
    """
    terms = cox_terms(sets, beta)
    at, m = sets.of, len(sets.event_times)
    rate = 1 / terms.total_weight
    p = sets.matrix.shape[1]
    means = (np.ones(len(at)), *terms.mean.T)
    hazard = np.stack([np.bincount(at, rate * mean, minlength=m) for mean in means], axis=1).astype(np.float64)
    spared = sets.fraction * rate
    less = np.stack([np.bincount(at, spared * mean, minlength=m) for mean in means], axis=1)
    passed = np.searchsorted(sets.event_times, sets.times, side="right")
    lived = np.vstack([np.zeros(p + 1), np.cumsum(hazard, axis=0)])[passed]
    lived[sets.events] -= less[sets.death_of]
    if sets.lingering is not None:
        lived = lived + _lingering_hazard(sets, hazard, passed)
    out = -terms.weight[:, None] * (sets.matrix * lived[:, :1] - lived[:, 1:])
    count = np.bincount(at, minlength=m)
    mean_at = np.stack([np.bincount(at, column, minlength=m) / count for column in terms.mean.T], axis=1)
    out[sets.events] += sets.matrix[sets.events] - mean_at[sets.death_of]
    back = np.empty(out.shape)
    back[sets.order] = out
    return back


def _lingering_hazard(sets: RiskSets, hazard: Vector, passed: NDArray[np.intp]) -> Vector:
    """Hazard met after a competing event, with the weight that falls as censoring goes on."""
    stay = sets.lingering
    if stay is None:
        return np.zeros((len(sets.times), hazard.shape[1]))
    later = np.cumsum((stay.at_event[:, None] * hazard)[::-1], axis=0)[::-1]
    later = np.vstack([later, np.zeros(hazard.shape[1])])
    return np.where(stay.competing[:, None], later[passed] / stay.own[:, None], 0.0)


def _slope(strata: Sequence[RiskSets], beta: Vector) -> tuple[float, Vector, Vector]:
    height, score, information = 0.0, np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for sets in strata:
        terms = cox_terms(sets, beta)
        height += terms.log_likelihood
        score = score + sets.matrix[sets.events].sum(axis=0) - terms.mean.sum(axis=0)
        information = information + terms.spread.sum(axis=0)
    return height, score, information
