"""A branch as wide as the blur: drawn as a blurred tube at right angles to a straight vessel."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from recanal.core.curves import Centerline, Contours, frames
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.sections import RING_MM, Sections
from recanal.measure.branches import Branch, branch_near

STEP_MM = 0.25
ARC = np.arange(0.0, 50.01, STEP_MM)
RAYS = 48
SIGMA_MM = 0.45
FAT_HU, WALL_HU, LUMEN_HU, PLAQUE_HU = -90.0, 60.0, 350.0, 80.0
RADIUS_MM, CAP_MM = 1.4, 25.0


def blurred_disc(diameter_mm: float, distance_mm: np.ndarray) -> np.ndarray:
    """What a blurred tube of a diameter shows at a distance from its axis, as a share of its own level."""
    fine = np.arange(-6.0, 6.001, 0.02)
    disc = (np.hypot(fine[:, None], fine[None, :]) < diameter_mm / 2).astype(float)
    shown = ndimage.gaussian_filter(disc, SIGMA_MM / 0.02)[len(fine) // 2]
    return np.asarray(np.interp(distance_mm, fine, shown))


def found(
    diameter_mm: float, *, at_mm: float = 24.0, noise_hu: float = 0.0, chamber_hu: float | None = None
) -> Branch | None:
    """The branch found before a cap at 25 mm, where one of a diameter leaves at a place; none at 0.

    A chamber of ``chamber_hu`` may lie beside it, at the wall of the vessel.
    """
    line = Centerline(np.stack([ARC, 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    rings = np.arange(51) * RING_MM
    angle = 2 * np.pi * np.arange(RAYS) / RAYS
    level = np.where(ARC < CAP_MM, LUMEN_HU, PLAQUE_HU)
    vessel = blurred_disc(2 * RADIUS_MM, rings)
    hu = np.broadcast_to((FAT_HU + (level - FAT_HU)[:, None] * vessel)[:, None, :], (len(ARC), RAYS, 51)).copy()
    if diameter_mm:
        across = np.where(np.cos(angle) > 0, np.abs(np.sin(angle)), 9.0)[:, None] * rings
        away = np.hypot((ARC - at_mm)[:, None, None], across[None])
        tube = FAT_HU + (WALL_HU - FAT_HU) * blurred_disc(diameter_mm + 0.6, away)
        tube += (LUMEN_HU - WALL_HU) * blurred_disc(diameter_mm, away)
        hu = np.maximum(hu, tube)
    if chamber_hu is not None:
        beside = (np.abs(ARC - 20.0) < 6.0)[:, None, None] & (np.cos(angle) > 0.3)[:, None] & (rings > 1.6)
        hu = np.maximum(hu, np.where(beside, chamber_hu, FAT_HU))
    noise = np.random.default_rng(3).normal(0.0, 1.0, hu.shape) * noise_hu
    smooth = np.full((len(ARC), RAYS), RADIUS_MM)
    contours = Contours(line, normals, binormals, smooth, smooth + 0.1, np.ones(smooth.shape, dtype=bool))
    lumen = LumenLevel(level, np.full(len(ARC), LUMEN_HU), 0.0)
    sections = Sections(line, normals, binormals, (hu + noise).astype(np.float32))
    return branch_near(sections, contours, lumen, cap_mm=CAP_MM, away=-1)


@pytest.mark.parametrize("diameter_mm", [1.15, 1.3, 1.5, 2.0])
@pytest.mark.parametrize("at_mm", [22.5, 24.0])
def test_a_branch_is_found_where_it_leaves_and_as_wide_as_it_is(diameter_mm: float, at_mm: float) -> None:
    branch = found(diameter_mm, at_mm=at_mm)
    assert branch is not None
    assert branch.distance_mm == pytest.approx(CAP_MM - at_mm, abs=0.3)
    assert branch.diameter_mm == pytest.approx(diameter_mm, rel=0.2)
    assert np.cos(branch.angle_rad) > 0.98


@pytest.mark.parametrize("noise_hu", [0.0, 40.0])
def test_without_a_branch_none_is_found(noise_hu: float) -> None:
    assert found(0.0, noise_hu=noise_hu) is None


def test_a_branch_of_half_a_millimetre_does_not_count() -> None:
    assert found(0.5) is None


def test_a_branch_far_from_the_cap_does_not_count() -> None:
    assert found(1.5, at_mm=19.0) is None


def test_a_branch_that_leaves_beside_a_less_opacified_chamber_is_found() -> None:
    branch = found(2.0, chamber_hu=195.0)
    assert branch is not None
    assert branch.distance_mm == pytest.approx(1.0, abs=0.4)
    assert found(0.0, chamber_hu=195.0) is None
