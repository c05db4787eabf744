"""From one row per lesion to one row per patient, by rules that the table prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recanal.errors import StudyError
from recanal.protocol.columns import StudyData
from recanal.protocol.place import shown
from recanal.protocol.plan import BaselinePlan

__all__ = ["PatientRows", "patient_rows"]

_HOW = {"any": "max", "all": "min", "largest": "max", "least": "min", "mean": "mean"}
_TRUTHS = ("any", "all")


@dataclass(frozen=True)
class PatientRows:
    """One row per patient, what was done to get there in words, and as a record."""

    data: StudyData
    notes: tuple[str, ...]
    record: Mapping[str, Any]


def patient_rows(data: StudyData, plan: BaselinePlan) -> PatientRows:
    """The rows of a table by patient.

    Parameters
    ----------
    data
        One row per lesion, with patients told apart.
    plan
        Its ``patient_rule`` puts a patient into a group; ``aggregate`` says how a variable that differs between a
        patient's lesions becomes one value.

    Raises
    ------
    StudyError
        When lesions of a patient differ and the plan does not say what to do.
    """
    if data.patient is None or data.patient_count is None:
        raise plan.place.error("level", "a table by patient needs [data] patient.")
    names = list(dict.fromkeys(row.name for row in plan.rows))
    _check_aggregate(data, plan, names)
    frame = pd.DataFrame({name: _one_value(data, plan, name) for name in names if name != plan.by})
    notes, many = [], int((np.bincount(data.patient) > 1).sum())
    if plan.by:
        codes, sentence = _group_codes(data, plan)
        frame[plan.by] = _as_column(data, plan.by, codes)
        notes.append(sentence)
    notes += [f"{data.variables[name].label}: {how} of a patient's lesions." for name, how in plan.aggregate.items()]
    notes.append(
        f"Patient level: {data.patient_count} patients with {data.rows_count} lesions; {many} patients have several."
    )
    record = {
        "patient_rule": plan.patient_rule,
        "aggregate": dict(plan.aggregate),
        "patients_with_several_lesions": many,
        "lesions": data.rows_count,
    }
    small = dataclasses.replace(data, frame=frame, patient=np.arange(data.patient_count, dtype=np.intp))
    return PatientRows(small, tuple(notes), record)


def _patients(data: StudyData) -> NDArray[np.intp]:
    if data.patient is None:
        raise StudyError("Rows by patient need a column that tells patients apart.", hint="Name it: [data] patient.")
    return data.patient


def _check_aggregate(data: StudyData, plan: BaselinePlan, names: list[str]) -> None:
    inner = plan.place.inside("aggregate")
    for name, how in plan.aggregate.items():
        if name not in names:
            raise inner.error(name, "is no row of this table.")
        kind = data.variables[name].type
        if kind == "categorical" or (how in _TRUTHS and kind != "binary") or (how == "mean" and kind != "continuous"):
            raise inner.error(name, f"{shown(how)} does not fit a {kind} variable.")


def _one_value(data: StudyData, plan: BaselinePlan, name: str) -> pd.Series:
    column = data.frame[name]
    how = plan.aggregate.get(name, "")
    categorical = isinstance(column.dtype, pd.CategoricalDtype)
    values = column.cat.codes.astype(float).replace(-1.0, np.nan) if categorical else column
    grouped = values.groupby(_patients(data))
    if how:
        return grouped.agg(_HOW[how]).reset_index(drop=True)
    low, high = grouped.min(), grouped.max()
    differ = int((high > low).sum())
    if differ:
        raise plan.place.error(
            "rows",
            f"{shown(name)} differs between lesions of {differ} patients.",
            hint="Say under aggregate how it becomes one value (any, all, largest, least, mean), or show it by lesion.",
        )
    low = low.reset_index(drop=True)
    if categorical:
        codes: NDArray[np.int32] = np.asarray(low.fillna(-1), dtype=np.int32)
        return pd.Series(pd.Categorical.from_codes(codes, categories=column.cat.categories))
    return low


def _group_codes(data: StudyData, plan: BaselinePlan) -> tuple[NDArray[np.intp], str]:
    codes, levels, words = data.codes(plan.by)
    label = data.variables[plan.by].label
    if plan.patient_rule == "same":
        return _same(codes, data, plan), f"{label}: the same in all lesions of a patient."
    how, level = plan.patient_rule.split(" ", 1)
    if level not in levels:
        raise plan.place.error("patient_rule", f"{plan.by} has no level {shown(level)}; it has {', '.join(levels)}.")
    place = levels.index(level)
    hit = pd.Series(codes == place).groupby(_patients(data))
    chosen = (hit.any() if how == "any" else hit.all()).to_numpy(dtype=bool)
    rest = np.where(codes == place, -2, codes)
    out = np.full(len(chosen), place, dtype=np.intp)
    out[~chosen] = _rest(rest, data, plan, chosen)
    word = "at least one lesion is" if how == "any" else "all lesions are"
    return out, f"A patient counts as '{words[place]}' ({label}) when {word}."


def _rest(codes: NDArray[np.intp], data: StudyData, plan: BaselinePlan, chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Groups of the patients whom the rule does not choose; -2 marks lesions at the level of the rule."""
    values = pd.Series(codes.astype(float)).where(codes != -2)
    grouped = values.groupby(_patients(data))
    low, high = grouped.min().to_numpy()[~chosen], grouped.max().to_numpy()[~chosen]
    known = np.where(low < 0, np.nan, low)
    differ = int(np.sum((high > low) & (low >= 0)))
    if differ:
        raise plan.place.error(
            "patient_rule", f"{shown(plan.patient_rule)} leaves {differ} patients whose lesions lie in several groups."
        )
    return np.where(np.isnan(known), -1, known).astype(np.intp)


def _same(codes: NDArray[np.intp], data: StudyData, plan: BaselinePlan) -> NDArray[np.intp]:
    grouped = pd.Series(codes).groupby(_patients(data))
    low, high = grouped.min().to_numpy(), grouped.max().to_numpy()
    differ = int((low != high).sum())
    if differ:
        raise plan.place.error(
            "patient_rule",
            f"lesions of {differ} patients lie in different groups of {shown(plan.by)}.",
            hint='Say which group counts, such as patient_rule = "any 0".',
        )
    return low.astype(np.intp)


def _as_column(data: StudyData, name: str, codes: NDArray[np.intp]) -> pd.Series:
    column = data.frame[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical.from_codes(codes.astype(np.int32), categories=column.cat.categories))
    _, levels, _ = data.codes(name)
    values = np.array([float(level) for level in levels] + [np.nan])
    return pd.Series(values[codes])
