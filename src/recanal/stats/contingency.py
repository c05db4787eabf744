"""Tests of association in a table of counts, each by its name.

Rows are outcomes or levels, columns are groups; both orders give the same P values. Every function takes a plain
table of counts and gives a :class:`CountTest`. Nothing chooses a test silently: :func:`choose_count_test` names the
rule that it followed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError
from recanal.stats.exact_tables import exact_table_p

__all__ = [
    "COUNT_TEST_RULES",
    "MOST_PATHS",
    "CountTest",
    "choose_count_test",
    "cochran_armitage_test",
    "expected_counts",
    "fisher_exact_test",
    "fisher_freeman_halton_statistic",
    "fisher_freeman_halton_test",
    "likelihood_ratio_test",
    "n_minus_one_test",
    "pearson_test",
    "sampled_exact_test",
    "yates_test",
]

COUNT_TEST_RULES = ("spss", "recommended")
_FEW = 5.0
_LEAST_CASES = 40
MOST_PATHS = 8 * 10**6  # a few seconds
_DRAWN_TABLES, _SEED = 100_000, 20_190_313
_SLACK = 1e-7  # of log weights, as in the exact test


@dataclass(frozen=True)
class CountTest:
    """A test of association in a table of counts.

    Parameters
    ----------
    name
        Name of the test.
    statistic
        The statistic; None for Fisher's test of a 2 x 2 table, which has none.
    df
        Degrees of freedom of the chi-square distribution; None where the P value is exact.
    p_value
        Two-sided P value; None where it was too much work.
    rule
        Why this test, where a rule chose it.
    """

    name: str
    statistic: float | None
    df: int | None
    p_value: float | None
    rule: str = ""


def expected_counts(table: ArrayLike) -> NDArray[np.float64]:
    """Counts expected without association, same shape as the table.

    Raises
    ------
    OptionError
        When the table is not two-dimensional, holds fewer than two rows or columns, a negative or an infinite
        number, or an empty row or column.

    Examples
    --------
    >>> expected_counts([[10, 20], [30, 40]]).tolist()
    [[12.0, 18.0], [28.0, 42.0]]
    """
    counts = _counts(table)
    expected: NDArray[np.float64] = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return expected


def pearson_test(table: ArrayLike) -> CountTest:
    """Pearson's chi-square test, without correction (Pearson K. Philos Mag 1900;50:157-175).

    Raises
    ------
    OptionError
        As :func:`expected_counts`.

    Examples
    --------
    Bends over 45 degrees, Xing 2022 (doi 10.21037/qims-21-1050), Table 2: printed P 0.029.

    >>> round(pearson_test([[24, 24], [107, 52]]).p_value, 4)
    0.0294
    """
    counts = _counts(table)
    expected = expected_counts(counts)
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return _chi_square("Pearson", statistic, counts)


def yates_test(table: ArrayLike) -> CountTest:
    """Pearson's test of a 2 x 2 table with Yates' correction (Yates F. Suppl J R Stat Soc 1934;1:217-235).

    The correction never exceeds the difference itself, as in R, SAS and SPSS.

    Raises
    ------
    OptionError
        As :func:`expected_counts`, and when the table is not 2 x 2.

    Examples
    --------
    Ostial location, Xing 2022, Table 2: printed P 0.01.

    >>> round(yates_test([[2, 8], [129, 68]]).p_value, 4)
    0.01
    """
    counts = _two_by_two(table)
    expected = expected_counts(counts)
    gap = np.abs(counts - expected)
    statistic = float(((gap - np.minimum(0.5, gap)) ** 2 / expected).sum())
    return _chi_square("Yates", statistic, counts)


def n_minus_one_test(table: ArrayLike) -> CountTest:
    """Pearson's statistic times (N - 1)/N, for a 2 x 2 table (Campbell I. Stat Med 2007;26:3661-3675).

    Raises
    ------
    OptionError
        As :func:`yates_test`.
    """
    counts = _two_by_two(table)
    plain = pearson_test(counts).statistic
    total = counts.sum()
    return _chi_square("N-1 chi-square", float(plain or 0.0) * (total - 1) / total, counts)


def likelihood_ratio_test(table: ArrayLike) -> CountTest:
    """Likelihood-ratio chi-square test, G (Wilks SS. Ann Math Stat 1935;6:190-196).

    Raises
    ------
    OptionError
        As :func:`expected_counts`.
    """
    counts = _counts(table)
    expected = expected_counts(counts)
    statistic = 2 * float(special.xlogy(counts, counts / expected).sum())
    return _chi_square("likelihood ratio", max(statistic, 0.0), counts)


def fisher_exact_test(table: ArrayLike) -> CountTest:
    """Fisher's exact test of a 2 x 2 table, two-sided.

    The P value adds the probabilities of all tables with these margins that are no more probable than the one
    seen (Irwin's rule, as in R, SAS and SPSS; Fisher RA. J R Stat Soc 1935;98:39-54).

    Raises
    ------
    OptionError
        As :func:`yates_test`, and when a count is not whole.

    Examples
    --------
    Fisher's tea: three of four cups named rightly.

    >>> round(fisher_exact_test([[3, 1], [1, 3]]).p_value, 4)
    0.4857
    """
    counts = _whole(_two_by_two(table))
    return CountTest("Fisher", None, None, exact_table_p(counts))


def fisher_freeman_halton_test(table: ArrayLike, *, most_paths: int = MOST_PATHS) -> CountTest:
    """Exact test of an r x c table, with the statistic that SPSS prints beside it.

    The P value is exact: the tables with these margins are gone through by
    :func:`recanal.stats.exact_tables.exact_table_p`, not sampled.

    Parameters
    ----------
    table
        Whole counts.
    most_paths
        Work after which the P value is given up; the default takes a few seconds.

    Returns
    -------
    CountTest
        ``p_value`` is None where the table is too large for that.

    Raises
    ------
    OptionError
        As :func:`expected_counts`, and when a count is not whole.

    Notes
    -----
    Freeman GH, Halton JH. Biometrika 1951;38:141-149.

    Examples
    --------
    Low birth weight by race (Hosmer and Lemeshow's data), R gives 0.07889.

    >>> round(fisher_freeman_halton_test([[73, 15, 42], [23, 11, 25]]).p_value, 5)
    0.07889
    """
    counts = _whole(_counts(table))
    return CountTest(
        "Fisher-Freeman-Halton",
        fisher_freeman_halton_statistic(counts),
        None,
        exact_table_p(counts, most_paths=most_paths),
    )


def sampled_exact_test(table: ArrayLike) -> CountTest:
    """The exact test of an r x c table that is too large to be enumerated, by 100,000 random tables with its margins.

    The P value is (1 + tables no more probable than the one seen) / (1 + tables); its standard error at 0.05 is 0.0007.
    The draws have a fixed seed, so the same table gives the same P value.

    Raises
    ------
    OptionError
        As :func:`fisher_freeman_halton_test`.

    Examples
    --------
    >>> round(sampled_exact_test([[73, 15, 42], [23, 11, 25]]).p_value, 2)  # exact: 0.0789
    0.08
    """
    from scipy import stats

    counts = _whole(_counts(table))
    log_factorial = special.gammaln(np.arange(counts.sum() + 2) + 1.0)
    rng, as_rare = np.random.default_rng(_SEED), 0
    tables = stats.random_table(counts.sum(axis=1), counts.sum(axis=0))
    seen = float(log_factorial[counts].sum())
    for _ in range(10):
        drawn = tables.rvs(_DRAWN_TABLES // 10, random_state=rng).astype(np.int64)
        as_rare += int((log_factorial[drawn].sum(axis=(1, 2)) >= seen - _SLACK).sum())
    p_value = (1 + as_rare) / (1 + _DRAWN_TABLES)
    return CountTest("Fisher-Freeman-Halton, sampled", fisher_freeman_halton_statistic(counts), None, p_value)


def fisher_freeman_halton_statistic(table: ArrayLike) -> float:
    """The statistic that SPSS prints with the exact test of an r x c table.

    It is -2 ln(g P) for the probability P of the table given its margins, where g makes its distribution
    approach chi-square (Mehta CR, Patel NR. IBM SPSS Exact Tests, "Fisher's exact test"). Counts need not be
    whole.

    Raises
    ------
    OptionError
        As :func:`expected_counts`.
    """
    counts = _counts(table)
    rows, columns, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    log_factorials = special.gammaln(np.concatenate([rows, columns]) + 1).sum()
    log_prob = log_factorials - special.gammaln(total + 1) - special.gammaln(counts + 1).sum()
    row_count, column_count = counts.shape
    log_scale = (
        (row_count - 1) * (column_count - 1) / 2 * math.log(2 * math.pi)
        - (row_count * column_count - 1) / 2 * math.log(total)
        + (column_count - 1) / 2 * np.log(rows).sum()
        + (row_count - 1) / 2 * np.log(columns).sum()
    )
    return float(-2 * (log_scale + log_prob))


def cochran_armitage_test(
    events: Sequence[float], totals: Sequence[float], *, scores: Sequence[float] | None = None
) -> CountTest:
    """Test for a trend of a proportion over ordered groups; the statistic is z, positive for a rise.

    Parameters
    ----------
    events, totals
        Events and size of each group, in order.
    scores
        Position of each group; 0, 1, 2, ... by default.

    Raises
    ------
    OptionError
        When the groups are fewer than two, do not match, or do not vary.

    Notes
    -----
    Armitage P. Biometrics 1955;11:375-386, without continuity correction and with N, not N - 1, in the variance.
    """
    seen, size = np.asarray(events, dtype=float), np.asarray(totals, dtype=float)
    place = np.arange(len(seen), dtype=float) if scores is None else np.asarray(scores, dtype=float)
    if not len(seen) == len(size) == len(place) or len(seen) < 2:
        raise OptionError(
            f"A trend needs two or more groups of one length, got {len(seen)}, {len(size)}, {len(place)}."
        )
    if (seen < 0).any() or (seen > size).any():
        raise OptionError("A trend needs 0 <= events <= total in every group.")
    share = seen.sum() / size.sum()
    centred = place - (size * place).sum() / size.sum()
    variance = share * (1 - share) * float((size * centred**2).sum())
    if not variance > 0:
        raise OptionError("A trend needs events, others and groups at different positions.")
    z = float((seen * centred).sum()) / math.sqrt(variance)
    return CountTest("Cochran-Armitage", z, None, math.erfc(abs(z) / math.sqrt(2)))


def choose_count_test(table: ArrayLike, *, rule: str = "recommended") -> CountTest:
    """The test that a named rule takes for a table.

    Parameters
    ----------
    table
        Counts.
    rule
        ``spss``: for a 2 x 2 table of fewer than 40 cases, Fisher; else Pearson where every expected count is 5 or
        more; else, for a 2 x 2 table, Yates where the smallest is 1 or more and Fisher below; for a larger table, the
        exact test, by random tables where that is too much work.
        ``recommended``: for a 2 x 2 table, the N-1 chi-square test where every expected count is 1 or more and
        Fisher's test below (Campbell I. Stat Med 2007;26:3661-3675); for a larger table, Pearson where at most a
        fifth of the expected counts are below 5 and none below 1 (Cochran WG. Biometrics 1954;10:417-451), else
        the exact test, likewise.

    Raises
    ------
    OptionError
        When no rule has that name, or as the tests.
    """
    if rule not in COUNT_TEST_RULES:
        raise OptionError(f"No rule is called {rule!r}.", hint=f"Known rules: {', '.join(COUNT_TEST_RULES)}.")
    expected = expected_counts(table)
    square, smallest = expected.shape == (2, 2), float(expected.min())
    size = float(expected.sum())
    if square and (smallest < 1 or (rule == "spss" and size < _LEAST_CASES)):
        few = f"smallest expected count {smallest:.2f} < 1" if smallest < 1 else f"{size:g} cases, fewer than 40"
        test, why = fisher_exact_test(table), few
    elif square and rule == "recommended":
        test, why = n_minus_one_test(table), f"smallest expected count {smallest:.2f} >= 1"
    elif smallest >= _FEW or (rule == "recommended" and smallest >= 1 and float((expected < _FEW).mean()) <= 0.2):
        test, why = pearson_test(table), f"smallest expected count {smallest:.2f}"
    elif square:
        test, why = yates_test(table), f"smallest expected count {smallest:.2f}, between 1 and 5"
    else:
        test, why = fisher_freeman_halton_test(table), f"smallest expected count {smallest:.2f}, too few for chi-square"
        if test.p_value is None:
            test, why = sampled_exact_test(table), f"{why}; too many tables to go through, {_DRAWN_TABLES:,} drawn"
    return CountTest(test.name, test.statistic, test.df, test.p_value, rule=f"{rule}: {why}")


def _chi_square(name: str, statistic: float, counts: NDArray[np.float64]) -> CountTest:
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return CountTest(name, statistic, df, float(special.chdtrc(df, statistic)))


def _counts(table: ArrayLike) -> NDArray[np.float64]:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or min(counts.shape) < 2:
        raise OptionError(f"A table of counts needs two or more rows and columns, got shape {counts.shape}.")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise OptionError("A table of counts holds numbers of 0 or more.")
    if not (counts.sum(axis=0).all() and counts.sum(axis=1).all()):
        raise OptionError("A row or a column of the table is empty.", hint="Leave it out.")
    return counts


def _two_by_two(table: ArrayLike) -> NDArray[np.float64]:
    counts = _counts(table)
    if counts.shape != (2, 2):
        raise OptionError(f"This test takes a 2 x 2 table, got shape {counts.shape}.")
    return counts


def _whole(counts: NDArray[np.float64]) -> NDArray[np.int64]:
    whole = counts.astype(np.int64)
    if (whole != counts).any():
        raise OptionError("An exact test takes whole counts.")
    return whole
