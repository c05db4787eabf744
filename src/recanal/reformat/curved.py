"""Pictures that follow a vessel: cross-sections, straightened and stretched curved reformations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.core.curves import Contours
from recanal.core.reformat import Overlay, Reformat
from recanal.core.volume import Volume
from recanal.errors import GeometryError
from recanal.reformat.borders import inside_picture
from recanal.reformat.sampling import Plane, sample_mm, sample_plane
from recanal.reformat.space import VesselSpace, radius_mm

__all__ = ["THRESHOLDS_HU", "cross_section", "plaque_classes", "straighten", "stretch"]

_Array = NDArray[np.float64]
THRESHOLDS_HU = (-30.0, 76.0, 131.0, 351.0)
_NO_LUMEN_MM = 0.05
_RIM_RAYS = 96


def plaque_classes(
    hu: NDArray[np.float32], inside: NDArray[np.bool_], thresholds_hu: ArrayLike = THRESHOLDS_HU
) -> NDArray[np.uint8]:
    """Plaque class of each pixel, by half-open bins; 0 outside, below the first bin and where there is no image.

    Notes
    -----
    1 necrotic core, 2 fibrofatty, 3 fibrous, 4 dense calcium. Xing Z, et al. 2022: see the page on composition.

    >>> plaque_classes(np.float32([-31, -30, 76, 131, 351]), np.ones(5, bool)).tolist()
    [0, 1, 2, 3, 4]
    """
    classes = np.digitize(np.nan_to_num(hu, nan=-np.inf), np.asarray(thresholds_hu, dtype=np.float64))
    return np.where(inside, classes, 0).astype(np.uint8)


def _runs(keep: NDArray[np.bool_], line: _Array, role: str) -> list[Overlay]:
    cuts = np.flatnonzero(np.diff(keep.astype(int))) + 1
    parts = zip(np.split(line, cuts), np.split(keep, cuts), strict=True)
    return [Overlay(role, part) for part, kept in parts if kept[0] and len(part) > 1]


def _seen(contours: Contours, s_mm: ArrayLike, angle_rad: ArrayLike) -> NDArray[np.bool_]:
    """(k, j) whether the image showed the outer wall, at the nearest section and ray."""
    rays = contours.wall_seen.shape[1]
    middle = (contours.line.arc_mm[1:] + contours.line.arc_mm[:-1]) / 2
    section = np.searchsorted(middle, np.atleast_1d(np.asarray(s_mm, dtype=np.float64)))
    ray = np.rint(np.atleast_1d(np.asarray(angle_rad)) * rays / (2 * np.pi)).astype(np.intp) % rays
    return np.asarray(contours.wall_seen[section[:, None], ray])


def _rim(contours: Contours, s_mm: float, *, outer: bool) -> tuple[_Array, _Array]:
    """Offsets (u, v) of one closed border."""
    angle = np.linspace(0, 2 * np.pi, _RIM_RAYS + 1)
    radius = radius_mm(contours, s_mm, angle, outer=outer)[0]
    return radius * np.cos(angle), radius * np.sin(angle)


def _within(offsets: tuple[_Array, _Array], contours: Contours, s_mm: float) -> NDArray[np.bool_]:
    """Whether pixels at offsets (u, v) lie inside the outer wall of one section."""
    u, v = offsets
    flat = radius_mm(contours, s_mm, np.arctan2(v, u).ravel(), outer=True)[0]
    return np.asarray(np.hypot(u, v) <= flat.reshape(u.shape))


def cross_section(
    volume: Volume,
    contours: Contours,
    s_mm: float,
    *,
    caps_mm: tuple[float, float] | None = None,
    thresholds_hu: ArrayLike = THRESHOLDS_HU,
    pixel_mm: float = 0.1,
) -> Reformat:
    """The cut across the vessel at one arc length, as seen from its proximal end.

    Columns grow along the normal, rows along the binormal; the axis is the middle pixel. The name and the title are
    left for the caller to replace. ``classes`` is given where ``s_mm`` lies between ``caps_mm``.
    """
    origin, _, normal, binormal = VesselSpace.of(contours).axes(s_mm)
    size = _field_mm(contours, 10.0)
    plane = Plane.around(origin[0], binormal[0], normal[0], size_mm=(size, size), pixel_mm=pixel_mm)
    hu = sample_plane(volume, plane)
    middle = plane.shape[0] // 2
    overlays = []
    for role, outer in (("wall", True), ("lumen", False)):
        u, v = _rim(contours, s_mm, outer=outer)
        if np.hypot(u, v).max() > _NO_LUMEN_MM:
            line = np.stack([v, u], axis=1) / pixel_mm + middle
            overlays += [Overlay(role, part) for part in inside_picture(line, plane.shape)]
            if outer:
                guessed = ~_seen(contours, s_mm, np.linspace(0, 2 * np.pi, _RIM_RAYS + 1))[0]
                overlays += _runs(guessed, line, "wall_bridged")
    overlays.append(Overlay("centerline", np.full((1, 2), float(middle))))
    classes = None
    if caps_mm is not None and caps_mm[0] <= s_mm <= caps_mm[1]:
        step = (np.arange(plane.shape[0]) - middle) * pixel_mm
        v, u = np.meshgrid(step, step, indexing="ij")
        classes = plaque_classes(hu, _within((u, v), contours, s_mm), thresholds_hu)
    return Reformat(
        "cross_section",
        "cross_section",
        "Cross-section",
        hu,
        (pixel_mm, pixel_mm),
        tuple(overlays),
        classes,
        position_mm=float(s_mm),
        **plane.directions,
    )


def _field_mm(contours: Contours, least_mm: float) -> float:
    """A field that leaves room around the thickest wall."""
    return float(np.clip(5.0 * contours.wall_radius_mm.max(), least_mm, 3 * least_mm))


def straighten(
    volume: Volume,
    contours: Contours,
    *,
    rotation_deg: float = 0.0,
    span_mm: tuple[float, float] | None = None,
    caps_mm: tuple[float, float] | None = None,
    thresholds_hu: ArrayLike = THRESHOLDS_HU,
) -> Reformat:
    """The straightened curved reformation: the vessel as a straight band.

    Parameters
    ----------
    volume, contours
        What is cut, and along which axis.
    rotation_deg
        Angle of the cut around the axis, from the normal towards the binormal.
    span_mm
        First and last arc length; by default the whole axis.
    caps_mm
        Arc lengths of the caps; they are marked, and the composition is given between them.
    thresholds_hu
        Lower ends of the four bins.

    Returns
    -------
    picture
        Row r is the arc length ``row_positions_mm[r]``; column c is the offset ``(c - middle) * pixel`` along the
        rotated normal. Lengths along the rows are exact arc lengths.

    Notes
    -----
    Straightened CPR of Kanitsar A, et al. CPR: curved planar reformation. IEEE Visualization 2002.
    doi:10.1109/VISUAL.2002.1183754
    """
    start, end = (0.0, contours.line.length_mm) if span_mm is None else span_mm
    if not 0 <= start < end <= contours.line.length_mm + 1e-6:
        raise GeometryError(f"The span must lie on the vessel, [0, {contours.line.length_mm:.1f}] mm, got {span_mm}.")
    pixel = 0.2 if end - start <= 120 else 0.25
    rows = np.linspace(start, end, max(2, round((end - start) / pixel) + 1))
    half = int(np.ceil(_field_mm(contours, 16.0) / 2 / pixel))
    offset = np.arange(-half, half + 1) * pixel
    angle = np.deg2rad(rotation_deg)
    origin, _, normal, binormal = VesselSpace.of(contours).axes(rows)
    across = np.cos(angle) * normal + np.sin(angle) * binormal
    hu = sample_mm(volume, origin[:, None] + offset[None, :, None] * across[:, None])
    classes = None
    if caps_mm is not None:
        right, left = radius_mm(contours, rows, [angle, angle + np.pi], outer=True).T[:, :, None]
        inside = (offset <= right) & (offset >= -left)
        inside &= ((rows >= caps_mm[0]) & (rows <= caps_mm[1]))[:, None]
        classes = plaque_classes(hu, inside, thresholds_hu)
    return Reformat(
        "straightened",
        f"straightened_{round(rotation_deg):03d}",
        f"Straightened CPR, {round(rotation_deg)}°",
        hu,
        (float(rows[1] - rows[0]), pixel),
        _straight_overlays(contours, rows, angle, half=half, pixel_mm=pixel, caps_mm=caps_mm),
        classes,
        rows,
    )


def _straight_overlays(
    contours: Contours,
    rows: _Array,
    angle: float,
    *,
    half: int,
    pixel_mm: float,
    caps_mm: tuple[float, float] | None,
) -> tuple[Overlay, ...]:
    out: list[Overlay] = []
    count = np.arange(len(rows), dtype=np.float64)
    for role, outer in (("wall", True), ("lumen", False)):
        radius = radius_mm(contours, rows, [angle, angle + np.pi], outer=outer)
        keep = radius.max(axis=1) > _NO_LUMEN_MM
        for side, sign in ((0, 1.0), (1, -1.0)):
            column = half + sign * radius[:, side] / pixel_mm
            keep_here = keep & (np.abs(column - half) <= half)
            line = np.stack([count, column], axis=1)
            out += _runs(keep_here, line, role)
            if outer:
                guessed = ~_seen(contours, rows, angle + (np.pi if side else 0.0))[:, 0]
                out += _runs(keep_here & guessed, line, "wall_bridged")
    out.append(Overlay("centerline", np.stack([count, np.full(len(rows), float(half))], axis=1)))
    for role, cap in zip(("proximal_cap", "distal_cap"), caps_mm or (), strict=False):
        row = float(np.interp(cap, rows, count))
        out.append(Overlay(role, np.array([[row, 0.0], [row, 2.0 * half]])))
    return tuple(out)


def stretch(
    volume: Volume,
    contours: Contours,
    *,
    span_mm: tuple[float, float] | None = None,
    caps_mm: tuple[float, float] | None = None,
    pixel_mm: float = 0.25,
) -> Reformat:
    """The stretched curved reformation: bends stay visible and lengths along the vessel stay true.

    The axis is swept along one direction; the curved sheet so made is unrolled without stretching it. The direction is
    the one in which the vessel bends most, across its chord, so that the bend lies in the picture.

    Parameters
    ----------
    volume, contours, span_mm, caps_mm
        As in :func:`straighten`.
    pixel_mm
        Pixel size in both directions.

    Notes
    -----
    Stretched CPR of Kanitsar A, et al. IEEE Visualization 2002. doi:10.1109/VISUAL.2002.1183754
    """
    start, end = (0.0, contours.line.length_mm) if span_mm is None else span_mm
    fine = np.linspace(start, end, max(2, int(np.ceil((end - start) / 0.1)) + 1))
    axis = contours.line.at(fine)
    sweep = _bend_direction(axis)
    along = axis @ sweep
    across = np.diff(axis, axis=0) - np.diff(along)[:, None] * sweep
    unrolled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(across, axis=1))])
    height = np.arange(int(np.floor(unrolled[-1] / pixel_mm)) + 1) * pixel_mm
    where = np.interp(height, unrolled, fine)
    least = 0.45 * unrolled[-1] - np.ptp(along)  # a long vessel still gets a picture, not a ribbon
    margin = max(_field_mm(contours, 24.0), float(least)) / 2
    first = along.min() - margin
    columns = np.arange(int(np.ceil((along.max() + margin - first) / pixel_mm)) + 1) * pixel_mm + first
    base = contours.line.at(where)
    base -= (base @ sweep)[:, None] * sweep
    hu = sample_mm(volume, base[:, None] + columns[None, :, None] * sweep)
    line = np.stack([unrolled, along - first], axis=1) / pixel_mm
    overlays = [Overlay("centerline", line)]
    for role, cap in zip(("proximal_cap", "distal_cap"), caps_mm or (), strict=False):
        overlays.append(Overlay(role, np.array([[np.interp(cap, fine, line[:, k]) for k in (0, 1)]])))
    return Reformat(
        "stretched", "stretched", "Stretched CPR", hu, (pixel_mm, pixel_mm), tuple(overlays), row_positions_mm=where
    )


def _bend_direction(axis: _Array) -> _Array:
    """Unit vector across the chord along which the axis strays most; for a straight axis, the most sideways one."""
    chord = axis[-1] - axis[0]
    size = np.linalg.norm(chord)
    if size < 1e-6:
        raise GeometryError("The vessel ends where it begins; no chord can be drawn.")
    chord = chord / size
    stray = axis - axis.mean(0)
    stray = stray - (stray @ chord)[:, None] * chord
    _, spread, rows = np.linalg.svd(stray, full_matrices=False)
    way = np.asarray(rows[0])
    if spread[0] / np.sqrt(len(axis)) < 0.05:
        way = np.eye(3)[int(np.argmin(np.abs(chord)))]
    way = way - (way @ chord) * chord
    way = way / np.linalg.norm(way)
    return np.asarray(way * np.sign(way[int(np.argmax(np.abs(way)))]))
