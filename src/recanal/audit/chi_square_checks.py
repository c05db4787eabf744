"""Checks of chi-square statistics on their own."""

from __future__ import annotations

from scipy import special

from recanal.audit.degrees import MOST_DF, chi_square_p_range, degrees_text, fitting_degrees
from recanal.audit.findings import Finding, Verdict, number_text, p_text
from recanal.audit.printed import Printed, PrintedP
from recanal.audit.rows import ChiSquareRow, Row

__all__ = ["check_chi_square", "negative_finding"]

_MOST_LISTED = 3


def check_chi_square(row: Row, content: ChiSquareRow) -> list[Finding]:
    """A chi-square statistic against its P value, df and the size of its table."""
    statistic = row.statistic
    if statistic is None:
        return [Finding("test", Verdict.NOT_CHECKED, "No statistic is printed.")]
    if statistic.high < 0:
        return [negative_finding(statistic)]
    found = [*_bound(statistic, content), *_df_of_shape(row.df, content.shape)]
    if row.p is None:
        return found or [Finding("test", Verdict.NOT_CHECKED, "No P value is printed.", statistic.text)]
    if row.df is not None:
        return [*found, _at_printed_df(statistic, row.p, row.df)]
    if content.shape is not None:
        return [*found, _at_df_of_shape(statistic, row.p, content.shape)]
    return [*found, _at_any_df(statistic, row.p)]


def negative_finding(statistic: Printed) -> Finding:
    """A chi-square or an F below 0."""
    text = f"{statistic.text} is below 0; a chi-square or an F is 0 or more."
    return Finding("test", Verdict.IMPOSSIBLE, text, statistic.text)


def _at_printed_df(statistic: Printed, p: PrintedP, df: int) -> Finding:
    fits, told, values = _at(statistic, p, df)
    text = f"{statistic.text} with df {df} has P {told}, {p.text} is printed."
    dfs = fitting_degrees(statistic, p)
    if not fits and dfs:
        text += f" That goes with df {degrees_text(dfs)}."
    return Finding("test", Verdict.REPRODUCED if fits else Verdict.INCONSISTENT, text, p.text, told, values)


def _at_df_of_shape(statistic: Printed, p: PrintedP, shape: tuple[int, int]) -> Finding:
    """No df is printed, but the table has one; a test for trend has another, so that nothing is contradicted."""
    df = _shape_df(shape)
    fits, told, values = _at(statistic, p, df)
    text = f"{statistic.text} with df {df}, that of a {shape[0]} x {shape[1]} table, has P {told}, {p.text} is printed."
    if fits:
        return Finding("test", Verdict.REPRODUCED, text, p.text, told, values)
    dfs = fitting_degrees(statistic, p)
    if dfs:
        text += f" That goes with df {degrees_text(dfs)}."
        return Finding("test", Verdict.NOT_REPRODUCED, text, p.text, told, values)
    return Finding("test", Verdict.INCONSISTENT, f"{text} That goes with no df.", p.text, told, values)


def _at_any_df(statistic: Printed, p: PrintedP) -> Finding:
    dfs = fitting_degrees(statistic, p)
    if dfs:
        p_values = {df: float(special.chdtrc(df, max(statistic.value, 0.0))) for df in (dfs[0], dfs[-1])}
        if len(dfs) <= _MOST_LISTED:
            p_values = {df: float(special.chdtrc(df, max(statistic.value, 0.0))) for df in dfs}
            told = ", ".join(f"df {df}: P {p_text(value)}" for df, value in p_values.items())
        else:
            ends = f"P {p_text(p_values[dfs[0]])} to {p_text(p_values[dfs[-1]])}"
            told = f"df {degrees_text(dfs)}: {ends}"
        values = {"df": float(dfs[0]), "greatest df": float(dfs[-1]), "P": p_values[dfs[0]]}
        text = f"P {p.text} goes with {statistic.text} at {told}."
        return Finding("test", Verdict.REPRODUCED, text, p.text, told, values)
    if chi_square_p_range(statistic, MOST_DF)[1] < p.limits[0]:
        text = f"P {p.text} would go with {statistic.text} only at more than {MOST_DF} df."
        return Finding("test", Verdict.NOT_CHECKED, text, p.text)
    text = f"P {p.text} goes with {statistic.text} at no df from 1 to {MOST_DF}."
    return Finding("test", Verdict.INCONSISTENT, text, p.text)


def _at(statistic: Printed, p: PrintedP, df: int) -> tuple[bool, str, dict[str, float]]:
    """Whether the P value fits, the P value in words and as values."""
    low, high = chi_square_p_range(statistic, df)
    value = float(special.chdtrc(df, max(statistic.value, 0.0)))
    values = {"df": float(df), "P": value, "least P": low, "greatest P": high}
    return p.admits(low, high), p_text(value), values


def _shape_df(shape: tuple[int, int]) -> int:
    return (shape[0] - 1) * (shape[1] - 1)


def _df_of_shape(df: int | None, shape: tuple[int, int] | None) -> list[Finding]:
    if df is None or shape is None:
        return []
    own = _shape_df(shape)
    verdict = Verdict.REPRODUCED if own == df else Verdict.INCONSISTENT
    text = f"A {shape[0]} x {shape[1]} table has df {own}, {df} is printed."
    return [Finding("df", verdict, text, str(df), str(own))]


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
