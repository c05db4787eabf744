"""What an audit says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["PROBLEMS", "AuditReport", "Finding", "RowReport", "RuleFit", "Verdict", "number_text", "p_text"]


class Verdict(StrEnum):
    """What a check found, the gravest first."""

    IMPOSSIBLE = "impossible"
    INCONSISTENT = "inconsistent"
    NOT_REPRODUCED = "not reproduced"
    NOT_CHECKED = "cannot be checked"
    REPRODUCED = "reproduced"


PROBLEMS = (Verdict.IMPOSSIBLE, Verdict.INCONSISTENT, Verdict.NOT_REPRODUCED)
_GRAVITY = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True)
class Finding:
    """One check of one row.

    Parameters
    ----------
    check
        What was checked: ``test``, ``p``, ``percentage``, ``total``, ``quartiles``, ``mixture`` and so on.
    verdict
        The result.
    message
        Why, in one line.
    printed
        What is printed.
    recomputed
        What comes out.
    values
        The recomputed numbers by name.
    """

    check: str
    verdict: Verdict
    message: str
    printed: str = ""
    recomputed: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RowReport:
    """The findings of a row; the first is the main one, what the row as a whole claims.

    Parameters
    ----------
    table, name, kind
        Which row.
    findings
        At least one.
    note
        The remark of the row.
    what_if
        Whether the row is a supposition.
    """

    table: str
    name: str
    kind: str
    findings: tuple[Finding, ...]
    note: str = ""
    what_if: bool = False

    @property
    def main(self) -> Finding:
        """The finding on what the row as a whole claims."""
        return self.findings[0]

    @property
    def worst(self) -> Verdict:
        """The gravest verdict on the row; where nothing is wrong, that of the main finding."""
        gravest = min((finding.verdict for finding in self.findings), key=_GRAVITY.__getitem__)
        return gravest if gravest in PROBLEMS else self.main.verdict


@dataclass(frozen=True)
class RuleFit:
    """How many P values of two-group counts a rule for choosing the test reproduces."""

    rule: str
    reproduced_count: int
    total_count: int


@dataclass(frozen=True)
class AuditReport:
    """The audit of one publication.

    Parameters
    ----------
    title, doi
        Which one.
    rows
        In the order of the file.
    rules
        Rules for choosing the test of two-group counts, best first.
    """

    title: str
    doi: str
    rows: tuple[RowReport, ...]
    rules: tuple[RuleFit, ...] = ()

    def count(self, verdict: Verdict) -> int:
        """How many rows have it as their gravest verdict."""
        return sum(row.worst is verdict for row in self.rows)


def p_text(p_value: float) -> str:
    """A P value with four decimals, or in powers of ten below 0.0005.

    Examples
    --------
    >>> p_text(0.02944), p_text(6.18e-08)
    ('0.0294', '6.18e-08')
    """
    return f"{p_value:.4f}" if p_value >= 0.0005 else f"{p_value:.2e}"


def number_text(value: float) -> str:
    """A number with three decimals, without trailing zeros.

    Examples
    --------
    >>> number_text(1.5), number_text(282.0)
    ('1.5', '282')
    """
    if not math.isfinite(value):
        return "infinite"
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
