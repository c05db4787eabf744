"""The chest on a coarse grid: air, soft tissue, and the middle of the heart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.calcium.stack import SliceStack
from recanal.core.volume import Affine

__all__ = ["GRID_MM", "Chest", "look_at_chest"]

GRID_MM = 2.0
AIR_HU = -400.0
FAT_HU = (-200.0, -20.0)
SOFT_HU = (-10.0, 120.0)


@dataclass(frozen=True, eq=False)
class Chest:
    """The chest along patient axes: array axes (z, y, x), each rising in LPS.

    Parameters
    ----------
    hu
        Smoothed attenuation every 2 mm.
    affine
        From (z, y, x) index to LPS.
    air, fat, soft
        What each cell holds.
    heart_mm
        The middle of the largest body of soft tissue at mid-height, LPS.
    heart_depth_mm
        How deep it lies in soft tissue.
    """

    hu: NDArray[np.float32]
    affine: Affine
    air: NDArray[np.bool_]
    fat: NDArray[np.bool_]
    soft: NDArray[np.bool_]
    heart_mm: NDArray[np.float64]
    heart_depth_mm: float

    def at(self, field: NDArray[Any], points_mm: NDArray[np.float64]) -> NDArray[Any]:
        """A field of the chest in the cells nearest to (n, 3) LPS points, those outside taken to the border."""
        index = np.rint(self.affine.to_index(points_mm)).astype(int)
        z, y, x = np.clip(index, 0, np.asarray(field.shape) - 1).T
        return np.asarray(field[z, y, x])


def _coarse(stack: SliceStack) -> tuple[NDArray[np.float32], Affine]:
    """The stack averaged over 2 mm in the plane and sampled every 2 mm along patient axes."""
    size = [1, *(int(GRID_MM / step) // 2 * 2 + 1 for step in stack.affine.spacing_mm[1:])]
    smooth = ndimage.uniform_filter(stack.hu.astype(np.float32), size, mode="nearest")
    upper = np.asarray(stack.hu.shape) - 1
    corners = stack.affine.to_mm([[a, b, c] for a in (0, upper[0]) for b in (0, upper[1]) for c in (0, upper[2])])
    low, high = corners.min(axis=0), corners.max(axis=0)
    count = np.maximum(np.floor((high - low) / GRID_MM).astype(int) + 1, 2)[::-1]
    matrix = np.zeros((4, 4))
    matrix[2, 0] = matrix[1, 1] = matrix[0, 2] = GRID_MM
    matrix[:3, 3], matrix[3, 3] = low, 1.0
    turn = stack.affine.inverse @ matrix
    shape = (int(count[0]), int(count[1]), int(count[2]))
    hu = ndimage.affine_transform(smooth, turn[:3, :3], turn[:3, 3], shape, order=1, mode="nearest")
    return np.asarray(hu, dtype=np.float32), Affine(matrix)


def look_at_chest(stack: SliceStack) -> Chest:
    """Air, fat and soft tissue of a non-contrast scan, and where the heart is.

    Notes
    -----
    The heart is the deepest soft tissue in the middle half of the scan's height: a calcium-score scan runs from the
    carina to below the apex, so that the liver lies at its lower end.
    """
    hu, affine = _coarse(stack)
    soft = (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
    soft = ndimage.uniform_filter(soft.astype(np.float32), 3, mode="nearest") > 0.5  # noise leaves no holes
    depth = ndimage.distance_transform_edt(np.pad(soft, 1)).astype(np.float32)[1:-1, 1:-1, 1:-1] * GRID_MM
    quarter = len(hu) // 4
    middle = depth.copy()
    middle[:quarter] = middle[len(hu) - quarter :] = 0.0
    best = np.unravel_index(int(np.argmax(middle)), middle.shape)
    return Chest(
        hu=hu,
        affine=affine,
        air=hu < AIR_HU,
        fat=(hu > FAT_HU[0]) & (hu < FAT_HU[1]),
        soft=soft,
        heart_mm=affine.to_mm([best])[0],
        heart_depth_mm=float(middle[best]),
    )
