"""The findings of stored lesions, for scores and plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from recanal.core.findings import Findings
from recanal.errors import OptionError
from recanal.variables import Dictionary, Variable

__all__ = ["lesion_findings"]

_SOURCES = {"ct": "ct", "angiogram": "angiogram"}


def lesion_findings(
    flat: pl.DataFrame, dictionary: Dictionary, *, prefer: str = "angiogram"
) -> Iterator[tuple[str, Findings]]:
    """The findings of each row of a flat table, with where each was seen.

    Parameters
    ----------
    flat
        From :func:`flat_frame`.
    dictionary
        The store's.
    prefer
        Which reading speaks where CT and angiogram both hold a fact: ``"ct"`` or ``"angiogram"``.

    Yields
    ------
    tuple
        The lesion's key and its findings. A fact that is null is not known.

    Raises
    ------
    OptionError
        Where ``prefer`` is neither.
    """
    if prefer not in _SOURCES:
        raise OptionError(f"prefer must be ct or angiogram, got {prefer!r}.")
    linked = [
        (variable, _SOURCES.get(table.name, "typed"))
        for table in dictionary
        for variable in table.variables
        if variable.finding and variable.name in flat.columns
    ]
    linked.sort(key=lambda pair: pair[1] == prefer)
    for row in flat.iter_rows(named=True):
        facts = {
            variable.finding: {"value": _value(variable, row[variable.name]), "source": source}
            for variable, source in linked
            if row[variable.name] is not None
        }
        yield str(row["lesion_id"]), Findings.from_mapping(facts)


def _value(variable: Variable, value: Any) -> Any:
    return bool(value) if variable.kind == "bool" else value
