"""Maximum likelihood of a logistic model, plain or with Firth's penalty, and its profiles.

Everything here takes arrays that were checked before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from recanal.errors import StatsError

__all__ = ["LogisticProblem", "LogisticSolution", "maximise_logistic", "profile_limits", "profile_ratio"]

_MOST_STEPS = 200
_FARTHEST = 20.0  # log odds that one step may move a case
_FAR = 50.0  # Wald errors; beyond, a limit is called infinite
Vector = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LogisticProblem:
    """A logistic model and its data.

    Parameters
    ----------
    matrix
        (n, p) design, the intercept a column like any other.
    events
        (n,) 0 or 1.
    penalised
        Whether half the log determinant of the information is added to the log likelihood (Firth D. Biometrika
        1993;80:27-38; Heinze G, Schemper M. Stat Med 2002;21:2409-2419).
    offset
        (n,) part of the linear predictor that is known, or None.
    weights
        (n,) weight of each row, or None.
    """

    matrix: Vector
    events: Vector
    penalised: bool = False
    offset: Vector | None = None
    weights: Vector | None = None


@dataclass(frozen=True, eq=False)
class LogisticSolution:
    """Where the likelihood is greatest.

    Parameters
    ----------
    beta
        (p,) coefficients.
    covariance
        (p, p) inverse of the information of the unpenalised likelihood.
    log_likelihood
        Greatest log likelihood, with the penalty where there is one.
    fitted
        (n,) probabilities.
    leverage
        (n,) diagonal of the weighted hat matrix.
    converged
        Whether the gradient vanished.
    """

    beta: Vector
    covariance: Vector
    log_likelihood: float
    fitted: Vector
    leverage: Vector
    converged: bool


@dataclass(frozen=True, eq=False)
class _State:
    beta: Vector
    fitted: Vector
    information: Vector
    score: Vector
    leverage: Vector
    height: float


def maximise_logistic(
    problem: LogisticProblem, *, start: Vector | None = None, held: Mapping[int, float] | None = None
) -> LogisticSolution:
    """The maximum, by Fisher scoring with halved steps.

    Parameters
    ----------
    problem
        Model and data.
    start
        (p,) where to begin; zeros by default.
    held
        Values of the coefficients that are held, by their index.

    Raises
    ------
    StatsError
        When the information is singular.
    """
    p = problem.matrix.shape[1]
    beta = np.zeros(p) if start is None else start.copy()
    free = np.ones(p, dtype=bool)
    for index, value in (held or {}).items():
        free[index], beta[index] = False, value
    state, converged = _state(problem, beta), False
    for _ in range(_MOST_STEPS):
        if not free.any():
            converged = True
            break
        step = np.zeros(p)
        step[free] = _solve(state.information[np.ix_(free, free)], state.score[free])
        gain = float(step[free] @ state.score[free])
        if gain < 1e-18 * (1 + abs(state.height)):
            converged = True
            break
        following = _uphill(problem, state, step, gain)
        if following is None:
            converged = gain < 1e-9
            break
        state = following
    return LogisticSolution(
        state.beta, _solve(state.information, np.eye(p)), state.height, state.fitted, state.leverage, converged
    )


def profile_ratio(problem: LogisticProblem, best: LogisticSolution, index: int) -> float:
    """Twice the log likelihood that is lost when one coefficient is held at 0."""
    return 2 * (best.log_likelihood - _held(problem, best, index, 0.0).log_likelihood)


def profile_limits(
    problem: LogisticProblem, best: LogisticSolution, index: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Limits of one coefficient where the profile has lost the chi-square quantile; infinite where it never does.

    Notes
    -----
    Venzon DJ, Moolgavkar SH. Appl Stat 1988;37:87-94.
    """
    cut = float(special.chdtri(1, 1 - level))
    error = math.sqrt(best.covariance[index, index])
    centre = float(best.beta[index])

    def excess(value: float) -> float:
        return 2 * (best.log_likelihood - _held(problem, best, index, value).log_likelihood) - cut

    return _root(excess, centre, -error), _root(excess, centre, error)


def _held(problem: LogisticProblem, best: LogisticSolution, index: int, value: float) -> LogisticSolution:
    """The maximum with one coefficient held, sought from where the others would go if the likelihood were normal."""
    start = best.beta + best.covariance[:, index] / best.covariance[index, index] * (value - best.beta[index])
    return maximise_logistic(problem, start=start, held={index: value})


def _root(excess: Callable[[float], float], centre: float, error: float) -> float:
    """Where ``excess`` crosses 0 on one side of the centre."""
    near, far = 0.0, 2.0
    while excess(centre + far * error) < 0:
        near, far = far, 1.6 * far
        if far > _FAR:
            return math.copysign(math.inf, error)
    root = optimize.brentq(lambda reach: excess(centre + reach * error), near, far, xtol=1e-10, rtol=1e-12)
    return centre + float(root) * error


def _state(problem: LogisticProblem, beta: Vector) -> _State:
    predictor = problem.matrix @ beta + (0.0 if problem.offset is None else problem.offset)
    weights = 1.0 if problem.weights is None else problem.weights
    fitted = special.expit(predictor)
    height = float(np.sum(weights * (problem.events * predictor - np.logaddexp(0.0, predictor))))
    spread = weights * fitted * (1 - fitted)
    information = (problem.matrix * spread[:, None]).T @ problem.matrix
    residual = weights * (problem.events - fitted)
    leverage = np.zeros(0)
    if problem.penalised:
        root = _cholesky(information)
        half = np.linalg.solve(root, (problem.matrix * np.sqrt(spread)[:, None]).T)
        leverage = (half**2).sum(axis=0)
        residual = residual + leverage * (0.5 - fitted)
        height += float(np.log(np.diag(root)).sum())
    return _State(beta, fitted, information, problem.matrix.T @ residual, leverage, height)


def _uphill(problem: LogisticProblem, state: _State, step: Vector, gain: float) -> _State | None:
    """The next state along the step, halved until the likelihood does not fall."""
    slack = 1e-12 * (1 + abs(state.height))
    longest = float(np.abs(problem.matrix @ step).max())
    share = min(1.0, _FARTHEST / longest) if longest > 0 else 1.0
    for _ in range(40):
        trial = state.beta + share * step
        try:
            following = _state(problem, trial)
        except StatsError:
            following = None
        if following is not None and following.height >= state.height - slack:
            return following
        share /= 2
    return None


def _cholesky(information: Vector) -> Vector:
    try:
        return np.asarray(np.linalg.cholesky(information), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise _singular() from None


def _solve(information: Vector, right: Vector) -> Vector:
    try:
        return np.asarray(np.linalg.solve(information, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise _singular() from None


def _singular() -> StatsError:
    return StatsError(
        "The information matrix of the model is singular.",
        hint="Leave out a column that the others give, or fit with Firth's penalty.",
    )
