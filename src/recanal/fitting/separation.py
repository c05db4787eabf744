"""Whether a combination of columns divides events from others, so that no finite odds ratio exists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from recanal.errors import StatsError
from recanal.fitting.design import INTERCEPT
from recanal.fitting.results import StatsResult

__all__ = ["Separation", "find_separation"]

_NOTHING = 1e-7


@dataclass(frozen=True)
class Separation(StatsResult):
    """What separates events from others.

    Parameters
    ----------
    kind
        ``none``, ``quasi`` (some rows lie on the dividing plane) or ``complete``.
    columns
        Columns whose coefficients run to infinity; the intercept is named where it is alone.
    """

    kind: str
    columns: tuple[str, ...] = ()


def find_separation(
    matrix: NDArray[np.float64], events: NDArray[np.bool_] | NDArray[np.float64], *, names: tuple[str, ...]
) -> Separation:
    """Separation of a logistic model, found by linear programming.

    Parameters
    ----------
    matrix
        (n, p) design with its intercept.
    events
        (n,) true or 1 where the event came.
    names
        p names of the columns.

    Raises
    ------
    StatsError
        When the linear programme cannot be solved.

    Notes
    -----
    Albert A, Anderson JA. Biometrika 1984;71:1-10; the programme is that of Konis K, DPhil thesis, Oxford 2007: the
    greatest sum of signed predictors, none negative, coefficients between -1 and 1. It is 0 exactly where there is no
    separation.

    Examples
    --------
    >>> design = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0]])
    >>> find_separation(design, np.array([0.0, 0.0, 1.0, 1.0]), names=("(intercept)", "length_mm")).kind
    'complete'
    """
    scale = np.abs(matrix).max(axis=0)
    signed = (
        np.where(np.asarray(events, dtype=np.float64) > 0, 1.0, -1.0)[:, None]
        * matrix
        / np.where(scale > 0, scale, 1.0)
    )
    rows = np.unique(signed, axis=0)
    found = optimize.linprog(
        -rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=[(-1.0, 1.0)] * rows.shape[1], method="highs"
    )
    if found.status != 0:
        raise StatsError("The search for separation did not end.", hint="Are columns of very different size?")
    margin = rows @ found.x
    if float(margin.max()) < _NOTHING:
        return Separation("none")
    endless = [name for name, beta in zip(names, found.x, strict=True) if abs(beta) > _NOTHING]
    columns = tuple(name for name in endless if name != INTERCEPT or len(endless) == 1)
    apart = optimize.linprog(
        np.zeros(rows.shape[1]), A_ub=-rows, b_ub=-np.ones(len(rows)), bounds=(None, None), method="highs"
    )
    return Separation("complete" if apart.status == 0 else "quasi", columns)
