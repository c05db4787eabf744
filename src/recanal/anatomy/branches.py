"""Ways made into vessel axes: centred, measured, and joined to the vessel they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.field import Field
from recanal.anatomy.ways import Way
from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.imaging.centring import centred, extended
from recanal.imaging.edges import falling_edge, steady
from recanal.imaging.sample import Block
from recanal.imaging.sections import Sections, cut_sections

__all__ = ["STEP_MM", "Branch", "led_to_wall", "made_branches", "section_widths"]

STEP_MM = 0.5
LEAD_VOXELS = 10
ROUNDS = 4
REACH_MM = 3.6
TISSUE_HU = 60.0
FAT_HU = -90.0
WALL_EDGE_HU = -12.0
LEAST_LEVEL_HU = 130.0
LEAST_LENGTH_MM = 4.0
ENDS_HU = 15.0
ENDS_MM = 2.0
OSTIAL_MM = 12.0
TRUNK_MM, MOST_TRUNK_MM = 4.0, 9.0
OPEN_SHARE = 0.6
EXIT_MM = 7.0
BEYOND_MM = 0.5
AIM_MM = 2.5


@dataclass(frozen=True, eq=False)
class Branch:
    """One vessel axis.

    Parameters
    ----------
    line
        Every 0.5 mm, from a point on the axis of the parent, or from the ostium, to the tip.
    core_hu
        (n,) mean over a disc of 0.4 mm.
    lumen_mm, outer_mm
        (n,) half width of the contrast, and of all that stands out from fat.
    parent, parent_mm
        Index of the branch it leaves, -1 for none, and the arc length there.
    side
        ``"left"`` or ``"right"``: the ostium.
    """

    line: Centerline
    core_hu: NDArray[np.float64]
    lumen_mm: NDArray[np.float64]
    outer_mm: NDArray[np.float64]
    parent: int
    parent_mm: float
    side: str

    @property
    def arc_mm(self) -> NDArray[np.float64]:
        """(n,) arc length."""
        return self.line.arc_mm


def made_branches(volume: Volume, field: Field, ways: list[Way], sides: tuple[str, ...]) -> list[Branch]:
    """The axes of all ways, in their order.

    A way that turns out too short, or to be a second way through its parent, is left out; what hangs on it hangs on
    its parent.
    """
    number: dict[int, int] = {}
    out: list[Branch] = []
    for k, way in enumerate(ways):
        above = way.parent
        while above >= 0 and above not in number:
            above = ways[above].parent
        parent = number.get(above, -1)
        if way.parent >= 0 and parent < 0:
            continue
        branch = _branch(volume, field, ways, way, (parent, out[parent] if parent >= 0 else None, sides[way.label - 1]))
        if branch is not None:
            number[k] = len(out)
            out.append(branch)
    return out


def _branch(
    volume: Volume, field: Field, ways: list[Way], way: Way, above: tuple[int, Branch | None, str]
) -> Branch | None:
    """The axis of one way; ``above`` is the index of its parent, the parent, and the side."""
    index, parent, side = above
    lead = np.empty((0, 3), dtype=np.int64)
    if way.parent >= 0:
        lead = ways[way.parent].voxels[max(0, way.at - LEAD_VOXELS) : way.at]
    path = field.block.affine.to_mm(np.concatenate([lead, way.voxels]))
    block = Block.around(volume, path, margin_mm=12.0)
    levels = _levels(field, way)
    raw = centred(block, path, levels, rounds=ROUNDS)
    if parent is None:
        line, parent_mm = led_to_wall(field, _to_aorta(block, raw, levels[0])), 0.0
    else:
        joined, parent_mm = _joined(raw, parent, field.block.affine.to_mm(way.voxels[0])[0])
        if joined is None or joined.length_mm < LEAST_LENGTH_MM or _inside(joined, parent):
            return None
        line = joined
    line = line.resample(STEP_MM)
    sections = cut_sections(block, line, reach_mm=REACH_MM, rays=24)
    core = ndimage.gaussian_filter1d(sections.core_hu(0.4), 1.0, mode="nearest")
    keep = _kept(core)
    if keep * STEP_MM < LEAST_LENGTH_MM:
        return None
    lumen, outer = section_widths(sections, core)
    return Branch(Centerline(line.points_mm[:keep]), core[:keep], lumen[:keep], outer[:keep], index, parent_mm, side)


def _to_aorta(block: Block, line: Centerline, level_hu: float) -> Centerline:
    """The line led back into the aorta, as far as the lumen stays a tube."""
    head = Centerline(line.at(np.arange(0.0, min(12.0, line.length_mm) + 1e-6, STEP_MM)))
    longer = extended(block, head, (level_hu, level_hu), reach_mm=OSTIAL_MM).points_mm
    first = int(np.argmin(np.linalg.norm(longer - head.points_mm[0], axis=1)))
    return Centerline(np.concatenate([longer[:first], line.points_mm])) if first else line


def led_to_wall(field: Field, line: Centerline) -> Centerline:
    """The line led straight on to the aorta, where a trunk too wide for a tube ends it at most 9 mm before."""
    start = line.points_mm[0]
    back = start - line.at([TRUNK_MM])[0]
    more = start + np.arange(STEP_MM, MOST_TRUNK_MM, STEP_MM)[:, None] * back / max(float(np.linalg.norm(back)), 1e-9)
    index = np.rint(field.block.affine.to_index(np.concatenate([start[None], more]))).astype(int)
    where = tuple(np.clip(index, 0, np.array(field.aorta.shape) - 1).T)
    inside = field.aorta[where]
    reached = int(np.argmax(inside))
    filled = bool((field.block.hu[where][: reached + 1] > OPEN_SHARE * field.blood_hu).all())
    if not inside.any() or reached == 0 or not filled:
        return line
    return Centerline(np.concatenate([more[:reached][::-1], line.points_mm]))


def _levels(field: Field, way: Way) -> tuple[float, float]:
    """Contrast near both ends of a way."""
    hu = field.block.hu[tuple(way.voxels.T)]
    part = max(4, len(hu) // 4)
    first, last = (float(np.percentile(x, 75)) for x in (hu[:part], hu[-part:]))
    return max(first, LEAST_LEVEL_HU), max(last, LEAST_LEVEL_HU)


def _joined(line: Centerline, parent: Branch, start: NDArray[np.float64]) -> tuple[Centerline | None, float]:
    """The part of a line beyond the lumen of its parent, led straight back to the axis of the parent."""
    places = [parent.line.nearest(point) for point in line.points_mm]
    gap = np.array([distance for _, distance in places])
    reach = np.interp([place for place, _ in places], parent.arc_mm, parent.lumen_mm)
    first = int(np.argmin(np.linalg.norm(line.points_mm - start, axis=1)))
    near = slice(0, max(first + round(EXIT_MM / STEP_MM), 1))
    inside = np.flatnonzero(gap[near] < np.maximum(reach[near] + BEYOND_MM, 0.4))
    leave = min(int(inside[-1]) + 1 if len(inside) else 0, len(line.points_mm) - 2)
    parent_mm = _origin_mm(line, leave, parent, places[leave][0])
    points = np.concatenate([parent.line.at([parent_mm]), line.points_mm[leave:]])
    points = points[np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3])]
    return (Centerline(points) if len(points) > 2 else None), parent_mm


def _origin_mm(line: Centerline, leave: int, parent: Branch, near_mm: float) -> float:
    """Where on the axis of the parent the branch aims back to, within 4 mm of the nearest place."""
    away = line.points_mm[min(leave + round(AIM_MM / STEP_MM), len(line.points_mm) - 1)] - line.points_mm[leave]
    away = away / max(float(np.linalg.norm(away)), 1e-9)
    asked = np.clip(np.arange(near_mm - 4.0, near_mm + 4.01, 0.25), 0.0, parent.line.length_mm)
    back = line.points_mm[leave] - parent.line.at(asked)
    along = np.maximum(back @ away, 0.0)
    miss = np.linalg.norm(back - along[:, None] * away, axis=1)
    return float(asked[np.argmin(miss + 0.15 * np.abs(asked - near_mm))])


def _inside(line: Centerline, parent: Branch) -> bool:
    """Whether a line hardly leaves the wall of its parent: a second way through the same vessel."""
    places = [parent.line.nearest(point) for point in line.points_mm[::2]]
    wall = np.interp([place for place, _ in places], parent.arc_mm, parent.outer_mm)
    return bool(np.mean(np.array([gap for _, gap in places]) < 1.2 * wall) > 0.6)


def _kept(core: NDArray[np.float64]) -> int:
    """How many samples are left when the end that has faded is cut off."""
    smooth = ndimage.uniform_filter1d(core, round(ENDS_MM / STEP_MM), mode="nearest")
    seen = np.flatnonzero(smooth > ENDS_HU)
    return int(seen[-1]) + 1 if len(seen) else 0


def section_widths(sections: Sections, core: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) half width of the contrast and of all that stands out from fat, on sections of 3.6 mm."""
    hu = steady(sections.hu, along_mm=0.5, step_mm=sections.step_mm)
    floor = np.where(core > LEAST_LEVEL_HU, TISSUE_HU, FAT_HU)
    lumen = falling_edge(hu, (0.5 * (core + floor))[:, None], limit_mm=REACH_MM)
    outer = falling_edge(hu, np.minimum(WALL_EDGE_HU, 0.5 * (core + FAT_HU))[:, None], start_mm=0.3, limit_mm=REACH_MM)
    return np.nanmedian(np.nan_to_num(lumen, nan=REACH_MM), axis=1), np.nanquantile(
        np.nan_to_num(outer, nan=REACH_MM), 0.35, axis=1
    )
