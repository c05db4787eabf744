"""The degrees of stenosis as a section of the report."""

from __future__ import annotations

from recanal.core.case import CaseReport
from recanal.report.blocks import Block, Section, bullets, table, text
from recanal.report.display import Display
from recanal.report.sources import Sources
from recanal.stenosis.grading import VesselGrade

__all__ = ["stenosis_section"]

NOTE = (
    "Diameter stenosis against a reference interpolated between the healthy lumen on either side; 95 % interval in "
    "brackets. CAD-RADS 2.0 read for one artery; in brackets what the interval leaves open. 0-1: no stenosis of 25 % "
    "or more and no calcium seen; plaque without calcium is not looked for. Occlusions are not in this table."
)
NO_VALUE = "–"
HEADS = ("Artery", "Worst stenosis", "Where", "Lumen / reference", "CAD-RADS", "Judged")


def stenosis_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """One row for each artery, and what makes a stenosis uncertain; None where no artery was graded.

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
    rows = [_row(say, f"stenosis.{k}", grade) for k, grade in enumerate(case.stenosis)]
    remarks = [
        f"{grade.vessel}, {found.segment} at {found.position_mm:.0f} mm, {found.diameter_percent.value:.0f} %: "
        f"{'; '.join(found.flags)}."
        for grade in case.stenosis
        for found in grade.stenoses
        if found.flags
    ]
    blocks: list[Block] = [table(HEADS, rows, shares=(1.1, 1.6, 1.1, 1.4, 1.1, 0.9)), text(NOTE, soft=True)]
    if remarks:
        blocks.append(bullets(remarks))
    if not case.lesions:
        return Section("views", "Stenosis of the arteries", tuple(blocks))
    return Section("views", "Stenosis of the other arteries", tuple(blocks), (text(_in_short(rows)),))


def _in_short(rows: list[tuple[str, ...]]) -> str:
    """One line for the PDF: the arteries with a stenosis, then those without."""
    narrow = [f"{row[0]} {row[1]} at {row[2]}, CAD-RADS {row[4]}" for row in rows if row[3] != NO_VALUE]
    clear = [row[0] for row in rows if row[3] == NO_VALUE]
    said = [*narrow, *([f"none of 25 % or more in {', '.join(clear)}"] if clear else [])]
    return "; ".join(said) + "."


def _row(say: Display, at: str, grade: VesselGrade) -> tuple[str, ...]:
    worst = grade.worst
    judged = say.number(f"{at}.judged_mm", decimals=0, unit="mm")
    others = [c for c in grade.categories_possible if c != grade.category]
    category = grade.category + (f" ({', '.join(others)} possible)" if others else "")
    if worst is None:
        return grade.vessel, "none of 25 % or more", NO_VALUE, NO_VALUE, category, judged
    path = f"{at}.stenoses.{grade.stenoses.index(worst)}"
    diameters = f"{say.number(f'{path}.diameter_mm')} / {say.number(f'{path}.reference_diameter_mm', unit='mm')}"
    percent = say.interval(f"{path}.diameter_percent", decimals=0, unit="%")
    where = f"{worst.segment}, {say.number(f'{path}.position_mm', decimals=0, unit='mm')}"
    return grade.vessel, percent, where, diameters, category, judged
