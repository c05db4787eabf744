"""Counting by thresholds on a noisy picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from recanal.core.volume import Affine
from recanal.imaging.sample import Block
from recanal.measure.noise import without_noise

BINS_HU = (-np.inf, 76.0, 131.0, np.inf)


def shares(hu: np.ndarray) -> np.ndarray:
    return np.histogram(hu, BINS_HU)[0] / len(hu)


def tissues(rng: np.random.Generator, noise_hu: float) -> tuple[np.ndarray, np.ndarray]:
    """Values of three tissues without and with noise."""
    true = rng.choice([46.0, 103.0, 160.0], p=[0.3, 0.4, 0.3], size=40_000) + rng.normal(0.0, 17.0, 40_000)
    return true.astype(np.float32), (true + rng.normal(0.0, noise_hu, len(true))).astype(np.float32)


@pytest.mark.parametrize("noise_hu", [12.0, 25.0, 35.0])
def test_shares_of_tissues_are_those_without_noise(noise_hu: float) -> None:
    true, noisy = tissues(np.random.default_rng(3), noise_hu)
    found = without_noise(noisy, np.ones(len(noisy)), noise_hu=noise_hu)
    before, after = np.abs(shares(noisy) - shares(true)).max(), np.abs(shares(found) - shares(true)).max()
    assert after < 0.03
    assert after < 0.5 * before + 0.005


def test_the_order_of_values_is_kept_and_their_mean() -> None:
    _, noisy = tissues(np.random.default_rng(4), 25.0)
    found = without_noise(noisy, np.ones(len(noisy)), noise_hu=25.0)
    assert (np.diff(found[np.argsort(noisy)]) >= 0).all()
    assert float(found.mean()) == pytest.approx(float(noisy.mean()), abs=1.0)


def test_heavy_values_count_by_their_weight() -> None:
    true, noisy = tissues(np.random.default_rng(5), 20.0)
    once = without_noise(noisy, np.ones(len(noisy)), noise_hu=20.0)
    twice = without_noise(np.concatenate([noisy, true[:1]]), np.r_[np.full(len(noisy), 2.0), 0.0], noise_hu=20.0)
    assert np.allclose(once, twice[:-1], atol=1e-2)


@pytest.mark.parametrize("noise_hu", [0.0, 0.5])
def test_nothing_moves_where_there_is_no_noise(noise_hu: float) -> None:
    true, _ = tissues(np.random.default_rng(6), 20.0)
    assert (without_noise(true, np.ones(len(true)), noise_hu=noise_hu) == true).all()


def test_nothing_inside_the_wall_is_nothing_still() -> None:
    assert without_noise(np.zeros(0, dtype=np.float32), np.zeros(0), noise_hu=20.0).shape == (0,)


def block_of(hu: np.ndarray) -> Block:
    return Block(hu.astype(np.float32), Affine.from_spacing((0.5, 0.4, 0.4), (0.0, 0.0, 0.0)))


def test_noise_is_seen_beside_edges_and_lung() -> None:
    rng = np.random.default_rng(7)
    hu = np.where(np.arange(60)[:, None, None] // 20 % 2 == 0, 60.0, -90.0) * np.ones((60, 60, 60))
    hu[:, :, 40:] = np.where(rng.random((60, 60, 20)) < 0.2, -100.0, -900.0)
    noise = ndimage.gaussian_filter(rng.standard_normal(hu.shape), 0.6)
    found = block_of(hu + 20.0 * noise / noise.std()).noise_hu
    assert found == pytest.approx(18.0, abs=2.0)
    assert block_of(hu).noise_hu == 0.0


def test_a_flipped_block_has_the_same_noise() -> None:
    hu = 50.0 + 20.0 * np.random.default_rng(8).standard_normal((40, 41, 43))
    assert block_of(hu).noise_hu == pytest.approx(block_of(hu[::-1, :, ::-1]).noise_hu, rel=1e-9)


@pytest.mark.parametrize("shape", [(3, 3, 3), (9, 9, 9)])
def test_a_block_without_tissue_or_too_small_has_no_noise(shape: tuple[int, int, int]) -> None:
    assert block_of(np.full(shape, -900.0)).noise_hu == 0.0
