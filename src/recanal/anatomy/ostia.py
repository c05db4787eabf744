"""Where the coronary arteries leave the aorta."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.ways import TISSUE_SHARE
from recanal.grids.geodesic import BLOCKED, Reach, reach_from
from recanal.grids.smoothing import THREADS

__all__ = ["Ostium", "chosen_ostia", "find_ostia", "open_cost"]

RIM_MM = 1.8
LEAST_TUBE = 0.2
LEAST_REACH_MM = 25.0
LEAST_VOLUME_MM3 = 60.0
SAME_MM = 7.0
OTHER_SIDE_DEG = 60.0
USUAL_DEG = {"left": -40.0, "right": 120.0}
SPREAD_DEG = 45.0
UNUSUAL_DEG = 50.0
MOST_OFF_DEG = 100.0
ENOUGH_MM3 = 500.0
FAR_COST = 600.0
LEAST_MOUTH_VOXELS = 8
OPEN_MOUTH_SHARE = 0.85
RIVAL_MM = 25.0
AWAY_MM = 15.0
RIVAL_MM3 = 250.0


@dataclass(frozen=True, eq=False)
class Ostium:
    """One origin of an artery on the aorta.

    Parameters
    ----------
    voxel
        Flat index on the grid of the field, just outside the aorta.
    point_mm
        (3,) its place.
    angle_deg
        Direction from the centre of the aorta in the axial plane: 0 to the patient's left, 90 to the front.
    side
        ``"left"`` or ``"right"``.
    reach_mm, volume_mm3
        Length of the longest open way from it, and the volume of open vessel that it supplies.
    """

    voxel: int
    point_mm: NDArray[np.float64]
    angle_deg: float
    side: str
    reach_mm: float
    volume_mm3: float


@numba.njit(cache=True, nogil=True)
def _fill_cost(rows, maps, shut, cost):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """The cost of some planes; ``shut`` are the masks that no way leads through."""
    bright, tissue, valley, soft = maps
    pool, outside = shut
    one, dear, flat = np.float32(1.0), np.float32(0.06), np.float32(0.94)
    for i in rows:
        for j in range(cost.shape[1]):
            for k in range(cost.shape[2]):
                tube = max(bright[i, j, k], TISSUE_SHARE * tissue[i, j, k])
                value = one / (dear + flat * tube * tube)
                value += np.float32(8.0) * (one - soft[i, j, k])
                value += np.float32(400.0) * max(valley[i, j, k] - np.float32(0.15), np.float32(0.0))
                closed = tube < np.float32(LEAST_TUBE) or pool[i, j, k] or outside[i, j, k]
                cost[i, j, k] = BLOCKED if closed else value


def open_cost(field: Field) -> NDArray[np.float32]:
    """Cost per mm of a way through vessels: 1 on the axis of an open one, blocked outside all."""
    cost = np.empty(field.bright.shape, dtype=np.float32)
    maps = field.bright, field.tissue, field.valley, field.soft
    with ThreadPoolExecutor(THREADS) as pool:
        parts = np.array_split(np.arange(len(cost)), THREADS)
        list(pool.map(lambda rows: _fill_cost(rows, maps, (field.pool, field.outside), cost), parts))
    box = field.aorta_box
    near = ndimage.binary_dilation(field.aorta[box], iterations=round(RIM_MM / GRID_MM)) & ~field.aorta[box]
    mouth = near & ~field.pool[box] & (field.block.hu[box] > 0.6 * field.blood_hu)
    part = cost[box]
    part[mouth & (part > 3.0)] = 3.0
    return cost


def find_ostia(field: Field, ascending: Aorta, cost: NDArray[np.float32], *, room: Reach | None = None) -> list[Ostium]:
    """The origins of the coronary arteries, the one that supplies most first.

    Parameters
    ----------
    field, ascending, cost
        The maps, the ascending aorta, and what a way costs.
    room
        A reach on the grid of the field that is not needed any more; its arrays are used again.

    Notes
    -----
    Open vessels that are reached from the shell of the aorta at little cost, grouped by the place where they leave it.
    An artery that touches the aorta again beyond its origin is reached first from there: each mouth near such a
    vessel is asked alone what it supplies.
    """
    box = field.aorta_box
    aorta = field.aorta[box]
    shell = ndimage.binary_dilation(aorta, iterations=1) & ~aorta & (cost[box] < BLOCKED)
    shell &= ~field.pool[box] & (field.block.hu[box] > 0.6 * field.blood_hu)
    mouths, count = ndimage.label(shell, structure=np.ones((3, 3, 3)))
    if not count:
        return []
    where = np.argwhere(shell)
    labels = mouths[tuple(where.T)].astype(np.int16)
    starts = np.ravel_multi_index(tuple((where + [s.start for s in box]).T), cost.shape)
    reach = reach_from(cost, starts, labels, step_mm=GRID_MM, most_cost=FAR_COST, room=room)
    found = _grouped(field, ascending, reach, np.arange(1, count + 1))
    rivals = _rivals(field, found, (starts, labels))
    for label in rivals:
        own = labels == label
        reach = reach_from(cost, starts[own], labels[own], step_mm=GRID_MM, most_cost=FAR_COST, room=reach)
        found += _grouped(field, ascending, reach, np.array([label]))
    widest = {x.voxel: x for x in sorted(found, key=lambda x: x.volume_mm3)}
    return sorted(widest.values(), key=lambda x: -x.volume_mm3)


def _rivals(field: Field, found: list[Ostium], mouths: tuple[NDArray[np.int64], NDArray[np.int16]]) -> list[int]:
    """Wide open mouths within 25 mm of an origin that was found, other than its own."""
    starts, labels = mouths
    hu = field.block.hu.ravel()[starts]
    points = field.block.affine.to_mm(np.stack(np.unravel_index(starts, field.block.hu.shape), axis=1))
    out = []
    for label in np.unique(labels):
        own = labels == label
        if own.sum() < LEAST_MOUTH_VOXELS or np.sort(hu[own])[-LEAST_MOUTH_VOXELS] < OPEN_MOUTH_SHARE * field.blood_hu:
            continue
        away = [np.linalg.norm(points[own] - x.point_mm, axis=1).min() for x in found if x.volume_mm3 > RIVAL_MM3]
        if away and SAME_MM <= min(away) <= RIVAL_MM:
            out.append(int(label))
    return out


def _grouped(field: Field, ascending: Aorta, reach: Reach, labels: NDArray[np.int64]) -> list[Ostium]:
    """The origin of what each of some labels reaches, the largest first; none for what is too small.

    It lies where the longest way leaves the aorta; where it comes back after 15 mm and more, that is no origin.
    """
    arrived = np.flatnonzero(reach.label)
    length = reach.length_mm.ravel()
    bright = arrived[field.bright.ravel()[arrived] > 0.5]
    label = reach.label[bright]
    volume = np.bincount(label, minlength=int(labels.max()) + 1) * GRID_MM**3
    far = np.zeros(len(volume))
    np.maximum.at(far, label, length[bright])
    touching = _touching(field)
    found: list[Ostium] = []
    for k in labels[np.argsort(-volume[labels], kind="stable")]:
        if far[k] < LEAST_REACH_MM or volume[k] < LEAST_VOLUME_MM3:
            continue
        own = bright[label == k]
        way = reach.way_to(int(own[np.argmax(length[own])]))
        on_aorta = np.append(0, np.flatnonzero(touching[way]))
        left = np.flatnonzero(np.diff(length[way[on_aorta]]) > AWAY_MM)
        last = on_aorta[left[0] if len(left) else -1]
        voxel = np.array(np.unravel_index(way[last], field.block.hu.shape))
        point = field.block.affine.to_mm(voxel)[0]
        if any(np.linalg.norm(point - other.point_mm) < SAME_MM for other in found):
            continue
        angle = _angle_deg(ascending, point)
        flat = int(np.ravel_multi_index(tuple(voxel), field.block.hu.shape))
        found.append(Ostium(flat, point, angle, "", float(far[k]), float(volume[k])))
    return found


def chosen_ostia(found: list[Ostium]) -> tuple[list[Ostium], list[str]]:
    """The left and the right ostium of all that were found, and what is unusual about them.

    On each side the one that supplies most, where the usual place counts for more. Where there is none, an artery may
    be absent, closed at its origin, or spring from an unusual place.
    """
    if not found:
        return [], ["no coronary ostium found on the aorta"]
    flags: list[str] = []
    chosen: list[Ostium] = []
    for side in ("left", "right"):
        free = [x for x in found if all(_apart_deg(x, other) >= OTHER_SIDE_DEG for other in chosen)]
        best = max(free, key=lambda x: _likelihood(x, side), default=None)
        if best is None or _off_deg(best, side) > MOST_OFF_DEG:
            flags.append(f"no {side} coronary ostium found: closed at its origin, absent or anomalous?")
            continue
        chosen.append(replace(best, side=side))
        if _off_deg(best, side) > UNUSUAL_DEG:
            flags.append(
                f"unusual place of the {side} coronary ostium ({best.angle_deg:.0f} degrees): anomalous origin?"
            )
    return chosen, flags


def _off_deg(ostium: Ostium, side: str) -> float:
    turn = abs(ostium.angle_deg - USUAL_DEG[side]) % 360.0
    return min(turn, 360.0 - turn)


def _likelihood(ostium: Ostium, side: str) -> float:
    usual = float(np.exp(-((_off_deg(ostium, side) / SPREAD_DEG) ** 2)))
    return min(ostium.volume_mm3, ENOUGH_MM3) * (0.1 + 0.9 * usual)


def _apart_deg(one: Ostium, other: Ostium) -> float:
    turn = abs(one.angle_deg - other.angle_deg) % 360.0
    return min(turn, 360.0 - turn)


def _touching(field: Field) -> NDArray[np.bool_]:
    """Flat mask of the aorta and the voxels next to it."""
    box = field.aorta_box
    out = field.aorta.copy()
    out[box] = ndimage.binary_dilation(field.aorta[box], iterations=1)
    return out.ravel()


def _angle_deg(ascending: Aorta, point: NDArray[np.float64]) -> float:
    centre = [np.interp(point[2], ascending.centre_mm[:, 2], ascending.centre_mm[:, c]) for c in range(2)]
    return float(np.rad2deg(np.arctan2(-(point[1] - centre[1]), point[0] - centre[0])))
