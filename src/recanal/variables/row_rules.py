"""What may not stand together in one row."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import polars as pl

from recanal.variables.rejections import as_rejections, no_rejections

__all__ = ["RowRule", "contradictions", "row_rules"]


@dataclass(frozen=True)
class RowRule:
    """One rule on two columns of a row; it holds where either is not known."""

    kind: str
    first: str
    second: str
    test: str = ""
    threshold: float = 0.0
    word: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The rule in words."""
        if self.kind == "at_most":
            return f"{self.first} <= {self.second}"
        if self.kind == "agrees":
            sign = {"at_most": "<=", "at_least": ">=", "over": ">"}[self.test]
            return f"{self.first} = ({self.second} {sign} {self.threshold:g})"
        return f"{self.first} only where {self.second} is {self.word}"


@lru_cache(maxsize=1)
def row_rules() -> tuple[RowRule, ...]:
    """Every rule, as shipped in ``rules.toml``."""
    text = resources.files("recanal.variables").joinpath("dictionary", "rules.toml").read_text(encoding="utf-8")
    return tuple(RowRule(**row) for row in tomllib.loads(text)["rules"])


def contradictions(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Rejections of the rows that break a rule.

    Parameters
    ----------
    frame
        Typed columns; rules on columns that it lacks are passed over.
    rows
        The row number of each row.
    """
    found = [no_rejections()]
    for rule in row_rules():
        if rule.first in frame.columns and rule.second in frame.columns:
            bad = frame.select(_broken(rule).fill_null(value=False)).to_series()
            if bad.any():
                found.append(as_rejections(rows.filter(bad), rule.first, "contradiction", _said(rule, int(bad.sum()))))
    return pl.concat(found)


def _broken(rule: RowRule) -> pl.Expr:
    first, second = pl.col(rule.first), pl.col(rule.second)
    if rule.kind == "at_most":
        return first > second
    if rule.kind == "agrees":
        tests = {
            "at_most": second <= rule.threshold,
            "at_least": second >= rule.threshold,
            "over": second > rule.threshold,
        }
        return (first == 1) != tests[rule.test]
    return first.is_not_null() & (second != rule.word)


def _said(rule: RowRule, count: int) -> pl.Series:
    return pl.Series([rule.text] * count, dtype=pl.String)
