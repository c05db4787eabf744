"""Reading a rule file from its TOML form; every refusal names the file and the field."""

from __future__ import annotations

import tomllib

from recanal.core.plan import ROLES
from recanal.errors import SheetError
from recanal.rules.conditions import TRUST
from recanal.rules.parsing import condition, finding_names
from recanal.rules.table import Table
from recanal.strategy.algorithm import KINDS, OPTIONS, TERRITORIES, Algorithm, Limit, PlanRule

__all__ = ["parse_algorithm"]

_FORM = "docs/plan.md"


def parse_algorithm(text: str, *, label: str = "algorithm") -> Algorithm:
    """The algorithm held by a TOML text.

    Parameters
    ----------
    text
        The TOML text.
    label
        Name used in messages until the file's own id is known.

    Raises
    ------
    SheetError
        Naming the file and the field: not TOML, a field that is missing, unknown or of the wrong kind, a start
        without a strategy, a rule that follows a strategy that no start names, a name given twice.
    """
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SheetError(f"{label}: not a TOML file: {error}.") from error
    name = raw.get("id")
    root = Table(raw, name if isinstance(name, str) and name else label, form=_FORM)
    doi = root.doi("doi") if root.has("doi") else ""
    algorithm = Algorithm(
        id=root.text("id"),
        name=root.text("name"),
        citation=root.text("citation"),
        doi=doi,
        kind=root.one_of("kind", KINDS, default="algorithm"),
        territory=root.one_of("territory", TERRITORIES),
        trust=root.one_of("trust", TRUST),
        trust_note=root.text("trust_note"),
        rules=tuple(_rule(row, doi) for row in root.tables("rules", required=True)),
        limits=tuple(_limit(row) for row in root.tables("limits")),
        caveats=root.texts("caveats"),
        sources=root.texts("sources"),
    )
    root.done()
    _check(algorithm, root)
    return algorithm


def _rule(row: Table, doi: str) -> PlanRule:
    role = row.one_of("role", ROLES)
    rule = PlanRule(
        name=row.text("name"),
        role=role,
        text=row.text("text"),
        do=row.text("do"),
        source=row.text("source"),
        doi=row.doi("doi") if row.has("doi") else "" if row.truth("no_doi", default=False) else doi,
        trust=row.one_of("trust", TRUST),
        test=condition(row.table("test")) if row.has("test") else None,
        strategy=row.text("strategy") if role == "start" else "",
        options=_options(row) if role == "start" else (),
        after=row.texts("after"),
        ask=finding_names(row, "ask"),
    )
    row.done()
    return rule


def _options(row: Table) -> tuple[str, ...]:
    options = row.texts("options")
    for option in options:
        if option not in OPTIONS:
            raise row.error("options", f"must be of {', '.join(OPTIONS)}, got {option!r}")
    if not options:
        raise row.error("options", "must name at least one technique")
    return options


def _limit(row: Table) -> Limit:
    limit = Limit(test=condition(row.table("test")), warning=row.text("warning"), source=row.text("source"))
    row.done()
    return limit


def _check(algorithm: Algorithm, root: Table) -> None:
    names = [rule.name for rule in algorithm.rules]
    for name in names:
        if names.count(name) > 1:
            raise root.error("rules", f"{name!r} is given twice")
    if algorithm.kind == "material":
        wrong = next((rule.name for rule in algorithm.rules if rule.role != "material"), None)
        if wrong is not None:
            raise root.error("rules", f"{wrong!r} is not material, but the kind of the file is")
        return
    known = {rule.strategy for rule in algorithm.starts()}
    for rule in algorithm.rules:
        for strategy in rule.after:
            if strategy not in known:
                raise root.error("rules", f"{rule.name!r} follows {strategy!r}, which no start names")
