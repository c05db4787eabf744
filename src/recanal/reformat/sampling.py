"""Hounsfield units at any place of a volume, and flat cuts through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from recanal.core.volume import Volume
from recanal.errors import GeometryError

__all__ = ["Directions", "Plane", "sample_mm", "sample_plane", "slab_mip"]

_EDGE = 1e-6  # voxels: rounding that still counts as inside the volume


def _at_index(volume: Volume, index: NDArray[np.float64]) -> NDArray[np.float32]:
    """Trilinear values at (3, n) fractional indices; NaN beyond the outermost voxel centres.

    The volume is read in place: linear interpolation needs neither a float copy nor a filtered one.
    """
    for axis, size in enumerate(volume.shape):
        row = index[axis]
        row[(row < 0) & (row > -_EDGE)] = 0.0
        row[(row > size - 1) & (row < size - 1 + _EDGE)] = size - 1
    out = np.empty(index.shape[1], dtype=np.float32)
    map_coordinates(volume.hu, index, output=out, order=1, mode="constant", cval=np.nan, prefilter=False)
    return out


def sample_mm(volume: Volume, points_mm: ArrayLike) -> NDArray[np.float32]:
    """Trilinear Hounsfield units at LPS points.

    Parameters
    ----------
    volume
        Read in place.
    points_mm
        (..., 3) LPS millimetres.

    Returns
    -------
    array
        (...) float32; NaN outside the box of voxel centres.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    index = np.ascontiguousarray(volume.affine.to_index(points.reshape(-1, 3)).T)
    return _at_index(volume, index).reshape(points.shape[:-1])


class Directions(TypedDict):
    """Unit vectors in LPS along the growing columns and rows of a picture."""

    right_direction: tuple[float, float, float]
    down_direction: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Plane:
    """A rectangle in the patient, with square pixels.

    Parameters
    ----------
    origin_mm
        (3,) LPS centre of pixel (0, 0).
    down, right
        (3,) orthonormal directions of growing rows and columns.
    pixel_mm
        Distance between pixel centres.
    shape
        (rows, columns).
    """

    origin_mm: NDArray[np.float64]
    down: NDArray[np.float64]
    right: NDArray[np.float64]
    pixel_mm: float
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        gram = np.array([[self.down @ self.down, self.down @ self.right], [0.0, self.right @ self.right]])
        if not np.allclose(gram, np.eye(2), atol=1e-6):
            raise GeometryError("The axes of a plane must be orthonormal.", hint="Divide each by its length.")
        if not self.pixel_mm > 0 or min(self.shape) < 1:
            raise GeometryError(f"A plane needs pixels, got {self.shape} of {self.pixel_mm} mm.")

    @classmethod
    def around(
        cls, centre_mm: ArrayLike, down: ArrayLike, right: ArrayLike, *, size_mm: tuple[float, float], pixel_mm: float
    ) -> Plane:
        """The plane of ``size_mm`` (rows, columns) whose middle pixel lies on ``centre_mm``."""
        half = [int(np.ceil(size / 2 / pixel_mm)) for size in size_mm]
        axes = [np.asarray(axis, dtype=np.float64) for axis in (down, right)]
        corner = np.asarray(centre_mm, dtype=np.float64) - pixel_mm * (half[0] * axes[0] + half[1] * axes[1])
        return cls(corner, axes[0], axes[1], pixel_mm, (2 * half[0] + 1, 2 * half[1] + 1))

    @property
    def directions(self) -> Directions:
        """Its axes as the fields ``right_direction`` and ``down_direction`` of a Reformat."""
        right, down = ((float(axis[0]), float(axis[1]), float(axis[2])) for axis in (self.right, self.down))
        return {"right_direction": right, "down_direction": down}

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit vector into the picture, away from the reader."""
        return np.asarray(np.cross(self.right, self.down))

    def pixels(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """(n, 2) fractional row and column of the feet of (n, 3) LPS points."""
        offset = np.atleast_2d(np.asarray(points_mm, dtype=np.float64)) - self.origin_mm
        return np.stack([offset @ self.down, offset @ self.right], axis=1) / self.pixel_mm

    def height_mm(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """(...) signed distance of (..., 3) LPS points from the plane."""
        return np.asarray((np.asarray(points_mm, dtype=np.float64) - self.origin_mm) @ self.normal)


def _plane_index(volume: Volume, plane: Plane) -> NDArray[np.float64]:
    inverse = volume.affine.inverse
    rows, columns = plane.shape
    start = inverse[:3, :3] @ plane.origin_mm + inverse[:3, 3]
    down = inverse[:3, :3] @ plane.down * plane.pixel_mm
    right = inverse[:3, :3] @ plane.right * plane.pixel_mm
    grid = (
        start[:, None, None]
        + down[:, None, None] * np.arange(rows)[None, :, None]
        + right[:, None, None] * np.arange(columns)[None, None, :]
    )
    return np.asarray(grid.reshape(3, -1))


def sample_plane(volume: Volume, plane: Plane) -> NDArray[np.float32]:
    """(rows, columns) trilinear Hounsfield units on a plane; NaN outside the volume."""
    return _at_index(volume, _plane_index(volume, plane)).reshape(plane.shape)


def slab_mip(volume: Volume, plane: Plane, *, thickness_mm: float, step_mm: float | None = None) -> NDArray[np.float32]:
    """(rows, columns) largest Hounsfield units through a slab centred on a plane.

    Parameters
    ----------
    volume, plane
        What is cut, and where.
    thickness_mm
        Full thickness: the slab reaches ``thickness_mm / 2`` to either side.
    step_mm
        Upper limit of the distance between the layers; by default the smallest voxel spacing.

    Returns
    -------
    array
        NaN where the whole slab lies outside the volume.
    """
    if not thickness_mm > 0:
        raise GeometryError(f"A slab must be thicker than 0 mm, got {thickness_mm}.")
    step = min(volume.spacing_mm) if step_mm is None else step_mm
    count = int(np.ceil(thickness_mm / step)) + 1
    index = _plane_index(volume, plane)
    normal = volume.affine.inverse[:3, :3] @ plane.normal
    best = np.full(index.shape[1], np.nan, dtype=np.float32)
    for height in np.linspace(-thickness_mm / 2, thickness_mm / 2, count):
        np.fmax(best, _at_index(volume, index + (normal * height)[:, None]), out=best)
    return best.reshape(plane.shape)
