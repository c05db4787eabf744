"""The degrees of stenosis as a section of the report."""

from __future__ import annotations

from recanal.core.case import CaseReport
from recanal.report.blocks import Block, Section, bullets, pictures, table, text
from recanal.report.display import Display
from recanal.report.palette import figure_name
from recanal.report.sources import Sources
from recanal.stenosis.grading import Stenosis, VesselGrade
from recanal.stenosis.pictures import picture_places

__all__ = ["artery_name", "stenosis_section"]

NOTE = (
    "Every stenosis of 25 % or more, the worst of an artery first. Diameter stenosis against a reference interpolated "
    "between the healthy lumen on either side; 95 % interval in brackets. CAD-RADS 2.0 read for one artery, by its "
    "worst stenosis; in brackets what the interval leaves open. 0-1: no stenosis of 25 % or more and no calcium seen; "
    "plaque without calcium is not looked for. N: a stenosis, or all but 3 mm of the artery, could not be judged. "
    "The degrees are those of the open vessel; an artery with an occlusion, which is described above, is category 5 "
    "whatever its other stenoses are."
)
STRIPS_NOTE = (
    "Straightened arteries, proximal on the left, millimetres as in the table. Upper band: CT. Lower band: the lumen "
    "(yellow) of which the degrees are taken."
)
CUTS_NOTE = "Cross-sections at the stenoses, seen from the proximal end; below with the lumen."
NO_VALUE = "–"
_MUCH_MM = 10.0
HEADS = ("Artery", "Stenosis", "Where", "Lumen / reference", "CAD-RADS", "Judged")


def artery_name(vessel: str) -> str:
    """The name by which the figures of an artery begin.

    >>> artery_name("RCA side branch")
    'artery_RCA_side_branch'
    """
    return f"artery_{vessel.replace(' ', '_')}"


def stenosis_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """A row for each stenosis, what makes it uncertain, and the arteries where they were cut; None without grades.

    Beside a lesion the PDF prints one line of it, and all of it where there is none.

    Parameters
    ----------
    case
        The result.
    say
        Words for its numbers.
    sources
        Not used: the definition page names them.
    """
    del sources
    if not case.stenosis:
        return None
    rows = [row for k, grade in enumerate(case.stenosis) for row in _rows(say, f"stenosis.{k}", grade)]
    remarks = [
        f"{grade.vessel}, {_place(found)}{found.position_mm:.0f} mm: {'; '.join(found.flags)}."
        for grade in case.stenosis
        for found in grade.stenoses
        if found.flags
    ]
    blocks: list[Block] = [table(HEADS, rows, shares=(1.1, 1.6, 1.1, 1.4, 1.1, 0.9)), text(NOTE, soft=True)]
    if remarks:
        blocks.append(bullets(remarks))
    blocks += _pictures(case)
    if not case.lesions:
        return Section("views", "Stenosis of the arteries", tuple(blocks))
    short = text(_in_short(case, say))
    return Section("views", "Stenosis of the arteries outside occlusions", tuple(blocks), (short,))


def _pictures(case: CaseReport) -> list[Block]:
    """The arteries; only where nothing else of the case is shown."""
    if any(lesion.length_mm is not None for lesion in case.lesions):
        return []
    blocks: list[Block] = []
    cuts = []
    for vessel, places in picture_places(case.stenosis).items():
        name = artery_name(vessel)
        blocks.append(pictures([(figure_name(name, "straightened_000"), f"{vessel}, straightened")], height_mm=44.0))
        cuts += [
            (figure_name(name, f"cross_section_{n}"), f"{_place(place)}{place.position_mm:.0f} mm")
            for n, place in enumerate(places, start=1)
        ]
    if blocks:
        blocks[-1]["note"] = STRIPS_NOTE
    return [*blocks, pictures(cuts, height_mm=52.0, note=CUTS_NOTE)]


def _place(found: Stenosis) -> str:
    """The segment where it has a name of its own."""
    return "" if found.segment == found.vessel else f"{found.segment}, "


def _in_short(case: CaseReport, say: Display) -> str:
    """One line for the PDF: the arteries with a stenosis, those where none could be judged, then those without."""
    narrow, lost, clear = [], [], []
    for k, grade in enumerate(case.stenosis):
        name, percent, where, _, category, _ = _rows(say, f"stenosis.{k}", grade)[0]
        if grade.worst is None:
            said = _without_degree(grade, name, category)
            lost += said
            much = grade.judged_mm >= _MUCH_MM
            clear += [] if said else [name if much else f"{name} ({grade.judged_mm:.0f} mm judged)"]
            continue
        more = len(grade.stenoses) - 1
        narrow.append(f"{name} {percent} at {where}{f', and {more} more' if more else ''}, CAD-RADS {category}")
    said = [*narrow, *lost, *([f"none of 25 % or more in {', '.join(clear)}"] if clear else [])]
    return "; ".join(said) + "."


def _without_degree(grade: VesselGrade, name: str, category: str) -> list[str]:
    """What is said of an artery without a degree of stenosis; empty where it is merely clear."""
    places = " and ".join(f"{_place(found)}{found.position_mm:.0f} mm" for found in grade.stenoses)
    closed = f"CAD-RADS {category}, " if grade.is_closed else ""
    if places:
        return [f"{name} {closed}not judged at {places}, elsewhere none of 25 % or more"]
    if grade.hardly_judged:
        return [f"{name} {closed}hardly judged"]
    return [f"{name} {closed}elsewhere none of 25 % or more"] if closed else []


def _rows(say: Display, at: str, grade: VesselGrade) -> list[tuple[str, ...]]:
    """The worst stenosis with what is said of the artery, then the others in their order along it."""
    artery = (_category(grade), say.number(f"{at}.judged_mm", decimals=0, unit="mm"))
    worst = grade.worst
    rows = [] if worst is None else [_row(say, f"{at}.stenoses.{grade.stenoses.index(worst)}", worst, artery)]
    if worst is None:
        where = " where judged" if grade.stenoses else " elsewhere" if grade.is_closed else ""
        none = f"none of 25 % or more{where}"
        rows = [(grade.vessel, "hardly judged" if grade.hardly_judged else none, NO_VALUE, NO_VALUE, *artery)]
    for k, found in enumerate(grade.stenoses):
        if found is not worst:
            rows.append(_row(say, f"{at}.stenoses.{k}", found, (NO_VALUE, NO_VALUE)))
    return rows


def _category(grade: VesselGrade) -> str:
    """The category, and in brackets its reason or what else is possible."""
    others = [c for c in grade.categories_possible if c != grade.category]
    remark = "occlusion" if grade.is_closed else f"{', '.join(others)} possible" if others else ""
    return grade.category + (f" ({remark})" if remark else "")


def _row(say: Display, path: str, found: Stenosis, artery: tuple[str, str]) -> tuple[str, ...]:
    where = f"{_place(found)}{say.number(f'{path}.position_mm', decimals=0, unit='mm')}"
    if not found.judged:
        return found.vessel, "not judged", where, NO_VALUE, *artery
    diameters = f"{say.number(f'{path}.diameter_mm')} / {say.number(f'{path}.reference_diameter_mm', unit='mm')}"
    percent = say.interval(f"{path}.diameter_percent", decimals=0, unit="%")
    return found.vessel, percent, where, diameters, *artery
