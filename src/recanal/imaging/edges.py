"""Where a profile falls through a level, to a fraction of a ring."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from recanal.imaging.sections import RING_MM

__all__ = ["circle_fit", "falling_edge", "steady"]


def steady(hu: NDArray[np.float32], *, along_mm: float, step_mm: float, rays: float = 1.0) -> NDArray[np.float32]:
    """Sections smoothed along the vessel, and by ``rays`` around it; the radial direction is left as it is.

    Parameters
    ----------
    hu
        (n, m, r).
    along_mm
        Gaussian width along the vessel.
    step_mm
        Distance between sections.
    """
    out = ndimage.gaussian_filter1d(hu, along_mm / step_mm, axis=0, mode="nearest", truncate=3.0)
    if rays > 0:
        out = ndimage.gaussian_filter1d(out, rays, axis=1, mode="wrap", truncate=3.0)
    return np.asarray(out, dtype=np.float32)


def falling_edge(
    hu: NDArray[np.float32],
    level_hu: ArrayLike,
    *,
    start_mm: float = 0.0,
    limit_mm: float = np.inf,
    after: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """Radius at which each ray first falls below a level, or NaN where it does not before ``limit_mm``.

    Parameters
    ----------
    hu
        (n, m, r) profiles on rings ``RING_MM`` apart.
    level_hu
        Scalar, (n, 1) or (n, m).
    start_mm
        Rings nearer than this are taken as above the level.
    after
        (n, m) ring index up to which each ray is taken as above the level.

    Returns
    -------
    (n, m) radii in mm, linear between rings.
    """
    level = np.broadcast_to(np.asarray(level_hu, dtype=np.float32), hu.shape[:2])
    last = int(min(hu.shape[2] - 1, np.floor(limit_mm / RING_MM))) if np.isfinite(limit_mm) else hu.shape[2] - 1
    below = hu[:, :, : last + 1] < level[:, :, None]
    below[:, :, : max(1, round(start_mm / RING_MM))] = False
    if after is not None:
        below &= np.arange(last + 1) > after[:, :, None]
    found = below.any(axis=2)
    ring = np.where(found, below.argmax(axis=2), 1)
    outside = np.take_along_axis(hu, ring[:, :, None], axis=2)[:, :, 0]
    inside = np.take_along_axis(hu, ring[:, :, None] - 1, axis=2)[:, :, 0]
    share = np.clip((inside - level) / np.maximum(inside - outside, 1e-3), 0.0, 1.0)
    return np.where(found, (ring - 1 + share) * RING_MM, np.nan)


def circle_fit(
    radius_mm: NDArray[np.float64], prior_mm: NDArray[np.float64], *, prior_sd_mm: float, shift_sd_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre shift and radius of the circle through the seen points of each section.

    Parameters
    ----------
    radius_mm
        (n, m) edge radii, NaN where unseen.
    prior_mm
        (n,) expected radius.
    prior_sd_mm, shift_sd_mm
        How firmly the expected radius, and no shift, are believed, against 0.15 mm for one seen point.

    Returns
    -------
    shift
        (n, 2) along normal and binormal.
    radius
        (n,).

    Notes
    -----
    First order of the radius in the shift, r = R + a cos + b sin, by ridge regression with three Huber reweightings.
    """
    n, m = radius_mm.shape
    angle = np.arange(m) * (2 * np.pi / m)
    basis = np.stack([np.ones(m), np.cos(angle), np.sin(angle)], axis=1)
    seen = np.isfinite(radius_mm)
    value = np.where(seen, radius_mm, 0.0) - prior_mm[:, None]
    weight = seen / 0.15**2 / 4.0
    ridge = np.diag([prior_sd_mm**-2, shift_sd_mm**-2, shift_sd_mm**-2])
    found = np.zeros((n, 3))
    for _ in range(4):
        normal = np.einsum("nm,mi,mj->nij", weight, basis, basis) + ridge
        right = np.einsum("nm,mi->ni", weight * np.where(seen, value, 0.0), basis)
        found = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        off = np.abs(np.where(seen, value - found @ basis.T, 0.0))
        weight = seen / 0.15**2 / 4.0 * np.minimum(1.0, 0.25 / np.maximum(off, 1e-6))
    return found[:, 1:], found[:, 0] + prior_mm
