"""A plan from its TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from recanal.errors import StudyError, parse_reason, shown_name
from recanal.protocol.fields import Fields
from recanal.protocol.place import Place, line_index, shown
from recanal.protocol.plan import RULE_SETS, TYPES, Analysis, DataPlan, EndpointPlan, Plan, VariablePlan
from recanal.protocol.reading_analyses import BUILDERS, Defaults, build

__all__ = ["WORDS", "plan_template", "read_plan", "read_plan_text"]

_MOST_BYTES = 1_000_000
_TOP = ("title", "rules", "seed", "level", "data", "variables", "labels", "levels", "timing", "study", "endpoints")
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,40}")
_START = "procedure_on"
_TIMINGS = ("before", "during", "after")
WORDS = (
    *("design", "setting", "dates", "eligibility", "follow_up", "outcomes", "bias", "funding", "ethics"),
    *("registration", "limitations"),
)
"""What a plan may say of a study in the table ``[study]``; it goes into the checklist as it stands."""


def read_plan(path: str | Path) -> Plan:
    """The plan in a TOML file of at most 1 MB.

    Raises
    ------
    StudyError
        When the file cannot be read or is not well formed; the message names line, key, value and what is allowed.
    """
    where = Path(path)
    try:
        data = where.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise StudyError(
            f"{shown_name(where)!r} cannot be read: {reason}.", hint="`recanal study --template` prints a plan."
        ) from error
    if len(data) > _MOST_BYTES:
        raise StudyError(
            f"{shown_name(where)!r} is larger than {_MOST_BYTES} bytes.", hint="Is this the plan, or the data?"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(
            f"{shown_name(where)!r} is not UTF-8 text (byte {error.start}).", hint="Save it as UTF-8."
        ) from error
    return read_plan_text(text, called=repr(shown_name(where)))


def read_plan_text(text: str, *, called: str = "The plan") -> Plan:
    """The plan in a text.

    Parameters
    ----------
    text
        TOML.
    called
        What a message calls a text that is no TOML.

    Raises
    ------
    StudyError
        As :func:`read_plan`.

    Examples
    --------
    >>> plan = read_plan_text(plan_template())
    >>> plan.analyses[0].id
    'table1'
    """
    text = text.replace("\r\n", "\n")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{called} is not valid TOML: {parse_reason(error)}.") from error
    top = Fields(values, Place((), line_index(text)))
    top.only(*_TOP, *BUILDERS)
    title = top.text("title")
    rules = top.word("rules", RULE_SETS, "recommended")
    data = _data(top.table("data"), _endpoints(top.table("endpoints")))
    analyses = _analyses(top, Defaults(rules, data.patient))
    return Plan(
        title=title,
        data=data,
        variables=_with_endpoints(_variables(top), data.endpoints),
        analyses=analyses,
        rules=rules,
        seed=top.whole("seed", (0, 2**32 - 1), 1),
        level=top.number("level", (0.5, 0.999), 0.95),
        words=_words(top.table("study")),
        text=text,
        place=top.place,
    )


def plan_template() -> str:
    """A plan to start from, of the kind of Xing 2022 (doi 10.21037/qims-21-1050)."""
    return resources.files("recanal.protocol").joinpath("template.toml").read_text(encoding="utf-8")


def _data(fields: Fields, endpoints: tuple[EndpointPlan, ...]) -> DataPlan:
    fields.only("file", "cohort", "patient", "lesion", "encoding", "separator", "decimal", "missing", "tables")
    kind = fields.needs_one(("file", "cohort"))
    source = fields.text(kind)
    if kind == "file" and Path(source).suffix.lower() not in (".csv", ".tsv", ".txt", ".parquet"):
        raise fields.place.error("file", f"got {shown(source)}; allowed: .csv, .tsv, .txt, .parquet.")
    if kind == "file" and fields.has("tables"):
        raise fields.place.error("tables", "belongs to a cohort store.")
    if kind == "file" and endpoints:
        raise endpoints[0].place.error("", "times are made from a cohort store; a file has them as columns.")
    return DataPlan(
        source=source,
        kind=kind,
        patient=fields.text("patient", ""),
        lesion=fields.text("lesion", ""),
        encoding=fields.text("encoding", "utf-8"),
        separator=fields.word("separator", (",", ";", "\t", "|", ""), ""),
        decimal=fields.word("decimal", (".", ","), "."),
        missing=fields.names("missing", ("NA", "N/A", "nan", "NaN")),
        tables=fields.names("tables", ()),
        endpoints=endpoints,
        place=fields.place,
    )


def _endpoints(fields: Fields) -> tuple[EndpointPlan, ...]:
    out = []
    for key in fields.values:
        one = fields.table(key)
        one.only("events", "competing", "start")
        if not _COLUMN.fullmatch(key):
            raise fields.place.error(key, "is no name for columns: lower-case letters, digits and underscores.")
        out.append(
            EndpointPlan(key, one.names("events"), one.names("competing", ()), one.text("start", _START), one.place)
        )
    return tuple(out)


def _with_endpoints(said: dict[str, VariablePlan], endpoints: tuple[EndpointPlan, ...]) -> dict[str, VariablePlan]:
    """What the plan says of variables, and labels and levels of the columns that endpoints make."""
    out = dict(said)
    for one in endpoints:
        words = one.name.replace("_", " ").capitalize()
        levels = {"0": "Censored", "1": words} | ({"2": "Competing event"} if one.competing else {})
        columns: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
            (f"{one.name}_days", "continuous", f"{words}, days", {}),
            (f"{one.name}_status", "categorical", words, levels),
        )
        for name, kind, label, steps in columns:
            own = said.get(name)
            label, steps = (own.label or label, own.levels or steps) if own else (label, steps)
            out[name] = VariablePlan(name, kind, label, steps, "after", "plan")
    return out


def _variables(top: Fields) -> dict[str, VariablePlan]:
    lists = top.table("variables")
    lists.only(*TYPES)
    labels, levels, timing = top.table("labels"), top.table("levels"), top.table("timing")
    timing.only(*_TIMINGS)
    kinds: dict[str, str] = {}
    for kind in TYPES:
        for name in lists.names(kind, ()):
            if name in kinds:
                raise lists.place.error(kind, f"{shown(name)} is also called {kinds[name]}.", hint="Choose one type.")
            kinds[name] = kind
    when = _timings(timing)
    words = labels.pairs_of_self()
    steps = {name: levels.levels_of(name) for name in levels.values}
    for name in steps:
        if kinds.get(name) == "continuous":
            raise levels.place.error(name, "a continuous variable has no levels.", hint="Call it ordinal.")
    names = [*kinds, *(name for name in (*words, *steps, *when) if name not in kinds)]
    return {
        name: VariablePlan(
            name, kinds.get(name, ""), words.get(name, ""), steps.get(name, {}), when.get(name, ""), "plan"
        )
        for name in dict.fromkeys(names)
    }


def _timings(fields: Fields) -> dict[str, str]:
    out: dict[str, str] = {}
    for moment in _TIMINGS:
        for name in fields.names(moment, ()):
            if name in out:
                raise fields.place.error(moment, f"{shown(name)} also stands under {out[name]}.")
            out[name] = moment
    return out


def _words(fields: Fields) -> Mapping[str, str]:
    fields.only(*WORDS)
    return fields.pairs_of_self()


def _analyses(top: Fields, defaults: Defaults) -> tuple[Analysis, ...]:
    found = [build(kind, item, number, defaults) for kind in BUILDERS for number, item in _numbered(top, kind)]
    if not found:
        raise top.place.error(
            "", "asks for no analysis.", hint=f"Add one of {', '.join(f'[[{kind}]]' for kind in BUILDERS)}."
        )
    found.sort(key=lambda one: one.place.line())
    for number, one in enumerate(found):
        if one.id in {other.id for other in found[:number]}:
            raise one.place.error("id", f"{shown(one.id)} stands twice.", hint="Each analysis needs a name of its own.")
    return tuple(found)


def _numbered(top: Fields, kind: str) -> list[tuple[int, Fields]]:
    return list(enumerate(top.tables(kind), start=1))
