"""Painting: solids by their distance, vessels by subsamples of every voxel they touch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from recanal.phantoms.geometry import Floats, arc_lengths, resample, transport_frames, unit
from recanal.phantoms.heart import Layer
from recanal.phantoms.lesion import Lesion
from recanal.phantoms.scanner import Grid
from recanal.phantoms.shapes import Solid
from recanal.phantoms.tree import Artery
from recanal.phantoms.veins import Vein

__all__ = ["FINE", "Look", "VesselPainter", "paint_layers", "paint_vessels"]

FINE = 3
_LATTICE_MM = 2.0
_TILE = 64
_RAMP = 4.22
_BATCH = 60_000
Progress = Callable[[float, str], None]
Sigmas = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class _Ready:
    """A layer on the coarse lattice (distance in sigmas of the blur), with the part where it matters."""

    distance: NDArray[np.float32]
    hu: NDArray[np.float32] | float
    low: NDArray[np.intp]
    high: NDArray[np.intp]


def _lattice(grid: Grid) -> tuple[Floats, Floats, Floats]:
    most = max(3, int(np.ceil(np.abs(grid.slab_shift_mm).max() / _LATTICE_MM)))  # slabs show what lies beside the grid
    across = [grid.axis_mm(axis) / _LATTICE_MM for axis in range(3)]
    z, y, x = (_LATTICE_MM * np.arange(np.floor(a[0]) - most, np.ceil(a[-1]) + most + 2) for a in across)
    return z, y, x


def _mottle(axes: tuple[Floats, Floats, Floats], grain_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise of unit variance, fixed in space: the same wherever the grid begins."""
    white = rng.standard_normal((_TILE, _TILE, _TILE), dtype=np.float32)
    tile = gaussian_filter(white, grain_mm / _LATTICE_MM / 2, mode="wrap")
    where = [np.rint(axis / _LATTICE_MM).astype(int) % _TILE for axis in axes]
    return np.asarray(tile[np.ix_(*where)] / tile.std(), dtype=np.float32)


def _distances(layers: list[Layer], axes: tuple[Floats, Floats, Floats]) -> list[NDArray[np.float32]]:
    """Distance of every lattice point from every layer, a few planes at a time, so that what layers share is kept."""
    shape = (len(axes[0]), len(axes[1]), len(axes[2]))
    found = [np.empty(shape, dtype=np.float32) for _ in layers]
    planes = max(1, _BATCH // (shape[1] * shape[2]))
    for first in range(0, shape[0], planes):
        mesh = np.meshgrid(axes[0][first : first + planes], axes[1], axes[2], indexing="ij")
        points = np.stack([mesh[2].ravel(), mesh[1].ravel(), mesh[0].ravel()], axis=1)
        for layer, distance in zip(layers, found, strict=True):
            distance[first : first + planes] = layer.solid(points).reshape(mesh[0].shape)
    return found


def _prepare(
    layer: Layer,
    distance: NDArray[np.float32],
    axes: tuple[Floats, Floats, Floats],
    sigmas_mm: Sigmas,
    rng: np.random.Generator,
) -> _Ready | None:
    inside = np.argwhere(distance < 0.5 * _RAMP * max(sigmas_mm) + 0.5)
    if len(inside) == 0:
        return None
    steep = np.clip(np.gradient(distance, _LATTICE_MM, axis=0), -1.0, 1.0) ** 2
    distance /= np.sqrt(sigmas_mm[0] ** 2 * steep + sigmas_mm[1] ** 2 * (1 - steep))
    hu: NDArray[np.float32] | float = layer.hu
    if layer.texture_hu > 0:
        hu = (layer.hu + layer.texture_hu * _mottle(axes, layer.grain_mm, rng)).astype(np.float32)
    return _Ready(distance, hu, np.maximum(inside.min(axis=0) - 2, 0), inside.max(axis=0) + 2)


def _stretch(plane: NDArray[np.float32], rows: Floats, columns: Floats) -> NDArray[np.float32]:
    """Linear interpolation of a plane at fractional rows and columns."""
    r0, c0 = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r0).astype(np.float32)[:, None], (columns - c0).astype(np.float32)
    tall = plane[r0] * (1 - fr) + plane[r0 + 1] * fr
    return np.asarray(tall[:, c0] * (1 - fc) + tall[:, c0 + 1] * fc, dtype=np.float32)


def _paint_slice(canvas: NDArray[np.float32], layer: _Ready, at: tuple[float, Floats, Floats]) -> None:
    level, rows, columns = at
    if not layer.low[0] <= level <= layer.high[0]:
        return
    r = slice(*np.searchsorted(rows, [layer.low[1], layer.high[1]]))
    c = slice(*np.searchsorted(columns, [layer.low[2], layer.high[2]]))
    if r.stop <= r.start or c.stop <= c.start:
        return
    k = int(level)
    share = np.float32(level - k)

    def cut(field: NDArray[np.float32]) -> NDArray[np.float32]:
        return _stretch(field[k] * (1 - share) + field[k + 1] * share, rows[r], columns[c])

    cover = np.clip(0.5 - cut(layer.distance) / np.float32(_RAMP), 0.0, 1.0)
    cover = cover * cover * (3 - 2 * cover)
    hu = cut(layer.hu) if isinstance(layer.hu, np.ndarray) else np.float32(layer.hu)
    canvas[r, c] += cover * (hu - canvas[r, c])


def paint_layers(
    grid: Grid, layers: list[Layer], seed: int, *, sigmas_mm: Sigmas, progress: Progress | None = None
) -> NDArray[np.float32]:
    """The picture without coronary vessels, with edges as soft as the point-spread function leaves them.

    Distances are computed on a lattice of 2 mm, in which they are all but linear, and interpolated to the voxels. The
    edge profile is the cubic nearest to that of a Gaussian of the sigma (slice, row, column) along the surface normal;
    it is a function of space alone, so that the picture does not depend on where the grid lies.
    """
    axes = _lattice(grid)
    ready = []
    for n, (layer, distance) in enumerate(zip(layers, _distances(layers, axes), strict=True)):
        item = _prepare(layer, distance, axes, sigmas_mm, np.random.default_rng([seed, 31, n]))
        ready += [item] if item is not None else []
    picture = np.full(grid.shape, -1000.0, dtype=np.float32)
    heights, ys, xs = (grid.axis_mm(axis) for axis in range(3))
    shifts = grid.shift_at(heights)
    for k in range(grid.shape[0]):
        at = (
            float((heights[k] - axes[0][0]) / _LATTICE_MM),
            (ys - shifts[k, 1] - axes[1][0]) / _LATTICE_MM,
            (xs - shifts[k, 0] - axes[2][0]) / _LATTICE_MM,
        )
        for item in ready:
            _paint_slice(picture[k], item, at)
        if progress is not None and k % 20 == 0:
            progress(0.6 * k / grid.shape[0], "organs")
    return picture


@dataclass(frozen=True, eq=False)
class Look:
    """What the vessels are filled with: attenuation along each branch, and the aorta they spring from."""

    branch_hu: dict[str, Floats]
    aorta: Solid
    aorta_hu: float


@dataclass(frozen=True, eq=False)
class _Nearby:
    """Voxels near a curve, the nearest point of it, and for each subsample the offset from that point."""

    rows: NDArray[np.intp]
    nearest: NDArray[np.intp]
    local: Floats


class VesselPainter:
    """Paints tubes on ``fine`` subsamples per axis of every voxel near them.

    Parameters
    ----------
    grid, picture
        The voxels, and what they show before the vessels are painted.
    tubes
        By name: (n, 3) axis and the largest radius that will be painted around it, in millimetres.
    """

    def __init__(
        self, grid: Grid, picture: NDArray[np.float32], tubes: dict[str, tuple[Floats, float]], *, fine: int = FINE
    ) -> None:
        self._grid = grid
        self._fine = fine
        self._tubes = tubes
        self._near = {name: self._voxels_near(points, reach) for name, (points, reach) in tubes.items()}
        self._flat = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *self._near.values()]))
        self._values = np.repeat(picture.reshape(-1)[self._flat][:, None], fine**3, axis=1)
        self._added = self._values.copy()
        steps = (np.arange(fine) - (fine - 1) / 2) / fine
        dz, dy, dx = np.meshgrid(*(steps * h for h in grid.spacing_mm), indexing="ij")
        self._offsets = np.stack([dx.ravel(), dy.ravel(), dz.ravel()], axis=1)
        self._soft = float(np.mean(grid.spacing_mm)) / fine

    def _voxels_near(self, points: Floats, reach_mm: float) -> NDArray[np.int64]:
        grid = self._grid
        slack = float(np.ptp(grid.slab_shift_mm, axis=0).max())
        half = np.ceil((reach_mm + slack + 1.3) / grid.spacing_mm).astype(int)
        index = np.rint(grid.index_of(grid.scanned(points[::3]))).astype(int)
        index = index[((index >= -half) & (index < np.array(grid.shape) + half)).all(axis=1)]
        if len(index) == 0:
            return np.zeros(0, dtype=np.int64)
        offsets = np.stack(np.meshgrid(*(np.arange(-h, h + 1) for h in half), indexing="ij"), axis=-1).reshape(-1, 3)
        offsets = offsets[((offsets * grid.spacing_mm) ** 2).sum(axis=1) < (reach_mm + slack + 1.3) ** 2]
        low = np.maximum(index.min(axis=0) - half, 0)
        high = np.minimum(index.max(axis=0) + half + 1, grid.shape)
        size = high - low
        index = (index - low)[:, None, :] + offsets[None]
        index = index[((index >= 0) & (index < size)).all(axis=2)]
        touched = np.zeros(tuple(size), dtype=np.bool_)
        touched[index[:, 0], index[:, 1], index[:, 2]] = True
        where = np.nonzero(touched)
        flat = np.ravel_multi_index((where[0] + low[0], where[1] + low[1], where[2] + low[2]), grid.shape)
        return np.asarray(flat, dtype=np.int64)

    def _centres(self, flat: NDArray[np.int64]) -> Floats:
        index = np.stack(np.unravel_index(flat, self._grid.shape), axis=1)
        where = (self._grid.origin_mm + index * self._grid.spacing_mm)[:, ::-1]
        return np.asarray(where - self._grid.shift_at(where[:, 2]), dtype=np.float64)

    def _around(self, name: str, points: Floats) -> _Nearby | None:
        flat = self._near[name]
        if len(flat) == 0:
            return None
        where = self._centres(flat)
        gap, nearest = cKDTree(points).query(where, distance_upper_bound=self._tubes[name][1] + 0.5)
        keep = np.isfinite(gap)
        local = (where[keep] - points[nearest[keep]])[:, None, :] + self._offsets[None]
        return _Nearby(np.searchsorted(self._flat, flat[keep]), nearest[keep], local)

    def _cover(self, gap: Floats) -> Floats:
        return np.asarray(np.clip(0.5 - gap / self._soft, 0.0, 1.0), dtype=np.float64)

    def _mix(self, rows: NDArray[np.intp], cover: Floats, hu: Floats | float) -> None:
        old = self._values[rows]
        self._values[rows] = (old + cover * (hu - old)).astype(np.float32)

    def tube(self, name: str, radius: Floats, hu: Floats | float) -> None:
        """A plain tube with round ends; radius and attenuation per point of the axis."""
        points = self._tubes[name][0]
        near = self._around(name, points)
        if near is None:
            return
        arc = arc_lengths(points)
        tangents = unit(np.gradient(points, axis=0))[near.nearest]
        t = np.einsum("nfc,nc->nf", near.local, tangents)
        s = arc[near.nearest][:, None] + t
        beyond = np.maximum(np.maximum(-s, s - arc[-1]), 0.0)
        across = np.maximum((near.local**2).sum(axis=-1) - t**2, 0.0)
        gap = np.sqrt(across + beyond**2) - np.interp(s, arc, radius)
        level = hu if isinstance(hu, float) else np.interp(s, arc, hu)
        self._mix(near.rows, self._cover(gap), level)

    def target(self, name: str, lesion: Lesion, parts: tuple[str, ...]) -> None:
        """Passes over the target artery: ``"body"`` (wall, plaque), ``"lumen"``, ``"calcium"``."""
        points = resample(self._tubes[name][0], 0.125)
        near = self._around(name, points)
        if near is None:
            return
        tangent, normal, binormal = (frame[near.nearest] for frame in transport_frames(points))
        shape = near.local.shape[:2]
        s = arc_lengths(points)[near.nearest][:, None] + np.einsum("nfc,nc->nf", near.local, tangent)
        u = np.einsum("nfc,nc->nf", near.local, normal).ravel()
        v = np.einsum("nfc,nc->nf", near.local, binormal).ravel()
        for part in parts:
            cover, hu = self._target_part(lesion, (s.ravel(), u, v), part)
            self._mix(near.rows, cover.reshape(shape), hu.reshape(shape))

    def _target_part(self, lesion: Lesion, tube: tuple[Floats, Floats, Floats], part: str) -> tuple[Floats, Floats]:
        s, u, v = tube
        depth = np.hypot(u, v)
        if part == "calcium":
            return lesion.calcium_cover(s, u, v, self._soft)
        if part == "lumen":
            radius = lesion.lumen_radius(s)
            cover = np.where(radius > 0.02, self._cover(depth - radius), 0.0)
            return cover, np.interp(s, lesion.arc_mm, lesion.lumen_hu)
        cover = self._cover(depth - lesion.outer_radius(s, np.arctan2(v, u)))
        hu = np.full(len(s), lesion.wall_hu)
        near = np.flatnonzero(cover > 0)
        hu[near] = lesion.soft_hu(s[near], u[near], v[near])
        return cover, hu

    def solid(self, centre_mm: Floats, reach_mm: float, shape: Solid, hu: float) -> None:
        """The part of a solid within reach of a point, where a vessel has been painted over it."""
        rows = np.flatnonzero(np.isin(self._flat, self._voxels_near(centre_mm[None], reach_mm)))
        if len(rows):
            where = self._centres(self._flat[rows])[:, None, :] + self._offsets[None]
            gap = shape(where.reshape(-1, 3)).reshape(where.shape[:2])
            self._mix(rows, self._cover(gap), hu)

    def _spread_axis(self, work: NDArray[np.float32], axis: int, sigma_mm: float) -> NDArray[np.float32]:
        """Blur along one array axis from subsamples (n, fine, ...) to voxels (n, ...)."""
        step = float(self._grid.spacing_mm[axis])
        variance = max(sigma_mm**2 - (step / self._fine) ** 2 / 12, (0.1 * step) ** 2)
        half = int(np.ceil(3.4 * np.sqrt(variance) / step))
        steps = (np.arange(self._fine) - (self._fine - 1) / 2) / self._fine
        weights = np.exp(-0.5 * ((np.arange(-half, half + 1)[:, None] + steps) * step) ** 2 / variance)
        weights = (weights / weights.sum()).astype(np.float32)
        stride = int(np.prod(self._grid.shape[axis + 1 :], dtype=np.int64))
        place = self._flat // stride % self._grid.shape[axis]
        total = np.zeros((len(work), *work.shape[2:]), dtype=np.float32)
        slabs = np.moveaxis(work, 1, 0)
        for m in range(-half, half + 1):
            rows = np.minimum(np.searchsorted(self._flat, self._flat + m * stride), len(self._flat) - 1)
            found = (self._flat[rows] == self._flat + m * stride) & (place + m >= 0)
            found &= place + m < self._grid.shape[axis]
            part = sum(weight * slab for weight, slab in zip(weights[m + half], slabs, strict=True))
            total[found] += part[rows[found]]
        return total

    def add_to(self, picture: NDArray[np.float32], sigmas_mm: Sigmas) -> None:
        """Add what has been painted since the last time, blurred from the subsamples by the point-spread function."""
        if len(self._flat) == 0:
            return
        f = self._fine
        work = (self._values - self._added).reshape(-1, f, f, f)
        for axis, sigma in enumerate(sigmas_mm):
            work = self._spread_axis(work, axis, sigma)
        picture.reshape(-1)[self._flat] += work
        self._added = self._values.copy()


def paint_vessels(
    painter: VesselPainter, arteries: list[Artery], veins: list[Vein], lesion: Lesion, look: Look
) -> None:
    """All coronary vessels, without calcium."""
    for vein in veins:
        painter.tube(vein.name, vein.radius_mm, vein.hu)
    for artery in arteries[1:]:
        painter.tube(artery.name, artery.lumen_mm + artery.wall_mm, 58.0)
    painter.target(arteries[0].name, lesion, ("body",))
    for artery in arteries:
        if not artery.parent:
            painter.solid(artery.points_mm[0], 9.0, look.aorta, look.aorta_hu)
    painter.target(arteries[0].name, lesion, ("lumen",))
    for artery in arteries[1:]:
        painter.tube(artery.name, artery.lumen_mm, look.branch_hu[artery.name])
