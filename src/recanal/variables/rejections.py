"""Why a row was not taken: row, column, rule and value, without pseudonyms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from recanal.variables.dictionary import Variable

__all__ = ["REJECTION_SCHEMA", "RULES", "as_rejections", "no_rejections", "shown_value"]

REJECTION_SCHEMA = MappingProxyType(
    {"row": pl.Int64(), "column": pl.String(), "rule": pl.String(), "value": pl.String()}
)
RULES: Mapping[str, str] = MappingProxyType(
    {
        "id": "a pseudonym is 1 to 64 letters, digits or . _ : / - and begins with a letter or digit",
        "text": "text is at most 1000 letters without control characters",
        "bool": "must be 1 or 0, yes or no, true or false",
        "number": "must be a number",
        "decimal": "must be a number; is the other decimal sign meant? See --decimal",
        "whole": "must be a whole number",
        "range": "lies outside the range of the dictionary",
        "choice": "is none of the choices of the dictionary; `recanal cohort codebook` lists them",
        "date": "must be a date in the order given by --dates (default: 2021-03-31), from 1900 to 2100",
        "required": "must not be empty",
        "duplicate": "the key stands in more than one row",
        "conflict": "rows of one key hold different values",
        "exists": "the store holds other values for this key; use --update to change them",
        "withdrawn": "the store holds this key as withdrawn",
        "parent": "is not in the store; import it first, or use --create-parents",
        "kin": "belongs to another parent than the row says",
        "moved": "a row may not move to another parent",
        "contradiction": "contradicts another column of the row",
        "formula": "is a formula without a stored result; save the file in the spreadsheet program",
        "unlabelled": "is a code to which the file gives no label that the dictionary knows",
    }
)
_LONGEST = 40
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")


def no_rejections() -> pl.DataFrame:
    """An empty list of rejections."""
    return pl.DataFrame(schema=dict(REJECTION_SCHEMA))


def as_rejections(rows: pl.Series, column: str, rule: str, values: pl.Series | None = None) -> pl.DataFrame:
    """Rejections of one column under one rule.

    Parameters
    ----------
    rows
        Row numbers.
    column, rule
        The column and the name of the rule, one of :data:`RULES`.
    values
        What stood there, already fit to be shown; empty when None.
    """
    return pl.DataFrame(
        {
            "row": rows.cast(pl.Int64),
            "column": pl.Series([column], dtype=pl.String).new_from_index(0, rows.len()),
            "rule": pl.Series([rule], dtype=pl.String).new_from_index(0, rows.len()),
            "value": values if values is not None else pl.Series([""], dtype=pl.String).new_from_index(0, rows.len()),
        },
        schema=dict(REJECTION_SCHEMA),
    )


def shown_value(variable: Variable, value: str) -> str:
    """A value as a report may show it: nothing of a pseudonym or free text, no date or words in a column of numbers.

    Examples
    --------
    >>> age = Variable("age_years", "number", "Age", "before", unit="a")
    >>> shown_value(age, "421"), shown_value(age, "Smith, John"), shown_value(age, "1950-03-02")
    ('421', '(11 characters)', '(a date)')
    """
    if variable.kind in ("id", "text"):
        return "(not shown)"
    if variable.kind != "date" and _DATE.search(value):
        return "(a date)"
    letters = sum(letter.isalpha() for letter in value)
    wordy = variable.kind in ("choice", "set", "bool")
    if len(value) > _LONGEST or letters > (12 if wordy else 4) or (wordy and " " in value.strip()):
        return f"({len(value)} characters)"
    return value
