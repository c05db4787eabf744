"""A long narrow lumen in noise, and plaque, on cross-sections drawn here."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from recanal.closures.narrowings import darkest_share, is_filled, is_flat, is_stepped, is_threaded
from recanal.core.curves import Centerline
from recanal.imaging.caps import Gap
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.sections import Sections

LENGTH_MM, START_MM, END_MM = 60.0, 15.0, 45.0
SIGMA_MM = 0.45


def blurred(radius_mm, level, ground):
    """Profile, every 0.1 mm, of a disc of some radius that the blur of the picture widens and dims."""
    x = np.arange(-8.0, 8.05, 0.1)
    disc = np.hypot(*np.meshgrid(x, x)) <= radius_mm
    smooth = gaussian_filter(disc.astype(float), SIGMA_MM / 0.1)[80, 80:131]
    return ground + (level - ground) * smooth


def vessel(inside, *, noise_hu=0.0, calcium=(), end_mm=END_MM):
    """A vessel of 3 mm with a stretch of another profile, and calcium at some arc lengths."""
    arc = np.arange(0.0, LENGTH_MM, 0.25)
    hu = np.tile(blurred(1.5, 350.0, -60.0), (len(arc), 24, 1))
    closed = (arc > START_MM) & (arc < end_mm)
    hu[closed] = inside
    for at_mm in calcium:
        hu[np.abs(arc - at_mm) < 0.8, :6, :12] = 700.0
    noise = gaussian_filter(np.random.default_rng(5).normal(size=hu.shape), (1.5, 3.0, 4.0))
    hu += noise * noise_hu / noise.std()
    points = np.stack([arc, np.zeros(len(arc)), np.zeros(len(arc))], axis=1)
    sections = Sections(Centerline(points), np.eye(3)[[1] * len(arc)], np.eye(3)[[2] * len(arc)], hu.astype(np.float32))
    lumen = LumenLevel(sections.core_hu(0.2), np.full(len(arc), 350.0), noise_hu)
    return SimpleNamespace(sections=sections, line=sections.line, lumen=lumen)


def told(drawn, *, end_mm=END_MM, diameter_mm=3.0, residual_share=0.2):
    return is_threaded(drawn, Gap(START_MM, end_mm, 100.0, 100.0, residual_share), diameter_mm=diameter_mm)


THREAD = np.maximum(blurred(0.6, 350.0, 90.0), blurred(1.5, 90.0, -60.0))
PLAQUE = blurred(1.5, 110.0, -60.0)


@pytest.mark.parametrize("noise_hu", [0.0, 30.0])
@pytest.mark.parametrize("diameter_mm", [3.0, None])
def test_a_lumen_of_just_over_a_millimetre_is_told_from_plaque(noise_hu, diameter_mm):
    assert told(vessel(THREAD, noise_hu=noise_hu), diameter_mm=diameter_mm)
    assert not told(vessel(PLAQUE, noise_hu=noise_hu), diameter_mm=diameter_mm)


def test_no_lumen_passes_where_two_millimetres_show_no_contrast():
    assert told(vessel(THREAD), residual_share=0.15)
    assert not told(vessel(THREAD), residual_share=-0.1)


def test_bright_plaque_is_as_bright_around_the_axis():
    assert not told(vessel(np.full(51, 210.0)))


def test_a_thread_far_dimmer_than_blood_is_no_proof():
    assert not told(vessel(np.maximum(blurred(0.6, 190.0, 90.0), PLAQUE)))


def test_calcium_is_left_out_and_little_else_tells_nothing():
    assert told(vessel(THREAD, calcium=(20.0, 38.0)))
    assert not told(vessel(PLAQUE, calcium=(20.0, 26.0, 33.0, 39.0)))
    assert not told(vessel(THREAD, calcium=tuple(np.arange(17.0, 45.0, 3.0))))
    assert not told(vessel(THREAD, end_mm=22.0), end_mm=22.0)


def test_the_darkest_place_is_found_between_two_calcifications():
    gap = Gap(START_MM, END_MM, 100.0, 100.0, 0.1)
    assert darkest_share(vessel(PLAQUE), gap) == pytest.approx((110 - 60) / (350 - 60), abs=0.02)
    glow = np.full(51, 260.0)
    drawn = vessel(glow)
    arc = drawn.line.arc_mm
    drawn.sections.hu[np.abs(arc - 30.0) < 0.45] = 100.0
    assert darkest_share(drawn, gap) == pytest.approx((100 - 60) / (350 - 60), abs=0.03)
    assert darkest_share(vessel(glow), gap) == pytest.approx((260 - 60) / (350 - 60), abs=0.02)
    assert darkest_share(drawn, Gap(20.0, 20.4, 100.0, 100.0, 0.1)) == 0.0


@pytest.mark.parametrize(("rings", "filled"), [(30, True), (8, False), (0, False)])
def test_calcium_from_side_to_side_fills_a_stretch_and_a_nodule_does_not(rings, filled):
    drawn = vessel(np.full(51, 260.0))
    drawn.sections.hu[np.abs(drawn.line.arc_mm - 30.0) < 2.5, :, :rings] = 900.0
    gap = Gap(START_MM, END_MM, 100.0, 100.0, 0.6)
    assert is_filled(drawn, gap, diameter_mm=3.0) is filled
    assert is_filled(drawn, gap, diameter_mm=None) is filled
    assert not is_filled(drawn, Gap(20.1, 20.2, 100.0, 100.0, 0.6), diameter_mm=3.0)


@pytest.mark.parametrize("noise_hu", [0.0, 30.0])
def test_plaque_half_as_bright_as_blood_is_flat_and_a_dimmed_lumen_is_not(noise_hu):
    gap = Gap(START_MM, END_MM, 100.0, 100.0, 0.45)
    assert is_flat(vessel(np.full(51, 190.0), noise_hu=noise_hu), gap, diameter_mm=3.0)
    assert is_flat(vessel(np.full(51, 190.0), noise_hu=noise_hu), gap, diameter_mm=None)
    assert not is_flat(vessel(THREAD, noise_hu=noise_hu), gap, diameter_mm=3.0)
    assert not is_flat(vessel(np.full(51, 290.0), noise_hu=noise_hu), gap, diameter_mm=3.0)


def test_a_stretch_too_short_or_full_of_calcium_is_not_known_to_be_flat():
    plaque = np.full(51, 190.0)
    assert not is_flat(vessel(plaque), Gap(20.0, 26.0, 100.0, 100.0, 0.45), diameter_mm=3.0)
    calcified = vessel(plaque, calcium=tuple(np.arange(15.0, 46.0, 3.0)))
    assert not is_flat(calcified, Gap(START_MM, END_MM, 100.0, 100.0, 0.45), diameter_mm=3.0)


@pytest.mark.parametrize(
    ("beyond", "radius_mm", "stepped"),
    [(0.5, 1.5, True), (0.65, 1.5, True), (0.8, 1.5, False), (1.0, 1.5, False), (0.5, 0.6, False)],
)
def test_a_vessel_that_stays_dim_beyond_calcium_fills_from_elsewhere(beyond, radius_mm, stepped):
    drawn = vessel(np.full(51, 600.0), noise_hu=20.0)
    arc = drawn.line.arc_mm
    drawn.sections.hu[arc >= END_MM] = 60.0 + beyond * (drawn.sections.hu[arc >= END_MM] - 60.0)
    area = np.where(arc >= END_MM, np.pi * radius_mm**2, np.pi * 1.5**2)
    drawn.borders = SimpleNamespace(contours=SimpleNamespace(lumen_area_mm2=area))
    assert is_stepped(drawn, Gap(START_MM, END_MM, 100.0, 100.0, 0.6)) is stepped
    assert not is_stepped(drawn, Gap(START_MM, LENGTH_MM - 1.0, 100.0, 100.0, 0.6))
