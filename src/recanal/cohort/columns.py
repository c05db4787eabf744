"""Present rows of many or large tables, read by columns instead of row by row.

Python's drivers make an object of every cell; a million lesions are fifty million. A process of its own
(:mod:`recanal.cohort.column_process`) hands over whole columns instead. It reads all versions of the rows, and the
present ones are found here, as the views of the database find them. A value of another type than its column, which
only somebody who changed the database by hand can have put there, ends the attempt, and the rows are read one by one.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from recanal.variables.dictionary import Table
from recanal.variables.frames import frame_schema

__all__ = ["frames_by_columns"]

_LOG = logging.getLogger(__name__)
_LENGTH_BYTES = 8
_PACKAGES = {"sqlite": "adbc_driver_sqlite", "postgresql": "adbc_driver_postgresql"}
# a first row that tells the driver for SQLite, which looks at values alone, the types of columns
_FIRST = {pl.String(): "''", pl.Date(): "''", pl.Float64(): "0.5", pl.Int64(): "0"}
_SYSTEM = ("version", "withdrawn")


def frames_by_columns(
    engine: sa.Engine, wanted: Sequence[tuple[Table, Sequence[str]]]
) -> dict[str, pl.DataFrame] | None:
    """The present rows of tables, ordered by key, all of one state of the store.

    Parameters
    ----------
    engine
        The database.
    wanted
        Tables, and the names of the columns of each.

    Returns
    -------
    dict of polars.DataFrame or None
        By name of the table, typed as :func:`recanal.variables.frames.frame_schema` says; None where the driver is not
        installed, the database cannot be reached through it, or a value does not fit its column.
    """
    kind = engine.dialect.name
    if importlib.util.find_spec(_PACKAGES[kind]) is None:
        return None
    queries = [_query(table, names, kind) for table, names in wanted]
    where = engine.url.database if kind == "sqlite" else _address(engine.url)
    out: dict[str, pl.DataFrame] = {}
    try:
        for (table, names), frame in zip(wanted, _answers(kind, str(where), queries), strict=True):
            out[table.name] = _present(frame, table, names, kind)
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        _LOG.debug("columns could not be read (%s); rows are", type(error).__name__)
        return None
    return out


def _address(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _query(table: Table, names: Sequence[str], kind: str) -> str:
    """All versions of the rows, and before them, for SQLite, a row that shows the types."""
    every = dict.fromkeys([table.key, *names, *_SYSTEM])
    listed = ", ".join(f'"{name}"' for name in every)
    rows = f'SELECT {listed} FROM "{table.name}_rows"'
    if kind != "sqlite":
        return rows
    types = frame_schema(table) | dict.fromkeys(_SYSTEM, pl.Int64())
    first = ", ".join(f'{_FIRST[types[name]]} AS "{name}"' for name in every)
    return f"SELECT {first} UNION ALL {rows}"


def _answers(kind: str, where: str, queries: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The answers as they come.

    Raises
    ------
    ValueError
        Where an answer is missing or cut off.
    """
    script = Path(__file__).with_name("column_process.py")
    request = json.dumps({"kind": kind, "where": where, "queries": list(queries)}) + "\n"
    with subprocess.Popen(
        [sys.executable, "-P", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise ValueError("no pipe")
        try:
            child.stdin.write(request.encode())
            child.stdin.close()
            for _ in queries:
                size = int.from_bytes(_exactly(child.stdout.read(_LENGTH_BYTES), _LENGTH_BYTES), "big")
                yield pl.read_ipc_stream(_exactly(child.stdout.read(size), size))
        except BaseException:
            child.kill()
            raise


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise ValueError("the answer was cut off")
    return data


def _present(frame: pl.DataFrame, table: Table, names: Sequence[str], kind: str) -> pl.DataFrame:
    """The latest version of each row unless it is withdrawn, ordered by the bytes of the key.

    Raises
    ------
    ValueError
        Where a column does not hold what the dictionary says.
    """
    schema = {name: frame_schema(table)[name] for name in dict.fromkeys([table.key, *names])}
    if kind == "sqlite":
        frame = frame.slice(1)
    for name, dtype in schema.items():
        held = frame.schema[name]
        fits = held == dtype or (dtype == pl.Int64 and held.is_integer()) or (dtype == pl.Date and held == pl.String)
        if not fits:
            raise ValueError("a column holds values of another type")
    if (frame["version"] != 1).any():
        frame = frame.filter(pl.col("version") == pl.col("version").max().over(table.key))
    if (frame["withdrawn"] != 0).any():
        frame = frame.filter(pl.col("withdrawn") == 0)
    text = [name for name, dtype in schema.items() if dtype == pl.Date and frame.schema[name] == pl.String]
    whole = [pl.col(name).cast(pl.Int64) for name, dtype in schema.items() if dtype == pl.Int64]
    frame = frame.with_columns(*whole, *(pl.col(name).str.to_date("%Y-%m-%d") for name in text))
    if not frame[table.key].is_sorted():
        frame = frame.sort(table.key)
    return frame.select(names)
