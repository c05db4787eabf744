"""What lies beyond what was measured as an occlusion?"""

from __future__ import annotations

from recanal.core.case import Lesion

__all__ = ["is_thin_beyond", "is_wider_beyond"]

LEAST_DIAMETER_MM = 1.6
MOST_WIDTH, SURE_CONFIDENCE = 1.25, 0.8


def is_thin_beyond(lesion: Lesion) -> bool:
    """Whether the vessel beyond is so thin that blur alone dims it."""
    wide = None if lesion.reference is None else lesion.reference.distal_diameter_mm
    return wide is not None and wide < LEAST_DIAMETER_MM


def is_wider_beyond(lesion: Lesion) -> bool:
    """Whether a way of which one cannot be sure leads to something wider than the artery: a chamber, or a vein.

    Notes
    -----
    Arteries narrow along their course: of 236 made occlusions the widest vessel beyond was 1.1 times that before.
    """
    size = lesion.reference
    if size is None or not size.proximal_diameter_mm or (lesion.bridge_confidence or 0.0) >= SURE_CONFIDENCE:
        return False
    return (size.distal_diameter_mm or 0.0) > MOST_WIDTH * size.proximal_diameter_mm
