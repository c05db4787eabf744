"""Occlusions as quantitative CT describes them: length, plaque volume and what the plaque is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMPONENTS", "Quartiles", "propose_profiles"]

COMPONENTS = ("dense_calcium", "fibrous", "fibrofatty", "necrotic_core")
"""Of the plaque, by rising share of fat: their percentages sum to 100."""

_QUARTILE_Z = 0.6744898
_LENGTH_TO_VOLUME = 0.75
_VOLUME_TO_FIBROUS = 0.25
_FIBROUS_TO_FATTY = 0.45
_BROADENED = 1.2
_LEAST_CALCIUM_PERCENT, _MOST_CALCIUM_PERCENT = 0.02, 85.0
_LENGTHS_MM = (1.5, 110.0)
_VOLUMES_MM3 = (4.0, 1500.0)
_FIBROUS_LOG_RATIO = (-1.5, 1.8)
_FATTY_LOG_RATIO = (-0.9, 1.1)


@dataclass(frozen=True)
class Quartiles:
    """The median and the quartiles of a positive number, in the unit of that number."""

    median_value: float
    low_value: float
    high_value: float

    def spread_by(self, latent: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values with these quartiles where ``latent`` is standard normal: log-normal, each half apart."""
        below = np.log(self.median_value / self.low_value) / _QUARTILE_Z
        above = np.log(self.high_value / self.median_value) / _QUARTILE_Z
        return np.asarray(self.median_value * np.exp(latent * np.where(latent < 0, below, above)))


def propose_profiles(
    count: int, length_mm: Quartiles, plaque_mm3: Quartiles, rng: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """A broad population of occlusions, from which weights choose.

    Length and volume are log-normal in halves, somewhat broader than the quartiles say; the soft components are
    logistic-normal against the necrotic core; half of the occlusions hold dense calcium, log-uniform from 0.02 to 85%.

    Parameters
    ----------
    count
        Rows before those that lie outside 1.5 to 110 mm or 4 to 1,500 mm3 are left out.
    length_mm, plaque_mm3
        Quartiles of occlusion length and of total plaque volume.
    rng
        Random generator.

    Returns
    -------
    dict
        ``length_mm``, ``plaque_mm3``, ``non_calcified_mm3``, and ``NAME_percent`` and ``NAME_mm3`` of each of
        :data:`COMPONENTS`; all of one length.
    """
    z = rng.standard_normal((5, count))
    volume_z = _tied(z[0], z[1], _LENGTH_TO_VOLUME)
    fibrous_z = _tied(volume_z, z[2], _VOLUME_TO_FIBROUS)
    fatty_z = _tied(fibrous_z, z[3], _FIBROUS_TO_FATTY)
    length = length_mm.spread_by(_BROADENED * z[0])
    volume = plaque_mm3.spread_by(_BROADENED * volume_z)
    fibrous = np.exp(_FIBROUS_LOG_RATIO[0] + _FIBROUS_LOG_RATIO[1] * fibrous_z)
    fatty = np.exp(_FATTY_LOG_RATIO[0] + _FATTY_LOG_RATIO[1] * fatty_z)
    whole = 1 + fibrous + fatty
    low, high = np.log(_LEAST_CALCIUM_PERCENT), np.log(_MOST_CALCIUM_PERCENT)
    calcium = np.exp(rng.uniform(low, high, count)) * (rng.random(count) < 0.5)
    soft = 100 - calcium
    percent = dict(zip(COMPONENTS, (calcium, soft * fibrous / whole, soft * fatty / whole, soft / whole), strict=True))
    out = {"length_mm": length, "plaque_mm3": volume, "non_calcified_mm3": volume * soft / 100}
    out |= {f"{name}_percent": value for name, value in percent.items()}
    out |= {f"{name}_mm3": volume * value / 100 for name, value in percent.items()}
    inside = (length > _LENGTHS_MM[0]) & (length < _LENGTHS_MM[1])
    inside &= (volume > _VOLUMES_MM3[0]) & (volume < _VOLUMES_MM3[1])
    return {name: value[inside] for name, value in out.items()}


def _tied(parent: NDArray[np.float64], noise: NDArray[np.float64], tie: float) -> NDArray[np.float64]:
    return np.asarray(tie * parent + np.sqrt(1 - tie * tie) * noise)
