"""How wide the lumen would be, were it healthy.

A robust taper of the whole vessel says which stretches are narrowed; the reference of each is then interpolated
between the healthy lumen next to it on either side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Narrowing", "healthy_taper", "narrowings"]

TUKEY_LOG = 0.35
NARROW_SHARE = 0.85
NORMAL_SHARE = 0.93
HEALTHY_SHARE = (0.87, 1.3)
NEIGHBOUR_MM = 8.0
REACH_MM = 18.0
LEAST_HEALTHY = 5
LEAST_NARROW_MM = 1.0
LEAST_WEIGHT = 1e-6
STEEPEST_PER_MM = 0.02
UNKNOWN_SHARE = 0.1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Narrowing:
    """One narrowed stretch; indices into the sections.

    Parameters
    ----------
    first_index, last_index
        Where it begins and ends.
    narrowest_index
        Where the lumen is narrowest against its reference.
    reference_mm, reference_sd_mm
        Healthy lumen radius there.
    sides_count
        On how many sides healthy lumen was found next to it: 2, 1, or 0, where the taper alone is the reference.
    """

    first_index: int
    last_index: int
    narrowest_index: int
    reference_mm: float
    reference_sd_mm: float
    sides_count: int


def healthy_taper(arc_mm: Floats, radius_mm: Floats, forks_mm: tuple[float, ...]) -> Floats:
    """(n,) the robust taper: the logarithm of the radius falls evenly with length, and in a step at each fork.

    Parameters
    ----------
    arc_mm, radius_mm
        (n,) of the sections that can be judged.
    forks_mm
        Where the calibre may fall in a step.

    Notes
    -----
    Iteratively reweighted least squares with Tukey's biweight on the logarithm, after Shahzad R, et al. Int J
    Cardiovasc Imaging 2013;29:1847-59 (doi:10.1007/s10554-013-0271-1), who weight a kernel regression of the lumen in
    the same way. It starts from the upper half of the points, since disease narrows more often than it widens.
    """
    value = np.log(radius_mm)
    columns = [np.ones(len(arc_mm)), arc_mm - arc_mm[0]]
    for fork in forks_mm:
        beyond = (arc_mm > fork).astype(np.float64)
        if 6 <= beyond.sum() <= len(beyond) - 6:
            columns.append(beyond)
    basis = np.stack(columns, axis=1)
    ridge = np.diag([0.0, 1e-3, *([1.0] * (len(columns) - 2))])
    weight = np.ones(len(value))
    fit = np.full(len(value), np.median(value))
    for turn in range(25):
        if weight.sum() < LEAST_WEIGHT:  # no point lies near the taper: it stays as it was before
            break
        scaled = basis * weight[:, None]
        answer = np.linalg.solve(basis.T @ scaled + ridge, scaled.T @ value)
        answer[1] = float(np.clip(answer[1], -STEEPEST_PER_MM, 0.0))
        rest = value - basis[:, 2:] @ answer[2:] - answer[1] * basis[:, 1]
        answer[0] = np.average(rest, weights=weight + 1e-9)
        fit = basis @ answer
        off = (value - fit) / TUKEY_LOG
        weight = np.clip(1.0 - off**2, 0.0, 1.0) ** 2
        if turn < 8:
            weight = weight * np.where(off < 0, 0.35, 1.0)
    return np.asarray(np.exp(fit))


def narrowings(arc_mm: Floats, radius_mm: Floats, taper_mm: Floats) -> list[Narrowing]:
    """The narrowed stretches, proximal first, each with its reference.

    Parameters
    ----------
    arc_mm, radius_mm, taper_mm
        (n,) of the sections that can be judged.

    Notes
    -----
    The healthy lumen next to a narrowing is compared with the taper, which falls in a step at a fork, so that lumen
    beyond a fork can serve as well.
    """
    share = ndimage.uniform_filter1d(radius_mm / taper_mm, 3, mode="nearest")
    step = float(np.median(np.diff(arc_mm)))
    label, count = ndimage.label(share < NORMAL_SHARE)
    out = []
    for k in range(1, count + 1):
        rows = np.flatnonzero(label == k)
        deep = rows[share[rows] < NARROW_SHARE]
        if len(deep) * step < LEAST_NARROW_MM:
            continue
        first, last = int(rows[0]), int(rows[-1])
        local = _local(arc_mm, share, first, last)
        at = int(rows[np.argmin(share[rows])])
        healthy = float(taper_mm[at])
        sides = len(local.at_mm)
        out.append(Narrowing(first, last, at, healthy * local.at(float(arc_mm[at])), healthy * local.sd_share, sides))
    return out


@dataclass(frozen=True)
class _Local:
    """What the taper is to be multiplied with next to a narrowing."""

    at_mm: tuple[float, ...]
    share: tuple[float, ...]
    sd_share: float

    def at(self, position_mm: float) -> float:
        return float(np.interp(position_mm, self.at_mm, self.share)) if self.at_mm else 1.0


def _local(arc_mm: Floats, share: Floats, first: int, last: int) -> _Local:
    """From the healthy lumen on either side."""
    known = []
    most = round(NEIGHBOUR_MM / max(float(np.median(np.diff(arc_mm))), 0.1))
    for away, edge in ((-1, first), (1, last)):
        distance = (arc_mm - arc_mm[edge]) * away
        near = (distance > 0) & (distance <= REACH_MM) & (share > HEALTHY_SHARE[0]) & (share < HEALTHY_SHARE[1])
        rows = np.flatnonzero(near)
        rows = rows[np.argsort(distance[rows])][:most]
        if len(rows) >= LEAST_HEALTHY:
            known.append((float(np.mean(arc_mm[rows])), float(np.median(share[rows])), float(np.std(share[rows]))))
    if not known:
        return _Local((), (), UNKNOWN_SHARE)
    spread = float(np.mean([k[2] for k in known])) / float(np.sqrt(2.0 * len(known)))
    return _Local(tuple(k[0] for k in known), tuple(k[1] for k in known), spread)
