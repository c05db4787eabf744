"""Vessel space: the exact map between a position along a vessel and the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from recanal.core.curves import Contours, arc_mm

__all__ = ["VesselSpace", "radius_mm"]

_Array = NDArray[np.float64]


def _unit(vectors: _Array) -> _Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _between(where: _Array, arc: _Array, rows: _Array) -> _Array:
    """Rows at the arc lengths ``where``, linear between the stored ones, clamped to the ends."""
    left = np.clip(np.searchsorted(arc, where, side="right") - 1, 0, len(arc) - 2)
    share = np.clip((where - arc[left]) / (arc[left + 1] - arc[left]), 0.0, 1.0)[:, None]
    return np.asarray((1 - share) * rows[left] + share * rows[left + 1])


@dataclass(frozen=True, eq=False)
class VesselSpace:
    """Coordinates (s, u, v) along a vessel: arc length, and offsets along the normal and the binormal.

    Parameters
    ----------
    points_mm, normals, binormals
        (n, 3) axis and frame, as in :class:`~recanal.core.curves.Contours`.

    Notes
    -----
    Between two stored sections the axis is straight and the frame turns smoothly, so ``to_mm`` and ``from_mm`` undo
    each other wherever the sections do not fold over one another (offset smaller than the radius of curvature).
    """

    points_mm: _Array
    normals: _Array
    binormals: _Array

    @classmethod
    def of(cls, contours: Contours) -> VesselSpace:
        """The space around the axis of ``contours``."""
        return cls(contours.line.points_mm, contours.normals, contours.binormals)

    @property
    def arc_mm(self) -> _Array:
        """(n,) arc length of each stored section."""
        return arc_mm(self.points_mm)

    def axes(self, s_mm: ArrayLike) -> tuple[_Array, _Array, _Array, _Array]:
        """Origin, tangent, normal and binormal, (k, 3) each, at (k,) arc lengths."""
        where = np.atleast_1d(np.asarray(s_mm, dtype=np.float64))
        arc = self.arc_mm
        tangent = _unit(_between(where, arc, np.cross(self.normals, self.binormals)))
        normal = _between(where, arc, self.normals)
        normal = _unit(normal - (normal * tangent).sum(1, keepdims=True) * tangent)
        return _between(where, arc, self.points_mm), tangent, normal, np.asarray(np.cross(tangent, normal))

    def to_mm(self, suv_mm: ArrayLike) -> _Array:
        """(k, 3) LPS points of (k, 3) vessel coordinates."""
        suv = np.atleast_2d(np.asarray(suv_mm, dtype=np.float64))
        origin, _, normal, binormal = self.axes(suv[:, 0])
        return np.asarray(origin + suv[:, 1:2] * normal + suv[:, 2:] * binormal)

    def from_mm(self, points_mm: ArrayLike) -> _Array:
        """(k, 3) vessel coordinates of (k, 3) LPS points, on the section that holds each point and lies nearest to it.

        A point beyond an end of the vessel is given the end section; its distance from that section is lost.
        """
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        arc = self.arc_mm
        near = cKDTree(self.points_mm).query(points)[1]
        low, high = arc[np.maximum(near - 2, 0)], arc[np.minimum(near + 2, len(arc) - 1)]
        for _ in range(60):
            middle = (low + high) / 2
            origin, tangent, _, _ = self.axes(middle)
            ahead = ((points - origin) * tangent).sum(1) > 0
            low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
        where = (low + high) / 2
        origin, _, normal, binormal = self.axes(where)
        offset = points - origin
        return np.stack([where, (offset * normal).sum(1), (offset * binormal).sum(1)], axis=1)


def radius_mm(contours: Contours, s_mm: ArrayLike, angle_rad: ArrayLike, *, outer: bool) -> _Array:
    """Distance from the axis to a border, at arc lengths and ray angles.

    Parameters
    ----------
    contours
        The borders.
    s_mm, angle_rad
        (k,) and (j,): arc lengths along the axis and angles from the normal towards the binormal.
    outer
        True for the outer wall, False for the lumen.

    Returns
    -------
    array
        (k, j) millimetres, linear between sections and between rays.
    """
    table = contours.wall_radius_mm if outer else contours.lumen_radius_mm
    rays = table.shape[1]
    rows = _between(np.atleast_1d(np.asarray(s_mm, dtype=np.float64)), contours.line.arc_mm, table)
    turn = np.mod(np.atleast_1d(np.asarray(angle_rad, dtype=np.float64)) * rays / (2 * np.pi), rays)
    left = np.floor(turn).astype(np.intp) % rays
    share = turn - np.floor(turn)
    return np.asarray(rows[:, left] * (1 - share) + rows[:, (left + 1) % rays] * share)
