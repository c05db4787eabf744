"""Every row of a publication, checked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recanal.audit.auc_checks import check_auc, check_strata
from recanal.audit.chi_square_checks import check_chi_square
from recanal.audit.count_checks import (
    check_count,
    check_levels,
    check_percent,
    check_percentages,
    check_trend,
    counts_table,
)
from recanal.audit.estimate_checks import check_ratio
from recanal.audit.findings import AuditReport, Finding, RowReport, RuleFit, Verdict
from recanal.audit.mean_checks import check_mean, check_median
from recanal.audit.printed import PrintedP
from recanal.audit.rows import (
    AucRow,
    ChiSquareRow,
    ColumnSumRow,
    CountRow,
    Document,
    LevelsRow,
    MeanRow,
    MedianRow,
    PercentagesRow,
    PercentRow,
    RatioRow,
    Row,
    ScoreRow,
    StrataRow,
    TotalsRow,
    TrendRow,
)
from recanal.audit.sum_checks import check_column_sums, check_score, check_totals
from recanal.errors import OptionError
from recanal.stats.contingency import (
    CountTest,
    choose_count_test,
    fisher_exact_test,
    likelihood_ratio_test,
    pearson_test,
    yates_test,
)

__all__ = ["audit_document"]

_Table = NDArray[np.float64]


def audit_document(document: Document, *, progress: Callable[[int, int], None] | None = None) -> AuditReport:
    """The audit of the tables of one publication.

    Parameters
    ----------
    document
        The tables as typed.
    progress
        Called with the rows done and the rows in all.
    """
    reports = []
    for number, row in enumerate(document.rows, start=1):
        findings = tuple(_check(row, document.sizes))
        kind = type(row.content).__name__.removesuffix("Row")
        reports.append(RowReport(row.table, row.name, kind, findings, note=row.note, what_if=row.what_if))
        if progress is not None:
            progress(number, len(document.rows))
    return AuditReport(document.title, document.doi, tuple(reports), _rules(document))


def _check(row: Row, sizes: frozenset[int]) -> list[Finding]:
    """The findings of a row; numbers that allow no test say so, and do not stop the audit of the others."""
    try:
        return [*_of_counts(row, sizes), *_of_estimates(row), *_of_sums(row), *_unused(row)]
    except OptionError as error:
        return [Finding("test", Verdict.NOT_CHECKED, error.message)]


def _unused(row: Row) -> list[Finding]:
    """Says which printed numbers no check of this kind of row looks at."""
    used: tuple[str, ...] = ("statistic", "df", "p")
    match row.content:
        case TrendRow():
            used = ("statistic", "p")
        case RatioRow() | AucRow() | MedianRow():
            used = ("p",)
        case PercentagesRow():
            used = ("statistic",)
        case StrataRow() | PercentRow() | ScoreRow() | TotalsRow() | ColumnSumRow():
            used = ()
    texts = {
        "statistic": f"statistic {row.statistic.text}" if row.statistic else "",
        "df": f"df {row.df}" if row.df else "",
        "p": f"P {row.p.text}" if row.p else "",
    }
    left = [text for name, text in texts.items() if text and name not in used]
    if not left:
        return []
    text = f"Not looked at in a row of this kind: {', '.join(left)}."
    return [Finding("unused", Verdict.NOT_CHECKED, text, ", ".join(left))]


def _of_counts(row: Row, sizes: frozenset[int]) -> list[Finding]:
    match row.content:
        case CountRow() as content:
            return check_count(row, content, sizes)
        case LevelsRow() as content:
            return check_levels(row, content, sizes)
        case PercentRow() as content:
            return check_percent(content, sizes)
        case PercentagesRow() as content:
            return check_percentages(row, content)
        case TrendRow() as content:
            return check_trend(row, content)
        case _:
            return []


def _of_estimates(row: Row) -> list[Finding]:
    match row.content:
        case MeanRow() as content:
            return check_mean(row, content)
        case MedianRow() as content:
            return check_median(row, content)
        case RatioRow() as content:
            return check_ratio(row, content)
        case AucRow() as content:
            return check_auc(row, content)
        case ChiSquareRow() as content:
            return check_chi_square(row, content)
        case _:
            return []


def _of_sums(row: Row) -> list[Finding]:
    match row.content:
        case StrataRow() as content:
            return check_strata(content)
        case ScoreRow() as content:
            return check_score(content)
        case TotalsRow() as content:
            return check_totals(content)
        case ColumnSumRow() as content:
            return check_column_sums(content)
        case _:
            return []


def _rules(document: Document) -> tuple[RuleFit, ...]:
    """Rules for choosing the test, by how many printed P values of two-group counts each gives."""
    rules: dict[str, Callable[[_Table], CountTest]] = {
        "spss: Pearson from 5 expected, Yates from 1, Fisher below": lambda table: choose_count_test(
            table, rule="spss"
        ),
        "recommended: N-1 chi-square from 1 expected, Fisher below": choose_count_test,
        "Pearson always": pearson_test,
        "Yates always": yates_test,
        "likelihood ratio always": likelihood_ratio_test,
        "Fisher always": fisher_exact_test,
    }
    tables = [pair for row in document.rows if (pair := _two_by_two(row)) is not None]
    fits = [
        RuleFit(name, sum(_admitted(test(table).p_value, p) for table, p in tables), len(tables))
        for name, test in rules.items()
    ]
    return tuple(sorted(fits, key=lambda fit: -fit.reproduced_count)) if tables else ()


def _admitted(p_value: float | None, p: PrintedP) -> bool:
    return p_value is not None and p.admits(p_value)


def _two_by_two(row: Row) -> tuple[_Table, PrintedP] | None:
    if not isinstance(row.content, CountRow) or row.p is None or row.what_if:
        return None
    table = counts_table(row.content)
    if table is None or table.shape != (2, 2) or not (table.sum(axis=0).all() and table.sum(axis=1).all()):
        return None
    return table, row.p
