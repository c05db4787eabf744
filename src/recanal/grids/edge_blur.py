"""How sharp a picture is, in each direction of its slices: the blur of the scanner, and that of motion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Volume
from recanal.grids.smoothing import smoothed

__all__ = ["EdgeBlur", "edge_blur"]

MOST_SLICES = 48
POINTS_A_SLICE = 160
REACH_MM = 4.0
STEP_MM = 0.2
SECTORS = 6
LEAST_PROFILES = 60
LEAST_DROP_HU = 90.0
MUSCLE_HU = (20.0, 200.0)
QUARTER_WIDTH = 1.349  # sigmas between 25 and 75 % of the integral of a Gaussian


@dataclass(frozen=True)
class EdgeBlur:
    """Width of the edges between blood and muscle, as a Gaussian.

    Parameters
    ----------
    sharp_sigma_mm
        In the sharpest direction of the slice: the point spread of the scanner, at most.
    blurred_sigma_mm
        In the most blurred direction.
    profile_count
        Profiles measured.
    """

    sharp_sigma_mm: float
    blurred_sigma_mm: float
    profile_count: int

    @property
    def smear_mm(self) -> float:
        """Length of an even path that would widen the sharp edge to the blurred one."""
        return math.sqrt(12.0 * max(self.blurred_sigma_mm**2 - self.sharp_sigma_mm**2, 0.0))


def _profiles(
    plane: NDArray[np.float32], spacing: tuple[float, float], blood_hu: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, m) profiles across the rim of the blood, from inside out, and the angles of their normals."""
    sigma = (1.0 / spacing[0], 1.0 / spacing[1])
    smooth = smoothed(plane[None], (0.0, *sigma))[0]
    inside = smooth > 0.5 * (blood_hu + 100.0)
    rim = np.argwhere(inside & ~ndimage.binary_erosion(inside))
    margin = np.ceil((REACH_MM + 1) / np.asarray(spacing)).astype(int)
    rim = rim[((rim >= margin) & (rim < np.asarray(plane.shape) - margin)).all(axis=1)]
    if len(rim) == 0:
        return np.zeros((0, 0)), np.zeros(0)
    rim = rim[np.linspace(0, len(rim) - 1, min(POINTS_A_SLICE, len(rim))).astype(int)]
    slope = np.stack([_rise(smooth, rim, axis) / (2.0 * step) for axis, step in enumerate(spacing)], axis=1)
    normal = -slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
    reach = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
    where = rim[:, None, :] + reach[None, :, None] * normal[:, None, :] / np.asarray(spacing)
    values = ndimage.map_coordinates(plane, np.moveaxis(where, -1, 0), order=1, mode="nearest")
    return values.astype(np.float64), np.arctan2(normal[:, 0], normal[:, 1])


def _rise(plane: NDArray[np.float32], at: NDArray[np.int64], axis: int) -> NDArray[np.float32]:
    """(n,) difference of the neighbours along an axis."""
    step = np.eye(2, dtype=np.int64)[axis]
    return np.asarray(plane[tuple((at + step).T)] - plane[tuple((at - step).T)])


def _kept(values: NDArray[np.float64], angles: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Profiles from flat blood to flat muscle, scaled to 1 and 0 and moved to where they fall through one half."""
    ends = round(1.2 / STEP_MM)
    high, low = values[:, :ends].mean(axis=1), values[:, -ends:].mean(axis=1)
    far = values[:, values.shape[1] // 2 + ends :]
    good = (high - low > LEAST_DROP_HU) & (low > MUSCLE_HU[0]) & (low < MUSCLE_HU[1])
    good &= ndimage.gaussian_filter1d(far, 2.0, axis=1).min(axis=1) > low - 0.35 * (high - low)
    scaled = (values[good] - low[good, None]) / (high - low)[good, None]
    calm = ndimage.gaussian_filter1d(scaled, 2.0, axis=1)
    crossing = np.argmax(calm < 0.5, axis=1)
    centre, half = values.shape[1] // 2, values.shape[1] // 2 - ends
    steady = np.abs(crossing - centre) < half // 2
    before = calm[np.arange(len(calm)), np.maximum(crossing - 1, 0)]
    after = calm[np.arange(len(calm)), crossing]
    exact = crossing - (0.5 - after) / np.maximum(before - after, 1e-3)
    offsets = np.arange(-half + half // 2, half - half // 2 + 1)
    rows = np.arange(len(scaled))[:, None] * np.ones((1, len(offsets)))
    moved = ndimage.map_coordinates(scaled, [rows, exact[:, None] + offsets], order=1, mode="nearest")
    return moved[steady], angles[good][steady]


def _sigma_mm(profiles: NDArray[np.float64]) -> float:
    """Gaussian sigma of the mean profile, from where it falls through 3/4 and 1/4."""
    mean = np.minimum.accumulate(ndimage.gaussian_filter1d(np.median(profiles, axis=0), 0.7))
    index = np.arange(len(mean), dtype=np.float64)
    fall = np.interp([-0.75, -0.25], -mean, index)
    return float((fall[1] - fall[0]) * STEP_MM / QUARTER_WIDTH)


def edge_blur(volume: Volume, *, blood_hu: float) -> EdgeBlur | None:
    """The blur of the edges between blood and heart muscle, by direction; None where too few are in view.

    Parameters
    ----------
    volume
        A CT angiogram whose first axis runs from slice to slice.
    blood_hu
        Level of the blood pool.

    Notes
    -----
    Profiles across the rim of the blood, kept where both ends are flat and the outer one is muscle, are moved onto each
    other and averaged in six sectors of direction. The width between 3/4 and 1/4 of the mean profile gives a sigma.
    Scanner blur is the same in all directions; what differs between them is taken for motion.
    """
    spacing = (volume.spacing_mm[1], volume.spacing_mm[2])
    count = volume.shape[0]
    chosen = np.unique(np.linspace(0, count - 1, min(MOST_SLICES, count)).astype(int))
    found, angles = [], []
    for k in chosen:
        values, angle = _profiles(volume.hu[k].astype(np.float32), spacing, blood_hu)
        if len(values):
            kept, turned = _kept(values, angle)
            found.append(kept)
            angles.append(turned)
    if not found or sum(map(len, found)) < LEAST_PROFILES * 2:
        return None
    profiles, angle = np.concatenate(found), np.concatenate(angles)
    sector = (np.mod(angle, np.pi) / np.pi * SECTORS).astype(int) % SECTORS
    widths = [_sigma_mm(profiles[sector == n]) for n in range(SECTORS) if (sector == n).sum() >= LEAST_PROFILES]
    if not widths:
        return None
    return EdgeBlur(min(widths), max(widths), len(profiles))
