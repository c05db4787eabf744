"""Where calcium ends towards the outer wall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from recanal.imaging.edges import falling_edge
from recanal.imaging.sections import RING_MM

__all__ = ["hard_edge", "sheet_growth"]

SOFT_HU = 75.0
FAT_HU = (-140.0, 0.0)
MOST_SIGMAS = 6.0


def sheet_growth(half_width: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a blurred sheet shows its border, at half its peak, outside the true one.

    Parameters
    ----------
    half_width
        Half the width at half the peak, as seen; in units of the point spread, as is the answer.

    Notes
    -----
    A sheet of thickness t blurred by a Gaussian is the difference of two normal distribution functions.

    >>> bool(sheet_growth(np.array([3.0]))[0] < 0.01)
    True
    """
    thickness = np.arange(0.05, 2 * MOST_SIGMAS, 0.05)
    place = np.arange(0.0, MOST_SIGMAS + 2.0, 0.01)
    shown = ndtr(place + thickness[:, None] / 2) - ndtr(place - thickness[:, None] / 2)
    seen = place[(shown < shown[:, :1] / 2).argmax(axis=1)]
    return np.asarray(np.interp(half_width, seen, seen - thickness / 2))


def hard_edge(
    hu: NDArray[np.float32],
    edge_mm: NDArray[np.float64],
    beyond_hu: NDArray[np.float64],
    *,
    sigma_mm: float,
    limit_mm: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Radius at which the calcium on each ray ends, as seen; how far blur has moved that edge outward; true thickness.

    Parameters
    ----------
    hu
        (n, m, r) sections.
    edge_mm, beyond_hu
        (n, m) where each ray falls to fat, and what lies beyond.
    sigma_mm
        Point spread.
    limit_mm
        Largest radius looked at.

    Notes
    -----
    The edge is the last fall below half way from the brightest cell to what lies outside. A sheet thinner than the
    blur shows it too far out; how far follows from the width at which it is seen.
    """
    ring = np.arange(hu.shape[2])
    within = ring * RING_MM <= np.nan_to_num(edge_mm, nan=0.0)[:, :, None]
    inside = np.where(within, hu, -1024.0)
    top, at = inside.max(axis=2), inside.argmax(axis=2)
    half = (top + np.clip(beyond_hu, *FAT_HU)) / 2
    outer = falling_edge(hu, half, start_mm=0.0, limit_mm=limit_mm, after=at)
    before = (hu < ((top + SOFT_HU) / 2)[:, :, None]) & (ring < at[:, :, None])
    inner = np.where(before.any(axis=2), len(ring) - 0.5 - before[:, :, ::-1].argmax(axis=2), 0.0) * RING_MM
    known = (inner > 0) & np.isfinite(outer)
    width = np.where(known, outer - inner, 0.0)
    growth = np.where(known, sheet_growth(width / (2 * sigma_mm)) * sigma_mm, 0.0)
    growth = np.maximum(growth, 0.0)
    return outer, growth, np.where(np.isfinite(outer), outer - inner - 2 * growth, 0.0)
