"""Whether predicted probabilities come true: calibration in the large, slope, smooth curve, Brier score."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from recanal.errors import StatsError
from recanal.fitting.columns import event_column, normal_reach, number_column, same_length
from recanal.fitting.local_regression import local_regression
from recanal.fitting.logistic_likelihood import LogisticProblem, maximise_logistic
from recanal.fitting.results import Estimate, StatsResult

__all__ = [
    "BrierScore",
    "CalibrationCurve",
    "CalibrationErrors",
    "CalibrationSummary",
    "brier_score",
    "calibrate",
    "calibration_curve",
    "calibration_errors",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class BrierScore(StatsResult):
    """Mean squared difference of event and probability.

    Parameters
    ----------
    score
        The Brier score.
    scaled_share
        1 minus the score over that of predicting the share of events for all.
    spiegelhalter_z, p_value
        Test that the probabilities are right.
    """

    score: float
    scaled_share: float
    spiegelhalter_z: float
    p_value: float


@dataclass(frozen=True)
class CalibrationErrors(StatsResult):
    """Distance of the smooth curve from the diagonal, over the cases.

    Parameters
    ----------
    ici_share
        Mean absolute difference of smoothed and predicted share (ICI).
    e50_share, e90_share, emax_share
        Its median, 90th percentile and maximum.
    """

    ici_share: float
    e50_share: float
    e90_share: float
    emax_share: float


@dataclass(frozen=True)
class CalibrationCurve(StatsResult):
    """The smooth calibration curve.

    Parameters
    ----------
    predicted_share, observed_share, low_share, high_share
        Points of the curve with pointwise limits, cut at 0 and 1.
    level
        Coverage of the limits.
    """

    predicted_share: tuple[float, ...]
    observed_share: tuple[float, ...]
    low_share: tuple[float, ...]
    high_share: tuple[float, ...]
    level: float


@dataclass(frozen=True)
class CalibrationSummary(StatsResult):
    """How predictions compare with what happened.

    Parameters
    ----------
    in_the_large
        Intercept with the predicted log odds as offset; 0 is right, above 0 predictions are too low.
    slope
        Slope of the predicted log odds; 1 is right, below 1 predictions are too extreme.
    slope_intercept_beta
        Intercept that goes with the slope.
    observed_expected_ratio
        Events over the sum of predictions, with its interval.
    original_log_likelihood, shifted_log_likelihood, recalibrated_log_likelihood
        Of the predictions, with a new intercept, and with a new intercept and slope.
    recalibration_statistic, recalibration_p_value
        Likelihood-ratio test, 2 degrees of freedom, that no recalibration is needed.
    brier
        Brier score.
    rows_count, events_count
        Cases and events.
    warnings
        What limits the answer.
    """

    in_the_large: Estimate
    slope: Estimate
    slope_intercept_beta: float
    observed_expected_ratio: Estimate
    original_log_likelihood: float
    shifted_log_likelihood: float
    recalibrated_log_likelihood: float
    recalibration_statistic: float
    recalibration_p_value: float
    brier: BrierScore
    rows_count: int
    events_count: int
    warnings: tuple[str, ...]


def brier_score(events: ArrayLike, predicted: ArrayLike) -> BrierScore:
    """The Brier score with Spiegelhalter's test.

    Parameters
    ----------
    events
        (n,) 0 or 1.
    predicted
        (n,) probabilities from 0 to 1.

    Raises
    ------
    StatsError
        When columns do not match, a prediction is no probability or the outcome has one class.

    Notes
    -----
    Brier GW. Mon Weather Rev 1950;78:1-3; Spiegelhalter DJ. Stat Med 1986;5:421-433.

    Examples
    --------
    >>> round(brier_score([0, 1, 1, 0], [0.2, 0.7, 0.9, 0.4]).score, 3)
    0.075
    """
    event, prob = _checked(events, predicted)
    score, share = float(((event - prob) ** 2).mean()), float(event.mean())
    top = float(((event - prob) * (1 - 2 * prob)).sum())
    spread = float((((1 - 2 * prob) ** 2) * prob * (1 - prob)).sum())
    z = top / math.sqrt(spread) if spread > 0 else math.nan
    return BrierScore(score, 1 - score / (share * (1 - share)), z, math.erfc(abs(z) / math.sqrt(2)))


def calibrate(events: ArrayLike, predicted: ArrayLike, *, level: float = 0.95) -> CalibrationSummary:
    """Calibration in the large, slope and Brier score.

    Parameters
    ----------
    events
        (n,) 0 or 1.
    predicted
        (n,) probabilities strictly between 0 and 1.
    level
        Coverage of the intervals.

    Raises
    ------
    StatsError
        As :func:`brier_score`, and when a prediction is 0 or 1 or all are equal.

    Notes
    -----
    Cox DR. Biometrika 1958;45:562-565; Van Calster B, et al. BMC Med 2019;17:230. On the data that a
    maximum-likelihood model was fitted to, intercept 0 and slope 1 hold by construction and say nothing. The interval
    of observed over expected is that of Debray TPA, et al. BMJ 2017;356:i6460, on the log scale.
    """
    event, prob = _checked(events, predicted)
    if prob.min() <= 0 or prob.max() >= 1:
        raise StatsError("Column 'predicted' holds 0 or 1.", hint="Log odds need probabilities between 0 and 1.")
    number_column(prob, "predicted", varies=True)
    line = special.logit(prob)
    ones = np.ones((len(event), 1))
    shifted = maximise_logistic(LogisticProblem(ones, event, offset=line))
    turned = maximise_logistic(LogisticProblem(np.column_stack([ones, line]), event))
    original = float((event * line - np.logaddexp(0.0, line)).sum())
    reach = normal_reach(level)
    observed = float(event.sum())
    ratio, error = observed / float(prob.sum()), math.sqrt((1 - observed / len(event)) / observed)
    statistic = 2 * (turned.log_likelihood - original)
    return CalibrationSummary(
        _wald(float(shifted.beta[0]), math.sqrt(float(shifted.covariance[0, 0])), reach, level),
        _wald(float(turned.beta[1]), math.sqrt(float(turned.covariance[1, 1])), reach, level),
        float(turned.beta[0]),
        Estimate(ratio, ratio * math.exp(-reach * error), ratio * math.exp(reach * error), level),
        original,
        shifted.log_likelihood,
        turned.log_likelihood,
        statistic,
        float(special.chdtrc(2, max(statistic, 0.0))),
        brier_score(event, prob),
        len(event),
        int(observed),
        _warnings(event, statistic),
    )


def calibration_errors(events: ArrayLike, predicted: ArrayLike, *, span_share: float = 0.75) -> CalibrationErrors:
    """ICI, E50, E90 and Emax from a smooth curve.

    Parameters
    ----------
    events, predicted
        As :func:`brier_score`.
    span_share
        Share of the cases in each local fit.

    Raises
    ------
    StatsError
        As :func:`brier_score`, and when predictions take too few values for a curve.

    Notes
    -----
    Austin PC, Steyerberg EW. Stat Med 2019;38:4051-4065, with the local quadratic regression of R's ``loess`` at its
    defaults. The index is never below 0 and is larger in small samples even where calibration is perfect.
    """
    event, prob = _checked(events, predicted, least=10)
    gap = np.abs(local_regression(prob, event, span_share=span_share).at(prob) - prob)
    return CalibrationErrors(float(gap.mean()), float(np.median(gap)), float(np.quantile(gap, 0.9)), float(gap.max()))


def calibration_curve(
    events: ArrayLike, predicted: ArrayLike, *, points_count: int = 101, span_share: float = 0.75, level: float = 0.95
) -> CalibrationCurve:
    """The smooth curve of observed over predicted share, with its pointwise interval.

    Parameters
    ----------
    events, predicted, span_share
        As :func:`calibration_errors`.
    points_count
        Points from the least to the greatest prediction.
    level
        Coverage of the interval.

    Raises
    ------
    StatsError
        As :func:`calibration_errors`.

    Notes
    -----
    The curve is linear in the outcomes; its variance takes each outcome as Bernoulli with the smoothed share. The
    smoothing bias is not in the interval.
    """
    event, prob = _checked(events, predicted, least=10)
    curve = local_regression(prob, event, span_share=span_share)
    points = np.linspace(float(prob.min()), float(prob.max()), points_count)
    smooth = np.clip(curve.at(prob), 1e-3, 1 - 1e-3)
    error = curve.standard_errors(points, smooth * (1 - smooth))
    middle, reach = curve.at(points), normal_reach(level)
    parts = (middle, middle - reach * error, middle + reach * error)
    shares = [tuple(float(share) for share in np.clip(part, 0.0, 1.0)) for part in parts]
    return CalibrationCurve(tuple(float(point) for point in points), shares[0], shares[1], shares[2], level)


def _checked(events: ArrayLike, predicted: ArrayLike, *, least: int = 2) -> tuple[Vector, Vector]:
    prob = number_column(predicted, "predicted", least=least)
    event = event_column(events, "events")
    same_length({"events": event, "predicted": prob})
    if prob.min() < 0 or prob.max() > 1:
        raise StatsError(f"Column 'predicted' must hold probabilities, got {prob.min():g} to {prob.max():g}.")
    return event.astype(np.float64), prob


def _wald(value: float, error: float, reach: float, level: float) -> Estimate:
    return Estimate(value, value - reach * error, value + reach * error, level, error)


def _warnings(event: Vector, statistic: float) -> tuple[str, ...]:
    found = []
    fewer = int(min(event.sum(), len(event) - event.sum()))
    if fewer < 100:
        found.append(
            f"Only {fewer} events or others; 100 of each are advised (Collins GS, et al. Stat Med 2016;35:214)."
        )
    if abs(statistic) < 1e-9:
        found.append(
            "Intercept 0 and slope 1 to the last digit: these look like the data that the model was fitted to."
        )
    return tuple(found)
