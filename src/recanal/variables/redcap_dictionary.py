"""The data dictionary as a REDCap project: fields, instruments and choices, in the 18 columns of REDCap's own file.

The tables below one root table make one project: its key is the record, each other table is a repeating instrument. A
field name must be unique in a project, so the key of a parent is called ``TABLE_KEY`` in the child: ``ct_lesion_id``.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from recanal.errors import CohortError
from recanal.variables.dictionary import Dictionary, Table, Variable

__all__ = ["COLUMNS", "Field", "project_fields", "project_tables", "redcap_dictionary_csv", "redcap_mismatches"]

COLUMNS = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
_TYPES = {"choice": "dropdown", "bool": "yesno", "set": "checkbox"}
_CHECKS = {"whole": "integer", "number": "number", "date": "date_ymd"}


@dataclass(frozen=True)
class Field:
    """A field of a REDCap project and the variable that it holds.

    Parameters
    ----------
    name
        Field name, unique in the project.
    table
        The table, which is the instrument.
    variable
        The variable.
    """

    name: str
    table: str
    variable: Variable


def project_tables(dictionary: Dictionary, root: str = "patient") -> tuple[Table, ...]:
    """The root table and all tables whose first parents lead to it.

    Raises
    ------
    CohortError
        Where the root has parents itself.
    """
    if dictionary.table(root).parents:
        raise CohortError(f"{root} belongs to {dictionary.table(root).parents[0]}.", hint="Name a table of its own.")
    inside = [root]
    for table in dictionary:
        if table.parents and table.parents[0] in inside:
            inside.append(table.name)
    return tuple(dictionary.table(name) for name in inside)


def project_fields(dictionary: Dictionary, root: str = "patient") -> tuple[Field, ...]:
    """Every field of a project, the record's own first."""
    record = dictionary.table(root).key
    keys = {table.key for table in dictionary}
    fields = []
    for table in project_tables(dictionary, root):
        ordered = [table[table.key], *(variable for variable in table.variables if variable.name != table.key)]
        for variable in ordered:
            foreign = variable.name in keys and variable.name != table.key
            name = f"{table.name}_{variable.name}" if foreign else variable.name
            if not (foreign and variable.name == record):
                fields.append(Field(name, table.name, variable))
    return tuple(fields)


def redcap_dictionary_csv(dictionary: Dictionary, root: str = "patient") -> str:
    """REDCap's data dictionary file of a project: upload it, then make every form but the first repeating."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for field in project_fields(dictionary, root):
        writer.writerow([_row(field).get(column, "") for column in COLUMNS])
    return stream.getvalue()


def redcap_mismatches(metadata: Iterable[Mapping[str, str]], fields: Sequence[Field]) -> list[str]:
    """What in a project's metadata (REDCap API, ``content=metadata``) would change the meaning of values.

    Returns
    -------
    list of str
        One line per field that is on another instrument, of another type, or whose choices have other codes.
    """
    known = {field.name: field for field in fields}
    return [line for row in metadata for line in _differences(row, known.get(row.get("field_name", "")))]


def _differences(row: Mapping[str, str], field: Field | None) -> Iterator[str]:
    if field is None:
        return
    expected = _row(field)
    name = field.name
    if row.get("form_name") != field.table:
        yield f"{name}: is on the instrument {row.get('form_name')}, not {field.table}"
    kind = {"radio": "dropdown", "notes": "text", "truefalse": "yesno"}.get(
        row.get("field_type", ""), row.get("field_type", "")
    )
    if kind != expected["Field Type"]:
        yield f"{name}: is a {kind}, not a {expected['Field Type']}"
    elif field.variable.choices:
        ours = dict(zip(map(str, field.variable.codes), field.variable.choices, strict=True))
        theirs = _choices(row.get("select_choices_or_calculations", ""))
        for code, label in theirs.items():
            meant = field.variable.label_of(ours[code]) if code in ours else None
            if meant is None or label.casefold() not in (ours[code].casefold(), _plain(meant).casefold()):
                yield f"{name}: the code {code} means {label!r} there"


def _choices(text: str) -> dict[str, str]:
    """Codes and labels of ``1, LAD | 2, LCX``."""
    pairs = (part.split(",", 1) for part in text.split("|") if "," in part)
    return {code.strip(): label.strip() for code, label in pairs}


def _row(field: Field) -> dict[str, str]:
    variable = field.variable
    numeric = variable.kind in ("number", "whole")
    units = f" ({variable.unit})" if variable.unit not in ("", "1") else ""
    pairs = zip(variable.codes, variable.labels, strict=True)
    return {
        "Variable / Field Name": field.name,
        "Form Name": field.table,
        "Field Type": _TYPES.get(variable.kind, "text"),
        "Field Label": variable.label + units,
        "Choices, Calculations, OR Slider Labels": " | ".join(f"{code}, {_plain(label)}" for code, label in pairs),
        "Field Note": variable.note,
        "Text Validation Type OR Show Slider Number": _CHECKS.get(variable.kind, ""),
        "Text Validation Min": _bound(variable.low) if numeric else "",
        "Text Validation Max": _bound(variable.high) if numeric else "",
        "Identifier?": "y" if variable.kind == "id" else "",
        "Required Field?": "y" if variable.required else "",
    }


def _plain(label: str) -> str:
    """A label without the signs that part choices."""
    return re.sub(r"\s*[|]\s*", "/", label)


def _bound(value: float) -> str:
    return f"{value:.15g}" if math.isfinite(value) else ""
