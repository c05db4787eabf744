"""Agreement of raters and methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.agreement.bland_altman import bland_altman
from recanal.agreement.intraclass import intraclass_correlation
from recanal.agreement.kappa import cohen_kappa, fleiss_kappa, gwet_coefficient
from recanal.core.study import StudyCell, StudyFigure, StudyLine, StudyRow, StudySection, StudySeries, StudyTable
from recanal.errors import InputError
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import AgreementPlan
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import interval_text, number_text, p_text

__all__ = ["run_agreement"]


def run_agreement(plan: AgreementPlan, data: StudyData, context: Context) -> Finding:
    """Agreement of the columns of each pair or set, one row each.

    Raises
    ------
    StudyError
        When a method cannot use the columns; the message names line and key.
    """
    rows: list[dict[str, Any]] = []
    for columns in plan.pairs:
        try:
            rows.append(_KINDS[plan.kind](plan, columns, data, context))
        except InputError as error:
            raise plan.place.error("columns", f"{', '.join(columns)}: {error.message}", hint=error.hint) from error
    record = {"kind": plan.kind, "rows": [plain_record(row) for row in rows]}
    figures = (
        [_figure(plan, number, row, data) for number, row in enumerate(rows)] if plan.kind == "bland_altman" else []
    )
    warnings = _warnings(plan, data)
    section = StudySection(plan.id, plan.title, (_table(plan, rows, context),), tuple(figures), (), warnings)
    return Finding(record, section, (Used(plan.kind, plan.title),))


def _warnings(plan: AgreementPlan, data: StudyData) -> tuple[str, ...]:
    if data.patient is None or data.patient_count == data.rows_count:
        return ()
    return ("Some patients have several lesions: agreement counts lesions as independent.",)


def _matrix(columns: Sequence[str], data: StudyData) -> tuple[NDArray[np.float64], int]:
    """Rows in which every column is known, and the number of the others."""
    values = np.column_stack([data.numbers(name) for name in columns])
    known = ~np.isnan(values).any(axis=1)
    return values[known], int((~known).sum())


def _levels(columns: Sequence[str], data: StudyData) -> tuple[list[tuple[str, ...]], list[str], int]:
    """Levels of the rows in which every column is known, all levels in order, and the number of the other rows."""
    parts = [data.codes(name) for name in columns]
    levels = list(dict.fromkeys(level for _, names, _ in parts for level in names))
    if all(_is_number(level) for level in levels):
        levels.sort(key=float)
    known = np.all([codes >= 0 for codes, _, _ in parts], axis=0)
    picked = [np.array(names, dtype=object)[codes[known]] for codes, names, _ in parts]
    return list(zip(*picked, strict=True)), levels, int((~known).sum())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _head(columns: Sequence[str], data: StudyData, n: int, missing: int) -> dict[str, Any]:
    labels = [data.variables[name].label for name in columns]
    return {"columns": list(columns), "label": " / ".join(labels), "n": n, "missing": missing}


def _icc(plan: AgreementPlan, columns: Sequence[str], data: StudyData, context: Context) -> dict[str, Any]:
    values, missing = _matrix(columns, data)
    found = intraclass_correlation(values, form=plan.form, level=context.level)
    head = _head(columns, data, len(values), missing)
    return head | {
        "result": found,
        "name": f"{found.form}, {found.other_name}",
        "code": code_path(intraclass_correlation),
    }


def _bland_altman(plan: AgreementPlan, columns: Sequence[str], data: StudyData, context: Context) -> dict[str, Any]:
    values, missing = _matrix(columns, data)
    found = bland_altman(values[:, 0], values[:, 1], level=context.level)
    points = {"mean": values.mean(axis=1), "difference": values[:, 0] - values[:, 1]}
    head = _head(columns, data, len(values), missing)
    return head | {"result": found, "points": points, "code": code_path(bland_altman)}


def _kappa(plan: AgreementPlan, columns: Sequence[str], data: StudyData, context: Context) -> dict[str, Any]:
    rows, levels, missing = _levels(columns, data)
    first, second = ([row[place] for row in rows] for place in (0, 1))
    found = cohen_kappa(first, second, weights=plan.weights, categories=levels, level=context.level)
    return _head(columns, data, len(rows), missing) | {
        "result": found,
        "name": found.name,
        "code": code_path(cohen_kappa),
    }


def _fleiss(plan: AgreementPlan, columns: Sequence[str], data: StudyData, context: Context) -> dict[str, Any]:
    rows, levels, missing = _levels(columns, data)
    found = fleiss_kappa(rows, categories=levels, level=context.level)
    return _head(columns, data, len(rows), missing) | {
        "result": found,
        "name": found.name,
        "code": code_path(fleiss_kappa),
    }


def _gwet(plan: AgreementPlan, columns: Sequence[str], data: StudyData, context: Context) -> dict[str, Any]:
    rows, levels, missing = _levels(columns, data)
    found = gwet_coefficient(rows, weights=plan.weights, categories=levels, level=context.level)
    head = _head(columns, data, len(rows), missing)
    return head | {"result": found, "name": found.name, "code": code_path(gwet_coefficient)}


_KINDS = {"icc": _icc, "bland_altman": _bland_altman, "kappa": _kappa, "fleiss": _fleiss, "gwet": _gwet}


def _table(plan: AgreementPlan, rows: list[dict[str, Any]], context: Context) -> StudyTable:
    level = f"{100 * context.level:g}% CI"
    head: tuple[str, ...]
    if plan.kind == "bland_altman":
        head = (
            "Compared",
            "n",
            f"Bias ({level})",
            f"Lower limit ({level})",
            f"Upper limit ({level})",
            "SD of differences",
        )
    else:
        head = ("Compared", "n", "Coefficient", f"Value ({level})", "P value")
    out = []
    for number, row in enumerate(rows):
        source = f"/analyses/{plan.id}/rows/{number}"
        cells = [StudyCell(row["label"], source), StudyCell(str(row["n"]), source)]
        result, where = row["result"], f"{source}/result"
        if plan.kind == "bland_altman":
            for part in ("bias", "lower_limit", "upper_limit"):
                one = getattr(result, part)
                cells.append(StudyCell(interval_text(one.value, one.low, one.high, decimals=2), f"{where}/{part}"))
            cells.append(StudyCell(number_text(result.sd_value, decimals=2), where))
        else:
            cells.append(StudyCell(row["name"] + _weights(plan), where))
            cells.append(StudyCell(interval_text(result.value, result.low, result.high, decimals=3), where))
            cells.append(StudyCell(p_text(result.p_value), where))
        out.append(StudyRow(tuple(cells)))
    absent = [f"{row['label']} {row['missing']}" for row in rows if row["missing"]]
    notes = (f"Left out for a missing value: {'; '.join(absent)}.",) if absent else ()
    return StudyTable(plan.id, plan.title, head, tuple(out), notes)


def _weights(plan: AgreementPlan) -> str:
    return f", {plan.weights} weights" if plan.kind in ("kappa", "gwet") and plan.weights != "none" else ""


def _figure(plan: AgreementPlan, number: int, row: dict[str, Any], data: StudyData) -> StudyFigure:
    first, second = (data.variables[name].label for name in row["columns"])
    result, points = row["result"], row["points"]
    lines = tuple(
        StudyLine(one.value, f"{words} {number_text(one.value, decimals=2)}", dashed)
        for words, one, dashed in (
            ("bias", result.bias, False),
            ("lower", result.lower_limit, True),
            ("upper", result.upper_limit, True),
        )
    )
    series = StudySeries("", tuple(map(float, points["mean"])), tuple(map(float, points["difference"])))
    return StudyFigure(
        f"{plan.id}_{number + 1}", f"{plan.title}: {row['label']}", "differences", f"Mean of {first} and {second}",
        f"{first} − {second}", (series,), lines,
    )  # fmt: skip
