"""What a reader wants to look at: places along a vessel, and the arteries where no occlusion is shown."""

from __future__ import annotations

from recanal.anatomy.tree import CoronaryTree
from recanal.core.case import CaseReport, Lesion
from recanal.core.volume import Volume
from recanal.imaging.caps import Gap
from recanal.imaging.vessel import Vessel
from recanal.pipeline.arteries import courses_of
from recanal.report.figures import view_figures
from recanal.stenosis.pictures import artery_views
from recanal.stenosis.section import artery_name

__all__ = ["artery_figures", "section_positions"]

REFERENCE_OFFSET_MM = 4.0


def section_positions(vessel: Vessel, lesion: Lesion, gap: Gap | None) -> dict[str, float]:
    """Arc length of each wanted cross-section, by name, in the order along the vessel.

    For an open vessel: both seeds and the narrowest place. The most calcified section only where there is calcium.
    """
    end = vessel.line.length_mm
    if gap is None:
        narrow = 0.0 if lesion.narrowest_mm is None else vessel.line.nearest(lesion.narrowest_mm)[0]
        places = {"proximal_point": vessel.seed_mm[0], "narrowest": narrow, "distal_point": vessel.seed_mm[1]}
        return _in_order(places)
    calcium = lesion.calcification
    most = calcium.cross_section_max_ratio.at_mm if calcium is not None and calcium.any else None
    places = {
        "proximal_reference": max(gap.start_mm - REFERENCE_OFFSET_MM, 0.0),
        "proximal_cap": gap.start_mm,
        **({} if most is None else {"most_calcified": gap.start_mm + most}),
        "middle": (gap.start_mm + gap.end_mm) / 2,
        "distal_cap": gap.end_mm,
        "distal_reference": min(gap.end_mm + REFERENCE_OFFSET_MM, end),
    }
    return _in_order(places)


def _in_order(places: dict[str, float]) -> dict[str, float]:
    """The places from the proximal to the distal end."""
    return dict(sorted(places.items(), key=lambda item: item[1]))


def artery_figures(volume: Volume, anatomy: CoronaryTree, case: CaseReport) -> dict[str, bytes]:
    """The graded arteries of a case as PNG pictures, by relative file name."""
    views = artery_views(volume, courses_of(anatomy), case.stenosis) if case.stenosis else {}
    return {
        name: png for vessel, cuts in views.items() for name, png in view_figures(artery_name(vessel), cuts).items()
    }
