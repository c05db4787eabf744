"""Checks of rows of means, and of medians."""

from __future__ import annotations

import math

from scipy import special

from recanal.audit.chi_square_checks import negative_finding
from recanal.audit.degrees import chi_square_p_range
from recanal.audit.envelopes import (
    anova_range,
    pooled_ranges,
    student_p_range,
    welch_anova_ranges,
    welch_df_range,
    welch_p_range,
    welch_t_range,
)
from recanal.audit.findings import Finding, Verdict, number_text, p_text
from recanal.audit.granularity import greatest_sd, possible_sums, sd_is_possible
from recanal.audit.printed import MeanCell, Printed, PrintedP, SpanCell, parse_number
from recanal.audit.rows import MeanRow, MedianRow, Row
from recanal.stats.summary_tests import (
    anova_from_summary,
    pooled_mean_and_sd,
    student_from_summary,
    welch_anova_from_summary,
    welch_from_summary,
)

__all__ = ["check_mean", "check_median"]

_Range = tuple[float, float]
_Ranges = dict[str, tuple[_Range, _Range]]  # by name of the test: of F, and of P


def check_mean(row: Row, content: MeanRow) -> list[Finding]:
    """Test, total and granularity of means with standard deviations."""
    cells = _granularity(content)
    sizes = [group.size_count for group in content.groups]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes) or any(c.sd is None and size != 1 for c, size in zip(content.cells, sizes, strict=True)):
        return [Finding("test", Verdict.NOT_CHECKED, "Group sizes and standard deviations are needed."), *cells]
    together = [*_pooled(content, known), *cells]
    few = len(known) < 2 or (len(known) == 2 and min(known) < 2)
    if few or not any(cell.sd and cell.sd.value > 0 for cell in content.cells):
        return together or [Finding("test", Verdict.NOT_CHECKED, "Two groups that vary are needed.")]
    if row.p is None and row.statistic is None and together:
        return together
    tests = _two_groups(row, content, known) if len(known) == 2 else _many_groups(row, content, known)
    return [*tests, *_df_findings(row, content, known), *together]


def check_median(row: Row, content: MedianRow) -> list[Finding]:
    """Order of the quartiles, and the quartiles of all cases against those of the groups."""
    named = [(group.name, cell) for group, cell in zip(content.groups, content.cells, strict=True)]
    found = [_quartile_order(name, cell) for name, cell in named]
    if content.overall is not None:
        found.append(_quartile_order("all", content.overall))
        found += _mixture(content, content.overall)
    found.sort(key=lambda finding: list(Verdict).index(finding.verdict))
    if row.p is not None:
        text = f"P {row.p.text} of a rank test needs the data, not quartiles."
        found.append(Finding("test", Verdict.NOT_CHECKED, text, row.p.text))
    return found


def _two_groups(row: Row, content: MeanRow, sizes: list[int]) -> list[Finding]:
    """Student and Welch beside the printed P value."""
    numbers = _numbers(content)
    student, welch = student_from_summary(*numbers, sizes), welch_from_summary(*numbers, sizes)
    ranges = {"Student": student_p_range(content.cells, sizes), "Welch": welch_p_range(content.cells, sizes)}
    values = {"Student P": student.p_value, "Welch P": welch.p_value, "Student t": student.statistic}
    values |= {
        "least P": min(low for low, _ in ranges.values()),
        "greatest P": max(high for _, high in ranges.values()),
    }
    told = "; ".join(
        f"{test.name} P {p_text(test.p_value)} ({p_text(ranges[test.name][0])} to {p_text(ranges[test.name][1])} "
        "by rounding)"
        for test in (student, welch)
    )
    beside = _t_findings(row, content, sizes, {"Student": student.statistic, "Welch": welch.statistic})
    if row.p is None:
        return beside or [Finding("test", Verdict.NOT_CHECKED, f"No P value is printed. {told}.", "", told, values)]
    exact = [test.name for test in (student, welch) if row.p.admits(test.p_value)]
    fitting = exact or [name for name, ends in ranges.items() if row.p.admits(*ends)]
    if not fitting:
        text = (
            f"P {row.p.text} is that of neither t test, whatever the rounding; a rank test would need the data. {told}."
        )
        return [Finding("test", Verdict.NOT_REPRODUCED, text, row.p.text, told, values), *beside]
    how = "" if exact else ", within the rounding of means and SDs"
    text = f"P {row.p.text} is that of {' and '.join(fitting)}{how}. {told}."
    return [Finding("test", Verdict.REPRODUCED, text, row.p.text, " + ".join(fitting), values), *beside]


def _t_findings(row: Row, content: MeanRow, sizes: list[int], exact: dict[str, float]) -> list[Finding]:
    """A printed t, of either sign, or F of two groups."""
    if row.statistic is None:
        return []
    low, high = anova_range(content.cells, sizes)
    printed = parse_number(row.statistic.text.lstrip("+-"))
    ranges = {
        "Student t": (math.sqrt(low), math.sqrt(high)),
        "F": (low, high),
        "Welch t": welch_t_range(content.cells, sizes),
    }
    if row.statistic.high < 0:
        del ranges["F"]
    fitting = [name for name, ends in ranges.items() if printed.nearly(*ends)]
    told = f"Student t {exact['Student']:.3f}, Welch t {exact['Welch']:.3f}"
    verdict = Verdict.REPRODUCED if fitting else Verdict.NOT_REPRODUCED
    text = f"{row.statistic.text} is {' and '.join(fitting) or 'no named statistic'} of these means and SDs: {told}."
    return [Finding("statistic", verdict, text, row.statistic.text, told)]


def _df_findings(row: Row, content: MeanRow, sizes: list[int]) -> list[Finding]:
    """Degrees of freedom: those of t, Student's or Welch's, for two groups, of the numerator of F for more."""
    if row.df is None:
        return []
    fitting = (sum(sizes) - 2, 1) if len(sizes) == 2 else (len(sizes) - 1,)
    if len(sizes) == 2 and row.df not in fitting:
        low, high = welch_df_range(content.cells, sizes)
        if math.floor(low) <= row.df <= math.ceil(high):
            text = f"df {row.df} is that of Welch's t test ({low:.1f} to {high:.1f} by rounding)."
            return [Finding("df", Verdict.REPRODUCED, text, str(row.df), f"{low:.1f}")]
    verdict = Verdict.REPRODUCED if row.df in fitting else Verdict.INCONSISTENT
    text = f"{len(sizes)} groups of {sum(sizes)} cases have df {fitting[0]}, {row.df} is printed."
    return [Finding("df", verdict, text, str(row.df), str(fitting[0]))]


def _many_groups(row: Row, content: MeanRow, sizes: list[int]) -> list[Finding]:
    """Analysis of variance beside the printed F and P."""
    numbers = _numbers(content)
    plain, limits = anova_from_summary(*numbers, sizes), anova_range(content.cells, sizes)
    df, within = len(sizes) - 1, float(sum(sizes) - len(sizes))
    values = {"F": plain.statistic, "F P": plain.p_value, "least F": limits[0], "greatest F": limits[1]}
    values["df"] = float(df)
    told = (
        f"ANOVA F({df}, {within:.0f}) {plain.statistic:.2f}, P {p_text(plain.p_value)} "
        f"(F {limits[0]:.2f} to {limits[1]:.2f} by rounding)"
    )
    p_range = (float(special.fdtrc(df, within, limits[1])), float(special.fdtrc(df, within, limits[0])))
    ranges = {"ANOVA": (limits, p_range)}
    if min(sizes) > 1 and all(cell.sd and cell.sd.value > 0 for cell in content.cells):
        other = welch_anova_from_summary(*numbers, sizes)
        ranges["Welch ANOVA"] = welch_anova_ranges(content.cells, sizes)
        values |= {"Welch F": other.statistic, "Welch F P": other.p_value}
        told += f"; Welch F {other.statistic:.2f}, P {p_text(other.p_value)}"
    if row.statistic is not None:
        return _f_findings(row, row.statistic, ranges, told, values, most_h=sum(sizes) - 1)
    if row.p is None:
        return [Finding("test", Verdict.NOT_CHECKED, f"No P value is printed. {told}.", "", told, values)]
    fitting = [name for name, (_, ends) in ranges.items() if row.p.admits(*ends)]
    verdict = Verdict.REPRODUCED if fitting else Verdict.NOT_REPRODUCED
    text = f"P {row.p.text} is that of {' and '.join(fitting) or 'no named test'}. {told}."
    return [Finding("test", verdict, text, row.p.text, " + ".join(fitting) or told, values)]


def _f_findings(
    row: Row, statistic: Printed, ranges: _Ranges, told: str, values: dict[str, float], *, most_h: int
) -> list[Finding]:
    """A printed F, and the P value beside it, by the plain and by Welch's analysis of variance."""
    if statistic.high < 0:
        return [negative_finding(statistic)]
    fitting = {name: p_range for name, (limits, p_range) in ranges.items() if statistic.agrees(*limits)}
    if not fitting:
        return [_other_statistic(statistic, row.p, ranges, told, values, most_h=most_h)]
    both = {name: ends for name, ends in fitting.items() if row.p is None or row.p.admits(*ends)} or fitting
    name = next(iter(both))
    text = f"F {statistic.text} is that of the {name}, within the rounding of means and SDs. {told}."
    main = Finding("test", Verdict.REPRODUCED, text, statistic.text, name, values)
    if row.p is None:
        return [main]
    fits, own = row.p.admits(*both[name]), p_text(values["F P" if name == "ANOVA" else "Welch F P"])
    text = f"P {row.p.text} {'belongs' if fits else 'does not belong'} to that F; its P is {own}."
    return [main, Finding("p", Verdict.REPRODUCED if fits else Verdict.INCONSISTENT, text, row.p.text, own)]


def _other_statistic(
    statistic: Printed, p: PrintedP | None, ranges: _Ranges, told: str, values: dict[str, float], *, most_h: int
) -> Finding:
    """A statistic that is no F of these means and SDs; Kruskal-Wallis H, perhaps."""
    most_f = max(limits[1] for limits, _ in ranges.values())
    if statistic.low > max(most_f, most_h):
        text = (
            f"{statistic.text} cannot come from these means and SDs: F is at most {most_f:.2f}, "
            f"and Kruskal-Wallis H at most N - 1 = {most_h}. {told}."
        )
        return Finding("test", Verdict.IMPOSSIBLE, text, statistic.text, told, values)
    df = int(values["df"])
    values = {**values, "P if Kruskal-Wallis": float(special.chdtrc(df, statistic.value))}
    hint = ""
    if p is not None and p.admits(*chi_square_p_range(statistic, df)):
        hint = f" {statistic.text} with P {p.text} would go together as Kruskal-Wallis H, df {df}; that needs the data."
    text = f"F {statistic.text} is not attainable from these means and SDs.{hint} {told}."
    return Finding("test", Verdict.NOT_REPRODUCED, text, statistic.text, told, values)


def _pooled(content: MeanRow, sizes: list[int]) -> list[Finding]:
    """Mean and SD of all cases against those of the groups."""
    if content.overall is None or len(sizes) < 2:
        return []
    centre, spread = pooled_ranges(content.cells, sizes)
    mean, sd = pooled_mean_and_sd(*_numbers(content), sizes)
    pairs = [("mean", content.overall.mean, centre, mean)]
    if content.overall.sd is not None:
        pairs.append(("SD", content.overall.sd, spread, sd))
    found = []
    for word, printed, (low, high), value in pairs:
        fits = printed.nearly(low, high)
        ends = f"{low:.3f} to {high:.3f} by rounding"
        text = f"The groups together have {word} {value:.3f} ({ends}), {printed.text} is printed."
        verdict = Verdict.REPRODUCED if fits else Verdict.INCONSISTENT
        found.append(
            Finding(f"pooled {word}", verdict, text, printed.text, number_text(value), {f"pooled {word}": value})
        )
    return found


def _granularity(content: MeanRow) -> list[Finding]:
    named = [(group.name, group.size_count, cell) for group, cell in zip(content.groups, content.cells, strict=True)]
    sizes = [size for _, size, _ in named if size is not None]
    if content.overall is not None and len(sizes) == len(named):
        named.append(("all", sum(sizes), content.overall))
    found = []
    for name, size, cell in named:
        if size is not None:
            found += _whole_numbers(name, size, cell) if content.integer else []
            found += _within_limits(name, size, cell, content)
    return found


def _whole_numbers(name: str, size: int, cell: MeanCell) -> list[Finding]:
    if not possible_sums(cell.mean, size):
        near = sorted({math.floor(cell.mean.value * size) / size, math.ceil(cell.mean.value * size) / size})
        others = " or ".join(f"{value:.{cell.mean.decimals}f}" for value in near)
        text = f"{name}: {size} whole numbers cannot have the mean {cell.mean.text}, but {others} (GRIM)."
        return [Finding("granularity", Verdict.IMPOSSIBLE, text, cell.text, others)]
    if cell.sd is None or sd_is_possible(cell.mean, cell.sd, size):
        return []
    text = f"{name}: {size} whole numbers with mean {cell.mean.text} cannot have the SD {cell.sd.text} (GRIMMER)"
    if sd_is_possible(cell.mean, cell.sd, size, population=True):
        text += ", unless it has n, not n - 1, in its denominator."
        return [Finding("granularity", Verdict.INCONSISTENT, text, cell.text)]
    return [Finding("granularity", Verdict.IMPOSSIBLE, f"{text}.", cell.text)]


def _within_limits(name: str, size: int, cell: MeanCell, content: MeanRow) -> list[Finding]:
    low, high = content.span_low, content.span_high
    if low is None or high is None:
        return []
    if cell.mean.high < low or cell.mean.low > high:
        text = f"{name}: the mean {cell.mean.text} lies outside {number_text(low)} to {number_text(high)}."
        return [Finding("range", Verdict.IMPOSSIBLE, text, cell.text)]
    middle = min(max((low + high) / 2, cell.mean.low), cell.mean.high)
    most = greatest_sd(min(max(middle, low), high), size, low=low, high=high)
    if cell.sd is not None and cell.sd.low > most:
        limits = f"between {number_text(low)} and {number_text(high)}"
        text = f"{name}: with mean {cell.mean.text} {limits} the SD is at most {most:.3f}."
        return [Finding("range", Verdict.IMPOSSIBLE, text, cell.text, number_text(most))]
    return []


def _numbers(content: MeanRow) -> tuple[list[float], list[float]]:
    return [cell.mean.value for cell in content.cells], [cell.sd.value if cell.sd else 0.0 for cell in content.cells]


def _quartile_order(name: str, cell: SpanCell) -> Finding:
    ends = (cell.low.low, cell.centre.low, cell.low.high, cell.centre.high, cell.high.high)
    if ends[0] <= ends[3] and ends[1] <= ends[4] and cell.low.low <= cell.high.high:
        return Finding("quartiles", Verdict.REPRODUCED, f"{name}: the quartiles are in order.", cell.text)
    text = f"{name}: quartiles {cell.low.text} and {cell.high.text} do not enclose the median {cell.centre.text}."
    return Finding("quartiles", Verdict.IMPOSSIBLE, text, cell.text)


def _mixture(content: MedianRow, overall: SpanCell) -> list[Finding]:
    """A quantile of all cases lies between the least and the greatest of the groups.

    Interpolation between neighbouring values can carry it a little beyond, by no more than their distance.
    """
    found = []
    room = _neighbours_apart(content, overall)
    for word, pick in (("first quartile", "low"), ("median", "centre"), ("third quartile", "high")):
        own: Printed = getattr(overall, pick)
        others: list[Printed] = [getattr(cell, pick) for cell in content.cells]
        beyond = max(min(other.low for other in others) - own.high, own.low - max(other.high for other in others))
        if beyond > 0:
            text = (
                f"The {word} of all, {own.text}, lies outside those of the groups, "
                f"{', '.join(other.text for other in others)}"
            )
            if beyond <= room:
                text += "; so little that interpolation between neighbouring values may do it."
                found.append(Finding("mixture", Verdict.NOT_CHECKED, text, own.text))
            else:
                text += "; a mixture cannot do that."
                found.append(Finding("mixture", Verdict.INCONSISTENT, text, own.text))
    if not found:
        found.append(Finding("mixture", Verdict.REPRODUCED, "The quartiles of all lie between those of the groups."))
    return found


def _neighbours_apart(content: MedianRow, overall: SpanCell) -> float:
    """Twice the mean distance of neighbours between the quartiles of all; 0 where the sizes are not printed."""
    sizes = [group.size_count for group in content.groups]
    total = sum(size for size in sizes if size is not None)
    return 4 * (overall.high.value - overall.low.value) / total if None not in sizes and total else 0.0
