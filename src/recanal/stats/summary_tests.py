"""Tests that need no more than what a table prints, and two rank tests for those that need the data.

Means and standard deviations give Student's and Welch's tests and the analysis of variance; a 2 x 2 table gives an
odds ratio; a ratio and its interval give a P value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError

__all__ = [
    "RatioEstimate",
    "SummaryTest",
    "anova_from_summary",
    "kruskal_wallis_test",
    "mann_whitney_test",
    "odds_ratio_wald",
    "p_from_ratio_interval",
    "pooled_mean_and_sd",
    "student_from_summary",
    "welch_anova_from_summary",
    "welch_from_summary",
]


@dataclass(frozen=True)
class SummaryTest:
    """A test of means or ranks.

    Parameters
    ----------
    name
        Name of the test.
    statistic
        t, F, H or z.
    df
        Degrees of freedom; of the numerator for F; None for the normal distribution.
    df_within
        Degrees of freedom of the denominator of F, else None.
    p_value
        Two-sided, or of the upper tail of F and H.
    """

    name: str
    statistic: float
    df: float | None
    df_within: float | None
    p_value: float


@dataclass(frozen=True)
class RatioEstimate:
    """An odds ratio with its interval.

    Parameters
    ----------
    ratio, low_ratio, high_ratio
        Estimate and limits.
    p_value
        Wald, two-sided.
    corrected
        Whether 1/2 was added to every cell because one was empty.
    """

    ratio: float
    low_ratio: float
    high_ratio: float
    p_value: float
    corrected: bool


def student_from_summary(means: Sequence[float], sds: Sequence[float], counts: Sequence[int]) -> SummaryTest:
    """Student's t test of two groups, from means, standard deviations and sizes.

    Raises
    ------
    OptionError
        When there are not two groups, a size is below 2, a standard deviation negative or both zero.

    Examples
    --------
    Age, Xing 2022 (doi 10.21037/qims-21-1050), Table 1: printed P 0.947.

    >>> round(student_from_summary([58.84, 58.95], [11.20, 10.07], [126, 75]).p_value, 4)
    0.9444
    """
    mean, sd, size = _summary(means, sds, counts, exactly=2)
    df = float(size.sum() - 2)
    pooled = float(((size - 1) * sd**2).sum()) / df
    statistic = float(mean[0] - mean[1]) / math.sqrt(pooled * float((1 / size).sum()))
    return SummaryTest("Student", statistic, df, None, _two_sided(statistic, df))


def welch_from_summary(means: Sequence[float], sds: Sequence[float], counts: Sequence[int]) -> SummaryTest:
    """Welch's t test of two groups (Welch BL. Biometrika 1947;34:28-35).

    Raises
    ------
    OptionError
        As :func:`student_from_summary`.
    """
    mean, sd, size = _summary(means, sds, counts, exactly=2)
    parts = sd**2 / size
    df = float(parts.sum() ** 2 / (parts**2 / (size - 1)).sum())
    statistic = float(mean[0] - mean[1]) / math.sqrt(float(parts.sum()))
    return SummaryTest("Welch", statistic, df, None, _two_sided(statistic, df))


def anova_from_summary(means: Sequence[float], sds: Sequence[float], counts: Sequence[int]) -> SummaryTest:
    """One-way analysis of variance, from means, standard deviations and sizes.

    A group of one case may stand in it, with a standard deviation of 0.

    Raises
    ------
    OptionError
        When there are fewer than two groups, or no variance within.

    Examples
    --------
    J-CTO by operator group, Xiao 2021 (doi 10.1155/2021/9988943), Table 7: printed F 3.67.

    >>> test = anova_from_summary(
    ...     [2.20, 2.33, 3.08, 3.03, 3.42], [0.84, 1.03, 1.19, 0.92, 0.87], [5, 6, 13, 75, 45])
    >>> round(test.statistic, 2), round(test.p_value, 4)
    (3.61, 0.0078)
    """
    mean, sd, size = _summary(means, sds, counts, least=1)
    between, within = len(mean) - 1, float(size.sum() - len(mean))
    if within < 1:
        raise OptionError("An analysis of variance needs more cases than groups.")
    centre = float((size * mean).sum() / size.sum())
    ratio = float((size * (mean - centre) ** 2).sum()) / between / (float(((size - 1) * sd**2).sum()) / within)
    return SummaryTest("ANOVA", ratio, float(between), within, float(special.fdtrc(between, within, ratio)))


def welch_anova_from_summary(means: Sequence[float], sds: Sequence[float], counts: Sequence[int]) -> SummaryTest:
    """Welch's analysis of variance, which does not assume equal variances (Biometrika 1951;38:330-336).

    Raises
    ------
    OptionError
        When there are fewer than two groups, a size below 2 or a standard deviation of 0.
    """
    mean, sd, size = _summary(means, sds, counts)
    if (sd == 0).any():
        raise OptionError("Welch's analysis of variance needs a standard deviation above 0 in every group.")
    weight = size / sd**2
    groups = len(mean)
    centre = float((weight * mean).sum() / weight.sum())
    between = float((weight * (mean - centre) ** 2).sum()) / (groups - 1)
    spread = float(((1 - weight / weight.sum()) ** 2 / (size - 1)).sum())
    ratio = between / (1 + 2 * (groups - 2) * spread / (groups**2 - 1))
    within = (groups**2 - 1) / (3 * spread)
    return SummaryTest("Welch ANOVA", ratio, float(groups - 1), within, float(special.fdtrc(groups - 1, within, ratio)))


def pooled_mean_and_sd(means: Sequence[float], sds: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Mean and standard deviation of all cases together.

    Raises
    ------
    OptionError
        As :func:`anova_from_summary`.

    Examples
    --------
    >>> pooled_mean_and_sd([1.0, 3.0], [0.0, 0.0], [2, 2])
    (2.0, 1.1547005383792515)
    """
    mean, sd, size = _summary(means, sds, counts, least=1, allow_constant=True)
    centre = float((size * mean).sum() / size.sum())
    squares = float(((size - 1) * sd**2 + size * (mean - centre) ** 2).sum())
    return centre, math.sqrt(squares / max(float(size.sum()) - 1, 1.0))


def odds_ratio_wald(table: ArrayLike, *, level: float = 0.95) -> RatioEstimate:
    """Odds ratio of a 2 x 2 table ``[[a, b], [c, d]]``, a d / (b c), with Wald's interval on the log scale.

    Raises
    ------
    OptionError
        When the table is not 2 x 2 with counts of 0 or more, or has an empty row or column.

    Notes
    -----
    Woolf B. Ann Hum Genet 1955;19:251-253; where a cell is empty, 1/2 is added to all (Haldane JBS 1956;20:309-311,
    Anscombe FJ. Biometrika 1956;43:461-464), and ``corrected`` says so.

    Examples
    --------
    Blunt stump, failed against successful, Xing 2022, Table 2.

    >>> ratio = odds_ratio_wald([[46, 30], [30, 101]])
    >>> [round(number, 2) for number in (ratio.ratio, ratio.low_ratio, ratio.high_ratio)]
    [5.16, 2.79, 9.54]
    """
    cells = np.asarray(table, dtype=float)
    if cells.shape != (2, 2) or (cells < 0).any() or not (cells.sum(axis=0).all() and cells.sum(axis=1).all()):
        raise OptionError(f"An odds ratio takes a 2 x 2 table without an empty row or column, got {cells.tolist()}.")
    corrected = bool((cells == 0).any())
    if corrected:
        cells = cells + 0.5
    log_ratio = math.log(cells[0, 0] * cells[1, 1] / (cells[0, 1] * cells[1, 0]))
    error = math.sqrt(float((1 / cells).sum()))
    reach = float(special.ndtri((1 + level) / 2)) * error
    limits = (math.exp(log_ratio - reach), math.exp(log_ratio + reach))
    return RatioEstimate(math.exp(log_ratio), *limits, _normal(log_ratio / error), corrected)


def p_from_ratio_interval(ratio: float, low_ratio: float, high_ratio: float, *, level: float = 0.95) -> float:
    """Wald P value of a ratio, from the ratio and its interval (Altman DG, Bland JM. BMJ 2011;343:d2304).

    Raises
    ------
    OptionError
        When a number is not positive or the limits are out of order.

    Examples
    --------
    >>> round(p_from_ratio_interval(0.970, 0.950, 0.991), 4)
    0.0047
    """
    if not 0 < low_ratio < high_ratio or not ratio > 0:
        raise OptionError(f"A ratio needs 0 < low < high, got {ratio} ({low_ratio} to {high_ratio}).")
    error = math.log(high_ratio / low_ratio) / (2 * float(special.ndtri((1 + level) / 2)))
    return _normal(math.log(ratio) / error)


def kruskal_wallis_test(groups: Sequence[ArrayLike]) -> SummaryTest:
    """Kruskal-Wallis test with the correction for ties, from the values of each group.

    Raises
    ------
    OptionError
        When there are fewer than two groups, one is empty, or all values are equal.
    """
    from scipy import stats  # a third of a second that no other test here needs

    values = _groups(groups)
    result = stats.kruskal(*values)
    df = float(len(values) - 1)
    return SummaryTest("Kruskal-Wallis", float(result.statistic), df, None, float(result.pvalue))


def mann_whitney_test(first: ArrayLike, second: ArrayLike, *, continuity: bool = False) -> SummaryTest:
    """Mann-Whitney test by the normal approximation with ties; the statistic is z.

    Parameters
    ----------
    first, second
        Values of the two groups.
    continuity
        R corrects for continuity by default, SPSS does not.

    Raises
    ------
    OptionError
        When a group is empty or all values are equal.
    """
    one, two = _groups([first, second])
    distinct, counts = np.unique(np.concatenate([one, two]), return_counts=True)
    ties, total = counts.astype(float), len(one) + len(two)
    ranks = np.cumsum(ties) - (ties - 1) / 2
    rank_sum = float(ranks[np.searchsorted(distinct, np.sort(one))].sum())
    variance = len(one) * len(two) / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1)))
    gap = rank_sum - len(one) * (total + 1) / 2
    shrunk = math.copysign(max(abs(gap) - 0.5, 0.0), gap) if continuity else gap
    z = shrunk / math.sqrt(variance)
    return SummaryTest("Mann-Whitney", z, None, None, _normal(z))


def _summary(
    means: Sequence[float],
    sds: Sequence[float],
    counts: Sequence[int],
    *,
    exactly: int | None = None,
    least: int = 2,
    allow_constant: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    mean, sd, size = (np.asarray(row, dtype=float) for row in (means, sds, counts))
    if not mean.shape == sd.shape == size.shape or mean.ndim != 1:
        raise OptionError(f"Groups must match, got {len(means)} means, {len(sds)} SDs and {len(counts)} sizes.")
    if (exactly is not None and len(mean) != exactly) or len(mean) < 2:
        raise OptionError(f"The test takes {exactly or 'two or more'} groups, got {len(mean)}.")
    if not np.isfinite([mean, sd, size]).all() or (sd < 0).any() or (size < least).any():
        raise OptionError(f"Standard deviations are 0 or more and sizes {least} or more.")
    if not allow_constant and not float(((size - 1) * sd**2).sum()) > 0:
        raise OptionError("All standard deviations are 0; there is nothing to test.")
    return mean, sd, size


def _groups(groups: Sequence[ArrayLike]) -> list[NDArray[np.float64]]:
    values = [np.asarray(group, dtype=float) for group in groups]
    if len(values) < 2 or any(group.ndim != 1 or group.size == 0 for group in values):
        raise OptionError("A rank test needs two or more groups of values, none empty.")
    together = np.concatenate(values)
    if not np.isfinite(together).all() or together.min() == together.max():
        raise OptionError("A rank test needs finite values that are not all equal.")
    return values


def _two_sided(statistic: float, df: float) -> float:
    return float(2 * special.stdtr(df, -abs(statistic)))


def _normal(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))
