"""Whether a branch leaves the vessel near a cap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from recanal.core.curves import Contours
from recanal.imaging.edges import steady
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.sections import RING_MM, Sections

__all__ = ["Branch", "Pass", "branch_near"]

LEAST_DIAMETER_MM = 1.0
REACH_MM = 1.9
SHELL_MM = 1.1
LEAST_UPRIGHT = 0.6
LEVEL_MM = (1.5, 8.0)
LEVEL_SHARE = 0.33
BRIGHT_SHARES = (0.5, 0.65)
FAINT_SHARES = (0.25, 0.15)
MOST_DIAMETER_MM = 5.0
MOST_FAINT_MM = 1.6
AIR_HU = -200.0
TISSUE_HU = 60.0


Pass = tuple[float, float, float]


@dataclass(frozen=True)
class Branch:
    """A side branch.

    Parameters
    ----------
    distance_mm
        Distance along the axis from the cap to where the branch leaves, never negative.
    diameter_mm
        Equivalent diameter where it has left the vessel.
    angle_rad
        Where around the axis it leaves, from the first ray on.
    way
        Where it passes the shell outside the wall and a second one 0.8 mm farther out: arc length on the axis, angle
        around it and distance from it.
    """

    distance_mm: float
    diameter_mm: float
    angle_rad: float
    way: tuple[Pass, ...]


@dataclass(frozen=True, eq=False)
class _Surroundings:
    """What lies around the vessel near a cap.

    Parameters
    ----------
    hu
        (k, m, r) smoothed sections.
    arc_mm, vessel_mm
        (k,) arc length, and radius of the vessel's own wall.
    open_side
        (k,) sections of the open vessel.
    level_hu
        Contrast there.
    step_mm, cap_mm
        Distance between sections, and arc length of the cap.
    """

    hu: NDArray[np.float32]
    arc_mm: NDArray[np.float64]
    vessel_mm: NDArray[np.float64]
    open_side: NDArray[np.bool_]
    level_hu: float
    step_mm: float
    cap_mm: float


def branch_near(
    sections: Sections,
    contours: Contours,
    lumen: LumenLevel,
    *,
    cap_mm: float,
    away: int,
) -> Branch | None:
    """The branch that leaves the open vessel nearest to a cap, within 3 mm of it, or None.

    Parameters
    ----------
    cap_mm
        Arc length of the cap.
    away
        -1 where the open vessel lies before the cap (proximal), +1 where it lies after it (distal).

    Notes
    -----
    Contrast that is connected to the open lumen and leaves the wall by more than 2 mm, in a tube of at least 1 mm.
    Radii up to the reach of the sections are looked at, from 7 mm on the open side to 8 mm beyond the cap. A branch
    about as wide as the blur shows only part of its contrast, and one that leaves beside a chamber or another artery
    makes one patch with it, too wide for a branch: where nothing is found before the proximal cap, brighter contrast is
    followed, then fainter, which counts where it is narrow. Beyond an occlusion the vessel itself is often faint.
    """
    arc = sections.line.arc_mm
    low, high = (cap_mm - 7.0, cap_mm + 8.0) if away < 0 else (cap_mm - 8.0, cap_mm + 7.0)
    rows = np.flatnonzero((arc >= low) & (arc <= high))
    side = (arc < cap_mm) if away < 0 else (arc > cap_mm)
    away_mm = np.abs(arc - cap_mm)
    near = side & (away_mm > LEVEL_MM[0]) & (away_mm < LEVEL_MM[1])
    if len(rows) < 8 or near.sum() < 8:
        return None
    around = _Surroundings(
        hu=steady(sections.hu[rows], along_mm=0.3, step_mm=sections.step_mm, rays=0.7),
        arc_mm=arc[rows],
        vessel_mm=_own_size(contours, side, rows),
        open_side=side[rows],
        level_hu=float(np.median(lumen.core_hu[near])),
        step_mm=sections.step_mm,
        cap_mm=cap_mm,
    )
    found = _branch(around, share=LEVEL_SHARE)
    for share in BRIGHT_SHARES if away < 0 else ():
        found = _branch(around, share=share) if found is None else found
    for share in FAINT_SHARES if away < 0 else ():
        if found is None:
            faint = _branch(around, share=share)
            found = faint if faint is not None and faint.diameter_mm <= MOST_FAINT_MM else None
    return found


def _branch(around: _Surroundings, *, share: float) -> Branch | None:
    """The branch seen in what is brighter than a share of the way from tissue to lumen."""
    hu, vessel, level = around.hu, around.vessel_mm, around.level_hu
    bright = hu > TISSUE_HU + share * (level - TISSUE_HU)
    start = np.zeros_like(bright)
    start[:, :, :4] = bright[:, :, :4] & around.open_side[:, None, None]
    connected = _connected(bright, start)
    rings = np.arange(hu.shape[2]) * RING_MM
    beyond = rings[None, None, :] - vessel[:, None, None]
    shell = connected & (beyond > 0.9) & (beyond < 1.3)
    far = connected & (beyond > REACH_MM - 0.3) & (beyond < REACH_MM + 0.3)
    ring = (beyond > 0.9) & (beyond < 1.3)
    mean = (hu * ring).sum(axis=2) / np.maximum(ring.sum(axis=2), 1)
    outside = float(np.median(mean[mean > AIR_HU])) if (mean > AIR_HU).any() else -90.0
    filling = np.clip((mean - outside) / (level - outside), 0.0, 1.2)
    cell = around.step_mm * (vessel[:, None] + 1.1) * 2 * np.pi / hu.shape[1]
    return _widest(around, shell, far, filling * cell)


def _own_size(contours: Contours, side: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(k,) radius of the vessel's own wall at each row: median of the rays, held below that of the open side."""
    size = np.median(contours.wall_radius_mm, axis=1)
    limit = float(np.median(size[side][-40:] if side[0] else size[side][:40])) + 0.2
    return np.asarray(np.minimum(size[rows], limit))


def _connected(bright: NDArray[np.bool_], start: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The bright cells that hang together with the start cells, rays closing into a circle."""
    label, count = ndimage.label(bright)
    first, last = label[:, 0][bright[:, 0] & bright[:, -1]], label[:, -1][bright[:, 0] & bright[:, -1]]
    seam = coo_array((np.ones(len(first), dtype=np.int8), (first, last)), shape=(count + 1, count + 1))
    group = connected_components(seam, directed=False)[1]
    keep = np.isin(group, group[label[start & bright]])
    keep[0] = False
    return np.asarray(keep[label])


def _upright(own: NDArray[np.bool_], beyond: NDArray[np.bool_], arc: NDArray[np.float64], *, ray_mm: float) -> float:
    """Cosine of the angle at which a branch passes from one shell to the next: a slanting tube cuts a longer patch."""
    if not beyond.any():
        return 1.0
    (row_1, ray_1), (row_2, ray_2) = (np.argwhere(patch).mean(axis=0) for patch in (own, beyond))
    rows = np.arange(len(arc))
    along = float(np.interp(row_2, rows, arc) - np.interp(row_1, rows, arc))
    outward = REACH_MM - SHELL_MM
    return max(outward / float(np.sqrt(outward**2 + along**2 + ((ray_2 - ray_1) * ray_mm) ** 2)), LEAST_UPRIGHT)


def _widest(
    around: _Surroundings, shell: NDArray[np.bool_], far: NDArray[np.bool_], filled_mm2: NDArray[np.float64]
) -> Branch | None:
    """The widest patch of the shell that goes on to the far shell, if it is a tube of at least 1 mm near the cap.

    The width comes from the contrast summed over the patch and its surroundings, which blur does not change.
    """
    if not far.any():
        return None
    arc, vessel = around.arc_mm, around.vessel_mm
    patch = shell.any(axis=2)
    rays = patch.shape[1]
    ray_mm = float(np.median(vessel) + SHELL_MM) * 2 * np.pi / rays
    label, count = ndimage.label(np.concatenate([patch, patch], axis=1))
    beyond = np.concatenate([far.any(axis=2)] * 2, axis=1)
    outer = ndimage.binary_dilation(beyond, iterations=10)
    filled = np.concatenate([filled_mm2, filled_mm2], axis=1)
    best: Branch | None = None
    for k in range(1, count + 1):
        own = label == k
        rows, columns = np.nonzero(own)
        edge = columns.min() == 0 or columns.max() == 2 * rays - 1
        if edge or len(np.unique(columns)) > 0.6 * rays or not outer[own].any():
            continue
        near = ndimage.binary_dilation(own, iterations=3)
        onward = beyond & ndimage.binary_dilation(own, iterations=10)
        upright = _upright(own, onward, arc, ray_mm=ray_mm)
        diameter = 2 * float(np.sqrt(upright * filled[near].sum() / np.pi))
        distance = abs(float(arc[rows].mean()) - around.cap_mm)
        if not LEAST_DIAMETER_MM <= diameter <= MOST_DIAMETER_MM or distance - diameter / 2 > 3.0:
            continue
        if best is None or diameter > best.diameter_mm:
            turn = 2 * np.pi / rays
            way = _passes(((own, SHELL_MM), (onward if onward.any() else own, REACH_MM)), arc, vessel, turn_rad=turn)
            best = Branch(distance, diameter, float(columns.mean()) % rays * turn, way)
    return best


def _passes(
    patches: tuple[tuple[NDArray[np.bool_], float], ...],
    arc: NDArray[np.float64],
    vessel: NDArray[np.float64],
    *,
    turn_rad: float,
) -> tuple[Pass, ...]:
    """The middle of each patch, which lies so far outside the wall."""
    out = []
    for patch, beyond_mm in patches:
        row, ray = np.argwhere(patch).mean(axis=0)
        at = np.arange(len(arc))
        out.append(
            (float(np.interp(row, at, arc)), float(ray) * turn_rad, float(np.interp(row, at, vessel)) + beyond_mm)
        )
    return tuple(out)
