"""The counts behind a printed odds ratio of a yes-or-no characteristic."""

from __future__ import annotations

import numpy as np

from recanal.errors import StudyError

__all__ = ["counts_of_ratio"]

_Z = 1.959964


def counts_of_ratio(ratio: float, low: float, high: float, *, events_count: int, others_count: int) -> tuple[int, int]:
    """How many of the events, and of the others, have the characteristic.

    Parameters
    ----------
    ratio, low, high
        Odds ratio of the event with its interval at 95%.
    events_count, others_count
        Size of the groups.

    Raises
    ------
    StudyError
        When the three numbers are not in order.

    Notes
    -----
    The pair whose odds ratio and Woolf error are nearest to the printed ones on the log scale.

    Examples
    --------
    >>> counts_of_ratio(3.4, 1.464, 7.894, events_count=75, others_count=126)
    (17, 10)
    """
    if not 0 < low <= ratio <= high:
        raise StudyError(f"An odds ratio lies in its interval, got {ratio:g} ({low:g} to {high:g}).")
    a = np.arange(1, events_count)[:, None].astype(float)
    b = np.arange(1, others_count)[None, :].astype(float)
    found = np.log(a * (others_count - b) / (b * (events_count - a)))
    error = np.sqrt(1 / a + 1 / b + 1 / (events_count - a) + 1 / (others_count - b))
    wanted = np.log(high / low) / (2 * _Z)
    miss = (found - np.log(ratio)) ** 2 + (error - wanted) ** 2
    place = np.unravel_index(int(np.argmin(miss)), miss.shape)
    return int(place[0]) + 1, int(place[1]) + 1
