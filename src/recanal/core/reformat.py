"""A picture cut out of a volume, before anyone draws it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Overlay", "Reformat"]


@dataclass(frozen=True, eq=False)
class Overlay:
    """A polyline on a picture.

    Parameters
    ----------
    role
        ``"lumen"``, ``"wall"``, ``"wall_bridged"`` (stretches of the wall that the image did not show),
        ``"centerline"``, ``"proximal_cap"``, ``"distal_cap"`` or ``"reference"``.
    row_column
        (n, 2) fractional pixel coordinates; one point marks a spot.
    """

    role: str
    row_column: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reformat:
    """A two-dimensional cut through a volume.

    Parameters
    ----------
    kind
        ``"axial"``, ``"cross_section"``, ``"straightened"``, ``"stretched"``, ``"mpr"`` or ``"mip"``.
    name
        File stem, unique within a lesion, such as ``"cross_section_proximal_cap"``.
    title
        Words a reader sees.
    hu
        (rows, columns) float32 Hounsfield units; NaN outside the volume.
    pixel_mm
        (row, column) spacing.
    overlays
        Polylines to draw on top.
    classes
        (rows, columns) uint8 plaque class inside the wall, 0 where none:
        1 necrotic core, 2 fibrofatty, 3 fibrous, 4 dense calcium; None where it does not apply.
    row_positions_mm
        For CPRs: (rows,) arc length along the vessel of each row, from the proximal end of the line.
    position_mm
        For cross-sections: arc length of the cut, from the proximal end of the line.
    right_direction, down_direction
        For flat cuts: unit vectors in LPS along growing columns and growing rows; None for curved ones.
    """

    kind: str
    name: str
    title: str
    hu: NDArray[np.float32]
    pixel_mm: tuple[float, float]
    overlays: tuple[Overlay, ...] = field(default=())
    classes: NDArray[np.uint8] | None = None
    row_positions_mm: NDArray[np.float64] | None = None
    position_mm: float | None = None
    right_direction: tuple[float, float, float] | None = None
    down_direction: tuple[float, float, float] | None = None
