"""Where the contrast stops and begins again: physics on made-up profiles, then on drawn vessels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.interpolate import PchipInterpolator
from scipy.special import erf

from analytic_tube import Scene, draw
from recanal.core.curves import Centerline, frames
from recanal.imaging.caps import Gap, find_gaps
from recanal.imaging.lumen_level import lumen_level
from recanal.imaging.sections import RING_MM, Sections
from recanal.imaging.vessel import trace_vessel

STEP_MM = 0.25
ARC = np.arange(0.0, 60.01, STEP_MM)


def sections_of(core_hu: np.ndarray, *, noise_hu: float = 0.0) -> Sections:
    """Sections of a straight vessel whose level along it is given, the same over its whole disc."""
    line = Centerline(np.stack([ARC, 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    hu = np.broadcast_to(core_hu[:, None, None], (len(ARC), 48, 51)).astype(np.float32).copy()
    hu[:, :, round(1.4 / RING_MM) :] = -90.0
    hu += np.random.default_rng(0).normal(0, 1, hu.shape).astype(np.float32) * noise_hu
    return Sections(line, normals, binormals, hu)


def profile(*gaps: tuple[float, float], lumen_hu: float = 400.0, plaque_hu: float = 70.0) -> np.ndarray:
    """Level along a vessel with blunt caps blurred by 0.4 mm."""
    core = np.full(len(ARC), lumen_hu)
    for start, end in gaps:
        fall = 0.5 * (erf((ARC - start) / (0.4 * np.sqrt(2))) - erf((ARC - end) / (0.4 * np.sqrt(2))))
        core -= (lumen_hu - plaque_hu) * fall
    return core


def gaps_of(core_hu: np.ndarray, *, levels_hu: tuple[float, float] = (400.0, 400.0), noise_hu: float = 0.0):
    sections = sections_of(core_hu, noise_hu=noise_hu)
    return find_gaps(sections, lumen_level(sections, levels_hu))


@pytest.mark.parametrize("lumen_hu", [250.0, 400.0, 550.0])
@pytest.mark.parametrize("plaque_hu", [20.0, 70.0, 120.0])
def test_caps_stand_at_half_contrast(lumen_hu: float, plaque_hu: float) -> None:
    core = profile((20.1, 38.3), lumen_hu=lumen_hu, plaque_hu=plaque_hu)
    (gap,) = gaps_of(core, levels_hu=(lumen_hu, lumen_hu))
    assert gap.start_mm == pytest.approx(20.1, abs=0.25)
    assert gap.end_mm == pytest.approx(38.3, abs=0.25)
    assert gap.plaque_start_hu == pytest.approx(plaque_hu, abs=15.0)
    assert gap.residual_share < 0.4


def test_caps_stand_under_noise() -> None:
    (gap,) = gaps_of(profile((20.1, 38.3)), noise_hu=80.0)
    assert (gap.start_mm, gap.end_mm) == pytest.approx((20.1, 38.3), abs=0.4)


def test_first_guesses_of_the_level_do_not_matter() -> None:
    first, second = (gaps_of(profile((20.1, 38.3)), levels_hu=levels)[0] for levels in ((400, 400), (460, 350)))
    assert (first.start_mm, first.end_mm) == pytest.approx((second.start_mm, second.end_mm), abs=0.1)


def test_level_follows_a_slow_fall_of_the_contrast() -> None:
    core = 450 - 1.5 * ARC - (450 - 1.5 * ARC - 70) * (profile((20.0, 38.0)) < 230)
    lumen = lumen_level(sections_of(core), (450.0, 370.0))
    far = (ARC < 18) | (ARC > 40)
    assert lumen.level_hu[far] == pytest.approx((450 - 1.5 * ARC)[far], abs=15.0)
    assert lumen.core_hu[(ARC > 22) & (ARC < 36)].max() < 100


def test_each_side_has_its_own_level() -> None:
    core = np.where(ARC > 30, profile((20.0, 38.0), lumen_hu=250.0), profile((20.0, 38.0), lumen_hu=450.0))
    lumen = lumen_level(sections_of(core), (450.0, 250.0))
    assert lumen.level_hu[[20, -20]] == pytest.approx([450.0, 250.0], abs=15.0)
    (gap,) = gaps_of(core, levels_hu=(450.0, 250.0))
    assert (gap.start_mm, gap.end_mm) == pytest.approx((20.0, 38.0), abs=0.25)


def test_noise_is_reported() -> None:
    quiet, loud = (lumen_level(sections_of(profile(), noise_hu=n), (400.0, 400.0)).noise_hu for n in (0.0, 100.0))
    assert quiet < 1.0 < loud


def test_open_vessel_has_no_gap() -> None:
    assert gaps_of(profile()) == ()
    assert gaps_of(profile(), noise_hu=100.0) == ()


def test_a_mild_stenosis_is_no_gap() -> None:
    core = profile((28.0, 33.0), plaque_hu=320.0)
    assert gaps_of(core) == ()


def test_gaps_are_looked_for_between_two_open_places() -> None:
    sections = sections_of(profile((12.0, 22.0), (40.0, 90.0)))
    lumen = lumen_level(sections, (400.0, 400.0))
    (gap,) = find_gaps(sections, lumen, open_mm=(5.0, 33.0))
    assert (gap.start_mm, gap.end_mm) == pytest.approx((12.0, 22.0), abs=0.3)


def test_an_occlusion_beyond_the_seed_is_not_reported() -> None:
    drawing = draw(replace(BASE, gaps_mm=((20.0, 32.0), (48.0, 58.0))))
    vessel = trace_vessel(drawing.volume, drawing.at(5.0), drawing.at(41.0))
    (gap,) = vessel.gaps
    arc, _ = drawing.project(vessel.line.at([gap.start_mm, gap.end_mm]))
    assert arc == pytest.approx([20.0, 32.0], abs=0.6)


@pytest.mark.parametrize(("apart_mm", "count"), [(2.0, 1), (3.0, 1), (4.2, 1), (6.0, 2), (8.0, 2)])
def test_an_island_counts_from_five_millimetres(apart_mm: float, count: int) -> None:
    gaps = gaps_of(profile((12.0, 24.0), (24.0 + apart_mm, 44.0)))
    assert len(gaps) == count
    assert gaps[0].start_mm == pytest.approx(12.0, abs=0.3)
    assert gaps[-1].end_mm == pytest.approx(44.0, abs=0.3)


def test_calcium_inside_the_gap_does_not_open_it() -> None:
    core = profile((20.0, 38.0))
    core += 700 * np.exp(-(((ARC - 29.0) / 1.2) ** 2))
    (gap,) = gaps_of(core)
    assert (gap.start_mm, gap.end_mm) == pytest.approx((20.0, 38.0), abs=0.3)


def drawn_caps(traced, scene: Scene) -> tuple[tuple[float, float], ...]:
    """Caps of each gap as arc lengths on the true axis."""
    drawing, vessel = traced(scene)

    def place(gap: Gap) -> tuple[float, float]:
        start, end = drawing.project(vessel.line.at([gap.start_mm, gap.end_mm]))[0]
        return float(start), float(end)

    return tuple(place(gap) for gap in vessel.gaps)


BASE = Scene()
BLUNT = {
    "plain": BASE,
    "weak lumen": replace(BASE, lumen_hu=250.0),
    "bright lumen": replace(BASE, lumen_hu=550.0),
    "weak beyond": replace(BASE, distal_hu=250.0),
    "small": replace(BASE, lumen_diameter_mm=2.0),
    "large": replace(BASE, lumen_diameter_mm=4.0),
    "noisy": replace(BASE, noise_hu=30.0),
    "blurred": replace(BASE, psf_mm=0.55),
    "short": replace(BASE, gaps_mm=((28.0, 33.0),)),
    "long": replace(BASE, gaps_mm=((14.0, 48.0),)),
    "calcium within": replace(BASE, nodules=((29.0, 0.4, 0.3, 0.7), (33.0, -0.5, 0.2, 0.6))),
}


@pytest.mark.parametrize("name", BLUNT)
def test_blunt_caps_of_a_drawn_vessel(traced, name: str) -> None:
    caps = drawn_caps(traced, BLUNT[name])
    assert len(caps) == 1
    assert caps[0] == pytest.approx(BLUNT[name].gaps_mm[0], abs=0.6)


def test_drawn_open_vessel_has_no_gap(traced) -> None:
    assert drawn_caps(traced, replace(BASE, gaps_mm=())) == ()


def test_two_drawn_occlusions_eight_millimetres_apart(traced) -> None:
    caps = drawn_caps(traced, replace(BASE, gaps_mm=((18.0, 28.0), (36.0, 46.0))))
    assert len(caps) == 2
    assert np.array(caps) == pytest.approx(np.array([[18.0, 28.0], [36.0, 46.0]]), abs=0.6)


def test_two_drawn_occlusions_three_millimetres_apart_are_one(traced) -> None:
    caps = drawn_caps(traced, replace(BASE, gaps_mm=((18.0, 29.0), (32.0, 44.0))))
    assert len(caps) == 1
    assert caps[0] == pytest.approx((18.0, 44.0), abs=0.6)


def sections_of_discs(discs: np.ndarray, radius_mm: float, *, wall_hu: float = 90.0) -> Sections:
    """Sections of a straight vessel: (n, r) levels inside the radius, wall beyond it, fat from 0.5 mm further out."""
    hu = np.broadcast_to(discs[:, None, :], (len(ARC), 48, 51)).astype(np.float32).copy()
    lumen, outer = round(radius_mm / RING_MM), round((radius_mm + 0.5) / RING_MM)
    hu[:, :, lumen:] = wall_hu
    hu[:, :, outer:] = -90.0
    blurred = ndimage.gaussian_filter1d(hu, 0.4 / STEP_MM, axis=0, mode="nearest")
    smooth = sections_of(profile())
    return Sections(smooth.line, smooth.normals, smooth.binormals, blurred)


@pytest.mark.parametrize("radius_mm", [1.0, 1.4, 2.0])
def test_a_thread_of_contrast_keeps_the_vessel_open_whatever_its_size(radius_mm: float) -> None:
    rings = np.arange(51) * RING_MM
    inside = (ARC > 20) & (ARC < 36)
    for thread_hu, count in ((90.0, 1), (230.0, 0)):
        narrow = 90.0 + (thread_hu - 90.0) * np.exp(-0.5 * (rings / 0.42) ** 2)
        discs = np.where(inside[:, None], narrow, 400.0)
        sections = sections_of_discs(discs, radius_mm)
        assert len(find_gaps(sections, lumen_level(sections, (400.0, 400.0)))) == count


def test_a_ring_of_calcium_does_not_hide_the_thread_on_either_side_of_it() -> None:
    rings = np.arange(51) * RING_MM
    narrow = 90.0 + 100.0 * np.exp(-0.5 * (rings / 0.42) ** 2)
    ringed = np.where((rings > 0.6) & (rings < 1.3), 900.0, narrow)
    inside, middle = ((low < ARC) & (high > ARC) for low, high in ((20.0, 36.0), (26.0, 30.0)))
    sections = sections_of_discs(np.where(middle[:, None], ringed, np.where(inside[:, None], narrow, 400.0)), 1.4)
    assert find_gaps(sections, lumen_level(sections, (400.0, 400.0))) == ()


def test_fat_around_a_small_vessel_is_no_thread() -> None:
    inside = (ARC > 20) & (ARC < 36)
    sections = sections_of_discs(np.where(inside[:, None], np.full(51, 130.0), 400.0), 0.9, wall_hu=130.0)
    assert len(find_gaps(sections, lumen_level(sections, (400.0, 400.0)))) == 1


@pytest.mark.parametrize(("length_mm", "count"), [(1.5, 0), (6.0, 1)])
def test_calcium_closes_a_vessel_where_it_stands_in_place_of_the_lumen(length_mm: float, count: int) -> None:
    inside = np.abs(ARC - 30.0) < length_mm / 2
    sections = sections_of_discs(np.where(inside[:, None], np.full(51, 900.0), 400.0), 1.4)
    assert len(find_gaps(sections, lumen_level(sections, (400.0, 400.0)))) == count


@pytest.mark.parametrize(("nodule_hu", "count"), [(620.0, 0), (1000.0, 1)])
def test_calcium_on_the_axis_leaves_no_room_for_a_lumen(nodule_hu: float, count: int) -> None:
    rings = np.arange(51) * RING_MM
    inside = (np.abs(ARC - 30.0) < 2.5)[:, None] & (rings < 0.7)
    sections = sections_of_discs(np.where(inside, nodule_hu, 400.0), 1.4)
    assert len(find_gaps(sections, lumen_level(sections, (400.0, 400.0)))) == count


@pytest.mark.parametrize(("core_hu", "count"), [(560.0, 0), (1000.0, 1)])
def test_a_ring_of_calcium_closes_no_vessel_that_is_darker_inside(core_hu: float, count: int) -> None:
    rings = np.arange(51) * RING_MM
    inside = np.abs(ARC - 30.0) < 4.0
    ring = core_hu + (1000.0 - core_hu) * np.clip((rings - 0.3) / 0.5, 0.0, 1.0)
    sections = sections_of_discs(np.where(inside[:, None], ring, 400.0), 1.4)
    assert len(find_gaps(sections, lumen_level(sections, (400.0, 400.0)))) == count


def test_a_short_dark_stretch_between_nodules_is_an_occlusion() -> None:
    level = profile((20.0, 34.0), plaque_hu=70.0)
    for place in (23.0, 26.2, 31.0):
        level = level + 800 * np.exp(-0.5 * ((ARC - place) / 0.8) ** 2)
    sections = sections_of(level)
    assert len(find_gaps(sections, lumen_level(sections, (400.0, 400.0)))) == 1


def nodules(*places: tuple[float, float], width_mm: float = 0.5) -> np.ndarray:
    """(n,) brightness that blurred nodules add along the axis; each a place and a height."""
    return sum(
        (height * np.exp(-0.5 * ((ARC - place) / width_mm) ** 2) for place, height in places), np.zeros(len(ARC))
    )


THREE = ((17.4, 280), (18.9, 122), (20.4, 405), (21.9, 185), (22.9, 370), (24.1, 175), (25.7, 645), (27.4, 270))
TWO = ((16.7, 275), (18.3, 390), (20.2, 107), (22.8, 605), (24.9, 320), (25.3, 335), (27.3, 130), (28.8, 250))


def row_of_nodules(row: tuple[tuple[float, float], ...]) -> np.ndarray:
    """(n,) level along an occlusion of plaque with nodules in it, all blurred by half a millimetre."""
    places, levels = np.array(row, dtype=float).T
    return np.asarray(PchipInterpolator(places, levels)(np.clip(ARC, places[0], places[-1])))


def test_a_row_of_nodules_with_dark_millimetres_between_is_an_occlusion() -> None:
    (gap,) = gaps_of(row_of_nodules(TWO), levels_hu=(275.0, 250.0))
    assert 18.0 < gap.start_mm < 20.2
    assert gap.end_mm == pytest.approx(28.1, abs=1.0)


@pytest.mark.parametrize("row", [TWO, THREE])
def test_nodules_beside_an_open_lumen_are_no_occlusion(row: tuple[tuple[float, float], ...]) -> None:
    level = np.maximum(row_of_nodules(row), 0.8 * 280.0)
    assert gaps_of(level, levels_hu=(280.0, 270.0)) == ()


def test_nodules_on_the_axis_are_no_thread_of_contrast() -> None:
    rings = np.arange(51) * RING_MM
    level = row_of_nodules(THREE)[:, None]
    inside = ((ARC > 17.9) & (ARC < 26.7))[:, None]
    discs = np.where(inside, 75.0 + np.maximum(level - 75.0, 0.0) * np.exp(-0.5 * (rings / 0.6) ** 2), level)
    blurred = sections_of_discs(discs, 1.3)
    sections = replace(blurred, hu=np.where(rings < 1.3, discs[:, None, :], blurred.hu).astype(np.float32))
    (gap,) = find_gaps(sections, lumen_level(sections, (280.0, 270.0)))
    assert (gap.start_mm, gap.end_mm) == pytest.approx((18.2, 25.9), abs=1.0)


def test_a_weak_lumen_next_to_calcium_stands_above_the_plaque() -> None:
    level = profile((20.0, 36.0), lumen_hu=196.0, plaque_hu=90.0) + nodules((29.5, 600.0), (32.0, 600.0), (34.5, 600.0))
    (gap,) = gaps_of(level, levels_hu=(196.0, 196.0))
    assert gap.plaque_end_hu < 196.0 - 50.0
