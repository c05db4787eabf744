"""The facts about a lesion that scores, plans and cohorts share."""

from __future__ import annotations

import math
import reprlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from recanal.errors import FindingsError, shown_text

__all__ = ["SOURCES", "Fact", "FactKind", "FindingValue", "Findings", "vocabulary"]

SOURCES = ("ct", "angiogram", "typed")
FindingValue = bool | float | str


@dataclass(frozen=True)
class FactKind:
    """What a fact may be: one row of ``findings.toml``.

    Parameters
    ----------
    name
        Field name; carries its unit.
    kind
        ``"bool"``, ``"number"`` or ``"choice"``.
    low, high
        Closed range of a number.
    choices
        Allowed words of a choice.
    note, label
        What is meant; and the name as a reader would say it, where the field name does not do.
    whole
        Whether a number must be whole: a count or a grade.
    """

    name: str
    kind: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    note: str = ""
    whole: bool = False
    label: str = ""


@lru_cache(maxsize=1)
def vocabulary() -> Mapping[str, FactKind]:
    """Every fact by name, as shipped in ``findings.toml``."""
    text = resources.files("recanal.core").joinpath("findings.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["facts"]
    for row in rows:
        row |= {end: float(row[end]) for end in ("low", "high") if end in row}
    return {row["name"]: FactKind(**{**row, "choices": tuple(row.get("choices", ()))}) for row in rows}


@dataclass(frozen=True)
class Fact:
    """One value, where it came from, and how sure it is.

    Parameters
    ----------
    value
        The value; its type follows the vocabulary.
    source
        ``"ct"``, ``"angiogram"`` or ``"typed"``.
    low, high
        95 % interval of a number, or None.
    prob
        For a bool measured on CT, the probability that it is true; None where it is taken as certain.
    confirmed_by
        Who confirmed it, or None.
    """

    value: FindingValue
    source: str = "typed"
    low: float | None = None
    high: float | None = None
    prob: float | None = None
    confirmed_by: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The entry of ``case.json``."""
        out: dict[str, Any] = {"value": self.value, "source": self.source, "confirmed_by": self.confirmed_by}
        if self.low is not None and self.high is not None:
            out |= {"low": self.low, "high": self.high}
        if self.prob is not None:
            out["prob"] = self.prob
        return out


@dataclass(frozen=True)
class Findings:
    """All facts known about one lesion; what is absent is not known.

    Examples
    --------
    >>> facts = Findings.from_mapping({"length_mm": 22.5, "vessel": "RCA", "in_stent": None})
    >>> facts.value("length_mm"), "in_stent" in facts
    (22.5, False)
    """

    facts: Mapping[str, Fact]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, source: str = "typed") -> Findings:
        """Findings from a flat mapping of names to plain values or ``{"value", "low", "high", "source"}``.

        Raises
        ------
        FindingsError
            Naming the field, when a name is unknown or a value has the wrong type or range.
        """
        facts: dict[str, Fact] = {}
        for name, raw in values.items():
            entry = dict(raw) if isinstance(raw, Mapping) else {"value": raw}
            if entry.get("value") is not None:
                facts[name] = _fact(name, entry, source)
            else:
                _kind(name)
        return cls(facts)

    def __contains__(self, name: object) -> bool:
        return name in self.facts

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def value(self, name: str) -> FindingValue | None:
        """The value of a fact, or None when it is not known."""
        fact = self.facts.get(name)
        return None if fact is None else fact.value

    def merged(self, other: Findings) -> Findings:
        """These findings with those of ``other`` on top."""
        return Findings({**self.facts, **other.facts})

    def as_dict(self) -> dict[str, Any]:
        """The ``findings`` object of ``case.json``."""
        return {name: fact.as_dict() for name, fact in self.facts.items()}


def _kind(name: str) -> FactKind:
    known = vocabulary()
    if name not in known:
        shown = name if name.strip() else f"the empty name {name!r}"
        raise FindingsError(f"{shown}: no such finding.", hint="`recanal findings` lists the names.")
    return known[name]


_KEYS = {"value", "low", "high", "source", "confirmed_by", "prob"}


def _fact(name: str, entry: Mapping[str, Any], source: str) -> Fact:
    kind = _kind(name)
    extra = set(entry) - _KEYS
    if extra:
        raise FindingsError(f"{name}: unknown key {sorted(extra)[0]!r}.", hint=f"Use {', '.join(sorted(_KEYS))}.")
    where = entry.get("source", source)
    if where not in SOURCES:
        raise FindingsError(f"{name}: source must be one of {', '.join(SOURCES)}, got {_shown(where)}.")
    value = _checked(kind, entry["value"])
    low, high = _bounds(kind, value, entry)
    prob = entry.get("prob")
    if prob is not None and (isinstance(prob, bool) or not isinstance(prob, int | float) or not 0 <= prob <= 1):
        raise FindingsError(f"{name}: prob must lie between 0 and 1, got {_shown(prob)}.")
    by = entry.get("confirmed_by")
    if by is not None and not (isinstance(by, str) and 0 < len(by) <= 120):
        raise FindingsError(f"{name}: confirmed_by must be a name of at most 120 letters.")
    return Fact(value, str(where), low, high, prob, by)


def _bounds(kind: FactKind, value: FindingValue, entry: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The interval of a number, or two Nones."""
    ends = entry.get("low"), entry.get("high")
    if ends == (None, None):
        return None, None
    if kind.kind != "number":
        raise FindingsError(f"{kind.name}: only a number has low and high.", hint="Give prob instead.")
    if ends[0] is None or ends[1] is None:
        raise FindingsError(f"{kind.name}: give both low and high, or neither.")
    low, high = (float(_checked(kind, end)) for end in ends)
    if not low <= float(value) <= high:
        raise FindingsError(f"{kind.name}: the value {value:g} must lie between low {low:g} and high {high:g}.")
    return low, high


def _checked(kind: FactKind, value: object) -> FindingValue:
    if kind.kind == "bool":
        if isinstance(value, bool):
            return value
        raise FindingsError(f"{kind.name}: must be true or false, got {_shown(value)}.")
    if kind.kind == "choice":
        if isinstance(value, str) and value in kind.choices:
            return value
        raise FindingsError(f"{kind.name}: must be one of {', '.join(kind.choices)}, got {_shown(value)}.")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FindingsError(f"{kind.name}: must be a number, got {_shown(value)}.")
    if not kind.low <= value <= kind.high or not math.isfinite(value):
        raise FindingsError(f"{kind.name}: must lie in [{kind.low:g}, {kind.high:g}], got {_shown(value)}.")
    if kind.whole and value != math.floor(value):
        raise FindingsError(f"{kind.name}: must be a whole number, got {_shown(value)}.")
    return float(value)


def _shown(value: object) -> str:
    """A value as JSON writes it, cut short; Python refuses to write out integers of thousands of digits."""
    if isinstance(value, str):
        return shown_text(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, list | tuple | Mapping):
        return "an object" if isinstance(value, Mapping) else "a list"
    try:
        return f"{value:.10g}" if isinstance(value, float) else reprlib.repr(value)
    except ValueError:
        return "a number of thousands of digits"
