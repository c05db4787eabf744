"""The report in words: one dictionary of display strings, made once; the PDF prints a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recanal.core.case import CaseReport
from recanal.report.display import Display, clean, found_open, nothing_found
from recanal.report.model_findings import findings_model, provenance_model, series_model, spoken_of
from recanal.report.model_head import SYNTHETIC, all_open, header_model, limits_model, verdict_model
from recanal.report.model_lesion import lesion_model
from recanal.report.model_scores import scores_model
from recanal.report.sections import SectionMaker, sections_model
from recanal.report.sources import Sources

__all__ = ["RESEARCH_USE", "report_model"]

RESEARCH_USE = "Research use only"
_LEGS = ("aortoiliac", "femoropopliteal", "infrapopliteal")
_WORDS = {
    "footer": "Not for diagnosis or treatment. Automatic measurements unless a reader is named.",
    "strips_title": "Along the vessel: straightened CPR at 0° and 90°, and areas",
    "limits_title": "What CT could not answer",
    "measured_title": "Measured on CT, with 95 % intervals in brackets",
    "scores_title": "Published scores",
    "scores_note": "Each table holds the rates of one endpoint; rates of different endpoints do not compare. Below "
    "each score: its items and their points, by where the fact comes from. Trust: how far the sheet was compared with "
    "its publication.",
    "checks_title": "How far each sheet was checked",
    "unknown_title": "Scores of which no item is known",
    "series_title": "Choice of series",
    "provenance_title": "Provenance",
    "references_title": "References",
}
_STRIPS = {
    True: {
        "sections_title": "Cross-sections, seen from the proximal end; below with borders",
        "strips_note": "Proximal on the left; millimetres from the proximal end of the traced vessel. Upper band: CT. "
        "Lower band: outer wall orange (dashed where not seen), lumen yellow.",
        "sections_note": "Millimetres: from the proximal end of the traced vessel. Letters: where the edge lies in the "
        "patient (A, P, L, R, H head, F foot).",
    },
    False: {
        "sections_title": "Cross-sections, seen from the proximal end; below with borders and composition",
        "strips_note": "Proximal on the left. Upper band: CT. Lower band: outer wall orange (dashed where not seen), "
        "lumen yellow, composition in the colours of the table. P and D in blue: proximal and distal cap.",
        "sections_note": "Millimetres: along the vessel from the proximal cap. Letters at the edges: where they lie in "
        "the patient (A, P, L, R, H head, F foot).",
    },
}


def report_model(case: CaseReport, more: Sequence[SectionMaker] = ()) -> dict[str, Any]:
    """Everything the report says, as strings.

    Parameters
    ----------
    case, more
        The result, and makers of sections from rooms above.

    Returns
    -------
    model
        Nested lists and dictionaries of text, in the order of the page. ``numbers`` maps the path of each shown number
        in ``case.json`` to the digits shown, so that file, page and PDF can be compared.

    Notes
    -----
    What is None in the case is said in words ("not measurable", "not assessed").
    """
    say = Display(case)
    sources = Sources()
    about = spoken_of(case)
    lesions = [lesion_model(case, index, say, about=about) for index in range(len(case.lesions))]
    scores = scores_model(case, sources)
    sections = sections_model(case, say, sources, more)
    nothing = found_open(case)
    sources.add_methods(plaque=any(x.plaque for x in case.lesions), curved=bool(case.lesions) or bool(case.stenosis))
    vessels = list(dict.fromkeys(lesion["vessel"] for lesion in lesions))
    synthetic = [SYNTHETIC] if case.input.synthetic else []
    model = {
        "research_use": RESEARCH_USE,
        "mark": " · ".join([RESEARCH_USE, *synthetic]),
        "title": _title(case),
        "vessel": ", ".join(vessels) or ("no occlusion found" if nothing else "no lesion"),
        "header": header_model(case, say),
        "verdict": verdict_model(case, say),
        "limits": limits_model(case, lesions),
        "lesions": lesions,
        "sections": sections,
        "scores": scores,
        "findings": findings_model(case),
        "series": series_model(case),
        "provenance": provenance_model(case),
        "references": sources.entries(),
        **_WORDS,
        "no_lesion": nothing_found(case),
        **_STRIPS[all_open(case)],
        "numbers": dict(say.shown),
    }
    return dict(clean(model))


def _title(case: CaseReport) -> str:
    place = "Arterial" if any((lesion.vessel or "").startswith(_LEGS) for lesion in case.lesions) else "Coronary"
    if all_open(case):
        return f"{place} vessel report, no occlusion found"
    return f"{place} {'vessel' if found_open(case) else 'occlusion'} report"
