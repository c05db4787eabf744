"""What the report says about scores, in words: in groups, and never two endpoints in one table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from recanal.core.case import CaseReport
from recanal.core.score import ScoreItem, ScoreResult
from recanal.report.finding_words import finding_label, item_label, likely_text, signs, variant_label
from recanal.report.sources import Sources, without_doi
from recanal.rules.chance import SURE_SHARE, chance_text

__all__ = ["missing_findings", "score_row", "scores_model"]

_GROUPS = {
    "ct": "Difficulty, scores made for CT",
    "angiogram": "Difficulty, scores made for the angiogram",
    "outcome": "Complications",
    "other": "Classes and other scores",
}
_FOREIGN_RATE = re.compile(r"([\d.]+ %(?: \(\d+/\d+[^()]*\))?) ([A-Za-z][^()]*)")
_FOREIGN_FACTS = ("CT-derived values used in an angiographic score", "Angiographic values used in a CT score")
_FOREIGN_NOTE = {
    "ct": "Made for facts from CT; those from an angiogram or entered by a person are marked so.",
    "angiogram": "Made for facts from an angiogram; those marked CT may differ from what it would show.",
}
_ORIGINS = {"ct": "CT", "angiogram": "Angiogram", "typed": "Entered", None: "Not known"}
_LEAST_SHARE = 0.005


def scores_model(case: CaseReport, sources: Sources) -> dict[str, Any]:
    """The scores in groups, each group in tables of one endpoint; those of which nothing is known apart.

    Returns
    -------
    model
        ``groups``: title and ``tables``, each with its ``endpoint`` and ``rows``; ``unknown``: the scores of which no
        item is known; ``checks``: how far each sheet was compared with its publication.
    """
    known = [score for score in case.scores if not _nothing_known(score)]
    unknown = [score for score in case.scores if _nothing_known(score)]
    groups = []
    for key, title in _GROUPS.items():
        scores = [score for score in known if _group(score) == key]
        if scores:
            foreign = any(words.startswith(_FOREIGN_FACTS) for score in scores for words in score.warnings)
            note = _FOREIGN_NOTE.get(key, _FOREIGN_NOTE["angiogram"]) if foreign else ""
            groups.append({"key": key, "title": title, "note": note, "tables": _tables(scores, sources)})
    missing = missing_findings(case)
    return {
        "groups": groups,
        "missing": f"Needed and not known: {', '.join(missing)}." if missing else "",
        "unknown": [_unknown_row(score, sources) for score in unknown],
        "unknown_names": [score.name for score in unknown],
        "unknown_line": ", ".join(score.name for score in unknown),
        "checks": [{"name": s.name, "words": words} for s in known for words in s.warnings if _is_trust_note(s, words)],
        "count": len(case.scores),
    }


def missing_findings(case: CaseReport) -> list[str]:
    """What the scores shown with points would need to be complete, in words."""
    known = (score for score in case.scores if not _nothing_known(score))
    return list(dict.fromkeys(_inside(finding_label(name)) for score in known for name in score.missing))


def score_row(score: ScoreResult, sources: Sources) -> dict[str, Any]:
    """One score in words; its rate stands in a table that its endpoint heads."""
    warnings = [
        signs(words)
        for words in score.warnings
        if not _is_trust_note(score, words) and not words.startswith(_FOREIGN_FACTS)
    ]
    return {
        "name": score.name,
        "variant": signs(score.variant_label or (variant_label(score.variant) if score.variant else "")),
        "source": sources.number(score.doi, score.citation),
        "points": _points(score),
        "stratum": _stratum(score),
        "decided": score.stratum is not None,
        "chances": _chances(score),
        "endpoint": signs(_endpoint_and_rate(score)[0]),
        "rate": _rate(score, sources),
        "short_rate": _rate(score, None),
        "items": _items(score),
        "trust": score.trust,
        "trusted": score.trust != "not verified",
        "warnings": warnings,
    }


def _nothing_known(score: ScoreResult) -> bool:
    return bool(score.items) and all(item.points is None for item in score.items)


def _group(score: ScoreResult) -> str:
    if score.predicts == "complication":
        return "outcome"
    if not score.endpoint:
        return "other"
    return "ct" if score.modality == "ct" or "ct" in score.sheet.split("_") else "angiogram"


def _tables(scores: Sequence[ScoreResult], sources: Sources) -> list[dict[str, Any]]:
    """One table for each endpoint of which a rate is shown; then, without a column of rates, the other scores."""
    rated: dict[str, list[dict[str, Any]]] = {}
    others = []
    for score in scores:
        row = score_row(score, sources)
        if row["rate"]:
            rated.setdefault(row["endpoint"], []).append({**row, "fourth": row["rate"]})
        else:
            others.append({**row, "fourth": row["endpoint"]})
    tables = [
        {"first": "Endpoint:", "endpoint": endpoint, "fourth": "Its published rate", "rows": rows}
        for endpoint, rows in rated.items()
    ]
    left = {"first": "No single published rate", "endpoint": "", "fourth": "Endpoint", "rows": others}
    return [*tables, *([left] if others else [])]


def _endpoint_and_rate(score: ScoreResult) -> tuple[str, str]:
    """The endpoint that heads the column of the rate, and the printed rate without it.

    A sheet may print the rate of another endpoint than its own; that one is taken then.
    """
    text = score.printed_rate_text
    if f" {score.endpoint}" in text:
        return score.endpoint, text.replace(f" {score.endpoint}", "", 1)
    foreign = _FOREIGN_RATE.match(text)
    if foreign:
        return foreign[2].strip(), f"{foreign[1]} {text[foreign.end() :]}"
    return score.endpoint, text


def _rate(score: ScoreResult, sources: Sources | None) -> str:
    """The published rate with the number of its source, or without DOI and number; empty where there is no one rate."""
    rate = _endpoint_and_rate(score)[1]
    if rate:
        return signs(sources.numbered(rate) if sources is not None else without_doi(rate))
    if score.printed_rate is not None:
        return f"{round(100 * score.printed_rate, 1):g} %"
    return ""


def _points(score: ScoreResult) -> str:
    if score.points is not None:
        return _signed(score.points)
    low, high = _signed(score.points_min), _signed(score.points_max)
    return low if low == high else f"{low} to {high}"


def _stratum(score: ScoreResult) -> str:
    if score.stratum is not None:
        return signs(score.stratum)
    if score.stratum_min is not None and score.stratum_max is not None:
        ends = [f"“{signs(end)}”" if re.search(r"\d", end) else end for end in (score.stratum_min, score.stratum_max)]
        return f"undecided, from {ends[0]} to {ends[1]}"
    return "open" if score.missing else "none defined"


def _chances(score: ScoreResult) -> str:
    """The chance of each stratum given the measured intervals; those under half a percent are left out."""
    shares = score.stratum_probabilities
    if not shares:
        return ""
    if max(shares.values()) >= SURE_SHARE:
        return "the same all over the measured intervals" if score.points is not None else ""
    parts = [f"{signs(name)} {chance_text(share)}" for name, share in shares.items() if share >= _LEAST_SHARE]
    by = "by the measured intervals" + (" and the stated priors" if score.priors else "")
    return f"{by}: {', '.join(parts)}"


def _items(score: ScoreResult) -> list[dict[str, Any]]:
    """The items by where their facts come from, the unknown ones last; without items, what is missing."""
    rows = []
    for origin, title in _ORIGINS.items():
        items = [item for item in score.items if (item.source if item.points is not None else None) == origin]
        known = [_item(item) for item in items if item.points is not None]
        open_items = [_item(item) for item in items if item.points is None]
        if known:
            rows.append({"origin": title if origin else "No fact needed", "known": True, "words": ", ".join(known)})
        if open_items:
            rows.append({"origin": title, "known": False, "words": ", ".join(open_items)})
    if not score.items and score.missing:
        missing = ", ".join(_inside(finding_label(name)) for name in score.missing)
        rows.append({"origin": _ORIGINS[None], "known": False, "words": missing})
    return rows


def _item(item: ScoreItem) -> str:
    label = signs(item.label or item_label(item.name, item.findings))
    if item.points is None:
        return label.removeprefix("no ").removeprefix("not ").removesuffix(" or unknown")
    share = item.prob if item.points or item.prob is None else 1 - item.prob
    return f"{label}: {_signed(item.points)}{likely_text(share)}"


def _signed(points: float) -> str:
    return f"{points:g}".replace("-", "−")


def _unknown_row(score: ScoreResult, sources: Sources) -> dict[str, str]:
    return {
        "name": score.name,
        "source": sources.number(score.doi, score.citation),
        "endpoint": signs(score.endpoint),
        "range": f"{_signed(score.points_min)} to {_signed(score.points_max)}",
        "missing": ", ".join(_inside(finding_label(name)) for name in score.missing),
    }


def _is_trust_note(score: ScoreResult, words: str) -> bool:
    return words.startswith(f"Sheet {score.trust}")


def _inside(label: str) -> str:
    """A label within a sentence."""
    proper = label[1:2].isupper() or label.startswith(("Rentrop", "Werner", "Agatston"))
    return label if proper else label[:1].lower() + label[1:]
