"""Where a profile falls through a level, to a fraction of a ring."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from recanal.imaging.sections import RING_MM

__all__ = ["circle_fit", "falling_edge", "steady"]

SEEN_SD_MM = 0.15
HUBER_MM = 0.25


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
    first = np.full(hu.shape[:2], max(1, round(start_mm / RING_MM)), dtype=np.int64)
    if after is not None:
        first = np.maximum(first, after + 1)
    out = np.empty(hu.shape[:2])
    _fall(hu, level, first, last, out)
    return out


@numba.njit(cache=True, nogil=True)
def _fall(hu, level, first, last, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """The radius of each ray; NaN where it does not fall below its level from ring ``first`` to ring ``last``."""
    least = np.float32(1e-3)
    for n in range(out.shape[0]):
        for m in range(out.shape[1]):
            out[n, m] = np.nan
            for ring in range(first[n, m], last + 1):
                if hu[n, m, ring] < level[n, m]:
                    inside, outside = hu[n, m, ring - 1], hu[n, m, ring]
                    share = (inside - level[n, m]) / max(inside - outside, least)
                    out[n, m] = (ring - 1 + np.float64(min(max(share, np.float32(0.0)), np.float32(1.0)))) * RING_MM
                    break


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
    angle = np.arange(radius_mm.shape[1]) * (2 * np.pi / radius_mm.shape[1])
    turns = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = np.empty((len(radius_mm), 3))
    _fit(
        np.asarray(radius_mm, dtype=np.float64),
        np.asarray(prior_mm, dtype=np.float64),
        turns,
        (prior_sd_mm, shift_sd_mm),
        found,
    )
    return found[:, 1:], found[:, 0] + prior_mm


@numba.njit(cache=True, nogil=True)
def _fit(radius, prior, turns, spreads, found):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """(n, 3) radius over the prior, and shift, of each section."""
    full = 1.0 / SEEN_SD_MM**2 / 4.0
    for n in range(len(radius)):
        r = a = b = 0.0
        for turn in range(4):
            rr, aa, bb = spreads[0] ** -2, spreads[1] ** -2, spreads[1] ** -2
            ra = rb = ab = r0 = a0 = b0 = 0.0
            for m in range(len(turns)):
                value = radius[n, m] - prior[n]
                if not np.isfinite(value):
                    continue
                c, s = turns[m]
                off = abs(value - r - a * c - b * s)
                weight = full if turn == 0 else full * min(1.0, HUBER_MM / max(off, 1e-6))
                rr, ra, rb = rr + weight, ra + weight * c, rb + weight * s
                aa, ab, bb = aa + weight * c * c, ab + weight * c * s, bb + weight * s * s
                r0, a0, b0 = r0 + weight * value, a0 + weight * value * c, b0 + weight * value * s
            p, q, t = aa * bb - ab * ab, rb * ab - ra * bb, ra * ab - rb * aa
            size = rr * p + ra * q + rb * t
            r, a, b = (
                (p * r0 + q * a0 + t * b0) / size,
                (q * r0 + (rr * bb - rb * rb) * a0 + (ra * rb - rr * ab) * b0) / size,
                (t * r0 + (ra * rb - rr * ab) * a0 + (rr * aa - ra * ra) * b0) / size,
            )
        found[n, 0], found[n, 1], found[n, 2] = r, a, b
