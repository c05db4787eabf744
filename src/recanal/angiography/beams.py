"""C-arm angles and the directions they stand for, in patient space (LPS).

Notes
-----
DICOM PS3.3 C.8.7.5.1.2: the Positioner Primary Angle lies in the transaxial plane, zero in front of the chest, +90
degrees at the patient's left (LAO), -90 at the right (RAO), like a longitude; the Positioner Secondary Angle is like
a latitude, +90 degrees towards the head (cranial). The angles say where the detector stands, seen from the isocentre.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["angle_between_deg", "angles_of", "detector_axes", "detector_direction"]


def detector_direction(rao_lao_deg: ArrayLike, cra_cau_deg: ArrayLike) -> NDArray[np.float64]:
    """Unit vectors (..., 3) from the isocentre to the detector; the beam runs along them.

    >>> detector_direction([0, 90, -90, 0], [0, 0, 0, 90]).round(6) + 0.0
    array([[ 0., -1.,  0.],
           [ 1.,  0.,  0.],
           [-1.,  0.,  0.],
           [ 0.,  0.,  1.]])
    """
    primary, secondary = np.broadcast_arrays(np.deg2rad(rao_lao_deg), np.deg2rad(cra_cau_deg))
    flat = np.cos(secondary)
    return np.stack([np.sin(primary) * flat, -np.cos(primary) * flat, np.sin(secondary)], axis=-1)


def angles_of(direction: ArrayLike) -> tuple[float, float]:
    """Primary and secondary angle in degrees of a (3,) direction to the detector.

    >>> angles_of(detector_direction(-30, 20))
    (-30.0, 20.0)
    """
    x, y, z = (float(part) for part in np.asarray(direction, dtype=np.float64))
    primary = np.degrees(np.arctan2(x, -y))
    return round(float(primary), 9), round(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), 9)


def detector_axes(rao_lao_deg: float, cra_cau_deg: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions (3,) to the right and up on the monitor.

    Notes
    -----
    As in DICOM PS3.3 C.8.19.6.13.1.2, the picture is the detector plane looked at towards the source: at AP the
    patient's left is on the right. Up is the patient's head as it projects, with no rotation of the detector.

    >>> right, up = detector_axes(0, 0)
    >>> right.tolist(), (up + 0.0).tolist()
    ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    """
    primary, secondary = np.deg2rad(rao_lao_deg), np.deg2rad(cra_cau_deg)
    right = np.array([np.cos(primary), np.sin(primary), 0.0])
    up = np.array([-np.sin(primary) * np.sin(secondary), np.cos(primary) * np.sin(secondary), np.cos(secondary)])
    return right, up


def angle_between_deg(first: ArrayLike, second: ArrayLike) -> float:
    """Angle between two directions, 0 to 180 degrees.

    >>> angle_between_deg(detector_direction(-45, 0), detector_direction(45, 0))
    90.0
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return round(float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))), 9)
