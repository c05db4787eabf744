"""How many cases: prediction models after Riley, comparisons of two shares or means, survival."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from recanal.errors import OptionError
from recanal.fitting.columns import check_shares
from recanal.fitting.results import StatsResult

__all__ = [
    "ModelSize",
    "TrialSize",
    "events_for_hazard_ratio",
    "model_size_binary",
    "model_size_survival",
    "most_parameters",
    "r2_from_c_statistic",
    "r2_from_nagelkerke",
    "size_two_means",
    "size_two_shares",
]


@dataclass(frozen=True)
class ModelSize(StatsResult):
    """Least cases for a prediction model, by criterion.

    Parameters
    ----------
    rows_count
        The greatest of the three.
    shrinkage_count
        Shrinkage of predictor effects at least ``shrinkage_share``.
    optimism_count
        Apparent minus adjusted Nagelkerke R2 at most 0.05.
    risk_count
        Overall risk known to 0.05 either way.
    parameters_count
        Predictor parameters.
    r2_share, most_r2_share
        Cox-Snell R2 foreseen, and its greatest value.
    events_per_parameter_ratio
        Events at that size, per parameter.
    """

    rows_count: int
    shrinkage_count: int
    optimism_count: int
    risk_count: int
    parameters_count: int
    r2_share: float
    most_r2_share: float
    events_per_parameter_ratio: float


@dataclass(frozen=True)
class TrialSize(StatsResult):
    """Cases for a comparison of two arms of equal size.

    Parameters
    ----------
    per_arm_count, total_count
        Cases, rounded up, with drop-outs added.
    exact_rows_ratio
        Cases per arm before rounding and drop-outs.
    """

    per_arm_count: int
    total_count: int
    exact_rows_ratio: float


def model_size_binary(
    *, parameters_count: int, prevalence_share: float, r2_share: float, shrinkage_share: float = 0.9
) -> ModelSize:
    """Cases to develop a model of an outcome that happens or not.

    Parameters
    ----------
    parameters_count
        Predictor parameters, each bend of a spline and each level of a category counted.
    prevalence_share
        Foreseen share of events.
    r2_share
        Foreseen Cox-Snell R2; see :func:`r2_from_c_statistic` and :func:`r2_from_nagelkerke`.
    shrinkage_share
        Least shrinkage.

    Raises
    ------
    OptionError
        When a number is out of its range.

    Notes
    -----
    Riley RD, et al. Stat Med 2019;38:1276-1296 (part II), as the package pmsampsize.

    Examples
    --------
    Their example, 24 parameters, prevalence 0.174, Cox-Snell R2 0.288: 662.

    >>> model_size_binary(parameters_count=24, prevalence_share=0.174, r2_share=0.288).rows_count
    662
    """
    most = _most_r2(prevalence_share)
    first, second = _shrinkage_counts(parameters_count, r2_share, most, shrinkage_share)
    third = math.ceil((1.96 / 0.05) ** 2 * prevalence_share * (1 - prevalence_share))
    n = max(first, second, third)
    ratio = n * prevalence_share / parameters_count
    return ModelSize(n, first, second, third, parameters_count, r2_share, most, ratio)


def model_size_survival(
    *,
    parameters_count: int,
    event_rate: float,
    horizon_years: float,
    follow_up_years: float,
    r2_share: float,
    shrinkage_share: float = 0.9,
) -> ModelSize:
    """Cases to develop a model of the time to an event.

    Parameters
    ----------
    parameters_count, r2_share, shrinkage_share
        As :func:`model_size_binary`.
    event_rate
        Foreseen events per case and year.
    horizon_years
        Time at which risks will be predicted.
    follow_up_years
        Foreseen mean follow-up.

    Raises
    ------
    OptionError
        When a number is out of its range.

    Notes
    -----
    As :func:`model_size_binary`. The overall risk at the horizon is known to 0.05 where the upper limit of the rate
    says so.

    Examples
    --------
    Their example, 30 parameters, rate 0.065, horizon 2, mean follow-up 2.07, R2 0.051: 5,143.

    >>> model_size_survival(parameters_count=30, event_rate=0.065, horizon_years=2, follow_up_years=2.07,
    ...                     r2_share=0.051).rows_count
    5143
    """
    if min(event_rate, horizon_years, follow_up_years) <= 0:
        raise OptionError("Rate, horizon and follow-up must be above 0.")
    events = math.ceil(10_000 * follow_up_years * event_rate) / 10_000
    most = 1 - math.exp(2 * (events * math.log(events) - events))
    first, second = _shrinkage_counts(parameters_count, r2_share, most, shrinkage_share)
    n = max(first, second)
    while _risk_width(event_rate, horizon_years, follow_up_years * n) > 0.05:
        n += 1
    ratio = n * follow_up_years * event_rate / parameters_count
    return ModelSize(n, first, second, n, parameters_count, r2_share, most, ratio)


def most_parameters(*, rows_count: int, r2_share: float, shrinkage_share: float = 0.9) -> float:
    """Predictor parameters that a number of cases supports at a given shrinkage.

    Examples
    --------
    207 lesions with 75.8 % success at a Nagelkerke R2 of 0.21.

    >>> r2 = r2_from_nagelkerke(0.21, prevalence_share=0.758)
    >>> round(most_parameters(rows_count=207, r2_share=r2), 1)
    3.5
    """
    check_shares(r2_share=r2_share, shrinkage_share=shrinkage_share)
    if r2_share >= shrinkage_share:
        raise OptionError(f"r2_share must lie below the shrinkage, got {r2_share} and {shrinkage_share}.")
    return rows_count * (shrinkage_share - 1) * math.log(1 - r2_share / shrinkage_share)


def r2_from_nagelkerke(r2_share: float, *, prevalence_share: float) -> float:
    """Cox-Snell R2 that belongs to a Nagelkerke R2."""
    return r2_share * _most_r2(prevalence_share)


def r2_from_c_statistic(auc: float, *, prevalence_share: float) -> float:
    """Cox-Snell R2 that belongs to an area under the curve, the linear predictor being normal in events and others.

    Parameters
    ----------
    auc
        Foreseen area, above 0.5.
    prevalence_share
        Foreseen share of events.

    Raises
    ------
    OptionError
        When a number is out of its range.

    Notes
    -----
    Riley RD, et al. Stat Med 2021;40:859-864. They draw a large sample; here the expected likelihood is integrated, so
    that the answer has no error of chance.
    """
    check_shares(prevalence_share=prevalence_share)
    if not 0.5 < auc < 1:
        raise OptionError(f"auc must lie between 0.5 and 1, got {auc}.")
    gap = math.sqrt(2) * float(special.ndtri(auc))
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    weights = weights / weights.sum()
    shift = math.log(prevalence_share / (1 - prevalence_share)) - gap**2 / 2
    events = -np.logaddexp(0.0, -(shift + gap * (nodes + gap)))
    others = -np.logaddexp(0.0, shift + gap * nodes)
    height = prevalence_share * float(weights @ events) + (1 - prevalence_share) * float(weights @ others)
    return 1 - math.exp(-2 * (height - _null_height(prevalence_share)))


def size_two_shares(
    first_share: float,
    second_share: float,
    *,
    power: float = 0.8,
    level: float = 0.95,
    dropout_share: float = 0.0,
) -> TrialSize:
    """Cases to tell two shares apart, two-sided.

    Parameters
    ----------
    first_share, second_share
        Foreseen shares.
    power
        Chance to find the difference.
    level
        1 minus the two-sided error.
    dropout_share
        Share of cases that will be lost.

    Raises
    ------
    OptionError
        When a number is out of its range or the shares are equal.

    Notes
    -----
    Fleiss JL, Statistical Methods for Rates and Proportions, 1981, without continuity correction, as R's
    ``power.prop.test``.

    Examples
    --------
    Crossing in 84 % against 93.5 %: 173 per arm for a power of 80 %.

    >>> size_two_shares(0.84, 0.935).per_arm_count
    173
    """
    check_shares(first_share=first_share, second_share=second_share, power=power, level=level)
    if first_share == second_share:
        raise OptionError("The two shares are equal; no size tells them apart.")
    mean = (first_share + second_share) / 2
    null = math.sqrt(2 * mean * (1 - mean))
    real = math.sqrt(first_share * (1 - first_share) + second_share * (1 - second_share))
    reach = float(special.ndtri((1 + level) / 2)) * null + float(special.ndtri(power)) * real
    return _arms((reach / (first_share - second_share)) ** 2, dropout_share)


def size_two_means(
    standardised_difference_ratio: float, *, power: float = 0.8, level: float = 0.95, dropout_share: float = 0.0
) -> TrialSize:
    """Cases to tell two means apart by Student's t test, two-sided.

    Parameters
    ----------
    standardised_difference_ratio
        Foreseen difference over the common standard deviation.
    power, level, dropout_share
        As :func:`size_two_shares`.

    Raises
    ------
    OptionError
        When a number is out of its range.

    Notes
    -----
    From the noncentral t distribution, as R's ``power.t.test``.

    Examples
    --------
    >>> size_two_means(0.5).per_arm_count
    64
    """
    check_shares(power=power, level=level)
    gap = abs(standardised_difference_ratio)
    if not gap > 0:
        raise OptionError("The standardised difference must not be 0.")

    def missing(n: float) -> float:
        cut = float(special.stdtrit(2 * n - 2, (1 + level) / 2))
        return float(stats.nct.sf(cut, 2 * n - 2, gap * math.sqrt(n / 2))) - power

    return _arms(float(optimize.brentq(missing, 2.0, 1e7, xtol=1e-10)), dropout_share)


def events_for_hazard_ratio(hazard_ratio: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Events in both arms to find a hazard ratio with the log-rank test (Schoenfeld DA. Biometrics 1983;39:499-503).

    Raises
    ------
    OptionError
        When a number is out of its range or the ratio is 1.

    Examples
    --------
    >>> round(events_for_hazard_ratio(0.7), 1)
    246.8
    """
    check_shares(power=power, level=level)
    if not hazard_ratio > 0 or hazard_ratio == 1:
        raise OptionError(f"A hazard ratio must be above 0 and not 1, got {hazard_ratio}.")
    reach = float(special.ndtri((1 + level) / 2) + special.ndtri(power))
    return 4 * reach**2 / math.log(hazard_ratio) ** 2


def _null_height(share: float) -> float:
    return share * math.log(share) + (1 - share) * math.log(1 - share)


def _most_r2(prevalence_share: float) -> float:
    check_shares(prevalence_share=prevalence_share)
    return 1 - math.exp(2 * _null_height(prevalence_share))


def _shrinkage_counts(parameters: int, r2: float, most: float, shrinkage: float) -> tuple[int, int]:
    check_shares(r2_share=r2, shrinkage_share=shrinkage)
    if parameters < 1:
        raise OptionError(f"A model has one parameter or more, got {parameters}.")
    if r2 >= min(most, shrinkage):
        raise OptionError(
            f"r2_share must lie below its greatest value {most:.3f} and the shrinkage, got {r2}.",
            hint="Was a Nagelkerke R2 given? Turn it into a Cox-Snell R2 first.",
        )
    other = r2 / (r2 + 0.05 * most)
    first, second = (parameters / ((share - 1) * math.log(1 - r2 / share)) for share in (shrinkage, other))
    return math.ceil(first), math.ceil(second)


def _risk_width(rate: float, horizon: float, person_years: float) -> float:
    upper = rate + 1.96 * math.sqrt(rate / person_years)
    return math.exp(-rate * horizon) - math.exp(-upper * horizon)


def _arms(exact: float, dropout_share: float) -> TrialSize:
    if not 0 <= dropout_share < 1:
        raise OptionError(f"dropout_share must lie from 0 to below 1, got {dropout_share}.")
    arm = math.ceil(exact / (1 - dropout_share) - 1e-9)
    return TrialSize(arm, 2 * arm, exact)
