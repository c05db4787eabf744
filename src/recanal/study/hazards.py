"""Hazard ratios of a plan: Cox regression, and the Fine-Gray model where events compete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyRow, StudyTable
from recanal.errors import InputError
from recanal.fitting.design import design_matrix
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import FollowUpPlan
from recanal.study.models import budget_warning, complete_rows, model_frame
from recanal.study.outcome import Context, code_path
from recanal.study.wording import p_text, ratio_text
from recanal.survival.cox import fit_cox, proportional_hazards_test
from recanal.survival.fine_gray import fit_fine_gray
from recanal.survival.follow_up import FollowUp

__all__ = ["hazard_table", "run_hazards"]

_Cases = tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.intp]]
_ALPHA = 0.05


def run_hazards(plan: FollowUpPlan, data: StudyData, cases: _Cases, context: Context) -> list[dict[str, Any]]:
    """The models of a plan: Cox of the event, and Fine-Gray where other events compete.

    Parameters
    ----------
    plan, data, context
        As for every analysis.
    cases
        Which rows are followed, their times and causes (1 the event).

    Raises
    ------
    StudyError
        When there are too few events for the parameters and the plan does not allow it, or a model cannot be fitted.
    """
    keep, times, causes = cases
    complete = complete_rows(data, plan.predictors)[keep]
    rows = np.flatnonzero(keep)[complete]
    mask = np.zeros(len(keep), dtype=bool)
    mask[rows] = True
    times, causes = times[complete], causes[complete]
    patient = None if data.patient is None else data.patient[mask]
    clusters = patient if patient is not None and len(np.unique(patient)) < len(patient) else None
    try:
        design = design_matrix(model_frame(data, plan.predictors, mask), list(plan.predictors))
        warnings = list(_budget(plan, causes, len(design.names) - 1))
        single = FollowUp(times, (causes == 1).astype(int), clusters)
        out = [_cox(single, design, context, warnings)]
        if plan.competing:
            found = fit_fine_gray(FollowUp(times, causes, clusters), design, level=context.level)
            out.append(_record("fine_gray", "Subdistribution hazard ratio, Fine-Gray", found, fit_fine_gray))
    except InputError as error:
        if error.message.startswith("line "):
            raise
        raise plan.place.error("predictors", error.message, hint=error.hint) from error
    missing = int(keep.sum()) - len(times)
    words = [f"{missing} cases without a predictor are left out of the models."] if missing else []
    return [row | {"missing": missing, "warnings": [*row["warnings"], *words]} for row in out]


def _budget(plan: FollowUpPlan, causes: NDArray[np.intp], parameters: int) -> tuple[str, ...]:
    return budget_warning((causes == 1).astype(float), parameters, plan.place, allowed=plan.few_events)


def _cox(follow_up: FollowUp, design: Any, context: Context, warnings: list[str]) -> dict[str, Any]:
    record = _record("cox", "Hazard ratio, Cox", fit_cox(follow_up, design, level=context.level), fit_cox)
    tests = proportional_hazards_test(follow_up, design)
    bent = [test.name for test in tests if test.p_value < _ALPHA]
    if bent:
        warnings = [
            *warnings,
            f"Hazards may not be proportional (scaled Schoenfeld residuals, P < {_ALPHA}): {', '.join(bent)}.",
        ]
    return record | {"proportionality": tests, "warnings": warnings}


def _record(method: str, label: str, fit: Any, function: Any) -> dict[str, Any]:
    return {
        "method": method, "label": label, "n": fit.rows_count, "events": fit.events_count,
        "clusters": fit.cluster_count, "level": fit.level, "coefficients": fit.coefficients,
        "warnings": [], "code": code_path(function),
    }  # fmt: skip


def hazard_table(plan: FollowUpPlan, data: StudyData, models: Sequence[dict[str, Any]]) -> StudyTable:
    """The models side by side, one row per coefficient."""
    head = ["Predictor"]
    for model in models:
        head += [f"{model['label']} ({100 * model['level']:g}% CI)", "P value"]
    rows = []
    for place, first in enumerate(models[0]["coefficients"]):
        cells = [StudyCell(_words(first.name, data), f"/analyses/{plan.id}/models/0/coefficients/{place}")]
        for number, model in enumerate(models):
            one = model["coefficients"][place]
            where = f"/analyses/{plan.id}/models/{number}/coefficients/{place}"
            cells.append(StudyCell(ratio_text(one.hazard_ratio, one.low_ratio, one.high_ratio, decimals=3), where))
            cells.append(StudyCell(p_text(one.p_value), where))
        rows.append(StudyRow(tuple(cells)))
    notes = tuple(_note(model) for model in models)
    return StudyTable(f"{plan.id}_models", f"{plan.title}: regression", tuple(head), tuple(rows), notes)


def _note(model: dict[str, Any]) -> str:
    """Cases, events, and how the errors were reckoned."""
    robust = (
        f"; standard errors are robust, clustered by patient ({model['clusters']} patients)"
        if model["clusters"]
        else ""
    )
    return f"{model['label']}: {model['n']} cases, {model['events']} events{robust}."


def _words(column: str, data: StudyData) -> str:
    name, sign, level = column.partition("=")
    variable = data.variables[name]
    return f"{variable.label}: {variable.levels.get(level, level)}" if sign else variable.label
