"""Views under the C-arm: their angles, what they show of an occlusion, and the picture they would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a result read back from JSON needs no arrays
    import numpy as np
    from numpy.typing import NDArray

    from recanal.core.reformat import Overlay

__all__ = ["AngleMap", "Projection", "SimulatedAngiogram", "view_name"]


def view_name(rao_lao_deg: float, cra_cau_deg: float) -> str:
    """What an operator calls a view; DICOM signs, LAO and cranial positive.

    >>> view_name(-30, 20), view_name(0, -30), view_name(45, 0), view_name(0, 0)
    ('RAO 30 / CRA 20', 'AP / CAU 30', 'LAO 45', 'AP')
    """
    first = "AP" if round(rao_lao_deg) == 0 else f"{'LAO' if rao_lao_deg > 0 else 'RAO'} {abs(round(rao_lao_deg))}"
    if round(cra_cau_deg) == 0:
        return first
    return f"{first} / {'CRA' if cra_cau_deg > 0 else 'CAU'} {abs(round(cra_cau_deg))}"


@dataclass(frozen=True)
class Projection:
    """One view of one occlusion.

    Parameters
    ----------
    rao_lao_deg, cra_cau_deg
        DICOM Positioner Primary Angle (RAO negative, LAO positive) and Secondary Angle (caudal negative, cranial
        positive) of a patient who lies supine.
    foreshortening_percent
        How much shorter the occlusion looks than it is.
    overlap_percent
        Share of the occlusion's length that anything assessed covers.
    name
        Such as ``"RAO 30 / CRA 20"``.
    overlap_vessels_percent, overlap_bone_percent, overlap_heart_percent
        The same for other opacified vessels, for bone, and for the opacified chambers and great vessels; None where
        the CT shows none of them.
    foreshortening_thirds_percent
        Foreshortening of the proximal, the middle and the distal third of the occlusion.
    angle_to_first_deg
        Angle between this beam and that of the first view; None for the first view itself.
    seen_behind_mm
        How far the CT reaches from the middle of the occlusion towards the tube. What lies farther is not known.
    objective_percent
        What the search made small: foreshortening plus weighted overlaps.
    """

    rao_lao_deg: float
    cra_cau_deg: float
    foreshortening_percent: float
    overlap_percent: float
    name: str = ""
    overlap_vessels_percent: float | None = None
    overlap_bone_percent: float | None = None
    overlap_heart_percent: float | None = None
    foreshortening_thirds_percent: tuple[float, float, float] | None = None
    angle_to_first_deg: float | None = None
    seen_behind_mm: float | None = None
    objective_percent: float | None = None


@dataclass(frozen=True, eq=False)
class AngleMap:
    """Foreshortening and the objective over the range of the C-arm.

    Parameters
    ----------
    rao_lao_deg, cra_cau_deg
        (n,) and (m,) angles of the grid.
    foreshortening_percent
        (n, m).
    objective_percent
        (n, m); NaN where the overlap was not computed.
    """

    rao_lao_deg: NDArray[np.float64]
    cra_cau_deg: NDArray[np.float64]
    foreshortening_percent: NDArray[np.float64]
    objective_percent: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SimulatedAngiogram:
    """What the monitor would show: parallel beams through the CT, seen from the detector.

    Rows run from the upper edge (cranial) down; at AP the patient's left is on the right of the picture.

    Parameters
    ----------
    projection
        The view.
    tissue_mm
        (rows, columns) water-equivalent path through everything, contrast of chambers and vessels taken out.
    bone_mm
        (rows, columns) path through bone.
    vessels_mm
        (rows, columns) path through the other opacified vessels.
    target_mm
        (rows, columns) path through the open lumen of the occluded vessel, as far as it was traced.
    pixel_mm
        Size of a square pixel in the plane of the occlusion.
    overlays
        ``"occlusion"``, ``"proximal_cap"`` and ``"distal_cap"`` in row and column.
    right_direction, up_direction
        Unit vectors in LPS, to the right and up on the monitor.
    """

    projection: Projection
    tissue_mm: NDArray[np.float32]
    bone_mm: NDArray[np.float32]
    vessels_mm: NDArray[np.float32]
    target_mm: NDArray[np.float32]
    pixel_mm: float
    overlays: tuple[Overlay, ...]
    right_direction: tuple[float, float, float]
    up_direction: tuple[float, float, float]
