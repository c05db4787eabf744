"""Thin vessels on CT that run from an open artery to the one beyond an occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from recanal.collaterals.thin_vessels import GRID_MM, Bed, ThinVessels, painted, thin_vessels
from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.grids.depth import depth_mm
from recanal.grids.geodesic import BLOCKED, Reach, reach_from
from recanal.imaging.sample import sample
from recanal.imaging.sections import RING_MM, Sections, cut_sections, smooth_line

__all__ = ["SEEN", "Connection", "find_connections"]

SEEN = "seen on CT, not proof of flow"
NEAR_MM = 60.0
MOST_COST = 650.0
MOST_WAYS = 5
MOST_COST_PER_MM = 8.0
APART_MM = 3.0
TOUCHING_MM = 5.0
STEP_MM = 0.5
SMOOTH_MM = 0.8
REACH_MM = 3.0
CORE_MM = 0.4
INSIDE_MM = 1.5
AROUND_MM = (1.7, 2.7)
OVER_MM = 3.0
ENDS_MM = 3.0
LEAST_OPEN_MM = 3.5
LEAST_CONTRAST_HU = 20.0
LEAST_SHARE = 0.45
LEAST_LEVEL_HU = 60.0
WIDE_HALF_MM, DIM_SHARE = 1.1, 0.68
MOST_HALF_MM = 1.6
IN_MUSCLE_HU = 40.0
AXIS_POINTS = 12
FAT_HU = -85.0
PARTED_SHARE = 0.46
SIDE_SAMPLES, NEXT_SAMPLES = 12, 4
LEAST_SIDE_HU = 60.0
BESIDE_MM = (1.5, 8.5)
MOST_BESIDE = 0.7
LEAST_BESIDE_MM = 20.0


@dataclass(frozen=True)
class Connection:
    """A thin vessel that CT shows between an open artery and the one beyond an occlusion.

    Parameters
    ----------
    donor
        The open artery.
    course
        ``"septal"`` where more than half of it runs through muscle, else ``"epicardial"``.
    points_mm
        Its axis every 0.5 mm, from where the donor is 2 mm wide to where the vessel beyond is.
    length_mm
        Along its axis.
    tortuosity_ratio
        Length over the straight distance of its ends.
    diameter_mm
        Median of the diameters that its contrast makes up for, were its blood as bright as that at its ends.
    least_contrast_hu
        Contrast over its surroundings where it is weakest, as a mean over 3 mm.
    remark
        What it does not show.
    """

    donor: str
    course: str
    points_mm: tuple[tuple[float, float, float], ...]
    length_mm: float
    tortuosity_ratio: float
    diameter_mm: float
    least_contrast_hu: float
    remark: str = SEEN


def find_connections(
    volume: Volume,
    recipient: Bed,
    donors: Sequence[Bed],
    *,
    tree_mm: NDArray[np.float64],
    shut_mm: NDArray[np.float64],
    blood_hu: float,
) -> tuple[Connection, ...]:
    """Thin vessels from open arteries to the one beyond an occlusion, the best seen first.

    Parameters
    ----------
    volume
        The CT angiogram.
    recipient
        The vessel beyond the occlusion.
    donors
        The open arteries.
    tree_mm
        (n, 3) points of every known artery: connections are sought among those within 60 mm of the recipient.
    shut_mm
        (n, 3) the occluded artery up to the distal cap, through which no connection runs.
    blood_hu
        Level of the aorta.

    Notes
    -----
    The cheapest way from the recipient to a donor over a map of thin vessels, judged on cross-sections; then the next
    one, 3 mm away from it. The search ends with the first way that is not seen all along. Steps and constants stand on
    the definition page.
    """
    if not len(recipient.points_mm):
        return ()
    near = [bed for bed in (_near(bed, recipient) for bed in donors) if bed is not None]
    if not near:
        return ()
    low, high = _reach_box(recipient)
    around = tree_mm[((tree_mm > low) & (tree_mm < high)).all(axis=1)]
    around = np.concatenate([recipient.points_mm, *(bed.points_mm for bed in near), around])
    field = thin_vessels(volume, around, shut_mm, blood_hu=blood_hu)
    mine = painted(field.block, [recipient]) > 0
    labels = painted(field.block, near)
    labels[depth_mm(~mine, step_mm=GRID_MM) <= TOUCHING_MM] = 0
    found = _searched(field, (mine, recipient), (labels, near), shut_mm=shut_mm)
    return tuple(sorted(found, key=lambda one: -one.least_contrast_hu))


def _searched(
    field: ThinVessels,
    source: tuple[NDArray[np.bool_], Bed],
    goals: tuple[NDArray[np.int16], Sequence[Bed]],
    *,
    shut_mm: NDArray[np.float64],
) -> list[Connection]:
    """The connections from one bed, with its voxels, to others, with their numbers; the cheapest first."""
    (mine, recipient), (labels, donors) = source, goals
    found: list[Connection] = []
    starts = np.flatnonzero(mine)
    numbers = np.ones(len(starts), np.int16)
    for _ in range(MOST_WAYS):
        reach = reach_from(field.cost, starts, numbers, step_mm=GRID_MM, most_cost=MOST_COST)
        way = _best_way(reach, labels)
        if way is None:
            break
        goal = int(way[-1])
        if float(reach.cost.ravel()[goal]) > MOST_COST_PER_MM * float(reach.length_mm.ravel()[goal]):
            break
        seen, connection = _judged(field, way, (donors[int(labels.ravel()[goal]) - 1], recipient), shut_mm=shut_mm)
        if not seen:
            break
        found += [] if connection is None else [connection]
        _close(field.cost, way, (labels > 0) | mine)
    return found


def _reach_box(recipient: Bed) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return recipient.points_mm.min(axis=0) - NEAR_MM, recipient.points_mm.max(axis=0) + NEAR_MM


def _near(bed: Bed, recipient: Bed) -> Bed | None:
    low, high = _reach_box(recipient)
    keep = ((bed.points_mm > low) & (bed.points_mm < high)).all(axis=1)
    return Bed(bed.vessel, bed.points_mm[keep], bed.radius_mm[keep]) if keep.any() else None


def _best_way(reach: Reach, labels: NDArray[np.int16]) -> NDArray[np.int64] | None:
    """Flat indices from the recipient to the donor that is reached most cheaply; None where none is."""
    goals = np.flatnonzero(labels)
    cost = reach.cost.ravel()[goals]
    if not len(goals) or not np.isfinite(cost.min()):
        return None
    return reach.way_to(int(goals[int(cost.argmin())]))


def _close(cost: NDArray[np.float32], way: NDArray[np.int64], keep: NDArray[np.bool_]) -> None:
    """Shut the middle part of a way, and what lies within 3 mm of it, so that the next one is another."""
    fifth = len(way) // 5
    part = way[fifth : max(len(way) - fifth, fifth + 1)]
    index = np.unravel_index(part, cost.shape)
    margin = round(APART_MM / GRID_MM) + 2
    box = tuple(slice(max(0, int(axis.min()) - margin), int(axis.max()) + margin + 1) for axis in index)
    free = np.ones(cost.shape, dtype=bool)
    free.ravel()[part] = False
    cost[box][(depth_mm(free[box], step_mm=GRID_MM) <= APART_MM) & ~keep[box]] = BLOCKED
    cost.ravel()[part] = BLOCKED


@dataclass(frozen=True, eq=False)
class _Profile:
    """What cross-sections show along a way: contrast over the surroundings, smoothed over 3 mm, and how wide it is.

    ``core_hu`` is the level on the axis, ``flux_hu_mm2`` the contrast summed over the section, ``level_hu`` what the
    contrast of a wide vessel with the blood of both ends would be, ``inner`` leaves out the ends.
    """

    core_hu: NDArray[np.float64]
    contrast_hu: NDArray[np.float64]
    ground_hu: NDArray[np.float64]
    flux_hu_mm2: NDArray[np.float64]
    half_mm: NDArray[np.float64]
    level_hu: NDArray[np.float64]
    inner: NDArray[np.bool_]


def _judged(
    field: ThinVessels, way: NDArray[np.int64], beds: tuple[Bed, Bed], *, shut_mm: NDArray[np.float64]
) -> tuple[bool, Connection | None]:
    """Whether a vessel is seen all along a way, and the connection it is; None where it is too short, or a vein.

    ``beds`` are the donor and the recipient.
    """
    points = field.block.affine.to_mm(np.stack(np.unravel_index(way[::-1], field.cost.shape), axis=1).astype(float))
    if len(points) * GRID_MM < LEAST_OPEN_MM:
        return True, None
    line = smooth_line(points, step_mm=STEP_MM, sigma_mm=SMOOTH_MM)
    blood = np.mean([_blood_hu(field, bed, end) for bed, end in zip(beds, line.points_mm[[0, -1]], strict=True)])
    profile = _profile(cut_sections(field.block, line, reach_mm=REACH_MM, rays=24), float(blood))
    if profile.inner.sum() * STEP_MM < LEAST_OPEN_MM:
        return True, None
    contrast = profile.contrast_hu[profile.inner]
    least = float(contrast.min())
    if least < max(LEAST_CONTRAST_HU, LEAST_SHARE * float(np.percentile(contrast, 10))):
        return False, None
    other = _is_vein(profile) or _is_parted(profile.core_hu) or _is_companion(line, profile.inner, shut_mm)
    return True, None if other else _told(line, profile, beds[0].vessel)


def _blood_hu(field: ThinVessels, bed: Bed, end_mm: NDArray[np.float64]) -> float:
    """The level on the axis of a vessel where a way ends on it."""
    near = np.argsort(np.linalg.norm(bed.points_mm - end_mm, axis=1))[:AXIS_POINTS]
    return float(np.median(sample(field.block, bed.points_mm[near])))


def _profile(sections: Sections, blood_hu: float) -> _Profile:
    radii, size = sections.radii_mm, max(1, round(OVER_MM / sections.step_mm))
    ring = (radii >= AROUND_MM[0]) & (radii <= AROUND_MM[1])
    ground = np.median(sections.hu[:, :, ring].reshape(len(sections.hu), -1), axis=1).astype(float)
    core = sections.core_hu(CORE_MM)
    inside = radii <= INSIDE_MM
    area = 2 * np.pi * RING_MM * np.maximum(radii[inside], RING_MM / 4)
    flux = ((sections.hu[:, :, inside].mean(axis=1) - ground[:, None]) * area).sum(axis=1)
    mean = ndimage.uniform_filter1d(sections.hu.mean(axis=1), size, axis=0)
    steady = ndimage.median_filter(ground, size)
    below = mean < 0.5 * (mean[:, :5].mean(axis=1) + steady)[:, None]
    half = np.where(below.any(axis=1), below.argmax(axis=1), below.shape[1]) * RING_MM
    arc = sections.line.arc_mm
    return _Profile(
        core_hu=core.astype(np.float64),
        contrast_hu=ndimage.uniform_filter1d(core - ground, size, mode="nearest"),
        ground_hu=steady,
        flux_hu_mm2=ndimage.uniform_filter1d(flux, size),
        half_mm=half,
        level_hu=np.maximum(blood_hu - steady, LEAST_LEVEL_HU),
        inner=(arc > ENDS_MM) & (arc < arc[-1] - ENDS_MM),
    )


def _is_vein(profile: _Profile) -> bool:
    """Whether most of a way is as wide as no collateral, or so wide that blur does not explain how dim it is."""
    wide = profile.half_mm > MOST_HALF_MM
    dim = (profile.half_mm >= WIDE_HALF_MM) & (profile.contrast_hu < DIM_SHARE * profile.level_hu)
    return float((wide | dim)[profile.inner].mean()) > 0.5


def _is_parted(core_hu: NDArray[np.float64]) -> bool:
    """Whether somewhere on a way, its ends included, little is left over fat of the level to either side.

    There it leaves one vessel through its wall, and what lies around it, and enters another.
    """
    fine = ndimage.uniform_filter1d(core_hu, 3, mode="nearest")
    for k, here in enumerate(fine):
        sides = (
            core_hu[max(0, k - SIDE_SAMPLES) : max(0, k - NEXT_SAMPLES + 1)],
            core_hu[k + NEXT_SAMPLES : k + SIDE_SAMPLES + 1],
        )
        levels = [float(np.median(side)) for side in sides if len(side) >= NEXT_SAMPLES]
        if levels and here - FAT_HU < PARTED_SHARE * max(min(levels) - FAT_HU, LEAST_SIDE_HU):
            return True
    return False


def _is_companion(line: Centerline, inner: NDArray[np.bool_], artery_mm: NDArray[np.float64]) -> bool:
    """Whether a way runs beside the occluded artery for most of its length, as its vein does."""
    points = line.points_mm
    if inner.sum() * STEP_MM < LEAST_BESIDE_MM or not len(artery_mm):
        return False
    far, _ = cKDTree(artery_mm).query(points)
    beside = (far > BESIDE_MM[0]) & (far < BESIDE_MM[1])
    return float(beside[inner].mean()) > MOST_BESIDE


def _told(line: Centerline, profile: _Profile, donor: str) -> Connection:
    inner, points = profile.inner, line.points_mm
    diameter = 2 * np.sqrt(np.maximum(profile.flux_hu_mm2, 0.0) / profile.level_hu / np.pi)
    return Connection(
        donor=donor,
        course="septal" if float((profile.ground_hu[inner] > IN_MUSCLE_HU).mean()) > 0.5 else "epicardial",
        points_mm=tuple((float(x), float(y), float(z)) for x, y, z in points),
        length_mm=line.length_mm,
        tortuosity_ratio=line.length_mm / max(float(np.linalg.norm(points[-1] - points[0])), 1e-6),
        diameter_mm=float(np.median(diameter[inner])),
        least_contrast_hu=float(profile.contrast_hu[inner].min()),
    )
