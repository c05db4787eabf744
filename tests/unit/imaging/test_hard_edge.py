"""The outer edge of calcium: blurred sheets of known thickness, by numerical convolution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from recanal.imaging.hard_edge import hard_edge, sheet_growth
from recanal.imaging.sections import RING_MM

SIGMA_MM = 0.42
STEP_MM = 0.01


def seen_half_width(thickness_mm: float) -> float:
    """Half the width at half the peak of a blurred sheet, found on a fine grid."""
    place = np.arange(-6.0, 6.0, STEP_MM)
    shown = ndimage.gaussian_filter1d((np.abs(place) < thickness_mm / 2).astype(float), SIGMA_MM / STEP_MM)
    return float((shown > shown.max() / 2).sum()) * STEP_MM / 2


@pytest.mark.parametrize("thickness_mm", [0.3, 0.6, 1.0, 1.5, 2.5])
def test_growth_of_a_sheet_is_what_a_convolution_shows(thickness_mm: float) -> None:
    seen = seen_half_width(thickness_mm)
    growth = float(sheet_growth(np.array([seen / SIGMA_MM]))[0]) * SIGMA_MM
    assert seen - growth == pytest.approx(thickness_mm / 2, abs=0.03)


@pytest.mark.parametrize("thickness_mm", [0.5, 0.9, 1.6])
def test_outer_edge_of_a_plate_inside_a_wall(thickness_mm: float) -> None:
    fine = np.arange(0.0, 5.0, STEP_MM)
    outer_mm = 1.9
    ray = np.where(fine < 2.0, 75.0, -90.0)
    ray = np.where((fine > outer_mm - thickness_mm) & (fine < outer_mm), 1000.0, ray)
    shown = ndimage.gaussian_filter1d(ray, SIGMA_MM / STEP_MM, mode="nearest")
    hu = np.tile(np.interp(np.arange(45) * RING_MM, fine, shown), (3, 4, 1)).astype(np.float32)
    to_fat = np.full((3, 4), fine[np.flatnonzero(shown > -10)[-1]])
    edge, growth, thick = hard_edge(hu, to_fat, np.full((3, 4), -90.0), sigma_mm=SIGMA_MM, limit_mm=3.4)
    assert edge - growth == pytest.approx(np.full((3, 4), outer_mm), abs=0.1)
    assert (growth >= 0).all()
    assert thick == pytest.approx(np.full((3, 4), thickness_mm), abs=0.2)


def test_growth_is_nothing_where_calcium_reaches_the_axis() -> None:
    hu = np.full((2, 4, 45), 900.0, dtype=np.float32)
    hu[:, :, 18:] = -90.0
    edge, growth, thick = hard_edge(hu, np.full((2, 4), 1.8), np.full((2, 4), -90.0), sigma_mm=SIGMA_MM, limit_mm=3.4)
    assert edge == pytest.approx(np.full((2, 4), 1.75), abs=0.06)
    assert (growth == 0).all()
    assert thick == pytest.approx(edge)
