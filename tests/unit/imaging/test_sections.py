"""Polar cross-sections and smooth lines."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.core.curves import Centerline
from recanal.core.volume import Affine
from recanal.imaging.sample import Block
from recanal.imaging.sections import RAYS, RING_MM, cut_sections, smooth_line

STEP_MM = 0.5
GRID = np.stack(np.meshgrid(*[np.arange(n) * STEP_MM for n in (41, 41, 33)], indexing="ij"), axis=-1)
GRADIENT = np.array([3.0, -2.0, 5.0])
LINEAR = Block((GRID @ GRADIENT).astype(np.float32), Affine.from_spacing((STEP_MM,) * 3))
LINE = Centerline(np.linspace([6, 9, 7], [12, 11, 9], 15))


def test_rays_stand_on_the_axis_at_their_distance() -> None:
    sections = cut_sections(LINEAR, LINE, reach_mm=3.0)
    angle = np.arange(RAYS) * 2 * np.pi / RAYS
    ring = sections.radii_mm[:, None]
    for i in (0, 7, 14):
        for k in (0, 11, 30):
            along = np.cos(angle[k]) * sections.normals[i] + np.sin(angle[k]) * sections.binormals[i]
            expected = (LINE.points_mm[i] + ring * along) @ GRADIENT
            assert sections.hu[i, k] == pytest.approx(expected, abs=2e-3)


def test_geometry_of_the_sections() -> None:
    sections = cut_sections(LINEAR, LINE, reach_mm=3.0, rays=16)
    assert sections.hu.shape == (15, 16, round(3.0 / RING_MM) + 1)
    assert sections.radii_mm[[0, -1]] == pytest.approx([0.0, 3.0])
    assert sections.step_mm == pytest.approx(LINE.length_mm / 14)


def test_core_of_a_linear_field_is_its_centre() -> None:
    sections = cut_sections(LINEAR, LINE, reach_mm=3.0)
    assert sections.core_hu(0.7) == pytest.approx(LINE.points_mm @ GRADIENT, abs=1e-2)


def test_core_weighs_by_area() -> None:
    away = np.hypot(GRID[..., 1] - 10, GRID[..., 2] - 8)
    cone = Block((100 * away).astype(np.float32), LINEAR.affine)
    axis = Centerline(np.linspace([5, 10, 8], [15, 10, 8], 11))
    mean = cut_sections(cone, axis, reach_mm=3.0).core_hu(2.0)
    assert mean == pytest.approx(100 * 2.0 * 2 / 3, rel=0.05)


def test_beyond_the_block_the_last_known_ring_goes_on() -> None:
    low = Centerline(np.linspace([6, 1.0, 7], [12, 1.0, 9], 9))
    hu = cut_sections(LINEAR, low, reach_mm=3.0).hu
    assert np.isfinite(hu).all()
    assert np.ptp(hu[:, :, -1]) <= np.ptp(LINEAR.hu)
    outside = Centerline(np.linspace([6, -50, 7], [12, -50, 9], 9))
    assert np.all(cut_sections(LINEAR, outside, reach_mm=3.0).hu == -1024)


def test_smoothing_holds_the_ends_and_evens_the_steps() -> None:
    rough = LINE.points_mm + np.random.default_rng(0).normal(0, 0.05, LINE.points_mm.shape)
    rough = np.insert(rough, 5, rough[5], axis=0)
    line = smooth_line(rough, step_mm=0.25, sigma_mm=1.0)
    assert line.points_mm[[0, -1]] == pytest.approx(rough[[0, -1]], abs=1e-6)
    steps = np.diff(line.arc_mm)
    assert steps.max() <= 0.25 + 1e-9
    assert np.ptp(steps) < 0.01


def test_smoothing_leaves_a_straight_line_straight() -> None:
    line = smooth_line(LINE.points_mm, step_mm=0.3, sigma_mm=1.5)
    assert max(LINE.nearest(point)[1] for point in line.points_mm) < 1e-6
    assert line.length_mm == pytest.approx(LINE.length_mm)


def test_smoothing_lowers_a_zigzag_and_barely_cuts_a_bend() -> None:
    t = np.linspace(0, np.pi, 200)
    arc = np.stack([12 * np.cos(t), 12 * np.sin(t), 0 * t], axis=1)
    zigzag = arc * np.where(np.arange(200) % 8 < 4, 1.02, 0.98)[:, None]
    radius = np.linalg.norm(smooth_line(zigzag, step_mm=0.5, sigma_mm=1.5).points_mm, axis=1)[6:-6]
    assert np.ptp(radius) < 0.15
    assert radius.mean() == pytest.approx(12.0, abs=0.15)
