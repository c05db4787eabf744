"""How well scores tell events from others: areas, tests between them, cut-offs, and scores side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.errors import InputError
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import RocPlan, ScoresPlan
from recanal.stats.bootstrap import CutEstimate, best_cut
from recanal.stats.clustered_roc import auc_clustered, compare_clustered_auc
from recanal.stats.roc import AucComparison, AucEstimate, auc_delong, compare_paired_auc, roc_points
from recanal.study.models import refuse_copy
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import interval_text, number_text, p_text

__all__ = ["Scored", "area_methods", "low_areas", "paired_tests", "repeated", "roc_figure", "run_roc", "score_areas"]


@dataclass(frozen=True, eq=False)
class Scored:
    """A score and its area.

    Parameters
    ----------
    name, label
        Column, and what people read.
    value
        (n,) the score, turned so that a higher one means that the event is more likely; NaN where missing.
    known
        Rows in which score and outcome are known.
    area
        Over those rows.
    """

    name: str
    label: str
    value: NDArray[np.float64]
    known: NDArray[np.bool_]
    area: AucEstimate


def run_roc(plan: RocPlan, data: StudyData, context: Context) -> Finding:
    """Areas under the curve with DeLong's intervals, paired tests, and cut-offs.

    Raises
    ------
    StudyError
        When a score has fewer than two events or others.
    """
    events = data.events(plan.outcome.column, plan.outcome.event)
    scored = score_areas(plan, data, context, lower=plan.lower)
    tests = paired_tests(scored, events, data, plan.reference)
    cuts: list[CutEstimate] = _cutoffs(plan, data, scored, context) if plan.cutoff else []
    shown: list[CutEstimate | None] = [*cuts] if cuts else [None] * len(scored)
    rows = []
    for one, cut in zip(scored, shown, strict=True):
        rows.append(
            {
                "score": one.name,
                "label": one.label,
                "lower_is_event": one.name in plan.lower,
                "n": int(one.known.sum()),
                "missing": int((~one.known).sum()),
                "area": plain_record(one.area),
                "area_code": code_path(auc_clustered if repeated(data, one.known) else auc_delong),
                "cutoff": None if cut is None else _cut_record(cut, turned=one.name in plan.lower),
            }
        )
    record = {
        "kind": "roc", "outcome": plan.outcome.column, "event": plan.outcome.event, "scores": rows,
        "tests": [plain_record(test) for test in tests],
    }  # fmt: skip
    tables = [_area_table(plan, rows, plan.cutoff)]
    tables += [_test_table(plan.id, plan.title, tests)] if tests else []
    figure = roc_figure(plan.id, plan.title, scored, events)
    used = area_methods(data, scored, plan.title, tests=bool(tests))
    used += [Used("cutoff", plan.title)] if cuts else []
    section = StudySection(plan.id, plan.title, tuple(tables), (figure,), (), low_areas(scored))
    return Finding(record, section, tuple(used))


def score_areas(
    plan: RocPlan | ScoresPlan, data: StudyData, context: Context, *, lower: Sequence[str] = ()
) -> list[Scored]:
    """The area of each score of a plan, over the rows in which it and the outcome are known.

    Raises
    ------
    StudyError
        When an area has fewer than two events or others.
    """
    events = data.events(plan.outcome.column, plan.outcome.event)
    out = []
    for name in plan.scores:
        value = data.numbers(name)
        refuse_copy(name, data, events, plan.place, "scores")
        value = -value if name in lower else value
        known = ~(np.isnan(value) | np.isnan(events))
        try:
            area = _area(value[known], events[known], _patients(data, known), context.level)
        except InputError as error:
            raise plan.place.error("scores", f"'{name}': {error.message}", hint=error.hint) from error
        out.append(Scored(name, data.variables[name].label, value, known, area))
    return out


def _area(
    value: NDArray[np.float64], events: NDArray[np.float64], patients: NDArray[np.intp] | None, level: float
) -> AucEstimate:
    if patients is None:
        return auc_delong(value, events, level=level)
    return auc_clustered(value, events, patients, level=level)


def repeated(data: StudyData, known: NDArray[np.bool_]) -> bool:
    """Whether some patient has several of these rows."""
    return data.patient is not None and len(np.unique(data.patient[known])) < int(known.sum())


def paired_tests(
    scored: Sequence[Scored], events: NDArray[np.float64], data: StudyData, reference: str
) -> list[dict[str, Any]]:
    """The paired test of each pair of scores, or of each with the reference, on the rows that both have."""
    pairs = [(one, two) for place, one in enumerate(scored) for two in scored[place + 1 :]]
    if reference:
        first = next(one for one in scored if one.name == reference)
        pairs = [(first, one) for one in scored if one is not first]
    out = []
    for one, two in pairs:
        both = one.known & two.known
        entry: dict[str, Any] = {"first": one.label, "second": two.label, "n": int(both.sum())}
        try:
            found, function = _compared(one.value[both], two.value[both], events[both], _patients(data, both))
            entry |= {
                "difference": found.difference_auc, "z": found.statistic, "p_value": found.p_value,
                "code": function,
            }  # fmt: skip
        except InputError as error:
            entry |= {"difference": 0.0, "z": None, "p_value": None, "reason": error.message}
        out.append(entry)
    return out


def _patients(data: StudyData, rows: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    return data.patient[rows] if data.patient is not None and repeated(data, rows) else None


def _compared(
    one: NDArray[np.float64], two: NDArray[np.float64], events: NDArray[np.float64], patients: NDArray[np.intp] | None
) -> tuple[AucComparison, str]:
    if patients is None:
        return compare_paired_auc(one, two, events), code_path(compare_paired_auc)
    return compare_clustered_auc(one, two, events, patients), code_path(compare_clustered_auc)


def area_methods(data: StudyData, scored: Sequence[Scored], title: str, *, tests: bool) -> list[Used]:
    """Methods behind the areas of an analysis."""
    clustered = any(repeated(data, one.known) for one in scored)
    used = [Used("delong_clustered" if clustered else "delong", title)]
    if tests:
        used.append(Used("delong_paired_clustered" if clustered else "delong_paired", title))
    return used


def _cutoffs(plan: RocPlan, data: StudyData, scored: Sequence[Scored], context: Context) -> list[CutEstimate]:
    events = data.events(plan.outcome.column, plan.outcome.event)
    out = []
    for one in scored:
        unit = np.arange(len(events)) if data.patient is None else data.patient
        try:
            found = best_cut(
                one.value[one.known], events[one.known], unit[one.known], rng=context.rng(f"{plan.id}/{one.name}"),
                draws_count=plan.resamples,
            )  # fmt: skip
        except InputError as error:
            raise plan.place.error("scores", f"'{one.name}': {error.message}", hint=error.hint) from error
        out.append(found)
    return out


def _cut_record(cut: CutEstimate, *, turned: bool) -> dict[str, Any]:
    """A cut-off as plain values; where the sign of the score was turned, it is turned back."""
    record: dict[str, Any] = plain_record(cut)
    if turned:
        end = record["threshold"]
        record["threshold"] = {**end, "value": -end["value"], "low": -end["high"], "high": -end["low"]}
    return record | {"positive": "<=" if turned else ">=", "code": code_path(best_cut)}


def _area_table(plan: RocPlan, rows: list[dict[str, Any]], cuts: bool) -> StudyTable:
    head = ["Score", "n (events)", f"AUC ({100 * rows[0]['area']['level']:g}% CI)"]
    head += ["Cut-off (interval)", "Sensitivity, %", "Specificity, %"] if cuts else []
    out = []
    for number, row in enumerate(rows):
        source, area = f"/analyses/{plan.id}/scores/{number}", row["area"]
        cells = [
            StudyCell(row["label"], source),
            StudyCell(f"{row['n']} ({area['events_count']})", f"{source}/area"),
            StudyCell(interval_text(area["auc"], area["low"], area["high"], decimals=3), f"{source}/area"),
        ]
        if cuts:
            cut = row["cutoff"]
            sign = "≤" if row["lower_is_event"] else "≥"
            value, low, high = (_value(cut["threshold"][end]) for end in ("value", "low", "high"))
            cells.append(StudyCell(f"{sign}{value} ({low} to {high})", f"{source}/cutoff/threshold"))
            for part in ("sensitivity", "specificity"):
                numbers = [100 * cut[part][end] for end in ("value", "low", "high")]
                cells.append(StudyCell(interval_text(*numbers, decimals=1), f"{source}/cutoff/{part}"))
        out.append(StudyRow(tuple(cells)))
    notes = ["AUC: area under the receiver operating characteristic curve."]
    if cuts:
        notes.append(
            f"Cut-off: greatest sensitivity plus specificity, 95% percentiles of {plan.resamples} bootstrap samples "
            "that choose anew. Chosen on the same data, it flatters: sensitivity plus specificity by about "
            + "; ".join(f"{100 * row['cutoff']['optimism_share']:.1f} points ({row['label']})" for row in rows)
            + "."
        )
    return StudyTable(plan.id, plan.title, tuple(head), tuple(out), tuple(notes))


def _value(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _test_table(name: str, title: str, tests: list[dict[str, Any]]) -> StudyTable:
    rows = []
    for number, test in enumerate(tests):
        source = f"/analyses/{name}/tests/{number}"
        words = (test["first"], test["second"], str(test["n"]))
        cells = [StudyCell(text, source) for text in words]
        cells += [
            StudyCell(number_text(test["difference"], decimals=3), source),
            StudyCell(p_text(test["p_value"]), source),
        ]
        rows.append(StudyRow(tuple(cells)))
    head = ("Score", "Compared with", "n", "Difference of areas", "P value")
    notes = ("Paired test on the rows that both scores have.",)
    return StudyTable(f"{name}_tests", f"{title}: areas compared", head, tuple(rows), notes)


def roc_figure(name: str, title: str, scored: Sequence[Scored], events: NDArray[np.float64]) -> StudyFigure:
    """The curves of several scores."""
    series = []
    for one in scored:
        points = roc_points(one.value[one.known], events[one.known])
        across = [1.0 - point.specificity_share for point in points]
        up = [point.sensitivity_share for point in points]
        label = f"{one.label}, AUC {one.area.auc:.3f}"
        series.append(StudySeries(label, (*reversed([*across, 0.0]),), (*reversed([*up, 0.0]),)))
    return StudyFigure(
        f"{name}_roc", f"{title}: receiver operating characteristic", "curves", "1 − specificity", "Sensitivity",
        tuple(series), unit_square=True,
    )  # fmt: skip


def low_areas(scored: Sequence[Scored]) -> tuple[str, ...]:
    """A warning where an area lies below 0.5."""
    low = "; ".join(one.label for one in scored if one.area.auc < 0.5)
    if not low:
        return ()
    return (f"Areas below 0.5: {low}. Is the event the right level, or does a lower value mean the event?",)
