"""Borders of the segments of the main arteries, and the numbers of side branches."""

from __future__ import annotations

import numpy as np

from recanal.anatomy.branches import Branch
from recanal.anatomy.chamber import Heart
from recanal.anatomy.naming import (
    ACUTE_MARGIN,
    FORK_MM,
    LARGE_MM,
    LEAST_NAMED_MM,
    SINK_MM,
    VESSEL_OF,
    Mains,
    Named,
    _crux_mm,
    _pda_mm,
    _plb_start_mm,
    places_of,
)
from recanal.anatomy.paths import Path

__all__ = ["Border", "cut_at", "main_borders", "side_numbers"]

Border = tuple[int, float]


def main_borders(branches: list[Branch], heart: Heart, mains: Mains, vessel: str) -> list[Border]:
    """Numbers along a main artery, each with the arc length from the ostium at which it ends."""
    if vessel == "RCA":
        return _rca(branches, heart, mains)
    if vessel == "LAD":
        return _lad(branches, heart, mains)
    return _lcx(branches, heart, mains)


def _rca(branches: list[Branch], heart: Heart, mains: Mains) -> list[Border]:
    """Middle segment: from half way to the acute margin, to it; the PDA from the crux or the posterolateral branch."""
    path = mains.rca
    assert path is not None
    margin = float(path.arc_mm[np.argmax(path.points_mm @ ACUTE_MARGIN)])
    borders = [(1, 0.5 * margin), (2, margin)]
    if _pda_mm(path, heart, margin) < 8.0 or mains.dominance == "left":
        return [*borders, (3, np.inf)]
    crux = _crux_mm(path, heart)
    plb = _plb_start_mm(branches, heart, path)
    crux = crux if plb is None else min(crux, plb)
    return [*borders, (3, max(crux, margin)), (4, np.inf)]


def _lad(branches: list[Branch], heart: Heart, mains: Mains) -> list[Border]:
    """Proximal: to the first diagonal or septal branch of 1.5 mm; middle: half of what is left."""
    path = mains.lad
    assert path is not None
    fork = mains.fork_mm
    kinds = [(at, branches[k], _lad_kind(heart, branches[k])) for k, at in path.leaving(branches) if at > fork + FORK_MM]
    large = [at for at, branch, kind in kinds if kind in ("diagonal", "septal") and _wide(branch)]
    any_diagonal = [at for at, _, kind in kinds if kind == "diagonal"]
    first = min(large, default=any_diagonal[0] if any_diagonal else fork + 22.0)
    borders = [(5, fork)] if fork > 0 else []
    return [*borders, (6, first), (7, 0.5 * (first + path.length_mm)), (8, np.inf)]


def _lcx(branches: list[Branch], heart: Heart, mains: Mains) -> list[Border]:
    """Proximal: to the first marginal branch; the tail is the PDA in left, a posterolateral branch in co-dominance."""
    path = mains.lcx
    assert path is not None
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
    return [*borders, (13, max(_crux_mm(path, heart), first)), (tail, np.inf)]


def _wide(branch: Branch) -> bool:
    """Whether a branch is large at its origin, by the half width of its contrast beyond the wall of its parent."""
    near = (branch.arc_mm > 3.0) & (branch.arc_mm < 8.0)
    return bool(near.any() and 2 * float(np.median(branch.lumen_mm[near])) >= LARGE_MM)


def _lad_kind(heart: Heart, branch: Branch) -> str:
    """``"septal"`` where a branch sinks into the muscle, ``"diagonal"`` to the left, ``"right"`` otherwise."""
    at = places_of(heart, branch.line.points_mm)
    sinks = float(at.depth_mm[0] - at.depth_mm[-1])
    buried = float(np.median(branch.outer_mm[branch.arc_mm > 3.0])) > 3.0 if branch.line.length_mm > 4 else False
    if sinks > SINK_MM and (buried or sinks > 0.45 * branch.line.length_mm):
        return "septal"
    turn = float(at.angle_deg[-1] - at.angle_deg[0])
    return "diagonal" if turn < 6.0 else "right"


def _on_left(heart: Heart, branch: Branch) -> bool:
    return float(np.median(places_of(heart, branch.line.points_mm).angle_deg)) < -30.0


def cut_at(path: Path, borders: list[Border], *, start_mm: float) -> list[Named]:
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


def side_numbers(branches: list[Branch], heart: Heart, mains: Mains, named: list[Named]) -> list[Named]:
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
        start = _plb_start_mm(branches, heart, mains.rca)
        out |= {k: (16, 0.85) for k, at in mains.rca.leaving(branches) if start is not None and at >= start}
    if mains.lad is not None:
        diagonals = []
        for k, at in mains.lad.leaving(branches):
            if at <= mains.fork_mm + FORK_MM:
                if _between(heart, branches[k]):
                    out[k] = (17, 0.7)
            elif branches[k].line.length_mm >= LEAST_NAMED_MM and _lad_kind(heart, branches[k]) == "diagonal":
                diagonals.append(k)
        out |= {k: (n, 0.8) for k, n in zip(diagonals, (9, 10), strict=False)}
    if mains.lcx is not None:
        out |= _lcx_numbers(branches, heart, mains, mains.lcx)
    return out


def _lcx_numbers(
    branches: list[Branch], heart: Heart, mains: Mains, lcx: Path
) -> dict[int, tuple[int | None, float]]:
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
