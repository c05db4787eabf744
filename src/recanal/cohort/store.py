"""The store: versions of records in a database, each batch of them witnessed by the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from recanal.cohort import engines
from recanal.cohort.columns import frames_by_columns
from recanal.cohort.hashing import chunks_hash, entry_hash, leaves, split_chunks
from recanal.cohort.schema import AUDIT, BOOK, LEAVES, build_metadata, column_type, guard_statements, view_statements
from recanal.errors import CohortError, shown_name
from recanal.variables.dictionary import Dictionary, Table, as_plain, load_dictionary, parse_dictionary
from recanal.variables.frames import column_dtype, frame_schema

__all__ = ["SCHEMA_VERSION", "Author", "Store", "Writer", "create_store", "open_store", "present_rows"]

SCHEMA_VERSION = 1
_NO_HASH = "0" * 64
_SQLITE_HEAD = b"SQLite format 3\0"
_MANY_ROWS = 100_000  # of one table: from here on a process that reads by columns is worth its start


@dataclass(frozen=True)
class Author:
    """Who writes to a store, and why.

    Parameters
    ----------
    who
        A user name or role.
    reason
        Why; needed where a row changes.
    """

    who: str
    reason: str = ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """An open store.

    Parameters
    ----------
    engine
        The database.
    dictionary
        The data dictionary that the store was made with.
    """

    def __init__(self, engine: sa.Engine, dictionary: Dictionary, *, clock: Callable[[], str] = _now) -> None:
        self.engine = engine
        self.dictionary = dictionary
        self.clock = clock

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @contextmanager
    def writing(self, author: Author) -> Iterator[Writer]:
        """One transaction: all that is written in the block appears at its end, or nothing.

        Raises
        ------
        CohortError
            Where another writer holds the store or the database refuses.
        """
        with engines.writing(self.engine) as connection:
            yield Writer(connection, self.dictionary, author, self.clock)

    def frame(self, table: str, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The present rows of a table, ordered by key.

        Parameters
        ----------
        table
            Name of the table.
        columns
            Which of its variables; all when None.
        """
        with engines.reading(self.engine) as connection:
            return present_rows(connection, self.dictionary.table(table), columns)

    def frames(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, pl.DataFrame]:
        """The present rows of several tables with some of their columns, ordered by key, all of one state of the store.

        Parameters
        ----------
        wanted
            The columns of each table.
        """
        homes = [(self.dictionary.table(name), tuple(columns)) for name, columns in wanted.items()]
        with engines.reading(self.engine) as connection:
            last = (f'SELECT 1 FROM "{home.name}_rows" LIMIT 1 OFFSET {_MANY_ROWS - 1}' for home, _ in homes)
            many = any(connection.exec_driver_sql(query).first() for query in last)
        found = frames_by_columns(self.engine, homes) if many else None
        if found is not None:
            return found
        with engines.reading(self.engine) as connection:
            return {home.name: present_rows(connection, home, columns) for home, columns in homes}

    def filled(self) -> tuple[str, ...]:
        """The tables that hold present rows."""
        with engines.reading(self.engine) as connection:
            found = {
                name: connection.exec_driver_sql(f'SELECT 1 FROM "{name}" LIMIT 1').first()
                for name in self.dictionary.names
            }
        return tuple(name for name, row in found.items() if row is not None)

    def first_rows(self, table: str) -> pl.DataFrame:
        """Every key ever used in a table, with that of its first parent and where its first version was written."""
        home = self.dictionary.table(table)
        names = [home.key, *(self.dictionary.table(name).key for name in home.parents[:1])]
        listed = ", ".join(f'"{name}"' for name in [*names, "batch", "position"])
        schema = dict.fromkeys(names, pl.String()) | {"batch": pl.Int64(), "position": pl.Int64()}
        with engines.reading(self.engine) as connection:
            return engines.read_rows(connection, f'SELECT {listed} FROM "{table}_rows" WHERE version = 1', schema)

    def counts(self) -> dict[str, int]:
        """Present rows of each table."""
        with engines.reading(self.engine) as connection:
            return {
                name: int(connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one())
                for name in self.dictionary.names
            }

    def audit(self) -> list[dict[str, Any]]:
        """All entries of the audit trail, oldest first, with ``detail`` as plain data."""
        with engines.reading(self.engine) as connection:
            rows = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.number)).mappings().all()
        return [{**row, "detail": json.loads(row["detail"])} for row in rows]

    def note(self, author: Author, action: str, detail: Mapping[str, Any]) -> int:
        """Write an entry without rows, such as that an export was made; its number is returned."""
        with self.writing(author) as writer:
            return writer.entry(action, "", b"", dict(detail))


class Writer:
    """What may be done within one writing transaction."""

    def __init__(
        self, connection: sa.Connection, dictionary: Dictionary, author: Author, clock: Callable[[], str]
    ) -> None:
        self.connection = connection
        self.dictionary = dictionary
        self.author = author
        self._clock = clock

    def append(self, table: str, rows: pl.DataFrame, *, action: str, detail: Mapping[str, Any] | None = None) -> int:
        """Append versions of rows as one batch; the number of its audit entry is returned.

        Parameters
        ----------
        table
            Name of the table.
        rows
            Columns of the table, typed as :func:`recanal.variables.frames.frame_schema` says, with ``version`` and
            ``withdrawn``; absent columns are null.
        action
            Such as ``"import"``.
        detail
            Plain data for the audit entry.
        """
        home = self.dictionary.table(table)
        columns = [name for name in home.names if name in rows.columns] + ["version", "withdrawn"]
        plain = rows.select(columns).with_columns(pl.selectors.date().dt.to_string("%Y-%m-%d"))
        number = self.entry(action, table, leaves(plain), {"columns": columns, **(detail or {})})
        placed = plain.with_columns(
            pl.lit(number, dtype=pl.Int64).alias("batch"), pl.int_range(pl.len(), dtype=pl.Int64).alias("position")
        )
        engines.copy_rows(self.connection, f"{table}_rows", placed)
        return number

    def entry(self, action: str, table: str, leaf_data: bytes, detail: dict[str, Any]) -> int:
        """Append an audit entry with its leaves; its number is returned."""
        last = self.connection.execute(
            sa.select(AUDIT.c.number, AUDIT.c.hash).order_by(AUDIT.c.number.desc()).limit(1)
        ).first()
        chunks = split_chunks(leaf_data)
        if self.author.reason:
            detail["reason"] = self.author.reason
        fields: dict[str, Any] = {
            "number": last.number + 1 if last else 1,
            "at_utc": self._clock(),
            "who": self.author.who,
            "action": action,
            "table_name": table,
            "rows_count": len(leaf_data) // 32,
            "detail": json.dumps(detail, sort_keys=True, ensure_ascii=False),
            "content_hash": chunks_hash(chunks),
            "previous_hash": last.hash if last else _NO_HASH,
        }
        number = int(fields["number"])
        self.connection.execute(AUDIT.insert(), [{**fields, "hash": entry_hash(fields)}])
        if chunks:
            rows = [{"batch": number, "chunk": index, "hashes": chunk} for index, chunk in enumerate(chunks)]
            self.connection.execute(LEAVES.insert(), rows)
        return number

    def keys(self, table: str) -> pl.DataFrame:
        """Every key ever used in a table, with its latest version and whether that is withdrawn."""
        home = self.dictionary.table(table)
        sql = (
            f'SELECT r."{home.key}", r.version, r.withdrawn FROM "{table}_rows" r WHERE NOT EXISTS (SELECT 1 FROM '
            f'"{table}_rows" n WHERE n."{home.key}" = r."{home.key}" AND n.version > r.version)'
        )
        schema = {home.key: pl.String(), "version": pl.Int64(), "withdrawn": pl.Int64()}
        return engines.read_rows(self.connection, sql, schema)

    def present(self, table: str) -> pl.DataFrame:
        """The present rows of a table with their ``version``."""
        return present_rows(self.connection, self.dictionary.table(table), None, extra=("version",))


def present_rows(
    connection: sa.Connection, table: Table, columns: Sequence[str] | None, *, extra: Sequence[str] = ()
) -> pl.DataFrame:
    """The present rows of a table as a typed frame, ordered by key."""
    names = [*(columns if columns is not None else table.names), *extra]
    schema = {name: frame_schema(table)[name] for name in names if name in table.names}
    schema |= {name: pl.Int64() for name in extra}
    listed = ", ".join(
        f'CAST("{n}" AS TEXT)' if n in table.names and table[n].kind == "date" else f'"{n}"' for n in names
    )
    raw = {name: pl.String() if dtype == pl.Date else dtype for name, dtype in schema.items()}
    # by the bytes of the key, as SQLite does, whatever language the server sorts in
    order = ' COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    sql = f'SELECT {listed} FROM "{table.name}" ORDER BY "{table.key}"{order}'
    frame = engines.read_rows(connection, sql, raw)
    return frame.with_columns(
        pl.col(name).str.to_date("%Y-%m-%d") for name, dtype in schema.items() if dtype == pl.Date
    )


def create_store(
    where: str,
    author: Author,
    *,
    dictionary: Dictionary | None = None,
    timeout_s: float = 60.0,
    clock: Callable[[], str] = _now,
) -> Store:
    """Make a store, or bring an older one up to date with a dictionary that has more variables.

    Parameters
    ----------
    where
        A file for SQLite, or a ``postgresql://`` URL of an existing database.
    author
        Who makes it.
    dictionary
        The shipped one when None.

    Raises
    ------
    CohortError
        Where the place cannot be written, holds something else, or the dictionary lacks variables of the store.
    """
    book = dictionary or load_dictionary()
    _prepare_file(where)
    engine = engines.connect(where, timeout_s=timeout_s)
    with engines.writing(engine) as connection:
        tables = set(sa.inspect(connection).get_table_names())
        if tables and "audit" not in tables:
            raise CohortError(
                f"{engines.shown_store(engine)} holds something else.", hint="Name another, or a new one."
            )
        before = _read_book(connection) if tables else None
        if before == book:
            return Store(engine, book, clock=clock)
        build_metadata(book).create_all(connection)
        if before is not None:
            _add_columns(connection, before, book)
        for statement in (*view_statements(book), *guard_statements(book, engine.dialect.name)):
            connection.exec_driver_sql(statement.replace("%", "%%") if engine.dialect.name != "sqlite" else statement)
        _keep_book(Writer(connection, book, author, clock), book, fresh=before is None)
    return Store(engine, book, clock=clock)


def open_store(where: str, *, timeout_s: float = 60.0, clock: Callable[[], str] = _now) -> Store:
    """Open a store that exists.

    Raises
    ------
    CohortError
        Where there is none, or a newer recanal made it.
    """
    if not engines.is_url(where) and not Path(where).is_file():
        raise CohortError(f"There is no store {shown_name(where)!r}.", hint="`recanal cohort init` makes one.")
    engine = engines.connect(where, timeout_s=timeout_s)
    with engines.reading(engine) as connection:
        return Store(engine, _read_book(connection), clock=clock)


def _prepare_file(where: str) -> None:
    """A new SQLite file that its owner alone may read."""
    if engines.is_url(where):
        return
    file = Path(where)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise CohortError(
            f"{shown_name(file)!r} cannot be made: {error.strerror}.", hint="Name another place."
        ) from error
    with file.open("rb") as stream:
        head = stream.read(len(_SQLITE_HEAD))
    if head and head != _SQLITE_HEAD:
        raise CohortError(f"{shown_name(file)!r} is no store, and is left as it is.", hint="Name another file.")


def _read_book(connection: sa.Connection) -> Dictionary:
    row = connection.execute(sa.select(BOOK).order_by(BOOK.c.number.desc()).limit(1)).first()
    if row is None:
        raise CohortError("This database holds no store.", hint="`recanal cohort init` makes one.")
    if row.schema_version > SCHEMA_VERSION:
        raise CohortError(
            f"The store has schema {row.schema_version}; this recanal knows {SCHEMA_VERSION}.", hint="Update recanal."
        )
    return parse_dictionary(json.loads(row.content))


def _keep_book(writer: Writer, book: Dictionary, *, fresh: bool) -> None:
    content = json.dumps(as_plain(book), sort_keys=True, ensure_ascii=False)
    detail = {"dictionary_sha256": hashlib.sha256(content.encode()).hexdigest(), "schema_version": SCHEMA_VERSION}
    number = writer.entry("init" if fresh else "upgrade", "", b"", detail)
    row = {"schema_version": SCHEMA_VERSION, "number": number, "content": content}
    writer.connection.execute(BOOK.insert(), [row])


def _add_columns(connection: sa.Connection, before: Dictionary, after: Dictionary) -> None:
    """Add the columns of new variables; a variable that is gone, or has another kind, is refused."""
    for table in before:
        if table.name not in after.names:
            raise CohortError(f"The store has the table {table.name}, which the dictionary lacks.")
        now = after.table(table.name)
        for variable in table.variables:
            if variable.name not in now.names or column_dtype(now[variable.name]) != column_dtype(variable):
                raise CohortError(
                    f"{table.name}.{variable.name} is in the store; the dictionary lacks it or gives another kind.",
                    hint="Variables may be added, not taken away.",
                )
        for variable in now.variables:
            if variable.name not in table.names:
                kind = column_type(variable).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE "{table.name}_rows" ADD COLUMN "{variable.name}" {kind}')
