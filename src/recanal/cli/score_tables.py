"""Scores, sheets and findings as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recanal.core.findings import FactKind
from recanal.core.score import ScoreItem, ScoreResult
from recanal.rules.chance import chance_text
from recanal.scores import Sheet, rate_text
from recanal.scores.not_shipped import NotShipped

__all__ = [
    "is_spread",
    "not_shipped_text",
    "result_text",
    "results_text",
    "share_text",
    "shares_text",
    "sheet_text",
    "sheets_text",
    "vocabulary_text",
]

_WIDTH = 110
_PREDICTS = {
    "success": "A higher total means a harder lesion; the endpoint is a success.",
    "failure": "A higher total means a harder lesion; the endpoint is a failure.",
    "complication": "A higher total means more complications; the endpoint is a complication.",
    "description": "These totals describe; they predict nothing by themselves.",
}


def results_text(results: Sequence[ScoreResult]) -> str:
    """Results one below the other; several are set apart by what their endpoints count."""
    if len(results) < 2:
        return "\n".join(result_text(result) for result in results)
    parts = []
    for predicts, heading in _PREDICTS.items():
        group = [result for result in results if result.predicts == predicts]
        if group:
            parts += [f"== {heading}", "", *(result_text(result) for result in group)]
    return "\n".join(parts)


def result_text(result: ScoreResult) -> str:
    """A score result: total, stratum, rate, items, trust and warnings."""
    table = _table("item", "met", "points", "source", "definition")
    for item in result.items:
        table.add_row(
            *(escape(cell) for cell in (item.name, _met(item), _points(item.points), item.source or "-")),
            escape(item.definition),
        )
    head = [
        f"{result.name}: {_total(result)}" + (f" ({_variant(result)})" if result.variant else ""),
        f"endpoint: {result.endpoint}",
    ]
    if result.stratum is not None:
        head.append(f"stratum: {result.stratum}")
    elif result.stratum_min is not None:
        head.append(f"stratum: {result.stratum_min} to {result.stratum_max}")
    if result.printed_rate_text:
        head.append(f"printed rate: {result.printed_rate_text}")
    elif result.points is not None and result.predicts != "description":
        head.append("printed rate: unknown; none was printed or could be read for this total")
    if result.priors or is_spread(result.stratum_probabilities):
        shares = shares_text(result.stratum_probabilities)
        basis = "the measured intervals and the stated priors" if result.priors else "the measured intervals"
        head += [f"with {basis}: {shares}"] if shares else []
    tail = [f"missing: {', '.join(result.missing)}"] if result.missing else []
    tail += [f"trust: {result.trust}", f"source: {result.citation}, {_doi(result.doi)}"]
    tail += [f"warning: {warning}" for warning in result.warnings]
    return "\n".join([*head, "", _drawn(table).rstrip(), "", *tail, ""])


def is_spread(shares: Mapping[str, float]) -> bool:
    """Whether an interval or a probability leaves more than one stratum or class possible."""
    return any(0 < share < 1 for share in shares.values())


def shares_text(shares: Mapping[str, float]) -> str:
    """Probabilities of strata or classes in one line; none is certain beside others that are possible."""
    most = 1 - 1e-9 if is_spread(shares) else 1.0
    return ", ".join(f"{name} {share_text(min(share, most))}" for name, share in shares.items())


def share_text(share: float) -> str:
    """A probability as it is read: whole percents, and no certainty but a stated one.

    >>> [share_text(share) for share in (0.0, 0.004, 0.25, 0.993, 0.996, 1.0)]
    ['0 %', 'under 1 %', '25 %', '99 %', 'over 99 %', '100 %']
    """
    return f"{100 * share:.0f} %" if share in (0.0, 1.0) else chance_text(share)


def sheets_text(sheets: Sequence[Sheet]) -> str:
    """One line per sheet, in one table for each kind of endpoint."""
    parts = []
    for predicts, heading in _PREDICTS.items():
        group = [sheet for sheet in sheets if sheet.predicts == predicts]
        if group:
            parts += [heading, "", _sheets_table(group), ""]
    return "\n".join(parts)


def not_shipped_text(entries: Iterable[NotShipped]) -> str:
    """The names of the scores that are left out, in one line."""
    names = ", ".join(entry.name for entry in entries)
    return f"Not shipped, because their items or points could not be read: {names}; see docs/scores.md."


def _sheets_table(sheets: Iterable[Sheet]) -> str:
    table = _table("sheet", "name", "points", "endpoint", "variants", "trust")
    for sheet in sheets:
        variants = ", ".join(
            f"{row.name}*" if row.name == sheet.default_variant else row.name for row in sheet.variants
        )
        low, high = sheet.points_range
        cells = (sheet.id, sheet.name, f"{low:g} to {high:g}", sheet.endpoint, variants or "-", sheet.trust)
        table.add_row(*(escape(cell) for cell in cells))
    return _drawn(table).rstrip()


def sheet_text(sheet: Sheet) -> str:
    """A whole sheet."""
    parts = [
        f"{sheet.name} ({sheet.id})",
        f"{sheet.citation}, {_doi(sheet.doi)}",
        f"endpoint: {sheet.endpoint} ({sheet.predicts})",
        f"derivation: {sheet.derivation}",
        f"trust: {sheet.trust} - {sheet.trust_note}",
        "",
        _items_table(sheet),
        "",
        _strata_table(sheet),
    ]
    if not sheet.rates:
        parts += ["", "rate: unknown; no rate per total was printed or could be read"]
    parts += _lines("variant", [f"{row.name}: {row.note}" for row in sheet.variants])
    parts += _lines("rate", _rate_lines(sheet))
    parts += _lines(
        "c-statistic",
        [f"{row.value} {row.endpoint} ({row.cohort}, {row.source}; {row.trust})" for row in sheet.c_statistics],
    )
    parts += _lines("warns", [f"{row.warning} ({row.source})" for row in sheet.limits])
    parts += _lines("caveat", sheet.caveats)
    parts += _lines("read at", sheet.sources)
    return "\n".join(parts)


def vocabulary_text(kinds: Iterable[FactKind]) -> str:
    """One line per finding."""
    table = _table("finding", "type", "values", "note")
    for kind in kinds:
        table.add_row(*(escape(cell) for cell in (kind.name, kind.kind, _values(kind), kind.note)))
    return _drawn(table).rstrip()


def _items_table(sheet: Sheet) -> str:
    table = _table("item", "points", "definition", "source", "trust")
    for item in sheet.items:
        for variant, rule in [("", item.rule), *item.variants]:
            points = "/".join(f"{level.points:g}" for level in rule.levels)
            name = f"{item.name} [{variant}]" if variant else item.name
            table.add_row(*(escape(cell) for cell in (name, points, rule.definition, rule.source, rule.trust)))
    return _drawn(table).rstrip()


def _strata_table(sheet: Sheet) -> str:
    if not sheet.strata:
        return "strata: none published, or none that could be read"
    table = _table("stratum", "points")
    for stratum in sheet.strata:
        table.add_row(escape(stratum.name), escape(stratum.text))
    return _drawn(table).rstrip()


def _rate_lines(sheet: Sheet) -> list[str]:
    lines = []
    for rates in sheet.rates:
        lines += [f"{row.name}: {rate_text(rates, row.name) or 'unknown'}" for row in sheet.strata]
        if rates.note:
            lines.append(f"({rates.cohort}, {rates.source}) {rates.note}")
    return lines


def _lines(label: str, texts: Sequence[str]) -> list[str]:
    return ["", *(f"{label}: {text}" for text in texts)] if texts else []


def _doi(doi: str) -> str:
    return f"doi {doi}" if doi else "doi not known"


def _variant(result: ScoreResult) -> str:
    named = result.variant or ""
    return f"{named}: {result.variant_label}" if result.variant_label else named


def _total(result: ScoreResult) -> str:
    if result.points is not None:
        return f"{result.points:g} point{'' if result.points == 1 else 's'}"
    return f"{result.points_min:g} to {result.points_max:g} points"


def _met(item: ScoreItem) -> str:
    if item.met is None:
        return "unknown" if item.prob is None else f"unknown (prior p {share_text(item.prob)})"
    word = "yes" if item.met else "no"
    if item.prob is None or item.prob in (0.0, 1.0):
        return word
    return f"{word} (p {share_text(item.prob)})"


def _points(points: float | None) -> str:
    return "?" if points is None else f"{points:g}"


def _values(kind: FactKind) -> str:
    if kind.kind == "choice":
        return ", ".join(kind.choices)
    if kind.kind == "bool":
        return "true, false"
    low, high = (f"{end:g}" if math.isfinite(end) else "" for end in (kind.low, kind.high))
    return f"{low} to {high}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=position == 0)
    return table


def _drawn(table: Table) -> str:
    console = Console(width=_WIDTH, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
