"""What a condition over the findings vocabulary is: the types that sheets and rule files are written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recanal.core.findings import FindingValue

__all__ = [
    "OPERATORS",
    "TRUST",
    "AllOf",
    "AnyOf",
    "Condition",
    "Direct",
    "FirstOf",
    "Negation",
    "readings",
]

TRUST = ("read in the source", "read in part", "not verified")
OPERATORS = (">", ">=", "<", "<=", "is", "in", "not in")


@dataclass(frozen=True)
class Direct:
    """One finding against one value.

    Parameters
    ----------
    finding
        Name in the findings vocabulary.
    op
        One of ``OPERATORS``.
    value
        Threshold, truth value, word, or tuple of words for ``in`` and ``not in``.
    unknown
        Words that leave the question open, such as an ambiguous cap.
    decides
        ``"both"``; or ``"true"`` (``"false"``) for a finding that can settle the question one way only,
        such as severe calcification, which implies any calcification while its absence says nothing.
    """

    finding: str
    op: str
    value: FindingValue | tuple[str, ...]
    unknown: tuple[str, ...] = ()
    decides: str = "both"


@dataclass(frozen=True)
class AnyOf:
    """True when one part is; three-valued (Kleene)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AllOf:
    """True when every part is; three-valued (Kleene)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class FirstOf:
    """Several ways to learn one fact: the first known part speaks, a person's word before a measured one."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Negation:
    """True when the part is false."""

    part: Condition


Condition = Direct | AnyOf | AllOf | FirstOf | Negation


def readings(condition: Condition) -> Iterator[Direct]:
    """Every direct test inside a condition."""
    if isinstance(condition, Direct):
        yield condition
    elif isinstance(condition, Negation):
        yield from readings(condition.part)
    else:
        for part in condition.parts:
            yield from readings(part)
