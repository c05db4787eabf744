"""How a probability is said, on every page and screen."""

from __future__ import annotations

__all__ = ["SURE_SHARE", "chance_text"]

SURE_SHARE = 0.995
"""From here on a probability rounds to 100 %."""


def chance_text(share: float) -> str:
    """A probability in whole percents; never 0 % or 100 %, for nothing measured is certain.

    >>> [chance_text(share) for share in (0.0, 0.004, 0.25, 0.993, 0.996, 1.0)]
    ['under 1 %', 'under 1 %', '25 %', '99 %', 'over 99 %', 'over 99 %']
    """
    percent = round(100 * share)
    if percent >= 100:
        return "over 99 %"
    return "under 1 %" if percent <= 0 else f"{percent} %"
