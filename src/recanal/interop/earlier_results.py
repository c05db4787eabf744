"""Whether a folder is that of an earlier result, so that a new one may be written into it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from recanal.errors import OptionError, shown_name

__all__ = ["check_own_folder"]

_HEAD_BYTES = 4096
_SEALS = {"case.json": b'"schema": "recanal.case/', "calcium.json": b'"schema": "recanal.calcium/'}


def check_own_folder(out: Path) -> None:
    """Refuse a result folder that holds something, and no earlier result of recanal.

    Parameters
    ----------
    out
        The folder; it need not exist. Hidden files do not count. Beside the file that seals an earlier result there
        may be anything: what has not the name of a file of a result is left alone.

    Raises
    ------
    OptionError
        Naming the first file of a folder without an earlier result, or the folder where it cannot be read.
    """
    try:
        held = {path.name for path in out.iterdir() if not path.name.startswith(".")} if out.is_dir() else set()
    except OSError as error:
        raise OptionError(
            f"--out: {shown_name(out)!a} cannot be read: {error.strerror}.", hint="Name another."
        ) from error
    sealed = {name for name in _SEALS if name in held and _is_own(out / name)}
    foreign = sorted(held & set(_SEALS) - sealed) or ([] if sealed else sorted(held))
    if foreign:
        name = shown_name(out.resolve())
        raise OptionError(
            f"--out: the folder {name!a} is no earlier result of recanal: it holds {foreign[0][:80]!a}.",
            hint="Name an empty or a new folder.",
        )


def _is_own(path: Path) -> bool:
    """Whether a file says at its beginning that recanal wrote it."""
    with contextlib.suppress(OSError), path.open("rb") as stream:
        return _SEALS[path.name] in stream.read(_HEAD_BYTES)
    return False
