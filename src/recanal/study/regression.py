"""Odds ratios: each predictor alone and adjusted, one table and one forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import RegressionPlan
from recanal.study.models import Model, fit_model
from recanal.study.outcome import Context, Finding, Used, plain_record
from recanal.study.wording import p_text, ratio_text

__all__ = ["run_regression"]

_Sets = list[tuple[str, Model, Model | None]]


def run_regression(plan: RegressionPlan, data: StudyData, context: Context) -> Finding:
    """A table of odds ratios with its forest plot.

    Every predictor is fitted alone; then with the variables of ``adjust``, one predictor at a time, or, where the
    plan says ``together``, all predictors and adjustments in one model.

    Raises
    ------
    StudyError
        When there are too many parameters for the events, the outcome has one class, or a model cannot be fitted.
    """
    sets = _models(plan, data, context)
    models = [model for _, first, second in sets for model in (first, second) if model is not None]
    warnings = tuple(dict.fromkeys(warning for model in models for warning in model.warnings))
    record = {
        "kind": "regression",
        "outcome": plan.outcome.column,
        "event": plan.outcome.event,
        "together": plan.together,
        "adjusted_for": list(plan.adjust),
        "predictors": [
            {
                "variable": name,
                "label": data.variables[name].label,
                "unadjusted": plain_record(first.record),
                "adjusted": None if second is None else plain_record(second.record),
            }
            for name, first, second in sets
        ],
    }
    table, figure = _table(plan, data, sets), _forest(plan, data, sets)
    sentence = f"Odds ratios above 1 mean that '{_event_words(plan, data)}' is more likely."
    section = StudySection(plan.id, plan.title, (table,), (figure,), (sentence,), warnings)
    return Finding(record, section, _used(plan, models))


def _models(plan: RegressionPlan, data: StudyData, context: Context) -> _Sets:
    together = None
    if plan.together:
        together = fit_model((*plan.predictors, *plan.adjust), plan, data, context)
    sets: _Sets = []
    for name in plan.predictors:
        alone = fit_model((name,), plan, data, context)
        adjusted = together
        if adjusted is None and plan.adjust:
            adjusted = fit_model((name, *plan.adjust), plan, data, context)
        sets.append((name, alone, adjusted))
    return sets


def _event_words(plan: RegressionPlan, data: StudyData) -> str:
    _, levels, words = data.codes(plan.outcome.column)
    label = data.variables[plan.outcome.column].label
    known = dict(zip(levels, words, strict=True))
    return f"{label}: {known.get(plan.outcome.event, plan.outcome.event)}"


def _used(plan: RegressionPlan, models: Sequence[Model]) -> tuple[Used, ...]:
    out = []
    for model in models:
        base = model.fit.method.split(",")[0]
        out.append(Used(f"logistic_{base}", plan.title))
        if model.cluster:
            out.append(Used(f"cluster_{model.cluster}", plan.title))
        else:
            out.append(Used(f"interval_{model.interval}", plan.title))
        if model.missing_count:
            out.append(Used("complete_cases", plan.title))
    return tuple(dict.fromkeys(out))


def _table(plan: RegressionPlan, data: StudyData, sets: _Sets) -> StudyTable:
    adjusted = any(second is not None for _, _, second in sets)
    head = ["Predictor", "Cases (events)", "Unadjusted OR (95% CI)", "P value"]
    head += ["Adjusted OR (95% CI)", "P value"] if adjusted else []
    level = f"{100 * sets[0][1].fit.level:g}% CI"
    head = [text.replace("95% CI", level) for text in head]
    rows: list[StudyRow] = []
    for number, (name, first, second) in enumerate(sets):
        rows += _rows(plan, data, (name, first, second), f"/analyses/{plan.id}/predictors/{number}")
    return StudyTable(plan.id, plan.title, tuple(head), tuple(rows), _notes(plan, data, sets))


def _rows(plan: RegressionPlan, data: StudyData, found: tuple[str, Model, Model | None], source: str) -> list[StudyRow]:
    name, first, second = found
    label = data.variables[name].label
    columns = first.columns(name)
    size = StudyCell(f"{first.fit.rows_count} ({first.fit.events_count})", f"{source}/unadjusted")
    rows = []
    if len(columns) > 1 or "=" in columns[0]:
        blank = [StudyCell("")] * (4 if second is not None else 2)
        reference = first.reference(name, data)
        rows.append(StudyRow((StudyCell(f"{label} (against {reference})", source), size, *blank), "heading"))
    for column in columns:
        cells = [*_ratio(first, column, plan, f"{source}/unadjusted")]
        if second is not None:
            cells += _ratio(second, column, plan, f"{source}/adjusted")
        if rows:
            words = StudyCell(first.level_words(name, column, data), source)
            rows.append(StudyRow((words, StudyCell(""), *cells), "level"))
        else:
            rows.append(StudyRow((StudyCell(label, source), size, *cells)))
    return rows


def _ratio(model: Model, column: str, plan: RegressionPlan, source: str) -> list[StudyCell]:
    place = [found.name for found in model.fit.coefficients].index(column)
    found = model.fit.coefficients[place]
    where = f"{source}/coefficients/{place}"
    text = ratio_text(found.odds_ratio, found.low_ratio, found.high_ratio, decimals=plan.decimals)
    return [StudyCell(text, where), StudyCell(p_text(found.p_value), where)]


def _notes(plan: RegressionPlan, data: StudyData, sets: _Sets) -> tuple[str, ...]:
    notes = [f"Event: {_event_words(plan, data)}. Odds ratios of numbers are per unit."]
    if plan.together:
        notes.append("The adjusted odds ratios come from one model of all predictors" + (" and the adjustments." if plan.adjust else "."))  # fmt: skip  # noqa: E501
    if plan.adjust:
        notes.append("Adjusted for " + "; ".join(data.variables[name].label for name in plan.adjust) + ".")
    sizes = {second.fit.rows_count for _, _, second in sets if second is not None}
    if sizes:
        shown = " to ".join(str(size) for size in sorted({min(sizes), max(sizes)}))
        notes.append(f"Cases in the adjusted models: {shown}.")
    return tuple(notes)


def _forest(plan: RegressionPlan, data: StudyData, sets: _Sets) -> StudyFigure:
    lines: list[tuple[str, Any, Any]] = []
    for name, first, second in sets:
        for column in first.columns(name):
            label = data.variables[name].label
            words = f"{label}: {first.level_words(name, column, data)}" if "=" in column else label
            lines.append(
                (words, first.fit.coefficient(column), None if second is None else second.fit.coefficient(column))
            )
    series = [_series("Unadjusted", plan.decimals, [(words, one) for words, one, _ in lines])]
    if all(other is not None for _, _, other in lines):
        series.append(_series("Adjusted", plan.decimals, [(words, other) for words, _, other in lines]))
    level = f"{100 * sets[0][1].fit.level:g} %"
    across = f"Odds ratio of '{_event_words(plan, data)}' and {level} interval"
    return StudyFigure(f"{plan.id}_forest", f"{plan.title}: odds ratios", "forest", across, "", tuple(series))


def _series(label: str, decimals: int, rows: list[tuple[str, Any]]) -> StudySeries:
    return StudySeries(
        label,
        tuple(one.odds_ratio for _, one in rows),
        tuple(-float(place) for place in np.arange(len(rows))),
        tuple(one.low_ratio for _, one in rows),
        tuple(one.high_ratio for _, one in rows),
        tuple(words for words, _ in rows),
        tuple(ratio_text(one.odds_ratio, one.low_ratio, one.high_ratio, decimals=decimals) for _, one in rows),
    )
