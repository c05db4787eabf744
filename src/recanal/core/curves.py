"""Curves along vessels and the contours around them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recanal.errors import GeometryError

__all__ = ["Centerline", "Contours", "TreeSegment", "VesselTree", "arc_mm", "frames"]


def arc_mm(points_mm: ArrayLike) -> NDArray[np.float64]:
    """Arc length from the first point to each point of an (n, 3) polyline.

    >>> arc_mm([[0, 0, 0], [3, 4, 0], [3, 4, 2]])
    array([0., 5., 7.])
    """
    points = np.asarray(points_mm, dtype=np.float64)
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])


@dataclass(frozen=True, eq=False)
class Centerline:
    """A vessel axis, proximal to distal, in LPS millimetres.

    Parameters
    ----------
    points_mm
        (n >= 2, 3), finite, without repeated neighbours.

    Examples
    --------
    >>> Centerline([[0, 0, 0], [3, 4, 0]]).length_mm
    5.0
    """

    points_mm: NDArray[np.float64]

    def __post_init__(self) -> None:
        points = np.array(self.points_mm, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3 or len(points) < 2:
            raise GeometryError(f"points_mm must be (n >= 2, 3), got {points.shape}.")
        if not np.isfinite(points).all():
            raise GeometryError("points_mm must be finite.")
        if np.any(np.linalg.norm(np.diff(points, axis=0), axis=1) <= 0):
            raise GeometryError("points_mm must not repeat a point.")
        points.setflags(write=False)
        object.__setattr__(self, "points_mm", points)

    @cached_property
    def arc_mm(self) -> NDArray[np.float64]:
        """(n,) arc length at each point."""
        arc = arc_mm(self.points_mm)
        arc.setflags(write=False)
        return arc

    @property
    def length_mm(self) -> float:
        """Arc length of the whole curve."""
        return float(self.arc_mm[-1])

    def at(self, position_mm: ArrayLike) -> NDArray[np.float64]:
        """Points (n, 3) at the given arc lengths, linear between the stored points, clamped to the ends."""
        where = np.atleast_1d(np.asarray(position_mm, dtype=np.float64))
        arc = self.arc_mm
        return np.stack([np.interp(where, arc, self.points_mm[:, k]) for k in range(3)], axis=1)

    def points_between(self, start_mm: float, end_mm: float) -> NDArray[np.float64]:
        """(n, 3) the points from one arc length to another."""
        return self.points_mm[(self.arc_mm >= start_mm) & (self.arc_mm <= end_mm)]

    def resample(self, step_mm: float) -> Centerline:
        """The same curve with points every ``step_mm`` or a little less, ends kept."""
        count = max(2, int(np.ceil(self.length_mm / step_mm)) + 1)
        return Centerline(self.at(np.linspace(0.0, self.length_mm, count)))

    def nearest(self, point_mm: ArrayLike) -> tuple[float, float]:
        """Arc length of the point of the curve nearest to ``point_mm``, and the distance to it."""
        point = np.asarray(point_mm, dtype=np.float64)
        start, step = self.points_mm[:-1], np.diff(self.points_mm, axis=0)
        share = np.clip(((point - start) * step).sum(1) / (step**2).sum(1), 0.0, 1.0)
        gap = np.linalg.norm(start + share[:, None] * step - point, axis=1)
        best = int(np.argmin(gap))
        return float(self.arc_mm[best] + share[best] * np.linalg.norm(step[best])), float(gap[best])


def _carried(normal: list[float], points: NDArray[np.float64], tangents: NDArray[np.float64]) -> list[list[float]]:
    """The normal at each point, from that at the first one; three plain numbers are faster than an array."""
    out, after = [normal], tangents.tolist()
    for i, chord in enumerate(np.diff(points, axis=0).tolist()):
        reflected, tangent = _mirrored(normal, chord), _mirrored(after[i], chord)
        t = after[i + 1]
        turn = [t[0] - tangent[0], t[1] - tangent[1], t[2] - tangent[2]]
        x, y, z = _mirrored(reflected, turn) if math.hypot(*turn) > 1e-10 else reflected
        off = x * t[0] + y * t[1] + z * t[2]
        x, y, z = x - off * t[0], y - off * t[1], z - off * t[2]
        size = math.hypot(x, y, z)
        normal = [x / size, y / size, z / size]
        out.append(normal)
    return out


def _mirrored(vector: list[float], across: list[float]) -> list[float]:
    """A vector mirrored in the plane across another."""
    a, b, c = across
    share = 2.0 * (a * vector[0] + b * vector[1] + c * vector[2]) / (a * a + b * b + c * c)
    return [vector[0] - share * a, vector[1] - share * b, vector[2] - share * c]


def frames(line: Centerline) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rotation-minimising frames of a curve.

    Returns
    -------
    tangents, normals, binormals
        (n, 3) each, orthonormal at every point.

    Notes
    -----
    Double reflection, Wang W, et al. ACM Trans Graph 2008;27:2. doi:10.1145/1330511.1330513
    """
    points = line.points_mm
    tangents = np.gradient(points, line.arc_mm, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    helper = np.eye(3)[int(np.argmin(np.abs(tangents[0])))]
    first = helper - helper @ tangents[0] * tangents[0]
    normals = np.array(_carried((first / np.linalg.norm(first)).tolist(), points, tangents))
    return tangents, normals, np.asarray(np.cross(tangents, normals))


@dataclass(frozen=True, eq=False)
class Contours:
    """Lumen and outer wall around a vessel axis, as radii on rays in each cross-section.

    Parameters
    ----------
    line
        The axis with n points; cross-section i stands on point i.
    normals, binormals
        (n, 3) unit vectors spanning each cross-section. Ray k points along
        ``cos(angle_k) * normal + sin(angle_k) * binormal`` with ``angle_k = 2 pi k / m``.
    lumen_radius_mm
        (n, m) distance from the axis to the lumen border; 0 where there is no lumen.
    wall_radius_mm
        (n, m) distance from the axis to the outer border of the wall.
    wall_seen
        (n, m) True where the image showed the outer border, False where it was bridged from its surroundings.
    """

    line: Centerline
    normals: NDArray[np.float64]
    binormals: NDArray[np.float64]
    lumen_radius_mm: NDArray[np.float64]
    wall_radius_mm: NDArray[np.float64]
    wall_seen: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.line.points_mm)
        shape = np.shape(self.lumen_radius_mm)
        if len(shape) != 2 or shape[0] != n or shape[1] < 8:
            raise GeometryError(f"lumen_radius_mm must be ({n}, m >= 8), got {shape}.")
        for name in ("wall_radius_mm", "wall_seen"):
            if np.shape(getattr(self, name)) != shape:
                raise GeometryError(f"{name} must be {shape}, got {np.shape(getattr(self, name))}.")
        for name, kind in (
            ("normals", np.float64),
            ("binormals", np.float64),
            ("lumen_radius_mm", np.float64),
            ("wall_radius_mm", np.float64),
            ("wall_seen", np.bool_),
        ):
            values = np.array(getattr(self, name), dtype=kind)
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        if np.any(self.lumen_radius_mm < 0) or np.any(self.lumen_radius_mm > self.wall_radius_mm + 1e-6):
            raise GeometryError("Radii must satisfy 0 <= lumen <= outer wall on every ray.")

    @property
    def angles_rad(self) -> NDArray[np.float64]:
        """(m,) angle of each ray."""
        m = self.lumen_radius_mm.shape[1]
        return np.asarray(np.arange(m) * (2 * np.pi / m), dtype=np.float64)

    @property
    def lumen_area_mm2(self) -> NDArray[np.float64]:
        """(n,) area inside the lumen border of each section."""
        return _polar_area(self.lumen_radius_mm)

    @property
    def wall_area_mm2(self) -> NDArray[np.float64]:
        """(n,) area inside the outer border of each section."""
        return _polar_area(self.wall_radius_mm)

    def border_mm(self, section: int, *, outer: bool = False) -> NDArray[np.float64]:
        """(m, 3) LPS points of the lumen border, or of the outer wall, of one section."""
        radius = (self.wall_radius_mm if outer else self.lumen_radius_mm)[section]
        angle = self.angles_rad
        along = np.cos(angle)[:, None] * self.normals[section] + np.sin(angle)[:, None] * self.binormals[section]
        return np.asarray(self.line.points_mm[section] + radius[:, None] * along)


def _polar_area(radius: NDArray[np.float64]) -> NDArray[np.float64]:
    step = 2 * np.pi / radius.shape[1]
    return np.asarray(0.5 * np.sin(step) * (radius * np.roll(radius, -1, axis=1)).sum(axis=1))


@dataclass(frozen=True, eq=False)
class TreeSegment:
    """One named stretch of a vessel tree.

    Parameters
    ----------
    name
        Segment name, such as ``"pRCA"``, or the vessel when segments are not named.
    scct
        Number in the SCCT 18-segment model, or None.
    vessel
        ``"RCA"``, ``"LM"``, ``"LAD"``, ``"LCX"``, or None when unknown.
    line
        The axis, proximal to distal.
    radius_mm
        (n,) equivalent lumen radius at each point; inside an occlusion 0.
    """

    name: str
    scct: int | None
    vessel: str | None
    line: Centerline
    radius_mm: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VesselTree:
    """The segments found, and which artery supplies the inferior wall."""

    dominance: str | None
    segments: tuple[TreeSegment, ...]
