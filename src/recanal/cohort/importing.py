"""Rows into a store: read, check, and write in one transaction, or say what is wrong with each row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from recanal.cohort.store import Author, Store, Writer
from recanal.errors import CohortError
from recanal.variables import CheckedRows, Progress, ReadOptions, Table, check_source, quiet, without_rejected
from recanal.variables.rejections import as_rejections, no_rejections
from recanal.variables.splitting import ROW

__all__ = ["ImportOptions", "ImportResult", "import_rows", "import_source"]


@dataclass(frozen=True)
class ImportOptions:
    """What may happen to the store.

    Parameters
    ----------
    update
        Whether keys that the store holds may get a new version.
    blanks_overwrite
        Whether, in an update, an empty cell makes a known value unknown; otherwise it leaves the value as it is.
    accept_partial
        Whether the good rows are taken where others are rejected.
    create_parents
        Whether a patient or lesion of which the file holds the key alone is made where the store lacks it.
    """

    update: bool = False
    blanks_overwrite: bool = False
    accept_partial: bool = False
    create_parents: bool = False


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Parameters
    ----------
    added, changed, unchanged
        Rows by table.
    rejections
        Rejected rows; where there are any and partial imports were not accepted, nothing was written.
    rows_count
        Rows read.
    written
        Whether anything was written.
    """

    added: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    unchanged: Mapping[str, int] = field(default_factory=dict)
    rejections: pl.DataFrame = field(default_factory=no_rejections)
    rows_count: int = 0
    written: bool = False


def import_source(
    store: Store,
    path: str | Path,
    options: ReadOptions,
    *,
    author: Author,
    how: ImportOptions = ImportOptions(),
    progress: Progress = quiet,
) -> ImportResult:
    """Read, check and store a file or folder, in one transaction.

    Raises
    ------
    CohortError
        As :func:`check_source`; and where another writer holds the store, or an update has no reason.
    """
    checked = check_source(path, store.dictionary, options, progress=lambda s, t: progress(s / 2, t))
    detail = {"file_sha256": _file_hash(Path(path)), "rows_read": checked.rows_count}
    return import_rows(store, checked, author=author, how=how, detail=detail, progress=progress)


def import_rows(
    store: Store,
    checked: CheckedRows,
    *,
    author: Author,
    how: ImportOptions = ImportOptions(),
    detail: Mapping[str, object] | None = None,
    progress: Progress = quiet,
) -> ImportResult:
    """Store checked rows in one transaction: all of them, or, where some are rejected and must not be, none.

    Raises
    ------
    CohortError
        Where another writer holds the store, the database refuses, or an update has no reason.
    """
    if how.update and not author.reason:
        raise CohortError("A change needs a reason.", hint="Give --reason.")
    if checked.rejections.height and not how.accept_partial:
        return ImportResult(rejections=checked.rejections, rows_count=checked.rows_count)
    with store.writing(author) as writer:
        plan = _plan(writer, checked, how)
        rejections = pl.concat([checked.rejections, plan.rejections]).sort("row", maintain_order=True)
        if plan.rejections.height and not how.accept_partial:
            return ImportResult(rejections=rejections, rows_count=checked.rows_count)
        for place, (name, rows) in enumerate(plan.rows.items()):
            progress(0.5 + 0.5 * place / len(plan.rows), f"writing {name}")
            if rows.height:
                writer.append(name, rows, action="import", detail=detail)
    written = any(rows.height for rows in plan.rows.values())
    return ImportResult(plan.added, plan.changed, plan.unchanged, rejections, checked.rows_count, written)


@dataclass
class _Plan:
    """What will be written."""

    rows: dict[str, pl.DataFrame]
    added: dict[str, int]
    changed: dict[str, int]
    unchanged: dict[str, int]
    rejections: pl.DataFrame


def _plan(writer: Writer, checked: CheckedRows, how: ImportOptions) -> _Plan:
    """Compare rows with the store: new, changed, unchanged or refused."""
    plan = _Plan({}, {}, {}, {}, no_rejections())
    known: dict[str, pl.Series] = {}
    for name, part in checked.tables.items():
        table = writer.dictionary.table(name)
        good = without_rejected(part, plan.rejections)
        held = writer.keys(name)
        refused = pl.concat(
            [
                _orphans(writer, table, good, known, plan.rows),
                _strangers(writer, table, good, plan.rows),
                _withdrawn(good, held, table),
            ]
        )
        good = without_rejected(good, refused)
        fresh = good.join(held, on=table.key, how="anti")
        if name in checked.key_only and not how.create_parents:
            refused = pl.concat([refused, as_rejections(fresh[ROW], table.key, "parent")])
            fresh = fresh.clear()
        again = good.join(held.drop("withdrawn"), on=table.key, how="inner")
        changed, moved = _changes(writer, table, again, how)
        if not how.update:
            refused = pl.concat([refused, as_rejections(changed[ROW], table.key, "exists")])
            changed = changed.clear()
        plan.rejections = pl.concat([plan.rejections, refused, moved])
        first = fresh.drop(ROW).with_columns(pl.lit(1, dtype=pl.Int64).alias("version"))
        rows = pl.concat([first, changed.drop(ROW)], how="diagonal")
        plan.rows[name] = rows.with_columns(pl.lit(0, dtype=pl.Int64).alias("withdrawn"))
        if name in checked.key_only and not how.create_parents:
            continue
        plan.added[name], plan.changed[name] = fresh.height, changed.height
        plan.unchanged[name] = again.height - changed.height - moved.height
    return plan


def _withdrawn(good: pl.DataFrame, held: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows whose key the store holds as withdrawn."""
    there = good.select(ROW, table.key).join(held.filter(pl.col("withdrawn") == 1), on=table.key, how="semi")
    return as_rejections(there[ROW], table.key, "withdrawn")


def _orphans(
    writer: Writer, table: Table, good: pl.DataFrame, known: dict[str, pl.Series], new: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Rows that name a parent which neither the store nor the import holds."""
    found = [no_rejections()]
    for parent in table.parents:
        key = writer.dictionary.table(parent).key
        if key not in good.columns:
            continue
        if parent not in known:
            held = writer.keys(parent).filter(pl.col("withdrawn") == 0)[key]
            known[parent] = pl.concat([held, new[parent][key]]) if parent in new else held
        missing = good.filter(pl.col(key).is_not_null() & ~pl.col(key).is_in(known[parent].implode()))
        found.append(as_rejections(missing[ROW], key, "parent"))
    return pl.concat(found)


def _strangers(writer: Writer, table: Table, good: pl.DataFrame, new: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows whose parents do not belong together, such as a lesion of another patient."""
    found = [no_rejections()]
    for name in table.parents:
        parent = writer.dictionary.table(name)
        for grand in parent.parents:
            key = writer.dictionary.table(grand).key
            if parent.key not in good.columns or key not in good.columns:
                continue
            kin = [writer.present(name).select(parent.key, key)]
            kin += [new[name].select(parent.key, key)] if name in new and key in new[name].columns else []
            both = good.select(ROW, parent.key, key).join(
                pl.concat(kin).unique(parent.key, keep="last"), on=parent.key, how="inner", suffix=":held"
            )
            found.append(as_rejections(both.filter(pl.col(key) != pl.col(f"{key}:held"))[ROW], parent.key, "kin"))
    return pl.concat(found)


def _changes(
    writer: Writer, table: Table, again: pl.DataFrame, how: ImportOptions
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """New versions of rows that differ from the store, and rejections of rows that name another parent."""
    if not again.height:
        return again, no_rejections()
    present = writer.present(table.name).join(again.select(table.key), on=table.key, how="semi")
    names = [name for name in again.columns if name in table.names and name != table.key]
    both = present.join(again.drop("version"), on=table.key, how="inner", suffix=":new")
    for name in names:
        new = pl.col(f"{name}:new")
        both = both.with_columns(new if how.blanks_overwrite else pl.coalesce(new, pl.col(name)).alias(f"{name}:new"))
    moved = [no_rejections()]
    for parent in table.parents:
        key = writer.dictionary.table(parent).key
        if key in names:
            bad = both.filter(pl.col(key).ne_missing(pl.col(f"{key}:new")) & pl.col(key).is_not_null())
            moved.append(as_rejections(bad[ROW], key, "moved"))
    rejected = pl.concat(moved)
    both = without_rejected(both, rejected)
    if not names:
        return both.select(ROW, *table.names, "version").clear(), rejected
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}:new")) for name in names)
    rows = both.filter(differs).with_columns(pl.col(f"{name}:new").alias(name) for name in names)
    return rows.select(ROW, *table.names, pl.col("version") + 1), rejected


def _file_hash(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files."""
    files: Iterator[Path] | list[Path] = sorted(path.iterdir()) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for file in files:
        if file.is_file():
            with file.open("rb") as stream:
                whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()
