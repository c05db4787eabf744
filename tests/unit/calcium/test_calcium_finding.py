"""Finding calcium without a reader, on a chest drawn with a few solids."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from recanal.calcium.candidates import find_candidates
from recanal.calcium.chest import look_at_chest
from recanal.calcium.great_vessels import find_great_vessels
from recanal.calcium.judgement import judge
from recanal.calcium.registration import register
from recanal.calcium.score import Contrast, find_calcium
from recanal.calcium.stack import SliceStack
from recanal.calcium.territory import by_lines, by_position
from recanal.core.volume import Affine
from recanal.errors import InputError

SPACING = (3.0, 0.9, 0.9)
ROOT = np.array([-4.0, -4.0, 18.0])
# name: (position, place it must be taken for)
DEPOSITS = {
    "lad": ((24.0, -44.0, 8.0), "coronary"),
    "rca": ((-50.0, -20.0, -8.0), "coronary"),
    "lcx": ((44.0, 26.0, 2.0), "coronary"),
    "ascending": ((-4.0, -18.5, 44.0), "aorta"),
    "descending": ((20.0, 45.5, 20.0), "aorta"),
    "valve": ((2.0, 0.0, 6.0), "valve or muscle"),
    "muscle": ((4.0, 4.0, -16.0), "valve or muscle"),
}


STILL = (np.eye(3), np.zeros(3))


def chest_picture(*, contrast=False, move=STILL, noise_hu=12.0, deposits=DEPOSITS):
    """Lungs, a heart in fat, both aortas, a spine, and spots of calcium; patient coordinates are (x, y, z) LPS."""
    axes = [np.arange(n) * s for n, s in zip((46, 200, 220), SPACING, strict=True)]
    origin = np.array([-99.0, -95.0, -70.0])
    z, y, x = np.meshgrid(axes[0] + origin[2], axes[1] + origin[1], axes[2] + origin[0], indexing="ij")
    seen = np.stack([x, y, z], axis=-1)
    x, y, z = np.moveaxis((seen - move[1]) @ move[0], -1, 0)  # where the anatomy of each voxel is
    hu = np.full(x.shape, -850.0, dtype=np.float32)
    hu[(np.abs(x) < 26) & (y < 70)] = -95
    heart = ((x / 46) ** 2 + (y / 36) ** 2 + ((z + 12) / 36) ** 2) ** 0.5
    hu[heart < 1.28] = -95
    blood = 350.0 if contrast else 44.0
    hu[heart < 1.0] = blood
    hu[(np.hypot(x + 4, y + 4) < 15) & (z > 10)] = blood
    hu[(np.hypot(x - 20, y - 58) < 12)] = blood
    hu[(np.abs(x + 8) < 20) & (np.abs(y - 86) < 16)] = 300
    hu[(np.hypot(x / 95, y / 92) > 1)] = 40
    hu = ndimage.gaussian_filter(hu, (0.4, 0.7, 0.7))
    for where, _ in deposits.values():
        gap = np.sqrt(((np.stack([x, y, z], axis=-1) - where) ** 2).sum(axis=-1))
        hu += np.where(gap < 6, 500 * np.exp(-0.5 * (gap / 1.6) ** 2), 0).astype(np.float32)
    hu += np.random.default_rng(3).normal(0, noise_hu, hu.shape).astype(np.float32)
    matrix = np.zeros((4, 4))
    matrix[2, 0], matrix[1, 1], matrix[0, 2] = SPACING
    matrix[:3, 3], matrix[3, 3] = origin, 1.0
    return SliceStack(np.rint(hu).astype(np.int16), Affine(matrix), 3.0)


@pytest.fixture(scope="module")
def plain():
    return chest_picture()


@pytest.fixture(scope="module")
def chest(plain):
    return look_at_chest(plain)


def test_the_heart_and_both_aortas_are_found(chest):
    assert np.linalg.norm(chest.heart_mm - [0, 0, -12]) < 25
    great = find_great_vessels(chest)
    assert great.ascending.radius_mm.mean() == pytest.approx(15, abs=2.5)
    assert np.abs(great.ascending.centre_mm[:, :2].mean(axis=0) - [-4, -4]).max() < 2
    assert great.descending.radius_mm.mean() == pytest.approx(12, abs=2.5)
    assert np.abs(great.descending.centre_mm[:, :2].mean(axis=0) - [20, 58]).max() < 2
    assert great.root_mm[2] < great.ascending.centre_mm[0, 2]


def test_every_deposit_is_taken_for_what_it_is(plain, chest):
    judged = judge(find_candidates(plain, chest), chest, find_great_vessels(chest), noise_hu=12.0)
    for name, (where, place) in DEPOSITS.items():
        gaps = [np.linalg.norm(j.candidate.centre_mm - where) for j in judged]
        nearest = judged[int(np.argmin(gaps))]
        assert min(gaps) < 2.5, name
        assert nearest.place == place, (name, nearest.place, nearest.why)
        assert (nearest.why == "") == (place == "coronary")
    coronary = [j for j in judged if j.place == "coronary"]
    assert len(coronary) == 3
    assert all(0.5 <= j.confidence <= 1 for j in coronary)


def test_the_score_names_the_arteries_and_lists_what_was_left_out(plain):
    scored = find_calcium(plain)
    assert sorted(x.artery for x in scored.lesions) == ["LAD", "LCX", "RCA"]
    assert {x.place for x in scored.excluded} == {"aorta", "valve or muscle"}
    assert len(scored.excluded) == 4
    assert scored.artery_rule.startswith("position")
    assert set(np.unique(scored.labels)) == {0, 2, 3, 4}


def test_noise_alone_scores_nought():
    scored = find_calcium(chest_picture(noise_hu=35.0, deposits={}))
    assert scored.lesions == ()


def test_a_series_with_contrast_is_refused():
    with pytest.raises(InputError, match="shows contrast"):
        find_calcium(chest_picture(contrast=True))


@pytest.mark.parametrize(("shift", "turn_deg"), [((0, 0, 0), 0), ((5, -4, 8), 0), ((-6, 3, -9), 5)])
def test_the_contrast_series_is_laid_over_the_plain_one(chest, shift, turn_deg):
    rotation = Rotation.from_rotvec([0, 0, np.deg2rad(turn_deg)]).as_matrix()
    moved = look_at_chest(chest_picture(contrast=True, move=(rotation, np.array(shift, float)), noise_hu=20.0))
    found = register(chest, moved)
    points = np.random.default_rng(1).normal(0, 25, (100, 3))
    assert np.linalg.norm(found.forward(points) - (points @ rotation.T + shift), axis=1).max() < 1.5
    assert np.allclose(found.backward(found.forward(points)), points)
    assert found.turn_deg == pytest.approx(turn_deg, abs=0.7)
    assert found.trusted


def test_named_lines_of_the_contrast_series_decide(plain):
    rotation, shift = np.eye(3), np.array([3.0, -2.0, 6.0])
    contrast = chest_picture(contrast=True, move=(rotation, shift))
    lines = {
        name: np.array(DEPOSITS[key][0]) + np.linspace(-10, 10, 21)[:, None] * [0, 0, 1] + shift
        for name, key in (("LCX", "lad"), ("RCA", "rca"), ("LM", "lcx"))
    }
    scored = find_calcium(plain, contrast=Contrast(contrast, lines))
    assert sorted(x.artery for x in scored.lesions) == ["LCX", "LM", "RCA"]
    assert scored.artery_rule == "the named arteries of the contrast series"
    assert scored.registration.trusted
    bare = find_calcium(plain, contrast=Contrast(contrast))
    assert any("no named arteries" in flag for flag in bare.flags)


def test_a_series_of_something_else_is_not_matched(plain):
    other = SliceStack(np.ascontiguousarray(np.roll(plain.hu, (20, 90, 90), axis=(0, 1, 2))), plain.affine, 3.0)
    scored = find_calcium(plain, contrast=Contrast(other, {"RCA": np.zeros((2, 3))}))
    assert any("not matched" in flag for flag in scored.flags)
    assert scored.artery_rule.startswith("position")


@pytest.mark.parametrize(
    ("offset", "artery"),
    [
        ((-20, -40, 5), "RCA"),
        ((-42, -10, -30), "RCA"),
        ((-20, 25, -55), "RCA"),
        ((28, -35, 10), "LAD"),
        ((50, -60, -25), "LAD"),
        ((38, 20, 0), "LCX"),
        ((30, 45, -30), "LCX"),
        ((12, 6, 12), "LM"),
    ],
)
def test_position_names_the_artery(offset, artery):
    named = by_position(ROOT + np.array(offset, float), ROOT)
    assert named.artery == artery
    assert 0.5 <= named.confidence <= 1


def test_a_point_far_from_all_lines_has_no_name():
    lines = {"RCA": np.zeros((2, 3)), "LAD": np.array([[8.0, 0, 0], [9.0, 0, 0]])}
    assert by_lines(np.array([0.0, 30.0, 0.0]), lines) is None
    near = by_lines(np.array([1.0, 0.0, 0.0]), lines)
    assert (near.artery, near.confidence, near.distance_mm) == ("RCA", 1.0, 1.0)
    assert by_lines(np.array([4.0, 0.0, 0.0]), lines).confidence == 0.5


def test_a_contrast_series_that_does_not_match_is_said_and_lowers_every_confidence(plain):
    noise = np.random.default_rng(5).normal(-100, 300, plain.hu.shape)
    stranger = SliceStack(np.rint(np.clip(noise, -1000, 1000)).astype(np.int16), plain.affine, 3.0)
    lines = {"LAD": np.zeros((2, 3))}
    scored = find_calcium(plain, contrast=Contrast(stranger, lines))
    assert not scored.registration.trusted
    assert any(flag.startswith("contrast series not matched (correlation") for flag in scored.flags)
    assert len(scored.lesions) == 3
    assert {lesion.confidence for lesion in scored.lesions} == {0.5}
    assert any(flag.startswith("3 lesion(s) with a confidence below 0.6 hold") for flag in scored.flags)


def test_arteries_that_do_not_fit_the_calcium_are_said(plain):
    lines = {"RCA": np.array(DEPOSITS["rca"][0]) + np.linspace(-10, 10, 21)[:, None] * [0, 0, 1]}
    scored = find_calcium(plain, contrast=Contrast(chest_picture(contrast=True), lines))
    assert [lesion.artery for lesion in scored.lesions] == ["RCA"]
    assert scored.lesions[0].confidence == 0.5
    assert any(flag.startswith("most calcium lies away from the arteries of the contrast") for flag in scored.flags)
