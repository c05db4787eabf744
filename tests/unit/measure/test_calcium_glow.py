"""Calcium next to a cap, and the glow of the lumen beyond it."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.measure.calcium import calcium
from recanal.measure.tissue import Tissue

STEP_MM, RAYS, RINGS, WALL_MM = 0.25, 48, 20, 1.5
POSITION = np.arange(0.125, 10.0, STEP_MM)


def tissue_of(hu: np.ndarray) -> Tissue:
    """A straight stretch of 10 mm with a wall of 1.5 mm that shows ``hu``, (n, rings)."""
    rings = np.arange(RINGS) * 0.1
    outer, inner = np.minimum(rings + 0.05, WALL_MM), np.maximum(rings - 0.05, 0.0)
    ring_mm2 = np.pi / RAYS * np.maximum(outer**2 - inner**2, 0.0)
    shape = (len(POSITION), RAYS, RINGS)
    area = np.broadcast_to(ring_mm2, shape).copy()
    shown = np.broadcast_to(hu[:, None, :], shape).astype(np.float32)
    wall = np.full(shape[:2], WALL_MM)
    return Tissue(POSITION, np.full(len(POSITION), STEP_MM), shown, shown, area, area * STEP_MM, wall)


def test_calcium_a_millimetre_behind_the_cap_counts_though_it_is_no_brighter_than_the_lumen() -> None:
    hu = np.full((len(POSITION), RINGS), 80.0)
    hu[(POSITION > 1.2) & (POSITION < 1.8)] = 420.0
    assert calcium(tissue_of(hu), lumen_hu=(400.0, 300.0)).max_ratio == pytest.approx(1.0)


@pytest.mark.parametrize(("taper_mm", "glows_mm"), [(0.0, 0.4), (6.0, 2.0)])
def test_the_fading_lumen_behind_a_cap_is_no_calcium(taper_mm: float, glows_mm: float) -> None:
    hu = np.full((len(POSITION), RINGS), 80.0)
    hu[glows_mm > POSITION] = 360.0
    assert calcium(tissue_of(hu), lumen_hu=(500.0, 300.0), taper_mm=(taper_mm, 0.0)).max_ratio == 0.0


def test_a_lumen_that_goes_on_behind_the_cap_is_no_calcium() -> None:
    hu = np.full((len(POSITION), RINGS), 80.0)
    hu[POSITION < 3.0] = 420.0
    assert calcium(tissue_of(hu), lumen_hu=(400.0, 300.0)).max_ratio == 0.0
