"""The report in words: one dictionary of display strings, made once, for page and PDF."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any

from recanal.core.case import CaseReport
from recanal.errors import InputError
from recanal.report.display import Display, clean, words
from recanal.report.figures import figure_name
from recanal.report.model_lesion import lesion_model
from recanal.report.model_scores import Sources, scores_model, strategy_model
from recanal.report.palette import caption

__all__ = ["RESEARCH_USE", "lesion_pictures", "report_model"]

RESEARCH_USE = "Research use only"
_STANDING_LIMITS = (
    "CT shows neither flow nor the age of an occlusion, and collaterals only in part.",
    "CT made before the procedure cannot tell whether a wire runs inside or outside the true lumen.",
)
_MOST_ROWS = 8
_WORDS = {
    "footer": "Not for diagnosis or treatment. Automatic measurements unless a reader is named.",
    "no_lesion": "No lesion was analysed.",
    "typed_title": "Entered, or confirmed by a reader",
    "strips_title": "Along the vessel: straightened CPR at 0° and 90°, and areas",
    "strips_note": "Proximal on the left. Upper band: CT. Lower band: outer wall orange (dashed where not seen), "
    "lumen yellow, composition in the colours of the table. P and D: proximal and distal cap.",
    "sections_title": "Cross-sections, seen from the proximal end; below with borders and composition",
    "scores_title": "Published scores: each has its own endpoint, and rates of different endpoints do not compare",
    "strategy_title": "What published crossing algorithms would do (for information, not an instruction)",
}


def report_model(case: CaseReport) -> dict[str, Any]:
    """Everything the report says, as strings.

    Parameters
    ----------
    case
        The result.

    Returns
    -------
    model
        Nested lists and dictionaries of text. ``numbers`` maps the path of each shown number in ``case.json`` to the
        digits shown, so that file, page and PDF can be compared.

    Notes
    -----
    What is None in the case is said in words ("not measurable", "not assessed").
    """
    say = Display(case)
    sources = Sources()
    lesions = [lesion_model(case, index, say) for index in range(len(case.lesions))]
    scores = scores_model(case, sources)
    strategy = strategy_model(case, sources)
    sources.add_methods()
    vessels = list(dict.fromkeys(lesion["vessel"] for lesion in lesions))
    model = {
        "research_use": RESEARCH_USE,
        "title": "Coronary occlusion report" if _is_coronary(case) else "Arterial occlusion report",
        "vessel": ", ".join(vessels) or "no lesion",
        "header": _header(case, say),
        "quality": _quality(case, say),
        "lesions": lesions,
        "typed": _typed(case, say),
        "scores": scores,
        "strategy": strategy,
        "flags": list(case.quality.flags),
        "limits": _limits(case, lesions),
        "series": _series(case),
        "provenance": _provenance(case, say),
        "references": sources.entries(),
        **_WORDS,
        "numbers": dict(say.shown),
    }
    printable: dict[str, Any] = clean(model)
    return printable


def _is_coronary(case: CaseReport) -> bool:
    legs = ("aortoiliac", "femoropopliteal", "infrapopliteal")
    return not any((lesion.vessel or "").startswith(legs) for lesion in case.lesions)


def _header(case: CaseReport, say: Display) -> list[dict[str, str]]:
    voxel = "not stated"
    if all(case.input.spacing_mm):
        voxel = " × ".join(say.number(f"input.spacing_mm.{k}", decimals=2) for k in range(3)) + " mm"
    scanner = [say.word("input.manufacturer", missing=""), say.word("input.kernel", missing="")]
    scanner.append(say.number("input.kvp", decimals=0, unit="kV", missing=""))
    return [
        {"label": "Series", "value": case.input.description or "no description"},
        {"label": "Scanner", "value": ", ".join(part for part in scanner if part) or "not stated"},
        {"label": "Voxels", "value": voxel},
        {"label": "Phase", "value": say.number("input.phase_percent", decimals=0, unit="%", missing="not stated")},
        {"label": "Dominance", "value": say.word("tree.dominance", missing="not assessed")},
        {"label": "CT date", "value": "not available in the result"},
    ]


def _quality(case: CaseReport, say: Display) -> dict[str, Any]:
    usable = case.quality.usable
    parts = [
        f"noise {say.number('quality.noise_hu', decimals=0, unit='HU')}",
        f"blood pool {say.number('quality.aorta_hu', decimals=0, unit='HU')}",
        f"contrast-to-noise {say.number('quality.contrast_to_noise')}",
    ]
    if case.quality.psf_sigma_mm is not None:
        parts.append(f"blur (sigma) {say.number('quality.psf_sigma_mm', decimals=2, unit='mm')}")
    return {
        "usable": usable,
        "verdict": "usable" if usable else "do not trust this analysis",
        "line": "; ".join(parts),
    }


def _typed(case: CaseReport, say: Display) -> list[dict[str, str]]:
    """Facts that do not come from this CT, and those from it that a reader confirmed."""
    rows = []
    for name, fact in case.findings.facts.items():
        if fact.source == "ct" and not fact.confirmed_by:
            continue
        path = f"findings.{name}.value"
        if isinstance(fact.value, bool):
            text = say.truth(path)
        elif isinstance(fact.value, str):
            text = say.word(path)
        else:
            text = say.number(path, decimals=_decimals_of(name, fact.value), unit=_unit_of(name))
        source = "CT" if fact.source == "ct" else fact.source
        confirmed = f"{source}, confirmed by {fact.confirmed_by}" if fact.confirmed_by else source
        label = words(name)
        rows.append({"label": label[:1].upper() + label[1:], "value": text, "source": confirmed})
    return rows


def _decimals_of(name: str, value: float) -> int:
    if name.endswith("_ratio"):
        return 2
    return 0 if float(value).is_integer() else 1


def _unit_of(name: str) -> str:
    ends = {"_mm": "mm", "_deg": "°", "_hu": "HU", "_percent": "%", "_years": "years", "_months": "months"}
    ends |= {"_mm3": "mm³", "_ml_min": "ml/min"}
    return next((unit for end, unit in ends.items() if name.endswith(end)), "")


def _limits(case: CaseReport, lesions: list[dict[str, Any]]) -> list[str]:
    out = [
        f"{lesion['id']}, not measured: {', '.join(dict.fromkeys(lesion['unknown']))}."
        for lesion in lesions
        if lesion["unknown"]
    ]
    missing = dict.fromkeys(words(name) for score in case.scores for name in score.missing)
    if missing:
        out.append(f"Needed by the scores and not known: {', '.join(missing)}.")
    return [*out, *_STANDING_LIMITS]


def _series(case: CaseReport) -> dict[str, Any]:
    rejected = [{"what": row.description or row.series_uid, "why": row.why} for row in case.input.rejected]
    more = len(rejected) - _MOST_ROWS
    return {
        "chosen": "; ".join(case.input.why_chosen) or "the only series given",
        "rejected": rejected[:_MOST_ROWS],
        "more": f"and {more} more, listed in case.json" if more > 0 else "",
    }


def _provenance(case: CaseReport, say: Display) -> list[dict[str, str]]:
    origin = case.provenance
    parameters = ", ".join(f"{name} = {value}" for name, value in origin.parameters.items())
    rows = [
        ("Software", f"recanal {origin.version}, {origin.backend}, {case.schema}"),
        ("Made (UTC)", origin.created_utc or "not stated"),
        ("Series UID", case.input.series_uid or "none"),
        ("Input SHA-256", origin.input_sha256 or "not stated"),
        ("95 % intervals", origin.interval_method or "not stated"),
        ("Parameters", parameters[:300] + ("… (all in case.json)" if len(parameters) > 300 else "")),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _png_size(name: str, png: bytes) -> tuple[int, int]:
    if not png.startswith(b"\x89PNG\r\n\x1a\n") or len(png) < 24:
        raise InputError(f"{name} is not a PNG picture.", hint="Give the pictures that render_figures made.")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def lesion_pictures(lesion_id: str, figures: Mapping[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """The figures of one lesion by their place in the report: ``strips``, ``flats`` and ``sections``.

    Each entry holds the file name, its caption and its aspect ratio (width over height).

    Raises
    ------
    InputError
        When a figure is not a PNG picture.
    """
    pattern = re.escape(figure_name(lesion_id, "@")).replace("@", "(.+)")
    found = [(match.group(1), name) for name in figures if (match := re.fullmatch(pattern, name))]
    out: dict[str, list[dict[str, Any]]] = {"strips": [], "flats": [], "sections": []}
    for stem, name in found:
        width, height = _png_size(name, figures[name])
        place = "sections" if stem.startswith("cross_section_") else "flats"
        place = "strips" if stem.startswith(("straightened", "profile")) else place
        out[place].append({"file": name, "caption": caption(stem), "aspect": width / height})
    return out
