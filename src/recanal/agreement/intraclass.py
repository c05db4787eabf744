"""Agreement of measurements by several raters: the intraclass correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import normal_reach
from recanal.fitting.results import StatsResult

__all__ = ["ICC_FORMS", "IntraclassCorrelation", "intraclass_correlation", "intraclass_correlations"]

ICC_FORMS = {
    "ICC(1,1)": "ICC(1)",
    "ICC(2,1)": "ICC(A,1)",
    "ICC(3,1)": "ICC(C,1)",
    "ICC(1,k)": "ICC(k)",
    "ICC(2,k)": "ICC(A,k)",
    "ICC(3,k)": "ICC(C,k)",
}


@dataclass(frozen=True)
class IntraclassCorrelation(StatsResult):
    """One form of the intraclass correlation coefficient.

    Parameters
    ----------
    form
        Name after Shrout and Fleiss, such as ``ICC(2,1)``.
    other_name
        Name after McGraw and Wong, such as ``ICC(A,1)``.
    value, low, high, level
        Coefficient, limits and coverage.
    statistic, df, df_within, p_value
        F test of no correlation, with the degrees of freedom of its two mean squares.
    target_count, rater_count
        Size of the table.
    """

    form: str
    other_name: str
    value: float
    low: float
    high: float
    level: float
    statistic: float
    df: float
    df_within: float
    p_value: float
    target_count: int
    rater_count: int


@dataclass(frozen=True)
class _MeanSquares:
    between: float
    within: float
    raters: float
    residual: float
    n: int
    k: int


def intraclass_correlations(ratings: ArrayLike, *, level: float = 0.95) -> tuple[IntraclassCorrelation, ...]:
    """All six forms of the intraclass correlation, in the order of :data:`ICC_FORMS`.

    Parameters
    ----------
    ratings
        (n, k) one row per target, one column per rater, none missing.
    level
        Coverage of the intervals.

    Raises
    ------
    StatsError
        When the table is not (n >= 2, k >= 2) finite numbers, or nothing varies within the targets.

    Notes
    -----
    Shrout PE, Fleiss JL. Psychol Bull 1979;86:420-428; names ICC(A,1) and so on from McGraw KO, Wong SP. Psychol
    Methods 1996;1:30-46. Intervals come from the F distribution; those of ICC(2,1) and ICC(2,k) use Satterthwaite's
    degrees of freedom, as in both papers. The agreement forms ICC(2, .) count a rater's bias as error, the consistency
    forms ICC(3, .) do not.

    Examples
    --------
    The table of Shrout and Fleiss.

    >>> table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    >>> [round(icc.value, 2) for icc in intraclass_correlations(table)]
    [0.17, 0.29, 0.71, 0.44, 0.62, 0.91]
    """
    squares = _mean_squares(ratings)
    normal_reach(level)
    single = (_icc_one_way(squares, level), _icc_agreement(squares, level), _icc_consistency(squares, level))
    return single + tuple(_averaged(icc, squares) for icc in single)


def intraclass_correlation(ratings: ArrayLike, *, form: str = "ICC(2,1)", level: float = 0.95) -> IntraclassCorrelation:
    """One form of the intraclass correlation, by either of its names.

    Parameters
    ----------
    ratings, level
        As :func:`intraclass_correlations`.
    form
        ``ICC(2,1)`` or ``ICC(A,1)``, and so on.

    Raises
    ------
    OptionError
        When the form is unknown.
    StatsError
        As :func:`intraclass_correlations`.
    """
    for icc in intraclass_correlations(ratings, level=level):
        if form in (icc.form, icc.other_name):
            return icc
    raise OptionError(f"No intraclass correlation is called '{form}'.", hint=f"Known: {', '.join(ICC_FORMS)}.")


def _mean_squares(ratings: ArrayLike) -> _MeanSquares:
    try:
        table = np.array(ratings, dtype=np.float64)
    except (TypeError, ValueError):
        raise StatsError("Ratings must be numbers.") from None
    if table.ndim != 2 or min(table.shape) < 2:
        raise StatsError(f"Ratings must be (targets >= 2, raters >= 2), got {table.shape}.")
    if not np.isfinite(table).all():
        raise StatsError("A rating is missing or infinite.", hint="Leave out targets that a rater did not rate.")
    n, k = table.shape
    centre = table.mean()
    targets = float(k * ((table.mean(axis=1) - centre) ** 2).sum())
    raters = float(n * ((table.mean(axis=0) - centre) ** 2).sum())
    within = float(((table - table.mean(axis=1, keepdims=True)) ** 2).sum())
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + centre
    residual = float((rest**2).sum())
    scale = float((table**2).sum()) * 1e-24
    if residual <= scale:
        raise StatsError(
            "The raters differ by a constant alone; an intraclass correlation is not defined by its F test."
        )
    return _MeanSquares(
        targets / (n - 1), within / (n * (k - 1)), raters / (k - 1), residual / ((n - 1) * (k - 1)), n, k
    )


def _from_f(squares: _MeanSquares, error: float, df_within: float, level: float) -> NDArray[np.float64]:
    """Estimate and limits of the single-rating form whose F is between over error."""
    df, k, tail = squares.n - 1, squares.k, (1 + level) / 2
    ratio = squares.between / error
    bounds = np.array(
        [ratio, ratio / special.fdtri(df, df_within, tail), ratio * special.fdtri(df_within, df, tail)], dtype=float
    )
    out: NDArray[np.float64] = (bounds - 1) / (bounds + k - 1)
    return out


def _icc(
    form: str, limits: NDArray[np.float64], test: tuple[float, float], *, squares: _MeanSquares, level: float
) -> IntraclassCorrelation:
    statistic, df_within = test
    df = squares.n - 1
    p_value = float(special.fdtrc(df, df_within, statistic))
    value, low, high = (float(limit) for limit in limits)
    sizes = (squares.n, squares.k)
    return IntraclassCorrelation(
        form, ICC_FORMS[form], value, low, high, level, statistic, float(df), df_within, p_value, *sizes
    )


def _icc_one_way(squares: _MeanSquares, level: float) -> IntraclassCorrelation:
    df_within = float(squares.n * (squares.k - 1))
    limits = _from_f(squares, squares.within, df_within, level)
    return _icc("ICC(1,1)", limits, (squares.between / squares.within, df_within), squares=squares, level=level)


def _icc_consistency(squares: _MeanSquares, level: float) -> IntraclassCorrelation:
    df_within = float((squares.n - 1) * (squares.k - 1))
    limits = _from_f(squares, squares.residual, df_within, level)
    return _icc("ICC(3,1)", limits, (squares.between / squares.residual, df_within), squares=squares, level=level)


def _icc_agreement(squares: _MeanSquares, level: float) -> IntraclassCorrelation:
    n, k = squares.n, squares.k
    between, raters, residual = squares.between, squares.raters, squares.residual
    value = (between - residual) / (between + (k - 1) * residual + k * (raters - residual) / n)
    ratio = raters / residual
    part = n * (1 + (k - 1) * value) - k * value
    df = (k - 1) * (n - 1) * (k * value * ratio + part) ** 2 / ((n - 1) * k**2 * value**2 * ratio**2 + part**2)
    tail = (1 + level) / 2
    above, below = float(special.fdtri(n - 1, df, tail)), float(special.fdtri(df, n - 1, tail))
    rest = k * raters + (n * k - k - n) * residual
    low = n * (between - above * residual) / (above * rest + n * between)
    high = n * (below * between - residual) / (rest + n * below * between)
    test = (between / residual, float((n - 1) * (k - 1)))
    return _icc("ICC(2,1)", np.array([value, low, high]), test, squares=squares, level=level)


def _averaged(icc: IntraclassCorrelation, squares: _MeanSquares) -> IntraclassCorrelation:
    """The form for the mean of k ratings, by Spearman and Brown."""
    limits = np.array([icc.value, icc.low, icc.high])
    mean = squares.k * limits / (1 + (squares.k - 1) * limits)
    form = icc.form.replace(",1)", ",k)")
    return _icc(form, mean, (icc.statistic, icc.df_within), squares=squares, level=icc.level)
