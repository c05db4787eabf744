"""From findings to the result of a published score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recanal.core.findings import Findings
from recanal.core.score import ScoreItem, ScoreResult
from recanal.rules.cautions import cautions_on
from recanal.scores.catalogue import load_sheet, sheet_ids
from recanal.scores.consistency import check_consistent
from recanal.scores.logic import Outcome, World, answer, outcome, stated_world
from recanal.scores.priors import PriorLike, Priors, check_priors
from recanal.scores.rates import primary_rates, rate_text
from recanal.scores.sheet import Rule, Sheet, Variant, conditions_of
from recanal.scores.uncertainty import priors_read, total_distribution

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


def evaluate(
    sheet: Sheet | str,
    findings: Findings,
    *,
    variant: str | None = None,
    priors: Mapping[str, PriorLike] | None = None,
) -> ScoreResult:
    """What one published score says about a lesion.

    Parameters
    ----------
    sheet
        A sheet, or the id of a shipped one.
    findings
        The facts; what is absent is not known.
    variant
        One of the sheet's variants; its default when None.
    priors
        How likely unknown facts are: a probability of being true, or for a choice a probability for each word.
        They serve ``stratum_probabilities`` and the ``prob`` of items alone; the result names those it used.

    Returns
    -------
    ScoreResult
        ``points`` rests on the stated values, and is None while an unknown item could change it;
        ``points_min`` and ``points_max`` always hold. ``stratum_probabilities`` takes the 95 % intervals
        and probabilities of the facts into account; it is empty unless every item is known or has a prior,
        because nothing else says how likely an unknown item is. ``stratum_min`` and ``stratum_max`` are the strata
        of the bounds.

    Raises
    ------
    FindingsError
        When two findings, or a finding and a prior, contradict each other.
    OptionError
        When the sheet has no such variant, or a prior cannot be (see :func:`recanal.scores.priors.check_priors`).
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
    assumed = check_priors(priors or {}, findings)
    world = stated_world(findings)
    judged = [_judge(item.name, item.rule_for(name), world) for item in sheet.items]
    return _result(sheet, chosen, judged=judged, findings=findings, world=world, priors=assumed)


def _result(
    sheet: Sheet,
    chosen: Variant | None,
    *,
    judged: Sequence[_Judged],
    findings: Findings,
    world: World,
    priors: Priors,
) -> ScoreResult:
    name = None if chosen is None else chosen.name
    low = math.fsum(min(row.outcome.possible) for row in judged)
    high = math.fsum(max(row.outcome.possible) for row in judged)
    bounds = sheet.stratum_of(low), sheet.stratum_of(high)
    stratum = bounds[0] if bounds[0] == bounds[1] else None
    rate, shown_rate = _printed_rate(sheet, name, stratum)
    return ScoreResult(
        sheet=sheet.id,
        name=sheet.name,
        endpoint=sheet.endpoint,
        points=low if low == high else None,
        points_min=low,
        points_max=high,
        missing=_missing(judged, world),
        stratum=stratum,
        printed_rate=rate,
        stratum_probabilities=_stratum_probabilities(sheet, judged, findings, priors),
        items=tuple(_item(row, findings, priors) for row in judged),
        trust=sheet.trust,
        doi=sheet.doi if chosen is None or not chosen.doi else chosen.doi,
        citation=sheet.citation if chosen is None or not chosen.citation else chosen.citation,
        variant=name,
        stratum_min=bounds[0],
        stratum_max=bounds[1],
        printed_rate_text=shown_rate,
        warnings=(*_warnings(sheet, judged, findings, world), *_prior_warnings(judged, findings, priors)),
        modality=sheet.modality,
        predicts=sheet.predicts,
        variant_label="" if chosen is None else chosen.label,
        priors=_priors_used(judged, findings, priors),
    )


def _printed_rate(sheet: Sheet, variant: str | None, stratum: str | None) -> tuple[float | None, str]:
    """The rate of a stratum and its text; None and empty where it was not printed or could not be read."""
    rates = primary_rates(sheet, variant)
    if rates is None or stratum is None:
        return None, ""
    rate = rates.of(stratum)
    return (None if rate is None else rate.rate), rate_text(rates, stratum)


def evaluate_all(findings: Findings, *, priors: Mapping[str, PriorLike] | None = None) -> tuple[ScoreResult, ...]:
    """Every shipped score that fits the territory of the vessel, in its default variant.

    Parameters
    ----------
    findings
        The facts; a vessel of the leg leaves out the coronary scores, and the reverse.
    priors
        As in :func:`evaluate`.
    """
    sheets = [load_sheet(sheet_id) for sheet_id in sheet_ids()]
    return tuple(evaluate(sheet, findings, priors=priors) for sheet in sheets if not _wrong_territory(sheet, findings))


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


def _item(row: _Judged, findings: Findings, priors: Priors) -> ScoreItem:
    known = row.outcome.points is not None
    spread = total_distribution([row.rule], findings, priors=priors) if known or priors else None
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
        label=row.rule.label,
    )


def _stratum_probabilities(
    sheet: Sheet, judged: Sequence[_Judged], findings: Findings, priors: Priors
) -> Mapping[str, float]:
    if not sheet.strata or not (priors or all(row.outcome.points is not None for row in judged)):
        return {}
    spread = total_distribution([row.rule for row in judged], findings, priors=priors)
    if spread is None:
        return {}
    return {
        stratum.name: math.fsum(share for points, share in spread.items() if stratum.holds(points))
        for stratum in sheet.strata
    }


def _priors_used(judged: Sequence[_Judged], findings: Findings, priors: Priors) -> Mapping[str, Mapping[str, float]]:
    names = dict.fromkeys(name for row in judged for name in priors_read(row.rule, findings, priors))
    return {name: {str(value).lower(): share for value, share in priors[name]} for name in names}


def _prior_warnings(judged: Sequence[_Judged], findings: Findings, priors: Priors) -> tuple[str, ...]:
    used = _priors_used(judged, findings, priors)
    if not used:
        return ()
    shown = [f"{name.replace('_', ' ')} {_prior_text(shares)}" for name, shares in used.items()]
    out = [f"Stated priors for unknown facts, not observations: {'; '.join(shown)}."]
    if total_distribution([row.rule for row in judged], findings, priors=priors) is None:
        out.append("The priors leave items unknown, so there are no probabilities of strata.")
    return tuple(out)


def _prior_text(shares: Mapping[str, float]) -> str:
    if set(shares) == {"true", "false"}:
        return f"{shares['true']:g}"
    return ", ".join(f"{word.replace('_', ' ')} {share:g}" for word, share in shares.items())


def _warnings(sheet: Sheet, judged: Sequence[_Judged], findings: Findings, world: World) -> tuple[str, ...]:
    out = []
    if sheet.trust != "read in the source":
        out.append(f"Sheet {sheet.trust}: {sheet.trust_note}")
    if _wrong_territory(sheet, findings):
        out.append(f"A {sheet.territory} score, but the vessel is {findings.value('vessel')}.")
    out += _foreign_modality(sheet, judged, findings)
    out += [limit.warning for limit in sheet.limits if answer(limit.test, world).truth is True]
    serves = "tally" if sheet.predicts == "description" else "score"
    own = [limit.test for limit in sheet.limits]
    return (*out, *cautions_on(world, serves=serves, territory=sheet.territory, own=own))


def _foreign_modality(sheet: Sheet, judged: Sequence[_Judged], findings: Findings) -> list[str]:
    other, text = _FOREIGN.get(sheet.modality, ("", ""))
    names = [row.rule.label for row in judged if any(findings.facts[name].source == other for name in row.outcome.used)]
    return [f"{text}: {', '.join(names)}."] if names else []
