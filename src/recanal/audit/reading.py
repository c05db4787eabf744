"""Printed tables from TOML or CSV."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from recanal.audit.building import KINDS, build_groups, build_row
from recanal.audit.fields import Fields
from recanal.audit.reading_csv import csv_tables
from recanal.audit.rows import CountRow, Document, LevelsRow, MeanRow, MedianRow, Row
from recanal.errors import TableError, of_file, parse_reason, shown_name

__all__ = ["read_tables", "read_tables_text", "template_text"]

_MOST_BYTES = 5_000_000
_MOST_ROWS = 20_000
_FORMATS = ("toml", "csv")


def read_tables(path: str | Path) -> Document:
    """The tables of a ``.toml`` or ``.csv`` file of at most 5 MB.

    Raises
    ------
    TableError
        When the file cannot be read, or a row is not well formed: the message names row, field, value and rule.
    """
    where = Path(path)
    kind = where.suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        raise TableError(
            f"{shown_name(where)!r} is neither .toml nor .csv.", hint="`recanal audit --template` prints a start."
        )
    try:
        with where.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise TableError(f"{shown_name(where)!r} cannot be read: {reason}.") from error
    if len(data) > _MOST_BYTES:
        raise TableError(f"{shown_name(where)!r} is larger than {_MOST_BYTES} bytes.", hint="Is this the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(
            f"{shown_name(where)!r} is not UTF-8 text (byte {error.start}).", hint="Save it as UTF-8."
        ) from error
    try:
        return read_tables_text(text, kind, title=where.stem)
    except TableError as error:
        raise of_file(error, where) from error


def read_tables_text(text: str, kind: str, *, title: str = "") -> Document:
    """The tables in a text.

    Parameters
    ----------
    text
        The text of a file.
    kind
        ``toml`` or ``csv``.
    title
        Used where the text gives none.

    Raises
    ------
    TableError
        As :func:`read_tables`.

    Examples
    --------
    >>> lines = ["table,row,kind,groups,cells,p", "Table 2,Bend,count,crossed=131 | failed=76,24 | 24,0.029"]
    >>> read_tables_text(chr(10).join(lines), "csv").rows[0].name
    'Bend'
    """
    if kind not in _FORMATS:
        raise TableError(f"No format {kind!r}.", hint="Formats: toml, csv.")
    rows = csv_tables(text) if kind == "csv" else None
    if rows is None:
        return _from_toml(text, title)
    built = tuple(build_row(values, table=table, place=place) for table, place, values in rows)
    return _document(title, "", built)


def template_text(kind: str) -> str:
    """A file to start from, with every common kind of row.

    Raises
    ------
    TableError
        When the format is neither ``toml`` nor ``csv``.
    """
    if kind not in _FORMATS:
        raise TableError(f"No template for {kind!r}.", hint="Formats: toml, csv.")
    folder = resources.files("recanal.audit").joinpath("templates")
    return folder.joinpath(f"template.{kind}").read_text(encoding="utf-8")


def _from_toml(text: str, title: str) -> Document:
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        raise TableError(f"This is not valid TOML: {parse_reason(error)}.") from error
    top = Fields(values, "the file")
    top.refuse_others(("title", "doi", "note", "tables"))
    rows: list[Row] = []
    for number, table_values in enumerate(top.items("tables"), start=1):
        rows += _table_rows(Fields(table_values, f"table {number}"), table_values)
    return _document(top.text("title", default=title), top.text("doi", default=""), tuple(rows))


def _table_rows(table: Fields, values: Mapping[str, Any]) -> list[Row]:
    table.refuse_others(("name", "groups", "merges", "rows"))
    name = table.text("name")
    shared = {field: values[field] for field in ("groups", "merges") if field in values}
    if "groups" in shared:
        build_groups(table.table("groups"), f"table {name!r}")
    rows = []
    for number, own in enumerate(table.items("rows"), start=1):
        label = own.get("name") if isinstance(own.get("name"), str) else str(number)
        kind = own.get("kind")
        fitting = KINDS.get(kind, ()) if isinstance(kind, str) else ()
        inherited = {field: value for field, value in shared.items() if field in fitting}
        if "groups" in own:
            inherited.pop("merges", None)
        rows.append(build_row({**inherited, **own}, table=name, place=f"table {name!r}, row {label!r}"))
    return rows


def _document(title: str, doi: str, rows: tuple[Row, ...]) -> Document:
    if not rows:
        raise TableError("The file holds no row.", hint="`recanal audit --template` prints a start.")
    if len(rows) > _MOST_ROWS:
        raise TableError(f"The file holds {len(rows)} rows; {_MOST_ROWS} is the most.")
    sizes: set[int] = set()
    for row in rows:
        if isinstance(row.content, CountRow | LevelsRow | MeanRow | MedianRow):
            known = [group.size_count for group in row.content.groups if group.size_count is not None]
            sizes.update(known)
            sizes.add(sum(known))
    return Document(title, doi, rows, frozenset(sizes))
