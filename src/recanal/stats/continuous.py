"""Continuous variables by group: description, choice of test, tests with their differences, standardised differences.

Groups are handed over as a mapping from group name to values. The choice between mean and median, and of the test, is
made by a rule set with a name, and the reason is part of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import as_numbers, normal_reach, number_column
from recanal.fitting.results import Estimate, StatsResult
from recanal.stats.summary_tests import (
    SummaryTest,
    anova_from_summary,
    kruskal_wallis_test,
    mann_whitney_test,
    student_from_summary,
    welch_anova_from_summary,
    welch_from_summary,
)

__all__ = [
    "CONTINUOUS_RULES",
    "CONTINUOUS_TESTS",
    "QUANTILE_TYPES",
    "ContinuousChoice",
    "Description",
    "GroupComparison",
    "choose_continuous",
    "compare_groups",
    "describe",
    "quantiles",
    "standardised_difference",
    "standardised_difference_of_counts",
]

QUANTILE_TYPES = {"type6": "weibull", "type7": "linear"}
CONTINUOUS_RULES = ("spss", "recommended")
CONTINUOUS_TESTS = ("student", "welch", "mann_whitney", "anova", "welch_anova", "kruskal_wallis")
_MOST_SHAPIRO = 5000
_MOST_PAIRS = 4_000_000
_SKEWED = 1.0


@dataclass(frozen=True)
class Description(StatsResult):
    """One variable in one group, in the unit of the variable.

    Parameters
    ----------
    count, missing_count
        Rows with and without a value.
    mean_value, sd_value
        Mean and standard deviation (n - 1); the latter None for a single value.
    median_value, q1_value, q3_value
        Median and quartiles by ``quantile_type``.
    least_value, most_value
        Range.
    skewness_value
        Adjusted Fisher-Pearson skewness, as SPSS and SAS print it; None below three values or without spread.
    quantile_type
        ``type6`` or ``type7``.
    """

    count: int
    missing_count: int
    mean_value: float
    sd_value: float | None
    median_value: float
    q1_value: float
    q3_value: float
    least_value: float
    most_value: float
    skewness_value: float | None
    quantile_type: str


@dataclass(frozen=True)
class ContinuousChoice(StatsResult):
    """How a variable is to be shown and tested.

    Parameters
    ----------
    summary
        ``mean_sd`` or ``median_iqr``.
    test
        One of :data:`CONTINUOUS_TESTS`.
    quantile_type
        ``type6`` or ``type7``.
    rules
        Rule set that decided.
    reason
        What it saw, in words.
    """

    summary: str
    test: str
    quantile_type: str
    rules: str
    reason: str


@dataclass(frozen=True)
class GroupComparison(StatsResult):
    """A test of a continuous variable over groups.

    Parameters
    ----------
    test
        One of :data:`CONTINUOUS_TESTS`.
    statistic, df, df_within, p_value
        As :class:`recanal.stats.summary_tests.SummaryTest`.
    difference
        First minus second group: of means (t tests) or the Hodges-Lehmann shift (Mann-Whitney); None for more groups,
        and for the shift beyond four million pairs.
    """

    test: str
    statistic: float
    df: float | None
    df_within: float | None
    p_value: float
    difference: Estimate | None


def quantiles(values: ArrayLike, probabilities: ArrayLike, *, quantile_type: str = "type7") -> tuple[float, ...]:
    """Sample quantiles.

    Parameters
    ----------
    values
        (n,) finite numbers.
    probabilities
        (m,) between 0 and 1.
    quantile_type
        ``type6``, the default of SPSS, or ``type7``, the default of R, both after Hyndman RJ, Fan Y. Am Stat
        1996;50:361-365.

    Raises
    ------
    OptionError
        When the type is unknown.
    StatsError
        When a value is missing.

    Examples
    --------
    >>> quantiles([1, 2, 3, 4], [0.25], quantile_type="type6"), quantiles([1, 2, 3, 4], [0.25])
    ((1.25,), (1.75,))
    """
    if quantile_type not in QUANTILE_TYPES:
        raise OptionError(f"quantile_type must be one of {', '.join(QUANTILE_TYPES)}, got '{quantile_type}'.")
    column = number_column(values, "values")
    out = np.atleast_1d(np.quantile(column, probabilities, method=QUANTILE_TYPES[quantile_type]))  # type: ignore[call-overload]
    return tuple(float(cut) for cut in out)


def describe(values: ArrayLike, *, name: str = "values", quantile_type: str = "type7") -> Description:
    """What a variable looks like; NaN and None count as missing.

    Raises
    ------
    StatsError
        When no value is left or one is infinite.

    Examples
    --------
    >>> describe([1.0, 2.0, 4.0, None]).missing_count
    1
    """
    column = as_numbers(values, name)
    known = number_column(column[~np.isnan(column)], name)
    low, middle, high = quantiles(known, [0.25, 0.5, 0.75], quantile_type=quantile_type)
    n, sd = len(known), float(known.std(ddof=1)) if len(known) > 1 else None
    return Description(
        n,
        len(column) - n,
        float(known.mean()),
        sd,
        middle,
        low,
        high,
        float(known.min()),
        float(known.max()),
        _skewness(known),
        quantile_type,
    )


def choose_continuous(groups: Mapping[str, ArrayLike], *, rules: str = "recommended") -> ContinuousChoice:
    """Mean or median, and which test, by a named rule set.

    Parameters
    ----------
    groups
        Values of each group.
    rules
        ``spss``: mean, Student's t or one-way analysis of variance where the Shapiro-Wilk P is 0.05 or more in every
        group, else median, Mann-Whitney or Kruskal-Wallis; quantiles of type 6. Above 5,000 values in a group, where
        every test of normality rejects, the skewness decides as below. ``recommended``: mean and Welch's tests where
        the absolute skewness is at most 1 in every group, else median and rank tests; quantiles of type 7.

    Raises
    ------
    OptionError
        When the rule set is unknown.
    StatsError
        When there are fewer than two groups, a group is empty or a value is missing.

    Notes
    -----
    A preliminary test of normality has no power in small groups and too much in large ones, and changes the error of
    the test that follows (Rochon J, Gondan M, Kieser M. BMC Med Res Methodol 2012;12:81); ``spss`` is there to repeat
    published tables. A group of fewer than three values, or without spread, counts as not normal.
    """
    if rules not in CONTINUOUS_RULES:
        raise OptionError(f"rules must be one of {', '.join(CONTINUOUS_RULES)}, got '{rules}'.")
    columns = _columns(groups)
    verdicts = [_shape(values, rules) for values in columns.values()]
    normal = all(fits for fits, _ in verdicts)
    two = len(columns) == 2
    if normal and rules == "spss":
        test = "student" if two else "anova"
    elif normal:
        test = "welch" if two else "welch_anova"
    else:
        test = "mann_whitney" if two else "kruskal_wallis"
    reason = "; ".join(f"{name}: {text}" for name, (_, text) in zip(columns, verdicts, strict=True))
    summary = "mean_sd" if normal else "median_iqr"
    return ContinuousChoice(summary, test, "type6" if rules == "spss" else "type7", rules, reason)


def compare_groups(
    groups: Mapping[str, ArrayLike], *, test: str, continuity: bool = False, level: float = 0.95
) -> GroupComparison:
    """A test by its name, with the difference of two groups and its interval.

    Parameters
    ----------
    groups
        Values of each group, none missing.
    test
        One of :data:`CONTINUOUS_TESTS`.
    continuity
        Continuity correction of the Mann-Whitney test; R makes it, SPSS does not.
    level
        Coverage of the interval of the difference.

    Raises
    ------
    OptionError
        When the test is unknown, or the groups are too few, too many or without spread.
    StatsError
        When a value is missing.

    Examples
    --------
    >>> test = compare_groups({"a": [1.0, 2.0, 3.0], "b": [2.0, 3.0, 5.0]}, test="student")
    >>> round(test.p_value, 4), round(test.difference.value, 4)
    (0.2746, -1.3333)
    """
    if test not in CONTINUOUS_TESTS:
        raise OptionError(f"test must be one of {', '.join(CONTINUOUS_TESTS)}, got '{test}'.")
    columns = list(_columns(groups).values())
    if test in ("student", "welch", "mann_whitney") and len(columns) != 2:
        raise OptionError(f"The test '{test}' takes two groups, got {len(columns)}.")
    if test == "mann_whitney":
        result = mann_whitney_test(columns[0], columns[1], continuity=continuity)
        return _comparison(test, result, _shift(columns[0], columns[1], level))
    if test == "kruskal_wallis":
        return _comparison(test, kruskal_wallis_test(columns), None)
    means = [float(column.mean()) for column in columns]
    sds = [float(column.std(ddof=1)) if len(column) > 1 else 0.0 for column in columns]
    by_summary = {
        "student": student_from_summary,
        "welch": welch_from_summary,
        "anova": anova_from_summary,
        "welch_anova": welch_anova_from_summary,
    }
    result = by_summary[test](means, sds, [len(column) for column in columns])
    if result.df is None or test not in ("student", "welch"):
        return _comparison(test, result, None)
    gap, sizes = means[0] - means[1], [len(column) for column in columns]
    spreads = [sd**2 for sd in sds]
    if test == "student":
        spreads = 2 * [sum((size - 1) * part for size, part in zip(sizes, spreads, strict=True)) / result.df]
    error = math.sqrt(sum(part / size for part, size in zip(spreads, sizes, strict=True)))
    reach = float(special.stdtrit(result.df, (1 + level) / 2)) * error
    return _comparison(test, result, Estimate(gap, gap - reach, gap + reach, level, error))


def standardised_difference(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Difference of two means over the root mean square of the two standard deviations.

    Parameters
    ----------
    first, second
        Values of the two groups; 0 and 1 for a share.
    level
        Coverage of the interval.

    Raises
    ------
    StatsError
        When a value is missing, a group has fewer than two, or neither varies.

    Notes
    -----
    Austin PC. Stat Med 2009;28:3083-3107: the mean of the two variances is not weighted by size. The interval is that
    of Hedges LV, Olkin I, Statistical Methods for Meta-Analysis, 1985, p. 86.

    Examples
    --------
    >>> round(standardised_difference([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]).value, 3)
    -1.0
    """
    one, two = number_column(first, "first", least=2), number_column(second, "second", least=2)
    pooled = math.sqrt((float(one.var(ddof=1)) + float(two.var(ddof=1))) / 2)
    if pooled == 0:
        raise StatsError("Neither group varies; a standardised difference is not defined.")
    return _standardised(float(one.mean() - two.mean()) / pooled, len(one), len(two), level)


def standardised_difference_of_counts(counts: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Standardised difference of a categorical variable.

    Parameters
    ----------
    counts
        (levels, 2) counts of each level in the two groups.
    level
        Coverage of the interval.

    Raises
    ------
    StatsError
        When the table is not (levels >= 2, 2) counts, a group is empty, or the groups do not vary.

    Notes
    -----
    The Mahalanobis distance of the shares (Yang D, Dalton JE. SAS Global Forum 2012, paper 335); with two levels it is
    the absolute standardised difference of the share. It has no sign.

    Examples
    --------
    >>> round(standardised_difference_of_counts([[30, 20], [70, 80]]).value, 4)
    0.2325
    """
    table = np.array(counts, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != 2 or table.shape[0] < 2 or not (table >= 0).all():
        raise StatsError(f"Counts must be (levels >= 2, 2) and 0 or more, got {table.tolist()}.")
    table, sizes = table[table.sum(axis=1) > 0], table.sum(axis=0)
    if not sizes.all() or len(table) < 2:
        raise StatsError("Both groups need cases, and two levels must occur.")
    one, two = (table / sizes).T
    mean = [np.diag(p[1:]) - np.outer(p[1:], p[1:]) for p in (one, two)]
    gap, spread = (one - two)[1:], (mean[0] + mean[1]) / 2
    if np.linalg.matrix_rank(spread) < len(spread):
        raise StatsError("Each level occurs in one group alone; a standardised difference is not defined.")
    distance = math.sqrt(float(gap @ np.linalg.solve(spread, gap)))
    return _standardised(distance, int(sizes[0]), int(sizes[1]), level)


def _standardised(value: float, first: int, second: int, level: float) -> Estimate:
    total = first + second
    error = math.sqrt(total / (first * second) + value**2 / (2 * total))
    reach = normal_reach(level) * error
    return Estimate(value, value - reach, value + reach, level, error)


def _columns(groups: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    if len(groups) < 2:
        raise StatsError(f"A comparison needs two or more groups, got {len(groups)}.")
    return {str(name): number_column(values, str(name)) for name, values in groups.items()}


def _skewness(values: NDArray[np.float64]) -> float | None:
    if len(values) < 3 or np.ptp(values) <= 1e-12 * float(np.abs(values).max()):
        return None
    n, apart = len(values), values - values.mean()
    squares = apart * apart
    second, third = float(squares.mean()), float((squares * apart).mean())
    return math.sqrt(n * (n - 1)) / (n - 2) * third / (second * math.sqrt(second))


def _shape(values: NDArray[np.float64], rules: str) -> tuple[bool, str]:
    """Whether a group counts as normal, and why."""
    skewness = _skewness(values)
    if skewness is None:
        return False, "fewer than three values or no spread"
    if rules == "spss" and len(values) <= _MOST_SHAPIRO:
        from scipy import stats

        p_value = float(stats.shapiro(values).pvalue)
        return p_value >= 0.05, f"Shapiro-Wilk P {p_value:.3g}"
    return abs(skewness) <= _SKEWED, f"skewness {skewness:.2f}"


def _comparison(test: str, result: SummaryTest, difference: Estimate | None) -> GroupComparison:
    return GroupComparison(test, result.statistic, result.df, result.df_within, result.p_value, difference)


def _shift(first: NDArray[np.float64], second: NDArray[np.float64], level: float) -> Estimate | None:
    """Hodges and Lehmann's shift, its interval from the normal approximation of the rank sum (Lehmann 1975)."""
    pairs = len(first) * len(second)
    if pairs > _MOST_PAIRS:
        return None
    gaps = np.sort(np.subtract.outer(first, second), axis=None)
    half = normal_reach(level) * math.sqrt(pairs * (len(first) + len(second) + 1) / 12)
    rank = max(math.floor(pairs / 2 - half), 1)
    return Estimate(float(np.median(gaps)), float(gaps[rank - 1]), float(gaps[pairs - rank]), level)
