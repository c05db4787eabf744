"""Crossing algorithms that recanal does not offer, and why."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from recanal.rules.table import Table

__all__ = ["OmittedAlgorithm", "omitted_algorithms"]


@dataclass(frozen=True)
class OmittedAlgorithm:
    """An algorithm whose rules could not be read; ``why`` says what is missing."""

    id: str
    name: str
    citation: str
    doi: str
    why: str


@lru_cache(maxsize=1)
def omitted_algorithms() -> tuple[OmittedAlgorithm, ...]:
    """The algorithms of ``not_shipped.toml``, in its order.

    Examples
    --------
    >>> [entry.id for entry in omitted_algorithms()]
    ['ct_hybrid_2021']
    """
    text = resources.files("recanal.strategy").joinpath("not_shipped.toml").read_text(encoding="utf-8")
    root = Table(tomllib.loads(text), "not_shipped", form="docs/plan.md")
    entries = tuple(_entry(row) for row in root.tables("algorithms", required=True))
    root.done()
    return entries


def _entry(row: Table) -> OmittedAlgorithm:
    entry = OmittedAlgorithm(
        id=row.text("id"),
        name=row.text("name"),
        citation=row.text("citation"),
        doi=row.doi("doi") if row.has("doi") else "",
        why=row.text("why"),
    )
    row.done()
    return entry
