"""Pieces of a segmentation made one tree: where each begins, and what it hangs on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.mask_lines import Piece, TracedLine, pieces_of, solid_of, traced
from recanal.anatomy.segmentation import VesselLines, VesselMask
from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.errors import GeometryError, SeedError
from recanal.imaging.route import cost_map, find_route, region, seed_level_hu
from recanal.imaging.sections import smooth_line

__all__ = ["Item", "Joined", "joined_lines", "joined_pieces"]

AT_AORTA_MM = 6.0
MOST_GAP_MM = 80.0
BESIDE_MM = 8.0
TIP_MM = 5.0
TOUCHING_MM = 1.5
UNKNOWN_RADIUS_MM = 1.0
ROUTED_MM = 4.0
LEVEL_END_MM = 10.0
SAME_WIDTH_SHARE = 0.1
STEP_MM = 0.5


@dataclass(frozen=True, eq=False)
class Item:
    """One axis in the tree.

    Parameters
    ----------
    line
        From the axis of the parent, or from the root, to the tip.
    radius_mm
        (n,) lumen radius, or None where the segmentation gives none.
    bridged
        (n,) True where no vessel was segmented.
    parent, parent_mm
        Index of the axis it leaves, -1 for none, and the arc length there.
    """

    line: Centerline
    radius_mm: NDArray[np.float64] | None
    bridged: NDArray[np.bool_]
    parent: int
    parent_mm: float


@dataclass(frozen=True, eq=False)
class Joined:
    """All axes, each after its parent.

    Parameters
    ----------
    doubts
        Reasons not to trust the order or the origin of the vessels.
    flags
        What was joined or left out.
    """

    items: tuple[Item, ...]
    doubts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def _to_aorta_mm(points_mm: NDArray[np.float64], ascending: Aorta) -> NDArray[np.float64]:
    """(n,) distance to the wall of the ascending aorta, negative inside."""
    far, near = cKDTree(ascending.centre_mm).query(points_mm)
    return np.asarray(far - ascending.radius_mm[near], dtype=np.float64)


def joined_pieces(volume: Volume, mask: VesselMask, ascending: Aorta | None) -> Joined:
    """The tree of a mask.

    Notes
    -----
    Pieces within 6 mm of the aorta begin there. Each other piece is joined, nearest first, to the tree so far, at most
    80 mm away, where a tip is preferred to the side of a vessel; the way across is the cheapest one through tissue. A
    piece that is farther away begins at its wider end, and the tree is doubted. So it is where there is no aorta: then
    the longest piece begins at its wider end, or at the higher one of two that are as wide.
    """
    solid = solid_of(mask.inside, volume.affine)
    pieces, short = pieces_of(solid)
    if not pieces:
        raise GeometryError("No piece of the mask is 4 mm long.", hint="Was the right label chosen?")
    flags = [f"{short} pieces of the mask shorter than 4 mm were left out"] if short else []
    if solid.left_out_mm3:
        flags.append(f"{solid.left_out_mm3 / 1000:.1f} ml of the mask, wider than 10 mm, are no coronary artery")
    roots, doubts = _roots(pieces, ascending, solid.depth_mm)
    items: list[Item] = []
    for index, root in roots.items():
        items += _items(traced(solid, pieces[index], root), len(items), None)
    rest = [k for k in range(len(pieces)) if k not in roots]
    while rest:
        best = min(rest, key=lambda k: _nearest(items, pieces[k].points_mm).cost)
        link = _nearest(items, pieces[best].points_mm)
        rest.remove(best)
        if link.gap_mm > MOST_GAP_MM:
            doubts.append(f"a piece of {pieces[best].length_mm:.0f} mm is joined to no other and has no known origin")
            root = _wider(pieces[best], solid.depth_mm)
            items += _items(traced(solid, pieces[best], root), len(items), None)
            continue
        flags.append(f"a piece of the mask was joined to the tree across {link.gap_mm:.0f} mm")
        items += _items(traced(solid, pieces[best], link.own), len(items), (volume, items, link))
    return Joined(tuple(items), tuple(doubts), tuple(flags))


def _roots(
    pieces: list[Piece], ascending: Aorta | None, depth_mm: NDArray[np.float32]
) -> tuple[dict[int, int], list[str]]:
    """The voxel where each piece begins that needs no other, and doubts."""
    if ascending is not None:
        away = [_to_aorta_mm(piece.points_mm, ascending) for piece in pieces]
        near = {k: int(np.argmin(gap)) for k, gap in enumerate(away) if gap.min() <= AT_AORTA_MM}
        if near:
            return near, []
        first = min(range(len(pieces)), key=lambda k: float(away[k].min()))
        gap_mm = float(away[first].min())
        return {first: int(np.argmin(away[first]))}, [f"the segmentation ends {gap_mm:.0f} mm away from the aorta"]
    return {0: _wider(pieces[0], depth_mm)}, ["no aorta is in view: upstream was taken to be the wider end"]


def _wider(piece: Piece, depth_mm: NDArray[np.float32]) -> int:
    """The wider one of the two ends of a piece; the higher one where they differ by less than a tenth."""
    one, other = piece.ends
    first, second = (_end_mm(depth_mm, piece, k) for k in (one, other))
    if abs(first - second) <= SAME_WIDTH_SHARE * max(first, second):
        return one if piece.points_mm[one, 2] >= piece.points_mm[other, 2] else other
    return one if first > second else other


def _end_mm(depth_mm: NDArray[np.float32], piece: Piece, end: int) -> float:
    """Radius of a piece near one of its ends."""
    near = np.linalg.norm(piece.points_mm - piece.points_mm[end], axis=1) <= LEVEL_END_MM
    return float(np.percentile(depth_mm[tuple(piece.voxels[near].T)], 90))


@dataclass(frozen=True)
class _Link:
    """How a piece would be joined: its own point, the axis it would leave, and where on it."""

    own: int
    parent: int
    parent_mm: float
    gap_mm: float
    cost: float


def _nearest(items: list[Item], points_mm: NDArray[np.float64]) -> _Link:
    """The best link of points to the axes so far; 8 mm are added where it is not the tip of one."""
    tree = cKDTree(points_mm)
    best = None
    for k, item in enumerate(items):
        gap, own = tree.query(item.line.points_mm)
        tip = item.line.length_mm - item.line.arc_mm <= TIP_MM
        cost = gap + np.where(tip, 0.0, BESIDE_MM)
        at = int(np.argmin(cost))
        link = _Link(int(own[at]), k, float(item.line.arc_mm[at]), float(gap[at]), float(cost[at]))
        if best is None or link.cost < best.cost:
            best = link
    if best is None:
        raise GeometryError("There is no vessel to join a piece to.")
    return best


def _items(lines: list[TracedLine], offset: int, link: tuple[Volume, list[Item], _Link] | None) -> list[Item]:
    """The axes of one piece, the first one led back over a gap where there is one."""
    items: list[Item] = []
    for line in lines:
        plain = np.zeros(len(line.radius_mm), dtype=bool)
        if line.parent >= 0:
            parent = items[line.parent]
            items.append(_led_to(parent.line, line, offset + line.parent))
        elif link is None:
            items.append(Item(line.line, line.radius_mm, plain, -1, 0.0))
        else:
            items.append(_bridged(line, *link))
    return items


def _led_to(parent: Centerline, line: TracedLine, index: int) -> Item:
    """A branch from the axis of its parent on."""
    at_mm, gap_mm = parent.nearest(line.line.points_mm[0])
    points, radius = line.line.points_mm, line.radius_mm
    if gap_mm > 1e-3:
        points = np.concatenate([parent.at([at_mm]), points])
        radius = np.concatenate([radius[:1], radius])
    return Item(Centerline(points), radius, np.zeros(len(points), dtype=bool), index, at_mm)


def _bridged(line: TracedLine, volume: Volume, items: list[Item], link: _Link) -> Item:
    start = items[link.parent].line.at([link.parent_mm])[0]
    way = _across(volume, start, line.line.points_mm[0])
    points = np.concatenate([way, line.line.points_mm])
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3])
    bridged = np.concatenate([np.ones(len(way), dtype=bool), np.zeros(len(line.radius_mm), dtype=bool)])
    radius = np.concatenate([np.zeros(len(way)), line.radius_mm])
    return Item(Centerline(points[keep]), radius[keep], bridged[keep], link.parent, link.parent_mm)


def _across(volume: Volume, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points from one place to another, without the last one, through tissue where the picture shows a way."""
    gap = float(np.linalg.norm(end - start))
    straight = start + np.linspace(0.0, 1.0, max(2, round(gap / STEP_MM) + 1))[:-1, None] * (end - start)
    if gap < ROUTED_MM:
        return np.asarray(straight)
    seeds = np.stack([start, end])
    try:
        block = region(volume, seeds)
        levels = (seed_level_hu(block, start, name="proximal"), seed_level_hu(block, end, name="distal"))
        route = find_route(cost_map(block, levels), seeds).points_mm
    except SeedError:
        return np.asarray(straight)
    points = np.concatenate([start[None], route[2:-2], end[None]])
    return smooth_line(points, step_mm=STEP_MM, sigma_mm=1.0).points_mm[:-1]


def joined_lines(volume: Volume, found: VesselLines, ascending: Aorta | None) -> Joined:
    """The tree of axes that run from proximal to distal.

    Notes
    -----
    An axis hangs on the one whose lumen, or 1.5 mm around it, its first point lies in. One that begins within 6 mm of
    the aorta, or farthest up where there is none, begins a tree; any other is joined as a piece of a mask is.
    """
    order = _ordered(found)
    items: list[Item] = []
    place: dict[int, int] = {}
    flags: list[str] = []
    doubts = [] if ascending is not None else ["no aorta is in view: the axes were taken to run downstream"]
    free = [k for k in order if order[k] < 0]
    rooted = _rooted(found, free, ascending)
    for k in rooted:
        _hang(found, k, order, (items, place))
    rest = [k for k in free if k not in rooted]
    while rest:
        best = min(rest, key=lambda k: _nearest(items, found.lines[k].points_mm[:1]).cost)
        link = _nearest(items, found.lines[best].points_mm[:1])
        rest.remove(best)
        if link.gap_mm > MOST_GAP_MM:
            doubts.append("a centreline is joined to no other and has no known origin")
            _hang(found, best, order, (items, place))
            continue
        flags.append(f"a centreline was joined to the tree across {link.gap_mm:.0f} mm")
        _hang(found, best, order, (items, place), link=(volume, link))
    return Joined(tuple(items), tuple(doubts), tuple(flags))


def _ordered(found: VesselLines) -> dict[int, int]:
    """The axis that each axis leaves, -1 for none; never in a circle, at its first point only if it leaves no other."""
    parent = dict.fromkeys(range(len(found.lines)), -1)
    for k, line in enumerate(found.lines):
        options = []
        for other, trunk in enumerate(found.lines):
            if other == k or k in _above(parent, other):
                continue
            at_mm, gap = trunk.nearest(line.points_mm[0])
            radius = found.radius_mm[other]
            width = UNKNOWN_RADIUS_MM if radius is None else float(np.interp(at_mm, trunk.arc_mm, radius))
            if gap <= width + TOUCHING_MM and (at_mm > 0.0 or trunk.length_mm > line.length_mm):
                options.append((gap + (2.0 if at_mm == 0.0 else 0.0), other))
        if options:
            parent[k] = min(options)[1]
    return parent


def _above(parent: dict[int, int], k: int) -> set[int]:
    """An axis and all that it hangs on."""
    out = set()
    while k >= 0:
        out.add(k)
        k = parent[k]
    return out


def _rooted(found: VesselLines, free: list[int], ascending: Aorta | None) -> list[int]:
    starts = np.stack([found.lines[k].points_mm[0] for k in free])
    if ascending is None:
        return [max(free, key=lambda k: found.lines[k].length_mm)]
    away = _to_aorta_mm(starts, ascending)
    near = [k for k, gap in zip(free, away, strict=True) if gap <= AT_AORTA_MM]
    return near or [free[int(np.argmin(away))]]


def _hang(
    found: VesselLines,
    k: int,
    order: dict[int, int],
    made: tuple[list[Item], dict[int, int]],
    *,
    link: tuple[Volume, _Link] | None = None,
) -> None:
    """Add an axis and all that hang on it to the lists; ``made`` is changed."""
    items, place = made
    radius = found.radius_mm[k]
    count = len(found.lines[k].points_mm)
    line = TracedLine(found.lines[k], np.zeros(count) if radius is None else radius, -1)
    if link is not None:
        item = _bridged(line, link[0], items, link[1])
    elif order[k] >= 0:
        item = _led_to(items[place[order[k]]].line, line, place[order[k]])
    else:
        item = Item(line.line, line.radius_mm, np.zeros(count, dtype=bool), -1, 0.0)
    place[k] = len(items)
    items.append(item if radius is not None else replace(item, radius_mm=None))
    for below in [n for n, above in order.items() if above == k]:
        _hang(found, below, order, made)
