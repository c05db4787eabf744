"""The transfer syntaxes that are read, PS3.5 section 10 and PS3.6 table A-1."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "DEFLATED",
    "EXPLICIT_BIG",
    "EXPLICIT_LITTLE",
    "GDCM_SYNTAXES",
    "IMPLICIT_LITTLE",
    "JPEG_2000",
    "LOSSY",
    "MAYBE_LOSSY",
    "NATIVE",
    "PLUGINS",
    "RLE",
    "SYNTAXES",
]

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG})
"""Pixels lie in the file as they are."""
RLE = "1.2.840.10008.1.2.5"
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
JPEG_2000 = (
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
)
"""JPEG 2000 and High-Throughput JPEG 2000."""
GDCM_SYNTAXES = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})
"""JPEG lossless, process 14 and 14 SV1."""
PLUGINS: Mapping[str, str] = {
    RLE: "pylibjpeg",
    **dict.fromkeys(_JPEG_LS, "pyjpegls"),
    **dict.fromkeys(JPEG_2000, "pylibjpeg"),
    **dict.fromkeys(sorted(GDCM_SYNTAXES), "gdcm"),
}
"""Compressed transfer syntax to the pydicom plugin that decodes it."""
LOSSY = frozenset({"1.2.840.10008.1.2.4.81"})
"""Syntaxes that are written only to lose something."""
MAYBE_LOSSY = frozenset({"1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203"})
"""Syntaxes that hold either; LossyImageCompression must say which."""
SYNTAXES = NATIVE | {DEFLATED} | frozenset(PLUGINS)
"""All that are read."""
