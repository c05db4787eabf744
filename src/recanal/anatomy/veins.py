"""Stretches of a way that carry other blood than the artery they leave: veins that keep it company."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.anatomy.jumps import STEP_MM, Profile

__all__ = ["Dim", "dim_stretches", "runs_beside"]

FAT_HU = -90.0
LEAST_RADIUS_MM = 0.85
DIM_SHARE = 0.72
OVER_MM = 6.0
LEAST_MM = 8.0
LEAST_REST_MM = 6.0
DECAY_HU_PER_MM = 1.5
LEAST_SHARE = 0.72
LAG_MM = 4.0
PLAQUE_MM = (40.0, 3.0)
PLAQUE_SHARE = (0.7, 1.4)
BESIDE_MM = 8.5
PARALLEL = 0.75
LEAST_BESIDE = 0.55


@dataclass(frozen=True, eq=False)
class Dim:
    """A stretch of a profile that is wide and yet much darker than what leads to it.

    Parameters
    ----------
    first, last
        Its samples.
    """

    first: int
    last: int


def dim_stretches(profile: Profile, level_hu: float) -> list[Dim]:
    """Wide stretches, on to the tip, whose contrast over fat is below 72 % of that of the open vessel before them.

    Parameters
    ----------
    level_hu
        The level of the vessel that the way begins in.
    """
    hu, wide = profile.hu, profile.radius_mm >= LEAST_RADIUS_MM
    smooth = ndimage.median_filter(hu, round(OVER_MM / STEP_MM), mode="nearest")
    expected = np.empty_like(smooth)
    best = most = level_hu
    for k, value in enumerate(smooth):
        best = max(best - DECAY_HU_PER_MM * STEP_MM, LEAST_SHARE * most)
        best = max(best, value) if wide[k] else best
        most = max(most, best)
        expected[k] = best
    dim = wide & ((smooth - FAT_HU) < DIM_SHARE * (expected - FAT_HU))
    dim = ndimage.binary_closing(np.pad(dim, 40), iterations=round(2.0 / STEP_MM))[40:-40]
    label, count = ndimage.label(dim)
    out = []
    for k in range(1, count + 1):
        inside = np.flatnonzero(label == k)
        rest = len(hu) - 1 - inside[-1]
        if len(inside) * STEP_MM < LEAST_MM or rest * STEP_MM >= LEAST_REST_MM:
            continue
        if not _after_plaque(hu[inside]):
            out.append(Dim(int(inside[0]), int(inside[-1])))
    return out


def _after_plaque(hu: NDArray[np.float64]) -> bool:
    """Whether a stretch begins much darker, or much brighter, than it goes on: plaque, and then a vessel that fills."""
    level = float(np.median(hu[len(hu) // 2 :])) - FAT_HU
    first = hu[round(LAG_MM / STEP_MM) : round(PLAQUE_MM[0] / STEP_MM)] - FAT_HU
    odd = (first < PLAQUE_SHARE[0] * level) | (first > PLAQUE_SHARE[1] * level)
    return bool(odd.sum() * STEP_MM >= PLAQUE_MM[1])


def runs_beside(points_mm: NDArray[np.float64], others_mm: list[NDArray[np.float64]]) -> bool:
    """Whether a curve keeps within 8.5 mm of another vessel, and runs along it, over more than half of its length."""
    tangent = np.gradient(points_mm, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    for other in others_mm:
        if len(other) < 4:
            continue
        far, near = cKDTree(other).query(points_mm)
        along = np.gradient(other, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        cosine = np.abs((tangent * along[near]).sum(axis=1))
        if float(((far < BESIDE_MM) & (far > 1.5) & (cosine > PARALLEL)).mean()) > LEAST_BESIDE:
            return True
    return False
