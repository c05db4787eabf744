"""The data elements of a DICOM header, walked in bounded time and memory.

This is the fast path and the gate in one. It follows PS3.5 section 7 strictly, looks into every
sequence to bound the nesting, and keeps the raw bytes of the wanted elements alone. What it does not
understand it leaves to pydicom (:class:`Irregular`); what is dangerous it refuses.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from recanal.dicom.limits import MAX_DEPTH
from recanal.errors import ReadError

__all__ = ["Elements", "Encoding", "HeaderTooShort", "Irregular", "parse_element", "scan_elements", "scan_file_meta"]

UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_LONG_VR = frozenset(re.findall(rb"..", b"OBODOFOLOVOWSQSVUCUNURUTUV"))
_SHORT_VR = frozenset(re.findall(rb"..", b"AEASATCSDADSDTFDFLISLOLTPNSHSLSSSTTMUIULUS"))
_ITEM_START = {True: b"\xfe\xff\x00\xe0", False: b"\xff\xfe\xe0\x00"}


class Irregular(Exception):  # noqa: N818 - not an error, a way out
    """The bytes are not laid out as this walker expects."""


class HeaderTooShort(Exception):  # noqa: N818 - not an error, a request
    """More bytes of the file are needed."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements are written: explicit or implicit VR, little or big endian."""

    explicit: bool
    little: bool
    short: struct.Struct = field(init=False, compare=False)
    long: struct.Struct = field(init=False, compare=False)
    plain: struct.Struct = field(init=False, compare=False)

    def __post_init__(self) -> None:
        order = "<" if self.little else ">"
        object.__setattr__(self, "short", struct.Struct(order + "HH2sH"))
        object.__setattr__(self, "long", struct.Struct(order + "I"))
        object.__setattr__(self, "plain", struct.Struct(order + "HHI"))


@dataclass(slots=True)
class Elements:
    """The wanted elements of one header.

    Parameters
    ----------
    values
        Raw bytes by tag.
    little
        Byte order of binary values.
    pixel_tag, pixel_offset, pixel_length
        Where the pixel element's value starts in the data set and its length (0xFFFFFFFF: encapsulated);
        ``pixel_tag`` is 0 where there is none.
    spans
        (start, end) of every top-level element.
    likeness
        The pattern that the header was recognised by, or None where it was walked in full.
    """

    values: dict[int, bytes]
    little: bool
    pixel_tag: int = 0
    pixel_offset: int = 0
    pixel_length: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    likeness: object = None


def scan_file_meta(buffer: bytes, start: int) -> tuple[str, list[tuple[int, int]]]:
    """The transfer syntax UID of the file meta information that starts at ``start``, and its elements' spans.

    Raises
    ------
    Irregular
        When group 0002 is not explicit little endian or holds no transfer syntax.
    """
    encoding = Encoding(explicit=True, little=True)
    position, syntax = start, ""
    spans: list[tuple[int, int]] = []
    try:
        while buffer[position : position + 2] == b"\x02\x00":
            tag, _, value_at, length = _element(buffer, position, encoding)
            if length > 65_536:
                raise ReadError("An element of the file meta group is implausibly long.", rule="element-length")
            spans.append((position, value_at + length))
            position = value_at + length
            if tag == 0x00020010:
                syntax = buffer[value_at:position].rstrip(b"\0 ").decode("ascii", "replace")
    except struct.error as error:
        raise HeaderTooShort from error
    if not syntax:
        raise Irregular
    return syntax, spans


def scan_elements(buffer: bytes, start: int, *, encoding: Encoding, wanted: frozenset[int], whole: bool) -> Elements:
    """The wanted top-level elements from ``start`` to the pixel data.

    Parameters
    ----------
    buffer
        The head of the file, or all of it where ``whole``.

    Raises
    ------
    HeaderTooShort
        When the pixel data lies beyond the buffer.
    Irregular
        When the layout is not the declared one.
    ReadError
        ``sequence-depth`` or ``element-length``.
    """
    found = Elements({}, encoding.little)
    values, spans, size = found.values, found.spans, len(buffer)
    position, last = start, 0
    try:
        while position < size:
            tag, vr, value_at, length = _element(buffer, position, encoding)
            if tag <= last:
                raise Irregular
            last = tag
            if tag in _PIXEL_TAGS:
                found.pixel_tag, found.pixel_offset, found.pixel_length = tag, value_at, length
                return found
            end = _end(buffer, (vr, value_at, length), encoding)
            if tag in wanted:
                values[tag] = buffer[value_at:end]
            spans.append((position, end))
            position = end
    except struct.error as error:
        if not whole:
            raise HeaderTooShort from error
        raise ReadError("The file ends within an element.", rule="truncated") from error
    if not whole:
        raise HeaderTooShort
    if position > size:
        raise ReadError("An element claims more bytes than the file has.", rule="element-length")
    return found


def _element(buffer: bytes, position: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """Tag, VR, offset of the value and its length."""
    if not encoding.explicit:
        group, number, length = encoding.plain.unpack_from(buffer, position)
        return group << 16 | number, b"", position + 8, length
    group, number, vr, length = encoding.short.unpack_from(buffer, position)
    if vr in _SHORT_VR:
        return group << 16 | number, vr, position + 8, length
    if vr in _LONG_VR:
        return group << 16 | number, vr, position + 12, encoding.long.unpack_from(buffer, position + 8)[0]
    raise Irregular


def parse_element(buffer: bytes, position: int, encoding: Encoding) -> tuple[int, int, int]:
    """Tag, offset of the value and end of the element at ``position``; sequences are walked.

    Raises
    ------
    Irregular, ReadError
        As :func:`scan_elements`; ``struct.error`` where the buffer ends.
    """
    tag, vr, value_at, length = _element(buffer, position, encoding)
    return tag, value_at, _end(buffer, (vr, value_at, length), encoding)


def _is_sequence(buffer: bytes, element: tuple[bytes, int, int], encoding: Encoding) -> bool:
    vr, value_at, length = element
    if vr == b"SQ" or length == UNDEFINED:
        return True
    nestable = vr in (b"", b"UN") and length >= 8
    return nestable and buffer[value_at : value_at + 4] == _ITEM_START[encoding.little]


def _end(buffer: bytes, element: tuple[bytes, int, int], encoding: Encoding) -> int:
    vr, value_at, length = element
    if not _is_sequence(buffer, element, encoding):
        return value_at + length
    if vr == b"UN" and length == UNDEFINED:
        encoding = Encoding(explicit=False, little=True)
    opaque = vr != b"SQ" and length != UNDEFINED and value_at + length <= len(buffer)
    try:
        return _sequence_end(buffer, value_at, None if length == UNDEFINED else value_at + length, encoding)
    except (Irregular, struct.error):
        if opaque:
            return value_at + length
        raise


def _sequence_end(buffer: bytes, position: int, end: int | None, encoding: Encoding) -> int:
    """Where a sequence ends, walked without recursion."""
    levels: list[tuple[bool, int | None]] = [(True, end)]
    while levels:
        if len(levels) > 2 * MAX_DEPTH:
            raise ReadError(f"Sequences nest deeper than {MAX_DEPTH}.", rule="sequence-depth")
        in_sequence, stop = levels[-1]
        if stop is not None and position >= stop:
            if position > stop:
                raise Irregular
            levels.pop()
        elif in_sequence:
            position = _step_item(buffer, position, levels, encoding)
        else:
            position = _step_element(buffer, position, levels, encoding)
    return position


def _step_item(buffer: bytes, position: int, levels: list[tuple[bool, int | None]], encoding: Encoding) -> int:
    group, number, length = encoding.plain.unpack_from(buffer, position)
    tag = group << 16 | number
    position += 8
    if tag == _ITEM:
        levels.append((False, None if length == UNDEFINED else position + length))
    elif tag == _SEQUENCE_END and levels[-1][1] is None:
        levels.pop()
    else:
        raise Irregular
    return position


def _step_element(buffer: bytes, position: int, levels: list[tuple[bool, int | None]], encoding: Encoding) -> int:
    group, number, _ = encoding.plain.unpack_from(buffer, position)
    if group << 16 | number == _ITEM_END:
        if levels[-1][1] is not None:
            raise Irregular
        levels.pop()
        return position + 8
    _, vr, value_at, length = _element(buffer, position, encoding)
    if _is_sequence(buffer, (vr, value_at, length), encoding) and not (vr == b"UN" and length == UNDEFINED):
        levels.append((True, None if length == UNDEFINED else value_at + length))
        return value_at
    if length == UNDEFINED:
        return _end(buffer, (vr, value_at, length), encoding)
    return value_at + length
