"""Angles and directions against DICOM PS3.3 C.8.7.5.1.2 and against rotation matrices."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from recanal.angiography.beams import angle_between_deg, angles_of, detector_axes, detector_direction
from recanal.core.projection import view_name

LEFT, POSTERIOR, HEAD = np.eye(3)  # the axes of LPS


@pytest.mark.parametrize(
    ("angles", "towards"),
    [
        ((0, 0), -POSTERIOR),  # the patient faces the detector
        ((90, 0), LEFT),  # +90: the patient's left (LAO)
        ((-90, 0), -LEFT),  # -90: the patient's right (RAO)
        ((0, 90), HEAD),  # +90: cranial
        ((0, -90), -HEAD),
        ((180, 0), POSTERIOR),
        ((45, 0), (LEFT - POSTERIOR) / np.sqrt(2)),
        ((0, 30), HEAD / 2 - POSTERIOR * np.sqrt(3) / 2),
    ],
)
def test_the_detector_stands_where_dicom_says(angles, towards):
    np.testing.assert_allclose(detector_direction(*angles), towards, atol=1e-12)


@pytest.mark.parametrize("primary", [-170, -90, -37.5, 0, 12, 90, 140])
@pytest.mark.parametrize("secondary", [-80, -40, 0, 25, 80])
def test_direction_and_axes_are_those_of_two_rotations(primary, secondary):
    turn = Rotation.from_euler("z", primary, degrees=True) * Rotation.from_euler("x", -secondary, degrees=True)
    np.testing.assert_allclose(detector_direction(primary, secondary), turn.apply(-POSTERIOR), atol=1e-12)
    right, up = detector_axes(primary, secondary)
    np.testing.assert_allclose(right, turn.apply(LEFT), atol=1e-12)
    np.testing.assert_allclose(up, turn.apply(HEAD), atol=1e-12)
    assert angles_of(detector_direction(primary, secondary)) == pytest.approx((primary, secondary), abs=1e-6)


def test_the_monitor_shows_the_patient_as_one_who_faces_the_viewer():
    right, up = detector_axes(0, 0)
    assert right @ LEFT == pytest.approx(1)
    assert up @ HEAD == pytest.approx(1)
    right, up = detector_axes(90, 0)  # left lateral: the spine is on the right
    assert right @ POSTERIOR == pytest.approx(1)
    _, up = detector_axes(0, 40)  # cranial: what lies behind moves up on the monitor
    assert up @ POSTERIOR > 0.6


def test_picture_axes_and_beam_are_a_right_handed_frame():
    right, up = detector_axes(-33, 21)
    np.testing.assert_allclose(np.cross(right, up), detector_direction(-33, 21), atol=1e-12)


def test_angle_between_two_beams():
    assert angle_between_deg(detector_direction(-50, 0), detector_direction(60, 0)) == pytest.approx(110)
    assert angle_between_deg(detector_direction(10, 20), detector_direction(10, 20)) == 0


@pytest.mark.parametrize(
    ("angles", "name"),
    [((-30, 20), "RAO 30 / CRA 20"), ((45, -5), "LAO 45 / CAU 5"), ((0, 40), "AP / CRA 40"), ((-10, 0.2), "RAO 10")],
)
def test_views_are_named_as_in_the_laboratory(angles, name):
    assert view_name(*angles) == name
