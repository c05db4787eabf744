"""Columns drawn from margins and tied by latent normal variables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from recanal.errors import StudyError

__all__ = ["drawn_cells", "latent_normals", "paired_by_rank", "shares_of_latent", "skewed_of_latent", "whole_numbers"]

Numbers = NDArray[np.float64]


def drawn_cells(weights: Numbers, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows drawn with replacement in proportion to their weights."""
    drawn: NDArray[np.intp] = rng.choice(len(weights), size=count, p=weights / weights.sum()).astype(np.intp)
    return drawn


def latent_normals(
    names: tuple[str, ...], parents: Mapping[str, tuple[str, float]], count: int, rng: np.random.Generator
) -> dict[str, Numbers]:
    """Standard normal columns, each tied to at most one parent: a Gaussian copula in the shape of a tree.

    Parameters
    ----------
    names
        Of the columns.
    parents
        Parent and correlation of a column; the others are free.
    count
        Rows.
    rng
        Random generator.

    Raises
    ------
    StudyError
        When a parent is unknown or its tie goes in a circle.

    Examples
    --------
    >>> found = latent_normals(("a", "b"), {"b": ("a", 0.8)}, 4000, np.random.default_rng(1))
    >>> round(float(np.corrcoef(found["a"], found["b"])[0, 1]), 1)
    0.8
    """
    out: dict[str, Numbers] = {}
    waiting = list(names)
    while waiting:
        ready = [name for name in waiting if name not in parents or parents[name][0] in out]
        if not ready:
            raise StudyError(f"The ties of {', '.join(waiting)} go in a circle or to an unknown column.")
        for name in ready:
            noise = rng.standard_normal(count)
            if name in parents:
                parent, tie = parents[name]
                noise = tie * out[parent] + np.sqrt(1 - tie * tie) * noise
            out[name] = noise
        waiting = [name for name in waiting if name not in out]
    return out


def shares_of_latent(latent: Numbers, share: Numbers) -> NDArray[np.int64]:
    """1 with the probability ``share`` (n,), and more likely the higher the latent; 0 else.

    Raises
    ------
    StudyError
        When a share lies outside 0 to 1.
    """
    if np.any((share < 0) | (share > 1)):
        raise StudyError(f"A share lies from 0 to 1, got {share.min():g} to {share.max():g}.")
    return np.asarray(latent > ndtri(1 - share), dtype=np.int64)


def skewed_of_latent(latent: Numbers, mean: Numbers, sd: Numbers, *, skewed: bool) -> Numbers:
    """Values with mean and standard deviation of (n,): normal, or log-normal where ``skewed``."""
    if not skewed:
        return np.asarray(mean + sd * latent)
    spread = np.sqrt(np.log1p((sd / mean) ** 2))
    return np.asarray(np.exp(np.log(mean) - spread**2 / 2 + spread * latent))


def whole_numbers(mean_value: float, sd_value: float, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Whole numbers from 1 with a mean and a standard deviation: a gamma variable, rounded.

    Rounding adds 1/12 to a variance, which is taken off before.
    """
    variance = sd_value * sd_value - 1 / 12
    shape = (mean_value - 1) ** 2 / variance
    drawn = rng.gamma(shape, variance / (mean_value - 1), count)
    return np.asarray(np.rint(drawn) + 1, dtype=np.int64)


def paired_by_rank(first: Numbers, second: Numbers, correlation: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """For each of ``first`` a place in ``second``, so that the ranks of the two are correlated; each is used once.

    Iman RL, Conover WJ. Commun Stat Simul Comput 1982;11:311-334.

    Examples
    --------
    >>> paired_by_rank(np.array([3.0, 1.0, 2.0]), np.array([10.0, 30.0, 20.0]), 1.0, np.random.default_rng(0)).tolist()
    [1, 0, 2]
    """
    scores = ndtri((rankdata(first, method="ordinal") - 0.5) / len(first))
    noisy = correlation * scores + np.sqrt(1 - correlation * correlation) * rng.standard_normal(len(first))
    out = np.empty(len(first), dtype=np.intp)
    out[np.argsort(noisy, kind="stable")] = np.argsort(second, kind="stable")
    return out
