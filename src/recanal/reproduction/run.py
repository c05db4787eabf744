"""A paper reproduced: its cohort simulated, its plan run, its tables compared."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from recanal.core.study import StudySection
from recanal.errors import OptionError
from recanal.protocol.reading import read_plan_text
from recanal.reproduction.comparing import compare_paper
from recanal.reproduction.pages import comparison_sections, difference_text, median_figures
from recanal.reproduction.paper import Paper, paper_plan, read_paper
from recanal.reproduction.quantities import KINDS, Comparison
from recanal.reproduction.xiao import simulate_xiao
from recanal.reproduction.xing import simulate_xing
from recanal.study.files import write_study
from recanal.study.outcome import plain_record
from recanal.study.run import StudyResult, run_plan

__all__ = ["LESIONS", "Reproduction", "reproduce", "simulate_cohort", "write_reproduction"]

LESIONS = 20_000
"""Lesions that are simulated unless another number is asked for."""

_LEAST_LESIONS, _MOST_LESIONS = 1_000, 200_000
_COHORT, _PLAN = "lesions.csv", "plan.toml"
_SIMULATORS: Mapping[str, Callable[[Paper, int, int], pd.DataFrame]] = {
    "xing_2022": simulate_xing,
    "xiao_2021": simulate_xiao,
}


@dataclass(frozen=True)
class Reproduction:
    """What came of it.

    Parameters
    ----------
    result
        The study, its report led by the tables of the paper beside the printed numbers.
    comparison
        The printed numbers and the reproduced ones.
    cohort_csv, plan_text
        The rows and the plan: ``recanal study plan.toml`` runs them again.
    """

    result: StudyResult
    comparison: Comparison
    cohort_csv: str
    plan_text: str


def simulate_cohort(name: str, *, lesions_count: int = LESIONS, seed: int = 1) -> pd.DataFrame:
    """A cohort with the printed margins of a paper, one row per lesion.

    Raises
    ------
    OptionError
        When there is no paper of this name, or the number of lesions lies outside 1,000 to 200,000.
    """
    if not _LEAST_LESIONS <= lesions_count <= _MOST_LESIONS:
        raise OptionError(
            f"--lesions: got {lesions_count}; allowed: {_LEAST_LESIONS} to {_MOST_LESIONS}.",
            hint="Small cohorts leave strata of the papers empty.",
        )
    return _SIMULATORS[name](read_paper(name), lesions_count, seed)


def reproduce(
    name: str, *, lesions_count: int = LESIONS, seed: int = 1, progress: Callable[[float, str], None] | None = None
) -> Reproduction:
    """A paper's tables from a simulated cohort, beside the printed ones.

    Parameters
    ----------
    name
        One of :data:`recanal.reproduction.paper.PAPERS`.
    lesions_count
        About as many lesions.
    seed
        Of the cohort.
    progress
        Called with the share done and what comes next.

    Raises
    ------
    OptionError
        When there is no paper of this name, or the number of lesions is out of bounds.
    StudyError
        When the printed margins cannot hold together.
    """
    say = progress or (lambda share, words: None)
    paper, text = read_paper(name), paper_plan(name)
    say(0.0, "simulating the cohort")
    cohort = simulate_cohort(name, lesions_count=lesions_count, seed=seed).to_csv(index=False)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, _COHORT).write_text(cohort, encoding="utf-8")
        result = run_plan(
            read_plan_text(text), Path(folder),
            progress=lambda done, total, title: say(0.5 + 0.5 * done / max(total, 1), title),
        )  # fmt: skip
    comparison = compare_paper(paper, result.record["analyses"])
    facts = (("simulated_lesions", str(lesions_count)), ("simulation_seed", str(seed)))
    return Reproduction(_with_comparison(result, paper, comparison, facts), comparison, cohort, text)


def write_reproduction(found: Reproduction, folder: str | Path) -> tuple[str, ...]:
    """Write the files of the study, the cohort and its plan; returns their names.

    Raises
    ------
    OptionError
        When the folder cannot be written.
    """
    beside = {_COHORT: found.cohort_csv.encode(), _PLAN: found.plan_text.encode()}
    return write_study(found.result, folder, beside=beside)


def _with_comparison(
    result: StudyResult, paper: Paper, comparison: Comparison, facts: tuple[tuple[str, str], ...]
) -> StudyResult:
    sections = [*comparison_sections(paper, comparison), *_figure_sections(paper, comparison)]
    report = dataclasses.replace(
        result.report,
        title=f"{paper.title}: printed and reproduced",
        facts=(*result.report.facts, *facts),
        sections=(*sections, *result.report.sections),
    )
    record = {**result.record, "facts": dict(report.facts), "reproduction": plain_record(_record(paper, comparison))}
    return StudyResult(record, report)


def _figure_sections(paper: Paper, comparison: Comparison) -> list[StudySection]:
    out = []
    for one in paper.median_figures:
        table = next(table for table in comparison.tables if table.title.startswith(f"{one.table}:"))
        figures = median_figures(table, one)
        out.append(StudySection(one.id, one.title, (), figures))
    return out


def _record(paper: Paper, comparison: Comparison) -> dict[str, Any]:
    tally = {kind or "all": comparison.tally(kind) for kind in (*KINDS, "")}
    return {
        "paper": paper.name,
        "doi": paper.doi,
        "tally": {kind: {"within": within, "judged": judged} for kind, (within, judged) in tally.items()},
        "corrections": [dataclasses.asdict(one) for one in paper.corrections],
        "omissions": [dataclasses.asdict(one) for one in paper.omissions],
        "tables": {
            table.id: [
                {
                    "row": row.label,
                    "cells": [
                        {"column": head, **dataclasses.asdict(cell), "difference": difference_text(cell)}
                        for head, cell in zip(table.head[1:], row.cells, strict=True)
                    ],
                }
                for row in table.rows
            ]
            for table in comparison.tables
        },
    }
