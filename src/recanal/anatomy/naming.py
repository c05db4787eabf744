"""Which branch is which: the 18 segments of the SCCT.

Numbers and borders of Leipsic J, et al. J Cardiovasc Comput Tomogr 2014;8:342-358, doi:10.1016/j.jcct.2014.07.003.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.anatomy.branches import Branch
from recanal.anatomy.chamber import Heart
from recanal.anatomy.mains import LEAST_NAMED_MM, Mains, Offshoot, Places, crux_mm, offshoots, places_of, posterolateral
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
RESTS_ON_DOMINANCE = (4, 15, 16, 18)
ACUTE_MARGIN = np.array([-1.0, 0.0, -1.0])
LARGE_MM = 1.5
FORK_MM, FORK_WIDTHS = 5.0, 2.2
SINK_MM = 5.0
LONG_MM, FAR_MM = 20.0, 40.0
APEXWARD_SHARE = 0.3
INFERIOR_DEG, INFEROLATERAL_DEG = 213.0, 225.0
COMPANY_MM, SAME_MM = 7.0, 3.0


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


@dataclass(frozen=True, eq=False)
class _Tree:
    """A tree with what leaves its main arteries; the ramus is none of the others."""

    branches: list[Branch]
    heart: Heart
    mains: Mains
    lad: list[Offshoot]
    lcx: list[Offshoot]
    ramus: set[int]

    def places(self, shoot: Offshoot) -> Places:
        """Where a branch lies, from its origin on."""
        return places_of(self.heart, self.branches[shoot.branch].line.points_mm[_part(self.branches, shoot)])


def _tree_of(branches: list[Branch], heart: Heart, mains: Mains) -> _Tree:
    trunk_mm = mains.fork_mm + _fork_mm(branches, mains)
    own = {link.branch for path in (mains.lad, mains.lcx) if path is not None for link in path.links}
    sides = [[] if path is None else offshoots(path, branches) for path in (mains.lad, mains.lcx)]
    late = {shoot.branch for side in sides for shoot in side if shoot.at_mm > trunk_mm}
    near = [shoot for side in sides for shoot in side if shoot.branch not in late | own]
    ramus = {shoot.branch for shoot in near if _between(heart, branches, shoot, mains)}
    lad, lcx = (
        [s for s in side if s.at_mm > trunk_mm and s.branch not in ramus and _own_mm(branches, s) >= LEAST_NAMED_MM]
        for side in sides
    )
    return _Tree(branches, heart, mains, lad, lcx, ramus)


def _fork_mm(branches: list[Branch], mains: Mains) -> float:
    """How far beyond the fork a branch of the left main may seem to leave: a wide trunk hides where it does."""
    if mains.lad is None:
        return FORK_MM
    trunk = branches[mains.lad.links[0].branch]
    near = np.abs(trunk.arc_mm - mains.fork_mm) < FORK_MM
    return max(FORK_MM, FORK_WIDTHS * float(np.median(trunk.lumen_mm[near])) if near.any() else 0.0)


def name_segments(branches: list[Branch], heart: Heart, mains: Mains) -> list[Named]:
    """The named stretches of all branches; every millimetre of every branch lies in exactly one."""
    tree = _tree_of(branches, heart, mains)
    named: list[Named] = []
    for path, borders, start_mm in ((mains.rca, _rca, 0.0), (mains.lad, _lad, 0.0), (mains.lcx, _lcx, mains.fork_mm)):
        if path is not None:
            named += _cut_at(path, borders(tree, path), start_mm=start_mm)
    named += _side_branches(tree, named)
    most = {n: mains.dominance_confidence for n in RESTS_ON_DOMINANCE}
    return [replace(item, confidence=min(item.confidence, most.get(item.scct or 0, 1.0))) for item in named]


def _rca(tree: _Tree, path: Path) -> list[Border]:
    """Middle segment: from half way to the acute margin, to it; the PDA from the crux or the posterolateral branch."""
    margin = float(path.arc_mm[np.argmax(path.points_mm @ ACUTE_MARGIN)])
    borders = [(1, 0.5 * margin), (2, margin)]
    if tree.mains.dominance == "left":
        return [*borders, (3, np.inf)]
    starts = [shoot.at_mm for shoot in posterolateral(tree.branches, tree.heart, path)]
    crux = min(starts, default=crux_mm(path, tree.heart))
    return [*borders, (3, max(crux, margin)), (4, np.inf)]


def _lad(tree: _Tree, path: Path) -> list[Border]:
    """Proximal: to the first diagonal, or large septal branch; middle: half of the way from there to the apex."""
    fork = tree.mains.fork_mm
    large = [s for s in tree.lad if _wide(tree.branches, s) or _own_mm(tree.branches, s) > LONG_MM]
    starts = [s.at_mm for s in large if _lad_kind(tree, path, s) == "diagonal"]
    starts += [s.at_mm for s in large if _wide(tree.branches, s) and _lad_kind(tree, path, s) == "septal"]
    starts = starts or [s.at_mm for s in tree.lad if _lad_kind(tree, path, s) == "diagonal"]
    first = min(starts, default=fork + 22.0)
    borders = [(5, fork)] if fork > 0 else []
    apex = float(path.arc_mm[np.argmax(places_of(tree.heart, path.points_mm).along_mm)])
    return [*borders, (6, first), (7, 0.5 * (first + max(apex, first))), (8, np.inf)]


def _lcx(tree: _Tree, path: Path) -> list[Border]:
    """Proximal: to the first marginal branch; the tail is the PDA in left, a posterolateral branch in co-dominance."""
    starts = [shoot.at_mm for shoot, _ in _lcx_numbers(tree, path)]
    first = min(starts, default=tree.mains.fork_mm + 28.0)
    tail = {"left": 15, "co": 18}.get(tree.mains.dominance or "")
    if tail is None:
        return [(11, first), (13, np.inf)]
    return [(11, first), (13, max(crux_mm(path, tree.heart), first)), (tail, np.inf)]


def _wide(branches: list[Branch], shoot: Offshoot) -> bool:
    """Whether a branch is large at its origin, by the half width of its contrast beyond the wall of its parent."""
    branch = branches[shoot.branch]
    beyond = branch.arc_mm - shoot.start_mm
    near = (beyond > 3.0) & (beyond < 8.0)
    return bool(near.any() and 2 * float(np.median(branch.lumen_mm[near])) >= LARGE_MM)


def _part(branches: list[Branch], shoot: Offshoot) -> NDArray[np.bool_]:
    return branches[shoot.branch].arc_mm >= shoot.start_mm


def _own_mm(branches: list[Branch], shoot: Offshoot) -> float:
    return branches[shoot.branch].line.length_mm - shoot.start_mm


def _lad_kind(tree: _Tree, lad: Path, shoot: Offshoot) -> str:
    """Which branch of the LAD one is.

    ``"company"`` where it stays beside the LAD, ``"septal"`` where it sinks into the muscle, ``"diagonal"`` to the left
    of the LAD, else ``"right"``.
    """
    branch, length_mm, at = tree.branches[shoot.branch], _own_mm(tree.branches, shoot), tree.places(shoot)
    sinks = float(at.depth_mm[0] - at.depth_mm[-1])
    beyond = branch.arc_mm > shoot.start_mm + 3.0
    buried = length_mm > 4 and float(np.median(branch.outer_mm[beyond])) > 3.0
    if _in_company(lad, tree.branches, shoot):
        return "company"
    if sinks > 0.45 * length_mm or (sinks > SINK_MM and buried):
        return "septal"
    main = places_of(tree.heart, lad.points_mm)
    level = int(np.argmin(np.abs(main.along_mm - at.along_mm[-1])))
    turn = (float(at.angle_deg[-1] - main.angle_deg[level]) + 180.0) % 360.0 - 180.0
    return "diagonal" if turn < 0.0 else "right"


def _in_company(path: Path, branches: list[Branch], shoot: Offshoot) -> bool:
    """Whether a branch of 15 mm or more stays beside the artery that it leaves, as its vein does."""
    branch = branches[shoot.branch]
    gap, _ = cKDTree(path.points_mm).query(branch.line.points_mm[branch.arc_mm > shoot.start_mm + 5.0])
    return bool(_own_mm(branches, shoot) > 15.0 and float(np.quantile(gap, 0.8)) < COMPANY_MM)


def _grouped(shoots: list[Offshoot], numbers: tuple[int, ...]) -> list[tuple[Offshoot, int]]:
    """A number for each vessel in turn; what leaves within 3 mm of the one before is a part of it."""
    out: list[tuple[Offshoot, int]] = []
    at_mm, rank = -np.inf, -1
    for shoot in shoots:
        rank += shoot.at_mm - at_mm > SAME_MM
        at_mm = shoot.at_mm
        if rank < len(numbers):
            out.append((shoot, numbers[rank]))
    return out


def _lcx_numbers(tree: _Tree, lcx: Path) -> list[tuple[Offshoot, int]]:
    """Branches of the circumflex over the left wall, proximal first: two marginals, posterolateral ones behind them.

    In left dominance, a branch from the inferior wall is posterolateral; one from the inferolateral wall is if two
    marginals went before it. What runs towards the atrium is neither.
    """
    late: list[tuple[Offshoot, int]] = []
    marginals: list[Offshoot] = []
    for shoot in tree.lcx:
        at = tree.places(shoot)
        angle = at.angle_deg % 360.0
        down = float(at.along_mm.max() - at.along_mm[0]) > APEXWARD_SHARE * _own_mm(tree.branches, shoot)
        enough = len({n for _, n in _grouped(marginals, (12, 14))}) == 2
        if tree.mains.dominance == "left" and angle[0] < (INFEROLATERAL_DEG if enough else INFERIOR_DEG):
            late.append((shoot, 18))
        elif down and 150.0 < float(np.median(angle)) < 330.0 and not _in_company(lcx, tree.branches, shoot):
            marginals.append(shoot)
    return _grouped(marginals, (12, 14)) + late


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


def _side_branches(tree: _Tree, named: list[Named]) -> list[Named]:
    """All that no main artery covers, with its number where it has one."""
    numbers = _numbers(tree)
    covered = {k: 0.0 for k in range(len(tree.branches))}
    vessel_of = {}
    for item in named:
        covered[item.branch] = max(covered[item.branch], item.end_mm)
        vessel_of[item.branch] = item.vessel
    out = []
    for k, branch in enumerate(tree.branches):
        vessel = vessel_of.get(k) or vessel_of.get(branch.parent) or ("RCA" if branch.side == "right" else "LAD")
        vessel_of[k] = vessel
        if branch.line.length_mm - covered[k] < 1.0:
            continue
        scct, confidence = numbers.get(k, (None, 0.5 if covered[k] == 0.0 else 0.4))
        if scct is not None:
            vessel = vessel_of[k] = VESSEL_OF[scct]
        out.append(Named(k, covered[k], branch.line.length_mm, scct, vessel, confidence))
    return out


def _numbers(tree: _Tree) -> dict[int, tuple[int | None, float]]:
    """Number and confidence of what leaves the main arteries, by branch."""
    mains = tree.mains
    out: dict[int, tuple[int | None, float]] = {}
    if mains.rca is not None and mains.dominance == "right":
        out |= {shoot.branch: (16, 0.9) for shoot in posterolateral(tree.branches, tree.heart, mains.rca)}
    if mains.lcx is not None:
        out |= _sure(tree, _lcx_numbers(tree, mains.lcx))
    if mains.lad is not None:
        diagonals = [s for s in tree.lad if _lad_kind(tree, mains.lad, s) == "diagonal"]
        out |= _sure(tree, _grouped(diagonals, (9, 10)))
    return out | dict.fromkeys(tree.ramus, (17, 0.8))


def _sure(tree: _Tree, numbered: list[tuple[Offshoot, int]]) -> dict[int, tuple[int | None, float]]:
    """Confidence of ordered branches: less where the first comes so late that one before it may not have been seen."""
    far = numbered and numbered[0][0].at_mm > tree.mains.fork_mm + FAR_MM
    short = {s.branch for s, _ in numbered if _own_mm(tree.branches, s) < 2 * LEAST_NAMED_MM}
    return {s.branch: (n, 0.5 if far or s.branch in short else 0.85) for s, n in numbered}


def _between(heart: Heart, branches: list[Branch], shoot: Offshoot, mains: Mains) -> bool:
    """Whether a branch from the fork ends between the two main arteries, as far from the fork as they."""
    own_mm = _own_mm(branches, shoot)
    if mains.lad is None or mains.lcx is None or own_mm < LEAST_NAMED_MM:
        return False
    tip = branches[shoot.branch].line.points_mm[-1:]
    level = [
        path.points_mm[np.searchsorted(path.arc_mm, mains.fork_mm + own_mm) :][:1] for path in (mains.lad, mains.lcx)
    ]
    if not all(len(point) for point in level):
        return False
    tip_deg, lad_deg, lcx_deg = (float(places_of(heart, point).angle_deg[0]) for point in (tip, *level))
    return (lcx_deg % 360.0) < (tip_deg % 360.0) and ((tip_deg + 180.0) % 360.0) < ((lad_deg + 180.0) % 360.0)
