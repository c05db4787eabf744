"""The area under the curve where one patient gives several rows.

A higher score means that the event is more likely; nothing is turned silently.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from recanal.errors import StatsError
from recanal.fitting.columns import cluster_codes, event_column, normal_reach, number_column, same_length
from recanal.stats.roc import AucComparison, AucEstimate

__all__ = ["auc_clustered", "compare_clustered_auc"]

Vector = NDArray[np.float64]


def auc_clustered(scores: ArrayLike, events: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> AucEstimate:
    """The area of a score, with an interval that allows rows of one cluster to go together.

    Parameters
    ----------
    scores
        (n,) finite numbers.
    events
        (n,) 0 or 1.
    clusters
        (n,) patient of each row; a patient may give events and others.
    level
        Coverage of the interval.

    Raises
    ------
    StatsError
        When columns cannot be used or do not match, or events or others come from one cluster alone.

    Notes
    -----
    Obuchowski NA. Biometrics 1997;53:567-578: DeLong's placements summed over each cluster. With one row per cluster it
    is DeLong's interval.

    Examples
    --------
    >>> area = auc_clustered([1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 1, 0], ["a", "a", "b", "b", "c", "c"])
    >>> round(area.auc, 4)
    0.5556
    """
    event, code = _checked(events, clusters)
    score = number_column(scores, "scores")
    same_length({"scores": score, "events": event})
    area, parts = _cluster_parts(score, event, code)
    sizes = int(event.sum()), int((~event).sum())
    error = math.sqrt(max(_covariance(parts, parts, event=event, code=code), 0.0))
    reach = normal_reach(level) * error
    return AucEstimate(area, error, max(0.0, area - reach), min(1.0, area + reach), level, *sizes)


def compare_clustered_auc(first: ArrayLike, second: ArrayLike, events: ArrayLike, clusters: ArrayLike) -> AucComparison:
    """Test of two scores of the same rows, rows of one cluster going together.

    Parameters
    ----------
    first, second
        (n,) scores.
    events, clusters
        As :func:`auc_clustered`.

    Raises
    ------
    StatsError
        As :func:`auc_clustered`, and when the difference does not vary.
    """
    event, code = _checked(events, clusters)
    areas, parts = [], []
    for name, scores in (("first", first), ("second", second)):
        score = number_column(scores, name)
        same_length({name: score, "events": event})
        area, part = _cluster_parts(score, event, code)
        areas.append(area)
        parts.append(part)
    gap = (parts[0][0] - parts[1][0], parts[0][1] - parts[1][1])
    variance = _covariance(gap, gap, event=event, code=code)
    if not variance > 1e-18:
        raise StatsError("The two scores order the rows alike; there is nothing to test.")
    difference = areas[0] - areas[1]
    z = difference / math.sqrt(variance)
    return AucComparison(difference, z, None, math.erfc(abs(z) / math.sqrt(2)))


def _checked(events: ArrayLike, clusters: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    event = event_column(events, "events", least=2)
    code = cluster_codes(clusters, "clusters", rows=len(event))
    for kind, rows in (("events", event), ("others", ~event)):
        if len(np.unique(code[rows])) < 2:
            raise StatsError(f"All {kind} come from one cluster; an interval over clusters is not defined.")
    return event, code


def _cluster_parts(
    score: Vector, event: NDArray[np.bool_], code: NDArray[np.intp]
) -> tuple[float, tuple[Vector, Vector]]:
    """The area, and for each cluster the sums of placements of its events and others less what the area expects."""
    high, low = score[event], score[~event]
    together = stats.rankdata(np.concatenate([high, low]))
    of_events = (together[: len(high)] - stats.rankdata(high)) / len(low)
    of_others = 1 - (together[len(high) :] - stats.rankdata(low)) / len(high)
    area, count = float(of_events.mean()), int(code.max()) + 1
    sums = [
        np.asarray(np.bincount(code[rows], shares - area, minlength=count), dtype=np.float64)
        for rows, shares in ((event, of_events), (~event, of_others))
    ]
    return area, (sums[0], sums[1])


def _covariance(
    one: tuple[Vector, Vector], two: tuple[Vector, Vector], *, event: NDArray[np.bool_], code: NDArray[np.intp]
) -> float:
    """Obuchowski's variance, or covariance of two areas."""
    count = int(code.max()) + 1
    sizes = float(event.sum()), float((~event).sum())
    total = 0.0
    for side, rows in ((0, event), (1, ~event)):
        clusters = len(np.unique(code[rows]))
        total += clusters / (clusters - 1) * float(one[side] @ two[side]) / sizes[side] ** 2
    across = float(one[0] @ two[1]) + float(one[1] @ two[0])
    return total + count / (count - 1) * across / (sizes[0] * sizes[1])
