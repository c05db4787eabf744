"""A calcium score: what ``calcium.json`` holds, as types.

Field names follow the schema ``recanal.calcium/1``. None means "not measurable" or "not known"; the reason stands in
``flags``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recanal.core.case import InputInfo, Point, Provenance

__all__ = [
    "ARTERIES",
    "CALCIUM_SCHEMA",
    "CalciumAmount",
    "CalciumLesion",
    "CalciumMethod",
    "CalciumReport",
    "CalciumSpot",
    "ExcludedCalcium",
]

CALCIUM_SCHEMA = "recanal.calcium/1"
ARTERIES = ("LM", "LAD", "LCX", "RCA")
"""Left main, left anterior descending, circumflex, right coronary artery: labels 1 to 4 of a reader's mask."""


@dataclass(frozen=True)
class CalciumAmount:
    """Calcium of one artery, or of all of them.

    Parameters
    ----------
    agatston
        Agatston score.
    volume_mm3
        Volume of the voxels counted.
    mass_mg
        Mass of calcium hydroxyapatite; None without a calibration factor.
    lesion_count
        Lesions.
    """

    agatston: float
    volume_mm3: float
    mass_mg: float | None
    lesion_count: int


@dataclass(frozen=True)
class CalciumSpot:
    """The part of a lesion in one slice.

    Parameters
    ----------
    slice_index
        Counted from 0 in the order of the volume.
    z_mm
        Height of the slice, LPS.
    area_mm2, peak_hu, mean_hu
        Of the voxels at or above the threshold.
    weight
        1 to 4, by the peak.
    agatston
        Area times weight times the share of a 3 mm slice.
    """

    slice_index: int
    z_mm: float
    area_mm2: float
    peak_hu: float
    mean_hu: float
    weight: int
    agatston: float


@dataclass(frozen=True)
class CalciumLesion:
    """Spots of one artery that touch from slice to slice.

    Parameters
    ----------
    centre_mm
        Mean position of its voxels, LPS.
    confidence
        From 0 to 1, that it belongs to this artery; None where a reader decided.
    """

    id: str
    artery: str
    agatston: float
    volume_mm3: float
    mass_mg: float | None
    peak_hu: float
    mean_hu: float
    centre_mm: Point
    spots: tuple[CalciumSpot, ...]
    confidence: float | None = None


@dataclass(frozen=True)
class ExcludedCalcium:
    """Something as dense as calcium that was not counted, and why.

    Parameters
    ----------
    place
        Such as ``"aorta"``, ``"valve or muscle"``, ``"stent or metal"``.
    """

    place: str
    volume_mm3: float
    peak_hu: float
    centre_mm: Point
    why: str


@dataclass(frozen=True)
class CalciumMethod:
    """How the score was made.

    Parameters
    ----------
    mode
        ``"mask"`` or ``"automatic"``.
    slice_factor
        Distance between slices over 3 mm: every spot counts as much of a 3 mm slice.
    slice_rule
        The same in words.
    artery_rule
        Where the names of the arteries come from.
    calibration_mg_per_hu_mm3
        Of the mass; None where it is not known.
    """

    mode: str
    threshold_hu: float
    least_area_mm2: float
    connectivity: int
    slice_step_mm: float
    slice_thickness_mm: float | None
    slice_factor: float
    slice_rule: str
    artery_rule: str
    kvp: float | None
    calibration_mg_per_hu_mm3: float | None


@dataclass(frozen=True)
class CalciumReport:
    """Everything said about the calcium of one non-contrast series."""

    input: InputInfo
    method: CalciumMethod
    total: CalciumAmount
    arteries: Mapping[str, CalciumAmount]
    lesions: tuple[CalciumLesion, ...]
    excluded: tuple[ExcludedCalcium, ...]
    flags: tuple[str, ...]
    provenance: Provenance
    registration: Mapping[str, float] = field(default_factory=dict)
    schema: str = CALCIUM_SCHEMA
