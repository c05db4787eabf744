"""95 % intervals of measured numbers, from the error seen on phantoms of known truth."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from recanal.core.case import Interval

__all__ = ["METHOD", "Conditions", "interval"]

METHOD = (
    "error model of the phantom study (measure/error_model.toml): half-width from noise, size and bridge confidence"
)


@dataclass(frozen=True)
class Conditions:
    """What makes a measurement hard.

    Parameters
    ----------
    noise_ratio
        Noise over the lumen-to-plaque contrast of the weaker side.
    bridge_confidence
        0 to 1.
    noise_hu
        Noise near the axis, which spreads a tissue over the bins of its neighbours whatever the contrast.
    """

    noise_ratio: float
    bridge_confidence: float
    noise_hu: float


@dataclass(frozen=True)
class _Error:
    bias: float
    fixed: float
    relative: float
    noise: float
    noise_hu: float
    low: float
    high: float


@lru_cache(maxsize=1)
def _table() -> Mapping[str, _Error]:
    text = resources.files("recanal.measure").joinpath("error_model.toml").read_text(encoding="utf-8")
    return {name: _Error(**row) for name, row in tomllib.loads(text)["quantity"].items()}


def interval(quantity: str, value: float, conditions: Conditions, *, at_mm: float | None = None) -> Interval:
    """A value with its 95 % interval.

    Parameters
    ----------
    quantity
        A row of ``error_model.toml``.
    value
        The measured number.
    at_mm
        Where it was found, in mm from the proximal cap.
    """
    error = _table()[quantity]
    trust = max(min(conditions.bridge_confidence, 1.0), 0.0)
    half = error.fixed + error.relative * abs(value) + error.noise * min(conditions.noise_ratio, 1.0)
    half += error.noise_hu * conditions.noise_hu
    half *= 1.0 + (1.0 - trust)
    middle = value - error.bias
    low, high = max(error.low, middle - half), min(error.high, middle + half)
    return Interval(value, min(low, value), max(high, value), at_mm)
