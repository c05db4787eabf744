"""Numbers as printed."""

from __future__ import annotations

import pytest

from recanal.audit.printed import (
    parse_count_cell,
    parse_mean_cell,
    parse_number,
    parse_p,
    parse_span_cell,
)
from recanal.errors import TableError


@pytest.mark.parametrize(
    ("text", "count", "total", "percent"),
    [
        ("30", 30, None, None),
        ("30/131", 30, 131, None),
        ("30 (22.9)", 30, None, "22.9"),
        ("30(22.9%)", 30, None, "22.9"),
        ("30 / 131 (22.9 %)", 30, 131, "22.9"),
        ("22·9%", None, None, "22.9"),
        ("0", 0, None, None),
    ],
)
def test_counts(text, count, total, percent):
    cell = parse_count_cell(text)
    assert (cell.count, cell.total) == (count, total)
    assert (cell.percent.text if cell.percent else None) == percent


@pytest.mark.parametrize("text", ["58.84 ± 11.20", "58.84 +- 11.20", "58.84 +/- 11.20", "58.84 (11.20)", "58.84±11.20"])
def test_means(text):
    cell = parse_mean_cell(text)
    assert (cell.mean.value, cell.sd.value, cell.sd.decimals) == (58.84, 11.2, 2)


@pytest.mark.parametrize(
    "text", ["0.970 (0.950–0.991)", "0.970 [0.950 to 0.991]", "0.970 (0.950, 0.991)", "0.970 (0.950;0.991)"]
)
def test_spans(text):
    cell = parse_span_cell(text)
    assert (cell.centre.value, cell.low.value, cell.high.value) == (0.970, 0.950, 0.991)


def test_a_span_of_negative_numbers():
    cell = parse_span_cell("−1.5 (−3.0 to −0.2)")
    assert (cell.centre.value, cell.low.value, cell.high.value) == (-1.5, -3.0, -0.2)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("0.030", [0.0295, 0.0305], [0.0294, 0.0306]),
        ("<0.001", [0.0, 0.00099], [0.001, 0.5]),
        ("P < .05", [0.0499], [0.05]),
        (">0.05", [0.051], [0.05]),
        ("NS", [0.2], [0.01]),
        ("≤0.01", [0.009], [0.2]),
        ("1.000", [1.0, 0.9996], [0.99]),
    ],
)
def test_p_values_admit_what_rounds_to_them(text, inside, outside):
    p = parse_p(text)
    assert all(p.admits(value) for value in inside)
    assert not any(p.admits(value) for value in outside)


def test_trailing_zeros_count():
    assert parse_number("0.03").agrees(0.0345)
    assert not parse_number("0.030").agrees(0.0345)
    assert parse_number("2.59").nearly(2.5999)
    assert not parse_number("2.59").nearly(2.61)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_number, "1,5"),
        (parse_number, "nan"),
        (parse_number, ""),
        (parse_p, "1.2"),
        (parse_p, "about 0.05"),
        (parse_count_cell, "3.5"),
        (parse_count_cell, "-3"),
        (parse_mean_cell, "a ± b"),
        (parse_mean_cell, "5 ± -2"),
        (parse_span_cell, "5 (3)"),
    ],
)
def test_what_is_no_number_is_refused(parse, text):
    with pytest.raises(TableError):
        parse(text)
