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

__all__ = [
    "anova_range",
    "pooled_ranges",
    "student_p_range",
    "welch_anova_ranges",
    "welch_df_range",
    "welch_p_range",
    "welch_t_range",
]

_MOST_CORNERS = 10
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


def welch_anova_ranges(
    cells: Sequence[MeanCell], sizes: Sequence[int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Bounds of F, and of the P value, of Welch's analysis of variance; an SD that may be 0 leaves them open.

    The weighted sum of squares grows with every weight n / SD squared and is bounded exactly; the correction and the
    degrees of freedom are taken over the corners of the SDs. Bounds, not least values: what lies outside is refuted.
    """
    means, sds = _boxes(cells)
    count, df = np.asarray(sizes, dtype=float), len(cells) - 1
    if not (sds[0] > 0).all():
        return (0.0, math.inf), (0.0, 1.0)
    squares = (_between_range(means, count / sds[1] ** 2)[0], _between_range(means, count / sds[0] ** 2)[1])
    if len(cells) > _MOST_CORNERS:
        return (0.0, squares[1] / df), (0.0, 1.0)
    spreads = [_welch_spread(np.array(corner), count) for corner in product(*zip(*sds, strict=True))]
    corrections = [1 + 2 * (df - 1) * spread / (df * (df + 2)) for spread in (min(spreads), max(spreads))]
    f_range = (squares[0] / df / corrections[1], squares[1] / df / corrections[0])
    withins = [df * (df + 2) / (3 * spread) for spread in (min(spreads), max(spreads))]
    p_values = [float(special.fdtrc(df, within, f)) for f in f_range for within in withins]
    return f_range, (min(p_values), max(p_values))


def _welch_spread(sd: NDArray[np.float64], count: NDArray[np.float64]) -> float:
    """Sum over groups of (1 - weight / all weights) squared over n - 1 (Welch BL. Biometrika 1951;38:330-336)."""
    weight = count / sd**2
    return float(((1 - weight / weight.sum()) ** 2 / (count - 1)).sum())


def welch_t_range(cells: Sequence[MeanCell], sizes: Sequence[int]) -> tuple[float, float]:
    """Least and greatest size of Welch's t: exact, as it falls with each standard deviation."""
    means, sds = _boxes(cells)
    gaps = (float(means[0][0] - means[1][1]), float(means[1][0] - means[0][1]))
    least = 0.0 if gaps[0] <= 0 <= gaps[1] else min(map(abs, gaps))
    errors = [math.sqrt(float((side**2 / np.asarray(sizes)).sum())) for side in sds]
    most = max(map(abs, gaps))
    return least / errors[1] if errors[1] > 0 else 0.0, most / errors[0] if errors[0] > 0 else math.inf


def welch_df_range(cells: Sequence[MeanCell], sizes: Sequence[int]) -> tuple[float, float]:
    """Least and greatest degrees of freedom of Welch's t.

    They hang on the ratio of the two squared errors alone, rise with it to n1 + n2 - 2 and fall again; so both are at
    the ends of the ratio, but for the greatest where the ratio may be that of the top.
    """
    _, sds = _boxes(cells)
    one, other = (tuple(float(side[group]) ** 2 / sizes[group] for side in sds) for group in (0, 1))
    ends = [_welch_df(one[first], other[1 - first], sizes) for first in (0, 1)]
    ratio = (sizes[0] - 1) / (sizes[1] - 1)  # of the squared errors of the two means, at the top
    inside = one[0] <= ratio * other[1] and ratio * other[0] <= one[1]
    return min(ends), float(sum(sizes) - 2) if inside else max(ends)


def _welch_df(one: float, other: float, sizes: Sequence[int]) -> float:
    spread = one**2 / (sizes[0] - 1) + other**2 / (sizes[1] - 1)
    return (one + other) ** 2 / spread if spread > 0 else float(min(sizes) - 1)


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
