"""Checks of areas under the curve, as printed and from counts per stratum."""

from __future__ import annotations

import math
from itertools import product

from scipy import special

from recanal.audit.findings import Finding, Verdict, number_text, p_text
from recanal.audit.printed import Printed, PrintedP, SpanCell
from recanal.audit.rows import AucRow, Row, StrataRow
from recanal.stats.contingency import cochran_armitage_test
from recanal.stats.roc import auc_from_counts, hanley_mcneil_error

__all__ = ["check_auc", "check_strata"]

_TINY = 1e-12


def check_auc(row: Row, content: AucRow) -> list[Finding]:
    """An area, its interval and its P value against 0.5.

    The P value may be Wald's, with the standard error that the interval implies, or that of the rank test, with the
    standard error when the score tells nothing: sqrt((m + n + 1) / (12 m n)) without ties (Mann HB, Whitney DR. Ann
    Math Stat 1947;18:50-60), which some programs print beside an interval of the other kind.
    """
    cell = content.cell
    centre = cell.centre
    broken = _impossible(cell)
    if broken:
        return [Finding("interval", Verdict.IMPOSSIBLE, broken, cell.text)]
    errors = _errors(cell, 2 * float(special.ndtri((1 + content.level) / 2)))
    area = min(max(centre.value, 0.0), 1.0)
    rough = hanley_mcneil_error(area, events_count=content.events_count, others_count=content.others_count)
    p_value = _normal((centre.value - 0.5) / errors[1])
    low, high = _p_range(centre, (errors[0], errors[2]))
    values = {"standard error": errors[1], "Hanley-McNeil standard error": rough, "P": p_value}
    values |= {"least P": low, "greatest P": high, "middle": (cell.low.value + cell.high.value) / 2}
    told = (
        f"the interval implies a standard error of {errors[1]:.4f} (Hanley-McNeil {rough:.4f}) and P {p_text(p_value)}"
    )
    tests = []
    if row.p is not None and row.p.admits(low, high):
        text = f"P {row.p.text} goes with {cell.text}: {told}."
        tests = [Finding("test", Verdict.REPRODUCED, text, row.p.text, told, values)]
    elif row.p is not None:
        tests = [_beside_rank_test(row.p, content, told, values)]
    return [*tests, _centred(cell, values)]


def check_strata(content: StrataRow) -> list[Finding]:
    """The area from counts per stratum, beside the printed one."""
    estimate = auc_from_counts(content.events, content.others)
    rough = hanley_mcneil_error(estimate.auc, events_count=estimate.events_count, others_count=estimate.others_count)
    trend = cochran_armitage_test(
        content.events, [one + other for one, other in zip(content.events, content.others, strict=True)]
    )
    tied = sum(one * other for one, other in zip(content.events, content.others, strict=True))
    half = tied / (estimate.events_count * estimate.others_count) / 2
    values = {
        "AUC": estimate.auc,
        "AUC low": estimate.low,
        "AUC high": estimate.high,
        "DeLong standard error": estimate.standard_error,
        "Hanley-McNeil standard error": rough,
        "Cochran-Armitage z": trend.statistic or 0.0,
        "Cochran-Armitage P": trend.p_value or 0.0,
    }
    told = f"AUC {estimate.auc:.3f} (DeLong {estimate.low:.3f} to {estimate.high:.3f})"
    if content.printed_auc is None:
        return [Finding("auc", Verdict.NOT_CHECKED, f"No area is printed; the counts give {told}.", "", told, values)]
    return [_beside_printed_auc(content.printed_auc, estimate.auc, half, told, values, coarse=content.coarse)]


def _impossible(cell: SpanCell) -> str:
    """What no area and interval can be; a Wald interval may pass 0 or 1 where it was not cut off."""
    centre = cell.centre
    beyond = cell.high.low > 1 or cell.low.high < 0
    if centre.low > 1 or centre.high < 0 or (beyond and not _is_middle(cell)):
        return f"An area lies between 0 and 1, {cell.text} is printed."
    if cell.low.low > centre.high or centre.low > cell.high.high or cell.low.low > cell.high.high:
        return f"{cell.low.text} to {cell.high.text} does not enclose {centre.text}."
    return ""


def _is_middle(cell: SpanCell) -> bool:
    """Whether the area is the middle of its limits, within the rounding of all three."""
    middle, room = (cell.low.value + cell.high.value) / 2, (cell.low.unit_value + cell.high.unit_value) / 4
    return cell.centre.agrees(middle - room, middle + room)


def _errors(cell: SpanCell, reach: float) -> tuple[float, float, float]:
    """Least, likely and greatest standard error that the interval implies, above 0.

    A limit at 0 or 1 may have been cut off there; then the other half tells the error, and both readings are open.
    """
    slack = (cell.low.unit_value + cell.high.unit_value) / 2
    widths = [(cell.high.value - cell.low.value, slack)]
    if cell.high.high >= 1:
        slack = cell.centre.unit_value + cell.low.unit_value
        widths.append((2 * (cell.centre.value - cell.low.value), slack))
    elif cell.low.low <= 0:
        slack = cell.centre.unit_value + cell.high.unit_value
        widths.append((2 * (cell.high.value - cell.centre.value), slack))
    least = min(width - room for width, room in widths)
    most = max(width + room for width, room in widths)
    at_end = cell.high.value >= 1 or cell.low.value <= 0
    likely = widths[-1][0] if at_end else widths[0][0]
    return max(least / reach, _TINY), max(likely / reach, _TINY), max(most / reach, _TINY)


def _p_range(centre: Printed, errors: tuple[float, float], *, shrink: float = 0.0) -> tuple[float, float]:
    """Least and greatest P value over the rounding; 1 where the area may be one half."""
    gaps = [max(abs(end - 0.5) - shrink, 0.0) for end in (centre.low, centre.high)]
    found = [_normal(gap / error) for gap, error in product(gaps, errors)]
    return min(found), 1.0 if centre.low <= 0.5 <= centre.high else max(found)


def _beside_rank_test(p: PrintedP, content: AucRow, told: str, values: dict[str, float]) -> Finding:
    """A P value that does not go with the interval; it may be that of the rank test, which ties make smaller."""
    centre, pairs = content.cell.centre, content.events_count * content.others_count
    error = math.sqrt((content.events_count + content.others_count + 1) / (12 * pairs))
    plain = _p_range(centre, (error, error))
    corrected = _p_range(centre, (error, error), shrink=0.5 / pairs)
    value = _normal((centre.value - 0.5) / error)
    values = {**values, "rank test P": value}
    start = f"P {p.text} does not go with {content.cell.text}: {told}."
    rank = f"the rank test without ties, {p_text(value)}"
    for ends, how in ((plain, ""), (corrected, " (corrected for continuity)")):
        if p.admits(*ends):
            text = f"P {p.text} is that of {rank}{how}, not that of the interval, since {told}."
            return Finding("test", Verdict.REPRODUCED, text, p.text, f"{rank}{how}", values)
    if p.admits(0.0, corrected[1]):
        text = f"{start} It is below that of {rank}; with ties the rank test might give it."
        return Finding("test", Verdict.NOT_REPRODUCED, text, p.text, told, values)
    text = f"{start} It is above that of {rank}, too."
    return Finding("test", Verdict.INCONSISTENT, text, p.text, told, values)


def _centred(cell: SpanCell, values: dict[str, float]) -> Finding:
    """Whether the area is the middle of its interval, plainly or on the logit scale."""
    cut = cell.high.low <= 1 <= cell.high.high or cell.low.low <= 0 <= cell.low.high
    text = f"The interval is centred on {number_text(values['middle'])}, the area is {cell.centre.text}."
    if cut or _is_middle(cell):
        beyond = cell.high.low > 1 or cell.low.high < 0
        text += " It passes the end of the scale; it was not cut off there." if beyond else ""
        return Finding("interval", Verdict.REPRODUCED, text, cell.text, "", values)
    ends = [_logit_middle(cell.low.low, cell.high.low), _logit_middle(cell.low.high, cell.high.high)]
    if cell.centre.agrees(*ends):
        text += " It is centred on the area on the logit scale."
        return Finding("interval", Verdict.REPRODUCED, text, cell.text, "", values)
    text += " Neither a plain nor a logit interval has its area there; an exact or a bootstrap one may."
    return Finding("interval", Verdict.INCONSISTENT, text, cell.text, "", values)


def _logit_middle(low: float, high: float) -> float:
    inside = [min(max(end, _TINY), 1 - _TINY) for end in (low, high)]
    ends = [math.log(end / (1 - end)) for end in inside]
    return 1 / (1 + math.exp(-sum(ends) / 2))


def _beside_printed_auc(
    printed: Printed, auc: float, half: float, told: str, values: dict[str, float], *, coarse: bool
) -> Finding:
    if not coarse:
        fits = printed.nearly(auc)
        verdict = Verdict.REPRODUCED if fits else Verdict.INCONSISTENT
        return Finding(
            "auc", verdict, f"The counts give {told}, {printed.text} is printed.", printed.text, told, values
        )
    low, high = auc - half, auc + half
    values = {**values, "least AUC": low, "greatest AUC": high}
    ends = f"{low:.3f} to {high:.3f}"
    if printed.agrees(low, high):
        text = (
            f"The strata give {told}; they join values of the score, whose own AUC may be anything from {ends}. "
            f"{printed.text} is not contradicted."
        )
        return Finding("auc", Verdict.NOT_CHECKED, text, printed.text, told, values)
    text = f"The strata give {told}; the AUC of the whole score lies in {ends}, {printed.text} is printed."
    return Finding("auc", Verdict.IMPOSSIBLE, text, printed.text, told, values)


def _normal(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))
