"""What a scanner shows of a round vessel, and so where its borders really are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chndtr

__all__ = ["EdgeModel", "VesselShape", "blurred_disc", "profile_hu"]


def blurred_disc(radius_mm: ArrayLike, disc_mm: ArrayLike, sigma_mm: float) -> NDArray[np.float64]:
    """A unit disc blurred by a Gaussian, as a function of the distance from its centre.

    Parameters
    ----------
    radius_mm
        Distances from the centre.
    disc_mm
        Radius of the disc, broadcast against ``radius_mm``.
    sigma_mm
        Width of the Gaussian.

    Notes
    -----
    The probability that a Rice-distributed distance stays below the disc radius: the noncentral chi-squared
    distribution with two degrees of freedom.

    >>> float(blurred_disc(0.0, 1.0, 0.5).round(4))
    0.8647
    """
    distance = np.asarray(radius_mm, dtype=np.float64) / sigma_mm
    disc = np.asarray(disc_mm, dtype=np.float64) / sigma_mm
    return np.asarray(chndtr(disc**2, 2.0, distance**2))


@dataclass(frozen=True)
class VesselShape:
    """A round open vessel: lumen of ``core_hu`` as seen near its axis, wall, and what lies outside."""

    core_hu: float
    wall_hu: float
    outside_hu: float
    wall_mm: float
    sigma_mm: float


_CORE_RINGS = np.array([0.0, 0.1, 0.2])
_CORE_WEIGHT = np.array([0.025, 0.1, 0.2]) / 0.325


def _true_lumen_hu(shape: VesselShape, lumen_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The lumen level that, blurred, shows ``core_hu`` over the core."""
    weight = _CORE_WEIGHT
    inner = (blurred_disc(_CORE_RINGS, lumen_mm[:, None], shape.sigma_mm) * weight).sum(axis=1)
    outer = (blurred_disc(_CORE_RINGS, lumen_mm[:, None] + shape.wall_mm, shape.sigma_mm) * weight).sum(axis=1)
    rest = shape.outside_hu + (shape.wall_hu - shape.outside_hu) * outer
    return np.asarray(shape.wall_hu + (shape.core_hu - rest) / np.maximum(inner, 0.2))


def profile_hu(shape: VesselShape, lumen_mm: NDArray[np.float64], radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, r) Hounsfield units at ``radii_mm`` for each of the k lumen radii."""
    level = _true_lumen_hu(shape, lumen_mm)[:, None]
    inner = blurred_disc(radii_mm[None, :], lumen_mm[:, None], shape.sigma_mm)
    outer = blurred_disc(radii_mm[None, :], lumen_mm[:, None] + shape.wall_mm, shape.sigma_mm)
    return np.asarray(shape.outside_hu + (shape.wall_hu - shape.outside_hu) * outer + (level - shape.wall_hu) * inner)


def _fall(profiles: NDArray[np.float64], radii: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Radius at which each profile first falls below a level; the last radius where it never does."""
    below = profiles < level
    ring = np.where(below.any(axis=1), below.argmax(axis=1), len(radii) - 1)
    ring = np.maximum(ring, 1)
    row = np.arange(len(profiles))
    a, b = profiles[row, ring - 1], profiles[row, ring]
    share = np.clip((a - level) / np.maximum(a - b, 1e-6), 0.0, 1.0)
    return np.asarray(radii[ring - 1] + share * (radii[ring] - radii[ring - 1]))


@dataclass(frozen=True, eq=False)
class EdgeModel:
    """True radii from where a profile crosses half-way levels, for one contrast and one point-spread function.

    Parameters
    ----------
    core_hu
        Lumen level as seen near the axis.
    wall_hu, wall_mm
        Wall level and thickness.
    sigma_mm
        Point spread across the vessel.
    """

    core_hu: float
    wall_hu: float
    wall_mm: float
    sigma_mm: float

    @property
    def half_hu(self) -> float:
        """The level half way from lumen to wall."""
        return (self.core_hu + self.wall_hu) / 2

    def lumen_mm(self, crossing_mm: NDArray[np.float64], outside_hu: NDArray[np.float64]) -> NDArray[np.float64]:
        """True lumen radii from the radii where the profile crosses ``half_hu``.

        Parameters
        ----------
        crossing_mm, outside_hu
            Same shape: crossing radius and the level beyond the wall, per ray.
        """
        truth = np.arange(0.3, 4.01, 0.15)
        levels = np.array([-120.0, -60.0, 0.0, 60.0, 120.0])
        radii = np.arange(0.0, 5.0, 0.1)
        table = []
        for outside in levels:
            shape = VesselShape(self.core_hu, self.wall_hu, float(outside), self.wall_mm, self.sigma_mm)
            crossing = _fall(profile_hu(shape, truth, radii), radii, self.half_hu)
            grown = np.maximum.accumulate(crossing + 1e-6 * np.arange(len(crossing)))
            table.append(np.interp(crossing_mm, grown, truth))
        stack = np.stack(table)
        place = np.clip((np.asarray(outside_hu) - levels[0]) / 60.0, 0.0, len(levels) - 1.001)
        low = place.astype(int)
        part = place - low
        lower = np.take_along_axis(stack, low[None], axis=0)[0]
        upper = np.take_along_axis(stack, low[None] + 1, axis=0)[0]
        return np.asarray(lower + part * (upper - lower))

    @classmethod
    def fitted(
        cls,
        profile: NDArray[np.float64],
        radii_mm: NDArray[np.float64],
        *,
        crossing_mm: float,
        core_hu: float,
        wall_hu: float,
    ) -> EdgeModel:
        """Point spread and wall thickness that best explain a mean radial profile towards fat.

        Parameters
        ----------
        profile, radii_mm
            (r,) mean profile, its rays aligned so that they cross half-way at ``crossing_mm``.
        """
        outside = float(np.min(profile))
        near = (radii_mm > crossing_mm - 0.9) & (radii_mm < crossing_mm + 0.9)
        truth = crossing_mm + np.linspace(-0.3, 0.4, 8)
        best, answer = np.inf, cls(core_hu, wall_hu, 0.45, 0.45)
        for sigma in np.arange(0.22, 0.95, 0.04):
            for wall in np.arange(0.25, 0.75, 0.1):
                shape = VesselShape(core_hu, wall_hu, outside, float(wall), float(sigma))
                shown = profile_hu(shape, truth, radii_mm[near])
                lumen = np.interp(crossing_mm, _fall(shown, radii_mm[near], (core_hu + wall_hu) / 2), truth)
                off = profile_hu(shape, np.array([lumen]), radii_mm[near])[0] - profile[near]
                cost = float((off**2).mean()) / 15.0**2 + ((wall - 0.45) / 0.12) ** 2
                if cost < best:
                    best, answer = cost, cls(core_hu, wall_hu, float(wall), float(sigma))
        return answer
