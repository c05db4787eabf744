"""The measures of the Rotterdam framework on curves whose answer is known."""

import numpy as np
import pytest
from evidence.tree import Reference, overlap, selected

LINE = np.stack([np.arange(0, 100.01, 0.5), np.zeros(201), np.zeros(201)], axis=1)


def reference(radius=1.0):
    return Reference("RCA", LINE, np.full(len(LINE), float(radius)))


def test_the_same_curve_is_perfect():
    found = overlap(reference(), LINE)
    assert (found.overlap_share, found.first_error_share, found.relevant_share) == (1.0, 1.0, 1.0)
    assert found.inside_mm == pytest.approx(0.0, abs=1e-9)


def test_a_curve_beside_it_is_as_far_as_it_is():
    found = overlap(reference(), LINE + np.array([0.0, 0.3, 0.0]))
    assert found.overlap_share == 1.0
    assert found.inside_mm == pytest.approx(0.3, abs=0.02)
    assert overlap(reference(), LINE + np.array([0.0, 1.5, 0.0])).overlap_share == 0.0


def test_half_a_vessel_is_two_thirds_overlap():
    found = overlap(reference(), LINE[:101])  # 50 of 50 mm right, 50 of 100 mm covered
    assert found.overlap_share == pytest.approx((50 + 50) / (50 + 100), abs=0.02)
    assert found.first_error_share == pytest.approx(0.5, abs=0.02)


def test_a_detour_counts_on_both_curves():
    off = LINE.copy()
    off[120:160, 1] = 6.0  # 20 mm beside the vessel, with 6 mm there and back
    found = overlap(reference(), off)
    assert 0.68 < found.overlap_share < 0.86
    assert found.first_error_share == pytest.approx(0.6, abs=0.03)


def test_errors_in_the_first_5_mm_do_not_end_the_first_stretch():
    off = LINE[8:]
    assert overlap(reference(), off).first_error_share == 1.0


def test_what_lies_beyond_the_end_is_not_judged():
    longer = np.concatenate([LINE, LINE[1:41] + np.array([100.0, 0.0, 0.0])])
    assert overlap(reference(), longer).overlap_share == pytest.approx(1.0, abs=0.01)


def test_only_the_wide_part_is_relevant():
    radius = np.where(LINE[:, 0] < 60, 1.0, 0.6)
    thin = Reference("d1", LINE, radius)
    found = overlap(thin, LINE[:121])
    assert found.relevant_share == pytest.approx(1.0, abs=0.01)
    assert found.overlap_share < 0.8
    assert overlap(Reference("d1", LINE, np.full(len(LINE), 0.6)), LINE).relevant_share is None


def test_nothing_found_is_nothing():
    found = overlap(reference(), np.empty((0, 3)))
    assert (found.overlap_share, found.first_error_share, found.relevant_share) == (0.0, 0.0, 0.0)
    assert found.inside_mm is None


def test_the_path_through_the_vessel_is_selected():
    other = LINE + np.array([0.0, 8.0, 0.0])
    short = LINE[:120]
    assert selected(reference(), [other, short, LINE]) is not None
    assert np.array_equal(selected(reference(), [other, short, LINE]), LINE)
    assert selected(reference(), []).shape == (0, 3)
