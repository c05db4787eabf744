"""Donor arteries and candidate connections as a section of the report."""

from __future__ import annotations

from recanal.collaterals.supply import Supply
from recanal.core.case import CaseReport
from recanal.report.blocks import Block, Section, heading, table, text
from recanal.report.display import Display
from recanal.report.sources import Sources

__all__ = ["collaterals_section"]

DONOR_HEADS = ("Possible donor", "Ways (published)", "Diameter at origin", "Worst stenosis", "Calcified", "Remarks")
TRACK_HEADS = ("Connection from", "Course", "Length", "Mean calibre", "Arc / chord", "Werner CC, as seen on CT", "Mark")
NOTE = (
    "Donors are arteries from which angiography has shown ways to the occluded one; that a way exists in this patient "
    "is not said. Filling, size of flow and Rentrop grade are read on angiography."
)


def collaterals_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """Donors and connections of each occlusion; None where none was looked at.

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
    blocks: list[Block] = []
    for k, supply in enumerate(case.collaterals):
        if len(case.collaterals) > 1:
            blocks.append(heading(supply.lesion))
        if supply.donors:
            rows = [_donor(say, f"collaterals.{k}.donors.{n}", supply, n) for n in range(len(supply.donors))]
            blocks.append(table(DONOR_HEADS, rows, shares=(0.9, 2.4, 1.0, 1.2, 0.8, 1.6)))
        if supply.connections:
            rows = [_track(say, f"collaterals.{k}.connections.{n}", supply, n) for n in range(len(supply.connections))]
            blocks.append(table(TRACK_HEADS, rows, shares=(1.3, 0.9, 0.8, 0.9, 0.8, 1.1, 1.6)))
        else:
            blocks.append(text(f"Connections: {supply.remark}."))
    if not blocks:
        return None
    return Section("views", "Donor arteries and collaterals", (*blocks, text(NOTE, soft=True)), ())


def _donor(say: Display, at: str, supply: Supply, number: int) -> tuple[str, ...]:
    donor = supply.donors[number]
    ways = "; ".join(dict.fromkeys(f"{way.course}: {way.way}" for way in donor.ways))
    stenosis = "not measurable" if donor.state is None else "none of 25 % or more"
    worst = say.interval(f"{at}.state.worst_percent", decimals=0, unit="%", missing=stenosis)
    origin = say.number(f"{at}.state.origin_diameter_mm", unit="mm")
    calcified = say.number(f"{at}.state.calcified_mm", decimals=0, unit="mm")
    return donor.vessel, ways, origin, worst, calcified, "; ".join(donor.remarks) or "–"


def _track(say: Display, at: str, supply: Supply, number: int) -> tuple[str, ...]:
    found = supply.connections[number]
    length, calibre = say.number(f"{at}.length_mm", decimals=0, unit="mm"), say.number(f"{at}.calibre_mm", unit="mm")
    ratio = say.number(f"{at}.tortuosity_ratio", decimals=2)
    grade = f"CC{say.number(f'{at}.werner_cc', decimals=0)}"
    return found.donor_segment, found.course, length, calibre, ratio, grade, found.mark
