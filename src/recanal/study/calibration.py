"""Predicted probabilities against what happened."""

from __future__ import annotations

from typing import Any

import numpy as np

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.errors import InputError
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import CalibrationPlan
from recanal.stats.calibration import CalibrationCurve, calibrate, calibration_curve, calibration_errors
from recanal.stats.hosmer_lemeshow import hosmer_lemeshow_test
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import interval_text, number_text, p_text

__all__ = ["run_calibration"]


def run_calibration(plan: CalibrationPlan, data: StudyData, context: Context) -> Finding:
    """Calibration in the large, slope, errors, Brier score and a smooth curve.

    Raises
    ------
    StudyError
        When a predicted value is no probability, or there are too few events.
    """
    events, predicted = data.events(plan.outcome.column, plan.outcome.event), data.numbers(plan.predicted)
    known = ~(np.isnan(events) | np.isnan(predicted))
    events, predicted = events[known], predicted[known]
    if len(predicted) and (predicted.min() < 0 or predicted.max() > 1):
        raise plan.place.error(
            "predicted",
            f"'{plan.predicted}' holds values outside 0 to 1.",
            hint="Probabilities are needed, not scores.",
        )
    try:
        summary = calibrate(events, predicted, level=context.level)
        errors = calibration_errors(events, predicted)
        curve = calibration_curve(events, predicted, level=context.level)
    except InputError as error:
        raise plan.place.error("predicted", error.message, hint=error.hint) from error
    record: dict[str, Any] = {
        "kind": "calibration", "outcome": plan.outcome.column, "event": plan.outcome.event, "predicted": plan.predicted,
        "n": int(known.sum()), "missing": int((~known).sum()), "summary": plain_record(summary),
        "errors": plain_record(errors), "hosmer_lemeshow": None, "code": code_path(calibrate),
    }  # fmt: skip
    warnings = list(summary.warnings)
    if plan.hosmer_lemeshow:
        record["hosmer_lemeshow"] = [
            _hosmer_lemeshow(events, predicted, groups) for groups in sorted({5, plan.groups, 12})
        ]
        warnings.append("Hosmer-Lemeshow: the P value depends on the number of groups; a large one proves nothing.")
    figure = _figure(plan, curve)
    used = (Used("calibration", plan.title), *([Used("hosmer_lemeshow", plan.title)] if plan.hosmer_lemeshow else []))
    return Finding(
        record, StudySection(plan.id, plan.title, (_table(plan, record),), (figure,), (), tuple(warnings)), used
    )


def _hosmer_lemeshow(events: np.ndarray, predicted: np.ndarray, groups: int) -> dict[str, Any]:
    try:
        found = hosmer_lemeshow_test(events, predicted, group_count=groups)
    except InputError as error:
        return {"groups_asked": groups, "reason": error.message}
    return {"groups_asked": groups, **plain_record(found), "code": code_path(hosmer_lemeshow_test)}


def _table(plan: CalibrationPlan, record: dict[str, Any]) -> StudyTable:
    summary, source = record["summary"], f"/analyses/{plan.id}"
    rows = [("Cases (events)", f"{record['n']} ({summary['events_count']})", source)]
    for words, name in (
        ("Calibration in the large (log odds)", "in_the_large"),
        ("Calibration slope", "slope"),
        ("Observed / expected", "observed_expected_ratio"),
    ):
        one = summary[name]
        rows.append(
            (words, interval_text(one["value"], one["low"], one["high"], decimals=3), f"{source}/summary/{name}")
        )
    for words, name in (("ICI", "ici_share"), ("E50", "e50_share"), ("E90", "e90_share")):
        rows.append((words, number_text(record["errors"][name], decimals=3), f"{source}/errors"))
    rows.append(("Brier score", number_text(summary["brier"]["score"], decimals=4), f"{source}/summary/brier"))
    for number, found in enumerate(record["hosmer_lemeshow"] or []):
        text = (
            "–" if "reason" in found else f"{number_text(found['statistic'], decimals=3)}, P {p_text(found['p_value'])}"
        )
        rows.append((f"Hosmer-Lemeshow χ², {found['groups_asked']} groups", text, f"{source}/hosmer_lemeshow/{number}"))
    body = tuple(StudyRow((StudyCell(words, where), StudyCell(text, where))) for words, text, where in rows)
    return StudyTable(plan.id, plan.title, ("Measure", "Value"), body, ())


def _figure(plan: CalibrationPlan, curve: CalibrationCurve) -> StudyFigure:
    keep = np.isfinite(curve.observed_share)
    parts = [
        tuple(float(value) for value in np.array(part)[keep])
        for part in (curve.predicted_share, curve.observed_share, curve.low_share, curve.high_share)
    ]
    series = StudySeries("", parts[0], parts[1], parts[2], parts[3])
    return StudyFigure(
        f"{plan.id}_curve", f"{plan.title}: calibration", "curves", "Predicted probability", "Observed share",
        (series,), unit_square=True,
    )  # fmt: skip
