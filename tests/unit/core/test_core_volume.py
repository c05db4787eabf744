"""Affine and Volume: checked once at birth, locked, and true to patient space."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from recanal.core.volume import SPACING_RANGE_MM, Affine, Volume, check_spacing
from recanal.errors import GeometryError

SKEW = np.array([[0.0, 0.3, 0.0, 5.0], [0.4, 0.0, 0.0, -7.0], [0.0, 0.0, -0.6, 11.0], [0.0, 0.0, 0.0, 1.0]])


def with_entry(row: int, column: int, value: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[row, column] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(3), r"An affine must be a finite \(4, 4\) matrix, got shape \(3, 3\)"),
        (with_entry(0, 3, np.nan), "finite"),
        (with_entry(2, 2, np.inf), "finite"),
        (with_entry(1, 1, 0.0), "do not span space. Check the image orientation and the spacings."),
        (SKEW[:, [0, 0, 2, 3]], "do not span space"),
    ],
)
def test_bad_affine_is_refused(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        Affine(matrix)


def test_affine_maps_array_order_to_lps_and_back() -> None:
    affine = Affine(SKEW)
    assert affine.to_mm([1, 2, 3]) == pytest.approx(np.array([[5.6, -6.6, 9.2]]))
    assert affine.to_index([5.6, -6.6, 9.2]) == pytest.approx(np.array([[1, 2, 3]]))
    assert affine.spacing_mm == pytest.approx((0.4, 0.3, 0.6))
    assert affine.inverse @ affine.matrix == pytest.approx(np.eye(4))


def test_affine_from_spacing_puts_the_origin_at_voxel_zero() -> None:
    affine = Affine.from_spacing((0.5, 0.4, 0.3), (1, 2, 3))
    assert affine.to_mm([[0, 0, 0], [2, 2, 2]]) == pytest.approx(np.array([[1, 2, 3], [2, 2.8, 3.6]]))


def test_affine_is_copied_and_locked() -> None:
    matrix = np.eye(4)
    affine = Affine(matrix)
    matrix[0, 3] = 99.0
    assert affine.matrix[0, 3] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        affine.matrix[0, 0] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        affine.matrix = matrix  # type: ignore[misc]


@pytest.mark.parametrize("spacing", [(0.0004, 0.4, 0.4), (0.4, 0.4, 12.0), (0.4, float("nan"), 0.4)])
def test_spacings_no_scanner_makes_are_refused(spacing: tuple[float, ...]) -> None:
    with pytest.raises(GeometryError, match=r"Voxel spacing must lie in .* Was the spacing read in metres\?"):
        check_spacing(spacing)


def test_spacing_limits_are_allowed() -> None:
    check_spacing(SPACING_RANGE_MM)


@pytest.mark.parametrize(
    ("hu", "message"),
    [
        (np.zeros((4, 4), np.int16), r"three axes of at least 2 voxels, got shape \(4, 4\)"),
        (np.zeros((4, 1, 4), np.int16), r"three axes of at least 2 voxels, got shape \(4, 1, 4\)"),
        (np.zeros((4, 4, 4), np.float64), "int16 or float32 Hounsfield units, got float64"),
        (np.zeros((4, 4, 4), np.uint16), "got uint16"),
    ],
)
def test_bad_volume_is_refused(hu: np.ndarray, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        Volume(hu, Affine.from_spacing((0.5, 0.5, 0.5)))


def test_volume_checks_its_spacing() -> None:
    with pytest.raises(GeometryError, match="Voxel spacing"):
        Volume(np.zeros((4, 4, 4), np.int16), Affine.from_spacing((0.0005, 0.5, 0.5)))


def test_volume_is_locked() -> None:
    volume = Volume(np.zeros((2, 3, 4), np.float32), Affine(SKEW))
    assert volume.shape == (2, 3, 4)
    assert volume.spacing_mm == pytest.approx((0.4, 0.3, 0.6))
    with pytest.raises(ValueError, match="read-only"):
        volume.hu[0, 0, 0] = 1.0


def test_volume_knows_what_it_contains() -> None:
    volume = Volume(np.zeros((5, 5, 5), np.int16), Affine.from_spacing((1.0, 1.0, 1.0), (10, 10, 10)))
    points = [[10, 10, 10], [14, 14, 14], [14.01, 12, 12], [12, 9.99, 12], [12, 12, 12]]
    assert volume.contains_mm(points).tolist() == [True, True, False, False, True]
    assert volume.contains_mm(points, margin_mm=1.5).tolist() == [False, False, False, False, True]
