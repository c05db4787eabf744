"""A reader's corrections in a JSON file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from recanal.dicom.files import open_regular
from recanal.dicom.wording import clean_text
from recanal.errors import ReadError, parse_reason, shown_name
from recanal.interop.folders import single_file
from recanal.interop.limits import whole_number

__all__ = ["MAX_EDITS_BYTES", "read_edits_file"]

MAX_EDITS_BYTES = 16 * 2**20
"""Size of a file of corrections; a contour of 48 points takes about 3 KiB."""


def read_edits_file(path: str | Path) -> tuple[dict[str, Any], str]:
    """The object of a JSON file of at most 16 MiB, and the SHA-256 of its bytes.

    What it says is not judged here; :func:`recanal.edits.reading.parse_edits` does that.

    Raises
    ------
    ReadError
        ``not-found``, ``not-a-file``, ``edits-size``, ``encoding`` or ``format``.
    """
    where = Path(path)
    name = clean_text(shown_name(where), max_length=200)
    if not where.exists():
        raise ReadError("There is no such file.", hint="Check the path of --edits.", file=name, rule="not-found")
    handle, size = open_regular(single_file(where))
    with handle:
        content = b"" if size > MAX_EDITS_BYTES else handle.read(MAX_EDITS_BYTES + 1) or b""
    if size > MAX_EDITS_BYTES or len(content) > MAX_EDITS_BYTES:
        raise ReadError("A file of corrections has at most 16 MiB.", file=name, rule="edits-size")
    try:
        table = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_refused, parse_int=whole_number
        )
    except UnicodeDecodeError as error:
        raise ReadError("The text is not UTF-8.", hint="Save it as UTF-8.", file=name, rule="encoding") from error
    except json.JSONDecodeError as error:
        said = f"This is not valid JSON: {error.msg.removesuffix(' at')} at line {error.lineno}."
        raise ReadError(said, hint="See the example in the documentation.", file=name, rule="format") from error
    except (ValueError, RecursionError) as error:
        raise ReadError(f"This is not valid JSON: {parse_reason(error)}.", file=name, rule="format") from error
    if not isinstance(table, dict):
        raise ReadError("The file must hold one object.", hint='Write {"schema": ...}.', file=name, rule="format")
    return table, hashlib.sha256(content).hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name is given twice")
    return table


def _refused(word: str) -> float:
    raise ValueError(f"{word} is not a number")
