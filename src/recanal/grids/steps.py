"""Table positions that do not meet: where a scan is stepped, and vessels with it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.volume import Affine

__all__ = ["near_steps", "step_levels_mm"]

CLIP_HU = (-150.0, 500.0)
NEIGHBOURS = 9
SIGMAS = 6.0
LEAST_SHARE = 0.5
AXIAL = 0.99


def step_levels_mm(hu: NDArray[np.float32], affine: Affine) -> NDArray[np.float64]:
    """(n,) z of the places where neighbouring slices differ far more than those around them; none for tilted slices.

    Parameters
    ----------
    hu, affine
        The picture, well thinned; its first axis runs from slice to slice.
    """
    along = affine.matrix[:3, 0] / np.linalg.norm(affine.matrix[:3, 0])
    if abs(along[2]) < AXIAL or hu.shape[0] <= NEIGHBOURS:
        return np.empty(0)
    part = np.clip(hu[:, ::2, ::2], *CLIP_HU)
    differ = np.array([float(np.abs(b - a).mean()) for a, b in pairwise(part)])
    usual = ndimage.median_filter(differ, NEIGHBOURS, mode="nearest")
    above = differ - usual
    spread = 1.4826 * float(np.median(np.abs(above - np.median(above))))
    found = np.flatnonzero(above > np.maximum(SIGMAS * spread, LEAST_SHARE * usual))
    where = np.zeros((len(found), 3))
    where[:, 0] = found + 0.5
    return np.asarray(affine.to_mm(where)[:, 2]) if len(found) else np.empty(0)


def near_steps(z_mm: NDArray[np.float64], levels_mm: NDArray[np.float64], *, within_mm: float) -> NDArray[np.bool_]:
    """(n,) whether places lie near one of some levels."""
    return np.asarray((np.abs(np.subtract.outer(z_mm, levels_mm)) <= within_mm).any(axis=1))
