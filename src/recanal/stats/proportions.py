"""Shares and their differences: intervals of one share, a trial's 2 x 2 table, strata, adjusted differences.

A trial's table is ``[[events, others], [events, others]]``, the treated arm first.
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
from recanal.fitting.design import Design
from recanal.fitting.results import Estimate, StatsResult
from recanal.stats.logistic import LogisticFit

__all__ = [
    "DiagnosticAccuracy",
    "MantelHaenszel",
    "StandardisedEffect",
    "diagnostic_accuracy",
    "mantel_haenszel",
    "proportion_interval",
    "risk_difference",
    "risk_ratio",
    "standardised_effect",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class MantelHaenszel(StatsResult):
    """Effects common to the strata of a trial.

    Parameters
    ----------
    odds_ratio, risk_difference
        Common odds ratio and common risk difference.
    statistic, p_value
        Mantel-Haenszel chi-square, 1 degree of freedom.
    homogeneity_statistic, homogeneity_p_value
        Breslow and Day's test, with Tarone's correction, that the odds ratio is the same in all strata.
    strata_count
        Strata that hold information.
    """

    odds_ratio: Estimate
    risk_difference: Estimate
    statistic: float
    p_value: float
    homogeneity_statistic: float
    homogeneity_p_value: float
    strata_count: int


@dataclass(frozen=True)
class DiagnosticAccuracy(StatsResult):
    """What a test says of a state, each share with its exact interval.

    Parameters
    ----------
    sensitivity, specificity, positive_value, negative_value, accuracy
        Shares.
    positive_ratio, negative_ratio
        Likelihood ratios.
    """

    sensitivity: Estimate
    specificity: Estimate
    positive_value: Estimate
    negative_value: Estimate
    accuracy: Estimate
    positive_ratio: Estimate | None
    negative_ratio: Estimate | None


@dataclass(frozen=True)
class StandardisedEffect(StatsResult):
    """The mean risk if all were treated and if none were, by a logistic model.

    Parameters
    ----------
    treated_share, control_share
        Mean predicted risks.
    difference
        Treated minus control.
    ratio
        Treated over control.
    """

    treated_share: Estimate
    control_share: Estimate
    difference: Estimate
    ratio: Estimate


def proportion_interval(events: int, total: int, *, method: str = "wilson", level: float = 0.95) -> Estimate:
    """A share with its interval.

    Parameters
    ----------
    events, total
        Counts.
    method
        ``wilson``, the score interval; ``exact``, that of Clopper and Pearson.
    level
        Coverage.

    Raises
    ------
    OptionError
        When the method is unknown or the counts cannot be.

    Notes
    -----
    Wilson EB. J Am Stat Assoc 1927;22:209-212; Clopper CJ, Pearson ES. Biometrika 1934;26:404-413.

    Examples
    --------
    Success of Operator-CTO stratum 5 and above, 1 of 4 (Xiao 2021, doi 10.1155/2021/9988943, Table 6).

    >>> share = proportion_interval(1, 4)
    >>> round(share.low, 4), round(share.high, 4)
    (0.0456, 0.6994)
    """
    if not 0 <= events <= total or total < 1:
        raise OptionError(f"A share needs 0 <= events <= total and total >= 1, got {events} of {total}.")
    reach, share = normal_reach(level), events / total
    if method == "exact":
        tail = (1 - level) / 2
        low = float(special.betaincinv(events, total - events + 1, tail)) if events else 0.0
        high = float(special.betaincinv(events + 1, total - events, 1 - tail)) if events < total else 1.0
        return Estimate(share, low, high, level)
    if method != "wilson":
        raise OptionError(f"method must be wilson or exact, got '{method}'.")
    half = reach * math.sqrt(share * (1 - share) / total + reach**2 / (4 * total**2))
    scale, centre = 1 + reach**2 / total, share + reach**2 / (2 * total)
    low = 0.0 if events == 0 else (centre - half) / scale
    high = 1.0 if events == total else (centre + half) / scale
    return Estimate(share, low, high, level)


def risk_difference(table: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Difference of two risks with Newcombe's interval.

    Parameters
    ----------
    table
        (2, 2) counts, treated arm first.
    level
        Coverage.

    Raises
    ------
    StatsError
        When the table is not such counts or an arm is empty.

    Notes
    -----
    Method 10 of Newcombe RG. Stat Med 1998;17:873-890, from the Wilson limits of both arms.

    Examples
    --------
    His first example, 56 of 70 against 48 of 80: 0.0524 to 0.3339.

    >>> gap = risk_difference([[56, 14], [48, 32]])
    >>> round(gap.value, 4), round(gap.low, 4), round(gap.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    cells = _trial(table)
    one, two = (proportion_interval(int(row[0]), int(row.sum()), level=level) for row in cells)
    gap = one.value - two.value
    below = math.hypot(one.value - one.low, two.high - two.value)
    above = math.hypot(one.high - one.value, two.value - two.low)
    return Estimate(gap, gap - below, gap + above, level)


def risk_ratio(table: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Ratio of two risks with the log-normal interval of Katz.

    Parameters
    ----------
    table, level
        As :func:`risk_difference`.

    Raises
    ------
    StatsError
        As :func:`risk_difference`, and when an arm has no event.

    Notes
    -----
    Katz D, et al. Biometrics 1978;34:469-474. The standard error is that of the logarithm.
    """
    (a, b), (c, d) = _trial(table).tolist()
    if a == 0 or c == 0:
        raise StatsError("An arm has no event; the ratio of risks has no interval.", hint="Show the risk difference.")
    ratio, error = a / (a + b) / (c / (c + d)), math.sqrt(b / (a * (a + b)) + d / (c * (c + d)))
    reach = normal_reach(level) * error
    return Estimate(ratio, ratio * math.exp(-reach), ratio * math.exp(reach), level, error)


def mantel_haenszel(tables: Sequence[ArrayLike], *, continuity: bool = False, level: float = 0.95) -> MantelHaenszel:
    """Common odds ratio and risk difference of strata.

    Parameters
    ----------
    tables
        One (2, 2) table per stratum, treated arm first; strata with an empty arm are left out.
    continuity
        Whether the chi-square is corrected by 1/2, as SPSS does and R by default.
    level
        Coverage of the intervals.

    Raises
    ------
    StatsError
        When a table is not such counts or no stratum informs.

    Notes
    -----
    Mantel N, Haenszel W. J Natl Cancer Inst 1959;22:719-748; variance of the log odds ratio of Robins J, Breslow N,
    Greenland S. Biometrics 1986;42:311-323; of the risk difference, Sato T. Biometrics 1989;45:1323-1324; homogeneity,
    Tarone RE. Biometrika 1985;72:91-95.
    """
    kept = [cells for cells in (_trial(table, empty=True) for table in tables) if cells.sum(axis=1).all()]
    if not kept:
        raise StatsError("No stratum has cases in both arms.")
    a, b, c, d = (np.array([cells[i, j] for cells in kept]) for i in (0, 1) for j in (0, 1))
    n, top, bottom = a + b + c + d, a * d / (a + b + c + d), b * c / (a + b + c + d)
    if top.sum() == 0 or bottom.sum() == 0:
        raise StatsError("The common odds ratio is 0 or infinite.", hint="Join strata, or fit with Firth's penalty.")
    ratio, p, q = float(top.sum() / bottom.sum()), (a + d) / n, (b + c) / n
    r, s = float(top.sum()), float(bottom.sum())
    error = math.sqrt(
        float((p * top).sum()) / (2 * r**2)
        + float((p * bottom + q * top).sum()) / (2 * r * s)
        + float((q * bottom).sum()) / (2 * s**2)
    )
    reach = normal_reach(level)
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    spread = float((margins / (n**2 * np.maximum(n - 1, 1))).sum())
    gap = abs(float((a - (a + b) * (a + c) / n).sum()))
    statistic = max(gap - 0.5 * continuity, 0.0) ** 2 / spread
    same, p_same = _homogeneity(kept, ratio)
    odds = Estimate(ratio, ratio * math.exp(-reach * error), ratio * math.exp(reach * error), level, error)
    difference = _sato(a, b, c, d, level=level)
    return MantelHaenszel(odds, difference, statistic, float(special.chdtrc(1, statistic)), same, p_same, len(kept))


def diagnostic_accuracy(table: ArrayLike, *, level: float = 0.95) -> DiagnosticAccuracy:
    """Sensitivity, specificity, predictive values and likelihood ratios.

    Parameters
    ----------
    table
        (2, 2) counts ``[[true positive, false positive], [false negative, true negative]]``.
    level
        Coverage; exact intervals for shares, log-normal for ratios (Simel DL, et al. J Clin Epidemiol 1991;44:763-770).

    Raises
    ------
    StatsError
        When the table is not such counts or a row or column is empty.
    """
    cells = _trial(table)
    if not cells.sum(axis=0).all():
        raise StatsError("A column of the table is empty; sensitivity or specificity is not defined.")
    (a, b), (c, d) = ((int(x), int(y)) for x, y in cells)
    pairs = ((a, a + c), (d, b + d), (a, a + b), (d, c + d), (a + d, a + b + c + d))
    shares = [proportion_interval(x, n, method="exact", level=level) for x, n in pairs]
    plus = risk_ratio([[a, c], [b, d]], level=level) if a and b else None
    minus = risk_ratio([[c, a], [d, b]], level=level) if c and d else None
    return DiagnosticAccuracy(shares[0], shares[1], shares[2], shares[3], shares[4], plus, minus)


def standardised_effect(fit: LogisticFit, design: Design, treatment: str) -> StandardisedEffect:
    """The effect of a treatment, averaged over the cases of a trial.

    Parameters
    ----------
    fit
        A logistic model with the treatment, 0 or 1, among its columns; with robust errors where rows are clustered.
    design
        The cases to average over, as a rule those that it was fitted to.
    treatment
        Column of the treatment.

    Raises
    ------
    OptionError
        When there is no such column or it holds something else.

    Notes
    -----
    Every case is predicted as treated and as not (G-computation); errors by the delta method, as Ge M, et al. Drug Inf
    J 2011;45:481-493. They take the covariates of the cases as given. Other columns must not hold products with the
    treatment.
    """
    column = design.column(treatment)
    if not np.isin(design.matrix[:, column], (0.0, 1.0)).all():
        raise OptionError(f"Column '{treatment}' must hold 0 and 1 alone.")
    beta = np.array([found.beta for found in fit.coefficients])
    if len(beta) != design.matrix.shape[1]:
        raise OptionError(f"The fit has {len(beta)} columns, the design {design.matrix.shape[1]}.")
    beta[0], covariance = fit.intercept_beta, np.array(fit.covariance)
    means, slopes = [], []
    for arm in (1.0, 0.0):
        matrix = design.matrix.copy()
        matrix[:, column] = arm
        prob = special.expit(matrix @ beta)
        means.append(float(prob.mean()))
        slopes.append((matrix * (prob * (1 - prob))[:, None]).mean(axis=0))
    logs = [slope / mean for slope, mean in zip(slopes, means, strict=True)]
    reach, level = normal_reach(fit.level), fit.level

    def estimate(value: float, slope: Vector) -> Estimate:
        error = math.sqrt(float(slope @ covariance @ slope))
        return Estimate(value, value - reach * error, value + reach * error, level, error)

    log_ratio = estimate(math.log(means[0] / means[1]), logs[0] - logs[1])
    ratio = Estimate(*(math.exp(x) for x in (log_ratio.value, log_ratio.low, log_ratio.high)))
    ratio = Estimate(ratio.value, ratio.low, ratio.high, level, log_ratio.standard_error)
    gap = estimate(means[0] - means[1], slopes[0] - slopes[1])
    return StandardisedEffect(estimate(means[0], slopes[0]), estimate(means[1], slopes[1]), gap, ratio)


def _trial(table: ArrayLike, *, empty: bool = False) -> Vector:
    cells = np.array(table, dtype=np.float64)
    if cells.shape != (2, 2) or not (cells >= 0).all() or not (cells == np.floor(cells)).all():
        raise StatsError(f"A trial's table is 2 x 2 counts of 0 or more, got {cells.tolist()}.")
    if not empty and not cells.sum(axis=1).all():
        raise StatsError("An arm of the table is empty.")
    return cells


def _sato(a: Vector, b: Vector, c: Vector, d: Vector, *, level: float) -> Estimate:
    one, two = a + b, c + d
    n = one + two
    weight = one * two / n
    gap = float(((a * two - c * one) / n).sum() / weight.sum())
    p = (one**2 * c - two**2 * a + one * two * (two - one) / 2) / n**2
    q = (a * d + b * c) / (2 * n)
    error = math.sqrt(max(float((gap * p + q).sum()), 0.0)) / float(weight.sum())
    reach = normal_reach(level) * error
    return Estimate(gap, gap - reach, gap + reach, level, error)


def _homogeneity(tables: list[Vector], ratio: float) -> tuple[float, float]:
    """Breslow and Day's statistic with Tarone's correction, and its P."""
    total, gap, spread = 0.0, 0.0, 0.0
    for (a, b), (c, d) in (cells.tolist() for cells in tables):
        one, events, n = a + b, a + c, a + b + c + d
        x, y, z = 1 - ratio, n - one - events + ratio * (one + events), -ratio * one * events
        root = math.sqrt(y * y - 4 * x * z)
        hoped = -z / y if abs(x) < 1e-12 else (-y + root) / (2 * x)
        cells = np.array([hoped, one - hoped, events - hoped, n - one - events + hoped])
        if (cells <= 0).any():
            continue
        variance = 1 / float((1 / cells).sum())
        total += (a - hoped) ** 2 / variance
        gap, spread = gap + a - hoped, spread + variance
    statistic = total - gap**2 / spread if spread > 0 else 0.0
    df = len(tables) - 1
    return statistic, float(special.chdtrc(df, max(statistic, 0.0))) if df > 0 else math.nan
