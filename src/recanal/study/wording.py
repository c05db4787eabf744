"""Numbers as a paper prints them."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

__all__ = ["count_text", "interval_text", "number_text", "p_text", "percent_text", "quartiles_text", "ratio_text"]

_MINUS = "−"


def number_text(value: float | None, *, decimals: int) -> str:
    """A number with a fixed number of decimals, a dash where there is none.

    Examples
    --------
    Halves are rounded away from zero, as SPSS does, on the number as ``results.json`` holds it.

    >>> number_text(-1.25, decimals=1), number_text(None, decimals=1), number_text(-0.001, decimals=1)
    ('−1.3', '–', '0.0')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    exact = Decimal(f"{value:.12g}")
    text = f"{exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP):f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def p_text(value: float | None) -> str:
    """A P value with three decimals, ``<0.001`` below.

    Examples
    --------
    >>> p_text(0.0294), p_text(0.0001), p_text(0.9999), p_text(None)
    ('0.029', '<0.001', '>0.999', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if value < 0.001:
        return "<0.001"
    return ">0.999" if value >= 0.9995 else number_text(value, decimals=3)


def percent_text(count: int, total: int, *, decimals: int = 1) -> str:
    """Share in percent.

    Examples
    --------
    >>> percent_text(46, 76)
    '60.5'
    """
    return number_text(100 * count / total if total else None, decimals=decimals)


def count_text(count: int, total: int) -> str:
    """Count and percent.

    Examples
    --------
    >>> count_text(46, 76)
    '46 (60.5)'
    """
    return f"{count} ({percent_text(count, total)})"


def quartiles_text(middle_value: float, low: float, high: float, *, decimals: int) -> str:
    """Median and quartiles.

    Examples
    --------
    >>> quartiles_text(16.45, 9.5, 27, decimals=2)
    '16.45 (9.50–27.00)'
    """
    a, b, c = (number_text(value, decimals=decimals) for value in (middle_value, low, high))
    return f"{a} ({b} to {c})" if _MINUS in b + c else f"{a} ({b}–{c})"


def interval_text(value: float | None, low: float | None, high: float | None, *, decimals: int) -> str:
    """An estimate and its interval.

    Examples
    --------
    >>> interval_text(0.97, 0.95, 0.991, decimals=3)
    '0.970 (0.950 to 0.991)'
    """
    if value is None or math.isnan(value):
        return "–"
    parts = [number_text(one, decimals=decimals) for one in (value, low, high)]
    return f"{parts[0]} ({parts[1]} to {parts[2]})"


def ratio_text(value: float, low: float, high: float, *, decimals: int) -> str:
    """A ratio and its interval; large ones in fewer digits.

    Examples
    --------
    >>> ratio_text(0.97, 0.95, 0.991, decimals=3), ratio_text(1520.4, 3.25, float("inf"), decimals=3)
    ('0.970 (0.950 to 0.991)', '1520 (3.25 to ∞)')
    """
    return f"{_ratio(value, decimals)} ({_ratio(low, decimals)} to {_ratio(high, decimals)})"


def _ratio(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        return number_text(value, decimals=0)
    fewer = decimals if value < 2 else max(0, decimals - 1 - max(0, math.floor(math.log10(value))))
    return number_text(value, decimals=fewer)
