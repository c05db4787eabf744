"""The coronary tree of a volume, from the aorta to the names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.anatomy.aorta import Aorta, find_aortas
from recanal.anatomy.branches import Branch, made_branches
from recanal.anatomy.chamber import Heart, find_heart
from recanal.anatomy.coarse import Coarse, coarse_view, thinned
from recanal.anatomy.field import Field, heart_field
from recanal.anatomy.growth import Given, grown_ways
from recanal.anatomy.mains import Mains, find_mains, levelled
from recanal.anatomy.naming import Named, name_segments
from recanal.anatomy.ostia import Ostium, chosen_ostia, find_ostia, open_cost
from recanal.core.curves import Centerline, TreeSegment, VesselTree
from recanal.core.volume import Volume
from recanal.grids.geodesic import Reach, no_reach
from recanal.grids.steps import step_levels_mm

__all__ = ["CoronaryTree", "TreeSearch", "find_tree"]

LEAST_TREE_MM = 150.0
SIDES = ("left", "right")
SAME_AORTA = 2


@dataclass(frozen=True, eq=False)
class CoronaryTree:
    """All that was found of the coronary arteries.

    Parameters
    ----------
    ascending
        The ascending aorta; None where it was not found, and then all else is empty.
    heart
        The frame of the left ventricle; None where it was not found.
    ostia, branches
        Origins and vessel axes; ``branches[k].parent`` is an index into ``branches``.
    mains, named
        The main arteries and the named stretches.
    doubts
        Reasons not to trust the tree; with any of them it is not to be used.
    flags
        What is unusual.
    """

    ascending: Aorta | None
    heart: Heart | None
    ostia: tuple[Ostium, ...] = ()
    branches: tuple[Branch, ...] = ()
    mains: Mains | None = None
    named: tuple[Named, ...] = ()
    doubts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def dominance(self) -> str | None:
        """``"right"``, ``"left"``, ``"co"`` or None."""
        return None if self.mains is None else self.mains.dominance

    def vessel_tree(self) -> VesselTree:
        """The named stretches with their axes and lumen radii."""
        segments = []
        for item in self.named:
            branch = self.branches[item.branch]
            where = np.linspace(item.start_mm, item.end_mm, max(2, round((item.end_mm - item.start_mm) / 0.5) + 1))
            radius = np.interp(where, branch.arc_mm, branch.lumen_mm)
            line = Centerline(branch.line.at(where))
            segments.append(TreeSegment(item.name, item.scct, item.vessel, line, radius))
        return VesselTree(self.dominance, tuple(segments))


def find_tree(volume: Volume, *, progress: Callable[[str], None] = lambda _: None) -> CoronaryTree:
    """Aorta, ostia, branches and names of a coronary CT angiogram.

    Parameters
    ----------
    volume
        The whole heart, with contrast.
    progress
        Called with a few words before each step.

    Notes
    -----
    Steps and constants stand on the definition pages of the tree and of the names.
    """
    return TreeSearch(volume, progress=progress).tree()


class TreeSearch:
    """The maps that the tree of a volume is grown on, kept to grow it more than once; parameters as above."""

    def __init__(self, volume: Volume, *, progress: Callable[[str], None] = lambda _: None) -> None:
        progress("finding the aorta")
        thin = thinned(volume)
        coarse, self._steps_mm = coarse_view(thin), step_levels_mm(thin.hu, thin.affine)
        aortas, descending = find_aortas(coarse)
        self._volume, self._progress, self._aorta = volume, progress, aortas[0] if aortas else None
        progress("looking for vessels")
        self._root = _best_root(volume, coarse, (aortas, descending))

    def tree(self, through_mm: Sequence[NDArray[np.float64]] = ()) -> CoronaryTree:
        """The tree; also led along given curves, (n, 3) each, of arteries that it does not reach by itself."""
        if self._aorta is None:
            return CoronaryTree(None, None, doubts=("the ascending aorta was not found: is the heart in view?",))
        root = self._root
        if root is None:
            return CoronaryTree(self._aorta, None, doubts=("no left ventricle was found below the aorta",))
        if not root.ostia:
            return CoronaryTree(root.ascending, root.heart, doubts=("no coronary artery was found on the aorta",))
        self._progress("following the arteries")
        given = Given(self._steps_mm, tuple(through_mm))
        ways = grown_ways(self._volume, root.field, root.cost, root.ostia, given=given, room=root.room)
        branches = made_branches(self._volume, root.field, ways, tuple(ostium.side for ostium in root.ostia))
        self._progress("naming the segments")
        heart = levelled(root.heart, branches)
        mains = find_mains(branches, heart)
        named = tuple(name_segments(branches, heart, mains))
        doubts, flags = tuple(_doubts(branches, mains)), tuple(root.flags)
        return CoronaryTree(root.ascending, heart, tuple(root.ostia), tuple(branches), mains, named, doubts, flags)


@dataclass(frozen=True, eq=False)
class _Root:
    """What one candidate for the ascending aorta leads to."""

    ascending: Aorta
    heart: Heart
    field: Field
    cost: NDArray[np.float32]
    ostia: list[Ostium]
    flags: list[str]
    room: Reach


def _root(volume: Volume, coarse: Coarse, ascending: Aorta, heart: Heart) -> _Root:
    field = heart_field(volume, coarse, heart, ascending)
    cost = open_cost(field)
    room = no_reach(cost.shape)
    ostia, flags = chosen_ostia(find_ostia(field, ascending, cost, room=room))
    return _Root(ascending, heart, field, cost, ostia, flags, room)


def _best_root(volume: Volume, coarse: Coarse, found: tuple[list[Aorta], Aorta | None]) -> _Root | None:
    """The first candidate for the ascending aorta that both coronary arteries leave, or else the best.

    Another vessel than the likeliest one is tried only where no artery leaves that. None where no left ventricle lies
    below any. One field is kept at a time.
    """
    aortas, descending = found
    tried: list[tuple[int, Aorta, Heart]] = []
    for number, ascending in enumerate(aortas):
        if number >= SAME_AORTA and any(count for count, *_ in tried):
            continue
        heart = find_heart(coarse, ascending, descending)
        if heart is None:
            continue
        root = _root(volume, coarse, ascending, heart)
        if len(root.ostia) == len(SIDES):
            return root
        tried.append((len(root.ostia), ascending, heart))
        del root
    if not tried:
        return None
    _, ascending, heart = max(tried, key=lambda item: item[0])
    return _root(volume, coarse, ascending, heart)


def _doubts(branches: list[Branch], mains: Mains) -> list[str]:
    doubts = []
    total = sum(branch.line.length_mm for branch in branches)
    if total < LEAST_TREE_MM:
        doubts.append(f"only {total:.0f} mm of coronary artery were found")
    missing = [name for name in ("rca", "lad", "lcx") if getattr(mains, name) is None]
    if len(missing) > 1:
        doubts.append(f"main arteries not found: {', '.join(name.upper() for name in missing)}")
    return doubts
