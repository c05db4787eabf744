"""The aorta without contrast: circles of soft tissue, linked from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.calcium.chest import GRID_MM, Chest

__all__ = ["Chain", "GreatVessels", "find_great_vessels"]

RADIUS_MM = (9.0, 24.0)
MOST_SHIFT_MM = 4.5
MOST_GROWTH_MM = 3.0
LEAST_HEIGHT_MM = 14.0
STEADY_MM = 1.5
WIDER_MM = 1.5
BEHIND_MM = 25.0
TOP_MM = 12.0
LEAST_ASCENDING_MM = 10.5
FAR_MM = 70.0
ROOT_BELOW_MM = 14.0


@dataclass(frozen=True, eq=False)
class Chain:
    """Circles one above the other, rising.

    Parameters
    ----------
    centre_mm
        (n, 3) LPS, every 2 mm in height.
    radius_mm
        (n,).
    """

    centre_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]

    @property
    def height_mm(self) -> float:
        """From the lowest to the highest circle."""
        return float(np.ptp(self.centre_mm[:, 2]))

    def wall_mm(self, points_mm: NDArray[np.float64], *, beyond_mm: float = 4.0) -> NDArray[np.float64]:
        """Distance of (n, 3) points from the wall, negative inside; infinite more than ``beyond_mm`` above or below."""
        z = self.centre_mm[:, 2]
        at = [np.interp(points_mm[:, 2], z, self.centre_mm[:, k]) for k in (0, 1)]
        across = np.hypot(points_mm[:, 0] - at[0], points_mm[:, 1] - at[1])
        wall = across - np.interp(points_mm[:, 2], z, self.radius_mm)
        outside = (points_mm[:, 2] < z[0] - beyond_mm) | (points_mm[:, 2] > z[-1] + beyond_mm)
        return np.where(outside, np.inf, wall)


@dataclass(frozen=True, eq=False)
class GreatVessels:
    """The ascending and the descending aorta, None where they were not found."""

    ascending: Chain | None
    descending: Chain | None

    @property
    def root_mm(self) -> NDArray[np.float64] | None:
        """Middle of the aortic root: 14 mm below the lowest circle of the ascending aorta, along its course."""
        if self.ascending is None:
            return None
        centre = self.ascending.centre_mm
        low = centre[: max(2, int(12 / GRID_MM))]
        slope = (low[-1] - low[0]) / max(float(low[-1, 2] - low[0, 2]), GRID_MM)
        return np.asarray(low[0] - ROOT_BELOW_MM * slope, dtype=np.float64)


def _circles(chest: Chest) -> list[NDArray[np.float64]]:
    """Per height: (m, 3) x, y and radius of the largest circles that fit into soft tissue."""
    found = []
    lowest = RADIUS_MM[0] / GRID_MM
    for plane in chest.soft:
        fine = ndimage.zoom(plane.astype(np.float32), 2, order=1) > 0.5
        depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(fine) / 2, 1.0)
        peak = (depth == ndimage.maximum_filter(depth, 7)) & (depth > 0.9 * lowest) & (depth < RADIUS_MM[1] / GRID_MM)
        rows, columns = np.nonzero(peak)
        scale = [(n - 1) / (2 * n - 1) for n in plane.shape]
        found.append(np.stack([columns * scale[1], rows * scale[0], depth[rows, columns] * GRID_MM], axis=1))
    return found


def _chains(chest: Chest) -> list[Chain]:
    """Circles linked upwards to the nearest one of similar size."""
    levels, open_chains, done = _circles(chest), list[list[NDArray[np.float64]]](), list[Chain]()
    for k, circles in enumerate(levels):
        index = np.stack([np.full(len(circles), float(k)), circles[:, 1], circles[:, 0]], axis=1)
        here = np.column_stack([chest.affine.to_mm(index), circles[:, 2]]) if len(circles) else np.zeros((0, 4))
        taken, kept = set[int](), list[list[NDArray[np.float64]]]()
        for chain in sorted(open_chains, key=len, reverse=True):
            last = chain[-1]
            gap = np.hypot(here[:, 0] - last[0], here[:, 1] - last[1])
            gap = np.where(np.abs(here[:, 3] - last[3]) > MOST_GROWTH_MM, np.inf, gap)
            gap[list(taken)] = np.inf
            best = int(np.argmin(gap)) if len(gap) else -1
            if best >= 0 and gap[best] <= MOST_SHIFT_MM:
                taken.add(best)
                kept.append([*chain, here[best]])
            else:
                done += _closed(chain)
        open_chains = kept + [[row] for n, row in enumerate(here) if n not in taken]
    return done + [chain for item in open_chains for chain in _closed(item)]


def _closed(chain: list[NDArray[np.float64]]) -> list[Chain]:
    rows = np.stack(chain)
    if np.ptp(rows[:, 2]) < LEAST_HEIGHT_MM:
        return []
    smooth = ndimage.gaussian_filter1d(rows, 1.5, axis=0, mode="nearest")
    smooth[:, 2] = rows[:, 2]
    return [Chain(smooth[:, :3], smooth[:, 3])]


def _upper(chain: Chain) -> Chain:
    """The chain above the place where it widens into the heart."""
    wide = np.flatnonzero(chain.radius_mm > np.median(chain.radius_mm) + WIDER_MM)
    first = int(wide[-1]) + 1 if len(wide) and wide[-1] < 0.6 * len(chain.radius_mm) else 0
    return Chain(chain.centre_mm[first:], chain.radius_mm[first:])


def _descending(chest: Chest, chains: list[Chain]) -> Chain | None:
    behind = [
        chain
        for chain in chains
        if chain.centre_mm[:, 1].mean() > chest.heart_mm[1] + BEHIND_MM and chain.radius_mm.std() < STEADY_MM
    ]
    reach = [chain for chain in behind if chain.height_mm > 0.5 * GRID_MM * len(chest.hu)]
    return max(reach or behind, key=lambda chain: chain.height_mm, default=None)


def _ascending(chest: Chest, chains: list[Chain], descending: Chain | None) -> Chain | None:
    top = chest.affine.matrix[2, 3] + GRID_MM * (len(chest.hu) - 1)
    left_of = np.inf if descending is None else descending.centre_mm[-1, 0]
    found = [
        chain
        for chain in (_upper(chain) for chain in chains if chain is not descending)
        if chain.height_mm > LEAST_HEIGHT_MM / 2
        and chain.centre_mm[-1, 2] > top - TOP_MM
        and chain.radius_mm.mean() > LEAST_ASCENDING_MM
        and chain.radius_mm.std() < STEADY_MM
        and chain.centre_mm[-1, 0] < left_of
        and np.hypot(*(chain.centre_mm[-1, :2] - chest.heart_mm[:2])) < FAR_MM
    ]

    def stands(chain: Chain) -> float:
        drift = float(np.hypot(*(chain.centre_mm[-1, :2] - chain.centre_mm[0, :2])))
        return float(chain.radius_mm.mean()) - 0.25 * drift

    return max(found, key=stands, default=None)


def find_great_vessels(chest: Chest) -> GreatVessels:
    """Ascending and descending aorta of a non-contrast scan.

    Notes
    -----
    The descending aorta is the tallest chain of steady radius at least 25 mm behind the middle of the heart. The
    ascending one is the widest and most upright chain of steady radius that reaches the upper end of the scan to the
    right of the descending one: the superior vena cava is narrower, the pulmonary trunk leans to the left.
    """
    chains = _chains(chest)
    descending = _descending(chest, chains)
    return GreatVessels(_ascending(chest, chains, descending), descending)
