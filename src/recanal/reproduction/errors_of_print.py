"""The standard error of a printed number, at the size of the paper, from what is printed beside it."""

from __future__ import annotations

import math

from recanal.audit.printed import SpanCell

__all__ = [
    "auc_error",
    "mean_error",
    "quartile_errors",
    "ratio_error",
    "sd_error",
    "share_error",
]

_Z = 1.959963985
_QUARTILE_Z = 0.6744897502
_DENSITY_AT_MEDIAN = 0.3989422804
_DENSITY_AT_QUARTILE = 0.3177765727


def share_error(share: float, size: int) -> float:
    """Binomial standard error of a share; half a case is added to either side, so that 0 and 1 have one too.

    Examples
    --------
    >>> round(share_error(0.5, 100), 4), share_error(0.0, 75) > 0
    (0.05, True)
    """
    kept = (share * size + 0.5) / (size + 1)
    return math.sqrt(kept * (1 - kept) / size)


def mean_error(sd_value: float, size: int) -> float:
    """Standard error of a mean.

    Examples
    --------
    >>> mean_error(12.0, 144)
    1.0
    """
    return sd_value / math.sqrt(size)


def sd_error(sd_value: float, size: int) -> float:
    """Standard error of a standard deviation of normal values, sd / sqrt(2 (n - 1))."""
    return sd_value / math.sqrt(2 * (size - 1))


def quartile_errors(median_value: float, low: float, high: float, size: int) -> tuple[float, float, float]:
    """Standard errors of the median, the lower and the upper quartile.

    The square root of q (1 - q) / n over the density. The density is that of a normal curve for each half: its standard
    deviation is the distance from the median to the quartile over 0.6745, and at the median it is the mean of the two.

    Examples
    --------
    A normal variable of 100 cases with standard deviation 1; the error of its median is sqrt(pi / 2) / 10.

    >>> [round(one, 4) for one in quartile_errors(0, -0.67449, 0.67449, 100)]
    [0.1253, 0.1363, 0.1363]
    """
    below, above = (median_value - low) / _QUARTILE_Z, (high - median_value) / _QUARTILE_Z
    middle = 0.5 / _DENSITY_AT_MEDIAN * (below + above) / 2
    outer = math.sqrt(0.1875) / _DENSITY_AT_QUARTILE
    return tuple(one / math.sqrt(size) for one in (middle, outer * below, outer * above))  # type: ignore[return-value]


def ratio_error(cell: SpanCell) -> float:
    """Standard error of the logarithm of a ratio, from its interval at 95%."""
    return math.log(cell.high.value / cell.low.value) / (2 * _Z)


def auc_error(cell: SpanCell) -> float:
    """Standard error of an area, from its interval at 95%."""
    return (cell.high.value - cell.low.value) / (2 * _Z)
