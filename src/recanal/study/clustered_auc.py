"""Areas under the curve of lesions that lie in patients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from recanal.errors import StatsError
from recanal.fitting.columns import cluster_codes, event_column, normal_reach, number_column, same_length
from recanal.stats.roc import AucComparison, AucEstimate

__all__ = ["auc_clustered", "compare_clustered_auc"]

_Vector = NDArray[np.float64]


def auc_clustered(scores: ArrayLike, events: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> AucEstimate:
    """The area of a score, with a variance that allows for rows of one cluster to go together.

    Parameters
    ----------
    scores
        (n,) finite numbers; a higher one means that the event is more likely.
    events
        (n,) true or 1 where the event came.
    clusters
        (n,) patient of each row.
    level
        Coverage of the interval.

    Raises
    ------
    StatsError
        When columns cannot be used or do not match, or fewer than two clusters hold events, or others.

    Notes
    -----
    Obuchowski NA. Biometrics 1997;53:567-578. Where every cluster is one row this is DeLong's variance.

    Examples
    --------
    >>> area = auc_clustered([1, 2, 3, 4], [0, 1, 0, 1], ["a", "b", "c", "d"])
    >>> area.auc, round(area.standard_error, 4)
    (0.75, 0.3536)
    """
    parts = _Parts(scores, events, clusters)
    area, error = parts.spread()
    reach = normal_reach(level) * error
    low, high = max(0.0, area - reach), min(1.0, area + reach)
    return AucEstimate(area, error, low, high, level, int(parts.event.sum()), int((~parts.event).sum()))


def compare_clustered_auc(first: ArrayLike, second: ArrayLike, events: ArrayLike, clusters: ArrayLike) -> AucComparison:
    """Test of two scores of the same rows, which lie in clusters.

    Raises
    ------
    StatsError
        As :func:`auc_clustered`, and when the two scores order the rows alike.

    Notes
    -----
    Obuchowski 1997, with the difference of the two scores' components in the place of one score's.
    """
    one, two = _Parts(first, events, clusters), _Parts(second, events, clusters)
    difference, error = one.spread(minus=two)
    if not error > 0:
        raise StatsError("The two scores order the cases alike; there is nothing to test.")
    z = difference / error
    return AucComparison(difference, z, None, float(2 * special.ndtr(-abs(z))))


@dataclass(frozen=True, eq=False, init=False)
class _Parts:
    """Components of an area: for each event the share of others below it, for each other that of events above it."""

    event: NDArray[np.bool_]
    cluster: NDArray[np.intp]
    component: _Vector

    def __init__(self, scores: ArrayLike, events: ArrayLike, clusters: ArrayLike) -> None:
        score, event = number_column(scores, "scores"), event_column(events, "events", least=2)
        rows = same_length({"scores": score, "events": event})
        ranks = stats.rankdata(score)
        component = np.empty(rows)
        component[event] = (ranks[event] - stats.rankdata(score[event])) / (~event).sum()
        component[~event] = 1 - (ranks[~event] - stats.rankdata(score[~event])) / event.sum()
        object.__setattr__(self, "event", event)
        object.__setattr__(self, "cluster", cluster_codes(clusters, "clusters", rows=rows))
        object.__setattr__(self, "component", component)

    def spread(self, *, minus: _Parts | None = None) -> tuple[float, float]:
        """The area, or the difference of two, and its standard error."""
        component = self.component - (minus.component if minus is not None else 0.0)
        area = float(component[self.event].mean())
        count = int(self.cluster.max()) + 1
        sums: list[_Vector] = []
        own: list[float] = []
        for side in (self.event, ~self.event):
            sums.append(np.bincount(self.cluster[side], component[side] - area, minlength=count).astype(np.float64))
            filled = len(np.unique(self.cluster[side]))
            if filled < 2:
                raise StatsError("Events, and others, must lie in two or more clusters each.")
            own.append(_scaled(sums[-1], filled, int(side.sum())))
        sizes = int(self.event.sum()) * int((~self.event).sum())
        both = 2 * count / (count - 1) * float(sums[0] @ sums[1]) / sizes
        return area, math.sqrt(max(sum(own) + both, 0.0))


def _scaled(sums: Sequence[float] | _Vector, filled: int, size: int) -> float:
    return filled / (filled - 1) * float((np.asarray(sums) ** 2).sum()) / size**2
