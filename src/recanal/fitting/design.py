"""From columns of a table to the matrix of a model.

Tables are pandas frames; this module and those that call it with a frame are where pandas is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import number_column

__all__ = ["INTERCEPT", "Design", "design_matrix", "spline_columns", "spline_knots", "without_intercept"]

INTERCEPT = "(intercept)"
_KNOT_SHARES = {3: (0.1, 0.5, 0.9), 4: (0.05, 0.35, 0.65, 0.95), 5: (0.05, 0.275, 0.5, 0.725, 0.95)}


@dataclass(frozen=True, eq=False)
class Design:
    """The matrix of a model.

    Parameters
    ----------
    matrix
        (n, p) numbers, locked.
    names
        p names of columns: the variable, ``variable=level`` for a level of a categorical variable, and
        ``variable'`` for the bends of a spline.
    terms
        Columns of each variable, by their numbers.
    references
        Level that each categorical variable is compared with.
    """

    matrix: NDArray[np.float64]
    names: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]
    references: Mapping[str, str]

    def __post_init__(self) -> None:
        self.matrix.setflags(write=False)

    def column(self, name: str) -> int:
        """Number of a column.

        Raises
        ------
        OptionError
            When there is no such column.
        """
        if name not in self.names:
            raise OptionError(f"The model has no column '{name}'.", hint=f"Known: {', '.join(self.names)}.")
        return self.names.index(name)


def design_matrix(
    table: pd.DataFrame,
    predictors: Sequence[str],
    *,
    references: Mapping[str, str] | None = None,
    splines: Mapping[str, Sequence[float]] | None = None,
    intercept: bool = True,
) -> Design:
    """The design of a model, refused where a column cannot be used.

    Parameters
    ----------
    table
        One row per case.
    predictors
        Names of columns. Numbers and booleans enter as they are; text and categories as one column per level
        but the reference.
    references
        Reference level of categorical predictors; else the first category, or the first in order.
    splines
        Knots of the predictors that enter as restricted cubic splines, as :func:`spline_knots` gives them.
    intercept
        Whether the first column is 1.

    Raises
    ------
    StatsError
        When a column is absent, has a missing value or is constant, or when it is given by the other columns.
    OptionError
        When a reference level does not occur or a predictor is named twice.

    Examples
    --------
    >>> table = pd.DataFrame({"length_mm": [10.0, 25.0, 31.0], "vessel": ["LAD", "RCA", "LAD"]})
    >>> design = design_matrix(table, ["length_mm", "vessel"])
    >>> design.names, design.matrix.tolist()
    (('(intercept)', 'length_mm', 'vessel=RCA'), [[1.0, 10.0, 0.0], [1.0, 25.0, 1.0], [1.0, 31.0, 0.0]])
    """
    if len(set(predictors)) != len(predictors):
        raise OptionError(f"A predictor is named twice: {', '.join(predictors)}.")
    references, splines = dict(references or {}), dict(splines or {})
    columns: list[tuple[str, NDArray[np.float64]]] = [(INTERCEPT, np.ones(len(table)))] if intercept else []
    terms: dict[str, tuple[int, ...]] = {}
    for name in predictors:
        if name not in table.columns:
            raise StatsError(f"The table has no column '{name}'.")
        found = _term(table[name], name, references=references, knots=splines.get(name))
        terms[name] = tuple(range(len(columns), len(columns) + len(found)))
        columns += found
    if not columns:
        raise OptionError("A model needs at least one column.")
    matrix = np.column_stack([values for _, values in columns])
    names = tuple(name for name, _ in columns)
    _refuse_alias(matrix, names)
    used = {name: references[name] for name in terms if name in references}
    return Design(matrix, names, terms, used)


def without_intercept(design: Design) -> Design:
    """The same design without its intercept, for models that have none."""
    if design.names[0] != INTERCEPT:
        return design
    terms = {name: tuple(number - 1 for number in numbers) for name, numbers in design.terms.items()}
    return Design(design.matrix[:, 1:].copy(), design.names[1:], terms, design.references)


def spline_knots(values: ArrayLike, *, count: int = 3, name: str = "values") -> tuple[float, ...]:
    """Knots of a restricted cubic spline at Harrell's quantiles.

    Parameters
    ----------
    values
        (n,) numbers.
    count
        3, 4 or 5 knots.
    name
        What messages call the column.

    Raises
    ------
    OptionError
        When the count is not offered.
    StatsError
        When knots coincide.

    Notes
    -----
    Harrell FE, Regression Modeling Strategies, 2nd ed., 2015, Table 2.3.
    """
    if count not in _KNOT_SHARES:
        raise OptionError(f"A spline has 3, 4 or 5 knots, got {count}.")
    knots = np.quantile(number_column(values, name), _KNOT_SHARES[count])
    if len(np.unique(knots)) < count:
        raise StatsError(
            f"Column '{name}' has too few distinct values for {count} knots.", hint="Let it enter as it is."
        )
    return tuple(float(knot) for knot in knots)


def spline_columns(values: NDArray[np.float64], knots: Sequence[float]) -> NDArray[np.float64]:
    """Columns of a restricted cubic spline, linear beyond the outer knots.

    Parameters
    ----------
    values
        (n,) numbers.
    knots
        k >= 3 rising numbers.

    Returns
    -------
    ndarray
        (n, k - 1), the first column the values themselves.

    Raises
    ------
    OptionError
        When there are fewer than three knots or they do not rise.

    Notes
    -----
    Devlin TF, Weeks BJ. Proc SAS Users Group Int 1986;11:646-651, scaled by the square of the outer distance as in
    the R package rms.
    """
    knot = np.asarray(knots, dtype=np.float64)
    if knot.ndim != 1 or len(knot) < 3 or not (np.diff(knot) > 0).all():
        raise OptionError(f"A spline needs three or more rising knots, got {list(knots)}.")
    cubes = [np.maximum(values - at, 0.0) ** 3 for at in knot]
    last, before, scale = knot[-1], knot[-2], (knot[-1] - knot[0]) ** 2
    bends = [
        (cubes[j] - cubes[-2] * (last - knot[j]) / (last - before) + cubes[-1] * (before - knot[j]) / (last - before))
        / scale
        for j in range(len(knot) - 2)
    ]
    return np.column_stack([values, *bends])


def _term(
    column: pd.Series, name: str, *, references: dict[str, str], knots: Sequence[float] | None
) -> list[tuple[str, NDArray[np.float64]]]:
    missing = int(column.isna().sum())
    if missing:
        raise StatsError(
            f"Column '{name}' has {missing} missing values in {len(column)} rows.",
            hint="Leave these rows out, or impute them, and say so.",
        )
    if pd.api.types.is_numeric_dtype(column.dtype):
        values = number_column(column.to_numpy(dtype=np.float64), name, varies=True)
        if knots is None:
            return [(name, values)]
        spline = spline_columns(values, knots)
        return [(name + "'" * bend, spline[:, bend]) for bend in range(spline.shape[1])]
    return _levels(column, name, references)


def _levels(column: pd.Series, name: str, references: dict[str, str]) -> list[tuple[str, NDArray[np.float64]]]:
    labels = column.astype(str).to_numpy()
    if isinstance(column.dtype, pd.CategoricalDtype):
        seen = set(labels)
        levels = [str(level) for level in column.cat.categories if str(level) in seen]
    else:
        levels = sorted(set(labels))
    if len(levels) < 2:
        raise StatsError(f"Column '{name}' is constant ({levels[0] if levels else 'no rows'}).", hint="Leave it out.")
    reference = references.setdefault(name, levels[0])
    if reference not in levels:
        raise OptionError(f"Column '{name}' has no level '{reference}'.", hint=f"Known: {', '.join(levels)}.")
    return [(f"{name}={level}", (labels == level).astype(np.float64)) for level in levels if level != reference]


def _refuse_alias(matrix: NDArray[np.float64], names: tuple[str, ...]) -> None:
    if matrix.shape[0] < matrix.shape[1]:
        raise StatsError(
            f"The model has {matrix.shape[1]} columns for {matrix.shape[0]} rows.", hint="Leave columns out."
        )
    size = np.sqrt((matrix**2).sum(axis=0))
    gram = (matrix / size).T @ (matrix / size)
    for number in range(1, len(names)):
        others = gram[:number, :number]
        rest = 1.0 - float(gram[number, :number] @ linalg.lstsq(others, gram[:number, number])[0])
        if rest < 1e-10:
            raise StatsError(
                f"Column '{names[number]}' is given by the columns before it.", hint="Leave one of them out."
            )
