"""Queries of a database answered by columns, in a process of its own; run as a script with its request on input.

SQLite must not be linked twice into a process that has a file open: closing it in one copy drops the locks of the other
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1). The driver that reads by columns brings a copy of its own.

The request is one line of JSON, so that no address with a password stands among the arguments of a process::

    {"kind": "sqlite" or "postgresql", "where": address, "queries": [...]}

The answer to each query is one or more times ``<length: 8 bytes big endian><Arrow IPC stream>``, and a length of 0 at
its end: parts of some rows need little memory and can be read while the next is written. All queries see one state of
the database. This file imports nothing of the package, so that the process starts quickly.
"""

from __future__ import annotations

import io
import json
import sys
from typing import IO, Any

import polars as pl
from adbc_driver_manager import AdbcConnection, AdbcDatabase, AdbcStatement

__all__ = ["LENGTH_BYTES", "answer_queries"]

LENGTH_BYTES = 8
_BEGIN = {"sqlite": "BEGIN", "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
# rows from which the driver for SQLite infers the types of columns, and which it hands over at once
_PART_ROWS = 65_536
_BATCH = {"adbc.sqlite.query.batch_rows": str(_PART_ROWS)}


def answer_queries(request: IO[bytes], answers: IO[bytes]) -> None:
    """Answer one request.

    Raises
    ------
    Exception
        Whatever the driver raises: the process ends with a status that is not 0.
    """
    job = json.loads(request.readline())
    database = _database(job["kind"], job["where"])
    connection = AdbcConnection(database)
    _statement(connection, _BEGIN[job["kind"]], {}).execute_update()
    options = _BATCH if job["kind"] == "sqlite" else {}
    for query in job["queries"]:
        stream, _ = _statement(connection, query, options).execute_query()
        frame = pl.DataFrame(stream)
        for part in frame.iter_slices(_PART_ROWS) if frame.height else [frame]:
            data = io.BytesIO()
            part.write_ipc_stream(data)
            answers.write(data.tell().to_bytes(LENGTH_BYTES, "big"))
            answers.write(data.getbuffer())
        answers.write(bytes(LENGTH_BYTES))
        answers.flush()
    connection.close()
    database.close()


def _statement(connection: Any, query: str, options: dict[str, str]) -> Any:
    statement = AdbcStatement(connection)
    if options:
        statement.set_options(**options)
    statement.set_sql_query(query)
    return statement


def _database(kind: str, where: str) -> AdbcDatabase:
    if kind == "sqlite":
        import adbc_driver_sqlite as sqlite

        opened: AdbcDatabase = sqlite.connect(where)
    else:
        import adbc_driver_postgresql as postgresql

        opened = postgresql.connect(where)
    return opened


if __name__ == "__main__":
    answer_queries(sys.stdin.buffer, sys.stdout.buffer)
