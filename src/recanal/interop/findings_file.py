"""Clinical findings typed into a TOML or JSON file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from recanal.dicom.files import open_regular
from recanal.dicom.wording import clean_text
from recanal.errors import ReadError, parse_reason, shown_name
from recanal.interop.folders import single_file
from recanal.interop.limits import MAX_FINDINGS_BYTES, whole_number

__all__ = ["read_findings_file"]


def read_findings_file(path: str | Path) -> dict[str, Any]:
    """The table of a TOML file, or the object of a JSON file, of at most 1 MiB.

    Values are not judged here; :meth:`recanal.core.findings.Findings.from_mapping` does that.

    Raises
    ------
    ReadError
        ``not-found``, ``not-a-file``, ``findings-size``, ``encoding``, ``format`` or ``unknown-format``.
    """
    where = Path(path)
    name = clean_text(shown_name(where), max_length=200)
    if not where.exists():
        raise ReadError("There is no such file.", file=name, rule="not-found")
    text = _text(where, name)
    suffix = where.suffix.lower()
    if suffix not in (".json", ".toml"):
        raise ReadError(
            "Findings are read from .toml or .json.", hint="Rename the file.", file=name, rule="unknown-format"
        )
    try:
        table = tomllib.loads(text) if suffix == ".toml" else _json(text)
    except (ValueError, RecursionError) as error:
        kind = suffix[1:].upper()
        raise ReadError(f"This is not valid {kind}: {_where(error)}.", file=name, rule="format") from error
    if not isinstance(table, dict):
        raise ReadError("The file must hold one object of names and values.", file=name, rule="format")
    return table


def _text(where: Path, name: str) -> str:
    handle, size = open_regular(single_file(where))
    with handle:
        if size > MAX_FINDINGS_BYTES:
            raise ReadError("A findings file has at most 1 MiB.", file=name, rule="findings-size")
        content = handle.read(MAX_FINDINGS_BYTES + 1) or b""
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ReadError("The text is not UTF-8.", hint="Save it as UTF-8.", file=name, rule="encoding") from error


def _json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            raise ValueError("a name is given twice")
        return table

    def refuse(word: str) -> float:
        raise ValueError(f"{word} is not a number")

    return json.loads(text, object_pairs_hook=once, parse_constant=refuse, parse_int=whole_number)


def _where(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg.removesuffix(' at')} at line {error.lineno}"
    return clean_text(parse_reason(error), max_length=120)
