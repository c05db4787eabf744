"""Where along a vessel the reader wants to look."""

from __future__ import annotations

from recanal.core.case import Lesion
from recanal.imaging.caps import Gap
from recanal.imaging.vessel import Vessel

__all__ = ["section_positions"]

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
