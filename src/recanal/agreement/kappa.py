"""Agreement of classifications: Cohen's, Fleiss' and Gwet's coefficients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import is_missing, normal_reach
from recanal.fitting.results import StatsResult

__all__ = ["KAPPA_WEIGHTS", "KappaEstimate", "cohen_kappa", "fleiss_kappa", "gwet_coefficient"]

KAPPA_WEIGHTS = ("none", "linear", "quadratic")


@dataclass(frozen=True)
class KappaEstimate(StatsResult):
    """A coefficient of agreement beyond chance.

    Parameters
    ----------
    name
        Name of the coefficient.
    weights
        Credit for near agreement: none, linear or quadratic.
    value, standard_error, low, high, level
        Estimate, asymptotic standard error, normal limits cut at -1 and 1, coverage.
    statistic, p_value
        z of no agreement beyond chance; from the null standard error where the method has one. NaN where every subject
        agrees alike, so that there is no error to test against.
    observed_share, expected_share
        Agreement seen, and expected by chance, weighted alike.
    adjusted_value
        Prevalence-adjusted bias-adjusted kappa; None where it is not defined.
    subject_count, rater_count
        Size of the table.
    categories
        Categories in the order that the weights used.
    """

    name: str
    weights: str
    value: float
    standard_error: float
    low: float
    high: float
    level: float
    statistic: float
    p_value: float
    observed_share: float
    expected_share: float
    adjusted_value: float | None
    subject_count: int
    rater_count: int
    categories: tuple[str, ...]


@dataclass(frozen=True)
class _Shares:
    observed: float
    expected: float
    adjusted: float | None = None


def cohen_kappa(
    first: Sequence[object] | NDArray[np.generic],
    second: Sequence[object] | NDArray[np.generic],
    *,
    weights: str = "none",
    categories: Sequence[object] | None = None,
    level: float = 0.95,
) -> KappaEstimate:
    """Cohen's kappa of two raters, plain or weighted.

    Parameters
    ----------
    first, second
        (n,) categories given by the two raters to the same subjects.
    weights
        ``none``, ``linear`` or ``quadratic``.
    categories
        All categories in order; by default those that occur, sorted. Weighted kappa depends on the order and on unused
        categories between; words need it.
    level
        Coverage of the interval.

    Raises
    ------
    OptionError
        When the weights are unknown.
    StatsError
        When rows do not match, a category is missing or not listed, only one category occurs, or words are weighted
        without an order.

    Notes
    -----
    Cohen J. Educ Psychol Meas 1960;20:37-46; weighted, Psychol Bull 1968;70:213-220. Standard errors, also under the
    null hypothesis, after Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323-327. Weights count category
    numbers: ``1 - d/(c-1)`` and ``1 - (d/(c-1))^2``. The adjusted kappa is ``(c observed - 1)/(c - 1)``, unweighted
    (Byrt T, Bishop J, Carlin JB. J Clin Epidemiol 1993;46:423-429).

    Examples
    --------
    >>> kappa = cohen_kappa(["y", "y", "n", "n", "y", "n"], ["y", "y", "n", "y", "y", "n"])
    >>> round(kappa.value, 4), round(kappa.standard_error, 4), round(kappa.adjusted_value, 4)
    (0.6667, 0.2869, 0.6667)
    """
    if len(first) != len(second):
        raise StatsError(f"Both raters must rate the same subjects, got {len(first)} and {len(second)} rows.")
    codes, names = _codes(np.column_stack([_objects(first), _objects(second)]), categories, complete=True)
    credit = _credit(weights, len(names))
    _refuse_words(first, weights, categories)
    table = np.zeros((len(names), len(names)))
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1 / len(codes))
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    observed, expected = float((credit * table).sum()), float((credit * np.outer(rows, columns)).sum())
    if expected >= 1 - 1e-12:
        raise StatsError("Both raters used one category alone; kappa is not defined.")
    mean = np.add.outer(credit @ columns, rows @ credit)
    kappa = (observed - expected) / (1 - expected)
    spread = float((table * (credit - mean * (1 - kappa)) ** 2).sum()) - (kappa - expected * (1 - kappa)) ** 2
    null = float((np.outer(rows, columns) * (credit - mean) ** 2).sum()) - expected**2
    unit = (1 - expected) * math.sqrt(len(codes))
    errors = math.sqrt(max(spread, 0.0)) / unit, math.sqrt(max(null, 0.0)) / unit
    c = len(names)
    shares = _Shares(observed, expected, (c * float(np.trace(table)) - 1) / (c - 1))
    return _estimate("Cohen", weights, kappa, errors, shares, (codes.shape, names, level))


def fleiss_kappa(
    ratings: Sequence[Sequence[object]] | NDArray[np.generic],
    *,
    categories: Sequence[object] | None = None,
    level: float = 0.95,
) -> KappaEstimate:
    """Fleiss' kappa of several raters, every subject rated by all.

    Parameters
    ----------
    ratings
        (n subjects, k raters) categories.
    categories, level
        As :func:`cohen_kappa`.

    Raises
    ------
    StatsError
        As :func:`cohen_kappa`.

    Notes
    -----
    Fleiss JL. Psychol Bull 1971;76:378-382; z from the null variance of Fleiss JL, Nee JCM, Landis JR. Psychol Bull
    1979;86:974-977. That variance holds under no agreement alone, so that the interval uses the variance over subjects
    of Gwet KL. Br J Math Stat Psychol 2008;61:29-48 with n - 1 degrees of freedom.
    """
    codes, names = _codes(np.asarray(ratings, dtype=object), categories, complete=True)
    counts = _counts(codes, len(names))
    n, k = codes.shape
    share = counts.mean(axis=0) / k
    agreed = ((counts**2).sum(axis=1) - k) / (k * (k - 1))
    observed, expected = float(agreed.mean()), float((share**2).sum())
    if expected >= 1 - 1e-12:
        raise StatsError("All raters used one category alone; kappa is not defined.")
    kappa = (observed - expected) / (1 - expected)
    each = (agreed - expected) / (1 - expected)
    chance = counts @ share / k
    linear = each - 2 * (1 - kappa) * (chance - expected) / (1 - expected)
    error = math.sqrt(float(((linear - kappa) ** 2).sum()) / (n * (n - 1)))
    rest = share * (1 - share)
    null = 2 / (rest.sum() ** 2 * n * k * (k - 1)) * (rest.sum() ** 2 - float((rest * (1 - 2 * share)).sum()))
    shares = _Shares(observed, expected)
    return _estimate("Fleiss", "none", kappa, (error, math.sqrt(null)), shares, (codes.shape, names, level))


def gwet_coefficient(
    ratings: Sequence[Sequence[object]] | NDArray[np.generic],
    *,
    weights: str = "none",
    categories: Sequence[object] | None = None,
    level: float = 0.95,
) -> KappaEstimate:
    """Gwet's AC1 (no weights) or AC2 (weighted), which stay stable where one category prevails.

    Parameters
    ----------
    ratings
        (n subjects, k raters) categories; None where a rater did not rate.
    weights, categories, level
        As :func:`cohen_kappa`.

    Raises
    ------
    OptionError
        When the weights are unknown.
    StatsError
        As :func:`cohen_kappa`, and when no subject was rated twice.

    Notes
    -----
    Gwet KL. Br J Math Stat Psychol 2008;61:29-48; weights and missing ratings after Gwet KL, Handbook of Inter-Rater
    Reliability, 4th ed., 2014. The variance is over subjects; the interval and P use Student's t with n - 1 degrees
    of freedom, n all subjects with a rating.
    """
    codes, names = _codes(np.asarray(ratings, dtype=object), categories, complete=False)
    codes = codes[(codes >= 0).any(axis=1)]
    _refuse_words([label for row in ratings for label in row], weights, categories)
    credit, counts = _credit(weights, len(names)), _counts(codes, len(names))
    raters = counts.sum(axis=1)
    paired = raters >= 2
    n, c, twice = len(codes), len(names), int(paired.sum())
    if twice == 0:
        raise StatsError("No subject was rated by two raters.")
    agreed = np.zeros(n)
    near = counts @ credit
    agreed[paired] = (counts * (near - 1)).sum(axis=1)[paired] / (raters * (raters - 1))[paired]
    observed = float(agreed.sum()) / twice
    share = (counts / raters[:, None]).mean(axis=0)
    factor = float(credit.sum()) / (c * (c - 1))
    expected = factor * float((share * (1 - share)).sum())
    value = (observed - expected) / (1 - expected)
    chance = factor * (counts / raters[:, None]) @ (1 - share)
    each = np.where(paired, (agreed * n / twice - expected * paired * n / twice) / (1 - expected), 0.0)
    linear = each - 2 * (1 - value) * (chance - expected) / (1 - expected)
    error = math.sqrt(float(((linear - value) ** 2).sum()) / (n * (n - 1))) if n > 1 else math.inf
    name = "Gwet AC1" if weights == "none" else "Gwet AC2"
    return _estimate(
        name, weights, value, (error, None), _Shares(observed, expected), ((n, codes.shape[1]), names, level)
    )


def _estimate(
    name: str,
    weights: str,
    value: float,
    errors: tuple[float, float | None],
    shares: _Shares,
    rest: tuple[tuple[int, ...], tuple[str, ...], float],
) -> KappaEstimate:
    """The estimate: normal with Cohen, Student with the variances over subjects."""
    (n, k), names, level = rest
    error, null = errors
    reach = normal_reach(level) if name == "Cohen" else float(special.stdtrit(n - 1, (1 + level) / 2))
    scale = error if null is None else null
    z = value / scale if scale > 0 else math.nan
    p_value = float(2 * special.stdtr(n - 1, -abs(z))) if null is None else math.erfc(abs(z) / math.sqrt(2))
    limits = max(-1.0, value - reach * error), min(1.0, value + reach * error)
    return KappaEstimate(
        name,
        weights,
        value,
        error,
        *limits,
        level,
        z,
        p_value,
        shares.observed,
        shares.expected,
        shares.adjusted,
        n,
        k,
        names,
    )


def _objects(values: Sequence[object] | NDArray[np.generic]) -> NDArray[np.object_]:
    out = np.empty(len(values), dtype=object)
    out[:] = np.asarray(values, dtype=object) if len(values) else []
    return out


def _codes(
    table: NDArray[np.object_], categories: Sequence[object] | None, *, complete: bool
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Number of each category, -1 where missing, and the categories."""
    if table.ndim != 2 or table.shape[1] < 2 or table.shape[0] < 2:
        raise StatsError(f"Ratings must be (subjects >= 2, raters >= 2), got {table.shape}.")
    labels = [label for row in table.tolist() for label in row]
    seen = {label for label in labels if not is_missing(label)}
    if complete and any(map(is_missing, labels)):
        raise StatsError(
            "A rating is missing.", hint="Leave out subjects that a rater did not rate, or use Gwet's AC1."
        )
    try:
        known = list(categories) if categories is not None else sorted(seen)
    except TypeError:
        raise StatsError("Ratings mix types that have no order.", hint="Name the categories in order.") from None
    number = {label: code for code, label in enumerate(known)}
    if seen - set(number):
        raise StatsError(f"Ratings hold {len(seen - set(number))} categories that are not listed.")
    if len(number) < 2:
        raise StatsError("Ratings hold one category alone; agreement beyond chance is not defined.")
    codes = np.array([-1 if is_missing(label) else number[label] for label in labels], dtype=np.intp)
    return codes.reshape(table.shape), tuple(str(label) for label in known)


def _refuse_words(
    labels: Sequence[object] | NDArray[np.generic], weights: str, categories: Sequence[object] | None
) -> None:
    """Weights need an order, and that of words would be the alphabet's."""
    if weights != "none" and categories is None and any(isinstance(label, str) for label in labels):
        raise StatsError("Weighted agreement of words needs their order.", hint="Name the categories in order.")


def _credit(weights: str, count: int) -> NDArray[np.float64]:
    if weights not in KAPPA_WEIGHTS:
        raise OptionError(f"weights must be one of {', '.join(KAPPA_WEIGHTS)}, got '{weights}'.")
    if weights == "none":
        return np.eye(count)
    gap = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) / (count - 1)
    out: NDArray[np.float64] = 1 - gap ** (1 if weights == "linear" else 2)
    return out


def _counts(codes: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    return np.stack([(codes == code).sum(axis=1) for code in range(count)], axis=1).astype(float)
