"""Lumen and outer wall of drawn vessels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytic_tube import Scene

BASE = Scene()


def open_and_shut(drawing, vessel) -> tuple[np.ndarray, np.ndarray]:
    """Sections well inside the open vessel between the seeds, and those inside the occlusions."""
    arc, _ = drawing.project(vessel.line.points_mm)
    is_open = (arc > 5) & (arc < 57)
    shut = np.zeros(len(arc), bool)
    for start, end in drawing.scene.gaps_mm:
        is_open &= (arc < start - 2) | (arc > end + 2)
        shut |= (arc > start + 0.6) & (arc < end - 0.6)
    return is_open, shut


def mean_radius_mm(area_mm2: np.ndarray) -> float:
    return float(np.sqrt(area_mm2 / np.pi).mean())


@pytest.mark.parametrize("lumen_hu", [250.0, 400.0, 550.0])
@pytest.mark.parametrize("diameter_mm", [1.5, 2.0, 3.0, 4.0])
def test_lumen_diameter_has_little_bias(traced, diameter_mm: float, lumen_hu: float) -> None:
    drawing, vessel = traced(replace(BASE, lumen_diameter_mm=diameter_mm, lumen_hu=lumen_hu))
    is_open, _ = open_and_shut(drawing, vessel)
    lumen_mm = np.sqrt(vessel.borders.contours.lumen_area_mm2[is_open] / np.pi)
    assert 2 * float(lumen_mm.mean()) == pytest.approx(diameter_mm, abs=0.12)
    assert 2 * float(lumen_mm.std()) < 0.12


@pytest.mark.parametrize(
    "scene",
    [BASE, replace(BASE, noise_hu=30.0), replace(BASE, psf_mm=0.3), replace(BASE, psf_mm=0.55)],
    ids=["plain", "noisy", "sharp", "blurred"],
)
def test_lumen_does_not_depend_on_noise_and_blur(traced, scene: Scene) -> None:
    drawing, vessel = traced(scene)
    is_open, _ = open_and_shut(drawing, vessel)
    assert 2 * mean_radius_mm(vessel.borders.contours.lumen_area_mm2[is_open]) == pytest.approx(2.8, abs=0.12)
    assert vessel.borders.sigma_mm == pytest.approx(np.hypot(scene.psf_mm, 0.43 / np.sqrt(12)), abs=0.1)


@pytest.mark.parametrize("diameter_mm", [2.0, 3.0, 4.0])
def test_wall_in_fat_is_where_it_was_drawn(traced, diameter_mm: float) -> None:
    drawing, vessel = traced(replace(BASE, lumen_diameter_mm=diameter_mm))
    is_open, shut = open_and_shut(drawing, vessel)
    truth = diameter_mm / 2 + BASE.wall_mm
    area = vessel.borders.contours.wall_area_mm2
    assert mean_radius_mm(area[is_open]) == pytest.approx(truth, abs=0.1)
    assert mean_radius_mm(area[shut]) == pytest.approx(truth, abs=0.1)


def test_wall_does_not_leap_to_a_neighbouring_vein(traced) -> None:
    drawing, vessel = traced(replace(BASE, vein_mm=4.0))
    _, shut = open_and_shut(drawing, vessel)
    wall_mm = vessel.borders.contours.wall_radius_mm[shut]
    assert wall_mm.mean() == pytest.approx(1.85, abs=0.12)
    assert wall_mm.max() < 2.6


def test_calcium_does_not_blow_up_the_wall(traced) -> None:
    nodules = ((29.0, 0.4, 0.3, 0.7), (33.0, -0.5, 0.2, 0.6))
    drawing, vessel = traced(replace(BASE, nodules=nodules))
    _, shut = open_and_shut(drawing, vessel)
    assert mean_radius_mm(vessel.borders.contours.wall_area_mm2[shut]) == pytest.approx(1.85, abs=0.15)
    assert vessel.borders.contours.wall_radius_mm[shut].max() < 2.6


def test_no_lumen_inside_a_gap_and_lumen_outside(traced) -> None:
    drawing, vessel = traced(BASE)
    is_open, shut = open_and_shut(drawing, vessel)
    contours = vessel.borders.contours
    assert np.all(contours.lumen_radius_mm[shut] == 0)
    assert np.all(contours.lumen_radius_mm[is_open] > 0.8)
    assert np.all(contours.wall_radius_mm > contours.lumen_radius_mm)


def test_contours_stand_on_the_sections(traced) -> None:
    _, vessel = traced(BASE)
    contours = vessel.borders.contours
    assert contours.line is vessel.line
    assert contours.lumen_radius_mm.shape == vessel.sections.hu.shape[:2]
    assert np.abs(np.diff(contours.wall_radius_mm, axis=0)).max() < 0.6
    assert np.abs(contours.wall_radius_mm - np.roll(contours.wall_radius_mm, 1, axis=1)).max() < 0.6


def test_wall_is_seen_in_fat_and_not_against_muscle(traced) -> None:
    drawing, vessel = traced(BASE)
    _, shut = open_and_shut(drawing, vessel)
    assert vessel.borders.contours.wall_seen[shut].mean() > 0.9
    drawing, vessel = traced(replace(BASE, slab_mm=16.0))
    _, shut = open_and_shut(drawing, vessel)
    buried = shut & (vessel.line.points_mm[:, 2] < 14.5)
    assert buried.sum() > 20
    assert vessel.borders.contours.wall_seen[buried].mean() < 0.4
    assert mean_radius_mm(vessel.borders.contours.wall_area_mm2[buried]) == pytest.approx(1.85, abs=0.35)
