"""The result of one analysis: what ``case.json`` holds, as types.

Field names follow the schema ``recanal.case/1``. None means "not measurable" or "not assessed";
the reason stands in ``flags``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recanal.core.edits import EditRecord, NumberChange
from recanal.core.findings import Findings
from recanal.core.plan import StrategyAdvice, StrategyStep
from recanal.core.projection import Projection
from recanal.core.quality import QualityGrade
from recanal.core.score import ScoreResult

__all__ = [
    "COMPONENTS",
    "PHANTOM_MAKER",
    "SCHEMA",
    "Calcification",
    "CaseReport",
    "DistalCap",
    "DistalVessel",
    "InputInfo",
    "Interval",
    "Lesion",
    "Plaque",
    "PlaqueComponent",
    "Point",
    "Profile",
    "Provenance",
    "ProximalCap",
    "Quality",
    "Reference",
    "RejectedSeries",
    "SegmentReport",
    "StrategyAdvice",
    "StrategyStep",
    "TreeReport",
    "as_json",
    "case_json",
]

SCHEMA = "recanal.case/1"
COMPONENTS = ("necrotic_core", "fibrofatty", "fibrous", "dense_calcium")
PHANTOM_MAKER = "recanal phantom"
"""The manufacturer that the files of a phantom name, so that a result says that its data are synthetic."""
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Interval:
    """A measured number with its 95 % interval, and for a maximum where it lies.

    Parameters
    ----------
    value, low, high
        In the unit of the field that holds it.
    at_mm
        Arc length from the proximal cap, where that means something.
    """

    value: float
    low: float
    high: float
    at_mm: float | None = None


@dataclass(frozen=True)
class RejectedSeries:
    """A series that was not analysed, and why."""

    series_uid: str
    why: str
    description: str = ""


@dataclass(frozen=True)
class InputInfo:
    """What was read, and why this series."""

    series_uid: str | None = None
    description: str = ""
    manufacturer: str = ""
    kvp: float | None = None
    phase_percent: float | None = None
    spacing_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    size: tuple[int, int, int] = (0, 0, 0)
    why_chosen: tuple[str, ...] = ()
    rejected: tuple[RejectedSeries, ...] = ()
    kernel: str = ""
    format: str = ""

    @property
    def synthetic(self) -> bool:
        """Whether the files say that a phantom made them, and no scanner."""
        return self.manufacturer == PHANTOM_MAKER


@dataclass(frozen=True)
class Quality:
    """Whether the picture can be trusted; ``reasons`` are those of ``flags`` for which it is not usable."""

    noise_hu: float | None = None
    aorta_hu: float | None = None
    contrast_to_noise: float | None = None
    usable: bool = True
    flags: tuple[str, ...] = ()
    psf_sigma_mm: float | None = None
    grade: QualityGrade | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class SegmentReport:
    """One stretch of vessel; ``radius_mm`` is 0 inside an occlusion. ``confidence`` in its name runs from 0 to 1."""

    name: str
    scct: int | None
    vessel: str | None
    points_mm: tuple[Point, ...]
    radius_mm: tuple[float, ...]
    confidence: float | None = None


@dataclass(frozen=True)
class TreeReport:
    """The vessels; ``dominance_confidence`` runs from 0 to 1."""

    dominance: str | None = None
    segments: tuple[SegmentReport, ...] = ()
    dominance_confidence: float | None = None


@dataclass(frozen=True)
class ProximalCap:
    """Where the contrast stops."""

    shape: str | None
    side_branch: bool | None
    side_branch_distance_mm: float | None
    attenuation_hu: float | None
    blunt_prob: float | None = None


@dataclass(frozen=True)
class DistalCap:
    """Where the contrast begins again."""

    shape: str | None
    bifurcation: bool | None


@dataclass(frozen=True)
class Reference:
    """Mean lumen diameter over the 5 mm of open vessel next to each cap."""

    proximal_diameter_mm: float | None
    distal_diameter_mm: float | None


@dataclass(frozen=True)
class Calcification:
    """Calcium within the occlusion; ``agatston`` and ``mass_mg`` need a non-contrast series."""

    any: bool
    cross_section_max_ratio: Interval
    severe: bool
    whole_lumen: bool
    arc_max_deg: Interval
    volume_mm3: Interval
    agatston: float | None = None
    mass_mg: float | None = None
    threshold_hu: float = 351.0


@dataclass(frozen=True)
class PlaqueComponent:
    """One plaque component; ``fraction_percent`` is of the plaque, ``vessel_percent`` of the vessel volume."""

    volume_mm3: Interval
    fraction_percent: Interval
    vessel_percent: float | None = None


@dataclass(frozen=True)
class Plaque:
    """All that lies inside the wall within the occlusion."""

    volume_mm3: Interval
    components: Mapping[str, PlaqueComponent]
    below_range_mm3: float
    thresholds_hu: tuple[float, float, float, float]
    scheme: str


@dataclass(frozen=True)
class DistalVessel:
    """The vessel beyond the occlusion."""

    opacified: bool
    diameter_mean_mm: float | None
    diseased: bool | None


@dataclass(frozen=True)
class Profile:
    """The vessel along its length; ``position_mm`` is 0 at the proximal cap and grows distally."""

    position_mm: tuple[float, ...] = ()
    lumen_area_mm2: tuple[float, ...] = ()
    vessel_area_mm2: tuple[float, ...] = ()
    calcium_arc_deg: tuple[float, ...] = ()
    necrotic_core_mm2: tuple[float, ...] = ()
    fibrofatty_mm2: tuple[float, ...] = ()
    fibrous_mm2: tuple[float, ...] = ()
    dense_calcium_mm2: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lesion:
    """One occlusion (``kind="occlusion"``) or an open vessel between the seeds (``kind="none"``).

    For ``kind="none"`` the caps, the plaque and the calcification are None and ``narrowest_diameter_mm``
    and ``narrowest_mm`` say where the lumen is narrowest.
    """

    id: str
    kind: str
    vessel: str | None
    segments: tuple[int, ...] = ()
    in_stent: bool | None = None
    proximal_cap_mm: Point | None = None
    distal_cap_mm: Point | None = None
    ostial: bool | None = None
    length_mm: Interval | None = None
    chord_mm: float | None = None
    proximal_cap: ProximalCap | None = None
    distal_cap: DistalCap | None = None
    bend_max_deg: Interval | None = None
    reference: Reference | None = None
    calcification: Calcification | None = None
    plaque: Plaque | None = None
    distal_vessel: DistalVessel | None = None
    profile: Profile = field(default_factory=Profile)
    projections: tuple[Projection, ...] | None = None
    narrowest_diameter_mm: float | None = None
    narrowest_mm: Point | None = None
    bridge_confidence: float | None = None
    bridge_alternatives: tuple[Mapping[str, Any], ...] = ()
    wall_bridged_percent: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """What made this result."""

    version: str
    backend: str = "cpu"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    input_sha256: str = ""
    interval_method: str = ""
    created_utc: str = ""


@dataclass(frozen=True)
class CaseReport:
    """Everything said about one study.

    ``findings_of`` is the id of the lesion that the findings, the scores and the strategy speak of; None where there
    is no occlusion. Where a reader corrected the analysis, ``edits`` holds the corrections, ``changes`` every number
    that they changed, and ``before`` the parts of ``case.json`` as they were. ``stenosis`` and ``collaterals`` are
    what the rooms of those names give in automatic mode, one item per artery and per occlusion.
    """

    input: InputInfo
    quality: Quality
    tree: TreeReport
    lesions: tuple[Lesion, ...]
    findings: Findings
    scores: tuple[ScoreResult, ...]
    provenance: Provenance
    strategy: tuple[StrategyAdvice, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    schema: str = SCHEMA
    findings_of: str | None = None
    edits: tuple[EditRecord, ...] = ()
    changes: tuple[NumberChange, ...] = ()
    before: Mapping[str, Any] | None = None
    stenosis: tuple[Any, ...] = ()
    collaterals: tuple[Any, ...] = ()


def as_json(value: Any) -> Any:
    """A JSON-ready copy of a result: dataclasses to objects, tuples to lists, no NaN, numbers to six digits.

    >>> as_json(Interval(1.23456789, 1, 2))
    {'value': 1.23457, 'low': 1, 'high': 2, 'at_mm': None}
    """
    if isinstance(value, Findings):
        return as_json(value.as_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = sorted((f.name for f in dataclasses.fields(value)), key=lambda name: name != "schema")
        return {name: as_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def case_json(case: CaseReport) -> dict[str, Any]:
    """What ``case.json`` holds: :func:`as_json`, with the plain numbers that the schema asks for.

    Calcium measures and plaque components are plain numbers there, with intervals beside them: ``..._interval``.
    """
    out: dict[str, Any] = as_json(case)
    for lesion in out["lesions"]:
        if lesion["calcification"]:
            _plain(lesion["calcification"], "cross_section_max_ratio", "arc_max_deg", "volume_mm3")
        for part in (lesion["plaque"] or {}).get("components", {}).values():
            _plain(part, "volume_mm3", "fraction_percent")
    return out


def _plain(table: dict[str, Any], *names: str) -> None:
    for name in names:
        table[f"{name}_interval"] = table[name]
        table[name] = table[name]["value"]
