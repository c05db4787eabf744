"""How wide a branch is: a slanting blurred tube in three dimensions, in fat or on muscle."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from recanal.core.curves import Centerline, Contours, frames
from recanal.core.volume import Affine
from recanal.imaging.borders import Borders
from recanal.imaging.caps import LumenLevel
from recanal.imaging.sample import Block
from recanal.imaging.sections import Sections
from recanal.imaging.vessel import Vessel
from recanal.measure.branch_calibre import SHOWN_SHARE, with_calibre
from recanal.measure.branches import Branch

VOXEL_MM = 0.2
SIGMA_MM, WALL_MM = 0.42, 0.4
RADIUS_MM = 1.4
FAT_HU, MUSCLE_HU, WALL_HU, LUMEN_HU = -90.0, 90.0, 60.0, 350.0
LOW_MM, HIGH_MM = np.array([-9.0, -4.0, -4.5]), np.array([9.0, 8.0, 4.5])


def measured(
    radius_mm: float, angle_deg: float = 90.0, *, muscle: bool = False, ends_mm: float = 20.0, noise_hu: float = 0.0
) -> Branch:
    """The branch of a vessel along x, leaving at x = 0 towards y at an angle, followed from where it passes 1.1 mm."""
    axes = [np.arange(a, b, VOXEL_MM) for a, b in zip(LOW_MM, HIGH_MM, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    tilt = np.deg2rad(angle_deg)
    ahead = np.array([np.cos(tilt), np.sin(tilt), 0.0])
    along = x * ahead[0] + y * ahead[1]
    side = np.hypot(x * ahead[1] - y * ahead[0], z)
    inside = (along > 0) & (along < ends_mm)
    hu = np.where(z < -0.6, MUSCLE_HU if muscle else FAT_HU, FAT_HU)
    hu = np.where((np.hypot(y, z) < RADIUS_MM + WALL_MM) | ((side < radius_mm + WALL_MM) & inside), WALL_HU, hu)
    hu = np.where((np.hypot(y, z) < RADIUS_MM) | ((side < radius_mm) & inside), LUMEN_HU, hu)
    seen = ndimage.gaussian_filter(hu, SIGMA_MM / VOXEL_MM)
    grain = ndimage.gaussian_filter(np.random.default_rng(5).standard_normal(hu.shape), 0.5 / VOXEL_MM)
    seen += noise_hu * grain / grain.std()
    affine = Affine(np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0]) + np.pad(LOW_MM[:, None], ((0, 1), (3, 0))))
    arc = np.arange(0.0, 16.01, 0.25)
    line = Centerline(np.stack([arc - 8.0, 0 * arc, 0 * arc], axis=1))
    _, normals, binormals = frames(line)
    smooth = np.full((len(arc), 48), RADIUS_MM)
    contours = Contours(line, normals, binormals, smooth, smooth + WALL_MM, np.ones(smooth.shape, dtype=bool))
    vessel = Vessel(
        block=Block(seen.astype(np.float32), affine),
        sections=Sections(line, normals, binormals, np.zeros((len(arc), 48, 51), dtype=np.float32)),
        seed_mm=(1.0, 15.0),
        lumen=LumenLevel(np.full(len(arc), LUMEN_HU), np.full(len(arc), LUMEN_HU), 0.0),
        gaps=(),
        borders=Borders(contours, SIGMA_MM, WALL_MM),
        bridges=(),
    )
    turn = float(np.arctan2(binormals[0, 1], normals[0, 1]))
    way = tuple((8.0 + out / np.tan(tilt), turn, out) for out in (RADIUS_MM + WALL_MM + 1.1, RADIUS_MM + WALL_MM + 1.9))
    return with_calibre(vessel, Branch(0.5, 9.0, turn, way))


@pytest.mark.parametrize("radius_mm", [0.6, 0.9, 1.3])
@pytest.mark.parametrize("angle_deg", [90.0, 60.0])
@pytest.mark.parametrize("muscle", [False, True])
def test_the_lumen_is_as_wide_as_drawn_whatever_lies_around_it(
    radius_mm: float, angle_deg: float, muscle: bool
) -> None:
    assert measured(radius_mm, angle_deg, muscle=muscle).diameter_mm * SHOWN_SHARE == pytest.approx(
        2 * radius_mm, abs=0.15
    )


def test_noise_moves_the_width_by_a_tenth_at_most() -> None:
    assert measured(1.0, 70.0, noise_hu=15.0).diameter_mm * SHOWN_SHARE == pytest.approx(2.0, rel=0.1)


def test_a_branch_that_cannot_be_followed_keeps_its_width() -> None:
    assert measured(1.0, ends_mm=1.6).diameter_mm == 9.0
