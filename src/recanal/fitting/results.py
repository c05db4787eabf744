"""What statistical results share: an estimate with its interval, and the way to JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recanal.core.case import as_json

__all__ = ["Estimate", "StatsResult"]


class StatsResult:
    """Base of the frozen results of statistics."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy: nested objects, no NaN, numbers to six digits.

        Examples
        --------
        >>> Estimate(0.5, 0.25, 0.75).to_dict()
        {'value': 0.5, 'low': 0.25, 'high': 0.75, 'level': 0.95, 'standard_error': None}
        """
        out: dict[str, Any] = as_json(self)
        return out


@dataclass(frozen=True)
class Estimate(StatsResult):
    """A number with its interval, in the unit of the quantity that it estimates.

    Parameters
    ----------
    value, low, high
        Estimate and limits.
    level
        Coverage of the interval.
    standard_error
        On the scale of the estimate; None where the interval rests on none.
    """

    value: float
    low: float
    high: float
    level: float = 0.95
    standard_error: float | None = None
