"""Vessels drawn from formulas: a second truth, by code that shares nothing with the phantoms nor with the measuring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

__all__ = ["ENDS", "PLACES", "Tube", "draw_tube"]

Array = NDArray[np.float64]
PLACES = ("none", "in the middle", "in plaque at a cap", "across a cap", "beside the open lumen", "side to side")
ENDS = ("proximal", "distal")
STEP_MM, NEAR_MM, MARGIN_MM = 0.05, 8.0, 9.0
FAT_HU, MUSCLE_HU, WALL_HU = -90.0, 105.0, 60.0


@dataclass(frozen=True, eq=False)
class Tube:
    """A drawn vessel and its truth.

    Parameters
    ----------
    hu, spacing_mm
        The picture (n, m, k) and its voxel size along each axis; the centre of the first voxel lies at 0.
    axis_mm, arc_mm
        (n, 3) and (n,): the axis and the arc length along it.
    caps_mm
        Arc lengths of both caps: where the contrast on the axis, in the blurred picture without noise and calcium, is
        half way from plaque to lumen. None where the vessel is open.
    stenosis
        Share of the diameter that is lost where it is narrowest; 1 where it is occluded.
    place, end
        Where calcium lies, and at which end.
    levels_hu, noise_hu
        Of the lumen before and beyond, and the standard deviation of the noise.
    plaque_mm3
        All that lies inside of the wall between the caps.
    points_mm
        Two points in the open lumen, (2, 3).
    """

    hu: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    axis_mm: Array
    arc_mm: Array
    caps_mm: tuple[float, float] | None
    stenosis: float
    place: str
    end: str
    levels_hu: tuple[float, float]
    noise_hu: float
    plaque_mm3: float
    points_mm: Array

    def away_mm(self, points_mm: Array) -> Array:
        """(n,) distance of points (n, 3) from the axis."""
        return np.asarray(cKDTree(self.axis_mm).query(points_mm)[0])

    def arc_at(self, point_mm: Array) -> float:
        """Arc length of the place on the axis next to a point."""
        return float(self.arc_mm[np.linalg.norm(self.axis_mm - point_mm, axis=1).argmin()])


@dataclass(frozen=True, eq=False)
class _Frame:
    """Voxels near the vessel: their index, arc length (n,) and place across it (n, 2)."""

    index: tuple[NDArray[np.intp], ...]
    arc: Array
    across: Array
    soft_mm: float

    @property
    def radius(self) -> Array:
        return np.hypot(self.across[:, 0], self.across[:, 1])

    def inside(self, distance_mm: Array) -> Array:
        """Share of a voxel on the inner side of a border at a signed distance."""
        return np.clip(0.5 - distance_mm / self.soft_mm, 0.0, 1.0)


@dataclass(frozen=True)
class _Vessel:
    """What is drawn: the ends of the occlusion, or of the stenosis, and widths."""

    caps_mm: tuple[float, float]
    levels_hu: tuple[float, float]
    stenosis: float
    half_mm: float
    taper: float
    bulge_mm: float

    def middle(self, frame: _Frame) -> Array:
        """Place along the vessel, from -1 to 1 in the occlusion and 4 mm on either side."""
        low, high = self.caps_mm
        return (frame.arc - (low + high) / 2) / (0.5 * (high - low) + 4.0)

    def lumen_mm(self, frame: _Frame) -> Array:
        return self.half_mm * (1.0 - self.taper * frame.arc)

    def outer_mm(self, frame: _Frame) -> Array:
        return self.lumen_mm(frame) + 0.35 + self.bulge_mm * np.exp(-(self.middle(frame) ** 4))


def draw_tube(seed: int, *, place: str = "none", end: str = "distal", occluded: bool = True) -> Tube:
    """A vessel of 1.5 to 2.2 mm half width in fat, next to muscle and often next to a vein.

    Parameters
    ----------
    seed
        Of everything that is drawn by chance.
    place, end
        Where calcium lies (``PLACES``), and at which end of the occlusion (``ENDS``).
    occluded
        Whether it is occluded; else it has a stenosis of 30 to 80 % of its diameter, and calcium leaves its lumen free.
    """
    rng = np.random.default_rng([seed, PLACES.index(place), ENDS.index(end), occluded])
    axis, arc = _axis(rng)
    spacing = (float(rng.uniform(0.3, 0.5)),) * 2 + (float(rng.uniform(0.4, 0.75)),)
    axis = axis - axis.min(axis=0) + MARGIN_MM
    shape = tuple(int(n) for n in np.ceil((axis.max(axis=0) + MARGIN_MM) / spacing))
    frame = _frame(axis, arc, shape, spacing)
    gap_mm = float(rng.uniform(6.0, 40.0))
    start_mm = float(rng.uniform(26.0, max(arc[-1] - gap_mm - 26.0, 27.0)))
    first_hu = float(rng.uniform(300.0, 520.0))
    vessel = _Vessel(
        caps_mm=(start_mm, start_mm + gap_mm),
        levels_hu=(first_hu, first_hu * float(rng.uniform(0.55, 1.0))),
        stenosis=1.0 if occluded else float(rng.uniform(0.3, 0.8)),
        half_mm=float(rng.uniform(1.5, 2.2)),
        taper=float(rng.uniform(0.0, 0.005)),
        bulge_mm=float(rng.uniform(-0.1, 0.3)),
    )
    hu = _surroundings(rng, axis, shape, spacing)
    if rng.random() < 0.4:
        _vein(rng, hu, frame, level_hu=first_hu * float(rng.uniform(0.4, 0.75)))
    plaque_hu = _plaque(rng, frame, shape, spacing)
    hu[frame.index], lumen = _with_vessel(rng, frame, vessel, hu[frame.index], plaque_hu)
    low, high = vessel.caps_mm
    calcium, calcium_hu = _calcium(
        rng, frame, vessel.outer_mm(frame), (low, high) if end == "distal" else (-high, -low), place
    )
    sigma = float(rng.uniform(0.36, 0.5)) * np.array([1.0, 1.0, float(rng.uniform(1.0, 1.25))]) / spacing
    caps_mm = _imaged_caps(ndimage.gaussian_filter(hu, sigma), spacing, axis, arc, (low, high)) if occluded else None
    calcium = calcium if occluded else calcium * (1.0 - lumen)
    hu[frame.index] += calcium * (calcium_hu - hu[frame.index])
    noise_hu = float(rng.uniform(12.0, 35.0))
    grain = ndimage.gaussian_filter(rng.standard_normal(shape), 0.45 / np.array(spacing))
    picture = ndimage.gaussian_filter(hu, sigma) + grain * (noise_hu / grain.std())

    low, high = caps_mm or vessel.caps_mm
    between = frame.inside(frame.radius - vessel.outer_mm(frame)) * ((frame.arc >= low) & (frame.arc <= high))
    ends = low - rng.uniform(9.0, 20.0), high + rng.uniform(9.0, 20.0)
    points = np.array([[np.interp(s, arc, axis[:, k]) for k in range(3)] for s in ends])
    return Tube(
        hu=picture.astype(np.float32),
        spacing_mm=spacing,
        axis_mm=axis,
        arc_mm=arc,
        caps_mm=caps_mm,
        stenosis=vessel.stenosis,
        place=place,
        end=end,
        levels_hu=vessel.levels_hu,
        noise_hu=noise_hu,
        plaque_mm3=float(between.sum() * np.prod(spacing)),
        points_mm=points + rng.uniform(-0.3, 0.3, (2, 3)),
    )


def _axis(rng: np.random.Generator) -> tuple[Array, Array]:
    """A wavy line of about 100 mm in some direction; (n, 3) and its arc length (n,)."""
    basis = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    t = np.linspace(0.0, 1.0, 4000)
    waves = [rng.uniform(3.0, 9.0) * np.sin(2 * np.pi * (rng.uniform(0.5, 1.2) * t + rng.random())) for _ in range(2)]
    line = np.stack([92.0 * t, *waves], axis=1) @ basis
    arc = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    even = np.arange(0.0, arc[-1], STEP_MM)
    return np.stack([np.interp(even, arc, line[:, k]) for k in range(3)], axis=1), even


def _frame(axis: Array, arc: Array, shape: tuple[int, ...], spacing: tuple[float, ...]) -> _Frame:
    index = np.indices(shape).reshape(3, -1).T
    away, nearest = cKDTree(axis).query(index * spacing, distance_upper_bound=NEAR_MM)
    index, nearest = index[np.isfinite(away)], nearest[np.isfinite(away)]
    tangent = np.gradient(axis, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    side = np.zeros_like(axis)
    side[0] = np.cross(tangent[0], np.eye(3)[np.abs(tangent[0]).argmin()])
    for k in range(1, len(axis)):
        side[k] = side[k - 1] - (side[k - 1] @ tangent[k]) * tangent[k]
        side[k] /= np.linalg.norm(side[k])
    off = index * spacing - axis[nearest]
    x = (off * side[nearest]).sum(axis=1)
    y = (off * np.cross(tangent, side)[nearest]).sum(axis=1)
    along = (off * tangent[nearest]).sum(axis=1)
    return _Frame(tuple(index.T), arc[nearest] + along, np.stack([x, y], axis=1), float(np.mean(spacing)))


def _surroundings(rng: np.random.Generator, axis: Array, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Array:
    """Fat that is not quite even, and muscle on one side."""
    uneven = ndimage.gaussian_filter(rng.standard_normal(shape), 2.0 / np.array(spacing))
    hu = FAT_HU + 15.0 * uneven / uneven.std()
    normal = np.cross(axis[-1] - axis[0], rng.standard_normal(3))
    normal /= np.linalg.norm(normal)
    height = np.tensordot(np.indices(shape), normal * np.array(spacing), axes=(0, 0))
    border = float((axis @ normal).min()) - float(rng.uniform(-1.0, 4.0)) + 1.5 * uneven / uneven.std()
    muscle = np.clip(0.5 + (border - height) / float(np.mean(spacing)), 0.0, 1.0)
    return np.asarray(hu * (1.0 - muscle) + MUSCLE_HU * muscle)


def _vein(rng: np.random.Generator, hu: Array, frame: _Frame, *, level_hu: float) -> None:
    turn, away_mm, half_mm = rng.uniform(0.0, 2 * np.pi), rng.uniform(4.2, 6.0), rng.uniform(0.8, 1.4)
    angle = turn + 0.02 * frame.arc
    centre = away_mm * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    vein = frame.inside(np.linalg.norm(frame.across - centre, axis=1) - half_mm)
    hu[frame.index] = hu[frame.index] * (1.0 - vein) + level_hu * vein


def _plaque(rng: np.random.Generator, frame: _Frame, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Array:
    """Attenuation of patchy plaque at the voxels of a frame."""
    patches = ndimage.gaussian_filter(rng.standard_normal(shape), float(rng.uniform(0.8, 2.0)) / np.array(spacing))
    values = patches[frame.index]
    hu = rng.uniform(45.0, 110.0) + 28.0 * (values - values.mean()) / values.std()
    return np.asarray(np.clip(hu, 0.0, 165.0))


def _with_vessel(
    rng: np.random.Generator, frame: _Frame, vessel: _Vessel, hu: Array, plaque_hu: Array
) -> tuple[Array, Array]:
    """The attenuation of the voxels of a frame, with wall, plaque and lumen in it, and the share of lumen in each."""
    middle, lumen_mm = vessel.middle(frame), vessel.lumen_mm(frame)
    within = np.exp(-(middle**8))
    whole = frame.inside(frame.radius - vessel.outer_mm(frame))
    hu = hu + whole * (WALL_HU * (1.0 - within) + plaque_hu * within - hu)
    if vessel.stenosis == 1.0:
        lumen = _closed(rng, frame, lumen_mm, vessel.caps_mm)
        level = np.where(middle < 0.0, *vessel.levels_hu)
    else:
        narrowed = lumen_mm * (1.0 - vessel.stenosis * np.exp(-(middle**2) * 2.0))
        turn, off = rng.uniform(0.0, 2 * np.pi), (lumen_mm - narrowed) * float(rng.uniform(0.0, 0.8))
        aside = frame.across - off[:, None] * np.array([np.cos(turn), np.sin(turn)])
        lumen = frame.inside(np.linalg.norm(aside, axis=1) - narrowed)
        level = np.interp(frame.arc, vessel.caps_mm, vessel.levels_hu)
    return hu + lumen * (level - hu), lumen


def _closed(rng: np.random.Generator, frame: _Frame, lumen_mm: Array, caps: tuple[float, float]) -> Array:
    """Share of lumen in each voxel: open before and beyond, with domed, hollow or tapered ends."""
    out = np.zeros(len(frame.arc))
    for sign, cap in ((1.0, caps[0]), (-1.0, caps[1])):
        inward = sign * (frame.arc - cap)
        across = np.minimum(frame.radius / lumen_mm, 1.5) ** 2
        if rng.random() < 0.5:
            border = np.maximum(frame.radius - lumen_mm, inward - rng.uniform(-0.5, 0.8) * (1.0 - across))
        else:
            taper_mm = rng.uniform(2.0, 5.0)
            left = np.clip(1.0 - (inward + taper_mm) / taper_mm, 0.0, 1.0)
            border = np.maximum(frame.radius - lumen_mm * left, inward)
        out = np.maximum(out, frame.inside(border))
    return out


def _calcium(
    rng: np.random.Generator, frame: _Frame, outer_mm: Array, caps: tuple[float, float], place: str
) -> tuple[Array, float]:
    """Share of calcium in each voxel, and its attenuation; at the second cap, or the first where both are negated."""
    arc = frame.arc if caps[1] > 0 else -frame.arc
    cap, gap = caps[1], caps[1] - caps[0]
    hu, turn = float(rng.uniform(600.0, 1200.0)), rng.uniform(-np.pi, np.pi)
    if place == "none":
        return np.zeros(len(arc)), hu
    if place == "side to side":
        centre, half = (caps[0] + caps[1]) / 2, min(rng.uniform(1.0, 2.5), gap / 2 - 1.5)
        return frame.inside(np.maximum(np.abs(arc - centre) - half, frame.radius - 0.95 * outer_mm)), hu
    if place in ("in the middle", "in plaque at a cap"):
        inward = rng.uniform(0.2, 2.5) if place == "in plaque at a cap" else gap / 2
        long, wide = min(rng.uniform(0.6, 2.0), max(inward, 0.6)), rng.uniform(0.5, 1.1)
        aside = rng.uniform(0.0, 0.7) * np.median(outer_mm) * np.array([np.cos(turn), np.sin(turn)])
        across = np.linalg.norm(frame.across - aside, axis=1)
        size = np.hypot((arc - (cap - max(inward, long))) / long, across / wide)
        return frame.inside((size - 1.0) * wide), hu
    if place == "across a cap":
        start, stop = cap - rng.uniform(1.5, 4.0), cap + rng.uniform(1.0, 4.0)
    else:
        start = cap + rng.uniform(0.3, 2.0)
        stop = start + rng.uniform(2.0, 6.0)
    around = np.abs((np.arctan2(frame.across[:, 1], frame.across[:, 0]) - turn + np.pi) % (2 * np.pi) - np.pi)
    deep_mm, half_turn = rng.uniform(0.5, 1.3), rng.uniform(0.5, 1.6)
    sides = (around - half_turn) * np.maximum(frame.radius, 0.3)
    shell = np.maximum(frame.radius - outer_mm, outer_mm - deep_mm - frame.radius)
    return frame.inside(np.max([start - arc, arc - stop, sides, shell], axis=0)), hu


def _imaged_caps(
    plain: Array, spacing: tuple[float, ...], axis: Array, arc: Array, caps: tuple[float, float]
) -> tuple[float, float]:
    """Where the contrast on the axis falls to half, in the blurred picture without noise and calcium."""
    level = ndimage.map_coordinates(plain, (axis / spacing).T, order=1)
    inner = float(np.median(level[(arc > caps[0] + 1.5) & (arc < caps[1] - 1.5)]))
    found = []
    for sign, cap in ((1.0, caps[0]), (-1.0, caps[1])):
        inward = sign * (arc - cap)
        outer = float(np.median(level[(inward < -6.0) & (inward > -9.0)]))
        near = np.flatnonzero(np.abs(inward) < 6.0)
        near = near[np.argsort(inward[near])]
        found.append(float(arc[near][np.argmax(level[near] < (inner + outer) / 2)]))
    return found[0], found[1]
