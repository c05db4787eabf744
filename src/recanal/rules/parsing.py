"""Reading a condition from its TOML form; every refusal names the file and the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recanal.core.findings import FactKind, vocabulary
from recanal.rules.conditions import OPERATORS, AllOf, AnyOf, Condition, Direct, FirstOf, Negation
from recanal.rules.table import Table

__all__ = ["condition", "finding_names"]

_GROUPS: Mapping[str, type[AnyOf] | type[AllOf] | type[FirstOf]] = {"any": AnyOf, "all": AllOf, "first": FirstOf}


def finding_names(row: Table, key: str) -> tuple[str, ...]:
    """A list of names of the findings vocabulary; empty when the field is not given.

    Raises
    ------
    SheetError
        Naming the field, when a name is not in the vocabulary.
    """
    names = row.texts(key)
    for name in names:
        if name not in vocabulary():
            raise row.error(key, f"no such finding: {name!r}")
    return names


def condition(table: Table) -> Condition:
    """The condition that a table holds: one finding against one value, or ``any``, ``all``, ``first``, ``not``.

    Raises
    ------
    SheetError
        Naming the place and the field.
    """
    for key, kind in _GROUPS.items():
        if table.has(key):
            parts = tuple(condition(part) for part in table.tables(key, required=True))
            table.done()
            return kind(parts)
    if table.has("not"):
        inner = condition(table.table("not"))
        table.done()
        return Negation(inner)
    return _direct(table)


def _direct(table: Table) -> Direct:
    name = table.text("finding")
    kind = vocabulary().get(name)
    if kind is None:
        raise table.error("finding", f"no such finding: {name!r}")
    op = table.one_of("op", OPERATORS)
    test = Direct(
        finding=name,
        op=op,
        value=_value(table, kind, op),
        unknown=_words(table, kind, "unknown") if table.has("unknown") else (),
        decides=table.one_of("decides", ("both", "true", "false"), default="both"),
    )
    table.done()
    return test


def _value(table: Table, kind: FactKind, op: str) -> Any:
    if kind.kind == "number":
        if op not in (">", ">=", "<", "<="):
            raise table.error("op", f"a number is compared with >, >=, < or <=, got {op!r}")
        value = table.number("value")
        if not kind.low <= value <= kind.high:
            raise table.error("value", f"outside the range of {kind.name}, got {value:g}")
        return value
    if op in (">", ">=", "<", "<="):
        raise table.error("op", f"{kind.name} is not a number, got {op!r}")
    if kind.kind == "bool":
        return table.truth("value") if op == "is" else _refuse_words(table, kind)
    if op == "is":
        return _words(table, kind, "value")[0]
    return _words(table, kind, "value")


def _refuse_words(table: Table, kind: FactKind) -> bool:
    raise table.error("op", f'{kind.name} is true or false: use "is"')


def _words(table: Table, kind: FactKind, key: str) -> tuple[str, ...]:
    words = (table.text(key),) if isinstance(table.raw(key), str) else table.texts(key)
    for word in words:
        if word not in kind.choices:
            raise table.error(key, f"{kind.name} has no choice {word!r}")
    if not words:
        raise table.error(key, "must name at least one choice")
    return words
