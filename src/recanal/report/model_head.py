"""What stands first in the report: what was read, whether to trust it, and what it cannot say."""

from __future__ import annotations

from typing import Any

from recanal.core.case import CaseReport
from recanal.report.display import Display, found_open
from recanal.report.flag_words import flag_sentence

__all__ = ["SYNTHETIC", "all_open", "header_model", "limits_model", "verdict_model"]

SYNTHETIC = "Synthetic data"
_SYNTHETIC_NOTE = "Synthetic data: a phantom that recanal drew. No patient, no scanner."
_STANDING_LIMITS = (
    "CT shows neither flow nor the age of an occlusion, and collaterals only in part.",
    "CT made before the procedure cannot tell whether a wire runs inside or outside the true lumen.",
)
_FLOW = "CT shows the lumen and not the flow."
_NO_SCORES = "scores were not computed, for they are made for occlusions."
_OPEN_LIMITS = (_FLOW, f"Only the vessel between the two points was looked at; {_NO_SCORES}")
_NOTHING_LIMITS = (_FLOW, _NO_SCORES.capitalize())


def all_open(case: CaseReport) -> bool:
    """Whether every lesion of a case is an open vessel; false without lesions."""
    return bool(case.lesions) and all(lesion.kind == "none" for lesion in case.lesions)


def header_model(case: CaseReport, say: Display) -> list[dict[str, str]]:
    """What was read, as label and value."""
    voxel = "not stated"
    if all(case.input.spacing_mm):
        voxel = " × ".join(say.number(f"input.spacing_mm.{k}", decimals=2) for k in range(3)) + " mm"
    scanner = [say.word("input.manufacturer", missing=""), say.word("input.kernel", missing="")]
    scanner.append(say.number("input.kvp", decimals=0, unit="kV", missing=""))
    dominance = say.word("tree.dominance", missing="")
    if dominance and case.tree.dominance_confidence is not None:
        dominance += f", confidence {say.chance('tree.dominance_confidence')}"
    rows = [
        ("Series", case.input.description or "no description"),
        ("Scanner", ", ".join(part for part in scanner if part) or "not stated"),
        ("Voxels", voxel),
        ("Phase", say.number("input.phase_percent", decimals=0, unit="%", missing="not stated")),
        ("Dominance", dominance),
        ("Series UID", case.input.series_uid or "none"),
        ("Analysed", case.provenance.created_utc[:10] or "not stated"),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def verdict_model(case: CaseReport, say: Display) -> dict[str, Any]:
    """Whether to trust the analysis, and the flags of the scan and of each lesion as sentences."""
    usable = case.quality.usable
    parts = [
        f"noise {say.number('quality.noise_hu', decimals=0, unit='HU')}",
        f"blood pool {say.number('quality.aorta_hu', decimals=0, unit='HU')}",
        f"contrast-to-noise {say.number('quality.contrast_to_noise')}",
    ]
    if case.quality.psf_sigma_mm is not None:
        parts.append(f"blur (sigma) {say.number('quality.psf_sigma_mm', decimals=2, unit='mm')}")
    told = dict.fromkeys((*case.quality.reasons, *case.quality.flags))
    flags = [{"of": "", "words": flag_sentence(flag)} for flag in told]
    flags += [
        {"of": lesion.id if len(case.lesions) > 1 else "", "words": flag_sentence(flag)}
        for lesion in case.lesions
        for flag in lesion.flags
    ]
    title = "What to know before using the numbers" if usable else "Why not, and what else to know"
    return {
        "usable": usable,
        "words": "Usable" if usable else "Do not trust this analysis",
        "line": "; ".join(parts),
        "title": title if flags else "",
        "flags": flags,
        "none": "" if flags else "No flag was raised.",
        "synthetic": _SYNTHETIC_NOTE if case.input.synthetic else "",
    }


def limits_model(case: CaseReport, lesions: list[dict[str, Any]]) -> list[str]:
    """What CT could not answer, as sentences."""
    named = len(lesions) > 1
    out = [
        f"{lesion['id'] + ', not' if named else 'Not'} measured: {', '.join(dict.fromkeys(lesion['unknown']))}."
        for lesion in lesions
        if lesion["unknown"]
    ]
    standing = _NOTHING_LIMITS if found_open(case) else _STANDING_LIMITS
    return [*out, *(_OPEN_LIMITS if all_open(case) else standing)]
