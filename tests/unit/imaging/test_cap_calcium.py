"""A cap under calcium is put inside it, and nothing else is moved."""

import numpy as np
import pytest

from recanal.imaging.cap_calcium import covered_cap_mm

ARC = np.arange(0.0, 40.0, 0.25)


def contrast(until_mm, *, calcium=(0.0, 0.0), dip=(0.0, 0.0)):
    above = np.where(until_mm >= ARC, 100.0, -100.0)
    above = np.where((calcium[0] <= ARC) & (calcium[1] >= ARC), 300.0, above)
    return np.where((dip[0] < ARC) & (dip[1] > ARC), -50.0, above)


def dense(first_mm, last_mm):
    return (first_mm <= ARC) & (last_mm >= ARC)


def test_without_calcium_the_cap_stays():
    assert covered_cap_mm(ARC, contrast(20.0), np.zeros(len(ARC), bool), cap_mm=20.1, inward=1) == 20.1


@pytest.mark.parametrize("cap_mm", [18.0, 21.0])
def test_calcium_at_the_lumen_takes_the_cap_in(cap_mm):
    found = covered_cap_mm(ARC, contrast(18.0, calcium=(18.0, 21.0)), dense(18.0, 21.0), cap_mm=cap_mm, inward=1)
    assert found == pytest.approx(18.0 + 0.4 * 3.0)


def test_the_distal_cap_is_the_mirror_image():
    above, hard = contrast(18.0, calcium=(18.0, 21.0)), dense(18.0, 21.0)
    end = float(ARC[-1])
    found = covered_cap_mm(ARC, above[::-1], hard[::-1], cap_mm=end - 21.0, inward=-1)
    assert found == pytest.approx(end - covered_cap_mm(ARC, above, hard, cap_mm=21.0, inward=1))


def test_long_calcium_takes_it_in_by_two_millimetres_at_most():
    found = covered_cap_mm(ARC, contrast(18.0, calcium=(18.0, 30.0)), dense(18.0, 30.0), cap_mm=18.1, inward=1)
    assert found == pytest.approx(20.0)


def test_calcium_behind_a_dark_gap_or_far_from_the_cap_moves_nothing():
    gap = contrast(18.0, calcium=(18.25, 21.0), dip=(16.9, 18.1))
    assert covered_cap_mm(ARC, gap, dense(18.25, 21.0), cap_mm=18.1, inward=1) == 18.1
    assert covered_cap_mm(ARC, contrast(18.0), dense(24.0, 26.0), cap_mm=18.1, inward=1) == 18.1
    assert covered_cap_mm(ARC, contrast(18.0), dense(10.0, 12.0), cap_mm=18.1, inward=1) == 18.1
