"""Whether a narrowing is one, or noise, or an axis that has left the lumen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.imaging.sections import RING_MM, Sections

__all__ = ["drowned", "is_dark", "off_lumen"]

NO_CONTRAST = "not judged: no contrast on the axis"
REACH_MM = 1.6
CORE_MM = 0.3
RING_SMOOTH_MM = 0.5
BESIDE_SHARE = 0.35
EMPTY_HU = 60.0
TISSUE_HU = 70.0
NOISE_MM = (0.2, 0.5)
LEAST_CONTRAST_TO_GRAIN = 6.0
MAD_TO_SD = 1.4826


def off_lumen(sections: Sections, level_hu: NDArray[np.float64], rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Why a narrowed stretch cannot be judged; empty where it can.

    Parameters
    ----------
    sections
        Of the artery.
    level_hu
        (n,) contrast of an open lumen.
    rows
        Sections in which the lumen is narrowest.

    Notes
    -----
    A narrowed lumen shows some contrast: the axis is not below 60 HU, and nothing within 1.6 mm of it is much brighter
    than the axis itself. Both rules are recanal's own. They are not to be asked of a stretch with calcium, which lies
    beside the lumen and is brighter.
    """
    hu = ndimage.gaussian_filter1d(sections.hu[rows], 1.0, axis=0, mode="nearest")
    rings = round(REACH_MM / RING_MM) + 1
    core = float(hu[:, :, : round(CORE_MM / RING_MM) + 1].mean(axis=(1, 2)).min())
    if core < EMPTY_HU:
        return (f"{NO_CONTRAST} ({core:.0f} HU): it lies beside the artery, or the artery is shut",)
    around = ndimage.uniform_filter1d(hu[:, :, :rings], 3, axis=1, mode="wrap")
    around = ndimage.uniform_filter1d(around, round(RING_SMOOTH_MM / RING_MM), axis=2, mode="nearest")
    top = np.minimum(around.max(axis=(1, 2)), level_hu[rows])
    beside = float(np.median(top - hu[:, :, : round(CORE_MM / RING_MM) + 1].mean(axis=(1, 2))))
    if beside > BESIDE_SHARE * max(float(level_hu[rows].mean()) - TISSUE_HU, 1.0):
        return (f"not judged: contrast or calcium lies beside the axis, {beside:.0f} HU brighter than it",)
    return ()


def is_dark(flags: tuple[str, ...]) -> bool:
    """Whether a stretch could not be judged because its axis shows no contrast: it may be an occlusion."""
    return any(flag.startswith(NO_CONTRAST) for flag in flags)


def drowned(sections: Sections, level_hu: NDArray[np.float64], rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Why a stretch of vessel cannot be judged whose contrast drowns in noise; empty where it does not.

    Parameters
    ----------
    sections, level_hu
        As for :func:`off_lumen`.
    rows
        Sections of the stretch, neighbours.

    Notes
    -----
    The grain of the noise is the robust spread of what changes from one section to the next, 0.2 to 0.5 mm from the
    axis. Below six times that, noise alone narrowed the made lumen of one heart by 40 to 58 % in three places, beyond
    an occlusion in 35 HU of noise. The limit is recanal's own.
    """
    first, last = (round(radius / RING_MM) for radius in NOISE_MM)
    change = np.diff(sections.hu[rows][:, :, first : last + 1], axis=0)
    grain = MAD_TO_SD * float(np.median(np.abs(change))) if change.size else 0.0
    contrast = float(np.mean(level_hu[rows])) - TISSUE_HU
    if contrast >= LEAST_CONTRAST_TO_GRAIN * grain:
        return ()
    return (f"not judged: only {contrast:.0f} HU of contrast over tissue in a grain of noise of {grain:.0f} HU",)
