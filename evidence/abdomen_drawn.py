"""Which centreline of a mask is the true one? Trees whose axes are known, drawn on the grid of the abdominal CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from evidence.abdomen_truth import centred_axis, even_points
from recanal.core.volume import Affine

__all__ = ["DrawnTree", "Offset", "drawn_tree", "offsets"]

SPACING_MM = (0.743, 0.743, 1.6)
SHAPE = (170, 190, 78)
AORTA_MM = np.array([[60.0, 70.0, 2.0], [64.0, 72.0, 40.0], [57.0, 69.0, 80.0], [62.0, 70.0, 118.0]])
BRANCHES = 14
NODES = 400
ROUGH_MM = 0.45
ALONE_MM = 6.0
RIM_MM = 2.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DrawnTree:
    """An aorta and branches: axes in mm with radii, and their mask with a rough surface."""

    lines: tuple[tuple[Floats, Floats], ...]
    mask: NDArray[np.bool_]
    affine: Affine


@dataclass(frozen=True)
class Offset:
    """How far a centreline of the mask lies from the true axes.

    Parameters
    ----------
    branch_share, aorta_share
        Share of its points more than one voxel, along an axis of the picture, from the true axes: of lone branches,
        and inside the aorta.
    covered_share
        Share of the lone true axes that has it within one voxel. The rough mask itself breaks off some thin ends.
    """

    branch_share: float
    aorta_share: float
    covered_share: float


def _curve(corners: Floats) -> Floats:
    t = np.linspace(0.0, 1.0, NODES)[:, None]
    weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    return np.asarray(sum(weight * corner for weight, corner in zip(weights, corners, strict=True)))


def drawn_tree(seed: int) -> DrawnTree:
    """An aorta of 9 to 11 mm radius and 14 curved branches of 1.0 to 3.6 mm; the surface is rough by 0.45 mm."""
    rng = np.random.default_rng(seed)
    aorta = _curve(AORTA_MM)
    lines = [(aorta, np.linspace(9.0, 11.0, NODES))]
    for _ in range(BRANCHES):
        start, way, bend = aorta[rng.integers(30, NODES - 30)], rng.normal(size=3) * (1.0, 1.0, 0.7), rng.normal(size=3)
        way, bend, length = way / np.linalg.norm(way), bend / np.linalg.norm(bend), rng.uniform(35.0, 70.0)
        moves = way * length / 3, way * 0.6 * length + 12.0 * bend, way * 0.9 * length + 8.0 * bend
        wide = rng.uniform(1.2, 3.6)
        lines.append((_curve(np.stack([start, *(start + move for move in moves)])), _taper(wide)))
    affine = Affine.from_spacing(SPACING_MM)
    return DrawnTree(tuple(lines), _mask(lines, affine, rng), affine)


def _taper(wide_mm: float) -> Floats:
    return np.linspace(wide_mm, max(1.0, 0.6 * wide_mm), NODES)


def _mask(lines: list[tuple[Floats, Floats]], affine: Affine, rng: np.random.Generator) -> NDArray[np.bool_]:
    grid = affine.to_mm(np.stack(np.indices(SHAPE), axis=-1).reshape(-1, 3))
    depth = np.full(len(grid), np.inf)
    for nodes, radius in lines:
        far, near = cKDTree(nodes).query(grid, distance_upper_bound=16.0)
        depth = np.minimum(depth, far - radius[np.minimum(near, NODES - 1)])
    rough = ndimage.gaussian_filter(rng.normal(size=SHAPE), (1.2, 1.2, 0.5))
    solid = depth.reshape(SHAPE) + rough * (ROUGH_MM / rough.std()) < 0
    parts, _ = ndimage.label(solid, np.ones((3, 3, 3)))
    return np.asarray(parts == np.bincount(parts[parts > 0]).argmax())


def offsets(trees: Sequence[DrawnTree], thinned: Sequence[tuple[Floats, Floats]]) -> tuple[Offset, Offset]:
    """Of thinned masks, given as points and the lengths they stand for, and of the centred lines of the same masks."""
    rows = []
    for tree, (points, length) in zip(trees, thinned, strict=True):
        axis = centred_axis(tree.mask, tree.affine)
        centred = np.concatenate([axis.aorta_mm, axis.branch_mm])
        rows.append([_measured(tree, points, length), _measured(tree, centred, np.full(len(centred), 0.2))])
    sums = np.array(rows).sum(axis=0)
    first, second = (Offset(float(a / b), float(c / d), float(e / f)) for a, b, c, d, e, f in sums)
    return first, second


def _measured(tree: DrawnTree, points: Floats, length: Floats) -> tuple[float, ...]:
    """Lengths in mm: lone branches off and all, in the aorta off and all, lone true axes covered and all."""
    truth, owner, _ = even_points([(nodes, np.full(len(nodes), float(k))) for k, (nodes, _) in enumerate(tree.lines)])
    off, _ = cKDTree(tree.affine.to_index(truth)).query(tree.affine.to_index(points), p=np.inf)
    alone, inner = _places(tree, truth, owner, points)
    true_alone, _ = _places(tree, truth, owner, truth)
    wrong = length * (off > 1.0)
    lone = truth[true_alone]
    gap, _ = cKDTree(tree.affine.to_index(points)).query(tree.affine.to_index(lone), p=np.inf)
    lengths = wrong[alone].sum(), length[alone].sum(), wrong[inner].sum(), length[inner].sum()
    return (*(float(part) for part in lengths), float((gap <= 1.0).sum()), float(len(lone)))


def _places(
    tree: DrawnTree, truth: Floats, owner: Floats, points: Floats
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which points belong to one branch alone, beyond the aorta, and which lie in the inner half of the aorta."""
    aorta, radius = tree.lines[0]
    far, near = cKDTree(aorta).query(points)
    close = cKDTree(truth).query_ball_point(points, ALONE_MM)
    alone = np.array([len(np.unique(owner[one])) == 1 for one in close], dtype=bool)
    return alone & (far > radius[near] + RIM_MM), far < 0.5 * radius[near]
