"""Counting by thresholds on a noisy picture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from recanal.measure.tissue import steadied

STEP_MM = 0.25


def noisy(level_hu: float, sd_hu: float) -> np.ndarray:
    """Sections of one level with noise that is correlated over a millimetre."""
    white = np.random.default_rng(3).standard_normal((160, 48, 16))
    smooth = ndimage.gaussian_filter(white, (0.35 / STEP_MM, 3.0, 3.0), mode="wrap")
    return (level_hu + sd_hu * smooth / smooth.std()).astype(np.float32)


def test_noise_moves_fewer_cells_out_of_the_middle_bin() -> None:
    raw = noisy(103.0, 30.0)
    steady = steadied(raw, step_mm=STEP_MM)
    held = [float(((hu >= 76) & (hu < 131)).mean()) for hu in (raw, steady)]
    assert held[0] < 0.70
    assert held[1] > held[0] + 0.08
    assert abs(float(steady.mean()) - float(raw.mean())) < 0.5


def test_levels_that_differ_around_the_vessel_stay_apart() -> None:
    hu = np.full((40, 48, 16), 50.0, dtype=np.float32)
    hu[:, 24:] = 200.0
    assert np.allclose(steadied(hu, step_mm=STEP_MM), hu, atol=1e-3)


def test_calcium_neither_changes_nor_lifts_its_surroundings() -> None:
    hu = np.full((40, 48, 16), 90.0, dtype=np.float32)
    hu[18:22, 5:20, 4:9] = 850.0
    steady = steadied(hu, step_mm=STEP_MM)
    assert (steady[hu > 300] == 850.0).all()
    assert np.allclose(steady[hu < 300], 90.0, atol=1e-3)
