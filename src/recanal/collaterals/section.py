"""Donor arteries and connections as a section of the report."""

from __future__ import annotations

from recanal.collaterals.connections import SEEN
from recanal.collaterals.supply import Supply
from recanal.core.case import CaseReport
from recanal.report.blocks import Block, Section, table, text
from recanal.report.display import Display
from recanal.report.sources import Sources

__all__ = ["collaterals_section"]

DONOR_HEADS = ("Possible donor", "Ways (published)", "Diameter at origin", "Worst stenosis", "Calcified", "Remarks")
CONNECTION_HEADS = ("From", "Course", "Length", "Length over distance", "Diameter", "Weakest contrast")
NONE_SEEN = "No candidate connection was seen on CT. Most connections are finer than CT resolves."
NOTE = (
    "Donors are arteries from which angiography has shown ways to the occluded one; that a way exists in this patient "
    "is not said. Filling, size of flow and Rentrop grade are read on angiography."
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
        blocks += _connections(say, k, supply)
    if not blocks:
        return None
    printed = text("; ".join(_in_short(supply) for supply in case.collaterals if supply.donors) + ".")
    return Section("views", "Possible donor arteries and connections", (*blocks, text(NOTE, soft=True)), (printed,))


def _connections(say: Display, k: int, supply: Supply) -> list[Block]:
    """What CT shows between donors and the vessel beyond one occlusion."""
    if supply.connections is None:
        return [text(f"{supply.remark.capitalize()}.", soft=True)]
    if not supply.connections:
        return [text(NONE_SEEN)]
    rows = []
    for n, one in enumerate(supply.connections):
        at = f"collaterals.{k}.connections.{n}"
        length = say.number(f"{at}.length_mm", decimals=0, unit="mm")
        ratio = say.number(f"{at}.tortuosity_ratio", decimals=1)
        size = say.number(f"{at}.diameter_mm", unit="mm")
        contrast = say.number(f"{at}.least_contrast_hu", decimals=0, unit="HU")
        rows.append((one.donor, one.course, length, ratio, size, contrast))
    head = f"Candidate connections to the vessel beyond: {supply.connections[0].remark}"
    return [text(f"{head}."), table(CONNECTION_HEADS, rows)]


def _in_short(supply: Supply) -> str:
    """The donors of one occlusion and what speaks against them, for the PDF."""
    donors = (f"{x.vessel} ({', '.join(x.remarks)})" if x.remarks else x.vessel for x in supply.donors)
    seen = [f"{x.course} from the {x.donor}" for x in supply.connections or ()]
    more = f"; {SEEN}: {', '.join(seen)}" if seen else ""
    return f"{supply.lesion}, by published pathways: {', '.join(donors)}{more}"


def _donor(say: Display, at: str, supply: Supply, number: int) -> tuple[str, ...]:
    donor = supply.donors[number]
    ways = "; ".join(dict.fromkeys(f"{way.course}: {way.way}" for way in donor.ways))
    stenosis = "not measurable" if donor.state is None else "none of 25 % or more"
    worst = say.interval(f"{at}.state.worst_percent", decimals=0, unit="%", missing=stenosis)
    origin = say.number(f"{at}.state.origin_diameter_mm", unit="mm")
    calcified = say.number(f"{at}.state.calcified_mm", decimals=0, unit="mm")
    return donor.vessel, ways, origin, worst, calcified, "; ".join(donor.remarks) or "–"
