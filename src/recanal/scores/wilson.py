"""The interval of a proportion."""

from __future__ import annotations

import math
from statistics import NormalDist

from recanal.errors import OptionError

__all__ = ["wilson_interval"]


def wilson_interval(events: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion, without continuity correction.

    Parameters
    ----------
    events, total
        Counts, ``0 <= events <= total``, ``total >= 1``.
    level
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper limit, as shares.

    Raises
    ------
    OptionError
        When the counts or the level cannot be.

    Notes
    -----
    Wilson EB. J Am Stat Assoc 1927;22:209-212 (doi 10.1080/01621459.1927.10502953); method 3 of
    Newcombe RG. Stat Med 1998;17:857-872.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson_interval(81, 263)]
    [0.2553, 0.3662]
    """
    if not 0 <= events <= total or total < 1:
        raise OptionError(f"A proportion needs 0 <= events <= total and total >= 1, got {events}/{total}.")
    if not 0 < level < 1:
        raise OptionError(f"level must lie between 0 and 1, got {level}.")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = events / total
    centre = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low = 0.0 if events == 0 else (centre - half) / scale
    high = 1.0 if events == total else (centre + half) / scale
    return low, high
