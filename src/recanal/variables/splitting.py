"""One flat file, many tables: which columns belong where, and what the keys are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import polars as pl

from recanal.errors import CohortError
from recanal.variables.dictionary import Dictionary, Table
from recanal.variables.read_options import ColumnRule, ReadOptions
from recanal.variables.rejections import as_rejections, no_rejections

__all__ = ["ROW", "key_only", "match_columns", "split_tables", "table_columns"]

ROW = "_row"


def match_columns(names: Iterable[str], dictionary: Dictionary, options: ReadOptions) -> dict[str, ColumnRule]:
    """What each column of a file means; columns to be left out are not in the answer.

    Raises
    ------
    CohortError
        Where a column is neither a variable nor named by a column rule, or two columns mean one variable.
    """
    known = {name for table in dictionary for name in table.names}
    out: dict[str, ColumnRule] = {}
    for name in names:
        rule = options.columns.get(name, ColumnRule(name))
        if not rule.name:
            continue
        if rule.name not in known:
            near = difflib.get_close_matches(rule.name.lower(), sorted(known), n=2, cutoff=0.6)
            hint = f"Is {' or '.join(near)} meant? " if near else ""
            raise CohortError(
                f"The column {name[:60]!r} is no variable of the dictionary.",
                hint=hint + "Say what it means in a file for --columns.",
            )
        double = [other for other, taken in out.items() if taken.name == rule.name]
        if double:
            raise CohortError(f"The columns {double[0][:60]!r} and {name[:60]!r} both mean {rule.name}.")
        out[name] = rule
    unused = sorted(set(options.columns) - set(names))
    if unused:
        raise CohortError(f"--columns names {unused[0][:60]!r}, which the file does not hold.")
    return out


def table_columns(names: Iterable[str], dictionary: Dictionary, table: str) -> list[Table]:
    """The tables to which columns belong, parents first.

    Raises
    ------
    CohortError
        Where a column does not belong to the one table asked for, or only keys were given.
    """
    present = set(names)
    if table:
        home = dictionary.table(table)
        strange = sorted(present - set(home.names))
        if strange:
            owner = dictionary.home(strange[0]).name
            raise CohortError(f"The column {strange[0]} belongs to the table {owner}, not to {table}.")
        return [home]
    keys = {entry.key for entry in dictionary}
    owned = [t for t in dictionary if t.key in present or present & set(t.names) - keys]
    for entry in owned:
        _first_key(entry, dictionary, present)
    bare = [dictionary.table(name) for name in key_only(owned, present, dictionary)]
    references = {t.name for t in bare if not present.issuperset(_parent_keys(t, dictionary))}
    return [entry for entry in owned if entry.name not in references]


def _parent_keys(table: Table, dictionary: Dictionary) -> tuple[str, ...]:
    """Keys of the parents that every row of a table must have."""
    return tuple(dictionary.table(name).key for name in table.parents if name not in table.optional_parents)


def key_only(tables: Iterable[Table], names: Iterable[str], dictionary: Dictionary) -> tuple[str, ...]:
    """Those tables of a file that are there as parents alone: the file holds their key and nothing else of theirs."""
    listed, present = list(tables), set(names)
    keys = {entry.key for entry in dictionary}
    parents = {parent for table in listed for parent in table.parents}
    return tuple(t.name for t in listed if t.name in parents and not present & set(t.names) - keys)


def _first_key(table: Table, dictionary: Dictionary, present: set[str]) -> str:
    """The column that gives a table's key: its own, or else its first parent's, one row for each."""
    above: Table | None = table
    while above is not None:
        if above.key in present:
            return above.key
        first = above.parents[:1] if above.parents[:1] != above.optional_parents[:1] else ()
        above = dictionary.table(first[0]) if first else None
    raise CohortError(f"The key {table.key} is missing.", hint=f"The file holds columns of the table {table.name}.")


def split_tables(
    frame: pl.DataFrame, tables: list[Table], dictionary: Dictionary
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The rows of each table out of a flat frame, and what was rejected.

    A patient's columns may be repeated in the rows of all lesions; they must agree. A table whose own columns are all
    empty in a row has no row there. Two rows with the same keys are duplicates.

    Parameters
    ----------
    frame
        Typed columns and :data:`ROW`, the row number.
    tables
        From :func:`table_columns`.

    Returns
    -------
    dict, polars.DataFrame
        Frames by table with one row per key; rejections.
    """
    present = set(frame.columns)
    found = [_duplicates(frame, tables, dictionary)]
    out: dict[str, pl.DataFrame] = {}
    for table in tables:
        part = _part(frame, table, tables, dictionary, present)
        missing = [name for name in _needed(table, dictionary) if name not in part.columns]
        if missing:
            raise CohortError(f"The column {missing[0]} is missing.", hint=f"The table {table.name} needs it.")
        for name in _needed(table, dictionary):
            empty = part.filter(pl.col(name).is_null())
            if empty.height:
                found.append(as_rejections(empty[ROW], name, "required"))
        part = part.drop_nulls(list(_needed(table, dictionary)))
        part, conflicts = _one_per_key(part, table)
        out[table.name] = part
        found.append(conflicts)
    return out, pl.concat(found)


def _part(
    frame: pl.DataFrame, table: Table, tables: list[Table], dictionary: Dictionary, present: set[str]
) -> pl.DataFrame:
    """The rows that hold something for a table, with its key."""
    names = [name for name in table.names if name in present]
    source = _first_key(table, dictionary, present)
    part = frame.select(ROW, *names, *([pl.col(source).alias(table.key)] if source != table.key else []))
    keys = {entry.key for entry in dictionary}
    own = [name for name in names if name not in keys]
    if len(tables) > 1 and source != table.key:
        part = part.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in own))
    elif len(tables) > 1 and table.key in present:
        part = part.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in (table.key, *own)))
    return part


def _needed(table: Table, dictionary: Dictionary) -> tuple[str, ...]:
    required = [variable.name for variable in table.variables if variable.required and variable.name != table.key]
    return (table.key, *_parent_keys(table, dictionary), *required)


def _duplicates(frame: pl.DataFrame, tables: list[Table], dictionary: Dictionary) -> pl.DataFrame:
    """Rows whose keys all stand in another row as well."""
    keys = [table.key for table in tables if table.key in frame.columns]
    columns = list(dict.fromkeys(keys))
    if not columns:
        return no_rejections()
    double = frame.filter(frame.select(columns).is_duplicated())
    double = double.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in columns[-1:]))
    return as_rejections(double[ROW], columns[-1], "duplicate")


def _one_per_key(part: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per key, and the rows of keys whose values differ."""
    if not part[table.key].is_duplicated().any():
        return part, no_rejections()
    values = [name for name in part.columns if name not in (ROW, table.key)]
    twice = part.filter(pl.col(table.key).is_duplicated())
    if not values:
        return part.unique(table.key, keep="first", maintain_order=True), no_rejections()
    kinds = twice.group_by(table.key).agg(pl.col(values).n_unique())
    odd = kinds.filter(pl.any_horizontal(pl.col(values) > 1))
    found = [no_rejections()]
    for name in values:
        bad = odd.filter(pl.col(name) > 1).select(table.key)
        if bad.height:
            found.append(as_rejections(twice.join(bad, on=table.key, how="semi")[ROW], name, "conflict"))
    kept = part.join(odd.select(table.key), on=table.key, how="anti").unique(
        table.key, keep="first", maintain_order=True
    )
    return kept, pl.concat(found)
