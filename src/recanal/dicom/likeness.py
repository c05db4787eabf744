"""Headers recognised by their likeness to others of their series.

The headers of one series differ in a few elements. Once two files were walked in full, the bytes that they
share become a pattern; a third file whose bytes equal the pattern's, element boundary for element boundary,
needs no second walk: only the elements that vary are parsed, by the same strict rules. A file that does not
match is walked in full.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from recanal.dicom.elements import Elements, Encoding, Irregular, parse_element
from recanal.dicom.slices import WANTED
from recanal.errors import ReadError

__all__ = ["Pattern", "learn_pattern", "match_pattern"]

_EXPLICIT_LITTLE = Encoding(explicit=True, little=True)
_PIXEL_HEAD_BYTES = 12


@dataclass(frozen=True, eq=False)
class Pattern:
    """What two headers of a series share.

    Parameters
    ----------
    parts
        In order: bytes that are the same, or the tag of an element that varies.
    shared
        Wanted values that are the same.
    varying
        Tags that vary.
    pixel
        Tag and length of the pixel element.
    length
        Bytes from the start of the file to the pixels, of the second header.
    """

    parts: tuple[bytes | int, ...]
    shared: dict[int, bytes]
    varying: frozenset[int]
    pixel: tuple[int, int]
    length: int


def learn_pattern(
    one: tuple[bytes, Elements], two: tuple[bytes, Elements], *, known: frozenset[int] = frozenset()
) -> Pattern | None:
    """The pattern of two headers that were walked in full from the start of the file, or None.

    Parameters
    ----------
    one, two
        Bytes of the file's head and its elements, whose ``spans`` and ``pixel_offset`` count from the file's start
        and include the file meta information.
    known
        Tags that are known to vary, though they may be the same in these two.
    """
    (bytes_1, elements_1), (bytes_2, elements_2) = one, two
    spans_1, spans_2 = elements_1.spans, elements_2.spans
    if len(spans_1) != len(spans_2) or not spans_1 or bytes_1[:132] != bytes_2[:132]:
        return None
    parts: list[bytes | int] = []
    at = 0
    varying: set[int] = set()
    for (start_1, end_1), (start_2, end_2) in zip(spans_1, spans_2, strict=True):
        tag = _tag(bytes_2, start_2)
        if bytes_1[start_1:end_1] == bytes_2[start_2:end_2] and tag not in known:
            continue
        if tag != _tag(bytes_1, start_1):
            return None
        parts += [bytes_2[at:start_2], tag]
        varying.add(tag)
        at = end_2
    parts.append(bytes_2[at : elements_2.pixel_offset])
    head = slice(-_PIXEL_HEAD_BYTES, None)
    if bytes_1[: elements_1.pixel_offset][head] != bytes_2[: elements_2.pixel_offset][head]:
        return None
    shared = {tag: value for tag, value in elements_2.values.items() if tag not in varying}
    pixel = elements_2.pixel_tag, elements_2.pixel_length
    return Pattern(tuple(parts), shared, frozenset(varying), pixel, elements_2.pixel_offset)


def match_pattern(buffer: bytes, pattern: Pattern) -> Elements | None:
    """The elements of a header that follows the pattern, or None where it does not."""
    position = 0
    values = dict(pattern.shared)
    try:
        for part in pattern.parts:
            if isinstance(part, bytes):
                if not buffer.startswith(part, position):
                    return None
                position += len(part)
            else:
                tag, value_at, position = parse_element(buffer, position, _EXPLICIT_LITTLE)
                if tag != part or position > len(buffer):
                    return None
                if tag in WANTED:
                    values[tag] = buffer[value_at:position]
    except (Irregular, struct.error, ReadError):
        return None
    tag, length = pattern.pixel
    return Elements(values, True, tag, position, length, [], pattern)


def _tag(buffer: bytes, at: int) -> int:
    group, number = struct.unpack_from("<HH", buffer, at)
    return int(group << 16 | number)
