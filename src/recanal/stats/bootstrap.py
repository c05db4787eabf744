"""The bootstrap over patients, and the cut of a score with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import cluster_codes, event_column, normal_reach, number_column, same_length
from recanal.fitting.results import Estimate, StatsResult

__all__ = ["BOOTSTRAP_METHODS", "CUT_CRITERIA", "CutEstimate", "best_cut", "bootstrap_interval"]

BOOTSTRAP_METHODS = ("percentile", "bca")
CUT_CRITERIA = ("youden", "closest")
_FEWEST_DRAWS = 200
Rows = NDArray[np.intp]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class CutEstimate(StatsResult):
    """The cut of a score that divides events from others best; ``score >= threshold`` counts as positive.

    Parameters
    ----------
    threshold
        The cut with its percentile interval, in the unit of the score.
    sensitivity, specificity
        At the cut, with percentile intervals over samples that each choose their own cut.
    optimism_share
        Mean of sensitivity plus specificity at the cuts of the samples in the samples, minus that in all cases: what
        choosing the cut on the same data flatters.
    criterion
        ``youden`` or ``closest``.
    draws_count, clusters_count
        Samples, and patients that were drawn.
    """

    threshold: Estimate
    sensitivity: Estimate
    specificity: Estimate
    optimism_share: float
    criterion: str
    draws_count: int
    clusters_count: int


def bootstrap_interval(
    statistic: Callable[[Rows], float],
    clusters: ArrayLike,
    *,
    rng: np.random.Generator,
    draws_count: int = 2000,
    method: str = "percentile",
    level: float = 0.95,
) -> Estimate:
    """The interval of any statistic, drawing patients with all their rows.

    Parameters
    ----------
    statistic
        Takes row numbers, with repeats, and gives a number; all rows once give the estimate.
    clusters
        (n,) patient of each row; row numbers where every row is a patient.
    rng
        Random numbers.
    draws_count
        Samples, 200 or more.
    method
        ``percentile``, or ``bca``, corrected for bias and skewness (acceleration from leaving patients out one by one).
    level
        Coverage.

    Raises
    ------
    OptionError
        When the method is unknown or draws are too few.
    StatsError
        When the statistic is not a finite number in a twentieth of the samples or more.

    Notes
    -----
    Davison AC, Hinkley DV, Bootstrap Methods and their Application, 1997, section 3.8; Efron B. J Am Stat Assoc
    1987;82:171-185.

    Examples
    --------
    >>> values = np.arange(50.0)
    >>> found = bootstrap_interval(lambda rows: float(values[rows].mean()), np.arange(50), rng=np.random.default_rng(1))
    >>> found.value, found.low < 24.5 < found.high
    (24.5, True)
    """
    if method not in BOOTSTRAP_METHODS:
        raise OptionError(f"method must be one of {', '.join(BOOTSTRAP_METHODS)}, got '{method}'.")
    if draws_count < _FEWEST_DRAWS:
        raise OptionError(f"A bootstrap interval needs {_FEWEST_DRAWS} draws or more, got {draws_count}.")
    normal_reach(level)
    members = _members(clusters)
    every = np.concatenate(members)
    value = float(statistic(np.sort(every)))
    drawn = np.array(
        [
            statistic(np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))]))
            for _ in range(draws_count)
        ]
    )
    sound = drawn[np.isfinite(drawn)]
    if len(sound) < 0.95 * draws_count:
        raise StatsError(
            f"The statistic was no finite number in {draws_count - len(sound)} of {draws_count} samples.",
            hint="The sample is too small for it.",
        )
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca":
        tails = _accelerated(statistic, members, value=value, drawn=sound, tails=tails)
    low, high = np.quantile(sound, tails)
    return Estimate(value, float(low), float(high), level, float(sound.std(ddof=1)))


def best_cut(
    scores: ArrayLike,
    events: ArrayLike,
    clusters: ArrayLike,
    *,
    rng: np.random.Generator,
    criterion: str = "youden",
    draws_count: int = 2000,
) -> CutEstimate:
    """The cut that divides best, with 95 % intervals over samples that choose anew.

    Parameters
    ----------
    scores
        (n,) numbers; higher means that the event is more likely. Turn the sign of a score that runs the other way.
    events
        (n,) 0 or 1.
    clusters
        (n,) patient of each row.
    rng
        Random numbers.
    criterion
        ``youden``: greatest sensitivity plus specificity; ``closest``: least distance to the corner where both are 1.
        Of equals the lowest cut.
    draws_count
        Samples.

    Raises
    ------
    OptionError
        When the criterion is unknown or draws are too few.
    StatsError
        When columns cannot be used or do not match, or the score is constant.

    Notes
    -----
    Youden WJ. Cancer 1950;3:32-35; Perkins NJ, Schisterman EF. Am J Epidemiol 2006;163:670-675. A cut found on the same
    data flatters; ``optimism_share`` says by how much.
    """
    if criterion not in CUT_CRITERIA:
        raise OptionError(f"criterion must be one of {', '.join(CUT_CRITERIA)}, got '{criterion}'.")
    if draws_count < _FEWEST_DRAWS:
        raise OptionError(f"A bootstrap interval needs {_FEWEST_DRAWS} draws or more, got {draws_count}.")
    score, event = number_column(scores, "scores", varies=True), event_column(events, "events", least=2)
    rows = same_length({"scores": score, "events": event})
    code = cluster_codes(clusters, "clusters", rows=rows)
    cuts, place = np.unique(score, return_inverse=True)
    count = int(code.max()) + 1

    def shares(weight: Vector) -> Vector:
        """(cuts, 2) sensitivity and specificity of each cut."""
        with_event = np.bincount(place, weight * event, minlength=len(cuts))
        without = np.bincount(place, weight * ~event, minlength=len(cuts))
        above = np.cumsum(with_event[::-1])[::-1] / with_event.sum()
        below = (np.cumsum(without) - without) / without.sum()
        return np.column_stack([above, below])

    whole = shares(np.ones(rows))
    best = _choose(whole, criterion)
    found = []
    for _ in range(draws_count):
        weight = np.bincount(rng.integers(0, count, count), minlength=count)[code].astype(np.float64)
        if min(weight @ event, weight @ ~event) == 0:
            continue
        part = shares(weight)
        chosen = _choose(part, criterion)
        found.append((cuts[chosen], *part[chosen], part[chosen].sum() - whole[chosen].sum()))
    drawn = np.array(found)
    low, high = np.quantile(drawn[:, :3], [0.025, 0.975], axis=0)
    values = (cuts[best], *whole[best])
    parts = [Estimate(float(v), float(x), float(y)) for v, x, y in zip(values, low, high, strict=True)]
    return CutEstimate(parts[0], parts[1], parts[2], float(drawn[:, 3].mean()), criterion, len(drawn), count)


def _members(clusters: ArrayLike) -> list[Rows]:
    labels = np.asarray(clusters)
    code = cluster_codes(labels, "clusters", rows=len(labels))
    order = np.argsort(code, kind="stable")
    return np.split(order, np.cumsum(np.bincount(code))[:-1])


def _choose(shares: Vector, criterion: str) -> int:
    if criterion == "youden":
        return int(np.argmax(np.round(shares.sum(axis=1), 12)))
    return int(np.argmin(np.round(((1 - shares) ** 2).sum(axis=1), 12)))


def _accelerated(
    statistic: Callable[[Rows], float], members: list[Rows], *, value: float, drawn: Vector, tails: Vector
) -> Vector:
    """Tail shares after Efron's correction."""
    below = (float((drawn < value).sum()) + 0.5 * float((drawn == value).sum())) / len(drawn)
    if not 0 < below < 1:
        raise StatsError("All samples lie on one side of the estimate.", hint="Use the percentile interval.")
    bias = float(special.ndtri(below))
    left = np.array(
        [statistic(np.concatenate([rows for j, rows in enumerate(members) if j != i])) for i in range(len(members))]
    )
    gap = left.mean() - left
    spread = float((gap**2).sum())
    pull = float((gap**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    shifted = bias + special.ndtri(tails)
    out: Vector = special.ndtr(bias + shifted / (1 - pull * shifted))
    return out if math.isfinite(float(out.sum())) else tails
