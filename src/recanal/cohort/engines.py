"""Databases: how a store is reached, locked and filled, for SQLite and PostgreSQL."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl
import sqlalchemy as sa

from recanal.errors import CohortError, install_hint, shown_name

__all__ = ["connect", "copy_rows", "is_url", "read_rows", "reading", "shown_store", "writing"]

_LOG = logging.getLogger(__name__)
_SLICE_ROWS = 50_000
_LOCK_NUMBER = 5_326_811
_URL = re.compile(r"[a-z0-9+]+://")


def is_url(where: str) -> bool:
    """Whether a store is named by a database URL rather than by a file.

    Examples
    --------
    >>> is_url("postgresql://reader@db/cohort"), is_url("cohort.db"), is_url("C:/data/cohort.db")
    (True, False, False)
    """
    return _URL.match(where) is not None


def shown_store(engine: sa.Engine) -> str:
    """What a message calls a store: the name of its file, or its database without a name."""
    return repr(shown_name(engine.url.database or "")) if engine.dialect.name == "sqlite" else "This database"


def connect(where: str, *, timeout_s: float = 60.0) -> sa.Engine:
    """An engine for a store; no connection is made yet.

    Parameters
    ----------
    where
        A file for SQLite, or ``postgresql://user@host/database``.
    timeout_s
        How long to wait for another writer.

    Raises
    ------
    CohortError
        Where the URL is not one of PostgreSQL, or its driver is missing.
    """
    if not is_url(where):
        return _sqlite(where, timeout_s)
    try:
        url = sa.make_url(where)
    except sa.exc.ArgumentError as error:
        raise CohortError("The store's URL cannot be read.", hint="Write postgresql://user@host/database.") from error
    if url.get_backend_name() != "postgresql":
        raise CohortError(
            f"A store cannot live in {url.get_backend_name()}.", hint="Use a file, or a postgresql:// URL."
        )
    try:
        engine = sa.create_engine(url.set(drivername="postgresql+pg8000"), poolclass=sa.NullPool)
    except ModuleNotFoundError as error:
        raise CohortError("PostgreSQL needs the package pg8000.", hint=install_hint("postgres")) from error
    wait_ms = int(timeout_s * 1000)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SET datestyle TO ISO, YMD")
        cursor.execute(f"SET lock_timeout TO {wait_ms}")
        connection.commit()
        cursor.close()

    return engine


def _sqlite(where: str, timeout_s: float) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=where), connect_args={"timeout": timeout_s}, poolclass=sa.NullPool
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("PRAGMA cache_size=-131072")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        how = "IMMEDIATE" if connection.get_execution_options().get("writing") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {how}")

    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that sees one state of the store.

    Raises
    ------
    CohortError
        Where the database cannot be reached or is damaged.
    """
    with _told(engine), engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that no other writer of this store runs beside; committed whole at the end, or not at all.

    Raises
    ------
    CohortError
        Where another writer holds the store for longer than the time limit, or the database refuses.
    """
    with _told(engine), engine.connect().execution_options(writing=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})")
        yield connection


@contextmanager
def _told(engine: sa.Engine) -> Iterator[None]:
    """Database errors in words, without the values of rows."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.DatabaseError) as error:
        _LOG.debug("database error of kind %s", type(error.orig).__name__)
        raise _in_words(str(error.orig), shown_store(engine)) from None


_WORDS = (
    (
        ("locked", "55P03", "lock timeout"),
        "Another program is writing to the store.",
        "Try again when it has finished.",
    ),
    (("append-only",), "The store refuses to change or remove a row.", "Import a new version instead."),
    (("not a database", "malformed"), "{} is not a store, or it is damaged.", "Name a store, or restore a copy of it."),
    (
        ("unable to open", "readonly", "read-only"),
        "The store cannot be opened for writing.",
        "Check its folder and permissions.",
    ),
    (("no such table", "42P01"), "{} holds no store.", "`recanal cohort init` makes one."),
    (("FOREIGN KEY", "23503"), "A row names a parent that the store does not hold.", "Import that first."),
    (("UNIQUE", "23505"), "Another writer stored one of these rows first.", "Import again."),
    (("disk is full", "53100"), "The disk is full; nothing was written.", "Make room and import again."),
)


def _in_words(text: str, store: str) -> CohortError:
    for marks, message, hint in _WORDS:
        if any(mark in text for mark in marks):
            return CohortError(message.format(store), hint=hint)
    return CohortError(
        "The database refused the request.", hint="Is the server running, and may this user write to the database?"
    )


def copy_rows(connection: sa.Connection, table: str, frame: pl.DataFrame) -> None:
    """Append a frame to a table by the fastest way of the database, inside the open transaction.

    Parameters
    ----------
    connection
        From :func:`writing`.
    table
        Name of the table.
    frame
        Its columns are the table's; dates as text.

    Raises
    ------
    CohortError
        Where the database refuses a row.
    """
    names = ", ".join(f'"{name}"' for name in frame.columns)
    raw: Any = connection.connection.dbapi_connection
    cursor = raw.cursor()
    refused = connection.dialect.loaded_dbapi.Error
    try:
        for part in frame.iter_slices(_SLICE_ROWS):
            if connection.dialect.name == "postgresql":
                data = io.BytesIO()
                part.write_csv(data, include_header=False, quote_style="non_numeric", null_value="")
                data.seek(0)
                cursor.execute(f'COPY "{table}" ({names}) FROM STDIN WITH (FORMAT csv)', stream=data)
            else:
                marks = ", ".join("?" * part.width)
                cursor.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', part.rows())
    except refused as error:
        raise _in_words(str(error), shown_store(connection.engine)) from None
    finally:
        cursor.close()


def read_rows(connection: sa.Connection, sql: str, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The rows of a query by the fastest way of the database, inside the open transaction.

    Parameters
    ----------
    connection
        From :func:`reading` or :func:`writing`.
    sql
        A ``SELECT`` without a closing semicolon; dates as text.
    schema
        Name and type of each of its columns, in order.

    Raises
    ------
    CohortError
        Where the database refuses the query.
    """
    raw: Any = connection.connection.dbapi_connection
    cursor = raw.cursor()
    try:
        if connection.dialect.name == "postgresql":
            return _copied(cursor, sql, schema)
        cursor.execute(sql)
        pages = iter(lambda: cursor.fetchmany(_SLICE_ROWS), [])
        parts = [pl.DataFrame(page, schema=dict(schema), orient="row") for page in pages]
        return pl.concat([pl.DataFrame(schema=dict(schema)), *parts])
    except connection.dialect.loaded_dbapi.Error as error:
        raise _in_words(str(error), shown_store(connection.engine)) from None
    finally:
        cursor.close()


def _copied(cursor: Any, sql: str, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows from PostgreSQL as text that polars reads; row by row they take ten times as long."""
    data = io.BytesIO()
    cursor.execute(f"COPY ({sql}) TO STDOUT WITH (FORMAT csv)", stream=data)
    if not data.tell():
        return pl.DataFrame(schema=dict(schema))
    data.seek(0)
    return pl.read_csv(data, has_header=False, schema=dict(schema))
