"""Slices put in order: one volume's geometry, or the rule that forbids it.

Slices are sorted by the projection of ImagePositionPatient on the slice normal (PS3.3 C.7.6.2.1.1),
never by name or number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import SPACING_RANGE_MM
from recanal.dicom.limits import MAX_VOLUME_BYTES, MIN_SLICES
from recanal.dicom.slices import SliceHeader

__all__ = ["SAME_PLACE_MM", "Stack", "along_normal_mm", "build_stack", "orientation_axes"]

SAME_PLACE_MM = 0.01
"""Two slices closer than this lie at the same place."""
_IRREGULAR_SHARE = 0.05
_DRIFT_PIXELS = 0.1
_MAX_MISSING = 3


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in spatial order, and where they lie.

    Parameters
    ----------
    slices
        Along the normal, in the order of the affine's first axis.
    places
        For every slice its index on the regular grid; an index that is absent is a missing slice.
    depth
        Slices of the regular grid.
    matrix
        (4, 4) index (slice, row, column) to LPS millimetres, sheared where the gantry was tilted.
    flags
        What a reader must know.
    """

    slices: tuple[SliceHeader, ...]
    places: tuple[int, ...]
    depth: int
    matrix: NDArray[np.float64]
    flags: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> tuple[int, ...]:
        """Grid indices without a slice."""
        return tuple(sorted(set(range(self.depth)) - set(self.places)))

    @property
    def step_mm(self) -> float:
        """Distance between neighbouring slices along the normal."""
        normal = np.cross(self.matrix[:3, 1], self.matrix[:3, 2])
        return abs(float(self.matrix[:3, 0] @ normal / np.linalg.norm(normal)))


def orientation_axes(header: SliceHeader) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along a row (growing column) and down a column (growing row).

    Raises
    ------
    ReadError
        ``orientation`` where they are not unit vectors at a right angle, to 1 %.
    """
    across = np.array(header.orientation[:3])
    down = np.array(header.orientation[3:])
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if not all(0.99 <= length <= 1.01 for length in lengths) or abs(float(across @ down)) > 0.01:
        raise header.values.refused("ImageOrientationPatient is not two unit vectors at a right angle.", "orientation")
    across = across / lengths[0]
    down = down - across * float(across @ down)
    return across, down / np.linalg.norm(down)


def along_normal_mm(slices: Sequence[SliceHeader]) -> NDArray[np.float64]:
    """(n,) position of every slice along the first slice's normal."""
    across, down = orientation_axes(slices[0])
    places = np.array([s.position_mm for s in slices])
    return np.asarray(places @ np.cross(across, down))


def build_stack(slices: Sequence[SliceHeader]) -> Stack:
    """The volume geometry of slices of one series and one phase, each at its own place.

    Raises
    ------
    ReadError
        ``too-few-slices``, ``slice-spacing``, ``irregular-gap``, ``missing-slices``, ``slice-drift``
        or ``volume-too-large``.
    """
    first = slices[0]
    if len(slices) < MIN_SLICES:
        raise first.values.refused(
            f"The series has {len(slices)} slice(s); a volume needs {MIN_SLICES}.",
            "too-few-slices",
            hint="Give the folder of the whole series.",
        )
    across, down = orientation_axes(first)
    heights = along_normal_mm(slices)
    order = np.argsort(heights, kind="stable")
    ordered = tuple(slices[int(i)] for i in order)
    heights = heights[order]
    places = _grid_places(ordered, heights)
    depth = places[-1] + 1
    if depth * first.layout.rows * first.layout.columns * 2 > MAX_VOLUME_BYTES:
        raise first.values.refused("The volume is larger than 4 GiB.", "volume-too-large")
    positions = np.array([s.position_mm for s in ordered])
    step = (positions[-1] - positions[0]) / (depth - 1)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 3] = step, positions[0]
    matrix[:3, 1], matrix[:3, 2] = down * first.pixel_mm[0], across * first.pixel_mm[1]
    _check_drift(ordered, positions - positions[0] - np.outer(places, step), (across, down))
    flags = [] if depth == len(ordered) else [f"missing-slices-interpolated:{depth - len(ordered)}"]
    return Stack(ordered, places, depth, matrix, tuple(flags))


def _grid_places(ordered: tuple[SliceHeader, ...], heights: NDArray[np.float64]) -> tuple[int, ...]:
    """The grid index of every slice."""
    gaps = np.diff(heights)
    typical = float(np.median(gaps))
    low, high = SPACING_RANGE_MM
    if not low <= typical <= high:
        raise ordered[0].values.refused(
            f"The slices lie {typical:.3g} mm apart; it must be {low:g} to {high:g}.", "slice-spacing"
        )
    steps = np.rint(gaps / typical).astype(int)
    odd = np.flatnonzero((np.abs(gaps - steps * typical) > _IRREGULAR_SHARE * typical) | (steps < 1))
    if len(odd):
        where = int(odd[0])
        raise ordered[where + 1].values.refused(
            f"This slice lies {gaps[where]:.2f} mm from the one before; the others {typical:.2f} mm.", "irregular-gap"
        )
    missing = int((steps - 1).sum())
    if missing > _MAX_MISSING or steps.max() > 2:
        where = int(np.argmax(steps))
        raise ordered[where + 1].values.refused(
            f"{missing} slice(s) are missing, {steps[where] - 1} of them just before this one.",
            "missing-slices",
            hint="Export the series again.",
        )
    places = np.concatenate([[0], np.cumsum(steps)])
    mean = (heights[-1] - heights[0]) / places[-1]
    strayed = np.abs(heights - heights[0] - places * mean)
    if strayed.max() > 0.5 * mean:
        where = int(np.argmax(strayed))
        raise ordered[where].values.refused("The distances between slices change along the series.", "irregular-gap")
    return tuple(int(p) for p in places)


def _check_drift(
    ordered: tuple[SliceHeader, ...],
    residual: NDArray[np.float64],
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Refuse slices that are shifted in their plane other than steadily."""
    pixel = min(ordered[0].pixel_mm)
    in_plane = np.max(np.abs(np.stack([residual @ axis for axis in axes])), axis=0)
    worst = int(np.argmax(in_plane))
    if in_plane[worst] > max(_DRIFT_PIXELS * pixel, 0.05):
        raise ordered[worst].values.refused(
            f"This slice is shifted by {in_plane[worst]:.2f} mm in its plane.", "slice-drift"
        )
