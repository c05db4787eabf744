"""Which coronary artery a lesion belongs to: by the named arteries of the contrast series, else by where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from recanal.core.calcium import ARTERIES

__all__ = ["ON_LINE_MM", "Named", "by_lines", "by_position", "division_of", "parts_by_lines"]

LONG_AXIS = (0.62, -0.55, -0.56)
LAD_FROM_DEG, LAD_TO_DEG = -37.0, 37.0
RCA_TO_DEG = 188.0
LEFT_MAIN_MM = 24.5
LEFT_MAIN_DEG = (-65.0, -28.0)
LEFT_MAIN_APEX_MM = 5.0
AXIS_BELOW_ROOT_MM = 8.0
SURE_DEG = 25.0
ON_LINE_MM = 6.0
SURE_MM = 4.0
NEAR_EQUAL_MM = 1.0
NEAR_EQUAL_DEG = 5.0
DIVISION_MM = 5.0
DIVISION_REACH_MM = 15.0
LEFT = ("LM", "LAD", "LCX")


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
    rivals
        Two arteries whose claims are nearly equal, this one first; empty where there are none.
    at_division
        Whether it lies where the left main divides, so that it may be of the LM, the LAD or the LCX.
    """

    artery: str
    confidence: float
    distance_mm: float | None = None
    rivals: tuple[str, ...] = ()
    at_division: bool = False


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
    circumflex to its left. Within 24.5 mm of the middle of the root, 28 to 65 degrees to the left of up and not towards
    the apex, is the left main.

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
    behind = bool(apex < LEFT_MAIN_APEX_MM and LEFT_MAIN_DEG[0] < angle < LEFT_MAIN_DEG[1])
    divides = behind and abs(near - LEFT_MAIN_MM) <= DIVISION_MM
    if behind and near < LEFT_MAIN_MM:
        return Named("LM", 0.5 + 0.5 * min((LEFT_MAIN_MM - near) / 10.0, 1.0), at_division=divides)
    borders = np.array([LAD_TO_DEG, RCA_TO_DEG, LAD_FROM_DEG % 360.0])
    sector = int(np.searchsorted(borders, angle % 360.0))
    artery = ("LAD", "RCA", "LCX", "LAD")[sector]
    gaps = np.abs((angle - borders + 180.0) % 360.0 - 180.0)
    margin, nearest = float(gaps.min()), int(np.argmin(gaps))
    pair = (("LAD", "RCA"), ("RCA", "LCX"), ("LCX", "LAD"))[nearest]
    rivals = (artery, *(name for name in pair if name != artery)) if margin < NEAR_EQUAL_DEG else ()
    left = bool(rivals) and set(rivals) <= set(LEFT) and near < LEFT_MAIN_MM + DIVISION_REACH_MM
    return Named(artery, 0.5 + 0.5 * min(margin / SURE_DEG, 1.0), rivals=rivals, at_division=divides or left)


def division_of(lines_mm: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64] | None:
    """Where the left main divides: the point of the LM nearest to the LAD and the LCX together.

    Without a left main, half way between the LAD and the LCX where they are nearest to each other; None without both.

    >>> fork = {"LM": np.array([[0.0, 0, 0], [5, 0, 0]]), "LAD": np.array([[6.0, 1, 0]])}
    >>> division_of(fork)
    array([5., 0., 0.])
    """
    lad, lcx = lines_mm.get("LAD", np.zeros((0, 3))), lines_mm.get("LCX", np.zeros((0, 3)))
    main = lines_mm.get("LM", np.zeros((0, 3)))
    if len(main):
        both = [cKDTree(points).query(main)[0] for points in (lad, lcx) if len(points)]
        return np.asarray(main[int(np.argmin(np.sum(both, axis=0)))], dtype=np.float64) if both else None
    if not len(lad) or not len(lcx):
        return None
    gaps, other = cKDTree(lcx).query(lad)
    best = int(np.argmin(gaps))
    return np.asarray(0.5 * (lad[best] + lcx[other[best]]), dtype=np.float64)


def by_lines(point_mm: NDArray[np.float64], lines_mm: Mapping[str, NDArray[np.float64]]) -> Named | None:
    """The artery whose axis passes nearest to a point; None where none passes within 6 mm.

    Parameters
    ----------
    lines_mm
        By artery (LM, LAD, LCX, RCA): (n, 3) points of its axis and of its side branches, in the space of the point.
    """
    distances = {
        name: float(cKDTree(points).query(point_mm)[0])
        for name, points in lines_mm.items()
        if name in ARTERIES and len(points)
    }
    ordered = sorted(distances.items(), key=lambda pair: pair[1])
    if not ordered or ordered[0][1] > ON_LINE_MM:
        return None
    artery, first_mm = ordered[0]
    apart_mm = ordered[1][1] - first_mm if len(ordered) > 1 else np.inf
    rivals = (artery, ordered[1][0]) if apart_mm < NEAR_EQUAL_MM else ()
    division = division_of(lines_mm)
    away_mm = np.inf if division is None else float(np.linalg.norm(np.asarray(point_mm) - division))
    left = bool(rivals) and set(rivals) <= set(LEFT) and away_mm <= DIVISION_REACH_MM
    at_division = artery in LEFT and (away_mm <= DIVISION_MM or left)
    return Named(artery, 0.5 + 0.5 * min(apart_mm / SURE_MM, 1.0), first_mm, rivals, at_division)


def parts_by_lines(
    points_mm: NDArray[np.float64], slices: NDArray[np.intp], lines_mm: Mapping[str, NDArray[np.float64]]
) -> list[tuple[NDArray[np.bool_], Named]]:
    """A group of voxels shared out among the arteries along which it lies, slice by slice.

    Parameters
    ----------
    points_mm
        (n, 3) voxels of the group.
    slices
        (n,) the slice of each.
    lines_mm
        As for :func:`by_lines`.

    Returns
    -------
    Which voxels belong together, and their artery; together they are the whole group, or nothing where no slice of it
    lies within 6 mm of an artery. No spot of a slice is cut, so that sharing out does not change the total score.

    Notes
    -----
    Calcium that runs from the left main into a branch is thus divided where the branches begin.
    """
    names = np.full(len(slices), "", dtype="U8")
    for k in np.unique(slices):
        here = slices == k
        found = by_lines(points_mm[here].mean(axis=0), lines_mm)
        names[here] = "" if found is None else found.artery
    if not (names != "").any():
        return []
    there, count = np.unique(names[names != ""], return_counts=True)
    names[names == ""] = there[int(np.argmax(count))]
    parts = []
    for artery in (str(name) for name in np.unique(names)):
        mine = names == artery
        found = by_lines(points_mm[mine].mean(axis=0), lines_mm)
        sure = found if found is not None and found.artery == artery else Named(artery, 0.5)
        parts.append((mine, sure))
    return parts
