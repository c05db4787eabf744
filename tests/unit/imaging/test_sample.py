"""Sampling: exact where it can be, NaN where nothing is known, blind to how the volume was stored."""

from __future__ import annotations

import numpy as np
import pytest

import analytic_tube
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError
from recanal.imaging.sample import Block, isotropic, isotropic_around, sample, sample_cubic, sample_rays

SHAPE = (9, 7, 8)
GRADIENT = np.array([3.0, -2.0, 5.0])


def oblique() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = analytic_tube.rotation((1, 2, 3), 35.0) @ np.diag([0.5, 0.4, 0.7])
    matrix[:3, 3] = (-12.0, 30.0, 4.0)
    return matrix


AFFINES = {
    "plain": np.diag([0.5, 0.4, 0.7, 1.0]),
    "flipped": np.array([[-0.5, 0, 0, 9], [0, 0.4, 0, 2], [0, 0, -0.7, 3], [0, 0, 0, 1.0]]),
    "permuted": np.array([[0, 0, 0.5, 9], [0.4, 0, 0, 2], [0, -0.7, 0, 3], [0, 0, 0, 1.0]]),
    "oblique": oblique(),
}


def linear_block(matrix: np.ndarray) -> Block:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    where = Affine(matrix).to_mm(index.reshape(-1, 3))
    return Block((where @ GRADIENT + 7.0).reshape(SHAPE).astype(np.float32), Affine(matrix))


@pytest.mark.parametrize("name", AFFINES)
def test_linear_fields_are_sampled_exactly(name: str) -> None:
    block = linear_block(AFFINES[name])
    inside = np.random.default_rng(0).uniform(0, np.array(SHAPE) - 1, (300, 3))
    points = block.affine.to_mm(inside)
    assert sample(block, points) == pytest.approx(points @ GRADIENT + 7.0, abs=2e-3)


@pytest.mark.parametrize("name", AFFINES)
def test_cubic_samples_of_linear_fields_are_exact_and_go_on_at_the_border(name: str) -> None:
    block = linear_block(AFFINES[name])
    inside = np.random.default_rng(0).uniform(1, np.array(SHAPE) - 2, (100, 3, 3))
    points = block.affine.to_mm(inside.reshape(-1, 3)).reshape(inside.shape)
    assert sample_cubic(block, points) == pytest.approx(points @ GRADIENT + 7.0, abs=2e-3)
    assert sample_cubic(block, block.affine.to_mm([[-2.0, -2.0, -2.0]]))[0] == pytest.approx(block.hu[0, 0, 0])


def test_cubic_samples_between_voxels_blur_a_thin_sheet_less_than_linear_ones() -> None:
    hu = np.zeros((9, 9, 9), dtype=np.float32)
    hu[4:6] = 100.0
    block = Block(hu, Affine(np.eye(4)))
    assert sample_cubic(block, [[4.5, 4.0, 4.0]])[0] == pytest.approx(112.5)
    assert sample_cubic(block, [[4.0, 4.2, 4.7]])[0] == pytest.approx(100.0)


@pytest.mark.parametrize("name", AFFINES)
def test_outside_is_not_a_number(name: str) -> None:
    block = linear_block(AFFINES[name])
    for axis in range(3):
        for place in (-0.01, SHAPE[axis] - 1 + 0.01):
            index = np.array(SHAPE) / 2
            index[axis] = place
            assert np.isnan(sample(block, block.affine.to_mm(index))).all()


def test_corner_voxels_are_inside() -> None:
    block = linear_block(AFFINES["plain"])
    corners = block.affine.to_mm([np.full(3, 1e-9), np.array(SHAPE) - 1 - 1e-9])
    assert sample(block, corners) == pytest.approx([block.hu[0, 0, 0], block.hu[-1, -1, -1]])


def test_result_has_the_shape_of_the_points() -> None:
    block = linear_block(AFFINES["plain"])
    points = block.affine.to_mm(np.full((24, 3), 2.0)).reshape(2, 3, 4, 3)
    assert sample(block, points).shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("order", "flips"),
    [((0, 1, 2), (0,)), ((0, 1, 2), (0, 1, 2)), ((2, 0, 1), ()), ((1, 0, 2), (2,)), ((2, 1, 0), (0, 1))],
)
def test_isotropic_grid_does_not_depend_on_storage(order: tuple[int, int, int], flips: tuple[int, ...]) -> None:
    hu = np.random.default_rng(3).normal(100, 80, (20, 24, 16)).astype(np.float32)
    volume = Volume(hu, Affine.from_spacing((0.5, 0.37, 0.8), (-3.21, 4.5, 17.03)))
    other = analytic_tube.stored(volume, order, flips)
    plain, changed = (isotropic(Block(v.hu, v.affine), step_mm=0.6) for v in (volume, other))
    assert changed.affine.matrix == pytest.approx(plain.affine.matrix)
    assert changed.hu == pytest.approx(plain.hu, abs=2e-3)


def test_isotropic_keeps_a_linear_field_and_shows_air_outside() -> None:
    block = linear_block(AFFINES["oblique"])
    even = isotropic(block, step_mm=0.4)
    assert even.affine.spacing_mm == pytest.approx((0.4, 0.4, 0.4))
    index = np.stack(np.meshgrid(*[np.arange(n) for n in even.hu.shape], indexing="ij"), axis=-1).reshape(-1, 3)
    where = even.affine.to_mm(index)
    place = block.affine.to_index(where)
    margin = 0.2 / np.array(block.affine.spacing_mm) + 0.1
    deep = ((place > margin) & (place < np.array(SHAPE) - 1 - margin)).all(axis=1)
    outside = ((place < -margin) | (place > np.array(SHAPE) - 1 + margin)).any(axis=1)
    assert deep.sum() > 30
    assert even.hu.ravel()[deep] == pytest.approx(where[deep] @ GRADIENT + 7.0, abs=2e-3)
    assert np.all(even.hu.ravel()[outside] < -1000)


@pytest.mark.parametrize("name", AFFINES)
def test_block_holds_the_same_voxels_at_the_same_places(name: str) -> None:
    whole = linear_block(AFFINES[name])
    volume = Volume(whole.hu, whole.affine)
    middle = whole.affine.to_mm(np.array(SHAPE) / 2)
    block = Block.around(volume, middle, margin_mm=0.8)
    assert block.hu.size < whole.hu.size
    points = middle + np.random.default_rng(1).uniform(-0.8, 0.8, (50, 3))
    assert sample(block, points) == pytest.approx(sample(whole, points), abs=2e-3)


def test_block_is_clipped_at_the_volume_and_refused_beyond_it() -> None:
    whole = linear_block(AFFINES["plain"])
    volume = Volume(whole.hu, whole.affine)
    assert Block.around(volume, [0, 0, 0], margin_mm=100.0).hu.shape == SHAPE
    with pytest.raises(GeometryError, match="outside the volume"):
        Block.around(volume, [50, 0, 0], margin_mm=2.0)


@pytest.mark.parametrize("name", AFFINES)
def test_a_voxel_of_the_isotropic_grid_is_the_mean_of_eight_samples(name: str) -> None:
    hu = np.random.default_rng(6).normal(100, 80, SHAPE).astype(np.float32)
    block = Block(hu, Affine(AFFINES[name]))
    even = isotropic(block, step_mm=0.45)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in even.hu.shape], indexing="ij"), axis=-1)
    total = np.zeros(even.hu.shape)
    for corner in np.ndindex(2, 2, 2):
        where = even.affine.to_mm((index + 0.5 * np.array(corner) - 0.25).reshape(-1, 3))
        total += np.nan_to_num(sample(block, where), nan=-1024.0).reshape(even.hu.shape)
    assert even.hu == pytest.approx(total / 8, abs=2e-3)


@pytest.mark.parametrize("name", AFFINES)
def test_the_grid_of_a_box_is_that_of_the_block_cut_first(name: str) -> None:
    hu = np.random.default_rng(7).integers(-500, 900, SHAPE).astype(np.int16)
    volume = Volume(hu, Affine(AFFINES[name]))
    middle = volume.affine.to_mm(np.array(SHAPE) / 2)
    direct = isotropic_around(volume, middle, margin_mm=0.8, step_mm=0.3)
    cut = isotropic(Block.around(volume, middle, margin_mm=0.8), step_mm=0.3)
    assert direct.affine.matrix == pytest.approx(cut.affine.matrix)
    assert direct.hu == pytest.approx(cut.hu, abs=1e-3)


@pytest.mark.parametrize("name", AFFINES)
def test_rays_hold_what_their_points_hold(name: str) -> None:
    block = linear_block(AFFINES[name])
    points = block.affine.to_mm(np.array([[3.0, 3.0, 3.5], [4.5, 3.2, 4.0]]))
    first = np.array([[0.6, 0.8, 0.0], [0.0, 0.6, -0.8]])
    second = np.array([[-0.8, 0.6, 0.0], [1.0, 0.0, 0.0]])
    rings = np.array([0.0, 0.4, 0.9, 4.0])
    found = sample_rays(block, points, (first, second), 8, rings)
    angle = np.arange(8) * np.pi / 4
    along = np.cos(angle)[:, None] * first[:, None] + np.sin(angle)[:, None] * second[:, None]
    expected = sample(block, points[:, None, None] + rings[:, None] * along[:, :, None])
    assert np.isnan(expected[:, :, -1]).any()
    assert found == pytest.approx(expected, abs=2e-3, nan_ok=True)
