"""Agreement of two methods of measurement: bias and limits of agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from recanal.errors import StatsError
from recanal.fitting.columns import cluster_codes, normal_reach, number_column, same_length
from recanal.fitting.results import Estimate, StatsResult

__all__ = ["LimitsOfAgreement", "bland_altman", "bland_altman_repeated"]


@dataclass(frozen=True)
class LimitsOfAgreement(StatsResult):
    """Bias and limits of agreement of two methods, in the unit of the measurements.

    Parameters
    ----------
    bias
        Mean of first minus second, with its interval.
    lower_limit, upper_limit
        Limits that hold the share ``agreement_share`` of differences, each with its interval.
    sd_value
        Standard deviation of one difference, between and within subjects.
    agreement_share
        Share of differences between the limits.
    slope, slope_p_value
        Slope of the differences over the means, and P of no slope; None for repeated measures.
    pair_count, subject_count
        Pairs, and subjects that they come from.
    method
        How the limits and their intervals were made.
    """

    bias: Estimate
    lower_limit: Estimate
    upper_limit: Estimate
    sd_value: float
    agreement_share: float
    slope: float | None
    slope_p_value: float | None
    pair_count: int
    subject_count: int
    method: str


def bland_altman(
    first: ArrayLike, second: ArrayLike, *, agreement_share: float = 0.95, level: float = 0.95
) -> LimitsOfAgreement:
    """Limits of agreement of two methods, each used once on each subject.

    Parameters
    ----------
    first, second
        (n,) measurements of the same subjects, n >= 3.
    agreement_share
        Share of differences that the limits hold.
    level
        Coverage of the intervals.

    Raises
    ------
    StatsError
        When rows do not match, a value is missing, or the differences are constant.

    Notes
    -----
    Bland JM, Altman DG. Lancet 1986;1:307-310. The intervals of the limits are exact under normality, from the
    noncentral t distribution (Carkeet A. Optom Vis Sci 2015;92:e71-e80).

    Examples
    --------
    >>> limits = bland_altman([10.0, 12.1, 9.2, 14.4, 11.0], [9.5, 12.0, 9.9, 13.8, 10.6])
    >>> round(limits.bias.value, 3), round(limits.upper_limit.value, 3)
    (0.18, 1.212)
    """
    one, two = number_column(first, "first", least=3), number_column(second, "second", least=3)
    same_length({"first": one, "second": two})
    gap = number_column(one - two, "difference", varies=True)
    n, bias, sd = len(gap), float(gap.mean()), float(gap.std(ddof=1))
    z, tail = normal_reach(agreement_share), (1 - level) / 2
    normal_reach(level)
    reach = float(special.stdtrit(n - 1, 1 - tail)) * sd / math.sqrt(n)
    far = float(stats.nct.ppf(1 - tail, n - 1, z * math.sqrt(n))) / math.sqrt(n)
    near = float(stats.nct.ppf(tail, n - 1, z * math.sqrt(n))) / math.sqrt(n)
    means = (one + two) / 2
    line = stats.linregress(means, gap) if np.ptp(means) > 0 else None
    return LimitsOfAgreement(
        Estimate(bias, bias - reach, bias + reach, level, sd / math.sqrt(n)),
        Estimate(bias - z * sd, bias - far * sd, bias - near * sd, level),
        Estimate(bias + z * sd, bias + near * sd, bias + far * sd, level),
        sd,
        agreement_share,
        None if line is None else float(line.slope),
        None if line is None else float(line.pvalue),
        n,
        n,
        "one pair per subject, exact intervals",
    )


def bland_altman_repeated(
    first: ArrayLike, second: ArrayLike, subjects: ArrayLike, *, agreement_share: float = 0.95, level: float = 0.95
) -> LimitsOfAgreement:
    """Limits of agreement where subjects give several pairs and the true value may change between pairs.

    Parameters
    ----------
    first, second
        (n,) paired measurements.
    subjects
        (n,) subject of each pair; at least one subject gives two pairs.
    agreement_share, level
        As :func:`bland_altman`.

    Raises
    ------
    StatsError
        When rows do not match, a value is missing, no subject has two pairs, or the differences are constant.

    Notes
    -----
    Bland JM, Altman DG. J Biopharm Stat 2007;17:571-582, with variances and intervals after Zou GY. Stat Methods Med
    Res 2013;22:630-642: the bias is the mean of the subject means, the variance of one difference that of the subject
    means plus (1 - 1/h) of that within subjects, h the harmonic mean of the pairs per subject; the intervals of the
    limits join those of bias and variance (MOVER). One difference has the sum of both variances.
    """
    one, two = number_column(first, "first", least=3), number_column(second, "second", least=3)
    rows = same_length({"first": one, "second": two})
    gap = number_column(one - two, "difference", varies=True)
    code = cluster_codes(subjects, "subjects", rows=rows)
    size = np.bincount(code).astype(float)
    if rows == len(size):
        raise StatsError("No subject has two pairs.", hint="Use the limits for one pair per subject.")
    mean = np.bincount(code, gap) / size
    between, within = float(mean.var(ddof=1)), float(((gap - mean[code]) ** 2).sum()) / (rows - len(size))
    extra = (1 - float((1 / size).mean())) * within
    n, variance, bias = len(size), between + extra, float(mean.mean())
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    pull = (
        between * ((n - 1) / stats.chi2.ppf(tails, n - 1) - 1),
        extra * ((rows - n) / stats.chi2.ppf(tails, rows - n) - 1),
    )
    most, least = variance + math.hypot(pull[0][0], pull[1][0]), variance - math.hypot(pull[0][1], pull[1][1])
    z, reach = normal_reach(agreement_share), normal_reach(level) * math.sqrt(between / n)
    spread = z * math.sqrt(variance)
    far = math.hypot(reach, z * math.sqrt(most) - spread)
    near = math.hypot(reach, spread - z * math.sqrt(max(least, 0.0)))
    return LimitsOfAgreement(
        Estimate(bias, bias - reach, bias + reach, level, math.sqrt(between / n)),
        Estimate(bias - spread, bias - spread - far, bias - spread + near, level),
        Estimate(bias + spread, bias + spread - near, bias + spread + far, level),
        math.sqrt(variance),
        agreement_share,
        None,
        None,
        rows,
        n,
        "repeated pairs, true value may vary, intervals by MOVER",
    )
