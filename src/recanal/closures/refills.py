"""Vessels that fill again beyond a stump and that the tree did not reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.tree import CoronaryTree
from recanal.closures.course import FAR_SEED_MM, TISSUE_HU, open_place
from recanal.closures.stumps import Stump, find_stumps
from recanal.closures.suspects import Suspect
from recanal.core.case import Point
from recanal.core.volume import Volume
from recanal.grids.balls import fill_balls
from recanal.grids.depth import depth_mm
from recanal.grids.geodesic import BLOCKED, Reach, reach_from
from recanal.grids.smoothing import smoothed
from recanal.grids.tubes import soft_step, tubularity
from recanal.imaging.route import GRID_MM, cost_map
from recanal.imaging.sample import Block, isotropic_around

__all__ = ["find_refills"]

AHEAD_MM = 15.0
REACH_MM = 40.0
HEADING_MM = 6.0
MUSCLE_HU = 110.0
POOL_RADIUS_MM, POOL_RIM_MM = 3.4, 0.9
LUNG_HU = -400.0
OWN_MM, FORK_MM = 4.0, 5.0
OVER_LUMEN_MM = 0.8
TREE_MM = 2.4
NEAR_MM = 2.0
RADII_MM = (0.8, 1.5)
FULL_RIDGE, LEAST_RIDGE = 0.28, 0.5
LEAST_SPAN_MM = 6.0
LEAST_PIECE_MM = 14.0
GAP_MM = (2.0, 75.0)
MOST_COST = 250.0
MOST_COST_PER_MM = 2.6
SEED_MM, FARTHER_MM = (7.0, 14.0), (14.0, 24.0)
LEVEL_SHARE = (0.3, 1.3)
MOST_STUMPS, MOST_FORKS = 4, 2
BEST = 2
NEAR_MAIN_MM = 25.0


@dataclass(frozen=True, eq=False)
class _Ground:
    """The box ahead of a stump: where vessels are seen that the tree lacks, and the ways to them."""

    block: Block
    hu: NDArray[np.float32]
    tube: NDArray[np.bool_]
    reach: Reach


@dataclass(frozen=True, eq=False)
class _Piece:
    """One vessel beyond: what the way to it costs, its gap, a point in it and one farther on, and its level."""

    cost: float
    gap_mm: float
    point_mm: Point
    farther_mm: Point | None
    level_hu: float


def find_refills(volume: Volume, tree: CoronaryTree, suspects: Sequence[Suspect] = ()) -> list[Suspect]:
    """The stretches from a stump to a vessel that the tree did not reach, the likeliest first.

    Parameters
    ----------
    volume
        The CT angiogram.
    tree
        Its coronary tree.
    suspects
        Closed stretches of the tree itself; a stump that one of them explains is left out.

    Notes
    -----
    A front spreads from the stump through tubes of tissue, plaque, calcium or contrast, past chambers and the vessels
    of the tree. It may arrive at a tube of contrast that goes on for 14 mm or more. The way to the vessel beyond an
    occlusion is a tube; to any other one it crosses fat or muscle, and costs three times as much or more.
    """
    if tree.ascending is None:
        return []
    stumps = sorted(find_stumps(tree, suspects), key=lambda stump: (stump.is_thin, -stump.level_hu))
    stumps = [s for s in stumps if not s.forked][:MOST_STUMPS] + [s for s in stumps if s.forked][:MOST_FORKS]
    return [found for stump in stumps for found in _refills(volume, tree, stump, tree.ascending.hu)]


def _refills(volume: Volume, tree: CoronaryTree, stump: Stump, blood_hu: float) -> list[Suspect]:
    ground = _ground(volume, tree, stump, blood_hu)
    pieces = sorted(_pieces(ground), key=lambda piece: piece.cost)
    start = float(stump.course.arc[stump.last])
    return [
        Suspect(
            stump.course.path,
            start,
            start + piece.gap_mm,
            stump.proximal_mm,
            piece.point_mm,
            stump.end_mm,
            _vessel(stump, tree),
            farther_mm=_farther(stump, piece),
            apart=True,
        )
        for piece in pieces[:BEST]
        if _is_likely(piece, stump)
    ]


def _vessel(stump: Stump, tree: CoronaryTree) -> str | None:
    """The main artery: at a lost fork on the left the one that the tree lacks, the LCX near the left main alone."""
    mains, left = tree.mains, tree.branches[stump.branch].side == "left"
    if mains is None or not (left and stump.forked) or (mains.lad is None) == (mains.lcx is None):
        return stump.vessel
    if mains.lad is None:
        return "LAD"
    return "LCX" if float(stump.course.arc[stump.last]) < NEAR_MAIN_MM else stump.vessel


def _farther(stump: Stump, piece: _Piece) -> tuple[tuple[Point, Point], ...]:
    """Pairs of points of which one or both lie farther away."""
    course, last = stump.course, stump.last
    before = open_place(course, range(last, -1, -1), stump.level_hu, within_mm=FAR_SEED_MM)
    pairs = (before, piece.point_mm), (before, piece.farther_mm), (stump.proximal_mm, piece.farther_mm)
    return tuple((one, other) for one, other in pairs if one is not None and other is not None)


def _is_likely(piece: _Piece, stump: Stump) -> bool:
    share = (piece.level_hu - TISSUE_HU) / max(stump.level_hu - TISSUE_HU, 40.0)
    return piece.cost <= MOST_COST_PER_MM * piece.gap_mm and LEVEL_SHARE[0] <= share <= LEVEL_SHARE[1]


def _ground(volume: Volume, tree: CoronaryTree, stump: Stump, blood_hu: float) -> _Ground:
    end, points = np.asarray(stump.end_mm), stump.course.path.points_mm
    before = points[max(0, min(stump.last, len(points) - 1) - round(HEADING_MM / 0.5))]
    heading = (end - before) / max(float(np.linalg.norm(end - before)), 1e-6)
    block = isotropic_around(volume, (end + AHEAD_MM * heading)[None], margin_mm=REACH_MM, step_mm=GRID_MM)
    weak = stump.half_hu
    cost = cost_map(block, (weak, weak)).cost
    core = depth_mm(block.hu > 0.45 * (blood_hu + MUSCLE_HU), step_mm=GRID_MM) > POOL_RADIUS_MM
    cost[depth_mm(~core, step_mm=GRID_MM) <= POOL_RADIUS_MM + POOL_RIM_MM] = BLOCKED
    cost[block.hu < LUNG_HU] = BLOCKED
    near = _around(block, end[None], np.array([NEAR_MM]))
    known, radius = _known(tree, stump)
    cost[_around(block, known, radius + OVER_LUMEN_MM) & ~near] = BLOCKED
    at = np.clip(np.rint(block.affine.to_index(end)[0]).astype(int), 0, np.array(cost.shape) - 1)
    start = np.ravel_multi_index(tuple(at), cost.shape)
    cost.ravel()[start] = 1.0
    reach = reach_from(cost, np.array([start]), np.ones(1, np.int16), step_mm=GRID_MM, most_cost=MOST_COST)
    soft = smoothed(block.hu, (0.6, 0.6, 0.6), most_sigmas=3.0)
    over = soft_step(soft - np.float32(MUSCLE_HU), 0.0, max(0.7 * (weak - MUSCLE_HU), 30.0))
    tube = tubularity(over, block.affine.spacing_mm[0], radii_mm=RADII_MM)[0] >= LEAST_RIDGE * FULL_RIDGE
    tube &= np.isfinite(reach.cost) & ~near
    tube &= ~_around(block, known, np.full(len(known), TREE_MM))
    return _Ground(block, soft, tube, reach)


def _around(block: Block, points_mm: NDArray[np.float64], radius_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The voxels within a radius of some points."""
    out = np.zeros(block.hu.shape, dtype=np.bool_)
    fill_balls(out, block.affine.to_index(points_mm), radius_mm / GRID_MM, 1)
    return out


def _known(tree: CoronaryTree, stump: Stump) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points (n, 3) and radii of all bright vessel of the tree, but for the last 4 mm before the stump."""
    points, radii = [], []
    for number, branch in enumerate(tree.branches):
        keep = branch.core_hu >= stump.half_hu
        if stump.forked:
            keep &= np.linalg.norm(branch.line.points_mm - stump.end_mm, axis=1) > FORK_MM
        elif number == stump.branch:
            keep &= branch.arc_mm < float(stump.course.arc[stump.last]) - stump.course.own_mm - OWN_MM
        points.append(branch.line.points_mm[keep])
        radii.append(np.clip(branch.lumen_mm[keep], 0.4, 1.7))
    return np.concatenate(points), np.concatenate(radii)


def _pieces(ground: _Ground) -> list[_Piece]:
    """The tubes of contrast that the front arrived at and that go on for 14 mm."""
    label, _ = ndimage.label(ground.tube, structure=np.ones((3, 3, 3)))
    cost, length = ground.reach.cost.ravel(), ground.reach.length_mm.ravel()
    found = []
    for number, box in enumerate(ndimage.find_objects(label), start=1):
        if max(part.stop - part.start for part in box) * GRID_MM < LEAST_SPAN_MM:
            continue
        where = np.argwhere(label[box] == number) + [part.start for part in box]
        flat = np.ravel_multi_index(tuple(where.T), label.shape)
        entry, far = int(flat[np.argmin(cost[flat])]), int(flat[np.argmax(length[flat])])
        gap = float(length[entry])
        if length[far] - gap >= LEAST_PIECE_MM and GAP_MM[0] <= gap <= GAP_MM[1]:
            found.append(_piece(ground, entry, far))
    return [piece for piece in found if piece is not None]


def _piece(ground: _Ground, entry: int, far: int) -> _Piece | None:
    """A vessel from where the front entered it to its far end."""
    reach, hu = ground.reach, ground.hu.ravel()
    gap, way = float(reach.length_mm.ravel()[entry]), reach.way_to(far)
    beyond = reach.length_mm.ravel()[way] - gap
    near, farther = (_brightest(ground, way[(beyond > low) & (beyond < high)]) for low, high in (SEED_MM, FARTHER_MM))
    level = float(np.median(hu[way[beyond > 0]]))
    return None if near is None else _Piece(float(reach.cost.ravel()[entry]), gap, near, farther, level)


def _brightest(ground: _Ground, way: NDArray[np.int64]) -> Point | None:
    """The brightest point of some voxels of a way; None where there are none."""
    if not len(way):
        return None
    best = int(way[np.argmax(ndimage.uniform_filter1d(ground.hu.ravel()[way], 5, mode="nearest"))])
    index = np.stack(np.unravel_index([best], ground.hu.shape), axis=1).astype(np.float64)
    x, y, z = ground.block.affine.to_mm(index)[0]
    return float(x), float(y), float(z)
