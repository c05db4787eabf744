"""What speaks against a calcium score, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recanal.calcium.agatston import THRESHOLD_HU
from recanal.calcium.candidates import BLOOD_HU
from recanal.calcium.judgement import NOISE_SIGMAS
from recanal.calcium.territory import Named
from recanal.core.calcium import CalciumLesion

__all__ = ["NO_NOISE_HU", "UNSURE_BELOW", "mask_doubts", "name_flags", "noise_flags", "unsure", "unsure_flags"]

UNSURE_BELOW = 0.6
MOST_LESION_MM3 = 2000.0
NO_NOISE_HU = 20.0
"""What is taken for the noise where it cannot be measured; a flag says so."""


def unsure(lesions: Sequence[CalciumLesion]) -> tuple[CalciumLesion, ...]:
    """The lesions with a confidence below 0.6; none of a reader's."""
    return tuple(item for item in lesions if item.confidence is not None and item.confidence < UNSURE_BELOW)


def unsure_flags(lesions: Sequence[CalciumLesion]) -> tuple[str, ...]:
    """How much of the score hangs on lesions with a confidence below 0.6."""
    weak = unsure(lesions)
    if not weak:
        return ()
    part, total = sum(item.agatston for item in weak), sum(item.agatston for item in lesions)
    names = ", ".join(item.id for item in weak)
    return (
        f"{len(weak)} lesion(s) with a confidence below {UNSURE_BELOW:g} hold {part:.1f} of {total:.1f} of the score "
        f"({100 * part / total:.0f} %): {names}",
    )


def name_flags(lesions: Sequence[CalciumLesion], named: Sequence[tuple[NDArray[np.float64], Named]]) -> tuple[str, ...]:
    """The lesions whose artery is open.

    Parameters
    ----------
    named
        Of every coronary group: its middle, and what it was called.
    """
    flags = []
    for lesion in lesions:
        own = min(named, key=lambda pair: float(np.linalg.norm(pair[0] - np.asarray(lesion.centre_mm))))[1]
        if own.at_division:
            flags.append(f"{lesion.id} lies at the division of the left main: LM, LAD or LCX")
        elif own.rivals:
            flags.append(f"{lesion.id} lies between {own.rivals[0]} and {own.rivals[1]}")
    return tuple(flags)


def noise_flags(noise_hu: float | None) -> tuple[str, ...]:
    """What calcium cannot be told from the noise of the series.

    >>> noise_flags(12.0)
    ()
    """
    if noise_hu is None:
        return (f"the noise could not be measured: {NO_NOISE_HU:.0f} HU taken",)
    least_hu = BLOOD_HU + NOISE_SIGMAS * noise_hu
    if least_hu <= THRESHOLD_HU:
        return ()
    return (
        f"noise of {noise_hu:.0f} HU: beside blood and muscle, calcium less bright than about {least_hu:.0f} HU cannot "
        f"be told from it and is not counted",
    )


def mask_doubts(lesions: Sequence[CalciumLesion]) -> tuple[str, ...]:
    """Whether a reader's regions seem to hold what no artery does: one lesion of more than 2,000 mm3.

    An artery of 4 mm that is calcified from wall to wall holds that much over 160 mm; ribs and vertebrae hold more.
    """
    largest = max(lesions, key=lambda item: item.volume_mm3, default=None)
    if largest is None or largest.volume_mm3 <= MOST_LESION_MM3:
        return ()
    return (
        f"{largest.id} holds {largest.volume_mm3:.0f} mm3, more than an artery can: does the mask mark bone, metal or "
        f"contrast?",
    )
