"""Records as REDCap exports and imports them: raw codes, repeating instances, checkboxes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import polars as pl

from recanal.errors import CohortError
from recanal.variables.dictionary import Dictionary, Table
from recanal.variables.reading import RawTable
from recanal.variables.redcap_dictionary import Field, project_fields, project_tables

__all__ = ["records_csv", "records_tables"]

_INSTRUMENT, _INSTANCE, _EVENT = "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_event_name"
_ORDER = "_order"
_CHECKBOX = "___"
_SYSTEM = (_INSTRUMENT, _INSTANCE, _EVENT, "redcap_data_access_group", "redcap_survey_identifier")


def records_tables(raw: RawTable, dictionary: Dictionary, *, root: str = "patient", event: str = "") -> list[RawTable]:
    """The tables in a REDCap export (CSV, raw codes, raw headers), ready for :func:`recanal.variables.check_rows`.

    Parameters
    ----------
    raw
        The export as text.
    dictionary
        The data dictionary; choices are read as its codes.
    root
        The table whose key is the record.
    event
        Which event of a longitudinal project; needed where the export holds more than one.

    Returns
    -------
    list of RawTable
        One per instrument with rows, parents first. Where an instrument has no field for its key, the key is the
        record, a colon and the instance.

    Raises
    ------
    CohortError
        Where a field is unknown, an instrument is not a table, or events are mixed.
    """
    record = dictionary.table(root).key
    frame = _one_event(raw.frame.with_columns(raw.rows.alias(_ORDER)), event)
    if record not in frame.columns:
        raise CohortError(f"The export has no field {record}.", hint="The record is the patient's pseudonym.")
    tables = project_tables(dictionary, root)
    fields = project_fields(dictionary, root)
    _check_fields(frame.columns, fields, [table.name for table in tables])
    instrument = (
        frame[_INSTRUMENT].fill_null("") if _INSTRUMENT in frame.columns else pl.repeat("", frame.height, eager=True)
    )
    strange = set(instrument.unique()) - {"", *(table.name for table in tables)}
    if strange:
        raise CohortError(f"The repeating instrument {sorted(strange)[0]!r} is no table of the dictionary.")
    out = []
    for table in tables:
        repeating = bool((instrument == table.name).any())
        rows = frame.filter(instrument == (table.name if repeating else ""))
        own = [field for field in fields if field.table == table.name]
        part = _table_part(rows, table, own, record)
        if part is not None:
            out.append(part)
    return out


def records_csv(
    frames: Mapping[str, pl.DataFrame],
    instances: Mapping[str, pl.DataFrame],
    dictionary: Dictionary,
    *,
    root: str = "patient",
) -> str:
    """Rows as REDCap imports them: raw codes, one column per checkbox choice, repeating instances.

    Parameters
    ----------
    frames
        Present rows by table.
    instances
        By table, the key of each row with its record and its ``instance`` within that.
    dictionary
        The data dictionary.
    root
        The table whose key is the record.
    """
    record = dictionary.table(root).key
    fields = project_fields(dictionary, root)
    schema = {record: pl.String(), _INSTRUMENT: pl.String(), _INSTANCE: pl.String()}
    parts = [pl.DataFrame(schema=schema)]
    for table in project_tables(dictionary, root):
        if table.name not in frames:
            continue
        frame = frames[table.name]
        place = frame.select(table.key)
        if table.name == root:
            head = place.select(record, *(pl.lit(None, dtype=pl.String).alias(n) for n in (_INSTRUMENT, _INSTANCE)))
        else:
            place = place.join(instances[table.name], on=table.key, how="left", maintain_order="left")
            number = pl.col("instance").cast(pl.String).alias(_INSTANCE)
            head = place.select(record, pl.lit(table.name).alias(_INSTRUMENT), number)
        own = [f for f in fields if f.table == table.name and f.name != record and f.variable.name in frame.columns]
        columns = [column for field in own for column in _field_columns(frame[field.variable.name], field)]
        parts.append(pl.concat([head, pl.DataFrame(columns)], how="horizontal"))
    stream = io.BytesIO()
    pl.concat(parts, how="diagonal").sort(record, maintain_order=True).write_csv(stream)
    return stream.getvalue().decode()


def _one_event(frame: pl.DataFrame, event: str) -> pl.DataFrame:
    if _EVENT not in frame.columns:
        if event:
            raise CohortError("The export holds no events.", hint="Leave --event out.")
        return frame
    events = sorted(frame[_EVENT].drop_nulls().unique())
    if not event and len(events) > 1:
        raise CohortError(
            f"The export holds {len(events)} events: {', '.join(events)[:120]}.", hint="Name one: --event."
        )
    return frame.filter(pl.col(_EVENT) == (event or (events[0] if events else "")))


def _check_fields(columns: Sequence[str], fields: Sequence[Field], tables: Sequence[str]) -> None:
    known = {field.name for field in fields}
    for name in columns:
        stem = name.split(_CHECKBOX)[0]
        state = name.endswith(("_complete", "_timestamp")) and name.rsplit("_", 1)[0] in tables
        if stem not in known and name not in _SYSTEM and name != _ORDER and not state:
            raise CohortError(
                f"The field {name[:60]!r} is no variable of the dictionary.",
                hint="Leave it out of the export, or add it with --extend when the store is made.",
            )


def _table_part(rows: pl.DataFrame, table: Table, fields: Sequence[Field], record: str) -> RawTable | None:
    """The rows of one instrument that hold anything."""
    columns = {}
    for field in fields:
        column = _field_text(rows, field)
        if column is not None:
            columns[field.variable.name] = column
    filled = [name for name in columns if name != record]
    if table.key != record and not filled:
        return None
    if table.key != record and table.key not in columns:
        if _INSTANCE not in rows.columns:
            raise CohortError(f"The export has no field {table.key}.")
        columns[table.key] = rows.select(pl.concat_str([record, _INSTANCE], separator=":")).to_series()
    if record in table.names or record == table.key:
        columns[record] = rows[record]
    frame = pl.DataFrame([column.alias(name) for name, column in columns.items()])
    held = frame.select(pl.any_horizontal(pl.col(filled).is_not_null())).to_series() if filled else None
    if held is not None and table.key != record:
        if not held.any():
            return None
        return RawTable(frame.filter(held), table.name, rows[_ORDER].filter(held))
    return RawTable(frame, table.name, rows[_ORDER])


def _field_text(rows: pl.DataFrame, field: Field) -> pl.Series | None:
    """A field as text; the ticked boxes of a checkbox as codes joined by semicolons."""
    if field.variable.kind != "set":
        return rows[field.name] if field.name in rows.columns else None
    boxes = {name: name.split(_CHECKBOX)[1] for name in rows.columns if name.startswith(field.name + _CHECKBOX)}
    if not boxes:
        return None
    ticked = [pl.when(pl.col(name) == "1").then(pl.lit(code)) for name, code in boxes.items()]
    text = rows.select(pl.concat_str(ticked, separator=";", ignore_nulls=True)).to_series()
    return text.set(text == "", None)


def _field_columns(series: pl.Series, field: Field) -> list[pl.Series]:
    variable = field.variable
    if variable.kind == "set":
        return [
            series.str.split(";")
            .list.contains(choice)
            .cast(pl.Int64)
            .cast(pl.String)
            .alias(f"{field.name}{_CHECKBOX}{code}")
            for code, choice in zip(variable.codes, variable.choices, strict=True)
        ]
    if variable.kind == "choice":
        codes = {choice: str(code) for choice, code in zip(variable.choices, variable.codes, strict=True)}
        return [series.replace_strict(codes, default=None, return_dtype=pl.String).alias(field.name)]
    if variable.kind == "date":
        return [series.dt.to_string("%Y-%m-%d").alias(field.name)]
    return [series.cast(pl.String).alias(field.name)]
