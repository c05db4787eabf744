"""Thin vessels between an open artery and the one beyond an occlusion, on pictures drawn here."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from recanal.collaterals import Bed, find_connections
from recanal.core.volume import Affine, Volume

STEP_MM = 0.4
SHAPE = (90, 150, 90)
BLOOD_HU = 380.0
MIDDLE = np.array([18.0, 30.0, 18.0])


def straight(y_mm):
    """The axis of an artery along the first axis of the grid."""
    return np.stack([np.arange(3.0, 33.0, 0.4), np.full(75, y_mm), np.full(75, 18.0)], axis=1)


def winding(first=12.0, last=48.0):
    y = np.arange(first, last, 0.1)
    return np.stack([18 + 2.0 * np.sin(y / 4.0), y, np.full(len(y), 18.0)], axis=1)


def painted(tubes, *, ground_hu=-90.0, noise_hu=12.0):
    """Tubes of (axis, radius, HU) in an even ground, blurred by 0.45 mm, with noise."""
    grid = np.stack(np.meshgrid(*(np.arange(n) * STEP_MM for n in SHAPE), indexing="ij"), axis=-1)
    fine = np.full(SHAPE, ground_hu)
    for axis, radius, hu in tubes:
        gap = cKDTree(axis).query(grid.reshape(-1, 3), distance_upper_bound=radius + 2.0)[0].reshape(SHAPE)
        fine += (hu - fine) * np.clip(0.5 + (radius - gap) / STEP_MM, 0, 1)
    picture = gaussian_filter(fine, 0.45 / STEP_MM)
    picture += gaussian_filter(np.random.default_rng(4).normal(size=SHAPE), 0.7) * noise_hu / 0.24
    return Volume(picture.astype(np.int16), Affine.from_spacing((STEP_MM,) * 3, (0.0, 0.0, 0.0)), {})


ARTERIES = [(straight(12.0), 1.5, 350.0), (straight(48.0), 1.4, 300.0)]


NOTHING = np.zeros((0, 3))


def found_on(volume, *, shut=NOTHING):
    recipient = Bed("RCA", straight(48.0), np.full(75, 1.4))
    donor = Bed("LAD", straight(12.0), np.full(75, 1.5))
    tree = np.concatenate([recipient.points_mm, donor.points_mm])
    return find_connections(volume, recipient, [donor], tree_mm=tree, shut_mm=shut, blood_hu=BLOOD_HU)


@pytest.mark.parametrize(("ground_hu", "course"), [(-90.0, "epicardial"), (105.0, "septal")])
def test_a_winding_thin_vessel_is_found_with_its_course_calibre_and_length(ground_hu, course):
    axis = winding()
    (one,) = found_on(painted([(axis, 0.65, 310.0), *ARTERIES], ground_hu=ground_hu))
    assert (one.donor, one.course) == ("LAD", course)
    length = np.linalg.norm(np.diff(axis, axis=0), axis=1).sum() - 2.9
    assert one.length_mm == pytest.approx(length, abs=3.0)
    assert one.tortuosity_ratio == pytest.approx(length / 33.0, abs=0.1)
    assert one.diameter_mm == pytest.approx(1.3, abs=0.3)
    assert one.least_contrast_hu > 30
    assert cKDTree(axis).query(np.array(one.points_mm))[0].max() < 1.0
    assert np.array(one.points_mm)[0, 1] < np.array(one.points_mm)[-1, 1]
    assert "not proof of flow" in one.remark


def test_nothing_is_found_where_nothing_runs():
    assert found_on(painted(ARTERIES)) == ()


def test_a_vessel_with_a_gap_is_no_connection():
    parts = [(winding(12.0, 27.0), 0.65, 310.0), (winding(34.0, 48.0), 0.65, 310.0)]
    assert found_on(painted([*parts, *ARTERIES])) == ()


def test_two_tips_with_fat_between_them_are_no_connection():
    parts = [(winding(12.0, 29.0), 0.65, 310.0), (winding(32.0, 48.0), 0.65, 310.0)]
    assert found_on(painted([*parts, *ARTERIES])) == ()


def test_a_vessel_beside_the_occluded_artery_is_its_vein():
    volume = painted([(winding(), 0.65, 310.0), *ARTERIES])
    assert len(found_on(volume)) == 1
    artery = np.stack([np.full(60, 25.0), np.linspace(12.0, 48.0, 60), np.full(60, 18.0)], axis=1)
    assert found_on(volume, shut=artery) == ()
    assert len(found_on(volume, shut=artery + np.array([6.0, 0.0, 0.0]))) == 1


def test_a_wide_and_dim_vessel_is_taken_for_a_vein():
    assert found_on(painted([(winding(), 1.4, 170.0), *ARTERIES])) == ()


def test_what_runs_through_the_occluded_artery_is_no_connection():
    volume = painted([(winding(), 0.65, 310.0), *ARTERIES])
    assert found_on(volume, shut=straight(30.0)) == ()


def test_two_connections_are_both_found_the_clearer_first():
    other = winding() + np.array([9.0, 0.0, 0.0])
    one, two = found_on(painted([(winding(), 0.6, 300.0), (other, 0.8, 330.0), *ARTERIES]))
    assert np.array(one.points_mm)[:, 0].mean() > np.array(two.points_mm)[:, 0].mean() + 5
    assert one.least_contrast_hu > two.least_contrast_hu


def test_a_donor_out_of_reach_gives_nothing():
    far = Bed("LAD", straight(12.0) + 500.0, np.full(75, 1.5))
    near = Bed("RCA", straight(48.0), np.full(75, 1.4))
    volume = painted(ARTERIES)
    assert find_connections(
        volume, near, [far], tree_mm=near.points_mm, shut_mm=NOTHING, blood_hu=BLOOD_HU
    ) == ()  # fmt: skip


def test_without_a_vessel_beyond_there_is_nothing_to_connect():
    nobody = Bed("RCA", NOTHING, np.zeros(0))
    donor = Bed("LAD", straight(12.0), np.full(75, 1.5))
    volume = painted(ARTERIES)
    assert find_connections(
        volume, nobody, [donor], tree_mm=donor.points_mm, shut_mm=NOTHING, blood_hu=BLOOD_HU
    ) == ()  # fmt: skip
