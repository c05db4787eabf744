"""Present rows of many or large tables, read by columns instead of row by row.

Python's drivers make an object of every cell; a million lesions are fifty million. A process of its own
(:mod:`recanal.cohort.column_process`) hands over whole columns instead. It reads all versions of the rows, and the
present ones are found here, as the views of the database find them. Two processes share the tables; where somebody
wrote between their starts, one reads them all again. A value of another type than its column, which only somebody who
changed the database by hand can have put there, ends the attempt, and the rows are read one by one.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import polars as pl
import sqlalchemy as sa

from recanal.variables.dictionary import Table
from recanal.variables.frames import frame_schema

__all__ = ["frames_by_columns"]

_LOG = logging.getLogger(__name__)
_LENGTH_BYTES = 8
_MOST_PROCESSES = 2
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
    where = engine.url.database if kind == "sqlite" else _address(engine.url)
    for shares in (_shares(wanted), [list(wanted)]):
        try:
            with ThreadPoolExecutor(len(shares)) as pool:
                parts = list(pool.map(lambda share: _answers(kind, str(where), share), shares))
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            _LOG.debug("columns could not be read (%s); rows are", type(error).__name__)
            return None
        if len({entries for entries, _ in parts}) == 1:  # nobody wrote between the starts of the processes
            found = {name: frame for _, frames in parts for name, frame in frames.items()}
            return {table.name: found[table.name] for table, _ in wanted}
    return None


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


def _shares(wanted: Sequence[tuple[Table, Sequence[str]]]) -> list[list[tuple[Table, Sequence[str]]]]:
    """The tables for each process, the widest first to the one that has least to do."""
    shares: list[list[tuple[Table, Sequence[str]]]] = [[] for _ in range(min(_MOST_PROCESSES, len(wanted)))]
    for one in sorted(wanted, key=lambda one: -len(one[1])):
        min(shares, key=lambda share: sum(len(names) + len(_SYSTEM) for _, names in share)).append(one)
    return shares


def _answers(
    kind: str, where: str, share: Sequence[tuple[Table, Sequence[str]]]
) -> tuple[int, dict[str, pl.DataFrame]]:
    """The number of audit entries, and the present rows of tables, of one state of the store.

    Raises
    ------
    ValueError
        Where an answer is missing or cut off, or a value does not fit its column.
    """
    queries = ["SELECT count(*) AS n FROM audit", *(_query(table, names, kind) for table, names in share)]
    script = Path(__file__).with_name("column_process.py")
    request = json.dumps({"kind": kind, "where": where, "queries": queries}) + "\n"
    with subprocess.Popen(
        [sys.executable, "-P", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        if child.stdin is None or child.stdout is None:
            raise ValueError("no pipe")
        try:
            child.stdin.write(request.encode())
            child.stdin.close()
            entries = int(_next_frame(child.stdout).item())
            found = {table.name: _present(_next_frame(child.stdout), table, names, kind) for table, names in share}
        except BaseException:
            child.kill()
            raise
    return entries, found


def _next_frame(stream: IO[bytes]) -> pl.DataFrame:
    parts = []
    while size := int.from_bytes(_exactly(stream.read(_LENGTH_BYTES), _LENGTH_BYTES), "big"):
        parts.append(pl.read_ipc_stream(_exactly(stream.read(size), size)))
    return pl.concat(parts)


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
