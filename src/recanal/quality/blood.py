"""Whether a picture can be trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.case import Quality
from recanal.core.volume import Volume
from recanal.grids.neighbourhoods import neighbourhoods

__all__ = ["assess", "too_coarse"]

GRID_MM = 2.0
BLOOD_HU = (150.0, 900.0)
DEEP_MM = 5.0
LEAST_AORTA_HU = 250.0
UNUSABLE_AORTA_HU = 180.0
MOST_NOISE_HU = 45.0
UNUSABLE_NOISE_HU = 70.0
LEAST_CNR = 5.0
MOST_SLICE_MM = 1.0
UNUSABLE_SLICE_MM = 1.6
FAT_HU = -90.0


def assess(volume: Volume, *, reader_flags: tuple[str, ...] = ()) -> Quality:
    """Noise, contrast and sampling of a volume, with flags for what falls short.

    Parameters
    ----------
    volume
        The CT angiogram.
    reader_flags
        What reading the files already found.

    Notes
    -----
    Contrast is the median of the deepest enhanced blood (at least 5 mm from its border), noise the median standard
    deviation of 5x5x5 neighbourhoods there, contrast-to-noise that of blood over fat (-90 HU).
    SCCT asks for more than 250 HU (Abbara 2016, doi:10.1016/j.jcct.2016.10.002).
    """
    stride = tuple(max(1, round(GRID_MM / step)) for step in volume.spacing_mm)
    coarse = volume.hu[:: stride[0], :: stride[1], :: stride[2]]
    spacing = np.asarray(volume.spacing_mm) * stride
    smooth = ndimage.uniform_filter(coarse.astype(np.float32), 3, mode="nearest")
    depth = ndimage.distance_transform_edt((smooth > BLOOD_HU[0]) & (smooth < BLOOD_HU[1]), sampling=spacing)
    deep = depth > min(DEEP_MM, 0.8 * float(depth.max()))
    blood, noise = _blood_and_noise(volume, np.argwhere(deep), stride) if depth.max() > 2.0 else (None, None)
    flags = [*reader_flags, *_flags(volume, blood, noise)]
    reasons = _reasons(volume, blood, noise)
    ratio = None if blood is None or not noise else (blood - FAT_HU) / noise
    return Quality(
        noise_hu=noise, aorta_hu=blood, contrast_to_noise=ratio, usable=not reasons, flags=tuple(flags), reasons=reasons
    )


def too_coarse(volume: Volume) -> bool:
    """Whether the sampling alone, more than 1.6 mm between slices or pixels, makes a picture not usable.

    Parameters
    ----------
    volume
        The CT angiogram; its voxels are not looked at.
    """
    return max(volume.spacing_mm) > UNUSABLE_SLICE_MM


def _blood_and_noise(
    volume: Volume, where: NDArray[np.int64], stride: tuple[int, ...]
) -> tuple[float | None, float | None]:
    """Median level and median local standard deviation at up to 2,000 deep points."""
    if len(where) < 20:
        return None, None
    pick = where[np.linspace(0, len(where) - 1, min(2000, len(where))).astype(int)] * np.asarray(stride)
    reach = 2
    upper = np.asarray(volume.shape) - 1 - reach
    pick = pick[((pick >= reach) & (pick <= upper)).all(axis=1)]
    if len(pick) < 20:
        return None, None
    values = neighbourhoods(volume.hu, pick, reach=reach)
    level = np.median(values, axis=1)
    bright = level >= np.quantile(level, 0.5)
    return float(np.median(level[bright])), float(np.median(values[bright].std(axis=1, ddof=1)))


def _flags(volume: Volume, blood: float | None, noise: float | None) -> list[str]:
    flags = []
    if blood is None:
        flags.append("no large enhanced blood pool in view: contrast and noise not measurable")
    elif blood < LEAST_AORTA_HU:
        flags.append(_weak(blood))
    if noise is not None and noise > MOST_NOISE_HU:
        flags.append(_noisy(noise))
    if blood is not None and noise and (blood - FAT_HU) / noise < LEAST_CNR:
        flags.append(f"contrast-to-noise ratio {(blood - FAT_HU) / noise:.1f} is below {LEAST_CNR:.0f}")
    if max(volume.spacing_mm) > MOST_SLICE_MM:
        flags.append(_sparse(volume))
    return flags


def _reasons(volume: Volume, blood: float | None, noise: float | None) -> tuple[str, ...]:
    """Those of the flags for which the picture is not usable."""
    reasons = []
    if blood is not None and blood < UNUSABLE_AORTA_HU:
        reasons.append(_weak(blood))
    if blood is not None and noise is not None and noise > UNUSABLE_NOISE_HU:
        reasons.append(_noisy(noise))
    if too_coarse(volume):
        reasons.append(_sparse(volume))
    return tuple(reasons)


def _weak(blood_hu: float) -> str:
    return f"weak contrast: {blood_hu:.0f} HU in the blood pool (250 HU or more is wanted)"


def _noisy(noise_hu: float) -> str:
    return f"noisy: {noise_hu:.0f} HU"


def _sparse(volume: Volume) -> str:
    return f"coarse sampling: {max(volume.spacing_mm):.2f} mm between slices or pixels (1 mm or less is wanted)"
