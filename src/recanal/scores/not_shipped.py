"""Scores that recanal does not offer, and why."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from recanal.scores.table import Table

__all__ = ["NotShipped", "not_shipped"]


@dataclass(frozen=True)
class NotShipped:
    """A score whose items or points could not be read.

    Parameters
    ----------
    name, citation, doi
        As far as they are known.
    territory
        ``"coronary"`` or ``"leg"``.
    why
        What is missing, and what was read.
    """

    name: str
    territory: str
    why: str
    citation: str = ""
    doi: str = ""


@lru_cache(maxsize=1)
def not_shipped() -> tuple[NotShipped, ...]:
    """The scores of ``not_shipped.toml``, in its order.

    Examples
    --------
    >>> [entry.name for entry in not_shipped()][:2]
    ['Ellis 2017', 'E-CTO']
    """
    text = resources.files("recanal.scores").joinpath("not_shipped.toml").read_text(encoding="utf-8")
    root = Table(tomllib.loads(text), "not_shipped")
    entries = tuple(_entry(row) for row in root.tables("scores", required=True))
    root.done()
    return entries


def _entry(row: Table) -> NotShipped:
    entry = NotShipped(
        name=row.text("name"),
        territory=row.one_of("territory", ("coronary", "leg")),
        why=row.text("why"),
        citation=row.text("citation", default=""),
        doi=row.doi("doi") if row.has("doi") else "",
    )
    row.done()
    return entry
