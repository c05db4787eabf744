"""What tests of means can give when each printed mean and standard deviation may be off by half a unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recanal.audit.printed import MeanCell
from recanal.stats.summary_tests import welch_from_summary

__all__ = ["anova_range", "pooled_ranges", "student_p_range", "welch_p_range"]

_Box = tuple[NDArray[np.float64], NDArray[np.float64]]


def anova_range(cells: Sequence[MeanCell], sizes: Sequence[int]) -> tuple[float, float]:
    """Least and greatest F of a one-way analysis of variance; infinite where the variance within may be 0.

    Exact: the variance between is convex in the means, so that it is greatest at a corner and least where the
    means are as alike as their rounding allows; the variance within grows with each standard deviation.
    """
    count, df = np.asarray(sizes, dtype=float), float(sum(sizes) - len(sizes))
    means, sds = _boxes(cells)
    between = [squares / (len(cells) - 1) for squares in _between_range(means, count)]
    within = [float(((count - 1) * side**2).sum()) / df for side in sds]
    return between[0] / within[1], between[1] / within[0] if within[0] > 0 else math.inf


def student_p_range(cells: Sequence[MeanCell], sizes: Sequence[int]) -> tuple[float, float]:
    """Least and greatest P value of Student's t test, by F = t squared."""
    low, high = anova_range(cells, sizes)
    df = float(sum(sizes) - 2)
    return float(special.fdtrc(1, df, high)) if math.isfinite(high) else 0.0, float(special.fdtrc(1, df, low))


def welch_p_range(cells: Sequence[MeanCell], sizes: Sequence[int]) -> tuple[float, float]:
    """Least and greatest P value of Welch's t test over the corners of the rounding; 1 if the means may agree."""
    means, sds = _boxes(cells)
    gaps = (float(means[0][0] - means[1][1]), float(means[1][0] - means[0][1]))
    found = [1.0] if gaps[0] <= 0 <= gaps[1] else []
    for gap, *pair in product(gaps, (0, 1), (0, 1)):
        sd = [float(sds[side][group]) for group, side in enumerate(map(int, pair))]
        if max(sd) > 0:
            found.append(welch_from_summary([gap, 0.0], sd, sizes).p_value)
    return min(found), max(found)


def pooled_ranges(cells: Sequence[MeanCell], sizes: Sequence[int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Least and greatest mean, and standard deviation, of all cases together."""
    count = np.asarray(sizes, dtype=float)
    means, sds = _boxes(cells)
    total = float(count.sum())
    centre = (float((count * means[0]).sum()) / total, float((count * means[1]).sum()) / total)
    between = _between_range(means, count)
    spread = [
        math.sqrt((float(((count - 1) * side**2).sum()) + squares) / max(total - 1, 1.0))
        for side, squares in zip(sds, between, strict=True)
    ]
    return centre, (spread[0], spread[1])


def _boxes(cells: Sequence[MeanCell]) -> tuple[_Box, _Box]:
    """Lower and upper ends of the means, and of the standard deviations."""
    means = np.array([[cell.mean.low, cell.mean.high] for cell in cells]).T
    sds = np.array([[max(cell.sd.low, 0.0), cell.sd.high] if cell.sd else [0.0, 0.0] for cell in cells]).T
    return (means[0], means[1]), (sds[0], sds[1])


def _between_range(means: _Box, count: NDArray[np.float64]) -> tuple[float, float]:
    """Least and greatest sum of squares between groups."""
    low, high = means
    least = _squares(np.clip(_common_mean(low, high, count), low, high), count)
    most = max(_squares(np.array(corner), count) for corner in product(*zip(low, high, strict=True)))
    return least, most


def _common_mean(low: NDArray[np.float64], high: NDArray[np.float64], count: NDArray[np.float64]) -> float:
    """The value that is the weighted mean of the means brought as near to it as they may be, by bisection."""
    start, end = float(low.min()), float(high.max())
    for _ in range(100):
        middle = (start + end) / 2
        mean = float((count * np.clip(middle, low, high)).sum() / count.sum())
        start, end = (middle, end) if mean > middle else (start, middle)
    return (start + end) / 2


def _squares(mean: NDArray[np.float64], count: NDArray[np.float64]) -> float:
    centre = float((count * mean).sum() / count.sum())
    return float((count * (mean - centre) ** 2).sum())
