"""A zip unpacked into a folder of its own, with bounds on everything."""

from __future__ import annotations

import errno
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from recanal.dicom.files import InputFile, open_regular
from recanal.errors import ReadError
from recanal.interop.limits import (
    MAX_ENTRY_BYTES,
    MAX_FILES,
    MAX_UNPACKED_BYTES,
    MAX_UNPACKED_RATIO,
    RATIO_FLOOR_BYTES,
)

__all__ = ["unpack"]

_CHUNK = 2**20


_ARCHIVES = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf")
_PACKINGS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The ways of packing that can be undone with bounded memory."""
_DISK_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


def unpack(archive: InputFile, folder: Path) -> tuple[list[InputFile], list[str]]:
    """The files of a zip, and what names the archives within it, which are left packed.

    The files are written under numbers of our own, so that no name of the archive becomes a path, and are named in
    messages by their place in the list of the archive, for their paths may hold a patient's name.

    Raises
    ------
    ReadError
        ``zip-damaged``, ``zip-packing``, ``zip-slip``, ``zip-bomb``, ``zip-encrypted``, ``link-outside``,
        ``too-many-files`` or ``disk-full``.
    """
    handle, size = open_regular(archive)
    with handle:
        try:
            with zipfile.ZipFile(handle) as zipped:
                entries = [entry for entry in zipped.infolist() if not entry.filename.endswith("/")]
                _check(archive.name, entries, size)
                return _write(zipped, entries, folder, archive.name)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise _damaged(archive) from error
            raise ReadError(
                "There is no room to unpack the zip.", hint="Unpack it elsewhere.", file=archive.name, rule="disk-full"
            ) from error
        # zipfile raises NotImplementedError for a way of packing that it does not know, RuntimeError for a password
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise _damaged(archive) from error


def _damaged(archive: InputFile) -> ReadError:
    return ReadError("The zip is damaged or packed in an unknown way.", file=archive.name, rule="zip-damaged")


def _check(name: str, entries: list[zipfile.ZipInfo], size: int) -> None:
    if len(entries) > MAX_FILES:
        raise ReadError(f"The zip holds more than {MAX_FILES} files.", file=name, rule="too-many-files")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or any(entry.file_size > MAX_ENTRY_BYTES for entry in entries):
        raise ReadError(
            "The zip unpacks to more than 8 GiB, or one of its files to more than 4.", file=name, rule="zip-bomb"
        )
    if unpacked > RATIO_FLOOR_BYTES and unpacked > MAX_UNPACKED_RATIO * max(1, size):
        raise ReadError(f"The zip unpacks to over {MAX_UNPACKED_RATIO} times its size.", file=name, rule="zip-bomb")
    for number, entry in enumerate(entries, start=1):
        _check_entry(_told(name, number, len(entries)), entry)


def _told(name: str, number: int, count: int) -> str:
    """How a message names an entry: by its place in the list of the archive, folders not counted."""
    return f"{name}: file {number} of {count}"


def _check_entry(inner: str, entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename[:3]:
        raise ReadError(
            "This entry points outside the archive.",
            hint="Make the zip anew from the folder of the study.",
            file=inner,
            rule="zip-slip",
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ReadError(
            "This entry is a link.", hint="Zip the file that it points to.", file=inner, rule="link-outside"
        )
    if entry.flag_bits & 0x1:
        raise ReadError("This entry is encrypted.", hint="Unpack it first.", file=inner, rule="zip-encrypted")
    if entry.compress_type not in _PACKINGS:
        raise ReadError(
            "This entry is packed with something other than deflate.",
            hint="Unpack it first.",
            file=inner,
            rule="zip-packing",
        )


def _write(
    zipped: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path, archive: str
) -> tuple[list[InputFile], list[str]]:
    files, nested = [], []
    numbered = enumerate(entries, start=1)
    for number, (place, entry) in enumerate(sorted(numbered, key=lambda pair: pair[1].filename)):
        name = _told(archive, place, len(entries))
        target = folder / f"{number:06d}"
        written = 0
        with zipped.open(entry) as source, target.open("xb") as sink:
            while chunk := source.read(_CHUNK):
                if written == 0 and chunk.startswith(_ARCHIVES) and chunk[128:132] != b"DICM":
                    nested.append(name)
                    break
                written += len(chunk)
                if written > entry.file_size:
                    raise ReadError("It unpacks to more than it declares.", file=name, rule="zip-bomb")
                sink.write(chunk)
        if written or not entry.file_size:
            files.append(InputFile(str(target), name))
    return files, nested
