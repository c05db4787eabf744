"""The grid that the frames of a segmentation lie on, whatever their order and whichever were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import SPACING_RANGE_MM, Affine
from recanal.errors import GeometryError, ReadError

__all__ = ["FramePlace", "SegmentGrid", "grid_of"]

_TURN_TOLERANCE = 1e-4
_STEP_TOLERANCE = 0.02
_DRIFT_PIXELS = 0.1
_SAME_MM = 1e-3


@dataclass(frozen=True)
class FramePlace:
    """Where a frame lies.

    Parameters
    ----------
    position_mm
        ImagePositionPatient: the middle of the first pixel, LPS.
    column_direction, row_direction
        Directions of growing column and growing row index.
    pixel_mm
        PixelSpacing: distance between rows, and between columns.
    between_mm, thickness_mm
        SpacingBetweenSlices and SliceThickness; None where they are absent.
    """

    position_mm: tuple[float, ...]
    column_direction: tuple[float, ...]
    row_direction: tuple[float, ...]
    pixel_mm: tuple[float, float]
    between_mm: float | None = None
    thickness_mm: float | None = None


@dataclass(frozen=True, eq=False)
class SegmentGrid:
    """A stack of slices that holds every frame.

    Parameters
    ----------
    affine
        From (slice, row, column) to LPS.
    slice_count
        From the lowest to the highest frame.
    slice_of
        (n,) slice of each frame.
    """

    affine: Affine
    slice_count: int
    slice_of: NDArray[np.intp]


def grid_of(places: Sequence[FramePlace], *, rows: int, columns: int) -> SegmentGrid:
    """The regular stack that some frames lie on.

    Parameters
    ----------
    places
        Of every frame, in stored order.
    rows, columns
        Of a frame.

    Raises
    ------
    ReadError
        ``geometry``: when frames are turned against each other, do not lie behind one another along their normal, or
        are not whole steps apart.

    Notes
    -----
    The step is SpacingBetweenSlices where the object gives it. Else it is the smallest gap between two frames, and of
    frames in one plane alone SliceThickness.

    Examples
    --------
    >>> places = [FramePlace((0, 0, z), (1, 0, 0), (0, 1, 0), (0.5, 0.5), 1.5) for z in (4.5, 0.0, 1.5)]
    >>> grid = grid_of(places, rows=4, columns=4)
    >>> grid.slice_count, grid.slice_of.tolist()
    (4, [3, 0, 1])
    """
    first = places[0]
    turned = np.array([(*p.column_direction, *p.row_direction) for p in places])
    pixel = np.array([p.pixel_mm for p in places])
    across, down = np.array(first.column_direction), np.array(first.row_direction)
    square = abs(np.linalg.norm(across) - 1) + abs(np.linalg.norm(down) - 1) + abs(float(across @ down))
    if square > 10 * _TURN_TOLERANCE:
        raise ReadError("ImageOrientationPatient is not two unit vectors at a right angle.", rule="geometry")
    if np.abs(turned - turned[0]).max() > _TURN_TOLERANCE or np.ptp(pixel, axis=0).max() > _SAME_MM:
        raise ReadError("The frames differ in orientation or pixel spacing.", rule="geometry")
    normal = np.cross(across, down)
    position = np.array([p.position_mm for p in places])
    height = (position - position[0]) @ normal
    drift = np.linalg.norm(position - position[0] - height[:, None] * normal, axis=1).max()
    if drift > _DRIFT_PIXELS * pixel.min():
        raise ReadError(
            f"The frames do not lie behind one another: {drift:.2f} mm aside.",
            hint="A tilted or tiled segmentation is not read; convert it to NIfTI.",
            rule="geometry",
        )
    slice_of, step_mm = _slices(height, first)
    matrix = np.eye(4)
    matrix[:3, 0] = normal * step_mm
    matrix[:3, 1], matrix[:3, 2] = down * first.pixel_mm[0], across * first.pixel_mm[1]
    matrix[:3, 3] = position[int(np.argmin(height))]
    try:
        return SegmentGrid(Affine(matrix), int(slice_of.max()) + 1, slice_of)
    except GeometryError as error:
        raise ReadError(error.message, hint=error.hint, rule="geometry") from error


def _slices(height_mm: NDArray[np.float64], first: FramePlace) -> tuple[NDArray[np.intp], float]:
    """Slice of each frame, and the distance between slices as the frames themselves have it."""
    order = np.argsort(height_mm, kind="stable")
    rise = np.diff(height_mm[order], prepend=height_mm[order[0]])
    said = _step_mm(rise, first)
    steps = np.rint(rise / said)
    if np.abs(rise / said - steps).max() > _STEP_TOLERANCE * max(1.0, 0.1 * float(steps.max())):
        raise ReadError(f"The frames are not whole steps of {said:.4g} mm apart.", rule="geometry")
    slice_of = np.zeros(len(height_mm), dtype=np.intp)
    slice_of[order] = np.cumsum(steps).astype(np.intp)
    count = int(slice_of.max())
    return slice_of, float(np.ptp(height_mm)) / count if count else said


def _step_mm(rise_mm: NDArray[np.float64], first: FramePlace) -> float:
    """The distance between slices that the object gives or its frames show."""
    gaps = rise_mm[rise_mm > _SAME_MM]
    said = first.between_mm or (None if len(gaps) else first.thickness_mm)
    step_mm = abs(said) if said else (float(gaps.min()) if len(gaps) else 0.0)
    low, high = SPACING_RANGE_MM
    if not low <= step_mm <= high:
        raise ReadError(
            f"The distance between slices must lie in [{low:g}, {high:g}] mm, got {step_mm:g}.", rule="geometry"
        )
    return step_mm
