"""The data dictionary: every variable of a cohort, its type, unit, range, codes, timing and source."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from recanal.core.findings import vocabulary
from recanal.errors import CohortError, shown_name

__all__ = [
    "KINDS",
    "TIMINGS",
    "Dictionary",
    "Source",
    "Table",
    "Variable",
    "as_plain",
    "extended",
    "load_dictionary",
    "parse_dictionary",
]

KINDS = ("id", "text", "bool", "whole", "number", "choice", "set", "date")
TIMINGS = ("before", "during", "after")
_TABLES = ("operator", "patient", "laboratory", "lesion", "ct", "angiogram", "procedure", "follow_up")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LONGEST_STATA_NAME = 32
_RESERVED = ("version", "withdrawn", "batch", "position", "one")


@dataclass(frozen=True)
class Source:
    """A paper or a definition from which variables come."""

    id: str
    citation: str
    doi: str = ""


@dataclass(frozen=True)
class Variable:
    """One variable: a row of a dictionary file.

    Parameters
    ----------
    name
        Column name; carries its unit.
    kind
        One of :data:`KINDS`. ``id`` is a pseudonym, never shown in a message; ``set`` holds any of the choices.
    label
        What people read.
    timing
        When it becomes known: before, during or after the procedure.
    unit
        UCUM unit of a number, empty where it has none.
    low, high
        Closed range of a number; refusal limits, not normal ranges.
    choices, labels, codes
        Words of a choice or set, what people read, and the whole numbers that stand for them in SPSS, Stata and REDCap.
    units
        Other units and the factor that turns them into ``unit``.
    """

    name: str
    kind: str
    label: str
    timing: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()
    required: bool = False
    finding: str = ""
    loinc: str = ""
    snomed: str = ""
    note: str = ""
    short: str = ""
    sources: tuple[str, ...] = ()
    units: Mapping[str, float] | None = None

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers or truth values."""
        return self.kind in ("bool", "whole", "number")

    @property
    def wordy(self) -> bool:
        """Whether its values are truth values or words from a list."""
        return self.kind in ("bool", "choice", "set")

    @property
    def stata_name(self) -> str:
        """Its name in at most 32 letters."""
        return self.short or self.name

    def label_of(self, choice: str) -> str:
        """What people read for a choice."""
        return self.labels[self.choices.index(choice)]


@dataclass(frozen=True)
class Table:
    """One kind of record.

    Parameters
    ----------
    name
        Table name.
    key
        The variable that tells its rows apart.
    parents
        Tables whose key stands in each row.
    optional_parents
        Those of ``parents`` that a row may leave empty.
    """

    name: str
    label: str
    key: str
    parents: tuple[str, ...]
    variables: tuple[Variable, ...]
    optional_parents: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(variable.name for variable in self.variables)

    def __getitem__(self, name: str) -> Variable:
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise CohortError(f"{name}: no such variable in the table {self.name}.", hint="See `recanal cohort codebook`.")


@dataclass(frozen=True)
class Dictionary:
    """All tables, parents before children.

    Examples
    --------
    >>> dictionary = load_dictionary()
    >>> dictionary.table("lesion").parents, dictionary.variable("ct_length_mm").unit
    (('patient',), 'mm')
    """

    tables: tuple[Table, ...]
    sources: tuple[Source, ...]

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables."""
        return tuple(table.name for table in self.tables)

    def table(self, name: str) -> Table:
        """The table of that name.

        Raises
        ------
        CohortError
            Where there is none.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise CohortError(f"{name}: no such table.", hint=f"The tables are {', '.join(self.names)}.")

    def variable(self, name: str) -> Variable:
        """The variable of that name, in whichever table it first stands.

        Raises
        ------
        CohortError
            Where there is none.
        """
        for table in self.tables:
            if name in table.names:
                return table[name]
        raise CohortError(f"{name}: no such variable.", hint="See `recanal cohort codebook`.")

    def home(self, name: str) -> Table:
        """The table that owns a variable: for a key the table whose key it is."""
        owners = [table for table in self.tables if name in table.names]
        keyed = [table for table in owners if table.key == name]
        if not owners:
            self.variable(name)
        return (keyed or owners)[0]

    def children(self, name: str) -> tuple[Table, ...]:
        """Tables that hold the key of a table."""
        return tuple(table for table in self.tables if name in table.parents)


@lru_cache(maxsize=1)
def load_dictionary() -> Dictionary:
    """The dictionary that is shipped: all variables of the tables of Xing 2022, Xiao 2021 and two study protocols."""
    folder = resources.files("recanal.variables").joinpath("dictionary")
    sources = tomllib.loads(folder.joinpath("sources.toml").read_text(encoding="utf-8"))["sources"]
    tables = [tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")) for name in _TABLES]
    return parse_dictionary({"tables": tables, "sources": sources})


def parse_dictionary(content: Mapping[str, Any]) -> Dictionary:
    """A dictionary from plain data, as the TOML files or a store hold it.

    Raises
    ------
    CohortError
        Naming the table, the variable and the rule that it breaks.
    """
    try:
        sources = tuple(Source(**row) for row in content["sources"])
        tables = tuple(_table(row) for row in content["tables"])
    except (KeyError, TypeError) as error:
        raise CohortError(f"The data dictionary is not well formed: {error}.") from error
    _check_sources(tables, {source.id for source in sources})
    _check_tables(tables)
    return Dictionary(tables, sources)


def extended(dictionary: Dictionary, file: str | Path) -> Dictionary:
    """A dictionary with the variables that a TOML file adds to its tables.

    The file holds ``[[variables]]`` with the keys of the shipped files and ``table``; ``sources`` defaults to a source
    ``study``.

    Raises
    ------
    CohortError
        Where the file cannot be read or a variable is refused.
    """
    try:
        rows = tomllib.loads(Path(file).read_text(encoding="utf-8")).get("variables", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CohortError(f"{shown_name(file)}: not a readable TOML file.", hint="See the page on cohorts.") from error
    content = as_plain(dictionary)
    by_name = {table["name"]: table for table in content["tables"]}
    for row in rows:
        home = row.get("table")
        if home not in by_name:
            raise CohortError(f"{row.get('name', '?')}: table must be one of {', '.join(by_name)}, got {home!r}.")
        plain = {key: value for key, value in row.items() if key != "table"}
        by_name[home]["variables"].append({"sources": ["study"], **plain})
    if all(source["id"] != "study" for source in content["sources"]):
        content["sources"].append({"id": "study", "citation": "Added by the study", "doi": ""})
    return parse_dictionary(content)


def as_plain(dictionary: Dictionary) -> dict[str, Any]:
    """A dictionary as plain data, for :func:`parse_dictionary`; what has its default value is left out."""
    return {
        "tables": [
            {
                "name": table.name,
                "label": table.label,
                "key": table.key,
                "parents": list(table.parents),
                "optional_parents": list(table.optional_parents),
                "variables": [_plain(variable) for variable in table.variables],
            }
            for table in dictionary
        ],
        "sources": [{"id": s.id, "citation": s.citation, "doi": s.doi} for s in dictionary.sources],
    }


def _plain(variable: Variable) -> dict[str, Any]:
    default = Variable("", "", "", "")
    out: dict[str, Any] = {}
    for name in Variable.__dataclass_fields__:
        value = getattr(variable, name)
        if value != getattr(default, name):
            out[name] = (
                list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
            )
    return out


def _table(row: Mapping[str, Any]) -> Table:
    return Table(
        name=row["name"],
        label=row["label"],
        key=row["key"],
        parents=tuple(row["parents"]),
        optional_parents=tuple(row.get("optional_parents", ())),
        variables=tuple(_variable(entry, row["name"], row["key"]) for entry in row["variables"]),
    )


def _variable(row: Mapping[str, Any], table: str, key: str) -> Variable:
    known = set(Variable.__dataclass_fields__)
    extra = sorted(set(row) - known)
    where = f"{table}.{row.get('name', '?')}"
    if extra:
        raise CohortError(f"{where}: unknown entry {extra[0]!r}.", hint=f"Use {', '.join(sorted(known))}.")
    entry = dict(row)
    if entry.get("finding"):
        entry = _with_finding(entry, where)
    if entry["name"] == key:
        entry["required"] = True
    choices = tuple(entry.get("choices", ()))
    entry["choices"] = choices
    entry["labels"] = tuple(entry.get("labels", ())) or tuple(word.replace("_", " ") for word in choices)
    entry["codes"] = tuple(entry.get("codes", ())) or tuple(range(1, len(choices) + 1))
    entry["sources"] = tuple(entry.get("sources", ()))
    entry["low"], entry["high"] = float(entry.get("low", -math.inf)), float(entry.get("high", math.inf))
    if entry["kind"] == "bool":
        entry["low"], entry["high"] = 0.0, 1.0
    variable = Variable(**entry)
    _check_variable(variable, where)
    return variable


def _with_finding(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """The kind, range and choices that the shared vocabulary gives."""
    fact = vocabulary().get(entry["finding"])
    if fact is None:
        raise CohortError(f"{where}: no finding is called {entry['finding']!r}.", hint="See `recanal findings`.")
    shared: dict[str, Any] = {"low": fact.low, "high": fact.high} if fact.kind == "number" else {}
    if fact.choices:
        shared["choices"] = list(fact.choices)
    kind = "whole" if fact.kind == "number" and fact.whole else fact.kind
    if entry["kind"] != kind:
        raise CohortError(f"{where}: the finding is a {kind}, got {entry['kind']!r}.")
    if fact.note not in ("patient", "operator"):
        shared["note"] = fact.note
    return {**shared, **entry}


def _check_variable(variable: Variable, where: str) -> None:
    many = len(variable.choices)
    rules = {
        "the name must be lower case letters, digits and _, at most 63": bool(_NAME.fullmatch(variable.name)),
        "the name belongs to the store": variable.name not in _RESERVED,
        "a name over 32 letters needs `short`, a name for Stata": len(variable.stata_name) <= _LONGEST_STATA_NAME,
        f"the kind must be one of {', '.join(KINDS)}": variable.kind in KINDS,
        f"the timing must be one of {', '.join(TIMINGS)}": variable.timing in TIMINGS,
        "choices belong to the kinds choice and set, and those need them": (variable.kind in ("choice", "set"))
        == bool(many),
        "choices and codes must be as many, each once": len(set(variable.choices)) == len(set(variable.codes)) == many,
        "each choice needs a label, and none may hold a semicolon": len(variable.labels) == many
        and not any(";" in word for word in variable.choices),
        "low must not exceed high": variable.low <= variable.high,
        "a number needs a unit; 1 where it has none": variable.kind != "number" or bool(variable.unit),
        "a source is missing": bool(variable.sources),
    }
    for rule, kept in rules.items():
        if not kept:
            raise CohortError(f"{where}: {rule}.", hint="Correct the data dictionary.")


def _check_sources(tables: tuple[Table, ...], known: set[str]) -> None:
    for table in tables:
        for variable in table.variables:
            unknown = [source for source in variable.sources if source.split(":")[0] not in known]
            if unknown:
                raise CohortError(f"{table.name}.{variable.name}: unknown source {unknown[0]!r}.")


def _check_tables(tables: tuple[Table, ...]) -> None:
    keys = {table.name: table.key for table in tables}
    seen: dict[str, str] = {}
    for table in tables:
        if not _NAME.fullmatch(table.name) or table.name in ("audit", "audit_leaves", "case_files", "dictionary"):
            raise CohortError(f"{table.name[:40]!r} is no name for a table.")
        done = set(list(keys)[: list(keys).index(table.name)])
        missing = [parent for parent in table.parents if parent not in done or keys[parent] not in table.names]
        if missing or table.key not in table.names:
            raise CohortError(f"{table.name}: needs its key and the key of {missing or 'itself'}, in a later table.")
        for name in table.names:
            shared = name in keys.values()
            if not shared and name in seen:
                raise CohortError(f"{table.name}.{name}: the name stands in {seen[name]} as well.")
            seen[name] = table.name
        if len(set(table.names)) != len(table.names):
            raise CohortError(f"{table.name}: a name stands twice.")
