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
    "whole_number",
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
MAX_DIGITS = 300
"""Of a whole number in a text."""


def whole_number(digits: str) -> int:
    """The number that a text of digits writes.

    Raises
    ------
    ValueError
        When it has more than 300 digits; Python itself refuses from thousands on, in words of its own.
    """
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits, {MAX_DIGITS} are read")
    return int(digits)
