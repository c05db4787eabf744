"""Whether the views and triggers of a database are those that the dictionary makes, by their text, not their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from recanal.cohort.schema import guard_statements, trigger_names, view_statements
from recanal.variables.dictionary import Dictionary

__all__ = ["changed_definitions"]

_MADE = re.compile(r'CREATE (?:OR REPLACE )?(TRIGGER|VIEW|FUNCTION)(?: IF NOT EXISTS)? "?(\w+)"?')
_BODY = re.compile(r"\$\$(.*)\$\$", re.DOTALL)


def changed_definitions(connection: sa.Connection, dictionary: Dictionary) -> Iterator[str]:
    """What is missing or no longer as it was made, in words.

    Parameters
    ----------
    connection
        A reading transaction.
    dictionary
        The data dictionary of the store.

    Notes
    -----
    SQLite keeps the text of each statement. PostgreSQL prints a view and a trigger in its own way: white space,
    parentheses and the schema are left out of the comparison; the body of a function is compared letter by letter.
    """
    dialect = connection.dialect.name
    made = [*view_statements(dictionary), *guard_statements(dictionary, dialect)]
    expected = {(found[1].lower(), found[2]): text for text in made if (found := _MADE.match(text))}
    there = _on_server(connection) if dialect == "postgresql" else _in_file(connection)
    for name in trigger_names(dictionary, dialect):
        if ("trigger", name) not in there:
            yield f"the guard {name} is missing or switched off"
    words = {"view": "the view", "trigger": "the guard", "function": "the guard function"}
    for (kind, name), text in expected.items():
        held = there.get((kind, name))
        if held is None and kind != "trigger":
            yield f"{words[kind]} {name} is missing"
        elif held is not None and _plain(kind, text) != _plain(kind, held):
            yield f"{words[kind]} {name} was changed"


def _plain(kind: str, text: str) -> str:
    """The part of a definition that says what it does, without the freedom that a database takes in printing it."""
    if kind == "function":
        found = _BODY.search(text)
        return found[1] if found else text
    text = _MADE.sub("", text, count=1)
    if kind == "trigger":
        text = re.sub(r" ON (?:\w+\.)?(\w+)", r" ON \1", text.replace('"', ""))
    else:
        text = text.strip().removeprefix("AS ")
    return re.sub(r'[\s()";]', "", text)


def _in_file(connection: sa.Connection) -> Mapping[tuple[str, str], str]:
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
    return {(row[0], row[1]): str(row[2]) for row in rows}


def _on_server(connection: sa.Connection) -> Mapping[tuple[str, str], str]:
    queries = {
        "trigger": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')",
        "view": "SELECT viewname, definition FROM pg_views WHERE schemaname = current_schema()",
        "function": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
    }
    return {(kind, row[0]): str(row[1]) for kind, sql in queries.items() for row in connection.exec_driver_sql(sql)}
