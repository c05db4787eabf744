"""A plan run from its file to its report."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from recanal.core.study import StudyReport
from recanal.errors import InputError, StudyError
from recanal.protocol.checks import check_use
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import (
    AgreementPlan,
    Analysis,
    BaselinePlan,
    CalibrationPlan,
    FollowUpPlan,
    LearningPlan,
    Plan,
    RegressionPlan,
    RocPlan,
    SampleSizePlan,
    ScoresPlan,
    StrataPlan,
    TrialPlan,
)
from recanal.protocol.reading import read_plan
from recanal.study.loading import load_study_data
from recanal.study.methods import methods_text
from recanal.study.outcome import Context, Finding
from recanal.study.strobe import strobe_items

__all__ = ["SCHEMA", "StudyResult", "check_study", "run_plan", "run_study"]

SCHEMA = "recanal-study/1"
# imported when a plan asks for them: a table alone starts a second sooner
_RUNNERS: Mapping[type[Analysis], tuple[str, str]] = {
    BaselinePlan: ("baseline", "run_baseline"),
    RegressionPlan: ("regression", "run_regression"),
    RocPlan: ("discrimination", "run_roc"),
    ScoresPlan: ("score_comparison", "run_scores"),
    CalibrationPlan: ("calibration", "run_calibration"),
    AgreementPlan: ("agreement", "run_agreement"),
    StrataPlan: ("strata", "run_strata"),
    LearningPlan: ("learning", "run_learning"),
    FollowUpPlan: ("follow_up", "run_follow_up"),
    TrialPlan: ("trial", "run_trial"),
    SampleSizePlan: ("size", "run_sample_size"),
}
_PACKAGES = ("numpy", "scipy", "pandas", "polars")


@dataclass(frozen=True)
class StudyResult:
    """What came of a study: ``record`` for ``results.json``, ``report`` for people."""

    record: Mapping[str, Any]
    report: StudyReport


def run_study(path: str | Path, *, progress: Callable[[int, int, str], None] | None = None) -> StudyResult:
    """The plan in a file, run on the data that it names.

    Parameters
    ----------
    path
        The plan, a TOML file; the names of data files begin at its folder.
    progress
        Called with analyses done, analyses in all, and the title of the next.

    Raises
    ------
    StudyError
        When the plan is not well formed, the data do not fit it, or a method cannot be used; the message names the
        line and key of the plan.
    """
    return run_plan(read_plan(path), Path(path).parent, progress=progress)


def run_plan(plan: Plan, folder: Path, *, progress: Callable[[int, int, str], None] | None = None) -> StudyResult:
    """As :func:`run_study`, for a plan that was read before; ``folder`` is where names of data files begin.

    Raises
    ------
    StudyError
        As :func:`run_study`.
    """
    say = progress or (lambda done, total, title: None)
    say(0, len(plan.analyses), "reading the data")
    data = load_study_data(plan, folder)
    warnings = check_use(plan, data.variables)
    findings: dict[str, Finding] = {}
    for number, one in enumerate(plan.analyses):
        say(number, len(plan.analyses), one.title)
        findings[one.id] = _with_warnings(_run(one, data, Context(plan.level, plan.seed)), warnings[one.id])
    say(len(plan.analyses), len(plan.analyses), "writing")
    return _result(plan, data, findings)


def check_study(path: str | Path) -> str:
    """What a plan would do with its data, in words; nothing is computed.

    Raises
    ------
    StudyError
        As :func:`run_study`.
    """
    plan = read_plan(path)
    data = load_study_data(plan, Path(path).parent)
    check_use(plan, data.variables)
    patients = "" if data.patient_count is None else f" of {data.patient_count} patients"
    lines = [f"{data.rows_count} lesions{patients}, {len(data.variables)} variables in use."]
    for name, variable in data.variables.items():
        missing = int(data.frame[name].isna().sum())
        lines.append(f"  {name}: {variable.type} ({variable.origin}), {missing} missing")
    lines += [f"{one.id}: {one.title}" for one in plan.analyses]
    return "\n".join(lines)


def _run(one: Analysis, data: StudyData, context: Context) -> Finding:
    module, name = _RUNNERS[type(one)]
    runner: Callable[..., Finding] = getattr(importlib.import_module(f"recanal.study.{module}"), name)
    try:
        return runner(one, data, context)
    except StudyError as error:
        if error.message.startswith("line "):
            raise
        raise one.place.error("", error.message, hint=error.hint) from error
    except InputError as error:
        raise one.place.error("", error.message, hint=error.hint) from error


def _with_warnings(found: Finding, warnings: tuple[str, ...]) -> Finding:
    section = dataclasses.replace(found.section, warnings=(*warnings, *found.section.warnings))
    return Finding({**found.record, "title": section.title, "warnings": list(section.warnings)}, section, found.used)


def _result(plan: Plan, data: StudyData, findings: Mapping[str, Finding]) -> StudyResult:
    facts = _facts(plan, data)
    used = tuple(dict.fromkeys(item for found in findings.values() for item in found.used))
    methods = methods_text(plan, data, used)
    sections = tuple(found.section for found in findings.values())
    checklist = strobe_items(plan, data, sections, methods)
    record = {
        "schema": SCHEMA,
        "title": plan.title,
        "facts": dict(facts),
        "variables": {name: _variable(data, name) for name in data.variables},
        "analyses": {name: dict(found.record) for name, found in findings.items()},
        "methods": list(methods),
        "methods_used": [{"method": item.method, "detail": item.detail} for item in used],
    }
    return StudyResult(record, StudyReport(plan.title, facts, sections, methods, checklist))


def _facts(plan: Plan, data: StudyData) -> tuple[tuple[str, str], ...]:
    facts = [
        ("recanal", metadata.version("recanal")),
        *((name, metadata.version(name)) for name in _PACKAGES),
        ("plan_sha256", hashlib.sha256(plan.text.encode()).hexdigest()),
        *data.facts,
        ("lesions", str(data.rows_count)),
    ]
    if data.patient_count is not None:
        facts.append(("patients", str(data.patient_count)))
    return (*facts, ("rules", plan.rules), ("level", f"{plan.level:g}"), ("seed", str(plan.seed)))


def _variable(data: StudyData, name: str) -> dict[str, Any]:
    variable = data.variables[name]
    return {
        "label": variable.label,
        "type": variable.type,
        "levels": dict(variable.levels),
        "timing": variable.timing or None,
        "type_from": variable.origin,
        "missing": int(data.frame[name].isna().sum()),
    }
