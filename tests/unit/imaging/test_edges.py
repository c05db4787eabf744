"""Edges of profiles to a fraction of a ring, and circles through them."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.imaging.edges import circle_fit, falling_edge, steady
from recanal.imaging.sections import RING_MM

RINGS = np.arange(40) * RING_MM
ANGLE = np.arange(48) * (2 * np.pi / 48)


def ramp(edge_mm: np.ndarray, *, width_mm: float = 0.8) -> np.ndarray:
    """Profiles that fall from 400 to -100 HU in a straight line whose middle (150 HU) is at ``edge_mm``."""
    away = RINGS - np.asarray(edge_mm)[..., None]
    return (150 - 500 * np.clip(away / width_mm, -0.5, 0.5)).astype(np.float32)


def test_edge_of_a_ramp_is_exact_between_rings() -> None:
    truth = np.linspace(0.61, 3.02, 96).reshape(2, 48)
    assert falling_edge(ramp(truth), 150.0) == pytest.approx(truth, abs=1e-5)
    assert falling_edge(ramp(truth), 275.0) == pytest.approx(truth - 0.2, abs=1e-5)


@pytest.mark.parametrize("sigma_mm", [0.3, 0.5])
def test_edge_of_a_smooth_fall_is_well_below_a_ring(sigma_mm: float) -> None:
    truth = np.linspace(1.0, 2.5, 48)[None]
    hu = (150 - 250 * np.tanh((RINGS - truth[..., None]) / sigma_mm)).astype(np.float32)
    assert falling_edge(hu, 150.0) == pytest.approx(truth, abs=0.05 * RING_MM)


def test_level_may_differ_by_section_and_by_ray() -> None:
    truth = np.full((3, 48), 1.5)
    by_section = falling_edge(ramp(truth), np.array([[150.0], [275.0], [25.0]]))
    assert by_section[:, 0] == pytest.approx([1.5, 1.3, 1.7], abs=1e-5)
    level = np.full((3, 48), 150.0)
    level[1, 7] = 25.0
    by_ray = falling_edge(ramp(truth), level)
    assert by_ray[1, 6:9] == pytest.approx([1.5, 1.7, 1.5], abs=1e-5)


def test_no_edge_is_not_a_number() -> None:
    bright = np.full((1, 48, 40), 400, np.float32)
    assert np.isnan(falling_edge(bright, 150.0)).all()
    far = falling_edge(ramp(np.full((1, 48), 2.5)), 150.0, limit_mm=2.0)
    assert np.isnan(far).all()
    assert not np.isnan(falling_edge(ramp(np.full((1, 48), 1.5)), 150.0, limit_mm=2.0)).any()


def test_first_fall_counts_unless_it_is_too_near() -> None:
    hu = ramp(np.full((1, 48), 2.0))
    hu[:, :, 3:6] = 0.0
    assert falling_edge(hu, 150.0)[0, 0] < 0.4
    assert falling_edge(hu, 150.0, start_mm=0.8)[0] == pytest.approx(2.0, abs=1e-4)
    assert falling_edge(hu, 150.0, after=np.full((1, 48), 6))[0] == pytest.approx(2.0, abs=1e-4)


def circle(shift: tuple[float, float], radius: float) -> np.ndarray:
    """Distance from the origin to a shifted circle along each ray, exactly."""
    u, v = np.stack([np.cos(ANGLE), np.sin(ANGLE)]), np.array(shift)
    along = v @ u
    return (along + np.sqrt(radius**2 - (v @ v - along**2)))[None]


SEEN = {
    "all": np.ones(48, bool),
    "half": np.arange(48) < 24,
    "every third": np.arange(48) % 3 == 0,
}


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.25, -0.15), (-0.1, 0.3)])
def test_circle_recovers_shift_and_radius(seen: str, shift: tuple[float, float]) -> None:
    points = np.where(SEEN[seen], circle(shift, 1.5), np.nan)
    got, radius = circle_fit(points, np.array([1.45]), prior_sd_mm=0.3, shift_sd_mm=0.6)
    assert got[0] == pytest.approx(shift, abs=0.08)
    assert radius == pytest.approx(1.5, abs=0.08)


def test_circle_survives_outliers() -> None:
    points = circle((0.2, 0.1), 1.5)
    points[0, 5:13] = 3.0
    points[0, 30] = 0.2
    got, radius = circle_fit(points, np.array([1.5]), prior_sd_mm=0.15, shift_sd_mm=0.6)
    assert got[0] == pytest.approx((0.2, 0.1), abs=0.2)
    assert radius == pytest.approx(1.5, abs=0.2)
    plain = np.linalg.lstsq(np.stack([np.ones(48), np.cos(ANGLE), np.sin(ANGLE)], axis=1), points[0], rcond=None)[0]
    assert np.linalg.norm(got[0] - (0.2, 0.1)) < 0.5 * np.linalg.norm(plain[1:] - (0.2, 0.1))


def test_an_unseen_circle_is_the_expected_one() -> None:
    got, radius = circle_fit(np.full((2, 48), np.nan), np.array([1.2, 2.0]), prior_sd_mm=0.3, shift_sd_mm=0.6)
    assert got == pytest.approx(np.zeros((2, 2)))
    assert radius == pytest.approx([1.2, 2.0])


def test_each_section_is_fitted_alone() -> None:
    points = np.concatenate([circle((0.2, 0.0), 1.5), circle((0.0, -0.2), 2.0)])
    both = circle_fit(points, np.array([1.5, 2.0]), prior_sd_mm=0.3, shift_sd_mm=0.6)
    alone = circle_fit(points[1:], np.array([2.0]), prior_sd_mm=0.3, shift_sd_mm=0.6)
    assert both[0][1] == pytest.approx(alone[0][0])
    assert both[1][1] == pytest.approx(alone[1][0])


def test_steady_lowers_noise_and_moves_no_edge() -> None:
    hu = ramp(np.full((60, 48), 1.73))
    noisy = hu + np.random.default_rng(0).normal(0, 30, hu.shape).astype(np.float32)
    smooth = steady(noisy, along_mm=0.5, step_mm=0.25)
    assert (smooth - hu).std() < 0.4 * 30
    assert steady(hu, along_mm=0.5, step_mm=0.25) == pytest.approx(hu, abs=1e-2)
    assert np.mean(falling_edge(smooth, 150.0)) == pytest.approx(1.73, abs=0.02)


def test_steady_joins_the_last_ray_to_the_first() -> None:
    hu = np.zeros((1, 48, 3), np.float32)
    hu[0, 0] = 1.0
    smooth = steady(hu, along_mm=0.5, step_mm=0.25)
    assert smooth[0, 47] == pytest.approx(smooth[0, 1])
    assert smooth.sum() == pytest.approx(3.0, rel=1e-5)
