"""Which branch is which: the 18 segments of the SCCT.

Numbers and borders of Leipsic J, et al. J Cardiovasc Comput Tomogr 2014;8:342-358, doi:10.1016/j.jcct.2014.07.003.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recanal.anatomy.branches import Branch
from recanal.anatomy.chamber import Heart
from recanal.anatomy.mains import LEAST_NAMED_MM, Mains, crux_mm, pda_mm, places_of, plb_start_mm
from recanal.anatomy.paths import Path

__all__ = ["SCCT_NAMES", "Border", "Named", "name_segments"]

Border = tuple[int, float]
SCCT_NAMES = {
    **{1: "pRCA", 2: "mRCA", 3: "dRCA", 4: "R-PDA", 5: "LM", 6: "pLAD", 7: "mLAD", 8: "dLAD", 9: "D1", 10: "D2"},
    **{11: "pCx", 12: "OM1", 13: "LCx", 14: "OM2", 15: "L-PDA", 16: "R-PLB", 17: "RI", 18: "L-PLB"},
}
VESSEL_OF = {
    **dict.fromkeys((1, 2, 3, 4, 16), "RCA"),
    5: "LM",
    **dict.fromkeys((6, 7, 8, 9, 10), "LAD"),
    **dict.fromkeys((11, 12, 13, 14, 15, 17, 18), "LCX"),
}
ACUTE_MARGIN = np.array([-1.0, 0.0, -1.0])
LARGE_MM = 1.5
FORK_MM = 5.0
SINK_MM = 5.0


@dataclass(frozen=True)
class Named:
    """One stretch of a branch with its name.

    Parameters
    ----------
    branch
        Index of the branch.
    start_mm, end_mm
        Arc lengths on it.
    scct
        Number, or None for a side branch without one.
    vessel
        ``"RCA"``, ``"LM"``, ``"LAD"`` or ``"LCX"``.
    confidence
        0 to 1.
    """

    branch: int
    start_mm: float
    end_mm: float
    scct: int | None
    vessel: str
    confidence: float

    @property
    def name(self) -> str:
        """Name of the segment."""
        return f"{self.vessel} side branch" if self.scct is None else SCCT_NAMES[self.scct]


def name_segments(branches: list[Branch], heart: Heart, mains: Mains) -> list[Named]:
    """The named stretches of all branches; every millimetre of every branch lies in exactly one."""
    named: list[Named] = []
    if mains.rca is not None:
        named += _cut_at(mains.rca, _rca(branches, heart, mains, mains.rca), start_mm=0.0)
    if mains.lad is not None:
        named += _cut_at(mains.lad, _lad(branches, heart, mains, mains.lad), start_mm=0.0)
    if mains.lcx is not None:
        first = mains.fork_mm if mains.lad is not None else 0.0
        named += _cut_at(mains.lcx, _lcx(branches, heart, mains, mains.lcx), start_mm=first)
    return named + _side_branches(branches, heart, mains, named)


def _rca(branches: list[Branch], heart: Heart, mains: Mains, path: Path) -> list[Border]:
    """Middle segment: from half way to the acute margin, to it; the PDA from the crux or the posterolateral branch."""
    margin = float(path.arc_mm[np.argmax(path.points_mm @ ACUTE_MARGIN)])
    borders = [(1, 0.5 * margin), (2, margin)]
    if pda_mm(path, heart, margin) < 8.0 or mains.dominance == "left":
        return [*borders, (3, np.inf)]
    crux = crux_mm(path, heart)
    plb = plb_start_mm(branches, heart, path)
    crux = crux if plb is None else min(crux, plb)
    return [*borders, (3, max(crux, margin)), (4, np.inf)]


def _lad(branches: list[Branch], heart: Heart, mains: Mains, path: Path) -> list[Border]:
    """Proximal: to the first diagonal or septal branch of 1.5 mm; middle: half of what is left."""
    fork = mains.fork_mm
    kinds = [
        (at, branches[k], _lad_kind(heart, path, branches[k]))
        for k, at in path.leaving(branches)
        if at > fork + FORK_MM
    ]
    large = [at for at, branch, kind in kinds if kind in ("diagonal", "septal") and _wide(branch)]
    any_diagonal = [at for at, _, kind in kinds if kind == "diagonal"]
    first = min(large, default=any_diagonal[0] if any_diagonal else fork + 22.0)
    borders = [(5, fork)] if fork > 0 else []
    return [*borders, (6, first), (7, 0.5 * (first + path.length_mm)), (8, np.inf)]


def _lcx(branches: list[Branch], heart: Heart, mains: Mains, path: Path) -> list[Border]:
    """Proximal: to the first marginal branch; the tail is the PDA in left, a posterolateral branch in co-dominance."""
    fork = mains.fork_mm
    starts = [
        at
        for k, at in path.leaving(branches)
        if at > fork + FORK_MM and branches[k].line.length_mm >= LEAST_NAMED_MM and _on_left(heart, branches[k])
    ]
    first = min(starts, default=fork + 28.0)
    tail = {"left": 15, "co": 18}.get(mains.dominance or "")
    borders = [(11, first)]
    if tail is None:
        return [*borders, (13, np.inf)]
    return [*borders, (13, max(crux_mm(path, heart), first)), (tail, np.inf)]


def _wide(branch: Branch) -> bool:
    """Whether a branch is large at its origin, by the half width of its contrast beyond the wall of its parent."""
    near = (branch.arc_mm > 3.0) & (branch.arc_mm < 8.0)
    return bool(near.any() and 2 * float(np.median(branch.lumen_mm[near])) >= LARGE_MM)


def _lad_kind(heart: Heart, lad: Path, branch: Branch) -> str:
    """``"septal"`` where a branch sinks into the muscle, ``"diagonal"`` to the left of the LAD, else ``"right"``."""
    at = places_of(heart, branch.line.points_mm)
    sinks = float(at.depth_mm[0] - at.depth_mm[-1])
    buried = float(np.median(branch.outer_mm[branch.arc_mm > 3.0])) > 3.0 if branch.line.length_mm > 4 else False
    if sinks > SINK_MM and (buried or sinks > 0.45 * branch.line.length_mm):
        return "septal"
    main = places_of(heart, lad.points_mm)
    level = int(np.argmin(np.abs(main.along_mm - at.along_mm[-1])))
    turn = (float(at.angle_deg[-1] - main.angle_deg[level]) + 180.0) % 360.0 - 180.0
    return "diagonal" if turn < 0.0 else "right"


def _on_left(heart: Heart, branch: Branch) -> bool:
    return float(np.median(places_of(heart, branch.line.points_mm).angle_deg)) < -30.0


def _cut_at(path: Path, borders: list[Border], *, start_mm: float) -> list[Named]:
    """The stretches of a path between borders, per branch; nothing before ``start_mm``."""
    out = []
    before = 0.0
    for scct, end in borders:
        low, high = max(before, start_mm), min(end, path.length_mm)
        before = end
        for link in path.links:
            first, last = max(low, link.offset_mm), min(high, link.offset_mm + link.end_mm)
            if last - first > 0.5:
                out.append(
                    Named(link.branch, first - link.offset_mm, last - link.offset_mm, scct, VESSEL_OF[scct], 0.9)
                )
    return out


def _side_branches(branches: list[Branch], heart: Heart, mains: Mains, named: list[Named]) -> list[Named]:
    """All that no main artery covers, with its number where it has one."""
    numbers = _numbers(branches, heart, mains)
    covered = {k: 0.0 for k in range(len(branches))}
    vessel_of = {}
    for item in named:
        covered[item.branch] = max(covered[item.branch], item.end_mm)
        vessel_of[item.branch] = item.vessel
    out = []
    for k, branch in enumerate(branches):
        vessel = vessel_of.get(k) or vessel_of.get(branch.parent) or ("RCA" if branch.side == "right" else "LAD")
        vessel_of[k] = vessel
        if branch.line.length_mm - covered[k] < 1.0:
            continue
        scct, confidence = numbers.get(k, (None, 0.5)) if covered[k] == 0.0 else (None, 0.4)
        if scct is not None:
            vessel = vessel_of[k] = VESSEL_OF[scct]
        out.append(Named(k, covered[k], branch.line.length_mm, scct, vessel, confidence))
    return out


def _numbers(branches: list[Branch], heart: Heart, mains: Mains) -> dict[int, tuple[int | None, float]]:
    out: dict[int, tuple[int | None, float]] = {}
    if mains.rca is not None and mains.dominance == "right":
        start = plb_start_mm(branches, heart, mains.rca)
        out |= {k: (16, 0.85) for k, at in mains.rca.leaving(branches) if start is not None and at >= start}
    if mains.lad is not None:
        diagonals = []
        for k, at in mains.lad.leaving(branches):
            if at <= mains.fork_mm + FORK_MM:
                if _between(heart, branches[k]):
                    out[k] = (17, 0.7)
            elif (
                branches[k].line.length_mm >= LEAST_NAMED_MM and _lad_kind(heart, mains.lad, branches[k]) == "diagonal"
            ):
                diagonals.append(k)
        out |= {k: (n, 0.8) for k, n in zip(diagonals, (9, 10), strict=False)}
    if mains.lcx is not None:
        out |= _lcx_numbers(branches, heart, mains, mains.lcx)
    return out


def _lcx_numbers(branches: list[Branch], heart: Heart, mains: Mains, lcx: Path) -> dict[int, tuple[int | None, float]]:
    out: dict[int, tuple[int | None, float]] = {}
    marginals = []
    for k, at in lcx.leaving(branches):
        if at <= mains.fork_mm + FORK_MM:
            if _between(heart, branches[k]):
                out[k] = (17, 0.7)
            continue
        start = float(places_of(heart, branches[k].line.points_mm[:1]).angle_deg[0])
        if mains.dominance == "left" and abs(start) > 150.0:
            out[k] = (18, 0.7)
        elif branches[k].line.length_mm >= LEAST_NAMED_MM and _on_left(heart, branches[k]):
            marginals.append(k)
    return out | {k: (n, 0.75) for k, n in zip(marginals, (12, 14), strict=False)}


def _between(heart: Heart, branch: Branch) -> bool:
    """Whether a branch from the fork runs between the two main arteries over the free wall."""
    at = places_of(heart, branch.line.points_mm)
    far = at.along_mm > 8.0
    return bool(branch.line.length_mm > 15.0 and far.any() and -70.0 < float(np.median(at.angle_deg[far])) < 5.0)
