"""Checks of ratios with intervals."""

from __future__ import annotations

import math
from itertools import product

from scipy import special

from recanal.audit.findings import Finding, Verdict, number_text, p_text
from recanal.audit.printed import SpanCell
from recanal.audit.rows import RatioRow, Row
from recanal.stats.summary_tests import p_from_ratio_interval

__all__ = ["check_ratio"]


def check_ratio(row: Row, content: RatioRow) -> list[Finding]:
    """A ratio, its interval and its P value against each other, by Wald on the log scale."""
    cell = content.cell
    broken = _order(cell)
    if broken or min(cell.low.high, cell.centre.high) <= 0:
        text = broken or f"A ratio and its limits are above 0, {cell.text} is printed."
        return [Finding("interval", Verdict.IMPOSSIBLE, text, cell.text)]
    if min(cell.low.value, cell.centre.value) <= 0:
        text = f"{cell.text} is rounded to 0, which leaves its logarithm open."
        return [Finding("interval", Verdict.NOT_CHECKED, text, cell.text)]
    low, high = _ratio_p_range(cell, content.level)
    values = {"least P": low, "greatest P": high}
    if cell.low.value < cell.high.value:
        values["P"] = p_from_ratio_interval(cell.centre.value, cell.low.value, cell.high.value, level=content.level)
    told = f"Wald P {p_text(values.get('P', low))} ({p_text(low)} to {p_text(high)} by rounding)"
    middle = _middle(cell)
    if row.p is None:
        return [middle, Finding("test", Verdict.NOT_CHECKED, f"No P value is printed. {told}.", "", told, values)]
    fits = row.p.admits(low, high)
    verdict = Verdict.REPRODUCED if fits else Verdict.INCONSISTENT
    text = f"P {row.p.text} {'goes' if fits else 'does not go'} with {cell.text}: {told}."
    return [Finding("test", verdict, text, row.p.text, told, values), middle]


def _ratio_p_range(cell: SpanCell, level: float) -> tuple[float, float]:
    """Least and greatest Wald P value over the rounding of estimate and limits."""
    centres = [max(end, 1e-12) for end in (cell.centre.low, cell.centre.high)]
    widths = [
        math.log(max(cell.high.low, 1e-12) / max(cell.low.high, 1e-12)),
        math.log(max(cell.high.high, 1e-12) / max(cell.low.low, 1e-12)),
    ]
    reach = 2 * float(special.ndtri((1 + level) / 2))
    found = [1.0] if centres[0] <= 1 <= centres[1] else []
    for centre, width in product(centres, widths):
        found.append(_normal(math.log(centre) * reach / width) if width > 0 else 0.0)
    return min(found), max(found)


def _middle(cell: SpanCell) -> Finding:
    """Whether the estimate is the geometric middle of its limits, as it is for a Wald interval."""
    low = math.sqrt(max(cell.low.low, 0.0) * max(cell.high.low, 0.0))
    high = math.sqrt(max(cell.low.high, 0.0) * cell.high.high)
    value = math.sqrt(cell.low.value * cell.high.value)
    fits = cell.centre.agrees(low, high)
    text = f"The geometric middle of the limits is {value:.4f}, the estimate is {cell.centre.text}."
    if not fits:
        text += " A Wald interval has its estimate there; a profile or an exact one need not."
    return Finding(
        "interval", Verdict.REPRODUCED if fits else Verdict.INCONSISTENT, text, cell.text, number_text(value)
    )


def _order(cell: SpanCell) -> str:
    if cell.low.low > cell.centre.high or cell.centre.low > cell.high.high or cell.low.low > cell.high.high:
        return f"{cell.low.text} to {cell.high.text} does not enclose {cell.centre.text}."
    return ""


def _normal(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))
