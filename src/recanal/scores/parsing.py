"""Reading a score sheet from its TOML form; every refusal names the sheet and the field."""

from __future__ import annotations

import math
import tomllib

from recanal.errors import SheetError
from recanal.rules.parsing import condition, finding_names
from recanal.scores.checks import check_sheet
from recanal.scores.sheet import (
    MODALITIES,
    PREDICTS,
    TERRITORIES,
    TRUST,
    CStatistic,
    Item,
    Level,
    Limit,
    RateSet,
    Rule,
    Sheet,
    Stratum,
    StratumRate,
    Variant,
)
from recanal.scores.table import Table
from recanal.scores.weights import counted_levels, weighted_levels

__all__ = ["parse_sheet"]


def parse_sheet(text: str, *, label: str = "sheet") -> Sheet:
    """The sheet held by a TOML text.

    Parameters
    ----------
    text
        The TOML text.
    label
        Name used in messages until the sheet's own id is known.

    Raises
    ------
    SheetError
        Naming the sheet and the field.
    """
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise SheetError(f"{label}: not a TOML file: {error}.") from error
    name = raw.get("id")
    root = Table(raw, name if isinstance(name, str) and name else label)
    root.one_of("kind", ("points",), default="points")
    sheet = _sheet(root)
    check_sheet(sheet)
    return sheet


def _sheet(root: Table) -> Sheet:
    variants = tuple(_variant(row) for row in root.tables("variants"))
    sheet = Sheet(
        id=root.text("id"),
        name=root.text("name"),
        citation=root.text("citation"),
        doi=root.doi("doi") if root.has("doi") else "",
        endpoint=root.text("endpoint"),
        trust=root.one_of("trust", TRUST),
        trust_note=root.text("trust_note"),
        modality=root.one_of("modality", MODALITIES),
        territory=root.one_of("territory", TERRITORIES),
        derivation=root.text("derivation"),
        points_range=_range(root),
        items=tuple(_item(row) for row in root.tables("items", required=True)),
        strata=tuple(_stratum(row) for row in root.tables("strata")),
        rates=tuple(_rate_set(row) for row in root.tables("rates")),
        c_statistics=tuple(_c_statistic(row) for row in root.tables("c_statistics")),
        limits=tuple(_limit(row) for row in root.tables("limits")),
        caveats=root.texts("caveats"),
        variants=variants,
        default_variant=root.text("default_variant") if variants else None,
        sources=root.texts("sources"),
        predicts=root.one_of("predicts", PREDICTS, default="success"),
    )
    root.done()
    return sheet


def _range(root: Table) -> tuple[float, float]:
    pair = root.numbers("range")
    if len(pair) != 2:
        raise root.error("range", "must be two numbers, the least and the greatest total")
    return pair[0], pair[1]


def _variant(row: Table) -> Variant:
    variant = Variant(
        name=row.text("name"),
        note=row.text("note"),
        citation=row.text("citation", default=""),
        doi=row.doi("doi") if row.has("doi") else "",
        label=row.text("label", default=""),
    )
    row.done()
    return variant


def _item(row: Table) -> Item:
    name = row.text("name")
    variants = row.table("variants") if row.has("variants") else None
    item = Item(name, _rule(row, name), () if variants is None else _rules_by_variant(variants, name))
    row.done()
    return item


def _rules_by_variant(table: Table, item: str) -> tuple[tuple[str, Rule], ...]:
    pairs = []
    for name in table.names():
        row = table.table(name)
        pairs.append((name, _rule(row, item)))
        row.done()
    return tuple(pairs)


def _rule(row: Table, item: str) -> Rule:
    if row.has("levels"):
        levels = tuple(_level(level) for level in row.tables("levels", required=True))
    elif row.has("weights"):
        levels = weighted_levels(row)
    elif row.has("per"):
        levels = counted_levels(row)
    else:
        levels = (Level(row.number("points"), condition(row.table("test"))),)
    return Rule(
        levels=levels,
        definition=row.text("definition"),
        source=row.text("source"),
        trust=row.one_of("trust", TRUST),
        ask=finding_names(row, "ask"),
        label=row.text("label", default=item.replace("_", " ")),
    )


def _level(row: Table) -> Level:
    level = Level(row.number("points"), condition(row.table("test")))
    row.done()
    return level


def _stratum(row: Table) -> Stratum:
    for closed, opened in (("min", "above"), ("max", "below")):
        if row.has(closed) and row.has(opened):
            raise row.error(opened, f"give {closed} or {opened}, not both")
    low_key, high_key = ("above" if row.has("above") else "min"), ("below" if row.has("below") else "max")
    stratum = Stratum(
        name=row.text("name"),
        low=row.number(low_key) if row.has(low_key) else None,
        high=row.number(high_key) if row.has(high_key) else None,
        low_open=low_key == "above",
        high_open=high_key == "below",
    )
    row.done()
    return stratum


def _rate_set(row: Table) -> RateSet:
    table = row.table("strata")
    rates = tuple(_rate(name, table.table(name)) for name in table.names())
    out = RateSet(
        cohort=row.text("cohort"),
        endpoint=row.text("endpoint"),
        source=row.text("source"),
        doi=row.doi("doi") if row.has("doi") else "",
        trust=row.one_of("trust", TRUST),
        primary=row.truth("primary", default=False),
        variants=row.texts("variants"),
        rates=rates,
        note=row.text("note", default=""),
    )
    row.done()
    return out


def _rate(stratum: str, row: Table) -> StratumRate:
    if row.has("events"):
        events, total = row.count("events"), row.count("total")
        if not 0 <= events <= total or total < 1:
            raise row.error("events", f"needs 0 <= events <= total and total >= 1, got {events}/{total}")
        rate = StratumRate(stratum, events / total, events, total)
    else:
        rate = StratumRate(stratum, row.number("rate"))
    if not math.isfinite(rate.rate) or not 0 <= rate.rate <= 1:
        raise row.error("rate", f"must lie in [0, 1], got {rate.rate}")
    row.done()
    return rate


def _c_statistic(row: Table) -> CStatistic:
    out = CStatistic(
        value=row.text("value"),
        cohort=row.text("cohort"),
        endpoint=row.text("endpoint"),
        source=row.text("source"),
        trust=row.one_of("trust", TRUST),
    )
    row.done()
    return out


def _limit(row: Table) -> Limit:
    out = Limit(test=condition(row.table("test")), warning=row.text("warning"), source=row.text("source"))
    row.done()
    return out
