"""The facts that scores and plans read, with their source; and where the analysis came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from recanal.core.case import CaseReport, as_json
from recanal.report.finding_words import finding_label, finding_text, finding_unit, source_text
from recanal.report.flag_words import without_rules

__all__ = ["findings_model", "provenance_model", "series_model", "spoken_of"]

_MOST_ROWS = 8
_MOST_LETTERS = 400


def spoken_of(case: CaseReport) -> str | None:
    """The lesion that the findings of a case speak of; None where several might and nothing says which."""
    if case.findings_of is not None:
        return case.findings_of
    return case.lesions[0].id if len(case.lesions) == 1 else None


def findings_model(case: CaseReport) -> dict[str, Any]:
    """The facts, those that a person gave or confirmed first.

    Returns
    -------
    model
        ``title``, ``about`` (which lesion, where there are several) and ``rows``.
    """
    ordered = sorted(case.findings.facts.items(), key=lambda row: row[1].source == "ct" and not row[1].confirmed_by)
    rows = [
        {"label": finding_label(name), "value": finding_text(name, fact), "source": source_text(fact)}
        for name, fact in ordered
    ]
    return {"title": "Findings that the scores and the plan read", "about": _about(case), "rows": rows}


def _about(case: CaseReport) -> str:
    if len(case.lesions) < 2:
        return ""
    about = spoken_of(case)
    if about is None:
        return "Which of the lesions these findings speak of is not stated."
    return f"Findings, scores and plan speak of {about}, the longest of {len(case.lesions)} lesions."


def series_model(case: CaseReport) -> dict[str, Any]:
    """Why this series, and why not the others."""
    rejected = [
        {"what": row.description or row.series_uid or "a series without a name", "why": without_rules(row.why)}
        for row in case.input.rejected
    ]
    more = len(rejected) - _MOST_ROWS
    return {
        "chosen": "; ".join(case.input.why_chosen) or "the only series given",
        "rejected": rejected[:_MOST_ROWS],
        "more": f"and {more} more, listed in case.json" if more > 0 else "",
    }


def provenance_model(case: CaseReport) -> list[dict[str, str]]:
    """Software, time, input and options, as label and value.

    The parameters' SHA-256 is that of ``provenance.parameters`` of ``case.json`` as compact JSON with sorted keys.
    """
    origin = case.provenance
    parameters = "; ".join(_parameter(name, value) for name, value in origin.parameters.items() if value is not None)
    more = "… (all in case.json)" if len(parameters) > _MOST_LETTERS else ""
    rows = [
        ("Software", f"recanal {origin.version}, {origin.backend}, {case.schema}"),
        ("Made (UTC)", origin.created_utc or "not stated"),
        ("Series UID", case.input.series_uid or "none"),
        ("Input SHA-256", origin.input_sha256 or "not stated"),
        ("Parameters SHA-256", hashlib.sha256(_compact(origin.parameters).encode("utf-8")).hexdigest()),
        ("95 % intervals", origin.interval_method or "not stated"),
        ("Options", parameters[:_MOST_LETTERS] + more),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _compact(parameters: Mapping[str, Any]) -> str:
    return json.dumps(as_json(parameters), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _parameter(name: str, value: object) -> str:
    unit = finding_unit(name)
    label = name.removesuffix("_mm").removesuffix("_hu").removesuffix("_deg").replace("_", " ")
    if isinstance(value, tuple | list):
        value = ", ".join(str(part) for part in value)
    where = " point" if name in ("proximal_mm", "distal_mm") else ""
    return f"{label}{where} {value}{' ' if unit else ''}{unit}"
