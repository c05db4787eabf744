"""The rows of a study: read, typed and checked."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from recanal.errors import CohortError
from recanal.protocol.columns import StudyData, typed_column
from recanal.protocol.place import similar
from recanal.protocol.plan import DataPlan, Plan, VariablePlan
from recanal.protocol.references import Use, uses
from recanal.variables.dictionary import Variable, load_dictionary
from recanal.variables.read_options import ReadOptions
from recanal.variables.reading import read_csv

if TYPE_CHECKING:
    from recanal.cohort import Store

__all__ = ["load_study_data", "study_variables"]

_MOST_BYTES = 2_000_000_000
_UNSAID = VariablePlan("", "", "", {}, "", "plan")
_PRINTED_UNITS = {"1": "", "a": "years", "mo": "months", "d": "days", "wk": "weeks", "[hnsf'U]": "HU", "deg": "°"}
_PRINTED_UNITS |= {"kg/m2": "kg/m²", "mm2": "mm²", "mm3": "mm³", "m2": "m²"}
_PRINTED_UNITS |= {"[Ch]": "Fr", "Gy.cm2": "Gy cm²", "umol/L": "µmol/L", "mL/min/{1.73_m2}": "mL/min/1.73 m²"}
_PRINTED_UNITS |= {"10*9/L": "10⁹/L", "{procedures}/a": "procedures per year"}
ROW_OF_A_STUDY = (
    "A study has one row for each lesion: export the tables, keep one row of each lesion, and name that file under "
    "[data]; or leave the table out with `tables` there."
)
_TYPE_OF_KIND = {"bool": "binary", "whole": "continuous", "number": "continuous", "choice": "categorical"}


def load_study_data(plan: Plan, folder: Path) -> StudyData:
    """The rows that a plan names, with the types that it gives.

    Parameters
    ----------
    plan
        The plan.
    folder
        Where a relative file name begins, that is where the plan lies.

    Raises
    ------
    StudyError
        When a column is absent, a cell does not fit its type, an identifier is missing or a lesion stands twice.
    """
    table, facts = _rows(plan, folder)
    variables = study_variables(plan, tuple(table.columns))
    patient = _patients(table, plan.data)
    _refuse_twice(table, plan.data)
    typed = functools.partial(typed_column, decimal=plan.data.decimal, missing=plan.data.missing)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # polars and numpy release the interpreter
        found = pool.map(typed, (table[name] for name in variables), variables.values())
        columns = dict(zip(variables, found, strict=True))
    for name, column in columns.items():
        if isinstance(column.dtype, pd.CategoricalDtype) and not plan.variables.get(name, _UNSAID).levels:
            columns[name] = column.cat.remove_unused_categories()
            variables[name] = _kept_levels(variables[name], columns[name])
    frame = pd.DataFrame(columns, copy=False) if columns else pd.DataFrame(index=range(table.height))
    data = StudyData(frame, variables, patient, facts)
    labelled = {name: _with_levels(data, variable) for name, variable in variables.items()}
    return dataclasses.replace(data, variables=labelled)


def study_variables(plan: Plan, columns: tuple[str, ...]) -> dict[str, VariablePlan]:
    """Type, label and timing of every column that the plan uses: from the plan, the data dictionary, or its use.

    Raises
    ------
    StudyError
        When a column is absent or its type is not known; the message names line and key.
    """
    known = _dictionary()
    out: dict[str, VariablePlan] = {}
    for use in uses(plan):
        if use.name not in columns:
            raise use.place.error(use.key, f"the data have no column '{use.name}'.", hint=similar(use.name, columns))
        _refuse_identifier(plan, known.get(use.name), use)
        found = _variable(plan, known.get(use.name), use)
        if use.name in out and out[use.name].type == "order":
            found = dataclasses.replace(found, type="order")
        out[use.name] = found
    return out


def _refuse_identifier(plan: Plan, known: Variable | None, use: Use) -> None:
    """No result may show who somebody is; operators are groups that a study compares."""
    by_book = known is not None and known.kind == "id" and use.name != "operator_id"
    if by_book or use.name in {plan.data.patient, plan.data.lesion} - {""}:
        raise use.place.error(use.key, f"'{use.name}' is an identifier; none is shown.", hint="Leave it out.")


def _kept_levels(variable: VariablePlan, column: pd.Series) -> VariablePlan:
    """The levels of the data dictionary that occur."""
    kept = [str(level) for level in column.cat.categories]
    return dataclasses.replace(variable, levels={code: variable.levels[code] for code in kept if variable.levels})


def _variable(plan: Plan, known: Variable | None, use: Use) -> VariablePlan:
    own = plan.variables.get(use.name, VariablePlan(use.name, "", "", {}, "", "plan"))
    from_book = _TYPE_OF_KIND.get(known.kind, "") if known is not None else ""
    kind = own.type or from_book or use.role
    if use.role == "order":
        kind = "order"
    if not kind:
        raise use.place.error(
            use.key,
            f"the type of '{use.name}' is not known.",
            hint="Name it under [variables] as continuous, binary, categorical or ordinal.",
        )
    if use.role == "continuous" and kind == "categorical":
        hint = "Are time and status swapped?" if use.key == "time" else "Call it ordinal."
        raise use.place.error(use.key, f"'{use.name}' is categorical; numbers are needed.", hint=hint)
    origin = "plan" if own.type else "dictionary" if from_book else "role"
    label = own.label or (_book_label(known) if known is not None else "") or use.name.replace("_", " ").capitalize()
    levels: Mapping[str, str] = own.levels
    if not levels and known is not None and kind == "categorical":
        levels = {choice: known.label_of(choice) for choice in known.choices}
    timing = own.timing or (known.timing if known is not None else "")
    return VariablePlan(use.name, kind, label, levels, timing, origin)


def _book_label(known: Variable) -> str:
    """Label and unit; units of the dictionary are UCUM codes."""
    unit = _PRINTED_UNITS.get(known.unit, known.unit)
    return f"{known.label}, {unit}" if unit else known.label


def _dictionary() -> dict[str, Variable]:
    return {variable.name: variable for table in load_dictionary() for variable in table.variables}


def _with_levels(data: StudyData, variable: VariablePlan) -> VariablePlan:
    """The variable with the levels that its data have, where the plan gave none."""
    if variable.levels or variable.type != "categorical":
        return variable
    _, levels, words = data.codes(variable.name)
    return dataclasses.replace(variable, levels=dict(zip(levels, words, strict=True)))


def _rows(plan: Plan, folder: Path) -> tuple[pl.DataFrame, tuple[tuple[str, str], ...]]:
    source = plan.data
    if source.kind == "cohort":
        named = {use.name for use in uses(plan)} | {source.patient, source.lesion}
        return _cohort_rows(source, folder, sorted(named))
    path = folder / source.source
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise source.place.error("file", f"{path.name!r} is larger than {_MOST_BYTES} bytes.")
        data = path.read_bytes()
    except OSError as error:
        raise source.place.error("file", f"{path.name!r} cannot be read: {error.strerror}.") from error
    table = _parquet(data, source) if path.suffix.lower() == ".parquet" else _csv(data, source, path.name)
    if not table.height:
        raise source.place.error("file", f"{path.name!r} holds no rows.")
    return table, (("data", path.name), ("data_sha256", hashlib.sha256(data).hexdigest()))


def _csv(data: bytes, source: DataPlan, name: str) -> pl.DataFrame:
    options = ReadOptions(encoding=source.encoding, separator=source.separator, decimal=source.decimal)
    try:
        return read_csv(data, options, name=name).frame
    except CohortError as error:
        raise source.place.error("file", error.message, hint=error.hint) from error


def _parquet(data: bytes, source: DataPlan) -> pl.DataFrame:
    try:
        return pl.read_parquet(data)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise source.place.error("file", f"{source.source!r} is not a Parquet file.") from error


def _cohort_rows(
    source: DataPlan, folder: Path, columns: Sequence[str]
) -> tuple[pl.DataFrame, tuple[tuple[str, str], ...]]:
    """The columns that a plan uses, and the digest of their rows; every column where the store lacks one of them."""
    from recanal.cohort import flat_frame, open_store
    from recanal.cohort.engines import is_url
    from recanal.cohort.exporting import SEVERAL_ROWS

    where = source.source if is_url(source.source) else str(folder / source.source)
    try:
        store = open_store(where)
        try:
            table = flat_frame(store, source.tables, derived=True, columns=columns)
            table, facts = _with_endpoints(table, store, source)
            if not set(columns) - {""} <= set(table.columns):  # the message then names the nearest
                table = flat_frame(store, source.tables, derived=True)
                table, facts = _with_endpoints(table, store, source)
        finally:
            store.close()
    except CohortError as error:
        hint = ROW_OF_A_STUDY if error.hint == SEVERAL_ROWS else error.hint
        raise source.place.error("cohort", error.message, hint=hint) from error
    if not table.height:
        raise source.place.error("cohort", "the store holds no lesion.")
    return table, (("data", "a cohort store"), ("data_sha256", _digest(table)), *facts)


def _digest(table: pl.DataFrame) -> str:
    """SHA-256 of the digests of the columns, in the order of the columns."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return hashlib.sha256(b"".join(pool.map(_column_digest, table))).hexdigest()


def _column_digest(column: pl.Series) -> bytes:
    """SHA-256 of the name and kind of a column, and of its values in their order.

    Numbers are 64-bit floats and dates whole days, little endian; text is its UTF-8 after the lengths of all cells;
    where a column has empty cells, a byte for each cell says which.
    """
    text = column.dtype == pl.String
    found = hashlib.sha256(json.dumps([column.name, "text" if text else "number"]).encode())
    empty = column.is_null()
    if empty.any():
        found.update(empty.to_numpy().tobytes())
    if text:
        cells = column.fill_null("")
        found.update(cells.str.len_bytes().to_numpy().astype("<u4").tobytes())
        found.update(str(cells.str.join("").item()).encode())
    else:
        numbers = column.to_physical().cast(pl.Float64).fill_null(0.0).to_numpy()
        found.update(numbers.astype("<f8", copy=False).tobytes())
    return found.digest()


def _with_endpoints(
    table: pl.DataFrame, store: Store, source: DataPlan
) -> tuple[pl.DataFrame, tuple[tuple[str, str], ...]]:
    """The table with the times that the plan asks for, and what was counted."""
    from recanal.cohort import Endpoint, endpoint_times

    facts = []
    for one in source.endpoints:
        try:
            found = endpoint_times(store, Endpoint(one.name, one.events, one.competing, one.start))
        except CohortError as error:
            raise one.place.error("", error.message, hint=error.hint) from error
        table = table.join(found.frame, on="lesion_id", how="left")
        status = found.frame[f"{one.name}_status"]
        facts.append(
            (
                f"endpoint {one.name}",
                f"{(status == 1).sum()} events, {(status == 2).sum()} competing, {(status == 0).sum()} censored, "
                f"{table.height - status.len() + status.null_count()} lesions without a time; not counted: "
                f"{found.early_count} events before {one.start}, {found.refuted_count} refuted, "
                f"{found.late_count} rows dated after the patient's death",
            )
        )
    return table, tuple(facts)


def _patients(table: pl.DataFrame, source: DataPlan) -> NDArray[np.intp] | None:
    if not source.patient:
        return None
    codes = _codes(table, source, "patient")
    return np.unique(codes, return_inverse=True)[1].astype(np.intp)


def _codes(table: pl.DataFrame, source: DataPlan, key: str) -> NDArray[np.int64]:
    name = getattr(source, key)
    if name not in table.columns:
        raise source.place.error(key, f"the data have no column '{name}'.", hint=similar(name, table.columns))
    text = table[name].cast(pl.String).str.strip_chars()
    empty = (text.is_null() | text.is_in(["", *source.missing])).to_numpy()
    if empty.any():
        row = int(np.flatnonzero(empty)[0]) + 2
        raise source.place.error(
            key, f"{int(empty.sum())} rows have no '{name}'; the first is row {row}.", hint="Every row needs one."
        )
    return np.array(text.rank("dense").to_numpy(), dtype=np.int64)


def _refuse_twice(table: pl.DataFrame, source: DataPlan) -> None:
    if not source.lesion:
        return
    lesion = _codes(table, source, "lesion")
    if source.patient:
        patient = _codes(table, source, "patient")
        lesion = lesion * (int(patient.max()) + 1) + patient
    order = np.argsort(lesion, kind="stable")
    same = np.flatnonzero(np.diff(lesion[order]) == 0)
    if len(same):
        rows = sorted((int(order[same[0]]) + 2, int(order[same[0] + 1]) + 2))
        raise source.place.error(
            "lesion",
            f"{len(same)} rows repeat a lesion of the same patient; the first are rows {rows[0]} and {rows[1]}.",
            hint="Each lesion is one row; leave the copies out.",
        )
