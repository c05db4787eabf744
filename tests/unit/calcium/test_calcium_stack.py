"""Slices, and labels brought onto them."""

import numpy as np
import pytest

from recanal.calcium.stack import SliceStack, labels_on, stack_of
from recanal.core.volume import Affine, Volume
from recanal.errors import GeometryError


@pytest.fixture
def stack():
    return SliceStack(np.zeros((4, 5, 6), np.int16), Affine.from_spacing((3.0, 0.5, 0.4), (1.0, 2.0, 3.0)))


def spread(stack, axes, flips):
    """Labels with their affine as another program might store the same grid."""
    labels = np.arange(120).reshape(4, 5, 6) % 5
    matrix = stack.affine.matrix.copy()
    stored = labels
    for axis in flips:
        stored = np.flip(stored, axis)
        matrix[:3, 3] += matrix[:3, axis] * (labels.shape[axis] - 1)
        matrix[:3, axis] *= -1
    return labels, stored.transpose(axes), Affine(matrix[:, [*axes, 3]])


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_labels_find_their_voxels_however_they_are_stored(stack, axes, flips):
    labels, stored, affine = spread(stack, axes, flips)
    assert np.array_equal(labels_on(stack, stored, affine), labels)


def test_labels_on_another_grid_are_refused(stack):
    labels = np.zeros((4, 5, 6), np.uint8)
    with pytest.raises(GeometryError, match="displaced by up to 2"):
        labels_on(stack, labels, Affine.from_spacing((3.0, 0.5, 0.4), (1.0, 3.0, 3.0)))
    with pytest.raises(GeometryError, match="does not lie on the grid"):
        labels_on(stack, labels, Affine.from_spacing((2.5, 0.5, 0.4), (1.0, 2.0, 3.0)))
    with pytest.raises(GeometryError, match="4 x 5 x 5 voxels"):
        labels_on(stack, labels[:, :, :5], stack.affine)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_head_foot_axis_comes_first(first):
    steps = {0: [2, 1, 0], 1: [1, 2, 0], 2: [0, 1, 2]}[first]
    matrix = np.zeros((4, 4))
    for axis, direction in enumerate(steps):
        matrix[direction, axis] = 3.0 if direction == 2 else 0.5
    matrix[3, 3] = 1.0
    volume = Volume(np.zeros((4, 5, 6), np.int16), Affine(matrix), {"slice_thickness_mm": 3.0})
    found = stack_of(volume)
    assert found.step_mm == 3.0
    assert found.pixel_mm2 == 0.25
    assert found.voxel_mm3 == 0.75
    assert found.thickness_mm == 3.0
    assert found.hu.shape[0] == (4, 5, 6)[first]


def test_tilted_slices_are_refused():
    turn = np.deg2rad(45)
    matrix = np.diag([3.0, 0.5, 0.5, 1.0])[[2, 1, 0, 3]]
    rotate = np.array([[1, 0, 0], [0, np.cos(turn), -np.sin(turn)], [0, np.sin(turn), np.cos(turn)]])
    matrix[:3, :3] = rotate @ matrix[:3, :3]
    with pytest.raises(GeometryError, match="tilted by 45 degrees"):
        stack_of(Volume(np.zeros((4, 5, 6), np.int16), Affine(matrix), {}))
