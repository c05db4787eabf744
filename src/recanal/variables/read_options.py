"""How a file is to be read: everything that a file cannot say by itself."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recanal.errors import CohortError, shown_name
from recanal.variables.dictionary import Dictionary

__all__ = ["DATE_ORDERS", "ColumnRule", "ReadOptions", "read_column_rules"]

DATE_ORDERS = ("ymd", "dmy", "mdy")


@dataclass(frozen=True)
class ColumnRule:
    """What a foreign column means.

    Parameters
    ----------
    name
        The variable; empty where the column is to be left out.
    factor
        By what its numbers are multiplied to reach the unit of the dictionary.
    values
        Foreign words and the dictionary's words for them.
    """

    name: str
    factor: float = 1.0
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file of rows; nothing here is guessed from the values.

    Parameters
    ----------
    encoding
        Of a text file, such as ``"utf-8"`` (with or without byte order mark) or ``"cp1252"``.
    separator
        Of a text file; from its first line when empty.
    decimal
        ``"."`` or ``","``.
    dates
        Order of day, month and year: ``"ymd"``, ``"dmy"`` or ``"mdy"``.
    missing
        Words that stand for not known, besides nothing at all.
    codes
        Whether choices are written as the dictionary's code numbers.
    sheet
        Of a spreadsheet; the first when empty.
    table
        The one table to which all columns belong; empty where the file's or sheet's name says it, or the file is flat.
    columns
        Foreign column names and what they mean.
    """

    encoding: str = "utf-8"
    separator: str = ""
    decimal: str = "."
    dates: str = "ymd"
    missing: tuple[str, ...] = ()
    codes: bool = False
    sheet: str = ""
    table: str = ""
    columns: Mapping[str, ColumnRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise CohortError(f"decimal must be . or , and is {self.decimal!r}.")
        if self.dates not in DATE_ORDERS:
            raise CohortError(f"dates must be one of {', '.join(DATE_ORDERS)}, got {self.dates!r}.")
        if self.separator and len(self.separator) != 1:
            raise CohortError(f"separator must be one character, got {self.separator!r}.")
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise CohortError(
                f"encoding: {self.encoding!r} is not known.", hint="Try utf-8, cp1252 or utf-16."
            ) from error


def read_column_rules(file: str | Path, dictionary: Dictionary) -> dict[str, ColumnRule]:
    """Column rules from a TOML file.

    ``[columns]`` holds the foreign name and the variable, as in ``"Age (y)" = "age_years"``, or a table:
    ``"Crea" = { name = "creatinine_umol_l", unit = "mg/dL" }``, ``"Sex" = { name = "sex", values = { M = "male" } }``;
    ``""`` leaves a column out.

    Raises
    ------
    CohortError
        Naming the column, where the file or a rule is not usable.
    """
    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8"))["columns"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise CohortError(f"{shown_name(file)}: not a TOML file with a table [columns].") from error
    if not isinstance(content, dict):
        raise CohortError(f"{shown_name(file)}: not a TOML file with a table [columns].")
    return {foreign: _rule(foreign, entry, dictionary) for foreign, entry in content.items()}


def _rule(foreign: str, entry: Any, dictionary: Dictionary) -> ColumnRule:
    row: dict[str, Any] = {"name": entry} if isinstance(entry, str) else entry if isinstance(entry, dict) else {}
    extra = set(row) - {"name", "unit", "values"}
    if extra or not isinstance(row.get("name"), str):
        raise CohortError(f"{foreign}: a column rule has name, unit and values.")
    if not row["name"]:
        return ColumnRule("")
    variable = dictionary.variable(row["name"])
    unit, factors = row.get("unit", ""), variable.units or {}
    if unit and unit != variable.unit and unit not in factors:
        known = ", ".join([variable.unit, *factors])
        raise CohortError(f"{foreign}: no conversion from {unit!r} is known.", hint=f"{variable.name} takes {known}.")
    values = row.get("values", {})
    wrong = [word for word in values.values() if variable.choices and word not in variable.choices]
    if wrong:
        raise CohortError(f"{foreign}: {wrong[0]!r} is no choice of {variable.name}.")
    return ColumnRule(variable.name, float(factors.get(unit, 1.0)), dict(values))
