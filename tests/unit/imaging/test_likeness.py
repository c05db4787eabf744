"""Looks of a section, whatever its contrast: the dome of blood, flat plaque, patches, plaque on one side."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Centerline, frames
from recanal.imaging.likeness import unlike_lumen
from recanal.imaging.sections import RING_MM, Sections

STEP_MM = 0.25
ARC = np.arange(0.0, 40.01, STEP_MM)
OPEN = ARC > 25.0
LEVEL_HU = 190.0
RINGS_MM = np.arange(51) * RING_MM
ANGLES = np.arange(48) * 2 * np.pi / 48


def sections_of(closed_hu: NDArray[np.float64], *, around_hu: float = -90.0, noise_hu: float = 8.0) -> Sections:
    """A straight vessel of 1.4 mm, open from 25 mm on; before that every section shows ``closed_hu`` (rays, rings)."""
    line = Centerline(np.stack([ARC, 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    lumen = np.broadcast_to(np.where(RINGS_MM < 1.4, LEVEL_HU, around_hu), (48, 51))
    hu = np.where(OPEN[:, None, None], lumen, closed_hu)
    hu = ndimage.gaussian_filter(hu, (0.0, 0.0, 0.4 / RING_MM), mode="nearest")
    grain = ndimage.gaussian_filter(np.random.default_rng(20_500).standard_normal(hu.shape), (1.5, 2.0, 4.0))
    hu = hu + noise_hu * grain / grain.std()
    return Sections(line, normals, binormals, hu.astype(np.float32))


def nats(closed_hu: NDArray[np.float64], **drawn: float) -> tuple[float, float]:
    """Medians over the stretch in question and over open vessel that is not among the known."""
    sections = sections_of(closed_hu, **drawn)
    seen = unlike_lumen(sections, sections.core_hu(0.7), np.flatnonzero(ARC > 31.0))
    return float(np.median(seen[ARC < 20.0])), float(np.median(seen[(ARC > 27.0) & (ARC < 30.0)]))


def disc(reach_mm: float, level_hu: float = LEVEL_HU) -> NDArray[np.float64]:
    return np.array(np.broadcast_to(np.where(reach_mm > RINGS_MM, level_hu, -90.0), (48, 51)))


def test_what_looks_like_the_open_vessel_speaks_for_lumen() -> None:
    same, is_open = nats(disc(1.4))
    assert same < -2.0
    assert is_open < -2.0


def test_weaker_contrast_of_the_same_shape_does_not_speak_for_plaque() -> None:
    assert nats(disc(1.4, 170.0))[0] < 0.0


def test_plaque_as_bright_as_the_lumen_is_known_by_reaching_the_outer_wall() -> None:
    flat, is_open = nats(disc(2.1))
    assert flat > 1.0
    assert is_open < -2.0


def test_patches_of_the_same_mean_are_known_by_their_spread_and_lean() -> None:
    patchy = disc(1.4)
    patchy[np.pi > ANGLES, :14] += 60.0
    patchy[np.pi <= ANGLES, :14] -= 60.0
    assert nats(patchy)[0] > 1.0


def test_an_open_lumen_without_a_border_tells_nothing_by_its_looks() -> None:
    assert nats(disc(2.1), around_hu=LEVEL_HU) == (0.0, 0.0)


@pytest.mark.parametrize("noise_hu", [0.0, 20.0])
def test_noise_does_not_turn_lumen_into_plaque(noise_hu: float) -> None:
    assert nats(disc(1.4), noise_hu=noise_hu)[1] <= 0.0


def test_what_looks_like_neither_tells_nothing() -> None:
    assert nats(disc(1.4, 3000.0) - 2000.0 * (RINGS_MM > 0.5))[0] == pytest.approx(0.0, abs=0.05)
