"""What an analysis hands back, and the records that its numbers stand in."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recanal.core.study import StudySection

__all__ = ["Context", "Finding", "Used", "code_path", "plain_record"]


@dataclass(frozen=True)
class Context:
    """What every analysis needs besides its plan and its rows: coverage of intervals and the seed."""

    level: float
    seed: int

    def rng(self, name: str) -> np.random.Generator:
        """A generator for one analysis, the same for the same seed and name."""
        return np.random.default_rng([self.seed, *name.encode()])


@dataclass(frozen=True)
class Used:
    """A method that was really used: a word of :mod:`recanal.study.methods`, and what it was used on."""

    method: str
    detail: str = ""


@dataclass(frozen=True)
class Finding:
    """What came of one analysis.

    Parameters
    ----------
    record
        Plain values for ``results.json``.
    section
        The same for people.
    used
        Methods, for the paragraph on them.
    """

    record: Mapping[str, Any]
    section: StudySection
    used: tuple[Used, ...] = field(default=())


def code_path(function: Callable[..., Any]) -> str:
    """Where a number was computed.

    Examples
    --------
    >>> from recanal.stats.contingency import yates_test
    >>> code_path(yates_test)
    'recanal.stats.contingency.yates_test'
    """
    return f"{function.__module__}.{function.__qualname__}"


def plain_record(value: Any) -> Any:
    """Results as plain values: objects to mappings, arrays to lists, numbers to twelve digits, infinity as a word.

    Examples
    --------
    >>> plain_record({"a": (1.0, float("nan"), float("inf")), "b": np.int64(3)})
    {'a': [1.0, None, 'infinity'], 'b': 3}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain_record(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain_record(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain_record(item) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _number(float(value))
    return value


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    return float(f"{value:.12g}")
