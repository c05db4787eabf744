"""From a file to the header of what it holds."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from recanal.dicom.elements import (
    Elements,
    Encoding,
    HeaderTooShort,
    Irregular,
    scan_elements,
    scan_file_meta,
)
from recanal.dicom.files import InputFile, open_regular
from recanal.dicom.likeness import Pattern, learn_pattern, match_pattern
from recanal.dicom.limits import MAX_HEADER_BYTES
from recanal.dicom.slices import CT_CLASSES, TAGS, WANTED
from recanal.dicom.syntaxes import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from recanal.errors import ReadError

__all__ = ["DicomHead", "HeadReader", "inflate"]

_FIRST_READ = 16_384
_LONGEST_PATTERN = 2**20
_HARMLESS = frozenset({"truncated", "element-length", "layout", "header-too-long", "deflate"})
"""Rules that a stray object may break, since it is not read any further."""
_MEDIA_CLASS = re.compile(rb"\x02\x00\x02\x00UI..([0-9.]{1,64}\x00?)", re.DOTALL)
_SERIES_UID = TAGS["SeriesInstanceUID"]
_FOREIGN = (b"MZ", b"\x7fELF", b"%PDF", b"PK\x03\x04", b"#!", b"<", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
_VR = frozenset(re.findall(rb"..", b"AEASATCSDADSDTFDFLISLOLTOBOWPNSHSLSQSSSTTMUIULUNUSUT"))


@dataclass(frozen=True, slots=True)
class DicomHead:
    """The header of one DICOM file.

    Parameters
    ----------
    syntax
        Transfer syntax UID.
    start
        Offset that the elements' offsets count from: 0 but for the deflated syntax.
    elements
        The wanted elements.
    size
        Bytes of the file.
    """

    syntax: str
    start: int
    elements: Elements
    size: int


class HeadReader:
    """Reads the headers of many files, faster where they are alike.

    Keeps, while it lives, one pattern per series (at most 32) of the headers it has read.
    """

    def __init__(self) -> None:
        self._patterns: dict[bytes, Pattern] = {}
        self._walked: dict[bytes, tuple[bytes, Elements]] = {}
        self._first_read = _FIRST_READ

    def read(self, file: InputFile) -> DicomHead | None:
        """The header of a file, or None where the file is no DICOM.

        Raises
        ------
        ReadError
            Where it claims to be DICOM and cannot be read, or breaks a rule of the gate.
        """
        handle, size = open_regular(file)
        with handle:
            try:
                return self._read(handle, size)
            except ReadError as error:
                if error.rule in _HARMLESS and _is_another_object(handle):
                    return None
                raise ReadError(error.message, hint=error.hint, file=file.name, rule=error.rule) from error
            except OSError as error:
                message = f"The file cannot be read: {error.strerror}."
                raise ReadError(message, file=file.name, rule="unreadable") from error

    def _read(self, handle: io.FileIO, size: int) -> DicomHead | None:
        head = handle.read(self._first_read)
        for pattern in self._patterns.values():
            elements = match_pattern(head, pattern)
            if elements is not None:
                return DicomHead(EXPLICIT_LITTLE, 0, elements, size)
        if not _looks_like_dicom(head):
            return None
        limit = self._first_read
        while True:
            whole = len(head) >= size
            try:
                found = _parse(head, size, whole=whole)
            except HeaderTooShort:
                if whole or limit >= MAX_HEADER_BYTES:
                    rule = "truncated" if whole else "header-too-long"
                    raise ReadError("The DICOM header does not end where it should.", rule=rule) from None
            except Irregular:
                return _parse_with_pydicom(handle, size)
            else:
                self._learn(head, found)
                return found
            limit = min(limit * 16, MAX_HEADER_BYTES)
            handle.seek(0)
            head = handle.read(limit)

    def _learn(self, head: bytes, found: DicomHead) -> None:
        """Remember a header that was walked in full, and the pattern it makes with the one before."""
        elements = found.elements
        series = elements.values.get(_SERIES_UID, b"")
        if found.syntax != EXPLICIT_LITTLE or head[128:132] != b"DICM" or not elements.pixel_tag or not series:
            return
        length = elements.pixel_offset
        if length > _LONGEST_PATTERN or (series not in self._walked and len(self._walked) >= 32):
            return
        self._first_read = max(self._first_read, length + 4096)
        walked = head[:length], elements
        before = self._walked.get(series)
        if before is not None:
            old = self._patterns.get(series)
            pattern = learn_pattern(before, walked, known=old.varying if old else frozenset())
            if pattern is not None:
                self._patterns[series] = pattern
        self._walked[series] = walked


def _looks_like_dicom(head: bytes) -> bool:
    if head[128:132] == b"DICM":
        if head.startswith(_FOREIGN):
            raise ReadError(
                "The 128 bytes before the DICOM header belong to another file format.",
                hint="Do not trust this file.",
                rule="polyglot",
            )
        return True
    if len(head) < 132 or head[:2] not in (b"\x02\x00", b"\x08\x00"):
        return False
    explicit = head[4:6] in _VR
    implicit = head[:2] == b"\x08\x00" and head[6:8] == b"\0\0" and head[3] == 0
    return explicit or implicit


def _is_another_object(handle: io.FileIO) -> bool:
    """Whether the file meta information says that this is no CT image: a plan, a report, a directory."""
    handle.seek(0)
    found = _MEDIA_CLASS.search(handle.read(1024) or b"", 132)
    return found is not None and found[1].rstrip(b"\0 ").decode("latin-1") not in CT_CLASSES


def _parse(head: bytes, size: int, *, whole: bool) -> DicomHead:
    start = 132 if head[128:132] == b"DICM" else 0
    meta: list[tuple[int, int]] = []
    if head[start : start + 2] == b"\x02\x00":
        syntax, meta = scan_file_meta(head, start)
        start = meta[-1][1]
    elif head[start + 4 : start + 6] in _VR:
        syntax = EXPLICIT_LITTLE
    else:
        syntax = IMPLICIT_LITTLE
    if syntax == DEFLATED:
        return DicomHead(syntax, start, _deflated_elements(head[start:], whole=whole), size)
    letters = head[start + 4 : start + 6].isalpha()  # some writers declare the one and write the other
    encoding = Encoding(explicit=letters, little=syntax != EXPLICIT_BIG)
    elements = scan_elements(head, start, encoding=encoding, wanted=WANTED, whole=whole)
    elements.spans = meta + elements.spans
    return DicomHead(syntax, 0, elements, size)


def _deflated_elements(packed: bytes, *, whole: bool) -> Elements:
    """The elements of a deflated data set, of which no more than the header is inflated."""
    limit = 65_536
    encoding = Encoding(explicit=True, little=True)
    while True:
        data, ended = inflate(packed, limit)
        if whole and not ended and len(data) < limit:
            raise ReadError("The file ends within its deflated data set.", rule="truncated")
        try:
            return scan_elements(data, 0, encoding=encoding, wanted=WANTED, whole=ended)
        except Irregular:
            raise ReadError("The deflated header is not laid out as DICOM.", rule="layout") from None
        except HeaderTooShort:
            if len(data) < limit:
                raise
            if limit >= MAX_HEADER_BYTES:
                raise ReadError("The deflated header does not end.", rule="deflate-bomb") from None
            limit *= 16


def inflate(packed: bytes, limit: int) -> tuple[bytes, bool]:
    """At most ``limit`` bytes of a raw deflate stream, and whether it ends there."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return inflater.decompress(packed, limit), inflater.eof
    except zlib.error as error:
        raise ReadError("The deflated data set is damaged.", rule="deflate") from error


def _parse_with_pydicom(handle: BinaryIO, size: int) -> DicomHead:
    """The header as pydicom reads it, for files that stray from the standard's layout."""
    import pydicom
    from pydicom.dataelem import RawDataElement

    if size > MAX_HEADER_BYTES:
        raise ReadError("The header is not laid out as DICOM and the file is too large to search.", rule="layout")
    handle.seek(0)
    content = handle.read(size)
    if DEFLATED.encode() in content[:_FIRST_READ]:
        raise ReadError("A deflated file with an irregular header is not inflated.", rule="layout")
    buffer = io.BytesIO(content)
    try:
        dataset = pydicom.dcmread(buffer, force=True, stop_before_pixels=True, specific_tags=sorted(WANTED))
        raw = {tag: dataset.get_item(tag) for tag in WANTED if tag in dataset}
    except Exception as error:  # damaged bytes raise whatever they hit
        raise ReadError("The DICOM header cannot be parsed.", rule="layout") from error
    values = {tag: e.value or b"" for tag, e in raw.items() if isinstance(e, RawDataElement)}
    little = bool(dataset.original_encoding[1])
    elements = Elements(values, little)
    syntax = str(getattr(dataset.file_meta, "TransferSyntaxUID", "")) or EXPLICIT_LITTLE
    _locate_pixels(buffer, elements, little)
    return DicomHead(syntax, 0, elements, size)


def _locate_pixels(buffer: io.BytesIO, elements: Elements, little: bool) -> None:
    """Find the pixel element that pydicom stopped at."""
    at = buffer.tell()
    for encoding in (Encoding(explicit=True, little=little), Encoding(explicit=False, little=little)):
        view = buffer.getbuffer()[at : at + 12]
        try:
            found = scan_elements(bytes(view), 0, encoding=encoding, wanted=frozenset(), whole=False)
        except (Irregular, HeaderTooShort, struct.error):
            continue
        elements.pixel_tag, elements.pixel_offset = found.pixel_tag, at + found.pixel_offset
        elements.pixel_length = found.pixel_length
        return
