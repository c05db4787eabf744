"""Tables of variables by group: summaries, tests and standardised differences, chosen by a rule set with a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.study import StudyCell, StudyRow, StudySection, StudyTable
from recanal.protocol.columns import StudyData
from recanal.protocol.plan import BaselinePlan
from recanal.study.baseline_rows import RowFinding, describe_row
from recanal.study.outcome import Context, Finding, Used, plain_record
from recanal.study.patients import patient_rows
from recanal.study.wording import number_text, p_text

__all__ = ["TEST_NAMES", "Groups", "run_baseline"]

_MOST_GROUPS = 12
TEST_NAMES = {
    "student": "Student t",
    "welch": "Welch t",
    "mann_whitney": "Mann-Whitney",
    "anova": "ANOVA",
    "welch_anova": "Welch ANOVA",
    "kruskal_wallis": "Kruskal-Wallis",
    "Pearson": "Pearson χ²",
    "Yates": "χ², Yates",
    "N-1 chi-square": "N−1 χ²",
    "likelihood ratio": "Likelihood ratio",
    "Fisher": "Fisher exact",
    "Fisher-Freeman-Halton": "Fisher-Freeman-Halton",
    "Fisher-Freeman-Halton, sampled": "Fisher-Freeman-Halton, sampled",
}


@dataclass(frozen=True, eq=False)
class Groups:
    """Columns of a table: the rows of each, -1 in ``codes`` for rows that belong to none."""

    codes: NDArray[np.intp]
    words: tuple[str, ...]
    sizes: tuple[int, ...]


def run_baseline(plan: BaselinePlan, data: StudyData, context: Context) -> Finding:
    """A baseline table.

    Raises
    ------
    StudyError
        When the groups cannot be formed, or a test that the plan names does not fit a row.
    """
    notes: tuple[str, ...] = ()
    record: dict[str, Any] = {"kind": "table", "level": plan.level, "rules": plan.rules, "by": plan.by or None}
    if plan.level == "patient":
        by_patient = patient_rows(data, plan)
        data, notes = by_patient.data, by_patient.notes
        record |= by_patient.record
    groups, left_out = _groups(plan, data)
    if left_out:
        what = "patients" if plan.level == "patient" else "lesions"
        notes = (*notes, f"{left_out} {what} without a known group are left out.")
        data = data.take(groups.codes >= 0)
        groups = Groups(groups.codes[groups.codes >= 0], groups.words, groups.sizes)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # sorting and sums of large columns release the interpreter
        rows = list(
            pool.map(lambda row: describe_row(row, plan, data, (groups.codes, groups.words), context), plan.rows)
        )
    record |= {
        "n": data.rows_count,
        "left_out": left_out,
        "groups": [{"name": word, "n": size} for word, size in zip(groups.words, groups.sizes, strict=True)],
        "rows": [plain_record(row.record) for row in rows],
    }
    table = _table(plan, data, groups, rows, notes)
    return Finding(record, StudySection(plan.id, plan.title, (table,)), _used(plan, rows))


def _groups(plan: BaselinePlan, data: StudyData) -> tuple[Groups, int]:
    if not plan.by:
        return Groups(np.zeros(data.rows_count, dtype=np.intp), ("All",), (data.rows_count,)), 0
    codes, _, words = data.codes(plan.by)
    sizes = np.bincount(codes[codes >= 0], minlength=len(words))
    seen = np.flatnonzero(sizes > 0)
    if len(seen) > _MOST_GROUPS:
        raise plan.place.error("by", f"'{plan.by}' has {len(seen)} groups; {_MOST_GROUPS} is the most.")
    if len(seen) < 2:
        raise plan.place.error("by", f"'{plan.by}' has one group alone in these rows; a comparison needs two.")
    new = np.full(len(words) + 1, -1, dtype=np.intp)
    new[seen] = np.arange(len(seen))
    kept = tuple(words[place] for place in seen)
    return Groups(new[codes], kept, tuple(int(sizes[place]) for place in seen)), int((codes < 0).sum())


def _used(plan: BaselinePlan, rows: list[RowFinding]) -> tuple[Used, ...]:
    out = [Used(f"level_{plan.level}", plan.patient_rule), Used(f"rules_{plan.rules}")]
    for row in rows:
        out.append(Used(f"summary_{row.record['summary']}", row.label))
        test = row.record.get("test")
        if test and test.get("name"):
            out.append(Used(f"test_{test['name']}", row.label))
        if row.record.get("standardised_difference"):
            out.append(Used("standardised_difference"))
    return tuple(dict.fromkeys(out))


def _table(
    plan: BaselinePlan, data: StudyData, groups: Groups, rows: list[RowFinding], notes: tuple[str, ...]
) -> StudyTable:
    overall = plan.overall and bool(plan.by)
    compared = bool(plan.by)
    smd = plan.differences and compared
    head = ["Characteristic"]
    head += [f"All (n = {data.rows_count})"] if overall or not compared else []
    if compared:
        head += [f"{word} (n = {size})" for word, size in zip(groups.words, groups.sizes, strict=True)]
        head += ["P value", "Test"]
    head += ["SMD" if len(groups.words) == 2 else "Largest SMD"] if smd else []
    body: list[StudyRow] = []
    for number, row in enumerate(rows):
        body += _rows(row, f"/analyses/{plan.id}/rows/{number}", overall=overall, compared=compared, smd=smd)
    clustered = data.patient_count not in (None, data.rows_count)
    notes = (*notes, *_notes(plan, rows, compared=compared, clustered=clustered))
    return StudyTable(plan.id, plan.title, tuple(head), tuple(body), notes)


def _rows(row: RowFinding, source: str, *, overall: bool, compared: bool, smd: bool) -> list[StudyRow]:
    out = []
    for place, line in enumerate(row.lines):
        cells = [StudyCell(line.label, source)]
        blank = not line.cells
        if overall or not compared:
            cells.append(StudyCell("") if blank else StudyCell(line.cells[0], f"{source}/all"))
        if compared:
            texts = ("",) * row.group_count if blank else line.cells[1:]
            cells += [StudyCell(text, f"{source}/groups/{g}" if text else "") for g, text in enumerate(texts)]
            cells += _test_cells(row.record, source) if place == 0 else [StudyCell(""), StudyCell("")]
        if smd:
            cells.append(_difference_cell(row.record, source) if place == 0 else StudyCell(""))
        out.append(StudyRow(tuple(cells), line.kind))
    return out


def _test_cells(record: Mapping[str, Any], source: str) -> list[StudyCell]:
    test = record["test"]
    if not test.get("name"):
        return [StudyCell("–", f"{source}/test"), StudyCell("", f"{source}/test")]
    name = TEST_NAMES.get(test["name"], test["name"])
    return [StudyCell(p_text(test["p_value"]), f"{source}/test"), StudyCell(name, f"{source}/test")]


def _difference_cell(record: Mapping[str, Any], source: str) -> StudyCell:
    found = record.get("standardised_difference")
    if not found:
        return StudyCell("–")
    return StudyCell(number_text(abs(found["value"]), decimals=2), f"{source}/standardised_difference")


def _notes(plan: BaselinePlan, rows: list[RowFinding], *, compared: bool, clustered: bool) -> list[str]:
    shapes = {row.record["summary"] for row in rows}
    words = {"mean_sd": "mean ± SD", "median_iqr": "median (quartiles)", "counts": "n (%)"}
    notes = ["Values are " + ", ".join(words[shape] for shape in words if shape in shapes) + "."]
    if compared:
        smd = " SMD: standardised difference, absolute." if plan.differences else ""
        notes.append(f"Tests by the rule set '{plan.rules}'.{smd}")
    absent = [f"{row.label} {row.record['missing']}" for row in rows if row.record["missing"]]
    if absent:
        notes.append(f"Missing: {'; '.join(dict.fromkeys(absent))}. Summaries and percentages are of known values.")
    if clustered and compared:
        notes.append("Tests count lesions as independent, although some patients have several.")
    return notes
