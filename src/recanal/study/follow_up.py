"""Time to an event: curves, rates at fixed times, tests between groups, and regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyFigure, StudyRow, StudySection, StudySeries, StudyTable
from recanal.errors import InputError
from recanal.fitting.results import Estimate
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import FollowUpPlan
from recanal.study.hazards import hazard_table, run_hazards
from recanal.study.outcome import Context, Finding, Used, code_path, plain_record
from recanal.study.wording import interval_text, number_text, p_text
from recanal.survival.incidence import IncidenceCurve, cumulative_incidence, gray_test, incidence_at
from recanal.survival.kaplan_meier import SurvivalCurve, kaplan_meier, log_rank_test, survival_at

__all__ = ["Followed", "followed_cases", "run_follow_up"]

_Codes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Followed:
    """Cases with known follow-up.

    Parameters
    ----------
    keep
        Which rows of the study they are.
    times
        End of follow-up, in the unit of the plan.
    causes
        0 censored, 1 the event, 2 and on what competes with it.
    words
        Names of the causes from 1 on.
    group, groups
        Group of each case, and the names of the groups.
    """

    keep: NDArray[np.bool_]
    times: NDArray[np.float64]
    causes: _Codes
    words: tuple[str, ...]
    group: _Codes
    groups: tuple[str, ...]


def run_follow_up(plan: FollowUpPlan, data: StudyData, context: Context) -> Finding:
    """Kaplan-Meier curves, or cumulative incidence where events compete; tests between groups; hazard ratios.

    Raises
    ------
    StudyError
        When times and events seem swapped, a status is unknown, or too few events occurred.
    """
    cases = followed_cases(plan, data)
    competing = bool(plan.competing)
    groups = [_group(plan, cases, number, context) for number in range(len(cases.groups))]
    test = _test(cases, competing=competing)
    hazards = run_hazards(plan, data, (cases.keep, cases.times, cases.causes), context) if plan.predictors else []
    record = {
        "kind": "follow_up", "time": plan.time, "unit": plan.unit, "status": plan.status, "causes": list(cases.words),
        "landmark": plan.landmark_value,
        "n": len(cases.times), "missing": int((~cases.keep).sum()), "groups": [plain_record(row) for row in groups],
        "test": plain_record(test), "models": plain_record(hazards),
    }  # fmt: skip
    tables = [_table(plan, cases, groups, test)]
    tables += [hazard_table(plan, data, hazards)] if hazards else []
    used = [Used("cumulative_incidence" if competing else "kaplan_meier", plan.title)]
    used += [Used("gray" if competing else "log_rank", plan.title)] if test else []
    used += [Used(row["method"], plan.title) for row in hazards]
    warnings = _warnings(plan, data, cases) + tuple(dict.fromkeys(w for row in hazards for w in row["warnings"]))
    section = StudySection(plan.id, plan.title, tuple(tables), (_figure(plan, cases, groups),), (), warnings)
    return Finding(record, section, tuple(dict.fromkeys(used)))


def followed_cases(plan: FollowUpPlan, data: StudyData) -> Followed:
    """The cases whose time and status are known.

    Raises
    ------
    StudyError
        When a status is neither 0, the event nor a competing one, or times and events seem swapped.
    """
    times = data.numbers(plan.time)
    codes, levels, _ = data.codes(plan.status)
    known = {"0": 0, plan.event: 1} | {level: place for place, level in enumerate(plan.competing, start=2)}
    unknown = [level for level in levels if level not in known]
    if unknown:
        swapped = len(levels) > len(known) + 3
        hint = "Are time and status swapped?" if swapped else "Name it as the event or under competing; 0 is censored."
        raise plan.place.error(
            "status", f"'{plan.status}' holds {', '.join(unknown[:5])}, which the plan does not name.", hint=hint
        )
    if len(np.unique(times[~np.isnan(times)])) <= 2:
        raise plan.place.error("time", f"'{plan.time}' holds two values at most.", hint="Are time and status swapped?")
    causes = np.array([known[level] for level in levels] + [-1], dtype=np.intp)[codes]
    group, names = (
        (data.codes(plan.by)[0], data.codes(plan.by)[2]) if plan.by else (np.zeros(len(times), np.intp), ("All",))
    )
    keep = ~np.isnan(times) & (causes >= 0) & (group >= 0)
    if (times[keep] < 0).any():
        raise plan.place.error("time", f"{int((times[keep] < 0).sum())} times are negative.", hint="Check the dates.")
    if plan.landmark_value is not None:
        keep &= times > plan.landmark_value
        times = times - plan.landmark_value
    if not (causes[keep] == 1).any():
        raise plan.place.error("event", f"nobody has the event '{plan.event}'.")
    seen = [place for place in range(len(names)) if (group[keep] == place).any()]
    new = np.full(len(names), -1, dtype=np.intp)
    new[seen] = np.arange(len(seen))
    words = (_event_word(plan, data), *plan.competing.values())
    return Followed(keep, times[keep], causes[keep], words, new[group[keep]], tuple(names[place] for place in seen))


def _event_word(plan: FollowUpPlan, data: StudyData) -> str:
    _, levels, words = data.codes(plan.status)
    word = dict(zip(levels, words, strict=True)).get(plan.event, plan.event)
    return data.variables[plan.status].label if word in ("Yes", plan.event) else word


def _warnings(plan: FollowUpPlan, data: StudyData, cases: Followed) -> tuple[str, ...]:
    out = []
    if plan.landmark_value is not None:
        out.append(
            f"Time counts from the landmark at {plan.landmark_value:g} {plan.unit}; cases whose follow-up ended by "
            "then are left out."
        )
    if not plan.competing:
        out.append(
            "No competing event is named: deaths that are not the event itself, if any, were taken as censored, which "
            "makes rates too high."
        )
    if data.patient is not None:
        used = data.patient[cases.keep]
        if len(np.unique(used)) < len(used):
            out.append("Some patients have several lesions: curves and tests of groups count lesions as independent.")
    return tuple(out)


def _group(plan: FollowUpPlan, cases: Followed, number: int, context: Context) -> dict[str, Any]:
    mine = cases.group == number
    times, causes = cases.times[mine], cases.causes[mine]
    row: dict[str, Any] = {
        "group": cases.groups[number], "n": len(times), "longest": float(times.max()), "curve": None, "at": [],
        "events": {word: int((causes == cause).sum()) for cause, word in enumerate(cases.words, start=1)},
    }  # fmt: skip
    if not (causes == 1).any():
        return row | {"reason": "no event"}
    curve: SurvivalCurve | IncidenceCurve
    if plan.competing:
        curve = cumulative_incidence(times, causes, level=context.level)
    else:
        curve = kaplan_meier(times, causes == 1, level=context.level)
    at = [_at(curve, time) for time in plan.horizon_value]
    function = cumulative_incidence if plan.competing else kaplan_meier
    return row | {"curve": curve, "at": at, "code": code_path(function)}


def _at(curve: SurvivalCurve | IncidenceCurve, time: float) -> dict[str, Any]:
    """The share with the event by a time; none beyond the longest follow-up."""
    if time > curve.last_value:
        return {"time": time, "share": None, "reason": "nobody was followed so long"}
    if isinstance(curve, IncidenceCurve):
        found: Estimate = incidence_at(curve, [time])[0]
        share, low, high = found.value, found.low, found.high
        if share == 0:  # before the first event there is no interval
            return {"time": time, "share": 0.0, "low": None, "high": None}
    else:
        found = survival_at(curve, [time])[0]
        share, low, high = 1 - found.value, 1 - found.high, 1 - found.low
    return {"time": time, "share": share, "low": low, "high": high}


def _test(cases: Followed, *, competing: bool) -> dict[str, Any] | None:
    if len(cases.groups) < 2:
        return None
    names = np.array(cases.groups, dtype=object)[cases.group]
    try:
        if competing:
            gray = gray_test(cases.times, cases.causes, names)
            return {
                "name": "Gray",
                "statistic": gray.statistic,
                "df": gray.df,
                "p_value": gray.p_value,
                "code": code_path(gray_test),
            }
        rank = log_rank_test(cases.times, cases.causes == 1, names)
    except InputError as error:
        return {"name": "", "p_value": None, "reason": error.message}
    return {
        "name": "log-rank",
        "statistic": rank.statistic,
        "df": rank.df,
        "p_value": rank.p_value,
        "code": code_path(log_rank_test),
    }


def _table(
    plan: FollowUpPlan, cases: Followed, groups: Sequence[dict[str, Any]], test: dict[str, Any] | None
) -> StudyTable:
    head = ["Group", "Cases", *cases.words]
    head += [f"By {time:g} {plan.unit}, %" for time in plan.horizon_value]
    rows = []
    for number, row in enumerate(groups):
        source = f"/analyses/{plan.id}/groups/{number}"
        cells = [StudyCell(row["group"], source), StudyCell(str(row["n"]), source)]
        cells += [StudyCell(str(count), f"{source}/events") for count in row["events"].values()]
        for place in range(len(plan.horizon_value)):
            one = row["at"][place] if row["at"] else None
            text = _share_text(one)
            cells.append(StudyCell(text, f"{source}/at/{place}" if one else source))
        rows.append(StudyRow(tuple(cells)))
    how = "Cumulative incidence (Aalen-Johansen)" if plan.competing else "One minus Kaplan-Meier"
    notes = [f"{how} of '{cases.words[0]}' with its interval."]
    if test and test["name"]:
        notes.append(
            f"{test['name'].capitalize()} test: χ² {number_text(test['statistic'], decimals=2)}, df {test['df']}, "
            f"P {p_text(test['p_value'])}."
        )
    return StudyTable(plan.id, plan.title, tuple(head), tuple(rows), tuple(notes))


def _share_text(one: dict[str, Any] | None) -> str:
    """A share in percent with its interval, where it has one."""
    if one is None or one["share"] is None:
        return "–"
    if one["low"] is None:
        return number_text(100 * one["share"], decimals=1)
    return interval_text(*(100 * one[key] for key in ("share", "low", "high")), decimals=1)


def _figure(plan: FollowUpPlan, cases: Followed, groups: Sequence[dict[str, Any]]) -> StudyFigure:
    series = []
    for row in groups:
        curve = row["curve"]
        if curve is None:
            continue
        parts: tuple[tuple[float, ...], ...]
        if isinstance(curve, IncidenceCurve):
            parts = (curve.incidence_share, curve.low_share, curve.high_share)
        else:
            flipped = (curve.survival_share, curve.high_share, curve.low_share)
            parts = tuple(tuple(1 - share for share in part) for part in flipped)
        times = (0.0, *curve.time_value, row["longest"])
        lines = [(0.0, *part, part[-1]) for part in parts]
        series.append(StudySeries(f"{row['group']} (n = {row['n']})", times, lines[0], lines[1], lines[2], step=True))
    return StudyFigure(
        f"{plan.id}_curves", plan.title, "curves", f"Time, {plan.unit}", f"Share with {cases.words[0]}", tuple(series)
    )
