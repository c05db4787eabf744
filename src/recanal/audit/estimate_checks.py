"""Checks of ratios and areas with intervals, and of chi-square statistics on their own."""

from __future__ import annotations

import math
from itertools import product

from scipy import special

from recanal.audit.findings import Finding, Verdict, number_text, p_text
from recanal.audit.printed import Printed, SpanCell
from recanal.audit.rows import AucRow, ChiSquareRow, RatioRow, Row, StrataRow
from recanal.stats.contingency import cochran_armitage_test
from recanal.stats.hosmer_lemeshow import hosmer_lemeshow_degrees
from recanal.stats.roc import auc_from_counts, hanley_mcneil_error
from recanal.stats.summary_tests import p_from_ratio_interval

__all__ = ["check_auc", "check_chi_square", "check_ratio", "check_strata"]


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


def check_auc(row: Row, content: AucRow) -> list[Finding]:
    """An area, its interval and its P value against 0.5."""
    cell = content.cell
    broken = _order(cell)
    if broken or cell.high.low > 1 or cell.low.high < 0:
        text = broken or f"An area lies between 0 and 1, {cell.text} is printed."
        return [Finding("interval", Verdict.IMPOSSIBLE, text, cell.text)]
    reach = 2 * float(special.ndtri((1 + content.level) / 2))
    width = cell.high.value - cell.low.value
    if cell.high.value >= 1:  # cut off at 1: the lower half alone tells the error
        width = 2 * (cell.centre.value - cell.low.value)
    errors = [(width + sign * cell.high.unit_value) / reach for sign in (-1, 0, 1)]
    middle = (cell.low.value + cell.high.value) / 2
    rough = hanley_mcneil_error(cell.centre.value, events_count=content.events_count, others_count=content.others_count)
    error = max(errors[1], 1e-12)
    p_value = _normal((cell.centre.value - 0.5) / error)
    ends = sorted(
        _normal((centre - 0.5) / max(spread, 1e-12))
        for centre, spread in product((cell.centre.low, cell.centre.high), errors)
    )
    values = {"standard error": error, "Hanley-McNeil standard error": rough, "P": p_value, "middle": middle}
    told = f"the interval implies a standard error of {error:.4f} (Hanley-McNeil {rough:.4f}) and P {p_text(p_value)}"
    found = []
    if row.p is not None:
        fits = row.p.admits(ends[0], ends[-1])
        verdict = Verdict.REPRODUCED if fits else Verdict.INCONSISTENT
        text = f"P {row.p.text} {'goes' if fits else 'does not go'} with {cell.text}: {told}."
        found.append(Finding("test", verdict, text, row.p.text, told, values))
    slack = cell.centre.unit_value
    even = abs(middle - cell.centre.value) <= slack or cell.high.value >= 1
    text = f"The interval is centred on {number_text(middle)}, the area is {cell.centre.text}."
    found.append(Finding("interval", Verdict.REPRODUCED if even else Verdict.INCONSISTENT, text, cell.text, "", values))
    return found


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


def check_chi_square(row: Row, content: ChiSquareRow) -> list[Finding]:
    """A chi-square statistic against its P value, df and the size of its table."""
    statistic = row.statistic
    if statistic is None:
        return [Finding("test", Verdict.NOT_CHECKED, "No statistic is printed.")]
    found = _bound(statistic, content)
    if row.p is None:
        return found or [Finding("test", Verdict.NOT_CHECKED, "No P value is printed.", statistic.text)]
    p_value = {df: float(special.chdtrc(df, max(statistic.value, 0.0))) for df in range(1, 19)}
    limits = row.p.limits
    spread = statistic.unit_value / 2
    dfs = sorted(
        {
            df
            for value in (max(statistic.value - spread, 0.0), statistic.value, statistic.value + spread)
            for df in hosmer_lemeshow_degrees(max(value, 0.0), *limits)
        }
    )
    if row.df is not None:
        fits = row.df in dfs
        verdict = Verdict.REPRODUCED if fits else Verdict.INCONSISTENT
        values = {"P": float(special.chdtrc(row.df, max(statistic.value, 0.0)))}
        text = f"{statistic.text} with df {row.df} has P {p_text(values['P'])}, {row.p.text} is printed."
        return [*found, Finding("test", verdict, text, row.p.text, p_text(values["P"]), values)]
    if not dfs:
        text = f"P {row.p.text} does not go with {statistic.text} at any df from 1 to 18."
        return [*found, Finding("test", Verdict.INCONSISTENT, text, row.p.text)]
    told = ", ".join(f"df {df}: P {p_text(p_value[df])}" for df in dfs)
    values = {"df": float(dfs[0]), "P": p_value[dfs[0]]}
    text = f"P {row.p.text} goes with {statistic.text} at {told}."
    return [*found, Finding("test", Verdict.REPRODUCED, text, row.p.text, told, values)]


def _bound(statistic: Printed, content: ChiSquareRow) -> list[Finding]:
    if content.total_count is None or content.shape is None:
        return []
    most = float(content.total_count * (min(content.shape) - 1))
    rows, columns = content.shape
    text = (
        f"Pearson's chi-square of a {rows} x {columns} table of {content.total_count} is at most {number_text(most)}, "
        f"{statistic.text} is printed."
    )
    verdict = Verdict.IMPOSSIBLE if statistic.low > most else Verdict.REPRODUCED
    return [Finding("bound", verdict, text, statistic.text, number_text(most), {"bound": most})]


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
    if cell.low.low > cell.centre.high or cell.centre.low > cell.high.high:
        return f"{cell.low.text} to {cell.high.text} does not enclose {cell.centre.text}."
    return ""


def _normal(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))
