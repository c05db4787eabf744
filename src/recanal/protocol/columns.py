"""Columns of a study with the type that the plan gives them; a cell that does not fit is refused by its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from recanal.errors import StudyError
from recanal.protocol.place import UNPRINTABLE, shown
from recanal.protocol.plan import VariablePlan

__all__ = ["TRUTHS", "StudyData", "typed_column"]

TRUTHS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "no": 0.0, "yes": 1.0}
_MOST_LEVELS = 50


@dataclass(frozen=True, eq=False)
class StudyData:
    """The rows of a study.

    Parameters
    ----------
    frame
        One row per lesion. Continuous, binary and ordinal variables are numbers with NaN for missing; categorical ones
        are categories in the order of their levels.
    variables
        Type, label and levels of each column.
    patient
        (n,) number of the patient of each row, None where the plan names no such column.
    facts
        Name and value of where the rows came from.
    """

    frame: pd.DataFrame
    variables: Mapping[str, VariablePlan]
    patient: NDArray[np.intp] | None
    facts: tuple[tuple[str, str], ...]

    @property
    def rows_count(self) -> int:
        """Rows, that is lesions."""
        return len(self.frame)

    @property
    def patient_count(self) -> int | None:
        """Patients, None where they are not told apart."""
        return None if self.patient is None else int(self.patient.max()) + 1

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column as numbers, NaN where missing.

        Raises
        ------
        StudyError
            When it is categorical.
        """
        if isinstance(self.frame[name].dtype, pd.CategoricalDtype):
            raise StudyError(f"Column '{name}' is categorical; numbers are needed.")
        return self.frame[name].to_numpy(dtype=np.float64)

    def codes(self, name: str) -> tuple[NDArray[np.intp], tuple[str, ...], tuple[str, ...]]:
        """Level of each row as a number, -1 where missing; the codes of the levels, and their names."""
        variable = self.variables[name]
        column = self.frame[name]
        found: NDArray[np.intp] = np.full(self.rows_count, -1, dtype=np.intp)
        if isinstance(column.dtype, pd.CategoricalDtype):
            levels = tuple(str(level) for level in column.cat.categories)
            found = np.asarray(column.cat.codes, dtype=np.intp)
        else:
            values = column.to_numpy(dtype=np.float64)
            levels = tuple(variable.levels) or _number_levels(values, variable)
            for place, level in enumerate(levels):
                found[values == float(level)] = place
        words = dict(variable.levels) or _plain_words(variable, levels)
        return found.astype(np.intp), levels, tuple(words.get(level, level) for level in levels)

    def events(self, name: str, event: str) -> NDArray[np.float64]:
        """1 where the column has the level, 0 where it has another, NaN where it is missing.

        Raises
        ------
        StudyError
            When the level does not occur.
        """
        codes, levels, words = self.codes(name)
        known = dict(zip(levels, range(len(levels)), strict=True)) | dict(zip(words, range(len(words)), strict=True))
        if event not in known:
            raise StudyError(
                f"column '{name}' has no level {shown(event)}.", hint=f"Its levels: {', '.join(levels[:20])}."
            )
        return np.where(codes < 0, np.nan, (codes == known[event]).astype(np.float64))

    def take(self, keep: NDArray[np.bool_]) -> StudyData:
        """The same study with fewer rows; patients are numbered anew."""
        patient = None if self.patient is None else np.unique(self.patient[keep], return_inverse=True)[1]
        return StudyData(self.frame[keep].reset_index(drop=True), self.variables, patient, self.facts)


def typed_column(raw: pl.Series, variable: VariablePlan, *, decimal: str, missing: Sequence[str]) -> pd.Series:
    """A column as its variable says.

    Parameters
    ----------
    raw
        As it stands in the file: text, or typed.
    variable
        Its type and levels; ``order`` takes numbers or ISO dates.
    decimal
        The decimal mark of text.
    missing
        Words of text that stand for missing.

    Raises
    ------
    StudyError
        Naming column, row (the header being row 1) and what is allowed.
    """
    if raw.dtype == pl.Boolean:
        raw = raw.cast(pl.Int8)
    if raw.dtype in (pl.Date, pl.Datetime) and variable.type == "order":
        raw = raw.dt.epoch("s").cast(pl.Float64)
    if not raw.dtype.is_numeric():
        plain = None if variable.type == "categorical" or decimal != "." or missing else _all_numbers(raw)
        raw = _text(raw, missing) if plain is None else plain
    if variable.type == "categorical":
        return _categories(raw, variable)
    if variable.type == "binary":
        return _truths(raw, variable)
    numbers = _numbers(raw, variable, decimal)
    if variable.type == "ordinal" and variable.levels:
        allowed = {float(level) for level in variable.levels if _is_number(level)}
        _refuse(raw, ~np.isin(numbers, list(allowed)) & ~np.isnan(numbers), variable, ", ".join(variable.levels))
    return pd.Series(numbers, name=variable.name)


def _all_numbers(raw: pl.Series) -> pl.Series | None:
    """Text that is a finite number in every cell, as numbers; None where a cell is anything else."""
    if raw.dtype != pl.String:
        return None
    numbers = raw.cast(pl.Float64, strict=False)
    plain = numbers.null_count() == raw.null_count() and bool(numbers.is_finite().all())
    return numbers if plain else None


def _text(raw: pl.Series, missing: Sequence[str]) -> pl.Series:
    text = raw.cast(pl.String).str.strip_chars()
    none = text.is_in(["", *missing])
    return pl.select(pl.when(none).then(None).otherwise(text)).to_series()


def _numbers(raw: pl.Series, variable: VariablePlan, decimal: str) -> NDArray[np.float64]:
    if raw.dtype == pl.String:
        plain = raw.str.replace(",", ".", literal=True) if decimal == "," else raw
        numbers = plain.cast(pl.Float64, strict=False)
        if variable.type == "order" and bool((numbers.is_null() & raw.is_not_null()).any()):
            numbers = raw.str.to_date("%Y-%m-%d", strict=False).dt.epoch("d").cast(pl.Float64)
    else:
        numbers = raw.cast(pl.Float64)
    out = np.array(numbers.fill_null(np.nan).to_numpy(), dtype=np.float64)
    wanted = "numbers, or dates as 2024-12-31" if variable.type == "order" else "numbers"
    bad = (np.isnan(out) & raw.is_not_null().to_numpy() & ~_nan(raw)) | np.isinf(out)
    _refuse(raw, bad, variable, wanted)
    return out


def _nan(raw: pl.Series) -> NDArray[np.bool_]:
    if raw.dtype.is_float():
        return np.array(raw.is_nan().fill_null(value=False).to_numpy(), dtype=bool)
    return np.zeros(len(raw), dtype=bool)


def _truths(raw: pl.Series, variable: VariablePlan) -> pd.Series:
    if raw.dtype == pl.String:
        numbers = raw.str.to_lowercase().replace_strict(list(TRUTHS), list(TRUTHS.values()), default=None)
    else:
        numbers = raw.cast(pl.Float64)
    out = np.array(numbers.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=np.float64)
    known = raw.is_not_null().to_numpy() & ~_nan(raw)
    _refuse(raw, known & ~np.isin(out, (0.0, 1.0)), variable, "0, 1, yes, no, true, false")
    if set(variable.levels) - {"0", "1"}:
        raise StudyError(f"Column '{variable.name}' is binary; its levels are 0 and 1.", hint="Call it categorical.")
    return pd.Series(out, name=variable.name)


def _categories(raw: pl.Series, variable: VariablePlan) -> pd.Series:
    text = raw if raw.dtype == pl.String else _whole_text(raw)
    found = [str(level) for level in text.drop_nulls().unique().to_list()]
    if any(UNPRINTABLE.search(level) for level in found):
        _refuse(
            raw, text.str.contains(UNPRINTABLE.pattern).fill_null(value=False).to_numpy(), variable, "printed letters"
        )
    levels = list(variable.levels) or sorted(found, key=_level_key)
    unknown = sorted(set(found) - set(levels))
    if unknown:
        bad = text.is_in(unknown).fill_null(value=False).to_numpy()
        _refuse(raw, bad, variable, ", ".join(levels))
    if len(levels) > _MOST_LEVELS and not variable.levels and variable.origin != "role":
        raise StudyError(
            f"Column '{variable.name}' has {len(levels)} levels; {_MOST_LEVELS} is the most.",
            hint="Is it continuous? Else give its levels in the plan.",
        )
    place = {level: number for number, level in enumerate(levels)}
    codes = text.replace_strict(list(place), list(place.values()), default=-1, return_dtype=pl.Int32)
    numbers = np.array(codes.fill_null(-1).to_numpy(), dtype=np.int32)
    return pd.Series(pd.Categorical.from_codes(numbers, categories=pd.Index(levels)), name=variable.name)


def _whole_text(raw: pl.Series) -> pl.Series:
    """Levels that are numbers, as text without needless decimals."""
    if raw.dtype.is_integer():
        return raw.cast(pl.String)
    values = [None if value is None or value != value else f"{value:g}" for value in raw.to_list()]
    return pl.Series(values, dtype=pl.String)


def _level_key(level: str) -> tuple[int, float, str]:
    return (0, float(level), "") if _is_number(level) else (1, 0.0, level)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _refuse(raw: pl.Series, bad: NDArray[np.bool_], variable: VariablePlan, allowed: str) -> None:
    if not bad.any():
        return
    row = int(np.flatnonzero(bad)[0])
    more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
    raise StudyError(
        f"Column '{variable.name}', row {row + 2}: got {shown(raw[row], most=30)}{more}; {variable.type} variables "
        f"hold {allowed}.",
        hint="Correct the data, the type in the plan, or name the word under [data] missing.",
    )


def _number_levels(values: NDArray[np.float64], variable: VariablePlan) -> tuple[str, ...]:
    if variable.type == "binary":
        return ("0", "1")
    found = np.unique(values[~np.isnan(values)])
    if len(found) > _MOST_LEVELS:
        raise StudyError(
            f"Column '{variable.name}' has {len(found)} levels; {_MOST_LEVELS} is the most.",
            hint="Show it as mean or median.",
        )
    return tuple(f"{value:g}" for value in found)


def _plain_words(variable: VariablePlan, levels: tuple[str, ...]) -> dict[str, str]:
    if variable.type == "binary":
        return {"0": "No", "1": "Yes"}
    return {level: level for level in levels}
