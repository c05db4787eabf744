"""The true centreline of an expert's mask: thinned, then moved to the middle of the mask's cross-sections.

Nothing here is shared with the code that is judged: it takes the mask and the voxel grid, and SciPy and scikit-image.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from recanal.core.volume import Affine

__all__ = [
    "LEAST_MM",
    "STEP_MM",
    "Axis",
    "AxisScore",
    "Contrast",
    "centred_axis",
    "contrast_along",
    "edges_of",
    "even_points",
    "score_axis",
]

STEP_MM = 0.2
LEAST_MM = 2.0
NEAR_MM = 2.5
NODE_MM = 0.5
RAYS = 24
RING_MM = 0.2
REACH_MM = 16.0
ROUNDS = 4
SMOOTH_MM = 1.0
MOST_RADIUS_SHARE = 1.5
DISC_SHARE = 0.9
LEAST_AORTA_MM = 4.0
AROUND_MM = (1.0, 1.7, 2.4)
ALONG_MM = 5.0
ASIDE_MM = 5.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Axis:
    """A centreline, a point every 0.2 mm.

    Parameters
    ----------
    aorta_mm
        (m, 3) middle of the aorta, slice by slice.
    branch_mm, radius_mm, along
        (n, 3) middle of the other vessels outside the aorta, (n,) distance to the nearest voxel outside the mask, and
        (n, 3) unit vectors along the vessel.
    dropped_mm
        Length of the skeleton inside the aorta that is no part of it.
    """

    aorta_mm: Floats
    branch_mm: Floats
    radius_mm: Floats
    along: Floats
    dropped_mm: float


@dataclass(frozen=True, eq=False)
class Contrast:
    """Contrast over the surroundings along a centreline and beside it, HU.

    Parameters
    ----------
    on_hu
        (n,) for each point of the branches.
    beside_hu
        (k,) the same for lines moved sideways by 5 mm, where these leave the mask.
    """

    on_hu: Floats
    beside_hu: Floats


@dataclass(frozen=True)
class AxisScore:
    """A found tree against a centreline, of vessels of at least 2 mm diameter.

    Parameters
    ----------
    true_mm, branch_mm
        Length of the centreline, with and without the aorta.
    found_share, branch_share, near_share
        Share of it within one voxel of the tree along each axis of the picture, the same without the aorta, and the
        share within 2.5 mm.
    aorta_missed_mm, near_missed_mm, far_missed_mm
        What is not found: of the aorta, of the branches within 2.5 mm of the tree, and the rest.
    """

    true_mm: float
    branch_mm: float
    found_share: float
    branch_share: float
    near_share: float
    aorta_missed_mm: float
    near_missed_mm: float
    far_missed_mm: float


def edges_of(index: NDArray[np.int64], spacing_mm: tuple[float, ...]) -> tuple[NDArray[np.int64], Floats]:
    """(m, 2) edges of the shortest tree over the 26-neighbours of voxels, and their (m,) lengths in mm."""
    pairs = cKDTree(index).query_pairs(1.0, p=np.inf, output_type="ndarray")
    far = np.linalg.norm((index[pairs[:, 0]] - index[pairs[:, 1]]) * np.asarray(spacing_mm), axis=1)
    n = len(index)
    tree = minimum_spanning_tree(coo_array((far, (pairs[:, 0], pairs[:, 1])), shape=(n, n)).tocsr()).tocoo()
    return np.stack([tree.row, tree.col], axis=1), np.asarray(tree.data)


def even_points(lines: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats, Floats]:
    """Points every 0.2 mm along lines, with what is given at their nodes, and the direction."""
    points, values, along = [np.empty((0, 3))], [np.empty(0)], [np.empty((0, 3))]
    for nodes, value in lines:
        steps = np.diff(nodes, axis=0)
        arc = np.append(0.0, np.cumsum(np.linalg.norm(steps, axis=1)))
        where = np.arange(0.5 * STEP_MM, arc[-1], STEP_MM)
        points.append(np.stack([np.interp(where, arc, nodes[:, k]) for k in range(3)], axis=1))
        values.append(np.interp(where, arc, value))
        piece = np.clip(np.searchsorted(arc, where) - 1, 0, len(steps) - 1)
        along.append(steps[piece] / np.linalg.norm(steps[piece], axis=1, keepdims=True))
    return np.concatenate(points), np.concatenate(values), np.concatenate(along)


def centred_axis(mask: NDArray[np.bool_], affine: Affine) -> Axis:
    """The centreline of a mask of vessels around an aorta that runs along the third axis of the picture.

    Notes
    -----
    Cavities are filled; the mask is thinned (Lee TC, et al. CVGIP 1994;56:462, scikit-image); ends that reach less than
    a voxel beyond the surface of the vessel that they leave are dropped, the shortest first; and each point is moved to
    the centroid of the mask's section across the line. In the aorta the middle is that of the largest discs inside the
    mask of each slice (Blum's medial axis), and what else the skeleton does there is dropped.
    """
    whole, here = _cut(ndimage.binary_fill_holes(mask), affine)
    stem, middle = _aorta(whole, here)
    solid = whole.astype(np.float32)
    lines = [_centred(solid, here, *line) for line in _pruned(whole, here)]
    points, radius, along = even_points(lines)
    index = np.clip(np.rint(here.to_index(points)).astype(int), 0, np.array(whole.shape) - 1)
    branch = ~stem[tuple(index.T)]
    aorta, _, _ = even_points([(middle, np.zeros(len(middle)))])
    return Axis(aorta, points[branch], radius[branch], along[branch], STEP_MM * float((~branch).sum()))


def _cut(mask: NDArray[np.bool_], affine: Affine) -> tuple[NDArray[np.bool_], Affine]:
    """The box around a mask."""
    part = ndimage.find_objects(mask.astype(np.uint8))[0]
    matrix = affine.matrix.copy()
    matrix[:3, 3] = affine.to_mm([[one.start for one in part]])[0]
    return mask[part], Affine(matrix)


def _aorta(mask: NDArray[np.bool_], affine: Affine) -> tuple[NDArray[np.bool_], Floats]:
    """Voxels of the largest discs inside each slice, and the (m, 3) middle of each slice."""
    spacing = affine.spacing_mm[:2]
    out = np.zeros(mask.shape, dtype=bool)
    rows = []
    for k in np.flatnonzero(mask.any(axis=(0, 1))):
        depth = ndimage.distance_transform_edt(mask[:, :, k], sampling=spacing)
        reach = DISC_SHARE * depth.max()
        if depth.max() <= LEAST_AORTA_MM:
            continue
        near = ndimage.distance_transform_edt(depth < reach, sampling=spacing) < reach
        parts, _ = ndimage.label(near)
        out[:, :, k] = parts == np.bincount(parts[parts > 0]).argmax()
        rows.append([*ndimage.center_of_mass(out[:, :, k]), k])
    middle = np.array(rows, dtype=np.float64)
    middle[:, :2] = ndimage.gaussian_filter1d(middle[:, :2], 1.0, axis=0, mode="nearest")
    return out, affine.to_mm(middle)


def _pruned(mask: NDArray[np.bool_], affine: Affine) -> list[tuple[Floats, Floats]]:
    """The pieces of the skeleton between its ends and forks, in mm with the radius, without short ends."""
    padded = np.pad(mask, 1)
    index = np.argwhere(skeletonize(padded))
    radius = ndimage.distance_transform_edt(padded, sampling=affine.spacing_mm)[tuple(index.T)]
    points = affine.to_mm(index - 1)
    pairs, _ = edges_of(index, affine.spacing_mm)
    beyond = radius + max(affine.spacing_mm)
    while True:
        pieces = _pieces(pairs)
        ends = Counter(end for piece in pieces for end in (piece[0], piece[-1]))
        short = [(length, piece) for piece in pieces for length in [_excess(piece, ends, points, beyond)] if length < 0]
        if not short:
            return [(points[piece], radius[piece]) for piece in pieces]
        worst = set(min(short)[1][:-1])
        pairs = np.array([pair for pair in pairs.tolist() if not worst.intersection(pair)])


def _pieces(pairs: NDArray[np.int64]) -> list[list[int]]:
    """The pieces of a tree between nodes that have not two neighbours, each with its free end first."""
    near: dict[int, list[int]] = {}
    for a, b in pairs.tolist():
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    out = []
    for start in sorted(node for node in near if len(near[node]) != 2):
        for following in near[start]:
            piece = [start, following]
            while len(near[piece[-1]]) == 2:
                piece.append(next(node for node in near[piece[-1]] if node != piece[-2]))
            if piece[0] < piece[-1]:
                out.append(piece if len(near[piece[0]]) == 1 else piece[::-1])
    return out


def _excess(piece: list[int], ends: Counter[int], points: Floats, beyond: Floats) -> float:
    """By how much a free end is longer than a length given where it leaves; infinite for what is no free end."""
    if ends[piece[0]] != 1 or ends[piece[-1]] == 1:
        return np.inf
    return float(np.linalg.norm(np.diff(points[piece], axis=0), axis=1).sum() - beyond[piece[-1]])


def _frame(points: Floats) -> tuple[Floats, Floats]:
    """(n, 3) two directions across a line."""
    along = np.gradient(ndimage.gaussian_filter1d(points, 2.0, axis=0, mode="nearest"), axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return _across(along)


def _across(along: Floats) -> tuple[Floats, Floats]:
    other = np.where(np.abs(along[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(along, other)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    return first, np.cross(along, first)


def _centred(solid: NDArray[np.float32], affine: Affine, nodes: Floats, radius: Floats) -> tuple[Floats, Floats]:
    """A piece of skeleton moved to the centroids of the sections of the mask, a node every 0.5 mm."""
    arc = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1)))
    if arc[-1] < 4 * NODE_MM:
        return nodes, radius
    where = np.linspace(0.0, arc[-1], round(arc[-1] / NODE_MM) + 1)
    points = np.stack([np.interp(where, arc, nodes[:, k]) for k in range(3)], axis=1)
    sigma = SMOOTH_MM / NODE_MM
    points = ndimage.gaussian_filter1d(points, sigma, axis=0, mode="nearest")
    angle = np.arange(RAYS) * (2 * np.pi / RAYS)
    turn = np.stack([np.cos(angle), np.sin(angle)])
    for _ in range(ROUNDS):
        first, second = _frame(points)
        edge = _edges(solid, affine, points, (first, second), turn)
        move = (2 / 3) * (edge**3) @ turn.T / (edge**2).sum(axis=1, keepdims=True)
        move = ndimage.gaussian_filter1d(move, sigma, axis=0, mode="nearest")
        points = points + move[:, :1] * first + move[:, 1:] * second
        points = ndimage.gaussian_filter1d(points, 0.5 * sigma, axis=0, mode="nearest")
    return points, np.interp(where, arc, radius)


def _edges(
    solid: NDArray[np.float32], affine: Affine, points: Floats, frame: tuple[Floats, Floats], turn: Floats
) -> Floats:
    """(n, 24) distance to the edge of the mask, at most 1.5 times the median of the section."""
    ring = np.arange(0.0, REACH_MM, RING_MM)
    way = turn[0][None, :, None] * frame[0][:, None] + turn[1][None, :, None] * frame[1][:, None]
    place = points[:, None, None] + ring[:, None] * way[:, :, None]
    inside = ndimage.map_coordinates(solid, affine.to_index(place.reshape(-1, 3)).T, order=1)
    low = inside.reshape(place.shape[:3]) < 0.5
    low[:, :, -1] = True
    edge = np.maximum(ring[low.argmax(axis=2)], RING_MM)
    return np.minimum(edge, MOST_RADIUS_SHARE * np.median(edge, axis=1, keepdims=True))


def score_axis(found_mm: Floats, axis: Axis, affine: Affine) -> AxisScore:
    """Points every 0.2 mm along a found tree against a centreline."""
    branch = axis.branch_mm[2 * axis.radius_mm >= LEAST_MM]
    truth = np.concatenate([axis.aorta_mm, branch])
    hit = cKDTree(affine.to_index(found_mm)).query(affine.to_index(truth), p=np.inf)[0] <= 1.0
    near = cKDTree(found_mm).query(truth)[0] <= NEAR_MM
    stem = np.arange(len(truth)) < len(axis.aorta_mm)
    missed = (float(STEP_MM * part.sum()) for part in (~hit & stem, ~hit & ~stem & near, ~hit & ~stem & ~near))
    lengths = STEP_MM * len(truth), STEP_MM * len(branch)
    return AxisScore(*lengths, float(hit.mean()), float(hit[~stem].mean()), float(near.mean()), *missed)


def contrast_along(
    picture: tuple[NDArray[np.float32], Affine], axis: Axis, *, mask: NDArray[np.bool_], affine: Affine
) -> Contrast:
    """The contrast along the branches of a centreline, and beside them.

    Notes
    -----
    Contrast: mean over 5 mm of what lies on the line less the upper quartile of 24 directions around it, each the
    mean at 1.0, 1.7 and 2.4 mm beyond the radius. Upper quartile: a vessel on the surface of an organ stands out on one
    side only, which is not enough to follow it.
    """
    first, second = _across(axis.along)
    on = _contrast(picture, axis, np.zeros_like(first))
    grown = ndimage.binary_dilation(mask, iterations=2)
    beside = []
    for angle in np.arange(0.0, 2 * np.pi, np.pi / 4):
        move = ASIDE_MM * (np.cos(angle) * first + np.sin(angle) * second)
        index = np.rint(affine.to_index(axis.branch_mm + move)).astype(int)
        free = ~grown[tuple(np.clip(index, 0, np.array(mask.shape) - 1).T)]
        beside.append(_contrast(picture, axis, move)[free])
    return Contrast(on, np.concatenate(beside))


def _contrast(picture: tuple[NDArray[np.float32], Affine], axis: Axis, move: Floats) -> Floats:
    hu, affine = picture
    points, frame = axis.branch_mm + move, _across(axis.along)
    angle = np.arange(RAYS) * (2 * np.pi / RAYS)
    sides = np.zeros((len(points), RAYS))
    for beyond in AROUND_MM:
        for k, turn in enumerate(angle):
            far = (axis.radius_mm + beyond)[:, None]
            sides[:, k] += _at(hu, affine, points + far * (np.cos(turn) * frame[0] + np.sin(turn) * frame[1]))
    size = round(ALONG_MM / STEP_MM)
    core = ndimage.uniform_filter1d(_at(hu, affine, points), size, mode="nearest")
    around = ndimage.uniform_filter1d(sides / len(AROUND_MM), size, axis=0, mode="nearest")
    return np.asarray(core - np.percentile(around, 75, axis=1))


def _at(hu: NDArray[np.float32], affine: Affine, points: Floats) -> Floats:
    return np.asarray(ndimage.map_coordinates(hu, affine.to_index(points).T, order=1, mode="nearest"))
