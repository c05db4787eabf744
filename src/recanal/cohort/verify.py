"""Proof that a store holds what was written, and nothing else; what does not fit is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import sqlalchemy as sa

from recanal.cohort import engines
from recanal.cohort.definitions import changed_definitions
from recanal.cohort.hashing import LEAF_BYTES, chunks_hash, entry_hash, leaf, leaves
from recanal.cohort.schema import AUDIT, BOOK, CASES, LEAVES, SYSTEM_COLUMNS
from recanal.cohort.store import SCHEMA_VERSION, Store
from recanal.variables.dictionary import Dictionary, Table, as_plain
from recanal.variables.frames import frame_schema

__all__ = ["Finding", "Verification", "verify_store"]

_PAGE_ROWS = 50_000
_NO_HASH = "0" * 64
_MOST_FINDINGS = 1000
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Finding:
    """One thing that does not fit.

    Parameters
    ----------
    what
        What was found, in words without a pseudonym.
    table
        The table, or empty.
    batch, position
        The audit entry that wrote the row, and its place in that batch from 0; None where they do not apply.
    key
        The row's key, a pseudonym; empty where it does not apply.
    """

    what: str
    table: str = ""
    batch: int | None = None
    position: int | None = None
    key: str = ""


@dataclass(frozen=True)
class Verification:
    """What a check of a store found.

    Parameters
    ----------
    findings
        All that does not fit; none where the store is sound.
    entries_count, rows_count
        How much was checked.
    head
        Hash of the last audit entry: keep it outside the store, and a later check proves that nothing was cut off.
    """

    findings: tuple[Finding, ...]
    entries_count: int
    rows_count: int
    head: str

    @property
    def sound(self) -> bool:
        """Whether everything fits."""
        return not self.findings


def verify_store(store: Store, *, head: str = "", progress: Progress | None = None) -> Verification:
    """Check the chain, the batches, every version of every row, the case files, the dictionary, views and guards.

    Parameters
    ----------
    store
        The store; it is only read.
    head
        A hash noted earlier, from :attr:`Verification.head`; it must still stand in the chain.
    progress
        Takes the done share and what is being checked.
    """
    say = progress or (lambda share, step: None)
    with engines.reading(store.engine) as connection:
        entries = [dict(row) for row in connection.execute(sa.select(AUDIT).order_by(AUDIT.c.number)).mappings()]
        total = sum(int(entry["rows_count"]) for entry in entries)
        found = [
            *_chain(entries, head),
            *_definitions(connection, store.dictionary),
            *_book(connection, store.dictionary),
        ]
        found += _cases(connection)
        done = 0
        for entry in entries:
            say(done / max(total, 1), f"batch {entry['number']}")
            found += _batch(connection, store.dictionary, entry)
            done += int(entry["rows_count"])
            if len(found) >= _MOST_FINDINGS:
                break
        found += _strangers(connection, store.dictionary, entries)
    last = str(entries[-1]["hash"]) if entries else ""
    return Verification(tuple(found[:_MOST_FINDINGS]), len(entries), total, last)


def _chain(entries: list[dict[str, Any]], head: str) -> Iterator[Finding]:
    """Entries are numbered without a gap, each holds the hash of the one before, and its own hash is right."""
    previous, expected = _NO_HASH, 1
    for entry in entries:
        number = int(entry["number"])
        if number != expected:
            yield Finding(f"audit entries {expected} to {number - 1} are missing", "audit", number)
        elif entry["previous_hash"] != previous:
            yield Finding("the audit entry does not follow from the one before", "audit", number)
        if entry_hash(entry) != entry["hash"]:
            yield Finding("the audit entry was changed", "audit", number)
        previous, expected = entry["hash"], number + 1
    if not entries:
        yield Finding("the audit trail is empty", "audit")
    if head and head not in {entry["hash"] for entry in entries}:
        yield Finding("the noted hash is not in the audit trail: entries were cut off or rewritten", "audit")


def _definitions(connection: sa.Connection, dictionary: Dictionary) -> Iterator[Finding]:
    """Rows are read through views and guarded by triggers: both must be those that the dictionary makes."""
    yield from (Finding(what) for what in changed_definitions(connection, dictionary))


def _book(connection: sa.Connection, dictionary: Dictionary) -> Iterator[Finding]:
    """Each dictionary is the one that its audit entry names."""
    told = {
        int(row.number): json.loads(row.detail).get("dictionary_sha256")
        for row in connection.execute(
            sa.select(AUDIT.c.number, AUDIT.c.detail).where(AUDIT.c.action.in_(("init", "upgrade")))
        )
    }
    rows = connection.execute(sa.select(BOOK)).all()
    for row in rows:
        if told.get(int(row.number)) != hashlib.sha256(row.content.encode()).hexdigest():
            yield Finding("the data dictionary was changed", "dictionary", int(row.number))
        if row.schema_version != SCHEMA_VERSION:
            yield Finding("the schema version was changed", "dictionary", int(row.number))
    for number in sorted(set(told) - {int(row.number) for row in rows}):
        yield Finding("the data dictionary is missing", "dictionary", number)
    if json.dumps(as_plain(dictionary), sort_keys=True) and not rows:
        yield Finding("the store holds no data dictionary", "dictionary")


def _cases(connection: sa.Connection) -> Iterator[Finding]:
    for row in connection.execute(sa.select(CASES)):
        if hashlib.sha256(row.content.encode()).hexdigest() != row.sha256:
            yield Finding(f"the case file {row.sha256[:12]} was changed", "case_files")
    missing = sa.text(
        "SELECT count(*) FROM ct_rows WHERE case_sha256 IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM case_files c WHERE c.sha256 = case_sha256)"
    )
    count = connection.execute(missing).scalar_one()
    if count:
        yield Finding(f"{count} case files are missing", "case_files")


def _batch(connection: sa.Connection, dictionary: Dictionary, entry: Mapping[str, Any]) -> Iterator[Finding]:
    """The leaves of a batch are those of its audit entry, and its rows are those of the leaves."""
    number, count = int(entry["number"]), int(entry["rows_count"])
    query = sa.select(LEAVES.c.chunk, LEAVES.c.hashes).where(LEAVES.c.batch == number).order_by(LEAVES.c.chunk)
    chunks = [bytes(row.hashes) for row in connection.execute(query)]
    witnessed = chunks_hash(chunks) == entry["content_hash"]
    if not witnessed:
        yield Finding("the hashes of the batch were changed", str(entry["table_name"]), number)
    if count == 0 or entry["table_name"] not in dictionary.names:
        return
    table = dictionary.table(str(entry["table_name"]))
    columns = json.loads(entry["detail"]).get("columns", [])
    if not set(columns) <= {*table.names, *SYSTEM_COLUMNS}:
        yield Finding("the audit entry names columns that do not exist", table.name, number)
        return
    data = b"".join(chunks)
    for start in range(0, count, _PAGE_ROWS):
        stop = min(start + _PAGE_ROWS, count)
        rows = _rows(connection, table, columns, number, (start, stop))
        yield from _page(table, columns, rows, (number, start, stop), data)
    unlisted = [name for name in table.names if name not in columns]
    yield from _unwitnessed(connection, table, unlisted, number, count)


def _rows(
    connection: sa.Connection, table: Table, columns: list[str], number: int, span: tuple[int, int]
) -> list[tuple[Any, ...]]:
    """(position, values ...) of a stretch of a batch."""
    listed = ", ".join(
        f'CAST("{n}" AS TEXT)' if n in table.names and table[n].kind == "date" else f'"{n}"' for n in columns
    )
    sql = (
        f'SELECT "position", {listed} FROM "{table.name}_rows" WHERE batch = {number} '
        f'AND "position" >= {span[0]} AND "position" < {span[1]} ORDER BY "position"'
    )
    return [tuple(row) for row in connection.exec_driver_sql(sql)]


def _page(
    table: Table, columns: list[str], rows: list[tuple[Any, ...]], span: tuple[int, int, int], data: bytes
) -> Iterator[Finding]:
    number, start, stop = span
    expected = data[start * LEAF_BYTES : stop * LEAF_BYTES]
    if len(rows) == stop - start and _fast(table, columns, rows) == expected:
        return
    there = {int(row[0]) for row in rows}
    for position in range(start, stop):
        if position not in there:
            yield Finding("a row is missing", table.name, number, position)
    place = columns.index(table.key)
    for row in rows:
        position = int(row[0])
        if leaf(row[1:]) != data[position * LEAF_BYTES : (position + 1) * LEAF_BYTES]:
            yield Finding("a row was changed", table.name, number, position, str(row[1 + place]))


def _fast(table: Table, columns: list[str], rows: list[tuple[Any, ...]]) -> bytes:
    """Leaves of rows by columns; empty where a value has another type than its column."""
    schema = {name: pl.Int64() for name in ("position", *columns)} | {
        name: pl.String() if dtype == pl.Date else dtype
        for name, dtype in frame_schema(table).items()
        if name in columns
    }
    ordered = {name: schema[name] for name in ("position", *columns)}
    try:
        return leaves(pl.DataFrame(rows, schema=ordered, orient="row", strict=True).drop("position"))
    except (TypeError, pl.exceptions.PolarsError, OverflowError):
        return b""


def _unwitnessed(
    connection: sa.Connection, table: Table, names: list[str], number: int, count: int
) -> Iterator[Finding]:
    """Columns that the batch left empty must be empty, and it has no more rows than it says."""
    filled = " OR ".join(f'"{name}" IS NOT NULL' for name in names) or "1 = 0"
    sql = (
        f'SELECT "position", "{table.key}" FROM "{table.name}_rows" WHERE batch = {number} '
        f'AND (({filled}) OR "position" < 0 OR "position" >= {count}) ORDER BY "position" LIMIT {_MOST_FINDINGS}'
    )
    for position, key in connection.exec_driver_sql(sql):
        what = "a row was changed" if 0 <= position < count else "a row was added that no batch wrote"
        yield Finding(what, table.name, number, int(position), str(key))


def _strangers(connection: sa.Connection, dictionary: Dictionary, entries: list[dict[str, Any]]) -> Iterator[Finding]:
    """Rows that claim a batch which is not in the audit trail, or which wrote another table."""
    for table in dictionary:
        own = {int(entry["number"]) for entry in entries if entry["table_name"] == table.name}
        sql = f'SELECT batch, count(*) FROM "{table.name}_rows" GROUP BY batch ORDER BY batch'
        for batch, count in connection.exec_driver_sql(sql).all():
            if int(batch) not in own:
                yield Finding(f"{count} rows were added that no batch wrote", table.name, int(batch))
