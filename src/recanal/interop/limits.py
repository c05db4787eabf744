"""What the input gate lets in: sizes, counts and ratios beyond which a file is refused unread."""

from __future__ import annotations

__all__ = [
    "MAX_DEPTH",
    "MAX_ENTRY_BYTES",
    "MAX_FILES",
    "MAX_FINDINGS_BYTES",
    "MAX_FOLDER_DEPTH",
    "MAX_FRAMES",
    "MAX_HEADER_BYTES",
    "MAX_SIDE",
    "MAX_UNPACKED_BYTES",
    "MAX_UNPACKED_RATIO",
    "MAX_VOLUME_BYTES",
    "MIN_SLICES",
    "RATIO_FLOOR_BYTES",
]

MAX_DEPTH = 64
"""Nesting of DICOM sequences."""
MAX_FILES = 50_000
"""Files in one folder or archive."""
MAX_FOLDER_DEPTH = 64
"""Nesting of folders."""
MAX_SIDE = 4096
"""Rows or columns of a slice."""
MAX_FRAMES = 4096
"""Frames of a multiframe object."""
MAX_HEADER_BYTES = 64 * 2**20
"""Bytes before the pixels of one DICOM file."""
MAX_VOLUME_BYTES = 4 * 2**30
"""Bytes of the volume in memory; a photon-counting study of 1,500 slices of 1024 x 1024 takes 3 GB."""
MAX_ENTRY_BYTES = 4 * 2**30
"""Unpacked bytes of one file of an archive."""
MAX_UNPACKED_BYTES = 8 * 2**30
"""Unpacked bytes of an archive."""
MAX_UNPACKED_RATIO = 100
"""Unpacked over packed bytes of an archive; CT packs to a half or a quarter."""
RATIO_FLOOR_BYTES = 256 * 2**20
"""Unpacked size below which the ratio does not matter."""
MIN_SLICES = 4
"""Slices below which a series is no volume."""
MAX_FINDINGS_BYTES = 2**20
"""Size of a findings file."""
