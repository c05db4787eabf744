"""Findings from the text of a JSON file."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from typing import Any

from recanal.core.findings import Findings, vocabulary
from recanal.errors import FindingsError

__all__ = ["parse_findings"]


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

    Examples
    --------
    >>> parse_findings('{"length_mm": {"value": 21, "low": 19, "high": 23, "source": "ct"}}').value("length_mm")
    21.0
    """
    try:
        raw = json.loads(text, object_pairs_hook=_object, parse_int=float)
    except json.JSONDecodeError as error:
        raise FindingsError(
            f"The findings are not JSON: {error.msg} at line {error.lineno}.",
            hint='Write an object such as {"length_mm": 22.5}.',
        ) from error
    except RecursionError as error:
        raise FindingsError("The findings are nested too deeply.", hint="Write a flat object.") from error
    if not isinstance(raw, _Object):
        raise FindingsError(
            f"The findings must be one JSON object, got {reprlib.repr(raw)}.",
            hint='Write an object such as {"length_mm": 22.5}.',
        )
    _check_repeats(raw, "")
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


def _shown(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:57]}..."
