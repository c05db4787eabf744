"""Rows out of a store: one frame per table, or one flat frame with a row per lesion."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recanal.cohort.store import Store
from recanal.errors import CohortError
from recanal.variables.derive import derived_variables, with_derived
from recanal.variables.dictionary import Dictionary

__all__ = ["flat_frame", "instances", "table_frames"]

SEVERAL_ROWS = "Export the tables apart, or leave this one out with --tables."
# tables that hold one row for a lesion, in the order in which they are joined, and by which key
_JOINS = {
    **dict.fromkeys(("patient", "laboratory"), "patient_id"),
    **dict.fromkeys(("ct", "angiogram", "procedure"), "lesion_id"),
    "operator": "operator_id",
}


def table_frames(store: Store, tables: Sequence[str] = ()) -> dict[str, pl.DataFrame]:
    """The present rows of tables; of all that hold any when none is named. Columns that are empty throughout stay.

    Raises
    ------
    CohortError
        Where a table does not exist.
    """
    wanted = tables or store.filled()
    return {store.dictionary.table(name).name: store.frame(name) for name in wanted}


def flat_frame(
    store: Store, tables: Sequence[str] = (), *, derived: bool = False, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """One row per lesion with the columns of its patient, readings, procedure and operator.

    Parameters
    ----------
    store
        The store.
    tables
        Which tables to join to the lesions; all that hold rows, but for follow-up, when none is named.
    derived
        Whether to add the derived variables.
    columns
        Which variables, stored or derived; all when None. Keys are always there.

    Returns
    -------
    polars.DataFrame
        Ordered by lesion. Columns that are empty throughout are left out, keys stay.

    Raises
    ------
    CohortError
        Where a table has more than one row for a lesion or patient: which one is meant must not be guessed.
    """
    wanted = list(tables) or [name for name in store.filled() if name != "follow_up"]
    if "follow_up" in wanted:
        raise CohortError(
            "Follow-up has many rows for a patient and does not fit a flat table.", hint="Export it alone."
        )
    found = store.frames(_columns(store.dictionary, wanted, columns))
    frame = found.pop("lesion")
    for name, key in _JOINS.items():
        if name in found:
            frame = _joined(frame, found.pop(name), key, name)
    if derived:
        frame = with_derived(frame, columns)
    kept = _kept(frame, store.dictionary)
    if columns is not None:
        asked = {*columns, *(table.key for table in store.dictionary)}
        kept = [name for name in kept if name in asked]
    return frame.select(kept)


def _columns(dictionary: Dictionary, tables: Sequence[str], asked: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """What to read of each table: keys, the variables asked for, and those from which derived ones are made."""
    names = [name for name in dictionary.names if name == "lesion" or (name in tables and name in _JOINS)]
    if asked is None:
        return {name: dictionary.table(name).names for name in names}
    inputs = (one for derived in derived_variables() if derived.name in asked for one in derived.inputs)
    needed = {*asked, *inputs, *(table.key for table in dictionary)}
    return {name: tuple(one for one in dictionary.table(name).names if one in needed) for name in names}


def instances(store: Store, root: str = "patient") -> dict[str, pl.DataFrame]:
    """The place of every row within its root row, by table: the key, the root's key and ``instance`` from 1.

    Places are given in the order in which the rows first came and are never given again, so they stay when rows are
    added or withdrawn.
    """
    record = store.dictionary.table(root).key
    out: dict[str, pl.DataFrame] = {}
    above: dict[str, pl.DataFrame] = {}
    for table in store.dictionary:
        if table.name == root:
            continue
        parent = store.dictionary.table(table.parents[0]) if table.parents else None
        if parent is None or (parent.name != root and parent.name not in above):
            continue
        frame = store.first_rows(table.name)
        if parent.name != root:
            frame = frame.join(above[parent.name].select(parent.key, record), on=parent.key, how="left")
        above[table.name] = frame
        place = pl.struct("batch", "position").rank("ordinal").over(record)
        out[table.name] = frame.select(table.key, record, place.cast(pl.Int64).alias("instance"))
    return out


def _joined(frame: pl.DataFrame, other: pl.DataFrame, key: str, name: str) -> pl.DataFrame:
    if key not in frame.columns:
        return frame
    single = key == "lesion_id" or key == f"{name}_id"  # one of the two frames holds each key once
    if single and other.height == frame.height and other[key].equals(frame[key]):
        return frame.hstack(other.drop(key))
    whole = frame.join(other, on=key, how="left", maintain_order="left")
    if whole.height > frame.height:
        held = other.filter(pl.col(key).is_in(frame[key].implode()))
        count = held.filter(pl.col(key).is_duplicated())[key].n_unique()
        raise CohortError(
            f"{name} has more than one row for {count} of the {key.removesuffix('_id')}s.",
            hint=SEVERAL_ROWS,
        )
    return whole


def _kept(frame: pl.DataFrame, dictionary: Dictionary) -> list[str]:
    keys = {table.key for table in dictionary}
    return [name for name in frame.columns if name in keys or frame[name].null_count() < frame.height]
