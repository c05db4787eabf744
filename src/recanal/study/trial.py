"""Two arms compared as assigned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyRow, StudySection, StudyTable
from recanal.errors import InputError
from recanal.fitting.design import design_matrix
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import TrialPlan
from recanal.stats.clustered import cluster_robust
from recanal.stats.contingency import choose_count_test
from recanal.stats.continuous import choose_continuous, compare_groups, describe
from recanal.stats.logistic import fit_logistic
from recanal.stats.proportions import mantel_haenszel, risk_difference, standardised_effect
from recanal.study.baseline import TEST_NAMES
from recanal.study.models import budget_warning, complete_rows, model_frame
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import count_text, interval_text, number_text, p_text, quartiles_text

__all__ = ["run_trial"]

_ARM = "(arm)"
_Vector = NDArray[np.float64]


def run_trial(plan: TrialPlan, data: StudyData, context: Context) -> Finding:
    """Risk difference with Newcombe's interval, adjusted and by stratum, and other measures by arm.

    Raises
    ------
    StudyError
        When there are not two arms, one is empty, or a model cannot be fitted; the message names line and key.
    """
    codes, levels, words = data.codes(plan.arm)
    if plan.treated not in levels or len(set(codes[codes >= 0])) != 2:
        raise plan.place.error(
            "arm", f"'{plan.arm}' must hold two arms, '{plan.treated}' among them; it has {', '.join(levels)}."
        )
    treated = np.where(codes < 0, np.nan, (codes == levels.index(plan.treated)).astype(float))
    events = data.events(plan.outcome.column, plan.outcome.event)
    names = (
        words[levels.index(plan.treated)],
        next(w for c, w in zip(levels, words, strict=True) if c != plan.treated),
    )
    try:
        primary = _difference(treated, events, context)
        adjusted = _adjusted(plan, data, treated, events, context) if plan.adjust else None
        strata = _strata(plan, data, treated, events, context) if plan.stratum else None
        measures = [_measure(data, name, treated, context, plan) for name in plan.measures]
    except InputError as error:
        if error.message.startswith("line "):
            raise
        raise plan.place.error("outcome", error.message, hint=error.hint) from error
    record = {
        "kind": "trial", "outcome": plan.outcome.column, "event": plan.outcome.event, "arms": list(names),
        "primary": plain_record(primary), "adjusted": plain_record(adjusted), "strata": plain_record(strata),
        "measures": plain_record(measures),
    }  # fmt: skip
    tables = [_outcome_table(plan, data, record, context)]
    tables += [_measure_table(plan, data, record)] if measures else []
    used = [Used("trial", plan.title), *([Used("trial_adjusted", plan.title)] if adjusted else [])]
    used += [Used("cluster_HC1", plan.title)] if adjusted and "HC1" in adjusted["method"] else []
    used += [Used("mantel_haenszel", plan.title)] if strata and strata["common"] else []
    used += [Used(f"test_{row['test']['name']}", row["label"]) for row in measures]
    warnings = _warnings(data, treated, adjusted)
    return Finding(record, StudySection(plan.id, plan.title, tuple(tables), (), (), warnings), tuple(used))


def _warnings(data: StudyData, treated: _Vector, adjusted: dict[str, Any] | None) -> tuple[str, ...]:
    out = list(adjusted["warnings"]) if adjusted else []
    if data.patient is not None and data.patient_count != data.rows_count:
        out.append(
            "Some patients have several lesions: the crude and the stratified comparison count lesions as independent."
        )
        both = len(np.intersect1d(data.patient[treated == 0], data.patient[treated == 1]))
        if both:
            out.append(f"{both} patients have lesions in both arms.")
    return tuple(out)


def _table_of(treated: _Vector, events: _Vector) -> list[list[int]]:
    return [[int(((treated == arm) & (events == value)).sum()) for value in (1.0, 0.0)] for arm in (1.0, 0.0)]


def _difference(treated: _Vector, events: _Vector, context: Context) -> dict[str, Any]:
    table = _table_of(treated, events)
    known = int((~(np.isnan(treated) | np.isnan(events))).sum())
    test = choose_count_test(table) if all(sum(side) for side in zip(*table, strict=True)) else None
    return {
        "table": table, "n": known, "missing": len(events) - known,
        "risk_difference": risk_difference(table, level=context.level), "code": code_path(risk_difference),
        "test": test,
    }  # fmt: skip


def _adjusted(plan: TrialPlan, data: StudyData, treated: _Vector, events: _Vector, context: Context) -> dict[str, Any]:
    """The standardised risk difference after a logistic model, errors by patient where patients repeat."""
    keep = complete_rows(data, plan.adjust) & ~(np.isnan(treated) | np.isnan(events))
    frame = model_frame(data, plan.adjust, keep)
    frame.insert(0, _ARM, treated[keep])
    design = design_matrix(frame, [_ARM, *plan.adjust])
    warnings = budget_warning(events[keep], len(design.names) - 1, plan.place, allowed=True, key="adjust")
    fit = fit_logistic(design, events[keep], method="auto", profile=False, level=context.level)
    patient = None if data.patient is None else data.patient[keep]
    if patient is not None and len(np.unique(patient)) < len(patient) and fit.method == "ml":
        fit = cluster_robust(fit, design, events[keep], patient, kind="HC1")
    effect = standardised_effect(fit, design, _ARM)
    return {
        "n": fit.rows_count, "events": fit.events_count, "missing": int((~keep).sum()), "method": fit.method,
        "effect": effect, "odds_ratio": fit.coefficient(_ARM), "adjusted_for": list(plan.adjust),
        "warnings": list(warnings), "code": code_path(standardised_effect),
    }  # fmt: skip


def _strata(plan: TrialPlan, data: StudyData, treated: _Vector, events: _Vector, context: Context) -> dict[str, Any]:
    if plan.cut_value is None:
        codes, _, names = data.codes(plan.stratum)
    else:
        value = data.numbers(plan.stratum)
        codes = np.where(np.isnan(value), -1, value >= plan.cut_value).astype(np.intp)
        names = (f"<{plan.cut_value:g}", f"≥{plan.cut_value:g}")
    tables = [_table_of(treated[codes == place], events[codes == place]) for place in range(len(names))]
    rows = []
    for name, table in zip(names, tables, strict=True):
        gap = risk_difference(table, level=context.level) if all(sum(row) for row in table) else None
        rows.append({"stratum": name, "table": table, "risk_difference": gap, "code": code_path(risk_difference)})
    try:
        common: dict[str, Any] = {
            **plain_record(mantel_haenszel(tables, level=context.level)),
            "code": code_path(mantel_haenszel),
        }
    except InputError as error:
        return {"rows": rows, "common": None, "reason": error.message}
    return {"rows": rows, "common": common}


def _measure(data: StudyData, name: str, treated: _Vector, context: Context, plan: TrialPlan) -> dict[str, Any]:
    values = data.numbers(name)
    parts = {word: values[(treated == arm) & ~np.isnan(values)] for word, arm in (("treated", 1.0), ("control", 0.0))}
    if not all(len(part) for part in parts.values()):
        raise plan.place.error("measures", f"'{name}' has an arm without known values.")
    choice = choose_continuous(parts)
    test = compare_groups(parts, test=choice.test, level=context.level)
    return {
        "variable": name, "label": data.variables[name].label, "n": sum(map(len, parts.values())),
        "missing": int(np.isnan(values[~np.isnan(treated)]).sum()), "summary": choice.summary, "reason": choice.reason,
        "arms": [describe(part) for part in parts.values()],
        "test": {**plain_record(test), "name": test.test, "code": code_path(compare_groups)},
    }  # fmt: skip


def _outcome_table(plan: TrialPlan, data: StudyData, record: dict[str, Any], context: Context) -> StudyTable:
    head = ("Comparison", *record["arms"], f"Risk difference, % ({100 * context.level:g}% CI)", "P value")
    source, primary = f"/analyses/{plan.id}", record["primary"]
    test = primary["test"]
    p_value = test["p_value"] if test else None
    rows = [_line("All, as assigned", primary["table"], primary["risk_difference"], f"{source}/primary", p_value)]
    notes = [f"Newcombe's intervals. P of all: {test['name']}." if test else "Newcombe's intervals."]
    for extra_rows, extra_notes in (
        _adjusted_rows(plan, data, record["adjusted"], source),
        _strata_rows(plan, data, record["strata"], source),
    ):
        rows += extra_rows
        notes += extra_notes
    if primary["missing"]:
        notes.append(f"{primary['missing']} cases without arm or outcome are left out.")
    return StudyTable(plan.id, plan.title, head, tuple(rows), tuple(notes))


_Rows = tuple[list[StudyRow], list[str]]


def _adjusted_rows(plan: TrialPlan, data: StudyData, found: dict[str, Any] | None, source: str) -> _Rows:
    if found is None:
        return [], []
    effect = found["effect"]
    texts = [
        "Standardised over covariates",
        *(number_text(100 * effect[part]["value"], decimals=1) for part in ("treated_share", "control_share")),
        _percent(effect["difference"]),
        p_text(found["odds_ratio"]["p_value"]),
    ]
    labels = "; ".join(data.variables[name].label for name in plan.adjust)
    note = f"Standardised: mean predicted risks of a logistic model with the arm and {labels}; P of the arm in it."
    return [StudyRow(tuple(StudyCell(text, f"{source}/adjusted") for text in texts))], [note]


def _strata_rows(plan: TrialPlan, data: StudyData, found: dict[str, Any] | None, source: str) -> _Rows:
    if found is None:
        return [], []
    label = data.variables[plan.stratum].label
    rows = [
        _line(f"{label}: {row['stratum']}", row["table"], row["risk_difference"], f"{source}/strata/rows/{number}")
        for number, row in enumerate(found["rows"])
    ]
    common = found["common"]
    if not common:
        return rows, [f"Strata cannot be joined: {found['reason']}"]
    texts = (
        "Strata together (Mantel-Haenszel)",
        "",
        "",
        _percent(common["risk_difference"]),
        p_text(common["p_value"]),
    )
    rows.append(StudyRow(tuple(StudyCell(text, f"{source}/strata/common" if text else "") for text in texts)))
    p_value = p_text(common["homogeneity_p_value"])
    return rows, [f"Homogeneity of odds ratios over strata (Breslow-Day-Tarone): P {p_value}."]


def _percent(one: dict[str, Any] | None) -> str:
    if one is None:
        return "–"
    return interval_text(100 * one["value"], 100 * one["low"], 100 * one["high"], decimals=1)


def _line(
    words: str, table: Sequence[Sequence[int]], gap: dict[str, Any] | None, source: str, p_value: float | None = None
) -> StudyRow:
    counts = [f"{count_text(row[0], sum(row))} of {sum(row)}" for row in table]
    cells = [StudyCell(text, source) for text in (words, *counts, _percent(gap))]
    return StudyRow((*cells, StudyCell(p_text(p_value), source) if p_value is not None else StudyCell("")))


def _measure_table(plan: TrialPlan, data: StudyData, record: dict[str, Any]) -> StudyTable:
    rows = []
    for number, row in enumerate(record["measures"]):
        source = f"/analyses/{plan.id}/measures/{number}"
        cells = [StudyCell(row["label"], source)]
        cells += [StudyCell(_summary(arm, row["summary"]), f"{source}/arms/{a}") for a, arm in enumerate(row["arms"])]
        gap = row["test"]["difference"]
        text = "–" if gap is None else interval_text(gap["value"], gap["low"], gap["high"], decimals=2)
        name = TEST_NAMES.get(row["test"]["name"], row["test"]["name"])
        cells += [StudyCell(text, f"{source}/test"), StudyCell(p_text(row["test"]["p_value"]), f"{source}/test")]
        cells.append(StudyCell(name, f"{source}/test"))
        rows.append(StudyRow(tuple(cells)))
    head = ("Measure", *record["arms"], "Difference (CI)", "P value", "Test")
    notes = ("Mean ± SD, or median (quartiles). Difference: of means, or the Hodges-Lehmann shift.",)
    return StudyTable(f"{plan.id}_measures", f"{plan.title}: other measures", head, tuple(rows), notes)


def _summary(one: dict[str, Any], summary: str) -> str:
    if summary == "mean_sd":
        return f"{number_text(one['mean_value'], decimals=2)} ± {number_text(one['sd_value'], decimals=2)}"
    return quartiles_text(one["median_value"], one["q1_value"], one["q3_value"], decimals=2)
