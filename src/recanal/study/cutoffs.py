"""The cut of a score with the greatest sensitivity plus specificity, and how far it moves from sample to sample."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.wilson import wilson_interval

__all__ = ["CutOff", "best_cutoff"]


@dataclass(frozen=True)
class CutOff:
    """A cut-off: ``score >= value`` counts as positive.

    Attributes
    ----------
    value, low_value, high_value
        The cut and its bootstrap percentiles, in the unit of the score.
    sensitivity_share, specificity_share
        At the cut, on the data that chose it, with Wilson's limits.
    resamples_count
        Bootstrap samples that held events and others.
    unit
        What was resampled: patients or rows.
    """

    value: float
    low_value: float
    high_value: float
    sensitivity_share: float
    sensitivity_low_share: float
    sensitivity_high_share: float
    specificity_share: float
    specificity_low_share: float
    specificity_high_share: float
    resamples_count: int
    unit: str

    def turned(self) -> CutOff:
        """The same cut of a score that had its sign turned."""
        return dataclasses.replace(
            self, value=-self.value, low_value=-self.high_value, high_value=-self.low_value
        )


def best_cutoff(
    scores: NDArray[np.float64],
    events: NDArray[np.bool_],
    patients: NDArray[np.intp] | None,
    *,
    resamples: int,
    rng: np.random.Generator,
    level: float = 0.95,
) -> CutOff:
    """The cut with the greatest sensitivity plus specificity, the lowest of equals.

    Parameters
    ----------
    scores, events
        (n,) known scores, and whether the event came.
    patients
        (n,) patient of each row; resampled as a whole. None: rows are resampled.
    resamples
        Bootstrap samples.
    rng
        Where the samples come from.
    level
        Coverage of the interval.

    Notes
    -----
    Youden WJ. Cancer 1950;3:32-35. Percentile bootstrap over patients, the choice of the cut repeated in each sample
    (Efron B, Tibshirani RJ. An Introduction to the Bootstrap, 1993). Samples without events or others are left out.

    Examples
    --------
    >>> scores, events = np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True])
    >>> best_cutoff(scores, events, None, resamples=50, rng=np.random.default_rng(1)).value
    3.0
    """
    cuts, place = np.unique(scores, return_inverse=True)
    whole = _best(place, events, np.ones(len(scores)), len(cuts))
    units = np.arange(len(scores)) if patients is None else np.unique(patients, return_inverse=True)[1]
    count = int(units.max()) + 1
    found = []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(0, count, count), minlength=count)[units].astype(np.float64)
        if weight[events].sum() and weight[~events].sum():
            found.append(cuts[_best(place, events, weight, len(cuts))])
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2]) if found else (np.nan, np.nan)
    chosen = scores >= cuts[whole]
    hits, spared = int((chosen & events).sum()), int((~chosen & ~events).sum())
    positives, negatives = int(events.sum()), int((~events).sum())
    sensitivity = wilson_interval(hits, positives, level=level)
    specificity = wilson_interval(spared, negatives, level=level)
    return CutOff(
        float(cuts[whole]), float(low), float(high), hits / positives, *sensitivity, spared / negatives, *specificity,
        len(found), "rows" if patients is None else "patients",
    )  # fmt: skip


def _best(place: NDArray[np.intp], events: NDArray[np.bool_], weight: NDArray[np.float64], cut_count: int) -> int:
    """Number of the best cut; a cut whose weight is 0 in the sample cannot be chosen."""
    high = np.bincount(place, weight * events, minlength=cut_count)
    low = np.bincount(place, weight * ~events, minlength=cut_count)
    sensitivity = np.cumsum(high[::-1])[::-1] / high.sum()
    specificity = (np.cumsum(low) - low) / low.sum()
    sums = np.where(high + low > 0, sensitivity + specificity, -1.0)
    return int(np.argmax(np.round(sums, 12)))
