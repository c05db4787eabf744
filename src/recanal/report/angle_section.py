"""The section on the C-arm views."""

from __future__ import annotations

from recanal.core.case import CaseReport, Lesion
from recanal.report.blocks import Block, Section, bullets, heading, pictures, text
from recanal.report.display import Display
from recanal.report.palette import figure_name
from recanal.report.sources import Sources

__all__ = ["angle_section", "view_lines"]

_PARTS = (("vessels", "other vessels"), ("bone", "bone"), ("heart", "opacified heart"))
_NOTE = (
    "Parallel beams through the CT, seen from the detector; patient supine. Dashed: the occlusion, from P (proximal "
    "cap) to D (distal cap). Dark: its open lumen as far as it was traced. Grey: other opacified vessels and tissue. "
    "Covered: share of the occlusion's length; what the CT does not show is not counted. Chambers and aorta are bright "
    "on CT, and not in a selective injection. The second view trades foreshortening for a right angle to the first."
)
_SHORT_NOTE = (
    "Simulated from the CT, detector side; dashed: occlusion, P to D; covered: share of its length; a selective "
    "injection does not fill the heart."
)


def angle_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """The views of every occlusion in words and pictures; the PDF leaves out the map. None where there are none."""
    blocks: list[Block] = []
    printed: list[Block] = []
    for index, lesion in enumerate(case.lesions):
        rows = view_lines(lesion, f"lesions.{index}", say)
        if rows:
            title = [heading(lesion.id)] if len(case.lesions) > 1 else []
            blocks += [
                *title,
                bullets(rows),
                pictures([*_simulated(lesion, ", simulated"), _map(lesion)], height_mm=44.0),
            ]
            printed += [*title, pictures(_simulated(lesion), height_mm=44.0), bullets(rows)]
    if not blocks:
        return None
    note, short = text(_NOTE, soft=True), text(_SHORT_NOTE, soft=True)
    return Section("views", "Views across the occlusion", (*blocks, note), (*printed, short))


def _simulated(lesion: Lesion, of: str = "") -> list[tuple[str, str]]:
    views = enumerate(lesion.projections or (), start=1)
    return [(figure_name(lesion.id, f"view_{k}"), f"View {k}{of}: {view.name}") for k, view in views]


def _map(lesion: Lesion) -> tuple[str, str]:
    return figure_name(lesion.id, "angles"), "Foreshortening by angle; 1 and 2: the views"


def view_lines(lesion: Lesion, at: str, say: Display) -> list[str]:
    """One line for each view of the lesion at a path of the case."""
    out = []
    for index, view in enumerate(lesion.projections or ()):
        path = f"{at}.projections.{index}"
        extra = [f"foreshortening {say.number(f'{path}.foreshortening_percent', unit='%')}", _overlap(path, say)]
        if view.angle_to_first_deg is not None:
            extra.append(f"{say.number(f'{path}.angle_to_first_deg', decimals=0, unit='°')} from view 1")
        out.append(f"{view.name} ({', '.join(extra)})")
    return out


def _overlap(path: str, say: Display) -> str:
    """What covers the occlusion. The heart stands apart: a selective injection does not fill it."""
    missing = "not shown by this CT"
    known = {
        key: say.number(f"{path}.overlap_{key}_percent", decimals=0, unit="%", missing=missing) for key, _ in _PARTS
    }
    if all(say.at(f"{path}.overlap_{key}_percent") is None for key in known):
        return f"covered over {say.number(f'{path}.overlap_percent', unit='%')} of its length"
    near = ", ".join(f"{words} {known[key]}" for key, words in _PARTS if key != "heart")
    return f"covered by {near}; behind the heart's CT contrast {known['heart']}"
