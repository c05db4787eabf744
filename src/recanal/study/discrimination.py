"""How well scores tell events from others: areas, tests between them, cut-offs, and scores side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.errors import InputError
from recanal.stats.roc import AucComparison, AucEstimate, auc_delong, compare_paired_auc, roc_points
from recanal.study.columns import StudyData
from recanal.study.cutoffs import CutOff, best_cutoff
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.plan import RocPlan, ScoresPlan
from recanal.study.wording import interval_text, number_text, p_text

__all__ = ["Scored", "paired_tests", "roc_figure", "run_roc", "score_areas"]


@dataclass(frozen=True, eq=False)
class Scored:
    """A score and its area.

    Attributes
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
    tests = paired_tests(scored, events, plan.reference)
    cuts = _cutoffs(plan, data, scored, context) if plan.cutoff else []
    rows = []
    for one, cut in zip(scored, cuts or [None] * len(scored), strict=True):
        rows.append(
            {
                "score": one.name,
                "label": one.label,
                "lower_is_event": one.name in plan.lower,
                "n": int(one.known.sum()),
                "missing": int((~one.known).sum()),
                "area": plain_record(one.area),
                "area_code": code_path(auc_delong),
                "cutoff": None if cut is None else plain_record(cut),
            }
        )
    record = {
        "kind": "roc", "outcome": plan.outcome.column, "event": plan.outcome.event, "scores": rows,
        "tests": [plain_record(test) for test in tests],
    }  # fmt: skip
    tables = [_area_table(plan, rows, plan.cutoff)]
    tables += [_test_table(plan.id, plan.title, tests)] if tests else []
    figure = roc_figure(plan.id, plan.title, scored, events)
    used = [Used("delong", plan.title), *([Used("delong_paired", plan.title)] if tests else [])]
    used += [Used("cutoff", plan.title)] if cuts else []
    section = StudySection(plan.id, plan.title, tuple(tables), (figure,), (), _warnings(data, scored, cuts=bool(cuts)))
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
        value = -value if name in lower else value
        known = ~(np.isnan(value) | np.isnan(events))
        try:
            area = auc_delong(value[known], events[known], level=context.level)
        except InputError as error:
            raise plan.place.error("scores", f"'{name}': {error.message}", hint=error.hint) from error
        out.append(Scored(name, data.variables[name].label, value, known, area))
    return out


def paired_tests(scored: Sequence[Scored], events: NDArray[np.float64], reference: str) -> list[dict[str, Any]]:
    """DeLong's test of each pair of scores on the rows that both have; of pairs with the reference where it is named."""
    pairs = [(one, two) for place, one in enumerate(scored) for two in scored[place + 1 :]]
    if reference:
        first = next(one for one in scored if one.name == reference)
        pairs = [(first, one) for one in scored if one is not first]
    out = []
    for one, two in pairs:
        both = one.known & two.known
        entry: dict[str, Any] = {"first": one.label, "second": two.label, "n": int(both.sum())}
        try:
            found: AucComparison = compare_paired_auc(one.value[both], two.value[both], events[both])
            entry |= {
                "difference": found.difference_auc, "z": found.statistic, "p_value": found.p_value,
                "code": code_path(compare_paired_auc),
            }  # fmt: skip
        except InputError as error:
            entry |= {"difference": 0.0, "z": None, "p_value": None, "reason": error.message}
        out.append(entry)
    return out


def _cutoffs(plan: RocPlan, data: StudyData, scored: Sequence[Scored], context: Context) -> list[CutOff]:
    events = data.events(plan.outcome.column, plan.outcome.event)
    out = []
    for one in scored:
        patient = None if data.patient is None else data.patient[one.known]
        rng = context.rng(f"{plan.id}/{one.name}")
        found = best_cutoff(
            one.value[one.known], events[one.known] > 0, patient, resamples=plan.resamples, rng=rng, level=context.level
        )
        out.append(found.turned() if one.name in plan.lower else found)
    return out


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
            text = f"{sign}{_value(cut['value'])} ({_value(cut['low_value'])} to {_value(cut['high_value'])})"
            cells.append(StudyCell(text, f"{source}/cutoff"))
            for part in ("sensitivity", "specificity"):
                numbers = [100 * cut[f"{part}_{end}share"] for end in ("", "low_", "high_")]
                cells.append(StudyCell(interval_text(*numbers, decimals=1), f"{source}/cutoff"))
        out.append(StudyRow(tuple(cells)))
    notes = ["AUC: area under the receiver operating characteristic curve, DeLong's interval."]
    if cuts:
        notes.append(
            f"Cut-off: greatest sensitivity plus specificity, percentiles of {plan.resamples} bootstrap samples; "
            "sensitivity and specificity (Wilson's intervals) were found on the same data and flatter the score."
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
        cells += [StudyCell(number_text(test["difference"], decimals=3), source), StudyCell(p_text(test["p_value"]), source)]
        rows.append(StudyRow(tuple(cells)))
    head = ("Score", "Compared with", "n", "Difference of areas", "P value")
    notes = ("DeLong's paired test on the rows that both scores have.",)
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


def _warnings(data: StudyData, scored: Sequence[Scored], *, cuts: bool) -> tuple[str, ...]:
    out = []
    low = [one.label for one in scored if one.area.auc < 0.5]
    if low:
        out.append(f"The area of {'; '.join(low)} is below 0.5: does a lower value mean the event? Then name it in 'lower'.")
    if data.patient is not None and data.patient_count != data.rows_count:
        what = "the cut-offs' intervals resample patients, the" if cuts else "the"
        out.append(f"Some patients have several lesions: {what} intervals and tests of areas count lesions as independent.")
    return tuple(out)
