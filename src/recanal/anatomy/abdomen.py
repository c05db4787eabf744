"""The arteries that leave the abdominal aorta, as far as they can be told from veins and organs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from recanal.anatomy.abdomen_aorta import aorta_from_point, aorta_region
from recanal.anatomy.aorta import Aorta
from recanal.anatomy.coarse import depth_mm
from recanal.anatomy.field import Field
from recanal.anatomy.geodesic import BLOCKED, Reach, reach_from
from recanal.anatomy.ways import Way, find_ways
from recanal.core.curves import Centerline
from recanal.core.volume import Volume
from recanal.imaging.edges import circle_fit, falling_edge, steady
from recanal.imaging.sample import Block, isotropic
from recanal.imaging.sections import RING_MM, Sections, cut_sections, smooth_line
from recanal.imaging.tubes import tubularity

__all__ = ["AbdominalBranch", "AbdominalTree", "grow_from_aorta"]

GRID_MM = 0.8
STEP_MM = 0.5
MARGIN_MM = (100.0, 110.0, 25.0)
RADII_MM = (0.9, 1.4, 2.2, 3.2)
FULL_RIDGE = 0.25
AROUND_MM = 4.0
FLOOR_HU = 20.0
ABOVE_HU = 10.0
DENSE_SHARE = 1.6
PASSABLE_HU = 30.0
WIDE_SHARE = 0.78
WIDE_RADIUS_MM = 3.0
BRIGHT_SHARE = (1.12, 1.5)
RIM_MM = 0.8
OSTIAL_MM = 1.6
BONE_HU = 220.0
MOST_COST = 170.0
REACH_MM = 6.0
TISSUE_HU = 60.0
FAT_HU = -90.0
FLOOR_MM = 4.5
LEAST_MM = 6.0
RUN_MM = 5.0
WIDER = 1.6
LEAST_WIDE_MM = 2.8
BEHIND_MM = 12.0
UPRIGHT = 0.7
BRIGHTER = 1.04
ROUNDS = 4
MOST_MOVE_MM = 0.8
MOST_RADIUS_MM = 3.7
BROADER = 1.4
LEAST_BROAD_MM = 2.2
THICK_MM = 1.4


@dataclass(frozen=True, eq=False)
class AbdominalBranch:
    """One artery.

    Parameters
    ----------
    line
        Every 0.5 mm, from the aorta or its parent to the tip.
    radius_mm, core_hu
        (n,) half width of the contrast, and its mean over a disc of 0.5 mm.
    parent
        Index of the branch it leaves; -1 for the aorta.
    """

    line: Centerline
    radius_mm: NDArray[np.float64]
    core_hu: NDArray[np.float64]
    parent: int


@dataclass(frozen=True, eq=False)
class AbdominalTree:
    """The aorta and the arteries that leave it."""

    aorta: Aorta
    branches: tuple[AbdominalBranch, ...]

    @property
    def length_mm(self) -> float:
        """Of the aorta and all branches."""
        steps = np.linalg.norm(np.diff(self.aorta.centre_mm, axis=0), axis=1)
        return float(steps.sum() + sum(branch.line.length_mm for branch in self.branches))


def grow_from_aorta(
    volume: Volume,
    point_mm: ArrayLike,
    *,
    least_diameter_mm: float = 2.0,
    progress: Callable[[str], None] = lambda _: None,
) -> AbdominalTree:
    """The aorta around a point, and the arteries that leave it.

    Parameters
    ----------
    volume
        An abdominal CT with contrast in the aorta.
    point_mm
        (3,) LPS point inside the aorta.
    least_diameter_mm
        Branches end where they stay thinner than this over 5 mm.
    progress
        Called with a few words before each step.

    Raises
    ------
    GeometryError
        When the point is not in a round vessel with contrast.

    Notes
    -----
    The cheapest ways from the wall of the aorta along tubes that are brighter than their surroundings (the kernels of
    the coronary tree). What a ball of 3 mm fits into and is not the aorta (large veins, organs), what is clearly
    brighter than the aorta and wide (portal vein in the portal-venous phase) and bone are closed to them. Each way is
    put on the middle of the contrast, whose edge on a ray is halfway from the core to the lowest value within 4.5 mm
    (at most 60 HU). It ends before the first 5 mm that are too thin, dark, 1.6 times wider than before, brighter than
    the aorta, or upright beside the back of the aorta (azygos veins, crura).
    Limits: in the portal-venous phase arteries and small veins carry the same contrast, and a vein that touches an
    artery is taken for a branch of it.
    """
    progress("following the aorta")
    aorta = aorta_from_point(volume, point_mm)
    progress("looking for vessels")
    field = _field(volume, aorta)
    progress("following the arteries")
    ways = find_ways(field, _reach(field))
    return AbdominalTree(aorta, tuple(_branches((field, aorta), ways, least_diameter_mm)))


def _field(volume: Volume, aorta: Aorta) -> Field:
    """Maps around the aorta, on a grid of 0.8 mm."""
    low, high = aorta.centre_mm.min(axis=0), aorta.centre_mm.max(axis=0)
    box = np.stack([low - np.array(MARGIN_MM), high + np.array([MARGIN_MM[0], 0.4 * MARGIN_MM[1], MARGIN_MM[2]])])
    block = isotropic(Block.around(volume, box, margin_mm=0.0), step_mm=GRID_MM)
    region = aorta_region(block, aorta, step_mm=GRID_MM)
    smooth = ndimage.gaussian_filter(np.minimum(block.hu, DENSE_SHARE * aorta.hu), 0.6, mode="nearest")
    around = _around(block.hu, aorta.hu)
    member = (smooth - around - ABOVE_HU) / (0.75 * (aorta.hu - around))
    bright, valley = tubularity(np.clip(member, 0.0, 1.0).astype(np.float32), block, radii_mm=RADII_MM)
    np.clip(bright / np.float32(FULL_RIDGE), 0.0, 1.0, out=bright)
    pool, bone = _pools(smooth, aorta.hu, region), _bone(block.hu)
    return Field(block, bright, np.zeros_like(bright), valley, smooth, pool, region, bone, aorta.hu)


def _around(hu: NDArray[np.float32], blood_hu: float) -> NDArray[np.float32]:
    """The mean of what lies around a voxel and is neither blood nor gas."""
    plain = (hu < 0.8 * blood_hu) & (hu > -150)
    size = AROUND_MM / GRID_MM
    weight = ndimage.gaussian_filter(plain.astype(np.float32), size, mode="nearest", truncate=3.0)
    mean = ndimage.gaussian_filter(np.where(plain, np.maximum(hu, -60), 0), size, mode="nearest", truncate=3.0)
    return np.asarray(np.clip(mean / np.maximum(weight, 0.05), FLOOR_HU, 0.75 * blood_hu), dtype=np.float32)


def _pools(smooth: NDArray[np.float32], blood_hu: float, aorta: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Organs and wide veins: bright and wide, or brighter than the aorta and not thin."""
    core = (depth_mm((smooth > WIDE_SHARE * blood_hu) & ~aorta, step_mm=GRID_MM) > WIDE_RADIUS_MM) & ~aorta
    wide = depth_mm(~core, step_mm=GRID_MM) <= WIDE_RADIUS_MM + RIM_MM
    brighter = (smooth > BRIGHT_SHARE[0] * blood_hu) & (smooth < BRIGHT_SHARE[1] * blood_hu)
    brighter = ndimage.binary_opening(brighter, iterations=2)
    near = ndimage.binary_dilation(aorta, iterations=round(OSTIAL_MM / GRID_MM))
    return np.asarray((wide | ndimage.binary_dilation(brighter)) & ~near)


def _bone(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What is dense and thicker than calcium in a wall, with a rim."""
    core = ndimage.binary_opening(hu > BONE_HU, iterations=3)
    return np.asarray(ndimage.binary_dilation(core, iterations=2))


def _reach(field: Field) -> Reach:
    cost = (1.0 / (0.01 + field.bright**2)).astype(np.float32)
    cost[(field.soft < PASSABLE_HU) | field.pool | field.outside] = BLOCKED
    cost[field.aorta] = 0.01
    wall = np.flatnonzero(field.aorta & ~ndimage.binary_erosion(field.aorta))
    labels = np.ones(len(wall), dtype=np.int16)
    reach = reach_from(cost, wall, labels, step_mm=GRID_MM, most_cost=MOST_COST)
    reach.length_mm[field.aorta] = 0.0
    return reach


def _branches(where: tuple[Field, Aorta], ways: list[Way], least_diameter_mm: float) -> list[AbdominalBranch]:
    """The ways as curves, cut where they fade, thin out or run into a vein; what hangs on a cut part is left out."""
    kept: dict[int, tuple[int, int]] = {}
    out: list[AbdominalBranch] = []
    for k, way in enumerate(ways):
        parent = -1
        if way.parent >= 0:
            if way.parent not in kept or kept[way.parent][1] < way.at:
                continue
            parent = kept[way.parent][0]
        branch = _branch(where, way, parent, least_diameter_mm)
        if branch is None or (parent >= 0 and _broader(branch, out[parent])):
            continue
        kept[k] = (len(out), round(branch.line.length_mm * len(way.voxels) / _length_mm(way)))
        out.append(branch)
    return out


def _broader(branch: AbdominalBranch, parent: AbdominalBranch) -> bool:
    """Whether a branch is wider than the vessel that it leaves: a vein that touches it."""
    _, gap = parent.line.nearest(branch.line.points_mm[0])
    places = np.linalg.norm(parent.line.points_mm - branch.line.points_mm[0], axis=1) < gap + 6.0
    most = max(BROADER * float(np.median(parent.radius_mm[places])), LEAST_BROAD_MM)
    return float(np.median(branch.radius_mm)) > most


def _edges(field: Field, line: Centerline) -> tuple[Sections, NDArray[np.float64], NDArray[np.float64]]:
    """Sections along a line, the (n, 16) edges of the contrast and the (n,) core."""
    sections = cut_sections(field.block, line, reach_mm=REACH_MM, rays=16)
    core = ndimage.gaussian_filter1d(sections.core_hu(0.5), 2.0, mode="nearest")
    hu = steady(sections.hu, along_mm=0.7, step_mm=sections.step_mm)
    around = np.clip(hu[:, :, : round(FLOOR_MM / RING_MM)].min(axis=2), FAT_HU, TISSUE_HU)
    level = 0.5 * (np.minimum(core, field.blood_hu)[:, None] + around)
    return sections, falling_edge(hu, level, limit_mm=REACH_MM), core


def _centred(field: Field, line: Centerline) -> Centerline:
    """The line moved to the middle of the contrast around it, by at most 0.8 mm."""
    sections, edge, _ = _edges(field, line)
    size = ndimage.median_filter(np.median(np.where(np.isnan(edge), REACH_MM, edge), axis=1), 9, mode="nearest")
    move, _ = circle_fit(edge, np.minimum(size, MOST_RADIUS_MM), prior_sd_mm=0.3, shift_sd_mm=0.6)
    move *= np.minimum(1.0, MOST_MOVE_MM / np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9))
    move = ndimage.gaussian_filter1d(move, 2.0, axis=0, mode="nearest")
    points = line.points_mm + move[:, :1] * sections.normals + move[:, 1:] * sections.binormals
    return smooth_line(points, step_mm=STEP_MM, sigma_mm=1.0)


def _length_mm(way: Way) -> float:
    return float(GRID_MM * np.linalg.norm(np.diff(way.voxels, axis=0), axis=1).sum())


def _branch(where: tuple[Field, Aorta], way: Way, parent: int, least_diameter_mm: float) -> AbdominalBranch | None:
    field, aorta = where
    points = ndimage.gaussian_filter1d(field.block.affine.to_mm(way.voxels), 1.5, axis=0, mode="nearest")
    if len(points) < LEAST_MM / GRID_MM:
        return None
    line = Centerline(points).resample(STEP_MM)
    for _ in range(ROUNDS):
        line = _centred(field, line)
    _, edge, core = _edges(field, line)
    radius = np.median(np.where(np.isnan(edge), REACH_MM, edge), axis=1)
    wrong = _wrong(radius, core, field.blood_hu, 0.5 * least_diameter_mm) | _companion(line, aorta)
    end = _end(wrong)
    if end * STEP_MM < LEAST_MM:
        return None
    return AbdominalBranch(Centerline(line.points_mm[:end]), radius[:end], core[:end], parent)


def _wrong(
    radius: NDArray[np.float64], core: NDArray[np.float64], blood_hu: float, least_radius_mm: float
) -> NDArray[np.bool_]:
    """(n,) thin, dark, much wider than before, or brighter than the aorta and not thin."""
    size = round(RUN_MM / STEP_MM)
    smooth = ndimage.median_filter(radius, size, mode="nearest")
    before = np.minimum.accumulate(ndimage.uniform_filter1d(smooth, size, mode="nearest"))
    wide = smooth > np.maximum(WIDER * before, LEAST_WIDE_MM)
    bright = (core > BRIGHTER * blood_hu) & (radius > THICK_MM)
    return np.asarray((radius < least_radius_mm) | (core < TISSUE_HU) | wide | bright)


def _companion(line: Centerline, aorta: Aorta) -> NDArray[np.bool_]:
    """(n,) upright, behind the middle of the aorta and close to it: azygos veins, lumbar veins and crura."""
    tangent = np.gradient(line.points_mm, axis=0)
    upright = np.abs(tangent[:, 2]) > UPRIGHT * np.linalg.norm(tangent, axis=1)
    z = aorta.centre_mm[:, 2]
    x, y, r = (np.interp(line.points_mm[:, 2], z, v) for v in (*aorta.centre_mm[:, :2].T, aorta.radius_mm))
    near = np.hypot(line.points_mm[:, 0] - x, line.points_mm[:, 1] - y) < r + BEHIND_MM
    return np.asarray(upright & near & (line.points_mm[:, 1] > y))


def _end(wrong: NDArray[np.bool_]) -> int:
    """How many samples lie before the first 5 mm that are wrong."""
    size = round(RUN_MM / STEP_MM)
    run = ndimage.uniform_filter1d(wrong.astype(float), size, mode="nearest") > 0.9
    return max(int(np.argmax(run)) - size // 2, 0) if run.any() else len(wrong)
