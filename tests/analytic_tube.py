"""Vessels drawn from formulas, as a truth that shares no code with the package's own phantoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.core.volume import Affine, Volume

__all__ = ["BOX_MM", "Drawing", "Scene", "draw", "rotation", "stored", "turned"]

BOX_MM = (68.0, 38.0, 36.0)
NEAR_MM = 3.6


@dataclass(frozen=True)
class Scene:
    """A curved artery of about 60 mm in fat, with what may lie around it; arc lengths in mm from its start."""

    lumen_diameter_mm: float = 2.8
    lumen_hu: float = 400.0
    distal_hu: float | None = None
    distal_diameter_mm: float | None = None
    gaps_mm: tuple[tuple[float, float], ...] = ((23.0, 40.0),)
    wall_mm: float = 0.45
    plaque_hu: float = 70.0
    nodules: tuple[tuple[float, float, float, float], ...] = ()  # arc, two offsets from the axis, radius
    vein_mm: float | None = None
    ring_mm: float | None = None  # a soft tube that leaves the artery at the first gap and comes back after the last
    slab_mm: float | None = None  # height of the muscle below the artery
    chamber: bool = False
    psf_mm: float = 0.4
    noise_hu: float = 15.0
    seed: int = 1

    def axis_mm(self) -> NDArray[np.float64]:
        """(n, 3) points about 0.05 mm apart; an S in two planes."""
        u = np.linspace(0.0, 1.0, 1300)
        return np.stack([6 + 56 * u, 20 + 5.5 * np.sin(2 * np.pi * 0.8 * u), 17 + 4 * np.cos(4 * u)], axis=1)


@dataclass(frozen=True)
class Drawing:
    """A drawn scene and its truth in LPS mm."""

    volume: Volume
    axis_mm: NDArray[np.float64]
    arc_mm: NDArray[np.float64]
    scene: Scene

    def at(self, arc_mm: float) -> NDArray[np.float64]:
        """The point of the true axis at an arc length."""
        return np.array([np.interp(arc_mm, self.arc_mm, self.axis_mm[:, k]) for k in range(3)])

    def seeds(self, proximal_mm: float = 5.0, distal_mm: float = 57.0) -> tuple[NDArray[np.float64], ...]:
        """Two points on the axis."""
        return self.at(proximal_mm), self.at(distal_mm)

    def project(self, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Arc length of the nearest axis point, and the distance to it, of (n, 3) points."""
        distance, index = cKDTree(self.axis_mm).query(np.atleast_2d(points_mm))
        return self.arc_mm[index], distance


def arc_of(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(points, axis=0) ** 2).sum(axis=1)))])


def rotation(axis: tuple[float, float, float], angle_deg: float) -> NDArray[np.float64]:
    """(3, 3) rotation by Rodrigues' formula."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(angle_deg)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def turned(turn: NDArray[np.float64], shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> NDArray[np.float64]:
    """(4, 4) pose that turns a scene about the middle of the box and moves it."""
    middle = np.asarray(BOX_MM) / 2
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = middle - turn @ middle + shift_mm
    return pose


def draw(
    scene: Scene,
    *,
    spacing_mm: tuple[float, float, float] = (0.5, 0.4, 0.4),
    pose: NDArray[np.float64] | None = None,
    box_mm: tuple[tuple[float, float, float], tuple[float, float, float]] = ((0.0, 0.0, 0.0), BOX_MM),
) -> Drawing:
    """The scene on a grid along the LPS axes: painted with soft edges of one voxel, blurred, noise added.

    ``pose`` moves the scene, not the grid; ``box_mm`` is the low and the high corner of the grid.
    """
    pose = np.eye(4) if pose is None else pose
    spacing, low = np.asarray(spacing_mm), np.asarray(box_mm[0])
    shape = np.floor((np.asarray(box_mm[1]) - low) / spacing).astype(int) + 1
    axes = [low[k] + spacing[k] * np.arange(shape[k]) for k in range(3)]
    hu = _background(scene, np.asarray(axes, dtype=object), shape, pose)
    points = scene.axis_mm()
    _paint(scene, hu, points, affine=Affine.from_spacing(spacing_mm, low), pose=pose)
    hu = ndimage.gaussian_filter(hu, scene.psf_mm / spacing, mode="nearest")
    if scene.noise_hu > 0:
        noise = np.random.default_rng(scene.seed).standard_normal(tuple(shape), dtype=np.float32)
        noise = ndimage.gaussian_filter(noise, 0.28 / spacing, mode="nearest")
        hu += noise * np.float32(scene.noise_hu / noise.std())
    volume = Volume(np.round(hu).astype(np.int16), Affine.from_spacing(spacing_mm, low))
    return Drawing(volume, points @ pose[:3, :3].T + pose[:3, 3], arc_of(points), scene)


def stored(volume: Volume, order: tuple[int, int, int], flips: tuple[int, ...] = ()) -> Volume:
    """The same picture stored with its axes in another order and some of them backwards."""
    change = np.zeros((4, 4))
    change[3, 3] = 1.0
    for new, old in enumerate(order):
        change[old, new] = -1.0 if new in flips else 1.0
        change[old, 3] = volume.shape[old] - 1 if new in flips else 0.0
    hu = np.flip(np.transpose(volume.hu, order), flips) if flips else np.transpose(volume.hu, order)
    return Volume(np.ascontiguousarray(hu), Affine(volume.affine.matrix @ change))


def _background(scene: Scene, axes: NDArray[np.object_], shape: NDArray[np.int64], pose: NDArray[np.float64]):
    """Fat; muscle below the artery where asked for."""
    hu = np.full(tuple(shape), -90.0, dtype=np.float32)
    if scene.slab_mm is not None:
        back = np.linalg.inv(pose)
        x, y, z = np.ix_(*axes)
        height = back[2, 0] * x + back[2, 1] * y + back[2, 2] * z + back[2, 3]
        along = back[0, 0] * x + back[0, 1] * y + back[0, 2] * z + back[0, 3]
        surface = scene.slab_mm + 1.5 * np.sin(along.astype(float) / 9)
        hu[(height < surface).astype(bool)] = 100.0
    return hu


def _cover(signed_mm: NDArray[np.float64], width_mm: float) -> NDArray[np.float64]:
    """Share of a voxel that lies inside a surface at this signed distance."""
    return np.clip(0.5 - signed_mm / width_mm, 0.0, 1.0)


def _near(points: NDArray[np.float64], affine: Affine, shape: tuple[int, ...], reach_mm: float):
    """Indices of the voxels within reach of a dense curve."""
    mark = np.ones(shape, dtype=bool)
    index = np.round(affine.to_index(points[::4])).astype(int)
    index = index[((index >= 0) & (index < np.asarray(shape))).all(axis=1)]
    mark[tuple(index.T)] = False
    grow = np.ceil((reach_mm + 0.6) / np.asarray(affine.spacing_mm)).astype(int)
    low, high = np.maximum(index.min(axis=0) - grow, 0), index.max(axis=0) + grow + 1
    cut = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    far = ndimage.distance_transform_edt(mark[cut], sampling=affine.spacing_mm)
    return np.argwhere(far < reach_mm + 0.6) + low


def _paint(scene: Scene, hu, points, *, affine: Affine, pose: NDArray[np.float64]) -> None:
    width = float(np.mean(affine.spacing_mm))
    arc = arc_of(points)
    posed = points @ pose[:3, :3].T + pose[:3, 3]

    def brush(where, signed, value) -> None:
        share = _cover(signed, width)
        hu[where] = hu[where] * (1 - share) + value * share

    if scene.chamber:
        middle = posed[len(posed) // 2]
        index = _near(middle[None], affine, hu.shape, 11.0)
        brush(tuple(index.T), np.linalg.norm(affine.to_mm(index) - middle, axis=1) - 10.0, scene.lumen_hu)
    if scene.vein_mm is not None:
        vein = posed + scene.vein_mm * pose[:3, :3] @ np.array([0.0, 0.6, 0.8])
        index = _near(vein, affine, hu.shape, 2.5)
        brush(tuple(index.T), cKDTree(vein).query(affine.to_mm(index))[0] - 1.2, 0.5 * scene.lumen_hu)
    if scene.ring_mm is not None:
        start, end = scene.gaps_mm[0][0] - 2.0, scene.gaps_mm[-1][1] + 2.0
        part = (arc >= start) & (arc <= end)
        height = scene.ring_mm * np.sin(np.pi * (arc[part] - start) / (end - start)) ** 0.5
        ring = posed[part] + height[:, None] * (pose[:3, :3] @ np.array([0.0, -0.6, 0.8]))
        index = _near(ring, affine, hu.shape, 2.5)
        brush(tuple(index.T), cKDTree(ring).query(affine.to_mm(index))[0] - 1.4, 70.0)
    index = _near(posed, affine, hu.shape, NEAR_MM)
    where = tuple(index.T)
    far, nearest = cKDTree(posed).query(affine.to_mm(index))
    here = arc[nearest]
    beyond = here > scene.gaps_mm[-1][0] if scene.gaps_mm else np.zeros(len(here), dtype=bool)
    radius = np.where(beyond, scene.distal_diameter_mm or scene.lumen_diameter_mm, scene.lumen_diameter_mm) / 2
    shut = np.zeros(len(here))
    for start, end in scene.gaps_mm:
        shut = np.maximum(shut, _cover(np.maximum(start - here, here - end), width))
    brush(where, far - radius - scene.wall_mm, 60.0 * (1 - shut) + scene.plaque_hu * shut)
    share = _cover(far - radius, width) * (1 - shut)
    level = scene.lumen_hu if scene.distal_hu is None else np.where(beyond, scene.distal_hu, scene.lumen_hu)
    hu[where] = hu[where] * (1 - share) + level * share
    for at, u, v, size in scene.nodules:
        centre = np.array([np.interp(at, arc, posed[:, k]) for k in range(3)]) + pose[:3, :3] @ np.array([0.0, u, v])
        brush(where, np.linalg.norm(affine.to_mm(index) - centre, axis=1) - size, 900.0)
