"""Stored pixel values turned into Hounsfield units, in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recanal.dicom.slices import PixelLayout

__all__ = ["AIR_HU", "to_hounsfield"]

AIR_HU = -1024
"""Value of padding, and the floor of the scale: nothing measured is thinner than a vacuum."""
_TOP_HU = 32_767


def to_hounsfield(
    pixels: NDArray[np.int16],
    layout: PixelLayout,
    *,
    slope: float,
    intercept_hu: float,
    padding: tuple[int, int] | None,
) -> None:
    """Turn the stored values in ``pixels`` into HU where they lie.

    Bits above BitsStored are masked (overlays or garbage), signed values are extended from their sign bit,
    padding becomes -1024 HU, and everything below -1024 HU is raised to it.

    Parameters
    ----------
    pixels
        int16 holding the 16 stored bits of each pixel; changed.
    slope, intercept_hu
        HU = stored * slope + intercept_hu, PS3.3 C.11.1.
    padding
        Lowest and highest stored value that means "no measurement", or None.

    Examples
    --------
    >>> layout = PixelLayout("", 0, 0, 0, 1, 1, 2, stored_bits=12, signed=False)
    >>> pixels = np.array([[1024, 0]], dtype=np.int16)
    >>> to_hounsfield(pixels, layout, slope=1, intercept_hu=-1024, padding=None)
    >>> pixels
    array([[    0, -1024]], dtype=int16)
    """
    stored = pixels if layout.signed else pixels.view(np.uint16)
    low, high = _stored_range(layout)
    if padding is not None and low <= padding[0] and padding[1] * slope + intercept_hu <= AIR_HU:
        padding = None  # the floor catches it
    outside = padding is not None and not (low <= padding[0] and padding[1] <= high)
    padded = _within(stored, padding) if outside and padding is not None else None
    _keep_stored_bits(stored, layout)
    if padding is not None and not outside:
        padded = _within(stored, padding)
    if slope == 1 and intercept_hu == int(intercept_hu) and abs(intercept_hu) < _TOP_HU:
        _add(stored, int(intercept_hu), (low, high))
    else:
        scaled = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept_hu)
        pixels[...] = np.rint(np.clip(scaled, AIR_HU, _TOP_HU)).astype(np.int16)
    if padded is not None and padded.any():
        pixels[padded] = AIR_HU


def _stored_range(layout: PixelLayout) -> tuple[int, int]:
    if layout.signed:
        return -(1 << (layout.stored_bits - 1)), (1 << (layout.stored_bits - 1)) - 1
    return 0, (1 << layout.stored_bits) - 1


def _within(stored: NDArray[Any], bounds: tuple[int, int]) -> NDArray[np.bool_]:
    if bounds[0] == bounds[1]:
        return np.asarray(stored == bounds[0])
    return np.asarray((stored >= bounds[0]) & (stored <= bounds[1]))


def _keep_stored_bits(stored: NDArray[Any], layout: PixelLayout) -> None:
    spare = 16 - layout.stored_bits
    if spare and layout.signed:
        np.left_shift(stored, spare, out=stored)
        np.right_shift(stored, spare, out=stored)
    elif spare:
        np.bitwise_and(stored, (1 << layout.stored_bits) - 1, out=stored)


def _add(stored: NDArray[Any], intercept_hu: int, bounds: tuple[int, int]) -> None:
    """Add a whole intercept modulo 2**16, after clamping so that the sum fits int16."""
    lowest, highest = AIR_HU - intercept_hu, _TOP_HU - intercept_hu
    limits = np.iinfo(stored.dtype)
    if lowest > bounds[0] and stored.min() < lowest:
        np.maximum(stored, np.full_like(stored, min(lowest, limits.max)), out=stored)
    if highest < bounds[1] and stored.max() > highest:
        np.minimum(stored, np.full_like(stored, max(highest, limits.min)), out=stored)
    if intercept_hu:
        wrapped = stored.view(np.uint16)
        np.add(wrapped, np.uint16(intercept_hu & 0xFFFF), out=wrapped)
