"""Several lesions of one patient: robust errors of a logistic model, and generalised estimating equations."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import cluster_codes, event_column, normal_reach
from recanal.fitting.design import Design
from recanal.fitting.logistic_likelihood import LogisticProblem, maximise_logistic
from recanal.fitting.results import StatsResult
from recanal.stats.logistic import LogisticFit, OddsRatio

__all__ = ["GEE_CORRELATIONS", "ROBUST_KINDS", "GeeFit", "cluster_robust", "fit_gee"]

ROBUST_KINDS = ("HC0", "HC1", "CR2")
GEE_CORRELATIONS = ("exchangeable", "independence")
_MOST_ROUNDS = 200
_Array = NDArray[np.float64]


@dataclass(frozen=True)
class GeeFit(StatsResult):
    """A logistic model of clustered outcomes by generalised estimating equations.

    Parameters
    ----------
    coefficients
        One per column of the design; errors and intervals robust.
    correlation
        Working correlation: ``exchangeable`` or ``independence``.
    correlation_value
        Estimated common correlation; 0 for independence.
    rows_count, events_count, cluster_count
        Cases, events, clusters.
    level
        Coverage of the intervals.
    """

    coefficients: tuple[OddsRatio, ...]
    correlation: str
    correlation_value: float
    rows_count: int
    events_count: int
    cluster_count: int
    level: float


def cluster_robust(
    fit: LogisticFit, design: Design, events: ArrayLike, clusters: ArrayLike, *, kind: str = "CR2"
) -> LogisticFit:
    """The same model with errors that allow rows of one cluster to go together.

    Parameters
    ----------
    fit
        A maximum-likelihood fit of this design and outcome.
    design, events
        What it was fitted to.
    clusters
        (n,) patient of each row.
    kind
        ``HC0`` the plain sandwich; ``HC1`` times G/(G-1) (n-1)/(n-p), as Stata and R's vcovCL; ``CR2`` the
        bias-reduced sandwich.

    Raises
    ------
    OptionError
        When the kind is unknown or the fit is penalised.
    StatsError
        When rows do not match or there are fewer clusters than columns.

    Notes
    -----
    Liang KY, Zeger SL. Biometrika 1986;73:13-22. CR2: Bell RM, McCaffrey DF. Surv Methodol 2002;28:169-181, for
    generalised linear models as in the R package clubSandwich. Intervals are normal.
    """
    if kind not in ROBUST_KINDS:
        raise OptionError(f"kind must be one of {', '.join(ROBUST_KINDS)}, got '{kind}'.")
    if fit.method != "ml":
        raise OptionError(f"Robust errors need a maximum-likelihood fit, got '{fit.method}'.")
    event = event_column(events, "outcome").astype(np.float64)
    n, p = design.matrix.shape
    code = cluster_codes(clusters, "clusters", rows=n)
    if len(event) != n or n != fit.rows_count:
        raise StatsError(f"Fit, design and outcome differ in rows: {fit.rows_count}, {n} and {len(event)}.")
    count = int(code.max()) + 1
    if count <= p:
        raise StatsError(f"Robust errors need more clusters than columns, got {count} clusters and {p} columns.")
    beta = np.array([found.beta for found in fit.coefficients])
    fitted = special.expit(design.matrix @ beta)
    bread = np.linalg.inv((design.matrix * (fitted * (1 - fitted))[:, None]).T @ design.matrix)
    adjusted = (
        _reduced(design.matrix, event - fitted, fitted, bread=bread, code=code) if kind == "CR2" else event - fitted
    )
    sums = np.stack([np.bincount(code, design.matrix[:, j] * adjusted, minlength=count) for j in range(p)], axis=1)
    factor = count / (count - 1) * (n - 1) / (n - p) if kind == "HC1" else 1.0
    covariance = factor * bread @ (sums.T @ sums) @ bread
    rows = tuple(
        _robust(found.name, found.beta, math.sqrt(covariance[j, j]), fit.level)
        for j, found in enumerate(fit.coefficients)
    )
    return dataclasses.replace(
        fit,
        method=f"ml, {kind} by cluster",
        coefficients=rows,
        covariance=tuple(tuple(float(cell) for cell in row) for row in covariance),
        cluster_count=count,
        ratio_statistic=None,
        ratio_p_value=None,
    )


def fit_gee(
    design: Design, events: ArrayLike, clusters: ArrayLike, *, correlation: str = "exchangeable", level: float = 0.95
) -> GeeFit:
    """A marginal logistic model of clustered outcomes.

    Parameters
    ----------
    design
        Matrix with an intercept.
    events
        (n,) true or 1 where the event came.
    clusters
        (n,) patient of each row.
    correlation
        ``exchangeable`` or ``independence``.
    level
        Coverage of the intervals.

    Raises
    ------
    OptionError
        When the correlation is unknown.
    StatsError
        When rows do not match, the outcome has one class, or the equations do not converge.

    Notes
    -----
    Liang KY, Zeger SL. Biometrika 1986;73:13-22, with the sandwich errors. The common correlation is the moment
    estimator of the R package geepack, the mean product of residuals over their mean square; other packages take off
    the number of columns, and differ in the third digit.
    """
    if correlation not in GEE_CORRELATIONS:
        raise OptionError(f"correlation must be one of {', '.join(GEE_CORRELATIONS)}, got '{correlation}'.")
    event = event_column(events, "outcome").astype(np.float64)
    code = cluster_codes(clusters, "clusters", rows=len(design.matrix))
    if len(event) != len(code):
        raise StatsError(f"Design and outcome differ in rows: {len(code)} and {len(event)}.")
    beta, common = maximise_logistic(LogisticProblem(design.matrix, event)).beta, 0.0
    for _ in range(_MOST_ROUNDS):
        fitted = special.expit(design.matrix @ beta)
        if correlation == "exchangeable":
            common = _common_correlation((event - fitted) / np.sqrt(fitted * (1 - fitted)), code)
        scores, information = _equations(design.matrix, event, fitted, code=code, common=common)
        step = np.linalg.solve(information, scores.sum(axis=0))
        beta = beta + step
        if float(np.abs(step).max()) < 1e-12 * (1 + float(np.abs(beta).max())):
            break
    else:
        raise StatsError("The estimating equations did not converge.", hint="Are events separated?")
    bread = np.linalg.inv(information)
    errors = np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread))
    rows = tuple(
        _robust(name, float(value), float(error), level)
        for name, value, error in zip(design.names, beta, errors, strict=True)
    )
    return GeeFit(rows, correlation, common, len(event), int(event.sum()), int(code.max()) + 1, level)


def _common_correlation(pearson: _Array, code: NDArray[np.intp]) -> float:
    """Mean product of the Pearson residuals of two rows of a cluster, over their mean square."""
    sizes, squares = np.bincount(code), float(pearson @ pearson)
    pairs = float((sizes * (sizes - 1)).sum())
    if pairs == 0:
        raise StatsError("No cluster has two rows; a common correlation is not defined.", hint="Use 'independence'.")
    sums = np.bincount(code, pearson)
    common = (float(sums @ sums) - squares) / pairs / (squares / len(pearson))
    lowest = -1.0 / (float(sizes.max()) - 1)
    if not lowest < common < 1:
        raise StatsError(f"The common correlation of the clusters runs out of range ({common:.3g}).")
    return common


def _equations(
    matrix: _Array, event: _Array, fitted: _Array, *, code: NDArray[np.intp], common: float
) -> tuple[_Array, _Array]:
    """Score of each cluster, and the information, with the closed inverse of an exchangeable correlation."""
    root = np.sqrt(fitted * (1 - fitted))
    half, pearson = matrix * root[:, None], (event - fitted) / root
    sizes = np.bincount(code)
    pull = common / (1 + (sizes - 1) * common)
    sums = np.stack([np.bincount(code, half[:, j]) for j in range(matrix.shape[1])], axis=1)
    own = np.stack([np.bincount(code, half[:, j] * pearson) for j in range(matrix.shape[1])], axis=1)
    scores = (own - (pull * np.bincount(code, pearson))[:, None] * sums) / (1 - common)
    information = (half.T @ half - (sums * pull[:, None]).T @ sums) / (1 - common)
    return scores, information


def _robust(name: str, beta: float, error: float, level: float) -> OddsRatio:
    reach = normal_reach(level) * error
    z = beta / error
    ratios = math.exp(beta), math.exp(beta - reach), math.exp(beta + reach)
    return OddsRatio(name, beta, error, *ratios, z, math.erfc(abs(z) / math.sqrt(2)), "robust")


def _reduced(matrix: _Array, residual: _Array, fitted: _Array, *, bread: _Array, code: NDArray[np.intp]) -> _Array:
    """Residuals of the score after the bias reduction of CR2, clusters of one size done together.

    With the variance v of an outcome, D its root and J = diag(v) X, the residuals of a cluster are multiplied by
    ``D (D (diag(v) - J M J') D)^(-1/2) D`` (Pustejovsky JE, Tipton E. J Bus Econ Stat 2018;36:672-683).
    """
    variance = fitted * (1 - fitted)
    root, out = np.sqrt(variance), np.empty_like(residual)
    half, scaled = matrix * (root * variance)[:, None], residual * root
    order, sizes = np.argsort(code, kind="stable"), np.bincount(code)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    for size in np.unique(sizes):
        rows = order[first[sizes == size][:, None] + np.arange(size)]
        block = half[rows]
        target = np.eye(size) * (variance[rows] ** 2)[:, None, :]
        values, vectors = np.linalg.eigh(target - block @ bread @ block.transpose(0, 2, 1))
        floor = 1e-12 * values[:, -1:]
        shrunk = np.where(values > floor, 1 / np.sqrt(np.maximum(values, floor)), 0.0)
        turned = np.einsum("gij,gj,gkj,gk->gi", vectors, shrunk, vectors, scaled[rows], optimize=True)
        out[rows] = turned * root[rows]
    return out
