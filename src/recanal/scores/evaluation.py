"""From findings to the result of a published score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recanal.core.findings import Findings
from recanal.core.score import ScoreItem, ScoreResult
from recanal.scores.catalogue import load_sheet, sheet_ids
from recanal.scores.consistency import check_consistent
from recanal.scores.logic import Outcome, World, answer, outcome, stated_world
from recanal.scores.rates import primary_rates, rate_text
from recanal.scores.sheet import Rule, Sheet, conditions_of
from recanal.scores.uncertainty import total_distribution

__all__ = ["evaluate", "evaluate_all"]

_FOREIGN: Mapping[str, tuple[str, str]] = {
    "angiogram": ("ct", "CT-derived values used in an angiographic score"),
    "ct": ("angiogram", "Angiographic values used in a CT score"),
}
_LEG_VESSELS = ("aortoiliac", "femoropopliteal", "infrapopliteal")


@dataclass(frozen=True)
class _Judged:
    """One item with its rule and its outcome on the stated values."""

    name: str
    rule: Rule
    outcome: Outcome


def evaluate(sheet: Sheet | str, findings: Findings, *, variant: str | None = None) -> ScoreResult:
    """What one published score says about a lesion.

    Parameters
    ----------
    sheet
        A sheet, or the id of a shipped one.
    findings
        The facts; what is absent is not known.
    variant
        One of the sheet's variants; its default when None.

    Returns
    -------
    ScoreResult
        ``points`` rests on the stated values, and is None while an unknown item could change it;
        ``points_min`` and ``points_max`` always hold. ``stratum_probabilities`` takes the 95 % intervals
        and probabilities of the facts into account; it is empty unless every item is known, because
        nothing says how likely an unknown item is. ``stratum_min`` and ``stratum_max`` are the strata
        of the bounds.

    Raises
    ------
    FindingsError
        When two findings contradict each other.
    OptionError
        When the sheet has no such variant.
    SheetError
        When no shipped sheet has that id.

    Notes
    -----
    Unknown facts follow Kleene's three-valued logic. Intervals follow
    :mod:`recanal.scores.uncertainty`.

    Examples
    --------
    >>> facts = Findings.from_mapping({"length_mm": 22.0, "bend_max_deg": 30.0, "calcification_any": True})
    >>> result = evaluate("j_cto", facts)
    >>> result.points, result.points_min, result.points_max, result.missing
    (None, 2.0, 4.0, ('proximal_cap_shape', 'prior_failed_attempt'))
    """
    sheet = load_sheet(sheet) if isinstance(sheet, str) else sheet
    chosen = sheet.variant_named(variant)
    name = None if chosen is None else chosen.name
    check_consistent(findings)
    world = stated_world(findings)
    judged = [_judge(item.name, item.rule_for(name), world) for item in sheet.items]
    low = math.fsum(min(row.outcome.possible) for row in judged)
    high = math.fsum(max(row.outcome.possible) for row in judged)
    bounds = sheet.stratum_of(low), sheet.stratum_of(high)
    stratum = bounds[0] if bounds[0] == bounds[1] else None
    rates = primary_rates(sheet, name)
    rate = None if rates is None or stratum is None else rates.of(stratum)
    return ScoreResult(
        sheet=sheet.id,
        name=sheet.name,
        endpoint=sheet.endpoint,
        points=low if low == high else None,
        points_min=low,
        points_max=high,
        missing=_missing(judged, world),
        stratum=stratum,
        printed_rate=None if rate is None else rate.rate,
        stratum_probabilities=_stratum_probabilities(sheet, judged, findings),
        items=tuple(_item(row, findings) for row in judged),
        trust=sheet.trust,
        doi=sheet.doi if chosen is None or not chosen.doi else chosen.doi,
        citation=sheet.citation if chosen is None or not chosen.citation else chosen.citation,
        variant=name,
        stratum_min=bounds[0],
        stratum_max=bounds[1],
        printed_rate_text="" if rates is None or stratum is None else rate_text(rates, stratum),
        warnings=_warnings(sheet, judged, findings, world),
    )


def evaluate_all(findings: Findings) -> tuple[ScoreResult, ...]:
    """Every shipped score that fits the territory of the vessel, in its default variant.

    Parameters
    ----------
    findings
        The facts; a vessel of the leg leaves out the coronary scores, and the reverse.
    """
    sheets = [load_sheet(sheet_id) for sheet_id in sheet_ids()]
    return tuple(evaluate(sheet, findings) for sheet in sheets if not _wrong_territory(sheet, findings))


def _wrong_territory(sheet: Sheet, findings: Findings) -> bool:
    vessel = findings.value("vessel")
    if vessel is None or sheet.territory == "any":
        return False
    return (vessel in _LEG_VESSELS) is not (sheet.territory == "leg")


def _judge(name: str, rule: Rule, world: World) -> _Judged:
    return _Judged(name, rule, outcome(rule, world))


def _missing(judged: Sequence[_Judged], world: World) -> tuple[str, ...]:
    """What to ask for: the sheet's own choice, else every finding of an unknown item that is itself open."""
    names: dict[str, None] = {}
    for row in judged:
        if row.outcome.points is None:
            tests = tuple(conditions_of(row.rule))
            unsettled = [test.finding for test in tests if answer(test, world).truth is None]
            names.update(dict.fromkeys(row.rule.ask or unsettled))
    return tuple(names)


def _item(row: _Judged, findings: Findings) -> ScoreItem:
    known = row.outcome.points is not None
    spread = total_distribution([row.rule], findings) if known else None
    used = row.outcome.used
    levels = [level.points for level in row.rule.levels]
    return ScoreItem(
        name=row.name,
        points=row.outcome.points,
        met=row.outcome.met,
        prob=None if spread is None else math.fsum(share for points, share in spread.items() if points != 0),
        source=findings.facts[used[0]].source if known and used else None,
        definition=row.rule.definition,
        findings=tuple(dict.fromkeys(test.finding for test in conditions_of(row.rule))),
        points_if_met=max(levels, key=abs),
    )


def _stratum_probabilities(sheet: Sheet, judged: Sequence[_Judged], findings: Findings) -> Mapping[str, float]:
    if not sheet.strata or any(row.outcome.points is None for row in judged):
        return {}
    spread = total_distribution([row.rule for row in judged], findings)
    if spread is None:
        return {}
    return {
        stratum.name: math.fsum(share for points, share in spread.items() if stratum.holds(points))
        for stratum in sheet.strata
    }


def _warnings(sheet: Sheet, judged: Sequence[_Judged], findings: Findings, world: World) -> tuple[str, ...]:
    out = []
    if sheet.trust != "read in the source":
        out.append(f"Sheet {sheet.trust}: {sheet.trust_note}")
    if _wrong_territory(sheet, findings):
        out.append(f"A {sheet.territory} score, but the vessel is {findings.value('vessel')}.")
    out += _foreign_modality(sheet, judged, findings)
    out += [limit.warning for limit in sheet.limits if answer(limit.test, world).truth is True]
    return tuple(out)


def _foreign_modality(sheet: Sheet, judged: Sequence[_Judged], findings: Findings) -> list[str]:
    other, text = _FOREIGN.get(sheet.modality, ("", ""))
    names = [row.name for row in judged if any(findings.facts[name].source == other for name in row.outcome.used)]
    return [f"{text}: {', '.join(names)}."] if names else []
