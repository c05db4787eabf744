"""Logistic regression: odds ratios with Wald and profile intervals, Firth's penalty where events are separated."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import event_column, normal_reach
from recanal.fitting.design import INTERCEPT, Design
from recanal.fitting.logistic_likelihood import (
    LogisticProblem,
    LogisticSolution,
    maximise_logistic,
    profile_limits,
    profile_ratio,
)
from recanal.fitting.results import StatsResult
from recanal.fitting.separation import Separation, find_separation
from recanal.stats.roc import auc_delong

__all__ = [
    "LOGISTIC_METHODS",
    "LogisticFit",
    "OddsRatio",
    "fit_logistic",
    "linear_predictor",
    "predicted_probabilities",
    "variance_inflation",
]

LOGISTIC_METHODS = ("auto", "ml", "firth", "flac")
_MOST_ROWS_SEARCHED = 20_000
_WIDEST = 5.0  # standard error of a standardised column


@dataclass(frozen=True)
class OddsRatio(StatsResult):
    """One coefficient of a logistic model.

    Parameters
    ----------
    name
        Column of the design.
    beta, standard_error
        Log odds ratio and its standard error.
    odds_ratio, low_ratio, high_ratio
        Odds ratio and limits, by ``interval``.
    statistic, p_value
        z of a Wald test, or the chi-square of a penalised likelihood-ratio test.
    interval
        ``wald``, ``profile`` or ``robust``.
    """

    name: str
    beta: float
    standard_error: float
    odds_ratio: float
    low_ratio: float
    high_ratio: float
    statistic: float
    p_value: float
    interval: str


@dataclass(frozen=True)
class LogisticFit(StatsResult):
    """A fitted logistic model.

    Parameters
    ----------
    method
        ``ml``, ``firth`` or ``flac``, and what the standard errors are where they are robust.
    coefficients
        One per column of the design, the intercept first.
    covariance
        Covariance matrix of the coefficients, as rows.
    intercept_beta
        Intercept to predict with: that of the model, recentred so that the mean prediction is the share of events
        after Firth's method (FLIC).
    rows_count, events_count, cluster_count
        Cases, events, and clusters where the errors are robust, else None.
    log_likelihood, null_log_likelihood
        Of the model and of the intercept alone; penalised for Firth's method.
    ratio_statistic, ratio_p_value
        Likelihood-ratio test of all coefficients but the intercept; None where it is not valid.
    aic_value, bic_value
        Information criteria; None for penalised fits.
    r2_share
        Nagelkerke's R2; None for penalised fits.
    brier_score
        Mean squared difference of event and fitted probability.
    auc
        Area under the curve of the fitted probabilities, apparent.
    events_per_parameter_ratio
        The smaller of events and others, over the columns without the intercept.
    separation
        What separates events from others; None where it was not looked for.
    level
        Coverage of the intervals.
    """

    method: str
    coefficients: tuple[OddsRatio, ...]
    covariance: tuple[tuple[float, ...], ...]
    intercept_beta: float
    rows_count: int
    events_count: int
    cluster_count: int | None
    log_likelihood: float
    null_log_likelihood: float
    ratio_statistic: float | None
    ratio_p_value: float | None
    aic_value: float | None
    bic_value: float | None
    r2_share: float | None
    brier_score: float
    auc: float
    events_per_parameter_ratio: float | None
    separation: Separation | None
    level: float

    def coefficient(self, name: str) -> OddsRatio:
        """The coefficient of a column.

        Raises
        ------
        OptionError
            When there is no such column.
        """
        for found in self.coefficients:
            if found.name == name:
                return found
        names = ", ".join(found.name for found in self.coefficients)
        raise OptionError(f"The model has no column '{name}'.", hint=f"Known: {names}.")


def fit_logistic(
    design: Design,
    events: ArrayLike,
    *,
    method: str = "auto",
    profile: bool = True,
    level: float = 0.95,
    outcome: str = "outcome",
) -> LogisticFit:
    """A logistic model of an outcome.

    Parameters
    ----------
    design
        Matrix with an intercept, from :func:`recanal.fitting.design.design_matrix`.
    events
        (n,) true or 1 where the event came.
    method
        ``ml`` maximum likelihood; ``firth`` Firth's penalised likelihood; ``flac`` its version with augmented data and
        unbiased predictions; ``auto`` maximum likelihood, and Firth's where events are separated.
    profile
        Whether intervals come from the profile of the likelihood, else from Wald's approximation.
    level
        Coverage of the intervals.
    outcome
        What messages call the outcome.

    Raises
    ------
    OptionError
        When the method is unknown or rows do not match.
    StatsError
        When the outcome has one class, there are as many columns as events or others, or maximum likelihood was asked
        for and events are separated; the message names the columns.

    Notes
    -----
    Firth's method: Firth D. Biometrika 1993;80:27-38; Heinze G, Schemper M. Stat Med 2002;21:2409-2419; its P values
    are penalised likelihood-ratio tests, its standard errors those of the augmented data, as in the R package logistf
    since 1.25. FLIC and FLAC: Puhr R, et al. Stat Med 2017;36:2302-2317. Separation is looked for by linear
    programming up to 20,000 rows; beyond, a fit whose errors have no bound is refused.

    Examples
    --------
    Blunt stump and failed crossing, 46 of 76 against 30 of 131 (Xing 2022, doi 10.21037/qims-21-1050, Table 2).

    >>> import pandas as pd
    >>> from recanal.fitting.design import design_matrix
    >>> blunt, failed = [1] * 76 + [0] * 131, [1] * 46 + [0] * 30 + [1] * 30 + [0] * 101
    >>> fit = fit_logistic(design_matrix(pd.DataFrame({"blunt": blunt}), ["blunt"]), failed, profile=False)
    >>> ratio = fit.coefficient("blunt")
    >>> [round(number, 2) for number in (ratio.odds_ratio, ratio.low_ratio, ratio.high_ratio)]
    [5.16, 2.79, 9.54]
    """
    if method not in LOGISTIC_METHODS:
        raise OptionError(f"method must be one of {', '.join(LOGISTIC_METHODS)}, got '{method}'.")
    normal_reach(level)
    event = _checked(design, events, outcome)
    separation = None
    if len(event) <= _MOST_ROWS_SEARCHED:
        separation = find_separation(design.matrix, event, names=design.names)
        if separation.kind != "none" and method == "ml":
            raise StatsError(
                f"Events and others of '{outcome}' are separated by {', '.join(separation.columns)}: no finite odds "
                f"ratio exists.",
                hint="Fit with Firth's penalty (method 'firth').",
            )
        if method == "auto":
            method = "ml" if separation.kind == "none" else "firth"
    method = "ml" if method == "auto" else method
    problem, best = _solved(design, event, method)
    if method == "ml" and separation is None and _runs_away(design, best):
        raise StatsError("The odds ratios run to infinity.", hint="Events are separated; try Firth's penalty.")
    if not best.converged:
        raise StatsError("The logistic fit did not converge.", hint="Are events separated? Try Firth's penalty.")
    return _summary(design, event, (problem, best), _Choice(method, profile, level, separation))


def linear_predictor(fit: LogisticFit, design: Design) -> NDArray[np.float64]:
    """Log odds of each row, with the intercept to predict with.

    Raises
    ------
    OptionError
        When the columns are not those of the fit.
    """
    if tuple(found.name for found in fit.coefficients) != design.names:
        raise OptionError(f"The design has the columns {', '.join(design.names)}, which are not those of the fit.")
    beta = np.array([found.beta for found in fit.coefficients])
    beta[0] = fit.intercept_beta
    out: NDArray[np.float64] = design.matrix @ beta
    return out


def predicted_probabilities(fit: LogisticFit, design: Design) -> NDArray[np.float64]:
    """Probability of the event in each row; recentred after Firth's method.

    Raises
    ------
    OptionError
        As :func:`linear_predictor`.
    """
    out: NDArray[np.float64] = special.expit(linear_predictor(fit, design))
    return out


def variance_inflation(fit: LogisticFit) -> dict[str, float]:
    """Variance inflation of each column: how far the others widen its interval.

    Notes
    -----
    From the correlations of the coefficients without the intercept (Davis CE, et al. Am J Epidemiol 1986), as ``vif``
    of the R package rms.
    """
    covariance = np.array(fit.covariance)[1:, 1:]
    size = np.sqrt(np.diag(covariance))
    inverse = np.linalg.inv(covariance / np.outer(size, size))
    names = [found.name for found in fit.coefficients[1:]]
    return {name: float(factor) for name, factor in zip(names, np.diag(inverse), strict=True)}


def _runs_away(design: Design, best: LogisticSolution) -> bool:
    """Whether a column varies enough to be estimated, and yet its error has no bound."""
    errors = np.sqrt(np.diag(best.covariance)) * design.matrix.std(axis=0)
    return bool(errors.max() > _WIDEST)


@dataclass(frozen=True)
class _Choice:
    method: str
    profile: bool
    level: float
    separation: Separation | None


def _checked(design: Design, events: ArrayLike, outcome: str) -> NDArray[np.float64]:
    event = event_column(events, outcome)
    if len(event) != len(design.matrix):
        raise OptionError(f"Column '{outcome}' has {len(event)} rows, the design {len(design.matrix)}.")
    if design.names[0] != INTERCEPT:
        raise OptionError("A logistic model needs a design with an intercept.")
    fewer, columns = int(min(event.sum(), (~event).sum())), len(design.names) - 1
    if columns >= fewer > 0:
        raise StatsError(
            f"The model has {columns} parameters for {int(event.sum())} events of '{outcome}' and "
            f"{int((~event).sum())} others.",
            hint="Fewer predictors, fixed before the outcome is seen; see the sample size of prediction models.",
        )
    return event.astype(np.float64)


def _solved(design: Design, event: NDArray[np.float64], method: str) -> tuple[LogisticProblem, LogisticSolution]:
    problem = LogisticProblem(design.matrix, event, penalised=method != "ml")
    best = maximise_logistic(problem)
    if method == "ml":
        return problem, best
    if method == "flac":
        half = best.leverage / 2
        rows = np.vstack([design.matrix] * 3)
        added = np.repeat([0.0, 1.0, 1.0], len(event))
        problem = LogisticProblem(
            np.column_stack([rows, added]),
            np.concatenate([event, event, 1 - event]),
            weights=np.concatenate([np.ones(len(event)), half, half]),
        )
        return problem, maximise_logistic(problem)
    spread = best.fitted * (1 - best.fitted) * (1 + best.leverage)
    covariance = np.linalg.inv((design.matrix * spread[:, None]).T @ design.matrix)
    return problem, dataclasses.replace(best, covariance=np.asarray(covariance, dtype=np.float64))


def _summary(
    design: Design, event: NDArray[np.float64], solved: tuple[LogisticProblem, LogisticSolution], choice: _Choice
) -> LogisticFit:
    problem, best = solved
    n, p = design.matrix.shape
    null = _null(problem, design, event, choice.method)
    plain = choice.method == "ml"
    rows = tuple(_odds_ratio(design.names[j], j, solved, choice) for j in range(p))
    intercept = float(best.beta[0])
    if choice.method == "firth":
        offset = design.matrix[:, 1:] @ best.beta[1:]
        alone = LogisticProblem(np.ones((n, 1)), event, offset=offset)
        intercept = float(maximise_logistic(alone, start=best.beta[:1]).beta[0])
    fitted = special.expit(design.matrix[:, 1:] @ best.beta[1:p] + intercept)
    ratio = None if choice.method == "flac" else 2 * (best.log_likelihood - null)
    fewer = float(min(event.sum(), n - event.sum()))
    return LogisticFit(
        choice.method,
        rows,
        tuple(tuple(float(cell) for cell in row[:p]) for row in best.covariance[:p]),
        intercept,
        n,
        int(event.sum()),
        None,
        best.log_likelihood,
        null,
        ratio,
        float(special.chdtrc(p - 1, ratio)) if ratio is not None and p > 1 else None,
        2 * p - 2 * best.log_likelihood if plain else None,
        math.log(n) * p - 2 * best.log_likelihood if plain else None,
        _nagelkerke(best.log_likelihood, null, n) if plain else None,
        float(np.mean((event - fitted) ** 2)),
        auc_delong(fitted, event).auc if min(event.sum(), n - event.sum()) >= 2 else math.nan,
        fewer / (p - 1) if p > 1 else None,
        choice.separation,
        choice.level,
    )


def _null(problem: LogisticProblem, design: Design, event: NDArray[np.float64], method: str) -> float:
    """Log likelihood of the intercept alone; for Firth's method the other columns stay in its penalty."""
    if method == "firth":
        held = dict.fromkeys(range(1, len(design.names)), 0.0)
        return maximise_logistic(problem, held=held).log_likelihood
    share = float(event.mean())
    return float(len(event) * (special.xlogy(share, share) + special.xlogy(1 - share, 1 - share)))


def _nagelkerke(height: float, null: float, n: int) -> float:
    """Nagelkerke NJD. Biometrika 1991;78:691-692."""
    return (1 - math.exp(2 * (null - height) / n)) / (1 - math.exp(2 * null / n))


def _odds_ratio(name: str, index: int, solved: tuple[LogisticProblem, LogisticSolution], choice: _Choice) -> OddsRatio:
    problem, best = solved
    beta, error = float(best.beta[index]), math.sqrt(float(best.covariance[index, index]))
    statistic = beta / error
    p_value = math.erfc(abs(statistic) / math.sqrt(2))
    if choice.method == "firth":
        statistic = max(profile_ratio(problem, best, index), 0.0)
        p_value = float(special.chdtrc(1, statistic))
    if choice.profile:
        low, high = profile_limits(problem, best, index, level=choice.level)
    else:
        reach = normal_reach(choice.level) * error
        low, high = beta - reach, beta + reach
    interval = "profile" if choice.profile else "wald"
    return OddsRatio(name, beta, error, *_exponentials(beta, low, high), statistic, p_value, interval)


def _exponentials(beta: float, low: float, high: float) -> tuple[float, float, float]:
    return tuple(math.exp(value) if value < 700 else math.inf for value in (beta, low, high))  # type: ignore[return-value]
