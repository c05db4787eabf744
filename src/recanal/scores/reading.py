"""Findings from the text of a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recanal.core.findings import Findings, vocabulary
from recanal.errors import FindingsError

__all__ = ["CASE_SCHEMA", "FindingsFile", "parse_findings", "parse_findings_file"]

CASE_SCHEMA = "recanal.case/1"


@dataclass(frozen=True)
class FindingsFile:
    """Findings, and what was said about where in the file they stood; empty for a plain object of findings."""

    findings: Findings
    note: str = ""


def parse_findings(text: str) -> Findings:
    """Findings from a flat JSON object of names to values or to ``{"value", "low", "high", "source", "prob"}``.

    Parameters
    ----------
    text
        JSON; absent or null means not known.

    Raises
    ------
    FindingsError
        Naming the field: not JSON, not a flat object, a name given twice, an unknown name, a wrong type,
        a number that is not finite or out of range.

    Notes
    -----
    A result of ``recanal analyze`` (schema ``recanal.case/1``) gives its ``findings``; see :func:`parse_findings_file`.

    Examples
    --------
    >>> parse_findings('{"length_mm": {"value": 21, "low": 19, "high": 23, "source": "ct"}}').value("length_mm")
    21.0
    """
    return parse_findings_file(text).findings


def parse_findings_file(text: str) -> FindingsFile:
    """Findings from the text of a JSON file, with a note when they stood inside a case.

    Parameters
    ----------
    text
        An object of findings as :func:`parse_findings` reads it, or a case of the schema ``recanal.case/1``, whose
        ``findings`` are taken.

    Raises
    ------
    FindingsError
        As :func:`parse_findings`; also for a document of another schema, and a case without findings.

    Examples
    --------
    >>> parse_findings_file('{"schema": "recanal.case/1", "findings": {"length_mm": 21}, "findings_of": "L1"}').note
    'The findings of lesion L1 of a case (recanal.case/1) are used.'
    """
    raw = _parsed(text)
    _check_repeats(raw, "")
    if "schema" not in raw:
        return FindingsFile(_findings(raw))
    schema, inner = raw["schema"], raw.get("findings")
    if schema != CASE_SCHEMA:
        shown = repr(_shown(schema)) if isinstance(schema, str) else _kind_of(schema)
        raise FindingsError(
            f"schema: the file holds {shown}, not findings.",
            hint=f"Give a JSON object of findings, or a case.json ({CASE_SCHEMA}).",
        )
    if not isinstance(inner, _Object):
        raise FindingsError("findings: the case holds none.", hint="`recanal analyze` writes a case with findings.")
    lesion = raw.get("findings_of")
    of = f" of lesion {_shown(lesion)}" if isinstance(lesion, str) and lesion else ""
    note = f"The findings{of} of a case ({CASE_SCHEMA}) are used."
    return FindingsFile(_findings(inner), note if inner else f"{note} It holds none: no occlusion was measured.")


def _parsed(text: str) -> _Object:
    try:
        raw = json.loads(text, object_pairs_hook=_object, parse_int=float)
    except json.JSONDecodeError as error:
        raise FindingsError(
            f"The findings are not JSON: {error.msg.removesuffix(' at')} at line {error.lineno}.",
            hint='Write an object such as {"length_mm": 22.5}.',
        ) from error
    except RecursionError as error:
        raise FindingsError("The findings are nested too deeply.", hint="Write a flat object.") from error
    if not isinstance(raw, _Object):
        raise FindingsError(
            f"The findings must be one JSON object, got {_kind_of(raw)}.",
            hint='Write an object such as {"length_mm": 22.5}.',
        )
    return raw


def _findings(raw: Mapping[str, Any]) -> Findings:
    for name, value in raw.items():
        _check_shape(name, value)
    return Findings.from_mapping(raw)


class _Object(dict[str, Any]):
    """A JSON object that remembers a name that was given twice."""

    repeated: str | None = None


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    out = _Object()
    for name, value in pairs:
        if name in out:
            out.repeated = name
        out[name] = value
    return out


def _check_repeats(value: _Object, place: str) -> None:
    if value.repeated is not None:
        raise FindingsError(f"{place}{_shown(value.repeated)}: is given twice.", hint="Keep one of the two.")
    for name, inner in value.items():
        if isinstance(inner, _Object):
            _check_repeats(inner, f"{place}{_shown(name)}.")


def _check_shape(name: str, value: object) -> None:
    if isinstance(value, list):
        raise FindingsError(f"{_shown(name)}: must be one value, got a list.")
    if not isinstance(value, Mapping):
        return
    if "value" not in value:
        raise FindingsError(f"{_shown(name)}: an object needs the key 'value'.")
    for key, inner in value.items():
        if isinstance(inner, list | Mapping):
            raise FindingsError(f"{_shown(name)}.{_shown(key)}: must be one value.")
    kind = vocabulary().get(name)
    if kind is not None and kind.kind != "number" and {"low", "high"} & {k for k, v in value.items() if v is not None}:
        raise FindingsError(f"{name}: only a number has low and high.", hint="Give prob instead.")
    if not isinstance(value.get("confirmed_by"), str | None):
        raise FindingsError(f"{name}: confirmed_by must be a text.")


def _kind_of(value: object) -> str:
    """A JSON value in the words of JSON."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return f"the text {_shown(value)!r}"
    if isinstance(value, float):
        return f"{value:g}"
    return "a list" if isinstance(value, list) else "an object"


def _shown(name: str) -> str:
    if not name.strip():
        return f"the empty name {name!r}"
    return name if len(name) <= 60 else f"{name[:57]}..."
