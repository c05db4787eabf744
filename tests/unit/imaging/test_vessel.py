"""One vessel from seed to seed in drawn volumes: true, steady, and plain when refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytic_tube import BOX_MM, Drawing, Scene, draw, rotation, stored, turned
from recanal.core.volume import Affine, Volume
from recanal.errors import SeedError
from recanal.imaging.caps import Gap
from recanal.imaging.lumen_level import LumenLevel
from recanal.imaging.vessel import Vessel, _above_plaque, trace_vessel

BASE = Scene()
CALCIUM = ((28.0, 0.4, 0.3, 0.7), (34.0, -0.5, 0.2, 0.6))


def errors_mm(drawing: Drawing, vessel: Vessel) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the true axis of the points between the seeds: in the open vessel, and in the gaps."""
    arc, off = drawing.project(vessel.line.points_mm)
    between = (arc > 5) & (arc < 57)
    shut = np.zeros(len(arc), bool)
    for start, end in drawing.scene.gaps_mm:
        shut |= (arc > start) & (arc < end)
    return off[between & ~shut], off[between & shut]


SCENES = {
    "plain": BASE,
    "noisy": replace(BASE, noise_hu=30.0),
    "blurred": replace(BASE, psf_mm=0.55),
    "weak lumen": replace(BASE, lumen_hu=250.0),
    "weak beyond": replace(BASE, distal_hu=250.0),
    "small": replace(BASE, lumen_diameter_mm=1.5),
    "large": replace(BASE, lumen_diameter_mm=4.0),
    "long": replace(BASE, gaps_mm=((14.0, 48.0),)),
    "twice": replace(BASE, gaps_mm=((18.0, 28.0), (36.0, 46.0))),
    "calcium": replace(BASE, nodules=CALCIUM),
    "on muscle": replace(BASE, slab_mm=14.0),
    "all at once": replace(BASE, nodules=CALCIUM, vein_mm=4.5, slab_mm=13.0, noise_hu=25.0, seed=7),
}


@pytest.mark.parametrize("name", SCENES)
def test_axis_lies_on_the_true_axis(traced, name: str) -> None:
    is_open, shut = errors_mm(*traced(SCENES[name]))
    assert is_open.mean() <= 0.2
    assert shut.mean() <= 0.4
    assert max(is_open.max(), shut.max()) < 1.0


def test_axis_of_an_open_vessel(traced) -> None:
    drawing, vessel = traced(replace(BASE, gaps_mm=()))
    is_open, _ = errors_mm(drawing, vessel)
    assert is_open.mean() <= 0.2
    assert (vessel.gaps, vessel.bridges) == ((), ())


@pytest.mark.parametrize("vein_mm", [4.0, 4.5, 5.0])
@pytest.mark.parametrize("gap_mm", [(23.0, 40.0), (14.0, 48.0)], ids=["17 mm", "34 mm"])
def test_a_parallel_vein_never_captures_the_path(traced, vein_mm: float, gap_mm: tuple[float, float]) -> None:
    drawing, vessel = traced(replace(BASE, vein_mm=vein_mm, gaps_mm=(gap_mm,)))
    _, shut = errors_mm(drawing, vessel)
    assert shut.max() < 1.5
    assert len(vessel.gaps) == 1


def test_parts_of_a_vessel_belong_together(traced) -> None:
    drawing, vessel = traced(BASE)
    assert vessel.line is vessel.sections.line
    assert len(vessel.bridges) == len(vessel.gaps) == 1
    assert len(vessel.lumen.level_hu) == len(vessel.lumen.core_hu) == len(vessel.line.points_mm)
    assert vessel.lumen.level_hu == pytest.approx(400.0, abs=25.0)
    assert np.diff(vessel.line.arc_mm).max() <= 0.25 + 1e-6
    for place, seed in zip(vessel.seed_mm, drawing.seeds(), strict=True):
        assert np.linalg.norm(vessel.line.at(place)[0] - seed) < 1.0
    assert vessel.seed_mm[0] < vessel.gaps[0].start_mm < vessel.gaps[0].end_mm < vessel.seed_mm[1]


def test_line_goes_on_beyond_the_seeds_within_the_open_lumen(traced) -> None:
    drawing, vessel = traced(replace(BASE, gaps_mm=((25.0, 40.0),)))
    seeds = drawing.at(12.0), drawing.at(52.0)
    short = trace_vessel(drawing.volume, *seeds)
    assert short.seed_mm[0] > 4.0
    assert short.line.length_mm - short.seed_mm[1] > 4.0
    assert gap_lengths(short) == pytest.approx(gap_lengths(vessel), abs=0.3)


def gap_lengths(vessel: Vessel) -> list[float]:
    return [gap.end_mm - gap.start_mm for gap in vessel.gaps]


def test_progress_is_told() -> None:
    words: list[str] = []
    drawing = draw(BASE)
    trace_vessel(drawing.volume, *drawing.seeds(), progress=words.append)
    assert len(words) >= 2
    assert all(words)


def test_the_volume_is_left_as_it_was(traced) -> None:
    drawing, _ = traced(BASE)
    assert np.array_equal(drawing.volume.hu, draw(BASE).volume.hu)


def test_the_same_input_gives_the_same_answer(traced) -> None:
    drawing, first = traced(BASE)
    second = trace_vessel(drawing.volume, *drawing.seeds())
    assert np.array_equal(first.line.points_mm, second.line.points_mm)
    assert first.gaps == second.gaps
    assert np.array_equal(first.borders.contours.wall_radius_mm, second.borders.contours.wall_radius_mm)


# ---- the same vessel, stored, placed, cut or sampled in another way ---------------------------------------


def same_answer(first: Vessel, second: Vessel, back: np.ndarray | None = None) -> None:
    """Lengths within 0.5 mm and axes within 0.25 mm, after the second was carried back by a (4, 4) pose."""
    back = np.eye(4) if back is None else back
    points = second.line.points_mm @ back[:3, :3].T + back[:3, 3]
    arc = second.line.arc_mm
    between = (arc > second.seed_mm[0] + 1) & (arc < second.seed_mm[1] - 1)
    apart = np.array([first.line.nearest(point)[1] for point in points[between][::4]])
    assert apart.max() < 0.25
    assert len(first.gaps) == len(second.gaps)
    assert gap_lengths(first) == pytest.approx(gap_lengths(second), abs=0.5)


INVARIANT = replace(BASE, nodules=CALCIUM, vein_mm=5.0, slab_mm=13.0)


@pytest.mark.parametrize(
    ("order", "flips"),
    [((0, 1, 2), (0,)), ((0, 1, 2), (1, 2)), ((2, 1, 0), ()), ((1, 2, 0), (0,))],
    ids=["flip", "two flips", "reversed axes", "permuted and flipped"],
)
def test_storage_does_not_matter(traced, order: tuple[int, int, int], flips: tuple[int, ...]) -> None:
    drawing, first = traced(INVARIANT)
    same_answer(first, trace_vessel(stored(drawing.volume, order, flips), *drawing.seeds()))


@pytest.mark.parametrize(
    ("axis", "angle_deg"),
    [((0, 0, 1), 90.0), ((1, 0, 0), 90.0), ((0, 1, 0), 180.0), ((1, 2, 3), 30.0), ((0, 0, 1), -30.0)],
)
def test_the_patient_may_be_turned(traced, axis: tuple[float, float, float], angle_deg: float) -> None:
    _, first = traced(INVARIANT)
    pose = turned(rotation(axis, angle_deg), (40.0, -25.0, 300.0))
    corners = np.array(np.meshgrid(*[(0, b) for b in BOX_MM], indexing="ij")).reshape(3, -1).T
    corners = corners @ pose[:3, :3].T + pose[:3, 3]
    box = tuple(corners.min(axis=0)), tuple(corners.max(axis=0))
    drawing = draw(INVARIANT, pose=pose, box_mm=box, spacing_mm=(0.45, 0.45, 0.45))
    same_answer(first, trace_vessel(drawing.volume, *drawing.seeds()), np.linalg.inv(pose))


def test_an_oblique_affine_is_obeyed(traced) -> None:
    drawing, first = traced(INVARIANT)
    pose = turned(rotation((3, 1, -2), 25.0), (5.0, 6.0, 7.0))
    volume = Volume(drawing.volume.hu.copy(), Affine(pose @ drawing.volume.affine.matrix))
    seeds = [pose[:3, :3] @ seed + pose[:3, 3] for seed in drawing.seeds()]
    same_answer(first, trace_vessel(volume, *seeds), np.linalg.inv(pose))


def test_a_turned_patient_has_the_same_vessel_to_the_last_digit(traced) -> None:
    drawing, first = traced(INVARIANT)
    turn = rotation((0.48, 0.6, 0.64), 25.0)
    matrix = drawing.volume.affine.matrix.copy()
    matrix[:3] = turn @ matrix[:3]
    volume = Volume(drawing.volume.hu.copy(), Affine(matrix))
    second = trace_vessel(volume, *[turn @ seed for seed in drawing.seeds()])
    assert gap_lengths(second) == pytest.approx(gap_lengths(first), abs=1e-6)
    assert second.line.points_mm == pytest.approx(first.line.points_mm @ turn.T, abs=1e-6)
    ours, theirs = second.borders.contours, first.borders.contours
    assert ours.lumen_radius_mm == pytest.approx(theirs.lumen_radius_mm, abs=1e-6)
    assert ours.normals == pytest.approx(theirs.normals @ turn.T, abs=1e-6)
    assert second.block.affine.matrix[:3] == pytest.approx(turn @ first.block.affine.matrix[:3], abs=1e-9)


def test_cropping_does_not_matter(traced) -> None:
    drawing, first = traced(INVARIANT)
    low, high = np.array([5, 18, 18]), np.array([128, 80, 76])
    cut = np.ascontiguousarray(drawing.volume.hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))])
    matrix = drawing.volume.affine.matrix.copy()
    matrix[:3, 3] = drawing.volume.affine.to_mm(low)[0]
    same_answer(first, trace_vessel(Volume(cut, Affine(matrix)), *drawing.seeds()))


@pytest.mark.parametrize("spacing_mm", [(0.35, 0.35, 0.7), (0.75, 0.4, 0.4), (0.6, 0.6, 0.5)])
def test_voxel_size_matters_little(traced, spacing_mm: tuple[float, float, float]) -> None:
    _, first = traced(INVARIANT)
    drawing = draw(INVARIANT, spacing_mm=spacing_mm)
    same_answer(first, trace_vessel(drawing.volume, *drawing.seeds()))


def test_seeds_may_lie_anywhere_in_the_open_lumen(traced) -> None:
    drawing, first = traced(INVARIANT)
    moved = drawing.at(9.0) + np.array([0.0, 0.7, -0.5]), drawing.at(53.0) + np.array([0.0, -0.6, 0.6])
    same_answer(first, trace_vessel(drawing.volume, *moved))


def test_swapped_seeds_give_the_vessel_backwards(traced) -> None:
    drawing, first = traced(INVARIANT)
    second = trace_vessel(drawing.volume, *drawing.seeds()[::-1])
    same_answer(first, second)
    ends = second.line.at([second.gaps[0].end_mm, second.gaps[0].start_mm])
    assert ends == pytest.approx(first.line.at([first.gaps[0].start_mm, first.gaps[0].end_mm]), abs=0.5)


# ---- what cannot be measured is refused, with what to do --------------------------------------------------


@pytest.fixture(scope="module")
def heart() -> Drawing:
    """An artery, a vein 10 mm beside it, muscle below and lung in a corner; almost no noise."""
    drawing = draw(replace(BASE, vein_mm=10.0, slab_mm=10.6, noise_hu=5.0))
    hu = drawing.volume.hu.copy()
    hu[:30, :20, 60:] = -900
    return replace(drawing, volume=Volume(hu, drawing.volume.affine))


BESIDE = 10.0 * np.array([0.0, 0.6, 0.8])
LUMEN = r"not in contrast-filled lumen \(brightest surrounding -?\d+ HU\)\. Place it where the vessel is opacified"


@pytest.mark.parametrize(
    ("proximal", "message"),
    [
        ([-5.0, 10.0, 10.0], r"\[-5.0, 10.0, 10.0\] lies outside the volume, which spans .* Seeds are LPS"),
        ([5.0, 5.0, 30.0], r"lies in air or lung \(-\d+ HU\)\. Place it inside the open, contrast-filled lumen"),
        ([30.0, 6.0, 25.0], LUMEN),
        ([20.0, 10.0, 5.0], LUMEN),
        ([np.nan, 10.0, 10.0], r"must be three finite numbers, got .*nan.* Give X,Y,Z in LPS mm"),
        ([np.inf, 10.0, 10.0], "must be three finite numbers"),
        ([1.0, 2.0], "must be three finite numbers"),
    ],
    ids=["outside", "lung", "fat", "muscle", "not a number", "infinite", "two numbers"],
)
def test_a_seed_in_the_wrong_place_is_refused(heart: Drawing, proximal: list[float], message: str) -> None:
    with pytest.raises(SeedError, match="The proximal seed .*" + message) as caught:
        trace_vessel(heart.volume, proximal, heart.at(57.0))
    assert caught.value.hint
    with pytest.raises(SeedError, match="The distal seed .*" + message):
        trace_vessel(heart.volume, heart.at(57.0), proximal)


def test_a_seed_in_the_occlusion_is_refused(heart: Drawing) -> None:
    with pytest.raises(SeedError, match="The distal seed is " + LUMEN):
        trace_vessel(heart.volume, heart.at(5.0), heart.at(31.0))


@pytest.mark.parametrize("apart_mm", [0.0, 1.0])
def test_one_place_is_not_two_seeds(heart: Drawing, apart_mm: float) -> None:
    with pytest.raises(SeedError, match=r"two seeds .* Give one point on each side of the occlusion"):
        trace_vessel(heart.volume, heart.at(5.0), heart.at(5.0 + apart_mm))


def test_seeds_farther_apart_than_an_artery_reaches_are_refused() -> None:
    volume = Volume(np.zeros((60, 60, 60), np.int16), Affine.from_spacing((5.0, 5.0, 5.0)))
    with pytest.raises(SeedError, match=r"286 mm apart; no coronary artery reaches farther than 200 mm"):
        trace_vessel(volume, (5.0, 5.0, 5.0), (170.0, 170.0, 170.0))


@pytest.mark.parametrize(("proximal_mm", "distal_mm"), [(5.0, 57.0), (12.0, 18.0)])
def test_two_vessels_are_refused(heart: Drawing, proximal_mm: float, distal_mm: float) -> None:
    with pytest.raises(SeedError, match=r"No vessel joins the two seeds: .* Are both seeds in the same artery\?"):
        trace_vessel(heart.volume, heart.at(proximal_mm), heart.at(distal_mm) + BESIDE)


def test_a_way_through_a_chamber_is_refused() -> None:
    drawing = draw(replace(BASE, chamber=True))
    with pytest.raises(SeedError, match=r"chamber or a great vessel\. Place both seeds in the same artery"):
        trace_vessel(drawing.volume, *drawing.seeds())


@pytest.mark.parametrize(("plaque_hu", "told"), [(150.0, None), (168.0, "172 HU there, 163 HU in the plaque")])
def test_a_seed_is_refused_where_it_is_no_brighter_than_the_plaque_of_its_half(
    plaque_hu: float, told: str | None
) -> None:
    arc = np.arange(0.0, 60.0, 0.25)
    core = np.where(arc < 18.0, 340.0, np.where(arc < 46.0, plaque_hu, 172.0))
    lumen = LumenLevel(core, np.where(arc < 32.0, 340.0, 172.0), 5.0)
    gap = Gap(18.0, 46.0, 70.0, 163.0, 0.1)
    if told is None:
        _above_plaque(arc, lumen, (gap,))
    else:
        with pytest.raises(SeedError, match=told):
            _above_plaque(arc, lumen, (gap,))


@pytest.mark.parametrize("across_mm", [2.1, 2.3])
def test_seeds_beside_each_other_in_one_lumen_are_refused(across_mm: float) -> None:
    """Far enough apart in space, but with no vessel between them along the axis."""
    drawing = draw(replace(BASE, lumen_diameter_mm=4.0, gaps_mm=()))
    here = drawing.at(30.0)
    ahead = drawing.at(30.5) - here
    aside = np.cross(ahead, [0.0, 0.0, 1.0])
    aside *= across_mm / np.linalg.norm(aside) / 2
    with pytest.raises(SeedError, match="less than 2 mm apart along the axis of the vessel") as caught:
        trace_vessel(drawing.volume, here - aside, here + aside)
    assert caught.value.hint == "Give one point on each side of the occlusion."
