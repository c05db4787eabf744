"""Rows of a file against the dictionary: read, typed, checked, split into tables; no store is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from recanal.errors import CohortError
from recanal.variables.cells import parse_column
from recanal.variables.dictionary import Dictionary
from recanal.variables.read_options import ReadOptions
from recanal.variables.reading import RawTable, read_source
from recanal.variables.rejections import no_rejections
from recanal.variables.row_rules import contradictions
from recanal.variables.splitting import ROW, key_only, match_columns, split_tables, table_columns

__all__ = ["CheckedRows", "Progress", "check_rows", "check_source", "checked_together", "quiet", "without_rejected"]

Progress = Callable[[float, str], None]


def quiet(share: float, step: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class CheckedRows:
    """Rows that passed every check which needs no store, by table, and the rejected ones.

    Parameters
    ----------
    tables
        Typed frames, one row per key, with the row number in ``_row``.
    rejections
        One row per rule broken, as :data:`recanal.variables.rejections.REJECTION_SCHEMA`.
    rows_count
        Rows read.
    key_only
        Tables of which the file holds the key alone.
    """

    tables: Mapping[str, pl.DataFrame]
    rejections: pl.DataFrame
    rows_count: int
    key_only: tuple[str, ...] = ()


def check_source(
    path: str | Path, dictionary: Dictionary, options: ReadOptions, *, progress: Progress = quiet
) -> CheckedRows:
    """Read a file or folder and check every row as far as that needs no store.

    Raises
    ------
    CohortError
        Where the file as a whole cannot be used: encoding, separator, unknown columns, missing keys.
    """
    parts: list[CheckedRows] = []
    raws = read_source(path, dictionary, options)
    count = len(raws)
    while raws:
        progress(len(parts) / count, "checking")
        parts.append(check_rows(_named(raws.pop(0), options), dictionary, options, progress=progress))
    return checked_together(parts)


def _named(raw: RawTable, options: ReadOptions) -> RawTable:
    return replace(raw, table=options.table or raw.table)


def check_rows(
    raw: RawTable, dictionary: Dictionary, options: ReadOptions, *, progress: Progress = quiet
) -> CheckedRows:
    """Check the rows of one table of text; a rejected row is left out of every table."""
    rules = match_columns(raw.frame.columns, dictionary, options)
    tables = table_columns([rule.name for rule in rules.values()], dictionary, raw.table)
    if not tables:
        raise CohortError("The file holds no column of the dictionary.", hint="See `recanal cohort codebook`.")
    rows, words = raw.rows, raw.words
    texts = {name: raw.frame[name] for name in rules}
    # the text is let go column by column: a million rows of it fill half the memory
    del raw
    columns, found = [rows.alias(ROW)], [no_rejections()]
    for place, (name, rule) in enumerate(rules.items()):
        progress(place / len(rules), f"checking {rule.name}")
        cell_options = replace(options, codes=options.codes and name not in words)
        values, lost = parse_column(texts.pop(name), dictionary.variable(rule.name), rows, cell_options, rule)
        columns.append(values)
        found.append(lost)
    frame = pl.DataFrame(columns)
    found.append(contradictions(frame, rows))
    good = without_rejected(frame, pl.concat(found))
    parts, lost = split_tables(good, tables, dictionary)
    rejections = pl.concat([*found, lost]).unique(maintain_order=True).sort("row", maintain_order=True)
    kept = {name: without_rejected(part, lost) for name, part in parts.items()}
    return CheckedRows(kept, rejections, rows.len(), key_only(tables, frame.columns, dictionary))


def checked_together(parts: Sequence[CheckedRows]) -> CheckedRows:
    """The rows of several files; each table comes from one of them."""
    tables: dict[str, pl.DataFrame] = {}
    for part in parts:
        for name, frame in part.tables.items():
            if name in tables:
                raise CohortError(f"The table {name} stands in two files or sheets.")
            tables[name] = frame
    bare = tuple(name for part in parts for name in part.key_only)
    return CheckedRows(tables, pl.concat([p.rejections for p in parts]), sum(p.rows_count for p in parts), bare)


def without_rejected(frame: pl.DataFrame, rejections: pl.DataFrame) -> pl.DataFrame:
    """A frame without the rows that were rejected."""
    if not rejections.height:
        return frame
    return frame.filter(~pl.col(ROW).is_in(rejections["row"].unique().implode()))
