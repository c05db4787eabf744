"""Seeded measurement of a few phantoms against their truth; the full study is ``make evidence``.

Seeds from 20,000 on belong to these tests alone. The study asks for means over many cases; of these few, one may be off
by more than 2.5 times what it asks. A gap of more than 30 mm may be flagged low confidence instead; its figures then do
not count, as in the study's own question.
"""

from dataclasses import replace

import numpy as np
import pytest
from evidence.cases import plan_case
from evidence.compare import compare, measured
from evidence.judge import AMOUNTS, YES_NO, failed

from recanal.phantoms import make_phantom

SEEDS = (20_000, 20_001, 20_002, 20_003, 20_004)
OPEN_SEED = 20_005
MARGIN_MM = 16.0
PER_CASE = 2.5
CENTRE_OPEN_MM, CENTRE_GAP_MM, DIAMETER_MM = 0.20, 0.40, 0.12


def measured_row(seed, *, occlusion=True):
    options = replace(plan_case(seed, occlusion=occlusion).options, margin_mm=MARGIN_MM)
    phantom = make_phantom(options, seed=seed)
    return compare(phantom, measured(phantom))


@pytest.fixture(scope="module")
def all_rows():
    return {seed: measured_row(seed) for seed in SEEDS}


@pytest.fixture(scope="module")
def rows(all_rows):
    """The cases that are not flagged low confidence."""
    return {seed: row for seed, row in all_rows.items() if not row["flagged"]}


def test_only_long_gaps_are_flagged(all_rows):
    flagged = {seed: row["length_mm_true"] for seed, row in all_rows.items() if row["flagged"]}
    assert len(flagged) <= 2
    assert all(length > 30.0 for length in flagged.values()), flagged


def check(values, asked):
    """All but one case within 2.5 times."""
    assert len(values) > 0
    far = {seed: round(value, 3) for seed, value in values.items() if abs(value) > PER_CASE * asked}
    assert len(far) <= 1, f"more than {PER_CASE * asked:g} off: {far}"


def test_one_occlusion_is_found(rows):
    assert {seed: failed(row) for seed, row in rows.items() if failed(row)} == {}


def test_an_open_vessel_has_no_occlusion():
    assert failed(measured_row(OPEN_SEED, occlusion=False)) == ""


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda amount: amount.name.partition(",")[0])
def test_amounts(rows, amount):
    check({seed: amount.error(row) for seed, row in rows.items()}, amount.asked)


@pytest.mark.parametrize(
    ("column", "asked"),
    [("centre_open_mm", CENTRE_OPEN_MM), ("centre_gap_mm", CENTRE_GAP_MM), ("diameter_bias_mm", DIAMETER_MM)],
)
def test_axis_and_lumen(rows, column, asked):
    check({seed: row[column] for seed, row in rows.items() if row[column] is not None}, asked)


def test_no_unflagged_axis_strays(rows):
    assert [s for s, row in rows.items() if not row["flagged"] and row["centre_gap_max_mm"] > 1.5] == []


@pytest.mark.parametrize("key", [key for key, _ in YES_NO])
def test_facts(rows, key):
    """At most one case of five may be wrong."""
    wrong = {seed: row.get(key) for seed, row in rows.items() if row.get(key) != row[f"{key}_true"]}
    assert len(wrong) <= 1, wrong


def test_most_intervals_hold_the_truth(all_rows):
    """Flagged cases state intervals too; those of one case hang together, so that fewer cases would tell little."""
    held = [row[name] for row in all_rows.values() for name in row if name.endswith("_in")]
    assert len(held) > 50
    assert np.mean(held) >= 0.85
