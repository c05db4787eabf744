"""The coronary tree of a segmentation that somebody else made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from recanal.anatomy.aorta import Aorta, find_aorta
from recanal.anatomy.branches import REACH_MM, STEP_MM, Branch, section_widths
from recanal.anatomy.chamber import Heart, find_heart
from recanal.anatomy.coarse import coarse_view, thinned
from recanal.anatomy.joining import Item, Joined, joined_lines, joined_pieces
from recanal.anatomy.mains import Mains, find_mains, levelled
from recanal.anatomy.naming import name_segments
from recanal.anatomy.ostia import USUAL_DEG
from recanal.anatomy.segmentation import VesselLines, VesselMask
from recanal.anatomy.tree import CoronaryTree
from recanal.core.curves import TreeSegment
from recanal.core.volume import Volume
from recanal.errors import GeometryError
from recanal.imaging.sample import Block
from recanal.imaging.sections import cut_sections

__all__ = ["tree_of_segmentation", "unnamed_segments"]

LEAST_LUMEN_HU = 110.0
LEAST_TREE_MM = 150.0
CORE_MM = 0.4


@dataclass(frozen=True, eq=False)
class _Frame:
    """What of the heart is in view, and what is missing."""

    ascending: Aorta | None
    heart: Heart | None
    doubts: tuple[str, ...]


def tree_of_segmentation(
    volume: Volume, found: VesselMask | VesselLines, *, progress: Callable[[str], None] = lambda _: None
) -> CoronaryTree:
    """The coronary tree of a mask or of axes, named where the heart is in view.

    Parameters
    ----------
    volume
        The CT angiogram that the segmentation belongs to.
    found
        A mask on the grid of the volume, or axes.
    progress
        Called with a few words before each step.

    Returns
    -------
    CoronaryTree
        As :func:`recanal.anatomy.tree.find_tree` gives it, without the ostia. Where no aorta is in view the tree has
        no names, and a doubt says so. Lumen radii are those of the segmentation where it gives any, and 0 where a
        piece without contact was joined to its stump.

    Raises
    ------
    GeometryError
        When the mask has another shape than the volume, is empty, leaves the volume, or does not lie on contrast.
    """
    progress("finding the aorta")
    frame = _framed(volume)
    progress("following the segmentation")
    if isinstance(found, VesselMask):
        if found.inside.shape != volume.shape:
            raise GeometryError(
                f"The mask has {found.inside.shape} voxels, the volume {volume.shape}.",
                hint="A segmenter gives its mask on the grid of the volume.",
            )
        joined = joined_pieces(volume, found, frame.ascending)
    else:
        _check_inside(volume, found)
        joined = joined_lines(volume, found, frame.ascending)
    progress("measuring the vessels")
    sides = _sides(joined, frame.ascending)
    given = isinstance(found, VesselLines) or found.covers == "lumen"
    branches = [_branch(volume, item, side, given=given) for item, side in zip(joined.items, sides, strict=True)]
    _check_contrast(branches)
    return _named(branches, frame, joined, (*found.flags, *joined.flags))


def _framed(volume: Volume) -> _Frame:
    coarse = coarse_view(thinned(volume))
    ascending, descending = find_aorta(coarse)
    if ascending is None:
        return _Frame(None, None, ("the ascending aorta was not found: the segments have no names",))
    heart = find_heart(coarse, ascending, descending)
    if heart is None:
        return _Frame(ascending, None, ("no left ventricle was found below the aorta: the segments have no names",))
    return _Frame(ascending, heart, ())


def _check_inside(volume: Volume, found: VesselLines) -> None:
    if not found.lines:
        raise GeometryError("The segmentation is empty.", hint="Does the file hold centrelines?")
    points = np.concatenate([line.points_mm for line in found.lines])
    share = float(volume.contains_mm(points).mean())
    if share < 1.0:
        raise GeometryError(
            f"{100 * (1 - share):.0f} % of the points of the centrelines lie outside the volume.",
            hint="They must be LPS millimetres of the same series; RAS has the first two coordinates reversed.",
        )


def _check_contrast(branches: list[Branch]) -> None:
    """Refuse a segmentation that does not lie on contrast."""
    core = np.concatenate([branch.core_hu for branch in branches])
    level = float(np.percentile(core, 75))
    if level < LEAST_LUMEN_HU:
        raise GeometryError(
            f"The segmentation does not lie on opacified vessels: three quarters of its axes are below {level:.0f} HU.",
            hint="Was it made on another series, or written with left and right exchanged?",
        )


def _sides(joined: Joined, ascending: Aorta | None) -> list[str]:
    """Left or right for each axis, by where its tree leaves the aorta."""
    sides: list[str] = []
    for item in joined.items:
        if item.parent >= 0:
            sides.append(sides[item.parent])
        elif ascending is None:
            sides.append("unknown")
        else:
            start = item.line.points_mm[0]
            near = ascending.centre_mm[np.argmin(np.linalg.norm(ascending.centre_mm - start, axis=1))]
            angle = float(np.rad2deg(np.arctan2(near[1] - start[1], start[0] - near[0])))
            sides.append(min(USUAL_DEG, key=lambda side: abs((angle - USUAL_DEG[side] + 180.0) % 360.0 - 180.0)))
    return sides


def _branch(volume: Volume, item: Item, side: str, *, given: bool) -> Branch:
    """One axis, with the contrast and the outer border that the picture shows along it."""
    line = item.line.resample(STEP_MM)
    block = Block.around(volume, line.points_mm, margin_mm=12.0)
    sections = cut_sections(block, line, reach_mm=REACH_MM, rays=24)
    core = ndimage.gaussian_filter1d(sections.core_hu(CORE_MM), 1.0, mode="nearest")
    lumen, outer = section_widths(sections, core)
    if item.radius_mm is not None:
        radius = np.interp(line.arc_mm, item.line.arc_mm, item.radius_mm)
        bridged = np.interp(line.arc_mm, item.line.arc_mm, item.bridged.astype(float)) > 0.5
        lumen = np.where(bridged, 0.0, radius if given else lumen)
    return Branch(line, core, lumen, outer, item.parent, item.parent_mm, side)


def _named(branches: list[Branch], frame: _Frame, joined: Joined, flags: tuple[str, ...]) -> CoronaryTree:
    doubts = [*frame.doubts, *joined.doubts]
    total = sum(branch.line.length_mm for branch in branches)
    if frame.heart is not None and total < LEAST_TREE_MM:
        doubts.append(f"only {total:.0f} mm of coronary artery are in the segmentation")
    mains: Mains | None = None
    tree = CoronaryTree(
        frame.ascending, frame.heart, (), tuple(branches), doubts=tuple(doubts), flags=tuple(dict.fromkeys(flags))
    )
    if frame.heart is None:
        return tree
    heart = levelled(frame.heart, branches)
    mains = find_mains(branches, heart)
    missing = [name.upper() for name in ("rca", "lad", "lcx") if getattr(mains, name) is None]
    if len(missing) > 1:
        doubts.append(f"main arteries not found: {', '.join(missing)}")
    named = tuple(name_segments(branches, heart, mains))
    return replace(tree, mains=mains, named=named, doubts=tuple(doubts))


def unnamed_segments(tree: CoronaryTree) -> tuple[TreeSegment, ...]:
    """The axes of a tree without names, as ``branch 1``, ``branch 2`` and so on, with their lumen radii."""
    return tuple(
        TreeSegment(f"branch {k + 1}", None, None, branch.line, branch.lumen_mm)
        for k, branch in enumerate(tree.branches)
    )
