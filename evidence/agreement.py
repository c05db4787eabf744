"""How well do repeated measurements agree, and how sure is a share?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from recanal.errors import InputError

__all__ = ["Agreement", "Limits", "bland_altman", "icc_2_1", "wilson"]


@dataclass(frozen=True)
class Agreement:
    """An intraclass correlation with its 95 % interval.

    Parameters
    ----------
    icc, low, high
        ICC(2,1) and its interval.
    within_sd
        Standard deviation of repeated measurements of one subject, in the unit of the measurement.
    subjects, ratings
        Size of the table.
    """

    icc: float
    low: float
    high: float
    within_sd: float
    subjects: int
    ratings: int


@dataclass(frozen=True)
class Limits:
    """Mean difference and 95 % limits of agreement."""

    bias: float
    low: float
    high: float


def icc_2_1(table: ArrayLike) -> Agreement:
    """Intraclass correlation: two-way random effects, absolute agreement, single measurement.

    Parameters
    ----------
    table
        (n >= 2 subjects, k >= 2 ratings), finite.

    Raises
    ------
    InputError
        When the table is too small or holds a value that is not finite.

    Notes
    -----
    ICC(2,1) of Shrout PE, Fleiss JL. Psychol Bull 1979;86:420 (doi:10.1037/0033-2909.86.2.420), called ICC(A,1) by
    McGraw KO, Wong SP. Psychol Methods 1996;1:30 (doi:10.1037/1082-989X.1.1.30), whose interval is used.
    """
    values = np.asarray(table, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2 or not np.isfinite(values).all():
        raise InputError(
            f"An agreement table must be finite with at least 2 subjects and 2 ratings, got shape {values.shape}.",
            hint="Leave out the subjects that were not measured every time, and say how many they were.",
        )
    n, k = values.shape
    rows, columns, rest = _mean_squares(values)
    icc = (rows - rest) / (rows + (k - 1) * rest + k * (columns - rest) / n)
    low, high = _interval(icc, (rows, columns, rest), n, k)
    within = np.sqrt(values.var(axis=1, ddof=1).mean())
    return Agreement(float(icc), low, high, float(within), n, k)


def _mean_squares(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean squares of subjects, ratings and residual of a two-way table."""
    n, k = values.shape
    mean = values.mean()
    subjects, ratings = values.mean(axis=1), values.mean(axis=0)
    residual = values - subjects[:, None] - ratings[None, :] + mean
    return (
        float(k * ((subjects - mean) ** 2).sum() / (n - 1)),
        float(n * ((ratings - mean) ** 2).sum() / (k - 1)),
        float((residual**2).sum() / ((n - 1) * (k - 1))),
    )


def _interval(icc: float, squares: tuple[float, float, float], n: int, k: int) -> tuple[float, float]:
    rows, columns, rest = squares
    if icc >= 1.0:
        return 1.0, 1.0
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    spread = (a * columns) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    freedom = (a * columns + b * rest) ** 2 / spread
    lower, upper = stats.f.ppf(0.975, n - 1, freedom), stats.f.ppf(0.975, freedom, n - 1)
    noise = k * columns + (k * n - k - n) * rest
    low = n * (rows - lower * rest) / (lower * noise + n * rows)
    high = n * (upper * rows - rest) / (noise + n * upper * rows)
    return float(low), float(high)


def bland_altman(differences: ArrayLike) -> Limits:
    """Mean difference and limits of agreement of (n,) differences.

    Notes
    -----
    Bland JM, Altman DG. Lancet 1986;327:307. doi:10.1016/S0140-6736(86)90837-8
    """
    values = np.asarray(differences, dtype=np.float64)
    mean, spread = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return Limits(mean, mean - 1.96 * spread, mean + 1.96 * spread)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """95 % interval of a share, as fractions.

    Notes
    -----
    Wilson EB. J Am Stat Assoc 1927;22:209. doi:10.1080/01621459.1927.10502953

    Examples
    --------
    >>> tuple(round(x, 3) for x in wilson(81, 263))
    (0.255, 0.366)
    """
    if count <= 0:
        return 0.0, 1.0
    z2 = float(stats.norm.ppf(0.975)) ** 2
    share = hits / count
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = np.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
