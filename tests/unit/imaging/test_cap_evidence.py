"""Caps weighed over millimetres: bright plaque before a weak lumen, a cap drawn too far out, islands of plaque."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from recanal.core.curves import Centerline, frames
from recanal.imaging.cap_evidence import (
    SideEvidence,
    credible_cap_mm,
    falls_in_a_step,
    island_is_open,
    side_evidence,
    weighed_cap,
)
from recanal.imaging.caps import find_gaps
from recanal.imaging.lumen_level import lumen_level
from recanal.imaging.sections import RING_MM, Sections

STEP_MM = 0.25
ARC = np.arange(0.0, 70.01, STEP_MM)
OPEN_MM = (10.0, 60.0)


def levels(*stretches: tuple[float, float]) -> NDArray[np.float64]:
    """(n,) level along a vessel, blurred by 0.45 mm: each stretch begins somewhere and has a level."""
    out = np.zeros(len(ARC))
    for begins_mm, hu in stretches:
        out[begins_mm <= ARC] = hu
    return np.asarray(ndimage.gaussian_filter1d(out, 0.45 / STEP_MM, mode="nearest"))


def sections_of(level_hu: NDArray[np.float64], *, noise_hu: float = 0.0, seed: int = 0) -> Sections:
    """A straight vessel with a disc of 1.4 mm at that level; noise with a grain of a millimetre along it."""
    line = Centerline(np.stack([ARC, 0 * ARC, 0 * ARC], axis=1))
    _, normals, binormals = frames(line)
    grain = ndimage.gaussian_filter1d(np.random.default_rng(seed).standard_normal(len(ARC)), 1.0 / STEP_MM)
    shown = level_hu + noise_hu * grain / grain.std()
    hu = np.broadcast_to(shown[:, None, None], (len(ARC), 48, 51)).astype(np.float32).copy()
    hu[:, :, round(1.4 / RING_MM) :] = -90.0
    return Sections(line, normals, binormals, hu)


def evidence(level_hu: NDArray[np.float64], *, noise_hu: float = 0.0) -> tuple[SideEvidence, SideEvidence]:
    sections = sections_of(level_hu, noise_hu=noise_hu)
    clean, wide = np.ones(len(ARC), dtype=bool), sections.core_hu(0.7)
    sides = [side_evidence(sections, wide, clean, anchor=ends) for ends in (ARC < 11.0, ARC > 59.0)]
    assert sides[0] is not None
    assert sides[1] is not None
    return sides[0], sides[1]


def moved(level_hu: NDArray[np.float64], cap_mm: float, other_mm: float) -> float | None:
    """Where the distal cap goes, or None where it stays."""
    clean = np.ones(len(ARC), dtype=bool)
    side = evidence(level_hu)[1]
    cap = weighed_cap(ARC, level_hu, clean, side, caps_mm=(cap_mm, other_mm), limit_mm=OPEN_MM[1])
    return None if cap is None else cap.arc_mm


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("plaque_hu", [130.0, 150.0])
def test_bright_plaque_behind_calcium_is_not_taken_for_a_weak_lumen(plaque_hu: float, seed: int) -> None:
    level = levels((0, 340), (20, 70), (27, 800), (30, plaque_hu), (44, 195))
    drawn = sections_of(level, noise_hu=5.0, seed=seed)
    plaque = (ARC > 20.0) & (ARC < 44.0)
    wall = np.arange(drawn.hu.shape[2]) < round(2.0 / RING_MM)  # plaque goes on where the lumen would end
    hu = np.where(plaque[:, None, None] & wall, drawn.hu[:, :, :1], drawn.hu)
    sections = Sections(drawn.line, drawn.normals, drawn.binormals, hu)
    (gap,) = find_gaps(sections, lumen_level(sections, (340.0, 195.0)), open_mm=OPEN_MM)
    assert gap.start_mm == pytest.approx(20.0, abs=0.5)
    assert gap.end_mm == pytest.approx(44.0, abs=1.0)


@pytest.mark.parametrize(("cap_mm", "found_mm"), [(44.0, 44.0), (46.0, 45.0), (35.0, 42.5)])
def test_a_cap_is_brought_to_the_nearest_credible_place(cap_mm: float, found_mm: float) -> None:
    level = levels((0, 340), (20, 80), (44, 200))
    found = credible_cap_mm(ARC, level, evidence(level)[1], caps_mm=(cap_mm, 20.0), limit_mm=OPEN_MM[1])
    assert found == pytest.approx(found_mm, abs=0.7)


def test_calcium_that_fills_the_disc_is_no_place_for_an_open_lumen() -> None:
    level = levels((0, 340), (20, 80), (36, 900), (44, 200))
    side = evidence(level)[1]
    silent = SideEvidence(side.level_hu, np.where((ARC > 34) & (ARC < 46), 0.0, side.closed_nats))
    found = credible_cap_mm(ARC, level, silent, caps_mm=(38.0, 20.0), limit_mm=OPEN_MM[1])
    assert found > 42.5


def test_a_cap_next_to_the_known_open_place_stays() -> None:
    side = evidence(levels((0, 340), (20, 80), (44, 200)))[1]
    assert credible_cap_mm(ARC, ARC, side, caps_mm=(60.2, 59.0), limit_mm=60.2) == 60.2


def test_a_cap_that_stands_too_far_out_comes_back() -> None:
    found = moved(levels((0, 340), (20, 70), (36, 210)), 46.0, 20.0)
    assert found is not None
    assert found == pytest.approx(36.0, abs=1.0)


def test_a_cap_that_stands_too_far_in_goes_out_to_half_contrast() -> None:
    found = moved(levels((0, 340), (20, 60), (28, 140), (44, 200)), 28.0, 20.0)
    assert found is not None
    assert found == pytest.approx(44.0, abs=0.3)


@pytest.mark.parametrize("cap_mm", [43.5, 44.0, 44.5])
def test_a_cap_in_its_place_stays(cap_mm: float) -> None:
    assert moved(levels((0, 340), (20, 80), (44, 200)), cap_mm, 20.0) is None


def test_a_lumen_that_darkens_towards_the_cap_without_a_step_does_not_move_it() -> None:
    level = levels((0, 340), (20, 50), (36, 200))
    level = np.where(ARC > 36.0, np.minimum(level, 215.0 + 1.0 * (np.minimum(ARC, 52.0) - 52.0)), level)
    found = moved(level + 30.0 * (ARC > 55.0), 36.0, 20.0)
    assert found is None


def test_too_little_known_vessel_gives_no_evidence() -> None:
    sections = sections_of(levels((0, 300)))
    clean = np.ones(len(ARC), dtype=bool)
    anchor = ARC < 7 * STEP_MM - 0.01
    assert anchor.sum() == 7
    assert side_evidence(sections, sections.core_hu(0.7), clean, anchor=anchor) is None
    assert side_evidence(sections, sections.core_hu(0.7), clean, anchor=ARC < 8 * STEP_MM - 0.01) is not None


def test_evidence_follows_from_two_normal_distributions() -> None:
    """One section half way between 340 HU of lumen and a plaque of 95 HU, by hand."""
    level = np.full(len(ARC), 340.0)
    level[100] = 295.0
    near, _ = evidence(level)
    sd = float(np.hypot(10.0, np.sqrt(0.6) * 3.0))
    other = 0.1 / 400.0

    def density(off_hu: float, spread_hu: float) -> float:
        return 0.9 * np.exp(-0.5 * (off_hu / spread_hu) ** 2) / (spread_hu * np.sqrt(2 * np.pi)) + other

    expected = np.log(density(200.0, 45.0) / density(-45.0, sd)) * STEP_MM / 2.0
    assert near.level_hu[100] == pytest.approx(340.0, abs=0.1)
    assert near.closed_nats[100] == pytest.approx(expected, rel=0.02)


def test_calcium_speaks_for_no_open_vessel() -> None:
    sections = sections_of(levels((0, 300)))
    clean = ~((ARC > 30.0) & (ARC < 34.0))
    side = side_evidence(sections, sections.core_hu(0.7), clean, anchor=ARC < 11.0)
    assert side is not None
    assert (side.closed_nats[~clean] == 0.0).all()
    assert (side.closed_nats[(ARC > 12) & (ARC < 29)] < 0.0).all()


@pytest.mark.parametrize(("island_hu", "islands"), [(200.0, True), (150.0, False)])
def test_an_island_is_lumen_only_where_it_is_as_bright_as_lumen(island_hu: float, islands: bool) -> None:
    level = levels((0, 340), (15, 60), (22, island_hu), (33, 60), (42, 205))
    inside = slice(int(np.searchsorted(ARC, 23.0)), int(np.searchsorted(ARC, 32.0)))
    assert island_is_open(evidence(level), inside) is islands


def test_a_short_island_is_no_lumen_though_it_is_as_bright() -> None:
    """Two occlusions of one vessel are rare, bright plaque is not."""
    level = levels((0, 340), (15, 60), (24, 195.0), (29, 60), (42, 205))
    inside = slice(int(np.searchsorted(ARC, 24.7)), int(np.searchsorted(ARC, 28.3)))
    assert not island_is_open(evidence(level), inside)


def test_without_evidence_an_island_counts() -> None:
    assert island_is_open((None, None), slice(3, 9))


def stepped(level_hu: NDArray[np.float64], run_mm: tuple[float, float]) -> bool:
    """Whether the contrast falls in a step at the start of a stretch, the lumen being 300 HU before."""
    clean, usual = np.ones(len(ARC), dtype=bool), np.full(len(ARC), 300.0)
    run = tuple(int(np.searchsorted(ARC, end)) for end in run_mm)
    return falls_in_a_step(ARC, level_hu, clean, usual, run=(run[0], run[1]))


def test_contrast_that_does_not_come_back_has_fallen_in_a_step() -> None:
    assert stepped(levels((0, 300), (20, 155), (28, 190)), (20.0, 28.0))


def test_behind_a_stenosis_contrast_comes_back() -> None:
    assert not stepped(levels((0, 300), (20, 155), (28, 285)), (20.0, 28.0))


def test_contrast_that_falls_steadily_is_no_step() -> None:
    assert not stepped(300.0 - 3.0 * ARC, (30.0, 45.0))


def test_plaque_hardly_darker_than_the_weak_lumen_beyond_closes_the_vessel() -> None:
    level = levels((0, 300), (20, 150), (28, 192))
    hu = sections_of(level, noise_hu=4.0).hu.copy()
    rings = np.arange(hu.shape[2]) * RING_MM
    soft = (ARC >= 20)[:, None] & (ARC < 28)[:, None] & (rings > 0.6) & (rings < 1.4)
    hu[np.broadcast_to(soft[:, None, :], hu.shape)] = 95.0  # the core of the plaque stands out like a narrow lumen
    sections = sections_of(level)
    sections = Sections(sections.line, sections.normals, sections.binormals, hu)
    (gap,) = find_gaps(sections, lumen_level(sections, (300.0, 192.0)), open_mm=OPEN_MM)
    assert gap.start_mm == pytest.approx(20.0, abs=0.7)
    assert gap.end_mm == pytest.approx(28.0, abs=1.5)


def nats_at(at_mm: float, plaque: NDArray[np.bool_] | None) -> float:
    """How the distal end judges one place of a vessel of 150 HU before a lumen of 190 HU."""
    sections = sections_of(levels((0, 340), (20, 150), (44, 190)), noise_hu=6.0)
    clean = np.ones(len(ARC), dtype=bool)
    side = side_evidence(sections, sections.core_hu(0.7), clean, anchor=ARC > 59.0, plaque=plaque)
    assert side is not None
    return float(side.closed_nats[int(np.searchsorted(ARC, at_mm))])


def test_plaque_seen_in_the_occlusion_tells_what_its_plaque_looks_like() -> None:
    seen = (ARC > 22) & (ARC < 34)
    assert nats_at(40.0, seen) > nats_at(40.0, None) + 0.02
    assert nats_at(50.0, seen) < 0


def test_a_stretch_as_bright_as_lumen_is_not_learnt_as_plaque() -> None:
    assert nats_at(40.0, ARC > 46) == nats_at(40.0, None)
