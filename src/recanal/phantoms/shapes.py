"""Solids as distance functions: negative inside, zero on the surface, about millimetres nearby."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from recanal.phantoms.geometry import Floats, resample

__all__ = ["Box", "Ellipsoid", "Remembered", "Solid", "Strands", "Tube", "blend_union", "level_and_normal", "normal_of"]

Solid = Callable[[Floats], Floats]
_FAR_MM = 60.0


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid with semi-axes along the rows of ``basis``."""

    centre_mm: Floats
    basis: Floats
    semi_mm: Floats

    def __call__(self, points_mm: Floats) -> Floats:
        """Distance from (n, 3) points, to first order near the surface."""
        local = (points_mm - self.centre_mm) @ self.basis.T / self.semi_mm
        k0 = np.sqrt((local**2).sum(axis=-1))
        k1 = np.sqrt(((local / self.semi_mm) ** 2).sum(axis=-1))
        return np.asarray(k0 * (k0 - 1.0) / np.maximum(k1, 1e-9), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Box:
    """An axis-aligned box with rounded edges."""

    centre_mm: Floats
    half_mm: Floats
    round_mm: float

    def __call__(self, points_mm: Floats) -> Floats:
        """Distance from (n, 3) points."""
        gap = np.abs(points_mm - self.centre_mm) - (self.half_mm - self.round_mm)
        outside = np.sqrt((np.maximum(gap, 0.0) ** 2).sum(axis=-1))
        return np.asarray(outside + np.minimum(gap.max(axis=-1), 0.0) - self.round_mm, dtype=np.float64)


class Tube:
    """A tube of varying radius around a curve."""

    def __init__(self, points_mm: Floats, radius_mm: Floats | float) -> None:
        self.points_mm = resample(np.asarray(points_mm, dtype=np.float64), 1.0)
        given = np.broadcast_to(np.asarray(radius_mm, dtype=np.float64), (len(points_mm),))
        self.radius_mm = np.interp(np.linspace(0, 1, len(self.points_mm)), np.linspace(0, 1, len(points_mm)), given)
        self._tree = cKDTree(self.points_mm)
        self._reach_mm = float(self.radius_mm.max()) + _FAR_MM

    def __call__(self, points_mm: Floats) -> Floats:
        """Distance from (n, 3) points, exact up to 60 mm outside."""
        gap, nearest = self._tree.query(points_mm, distance_upper_bound=self._reach_mm)
        nearest = np.minimum(nearest, len(self.radius_mm) - 1)
        return np.asarray(np.minimum(gap, self._reach_mm) - self.radius_mm[nearest], dtype=np.float64)


class Remembered:
    """A solid that keeps its last answer, for parts of the picture that ask for the same points again."""

    def __init__(self, solid: Solid) -> None:
        self._solid = solid
        self._last: tuple[Floats, Floats] | None = None

    def __call__(self, points_mm: Floats) -> Floats:
        """Distance from (n, 3) points, which must not be changed in place; the answer is read-only."""
        if self._last is None or self._last[0] is not points_mm:
            level = self._solid(points_mm)
            level.setflags(write=False)
            self._last = points_mm, level
        return self._last[1]


class Strands:
    """Many curves of one radius, as one solid."""

    def __init__(self, curves_mm: list[Floats], radius_mm: float) -> None:
        self._tree = cKDTree(np.concatenate([resample(curve, 1.0) for curve in curves_mm]))
        self._radius_mm = radius_mm

    def __call__(self, points_mm: Floats) -> Floats:
        """Distance from (n, 3) points, exact up to a few millimetres outside."""
        gap, _ = self._tree.query(points_mm, distance_upper_bound=self._radius_mm + 6.0)
        return np.asarray(np.minimum(gap, self._radius_mm + 6.0) - self._radius_mm, dtype=np.float64)


def blend_union(distances: list[Floats], blend_mm: float) -> Floats:
    """Union of solids with a fillet of about ``blend_mm`` (polynomial smooth minimum)."""
    total = distances[0]
    for other in distances[1:]:
        mix = np.maximum(blend_mm - np.abs(total - other), 0.0) / blend_mm
        total = np.minimum(total, other) - mix * mix * blend_mm / 4
    return total


def level_and_normal(solid: Solid, points_mm: Floats, step_mm: float = 0.1) -> tuple[Floats, Floats]:
    """Distance from a solid, and the outward unit normals (n, 3) of its level sets."""
    here = solid(points_mm)
    slope = np.stack([solid(points_mm + step_mm * axis) - here for axis in np.eye(3)], axis=-1)
    return here, np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-12), dtype=np.float64)


def normal_of(solid: Solid, points_mm: Floats) -> Floats:
    """Outward unit normals (n, 3) of the level sets of a solid."""
    return level_and_normal(solid, points_mm)[1]
