"""How variables are typed in a frame."""

from __future__ import annotations

import polars as pl

from recanal.variables.dictionary import Table, Variable

__all__ = ["column_dtype", "frame_schema"]


def column_dtype(variable: Variable) -> pl.DataType:
    """The polars type of a variable: truth values are the integers 0 and 1, a set is its words joined by semicolons."""
    if variable.kind in ("bool", "whole"):
        return pl.Int64()
    if variable.kind == "number":
        return pl.Float64()
    return pl.Date() if variable.kind == "date" else pl.String()


def frame_schema(table: Table) -> dict[str, pl.DataType]:
    """The polars type of each variable of a table."""
    return {variable.name: column_dtype(variable) for variable in table.variables}
