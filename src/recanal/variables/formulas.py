"""Named formulas of derived variables.

Every formula takes float arrays of one length, in which NaN is not known, and gives such an array. Sex comes as 1 for
female and 0 for male, truth values as 1 and 0, dates as days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FORMULAS",
    "LIMIT_FORMULAS",
    "Formula",
    "LimitFormula",
    "bmi",
    "bsa_du_bois",
    "bsa_mosteller",
    "ckd_epi_2021",
    "cockcroft_gault",
    "crossed_in_time",
    "friedewald",
    "mdrd_2006",
    "over_or_flagged",
]

Array = NDArray[np.float64]
Formula = Callable[..., Array]
LimitFormula = Callable[..., Array]

_UMOL_PER_MG_DL = 88.4


def ckd_epi_2021(creatinine_umol_l: Array, age_years: Array, female: Array) -> Array:
    """Glomerular filtration rate in mL/min/1.73 m2, race-free (Inker et al., N Engl J Med 2021;385:1737-1749).

    ``142 min(Scr/k, 1)^a max(Scr/k, 1)^-1.200 0.9938^age (1.012 if female)`` with Scr in mg/dL (umol/L / 88.4), k 0.7
    (female) or 0.9, a -0.241 (female) or -0.302. For adults: under 18 years the result is not known.

    Examples
    --------
    >>> ckd_epi_2021(np.array([88.4]), np.array([50.0]), np.array([0.0])).round(1)
    array([91.7])
    """
    scaled = creatinine_umol_l / _UMOL_PER_MG_DL / np.where(female == 1, 0.7, 0.9)
    power = np.where(female == 1, -0.241, -0.302)
    rate = 142 * np.minimum(scaled, 1) ** power * np.maximum(scaled, 1) ** -1.2 * 0.9938**age_years
    rate = rate * np.where(female == 1, 1.012, 1.0)
    return np.where((age_years >= 18) & np.isfinite(female), rate, np.nan)


def mdrd_2006(creatinine_umol_l: Array, age_years: Array, female: Array, black: Array) -> Array:
    """Glomerular filtration rate in mL/min/1.73 m2 (four-variable MDRD for IDMS-traceable creatinine, Levey 2006).

    ``175 Scr^-1.154 age^-0.203 (0.742 if female) (1.212 if black)``, Scr in mg/dL. Not known while sex or race is not,
    or under 18 years.

    Examples
    --------
    >>> mdrd_2006(np.array([88.4]), np.array([50.0]), np.array([0.0]), np.array([0.0])).round(1)
    array([79.1])
    """
    rate = 175 * (creatinine_umol_l / _UMOL_PER_MG_DL) ** -1.154 * age_years**-0.203
    rate = rate * np.where(female == 1, 0.742, 1.0) * np.where(black == 1, 1.212, 1.0)
    return np.where((age_years >= 18) & np.isfinite(female) & np.isfinite(black), rate, np.nan)


def cockcroft_gault(creatinine_umol_l: Array, age_years: Array, female: Array, weight_kg: Array) -> Array:
    """Creatinine clearance in mL/min (Cockcroft and Gault 1976): ``(140 - age) weight / (72 Scr)``, 0.85 if female.

    Examples
    --------
    >>> cockcroft_gault(np.array([88.4]), np.array([50.0]), np.array([0.0]), np.array([72.0]))
    array([90.])
    """
    rate = (140 - age_years) * weight_kg / (72 * creatinine_umol_l / _UMOL_PER_MG_DL)
    return np.where(np.isfinite(female), rate * np.where(female == 1, 0.85, 1.0), np.nan)


def bmi(weight_kg: Array, height_cm: Array) -> Array:
    """Body mass index in kg/m2.

    Examples
    --------
    >>> bmi(np.array([81.0]), np.array([180.0]))
    array([25.])
    """
    return weight_kg / (height_cm / 100) ** 2


def bsa_du_bois(weight_kg: Array, height_cm: Array) -> Array:
    """Body surface area in m2 (Du Bois 1916): ``0.007184 weight^0.425 height^0.725``."""
    return 0.007184 * weight_kg**0.425 * height_cm**0.725


def bsa_mosteller(weight_kg: Array, height_cm: Array) -> Array:
    """Body surface area in m2 (Mosteller 1987): ``sqrt(weight height / 3600)``.

    Examples
    --------
    >>> bsa_mosteller(np.array([80.0]), np.array([180.0]))
    array([2.])
    """
    return np.sqrt(weight_kg * height_cm / 3600)


def friedewald(total_mmol_l: Array, hdl_mmol_l: Array, triglycerides_mmol_l: Array) -> Array:
    """LDL cholesterol in mmol/L (Friedewald 1972): total - HDL - triglycerides / 2.2; not above 4.5 mmol/L.

    Examples
    --------
    >>> friedewald(np.array([5.0, 5.0]), np.array([1.0, 1.0]), np.array([2.2, 4.6]))
    array([ 3., nan])
    """
    return np.where(triglycerides_mmol_l <= 4.5, total_mmol_l - hdl_mmol_l - triglycerides_mmol_l / 2.2, np.nan)


def over_or_flagged(duration_months: Array, unknown: Array, threshold: float) -> Array:
    """1 where an age is over the threshold or is flagged as unknown, 0 where it is known and not, else NaN."""
    return np.where(unknown == 1, 1.0, np.where(np.isfinite(duration_months), duration_months > threshold, np.nan))


def crossed_in_time(crossing_min: Array, crossed: Array, threshold: float) -> Array:
    """1 where the wire crossed in at most ``threshold`` minutes, 0 where it took longer or never crossed, else NaN."""
    timed = np.where(np.isfinite(crossing_min), crossing_min <= threshold, np.nan)
    return np.where(crossed == 0, 0.0, timed)


def _percent_of(part: Array, whole: Array) -> Array:
    return np.where(whole > 0, 100 * part / np.where(whole > 0, whole, 1), np.nan)


def _known(values: Array, truth: NDArray[np.bool_]) -> Array:
    return np.where(np.isfinite(values), truth, np.nan)


FORMULAS: Mapping[str, Formula] = MappingProxyType(
    {
        "ckd_epi_2021": ckd_epi_2021,
        "mdrd_2006": mdrd_2006,
        "cockcroft_gault": cockcroft_gault,
        "bmi": bmi,
        "bsa_du_bois": bsa_du_bois,
        "bsa_mosteller": bsa_mosteller,
        "friedewald": friedewald,
        "difference": lambda first, second: first - second,
        "days_between": lambda first, second: second - first,
        "percent_of": _percent_of,
    }
)
LIMIT_FORMULAS: Mapping[str, LimitFormula] = MappingProxyType(
    {
        "over": lambda values, limit: _known(values, values > limit),
        "at_least": lambda values, limit: _known(values, values >= limit),
        "below": lambda values, limit: _known(values, values < limit),
        "over_or_flagged": over_or_flagged,
        "crossed_in_time": crossed_in_time,
    }
)
