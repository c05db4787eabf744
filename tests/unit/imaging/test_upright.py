"""A volume in any posture: its voxels are the same, and so is what is measured on them."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.core.volume import Affine, Volume
from recanal.imaging.upright import posture, turned_volume

STEPS = np.diag([0.5, 0.4, 0.45, 1.0])


def rotation(axis: tuple[float, float, float], angle_deg: float) -> np.ndarray:
    """(4, 4) by Rodrigues' formula."""
    x, y, z = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(angle_deg)
    out = np.eye(4)
    out[:3, :3] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return out


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_how_the_voxels_are_stored_is_no_posture(order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = STEPS[:3, list(order)] * np.asarray(flips)
    assert posture(Affine(matrix)) is None


@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 0, 0), (0.48, 0.6, 0.64), (-1, 2, 3)])
@pytest.mark.parametrize("angle_deg", [-30.0, 3.0, 25.0])
def test_a_turn_is_found_however_the_voxels_are_stored(axis: tuple[float, float, float], angle_deg: float) -> None:
    turn = rotation(axis, angle_deg)
    for order, sign in (((0, 1, 2), 1), ((2, 0, 1), -1)):
        matrix = turn @ STEPS
        matrix[:3, :3] = sign * matrix[:3, list(order)]
        assert posture(Affine(matrix)) == pytest.approx(turn[:3, :3], abs=1e-12)


def test_slices_that_are_sheared_have_the_posture_of_the_closest_box() -> None:
    sheared = STEPS.copy()
    sheared[1, 0] = 0.1  # a tilted gantry
    turn = posture(Affine(sheared))
    assert turn is not None
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    assert abs(np.rad2deg(np.arccos((np.trace(turn) - 1) / 2))) < np.rad2deg(np.arctan(0.1 / 0.5))


def test_turning_a_volume_back_undoes_its_posture() -> None:
    matrix = rotation((1, 2, 3), 20.0) @ STEPS
    matrix[:3, 3] = (10.0, -20.0, 30.0)
    volume = Volume(np.zeros((4, 5, 6), np.int16), Affine(matrix))
    turn = posture(volume.affine)
    assert turn is not None
    back = turned_volume(volume, turn.T)
    assert back.hu is volume.hu
    assert back.affine.matrix[:3, :3] == pytest.approx(STEPS[:3, :3], abs=1e-12)
    assert posture(back.affine) is None
    assert np.linalg.norm(back.affine.matrix[:3, 3]) == pytest.approx(np.linalg.norm(matrix[:3, 3]))
