"""Fine and Gray's model: how covariates change the cumulative incidence of an event when others compete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import cluster_codes
from recanal.fitting.cox_likelihood import Lingering, RiskSets, cox_terms, maximise_cox, score_residuals
from recanal.fitting.design import INTERCEPT, Design
from recanal.fitting.results import StatsResult
from recanal.survival.cox import HazardRatio, hazard_ratios, robust_covariance
from recanal.survival.follow_up import FollowUp, censoring_curve, checked_causes, checked_times, risk_table

__all__ = ["FineGrayFit", "fit_fine_gray", "predicted_incidence"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class FineGrayFit(StatsResult):
    """A fitted proportional subdistribution hazards model.

    Parameters
    ----------
    cause
        Code of the event of interest.
    coefficients
        One per column; ratios are subdistribution hazard ratios, errors robust.
    covariance
        Covariance of the coefficients, as rows.
    log_likelihood, null_log_likelihood
        Log pseudo-likelihood of the model and of no covariates.
    time_value, baseline_share
        Times of the event, and the cumulative subdistribution hazard by each of a case whose covariates are all 0.
    rows_count, events_count, competing_count, cluster_count
        Cases, events of interest, competing events, and clusters where rows are clustered, else None.
    level
        Coverage of the intervals.
    """

    cause: int
    coefficients: tuple[HazardRatio, ...]
    covariance: tuple[tuple[float, ...], ...]
    log_likelihood: float
    null_log_likelihood: float
    time_value: tuple[float, ...]
    baseline_share: tuple[float, ...]
    rows_count: int
    events_count: int
    competing_count: int
    cluster_count: int | None
    level: float


def fit_fine_gray(follow_up: FollowUp, design: Design, *, cause: int = 1, level: float = 0.95) -> FineGrayFit:
    """A proportional subdistribution hazards model.

    Parameters
    ----------
    follow_up
        Times, codes of the events (0 censored) and, where they exist, clusters.
    design
        Covariates; an intercept is left out.
    cause
        Code of the event of interest.
    level
        Coverage of the intervals.

    Raises
    ------
    OptionError
        When rows do not match, there is no covariate, or strata are given.
    StatsError
        When a column cannot be used, nothing competes, or there are as many columns as events.

    Notes
    -----
    Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509: cases with a competing event stay at risk with the weight
    G(t)/G(T), G the Kaplan-Meier chance of being uncensored, the same for all cases; ties after Breslow; the variance
    holds the terms for the estimated G. A subdistribution hazard ratio ranks incidences; it is no effect on the rate
    of the event. Show the cause-specific Cox model beside it (Latouche A, et al. J Clin Epidemiol 2013;66:648-653).
    """
    times = checked_times(follow_up.times)
    code = checked_causes(follow_up.events, cause=cause, rows=len(times))
    first = 1 if design.names[0] == INTERCEPT else 0
    names, raw = design.names[first:], design.matrix[:, first:]
    _refuse(follow_up, code, cause=cause, names=names, rows=len(design.matrix))
    centre, scale = raw.mean(axis=0), raw.std(axis=0)
    sets = RiskSets(times, code == cause, (raw - centre) / scale, efron=False)
    censored = code == 0
    own, at_event = (censoring_curve(times, censored, at) for at in (times, sets.event_times))
    sets.keep(Lingering((code > 0) & (code != cause), own, at_event))
    best = maximise_cox([sets])
    residuals = score_residuals(sets, best.beta) + _censoring_terms(sets, best.beta, times, censored)
    cluster = (
        np.arange(len(times))
        if follow_up.clusters is None
        else (cluster_codes(follow_up.clusters, "clusters", rows=len(times)))
    )
    covariance = robust_covariance(residuals, best.covariance, cluster) / np.outer(scale, scale)
    beta = best.beta / scale
    return FineGrayFit(
        cause,
        hazard_ratios(names, beta, covariance, level=level),
        tuple(tuple(float(cell) for cell in row) for row in covariance),
        best.log_likelihood,
        best.null_log_likelihood,
        tuple(float(time) for time in sets.event_times),
        tuple(float(step) for step in _baseline(sets, best.beta, float(centre @ beta))),
        len(times),
        int((code == cause).sum()),
        int(((code > 0) & (code != cause)).sum()),
        None if follow_up.clusters is None else int(cluster.max()) + 1,
        level,
    )


def predicted_incidence(fit: FineGrayFit, design: Design, times: Sequence[float]) -> NDArray[np.float64]:
    """Predicted share with the event by given times.

    Parameters
    ----------
    fit
        A fitted model.
    design
        (n,) rows with the columns of the fit; an intercept is left out.
    times
        m times.

    Returns
    -------
    ndarray
        (n, m) shares.

    Raises
    ------
    OptionError
        When the columns are not those of the fit.
    """
    first = 1 if design.names[0] == INTERCEPT else 0
    if design.names[first:] != tuple(found.name for found in fit.coefficients):
        raise OptionError(f"The design has the columns {', '.join(design.names)}, which are not those of the fit.")
    risk = np.exp(design.matrix[:, first:] @ [found.beta for found in fit.coefficients])
    steps = np.concatenate([[0.0], fit.baseline_share])
    out: NDArray[np.float64] = 1 - np.exp(-np.outer(risk, steps[np.searchsorted(fit.time_value, times, side="right")]))
    return out


def _refuse(follow_up: FollowUp, code: NDArray[np.intp], *, cause: int, names: tuple[str, ...], rows: int) -> None:
    if follow_up.strata is not None:
        raise OptionError("Fine and Gray's model is offered without strata.")
    if rows != len(code) or not names:
        raise OptionError(f"The model needs a covariate and a row per case, got {rows} rows for {len(code)} cases.")
    if not ((code > 0) & (code != cause)).any():
        raise StatsError("No competing event came.", hint="Use Cox's model.")
    if len(names) >= int((code == cause).sum()):
        raise StatsError(f"The model has {len(names)} parameters for {int((code == cause).sum())} events.")


def _baseline(sets: RiskSets, beta: Vector, centre: float) -> Vector:
    """Breslow's cumulative subdistribution hazard where all covariates are 0."""
    weight = np.exp(sets.matrix @ beta + centre)
    out: Vector = np.cumsum(sets.of_events(np.ones(len(weight))) / sets.at_risk(weight))
    return out


def _censoring_terms(sets: RiskSets, beta: Vector, times: Vector, censored: NDArray[np.bool_]) -> Vector:
    """Part of each case in the score through the estimated chance of being uncensored (Fine and Gray, eq. 8)."""
    stay = sets.lingering
    out = np.zeros((len(times), len(beta)))
    if stay is None or not censored.any():
        return out
    terms = cox_terms(sets, beta)
    m = len(sets.event_times)
    parts = np.stack(
        [np.bincount(sets.of, value / terms.total_weight, minlength=m) for value in (1.0, *terms.mean.T)], 1
    )
    later = np.cumsum((stay.at_event[:, None] * parts)[::-1], axis=0)[::-1]
    later = np.vstack([later, np.zeros(later.shape[1])])
    pull = np.where(stay.competing, terms.weight / stay.own, 0.0)[:, None]
    gone = np.vstack(
        [np.zeros(1 + len(beta)), np.cumsum(pull * np.column_stack([np.ones(len(times)), sets.matrix]), axis=0)]
    )
    at, count = np.unique(times[censored], return_counts=True)
    after, before = (
        later[np.searchsorted(sets.event_times, at, side="right")],
        gone[np.searchsorted(sets.times, at, side="right")],
    )
    q = before[:, 1:] * after[:, :1] - before[:, :1] * after[:, 1:]
    ratio = q / risk_table(times, at)[:, None]
    passed = np.vstack([np.zeros(len(beta)), np.cumsum(ratio * (count / risk_table(times, at))[:, None], axis=0)])
    out -= passed[np.searchsorted(at, times, side="right")]
    out[censored] += ratio[np.searchsorted(at, times[censored])]
    return out
