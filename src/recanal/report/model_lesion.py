"""What the report says about one lesion, in words."""

from __future__ import annotations

import math
from typing import Any

from recanal.core.case import COMPONENTS, CaseReport, Lesion
from recanal.report.display import NOT_ASSESSED, NOT_MEASURABLE, Display
from recanal.report.finding_words import finding_label, likely_text
from recanal.report.palette import COMPONENT_COLOURS, COMPONENT_NAMES, bin_text, hex_colour

__all__ = ["collateral_group", "lesion_model", "severe_text"]

Group = dict[str, Any]
_SEVERE_SHARE = 0.5
_NOT_ON_CT = "not measurable on CT; from the angiogram"


def lesion_model(case: CaseReport, index: int, say: Display, *, about: str | None) -> dict[str, Any]:
    """Strings for lesion number ``index`` (from 0): heading, measurements 1 to 6, composition.

    ``about`` is the id of the lesion that the findings of the case speak of.
    """
    lesion = case.lesions[index]
    at = f"lesions.{index}"
    vessel = lesion.vessel or "Vessel not named"
    segments = ", ".join(str(number) for number in lesion.segments)
    where = f"{vessel}, SCCT segment{'s' if len(lesion.segments) > 1 else ''} {segments}" if segments else vessel
    groups = _open_groups(at, say) if lesion.kind == "none" else _groups(at, say)
    if lesion.kind != "none":
        groups.append(collateral_group(say, known=lesion.id == about))
    return {
        "id": lesion.id,
        "kind": lesion.kind,
        "where": where,
        "vessel": vessel,
        "summary": _summary(lesion, at, say),
        "groups": [{"number": str(k), **group} for k, group in enumerate(groups, start=1)],
        "composition": _composition(lesion, at, say),
        "unknown": _unknown(lesion, groups),
    }


def _unknown(lesion: Lesion, groups: list[Group]) -> list[str]:
    """Names of what was not measured, for the list of open questions."""
    names = [row["name"] for group in groups for row in group["rows"] if row["unknown"]]
    if lesion.kind != "none":
        names += [name for name, value in (("ostial", lesion.ostial), ("in a stent", lesion.in_stent)) if value is None]
    return names


def _summary(lesion: Lesion, at: str, say: Display) -> str:
    if lesion.kind == "none":
        narrow = say.number(f"{at}.narrowest_diameter_mm", unit="mm")
        smallest = "" if narrow == NOT_MEASURABLE else f"; smallest lumen diameter {narrow}"
        return f"No occlusion found between the two points{smallest}"
    marks = [
        f"{label}: {say.truth(f'{at}.{key}')}"
        for key, label, value in (("ostial", "ostial", lesion.ostial), ("in_stent", "in a stent", lesion.in_stent))
        if value is not None
    ]
    length = say.interval(f"{at}.length_mm", unit="mm")
    size = f"Occlusion, length {NOT_MEASURABLE}" if length == NOT_MEASURABLE else f"Occlusion of {length}"
    return "; ".join([size, *marks])


def _row(label: str, text: str, name: str = "") -> dict[str, Any]:
    unknown = NOT_MEASURABLE in text or NOT_ASSESSED in text
    return {"label": label, "value": text, "unknown": unknown, "name": name or label.lower()}


def _open_groups(at: str, say: Display) -> list[Group]:
    narrowest = say.at(f"{at}.narrowest_mm")
    place = NOT_MEASURABLE
    if narrowest is not None:
        place = ", ".join(say.number(f"{at}.narrowest_mm.{k}") for k in range(3)) + " mm (LPS)"
    lumen = [
        _row("Smallest diameter", say.number(f"{at}.narrowest_diameter_mm", unit="mm"), "smallest lumen diameter"),
        _row("Where", place, "place of the smallest lumen"),
    ]
    vessel = [
        _row("Length between the points", say.interval(f"{at}.length_mm", unit="mm")),
        _row("Reference, proximal", say.number(f"{at}.reference.proximal_diameter_mm", unit="mm")),
        _row("Reference, distal", say.number(f"{at}.reference.distal_diameter_mm", unit="mm")),
    ]
    known = [row for row in vessel if not row["unknown"]]  # these are defined for an occlusion
    return [{"title": "Narrowest lumen", "rows": lumen}, *([{"title": "Vessel", "rows": known}] if known else [])]


def _groups(at: str, say: Display) -> list[Group]:
    return [
        {"title": "Proximal cap", "rows": _proximal_rows(at, say)},
        {
            "title": "Length",
            "rows": [
                _row("Along the vessel", say.interval(f"{at}.length_mm", unit="mm"), "length"),
                _row("Straight line", say.number(f"{at}.chord_mm", unit="mm"), "straight length"),
            ],
        },
        {"title": "Calcium", "rows": _calcium_rows(at, say)},
        {"title": "Bend", "rows": _bend_rows(at, say)},
        {"title": "Distal side", "rows": _distal_rows(at, say)},
    ]


def _proximal_rows(at: str, say: Display) -> list[dict[str, Any]]:
    cap = f"{at}.proximal_cap"
    shape = say.word(f"{cap}.shape")
    branch = say.truth(f"{cap}.side_branch", missing=NOT_MEASURABLE)
    if say.at(f"{cap}.side_branch_distance_mm") is not None:
        branch += f", at {say.number(f'{cap}.side_branch_distance_mm', unit='mm')}"
    hu = say.number(f"{cap}.attenuation_hu", decimals=0, unit="HU")
    rows = [_row("Shape", shape, "shape of the proximal cap")]
    if say.at(f"{cap}.blunt_prob") is not None and say.at(f"{cap}.shape") != "ambiguous":
        rows.append(_row("Chance that it is blunt", say.chance(f"{cap}.blunt_prob")))
    rows.append(_row("Side branch within 3 mm", branch, "side branch at the proximal cap"))
    rows.append(_row("Attenuation, first 5 mm", hu, "attenuation at the proximal cap"))
    return rows


def _calcium_rows(at: str, say: Display) -> list[dict[str, Any]]:
    calcium = f"{at}.calcification"
    share = say.interval(f"{calcium}.cross_section_max_ratio", decimals=0, unit="%", scale=100)
    rows = [
        _row("Any", say.truth(f"{calcium}.any", missing=NOT_MEASURABLE), "calcium"),
        _row("Severe (≥50 % of a section)", severe_text(calcium, say), "calcium"),
        _row("Largest share of a section", share, "calcified share of a section"),
        _row("Largest arc", say.interval(f"{calcium}.arc_max_deg", decimals=0, unit="°"), "calcium arc"),
        _row("Fills a whole section", say.truth(f"{calcium}.whole_lumen", missing=NOT_MEASURABLE)),
        _row(
            "Volume, lumen glow left out",
            say.interval(f"{calcium}.volume_mm3", unit="mm³"),
            "calcium volume",
        ),
    ]
    agatston = say.number(f"{calcium}.agatston", decimals=0, missing=NOT_ASSESSED)
    rows.append(
        _row("Agatston (non-contrast CT)", agatston, "Agatston score (recanal calcium, on a non-contrast series)")
    )
    if say.at(f"{calcium}.mass_mg") is not None:
        rows.append(_row("Mass", say.number(f"{calcium}.mass_mg", unit="mg"), "calcium mass"))
    return rows


def severe_text(calcium: str, say: Display) -> str:
    """Whether calcification is severe, and how likely that is by the interval of its share, as the findings say it."""
    told = say.truth(f"{calcium}.severe", missing=NOT_MEASURABLE)
    value, low, high = (say.at(f"{calcium}.cross_section_max_ratio.{end}") for end in ("value", "low", "high"))
    if value is None or low is None or high is None or high <= low:
        return told
    reached = 0.5 * (1.0 + math.erf((value - _SEVERE_SHARE) / ((high - low) / 3.92 * math.sqrt(2.0))))
    return told + likely_text(reached if say.at(f"{calcium}.severe") else 1.0 - reached)


def _bend_rows(at: str, say: Display) -> list[dict[str, Any]]:
    rows = [_row("Largest", say.interval(f"{at}.bend_max_deg", decimals=0, unit="°"), "bend")]
    if say.at(f"{at}.bend_max_deg.at_mm") is not None:
        rows.append(_row("Where, from the proximal cap", say.number(f"{at}.bend_max_deg.at_mm", unit="mm")))
    return rows


def _distal_rows(at: str, say: Display) -> list[dict[str, Any]]:
    beyond = {True: "opacified", False: "not opacified"}.get(say.at(f"{at}.distal_vessel.opacified"), NOT_MEASURABLE)
    mean = []
    if say.at(f"{at}.distal_vessel.diameter_mean_mm") is not None:
        mean = [
            _row("Mean diameter of all traced beyond", say.number(f"{at}.distal_vessel.diameter_mean_mm", unit="mm"))
        ]
    diseased = say.truth(f"{at}.distal_vessel.diseased")
    references = [say.number(f"{at}.reference.{side}_diameter_mm", unit="mm") for side in ("proximal", "distal")]
    return [
        _row("Shape of the distal cap", say.word(f"{at}.distal_cap.shape")),
        _row("Bifurcation at the distal cap", say.truth(f"{at}.distal_cap.bifurcation")),
        _row("Reference diameter, proximal", references[0]),
        _row("Reference diameter, distal", references[1]),
        _row("Vessel beyond", beyond, "distal vessel"),
        *mean,
        _row("Vessel beyond diseased", diseased, "disease of the distal vessel"),
    ]


def collateral_group(say: Display, *, known: bool) -> Group:
    """Finding 6: collaterals, from the angiogram or typed; CT does not show them.

    ``known`` says whether the findings of the case speak of this lesion; for the others collaterals are unknown.
    """
    rows = []
    for name in ("rentrop_grade", "werner_cc", "interventional_collaterals"):
        fact = f"findings.{name}"
        value = say.at(f"{fact}.value") if known else None
        if value is None:
            continue
        text = say.truth(f"{fact}.value") if isinstance(value, bool) else say.number(f"{fact}.value", decimals=0)
        source = {"ct": "CT", "typed": "entered"}.get(say.at(f"{fact}.source"), say.word(f"{fact}.source"))
        rows.append(_row(finding_label(name), f"{text} ({source})"))
    return {
        "title": "Collaterals",
        "rows": rows or [_row("Grade, size, crossable", _NOT_ON_CT, "grade of collaterals")],
    }


def _composition(lesion: Lesion, at: str, say: Display) -> dict[str, Any] | None:
    if lesion.plaque is None:
        return None
    plaque = f"{at}.plaque"
    thresholds = lesion.plaque.thresholds_hu
    rows = []
    for index, name in enumerate(COMPONENTS):
        part = f"{plaque}.components.{name}"
        rows.append(
            {
                "name": COMPONENT_NAMES[name],
                "range": bin_text(thresholds, index),
                "colour": hex_colour(COMPONENT_COLOURS[name]),
                "volume": say.interval(f"{part}.volume_mm3"),
                "of_plaque": say.interval(f"{part}.fraction_percent"),
                "of_vessel": say.number(f"{part}.vessel_percent"),
            }
        )
    return {
        "rows": rows,
        "total": say.interval(f"{plaque}.volume_mm3"),
        "below": say.number(f"{plaque}.below_range_mm3"),
        "below_label": f"Below {thresholds[0]:g} HU".replace("-", "−"),
        "notes": _composition_notes(at, say),
    }


def _composition_notes(at: str, say: Display) -> str:
    parts = [f"Thresholds: {say.word(f'{at}.plaque.scheme')} scheme."]
    if say.at(f"{at}.wall_bridged_percent") is not None:
        bridged = say.number(f"{at}.wall_bridged_percent", decimals=0, unit="%")
        parts.append(f"Outer wall not seen and bridged: {bridged} of the occlusion.")
    if say.at(f"{at}.bridge_confidence") is not None:
        parts.append(f"Confidence in the path: {say.chance(f'{at}.bridge_confidence')}.")
    return " ".join(parts)
