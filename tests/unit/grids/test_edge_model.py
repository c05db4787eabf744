"""What blur makes of a round vessel, against a numerical convolution, and back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from recanal.grids.edge_model import EdgeModel, VesselShape, blurred_disc, profile_hu

RADII = np.arange(0.0, 6.0, 0.01)


def convolved(disc_mm: float, sigma_mm: float, at_mm: np.ndarray) -> np.ndarray:
    """A disc drawn on a fine grid with sub-pixel coverage, blurred with scipy, read along a row."""
    step = 0.02
    half = round((disc_mm + 6 * sigma_mm) / step)
    part = (np.arange(4) - 1.5) / 4
    axis = (np.arange(-half, half + 1)[:, None] + part).ravel() * step
    fine = (axis[:, None] ** 2 + axis**2 <= disc_mm**2).astype(np.float32)
    n = 2 * half + 1
    disc = fine.reshape(n, 4, n, 4).mean(axis=(1, 3))
    row = ndimage.gaussian_filter(disc, sigma_mm / step, truncate=6)[half]
    return np.interp(at_mm, np.arange(-half, half + 1) * step, row)


@pytest.mark.parametrize(("disc_mm", "sigma_mm"), [(0.75, 0.6), (1.0, 0.3), (1.5, 0.45), (2.0, 0.6)])
def test_blurred_disc_is_a_convolution(disc_mm: float, sigma_mm: float) -> None:
    at = np.linspace(0, disc_mm + 2.5 * sigma_mm, 60)
    assert blurred_disc(at, disc_mm, sigma_mm) == pytest.approx(convolved(disc_mm, sigma_mm, at), abs=1e-3)


def test_blurred_disc_has_the_right_limits() -> None:
    assert blurred_disc(0.0, 3.0, 0.3) == pytest.approx(1.0, abs=1e-9)
    assert blurred_disc(9.0, 3.0, 0.3) == pytest.approx(0.0, abs=1e-9)
    assert blurred_disc(100.0, 100.0, 0.3) == pytest.approx(0.5, abs=2e-3)
    radii = np.linspace(0, 8, 4001)
    area = float((blurred_disc(radii, 1.5, 0.5) * 2 * np.pi * radii).sum() * (radii[1] - radii[0]))
    assert area == pytest.approx(np.pi * 1.5**2, rel=1e-4)


def shown(lumen_mm: float, outside_hu: float, *, core_hu: float, sigma_mm: float) -> np.ndarray:
    shape = VesselShape(core_hu, 60.0, outside_hu, 0.45, sigma_mm)
    return profile_hu(shape, np.array([lumen_mm]), RADII)[0]


def test_profile_runs_from_lumen_to_outside() -> None:
    profile = shown(1.5, -90.0, core_hu=400.0, sigma_mm=0.4)
    assert profile[0] == pytest.approx(400.0, abs=8.0)
    assert profile[-1] == pytest.approx(-90.0, abs=0.5)
    assert np.all(np.diff(profile) < 1e-9)


@pytest.mark.parametrize("lumen_mm", [0.75, 1.0, 2.5])
def test_profile_shows_the_asked_level_near_the_axis(lumen_mm: float) -> None:
    profile = shown(lumen_mm, -90.0, core_hu=350.0, sigma_mm=0.5)
    assert profile[0] + 1.0 > 350.0 > float(np.interp(0.4, RADII, profile)) - 1.0


@pytest.mark.parametrize("outside_hu", [-100.0, 0.0, 100.0])
@pytest.mark.parametrize("contrast_hu", [250.0, 400.0, 550.0])
@pytest.mark.parametrize("sigma_mm", [0.3, 0.45, 0.6])
def test_true_radius_is_recovered(sigma_mm: float, contrast_hu: float, outside_hu: float) -> None:
    model = EdgeModel(contrast_hu, 60.0, 0.45, sigma_mm)
    least = (
        0.75 if outside_hu <= 60.0 else max(0.75, 2.5 * sigma_mm)
    )  # brighter than the wall: the wall is blurred away
    for truth in np.linspace(least, 2.5, 8):
        profile = shown(float(truth), outside_hu, core_hu=contrast_hu, sigma_mm=sigma_mm)
        crossing = float(np.interp(-model.half_hu, -profile, RADII))
        got = model.lumen_mm(np.array([[crossing]]), np.array([[outside_hu]]))
        assert got.item() == pytest.approx(truth, abs=0.02)


def test_many_rays_at_once_keep_their_shape() -> None:
    model = EdgeModel(400.0, 60.0, 0.45, 0.4)
    crossing = np.linspace(0.8, 2.5, 24).reshape(4, 6)
    outside = np.tile(np.linspace(-100, 100, 6), (4, 1))
    together = model.lumen_mm(crossing, outside)
    alone = [model.lumen_mm(c[None], o[None]).item() for c, o in zip(crossing.ravel(), outside.ravel(), strict=True)]
    assert together == pytest.approx(np.array(alone).reshape(4, 6))


@pytest.mark.parametrize("sigma_mm", [0.34, 0.46, 0.58])
@pytest.mark.parametrize("lumen_mm", [1.2, 1.8])
def test_blur_is_fitted_from_a_profile(sigma_mm: float, lumen_mm: float) -> None:
    radii = np.arange(0.0, 3.6, 0.1)
    shape = VesselShape(400.0, 60.0, -90.0, 0.45, sigma_mm)
    profile = profile_hu(shape, np.array([lumen_mm]), radii)[0]
    crossing = float(np.interp(-230.0, -profile, radii))
    model = EdgeModel.fitted(profile, radii, crossing_mm=crossing, core_hu=400.0, wall_hu=60.0)
    assert model.sigma_mm == pytest.approx(sigma_mm, abs=0.05)
    assert model.wall_mm == pytest.approx(0.45, abs=0.11)
