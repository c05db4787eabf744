"""The weights nearest to a prior under which features have the means that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recanal.errors import StudyError

__all__ = ["Margin", "Tilted", "tilt"]

_MOST_STEPS = 60
_SHORTEST_STEP = 1e-9
_DECREMENT = 1e-6
_ARMIJO = 1e-4


@dataclass(frozen=True, eq=False)
class Margin:
    """A mean that is asked for.

    Parameters
    ----------
    name
        For messages.
    feature
        (n,) value of each row or cell.
    target_value
        The mean that the weights shall give.
    error_value
        Standard error of the target, in its units; how far apart margins that contradict each other may be met.
    """

    name: str
    feature: NDArray[np.float64]
    target_value: float
    error_value: float


@dataclass(frozen=True, eq=False)
class Tilted:
    """What came of it.

    Parameters
    ----------
    weights
        (n,) sum to 1.
    miss_sigmas
        (margins,) mean reached less mean asked for, in standard errors.
    effective_count
        Rows that as good a sample without weights would need: 1 / sum of squared weights.
    """

    weights: NDArray[np.float64]
    miss_sigmas: NDArray[np.float64]
    effective_count: float


def tilt(
    log_prior: NDArray[np.float64],
    margins: Sequence[Margin],
    *,
    tightness_ratio: float = 10.0,
    most_sigmas: float = 3.0,
) -> Tilted:
    """Weights of least relative entropy to a prior that meet margins, each within its error.

    Minimises ``KL(w, prior) + sum((mean - target)^2 / (2 (error / tightness)^2))`` in its convex dual, by damped Newton
    steps: Jaynes ET. Phys Rev 1957;106:620-630; with the quadratic slack of Dudik M, et al. J Mach Learn Res
    2007;8:1217-1260. The slack lets margins that contradict each other in print share the contradiction.

    Parameters
    ----------
    log_prior
        (n,) logarithm of the prior, up to a constant.
    margins
        At least one.
    tightness_ratio
        How many times smaller than the standard error the slack is.
    most_sigmas
        A margin missed by more standard errors is refused.

    Raises
    ------
    StudyError
        When a margin lies outside what its feature can reach, or margins contradict each other beyond their errors.

    Examples
    --------
    A die with the mean 4.5 (Jaynes):

    >>> faces = np.arange(1.0, 7.0)
    >>> found = tilt(np.zeros(6), [Margin("mean", faces, 4.5, 0.001)])
    >>> [round(float(one), 3) for one in found.weights]
    [0.054, 0.079, 0.114, 0.165, 0.24, 0.347]
    """
    _check_reach(log_prior, margins)
    targets = np.array([one.target_value for one in margins])
    errors = np.array([one.error_value for one in margins])
    scaled = np.column_stack([one.feature for one in margins])
    scaled -= targets
    scaled /= errors
    multipliers = np.zeros(len(margins))
    for tightness in (1.0, np.sqrt(tightness_ratio), tightness_ratio):
        weights, multipliers = _newton(log_prior, scaled, multipliers, float(tightness))
    misses = weights @ scaled
    _check_misses(margins, misses, most_sigmas)
    return Tilted(weights, misses, float(1 / (weights @ weights)))


def _check_reach(log_prior: NDArray[np.float64], margins: Sequence[Margin]) -> None:
    if not margins:
        raise StudyError("A tilt needs at least one margin.")
    for one in margins:
        if one.feature.shape != log_prior.shape:
            raise StudyError(f"Margin '{one.name}' has {len(one.feature)} rows, the prior {len(log_prior)}.")
        if not one.error_value > 0:
            raise StudyError(f"Margin '{one.name}' needs an error above 0, got {one.error_value:g}.")
        low, high = float(one.feature.min()), float(one.feature.max())
        if not low <= one.target_value <= high:
            raise StudyError(
                f"Margin '{one.name}' asks for {one.target_value:.6g}; its feature lies from {low:.6g} to {high:.6g}.",
                hint="Is a count larger than its group?",
            )


def _check_misses(margins: Sequence[Margin], misses: NDArray[np.float64], most_sigmas: float) -> None:
    worst = int(np.argmax(np.abs(misses)))
    if abs(misses[worst]) > most_sigmas:
        one = margins[worst]
        raise StudyError(
            f"Margin '{one.name}' asks for {one.target_value:.6g} and comes out {misses[worst]:+.1f} standard errors "
            "off.",
            hint="It contradicts the other margins.",
        )


def _newton(
    log_prior: NDArray[np.float64],
    scaled: NDArray[np.float64],
    multipliers: NDArray[np.float64],
    tightness: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Multipliers of ``scaled`` with the penalty ``multipliers^2 / (2 tightness^2)``."""
    slack = 1 / tightness**2
    value, weights = _dual(log_prior, scaled, multipliers, slack)
    for _ in range(_MOST_STEPS):
        mean = weights @ scaled
        gradient = mean + slack * multipliers
        spread = scaled * np.sqrt(weights)[:, None]
        hessian = spread.T @ spread - np.outer(mean, mean) + slack * np.eye(len(mean))
        step = np.linalg.solve(hessian, gradient)
        decrement = float(gradient @ step)
        share = 1.0
        while True:
            trial = multipliers - share * step
            new, trial_weights = _dual(log_prior, scaled, trial, slack)
            if new <= value - _ARMIJO * share * decrement or share < _SHORTEST_STEP:
                break
            share /= 2
        multipliers, value, weights = trial, new, trial_weights
        if decrement < _DECREMENT:
            return weights, multipliers
    raise StudyError(
        f"The weights were not found in {_MOST_STEPS} steps.", hint="Do the margins contradict each other?"
    )


def _dual(
    log_prior: NDArray[np.float64], scaled: NDArray[np.float64], multipliers: NDArray[np.float64], slack: float
) -> tuple[float, NDArray[np.float64]]:
    exponent = log_prior + scaled @ multipliers
    top = float(exponent.max())
    raised = np.exp(exponent - top)
    total = float(raised.sum())
    return top + float(np.log(total)) + 0.5 * slack * float(multipliers @ multipliers), raised / total
