"""Rows into files: CSV, Excel, Parquet, SPSS and Stata, each so that reading it back gives the same rows."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from recanal.errors import CohortError
from recanal.variables.dictionary import Dictionary, Variable
from recanal.variables.reading import safe_formula_text

__all__ = [
    "FORMATS",
    "WriteOptions",
    "csv_bytes",
    "entry_form",
    "rejections_csv",
    "write_excel",
    "write_frames",
    "write_statistics_file",
]

FORMATS = ("csv", "xlsx", "parquet", "sav", "dta")
_MOST_SHEET_ROWS = 1_048_575
_DATE_STYLE = {"ymd": "%Y-%m-%d", "dmy": "%d-%m-%Y", "mdy": "%m-%d-%Y"}


@dataclass(frozen=True)
class WriteOptions:
    """How a text file is written; the other formats have no choice.

    Parameters
    ----------
    encoding, separator, decimal, dates, codes
        As in :class:`recanal.variables.ReadOptions`.
    """

    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    dates: str = "ymd"
    codes: bool = False


def write_frames(
    frames: Mapping[str, pl.DataFrame], folder: Path, fmt: str, dictionary: Dictionary, options: WriteOptions
) -> list[str]:
    """Write frames into a folder, one file each, or one workbook with a sheet each; the names are returned.

    Raises
    ------
    CohortError
        Where the format is not known or cannot hold the rows.
    """
    if fmt not in FORMATS:
        raise CohortError(f"format must be one of {', '.join(FORMATS)}, got {fmt!r}.")
    if fmt == "xlsx":
        write_excel(frames, folder / "cohort.xlsx", dictionary)
        return ["cohort.xlsx"]
    names = []
    for name, frame in frames.items():
        file = folder / f"{name}.{fmt}"
        if fmt == "csv":
            file.write_bytes(csv_bytes(frame, dictionary, options))
        elif fmt == "parquet":
            frame.write_parquet(file)
        else:
            write_statistics_file(frame, file, dictionary)
        names.append(file.name)
    return names


def csv_bytes(frame: pl.DataFrame, dictionary: Dictionary, options: WriteOptions) -> bytes:
    """A frame as a text file that no spreadsheet program mistakes for formulas.

    Raises
    ------
    CohortError
        Where the encoding cannot write a letter.
    """
    columns = []
    for series in frame:
        if series.dtype == pl.Date:
            columns.append(series.dt.to_string(_DATE_STYLE[options.dates]))
        elif series.dtype == pl.String:
            coded = _codes(series, dictionary) if options.codes else None
            columns.append(coded if coded is not None else safe_formula_text(series))
        else:
            columns.append(series)
    stream = io.BytesIO()
    pl.DataFrame(columns).write_csv(
        stream, separator=options.separator, decimal_comma=options.decimal == ",", quote_style="necessary"
    )
    if options.encoding.lower() in ("utf-8", "utf8"):
        return stream.getvalue()
    try:
        return stream.getvalue().decode().encode(options.encoding)
    except (UnicodeEncodeError, LookupError) as error:
        raise CohortError(f"The rows cannot be written as {options.encoding}.", hint="Use utf-8.") from error


def rejections_csv(rejections: pl.DataFrame) -> bytes:
    """Rejected cells as a text file, values shielded as in :func:`csv_bytes`."""
    return rejections.with_columns(safe_formula_text(rejections["value"])).write_csv().encode()


def write_excel(frames: Mapping[str, pl.DataFrame], file: Path, dictionary: Dictionary) -> None:
    """One sheet per frame; text stays text, dates are dates.

    Raises
    ------
    CohortError
        Where a frame has more rows than a sheet.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, frame in frames.items():
        if frame.height > _MOST_SHEET_ROWS:
            raise CohortError(f"{name}: {frame.height} rows are more than a sheet holds.", hint="Use csv or parquet.")
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "B2"
        sheet.append(list(frame.columns))
        for row in frame.iter_rows():
            sheet.append([_exact(sheet, value) for value in row])
    book.save(file)


def _exact(sheet: Any, value: Any) -> Any:
    """A cell that stays text even where it looks like a formula, and keeps all digits of a number."""
    kind = ""
    if isinstance(value, str) and value[0] in "=+-@'%|":
        kind = "s"
    elif isinstance(value, float) and float(f"{value:.16g}") != value:
        kind = "n"
    if not kind:
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, str(value))
    cell.data_type = kind
    cell.quotePrefix = kind == "s"
    return cell


def write_statistics_file(frame: pl.DataFrame, file: Path, dictionary: Dictionary) -> None:
    """An SPSS (.sav) or Stata (.dta) file with labels of variables and values; choices are written as codes.

    Raises
    ------
    CohortError
        Where the file cannot be written.
    """
    import pyreadstat

    stata = file.suffix == ".dta"
    columns: list[pl.Series] = []
    labels: list[str | None] = []
    values: dict[str, dict[int | float, str]] = {}
    for series in frame:
        variable = _variable(dictionary, series.name)
        coded = _codes(series, dictionary)
        column = coded if coded is not None else series
        name = variable.stata_name if stata and variable else series.name
        columns.append(column.alias(name))
        labels.append(_label(variable, series.name))
        named = _value_labels(variable)
        if named:
            values[name] = named
    write = pyreadstat.write_dta if stata else pyreadstat.write_sav
    kinds: dict[str, Any] = {"version": 15} if stata else {}
    try:
        write(pl.DataFrame(columns), str(file), column_labels=labels, variable_value_labels=values, **kinds)
    except (pyreadstat.PyreadstatError, pyreadstat.ReadstatError, ValueError) as error:
        raise CohortError(f"{file.name}: cannot be written in this format.") from error


def entry_form(dictionary: Dictionary, tables: Sequence[str], file: Path) -> None:
    """A workbook to type rows into: a sheet per table, with lists of choices, limits of numbers and what is meant.

    Raises
    ------
    CohortError
        Where a table does not exist.
    """
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.active)
    for name in tables or dictionary.names:
        table = dictionary.table(name)
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "B2"
        for place, variable in enumerate(table.variables, start=1):
            cell = sheet.cell(row=1, column=place, value=variable.name)
            cell.font = Font(bold=variable.required or variable.kind == "id")
            cell.comment = Comment(_explained(variable), "recanal")
            letter = get_column_letter(place)
            sheet.column_dimensions[letter].width = max(12, len(variable.name) + 2)
            rule = _validation(variable)
            if rule is not None:
                sheet.add_data_validation(rule)
                rule.add(f"{letter}2:{letter}{_MOST_SHEET_ROWS + 1}")
    book.save(file)


def _validation(variable: Variable) -> Any:
    """What a spreadsheet program refuses in a column, or None."""
    from openpyxl.worksheet.datavalidation import DataValidation

    listed = '"' + ",".join(variable.choices) + '"'
    if variable.kind == "choice" and len(listed) <= 257:
        rule = DataValidation(type="list", formula1=listed, allow_blank=True)
    elif variable.kind == "bool":
        rule = DataValidation(type="list", formula1='"1,0"', allow_blank=True)
    elif variable.kind in ("number", "whole") and variable.low > -1e300 and variable.high < 1e300:
        kind = "whole" if variable.kind == "whole" else "decimal"
        low, high = f"{variable.low:.15g}", f"{variable.high:.15g}"
        rule = DataValidation(type=kind, operator="between", formula1=low, formula2=high, allow_blank=True)
    else:
        return None
    rule.error, rule.errorTitle, rule.showErrorMessage = _explained(variable)[:250], variable.name[:30], True
    return rule


def _explained(variable: Variable) -> str:
    unit = f", {variable.unit}" if variable.unit not in ("", "1") else ""
    span = f"; {variable.low:g} to {variable.high:g}" if variable.kind in ("number", "whole") else ""
    words = f": {', '.join(variable.choices)}" if variable.choices else ""
    note = f". {variable.note}" if variable.note else ""
    return f"{variable.label}{unit}{span}{words}{note}"


def _variable(dictionary: Dictionary, name: str) -> Variable | None:
    known = any(name in table.names for table in dictionary)
    return dictionary.variable(name) if known else None


def _codes(series: pl.Series, dictionary: Dictionary) -> pl.Series | None:
    """A choice as its codes, or None where the column is no choice."""
    variable = _variable(dictionary, series.name)
    if variable is None or variable.kind != "choice":
        return None
    codes = dict(zip(variable.choices, variable.codes, strict=True))
    return series.replace_strict(codes, default=None, return_dtype=pl.Int64)


def _value_labels(variable: Variable | None) -> dict[int | float, str]:
    if variable is None or not variable.wordy or variable.kind == "set":
        return {}
    if variable.kind == "bool":
        return {0: "no", 1: "yes"}
    return dict(zip(variable.codes, variable.labels, strict=True))


def _label(variable: Variable | None, name: str) -> str:
    if variable is None:
        return name
    return f"{variable.label} [{variable.unit}]" if variable.unit not in ("", "1") else variable.label
