"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from recanal.errors import OptionError, shown_name
from recanal.interop.leftovers import clear_leftovers, hold, release

__all__ = ["ResultFolder", "write_atomic", "write_json_atomic", "write_text_atomic"]


def write_atomic(path: str | Path, data: bytes) -> Path:
    """Write bytes to a file that is complete or absent at every moment; an older file is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OSError
        As the system gives it; nothing is left behind.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:64]}.", suffix=".partial")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return target


def write_text_atomic(path: str | Path, text: str) -> Path:
    """As :func:`write_atomic`, UTF-8 with the line ends of ``text``."""
    return write_atomic(path, text.encode("utf-8"))


def write_json_atomic(path: str | Path, value: Any) -> Path:
    """As :func:`write_atomic`, JSON with two spaces; NaN and infinity are refused.

    Raises
    ------
    ValueError
        Where ``value`` holds NaN or infinity.
    """
    return write_text_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


class ResultFolder:
    """A folder whose new files all appear at the end, or none.

    Files are collected in a hidden folder beside the target and moved into place, one rename each, when
    the ``with`` block ends without an error; otherwise they are thrown away. Files that were in the target
    before and are not written again stay as they were, but for those that ``replaces`` matches: they belong to an
    older result. The ``seal`` is taken away first and put in last, so a folder with its seal never mixes two results.
    Where a process was killed its hidden folder stays; the next one that writes to the same target removes it, unless
    a living process holds it.

    Parameters
    ----------
    folder
        The target; it need not exist.
    seal
        Name of the file that says that the result is whole; none when empty.
    replaces
        Patterns, such as ``"figures/*.png"``, of files that go when they are not written again.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as place, ResultFolder(Path(place) / "out") as out:
    ...     _ = out.write("figures/a.txt", b"a")
    ...     (Path(place) / "out").exists()
    False
    """

    def __init__(self, folder: str | Path, *, seal: str = "", replaces: Sequence[str] = ()) -> None:
        self.folder = Path(folder)
        self.seal = seal
        self.replaces = tuple(replaces)
        self._staging: Path | None = None
        self._mark: int | None = None

    def __enter__(self) -> Self:
        if self.folder.exists() and not self.folder.is_dir():
            raise OptionError(f"The result folder {shown_name(self.folder)!r} is a file.", hint="Name another folder.")
        try:
            name = self._staging_folder()
        except OSError as error:
            reason = error.strerror or "unknown reason"
            raise OptionError(
                f"The result folder {shown_name(self.folder)!r} cannot be written: {reason}.",
                hint="Name a folder on a disk that can be written.",
            ) from error
        self._staging = Path(name)
        self._mark = hold(self._staging)
        return self

    def _staging_folder(self) -> str:
        """A hidden folder beside the result, or inside it where only that can be written."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers((self.folder.parent, self.folder), self.folder.name)
        prefix = f".{self.folder.name[:64]}."
        try:
            return tempfile.mkdtemp(dir=self.folder.parent, prefix=prefix, suffix=".partial")
        except PermissionError:
            if not self.folder.is_dir():
                raise
            return tempfile.mkdtemp(dir=self.folder, prefix=prefix, suffix=".partial")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        staging = self._staging
        self._staging = None
        if staging is None:
            return
        try:
            if kind is None:
                self._publish(staging)
        finally:
            release(self._mark)
            self._mark = None
            shutil.rmtree(staging, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Where to write a file of the result, such as ``"figures/axial.png"``; its folder exists.

        Raises
        ------
        OptionError
            Where the name is absolute or leads out of the folder, or outside a ``with`` block.
        """
        relative = PurePosixPath(name)
        if self._staging is None:
            raise OptionError("The result folder is not open.", hint="Use it in a with block.")
        if relative.is_absolute() or ".." in relative.parts or not relative.parts or "\\" in name or ":" in name:
            raise OptionError(f"A result file needs a plain relative name, got {name!r}.")
        target = self._staging.joinpath(*relative.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def write(self, name: str, data: bytes) -> Path:
        """Collect one file from its bytes."""
        target = self.path(name)
        target.write_bytes(data)
        return target

    def write_json(self, name: str, value: Any) -> Path:
        """Collect one JSON file; NaN and infinity are refused with ValueError."""
        return self.write(
            name, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
        )

    def _publish(self, staging: Path) -> None:
        fresh = not self.folder.exists()
        if fresh:
            staging.chmod(0o777 & ~_umask())
            with contextlib.suppress(OSError):
                staging.replace(self.folder)
                return
        written = [path.relative_to(staging) for path in _files(staging)]
        if self.seal:
            (self.folder / self.seal).unlink(missing_ok=True)
            written.sort(key=lambda name: name.as_posix() == self.seal)
        for pattern in self.replaces:
            for old in self.folder.glob(pattern):
                if old.is_file() and old.relative_to(self.folder) not in written:
                    old.unlink()
        for name in written:
            source, target = staging / name, self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            source.replace(target)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
