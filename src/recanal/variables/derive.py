"""Derived variables: computed from stored ones by a named formula, never stored."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import polars as pl

from recanal.variables.dictionary import TIMINGS, Dictionary, load_dictionary
from recanal.variables.formulas import FORMULAS, LIMIT_FORMULAS

__all__ = ["Derived", "derived_timing", "derived_variables", "with_derived"]


@dataclass(frozen=True)
class Derived:
    """A computed variable: its formula, the variables it takes and the publication it follows."""

    name: str
    kind: str
    label: str
    formula: str
    inputs: tuple[str, ...]
    source: str
    unit: str = ""
    loinc: str = ""
    threshold: float = math.nan
    words: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def derived_variables() -> tuple[Derived, ...]:
    """Every derived variable, as shipped in ``derived.toml``."""
    text = resources.files("recanal.variables").joinpath("dictionary", "derived.toml").read_text(encoding="utf-8")
    return tuple(
        Derived(**{**row, "inputs": tuple(row["inputs"]), "words": tuple(row.get("words", ()))})
        for row in tomllib.loads(text)["derived"]
    )


def derived_timing(derived: Derived, dictionary: Dictionary | None = None) -> str:
    """When a derived variable becomes known: with the last of its inputs.

    Examples
    --------
    >>> [derived_timing(d) for d in derived_variables() if d.name in ("bmi_computed_kg_m2", "crossed_in_30_min")]
    ['before', 'during']
    """
    known = dictionary or load_dictionary()
    return max((known.variable(name).timing for name in derived.inputs), key=TIMINGS.index)


def with_derived(frame: pl.DataFrame, names: Sequence[str] | None = None) -> pl.DataFrame:
    """A frame with the derived variables whose inputs it holds appended.

    Parameters
    ----------
    frame
        Columns named and typed as in the dictionary.
    names
        Which to add; all that can be computed when None.

    Returns
    -------
    polars.DataFrame
        Null where an input is null or the formula does not apply.
    """
    wanted = [d for d in derived_variables() if names is None or d.name in names]
    columns = [_column(frame, d) for d in wanted if set(d.inputs) <= set(frame.columns)]
    return frame.with_columns(columns)


def _column(frame: pl.DataFrame, derived: Derived) -> pl.Series:
    if derived.formula == "among":
        words = frame[derived.inputs[0]]
        return words.is_in(list(derived.words)).cast(pl.Int64).alias(derived.name)
    inputs = [_numbers(frame[name]) for name in derived.inputs]
    with np.errstate(invalid="ignore", divide="ignore"):
        if derived.formula in FORMULAS:
            values = FORMULAS[derived.formula](*inputs)
        else:
            values = LIMIT_FORMULAS[derived.formula](*inputs, derived.threshold)
    series = pl.Series(derived.name, values, dtype=pl.Float64).fill_nan(None)
    return series.cast(pl.Int64) if derived.kind == "bool" else series


def _numbers(series: pl.Series) -> np.ndarray:
    """A column as floats: NaN for null, days for dates, 1 for female."""
    if series.name == "sex":
        series = series.replace_strict({"female": 1.0, "male": 0.0}, default=None, return_dtype=pl.Float64)
    elif series.dtype == pl.Date:
        series = series.cast(pl.Int32)
    return series.cast(pl.Float64).fill_null(math.nan).to_numpy()
