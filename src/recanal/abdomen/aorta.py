"""The abdominal aorta, followed up and down from one point inside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from recanal.anatomy.aorta import Aorta
from recanal.core.volume import Volume
from recanal.errors import GeometryError
from recanal.imaging.sample import Block, sample

__all__ = ["aorta_from_point", "aorta_region"]

SLICE_MM = 1.6
RAYS = 48
RING_MM = 0.4
CALM_RAYS = 2.0
RADIUS_MM = (4.0, 25.0)
FIRST_RADIUS_MM = 8.0
TISSUE_HU = 60.0
LEAST_BLOOD_HU = 120.0
MOST_BLOOD_HU = 900.0
SEED_BALL_MM = 3.0
MOST_SHIFT_MM = 4.0
GROWTH_SHARE = 0.25
REMEMBERED = 0.7
RIM_MM = 0.8
LEAST_SLICES = 5
BEYOND_MM = 13.0
CORE_SHARE = 0.5
LEAST_BLOOD_SHARE = 0.7
MOST_BLOOD_SHARE = 1.2


def aorta_from_point(volume: Volume, point_mm: ArrayLike) -> Aorta:
    """The aorta as circles in axial slices, as far as they go on.

    Parameters
    ----------
    volume
        A CT with contrast in the aorta.
    point_mm
        (3,) LPS point inside the aorta.

    Raises
    ------
    GeometryError
        When the point lies outside the volume, not in contrast, or in nothing round.

    Notes
    -----
    In each slice the edge is where rays fall halfway from blood to muscle (60 HU), after a Gaussian of 15 degrees
    across them and beyond half of the radius before: neither streaks nor noise end the aorta, and its radius stays what
    it is. The blood is that of the slice. The median distance of the edge is the radius; the centre is that of the
    circle through the edges that are near the median, so branches and touching veins do not pull it. The chain ends
    where the circle moves by more than 4 mm in 1.6 mm, its radius leaves 4 to 25 mm, or the blood falls below 0.7 of
    that around the point.
    """
    point = np.asarray(point_mm, dtype=np.float64).reshape(-1)
    if point.shape != (3,) or not np.isfinite(point).all() or not volume.contains_mm(point)[0]:
        raise GeometryError(
            f"The point in the aorta must lie inside the volume, got {np.round(point, 1).tolist()}.",
            hint="Give x, y, z in LPS millimetres.",
        )
    block = Block(np.asarray(volume.hu, dtype=np.float32), volume.affine)
    blood = _blood_hu(block, point)
    first = _circle(block, point, FIRST_RADIUS_MM, blood)
    if first is None:
        raise GeometryError(
            f"No round vessel lies around the point {np.round(point, 1).tolist()}.",
            hint="Choose a point near the middle of the aorta.",
        )
    rows = [*_chain(block, first, blood, -SLICE_MM)[::-1], first, *_chain(block, first, blood, SLICE_MM)]
    if len(rows) < LEAST_SLICES:
        raise GeometryError(
            f"The vessel at the point {np.round(point, 1).tolist()} ends after {len(rows)} slices.",
            hint="Choose a point near the middle of the aorta.",
        )
    table = np.array(rows)
    smooth = ndimage.gaussian_filter1d(table, 1.5, axis=0, mode="nearest")
    smooth[:, 2] = table[:, 2]
    return Aorta(smooth[:, :3], smooth[:, 3], blood)


def _blood_hu(block: Block, point: NDArray[np.float64]) -> float:
    offset = np.linspace(-SEED_BALL_MM, SEED_BALL_MM, 5)
    ball = np.array(np.meshgrid(offset, offset, offset)).reshape(3, -1).T
    values = sample(block, point + ball[np.linalg.norm(ball, axis=1) <= SEED_BALL_MM + 1e-9])
    blood = float(np.nanmedian(values))
    if not LEAST_BLOOD_HU <= blood <= MOST_BLOOD_HU:
        raise GeometryError(
            f"The point in the aorta lies at {blood:.0f} HU; blood with contrast is 120 to 900 HU.",
            hint="Choose a point inside the aorta, in a series with contrast.",
        )
    return blood


def _circle(
    block: Block, centre: NDArray[np.float64], radius_mm: float, blood_hu: float
) -> tuple[float, float, float, float] | None:
    """x, y, z and radius of the circle around a place, None where there is none."""
    angle = np.arange(RAYS) * (2 * np.pi / RAYS)
    way = np.stack([np.cos(angle), np.sin(angle), np.zeros(RAYS)], axis=1)
    reach = np.arange(0.0, min(1.8 * radius_mm, 1.2 * RADIUS_MM[1]) + 2.0, RING_MM)
    here = centre.copy()
    for _ in range(4):
        hu = np.nan_to_num(sample(block, here + reach[:, None, None] * way), nan=-1000.0)
        calm = ndimage.uniform_filter1d(hu, 3, axis=0, mode="nearest")
        core = reach <= CORE_SHARE * radius_mm
        local = float(np.median(hu[core]))
        if local < LEAST_BLOOD_SHARE * blood_hu:
            return None
        level = 0.5 * (min(local, MOST_BLOOD_SHARE * blood_hu) + TISSUE_HU)
        low = ndimage.gaussian_filter1d(calm, CALM_RAYS, axis=1, mode="wrap") < level
        low[core] = False
        far = np.where(low.any(axis=0), reach[low.argmax(axis=0)], reach[-1])
        radius = float(np.median(far))
        keep = np.abs(far - radius) <= max(1.5, GROWTH_SHARE * radius)
        if not RADIUS_MM[0] <= radius <= RADIUS_MM[1] or keep.sum() < RAYS // 3:
            return None
        edge = here[:2] + far[keep, None] * way[keep, :2]
        basis = np.concatenate([2 * edge, np.ones((len(edge), 1))], axis=1)
        fit = np.linalg.lstsq(basis, (edge**2).sum(axis=1), rcond=None)[0]
        if np.hypot(*(fit[:2] - centre[:2])) > radius:
            return None
        here[:2] = fit[:2]
    return float(here[0]), float(here[1]), float(here[2]), radius


def _chain(
    block: Block, first: tuple[float, float, float, float], blood_hu: float, step_mm: float
) -> list[tuple[float, float, float, float]]:
    """The circles above or below the first one."""
    out: list[tuple[float, float, float, float]] = []
    x, y, z, radius = first
    while True:
        z += step_mm
        found = _circle(block, np.array([x, y, z]), radius, blood_hu)
        if found is None or np.hypot(found[0] - x, found[1] - y) > MOST_SHIFT_MM:
            return out
        radius = REMEMBERED * radius + (1 - REMEMBERED) * min(found[3], (1 + GROWTH_SHARE) * radius)
        x, y = found[0], found[1]
        out.append((x, y, z, radius))


def aorta_region(block: Block, aorta: Aorta, *, step_mm: float) -> NDArray[np.bool_]:
    """(a, b, c) voxels of a grid along the LPS axes inside the circles, grown by 0.8 mm; 13 mm longer at both ends."""
    out = np.zeros(block.hu.shape, dtype=bool)
    low = block.affine.to_mm([0, 0, 0])[0]
    x, y, z = (low[a] + step_mm * np.arange(out.shape[a]) for a in range(3))
    for k in np.flatnonzero((z >= aorta.centre_mm[0, 2] - BEYOND_MM) & (z <= aorta.centre_mm[-1, 2] + BEYOND_MM)):
        at = [float(np.interp(z[k], aorta.centre_mm[:, 2], aorta.centre_mm[:, c])) for c in range(2)]
        radius = float(np.interp(z[k], aorta.centre_mm[:, 2], aorta.radius_mm)) + RIM_MM
        out[:, :, k] = np.hypot(x[:, None] - at[0], y[None, :] - at[1]) <= radius
    return out
