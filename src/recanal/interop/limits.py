"""How much a folder, an archive or a findings file may hold; what lies beyond is refused unread."""

from __future__ import annotations

__all__ = [
    "MAX_ENTRY_BYTES",
    "MAX_FILES",
    "MAX_FINDINGS_BYTES",
    "MAX_FOLDER_DEPTH",
    "MAX_UNPACKED_BYTES",
    "MAX_UNPACKED_RATIO",
    "RATIO_FLOOR_BYTES",
]

MAX_FILES = 50_000
"""Files in one folder or archive."""
MAX_FOLDER_DEPTH = 64
"""Nesting of folders."""
MAX_ENTRY_BYTES = 4 * 2**30
"""Unpacked bytes of one file of an archive."""
MAX_UNPACKED_BYTES = 8 * 2**30
"""Unpacked bytes of an archive."""
MAX_UNPACKED_RATIO = 100
"""Unpacked over packed bytes of an archive; CT packs to a half or a quarter."""
RATIO_FLOOR_BYTES = 256 * 2**20
"""Unpacked size below which the ratio does not matter."""
MAX_FINDINGS_BYTES = 2**20
"""Size of a findings file."""
