"""What the header of a series says against its being a coronary CT angiogram."""

from __future__ import annotations

from recanal.core.volume import Volume

__all__ = ["header_flags"]

_TERMS = """
ABDOMEN ABDOMENPELVIS ADRENAL ANKLE ARM BLADDER BRAIN BUTTOCK CALF CALVARIUM CLAVICLE COCCYX COLON CSPINE DUODENUM EAR
ELBOW EXTREMITY EYE FACE FEMORALARTERY FEMUR FINGER FOOT FOREARM GALLBLADDER HAND HEAD HEADNECK HIP HUMERUS ILIACARTERY
ILIUM JAW KIDNEY KNEE LARYNX LEG LIVER LLEG LOWEREXTREMITY LOWERLEG LOWERLIMB LSPINE MAXILLA NECK NOSE ORBIT OVARY
PANCREAS PELVIS PELVISLOWEXTREMT POPLITEALARTERY PROSTATE RECTUM RLEG SACRUM SHOULDER SINUS SKULL SPLEEN SSPINE TESTIS
THIGH THYROID TIBIA TMJ TOE TSPINE ULNA UPPERARM UPPEREXTREMITY UPPERLIMB UTERUS WRIST
"""
OTHER_BODY_PARTS = frozenset(_TERMS.split())
"""Coded terms of DICOM (PS3.16, annex L) and of common scanners for parts of the body that hold no heart."""


def header_flags(volume: Volume) -> tuple[str, ...]:
    """What the reader is to know of the header: another part of the body, or a series without contrast.

    Parameters
    ----------
    volume
        The picture; ``meta["body_part"]`` and ``meta["contrast"]`` are read. A body part is named, and flagged, only
        where it is one of the coded terms: any other text may be free text and is passed over.

    Examples
    --------
    >>> from recanal.core.volume import Affine
    >>> import numpy as np
    >>> leg = Volume(np.zeros((2, 2, 2), np.int16), Affine(np.eye(4)), {"body_part": "LOWEREXTREMITY"})
    >>> header_flags(leg)
    ('the header names another body part (LOWEREXTREMITY): is this the coronary CT angiogram?',)
    """
    part = "".join(char for char in str(volume.meta.get("body_part") or "").upper() if char.isalpha())
    flags = []
    if part in OTHER_BODY_PARTS:
        flags.append(f"the header names another body part ({part}): is this the coronary CT angiogram?")
    if volume.meta.get("contrast") is False:
        flags.append("the series says that it was taken without contrast")
    return tuple(flags)
