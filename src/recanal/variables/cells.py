"""Cells: text as it stood in a file, turned into values of the dictionary, column by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

import polars as pl

from recanal.variables.dictionary import Variable
from recanal.variables.frames import column_dtype
from recanal.variables.read_options import ColumnRule, ReadOptions
from recanal.variables.rejections import as_rejections, no_rejections, shown_value

__all__ = ["parse_column", "parse_word"]

_TRUE, _FALSE = ("1", "1.0", "yes", "true", "y"), ("0", "0.0", "no", "false", "n")
_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$"
_MOST_LETTERS = 1000
_DATE_TEXT = {
    "ymd": (r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$", (1, 2, 3)),
    "dmy": (r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$", (3, 2, 1)),
    "mdy": (r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})$", (3, 1, 2)),
}
_FIRST, _LAST = date(1900, 1, 1), date(2100, 12, 31)
_CODE = re.compile(r"[+-]?\d+(\.0*)?")


def parse_column(
    raw: pl.Series, variable: Variable, rows: pl.Series, options: ReadOptions, rule: ColumnRule | None = None
) -> tuple[pl.Series, pl.DataFrame]:
    """The typed values of a column, and what was rejected in it.

    Parameters
    ----------
    raw
        Text; null and empty are not known.
    variable
        What the column is.
    rows
        The row number of each value.
    options, rule
        How it is written.

    Returns
    -------
    polars.Series, polars.DataFrame
        Values, null where rejected; rejections.
    """
    text = raw.cast(pl.String).str.strip_chars()
    text = text.set((text == "").fill_null(value=False), None)
    if options.missing:
        text = text.set(text.is_in(list(options.missing)).fill_null(value=False), None)
    if rule is not None and rule.values:
        text = text.replace(dict(rule.values))
    values, broken = _PARSERS[variable.kind](text, variable, options)
    if rule is not None and rule.factor != 1.0:
        values = values * rule.factor
    found = [_reject(text, values, variable, rows, broken)]
    if variable.numeric:
        outside = ((values < variable.low) | (values > variable.high)).fill_null(value=False)
        if outside.any():
            shown = _shown(text.filter(outside), variable)
            found.append(as_rejections(rows.filter(outside), variable.name, "range", shown))
            values = values.set(outside, None)
    return values.cast(column_dtype(variable)).alias(variable.name), pl.concat(found)


def parse_word(word: str, variable: Variable, *, codes: bool) -> str | None:
    """The choice that a word names, or None: by itself, by its label, without regard to case; or by its code alone."""
    if codes:
        code = int(float(word)) if _CODE.fullmatch(word) else None
        return variable.choices[variable.codes.index(code)] if code in variable.codes else None
    small = word.casefold()
    for choice, label in zip(variable.choices, variable.labels, strict=True):
        if small in (choice.casefold(), label.casefold()):
            return choice
    return None


def _reject(text: pl.Series, values: pl.Series, variable: Variable, rows: pl.Series, broken: str) -> pl.DataFrame:
    bad = text.is_not_null() & values.is_null()
    if not bad.any():
        return no_rejections()
    marked = {name: (text == mark).fill_null(value=False) for name, mark in (("formula", "#formula"),)}
    marked["unlabelled"] = text.str.starts_with("#").fill_null(value=False) & ~marked["formula"] & variable.wordy
    special = [as_rejections(rows.filter(mask), variable.name, name) for name, mask in marked.items()]
    bad = bad & ~marked["formula"] & ~marked["unlabelled"]
    return pl.concat([*special, _ordinary(text.filter(bad), variable, rows.filter(bad), broken)])


def _ordinary(lost: pl.Series, variable: Variable, where: pl.Series, broken: str) -> pl.DataFrame:
    if broken not in ("number", "whole"):
        return as_rejections(where, variable.name, broken, _shown(lost, variable))
    comma = lost.str.contains(r"^[+-]?\d+[.,]\d+$")
    if broken == "whole":
        comma = comma & lost.str.contains(",")
    found = [
        as_rejections(where.filter(mask), variable.name, name, _shown(lost.filter(mask), variable))
        for mask, name in ((comma, "decimal"), (~comma, broken))
    ]
    return pl.concat(found)


def _shown(texts: pl.Series, variable: Variable) -> pl.Series:
    return pl.Series([shown_value(variable, text) for text in texts.to_list()], dtype=pl.String)


def _numbers(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    sign = re.escape(options.decimal)
    fits = text.str.contains(rf"^[+-]?(\d+({sign}\d*)?|{sign}\d+)([eE][+-]?\d{{1,3}})?$")
    plain = text.set(~fits, None)
    if options.decimal == ",":
        plain = plain.str.replace(",", ".", literal=True)
    values = plain.cast(pl.Float64, strict=False)
    return values.set(values.is_infinite().fill_null(value=False), None), "number"


def _wholes(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    values, _ = _numbers(text, variable, options)
    values = values.set(((values != values.floor()) | (values.abs() > 2**53)).fill_null(value=False), None)
    return values.cast(pl.Int64), "whole"


def _dates(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    pattern, (year, month, day) = _DATE_TEXT[options.dates]
    parts = [text.str.extract(pattern, group).str.zfill(2) for group in (year, month, day)]
    iso = pl.select(pl.concat_str(parts, separator="-")).to_series()
    values = iso.str.to_date("%Y-%m-%d", strict=False)
    outside = ((values < _FIRST) | (values > _LAST)).fill_null(value=False)
    return values.set(outside, None), "date"


def _ids(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    return text.set(~text.str.contains(_ID), None), "id"


def _texts(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    odd = text.str.contains(r"[\x00-\x08\x0b-\x1f\x7f]") | (text.str.len_chars() > _MOST_LETTERS)
    return text.set(odd.fill_null(value=False), None), "text"


def _bools(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    def known(word: str) -> int | None:
        small = word.casefold()
        return 1 if small in _TRUE else 0 if small in _FALSE else None

    return _mapped(text, known, pl.Int64()), "bool"


def _choices(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    return _mapped(text, lambda word: parse_word(word, variable, codes=options.codes), pl.String()), "choice"


def _sets(text: pl.Series, variable: Variable, options: ReadOptions) -> tuple[pl.Series, str]:
    def known(words: str) -> str | None:
        found = [parse_word(word.strip(), variable, codes=options.codes) for word in words.split(";")]
        if None in found:
            return None
        return ";".join(choice for choice in variable.choices if choice in found)

    return _mapped(text, known, pl.String()), "choice"


def _mapped(text: pl.Series, known: Callable[[str], int | str | None], dtype: pl.DataType) -> pl.Series:
    """Each distinct text through a function."""
    words = text.drop_nulls().unique().to_list()
    return text.replace_strict({word: known(word) for word in words}, default=None, return_dtype=dtype)


_Parser = Callable[[pl.Series, Variable, ReadOptions], tuple[pl.Series, str]]
_PARSERS: Mapping[str, _Parser] = {
    "id": _ids,
    "text": _texts,
    "bool": _bools,
    "whole": _wholes,
    "number": _numbers,
    "choice": _choices,
    "set": _sets,
    "date": _dates,
}
