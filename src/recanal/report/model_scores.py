"""What the report says about scores, strategy and sources, in words."""

from __future__ import annotations

from typing import Any

from recanal.core.case import CaseReport
from recanal.core.score import ScoreResult
from recanal.report.display import words

__all__ = ["Sources", "scores_model", "strategy_model"]

_METHOD_SOURCES = (
    (
        "10.21037/qims-21-1050",
        "Xing H, et al. Quant Imaging Med Surg 2022;12:3625 (plaque components by attenuation)",
    ),
    ("10.1109/VISUAL.2002.1183754", "Kanitsar A, et al. IEEE Visualization 2002 (curved planar reformation)"),
)


class Sources:
    """The numbered list of references, in order of first mention."""

    def __init__(self) -> None:
        self._citation: dict[str, str] = {}

    def number(self, doi: str, citation: str = "") -> str:
        """The number of a source, such as ``"[2]"``; empty without a DOI."""
        if not doi:
            return ""
        known = self._citation.setdefault(doi, citation)
        if citation and not known:
            self._citation[doi] = citation
        return f"[{list(self._citation).index(doi) + 1}]"

    def add_methods(self) -> None:
        """Append what the pictures and the composition follow."""
        for doi, citation in _METHOD_SOURCES:
            self.number(doi, citation)

    def entries(self) -> list[dict[str, str]]:
        """Number, citation and DOI of each source."""
        rows = enumerate(self._citation.items(), start=1)
        return [{"number": f"[{k}]", "citation": text, "doi": doi} for k, (doi, text) in rows]


def scores_model(case: CaseReport, sources: Sources) -> list[dict[str, Any]]:
    """One row for each score; a rate never stands without its endpoint."""
    return [_score(score, sources) for score in case.scores]


def _score(score: ScoreResult, sources: Sources) -> dict[str, Any]:
    points = (
        f"{score.points:g}" if score.points is not None else _span(f"{score.points_min:g}", f"{score.points_max:g}")
    )
    return {
        "name": score.name,
        "variant": score.variant or "",
        "source": sources.number(score.doi, score.citation),
        "points": points,
        "stratum": _stratum(score),
        "probabilities": _probabilities(score),
        "outcome": _outcome(score),
        "missing": ", ".join(words(name) for name in score.missing) or "nothing",
        "complete": not score.missing,
        "trust": score.trust,
        "warnings": list(score.warnings),
    }


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _stratum(score: ScoreResult) -> str:
    if score.stratum is not None:
        return score.stratum
    if score.stratum_min is not None and score.stratum_max is not None:
        return _span(score.stratum_min, score.stratum_max)
    return "open: items missing" if score.missing else "none defined"


def _probabilities(score: ScoreResult) -> str:
    """The chance of each stratum given the measured intervals."""
    parts = [f"{name} {100 * share:.0f} %" for name, share in score.stratum_probabilities.items()]
    if not parts:
        return ""
    return "chance: " + ", ".join(parts) + (" (known items alone)" if score.missing else "")


def _outcome(score: ScoreResult) -> str:
    if score.printed_rate_text:
        named = score.endpoint in score.printed_rate_text
        return score.printed_rate_text if named else f"{score.endpoint}: {score.printed_rate_text}"
    if score.printed_rate is not None:
        return f"{score.endpoint}: {round(100 * score.printed_rate, 1):g} %"
    return f"{score.endpoint}: no single rate"


def strategy_model(case: CaseReport, sources: Sources) -> list[dict[str, Any]]:
    """The steps of each published algorithm with the reasons that fired."""
    return [
        {
            "algorithm": advice.algorithm,
            "steps": [
                {"do": step.do, "because": "; ".join(step.because), "source": sources.number(step.source)}
                for step in advice.steps
            ],
        }
        for advice in case.strategy
    ]
