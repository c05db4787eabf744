"""One vessel measured between two seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from recanal.core.case import Lesion, Quality, SegmentReport, TreeReport
from recanal.core.findings import Findings
from recanal.core.volume import Volume
from recanal.imaging.vessel import Vessel, trace_vessel
from recanal.measure.findings import lesion_findings
from recanal.measure.lesion import measure_lesions, open_vessel
from recanal.pipeline.angles import LesionViews
from recanal.quality.blood import assess

__all__ = ["SeededResult", "measure_seeded", "measured_vessel"]


@dataclass(frozen=True, eq=False)
class SeededResult:
    """What seeded mode gives.

    Parameters
    ----------
    vessel
        The traced vessel with its contours.
    lesions
        One per occlusion, or one of kind ``"none"`` for an open vessel.
    findings
        The facts of the longest occlusion.
    views
        The C-arm views of each occlusion, once they have been chosen.
    """

    vessel: Vessel
    lesions: tuple[Lesion, ...]
    findings: Findings
    quality: Quality
    tree: TreeReport
    views: tuple[LesionViews, ...] = ()

    @property
    def findings_of(self) -> str:
        """The lesion that the findings speak of: the longest."""
        return _longest(self.lesions).id


def measure_seeded(
    volume: Volume,
    proximal_mm: ArrayLike,
    distal_mm: ArrayLike,
    *,
    name: str | None = None,
    flags: tuple[str, ...] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> SeededResult:
    """Trace and measure the vessel between a point in the open lumen on each side of an occlusion.

    Parameters
    ----------
    volume
        The CT angiogram.
    proximal_mm, distal_mm
        (3,) LPS points.
    name
        The vessel, if known.
    flags
        What reading the files already found.

    Raises
    ------
    SeedError
        When the points do not frame a stretch of one artery.
    """
    progress("judging the picture")
    quality = assess(volume, reader_flags=flags)
    vessel = trace_vessel(volume, proximal_mm, distal_mm, progress=progress)
    progress("measuring")
    return measured_vessel(vessel, quality, name=name)


def measured_vessel(vessel: Vessel, quality: Quality, *, name: str | None = None) -> SeededResult:
    """The occlusions of a traced vessel, measured.

    Parameters
    ----------
    vessel
        As traced.
    quality
        Of the picture.
    name
        The vessel, if known.
    """
    lesions = measure_lesions(vessel, name=name) if vessel.gaps else (open_vessel(vessel, name=name),)
    findings = lesion_findings(_longest(lesions), occlusions=lesions)
    return SeededResult(vessel, lesions, findings, quality, _tree(vessel, name))


def _longest(lesions: tuple[Lesion, ...]) -> Lesion:
    return max(lesions, key=lambda found: 0.0 if found.length_mm is None else found.length_mm.value)


def _tree(vessel: Vessel, name: str | None) -> TreeReport:
    """The measured vessel as the one segment known."""
    radius = np.sqrt(vessel.borders.contours.lumen_area_mm2 / np.pi)
    points = tuple((float(p[0]), float(p[1]), float(p[2])) for p in vessel.line.points_mm)
    segment = SegmentReport(name or "seeded vessel", None, name, points, tuple(float(r) for r in radius))
    return TreeReport(None, (segment,))
