"""Which files of an input may be opened at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from recanal.dicom.files import InputFile
from recanal.dicom.wording import clean_text
from recanal.errors import ReadError, shown_name
from recanal.interop.limits import MAX_FILES, MAX_FOLDER_DEPTH

__all__ = ["list_files", "single_file"]


def single_file(path: Path) -> InputFile:
    """The input file at a path, which must be a regular file; a link that the caller names is followed."""
    path = Path(os.path.realpath(path))
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ReadError(
            "This is a folder.",
            hint="Give a file.",
            file=clean_text(shown_name(path), max_length=200),
            rule="not-a-file",
        )
    if not stat.S_ISREG(mode):
        raise ReadError(
            "This is neither a file nor a folder.", file=clean_text(shown_name(path), max_length=200), rule="not-a-file"
        )
    return InputFile(str(path), clean_text(shown_name(path), max_length=200))


def list_files(folder: Path) -> tuple[list[InputFile], bool]:
    """The regular files of a folder, of any nesting, sorted by name, and whether inner links were skipped.

    Links are never followed: one that leaves the folder is refused, one that stays inside is skipped,
    since its target is listed anyway.

    Raises
    ------
    ReadError
        ``link-outside``, ``not-a-file`` (pipes, sockets, devices), ``too-many-files``, ``folder-depth``.
    """
    root = os.path.realpath(folder)
    files: list[InputFile] = []
    links = False
    for entry, name, depth in _entries(root):
        if depth > MAX_FOLDER_DEPTH:
            raise ReadError(f"Folders nest deeper than {MAX_FOLDER_DEPTH}.", file=name, rule="folder-depth")
        if entry.is_symlink():
            links = True
            _check_link(entry.path, root, name)
        elif entry.is_file(follow_symlinks=False):
            files.append(InputFile(entry.path, name))
        else:
            raise ReadError("This is a pipe, a socket or a device.", hint="Remove it.", file=name, rule="not-a-file")
        if len(files) > MAX_FILES:
            raise ReadError(
                f"The input holds more than {MAX_FILES} files.", hint="Give one study.", rule="too-many-files"
            )
    files.sort(key=lambda file: file.path)
    return files, links


def _entries(root: str) -> Iterator[tuple[os.DirEntry[str], str, int]]:
    pending = [(root, "", 0)]
    while pending:
        folder, prefix, depth = pending.pop()
        try:
            listing = list(os.scandir(folder))
        except OSError as error:
            name = clean_text(prefix, max_length=200)
            raise ReadError(f"The folder cannot be listed: {error.strerror}.", file=name, rule="unreadable") from error
        for entry in listing:
            relative = prefix + entry.name
            if entry.is_dir(follow_symlinks=False) and depth <= MAX_FOLDER_DEPTH:
                pending.append((entry.path, relative + "/", depth + 1))
            else:
                yield entry, relative if relative.isprintable() else clean_text(relative, max_length=200), depth


def _check_link(path: str, root: str, name: str) -> None:
    target = os.path.realpath(path)
    if target != root and not target.startswith(root + os.sep):
        raise ReadError(
            "This link points outside the folder.",
            hint="Replace it by the file itself.",
            file=name,
            rule="link-outside",
        )
