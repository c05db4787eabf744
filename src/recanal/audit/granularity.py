"""Can whole numbers have this mean and this standard deviation?

GRIM: the mean of n whole numbers is a whole number over n (Brown NJL, Heathers JAJ. Soc Psychol Personal Sci
2017;8:363-369). GRIMMER: the sum of their squares is whole, odd or even as their sum is, and not too small (Anaya J.
PeerJ Preprints 2016;4:e2400v1; Allard A. Analytic-GRIMMER, 2018). Bounds of the standard deviation for values between
two limits: Heathers JAJ, Brown NJL, et al. PeerJ Preprints 2018;6:e26968v1 (SPRITE).
"""

from __future__ import annotations

import math

from recanal.audit.printed import Printed

__all__ = ["greatest_sd", "possible_sums", "sd_is_possible"]

_SLACK = 1e-9


def possible_sums(mean: Printed, size_count: int) -> range:
    """Whole sums whose mean rounds to what is printed, a half either way; empty where there is none.

    Examples
    --------
    The mean of 28 whole numbers cannot be 5.19 (Brown and Heathers 2017).

    >>> from recanal.audit.printed import parse_number
    >>> list(possible_sums(parse_number("5.19"), 28)), list(possible_sums(parse_number("5.18"), 28))
    ([], [145])
    """
    low = math.ceil(mean.low * size_count - _SLACK * size_count)
    high = math.floor(mean.high * size_count + _SLACK * size_count)
    return range(low, high + 1)


def sd_is_possible(mean: Printed, sd: Printed, size_count: int, *, population: bool = False) -> bool:
    """Whether whole numbers with this mean can have this standard deviation.

    The denominator is n - 1, or n for ``population``.

    Examples
    --------
    >>> from recanal.audit.printed import parse_number
    >>> sd_is_possible(parse_number("3.44"), parse_number("2.47"), 18)
    False
    """
    if size_count < 2:
        return True
    low, high, df = max(sd.low, 0.0), sd.high, size_count if population else size_count - 1
    for total in possible_sums(mean, size_count):
        base = total * total / size_count
        first = math.ceil(low * low * df + base - _SLACK * max(1.0, base))
        last = math.floor(high * high * df + base + _SLACK * max(1.0, base))
        for squares in range(max(first, _least_squares(total, size_count)), last + 1):
            if (squares - total) % 2 == 0:
                return True
    return False


def greatest_sd(mean_value: float, size_count: int, *, low: float, high: float) -> float:
    """The greatest standard deviation of n values between two limits with a given mean (n - 1 in the denominator).

    Examples
    --------
    >>> round(greatest_sd(0.5, 4, low=0, high=1), 4)
    0.5774
    """
    if size_count < 2:
        return 0.0
    return math.sqrt(max(0.0, (high - mean_value) * (mean_value - low)) * size_count / (size_count - 1))


def _least_squares(total: int, size_count: int) -> int:
    """Least sum of squares of n whole numbers with a given sum."""
    each, more = divmod(total, size_count)
    return (size_count - more) * each * each + more * (each + 1) ** 2
