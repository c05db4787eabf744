"""Database tables, views and triggers, made from the data dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from recanal.variables.dictionary import Dictionary, Table, Variable

__all__ = [
    "AUDIT",
    "BOOK",
    "CASES",
    "LEAVES",
    "SYSTEM_COLUMNS",
    "build_metadata",
    "column_type",
    "guard_statements",
    "rows_table",
    "trigger_names",
    "view_statements",
]

SYSTEM_COLUMNS = ("version", "withdrawn")
_PLACE_COLUMNS = ("batch", "position")

_SYSTEM = sa.MetaData()
AUDIT = sa.Table(
    "audit",
    _SYSTEM,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at_utc", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("rows_count", sa.BigInteger, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
LEAVES = sa.Table(
    "audit_leaves",
    _SYSTEM,
    sa.Column(
        "batch", sa.BigInteger, sa.ForeignKey("audit.number", deferrable=True, initially="DEFERRED"), primary_key=True
    ),
    sa.Column("chunk", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)
BOOK = sa.Table(
    "dictionary",
    _SYSTEM,
    sa.Column("schema_version", sa.BigInteger, nullable=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("content", sa.Text, nullable=False),
)
CASES = sa.Table(
    "case_files",
    _SYSTEM,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)
_APPEND_ONLY = ("audit", "audit_leaves", "dictionary", "case_files")


def column_type(variable: Variable) -> sa.types.TypeEngine[Any]:
    """The SQL type of a variable; truth values are 0 and 1, so that sums and means work everywhere."""
    if variable.kind == "bool":
        return sa.SmallInteger()
    if variable.kind == "whole":
        return sa.BigInteger()
    if variable.kind == "number":
        return sa.Double()
    return sa.Date() if variable.kind == "date" else sa.Text()


def rows_table(table: Table, metadata: sa.MetaData, parents: dict[str, Table]) -> sa.Table:
    """The append-only table of all versions of a table's rows: ``NAME_rows``.

    A change is a new row with the next version, so history is never lost and two writers that change one row at once
    collide on the primary key. A foreign key points at the first version of the parent; PostgreSQL, which would look
    up and lock the parent of each row by itself, has a trigger for all rows of a statement instead. No lock is needed,
    since no row is ever changed or removed.
    """
    columns = [sa.Column(v.name, column_type(v), nullable=not _needed(table, v, parents)) for v in table.variables]
    system = [
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("withdrawn", sa.SmallInteger, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("one", sa.SmallInteger, nullable=False, server_default="1"),
    ]
    name = f"{table.name}_rows"
    rules: list[sa.Constraint] = [
        sa.PrimaryKeyConstraint(table.key, "version", name=f"{name}_key"),
        sa.UniqueConstraint("batch", "position", name=f"{name}_place"),
        sa.CheckConstraint("one = 1", name=f"{name}_one"),
        sa.CheckConstraint("withdrawn IN (0, 1)", name=f"{name}_withdrawn"),
        sa.CheckConstraint("version >= 1", name=f"{name}_version"),
    ]
    for parent in table.parents:
        key = parents[parent].key
        target = [f"{parent}_rows.{key}", f"{parent}_rows.version"]
        rule = sa.ForeignKeyConstraint([key, "one"], target, name=f"{name}_{parent}")
        rules.append(rule.ddl_if(dialect="sqlite"))
    return sa.Table(name, metadata, *columns, *system, *rules)


def build_metadata(dictionary: Dictionary) -> sa.MetaData:
    """All tables of a store."""
    metadata = sa.MetaData()
    for system in (AUDIT, LEAVES, BOOK, CASES):
        system.to_metadata(metadata)
    parents = {table.name: table for table in dictionary}
    for table in dictionary:
        rows_table(table, metadata, parents)
    return metadata


def view_statements(dictionary: Dictionary) -> Iterator[str]:
    """SQL that (re)makes the view of each table: its present rows, latest version, not withdrawn."""
    for table in dictionary:
        rows = f'"{table.name}_rows"'
        names = ", ".join(f'r."{name}"' for name in (*table.names, "version", *_PLACE_COLUMNS))
        newer = f'SELECT 1 FROM {rows} n WHERE n."{table.key}" = r."{table.key}" AND n."version" > r."version"'
        yield f'DROP VIEW IF EXISTS "{table.name}"'
        yield (
            f'CREATE VIEW "{table.name}" AS SELECT {names} FROM {rows} r '
            f'WHERE r."withdrawn" = 0 AND NOT EXISTS ({newer})'
        )


def trigger_names(dictionary: Dictionary, dialect: str) -> tuple[str, ...]:
    """Names of all triggers: two per append-only table against changes, and in PostgreSQL one against orphans."""
    children = [f"{table.name}_rows_parents" for table in dictionary if table.parents and dialect == "postgresql"]
    return (*_change_triggers(dictionary), *children)


def _change_triggers(dictionary: Dictionary) -> tuple[str, ...]:
    tables = (*_APPEND_ONLY, *(f"{table.name}_rows" for table in dictionary))
    return tuple(f"{table}_no_{what}" for table in tables for what in ("update", "delete"))


def guard_statements(dictionary: Dictionary, dialect: str) -> Iterator[str]:
    """SQL that makes every table append-only and, in PostgreSQL, refuses rows whose parent is not there."""
    if dialect == "postgresql":
        yield (
            "CREATE OR REPLACE FUNCTION recanal_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append-only: a row may not be changed or removed'; END $$"
        )
        yield from _parent_guards(dictionary)
    for name in _change_triggers(dictionary):
        table, what = name.rsplit("_no_", 1)
        if dialect == "postgresql":
            events = "UPDATE" if what == "update" else "DELETE OR TRUNCATE"
            yield f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"'
            yield (
                f'CREATE TRIGGER "{name}" BEFORE {events} ON "{table}" '
                "FOR EACH STATEMENT EXECUTE FUNCTION recanal_append_only()"
            )
        else:
            yield (
                f'CREATE TRIGGER IF NOT EXISTS "{name}" BEFORE {what.upper()} ON "{table}" '
                "BEGIN SELECT RAISE(ABORT, 'append-only: a row may not be changed or removed'); END"
            )


def _parent_guards(dictionary: Dictionary) -> Iterator[str]:
    """For each table with parents, a trigger that looks for the parents of all rows of a statement at once."""
    for table in dictionary:
        if not table.parents:
            continue
        name = f"{table.name}_rows_parents"
        checks = "".join(_orphan_check(table.name, parent, dictionary.table(parent).key) for parent in table.parents)
        yield (
            f'CREATE OR REPLACE FUNCTION "recanal_{name}"() RETURNS trigger LANGUAGE plpgsql AS '
            f"$$ BEGIN {checks}RETURN NULL; END $$"
        )
        yield f'DROP TRIGGER IF EXISTS "{name}" ON "{table.name}_rows"'
        yield (
            f'CREATE TRIGGER "{name}" AFTER INSERT ON "{table.name}_rows" REFERENCING NEW TABLE AS fresh '
            f'FOR EACH STATEMENT EXECUTE FUNCTION "recanal_{name}"()'
        )


def _orphan_check(table: str, parent: str, key: str) -> str:
    there = f'SELECT 1 FROM "{parent}_rows" p WHERE p."{key}" = f."{key}" AND p."version" = 1'
    return (
        f'IF EXISTS (SELECT 1 FROM fresh f WHERE f."{key}" IS NOT NULL AND NOT EXISTS ({there})) THEN '
        f"RAISE EXCEPTION 'a row of {table} names a {parent} that is not there' "
        "USING ERRCODE = 'foreign_key_violation'; END IF; "
    )


def _needed(table: Table, variable: Variable, parents: dict[str, Table]) -> bool:
    must = {table.key, *(parents[name].key for name in table.parents if name not in table.optional_parents)}
    return variable.name in must
