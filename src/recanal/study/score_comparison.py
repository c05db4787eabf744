"""Scores side by side on the same outcome, as section 3.4 of Xiao 2021 compares them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recanal.core.study import StudyCell, StudyRow, StudySection, StudyTable
from recanal.errors import InputError
from recanal.fitting.design import design_matrix
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import ScoresPlan
from recanal.stats.clustered_roc import auc_clustered
from recanal.stats.hosmer_lemeshow import hosmer_lemeshow_by_score, hosmer_lemeshow_test
from recanal.stats.logistic import LogisticFit, fit_logistic, predicted_probabilities
from recanal.stats.roc import auc_delong
from recanal.study.discrimination import (
    Scored,
    area_methods,
    low_areas,
    paired_tests,
    repeated,
    roc_figure,
    score_areas,
)
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.strata import StratumRates, rates_by_stratum, strata_figure, strata_table
from recanal.study.wording import interval_text, number_text, p_text

__all__ = ["run_scores"]

_MOST_VALUES = 12


def run_scores(plan: ScoresPlan, data: StudyData, context: Context) -> Finding:
    """Areas with paired tests, fit of a model with each score alone, and rates by stratum.

    Raises
    ------
    StudyError
        When a score has fewer than two events or others, or makes too many strata.
    """
    events = data.events(plan.outcome.column, plan.outcome.event)
    scored = score_areas(plan, data, context)
    tests = {test["second"]: test for test in paired_tests(scored, events, data, plan.reference or plan.scores[-1])}
    code = {one.name: code_path(auc_clustered if repeated(data, one.known) else auc_delong) for one in scored}
    rows = [_row(plan, one, events[one.known], tests.get(one.label)) | {"area_code": code[one.name]} for one in scored]
    strata = {one.name: _strata(plan, one, data, context) for one in scored if one.name in plan.cuts}
    record = {
        "kind": "scores", "outcome": plan.outcome.column, "event": plan.outcome.event,
        "reference": plan.reference or plan.scores[-1], "scores": [plain_record(row) for row in rows],
        "strata": {name: plain_record(found) for name, found in strata.items()},
    }  # fmt: skip
    words = f"{data.variables[plan.outcome.column].label} (level {plan.outcome.event})"
    tables = [_table(plan, rows, data)]
    figures = [roc_figure(plan.id, plan.title, scored, events)]
    for name, found in strata.items():
        title = f"{plan.title}: {found.label}"
        tables.append(
            strata_table(f"{plan.id}_{name}", title, found, words, f"/analyses/{plan.id}/strata/{name}", context.level)
        )
        figures.append(strata_figure(f"{plan.id}_{name}_rates", title, found, words))
    warnings = [warning for found in strata.values() for warning in found.warnings]
    warnings += [*low_areas(scored), *_warnings(plan, data, rows)]
    section = StudySection(plan.id, plan.title, tuple(tables), tuple(figures), (), tuple(warnings))
    used = (*area_methods(data, scored, plan.title, tests=bool(tests)), *_used(plan, strata))
    return Finding(record, section, used)


def _used(plan: ScoresPlan, strata: dict[str, StratumRates]) -> tuple[Used, ...]:
    used = [Used("score_logistic", plan.title)]
    used += [Used("hosmer_lemeshow", plan.title)] if plan.hosmer_lemeshow else []
    used += [Used("wilson", plan.title)] if strata else []
    used += [Used("trend", plan.title)] if any(one.trend.get("p_value") is not None for one in strata.values()) else []
    return tuple(used)


def _row(plan: ScoresPlan, one: Scored, events: np.ndarray, test: dict[str, Any] | None) -> dict[str, Any]:
    values = one.value[one.known]
    row: dict[str, Any] = {
        "score": one.name, "label": one.label, "n": len(values), "missing": int((~one.known).sum()),
        "mean": float(values.mean()), "sd": float(values.std(ddof=1)),
        "area": one.area, "paired_test": test, "model": None,
        "hosmer_lemeshow": None,
    }  # fmt: skip
    frame = pd.DataFrame({one.name: values})
    try:
        design = design_matrix(frame, [one.name])
        fit = fit_logistic(design, events, profile=False, outcome=plan.outcome.column)
    except InputError as error:
        return row | {"model": {"reason": error.message}}
    row["model"] = _model(fit)
    if plan.hosmer_lemeshow:
        row["hosmer_lemeshow"] = _hosmer_lemeshow(events, predicted_probabilities(fit, design), values)
    return row


def _model(fit: LogisticFit) -> dict[str, Any]:
    found = fit.coefficients[1]
    return {
        "method": fit.method, "odds_ratio": found.odds_ratio, "low": found.low_ratio, "high": found.high_ratio,
        "p_value": found.p_value, "brier": fit.brier_score, "r2_nagelkerke": fit.r2_share,
        "code": code_path(fit_logistic),
    }  # fmt: skip


def _hosmer_lemeshow(events: np.ndarray, predicted: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """By value of the score where there are few, else by ten groups."""
    by_value = len(np.unique(values)) <= _MOST_VALUES
    function = hosmer_lemeshow_by_score if by_value else hosmer_lemeshow_test
    try:
        found = (
            hosmer_lemeshow_by_score(events, predicted, values) if by_value else hosmer_lemeshow_test(events, predicted)
        )
    except InputError as error:
        return {"reason": error.message}
    return {**plain_record(found), "groups_by": "value" if by_value else "deciles", "code": code_path(function)}


def _strata(plan: ScoresPlan, one: Scored, data: StudyData, context: Context) -> StratumRates:
    events = data.events(plan.outcome.column, plan.outcome.event)
    return rates_by_stratum(
        one.value, events, plan.cuts[one.name], label=one.label, level=context.level, place=plan.place
    )


def _table(plan: ScoresPlan, rows: list[dict[str, Any]], data: StudyData) -> StudyTable:
    reference = data.variables[plan.reference or plan.scores[-1]].label
    head = ["Score", "n", "Mean ± SD", f"AUC ({100 * rows[0]['area'].level:g}% CI)", f"P, against {reference}"]
    head += ["OR per point", "Brier score"] + (["Hosmer-Lemeshow χ² (df), P"] if plan.hosmer_lemeshow else [])
    out = []
    for number, row in enumerate(rows):
        source = f"/analyses/{plan.id}/scores/{number}"
        area, test, model = row["area"], row["paired_test"], row["model"]
        cells = [
            StudyCell(row["label"], source),
            StudyCell(str(row["n"]), source),
            StudyCell(f"{number_text(row['mean'], decimals=2)} ± {number_text(row['sd'], decimals=2)}", source),
            StudyCell(interval_text(area.auc, area.low, area.high, decimals=3), f"{source}/area"),
            StudyCell(p_text(test["p_value"]) if test else "–", f"{source}/paired_test"),
        ]
        ratio = interval_text(model.get("odds_ratio"), model.get("low"), model.get("high"), decimals=2)
        cells.append(StudyCell(ratio, f"{source}/model"))
        cells.append(StudyCell(number_text(model.get("brier"), decimals=3), f"{source}/model"))
        if plan.hosmer_lemeshow:
            cells.append(StudyCell(_hosmer_text(row["hosmer_lemeshow"]), f"{source}/hosmer_lemeshow"))
        out.append(StudyRow(tuple(cells)))
    notes = (
        "P: paired test of the areas on the rows that both scores have.",
        "OR, Brier score and fit: a logistic model with the score alone, fitted to these data.",
    )
    return StudyTable(plan.id, plan.title, tuple(head), tuple(out), notes)


def _hosmer_text(found: dict[str, Any] | None) -> str:
    if not found or "reason" in found:
        return "–"
    return f"{number_text(found['statistic'], decimals=3)} ({found['df']}), {p_text(found['p_value'])}"


def _warnings(plan: ScoresPlan, data: StudyData, rows: list[dict[str, Any]]) -> list[str]:
    out = []
    if plan.hosmer_lemeshow:
        events = min(min(row["area"].events_count, row["area"].others_count) for row in rows)
        out.append(
            "Hosmer-Lemeshow tests are given for comparison with published values. A large P value is no evidence of "
            f"good calibration: with {events} cases in the rarer class the test has little power, and a model fitted "
            "to the same data fits them."
        )
    if data.patient is not None and data.patient_count != data.rows_count:
        out.append("Some patients have several lesions: models and rates by stratum count lesions as independent.")
    return out
