"""The STROBE checklist, filled in as far as a run and its plan can."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from recanal.core.study import ChecklistItem, StudySection
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import BaselinePlan, Plan, RegressionPlan, SampleSizePlan, TrialPlan

__all__ = ["strobe_items"]

_UNDONE = "To be written by the authors."


@dataclass(frozen=True)
class _Run:
    plan: Plan
    data: StudyData
    sections: Sequence[StudySection]
    methods: Sequence[str]


def strobe_items(
    plan: Plan, data: StudyData, sections: Sequence[StudySection], methods: Sequence[str]
) -> tuple[ChecklistItem, ...]:
    """The items of the checklist, each filled, partly filled or left to the authors.

    Notes
    -----
    von Elm E, et al. Lancet 2007;370:1453-1457; items in our words. What the run says stands as facts; an item counts
    as filled only where a run can say all that it asks for.
    """
    text = resources.files("recanal.study").joinpath("strobe.toml").read_text(encoding="utf-8")
    run = _Run(plan, data, sections, methods)
    return tuple(_item(row, run) for row in tomllib.loads(text)["items"])


def _item(row: Mapping[str, str], run: _Run) -> ChecklistItem:
    said = [run.plan.words[key] for key in (row.get("word", ""), row.get("also", "")) if key in run.plan.words]
    fact = _FACTS[row["fact"]](run) if "fact" in row else ""
    parts = [*said, *([fact] if fact else [])]
    full = row.get("fact", "") in _WHOLE and bool(fact)
    state = "filled" if full else "partly" if parts else "to write"
    return ChecklistItem(row["number"], row["topic"], row["asks"], state, " ".join(parts) or _UNDONE)


def _variables(run: _Run) -> str:
    by_type: dict[str, list[str]] = {}
    for variable in run.data.variables.values():
        by_type.setdefault(variable.type, []).append(variable.label)
    return " ".join(f"{kind.capitalize()}: {'; '.join(labels)}." for kind, labels in by_type.items())


def _sources(run: _Run) -> str:
    when: dict[str, list[str]] = {}
    for variable in run.data.variables.values():
        if variable.timing:
            when.setdefault(variable.timing, []).append(variable.label)
    return " ".join(f"Known {moment} the procedure: {'; '.join(labels)}." for moment, labels in when.items())


def _size(run: _Run) -> str:
    planned = [one.title for one in run.plan.analyses if isinstance(one, SampleSizePlan)]
    return f"Calculated: {'; '.join(planned)}." if planned else ""


def _quantitative(run: _Run) -> str:
    kept = [one.label for one in run.data.variables.values() if one.type == "continuous"]
    return f"Analysed as measured, not grouped: {'; '.join(kept)}." if kept else ""


def _methods(run: _Run) -> str:
    return " ".join(run.methods)


def _subgroups(run: _Run) -> str:
    strata = [
        f"{one.title}: by {one.stratum}" for one in run.plan.analyses if isinstance(one, TrialPlan) and one.stratum
    ]
    return "; ".join(strata) + "." if strata else "No subgroup was analysed."


def _missing_rule(run: _Run) -> str:
    absent = {name: int(run.data.frame[name].isna().sum()) for name in run.data.variables}
    told = [f"{run.data.variables[name].label} {count}" for name, count in absent.items() if count]
    rule = "Each analysis uses the rows in which its own variables are known; nothing was imputed."
    return f"{rule} Missing: {'; '.join(told)}." if told else f"{rule} No value is missing."


def _clustering(run: _Run) -> str:
    if run.data.patient_count is None:
        return ""
    kinds = {one.cluster for one in run.plan.analyses if isinstance(one, RegressionPlan)} - {"none"}
    how = f" Models: sandwich errors by patient ({', '.join(sorted(kinds))})." if kinds else ""
    return f"{run.data.rows_count} lesions lie in {run.data.patient_count} patients.{how}"


def _rows(run: _Run) -> str:
    return _clustering(run) or f"{run.data.rows_count} lesions."


def _titles(run: _Run, kind: type) -> list[str]:
    return [one.title for one in run.plan.analyses if isinstance(one, kind)]


def _descriptive(run: _Run) -> str:
    found = _titles(run, BaselinePlan)
    return f"Tables: {'; '.join(found)}." if found else ""


def _outcomes(run: _Run) -> str:
    names = dict.fromkeys(one.outcome for one in run.plan.analyses if hasattr(one, "outcome"))
    parts = []
    for outcome in names:
        events = run.data.events(outcome.column, outcome.event)
        known = events == events
        label = run.data.variables[outcome.column].label
        parts.append(f"{label} (level {outcome.event}): {int(events[known].sum())} of {int(known.sum())}")
    return "; ".join(parts) + "." if parts else ""


def _estimates(run: _Run) -> str:
    parts = []
    for one in run.plan.analyses:
        if isinstance(one, RegressionPlan):
            by = ", ".join(run.data.variables[name].label for name in one.adjust)
            parts.append(f"{one.title}, " + (f"adjusted for {by}" if by else "no further adjustment"))
    return "; ".join(parts) + "." if parts else ""


def _others(run: _Run) -> str:
    rest = [one.title for one in run.plan.analyses if not isinstance(one, BaselinePlan | RegressionPlan)]
    return "; ".join(rest) + "." if rest else ""


def _warnings(run: _Run) -> str:
    told = [warning for section in run.sections for warning in section.warnings]
    return "Warnings of the run: " + " ".join(dict.fromkeys(told)) if told else ""


_FACTS: Mapping[str, Callable[[_Run], str]] = {
    "variables": _variables,
    "sources": _sources,
    "size": _size,
    "quantitative": _quantitative,
    "methods": _methods,
    "subgroups": _subgroups,
    "missing_rule": _missing_rule,
    "clustering": _clustering,
    "rows": _rows,
    "descriptive": _descriptive,
    "outcomes": _outcomes,
    "estimates": _estimates,
    "others": _others,
    "warnings": _warnings,
}
_WHOLE = frozenset({"methods", "missing_rule", "outcomes", "subgroups"})
