"""Checks of rows of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from recanal.audit.chi_square_checks import negative_finding
from recanal.audit.count_cells import cell_findings, overall_findings, resolved_count
from recanal.audit.count_tests import candidates, count_test_findings
from recanal.audit.findings import Finding, Verdict, number_text, p_text
from recanal.audit.printed import CountCell, Printed
from recanal.audit.rows import CountRow, Group, LevelsRow, PercentagesRow, PercentRow, Row, TrendRow
from recanal.stats.contingency import (
    cochran_armitage_test,
    fisher_freeman_halton_statistic,
    likelihood_ratio_test,
    pearson_test,
)
from recanal.stats.summary_tests import odds_ratio_wald

__all__ = ["check_count", "check_levels", "check_percent", "check_percentages", "check_trend", "counts_table"]


def check_count(row: Row, content: CountRow, sizes: frozenset[int]) -> list[Finding]:
    """Cells, total, test and odds ratio of one characteristic."""
    cells = [
        finding
        for cell, group in zip(content.cells, content.groups, strict=True)
        for finding in cell_findings(cell, group, sizes=sizes)
    ]
    cells += overall_findings(content.cells, content.groups, content.overall, sizes=sizes)
    if len(content.groups) == 1 and row.p is None and row.statistic is None and cells:
        return _ordered([], cells, row)
    table = counts_table(content)
    if table is None:
        main = Finding("test", Verdict.NOT_CHECKED, "The counts or group sizes that a test needs are not printed.")
        return _ordered([main], cells, row)
    if not (table.sum(axis=1).all() and table.sum(axis=0).all()):
        main = Finding("test", Verdict.NOT_CHECKED, "All cases are alike; no test is possible.")
        return _ordered([main], cells, row)
    tried = candidates(table, content.groups, content.merges, search=row.statistic is not None)
    tests = count_test_findings(tried, table, statistic=row.statistic, p=row.p)
    if table.shape == (2, 2):
        tests[0] = _with_odds_ratio(tests[0], table)
    return _ordered([*tests, *_df_findings(row, table)], cells, row)


def check_levels(row: Row, content: LevelsRow, sizes: frozenset[int]) -> list[Finding]:
    """Cells, sums and test of a characteristic with several levels."""
    cells: list[Finding] = []
    for level in content.levels:
        for cell, group in zip(level.cells, content.groups, strict=True):
            cells += cell_findings(cell, Group(f"{level.name}, {group.name}", group.size_count), sizes=sizes)
        cells += overall_findings(level.cells, content.groups, level.overall, sizes=sizes)
    counts = [[resolved_count(c, g) for c, g in zip(one.cells, content.groups, strict=True)] for one in content.levels]
    if any(count is None for line in counts for count in line):
        return _ordered([Finding("test", Verdict.NOT_CHECKED, "Not every count is printed.")], cells, row)
    table = np.array(counts, dtype=float)
    for place, group in enumerate(content.groups):
        added = int(table[:, place].sum())
        if group.size_count is not None:
            verdict = Verdict.REPRODUCED if added == group.size_count else Verdict.INCONSISTENT
            text = f"{group.name}: the levels add up to {added}, the group has {group.size_count}."
            cells.append(Finding("levels", verdict, text, str(group.size_count), str(added)))
    kept = table[table.sum(axis=1) > 0]
    if len(kept) < 2 or not kept.sum(axis=0).all():
        return _ordered([Finding("test", Verdict.NOT_CHECKED, "All cases are alike; no test is possible.")], cells, row)
    tried = candidates(kept, content.groups, content.merges, search=row.statistic is not None)
    tests = count_test_findings(tried, kept, statistic=row.statistic, p=row.p)
    return _ordered([*tests, *_df_findings(row, kept)], cells, row)


def check_percent(content: PercentRow, sizes: frozenset[int]) -> list[Finding]:
    """A percentage against its count and denominator."""
    found = cell_findings(content.cell, Group("", None), sizes=sizes)
    return found or [Finding("percentage", Verdict.NOT_CHECKED, "Count, denominator and percentage are all needed.")]


def check_trend(row: Row, content: TrendRow) -> list[Finding]:
    """A trend over ordered groups: Cochran-Armitage, and linear by linear, whose chi-square is (N - 1)/N of that."""
    counts = [resolved_count(cell, group) for cell, group in zip(content.cells, content.groups, strict=True)]
    totals = [_total(cell, group) for cell, group in zip(content.cells, content.groups, strict=True)]
    known = [(count, total) for count, total in zip(counts, totals, strict=True) if count is not None and total]
    if len(known) < len(counts):
        return [Finding("test", Verdict.NOT_CHECKED, "Not every count and group size is printed.")]
    test = cochran_armitage_test([count for count, _ in known], [total for _, total in known])
    z, cases = test.statistic or 0.0, sum(total for _, total in known)
    linear = z**2 * (cases - 1) / cases
    p_values = {"Cochran-Armitage": test.p_value or 0.0, "linear by linear": float(special.chdtrc(1, linear))}
    values = {"Cochran-Armitage z": z, "Cochran-Armitage P": p_values["Cochran-Armitage"]}
    values |= {"linear by linear chi-square": linear, "linear by linear P": p_values["linear by linear"]}
    told = (
        f"Cochran-Armitage z {z:.2f}, chi-square {z**2:.2f}, P {p_text(p_values['Cochran-Armitage'])}; "
        f"linear by linear {linear:.2f}, P {p_text(p_values['linear by linear'])}"
    )
    beside = _trend_statistic(row.statistic, z, linear, told)
    if row.p is None:
        return beside or [Finding("test", Verdict.NOT_CHECKED, f"No P value is printed. {told}.", "", told, values)]
    fitting = [name for name, value in p_values.items() if row.p.admits(value)]
    verdict = Verdict.REPRODUCED if fitting else Verdict.NOT_REPRODUCED
    text = f"P {row.p.text} is {'that of ' + ' and '.join(fitting) if fitting else 'not that of the trend'}: {told}."
    return [Finding("test", verdict, text, row.p.text, " + ".join(fitting) or told, values), *beside]


def _trend_statistic(statistic: Printed | None, z: float, linear: float, told: str) -> list[Finding]:
    """A printed z, of either sign, its square, or the linear-by-linear chi-square (N - 1) r squared."""
    if statistic is None:
        return []
    numbers = {"z": z, "-z": -z, "Cochran-Armitage chi-square": z**2, "linear by linear chi-square": linear}
    fitting = [name for name, value in numbers.items() if statistic.nearly(value)]
    verdict = Verdict.REPRODUCED if fitting else Verdict.NOT_REPRODUCED
    text = f"{statistic.text} is {' and '.join(fitting) or 'not that of the trend'}: {told}."
    return [Finding("statistic", verdict, text, statistic.text, " + ".join(fitting) or told)]


def check_percentages(row: Row, content: PercentagesRow) -> list[Finding]:
    """Whether a statistic comes from percentages typed in as if they were counts out of 100."""
    shares = np.array([percent.value for percent in content.percents])
    table = np.stack([shares, 100 - shares])
    if not (table.sum(axis=1) > 0).all():
        return [Finding("test", Verdict.NOT_CHECKED, "All percentages are 0 or 100.")]
    found = {
        "Pearson": pearson_test(table).statistic or 0.0,
        "likelihood ratio": likelihood_ratio_test(table).statistic or 0.0,
        "Fisher-Freeman-Halton": fisher_freeman_halton_statistic(table),
    }
    told = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
    if row.statistic is None:
        return [Finding("test", Verdict.NOT_CHECKED, f"No statistic is printed. {told}.", "", told, found)]
    if row.statistic.high < 0:
        return [negative_finding(row.statistic)]
    fitting = [name for name, value in found.items() if row.statistic.nearly(value)]
    verdict = Verdict.REPRODUCED if fitting else Verdict.NOT_REPRODUCED
    text = f"Percentages taken for counts out of 100 give {told}; {row.statistic.text} is printed."
    return [Finding("test", verdict, text, row.statistic.text, told, found)]


def counts_table(content: CountRow) -> NDArray[np.float64] | None:
    """The table of a characteristic, with and without it by group; None where a count or size is missing."""
    totals = [_total(cell, group) for cell, group in zip(content.cells, content.groups, strict=True)]
    sized = [Group(group.name, total) for group, total in zip(content.groups, totals, strict=True)]
    counts = [resolved_count(cell, group) for cell, group in zip(content.cells, sized, strict=True)]
    table = [(c, t - c) for c, t in zip(counts, totals, strict=True) if c is not None and t is not None and c <= t]
    return np.array(table, dtype=float).T if len(table) == len(counts) >= 2 else None


def _total(cell: CountCell, group: Group) -> int | None:
    """The denominator of a cell: its own where one is printed, be it 0, else the group size."""
    return group.size_count if cell.total is None else cell.total


def _ordered(tests: list[Finding], cells: list[Finding], row: Row) -> list[Finding]:
    """The test first where something was printed to test; else the gravest finding on the cells."""
    if row.p is None and row.statistic is None and cells:
        order = list(Verdict)
        return [*sorted(cells, key=lambda finding: order.index(finding.verdict)), *tests]
    return [*tests, *cells]


def _with_odds_ratio(finding: Finding, table: NDArray[np.float64]) -> Finding:
    ratio = odds_ratio_wald(table[:, ::-1])
    values = {
        **finding.values,
        "odds ratio": ratio.ratio,
        "odds ratio low": ratio.low_ratio,
        "odds ratio high": ratio.high_ratio,
    }
    text = (
        f"{finding.message} Odds ratio, second against first group, {number_text(ratio.ratio)} "
        f"({number_text(ratio.low_ratio)} to {number_text(ratio.high_ratio)})"
        f"{', 1/2 added to each cell' if ratio.corrected else ''}."
    )
    return Finding(finding.check, finding.verdict, text, finding.printed, finding.recomputed, values)


def _df_findings(row: Row, table: NDArray[np.float64]) -> list[Finding]:
    if row.df is None:
        return []
    df = (table.shape[0] - 1) * (table.shape[1] - 1)
    verdict = Verdict.REPRODUCED if df == row.df else Verdict.INCONSISTENT
    text = f"A {table.shape[0]} x {table.shape[1]} table has df {df}, {row.df} is printed."
    return [Finding("df", verdict, text, str(row.df), str(df))]
