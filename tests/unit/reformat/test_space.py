"""The map between vessel coordinates and the patient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recanal.core.curves import Centerline, Contours, frames
from recanal.reformat.space import VesselSpace, radius_mm


def helix_contours() -> Contours:
    t = np.linspace(0, 4, 160)
    line = Centerline(np.stack([18 * np.cos(t), 18 * np.sin(t), 6 * t], axis=1)).resample(0.4)
    _, normals, binormals = frames(line)
    n = len(line.points_mm)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wall = np.tile(2.5 + 0.5 * np.cos(angle), (n, 1))
    return Contours(line, normals, binormals, 0.6 * wall, wall, np.ones(wall.shape, dtype=bool))


CONTOURS = helix_contours()
SPACE = VesselSpace.of(CONTOURS)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 1.0), st.floats(-6.0, 6.0), st.floats(-6.0, 6.0))
def test_there_and_back(share: float, u_mm: float, v_mm: float) -> None:
    suv = np.array([[share * CONTOURS.line.length_mm, u_mm, v_mm]])
    assert SPACE.from_mm(SPACE.to_mm(suv)) == pytest.approx(suv, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 150), st.floats(-4.0, 4.0), st.floats(-4.0, 4.0))
def test_back_and_there(section: int, u_mm: float, v_mm: float) -> None:
    point = CONTOURS.line.points_mm[section] + u_mm * CONTOURS.normals[section] + v_mm * CONTOURS.binormals[section]
    assert SPACE.to_mm(SPACE.from_mm(point)) == pytest.approx(point[None], abs=1e-6)


def test_axes_are_orthonormal_between_sections() -> None:
    where = np.linspace(0, CONTOURS.line.length_mm, 301)
    _, tangent, normal, binormal = SPACE.axes(where)
    frame = np.stack([tangent, normal, binormal], axis=1)
    assert frame @ frame.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(3), (301, 3, 3)), abs=1e-9)
    assert np.linalg.det(frame) == pytest.approx(1.0)


def test_the_axis_is_the_origin() -> None:
    assert SPACE.from_mm(CONTOURS.line.at(7.3))[0] == pytest.approx([7.3, 0.0, 0.0], abs=1e-6)


def test_radius_follows_the_rays_and_wraps() -> None:
    got = radius_mm(CONTOURS, [3.0], [0.0, np.pi, -np.pi, 2 * np.pi, np.deg2rad(7.5)], outer=True)[0]
    neighbour = 2.5 + 0.5 * np.cos(np.deg2rad(15))
    assert got == pytest.approx([3.0, 2.0, 2.0, 3.0, (3.0 + neighbour) / 2])
    assert radius_mm(CONTOURS, [3.0], [0.0], outer=False)[0] == pytest.approx([1.8])
