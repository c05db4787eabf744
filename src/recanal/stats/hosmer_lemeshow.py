"""The Hosmer-Lemeshow test of calibration.

It is here so that published values can be checked. As evidence of calibration it is weak: its P value depends on the
number of groups, and a large P value from few events says little (Hosmer DW, Lemeshow S. Commun Stat Theory Methods
1980;9:1043-1069; Kramer AA, Zimmerman JE. Crit Care Med 2007;35:2052-2056).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError

__all__ = [
    "HosmerLemeshow",
    "hosmer_lemeshow_by_score",
    "hosmer_lemeshow_degrees",
    "hosmer_lemeshow_from_groups",
    "hosmer_lemeshow_test",
]


@dataclass(frozen=True)
class HosmerLemeshow:
    """A Hosmer-Lemeshow test.

    Parameters
    ----------
    statistic
        Sum over groups and outcomes of (observed - expected)^2 / expected.
    df
        Degrees of freedom.
    p_value
        Of the chi-square distribution.
    group_count
        Groups that remained after ties were joined.
    """

    statistic: float
    df: int
    p_value: float
    group_count: int


def hosmer_lemeshow_test(events: ArrayLike, predicted: ArrayLike, *, group_count: int = 10) -> HosmerLemeshow:
    """The test over groups of equal size by predicted probability.

    Parameters
    ----------
    events
        (n,) 0 or 1.
    predicted
        (n,) probabilities, strictly between 0 and 1.
    group_count
        Groups asked for; tied predictions stay together, so that fewer may remain.

    Raises
    ------
    OptionError
        When the input does not match or fewer than three groups remain.

    Notes
    -----
    Cuts at the distinct type-7 quantiles, closed on the right, df groups - 2, as ``hoslem.test`` of the R package
    ResourceSelection. SPSS and Stata divide ties otherwise and can differ.
    """
    event, prob = _checked(events, predicted)
    if group_count < 3:
        raise OptionError(f"The test needs three or more groups, got {group_count}.")
    cuts = np.unique(np.quantile(prob, np.linspace(0, 1, group_count + 1)))
    return _over(event, prob, np.searchsorted(cuts[1:-1], prob, side="left"), fitted=2)


def hosmer_lemeshow_by_score(events: ArrayLike, predicted: ArrayLike, scores: ArrayLike) -> HosmerLemeshow:
    """The test with one group per value of a score, as befits a score of few integers.

    A logistic model of one integer score predicts one probability per value, so that quantile groups cut nothing
    finer; df is the number of values that occur less 2.

    Parameters
    ----------
    events, predicted
        As :func:`hosmer_lemeshow_test`.
    scores
        (n,) values of the score.

    Raises
    ------
    OptionError
        As :func:`hosmer_lemeshow_test`.
    """
    event, prob = _checked(events, predicted)
    score = np.asarray(scores)
    if score.shape != event.shape:
        raise OptionError(f"There must be one score per case, got {score.shape} for {event.shape}.")
    return _over(event, prob, np.unique(score, return_inverse=True)[1], fitted=2)


def hosmer_lemeshow_from_groups(
    observed: Sequence[float], expected: Sequence[float], totals: Sequence[float], *, fitted: int = 2
) -> HosmerLemeshow:
    """The test from a printed table of groups.

    Parameters
    ----------
    observed, expected
        Events seen and predicted in each group.
    totals
        Cases in each group.
    fitted
        What is taken from the number of groups: 2 on the data that the model was fitted to, 0 on other data.

    Raises
    ------
    OptionError
        When the groups do not match, an expected count is not between 0 and its total, or no degree of freedom is
        left.

    Examples
    --------
    >>> round(hosmer_lemeshow_from_groups([2, 5, 9], [3, 5, 8], [20, 20, 20]).statistic, 4)
    0.6005
    """
    seen, hoped, size = (np.asarray(row, dtype=float) for row in (observed, expected, totals))
    if not seen.shape == hoped.shape == size.shape or seen.ndim != 1:
        raise OptionError(f"Groups must match, got {len(observed)}, {len(expected)} and {len(totals)}.")
    if (hoped <= 0).any() or (hoped >= size).any() or (seen < 0).any() or (seen > size).any():
        raise OptionError("Each group needs 0 < expected < total and 0 <= observed <= total.")
    df = len(seen) - fitted
    if df < 1:
        raise OptionError(f"{len(seen)} groups less {fitted} leave no degree of freedom.")
    statistic = float(((seen - hoped) ** 2 / hoped + (seen - hoped) ** 2 / (size - hoped)).sum())
    return HosmerLemeshow(statistic, df, float(special.chdtrc(df, statistic)), len(seen))


def hosmer_lemeshow_degrees(statistic: float, p_low_value: float, p_high_value: float) -> tuple[int, ...]:
    """Degrees of freedom, 1 to 18, with which a statistic has a P value in a range.

    Raises
    ------
    OptionError
        When the statistic is negative.

    Examples
    --------
    J-CTO in Xiao 2021 (doi 10.1155/2021/9988943), section 3.4: 2.890, P 0.409.

    >>> hosmer_lemeshow_degrees(2.890, 0.4085, 0.4095)
    (3,)
    """
    if statistic < 0:
        raise OptionError(f"A chi-square statistic is 0 or more, got {statistic}.")
    return tuple(df for df in range(1, 19) if p_low_value <= float(special.chdtrc(df, statistic)) <= p_high_value)


def _checked(events: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    event, prob = np.asarray(events, dtype=float), np.asarray(predicted, dtype=float)
    if event.ndim != 1 or event.shape != prob.shape:
        raise OptionError(f"Events and predictions must be (n,), got {event.shape} and {prob.shape}.")
    if not np.isin(event, (0, 1)).all() or not ((prob > 0) & (prob < 1)).all():
        raise OptionError("Events are 0 or 1, and predictions lie strictly between 0 and 1.")
    return event, prob


def _over(
    event: NDArray[np.float64], prob: NDArray[np.float64], group: NDArray[np.int64], *, fitted: int
) -> HosmerLemeshow:
    numbers = np.unique(group, return_inverse=True)[1]
    seen, hoped, size = (np.bincount(numbers, weights=row) for row in (event, prob, np.ones_like(prob)))
    if len(size) < 3:
        raise OptionError(f"Only {len(size)} groups remain; the test needs three.")
    return hosmer_lemeshow_from_groups(seen.tolist(), hoped.tolist(), size.tolist(), fitted=fitted)
