"""Pieces of a segmentation made one tree: where each begins, and what it hangs on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.bridging import Bridge, ends_reached, pieces_reached, tissue_costs
from recanal.anatomy.mask_lines import Piece, TracedLine, pieces_of, solid_of, traced
from recanal.anatomy.segmentation import VesselLines, VesselMask
from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.errors import GeometryError
from recanal.imaging.sections import smooth_line

__all__ = ["Item", "Joined", "joined_lines", "joined_pieces"]

AT_AORTA_MM = 6.0
MOST_GAP_MM = 80.0
SURE_MM = 3.0
OUTSIDE_COST = 12.0
TOUCHING_MM = 1.5
UNKNOWN_RADIUS_MM = 1.0
LEVEL_END_MM = 10.0
SAME_WIDTH_SHARE = 0.1
SAME_WIDTH_MM = 0.3
LONG_SHARE = 0.3
STEP_MM = 0.5
BEYOND_MM = 0.5
MOUTH_SAMPLES = 16
AIM_SAMPLES = 5


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
    Pieces within 6 mm of the aorta begin there. Each other piece is joined by the cheapest way through tissue from any
    piece that is joined, at most 80 mm long; where no vessel is seen on it, the tree is doubted. A piece that is
    farther away begins at its wider end, and the tree is doubted. So it is where there is no aorta: then the widest end
    that faces no other piece is upstream, or the highest one of several that are as wide.
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
    if len(roots) < len(pieces):
        costs = tissue_costs(volume, np.concatenate([piece.points_mm for piece in pieces]))
        for bridge in pieces_reached(costs, [piece.points_mm for piece in pieces], list(roots)):
            piece = pieces[bridge.piece]
            doubts += _doubts(bridge, f"a piece of {piece.length_mm:.0f} mm")
            if bridge.length_mm > MOST_GAP_MM:
                root = _widest([(bridge.piece, end) for end in piece.ends], pieces, solid.depth_mm)[1]
                items += _items(traced(solid, piece, root), len(items), None)
                continue
            flags.append(f"a piece of the mask was joined to the tree across {bridge.length_mm:.0f} mm")
            root = int(np.argmin(np.linalg.norm(piece.points_mm - bridge.points_mm[-1], axis=1)))
            items += _items(traced(solid, piece, root), len(items), (items, bridge))
    return Joined(tuple(items), tuple(doubts), tuple(flags))


def _doubts(bridge: Bridge, what: str) -> list[str]:
    if bridge.length_mm > MOST_GAP_MM:
        return [f"{what} is joined to no other and has no known origin"]
    if bridge.length_mm > SURE_MM and bridge.cost > OUTSIDE_COST:
        return [f"{what} is joined across {bridge.length_mm:.0f} mm in which no vessel is seen"]
    return []


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
    index, root = _widest(_free_ends(pieces), pieces, depth_mm)
    return {index: root}, ["no aorta is in view: upstream was taken to be the widest free end"]


def _free_ends(pieces: list[Piece]) -> list[tuple[int, int]]:
    """Both ends of a single piece; of several long ones, of each the end that is farther from the others."""
    long = [k for k, piece in enumerate(pieces) if piece.length_mm >= LONG_SHARE * pieces[0].length_mm]
    if len(pieces) == 1:
        return [(0, end) for end in pieces[0].ends]
    ends = []
    for k in long:
        others = cKDTree(np.concatenate([piece.points_mm for n, piece in enumerate(pieces) if n != k]))
        one, other = pieces[k].ends
        away = others.query(pieces[k].points_mm[[one, other]])[0]
        ends.append((k, one if away[0] >= away[1] else other))
    return ends


def _widest(ends: list[tuple[int, int]], pieces: list[Piece], depth_mm: NDArray[np.float32]) -> tuple[int, int]:
    """The widest one of some ends of pieces; the highest one of those that differ by less than 10 % or 0.3 mm."""
    widths = {item: _end_mm(depth_mm, pieces[item[0]], item[1]) for item in ends}
    most = max(widths.values())
    wide = [item for item in ends if widths[item] >= most - max(SAME_WIDTH_SHARE * most, SAME_WIDTH_MM)]
    return max(wide, key=lambda item: float(pieces[item[0]].points_mm[item[1], 2]))


def _end_mm(depth_mm: NDArray[np.float32], piece: Piece, end: int) -> float:
    """Radius of a piece near one of its ends."""
    near = np.linalg.norm(piece.points_mm - piece.points_mm[end], axis=1) <= LEVEL_END_MM
    return float(np.percentile(depth_mm[tuple(piece.voxels[near].T)], 90))


def _items(lines: list[TracedLine], offset: int, link: tuple[list[Item], Bridge] | None) -> list[Item]:
    """The axes of one piece, the first one led back over a gap where there is one."""
    items: list[Item] = []
    for line in lines:
        plain = np.zeros(len(line.radius_mm), dtype=bool)
        if line.parent >= 0:
            items.append(_led_to(items[line.parent], line, offset + line.parent))
        elif link is None:
            items.append(Item(line.line, line.radius_mm, plain, -1, 0.0))
        else:
            items.append(_bridged(line, *link))
    return items


def _led_to(parent: Item, line: TracedLine, index: int) -> Item:
    """A branch from the axis of its parent on; where a mask gives its first part inside the parent, it aims back."""
    points, radius = line.line.points_mm, line.radius_mm
    trunk = parent.line
    places = [trunk.nearest(point) for point in points[:MOUTH_SAMPLES]]
    width = 0.0 if parent.radius_mm is None else parent.radius_mm
    wall = np.interp([at for at, _ in places], trunk.arc_mm, np.broadcast_to(width, trunk.arc_mm.shape))
    inside = np.flatnonzero(np.array([gap for _, gap in places]) <= wall + BEYOND_MM)
    leave = min(int(inside[-1]) + 1 if len(inside) else 0, len(points) - 2)
    at_mm = places[0][0] if leave == 0 else _origin_mm(trunk, points[leave:], places[min(leave, len(places) - 1)][0])
    points, radius = points[leave:], radius[leave:]
    start = trunk.at([at_mm])
    if np.linalg.norm(start[0] - points[0]) > 1e-3:
        points, radius = np.concatenate([start, points]), np.concatenate([radius[:1], radius])
    return Item(Centerline(points), radius, np.zeros(len(points), dtype=bool), index, at_mm)


def _origin_mm(trunk: Centerline, points: NDArray[np.float64], near_mm: float) -> float:
    """Where on a trunk a branch aims back to from outside its wall, within 4 mm of the nearest place."""
    away = points[min(AIM_SAMPLES, len(points) - 1)] - points[0]
    away = away / max(float(np.linalg.norm(away)), 1e-9)
    asked = np.clip(np.arange(near_mm - 4.0, near_mm + 4.01, 0.25), 0.0, trunk.length_mm)
    back = points[0] - trunk.at(asked)
    miss = np.linalg.norm(back - np.maximum(back @ away, 0.0)[:, None] * away, axis=1)
    return float(asked[np.argmin(miss + 0.15 * np.abs(asked - near_mm))])


def _bridged(line: TracedLine, items: list[Item], bridge: Bridge) -> Item:
    """An axis led back over a bridge to the nearest axis of the tree so far."""
    near = [item.line.nearest(bridge.points_mm[0]) for item in items]
    parent = min(range(len(items)), key=lambda k: near[k][1])
    start = items[parent].line.at([near[parent][0]])
    way = np.concatenate([start, bridge.points_mm[2:-2], line.line.points_mm[:1]])
    if np.linalg.norm(way[-1] - way[0]) > STEP_MM:
        way = smooth_line(way, step_mm=STEP_MM, sigma_mm=1.0).points_mm
    way = way[:-1]
    points = np.concatenate([way, line.line.points_mm])
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3])
    bridged = np.concatenate([np.ones(len(way), dtype=bool), np.zeros(len(line.radius_mm), dtype=bool)])
    radius = np.concatenate([np.zeros(len(way)), line.radius_mm])
    return Item(Centerline(points[keep]), radius[keep], bridged[keep], parent, near[parent][0])


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
    costs = tissue_costs(volume, np.concatenate([line.points_mm for line in found.lines])) if rest else None
    while rest and costs is not None:
        tree_mm = np.concatenate([item.line.points_mm for item in items])
        bridge = ends_reached(costs, tree_mm, np.stack([found.lines[k].points_mm[0] for k in rest]))
        best = rest.pop(bridge.piece)
        doubts += _doubts(bridge, "a centreline")
        if bridge.length_mm > MOST_GAP_MM:
            _hang(found, best, order, (items, place))
            continue
        flags.append(f"a centreline was joined to the tree across {bridge.length_mm:.0f} mm")
        _hang(found, best, order, (items, place), bridge=bridge)
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
    bridge: Bridge | None = None,
) -> None:
    """Add an axis and all that hang on it to the lists; ``made`` is changed."""
    items, place = made
    radius = found.radius_mm[k]
    count = len(found.lines[k].points_mm)
    line = TracedLine(found.lines[k], np.zeros(count) if radius is None else radius, -1)
    if bridge is not None:
        item = _bridged(line, items, bridge)
    elif order[k] >= 0:
        item = _led_to(items[place[order[k]]], line, place[order[k]])
    else:
        item = Item(line.line, line.radius_mm, np.zeros(count, dtype=bool), -1, 0.0)
    place[k] = len(items)
    items.append(item if radius is not None else replace(item, radius_mm=None))
    for below in [n for n, above in order.items() if above == k]:
        _hang(found, below, order, made)
