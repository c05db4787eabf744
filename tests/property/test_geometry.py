"""What holds for every affine, curve and contour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytic_tube import rotation
from recanal.core.curves import Centerline, Contours, arc_mm, frames
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError
from recanal.imaging.sample import Block, sample

relaxed = settings(max_examples=40, deadline=None, derandomize=True)
coordinate = st.floats(-300, 300, allow_subnormal=False)
spacing = st.floats(0.2, 2.0)


@st.composite
def affines(draw: st.DrawFn) -> Affine:
    """Any orientation, spacing, order and sign of the axes."""
    axis = draw(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1))
    turn = rotation(axis, draw(st.floats(-180, 180)))
    order = draw(st.permutations(range(3)))
    signs = draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
    matrix = np.eye(4)
    matrix[:3, :3] = turn[:, order] * np.array(signs) * np.array(draw(st.tuples(spacing, spacing, spacing)))
    matrix[:3, 3] = draw(st.tuples(coordinate, coordinate, coordinate))
    return Affine(matrix)


@st.composite
def curves(draw: st.DrawFn) -> NDArray[np.float64]:
    """A curve of some centimetres without repeated points and without hairpins."""
    steps = draw(st.lists(st.tuples(*[st.floats(-0.5, 0.5)] * 3), min_size=4, max_size=20))
    heading = np.cumsum(np.array(steps), axis=0) * 0.3 + np.array([1.0, 0.0, 0.0])
    assume(np.all(np.linalg.norm(heading, axis=1) > 0.3))
    return np.concatenate([np.zeros((1, 3)), np.cumsum(heading, axis=0)])


@relaxed
@given(affines(), st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=1, max_size=5))
def test_there_and_back_is_the_same_place(affine: Affine, points: list[tuple[float, float, float]]) -> None:
    assert affine.to_mm(affine.to_index(points)) == pytest.approx(np.array(points), abs=1e-6)


@relaxed
@given(affines())
def test_spacing_is_the_distance_between_neighbours(affine: Affine) -> None:
    steps = affine.to_mm(np.eye(3)) - affine.to_mm(np.zeros((1, 3)))
    assert np.linalg.norm(steps, axis=1) == pytest.approx(affine.spacing_mm)


@relaxed
@given(affines(), st.tuples(*[st.floats(-20, 20)] * 3), st.integers(0, 2**31))
def test_a_linear_field_is_sampled_exactly_in_any_orientation(
    affine: Affine, gradient: tuple[float, float, float], seed: int
) -> None:
    shape = (5, 4, 6)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    origin = affine.to_mm(np.zeros((1, 3)))
    hu = ((affine.to_mm(index) - origin) @ gradient).reshape(shape).astype(np.float32)
    inside = np.random.default_rng(seed).uniform(0.01, np.array(shape) - 1.01, (20, 3))
    points = affine.to_mm(inside)
    assert sample(Block(hu, affine), points) == pytest.approx((points - origin) @ gradient, abs=0.01)


@relaxed
@given(affines(), st.tuples(*[st.floats(-3, 12)] * 3))
def test_a_point_is_inside_where_sampling_knows_a_value(affine: Affine, index: tuple[float, float, float]) -> None:
    shape = np.array([9, 7, 8])
    assume(np.abs(np.concatenate([np.array(index), shape - 1 - np.array(index)])).min() > 1e-6)
    volume = Volume(np.zeros(tuple(shape), np.float32), affine)
    point = affine.to_mm(index)
    assert volume.contains_mm(point)[0] == np.isfinite(sample(Block(volume.hu, affine), point))[0]


@relaxed
@given(st.floats(1, 200), st.integers(2, 99))
def test_length_does_not_depend_on_sampling(truth_mm: float, n: int) -> None:
    assert Centerline(np.linspace([0, 0, 0], [0, 0, truth_mm], n)).length_mm == pytest.approx(truth_mm, rel=1e-12)


@relaxed
@given(curves(), affines())
def test_lengths_do_not_change_when_the_patient_is_moved(points: NDArray[np.float64], affine: Affine) -> None:
    turn = affine.matrix[:3, :3] / np.array(affine.spacing_mm)
    assert arc_mm(points @ turn.T + affine.matrix[:3, 3]) == pytest.approx(arc_mm(points), abs=1e-6)


@relaxed
@given(curves())
def test_length_lies_between_the_chord_and_the_sum_of_steps(points: NDArray[np.float64]) -> None:
    line = Centerline(points)
    chord = float(np.linalg.norm(points[-1] - points[0]))
    assert chord - 1e-9 <= line.resample(0.5).length_mm <= line.length_mm + 1e-9
    assert Centerline(points[::-1]).length_mm == pytest.approx(line.length_mm)


@relaxed
@given(curves(), st.floats(0, 1))
def test_a_point_of_the_curve_is_nearest_to_itself(points: NDArray[np.float64], share: float) -> None:
    line = Centerline(points)
    where, distance = line.nearest(line.at(share * line.length_mm)[0])
    assert distance < 1e-6
    assert line.at(where)[0] == pytest.approx(line.at(share * line.length_mm)[0], abs=1e-6)


@relaxed
@given(curves())
def test_frames_are_orthonormal(points: NDArray[np.float64]) -> None:
    frame = np.stack(frames(Centerline(points)), axis=1)
    identity = np.broadcast_to(np.eye(3), frame.shape)
    assert frame @ frame.transpose(0, 2, 1) == pytest.approx(identity, abs=1e-8)
    assert np.linalg.det(frame) == pytest.approx(1.0)


@relaxed
@given(curves(), st.floats(0.2, 2.0), st.floats(0.0, 1.0), st.integers(8, 64))
def test_areas_grow_with_the_square_of_the_radius(
    points: NDArray[np.float64], wall_mm: float, share: float, rays: int
) -> None:
    line = Centerline(points)
    _, normals, binormals = frames(line)
    wall = np.full((len(points), rays), wall_mm)
    contours = Contours(line, normals, binormals, share * wall, wall, wall > 0)
    assert contours.lumen_area_mm2 == pytest.approx(share**2 * contours.wall_area_mm2, abs=1e-12)
    assert np.all(contours.wall_area_mm2 <= np.pi * wall_mm**2)
    border = contours.border_mm(0, outer=True) - line.points_mm[0]
    assert np.linalg.norm(border, axis=1) == pytest.approx(wall_mm)


@relaxed
@given(curves(), st.integers(0, 10_000), st.floats(1e-3, 1.0))
def test_a_lumen_beyond_the_wall_is_refused(points: NDArray[np.float64], where: int, excess_mm: float) -> None:
    line = Centerline(points)
    _, normals, binormals = frames(line)
    wall = np.full((len(points), 12), 1.5)
    lumen = wall.copy()
    lumen.flat[where % lumen.size] += excess_mm
    with pytest.raises(GeometryError, match="0 <= lumen <= outer wall"):
        Contours(line, normals, binormals, lumen, wall, wall > 0)
