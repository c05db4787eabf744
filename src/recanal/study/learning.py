"""Success over the cases of each operator, in their order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import LearningPlan
from recanal.stats.proportions import proportion_interval
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import interval_text

__all__ = ["run_learning", "window_rates"]

_MOST_CURVES = 7


def run_learning(plan: LearningPlan, data: StudyData, context: Context) -> Finding:
    """The rate of an outcome in an operator's first and last cases, and over a moving window.

    Raises
    ------
    StudyError
        When no operator has as many cases as the window.
    """
    events = data.events(plan.outcome.column, plan.outcome.event)
    operator, _, names = data.codes(plan.operator)
    order = data.numbers(plan.order)
    known = ~(np.isnan(events) | np.isnan(order)) & (operator >= 0)
    rows = []
    for number, name in enumerate(names):
        mine = known & (operator == number)
        if mine.any():
            rows.append(
                _operator(name, events[mine][np.argsort(order[mine], kind="stable")], plan.window, context.level)
            )
    shown = [row for row in rows if row["n"] >= plan.window]
    if not shown:
        raise plan.place.error("window", f"no operator has {plan.window} cases.", hint="Choose a shorter window.")
    record = {
        "kind": "learning", "outcome": plan.outcome.column, "event": plan.outcome.event, "window": plan.window,
        "operators": [plain_record(row) for row in rows], "missing": int((~known).sum()),
    }  # fmt: skip
    shown.sort(key=lambda row: -row["n"])
    warning = (
        "Rates are not adjusted for how difficult the cases were; a change may come from their choice.",
        *((f"The figure shows the {_MOST_CURVES} operators with most cases.",) if len(shown) > _MOST_CURVES else ()),
    )
    section = StudySection(
        plan.id, plan.title, (_table(plan, rows, context),), (_figure(plan, shown[:_MOST_CURVES]),), (), warning
    )
    return Finding(record, section, (Used("learning", plan.title),))


def window_rates(events: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Share of events in each run of ``window`` cases, by its last case.

    Examples
    --------
    >>> window_rates(np.array([0.0, 1.0, 1.0]), 2).tolist()
    [0.5, 1.0]
    """
    sums = np.concatenate([[0.0], np.cumsum(events)])
    out: NDArray[np.float64] = (sums[window:] - sums[:-window]) / window
    return out


def _operator(name: str, events: NDArray[np.float64], window: int, level: float) -> dict[str, Any]:
    n = len(events)
    row: dict[str, Any] = {
        "operator": name,
        "n": n,
        "all": _share(events, level),
        "first": None,
        "last": None,
        "rates": [],
    }
    if n >= window:
        row |= {
            "first": _share(events[:window], level), "last": _share(events[-window:], level),
            "rates": window_rates(events, window),
        }  # fmt: skip
    return row


def _share(events: NDArray[np.float64], level: float) -> dict[str, Any]:
    hits, n = int(events.sum()), len(events)
    found = proportion_interval(hits, n, level=level)
    code = code_path(proportion_interval)
    return {"n": n, "events": hits, "share": found.value, "low": found.low, "high": found.high, "code": code}


def _table(plan: LearningPlan, rows: list[dict[str, Any]], context: Context) -> StudyTable:
    level = f"{100 * context.level:g}% CI"
    head = ("Operator", "Cases", f"Rate, % ({level})", f"First {plan.window}", f"Last {plan.window}")
    out = []
    for number, row in enumerate(rows):
        source = f"/analyses/{plan.id}/operators/{number}"
        cells = [StudyCell(row["operator"], source), StudyCell(str(row["n"]), source)]
        for part in ("all", "first", "last"):
            one = row[part]
            text = "–" if one is None else interval_text(*(100 * one[k] for k in ("share", "low", "high")), decimals=1)
            cells.append(StudyCell(text, f"{source}/{part}"))
        out.append(StudyRow(tuple(cells)))
    notes = ("Wilson's intervals. Where first and last cases overlap they are not independent.",)
    return StudyTable(plan.id, plan.title, head, tuple(out), notes)


def _figure(plan: LearningPlan, rows: list[dict[str, Any]]) -> StudyFigure:
    series = tuple(
        StudySeries(
            row["operator"],
            tuple(float(place) for place in range(plan.window, row["n"] + 1)),
            tuple(float(rate) for rate in row["rates"]),
        )
        for row in rows
    )
    return StudyFigure(
        f"{plan.id}_curve", plan.title, "curves", "Case number of the operator", f"Rate over {plan.window} cases",
        series, shares_up=True,
    )  # fmt: skip
