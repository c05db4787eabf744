"""Which arteries the picture does not show as a whole: cut by its edge, or not found at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.branches import STEP_MM
from recanal.anatomy.tree import CoronaryTree
from recanal.core.case import Lesion
from recanal.core.volume import Volume

__all__ = ["unseen_arteries"]

FACE_MM = 2.5
WIDE_MM = 1.2
BEFORE_MM = 10.0
COARSE_MM = 1.2
MOST_FILL_HU, LEAST_FILL_SHARE = -1000.0, 0.01
BELOW = {"RCA": ("RCA",), "LAD": ("LAD", "LM"), "LCX": ("LCX", "LM")}


def unseen_arteries(
    volume: Volume, tree: CoronaryTree, lesions: Sequence[Lesion] = (), *, vessel: str | None = None
) -> tuple[str, ...]:
    """Why a tree is not all of the coronary arteries, in words for the reader; none where it may be.

    Parameters
    ----------
    volume
        In which the tree was found.
    tree
        With the main arteries.
    lesions
        The occlusions: an artery that is closed where it begins is not missing.
    vessel
        The one artery that is asked about: ``"RCA"``, ``"LM"``, ``"LAD"`` or ``"LCX"``; all when None.

    Notes
    -----
    An artery with a number of the SCCT is cut where it comes within 2.5 mm of a face of the volume, or of what the
    scanner filled with one lowest value from a face on (1 % of the volume or more, -1000 HU or less), and is, over the
    10 mm before, at least 2.4 mm wide with its wall: it goes on beyond, and so may an occlusion. A main artery of which
    nothing is found may be closed at its origin, absent, too small, or outside of the picture: its occlusion would be
    found as little. Where several are missing the tree says so itself. The limits are recanal's own.
    """
    if not tree.branches or tree.mains is None:
        return ()
    return (*_cut(volume, tree, vessel), *_missing(tree, lesions, vessel))


def _cut(volume: Volume, tree: CoronaryTree, vessel: str | None) -> list[str]:
    widest: dict[str, float] = {}
    empty_mm = _empty_mm(volume)
    for number, branch in enumerate(tree.branches):
        points = branch.line.points_mm
        near = ~volume.contains_mm(points, margin_mm=FACE_MM) | (empty_mm(points) < FACE_MM)
        for first in np.flatnonzero(near & ~np.append(False, near[:-1])):
            width_mm = 2.0 * float(np.median(branch.outer_mm[max(0, first - round(BEFORE_MM / STEP_MM)) : first + 1]))
            name = _vessel_at(tree, number, float(branch.arc_mm[first]))
            if name is not None and width_mm >= 2.0 * WIDE_MM and vessel in (None, name):
                widest[name] = max(widest.get(name, 0.0), width_mm)
    if not widest:
        return []
    cut = ", ".join(f"{name} ({width:.1f} mm)" for name, width in widest.items())
    return [f"cut by the edge of the picture where still wide: {cut}; an occlusion beyond would not be seen"]


def _empty_mm(volume: Volume) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """How far points lie from what the scanner filled up: one lowest value from a face of the volume on."""
    stride = tuple(max(1, round(COARSE_MM / step)) for step in volume.spacing_mm)
    coarse = volume.hu[:: stride[0], :: stride[1], :: stride[2]]
    filled = coarse == coarse.min()
    if coarse.min() > MOST_FILL_HU or filled.mean() < LEAST_FILL_SHARE:
        return lambda points_mm: np.full(len(points_mm), np.inf)
    groups, _ = ndimage.label(np.pad(filled, 1, constant_values=True))
    inside = (groups != groups[0, 0, 0])[1:-1, 1:-1, 1:-1]
    far_mm = ndimage.distance_transform_edt(inside, sampling=np.multiply(volume.spacing_mm, stride))

    def distance_mm(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        index = np.rint(volume.affine.to_index(points_mm) / stride).astype(int)
        return np.asarray(far_mm[tuple(np.clip(index, 0, np.subtract(far_mm.shape, 1)).T)])

    return distance_mm


def _vessel_at(tree: CoronaryTree, number: int, at_mm: float) -> str | None:
    """The artery that a place on a branch belongs to; None on a side branch without a number of the SCCT."""
    here = [item for item in tree.named if item.branch == number and item.start_mm <= at_mm + STEP_MM]
    last = max(here, key=lambda item: item.start_mm, default=None)
    return None if last is None or last.scct is None else last.vessel


def _missing(tree: CoronaryTree, lesions: Sequence[Lesion], vessel: str | None) -> list[str]:
    mains = tree.mains
    found = {} if mains is None else {"RCA": mains.rca, "LAD": mains.lad, "LCX": mains.lcx}
    missing = [name for name, path in found.items() if path is None]
    closed = {lesion.vessel for lesion in lesions}
    if len(missing) != 1 or vessel not in (None, missing[0]) or closed & set(BELOW[missing[0]]):
        return []
    return [
        f"the {missing[0]} was not found: closed at its origin, absent or outside of the picture? "
        "An occlusion of it would not be seen"
    ]
