"""Excel, Parquet, SPSS and Stata files, read as text."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from recanal.errors import CohortError
from recanal.variables.cells import parse_word
from recanal.variables.dictionary import Dictionary, Variable
from recanal.variables.read_options import ReadOptions
from recanal.variables.reading import RawTable

__all__ = ["read_excel", "read_parquet", "read_statistics_file"]

_MOST_UNPACKED_BYTES = 4_000_000_000
_FORMULA = "#formula"


def read_excel(file: Path, dictionary: Dictionary, options: ReadOptions, table: str = "") -> list[RawTable]:
    """The sheets that are named like a table, or else the first sheet, or the one asked for.

    Numbers and dates of a spreadsheet are taken as such; cells that hold text follow the options.

    Raises
    ------
    CohortError
        Where the file is no workbook, or the sheet does not exist.
    """
    import openpyxl

    _check_zip(file)
    try:
        values = openpyxl.load_workbook(file, read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(file, read_only=True, data_only=False)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CohortError(f"{file.name}: not an Excel workbook (.xlsx).") from error
    try:
        if options.sheet and options.sheet not in values.sheetnames:
            raise CohortError(f"{file.name}: there is no sheet {options.sheet!r}.")
        named = [name for name in dictionary.names if name in values.sheetnames]
        names = [options.sheet] if options.sheet else named or values.sheetnames[:1]
        out = []
        for name in names:
            rows = zip(values[name].iter_rows(), formulas[name].iter_rows(), strict=False)
            raw = _sheet(rows, options, f"{file.name}, sheet {name}")
            out.append(RawTable(raw.frame, table or (name if name in dictionary.names else ""), raw.rows))
        return out
    finally:
        values.close()
        formulas.close()


def read_parquet(file: Path, dictionary: Dictionary, options: ReadOptions, table: str = "") -> list[RawTable]:
    """The rows of a Parquet file.

    Raises
    ------
    CohortError
        Where the file is not Parquet, or a column is of a kind that is not a value.
    """
    try:
        frame = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CohortError(f"{file.name}: not a Parquet file.") from error
    return [_raw(_as_text(frame, options, file.name), table)]


def read_statistics_file(file: Path, dictionary: Dictionary, options: ReadOptions, table: str = "") -> list[RawTable]:
    """The rows of an SPSS (.sav, .zsav) or Stata (.dta) file; codes are translated by the labels in the file.

    Raises
    ------
    CohortError
        Where the file cannot be read, or a label is none that the dictionary knows.
    """
    import pyreadstat

    read = pyreadstat.read_dta if file.suffix.lower() == ".dta" else pyreadstat.read_sav
    try:
        frame, meta = read(str(file), output_format="polars", user_missing=False)
    except (pyreadstat.ReadstatError, OSError, ValueError, UnicodeDecodeError) as error:
        raise CohortError(f"{file.name}: not a readable SPSS or Stata file.") from error
    text = _as_text(frame, options, file.name)
    shorts = {v.stata_name: v.name for t in dictionary for v in t.variables if v.stata_name != v.name}
    text = text.rename({name: shorts[name] for name in text.columns if name in shorts})
    known = {name for t in dictionary for name in t.names}
    words = set()
    for column, labels in meta.variable_value_labels.items():
        name = shorts.get(column, column)
        rule = options.columns.get(name)
        target = rule.name if rule is not None else name
        if target not in known or dictionary.variable(target).kind not in ("choice", "bool"):
            continue
        variable = dictionary.variable(target)
        text = text.with_columns(_translated(text[name], variable, labels, dict(rule.values) if rule else {}))
        words.add(name)
    return [RawTable(text, table, _rows(text.height), frozenset(words))]


def _translated(codes: pl.Series, variable: Variable, labels: Mapping[Any, str], given: Mapping[str, str]) -> pl.Series:
    """Words for codes, by the labels of the file; a code without a label stays, and is refused later."""
    words = {}
    for code, label in labels.items():
        meant = given.get(label, label)
        if variable.kind == "bool":
            word: str | None = {"yes": "1", "no": "0", "true": "1", "false": "0"}.get(meant.strip().casefold())
        else:
            word = parse_word(meant.strip(), variable, codes=False)
        # a code whose label means nothing here must not pass for one of the dictionary's codes
        words[_number_text(code)] = word if word is not None else f"#{meant}"
    unlabelled = [code for code in codes.drop_nulls().unique().to_list() if code not in words]
    words |= {code: f"#{code}" for code in unlabelled}
    return codes.replace(words)


def _check_zip(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise CohortError(f"{file.name}: not an Excel workbook (.xlsx).") from error
    if size > _MOST_UNPACKED_BYTES:
        raise CohortError(f"{file.name}: unpacks to {size} bytes, more than {_MOST_UNPACKED_BYTES}.")


def _sheet(rows: Iterable[tuple[Any, Any]], options: ReadOptions, name: str) -> RawTable:
    header: list[str] = []
    records: list[list[str | None]] = []
    numbers: list[int] = []
    for number, (cells, sources) in enumerate(rows, start=1):
        if not header:
            header = _header(cells, name)
            continue
        texts = [_cell(cell, source, options) for cell, source in zip(cells, sources, strict=False)]
        extra = [text for text in texts[len(header) :] if text is not None]
        if extra:
            raise CohortError(f"{name}: row {number} has a value beyond the last named column.")
        if any(text is not None for text in texts):
            records.append([*texts[: len(header)], *[None] * (len(header) - len(texts))])
            numbers.append(number)
    if not header:
        raise CohortError(f"{name}: the sheet is empty.")
    frame = pl.DataFrame(records, schema=dict.fromkeys(header, pl.String), orient="row")
    return RawTable(frame, "", pl.Series(numbers, dtype=pl.Int64))


def _header(cells: Iterable[Any], name: str) -> list[str]:
    header = ["" if cell.value is None else str(cell.value).strip() for cell in cells]
    while header and not header[-1]:
        header.pop()
    for place, field in enumerate(header, start=1):
        if not field or header.index(field) != place - 1:
            raise CohortError(f"{name}: column {place} has no name, or one that stands twice.")
    return header


def _cell(cell: Any, source: Any, options: ReadOptions) -> str | None:
    value = cell.value
    if value is None:
        return _FORMULA if getattr(source, "data_type", "") == "f" else None
    return _text(value, options)


def _text(value: Any, options: ReadOptions) -> str:
    """A native value as text in the style of the options."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value).replace(".", options.decimal)
    if isinstance(value, datetime):
        if value.time() != time(0):
            return value.isoformat(sep=" ")
        value = value.date()
    if isinstance(value, date):
        year, month, day = f"{value.year:04d}", f"{value.month:02d}", f"{value.day:02d}"
        order = {"ymd": (year, month, day), "dmy": (day, month, year), "mdy": (month, day, year)}
        return "-".join(order[options.dates])
    return str(value)


def _number_text(value: float) -> str:
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _as_text(frame: pl.DataFrame, options: ReadOptions, name: str) -> pl.DataFrame:
    columns = []
    for series in frame:
        if series.dtype in (pl.String, pl.Null):
            columns.append(series.cast(pl.String))
        elif series.dtype.is_numeric() or series.dtype.is_temporal() or series.dtype == pl.Boolean:
            distinct = series.drop_nulls().unique()
            texts = [_text(value, options) for value in distinct.to_list()]
            mapped = series.replace_strict(distinct, pl.Series(texts, dtype=pl.String), return_dtype=pl.String)
            columns.append(mapped.alias(series.name))
        elif isinstance(series.dtype, pl.Categorical | pl.Enum):
            columns.append(series.cast(pl.String))
        else:
            raise CohortError(f"{name}: the column {series.name[:60]!r} holds {series.dtype}, not single values.")
    return pl.DataFrame(columns)


def _rows(count: int) -> pl.Series:
    return pl.int_range(2, count + 2, eager=True, dtype=pl.Int64)


def _raw(frame: pl.DataFrame, table: str) -> RawTable:
    return RawTable(frame, table, _rows(frame.height))
