"""Which files of a folder an earlier export of a cohort store wrote, so that they alone are replaced or removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recanal.errors import OptionError, shown_name

__all__ = ["EXPORT_RECORD", "check_export_folder", "earlier_export", "export_record"]

EXPORT_RECORD = "export.json"
"""The file beside the tables of an export that names them, with the SHA-256 of each."""
_SCHEMA = "recanal.export/1"
_MOST_BYTES = 1_000_000


def earlier_export(out: Path) -> dict[str, str]:
    """The files of an earlier export in a folder, with the SHA-256 of each; empty where there was none.

    Raises
    ------
    OptionError
        Where a file stands in the place of the record and is none.
    """
    place = out / EXPORT_RECORD
    if not place.exists():
        return {}
    try:
        with place.open("rb") as stream:
            told = json.loads(stream.read(_MOST_BYTES))
        files = {str(name): str(digest) for name, digest in told["files"].items()}
        known = told["schema"] == _SCHEMA and all(Path(name).name == name for name in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise OptionError(
            f"--out: {EXPORT_RECORD} in the folder {shown_name(out.resolve())!a} is no record of an export.",
            hint="Name an empty or a new folder.",
        )
    return files


def check_export_folder(out: Path, earlier: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse to replace or remove what the earlier export did not write.

    Parameters
    ----------
    out
        The folder; it need not exist.
    earlier
        As :func:`earlier_export` gives it.
    names
        The files that are to be written.

    Raises
    ------
    OptionError
        Naming the first file of another origin that would be replaced, or of the earlier export that was changed since.
    """
    for name in sorted({*earlier, *names}):
        file = out / name
        if not file.exists():
            continue
        if name not in earlier:
            what = "is no file of an earlier export"
        elif not file.is_file() or _digest(file) != earlier[name]:
            what = "was changed since it was exported"
        else:
            continue
        raise OptionError(f"--out: {name} in the folder {what}.", hint="Move it, or name an empty or a new folder.")


def export_record(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """What :data:`EXPORT_RECORD` holds for the files of an export, as plain data."""
    return {"schema": _SCHEMA, "files": {name: _digest(folder / name) for name in sorted(names)}}


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
