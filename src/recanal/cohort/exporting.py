"""Rows out of a store: one frame per table, or one flat frame with a row per lesion."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recanal.cohort.store import Store
from recanal.errors import CohortError
from recanal.variables.derive import with_derived
from recanal.variables.dictionary import Dictionary

__all__ = ["flat_frame", "instances", "table_frames"]


def table_frames(store: Store, tables: Sequence[str] = ()) -> dict[str, pl.DataFrame]:
    """The present rows of tables; of all that hold any when none is named. Columns that are empty throughout stay.

    Raises
    ------
    CohortError
        Where a table does not exist.
    """
    counts = store.counts()
    wanted = tables or [name for name in store.dictionary.names if counts[name]]
    return {store.dictionary.table(name).name: store.frame(name) for name in wanted}


def flat_frame(store: Store, tables: Sequence[str] = (), *, derived: bool = False) -> pl.DataFrame:
    """One row per lesion with the columns of its patient, readings, procedure and operator.

    Parameters
    ----------
    store
        The store.
    tables
        Which tables to join to the lesions; all that hold rows, but for follow-up, when none is named.
    derived
        Whether to add the derived variables.

    Returns
    -------
    polars.DataFrame
        Ordered by lesion. Columns that are empty throughout are left out, keys stay.

    Raises
    ------
    CohortError
        Where a table has more than one row for a lesion or patient: which one is meant must not be guessed.
    """
    counts = store.counts()
    wanted = list(tables) or [name for name in store.dictionary.names if counts[name] and name != "follow_up"]
    frame = store.frame("lesion")
    if "patient" in wanted:
        frame = _joined(frame, store.frame("patient"), "patient_id", "patient")
    if "laboratory" in wanted:
        frame = _joined(frame, store.frame("laboratory"), "patient_id", "laboratory")
    for name in ("ct", "angiogram", "procedure"):
        if name in wanted:
            frame = _joined(frame, store.frame(name), "lesion_id", name)
    if "operator" in wanted and "operator_id" in frame.columns:
        frame = frame.join(store.frame("operator"), on="operator_id", how="left")
    if "follow_up" in wanted:
        raise CohortError(
            "Follow-up has many rows for a patient and does not fit a flat table.", hint="Export it alone."
        )
    if derived:
        frame = with_derived(frame)
    return frame.select(_kept(frame, store.dictionary)).sort("lesion_id")


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
    held = other.filter(pl.col(key).is_in(frame[key].implode()))
    if held[key].is_duplicated().any():
        count = held.filter(pl.col(key).is_duplicated())[key].n_unique()
        raise CohortError(
            f"{name} has more than one row for {count} of the {key.removesuffix('_id')}s.",
            hint="Export the tables apart, or leave this one out with --tables.",
        )
    return frame.join(held, on=key, how="left")


def _kept(frame: pl.DataFrame, dictionary: Dictionary) -> list[str]:
    keys = {table.key for table in dictionary}
    return [name for name in frame.columns if name in keys or frame[name].null_count() < frame.height]
