"""Files of rows, read as text: CSV, Excel, Parquet, SPSS and Stata, or a folder of them."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from recanal.errors import CohortError, shown_name
from recanal.variables.dictionary import Dictionary
from recanal.variables.read_options import ReadOptions

__all__ = ["RawTable", "plain_formula_text", "read_csv", "read_source", "safe_formula_text"]

_DATA_KINDS = (".csv", ".tsv", ".xlsx", ".parquet", ".sav", ".zsav", ".dta")
_SEPARATORS = (",", ";", "\t", "|")
_NAME_THE_ENCODING = "Name the encoding, as in --encoding cp1252."


@dataclass(frozen=True)
class RawTable:
    """Rows as text.

    Parameters
    ----------
    frame
        All columns text, null where nothing stood.
    table
        Name of the dictionary's table, empty where the columns may belong to several.
    rows
        The row number of each row, the header being row 1.
    words
        Columns whose choices stand as words although the options may say codes.
    """

    frame: pl.DataFrame
    table: str
    rows: pl.Series
    words: frozenset[str] = frozenset()


def read_source(path: str | Path, dictionary: Dictionary, options: ReadOptions) -> list[RawTable]:
    """All tables of a file or folder, parents first.

    A folder holds one file per table, a spreadsheet one sheet per table: ``lesion.csv``, or the sheet ``lesion``. A
    single file or sheet of another name is a flat table whose columns may belong to several tables.

    Raises
    ------
    CohortError
        Where the file cannot be read, with the rule that it breaks.
    """
    place = Path(path)
    if place.is_dir():
        files = _files_of_tables(place, dictionary)
        return [
            raw for name in dictionary.names if name in files for raw in _read_file(files[name], dictionary, options)
        ]
    if not place.is_file():
        raise CohortError(f"{shown_name(place)}: there is no such file.")
    return _read_file(place, dictionary, options)


def _files_of_tables(folder: Path, dictionary: Dictionary) -> dict[str, Path]:
    """The files of a folder by their table; one that looks like data but names no table is not passed over."""
    data = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in _DATA_KINDS]
    files = {file.stem: file for file in data if file.stem in dictionary.names}
    if not files and len(data) == 1:
        raise CohortError(
            f"{shown_name(folder)}: the folder holds no file of a table.", hint=f"Name {data[0].name} itself."
        )
    if not files:
        raise CohortError(f"{shown_name(folder)}: the folder holds no file of a table.", hint="Such as lesion.csv.")
    strange = next((file for file in data if files.get(file.stem) != file), None)
    if strange is not None and strange.stem not in files:
        raise CohortError(
            f"{shown_name(folder)}: no table is called {strange.stem!r}.",
            hint=f"Rename or move the file. Tables: {', '.join(dictionary.names)}.",
        )
    if strange is not None:
        raise CohortError(
            f"{shown_name(folder)}: two files hold the table {strange.stem}.", hint="Leave one of them out."
        )
    return files


def _read_file(file: Path, dictionary: Dictionary, options: ReadOptions) -> list[RawTable]:
    table = file.stem if file.stem in dictionary.names else ""
    kind = file.suffix.lower()
    if kind in (".csv", ".tsv", ".txt"):
        return [read_csv(_bytes(file), options, table=table, name=file.name)]
    from recanal.variables import reading_binary

    readers = {
        ".xlsx": reading_binary.read_excel,
        ".parquet": reading_binary.read_parquet,
        ".sav": reading_binary.read_statistics_file,
        ".zsav": reading_binary.read_statistics_file,
        ".dta": reading_binary.read_statistics_file,
    }
    if kind not in readers:
        known = ".csv, " + ", ".join(readers)
        raise CohortError(f"{file.name}: {kind or 'no'} is not a kind of file that is read.", hint=f"Use {known}.")
    return readers[kind](file, dictionary, options, table)


def read_csv(
    data: bytes, options: ReadOptions, *, table: str = "", name: str = "the file", shielded: bool = True
) -> RawTable:
    """Rows of a text file.

    Parameters
    ----------
    data, options
        The file and how it is written.
    table
        The table that it holds, if one.
    name
        What messages call it.
    shielded
        Whether a single quote before what looks like a formula is a shield, as :func:`safe_formula_text` makes it.

    Raises
    ------
    CohortError
        Where the bytes are not text in the encoding, the separator is ambiguous, a column name stands twice, a line
        between the rows is empty (in a file of one column it is an empty cell), or a row has another number of fields
        than the header.
    """
    data = _utf8(data, options.encoding, name)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # lines of an old Macintosh end in a carriage return alone
    data = data.rstrip(b"\n") + b"\n"
    header_line = data.split(b"\n", 1)[0].decode()
    if not header_line.strip():
        raise CohortError(f"{name}: the first row holds no column names.")
    separator = options.separator or _separator(header_line, name)
    header = next(csv.reader(io.StringIO(header_line), delimiter=separator))
    header = [field.strip() for field in header]
    _check_header(header, name)
    _check_fields(data, separator, len(header), name)
    try:
        frame = pl.read_csv(
            io.BytesIO(data), separator=separator, infer_schema=False, new_columns=header, raise_if_empty=False
        )
    except pl.exceptions.PolarsError as error:
        _check_each_record(data, separator, len(header), name)
        raise CohortError(f"{name}: not a well-formed table of text.", hint="Check the quotes.") from error
    if shielded and b"'" in data:
        frame = frame.with_columns(plain_formula_text(series) for series in frame)
    return RawTable(frame, table, _row_numbers(frame.height))


def safe_formula_text(text: pl.Series) -> pl.Series:
    """Text that no spreadsheet program takes for a formula: what would be one begins with a single quote.

    Examples
    --------
    >>> safe_formula_text(pl.Series(["=1+1", "'a", "b"])).to_list()
    ["'=1+1", "''a", 'b']
    """
    risky = text.str.contains(r"^[=+\-@\t\r\n|'%]").fill_null(value=False)
    if not risky.any():
        return text
    return (
        pl.select(pl.when(risky).then(pl.concat_str([pl.lit("'"), text])).otherwise(text)).to_series().alias(text.name)
    )


def plain_formula_text(text: pl.Series) -> pl.Series:
    """The text that :func:`safe_formula_text` shielded."""
    shielded = text.str.contains(r"^'[=+\-@\t\r\n|'%]").fill_null(value=False)
    if not shielded.any():
        return text
    return pl.select(pl.when(shielded).then(text.str.slice(1)).otherwise(text)).to_series().alias(text.name)


def _row_numbers(count: int) -> pl.Series:
    return pl.int_range(2, count + 2, eager=True, dtype=pl.Int64)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CohortError(f"{file.name}: cannot be read: {error.strerror}.") from error


def _utf8(data: bytes, encoding: str, name: str) -> bytes:
    """The same text in UTF-8 without byte order mark."""
    if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig"):
        data = data.removeprefix(codecs.BOM_UTF8)
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            hint = "It begins as UTF-16 does: use --encoding utf-16." if wide else _NAME_THE_ENCODING
            raise CohortError(f"{name}: line {line} is not UTF-8 text.", hint=hint) from error
        return _plain_text(data, name)
    if not data.isascii() and encoding.lower().startswith(("cp", "latin", "iso", "windows")) and _is_utf8(data):
        raise CohortError(f"{name}: the text is UTF-8; {encoding} would garble it.", hint="Use --encoding utf-8.")
    try:
        return _plain_text(data.decode(encoding).encode(), name)
    except UnicodeDecodeError as error:
        raise CohortError(f"{name}: byte {error.start} is not {encoding} text.") from error


def _plain_text(data: bytes, name: str) -> bytes:
    if b"\0" in data:
        raise CohortError(f"{name}: holds NUL bytes.", hint="Is it UTF-16? Use --encoding utf-16.")
    return data.replace(b"\r\n", b"\n") if b"\r\n" in data else data


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _separator(header: str, name: str) -> str:
    found = [sign for sign in _SEPARATORS if sign in header]
    if len(found) > 1:
        shown = " and ".join("tab" if sign == "\t" else sign for sign in found)
        raise CohortError(f"{name}: the first row holds {shown}; either may separate.", hint="Name one: --separator.")
    return found[0] if found else ","


def _check_header(header: Sequence[str], name: str) -> None:
    for place, field in enumerate(header, start=1):
        if not field:
            raise CohortError(f"{name}: column {place} has no name.")
        if header.index(field) != place - 1:
            raise CohortError(f"{name}: the column {field[:40]!r} stands twice.")


def _check_fields(data: bytes, separator: str, width: int, name: str) -> None:
    """Every record has as many fields as the header."""
    if b'"' not in data:
        lines = data.count(b"\n")
        if data.count(separator.encode()) == lines * (width - 1) and (width > 1 or b"\n\n" not in data):
            return
    _check_each_record(data, separator, width, name)


def _check_each_record(data: bytes, separator: str, width: int, name: str) -> None:
    """Read record by record, and name the first that has too few or too many fields."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""), delimiter=separator)
    try:
        for number, record in enumerate(reader, start=1):
            if len(record) != width and not (width == 1 and not record):
                if len(record) < 2 and not "".join(record).strip():
                    raise CohortError(f"{name}: row {number} is an empty line.", hint="Take it out of the file.")
                what = f"row {number} has {len(record)} fields, the header has {width}"
                raise CohortError(f"{name}: {what}.", hint="Is a quote or a separator missing?")
    except csv.Error as error:
        raise CohortError(f"{name}: not a well-formed table of text: {error}.") from error
