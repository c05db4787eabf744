"""Whether a sheet is sound as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from recanal.errors import SheetError
from recanal.scores.sheet import Item, Rule, Sheet

__all__ = ["attainable_totals", "check_sheet"]

_MOST_TOTALS = 10_000


def check_sheet(sheet: Sheet) -> None:
    """Refuse a sheet whose parts do not fit together.

    Raises
    ------
    SheetError
        Naming the sheet and the field: repeated names, a range that is not the sum of the items' points,
        strata that leave out or share an attainable total, rates of strata or variants that do not exist.
    """
    if not sheet.id.isidentifier() or not sheet.id.islower():
        raise _error(sheet, "id", f"must be lower case letters, digits and underscores, got {sheet.id!r}")
    _check_repeats(sheet, "items", (item.name for item in sheet.items))
    _check_repeats(sheet, "strata", (stratum.name for stratum in sheet.strata))
    _check_repeats(sheet, "variants", (variant.name for variant in sheet.variants))
    _check_variants(sheet)
    for name in _variant_names(sheet):
        _check_points(sheet, name)
    _check_rates(sheet)


def attainable_totals(rules: Iterable[Rule]) -> set[float]:
    """Every total that some combination of items gives, taking the items as free of each other."""
    totals = {0.0}
    for rule in rules:
        steps = {0.0, *(level.points for level in rule.levels)}
        totals = {round(total + step, 9) for total in totals for step in steps}
        if len(totals) > _MOST_TOTALS:
            raise SheetError(f"The items allow more than {_MOST_TOTALS} different totals.")
    return totals


def _error(sheet: Sheet, field: str, what: str) -> SheetError:
    return SheetError(f"{sheet.id}: {field}: {what}.", hint="The form is described in docs/scores.md.")


def _check_repeats(sheet: Sheet, field: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise _error(sheet, field, f"{name!r} is given twice")
        seen.add(name)


def _variant_names(sheet: Sheet) -> list[str | None]:
    return [variant.name for variant in sheet.variants] or [None]


def _check_variants(sheet: Sheet) -> None:
    known = {variant.name for variant in sheet.variants}
    if known and sheet.default_variant not in known:
        raise _error(sheet, "default_variant", f"no such variant: {sheet.default_variant!r}")
    for item, name in _variants_used(sheet.items):
        if name not in known:
            raise _error(sheet, f"items[{item.name}].variants", f"no such variant: {name!r}")


def _variants_used(items: Iterable[Item]) -> Iterator[tuple[Item, str]]:
    for item in items:
        for name, _ in item.variants:
            yield item, name


def _check_points(sheet: Sheet, variant: str | None) -> None:
    totals = attainable_totals(item.rule_for(variant) for item in sheet.items)
    if (min(totals), max(totals)) != sheet.points_range:
        raise _error(
            sheet,
            "range",
            f"the items' points reach from {min(totals):g} to {max(totals):g}, "
            f"the sheet says {list(sheet.points_range)}",
        )
    if not sheet.strata:
        return
    for total in sorted(totals):
        holders = [stratum.name for stratum in sheet.strata if stratum.holds(total)]
        if len(holders) != 1:
            what = "no stratum" if not holders else f"several strata ({', '.join(holders)})"
            raise _error(sheet, "strata", f"a total of {total:g} lies in {what}")


def _check_rates(sheet: Sheet) -> None:
    strata = {stratum.name for stratum in sheet.strata}
    known = {variant.name for variant in sheet.variants}
    for row in sheet.rates:
        for rate in row.rates:
            if rate.stratum not in strata:
                raise _error(sheet, "rates", f"no such stratum: {rate.stratum!r}")
        for name in row.variants:
            if name not in known:
                raise _error(sheet, "rates", f"no such variant: {name!r}")
        if row.primary and row.endpoint != sheet.endpoint:
            raise _error(sheet, "rates", f"the primary rates count {row.endpoint!r}, the sheet {sheet.endpoint!r}")
    for variant in _variant_names(sheet):
        primary = [row for row in sheet.rates if row.primary and (not row.variants or variant in row.variants)]
        if len(primary) > 1:
            raise _error(sheet, "rates", "more than one primary set of rates for the same variant")
