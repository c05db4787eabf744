"""Pools and scan steps on fields drawn in code."""

import numpy as np
import pytest

from recanal.anatomy.field import GRID_MM, Field
from recanal.anatomy.pools import dim_pools, muscle_hu
from recanal.core.volume import Affine
from recanal.imaging.sample import Block


def grid(size):
    return np.meshgrid(*(GRID_MM * np.arange(n) for n in size), indexing="ij")


def field(hu, bright, aorta):
    """A field without tissue tubes, valleys or lungs."""
    none = np.zeros(hu.shape, dtype=np.float32)
    block = Block(hu.astype(np.float32), Affine.from_spacing((GRID_MM,) * 3))
    no = np.zeros(hu.shape, dtype=bool)
    return Field(block, bright.astype(np.float32), none, none, np.ones_like(none), aorta.copy(), aorta, no, 400.0)


def test_the_muscle_is_measured_around_the_pools():
    x, y, z = (2 * part for part in grid((40, 40, 40)))
    far = np.sqrt((x - 24) ** 2 + (y - 24) ** 2 + (z - 24) ** 2)
    hu = np.where(far < 10, 400.0, np.where(far < 20, 97.0, -90.0)).astype(np.float32)
    hu += np.random.default_rng(1).normal(0, 6, hu.shape).astype(np.float32)
    assert muscle_hu(hu, far < 10, 400.0, step_mm=1.2) == pytest.approx(97, abs=6)


def test_a_dim_chamber_is_a_pool_in_spite_of_noise_and_a_vessel_is_none():
    x, y, _ = (2 * part for part in grid((50, 50, 30)))
    hu = np.full(x.shape, -90.0)
    hu[(np.hypot(x - 20, y - 30) < 12)] = 190
    hu[np.hypot(x - 48, y - 30) < 2.4] = 390
    hu += np.random.default_rng(2).normal(0, 18, hu.shape)
    pool = dim_pools(hu.astype(np.float32), 150.0, np.zeros(hu.shape, dtype=bool), step_mm=1.2)
    assert pool[np.hypot(x - 20, y - 30) < 10].mean() > 0.98
    assert pool[np.hypot(x - 48, y - 30) < 6].mean() == 0.0
