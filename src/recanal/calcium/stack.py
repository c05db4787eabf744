"""A non-contrast volume as a stack of slices, and a reader's labels on the same grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError

__all__ = ["SliceStack", "labels_on", "stack_of"]

_TURN_TOLERANCE = 1e-3
_SHIFT_TOLERANCE_VOX = 0.1


@dataclass(frozen=True, eq=False)
class SliceStack:
    """A volume whose first axis runs from slice to slice.

    Parameters
    ----------
    hu
        (slices, rows, columns).
    affine
        From (slice, row, column) to LPS.
    thickness_mm
        Slice thickness, None where it is not known.
    """

    hu: NDArray[np.int16] | NDArray[np.float32]
    affine: Affine
    thickness_mm: float | None = None

    @property
    def step_mm(self) -> float:
        """Distance between slices."""
        return self.affine.spacing_mm[0]

    @property
    def pixel_mm2(self) -> float:
        """Area of a pixel."""
        return self.affine.spacing_mm[1] * self.affine.spacing_mm[2]

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel."""
        return self.pixel_mm2 * self.step_mm


def stack_of(volume: Volume) -> SliceStack:
    """The volume with the axis that lies closest to head-foot first; nothing is interpolated.

    Raises
    ------
    GeometryError
        When two axes lie equally close, so that what a slice is cannot be said.
    """
    steps = volume.affine.matrix[:3, :3] / np.asarray(volume.spacing_mm)
    upright = np.abs(steps[2])
    first = int(np.argmax(upright))
    if upright[first] < 0.8:
        raise GeometryError(
            f"The slices of a calcium score are transverse; here they are tilted by "
            f"{np.rad2deg(np.arccos(upright[first])):.0f} degrees.",
            hint="Give the original transverse slices.",
        )
    order = [first, *(axis for axis in range(3) if axis != first)]
    matrix = volume.affine.matrix[:, [*order, 3]]
    thickness = volume.meta.get("slice_thickness_mm")
    return SliceStack(volume.hu.transpose(order), Affine(matrix), None if thickness is None else float(thickness))


def labels_on(stack: SliceStack, labels: NDArray[np.integer], affine: Affine) -> NDArray[np.uint8]:
    """Labels brought onto the grid of a stack by swapping and flipping axes; never by interpolation.

    Parameters
    ----------
    labels, affine
        (a, b, c) whole numbers, and the map from their index to LPS.

    Raises
    ------
    GeometryError
        When the labels lie on another grid.

    Examples
    --------
    >>> stack = SliceStack(np.zeros((2, 3, 4), np.int16), Affine.from_spacing((3.0, 0.5, 0.5)))
    >>> flipped = np.diag([3.0, 0.5, -0.5, 1.0])
    >>> flipped[2, 3] = 1.5
    >>> labels_on(stack, np.arange(24).reshape(2, 3, 4), Affine(flipped))[0, 0]
    array([3, 2, 1, 0], dtype=uint8)
    """
    turn = stack.affine.inverse @ affine.matrix
    whole = np.rint(turn[:3, :3])
    fits = np.abs(turn[:3, :3] - whole).max() < _TURN_TOLERANCE
    fits = fits and np.array_equal(np.abs(whole).sum(axis=0), [1, 1, 1])
    fits = fits and np.array_equal(np.abs(whole).sum(axis=1), [1, 1, 1])
    if not fits:
        raise GeometryError(
            "The mask does not lie on the grid of the series.", hint="Draw it on the series itself, or export it so."
        )
    order = [int(np.argmax(np.abs(whole[axis]))) for axis in range(3)]
    turned = labels.transpose(order)
    flips = tuple(slice(None, None, -1) if whole[axis, order[axis]] < 0 else slice(None) for axis in range(3))
    turned = turned[flips]
    size = np.asarray(labels.shape) - 1
    near = np.array([0 if whole[:, axis].sum() > 0 else size[axis] for axis in range(3)])
    off = np.stack([turn[:3, :3] @ near, turn[:3, :3] @ (size - near)]) + turn[:3, 3]
    off[1] -= np.asarray(turned.shape) - 1
    if turned.shape != stack.hu.shape or np.abs(off).max() > _SHIFT_TOLERANCE_VOX:
        raise GeometryError(
            f"The mask has {' x '.join(map(str, turned.shape))} voxels, displaced by up to {np.abs(off).max():.2f} "
            f"voxels, and the series {' x '.join(map(str, stack.hu.shape))}.",
            hint="Draw it on the series itself, or export it so.",
        )
    return np.ascontiguousarray(turned, dtype=np.uint8)
