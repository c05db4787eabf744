"""The axes inside a mask of vessels: farthest places first, each down to the tree so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.core.curves import Centerline
from recanal.core.volume import Affine
from recanal.errors import GeometryError
from recanal.grids.geodesic import BLOCKED, Reach, reach_from
from recanal.imaging.edges import falling_edge
from recanal.imaging.sample import Block
from recanal.imaging.sections import Sections, cut_sections, smooth_line

__all__ = ["MASK_STEP_MM", "Piece", "Solid", "TracedLine", "pieces_of", "solid_of", "traced"]

MASK_STEP_MM = 0.5
INSIDE_SHARE = 0.35
MARGIN_MM = 3.0
WIDEST_MM = 5.0
LEAST_PIECE_MM = 4.0
LEAST_ADDED_MM = 3.0
COVER_MM = 1.0
MOST_LINES = 200
REACH_MM = 5.5
SNAP_MM = 2.0
TRIM_MM = 2.0
RIM_SHARE = 0.7
SMOOTH_MM = 1.0
RAYS = 24


@dataclass(frozen=True, eq=False)
class Solid:
    """A mask on an isotropic grid along the LPS axes.

    Parameters
    ----------
    share
        Share of each voxel that lies inside, as a block.
    inside
        (a, b, c) what is traced; regions too wide for a coronary artery are left out.
    depth_mm
        (a, b, c) distance to the outside.
    left_out_mm3
        Volume of what was too wide.
    """

    share: Block
    inside: NDArray[np.bool_]
    depth_mm: NDArray[np.float32]
    left_out_mm3: float


@dataclass(frozen=True, eq=False)
class Piece:
    """One connected piece of a solid.

    Parameters
    ----------
    voxels
        (n, 3) indices.
    points_mm
        (n, 3) their places.
    length_mm
        Of the longest way through it.
    ends
        The two voxels that are farthest apart, as rows of ``voxels``.
    """

    voxels: NDArray[np.int64]
    points_mm: NDArray[np.float64]
    length_mm: float
    ends: tuple[int, int]


@dataclass(frozen=True, eq=False)
class TracedLine:
    """One axis with its radii.

    Parameters
    ----------
    line
        Every 0.5 mm, proximal to distal.
    radius_mm
        (n,) of a circle of the same area as the cross-section of the mask.
    parent
        Index of the line it leaves, -1 for none.
    """

    line: Centerline
    radius_mm: NDArray[np.float64]
    parent: int


def solid_of(inside: NDArray[np.bool_], affine: Affine) -> Solid:
    """A mask, cut out and resampled to 0.5 mm.

    Raises
    ------
    GeometryError
        When the mask is empty.
    """
    found = ndimage.find_objects(inside.astype(np.uint8))
    if not found:
        raise GeometryError("The segmentation is empty.", hint="Was the right label chosen, and the right series?")
    box = found[0]
    low = np.array([s.start for s in box]) - 1
    corners = np.array(np.meshgrid(*[(s.start - 0.5, s.stop - 0.5) for s in box], indexing="ij")).reshape(3, -1).T
    where = affine.to_mm(corners)
    start = where.min(axis=0) - MARGIN_MM
    count = np.ceil((where.max(axis=0) + MARGIN_MM - start) / MASK_STEP_MM).astype(int) + 1
    grid = Affine.from_spacing((MASK_STEP_MM,) * 3, start)
    cut = np.pad(inside[box], 1).astype(np.float32)
    change = affine.inverse @ grid.matrix
    share = ndimage.affine_transform(
        cut, change[:3, :3], offset=change[:3, 3] - low, output_shape=tuple(int(n) for n in count), order=1
    )
    solid = share >= INSIDE_SHARE
    depth = ndimage.distance_transform_edt(solid, sampling=MASK_STEP_MM).astype(np.float32)
    wide = depth > WIDEST_MM
    if wide.any():
        wide = ndimage.distance_transform_edt(~wide, sampling=MASK_STEP_MM) <= WIDEST_MM + 2 * MASK_STEP_MM
        left_out = float((solid & wide).sum()) * MASK_STEP_MM**3
        solid &= ~wide
        share[wide] = 0.0
        return Solid(Block(share, grid), solid, np.where(solid, depth, 0.0).astype(np.float32), left_out)
    return Solid(Block(share, grid), solid, depth, 0.0)


def _cost(solid: Solid) -> NDArray[np.float32]:
    """Cost per mm: low where the mask is deepest around, blocked outside."""
    around = ndimage.maximum_filter(solid.depth_mm, size=round(4.0 / MASK_STEP_MM) + 1)
    cost = 0.2 + 20.0 * (1.0 - solid.depth_mm / np.maximum(around, MASK_STEP_MM)) ** 2
    cost[~solid.inside] = BLOCKED
    return np.asarray(cost, dtype=np.float32)


def pieces_of(solid: Solid) -> tuple[list[Piece], int]:
    """The connected pieces of at least 4 mm, longest first, and how many shorter ones were left out."""
    label, count = ndimage.label(solid.inside, structure=np.ones((3, 3, 3)))
    flat = np.where(solid.inside, np.float32(1.0), BLOCKED).astype(np.float32)
    pieces = []
    for k, box in enumerate(ndimage.find_objects(label)):
        voxels = np.argwhere(label[box] == k + 1) + [s.start for s in box]
        if len(voxels) * MASK_STEP_MM < 0.5 * LEAST_PIECE_MM:
            continue
        own = np.where(label[box] == k + 1, flat[box], BLOCKED).astype(np.float32)
        low = np.array([s.start for s in box])
        first = _farthest(own, voxels - low, 0)[0]
        last, length = _farthest(own, voxels - low, first)
        if length >= LEAST_PIECE_MM:
            pieces.append(Piece(voxels, solid.share.affine.to_mm(voxels), length, (first, last)))
    return sorted(pieces, key=lambda piece: -piece.length_mm), count - len(pieces)


def _farthest(cost: NDArray[np.float32], voxels: NDArray[np.int64], start: int) -> tuple[int, float]:
    """The voxel that is the longest way from another, and that length."""
    flat = np.ravel_multi_index(tuple(voxels.T), cost.shape).astype(np.int64)
    reach = reach_from(cost, flat[start : start + 1], np.ones(1, dtype=np.int16), step_mm=MASK_STEP_MM)
    length = reach.length_mm.ravel()[flat]
    best = int(np.argmax(np.where(np.isfinite(length), length, -1.0)))
    return best, float(length[best])


def traced(solid: Solid, piece: Piece, root: int) -> list[TracedLine]:
    """The axes of a piece from one of its voxels, each after the one it leaves.

    Notes
    -----
    Deschamps T, Cohen LD. Med Image Anal 2001;5:281, doi:10.1016/S1361-8415(01)00046-9: farthest geodesic points,
    here through the middle of the mask. A way that adds less than 3 mm beyond the wall of the vessel it leaves is no
    branch. The axis is then moved to the centroids of the cross-sections of the mask.
    """
    low = piece.voxels.min(axis=0) - 1
    high = piece.voxels.max(axis=0) + 2
    cut = tuple(slice(max(0, int(a)), int(b)) for a, b in zip(low, high, strict=True))
    low = np.maximum(low, 0)
    own = np.zeros(tuple(s.stop - s.start for s in cut), dtype=bool)
    own[tuple((piece.voxels - low).T)] = True
    depth = np.where(own, solid.depth_mm[cut], 0.0).astype(np.float32)
    affine = Affine.from_spacing((MASK_STEP_MM,) * 3, solid.share.affine.to_mm(low)[0])
    local = Solid(Block(np.where(own, solid.share.hu[cut], 0.0).astype(np.float32), affine), own, depth, 0.0)
    near = np.flatnonzero(np.linalg.norm(piece.points_mm - piece.points_mm[root], axis=1) <= SNAP_MM)
    root = int(near[np.argmax(solid.depth_mm[tuple(piece.voxels[near].T)])])
    start = np.ravel_multi_index(tuple(piece.voxels[root] - low), own.shape)
    reach = reach_from(
        _cost(local), np.array([start], dtype=np.int64), np.ones(1, dtype=np.int16), step_mm=MASK_STEP_MM
    )
    soft = Block(np.where(own | ~solid.inside[cut], solid.share.hu[cut], 0.0).astype(np.float32), affine)
    return [_shaped(soft, points, parent) for points, parent in _ways(local, reach)]


def _ways(local: Solid, reach: Reach) -> list[tuple[NDArray[np.float64], int]]:
    """Points of every way, from the tree so far to its tip, and the way it leaves."""
    shape = local.inside.shape
    length, depth = reach.length_mm.ravel(), local.depth_mm.ravel()
    targets = np.flatnonzero(np.isfinite(length))
    targets = targets[np.argsort(-length[targets], kind="stable")]
    covered = np.zeros(length.shape, dtype=bool)
    owner = np.full(length.shape, -1, dtype=np.int32)
    ways: list[tuple[NDArray[np.float64], int]] = []
    for tip in targets:
        if covered[tip] or len(ways) >= MOST_LINES:
            continue
        way, parent = _down_to_tree(int(tip), reach.came, owner)
        added = float(length[tip] - length[way[0]])
        beyond = LEAST_ADDED_MM + (float(depth[way[0]]) if parent >= 0 else 0.0)
        if added < beyond:
            covered[tip] = True
            continue
        owner[way[1:] if parent >= 0 else way] = len(ways)
        voxels = np.stack(np.unravel_index(way, shape), axis=1)
        _cover(covered.reshape(shape), voxels, depth[way])
        ways.append((local.share.affine.to_mm(voxels), parent))
    return ways


def _down_to_tree(tip: int, came: NDArray[np.int32], owner: NDArray[np.int32]) -> tuple[NDArray[np.int64], int]:
    """Flat indices from the tree so far to a tip, and the owner of the first one."""
    way = [tip]
    while owner[way[-1]] < 0 and came[way[-1]] >= 0:
        way.append(int(came[way[-1]]))
    return np.array(way[::-1], dtype=np.int64), int(owner[way[-1]])


def _cover(covered: NDArray[np.bool_], voxels: NDArray[np.int64], depth_mm: NDArray[np.float32]) -> None:
    """Mark all within the wall, and 1 mm more, of a way; ``covered`` is changed."""
    reach = 1.3 * float(depth_mm.max()) + COVER_MM
    spread = int(np.ceil(reach / MASK_STEP_MM))
    low = np.maximum(voxels.min(axis=0) - spread, 0)
    high = np.minimum(voxels.max(axis=0) + spread + 1, covered.shape)
    cut = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    open_ = np.argwhere(~covered[cut])
    far, near = cKDTree(voxels - low).query(open_, distance_upper_bound=spread + 1)
    hit = np.isfinite(far)
    hit[hit] = far[hit] * MASK_STEP_MM <= 1.3 * depth_mm[near[hit]] + COVER_MM
    covered[cut][tuple(open_[hit].T)] = True


def _shaped(soft: Block, points_mm: NDArray[np.float64], parent: int) -> TracedLine:
    """A way of voxels as a smooth axis in the middle of the mask, with radii."""
    line = smooth_line(points_mm, step_mm=MASK_STEP_MM, sigma_mm=SMOOTH_MM)
    for _ in range(2):
        sections = cut_sections(soft, line, reach_mm=REACH_MM, rays=RAYS)
        radius = _rays(sections)
        angle = np.arange(RAYS) * (2 * np.pi / RAYS)
        weight = np.maximum((radius**2).sum(axis=1), 1e-6)
        move = np.stack([(radius**3 * side(angle)).sum(axis=1) for side in (np.cos, np.sin)], axis=1)
        move *= 2.0 / 3.0 / weight[:, None]
        move *= np.minimum(1.0, 0.5 / np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9))
        move[[0, -1]] = 0.0
        move = ndimage.gaussian_filter1d(move, 1.0, axis=0, mode="nearest")
        shifted = line.points_mm + move[:, :1] * sections.normals + move[:, 1:] * sections.binormals
        line = smooth_line(shifted, step_mm=MASK_STEP_MM, sigma_mm=0.5)
    radius = np.sqrt((_rays(cut_sections(soft, line, reach_mm=REACH_MM, rays=RAYS)) ** 2).mean(axis=1))
    first, last = _trimmed(radius, both=parent < 0)
    return TracedLine(Centerline(line.points_mm[first:last]), radius[first:last], parent)


def _trimmed(radius_mm: NDArray[np.float64], *, both: bool) -> tuple[int, int]:
    """First and last sample without the ends that run up the rim of the mask, at most 2 mm each."""
    most = round(TRIM_MM / MASK_STEP_MM)
    typical = ndimage.median_filter(radius_mm, 2 * most + 1, mode="nearest")
    thick = radius_mm >= RIM_SHARE * np.maximum(typical, MASK_STEP_MM)
    last = len(radius_mm) - int(np.argmax(thick[::-1][: most + 1]) if thick[-most - 1 :].any() else 0)
    first = int(np.argmax(thick[: most + 1]) if both and thick[: most + 1].any() else 0)
    return (first, last) if last - first >= 3 else (0, len(radius_mm))


def _rays(sections: Sections) -> NDArray[np.float64]:
    """(n, rays) distance to the border of the mask; rays that run into a branch end at 1.5 times the median."""
    edge = np.nan_to_num(falling_edge(sections.hu, 0.5), nan=REACH_MM)
    return np.asarray(np.minimum(edge, 1.5 * np.median(edge, axis=1, keepdims=True)), dtype=np.float64)
