"""Columns of text that a study reads as numbers."""

import polars as pl
import pytest

from recanal.errors import StudyError
from recanal.protocol.columns import typed_column
from recanal.protocol.plan import VariablePlan


def _typed(cells, kind, *, decimal=".", missing=()):
    raw = pl.Series("value", cells, dtype=pl.String)
    return typed_column(raw, VariablePlan("value", kind, "", {}, "", "plan"), decimal=decimal, missing=missing).tolist()


def test_truths_may_be_written_as_numbers():
    assert _typed(["0.0", "1.0", "1"], "binary") == [0.0, 1.0, 1.0]
    with pytest.raises(StudyError, match="row 3: got 2"):
        _typed(["0", "2"], "binary")


def test_a_cell_that_is_no_number_is_refused_by_its_row():
    assert _typed(["1.5", " 2 ", None, "1e3"], "continuous")[:2] == [1.5, 2.0]
    with pytest.raises(StudyError, match="row 3: got 'abc'"):
        _typed(["1", "abc"], "continuous")
    with pytest.raises(StudyError, match="inf"):
        _typed(["1", "inf"], "continuous")


def test_words_for_missing_and_decimal_commas_still_count():
    assert _typed(["999", "1"], "continuous", missing=("999",))[1] == 1.0
    assert _typed(["999", "1"], "continuous", missing=("999",))[0] != 999
    assert _typed(["1,5", "2"], "continuous", decimal=",") == [1.5, 2.0]
