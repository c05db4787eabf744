"""What is known about a phantom."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.core.volume import Volume
from recanal.phantoms.options import PhantomOptions
from recanal.phantoms.segments import SCCT_NAMES

__all__ = ["CalciumTruth", "Composition", "Course", "Phantom", "PhantomTruth", "Point"]

Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Course:
    """One vessel of the phantom.

    Parameters
    ----------
    name
        Such as ``"RCA"``, ``"d1"`` or ``"vein beside RCA"``.
    points_mm
        (n, 3) axis every 0.25 mm, proximal to distal, LPS, where the scanner shows it.
    lumen_radius_mm
        (n,) designed lumen radius, 0 where occluded.
    outer_radius_mm
        (n,) designed outer wall radius (mean over the angle); equal to the lumen radius for a vein.
    parent, start_mm
        The artery it leaves and the arc length there; empty and 0 for one that leaves the aorta, and for a vein.
    scct
        (n,) number of the SCCT segment at each point, 0 for an artery without one; None for a vein.
    """

    name: str
    points_mm: NDArray[np.float64]
    lumen_radius_mm: NDArray[np.float64]
    outer_radius_mm: NDArray[np.float64]
    parent: str = ""
    start_mm: float = 0.0
    scct: NDArray[np.int16] | None = None


@dataclass(frozen=True)
class Composition:
    """Volumes of the plaque components inside the outer wall between two caps.

    Half-open bins [-30, 76), [76, 131), [131, 351), [351, inf) HU; what lies below -30 HU is kept apart and is part
    of ``total_mm3``, as CASE.md has it. ``fraction_percent`` is of all that lies in the four bins and sums to 100.
    """

    total_mm3: float
    below_range_mm3: float
    volume_mm3: dict[str, float]
    fraction_percent: dict[str, float]


@dataclass(frozen=True)
class CalciumTruth:
    """Calcium inside the occlusion as imaged: at least 351 HU on the noise-free picture, and not so without calcium."""

    any: bool
    cross_section_max_ratio: float
    severe: bool
    whole_lumen: bool
    arc_max_deg: float
    volume_mm3: float
    volume_designed_mm3: float
    cross_section_max_ratio_designed: float


@dataclass(frozen=True, eq=False)
class PhantomTruth:
    """The truth of one phantom; "designed" is what was drawn, "imaged" what the noise-free picture shows.

    Parameters
    ----------
    options, seed
        What made it, every parameter filled in.
    vessel, occluded
        Target artery, and whether it is occluded.
    target, arteries, veins
        Courses; ``target`` runs from the ostium to the end of the target artery.
    proximal_cap_mm, distal_cap_mm
        Imaged caps: on the true axis, where the noise-free picture without calcium falls through half of the local
        lumen-to-plaque contrast. None for an open vessel; the distal one also where nothing is opacified beyond.
    proximal_cap_designed_mm, distal_cap_designed_mm
        Tips of the lumen.
    proximal_arc_mm, distal_arc_mm, proximal_arc_designed_mm, distal_arc_designed_mm
        Their arc lengths from the ostium.
    length_mm, length_designed_mm
        Arc length between the imaged, and the designed, caps.
    bend_max_deg, bend_chord_max_deg
        Largest angle between the tangents 5 mm before and 5 mm after a point of the occlusion; and between the chords
        over those 5 mm.
    side_branch, side_branch_distance_mm, side_branch_diameter_mm
        The branch at the proximal cap.
    designed, imaged
        Composition between the designed, and the imaged, caps; ``imaged`` falls back on designed caps.
    reference_proximal_mm, reference_distal_mm
        Mean designed lumen diameter over the 5 mm of full lumen next to each cap.
    proximal_cap_hu
        Mean of the noise-free picture inside the wall over the first 5 mm beyond the proximal cap.
    proximal_seed_mm, distal_seed_mm
        Points of open lumen 8-15 mm beyond the caps.
    psf_sigma_mm
        (in-plane, through-plane) sigma of the picture.
    stenosis_percent, stenosis_point_mm
        Of an open vessel: largest diameter stenosis and where.
    dominance
        ``"right"``, ``"left"`` or ``"co"``.
    left_main_mm
        Arc length of the left main on the artery that carries it.
    connection, connection_recipient
        Course from the donor, its parent, to the artery beyond the occlusion, and the name of that artery.
    segment_names
        Names of the SCCT numbers in ``Course.scct``.
    """

    options: PhantomOptions
    seed: int
    vessel: str
    occluded: bool
    target: Course
    arteries: tuple[Course, ...]
    veins: tuple[Course, ...]
    proximal_cap_mm: Point | None
    distal_cap_mm: Point | None
    proximal_cap_designed_mm: Point | None
    distal_cap_designed_mm: Point | None
    proximal_arc_mm: float | None
    distal_arc_mm: float | None
    proximal_arc_designed_mm: float
    distal_arc_designed_mm: float
    length_mm: float | None
    length_designed_mm: float | None
    proximal_cap_shape: str | None
    distal_cap_shape: str | None
    bend_max_deg: float | None
    bend_chord_max_deg: float | None
    side_branch: bool
    side_branch_distance_mm: float | None
    side_branch_diameter_mm: float | None
    designed: Composition | None
    imaged: Composition | None
    calcium: CalciumTruth | None
    reference_proximal_mm: float
    reference_distal_mm: float
    proximal_cap_hu: float | None
    distal_opacified: bool
    proximal_seed_mm: Point
    distal_seed_mm: Point
    ostium_mm: Point
    psf_sigma_mm: tuple[float, float]
    stenosis_percent: float | None = None
    stenosis_point_mm: Point | None = None
    dominance: str = "right"
    left_main_mm: float = 0.0
    connection: Course | None = None
    connection_recipient: str | None = None
    segment_names: Mapping[int, str] = field(default_factory=lambda: dict(SCCT_NAMES))
    thresholds_hu: tuple[float, float, float, float] = field(default=(-30.0, 76.0, 131.0, 351.0))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready copy: arrays as lists rounded to a micrometre, no NaN."""
        return {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return np.round(value, 3).tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return value


@dataclass(frozen=True, eq=False)
class Phantom:
    """A made-up CT angiogram and its truth.

    Parameters
    ----------
    volume
        int16, axes (slice, row, column).
    clean
        float32, the same picture without noise; None where it was not kept.
    truth
        What is known.
    """

    volume: Volume
    clean: NDArray[np.float32] | None
    truth: PhantomTruth
