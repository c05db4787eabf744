"""Noise, names that are open, and masks that hold nothing, on small arrays."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from recanal.calcium.agatston import lesions_of
from recanal.calcium.candidates import Candidate, Candidates, find_candidates
from recanal.calcium.chest import GRID_MM, Chest
from recanal.calcium.doubts import name_flags, noise_flags, unsure, unsure_flags
from recanal.calcium.great_vessels import Chain, GreatVessels
from recanal.calcium.judgement import Judged, judge
from recanal.calcium.noise import noise_hu, spread_hu
from recanal.calcium.score import _away_flags, _named, score_labels
from recanal.calcium.stack import SliceStack
from recanal.calcium.territory import by_lines, by_position, division_of, parts_by_lines
from recanal.core.calcium import CalciumLesion
from recanal.core.volume import Affine
from recanal.errors import InputError

STEP_MM = 0.35
SIZE = (5, 220, 220)


def smooth_noise(sd_hu, smooth_mm, seed=0):
    """Noise of a known standard deviation whose neighbours agree over some millimetres."""
    white = np.random.default_rng(seed).normal(0, 1, SIZE)
    noise = ndimage.gaussian_filter(white, [0, *[smooth_mm / STEP_MM] * 2], mode="wrap") if smooth_mm else white
    return noise * (sd_hu / noise.std())


def picture(hu):
    """A stack and a chest all of soft tissue and fat, its heart in the middle."""
    matrix = np.zeros((4, 4))
    matrix[2, 0], matrix[1, 1], matrix[0, 2], matrix[3, 3] = 3.0, STEP_MM, STEP_MM, 1.0
    stack = SliceStack(np.rint(hu).astype(np.int16), Affine(matrix), 3.0)
    coarse = np.zeros((4, 4))
    coarse[2, 0] = coarse[1, 1] = coarse[0, 2] = GRID_MM
    coarse[3, 3] = 1.0
    cells = (7, 39, 39)
    yes, no = np.ones(cells, np.bool_), np.zeros(cells, np.bool_)
    flat = np.full(cells, 44, np.float32)
    return stack, Chest(flat, Affine(coarse), no, yes, yes, np.array([38.5, 38.5, 6.0]), 30.0)


@pytest.mark.parametrize("smooth_mm", [0.0, 0.6, 1.2])
@pytest.mark.parametrize("sd_hu", [10.0, 25.0])
def test_the_noise_is_measured_however_smooth_it_is(sd_hu, smooth_mm):
    cupping = np.add.outer(np.zeros(SIZE[0]), np.add.outer(np.arange(SIZE[1]), np.arange(SIZE[2]))) * 0.1
    hu = 44 + cupping + smooth_noise(sd_hu, smooth_mm)
    hu[:, 100:106, 100:106] = 600
    assert noise_hu(*picture(hu)) == pytest.approx(sd_hu, rel=0.12)


def test_noise_is_not_known_without_soft_tissue():
    stack, chest = picture(np.full(SIZE, 44.0))
    chest.soft[:] = False
    assert noise_hu(stack, chest) is None
    assert "could not be measured" in noise_flags(None)[0]


def test_a_window_is_freed_of_a_slope_but_not_of_its_noise():
    noise = np.random.default_rng(2).normal(0, 7, (60, 60))
    assert spread_hu(noise + np.arange(60) * 5.0) == pytest.approx(noise.std(), rel=0.05)


def places(hu):
    stack, chest = picture(hu)
    measured = noise_hu(stack, chest)
    judged = judge(find_candidates(stack, chest), chest, GreatVessels(None, None), noise_hu=measured)
    return [(item.place, item.candidate.centre_mm) for item in judged]


def test_specks_of_smooth_noise_are_noise():
    found = places(44 + smooth_noise(30.0, 0.9))
    assert len(found) > 5
    assert {place for place, _ in found} == {"noise"}


def test_a_true_spot_of_one_square_millimetre_stays():
    hu = 44 + smooth_noise(15.0, 0.9)
    hu[2, 60:63, 60:63] = 135  # 9 pixels of 0.1225 mm2
    coronary = [centre for place, centre in places(hu) if place == "coronary"]
    assert len(coronary) == 1
    assert np.allclose(coronary[0], [61 * STEP_MM, 61 * STEP_MM, 6.0], atol=1.0)


def test_a_noisy_series_says_what_it_cannot_show():
    assert noise_flags(18.0) == ()
    (flag,) = noise_flags(30.0)
    assert "noise of 30 HU" in flag
    assert "about 180 HU" in flag  # 45 HU of blood and 4.5 times 30


def candidate(centre, number=1):
    where = np.asarray(centre, float)
    spot = Candidate(
        number, np.array([[number, 0, 0]]), where[None], where, 8.0, 3.0, 300.0, 200.0, 44.0, 0.5, 0.0, 50.0
    )
    return Judged(spot, "coronary", "", 1.0)


LINES = {
    "LM": np.stack([np.linspace(0, 10, 21), np.zeros(21), np.zeros(21)], axis=1),
    "LAD": np.stack([np.linspace(11, 40, 59), np.linspace(-1, -30, 59), np.zeros(59)], axis=1),
    "LCX": np.stack([np.linspace(11, 40, 59), np.linspace(1, 30, 59), np.zeros(59)], axis=1),
}


def test_what_is_far_from_every_named_artery_is_not_coronary():
    judged = (candidate((30, -20, 5.9)), candidate((30, -20, 6.1), 2), candidate((-40, 0, 0), 3))
    kept, away = _named(judged, np.zeros(3), LINES)
    assert [named.artery for _, named in kept] == ["LAD"]
    assert [item.place for item in away] == ["away from the arteries"] * 2
    assert away[0].why == "6.1 mm from the nearest named artery"
    told = _away_flags(away, LINES)
    assert told[0].startswith("2 group(s), 16 mm3, not counted: farther than 6 mm")
    assert told[1] == "no RCA in the contrast series: calcium there is not counted"


def test_calcium_that_runs_from_the_left_main_into_a_branch_is_divided_between_slices():
    x = np.arange(3.0, 21.0, 1.0)
    points = np.stack([x, -np.maximum(x - 10.0, 0.0), np.zeros(18)], axis=1)
    slices = np.repeat(np.arange(6), 3)  # the last of the left main is in slice 2, at 9 to 11 mm
    parts = {named.artery: mine for mine, named in parts_by_lines(points, slices, LINES)}
    assert set(parts) == {"LM", "LAD"}
    assert (parts["LM"] ^ parts["LAD"]).all()
    assert np.array_equal(np.unique(slices[parts["LM"]]), [0, 1, 2])
    assert parts_by_lines(points + np.array([0.0, 0.0, 7.0]), slices, LINES) == []


def test_a_slice_without_an_artery_goes_with_the_others_of_its_group():
    points = np.array([[4.0, 0, 0], [4.0, 0, 3], [4.0, 0, 6.5]])
    ((mine, named),) = parts_by_lines(points, np.arange(3), LINES)
    assert mine.all()
    assert named.artery == "LM"


AORTA = Chain(np.array([[0.0, 0.0, z] for z in range(14, 60, 2)]), np.full(23, 15.0))


def placed(points, *, fat_share=0.5):
    """What a group of voxels is taken for, beside an upright aorta of 15 mm radius whose root is at the origin."""
    points = np.asarray(points, float)
    index = np.zeros(points.shape, dtype=np.intp)
    spot = Candidate(1, index, points, points.mean(axis=0), 8.0, 3.0, 300.0, 200.0, 44.0, fat_share, 0.0, 50.0)
    _, chest = picture(np.full((5, 120, 120), 44.0))
    found = Candidates(np.zeros((1, 1, 1), np.int32), (spot,), 0.0)
    still = replace(chest, heart_mm=np.zeros(3))
    (judged,) = judge(found, still, GreatVessels(AORTA, None), noise_hu=10.0)
    return judged.place


def radial(*distances, height):
    return [[distance, 0.0, height] for distance in distances]


def test_beside_the_ostia_the_aorta_owns_what_reaches_its_wall():
    assert placed(radial(16.0, 16.5, 17.0, height=18)) == "coronary"
    assert placed(radial(15.2, 16.5, 17.8, height=18)) == "aorta"


def test_above_the_ostia_the_aorta_owns_what_lies_beside_it():
    assert placed(radial(16.0, 16.5, 17.0, height=30)) == "aorta"
    assert placed(radial(18.0, 18.5, 19.0, height=30)) == "coronary"


def test_where_the_mitral_annulus_is_expected_calcium_needs_more_fat_around_it():
    assert placed([[11.0, 24.0, -20.0]], fat_share=0.25) == "valve or muscle"
    assert placed([[11.0, 24.0, -20.0]], fat_share=0.35) == "coronary"
    assert placed([[-28.0, -9.0, -39.0]], fat_share=0.25) == "coronary"
    assert placed([[-28.0, -9.0, -39.0]], fat_share=0.18) == "valve or muscle"


def test_without_named_arteries_nothing_is_away():
    kept, away = _named((candidate((30, -20, 30)),), np.zeros(3), {})
    assert len(kept) == 1
    assert away == []
    assert _away_flags([], {}) == []


@pytest.mark.parametrize(
    ("point", "at_division"),
    [
        ((10, 0, 0), True),
        ((5.5, 0, 0), True),  # 4.5 mm before the division
        ((4, 0, 0), False),
        ((12, -2, 0), True),
        ((17, -7, 0), False),
        ((14, 0, 0), True),
        ((15.5, 0, 0), True),  # as near to the LAD as to the LCX
    ],
)
def test_a_lesion_at_the_division_is_told(point, at_division):
    assert np.allclose(division_of(LINES), [10, 0, 0])
    assert by_lines(np.array(point, float), LINES).at_division == at_division


def test_two_arteries_as_near_far_from_the_division_are_named():
    apart = {"LAD": np.array([[60.0, 3, 0], [11, 1, 0]]), "LCX": np.array([[60.0, -3.4, 0], [11, -1, 0]])}
    named = by_lines(np.array([60.0, 0, 0]), apart)
    assert named.rivals == ("LAD", "LCX")
    assert not named.at_division
    assert division_of({"LAD": apart["LAD"]}) is None
    assert np.allclose(division_of(apart), [11, 0, 0])


def test_by_position_the_left_main_ends_near_24_mm_from_the_root():
    towards = np.array([12.0, 6.0, 12.0]) / np.linalg.norm([12.0, 6.0, 12.0])
    assert by_position(22 * towards, np.zeros(3)).artery == "LM"
    assert by_position(22 * towards, np.zeros(3)).at_division
    assert by_position(27 * towards, np.zeros(3)).at_division
    assert not by_position(12 * towards, np.zeros(3)).at_division
    assert not by_position(np.array([50.0, -60.0, -25.0]), np.zeros(3)).at_division


def lesion(name, agatston, confidence, centre=(0.0, 0.0, 0.0)):
    return CalciumLesion(name, "LAD", agatston, 5.0, None, 300.0, 200.0, centre, (), confidence)


def test_what_hangs_on_unsure_lesions_is_told():
    lesions = (lesion("C1", 75.0, 0.9), lesion("C2", 20.0, 0.55), lesion("C3", 5.0, 0.5), lesion("C4", 100.0, 0.6))
    assert [item.id for item in unsure(lesions)] == ["C2", "C3"]
    assert unsure_flags(lesions) == (
        "2 lesion(s) with a confidence below 0.6 hold 25.0 of 200.0 of the score (12 %): C2, C3",
    )
    assert unsure_flags((lesion("C1", 10.0, None),)) == ()


def test_an_open_name_is_told_of_the_lesion_it_belongs_to():
    points = [np.array([10.0, 0, 0]), np.array([30.0, -20, 0])]
    named = [(point, by_lines(point, LINES)) for point in points]
    told = name_flags((lesion("C1", 1.0, 0.9, (30.0, -20.0, 0.0)), lesion("C2", 1.0, 0.6, (10.0, 0.0, 0.0))), named)
    assert told == ("C2 lies at the division of the left main: LM, LAD or LCX",)


def test_a_mask_that_marks_nothing_is_refused_and_one_that_holds_nothing_scores_nought():
    hu, labels = np.full((3, 8, 8), 129, np.int16), np.zeros((3, 8, 8), np.uint8)
    stack = SliceStack(hu, Affine.from_spacing((3.0, 0.5, 0.5)), 3.0)
    with pytest.raises(InputError, match="The mask marks no voxel"):
        score_labels(stack, labels)
    labels[1, 2:6, 2:6] = 2
    hu[2] = 400  # outside the mask
    scored = score_labels(stack, labels)
    assert scored.lesions == ()
    assert scored.flags == ("nothing in the marked regions reaches 130 HU",)
    hu[1, 3, 3] = 130
    assert "smaller than 1 mm2" in score_labels(stack, labels).flags[0]
    hu[1, 3:5, 3:5] = 130
    assert score_labels(stack, labels).flags == ()
    assert len(lesions_of(stack, labels)) == 1


def test_a_mask_of_the_body_is_refused():
    matrix = np.diag([3.0, 2.0, 2.0, 1.0])
    stack = SliceStack(np.zeros((60, 100, 100), np.int16), Affine(matrix), 3.0)
    labels = np.zeros(stack.hu.shape, np.uint8)
    labels[:, :40, :50] = 2  # 1,440 mL
    assert score_labels(stack, labels).lesions == ()
    labels[:, :45, :50] = 2
    with pytest.raises(InputError, match=r"marks 1620 mL; a whole heart holds less than 1500 mL.* inverted"):
        score_labels(stack, labels)


@pytest.mark.parametrize(("rows", "told"), [(30, 0), (40, 1)])
def test_a_lesion_larger_than_an_artery_is_told(rows, told):
    matrix = np.diag([3.0, 1.0, 1.0, 1.0])
    stack = SliceStack(np.zeros((5, 60, 60), np.int16), Affine(matrix), 3.0)
    stack.hu[1:4, :rows, :6] = 500  # 54 mm3 a row
    scored = score_labels(stack, np.ones(stack.hu.shape, np.uint8))
    assert len(scored.flags) == told
    if told:
        assert "holds 2160 mm3, more than an artery can: does the mask mark bone" in scored.flags[0]
