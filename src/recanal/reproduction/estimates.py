"""Printed odds ratios, areas, fits and tests beside those of the plan, brought to the size of the paper."""

from __future__ import annotations

import math

from scipy.stats import chi2, f

from recanal.audit.printed import Printed
from recanal.audit.rows import AucRow, RatioRow
from recanal.errors import OptionError
from recanal.reproduction.cells import Place, Record
from recanal.reproduction.errors_of_print import auc_error, ratio_error
from recanal.reproduction.quantities import CellComparison, Quantity, normal_of_p, p_at_size, p_quantity
from recanal.study.wording import interval_text, number_text, p_text, ratio_text

__all__ = ["area_cells", "fit_cells", "ratio_cells", "test_cell", "trend_cells"]

_Z = 1.959963985


def ratio_cells(place: Place) -> tuple[CellComparison, ...]:
    """An odds ratio, its interval and P value."""
    content = place.row.content
    if not isinstance(content, RatioRow):
        raise OptionError(f"{place.row.name}: holds no ratio.")
    entry, source = place.entry(place.link.analysis, "predictors", "variable")
    source = f"{source}/{place.link.part}/coefficients/1"
    model = entry[place.link.part]
    found = model["coefficients"][1]
    wide = found["standard_error"] * math.sqrt(model["n"] / place.lesions_count)
    values = [found["beta"] + step * wide for step in (0.0, -_Z, _Z)]
    cell, error = content.cell, ratio_error(content.cell)
    quantities = []
    for kind, printed, value in zip(
        ("ratio", "limit", "limit"), (cell.centre, cell.low, cell.high), values, strict=True
    ):
        wanted = math.log(printed.value)
        quantities.append(Quantity(kind, printed.value, math.exp(value), error, (value - wanted) / error, source))
    text = ratio_text(*(math.exp(value) for value in values), decimals=cell.centre.decimals)
    p = 2 * _tail(abs(found["beta"]) / wide)
    return (CellComparison(cell.text, text, tuple(quantities), source), *_p_cell(place, p, source))


def area_cells(place: Place) -> tuple[CellComparison, ...]:
    """An area under the curve, its interval and the P value against 0.5."""
    content = place.row.content
    if not isinstance(content, AucRow):
        raise OptionError(f"{place.row.name}: holds no area.")
    entry, source = place.entry(place.link.analysis, "scores", "score")
    area, source = entry["area"], f"{source}/area"
    size = area["events_count"] + area["others_count"]
    wide = area["standard_error"] * math.sqrt(size / place.lesions_count)
    cell, error = content.cell, auc_error(content.cell)
    values = (area["auc"], area["auc"] - _Z * wide, area["auc"] + _Z * wide)
    quantities = tuple(
        Quantity(kind, printed.value, value, error, (value - printed.value) / error, source)
        for kind, printed, value in zip(
            ("area", "limit", "limit"), (cell.centre, cell.low, cell.high), values, strict=True
        )
    )
    text = interval_text(*values, decimals=3)
    p = 2 * _tail(abs(area["auc"] - 0.5) / wide)
    return (CellComparison(cell.text, text, quantities, source), *_p_cell(place, p, source))


def fit_cells(place: Place) -> tuple[CellComparison, ...]:
    """A Hosmer-Lemeshow statistic: what it would be on average in a study of the size of the paper.

    Under a perfect fit its mean is its degrees of freedom; what goes beyond grows with the size. Its standard error is
    the root of twice the degrees of freedom.
    """
    if place.row.statistic is None:
        raise OptionError(f"{place.row.name}: holds no statistic.")
    entry, source = place.entry(place.link.analysis, "scores", "score")
    found = entry["hosmer_lemeshow"]
    df = found["df"]
    mean = df + max(0.0, found["statistic"] - df) * place.lesions_count / entry["n"]
    printed, error = place.row.statistic.value, math.sqrt(2 * df)
    quantity = Quantity("test", printed, mean, error, (mean - printed) / error, f"{source}/hosmer_lemeshow")
    texts = (f"χ² {place.row.statistic.text}", f"χ² {number_text(mean, decimals=3)} (df {df})")
    p_texts = (place.row.p.text if place.row.p else "", p_text(float(chi2.sf(mean, df))))
    return CellComparison(*texts, (quantity,), source), CellComparison(*p_texts, (), source)


def trend_cells(place: Place) -> tuple[CellComparison, ...]:
    """The P value of a trend."""
    record = place.analysis(place.link.analysis)
    ratio = place.lesions_count / record["n"]
    source = f"/analyses/{place.link.analysis}/trend"
    p = 2 * _tail(abs(record["trend"]["z"]) * math.sqrt(ratio))
    return (CellComparison("", ""), *_p_cell(place, p, source))


def test_cell(place: Place) -> tuple[CellComparison, ...]:
    """The test of a row of a table, nothing where none is printed."""
    printed = place.row.p
    if printed is None:
        return ()
    entry, source = place.entry(place.link.test_analysis, "rows", "variable")
    groups = getattr(place.row.content, "groups", ())
    size = sum(group.size_count or 0 for group in groups)
    test = entry["test"]
    p = p_at_size(test, size / entry["n"], size)
    if p is None:
        return (CellComparison(_printed_text(place), "–", (), f"{source}/test"),)
    return _p_cell(place, p, f"{source}/test", _p_of_statistic(place.row.statistic, test, size))


def _printed_text(place: Place) -> str:
    p = place.row.p.text if place.row.p else ""
    return f"{place.row.statistic.text}; {p}" if place.row.statistic else p


def _p_cell(place: Place, p: float, source: str, exact: float | None = None) -> tuple[CellComparison, ...]:
    """A printed P value beside ``p``; ``exact`` is the P value of a printed statistic, which says more."""
    printed = place.row.p
    if printed is None:
        return ()
    quantity = p_quantity(printed, p, source)
    if exact is not None:
        wanted, found = normal_of_p(exact), normal_of_p(p)
        quantity = Quantity("test", wanted, found, 1.0, found - wanted, source)
    return (CellComparison(_printed_text(place), p_text(p), (quantity,), source),)


def _p_of_statistic(statistic: Printed | None, test: Record, size: int) -> float | None:
    if statistic is None or test.get("df") is None:
        return None
    if test["name"] in ("anova", "welch_anova"):
        return float(f.sf(statistic.value, test["df"], size - test["df"] - 1))
    return float(chi2.sf(statistic.value, test["df"]))


def _tail(deviate: float) -> float:
    return 0.5 * math.erfc(deviate / math.sqrt(2))
