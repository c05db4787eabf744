"""Which coronary artery a lesion belongs to: by the named arteries of the contrast series, else by where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.core.calcium import ARTERIES

__all__ = ["Named", "by_lines", "by_position"]

LONG_AXIS = (0.62, -0.55, -0.56)
LAD_FROM_DEG, LAD_TO_DEG = -37.0, 37.0
RCA_TO_DEG = 188.0
LEFT_MAIN_MM = 22.0
LEFT_MAIN_DEG = (-65.0, -15.0)
AXIS_BELOW_ROOT_MM = 8.0
SURE_DEG = 25.0
ON_LINE_MM = 6.0


@dataclass(frozen=True)
class Named:
    """An artery and how sure it is.

    Parameters
    ----------
    artery
        LM, LAD, LCX or RCA.
    confidence
        From 0.5 (on a border) to 1.
    distance_mm
        Distance to the line of the artery; None where the place alone decided.
    """

    artery: str
    confidence: float
    distance_mm: float | None = None


def _frame() -> NDArray[np.float64]:
    """(3, 3) rows: towards the apex, up, and to the right of the patient, of an average heart."""
    apex = np.asarray(LONG_AXIS) / np.linalg.norm(LONG_AXIS)
    up = np.array([0.0, 0.0, 1.0]) - apex[2] * apex
    up /= np.linalg.norm(up)
    return np.stack([apex, up, np.cross(apex, up)])


def by_position(point_mm: NDArray[np.float64], root_mm: NDArray[np.float64]) -> Named:
    """The artery whose sector of the heart holds a point.

    Parameters
    ----------
    point_mm, root_mm
        The lesion and the middle of the aortic root, LPS.

    Notes
    -----
    The angle around the long axis of an average heart (to the left, front and below in equal parts) through the aortic
    root: 0 is up, 90 right, 180 below. LAD within 37 degrees of up, the RCA to its right down to 188 degrees, the
    circumflex to its left. Within 22 mm of the middle of the root, behind it and to the left, is the left main.

    Examples
    --------
    >>> by_position(np.array([-45.0, -20.0, -10.0]), np.zeros(3)).artery
    'RCA'
    >>> by_position(np.array([45.0, 25.0, -5.0]), np.zeros(3)).artery
    'LCX'
    """
    apex, up, right = _frame() @ (np.asarray(point_mm) - root_mm)
    angle = float(np.rad2deg(np.arctan2(right, up + AXIS_BELOW_ROOT_MM)))
    near = float(np.linalg.norm(np.asarray(point_mm) - root_mm))
    if near < LEFT_MAIN_MM and apex < 0 and LEFT_MAIN_DEG[0] < angle < LEFT_MAIN_DEG[1]:
        return Named("LM", 0.5 + 0.5 * min((LEFT_MAIN_MM - near) / 10.0, 1.0))
    turned = angle % 360.0
    borders = np.array([LAD_TO_DEG, RCA_TO_DEG, LAD_FROM_DEG % 360.0])
    artery = ("LAD", "RCA", "LCX", "LAD")[int(np.searchsorted(borders, turned))]
    margin = float(np.abs((turned - borders + 180.0) % 360.0 - 180.0).min())
    return Named(artery, 0.5 + 0.5 * min(margin / SURE_DEG, 1.0))


def by_lines(point_mm: NDArray[np.float64], lines_mm: Mapping[str, NDArray[np.float64]]) -> Named | None:
    """The artery whose axis passes nearest to a point; None where none passes within 6 mm.

    Parameters
    ----------
    lines_mm
        By artery (LM, LAD, LCX, RCA): (n, 3) points of its axis and of its side branches, in the space of the point.
    """
    distances = {
        name: float(cKDTree(points).query(point_mm)[0]) for name, points in lines_mm.items() if name in ARTERIES
    }
    ordered = sorted(distances.items(), key=lambda pair: pair[1])
    if not ordered or ordered[0][1] > ON_LINE_MM:
        return None
    second = ordered[1][1] if len(ordered) > 1 else np.inf
    return Named(ordered[0][0], 0.5 + 0.5 * min((second - ordered[0][1]) / 4.0, 1.0), ordered[0][1])
