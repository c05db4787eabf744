"""A printed number beside the reproduced one, and how many standard errors lie between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import chi2, f, norm
from scipy.stats import t as student

from recanal.audit.printed import PrintedP
from recanal.reproduction.errors_of_print import share_error

__all__ = [
    "KINDS",
    "CellComparison",
    "Comparison",
    "Quantity",
    "RowComparison",
    "TableComparison",
    "normal_of_p",
    "p_at_size",
    "p_quantity",
    "share_quantity",
]

KINDS = {
    "share": "count or percentage",
    "mean": "mean",
    "sd": "standard deviation",
    "median": "median",
    "quartile": "quartile",
    "ratio": "odds ratio",
    "area": "area under the curve",
    "limit": "limit of an interval, at the size of the paper",
    "test": "P value or statistic, on the normal scale at the size of the paper",
}
"""Kinds of printed numbers, and their names."""

_LARGEST_Z = 38.0


@dataclass(frozen=True)
class Quantity:
    """A printed number and the one that the plan gives.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    printed_value, reproduced_value
        Both in the unit of the print; shares from 0 to 1, tests on the normal scale.
    error_value
        Standard error of the printed number at the size of the paper: of the logarithm for odds ratios.
    difference_sigmas
        Reproduced less printed, in that error.
    source
        JSON pointer of the reproduced number.
    """

    kind: str
    printed_value: float
    reproduced_value: float
    error_value: float
    difference_sigmas: float
    source: str

    @property
    def within(self) -> bool:
        """Whether the two lie within one standard error."""
        return abs(self.difference_sigmas) <= 1


@dataclass(frozen=True)
class CellComparison:
    """A printed cell, the reproduced one, and the numbers in it that are judged."""

    printed: str
    reproduced: str
    quantities: tuple[Quantity, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class RowComparison:
    """A printed row; ``heading`` for the name of a characteristic whose levels follow."""

    label: str
    cells: tuple[CellComparison, ...]
    heading: bool = False


@dataclass(frozen=True)
class TableComparison:
    """A printed table beside the reproduced one, in its own columns."""

    id: str
    title: str
    head: tuple[str, ...]
    rows: tuple[RowComparison, ...]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All that are judged."""
        return tuple(one for row in self.rows for cell in row.cells for one in cell.quantities)


@dataclass(frozen=True)
class Comparison:
    """Every table of a paper."""

    tables: tuple[TableComparison, ...]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All that are judged."""
        return tuple(one for table in self.tables for one in table.quantities)

    def tally(self, kind: str = "") -> tuple[int, int]:
        """How many lie within one published standard error, and of how many."""
        chosen = [one for one in self.quantities if not kind or one.kind == kind]
        return sum(one.within for one in chosen), len(chosen)


def share_quantity(printed_share: float, reproduced_share: float, size: int, source: str) -> Quantity:
    """A share from 0 to 1, in a group of ``size``."""
    error = share_error(printed_share, size)
    apart = (reproduced_share - printed_share) / error
    return Quantity("share", printed_share, reproduced_share, error, apart, source)


def normal_of_p(p_value: float) -> float:
    """The size of a standard normal deviate with this two-sided P value.

    Examples
    --------
    >>> round(normal_of_p(0.05), 2), normal_of_p(0.0)
    (1.96, 38.0)
    """
    return min(_LARGEST_Z, float(norm.isf(p_value / 2))) if p_value > 0 else _LARGEST_Z


def p_at_size(test: Mapping[str, Any], ratio: float, size: int) -> float | None:
    """The P value that the same effect would have in a study of ``size`` cases.

    Parameters
    ----------
    test
        The record of a test: ``statistic``, ``df``, ``df_within``.
    ratio
        Size of that study over the size of this one. A deviate grows with the root of the size, chi-square and F with
        the size.
    size
        Of that study.

    Examples
    --------
    >>> round(p_at_size({"name": "Pearson", "statistic": 384.1, "df": 1}, 0.01, 207), 3)
    0.05
    """
    statistic = test.get("statistic")
    if statistic is None:
        return None
    name, df = test["name"], test.get("df")
    if name in ("anova", "welch_anova") and df is not None:
        return float(f.sf(statistic * ratio, df, size - df - 1))
    if name in ("student", "welch"):
        return float(2 * student.sf(abs(statistic) * math.sqrt(ratio), size - 2))
    if df is None:
        return float(2 * norm.sf(abs(statistic) * math.sqrt(ratio)))
    return float(chi2.sf(statistic * ratio, df))


def p_quantity(printed: PrintedP, p_value: float, source: str) -> Quantity:
    """A P value, judged by its deviate, which has a standard error of 1; ``<0.001`` is met by every smaller one."""
    wanted, found = normal_of_p(printed.number.value), normal_of_p(p_value)
    difference = found - wanted
    if printed.relation == "<":
        difference = min(0.0, difference)
    if printed.relation == ">":
        difference = max(0.0, difference)
    return Quantity("test", wanted, found, 1.0, difference, source)
