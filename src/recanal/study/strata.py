"""Rates of an outcome by stratum of a score, with Wilson's intervals."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.errors import InputError
from recanal.protocol.columns import StudyData
from recanal.protocol.place import Place
from recanal.protocol.plan import StrataPlan
from recanal.stats.contingency import cochran_armitage_test
from recanal.stats.proportions import proportion_interval
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import interval_text, number_text, p_text

__all__ = ["StratumRates", "rates_by_stratum", "run_strata", "strata_figure", "strata_table"]

_FEW = 10
_MOST_STRATA = 15


@dataclass(frozen=True)
class StratumRates:
    """Events by stratum, and their trend."""

    label: str
    rows: tuple[dict[str, Any], ...]
    trend: dict[str, Any]
    n: int
    missing: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """Strata too small to say much."""
        few = [f"{row['stratum']} (n = {row['n']})" for row in self.rows if row["n"] < _FEW]
        return (
            (f"{self.label}: fewer than {_FEW} lesions in stratum {', '.join(few)}; see the intervals.",) if few else ()
        )


def run_strata(plan: StrataPlan, data: StudyData, context: Context) -> Finding:
    """Rates by stratum, their trend, and a bar for each.

    Raises
    ------
    StudyError
        When the score makes too many strata, or one alone.
    """
    events = data.events(plan.outcome.column, plan.outcome.event)
    found = rates_by_stratum(
        data.numbers(plan.score), events, plan.cut_value, label=data.variables[plan.score].label, level=context.level,
        place=plan.place,
    )  # fmt: skip
    record = {
        "kind": "strata", "outcome": plan.outcome.column, "event": plan.outcome.event, "score": plan.score,
        **plain_record(found),
    }  # fmt: skip
    words = _outcome_words(data, plan.outcome.column, plan.outcome.event)
    table = strata_table(plan.id, plan.title, found, words, f"/analyses/{plan.id}", context.level)
    figure = strata_figure(f"{plan.id}_rates", plan.title, found, words)
    used = (
        Used("wilson", plan.title),
        *([Used("trend", plan.title)] if found.trend.get("p_value") is not None else []),
    )
    return Finding(record, StudySection(plan.id, plan.title, (table,), (figure,), (), found.warnings), used)


def _outcome_words(data: StudyData, column: str, event: str) -> str:
    _, levels, words = data.codes(column)
    return f"{data.variables[column].label}: {dict(zip(levels, words, strict=True)).get(event, event)}"


def rates_by_stratum(
    score: NDArray[np.float64],
    events: NDArray[np.float64],
    cuts: Sequence[float],
    *,
    label: str,
    level: float,
    place: Place,
) -> StratumRates:
    """Events in each stratum.

    Parameters
    ----------
    score, events
        (n,) NaN where missing.
    cuts
        Where a stratum begins; each value of the score is a stratum where there are none.
    label, place
        For messages.
    level
        Coverage of the intervals.

    Raises
    ------
    StudyError
        When there are more than 15 strata, or fewer than two.
    """
    known = ~(np.isnan(score) | np.isnan(events))
    value, event = score[known], events[known] > 0
    number, names = _strata(value, cuts)
    if len(names) > _MOST_STRATA:
        raise place.error(
            "cuts", f"{label} makes {len(names)} strata; {_MOST_STRATA} is the most.", hint="Name the cuts."
        )
    totals = np.bincount(number, minlength=len(names))
    hits = np.bincount(number, event.astype(float), minlength=len(names)).astype(int)
    filled = [i for i in range(len(names)) if totals[i]]
    if len(filled) < 2:
        raise place.error("cuts", f"{label} has one stratum with lesions; two are needed.")
    rows = []
    for i in filled:
        found = proportion_interval(int(hits[i]), int(totals[i]), level=level)
        rows.append(
            {
                "stratum": names[i], "n": int(totals[i]), "events": int(hits[i]), "share": float(hits[i] / totals[i]),
                "low": found.low, "high": found.high, "code": code_path(proportion_interval),
            }
        )  # fmt: skip
    return StratumRates(label, tuple(rows), _trend(rows), int(known.sum()), int((~known).sum()))


def _trend(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    try:
        found = cochran_armitage_test([row["events"] for row in rows], [row["n"] for row in rows])
    except InputError as error:
        return {"reason": error.message}
    return {
        "name": found.name,
        "z": found.statistic,
        "p_value": found.p_value,
        "code": code_path(cochran_armitage_test),
    }


def _strata(value: NDArray[np.float64], cuts: Sequence[float]) -> tuple[NDArray[np.intp], list[str]]:
    """Stratum of each value, and the names of the strata."""
    whole = bool((value == np.floor(value)).all()) and all(cut == int(cut) for cut in cuts)
    if not cuts:
        found, number = np.unique(value, return_inverse=True)
        return number.astype(np.intp), [f"{one:g}" for one in found]
    number = np.searchsorted(np.asarray(cuts), value, side="right").astype(np.intp)
    first = f"≤{cuts[0] - 1:g}" if whole else f"<{cuts[0]:g}"
    if whole and value.min() == cuts[0] - 1:
        first = f"{cuts[0] - 1:g}"
    inner = []
    for low, high in itertools.pairwise(cuts):
        if whole:
            inner.append(f"{low:g}" if high - low == 1 else f"{low:g}–{high - 1:g}")
        else:
            inner.append(f"{low:g} to <{high:g}")
    return number, [first, *inner, f"≥{cuts[-1]:g}"]


def strata_table(name: str, title: str, found: StratumRates, words: str, source: str, level: float) -> StudyTable:
    """The rates as a table; ``source`` is the JSON pointer of their record."""
    rows = []
    for number, row in enumerate(found.rows):
        where = f"{source}/rows/{number}"
        share = interval_text(100 * row["share"], 100 * row["low"], 100 * row["high"], decimals=1)
        cells = (row["stratum"], str(row["n"]), str(row["events"]), share)
        rows.append(StudyRow(tuple(StudyCell(text, where) for text in cells)))
    head = (found.label, "Lesions", "Events", f"Rate, % ({100 * level:g}% CI)")
    notes = [f"Event: {words}. Wilson's intervals, each lesion counted as independent."]
    if found.trend.get("p_value") is not None:
        notes.append(
            f"Trend (Cochran-Armitage): z {number_text(found.trend['z'], decimals=2)}, "
            f"P {p_text(found.trend['p_value'])}."
        )
    if found.missing:
        notes.append(f"{found.missing} lesions without score or outcome are left out.")
    return StudyTable(name, title, head, tuple(rows), tuple(notes))


def strata_figure(name: str, title: str, found: StratumRates, words: str) -> StudyFigure:
    """The rates as bars with their intervals."""
    series = StudySeries(
        words,
        tuple(float(number) for number in range(len(found.rows))),
        tuple(row["share"] for row in found.rows),
        tuple(row["low"] for row in found.rows),
        tuple(row["high"] for row in found.rows),
        tuple(f"{row['stratum']}\nn = {row['n']}" for row in found.rows),
    )
    return StudyFigure(name, title, "strata", found.label, words, (series,), shares_up=True)
