"""Columns as arrays that a method can trust: finite, of one length, and named in every error."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError, StatsError

__all__ = [
    "as_numbers",
    "check_shares",
    "cluster_codes",
    "event_column",
    "is_missing",
    "normal_reach",
    "number_column",
    "same_length",
]


def as_numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """A copy of a column as numbers, NaN where a value is missing, also the missing values of pandas.

    Raises
    ------
    StatsError
        When the values are not numbers or not one per row.

    Examples
    --------
    >>> as_numbers([1, None], "length_mm").tolist()
    [1.0, nan]
    """
    convert = getattr(values, "to_numpy", None)
    try:
        plain = values if convert is None else convert(dtype=np.float64, na_value=np.nan)
        column = np.array(plain, dtype=np.float64)
    except (TypeError, ValueError):
        raise StatsError(f"Column '{name}' must hold numbers.") from None
    if column.ndim != 1:
        raise StatsError(f"Column '{name}' must be one number per row, got shape {column.shape}.")
    return column


def is_missing(label: object) -> bool:
    """Whether a label is None, NaN, or the missing value of pandas.

    Examples
    --------
    >>> is_missing(float("nan")), is_missing("LAD")
    (True, False)
    """
    return (
        label is None or type(label).__name__ in ("NAType", "NaTType") or (isinstance(label, float) and label != label)
    )


def number_column(values: ArrayLike, name: str, *, least: int = 1, varies: bool = False) -> NDArray[np.float64]:
    """A column of finite numbers.

    Parameters
    ----------
    values
        (n,) numbers.
    name
        What messages call the column.
    least
        Fewest rows that the method can use.
    varies
        Whether a constant column is refused.

    Raises
    ------
    StatsError
        When the values are not one finite number per row, too few, or constant where they must vary.

    Examples
    --------
    >>> number_column([1, 2, 3], "length_mm").tolist()
    [1.0, 2.0, 3.0]
    """
    column = as_numbers(values, name)
    missing = int((~np.isfinite(column)).sum())
    if missing:
        raise StatsError(
            f"Column '{name}' has {missing} missing or infinite values in {len(column)} rows.",
            hint="Leave these rows out, or impute them, and say so.",
        )
    if len(column) < least:
        raise StatsError(f"Column '{name}' needs {least} or more rows, got {len(column)}.")
    if varies and column.min() == column.max():
        raise StatsError(f"Column '{name}' is constant ({column[0]:g}).", hint="Leave it out.")
    return column


def event_column(values: ArrayLike, name: str, *, least: int = 1) -> NDArray[np.bool_]:
    """A column of events, true or 1 where the event came.

    Parameters
    ----------
    values
        (n,) 0 or 1.
    name
        What messages call the column.
    least
        Fewest events and fewest others.

    Raises
    ------
    StatsError
        When a value is neither 0 nor 1, or one of the two classes is too small.
    """
    column = number_column(values, name)
    if not np.isin(column, (0.0, 1.0)).all():
        raise StatsError(f"Column '{name}' must hold 0 and 1 alone.", hint="Code the event as 1 and its absence as 0.")
    events = int(column.sum())
    if min(events, len(column) - events) < least:
        raise StatsError(
            f"Column '{name}' has {events} events in {len(column)} rows; {least} events and {least} others are needed."
        )
    return column.astype(bool)


def same_length(columns: dict[str, Sequence[object] | NDArray[np.generic]]) -> int:
    """The common number of rows.

    Raises
    ------
    StatsError
        When columns differ in length.
    """
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) != 1:
        raise StatsError(f"Columns must have one length, got {sizes}.")
    return next(iter(sizes.values()))


def cluster_codes(values: ArrayLike, name: str, *, rows: int) -> NDArray[np.intp]:
    """Cluster of each row as a number from 0.

    Parameters
    ----------
    values
        (n,) labels, such as patient numbers.
    name
        What messages call the column.
    rows
        Rows that the table has.

    Raises
    ------
    StatsError
        When rows do not match, a label is missing, or there are fewer than two clusters.

    Examples
    --------
    >>> cluster_codes(["b", "a", "b"], "patient", rows=3).tolist()
    [0, 1, 0]
    """
    labels = np.asarray(values).tolist()
    if len(labels) != rows:
        raise StatsError(f"Column '{name}' has {len(labels)} rows, the table has {rows}.")
    if any(is_missing(label) for label in labels):
        raise StatsError(f"Column '{name}' has rows without a cluster.", hint="Every row needs its patient.")
    codes: dict[Hashable, int] = {}
    out = np.array([codes.setdefault(label, len(codes)) for label in labels], dtype=np.intp)
    if len(codes) < 2:
        raise StatsError(f"Column '{name}' names one cluster alone; two or more are needed.")
    return out


def normal_reach(level: float) -> float:
    """Standard errors that a two-sided normal interval reaches.

    Raises
    ------
    OptionError
        When the level does not lie between 0 and 1.

    Examples
    --------
    >>> round(normal_reach(0.95), 6)
    1.959964
    """
    if not 0 < level < 1:
        raise OptionError(f"level must lie between 0 and 1, got {level}.")
    return float(special.ndtri((1 + level) / 2))


def check_shares(**shares: float) -> None:
    """Refuse what does not lie between 0 and 1, by its name.

    Raises
    ------
    OptionError
        When a share lies at or beyond 0 or 1.
    """
    for name, share in shares.items():
        if not 0 < share < 1:
            raise OptionError(f"{name} must lie between 0 and 1, got {share}.")
