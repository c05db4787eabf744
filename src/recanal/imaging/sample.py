"""Hounsfield units at any point of a volume."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError
from recanal.grids.neighbourhoods import every, neighbourhoods

__all__ = ["Block", "isotropic", "isotropic_around", "sample", "sample_cubic", "sample_rays"]

AIR_HU = -1024.0
ALONG = 1e-9
SLAB = 16
THREADS = 2
NOISE_REACH = 2
NOISE_PLACES = 4000
NOISE_ABOVE_HU = -300.0
EVEN_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Block:
    """A box cut out of a volume as float32, small enough to work on.

    Parameters
    ----------
    hu
        (a, b, c) float32.
    affine
        Map from block index to LPS millimetres.
    """

    hu: NDArray[np.float32]
    affine: Affine

    @classmethod
    def around(cls, volume: Volume, points_mm: ArrayLike, *, margin_mm: float) -> Block:
        """The voxels of ``volume`` in the box around ``points_mm`` (n, 3), widened by ``margin_mm``.

        Raises
        ------
        GeometryError
            When the box does not meet the volume.
        """
        cut, affine = _cut(volume, points_mm, margin_mm)
        return cls(np.ascontiguousarray(cut, dtype=np.float32), affine)

    @cached_property
    def noise_hu(self) -> float:
        """Noise: the spread that a fifth of the neighbourhoods of 5x5x5 voxels without air do not exceed.

        Where anatomy is even, a neighbourhood varies by noise alone. The fifth was set on phantoms: it is what noise
        leaves at a place between the voxels.
        """
        inner = [n - 2 * NOISE_REACH for n in self.hu.shape]
        if min(inner) < 1:
            return 0.0
        step = max(1, round(2 * (np.prod(inner) / NOISE_PLACES) ** (1 / 3)))
        ends = [(np.arange(0, n, step), np.arange(n - 1, -1, -step)) for n in inner]  # a flipped block has the same
        centres = every(*[np.union1d(*places) + NOISE_REACH for places in ends])
        values = neighbourhoods(self.hu, centres, reach=NOISE_REACH)
        tissue = values.min(axis=1) > NOISE_ABOVE_HU
        return float(np.quantile(values[tissue].std(axis=1, ddof=1), EVEN_SHARE)) if tissue.any() else 0.0


def _cut(volume: Volume, points_mm: ArrayLike, margin_mm: float) -> tuple[NDArray[np.generic], Affine]:
    """The stored voxels in a box, not copied, and where they lie."""
    points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
    low, high = points.min(axis=0) - margin_mm, points.max(axis=0) + margin_mm
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, -1).T
    index = volume.affine.to_index(corners)
    start = np.maximum(np.floor(index.min(axis=0)).astype(int), 0)
    stop = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 1, volume.shape)
    if np.any(stop - start < 2):
        raise GeometryError("The region of interest lies outside the volume.")
    matrix = volume.affine.matrix.copy()
    matrix[:3, 3] = volume.affine.to_mm(start)[0]
    return volume.hu[tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))], Affine(matrix)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _between(hu, i, j, k):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Trilinear value at a fractional index inside the block."""
    a, b, c = min(int(i), hu.shape[0] - 2), min(int(j), hu.shape[1] - 2), min(int(k), hu.shape[2] - 2)
    u, v, w = i - a, j - b, k - c
    front = (hu[a, b, c] * (1 - w) + hu[a, b, c + 1] * w) * (1 - v) + (
        hu[a, b + 1, c] * (1 - w) + hu[a, b + 1, c + 1] * w
    ) * v
    back = (hu[a + 1, b, c] * (1 - w) + hu[a + 1, b, c + 1] * w) * (1 - v) + (
        hu[a + 1, b + 1, c] * (1 - w) + hu[a + 1, b + 1, c + 1] * w
    ) * v
    return front * (1 - u) + back * u


@numba.njit(cache=True, nogil=True, fastmath=True)
def _trilinear(hu, inverse, points, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    na, nb, nc = hu.shape
    for p in range(points.shape[0]):
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        i = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
        j = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
        k = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
        if i < -1e-6 or j < -1e-6 or k < -1e-6 or i > na - 1 + 1e-6 or j > nb - 1 + 1e-6 or k > nc - 1 + 1e-6:
            out[p] = np.nan
            continue
        i, j, k = min(max(i, 0.0), na - 1.0), min(max(j, 0.0), nb - 1.0), min(max(k, 0.0), nc - 1.0)
        out[p] = _between(hu, i, j, k)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _four_weights(share, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Weights of the four voxels around a place that lies ``share`` of a step beyond the second."""
    out[0] = ((1.0 - 0.5 * share) * share - 0.5) * share
    out[1] = (1.5 * share - 2.5) * share * share + 1.0
    out[2] = ((2.0 - 1.5 * share) * share + 0.5) * share
    out[3] = 0.5 * (share - 1.0) * share * share


@numba.njit(cache=True, nogil=True, fastmath=True)
def _cubic(hu, inverse, points, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Values at points by cubic convolution; the border voxels go on outside."""
    na, nb, nc = hu.shape
    along, across, within = np.empty(4), np.empty(4), np.empty(4)
    for p in range(points.shape[0]):
        x, y, z = points[p]
        u = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
        v = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
        w = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
        a, b, c = int(np.floor(u)), int(np.floor(v)), int(np.floor(w))
        _four_weights(u - a, along)
        _four_weights(v - b, across)
        _four_weights(w - c, within)
        total = 0.0
        for i in range(4):
            plane = hu[min(max(a - 1 + i, 0), na - 1)]
            for j in range(4):
                row = plane[min(max(b - 1 + j, 0), nb - 1)]
                part = 0.0
                for k in range(4):
                    part += within[k] * row[min(max(c - 1 + k, 0), nc - 1)]
                total += along[i] * across[j] * part
        out[p] = total


@numba.njit(cache=True, nogil=True, fastmath=True)
def _mean_of_eight(hu, inverse, low, step, rows, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Grid values as means of eight trilinear samples a quarter step off the centre; air outside."""
    na, nb, nc = hu.shape
    for a0 in rows:
        for b0 in range(out.shape[1]):
            for c0 in range(out.shape[2]):
                total = 0.0
                for corner in range(8):
                    x = low[0] + step * (a0 + 0.5 * (corner & 1) - 0.25)
                    y = low[1] + step * (b0 + 0.5 * ((corner >> 1) & 1) - 0.25)
                    z = low[2] + step * (c0 + 0.5 * ((corner >> 2) & 1) - 0.25)
                    i = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
                    j = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
                    k = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
                    if i < 0.0 or j < 0.0 or k < 0.0 or i > na - 1 or j > nb - 1 or k > nc - 1:
                        total += AIR_HU
                        continue
                    total += _between(hu, i, j, k)
                out[a0, b0, c0] = total / 8.0


@numba.njit(cache=True, nogil=True)
def _means_along(hu, places, weights, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Weighted sums of four voxels along each axis in turn, summed in double precision.

    ``places`` and ``weights`` hold an (n, 4) and an (n, 5) array for each axis; the last weight is the share of air.
    """
    nb, nc = hu.shape[1], hu.shape[2]
    plane, row = np.empty((nb, nc), dtype=np.float64), np.empty(nc, dtype=np.float64)
    for i in range(out.shape[0]):
        first, share = places[0][i], weights[0][i]
        for j in range(nb):
            a, b, c, d = hu[first[0], j], hu[first[1], j], hu[first[2], j], hu[first[3], j]
            for k in range(nc):
                plane[j, k] = share[0] * a[k] + share[1] * b[k] + share[2] * c[k] + share[3] * d[k]
        for j in range(out.shape[1]):
            middle, part = places[1][j], weights[1][j]
            e, f, g, h = plane[middle[0]], plane[middle[1]], plane[middle[2]], plane[middle[3]]
            for k in range(nc):
                row[k] = part[0] * e[k] + part[1] * f[k] + part[2] * g[k] + part[3] * h[k]
            inside = share[4] * part[4]
            for k in range(out.shape[2]):
                last, rest = places[2][k], weights[2][k]
                total = (
                    rest[0] * row[last[0]] + rest[1] * row[last[1]] + rest[2] * row[last[2]] + rest[3] * row[last[3]]
                )
                out[i, j, k] = total + AIR_HU * (1.0 - inside * rest[4])


def _pairs(
    per_mm: float, offset: float, low_mm: float, step_mm: float, sizes: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(n, 4) voxels and (n, 5) weights of two linear samples around each place of a grid along one axis."""
    count, size = sizes
    place = per_mm * (low_mm + step_mm * (np.arange(count)[:, None] + np.array([-0.25, 0.25]))) + offset
    inside = (place >= 0.0) & (place <= size - 1)
    before = np.clip(place.astype(np.int64), 0, size - 2)
    share = place - before
    weight = 0.5 * np.stack([(1.0 - share) * inside, share * inside], axis=2).reshape(count, 4)
    voxels = np.stack([before, before + 1], axis=2).reshape(count, 4)
    return voxels, np.concatenate([weight, inside.mean(axis=1)[:, None]], axis=1)


def _fill_along(
    hu: NDArray[np.generic],
    pairs: list[tuple[NDArray[np.int64], NDArray[np.float64]]],
    rows: NDArray[np.int64],
    target: NDArray[np.float32],
) -> None:
    """Some planes of a grid along the axes of the voxels."""
    slab = np.empty((len(rows), *target.shape[1:]), dtype=np.float32)
    places = (pairs[0][0][rows], pairs[1][0], pairs[2][0])
    _means_along(hu, places, (pairs[0][1][rows], pairs[1][1], pairs[2][1]), slab)
    target[rows[0] : rows[-1] + 1] = slab


@numba.njit(cache=True, nogil=True, fastmath={"nsz", "arcp", "contract", "afn", "reassoc"})
def _along_rays(hu, places, sides, turns, rings, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Values on rays around places; places and directions in voxels."""
    na, nb, nc = hu.shape
    normals, binormals = sides
    for n in range(out.shape[0]):
        i0, j0, k0 = places[n]
        for m in range(out.shape[1]):
            cosine, sine = turns[m]
            di = cosine * normals[n, 0] + sine * binormals[n, 0]
            dj = cosine * normals[n, 1] + sine * binormals[n, 1]
            dk = cosine * normals[n, 2] + sine * binormals[n, 2]
            for r in range(out.shape[2]):
                i, j, k = i0 + rings[r] * di, j0 + rings[r] * dj, k0 + rings[r] * dk
                if i < -1e-6 or j < -1e-6 or k < -1e-6 or i > na - 1 + 1e-6 or j > nb - 1 + 1e-6 or k > nc - 1 + 1e-6:
                    out[n, m, r] = np.nan
                    continue
                i, j, k = min(max(i, 0.0), na - 1.0), min(max(j, 0.0), nb - 1.0), min(max(k, 0.0), nc - 1.0)
                out[n, m, r] = _between(hu, i, j, k)


def sample_rays(
    block: Block,
    points_mm: NDArray[np.float64],
    frame: tuple[NDArray[np.float64], NDArray[np.float64]],
    rays: int,
    rings_mm: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Trilinear Hounsfield units on rays around points; NaN outside the block.

    Parameters
    ----------
    points_mm, frame
        (n, 3) LPS points, and the two unit vectors (n, 3) that the rays of each turn in.
    rays
        How many, evenly around, the first along the first vector.
    rings_mm
        (r,) distances along each ray.

    Returns
    -------
    (n, rays, r) float32.
    """
    angle = np.arange(rays) * (2 * np.pi / rays)
    turn = block.affine.inverse[:3, :3].T
    sides = np.ascontiguousarray(frame[0] @ turn), np.ascontiguousarray(frame[1] @ turn)
    places = np.ascontiguousarray(block.affine.to_index(points_mm))
    turns = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    out = np.empty((len(places), rays, len(rings_mm)), dtype=np.float32)
    _along_rays(block.hu, places, sides, turns, rings_mm, out)
    return out


def sample(block: Block, points_mm: ArrayLike) -> NDArray[np.float32]:
    """Trilinear Hounsfield units at (..., 3) LPS points; NaN outside the block."""
    points = np.asarray(points_mm, dtype=np.float64)
    flat = np.ascontiguousarray(points.reshape(-1, 3))
    out = np.empty(len(flat), dtype=np.float32)
    _trilinear(block.hu, np.ascontiguousarray(block.affine.inverse), flat, out)
    return out.reshape(points.shape[:-1])


def sample_cubic(block: Block, points_mm: ArrayLike) -> NDArray[np.float32]:
    """Hounsfield units at (..., 3) LPS points by cubic convolution, which blurs far less than a trilinear sample.

    Notes
    -----
    Keys RG. IEEE Trans Acoust 1981;29:1153, a = -1/2. doi:10.1109/TASSP.1981.1163711
    """
    points = np.asarray(points_mm, dtype=np.float64)
    flat = np.ascontiguousarray(points.reshape(-1, 3))
    out = np.empty(len(flat), dtype=np.float32)
    inverse = np.ascontiguousarray(block.affine.inverse)
    with ThreadPoolExecutor(THREADS) as pool:
        parts = zip(np.array_split(flat, THREADS), np.array_split(out, THREADS), strict=True)
        list(pool.map(lambda part: _cubic(block.hu, inverse, *part), parts))
    return out.reshape(points.shape[:-1])


def isotropic(block: Block, *, step_mm: float) -> Block:
    """The block on an isotropic grid along the LPS axes, each voxel the mean of eight samples.

    The grid does not depend on how the volume was stored, so a flipped, rotated or permuted volume
    gives the same result. Outside the block the value is that of air.
    """
    return _isotropic(block.hu, block.affine, step_mm)


def isotropic_around(volume: Volume, points_mm: ArrayLike, *, margin_mm: float, step_mm: float) -> Block:
    """The isotropic grid of the box around some points (n, 3), without a copy of its voxels.

    Raises
    ------
    GeometryError
        When the box does not meet the volume.
    """
    return _isotropic(*_cut(volume, points_mm, margin_mm), step_mm)


def _isotropic(hu: NDArray[np.generic], affine: Affine, step_mm: float) -> Block:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in hu.shape], indexing="ij")).reshape(3, -1).T
    where = affine.to_mm(corners)
    low = np.ceil(where.min(axis=0) / step_mm) * step_mm
    count = np.maximum(np.floor((where.max(axis=0) - low) / step_mm).astype(int) + 1, 3)
    out = np.empty(tuple(int(n) for n in count), dtype=np.float32)
    inverse = np.ascontiguousarray(affine.inverse)
    axes = np.abs(inverse[:3, :3]).argmax(axis=1)
    rest = inverse[:3, :3].copy()
    rest[np.arange(3), axes] = 0.0
    if np.any(np.abs(rest) > ALONG * np.abs(inverse[:3, :3]).max(axis=1, keepdims=True)):
        parts = np.array_split(np.arange(len(out)), THREADS)  # the kernels free the interpreter lock
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda rows: _mean_of_eight(hu, inverse, low, step_mm, rows, out), parts))
    else:
        pairs = [
            _pairs(inverse[m, p], inverse[m, 3], low[p], step_mm, (out.shape[p], hu.shape[m]))
            for m, p in enumerate(axes)
        ]
        target = out.transpose(axes)
        parts = np.array_split(np.arange(target.shape[0]), max(THREADS, target.shape[0] // SLAB))
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda rows: _fill_along(hu, pairs, rows, target), parts))
    return Block(out, Affine.from_spacing((step_mm, step_mm, step_mm), low))
