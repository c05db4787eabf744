"""Which degrees of freedom a printed chi-square and its printed P value leave open."""

from __future__ import annotations

import numpy as np
from scipy import special

from recanal.audit.printed import Printed, PrintedP

__all__ = ["MOST_DF", "chi_square_p_range", "degrees_text", "fitting_degrees"]

MOST_DF = 1000
_SLACK = 1e-9


def chi_square_p_range(statistic: Printed, df: int) -> tuple[float, float]:
    """Least and greatest P value of every chi-square that rounds to the printed one.

    Examples
    --------
    >>> from recanal.audit.printed import parse_number
    >>> [round(p_value, 5) for p_value in chi_square_p_range(parse_number("31.41"), 20)]
    [0.04994, 0.05007]
    """
    return float(special.chdtrc(df, max(statistic.high, 0.0))), float(special.chdtrc(df, max(statistic.low, 0.0)))


def fitting_degrees(statistic: Printed, p: PrintedP, *, most_df: int = MOST_DF) -> range:
    """Degrees of freedom, from 1 up, at which the statistic has the P value, both within their rounding.

    The P value of a statistic rises with the degrees of freedom, so that those that fit have no gap.

    Examples
    --------
    >>> from recanal.audit.printed import parse_number, parse_p
    >>> fitting_degrees(parse_number("31.41"), parse_p("0.050"))
    range(20, 21)
    """
    dfs = np.arange(1, most_df + 1)
    least = special.chdtrc(dfs, max(statistic.high, 0.0))
    most = special.chdtrc(dfs, max(statistic.low, 0.0))
    if p.relation == "<":
        fits = least < p.number.value
    elif p.relation == ">":
        fits = most > p.number.value
    else:
        fits = (least <= p.number.high + _SLACK) & (most >= p.number.low - _SLACK)
    found = dfs[fits]
    return range(int(found[0]), int(found[-1]) + 1) if found.size else range(0)


def degrees_text(dfs: range, *, most_df: int = MOST_DF) -> str:
    """Degrees of freedom in words.

    Examples
    --------
    >>> degrees_text(range(3, 4)), degrees_text(range(3, 8)), degrees_text(range(3, MOST_DF + 1))
    ('3', '3 to 7', '3 or more')
    """
    if dfs[-1] >= most_df and len(dfs) > 1:
        return f"{dfs[0]} or more"
    return str(dfs[0]) if len(dfs) == 1 else f"{dfs[0]} to {dfs[-1]}"
