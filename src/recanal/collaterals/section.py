"""Donor arteries as a section of the report."""

from __future__ import annotations

from recanal.collaterals.supply import Supply
from recanal.core.case import CaseReport
from recanal.report.blocks import Block, Section, table, text
from recanal.report.display import Display
from recanal.report.sources import Sources

__all__ = ["collaterals_section"]

DONOR_HEADS = ("Possible donor", "Ways (published)", "Diameter at origin", "Worst stenosis", "Calcified", "Remarks")
NOTE = (
    "Donors are arteries from which angiography has shown ways to the occluded one; that a way exists in this patient "
    "is not said. Connections on CT are not searched. Filling, size of flow and Rentrop grade are read on angiography."
)


def collaterals_section(case: CaseReport, say: Display, sources: Sources) -> Section | None:
    """The possible donors of each occlusion; None where there is none.

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
        if not supply.donors:
            continue
        if len(case.collaterals) > 1:
            blocks.append(text(f"Occlusion {supply.lesion}"))
        rows = [_donor(say, f"collaterals.{k}.donors.{n}", supply, n) for n in range(len(supply.donors))]
        blocks.append(table(DONOR_HEADS, rows, shares=(0.9, 2.4, 1.0, 1.2, 0.8, 1.6)))
    if not blocks:
        return None
    printed = text("; ".join(_in_short(supply) for supply in case.collaterals if supply.donors) + ".")
    return Section("views", "Possible donor arteries", (*blocks, text(NOTE, soft=True)), (printed,))


def _in_short(supply: Supply) -> str:
    """The donors of one occlusion and what speaks against them, for the PDF."""
    donors = (f"{x.vessel} ({', '.join(x.remarks)})" if x.remarks else x.vessel for x in supply.donors)
    return f"{supply.lesion}, by published pathways: {', '.join(donors)}"


def _donor(say: Display, at: str, supply: Supply, number: int) -> tuple[str, ...]:
    donor = supply.donors[number]
    ways = "; ".join(dict.fromkeys(f"{way.course}: {way.way}" for way in donor.ways))
    stenosis = "not measurable" if donor.state is None else "none of 25 % or more"
    worst = say.interval(f"{at}.state.worst_percent", decimals=0, unit="%", missing=stenosis)
    origin = say.number(f"{at}.state.origin_diameter_mm", unit="mm")
    calcified = say.number(f"{at}.state.calcified_mm", decimals=0, unit="mm")
    return donor.vessel, ways, origin, worst, calcified, "; ".join(donor.remarks) or "–"
