"""The scanner: its voxel grid, table steps, point-spread function and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import convolve

from recanal.core.volume import Affine
from recanal.phantoms.geometry import Floats
from recanal.phantoms.options import PhantomOptions

__all__ = ["Grid", "add_noise", "blur_motion", "build_grid", "crop_grid", "psf_sigmas"]

_SLAB_MM = 36.0
_FWHM = 2.3548


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxels of a stack of slices: array axes (slice, row, column), LPS axes (z, y, x).

    Parameters
    ----------
    origin_mm, spacing_mm
        Position of voxel (0, 0, 0) and steps, each in array order (z, y, x).
    shape
        Slices, rows, columns.
    slab_start_mm, slab_shift_mm
        (m,) lower z of each table position after the first, and (m + 1, 3) displacement of the anatomy (x, y, z) in it.
    """

    origin_mm: Floats
    spacing_mm: Floats
    shape: tuple[int, int, int]
    slab_start_mm: Floats
    slab_shift_mm: Floats

    @property
    def affine(self) -> Affine:
        """Map from (slice, row, column) to LPS."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.diag(self.spacing_mm)[::-1]
        matrix[:3, 3] = self.origin_mm[::-1]
        return Affine(matrix)

    def shift_at(self, z_mm: Floats) -> Floats:
        """(n, 3) displacement of the anatomy at heights z."""
        return np.asarray(self.slab_shift_mm[np.searchsorted(self.slab_start_mm, z_mm, side="right")], dtype=np.float64)

    def scanned(self, points_mm: Floats) -> Floats:
        """Where anatomical points appear in the picture."""
        return np.asarray(points_mm + self.shift_at(points_mm[:, 2]), dtype=np.float64)

    def index_of(self, points_mm: Floats) -> Floats:
        """Fractional (slice, row, column) of points in the picture."""
        return np.asarray((points_mm[:, ::-1] - self.origin_mm) / self.spacing_mm, dtype=np.float64)

    def axis_mm(self, axis: int) -> Floats:
        """Positions of the voxel centres along an array axis."""
        return np.asarray(self.origin_mm[axis] + self.spacing_mm[axis] * np.arange(self.shape[axis]), dtype=np.float64)


def build_grid(options: PhantomOptions, centre_mm: Floats, rng: np.random.Generator) -> Grid:
    """The grid of the whole scan around the heart."""
    pixel, step = float(options.pixel_mm or 0.4), float(options.slice_mm or 0.5)
    count = int(min(np.ceil(142.0 / step), 350))
    spacing = np.array([step, pixel, pixel])
    shape = (count, 512, 512)
    corner = np.round(centre_mm[::-1] - 0.5 * spacing * np.array(shape), 1) + np.array([2.0, 14.0, -4.0])
    origin = corner + np.asarray(options.grid_shift_mm)[::-1]
    first = corner[0] + float(rng.uniform(20.0, _SLAB_MM))
    starts = np.arange(first, corner[0] + count * step, _SLAB_MM)
    shifts = rng.normal(0.0, options.step_mm, (len(starts) + 1, 3)) * np.array([1.0, 1.0, 0.0])
    shifts = np.clip(shifts, -1.5 * (options.step_mm / 0.7), 1.5 * (options.step_mm / 0.7))
    shifts[0] = 0.0
    return Grid(origin, spacing, shape, starts, shifts * (1.0 if options.misregistration else 0.0))


def crop_grid(grid: Grid, points_mm: Floats, margin_mm: float) -> Grid:
    """The part of a grid around some points; its voxels are voxels of the whole."""
    index = grid.index_of(grid.scanned(points_mm))
    reach = margin_mm / grid.spacing_mm
    low = np.clip(np.floor(index.min(axis=0) - reach), 0, None).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0) + reach).astype(int) + 1, grid.shape)
    shape = (int(high[0] - low[0]), int(high[1] - low[1]), int(high[2] - low[2]))
    return Grid(grid.origin_mm + low * grid.spacing_mm, grid.spacing_mm, shape, grid.slab_start_mm, grid.slab_shift_mm)


def _motion_kernel(length_mm: float, pixel_mm: float, angle_rad: float) -> Floats:
    half = int(np.ceil(0.5 * length_mm / pixel_mm)) + 1
    kernel = np.zeros((1, 2 * half + 1, 2 * half + 1))
    for t in np.linspace(-0.5, 0.5, 41) * length_mm / pixel_mm:
        y, x = half + t * np.sin(angle_rad), half + t * np.cos(angle_rad)
        y0, x0 = int(y), int(x)
        for dy, wy in ((0, 1 - y + y0), (1, y - y0)):
            for dx, wx in ((0, 1 - x + x0), (1, x - x0)):
                kernel[0, y0 + dy, x0 + dx] += wy * wx
    return np.asarray(kernel / kernel.sum(), dtype=np.float64)


def psf_sigmas(options: PhantomOptions) -> tuple[float, float, float]:
    """Sigma in mm of the point-spread function along (slice, row, column); the slice profile has FWHM = thickness."""
    in_plane = float(options.psf_sigma_mm or 0.36)
    return float(options.thickness_mm or 0.6) / _FWHM, in_plane, in_plane


def blur_motion(picture: NDArray[np.float32], pixel_mm: float, options: PhantomOptions, angle_rad: float) -> None:
    """Smear the picture along an in-plane path, in place."""
    if (options.motion_mm or 0.0) > 0.05:
        kernel = _motion_kernel(float(options.motion_mm or 0.0), pixel_mm, angle_rad).astype(np.float32)
        for k in range(len(picture)):
            picture[k : k + 1] = convolve(picture[k : k + 1], kernel, mode="nearest")


def _spectrum(shape: tuple[int, int], pixel_mm: float, peak_per_mm: float) -> NDArray[np.float32]:
    """Amplitude of the noise at each frequency; its square rises linearly, peaks, and falls as a Gaussian."""
    fy = scipy.fft.fftfreq(shape[0], pixel_mm)[:, None]
    fx = scipy.fft.rfftfreq(shape[1], pixel_mm)[None, :]
    power = np.hypot(fy, fx) / peak_per_mm
    amplitude = np.sqrt((power + 0.06) * np.exp(-0.5 * power**2))
    amplitude[0, 0] = 0.0
    weight = np.full(fx.shape, 2.0)
    weight[0, 0] = 1.0
    if shape[1] % 2 == 0:
        weight[0, -1] = 1.0
    mean_square = (amplitude**2 * weight).sum() / (shape[0] * shape[1])
    return np.asarray(amplitude / np.sqrt(mean_square), dtype=np.float32)


def add_noise(
    picture: NDArray[np.float32], pixel_mm: float, options: PhantomOptions, rng: np.random.Generator
) -> NDArray[np.int16]:
    """The picture as the scanner stores it: with correlated noise of the asked standard deviation, in whole units."""
    rows, columns = picture.shape[1:]
    shape = (scipy.fft.next_fast_len(rows), scipy.fft.next_fast_len(columns, real=True))
    amplitude = _spectrum(shape, pixel_mm, float(options.noise_peak_per_mm or 0.22))
    side = float(np.clip(0.28 * (options.thickness_mm or 0.6) / (options.slice_mm or 0.5), 0.0, 0.6))
    mix = np.array([side, 1.0, side]) / np.sqrt(1 + 2 * side**2) * float(options.noise_hu or 0.0)

    def fresh() -> NDArray[Any]:
        white = rng.standard_normal(shape, dtype=np.float32)
        wide = scipy.fft.irfft2(scipy.fft.rfft2(white) * amplitude, s=shape)
        return np.asarray(wide[:rows, :columns])

    result = np.empty(picture.shape, dtype=np.int16)
    before, here = fresh(), fresh()
    for k in range(len(picture)):
        after = fresh()
        noisy = picture[k] + mix[0] * before + mix[1] * here + mix[2] * after
        result[k] = np.clip(np.rint(noisy), -1024, 3071)
        before, here = here, after
    return result
