"""Whether what was found looks like coronary arteries at all."""

from __future__ import annotations

import numpy as np

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.ostia import Ostium
from recanal.anatomy.tree import CoronaryTree

__all__ = ["unlike_coronaries"]

MOST_BRANCHES = 45
MOST_TREE_MM = 1600.0
MOST_UNNAMED_SHARE = 0.6
ROOT_MM = (20.0, 45.0)
MAIN_MM = (50.0, 280.0)
LEAST_MAINS = 2
MANY_OCCLUSIONS = 4
MOST_DOUBTFUL_SHARE = 0.5
ENOUGH_WEAK_SIGNS = 2


def unlike_coronaries(tree: CoronaryTree, *, occlusions: int = 0, doubtful: int = 0) -> tuple[str, ...]:
    """The reason not to take a tree for coronary arteries, in words with its numbers; none where it may be one.

    Parameters
    ----------
    tree
        From :func:`recanal.anatomy.tree.find_tree`.
    occlusions
        How many were found in it.
    doubtful
        How many of them have a doubtful way through, or nothing that fills beyond.

    Notes
    -----
    A strong sign suffices: too many branches, too great a length, or most of it without a name of the SCCT. Of the weak
    ones, which hearts with a closed or anomalous origin or a wide root show too, it takes two: an ostium that is
    missing, an aorta of unusual width there, fewer than two main arteries of usual length, many doubtful occlusions.
    A tree without branches is doubted elsewhere. All limits are recanal's own: they lie well outside of what phantoms
    of whole hearts reach.
    """
    if not tree.branches:
        return ()
    signs, weak = _strong_signs(tree), _weak_signs(tree, occlusions, doubtful)
    if not signs and len(weak) < ENOUGH_WEAK_SIGNS:
        return ()
    return (f"this does not look like a coronary tree: {'; '.join((*signs, *weak))}",)


def _strong_signs(tree: CoronaryTree) -> list[str]:
    total = sum(branch.line.length_mm for branch in tree.branches)
    unnamed = sum(item.end_mm - item.start_mm for item in tree.named if item.scct is None)
    signs = []
    if len(tree.branches) > MOST_BRANCHES:
        signs.append(f"{len(tree.branches)} branches ({MOST_BRANCHES} at most are expected)")
    if total > MOST_TREE_MM:
        signs.append(f"{total:.0f} mm of vessel ({MOST_TREE_MM:.0f} mm at most are expected)")
    if total > 0 and unnamed > MOST_UNNAMED_SHARE * total:
        signs.append(f"{100 * unnamed / total:.0f} % of its length lies in side branches without a name")
    return signs


def _weak_signs(tree: CoronaryTree, occlusions: int, doubtful: int) -> list[str]:
    signs = [f"no {side} ostium" for side in ("left", "right") if side not in [x.side for x in tree.ostia]]
    if tree.ascending is not None:
        widths = [_width_mm(tree.ascending, ostium) for ostium in tree.ostia]
        signs += [f"an aorta of {width:.0f} mm at an ostium" for width in widths if not _within(width, ROOT_MM)][:1]
    mains = tree.mains
    paths = [] if mains is None else [path for path in (mains.rca, mains.lad, mains.lcx) if path is not None]
    if sum(_within(path.length_mm, MAIN_MM) for path in paths) < LEAST_MAINS:
        signs.append(f"fewer than {LEAST_MAINS} main arteries of usual length")
    if occlusions >= MANY_OCCLUSIONS and doubtful > MOST_DOUBTFUL_SHARE * occlusions:
        signs.append(f"{occlusions} occlusions, {doubtful} of them doubtful")
    return signs


def _width_mm(aorta: Aorta, ostium: Ostium) -> float:
    """Diameter of the aorta at the level of an ostium."""
    return 2.0 * float(np.interp(ostium.point_mm[2], aorta.centre_mm[:, 2], aorta.radius_mm))


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
