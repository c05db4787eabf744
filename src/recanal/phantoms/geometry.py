"""Curves in space, as the phantoms draw them. Nothing here is used to measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

__all__ = [
    "Floats",
    "arc_lengths",
    "resample",
    "smooth_noise",
    "smoothed",
    "spline_through",
    "transport_frames",
    "unit",
]

Floats = NDArray[np.float64]


def unit(vector: Floats) -> Floats:
    """Vectors (..., 3) scaled to length 1."""
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-12), dtype=np.float64)


def arc_lengths(points_mm: Floats) -> Floats:
    """(n,) arc length from the first point."""
    steps = np.sqrt((np.diff(points_mm, axis=0) ** 2).sum(axis=1))
    return np.append(0.0, np.cumsum(steps))


def resample(points_mm: Floats, step_mm: float) -> Floats:
    """The curve at equal steps of close to ``step_mm``, through a cubic spline."""
    along = arc_lengths(points_mm)
    count = max(2, round(along[-1] / step_mm) + 1)
    return np.asarray(CubicSpline(along, points_mm, axis=0)(np.linspace(0.0, along[-1], count)), dtype=np.float64)


def spline_through(control_mm: Floats, step_mm: float) -> Floats:
    """A smooth curve through a few control points, in steps of ``step_mm``."""
    knots = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(control_mm, axis=0), axis=1) ** 0.75))
    dense = CubicSpline(knots, control_mm, axis=0)(np.linspace(0.0, knots[-1], 40 * len(control_mm)))
    return resample(resample(np.asarray(dense, dtype=np.float64), step_mm), step_mm)


def smoothed(values: Floats, sigma_samples: float) -> Floats:
    """Gaussian smoothing along the first axis that leaves both ends in place."""
    pad = min(len(values) - 1, int(4 * sigma_samples) + 1)
    head = 2 * values[:1] - values[pad:0:-1]
    tail = 2 * values[-1:] - values[-2 : -pad - 2 : -1]
    wide = gaussian_filter1d(np.concatenate([head, values, tail]), sigma_samples, axis=0, mode="nearest")
    return np.asarray(wide[pad : pad + len(values)], dtype=np.float64)


def smooth_noise(count: int, sigma_samples: float, rng: np.random.Generator) -> Floats:
    """(count,) Gaussian noise of unit variance, correlated over ``sigma_samples`` samples."""
    pad = int(4 * sigma_samples) + 1
    field = gaussian_filter1d(rng.standard_normal(count + 2 * pad), sigma_samples, mode="wrap")
    return np.asarray(
        field[pad : pad + count] * np.sqrt(2 * np.sqrt(np.pi) * max(sigma_samples, 0.3)), dtype=np.float64
    )


def transport_frames(points_mm: Floats) -> tuple[Floats, Floats, Floats]:
    """Tangents and two normals (n, 3) carried along the curve by the smallest rotation from point to point."""
    tangents = unit(np.gradient(points_mm, arc_lengths(points_mm), axis=0, edge_order=2))
    normals = np.empty_like(tangents)
    axis = np.zeros(3)
    axis[np.argmin(np.abs(tangents[0]))] = 1.0
    normals[0] = unit(np.cross(tangents[0], axis))
    turns = np.cross(tangents[:-1], tangents[1:])
    scale = 1 / (1 + (tangents[:-1] * tangents[1:]).sum(axis=1))
    for i in range(1, len(tangents)):
        (ax, ay, az), (ux, uy, uz), (x, y, z) = turns[i - 1].tolist(), tangents[i].tolist(), normals[i - 1].tolist()
        cosine, along = 1 / scale[i - 1] - 1, (ax * x + ay * y + az * z) * scale[i - 1]
        x, y, z = (
            cosine * x + ay * z - az * y + along * ax,
            cosine * y + az * x - ax * z + along * ay,
            cosine * z + ax * y - ay * x + along * az,
        )
        drift = x * ux + y * uy + z * uz
        x, y, z = x - drift * ux, y - drift * uy, z - drift * uz
        size = (x * x + y * y + z * z) ** -0.5
        normals[i] = (x * size, y * size, z * size)
    return tangents, normals, np.cross(tangents, normals)
