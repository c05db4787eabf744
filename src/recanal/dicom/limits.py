"""How large a DICOM object and a volume may be; what lies beyond is refused unread."""

from __future__ import annotations

__all__ = [
    "MAX_DEPTH",
    "MAX_FRAMES",
    "MAX_HEADER_BYTES",
    "MAX_SIDE",
    "MAX_VOLUME_BYTES",
    "MIN_SLICES",
]

MAX_DEPTH = 64
"""Nesting of DICOM sequences."""
MAX_SIDE = 4096
"""Rows or columns of a slice."""
MAX_FRAMES = 4096
"""Frames of a multiframe object."""
MAX_HEADER_BYTES = 64 * 2**20
"""Bytes before the pixels of one DICOM file."""
MAX_VOLUME_BYTES = 4 * 2**30
"""Bytes of the volume in memory; a photon-counting study of 1,500 slices of 1024 x 1024 takes 3 GB."""
MIN_SLICES = 4
"""Slices below which a series is no volume."""
