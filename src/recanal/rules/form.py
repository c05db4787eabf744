"""Conditions and what holds them as plain values, in the form of their TOML files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from recanal.rules.conditions import AllOf, AnyOf, Direct, FirstOf, Negation

__all__ = ["plain_form"]

_GROUPS = {AnyOf: "any", AllOf: "all", FirstOf: "first"}


def plain_form(value: Any) -> Any:
    """A copy ready for JSON: conditions as in a TOML file, other dataclasses as objects, tuples as lists.

    Examples
    --------
    >>> plain_form(Negation(AnyOf((Direct("ostial", "is", True), Direct("length_mm", ">", 20.0)))))["not"]["any"][1]
    {'finding': 'length_mm', 'op': '>', 'value': 20.0}
    """
    if isinstance(value, Direct):
        return _direct(value)
    if isinstance(value, AnyOf | AllOf | FirstOf):
        return {_GROUPS[type(value)]: [plain_form(part) for part in value.parts]}
    if isinstance(value, Negation):
        return {"not": plain_form(value.part)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_form(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_form(inner) for key, inner in value.items()}
    return [plain_form(inner) for inner in value] if isinstance(value, tuple | list) else value


def _direct(test: Direct) -> dict[str, Any]:
    form: dict[str, Any] = {"finding": test.finding, "op": test.op, "value": plain_form(test.value)}
    if test.unknown:
        form["unknown"] = list(test.unknown)
    if test.decides != "both":
        form["decides"] = test.decides
    return form
