"""Agreement of repeated measurements, against published numbers."""

import numpy as np
import pytest
from evidence.agreement import bland_altman, icc_2_1, wilson

from recanal.errors import InputError

# Shrout PE, Fleiss JL. Psychol Bull 1979;86:420, table 2: six targets, four judges
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_icc_of_shrout_and_fleiss():
    found = icc_2_1(SHROUT_FLEISS)
    assert found.icc == pytest.approx(0.29, abs=0.005)
    assert (found.subjects, found.ratings) == (6, 4)


def test_interval_of_mcgraw_and_wong():
    # 0.019 to 0.761 is what other implementations give for this table
    found = icc_2_1(SHROUT_FLEISS)
    assert (found.low, found.high) == pytest.approx((0.019, 0.761), abs=0.001)


def test_icc_asks_for_absolute_agreement():
    true = np.array([1.0, 4.0, 9.0, 16.0])
    assert icc_2_1(np.stack([true, true], axis=1)).icc == 1.0
    assert icc_2_1(np.stack([true, true + 5.0], axis=1)).icc < 0.85


def test_within_case_spread():
    assert icc_2_1([[1.0, 3.0], [11.0, 13.0], [20.0, 22.0]]).within_sd == pytest.approx(np.sqrt(2.0))


@pytest.mark.parametrize("table", [[[1.0, 2.0]], [[1.0], [2.0]], [[1.0, np.nan], [2.0, 3.0]]])
def test_a_table_that_cannot_be_used_is_refused(table):
    with pytest.raises(InputError, match="agreement table"):
        icc_2_1(table)


def test_limits_of_agreement():
    limits = bland_altman([-1.0, 0.0, 1.0, 2.0])
    assert limits.bias == pytest.approx(0.5)
    assert limits.high - limits.low == pytest.approx(2 * 1.96 * np.std([-1, 0, 1, 2], ddof=1))


def test_interval_of_a_share():
    # Newcombe RG. Stat Med 1998;17:857, table I: 81 of 263 and 15 of 148
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
