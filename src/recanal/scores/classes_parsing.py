"""Reading a sheet of classes from its TOML form; every refusal names the sheet and the field."""

from __future__ import annotations

import reprlib
import tomllib
from typing import Any

from recanal.errors import SheetError
from recanal.rules.conditions import TRUST
from recanal.rules.parsing import condition, finding_names
from recanal.rules.table import Table
from recanal.scores.classes import (
    AgreeRule,
    Axis,
    Cells,
    ClassSheet,
    CriteriaRule,
    Criterion,
    Derived,
    GradeClass,
    LookupRule,
)
from recanal.scores.classes_checks import check_class_sheet
from recanal.scores.sheet import MODALITIES, TERRITORIES, Limit

__all__ = ["KIND", "parse_class_sheet"]

KIND = "classes"
_PLAIN = "No criterion of the publication describes it."


def parse_class_sheet(text: str, *, label: str = "sheet") -> ClassSheet:
    """The sheet of classes held by a TOML text.

    Parameters
    ----------
    text
        The TOML text.
    label
        Name used in messages until the sheet's own id is known.

    Raises
    ------
    SheetError
        Naming the sheet and the field.
    """
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SheetError(f"{label}: not a TOML file: {error}.") from error
    name = raw.get("id")
    root = Table(raw, name if isinstance(name, str) and name else label)
    root.one_of("kind", (KIND,))
    sheet = _sheet(root)
    root.done()
    check_class_sheet(sheet)
    return sheet


def _sheet(root: Table) -> ClassSheet:
    return ClassSheet(
        id=root.text("id"),
        name=root.text("name"),
        citation=root.text("citation"),
        doi=root.doi("doi") if root.has("doi") else "",
        endpoint=root.text("endpoint"),
        trust=root.one_of("trust", TRUST),
        trust_note=root.text("trust_note"),
        modality=root.one_of("modality", MODALITIES),
        territory=root.one_of("territory", TERRITORIES),
        vessels=root.texts("vessels"),
        result=root.text("result"),
        text=root.text("text"),
        axes=tuple(_axis(row) for row in root.tables("axes", required=True)),
        derived=tuple(_derived(row) for row in root.tables("derived")),
        limits=tuple(_limit(row) for row in root.tables("limits")),
        caveats=root.texts("caveats"),
        sources=root.texts("sources"),
    )


def _axis(row: Table) -> Axis:
    axis = Axis(
        name=row.text("name"),
        title=row.text("title"),
        classes=tuple(_class(entry) for entry in row.tables("classes", required=True)),
        rule=_rule(row),
        source=row.text("source"),
        trust=row.one_of("trust", TRUST),
        unknown_text=_may_be_empty(row, "unknown_text", "?"),
        shown=row.truth("shown", default=True),
    )
    row.done()
    return axis


def _class(row: Table) -> GradeClass:
    name = row.text("name")
    out = GradeClass(name=name, meaning=row.text("meaning"), text=_may_be_empty(row, "text", name))
    row.done()
    return out


def _rule(row: Table) -> CriteriaRule | LookupRule | AgreeRule:
    if row.has("lookup"):
        table = row.table("lookup")
        lookup = LookupRule(of=table.texts("of"), cells=_cells(table, table.raw("cells")))
        table.done()
        return lookup
    if row.has("agree"):
        return AgreeRule(of=row.texts("agree"), ask=finding_names(row, "ask"))
    criteria = tuple(_criterion(entry) for entry in row.tables("criteria", required=True))
    void = condition(row.table("void")) if row.has("void") else None
    return CriteriaRule(criteria=criteria, otherwise=row.text("otherwise", default=_PLAIN), void=void)


def _criterion(row: Table) -> Criterion:
    gives = (row.text("gives"),) if isinstance(row.raw("gives"), str) else row.texts("gives")
    out = Criterion(gives=gives, says=row.text("says"), test=condition(row.table("test")))
    row.done()
    return out


def _cells(table: Table, value: Any) -> Cells:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list) and value:
        return tuple(_cells(table, inner) for inner in value)
    raise table.error("cells", f"must hold nested lists of class names, got {reprlib.repr(value)}")


def _derived(row: Table) -> Derived:
    out = Derived(
        finding=row.text("finding"),
        of=finding_names(row, "of"),
        when=condition(row.table("when")) if row.has("when") else None,
        tolerance_ratio=row.number("tolerance") if row.has("tolerance") else 0.0,
    )
    row.done()
    return out


def _limit(row: Table) -> Limit:
    out = Limit(test=condition(row.table("test")), warning=row.text("warning"), source=row.text("source"))
    row.done()
    return out


def _may_be_empty(row: Table, key: str, default: str) -> str:
    if not row.has(key):
        return default
    value = row.raw(key)
    if not isinstance(value, str):
        raise row.error(key, f"must be a text, got {reprlib.repr(value)}")
    return value
