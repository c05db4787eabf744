"""Cox's proportional hazards: hazard ratios, robust errors, concordance and the test of proportionality."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import cluster_codes, normal_reach
from recanal.fitting.cox_likelihood import RiskSets, cox_terms, maximise_cox, score_residuals
from recanal.fitting.design import INTERCEPT, Design
from recanal.fitting.results import Estimate, StatsResult
from recanal.survival.follow_up import FollowUp, checked_events, checked_times, group_codes

__all__ = [
    "CoxFit",
    "HazardRatio",
    "ProportionalityTest",
    "fit_cox",
    "hazard_ratios",
    "proportional_hazards_test",
    "robust_covariance",
]

_MOST_ROWS_COMPARED = 30_000
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class HazardRatio(StatsResult):
    """One coefficient of a hazard model.

    Parameters
    ----------
    name
        Column of the design.
    beta, standard_error
        Log hazard ratio and its standard error, robust where the fit says so.
    hazard_ratio, low_ratio, high_ratio
        Hazard ratio and Wald limits.
    statistic, p_value
        z and its two-sided P.
    """

    name: str
    beta: float
    standard_error: float
    hazard_ratio: float
    low_ratio: float
    high_ratio: float
    statistic: float
    p_value: float


@dataclass(frozen=True)
class CoxFit(StatsResult):
    """A fitted proportional hazards model.

    Parameters
    ----------
    ties
        ``efron`` or ``breslow``.
    coefficients
        One per column.
    covariance
        Covariance of the coefficients, as rows.
    log_likelihood, null_log_likelihood
        Log partial likelihood of the model and of no covariates.
    ratio_statistic, ratio_p_value
        Likelihood-ratio test of all columns; None with robust errors.
    concordance
        Harrell's C with its infinitesimal-jackknife interval (over clusters where there are), apparent; None beyond
        30,000 rows or with strata.
    rows_count, events_count, cluster_count
        Cases, events, and clusters where errors are robust, else None.
    level
        Coverage of the intervals.
    """

    ties: str
    coefficients: tuple[HazardRatio, ...]
    covariance: tuple[tuple[float, ...], ...]
    log_likelihood: float
    null_log_likelihood: float
    ratio_statistic: float | None
    ratio_p_value: float | None
    concordance: Estimate | None
    rows_count: int
    events_count: int
    cluster_count: int | None
    level: float


@dataclass(frozen=True)
class ProportionalityTest(StatsResult):
    """A score test that a hazard ratio does not change with time.

    Parameters
    ----------
    name
        Variable, or ``GLOBAL``.
    statistic, df, p_value
        Chi-square test.
    """

    name: str
    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, eq=False)
class _Ready:
    """Checked data: columns without intercept, centred and scaled."""

    times: Vector
    events: NDArray[np.bool_]
    matrix: Vector
    names: tuple[str, ...]
    scale: Vector
    strata: NDArray[np.intp]

    def sets(self, *, efron: bool) -> list[tuple[NDArray[np.intp], RiskSets]]:
        """Rows and risk sets of each stratum that has an event."""
        out = []
        for stratum in range(int(self.strata.max()) + 1):
            rows = np.flatnonzero(self.strata == stratum)
            if self.events[rows].any():
                out.append((rows, RiskSets(self.times[rows], self.events[rows], self.matrix[rows], efron=efron)))
        return out


def fit_cox(follow_up: FollowUp, design: Design, *, ties: str = "efron", level: float = 0.95) -> CoxFit:
    """A proportional hazards model.

    Parameters
    ----------
    follow_up
        Times, events (0 or 1) and, where they exist, clusters and strata.
    design
        Covariates; an intercept is left out.
    ties
        ``efron``, the default of R, or ``breslow``, that of SPSS and Stata.
    level
        Coverage of the intervals.

    Raises
    ------
    OptionError
        When the treatment of ties is unknown.
    StatsError
        When a column cannot be used, there are as many columns as events, or a coefficient runs to infinity.

    Notes
    -----
    Cox DR. J R Stat Soc B 1972;34:187-220; ties after Efron B. J Am Stat Assoc 1977;72:557-565. With clusters the
    errors are those of Lin DY, Wei LJ. J Am Stat Assoc 1989;84:1074-1078, summed over each cluster, without correction
    for their number, as in the R package survival.
    """
    if ties not in ("efron", "breslow"):
        raise OptionError(f"ties must be efron or breslow, got '{ties}'.")
    ready = _ready(follow_up, design)
    parts = ready.sets(efron=ties == "efron")
    best = maximise_cox([sets for _, sets in parts])
    covariance, count = best.covariance, None
    code = np.arange(len(ready.times), dtype=np.intp)
    if follow_up.clusters is not None:
        code = cluster_codes(follow_up.clusters, "clusters", rows=len(ready.times))
        residuals = np.zeros_like(ready.matrix)
        for rows, sets in parts:
            residuals[rows] = score_residuals(sets, best.beta)
        covariance, count = robust_covariance(residuals, best.covariance, code), int(code.max()) + 1
    covariance = covariance / np.outer(ready.scale, ready.scale)
    ratio = 2 * (best.log_likelihood - best.null_log_likelihood)
    p = len(ready.names)
    concordance = None
    if len(ready.times) <= _MOST_ROWS_COMPARED and follow_up.strata is None:
        risk = ready.matrix @ best.beta
        concordance = _concordance(ready.times, ready.events, risk, code=code, level=level)
    return CoxFit(
        ties,
        hazard_ratios(ready.names, best.beta / ready.scale, covariance, level=level),
        tuple(tuple(float(cell) for cell in row) for row in covariance),
        best.log_likelihood,
        best.null_log_likelihood,
        ratio if count is None else None,
        float(special.chdtrc(p, ratio)) if count is None else None,
        concordance,
        len(ready.times),
        int(ready.events.sum()),
        count,
        level,
    )


def proportional_hazards_test(
    follow_up: FollowUp, design: Design, *, ties: str = "efron"
) -> tuple[ProportionalityTest, ...]:
    """Whether hazard ratios stay the same over time: one test per variable, and one of all.

    Parameters
    ----------
    follow_up, design, ties
        As :func:`fit_cox`.

    Raises
    ------
    OptionError, StatsError
        As :func:`fit_cox`.

    Notes
    -----
    The score test of an interaction with the Kaplan-Meier transform of time, as ``cox.zph`` of the R package survival
    since version 3.0 (Grambsch PM, Therneau TM. Biometrika 1994;81:515-526, without their approximation of a constant
    variance).
    """
    if ties not in ("efron", "breslow"):
        raise OptionError(f"ties must be efron or breslow, got '{ties}'.")
    ready = _ready(follow_up, design)
    parts = ready.sets(efron=ties == "efron")
    beta = maximise_cox([sets for _, sets in parts]).beta
    p = len(beta)
    score, blocks = np.zeros(p), np.zeros((3, p, p))
    clock = _kaplan_meier_clock(ready)
    for _, sets in parts:
        terms = cox_terms(sets, beta)
        at = clock(sets.event_times)
        score += (at[sets.death_of][:, None] * sets.matrix[sets.events]).sum(axis=0)
        score -= (at[sets.of][:, None] * terms.mean).sum(axis=0)
        for power in range(3):
            blocks[power] += (at[sets.of][:, None, None] ** power * terms.spread).sum(axis=0)
    inner = blocks[2] - blocks[1] @ np.linalg.solve(blocks[0], blocks[1])
    shift = 0 if design.names[0] != INTERCEPT else 1
    groups = {name: [number - shift for number in numbers] for name, numbers in design.terms.items()}
    tests = []
    for name, numbers in {**groups, "GLOBAL": list(range(p))}.items():
        part = inner[np.ix_(numbers, numbers)]
        statistic = float(score[numbers] @ np.linalg.solve(part, score[numbers]))
        tests.append(ProportionalityTest(name, statistic, len(numbers), float(special.chdtrc(len(numbers), statistic))))
    return tuple(tests)


def hazard_ratios(names: tuple[str, ...], beta: Vector, covariance: Vector, *, level: float) -> tuple[HazardRatio, ...]:
    """Coefficients with Wald limits and tests."""
    reach = normal_reach(level)
    out = []
    for j, name in enumerate(names):
        value, error = float(beta[j]), math.sqrt(float(covariance[j, j]))
        ratios = (math.exp(value), math.exp(value - reach * error), math.exp(value + reach * error))
        z = value / error
        out.append(HazardRatio(name, value, error, *ratios, z, math.erfc(abs(z) / math.sqrt(2))))
    return tuple(out)


def robust_covariance(residuals: Vector, covariance: Vector, code: NDArray[np.intp]) -> Vector:
    """The sandwich from score residuals summed over clusters.

    Raises
    ------
    StatsError
        When there are not more clusters than columns.
    """
    count = int(code.max()) + 1
    if count <= residuals.shape[1]:
        raise StatsError(f"Robust errors need more clusters than columns, got {count} and {residuals.shape[1]}.")
    sums = np.stack([np.bincount(code, column, minlength=count) for column in residuals.T], axis=1)
    out: Vector = covariance @ (sums.T @ sums) @ covariance
    return out


def _ready(follow_up: FollowUp, design: Design) -> _Ready:
    times = checked_times(follow_up.times)
    events = checked_events(follow_up.events, rows=len(times))
    if len(design.matrix) != len(times):
        raise OptionError(f"The design has {len(design.matrix)} rows, the follow-up {len(times)}.")
    first = 1 if design.names[0] == INTERCEPT else 0
    names, matrix = design.names[first:], design.matrix[:, first:]
    if not names:
        raise OptionError("A hazard model needs at least one covariate.")
    if len(names) >= int(events.sum()):
        raise StatsError(
            f"The model has {len(names)} parameters for {int(events.sum())} events.", hint="Fewer covariates."
        )
    scale = matrix.std(axis=0)
    strata = np.zeros(len(times), dtype=np.intp)
    if follow_up.strata is not None:
        strata, _ = group_codes(follow_up.strata, "strata", rows=len(times))
    return _Ready(times, events, (matrix - matrix.mean(axis=0)) / scale, names, scale, strata)


def _kaplan_meier_clock(ready: _Ready) -> Callable[[Vector], Vector]:
    """One minus the Kaplan-Meier curve of all cases, just before a time."""
    at, deaths = np.unique(ready.times[ready.events], return_counts=True)
    risk = len(ready.times) - np.searchsorted(np.sort(ready.times), at, side="left")
    gone = 1 - np.concatenate([[1.0], np.cumprod(1 - deaths / risk)])

    def clock(times: Vector) -> Vector:
        out: Vector = gone[np.searchsorted(at, times, side="left")]
        return out

    return clock


def _concordance(
    times: Vector, events: NDArray[np.bool_], risk: Vector, *, code: NDArray[np.intp], level: float
) -> Estimate | None:
    """Harrell's C, with the infinitesimal jackknife over clusters as in the R package survival."""
    pairs, right = np.zeros(len(times)), np.zeros(len(times))
    chosen = np.flatnonzero(events)
    for begin in range(0, len(chosen), 256):
        rows = chosen[begin : begin + 256]
        later = (times[None, :] > times[rows][:, None]) | ((times[None, :] == times[rows][:, None]) & ~events[None, :])
        credit = np.where(later, 0.5 + 0.5 * np.sign(risk[rows][:, None] - risk[None, :]), 0.0)
        pairs[rows] += later.sum(axis=1)
        right[rows] += credit.sum(axis=1)
        pairs += later.sum(axis=0)
        right += credit.sum(axis=0)
    total = float(pairs.sum()) / 2
    if total == 0:
        return None
    share = float(right.sum()) / 2 / total
    pull = np.bincount(code, (right - share * pairs) / total)
    error = math.sqrt(float((pull**2).sum()))
    reach = normal_reach(level) * error
    return Estimate(share, max(0.0, share - reach), min(1.0, share + reach), level, error)
