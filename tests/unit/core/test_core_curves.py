"""Centerline, frames and Contours."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from recanal.core.curves import Centerline, Contours, arc_mm, frames
from recanal.errors import GeometryError

ANGLE = np.arange(16) * (2 * np.pi / 16)


def helix(radius_mm: float = 10.0, n: int = 120) -> Centerline:
    t = np.linspace(0, 3, n)
    return Centerline(np.stack([radius_mm * np.cos(t), radius_mm * np.sin(t), 4 * t], axis=1))


def contours(lumen: NDArray[np.float64] | float = 1.0, wall: NDArray[np.float64] | float = 1.5) -> Contours:
    line = Centerline([[0, 0, 0], [0, 0, 1], [0, 0, 2]])
    x, y = np.tile([1.0, 0, 0], (3, 1)), np.tile([0, 1.0, 0], (3, 1))
    shape = np.ones((3, 16))
    return Contours(line, x, y, lumen * shape, wall * shape, shape > 0)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[0, 0, 0]], r"must be \(n >= 2, 3\), got \(1, 3\)"),
        ([[0, 0], [1, 1]], r"got \(2, 2\)"),
        ([0, 0, 0], r"got \(3,\)"),
        ([[0, 0, 0], [0, np.nan, 1]], "must be finite"),
        ([[0, 0, 0], [0, np.inf, 1]], "must be finite"),
        ([[0, 0, 0], [1, 0, 0], [1, 0, 0]], "must not repeat a point"),
    ],
)
def test_bad_centerline_is_refused(points: list[list[float]], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        Centerline(points)


def test_centerline_is_copied_and_locked() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0]])
    line = Centerline(points)
    points[1, 0] = 5.0
    assert line.length_mm == 1.0
    with pytest.raises(ValueError, match="read-only"):
        line.points_mm[0, 0] = 1.0


def test_centerline_arc_and_points_along_it() -> None:
    line = Centerline([[0, 0, 0], [3, 4, 0], [3, 4, 2]])
    assert line.arc_mm.tolist() == [0.0, 5.0, 7.0] == arc_mm(line.points_mm).tolist()
    assert line.at([2.5, 6.0]) == pytest.approx(np.array([[1.5, 2, 0], [3, 4, 1]]))
    assert line.at([-1.0, 99.0]) == pytest.approx(line.points_mm[[0, 2]])


def test_resample_keeps_the_ends_and_never_exceeds_the_step() -> None:
    line = helix()
    fine = line.resample(0.7)
    steps = np.diff(fine.arc_mm)
    assert fine.points_mm[[0, -1]] == pytest.approx(line.points_mm[[0, -1]])
    assert steps.max() <= 0.7
    assert np.ptp(steps) < 0.01
    assert len(line.resample(1e3).points_mm) == 2


def test_nearest_lies_between_the_stored_points() -> None:
    line = Centerline([[0, 0, 0], [10, 0, 0], [10, 10, 0]])
    assert line.nearest([4, 3, 0]) == pytest.approx((4.0, 3.0))
    assert line.nearest([13, 6, 4]) == pytest.approx((16.0, 5.0))
    assert line.nearest([-3, -4, 0]) == pytest.approx((0.0, 5.0))


@pytest.mark.parametrize(
    "line",
    [helix(), helix(3.0), Centerline([[0, 0, 0], [0, 0, 1], [0, 0, 5]]), Centerline([[0, 0, 0], [2, 1, 0]])],
    ids=["wide helix", "tight helix", "straight", "two points"],
)
def test_frames_are_orthonormal_and_right_handed(line: Centerline) -> None:
    frame = np.stack(frames(line), axis=1)
    n = len(line.points_mm)
    assert frame @ frame.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(3), (n, 3, 3)), abs=1e-9)
    assert np.linalg.det(frame) == pytest.approx(1.0)
    assert (frame[:-1, 0] * np.diff(line.points_mm, axis=0)).sum(axis=1).min() > 0


def test_frames_of_a_plane_curve_do_not_twist() -> None:
    t = np.linspace(0, 2.5, 80)
    line = Centerline(np.stack([10 * np.cos(t), 10 * np.sin(t), 0 * t], axis=1))
    _, normals, binormals = frames(line)
    out_of_plane = np.stack([normals[:, 2], binormals[:, 2]], axis=1)
    assert out_of_plane == pytest.approx(np.broadcast_to(out_of_plane[0], out_of_plane.shape), abs=1e-6)


@pytest.mark.parametrize("n", [60, 400])
def test_frames_of_a_helix_turn_back_by_its_torsion(n: int) -> None:
    radius_mm, rise_mm = 10.0, 4.0
    line = helix(radius_mm, n)
    t = np.linspace(0, 3, n)
    tangents, normals, _ = frames(line)
    inward = np.stack([-np.cos(t), -np.sin(t), 0 * t], axis=1)
    across = np.cross(tangents, inward)
    angle = np.unwrap(np.arctan2((normals * across).sum(axis=1), (normals * inward).sum(axis=1)))
    twist = rise_mm / (radius_mm**2 + rise_mm**2) * np.hypot(radius_mm, rise_mm) * 3
    assert angle[-1] - angle[0] == pytest.approx(-twist, abs=np.deg2rad(0.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lumen_radius_mm": np.ones((2, 16))}, r"lumen_radius_mm must be \(3, m >= 8\), got \(2, 16\)"),
        ({"lumen_radius_mm": np.ones((3, 7))}, r"got \(3, 7\)"),
        ({"wall_radius_mm": np.ones((3, 8))}, r"wall_radius_mm must be \(3, 16\), got \(3, 8\)"),
        ({"wall_seen": np.ones(3, bool)}, r"wall_seen must be \(3, 16\), got \(3,\)"),
        ({"lumen_radius_mm": np.full((3, 16), -0.1)}, "0 <= lumen <= outer wall"),
        ({"lumen_radius_mm": np.full((3, 16), 1.6)}, "0 <= lumen <= outer wall"),
    ],
)
def test_bad_contours_are_refused(change: dict[str, NDArray[np.float64]], message: str) -> None:
    good = contours()
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    with pytest.raises(GeometryError, match=message):
        Contours(**{**fields, **change})


def test_contour_arrays_are_locked() -> None:
    for name in ("normals", "binormals", "lumen_radius_mm", "wall_radius_mm", "wall_seen"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(contours(), name)[0] = 0


def test_area_of_a_polygon_and_of_nothing() -> None:
    polygon = 16 / 2 * np.sin(2 * np.pi / 16)
    assert contours().lumen_area_mm2 == pytest.approx(polygon)
    assert contours().wall_area_mm2 == pytest.approx(2.25 * polygon)
    assert contours(lumen=0.0).lumen_area_mm2.tolist() == [0.0, 0.0, 0.0]


def test_area_of_an_ellipse_by_shoelace() -> None:
    radius = 2.0 / np.sqrt(np.cos(ANGLE) ** 2 + 4 * np.sin(ANGLE) ** 2)
    shape = contours(lumen=radius, wall=3.0)
    x, y, _ = shape.border_mm(1).T
    shoelace = 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    assert shape.lumen_area_mm2[1] == pytest.approx(shoelace)


def test_border_points_lie_in_the_section() -> None:
    shape = contours()
    assert shape.border_mm(2)[4] == pytest.approx([0, 1, 2], abs=1e-12)
    assert shape.border_mm(2, outer=True)[0] == pytest.approx([1.5, 0, 2], abs=1e-12)
    assert shape.angles_rad == pytest.approx(ANGLE)


def test_points_between_two_arc_lengths_include_those_at_either_end() -> None:
    line = Centerline([[0, 0, 0], [0, 0, 1], [0, 0, 3], [0, 0, 4]])
    assert line.points_between(1.0, 3.0)[:, 2].tolist() == [1.0, 3.0]
    assert line.points_between(1.5, 2.5).shape == (0, 3)
