"""Times and events as arrays that a method can trust."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.errors import StatsError
from recanal.fitting.columns import is_missing, number_column, same_length

__all__ = [
    "FollowUp",
    "censoring_curve",
    "checked_causes",
    "checked_events",
    "checked_times",
    "group_codes",
    "risk_table",
]


@dataclass(frozen=True, eq=False)
class FollowUp:
    """How the follow-up of each case ended.

    Parameters
    ----------
    times
        (n,) end of follow-up, in any unit.
    events
        (n,) 0 where censored, else 1, or the code of the event where several compete.
    clusters
        (n,) patient of each row, where a patient gives several; errors are then robust.
    strata
        (n,) stratum of each row, where the baseline hazards differ; None for one stratum.
    """

    times: ArrayLike
    events: ArrayLike
    clusters: ArrayLike | None = None
    strata: ArrayLike | None = None


def checked_times(times: ArrayLike, name: str = "time") -> NDArray[np.float64]:
    """Follow-up times: finite, 0 or more.

    Raises
    ------
    StatsError
        When a time is missing or negative.
    """
    column = number_column(times, name, least=2)
    if (column < 0).any():
        raise StatsError(f"Column '{name}' has {int((column < 0).sum())} negative times.", hint="Check the dates.")
    return column


def checked_causes(causes: ArrayLike, name: str = "event", *, cause: int = 1, rows: int) -> NDArray[np.intp]:
    """Why follow-up ended: 0 censored, 1 and on the kinds of event.

    Raises
    ------
    StatsError
        When a code is not such a number, rows do not match, or nobody had the event of interest.
    """
    column = number_column(causes, name)
    same_length({"time": np.empty(rows), name: column})
    if not (column == np.floor(column)).all() or (column < 0).any():
        raise StatsError(
            f"Column '{name}' must hold 0 (censored) and whole numbers for the kinds of event.",
            hint="Are time and event swapped?",
        )
    if len(np.unique(column)) > 20:
        raise StatsError(
            f"Column '{name}' holds {len(np.unique(column))} different codes.", hint="Are time and event swapped?"
        )
    codes = column.astype(np.intp)
    if not (codes == cause).any():
        raise StatsError(f"Column '{name}' has no event {cause} in {rows} rows.")
    return codes


def checked_events(events: ArrayLike, name: str = "event", *, rows: int) -> NDArray[np.bool_]:
    """Whether follow-up ended with the event.

    Raises
    ------
    StatsError
        When a value is neither 0 nor 1, rows do not match, or nobody had the event.
    """
    codes = checked_causes(events, name, rows=rows)
    if codes.max() > 1:
        raise StatsError(
            f"Column '{name}' must hold 0 and 1 alone, got {int(codes.max())}.",
            hint="Several kinds of event are competing risks: use the cumulative incidence.",
        )
    return np.asarray(codes == 1, dtype=np.bool_)


def group_codes(groups: ArrayLike, name: str = "group", *, rows: int) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Number of the group of each row, and the names of the groups in order.

    Raises
    ------
    StatsError
        When rows do not match, a group is missing, or there are fewer than two.
    """
    labels = np.asarray(groups).tolist()
    if len(labels) != rows or any(map(is_missing, labels)):
        raise StatsError(f"Column '{name}' must name the group of each of the {rows} rows.")
    try:
        known: list[Hashable] = sorted(set(labels))
    except TypeError:
        raise StatsError(f"Column '{name}' mixes types that have no order.") from None
    if len(known) < 2:
        raise StatsError(f"Column '{name}' names one group alone.")
    number = {label: code for code, label in enumerate(known)}
    names = tuple(f"{label:g}" if isinstance(label, float) else str(label) for label in known)
    return np.array([number[label] for label in labels], dtype=np.intp), names


def risk_table(times: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cases still followed just before each time of ``at``."""
    return (len(times) - np.searchsorted(np.sort(times), at, side="left")).astype(np.float64)


def censoring_curve(
    times: NDArray[np.float64], censored: NDArray[np.bool_], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Kaplan-Meier chance of being uncensored just before each time of ``at``; events at a time come first."""
    steps, count = np.unique(times[censored], return_counts=True)
    share = np.concatenate([[1.0], np.cumprod(1 - count / risk_table(times, steps))])
    out: NDArray[np.float64] = share[np.searchsorted(steps, at, side="left")]
    return out
