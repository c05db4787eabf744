"""Names of the coronary segments: the 18 segments of the SCCT, per point of every axis.

The numbering is that of the SCCT guideline: Leipsic J, et al. J Cardiovasc Comput Tomogr 2014;8:342-358,
doi:10.1016/j.jcct.2014.07.003 (figure 1 and table of segments).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.phantoms.geometry import Floats
from recanal.phantoms.heart import Heart
from recanal.phantoms.tree import STEP_MM, Artery

__all__ = ["SCCT_NAMES", "Naming", "numbered", "turn_mm"]

SCCT_NAMES: dict[int, str] = {
    1: "pRCA",
    2: "mRCA",
    3: "dRCA",
    4: "R-PDA",
    5: "LM",
    6: "pLAD",
    7: "mLAD",
    8: "dLAD",
    9: "D1",
    10: "D2",
    11: "pCx",
    12: "OM1",
    13: "LCx",
    14: "OM2",
    15: "L-PDA",
    16: "R-PLB",
    17: "RI",
    18: "L-PLB",
}
_MARGIN = np.array([-1.0, 0.0, -1.0])
_LARGE_MM = 1.5
_FORK_MM = 15.0


def turn_mm(heart: Heart, artery: Artery) -> float:
    """Arc length at which an artery leaves the atrioventricular groove for the underside of the heart.

    Its end where it stays in the groove.
    """
    local = (artery.points_mm - heart.origin_mm) @ heart.basis.T / heart.scale
    angle = np.abs(np.rad2deg(np.arctan2(local[:, 2], local[:, 1])))
    down = (local[:, 0] > 4.0) & (angle > 120.0) & (np.arange(len(local)) * STEP_MM > 60.0)
    return float(np.argmax(down) * STEP_MM) if down.any() else float(artery.arc_mm[-1])


@dataclass(frozen=True, eq=False)
class Naming:
    """What the names of one tree rest on.

    Parameters
    ----------
    heart, arteries
        The anatomy; the arteries in any order.
    dominance
        ``"right"``, ``"left"`` or ``"co"``.
    left_main_mm
        Arc length of the left main on the artery that carries it.
    """

    heart: Heart
    arteries: list[Artery]
    dominance: str
    left_main_mm: float

    def branches(self, parent: Artery, kind: str) -> list[Artery]:
        """Diagonals, marginals or septals of a main artery, from its origin on."""
        prefix, side = {"diagonal": (("d1", "d2"), -1), "marginal": (("om",), 1), "septal": (("septal",), 0)}[kind]
        found = [
            a
            for a in self.arteries
            if a.parent == parent.name and (a.name.startswith(prefix) or (a.name == "cap branch" and a.side * side > 0))
        ]
        return sorted(found, key=lambda a: a.start_mm)


def _borders(numbers: tuple[int, ...], borders_mm: list[float], arc_mm: Floats) -> NDArray[np.int16]:
    """(n,) the k-th number up to the k-th border, the last one beyond."""
    return np.asarray(np.array(numbers)[np.searchsorted(borders_mm, arc_mm, side="right")], dtype=np.int16)


def _rca(naming: Naming, artery: Artery) -> NDArray[np.int16]:
    """Acute margin: the point farthest to the right and below. The PDA begins at the crux, or where the PLB leaves."""
    points, arc = artery.points_mm, artery.arc_mm
    margin = float(np.argmax(points @ _MARGIN) * STEP_MM)
    if naming.dominance == "left":
        return _borders((1, 2, 3), [0.5 * margin, margin], arc)
    crux = turn_mm(naming.heart, artery)
    forks = [a.start_mm for a in naming.arteries if a.parent == "RCA" and a.name == "pl"]
    crux = next((fork for fork in forks if abs(fork - crux) < _FORK_MM), crux)
    return _borders((1, 2, 3, 4), [0.5 * margin, margin, max(crux, margin)], arc)


def _lad(naming: Naming, artery: Artery, stem_mm: float) -> NDArray[np.int16]:
    """Proximal: to the first diagonal or septal of at least 1.5 mm; middle: half of what is left."""
    diagonals = naming.branches(artery, "diagonal")
    large = [*diagonals, *naming.branches(artery, "septal")]
    starts = [a.start_mm for a in large if 2 * float(a.lumen_mm[0]) >= _LARGE_MM and a.start_mm > stem_mm]
    first = min(starts, default=diagonals[0].start_mm if diagonals else stem_mm + 22.0)
    return _borders((5, 6, 7, 8), [stem_mm, first, 0.5 * (first + float(artery.arc_mm[-1]))], artery.arc_mm)


def _lcx(naming: Naming, artery: Artery, stem_mm: float) -> NDArray[np.int16]:
    """Proximal: to the first marginal; beyond the turn at the crux the L-PDA, or in co-dominance the L-PLB."""
    marginals = naming.branches(artery, "marginal")
    first = marginals[0].start_mm if marginals else stem_mm + 28.0
    numbers, borders = (5, 11, 13), [stem_mm, first]
    tail = {"left": 15, "co": 18}.get(naming.dominance)
    if tail is None:
        return _borders(numbers, borders, artery.arc_mm)
    return _borders((*numbers, tail), [*borders, max(turn_mm(naming.heart, artery), first)], artery.arc_mm)


def _side_branches(naming: Naming) -> dict[str, int]:
    """Numbers of the side branches by name; those without one are left out."""
    numbers = {"pl": 16, "l pl": 18, "l pl 2": 18, "ramus": 17}
    for main in naming.arteries:
        pairs = {"LAD": ("diagonal", (9, 10)), "LCX": ("marginal", (12, 14))}.get(main.name)
        if pairs is not None:
            numbers |= {a.name: n for a, n in zip(naming.branches(main, pairs[0]), pairs[1], strict=False)}
    return numbers


def numbered(naming: Naming) -> list[NDArray[np.int16]]:
    """SCCT number of every point of every artery, 0 where it has none (conus, right ventricular, septal, third ones).

    Returns
    -------
    list of ndarray
        (n,) per artery, in the order of ``naming.arteries``.
    """
    sides = _side_branches(naming)
    makers = {"LAD": _lad, "LCX": _lcx}
    out = []
    for artery in naming.arteries:
        if artery.name == "RCA":
            out.append(_rca(naming, artery))
        elif artery.name in makers:
            stem_mm = 0.0 if artery.parent else naming.left_main_mm
            out.append(makers[artery.name](naming, artery, stem_mm))
        else:
            out.append(np.full(len(artery.points_mm), sides.get(artery.name, 0), dtype=np.int16))
    return out
