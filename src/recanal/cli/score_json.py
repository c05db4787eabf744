"""Scores, classifications and their sheets as JSON."""

from __future__ import annotations

from typing import Any

from recanal.core.case import as_json
from recanal.core.score import ClassResult, ScoreResult
from recanal.rules.form import plain_form
from recanal.scores import ClassSheet, Sheet

__all__ = ["class_json", "result_json", "sheet_json"]

_BRIEF = (
    "id",
    "kind",
    "name",
    "endpoint",
    "predicts",
    "points_range",
    "classes",
    "variants",
    "default_variant",
    "modality",
    "territory",
    "vessels",
    "trust",
    "trust_note",
    "citation",
    "doi",
)


def sheet_json(sheet: Sheet | ClassSheet, *, full: bool = True) -> dict[str, Any]:
    """A sheet of points or of classes: all of it, or what a list needs.

    Parameters
    ----------
    sheet
        The sheet; ``kind`` says ``"points"`` or ``"classes"``.
    full
        Whether items, axes, rates, sources and caveats are given as well; conditions stand as in a TOML file.
    """
    form: dict[str, Any] = {"kind": "points" if isinstance(sheet, Sheet) else "classes", **plain_form(sheet)}
    form["doi"] = sheet.doi or None
    if isinstance(sheet, ClassSheet):
        form["classes"] = [row.name for row in sheet.axis(sheet.result).classes]
    elif not full:
        form["variants"] = [row.name for row in sheet.variants]
    return form if full else {key: form[key] for key in _BRIEF if key in form}


def class_json(result: ClassResult) -> Any:
    """A classification under the keys of a score as well: it has no points, so those are null."""
    nothing = dict.fromkeys(("points", "points_min", "points_max", "stratum", "printed_rate"))
    return {**as_json(result), "doi": result.doi or None, **nothing, "items": []}


def result_json(result: ScoreResult) -> Any:
    """A score with whole points as whole numbers."""
    shown = as_json(result)
    shown["doi"] = result.doi or None
    for field in ("points", "points_min", "points_max"):
        shown[field] = _tidy(shown[field])
    for item in shown["items"]:
        item["points"], item["points_if_met"] = _tidy(item["points"]), _tidy(item["points_if_met"])
    return shown


def _tidy(points: float | None) -> float | int | None:
    """Whole points without a decimal point."""
    return int(points) if points is not None and float(points).is_integer() else points
