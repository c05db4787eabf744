"""Columns and designs: what enters, what it is called, and what is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recanal.errors import OptionError, StatsError
from recanal.fitting.columns import cluster_codes, event_column, number_column, same_length
from recanal.fitting.design import design_matrix, spline_columns, spline_knots, without_intercept


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "length_mm": [12.0, 31.0, 22.0, 40.0, 18.0],
            "calcified": [True, True, True, False, False],
            "vessel": pd.Categorical(["RCA", "LAD", "LCX", "RCA", "LAD"], categories=["RCA", "LAD", "LCX", "LM"]),
            "site": ["b", "a", "b", "a", "a"],
        }
    )


def test_columns_enter_by_type(table):
    design = design_matrix(table, ["length_mm", "calcified", "vessel"])
    assert design.names == ("(intercept)", "length_mm", "calcified", "vessel=LAD", "vessel=LCX")
    assert design.terms == {"length_mm": (1,), "calcified": (2,), "vessel": (3, 4)}
    assert design.references == {"vessel": "RCA"}
    assert design.matrix[:, 2].tolist() == [1, 1, 1, 0, 0]
    assert not design.matrix.flags.writeable


def test_a_reference_can_be_chosen(table):
    design = design_matrix(table, ["site"], references={"site": "b"})
    assert design.names == ("(intercept)", "site=a")
    with pytest.raises(OptionError, match="no level 'c'"):
        design_matrix(table, ["site"], references={"site": "c"})


def test_without_intercept_moves_the_terms(table):
    design = without_intercept(design_matrix(table, ["length_mm", "vessel"]))
    assert design.names == ("length_mm", "vessel=LAD", "vessel=LCX")
    assert design.terms["vessel"] == (1, 2)
    assert without_intercept(design) is design


def test_spline_is_linear_outside_and_cubic_inside():
    knots = (10.0, 20.0, 40.0)
    outside = spline_columns(np.array([-30.0, -10.0, 10.0, 40.0, 60.0, 80.0]), knots)
    assert np.allclose(outside[:3, 1], 0.0)
    assert outside[5, 1] - outside[4, 1] == pytest.approx(outside[4, 1] - outside[3, 1])
    inside = spline_columns(np.array([15.0]), knots)[0, 1]
    assert inside == pytest.approx(5.0**3 / 30.0**2)  # one truncated cube over the outer distance squared


def test_spline_enters_a_design(table):
    knots = spline_knots(table["length_mm"], count=3)
    design = design_matrix(table, ["length_mm"], splines={"length_mm": knots})
    assert design.names == ("(intercept)", "length_mm", "length_mm'")
    with pytest.raises(StatsError, match="too few distinct values"):
        spline_knots([1.0, 1.0, 1.0, 2.0], name="grade")
    with pytest.raises(OptionError, match="3, 4 or 5 knots"):
        spline_knots([1.0, 2.0], count=2)
    with pytest.raises(OptionError, match="rising knots"):
        spline_columns(np.array([1.0]), (3.0, 2.0, 1.0))


def test_what_cannot_enter_is_named(table):
    with pytest.raises(StatsError, match="no column 'hdl_mg_dl'"):
        design_matrix(table, ["hdl_mg_dl"])
    with pytest.raises(OptionError, match="named twice"):
        design_matrix(table, ["site", "site"])
    broken = table.assign(length_mm=[1.0, np.nan, 2.0, 3.0, 4.0], same=1.0, twice=table["length_mm"] * 2, one="x")
    with pytest.raises(StatsError, match=r"'length_mm' has 1 missing values in 5 rows"):
        design_matrix(broken, ["length_mm"])
    for name in ("same", "one"):
        with pytest.raises(StatsError, match=f"'{name}' is constant"):
            design_matrix(broken, [name])
    with pytest.raises(StatsError, match="'twice' is given by the columns before it"):
        design_matrix(table.assign(twice=table["length_mm"] * 2 + 1), ["length_mm", "twice"])
    with pytest.raises(StatsError, match="5 columns for 4 rows"):
        design_matrix(table.iloc[:4], ["length_mm", "calcified", "vessel"])


def test_missing_values_of_pandas_are_missing():
    with pytest.raises(StatsError, match="'x' has 1 missing or infinite values in 3 rows"):
        number_column(pd.Series([1, None, 3], dtype="Int64"), "x")
    with pytest.raises(StatsError, match="without a cluster"):
        cluster_codes(pd.Series([1, None, 3], dtype="Int64"), "patient", rows=3)
    assert number_column(pd.Series([True, False], dtype="boolean"), "x").tolist() == [1.0, 0.0]


def test_columns_are_checked():
    with pytest.raises(StatsError, match="must hold numbers"):
        number_column(["a"], "x")
    with pytest.raises(StatsError, match="one number per row"):
        number_column([[1.0]], "x")
    with pytest.raises(StatsError, match="0 and 1 alone"):
        event_column([0, 2], "success")
    with pytest.raises(StatsError, match="0 events in 2 rows"):
        event_column([0, 0], "success")
    with pytest.raises(StatsError, match="one length"):
        same_length({"a": [1], "b": [1, 2]})
    with pytest.raises(StatsError, match="one cluster alone"):
        cluster_codes(["p1", "p1"], "patient", rows=2)
    with pytest.raises(StatsError, match="without a cluster"):
        cluster_codes(["p1", None], "patient", rows=2)
    with pytest.raises(StatsError, match="has 1 rows, the table has 2"):
        cluster_codes(["p1"], "patient", rows=2)
