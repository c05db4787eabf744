"""The ascending aorta: circles in axial slices, linked through the slices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.coarse import COARSE_MM, Coarse
from recanal.grids.smoothing import smoothed

__all__ = ["Aorta", "find_aorta", "find_aortas"]

RADIUS_MM = (9.0, 24.0)
RAY_STEPS = math.ceil(4 * 1.4 * RADIUS_MM[1] / COARSE_MM)
_ANGLES = np.arange(32) * (2 * np.pi / 32)
TURNS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
TURNS.setflags(write=False)
LEAST_ROUND = 0.6
MOST_SHIFT_MM = 5.0
MOST_GROWTH_MM = 3.5
LEAST_CHAIN_MM = 16.0
LEAST_APART_MM = 25.0
MOST_MISSING = 2
CONTRAST_SPREAD = 0.1
STEADY_MM = 2.0
ENOUGH_MM = 40.0
FULL_RADIUS_MM = 13.0
LEVELS = (0.6, 0.75, 0.88)
MOST_LED_MM = 24.0
LED_SHIFT_MM = 3.0
LEAST_LIKELY = 0.3
MOST_TRIED = 2
BEHIND = 1.5


@dataclass(frozen=True, eq=False)
class Aorta:
    """A great vessel as a chain of circles, from the heart upwards.

    Parameters
    ----------
    centre_mm
        (n, 3) centres every 2 mm in z, rising.
    radius_mm
        (n,) radii.
    hu
        Median level inside.
    """

    centre_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    hu: float

    @property
    def length_mm(self) -> float:
        """Height from the first to the last circle."""
        return float(np.ptp(self.centre_mm[:, 2]))


@numba.njit(cache=True, nogil=True)
def _rays(plane, centre, level_hu, turns, far):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Distances from a centre at which the plane falls below a level, in steps of a quarter of the grid."""
    na, nb = plane.shape
    level = np.float32(level_hu)
    for n in range(len(far)):
        far[n] = 0.25 * (RAY_STEPS - 1)
        for step in range(RAY_STEPS):
            a = min(max(centre[0] + 0.25 * step * turns[n, 0], 0.0), na - 1.0)
            b = min(max(centre[1] + 0.25 * step * turns[n, 1], 0.0), nb - 1.0)
            i, j = min(int(a), na - 2), min(int(b), nb - 2)
            u, v = a - i, b - j
            upper = plane[i, j] * (1.0 - v) + plane[i, j + 1] * v
            lower = plane[i + 1, j] * (1.0 - v) + plane[i + 1, j + 1] * v
            if np.float32(upper * (1.0 - u) + lower * u) < level:
                far[n] = 0.25 * step
                break


@numba.njit(cache=True, nogil=True)
def _fitted(edge, keep):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Centre of the circle that fits some points best, by least squares on their mean-free places."""
    middle = np.zeros(2)
    for n in np.flatnonzero(keep):
        middle += edge[n]
    middle /= keep.sum()
    xx = xy = yy = xz = yz = 0.0
    for n in np.flatnonzero(keep):
        x, y = edge[n, 0] - middle[0], edge[n, 1] - middle[1]
        z = x * x + y * y
        xx, xy, yy, xz, yz = xx + x * x, xy + x * y, yy + y * y, xz + x * z, yz + y * z
    size = xx * yy - xy * xy
    if size <= 1e-9 * xx * yy:
        return np.inf, np.inf
    return middle[0] + 0.5 * (yy * xz - xy * yz) / size, middle[1] + 0.5 * (xx * yz - xy * xz) / size


@numba.njit(cache=True, nogil=True)
def _circle(plane, peak, level_hu, turns):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Centre, radius and roundness of the circle around a place, all in grid steps."""
    a, b = float(peak[0]), float(peak[1])
    far = np.empty(len(turns))
    _rays(plane, (a, b), level_hu, turns, far)
    for _ in range(3):
        radius = np.median(far)
        keep = np.abs(far - radius) <= 2.5 / COARSE_MM + 0.15 * radius
        if keep.sum() < 8:
            break
        edge = np.empty((len(far), 2))
        edge[:, 0], edge[:, 1] = a + far * turns[:, 0], b + far * turns[:, 1]
        x, y = _fitted(edge, keep)
        if not np.hypot(x - peak[0], y - peak[1]) <= 4:
            break
        a, b = x, y
        _rays(plane, (a, b), level_hu, turns, far)
    radius = np.median(far)
    return a, b, radius, (np.abs(far - radius) <= 2.0 / COARSE_MM).mean()


def _candidates(coarse: Coarse, level_hu: float) -> list[NDArray[np.float64]]:
    """For each axial slice (m, 4): centre, radius, roundness of the round bright regions."""
    found = []
    planes = np.ascontiguousarray(np.moveaxis(smoothed(coarse.block.hu, (0.7, 0.7, 0.0)), 2, 0))
    for k, plane in enumerate(planes):
        depth = ndimage.distance_transform_edt(np.pad(coarse.block.hu[:, :, k] > level_hu, 1))[1:-1, 1:-1]
        peak = (depth == ndimage.maximum_filter(depth, 7)) & (depth > 0.75 * RADIUS_MM[0] / COARSE_MM)
        rows = [_circle(plane, (int(a), int(b)), level_hu, TURNS) for a, b in np.argwhere(peak)]
        rows = [r for r in rows if RADIUS_MM[0] <= r[2] * COARSE_MM <= RADIUS_MM[1] and r[3] >= LEAST_ROUND]
        found.append(_distinct(np.array(rows, dtype=np.float64).reshape(-1, 4)))
    return found


def _distinct(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The circles without those that were found from several places: of each, the roundest."""
    kept: list[NDArray[np.float64]] = []
    for row in rows[np.argsort(-rows[:, 3], kind="stable")]:
        if all(np.hypot(*(row[:2] - other[:2])) > 0.5 * other[2] for other in kept):
            kept.append(row)
    return np.array(kept).reshape(-1, 4)


def _chains(found: list[NDArray[np.float64]]) -> list[list[tuple[int, int]]]:
    """Circles linked downwards from slice to slice; two slices may be missing.

    All chains are continued at once, the best fitting pair of chain and circle first: one that has lost its vessel
    cannot take the circle of a neighbour that is still there.
    """
    chains: list[list[tuple[int, int]]] = []
    for k in range(len(found) - 1, -1, -1):
        rows = found[k]
        if not len(rows):
            continue
        pairs = [
            (_misfit(rows, found[at][n], slices=at - k), number)
            for number, chain in enumerate(chains)
            for at, n in [chain[-1]]
            if at - k <= MOST_MISSING + 1
        ]
        best = sorted((float(miss[n]), number, n) for miss, number in pairs for n in np.flatnonzero(np.isfinite(miss)))
        continued, used = set(), set()
        for _, number, n in best:
            if number not in continued and n not in used:
                chains[number].append((k, int(n)))
                continued.add(number)
                used.add(n)
        chains += [[(k, n)] for n in range(len(rows)) if n not in used]
    return [chain[::-1] for chain in chains]


def _misfit(rows: NDArray[np.float64], here: NDArray[np.float64], *, slices: int) -> NDArray[np.float64]:
    """(m,) how badly each circle continues one that lies some slices higher; infinite where it cannot."""
    shift = np.hypot(rows[:, 0] - here[0], rows[:, 1] - here[1]) * COARSE_MM
    growth = np.abs(rows[:, 2] - here[2]) * COARSE_MM
    good = (shift <= MOST_SHIFT_MM * slices) & (growth <= MOST_GROWTH_MM * slices)
    return np.asarray(np.where(good, shift + growth - 2 * rows[:, 3], np.inf))


def _as_aorta(coarse: Coarse, found: list[NDArray[np.float64]], chain: list[tuple[int, int]]) -> Aorta:
    slices = np.array([k for k, _ in chain])
    rows = np.array([found[k][n] for k, n in chain])
    every = np.arange(slices[0], slices[-1] + 1)
    centre = np.stack([np.interp(every, slices, rows[:, c]) for c in range(2)] + [every.astype(float)], axis=1)
    radius = np.interp(every, slices, rows[:, 2]) * COARSE_MM
    near = np.clip(np.round(centre).astype(int), 0, np.array(coarse.block.hu.shape) - 1)  # a scan may cut it
    hu = float(np.median(coarse.block.hu[tuple(near.T)]))
    return Aorta(coarse.block.affine.to_mm(centre), radius, hu)


def find_aorta(coarse: Coarse) -> tuple[Aorta | None, Aorta | None]:
    """The ascending and the descending aorta, each None where it was not found.

    Notes
    -----
    Round bright regions of 9 to 24 mm radius in axial slices, linked through z. The two parts of the aorta carry the
    same contrast; the ascending part lies at least 25 mm in front of the descending one.
    """
    candidates, descending = find_aortas(coarse)
    return (candidates[0] if candidates else None), descending


def find_aortas(coarse: Coarse) -> tuple[list[Aorta], Aorta | None]:
    """What may be the ascending aorta, the likeliest first, and the descending aorta.

    Notes
    -----
    After the likeliest chain comes the same one led farther down, past a darker chamber that touches it; then, where
    they are not much less likely, others.
    """
    level = 0.6 * coarse.blood_hu
    if coarse.blood_hu <= 0:
        return [], None
    found = _candidates(coarse, level)
    made = [_as_aorta(coarse, found, chain) for chain in _chains(found) if len(chain) * COARSE_MM >= LEAST_CHAIN_MM]
    made = [a for a in made if a.hu > 0.7 * coarse.blood_hu]
    steady = [a for a in made if np.ptp(np.percentile(a.radius_mm, [10, 90])) < 6.0]
    descending = max(steady, key=_descending_score, default=None)
    if descending is None:
        return [], None
    front = [a for a in made if a is not descending and _ahead_mm(a, descending) > LEAST_APART_MM]
    likely = sorted(((_likeness(a, descending), k) for k, a in enumerate(front)), reverse=True)
    chosen = [front[k] for value, k in likely if value >= LEAST_LIKELY * likely[0][0]]
    return [*chosen[:1], *(_led_down(coarse, a) for a in chosen[:1]), *chosen[1:MOST_TRIED]], descending


def _descending_score(one: Aorta) -> float:
    """How long a chain is and how far behind, in mm: the ascending aorta lies before it, vertebrae are short."""
    return one.length_mm + BEHIND * float(one.centre_mm[:, 1].mean())


def _ahead_mm(one: Aorta, other: Aorta) -> float:
    return float(np.median(other.centre_mm[:, 1]) - np.median(one.centre_mm[:, 1]))


def _likeness(one: Aorta, descending: Aorta) -> float:
    """How much a chain looks like the ascending aorta: long, steady, high up, of the same contrast."""
    contrast = np.exp(-(((one.hu / descending.hu - 1.0) / CONTRAST_SPREAD) ** 2))
    unsteady = float(np.std(one.radius_mm)) / STEADY_MM
    height = float(one.centre_mm[-1, 2] - descending.centre_mm[0, 2]) / max(descending.length_mm, 1.0)
    width = min(float(np.median(one.radius_mm)) / FULL_RADIUS_MM, 1.0) ** 2
    return float(min(one.length_mm, ENOUGH_MM) * contrast * np.exp(-unsteady) * np.clip(height, 0.1, 1.0) * width)


def _led_down(coarse: Coarse, one: Aorta) -> Aorta:
    """A chain carried on downwards where a darker chamber touches it, by a level between the two."""
    centre, radius = [*one.centre_mm], [*one.radius_mm]
    lowest = radius[0]
    while (one.centre_mm[0, 2] - centre[0][2]) < MOST_LED_MM:
        a, b, c = coarse.block.affine.to_index(centre[0])[0] - [0, 0, 1]
        if round(c) < 0:
            break
        plane = ndimage.gaussian_filter(coarse.block.hu[:, :, round(c)], 0.7, mode="nearest")
        rows = [_circle(plane, (round(a), round(b)), level * one.hu, TURNS) for level in LEVELS]
        good = [
            row
            for row in rows
            if row[3] >= LEAST_ROUND
            and abs(row[2] * COARSE_MM - lowest) <= MOST_GROWTH_MM
            and np.hypot(row[0] - a, row[1] - b) * COARSE_MM <= LED_SHIFT_MM
        ]
        if not good:
            break
        best = max(good, key=lambda row: row[3])
        centre.insert(0, coarse.block.affine.to_mm(np.array([best[0], best[1], round(c)]))[0])
        radius.insert(0, best[2] * COARSE_MM)
    return Aorta(np.array(centre), np.array(radius), one.hu)
