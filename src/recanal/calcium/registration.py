"""Laying the contrast series over the non-contrast one: a rigid movement of the heart.

Contrast changes blood alone. Below 60 HU the two pictures show the same: air, fat, and soft tissue as one. So both are
cut off there and the sum of squared differences is made least, by Gauss-Newton steps from coarse to fine (Lucas and
Kanade 1981; Baker and Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from recanal.calcium.chest import GRID_MM, Chest

__all__ = ["Registration", "register"]

CUT_HU = (-250.0, 60.0)
REACH_MM = 70.0
SMOOTH_MM = (8.0, 4.0, 2.0)
STEPS = 25
LEAST_STEP_MM = 0.02
ROBUST_HU = 40.0
LEAST_OVERLAP = 0.5
TRUSTED_CORRELATION = 0.9


@dataclass(frozen=True, eq=False)
class Registration:
    """A rigid map from the non-contrast to the contrast series.

    Parameters
    ----------
    rotation
        (3, 3).
    shift_mm, centre_mm
        A point p goes to ``rotation @ (p - centre) + centre + shift``.
    correlation
        Of the two cut-off pictures around the heart.
    overlap_share
        Share of the heart's surroundings that the contrast series shows.
    """

    rotation: NDArray[np.float64]
    shift_mm: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    correlation: float
    overlap_share: float

    @property
    def turn_deg(self) -> float:
        """Angle of the rotation."""
        return float(np.rad2deg(Rotation.from_matrix(self.rotation).magnitude()))

    @property
    def trusted(self) -> bool:
        """Whether the pictures agree: correlation of at least 0.9 over at least half of the surroundings."""
        return self.correlation >= TRUSTED_CORRELATION and self.overlap_share >= LEAST_OVERLAP

    def forward(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 3) points of the non-contrast series in the contrast series."""
        return np.asarray((points_mm - self.centre_mm) @ self.rotation.T + self.centre_mm + self.shift_mm)

    def backward(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 3) points of the contrast series in the non-contrast series."""
        return np.asarray((points_mm - self.centre_mm - self.shift_mm) @ self.rotation + self.centre_mm)


@dataclass(frozen=True, eq=False)
class _Moving:
    """The contrast series at one smoothness, with its slopes along x, y and z per millimetre."""

    chest: Chest
    hu: NDArray[np.float32]
    slopes: tuple[NDArray[np.float32], ...]

    def at(self, points_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Values, slopes (n, 3), and which points lie inside."""
        index = self.chest.affine.to_index(points_mm)
        inside = ((index >= 0) & (index <= np.asarray(self.hu.shape) - 1)).all(axis=1)
        where = index.T
        values = ndimage.map_coordinates(self.hu, where, order=1, mode="nearest")
        slopes = np.stack([ndimage.map_coordinates(s, where, order=1, mode="nearest") for s in self.slopes], axis=1)
        return values.astype(np.float64), slopes.astype(np.float64), np.asarray(inside, dtype=np.bool_)


def _cut(chest: Chest, sigma_mm: float) -> NDArray[np.float32]:
    cut = np.clip(chest.hu, *CUT_HU)
    return np.asarray(ndimage.gaussian_filter(cut, sigma_mm / GRID_MM, mode="nearest"), dtype=np.float32)


def _moving(chest: Chest, sigma_mm: float) -> _Moving:
    hu = _cut(chest, sigma_mm)
    z, y, x = (np.gradient(hu, GRID_MM, axis=axis).astype(np.float32) for axis in range(3))
    return _Moving(chest, hu, (x, y, z))


def _points(chest: Chest, step: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Grid points within reach of the heart, and their indices."""
    grid = np.stack(np.meshgrid(*(np.arange(0, n, step) for n in chest.hu.shape), indexing="ij"), axis=-1)
    index = grid.reshape(-1, 3)
    points = chest.affine.to_mm(index)
    near = np.linalg.norm(points - chest.heart_mm, axis=1) < REACH_MM
    return points[near], index[near]


def _step(
    fixed_hu: NDArray[np.float64], local: NDArray[np.float64], moving: _Moving, points: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """One Gauss-Newton step: three small angles and three shifts; None where too little overlaps."""
    values, slopes, inside = moving.at(points)
    if inside.mean() < LEAST_OVERLAP / 2:
        return None
    miss = (values - fixed_hu)[inside]
    turn = np.cross(local[inside], slopes[inside])
    jacobian = np.concatenate([turn, slopes[inside]], axis=1)
    weight = 1 / (1 + (miss / ROBUST_HU) ** 2)
    normal = (jacobian * weight[:, None]).T @ jacobian
    damped = normal + 1e-6 * np.diag(np.diag(normal)) + 1e-9 * np.eye(6)
    return np.asarray(-np.linalg.solve(damped, (jacobian * weight[:, None]).T @ miss))


def register(plain: Chest, contrast: Chest) -> Registration:
    """The rigid movement that lays the contrast series over the non-contrast one around the heart.

    Parameters
    ----------
    plain, contrast
        The chest in both series, see :func:`recanal.calcium.chest.look_at_chest`.

    Notes
    -----
    Both series are taken to be in the same scanner coordinates but for breathing and small movements: up to about
    30 mm and 10 degrees.
    """
    rotation, shift, centre = np.eye(3), np.zeros(3), plain.heart_mm
    for sigma_mm in SMOOTH_MM:
        points, index = _points(plain, max(1, int(sigma_mm / GRID_MM)))
        fixed = _cut(plain, sigma_mm)[tuple(index.T)].astype(np.float64)
        moving = _moving(contrast, sigma_mm)
        for _ in range(STEPS):
            local = (points - centre) @ rotation.T
            step = _step(fixed, local, moving, local + centre + shift)
            if step is None:
                break
            rotation = Rotation.from_rotvec(step[:3]).as_matrix() @ rotation
            shift = shift + step[3:]
            if np.abs(step[3:]).max() < LEAST_STEP_MM and np.abs(step[:3]).max() * REACH_MM < LEAST_STEP_MM:
                break
    values, _, inside = moving.at((points - centre) @ rotation.T + centre + shift)
    agree = float(np.corrcoef(values[inside], fixed[inside])[0, 1]) if inside.sum() > 100 else 0.0
    return Registration(rotation, shift, centre, agree, float(inside.mean()))
