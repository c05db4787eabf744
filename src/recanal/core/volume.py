"""A CT volume and the map from its voxels to the patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.errors import GeometryError

__all__ = ["SPACING_RANGE_MM", "Affine", "Volume", "check_spacing"]

SPACING_RANGE_MM = (0.05, 10.0)


def check_spacing(spacing_mm: tuple[float, ...]) -> None:
    """Refuse a voxel size that no scanner makes.

    >>> check_spacing((0.4, 0.4, 0.5))
    """
    low, high = SPACING_RANGE_MM
    if not all(low <= step <= high for step in spacing_mm):
        raise GeometryError(
            f"Voxel spacing must lie in [{low}, {high}] mm, got {tuple(float(s) for s in spacing_mm)}.",
            hint="Was the spacing read in metres?",
        )


@dataclass(frozen=True, eq=False)
class Affine:
    """The map from an array index, in array axis order, to LPS millimetres.

    Parameters
    ----------
    matrix
        (4, 4); ``matrix @ [i, j, k, 1]`` is the position of the voxel centre ``array[i, j, k]``.

    Raises
    ------
    GeometryError
        When the matrix is not finite, not invertible or not of shape (4, 4).

    Examples
    --------
    >>> Affine.from_spacing((0.5, 0.4, 0.4)).to_mm([[2, 0, 0]])
    array([[1., 0., 0.]])
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise GeometryError(f"An affine must be a finite (4, 4) matrix, got shape {matrix.shape}.")
        steps = np.linalg.norm(matrix[:3, :3], axis=0)
        if not np.all(steps > 0) or abs(np.linalg.det(matrix[:3, :3] / steps)) < 1e-3:
            raise GeometryError(
                "The axes of the volume do not span space.", hint="Check the image orientation and the spacings."
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def from_spacing(cls, spacing_mm: tuple[float, float, float], origin_mm: ArrayLike = (0.0, 0.0, 0.0)) -> Affine:
        """The axis-aligned affine of a spacing and an origin."""
        matrix = np.diag([*spacing_mm, 1.0])
        matrix[:3, 3] = np.asarray(origin_mm, dtype=np.float64)
        return cls(matrix)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along each array axis."""
        a, b, c = np.linalg.norm(self.matrix[:3, :3], axis=0)
        return float(a), float(b), float(c)

    @property
    def inverse(self) -> NDArray[np.float64]:
        """(4, 4) map from LPS millimetres to array index."""
        return np.asarray(np.linalg.inv(self.matrix), dtype=np.float64)

    def to_mm(self, index: ArrayLike) -> NDArray[np.float64]:
        """LPS millimetres of (n, 3) array indices."""
        points = np.atleast_2d(np.asarray(index, dtype=np.float64))
        return np.asarray(points @ self.matrix[:3, :3].T + self.matrix[:3, 3])

    def to_index(self, points_mm: ArrayLike) -> NDArray[np.float64]:
        """Fractional array indices of (n, 3) LPS millimetres."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        inverse = self.inverse
        return np.asarray(points @ inverse[:3, :3].T + inverse[:3, 3])


@dataclass(frozen=True, eq=False)
class Volume:
    """A CT volume in Hounsfield units.

    Parameters
    ----------
    hu
        (a, b, c) int16 or float32, any axis order; ``affine`` says where each voxel lies.
        The array is locked, not copied: a CT fills a good part of the memory, so it is handed over.
    affine
        Map from array index to LPS millimetres.
    meta
        Facts about the acquisition (``kvp``, ``series_uid``, ``phase_percent``, ...); no patient identifier.
    """

    hu: NDArray[Any]
    affine: Affine
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hu = np.asarray(self.hu)
        if hu.ndim != 3 or min(hu.shape) < 2:
            raise GeometryError(f"A volume needs three axes of at least 2 voxels, got shape {hu.shape}.")
        if hu.dtype not in (np.dtype(np.int16), np.dtype(np.float32)):
            raise GeometryError(f"A volume holds int16 or float32 Hounsfield units, got {hu.dtype}.")
        check_spacing(self.affine.spacing_mm)
        hu.setflags(write=False)
        object.__setattr__(self, "hu", hu)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel spacing along each array axis."""
        return self.affine.spacing_mm

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each array axis."""
        a, b, c = self.hu.shape
        return a, b, c

    def contains_mm(self, points_mm: ArrayLike, *, margin_mm: float = 0.0) -> NDArray[np.bool_]:
        """Whether each (n, 3) point lies inside the box of voxel centres, ``margin_mm`` away from its faces."""
        index = self.affine.to_index(points_mm)
        margin = margin_mm / np.asarray(self.spacing_mm)
        upper = np.asarray(self.shape) - 1
        return np.asarray(((index >= margin) & (index <= upper - margin)).all(axis=1))
