"""The evidence pages tell failures and shortfalls, and drop nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
from evidence.cases import FIRST_SEED, REPEATED, CaseOutcome, plan_case, plan_cases
from evidence.invariance import stored_otherwise
from evidence.judge import AMOUNTS, counts, diameter_rows, error_rows, failed, interval_rows, yes_no_rows
from evidence.pages import accuracy_page, cases_csv, invariance_page, judged, reproducibility_page

from recanal.core.volume import Affine, Volume
from recanal.imaging.sample import Block, sample
from recanal.phantoms import draw_options


def row(case=10_000, **more):
    base = {
        "case": case,
        "vessel": "LAD",
        "noise_hu": 20.0,
        "lumen_hu": 300.0 + case - 10_000,
        "pixel_mm": 0.4,
        "slice_mm": 0.5,
        "kvp": 120,
        "calcium": "spots",
        "filling": "good",
        "occluded_true": True,
        "true_length_mm": 20.0,
        "measure_s": 1.0,
        "occluded": True,
        "lesions": 1,
    }
    return base | more


def good(case):
    facts = {name: True for name in ("branch", "severe", "whole", "branch_true", "severe_true", "whole_true")}
    return row(
        case,
        length_mm=20.2,
        length_mm_true=20.0,
        length_mm_error=0.2,
        length_mm_in=True,
        shape="blunt",
        shape_true="blunt",
        centre_open_mm=0.1,
        centre_gap_mm=0.2,
        centre_gap_max_mm=0.4,
        flagged=False,
        diameter_bias_mm=0.05,
        diameter_true_mm=3.0,
        **facts,
    )


def test_a_refused_case_counts_as_wrong_and_is_listed():
    rows = [good(10_000), row(10_001, error="The distal seed is not in contrast-filled lumen.", shape_true="blunt")]
    shape = yes_no_rows(rows)[0]
    assert shape.reached.startswith("50 % (1 of 2")
    assert shape.passed is False
    assert counts(rows)[0].reached == "1"
    page = accuracy_page([CaseOutcome(r) for r in rows], stamp="now")
    assert "| 10001 | The distal seed is not in contrast-filled lumen. |" in page


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"occluded": False}, "missed"),
        ({"lesions": 2}, "2 occlusions"),
        ({"occluded_true": False}, "open vessel"),
        ({"error": "no"}, "no"),
        ({}, ""),
    ],
)
def test_what_went_wrong_is_named(more, why):
    found = failed(row(**more))
    assert (why in found) if why else found == ""


def test_mean_absolute_error_and_bias_are_judged_apart():
    rows = [row(length_mm_error=e) for e in (0.7, -0.7, 0.7, 0.7)]
    error, bias = error_rows(rows, AMOUNTS[0])
    assert (error.passed, bias.passed, error.count) == (True, False, 4)
    assert bias.reached == "+0.35"


def test_plaque_error_is_relative():
    rows = [row(plaque_mm3_error=-30.0, plaque_mm3_true=300.0)]
    assert error_rows(rows, AMOUNTS[1])[0].reached == "10"


def test_diameter_is_judged_by_contrast():
    rows = [good(10_000 + k) | {"diameter_bias_mm": 0.1 * k} for k in range(3)]
    lines = diameter_rows(rows)
    assert [line.passed for line in lines] == [True, True, True, False]


def test_an_interval_that_always_holds_is_too_wide():
    lines = interval_rows([row(length_mm_in=True)] * 10)
    assert lines[0].passed is False
    assert "too wide" in lines[0].reached
    assert interval_rows([row(length_mm_in=k != 3) for k in range(20)])[0].passed is True


def test_pages_hold_for_any_mixture():
    rows = [good(10_000), good(10_001), row(10_002, error="x"), row(10_003, occluded_true=False, occluded=False)]
    values = {name: 1.0 for name in REPEATED}
    repeats = [[values] * 3, [{name: 2.0 for name in REPEATED}] * 3, [values, dict.fromkeys(REPEATED), values], []]
    stored = [{"stored": "as it is", "length_change_mm": None, "same_findings": False, "changed": ["error"]}]
    outcomes = [CaseOutcome(r, again, stored) for r, again in zip(rows, repeats, strict=True)]
    assert "0 of 4" in invariance_page(outcomes, stamp="now")
    assert "too few cases" in reproducibility_page(outcomes, stamp="now")
    assert len(cases_csv(rows).splitlines()) == 5
    assert {name for name, _ in judged(rows)} >= {"Centreline", "Lumen", "Numbers"}


def test_plans_use_evidence_seeds_and_fill_the_distal_vessel():
    plans = plan_cases(20)
    assert FIRST_SEED >= 10_000
    assert [plan.seed for plan in plans] == list(range(FIRST_SEED, FIRST_SEED + 20))
    assert [plan.options.occlusion for plan in plans].count(False) == 2
    assert all(plan.options.extent == "crop" and plan.options.distal_filling != "none" for plan in plans)
    unfilled = next(seed for seed in range(1000) if draw_options(seed).distal_filling == "none")
    replaced = plan_case(unfilled)
    assert replaced.filling_replaced
    assert replaced.options.distal_filling == "weak"


def test_a_study_stored_otherwise_is_the_same_study():
    slope = np.array([3.0, -2.0, 1.0])
    axis = np.stack([np.linspace(a, b, 60) for a, b in ((20, 24), (18, 22), (-25, -19))], axis=1)
    matrix = np.array([[0, 0, 0.4, 0], [0, 0.4, 0, 0], [0.5, 0, 0, -45], [0, 0, 0, 1.0]])
    shape = (90, 100, 110)
    where = Affine(matrix).to_mm(np.indices(shape).reshape(3, -1).T) @ slope
    ramp = Volume(where.reshape(shape).astype(np.float32), Affine(matrix))
    truth = SimpleNamespace(
        target=SimpleNamespace(points_mm=axis), proximal_seed_mm=tuple(axis[5]), distal_seed_mm=tuple(axis[-5])
    )
    shapes = []
    for stored in stored_otherwise(SimpleNamespace(volume=ramp, truth=truth)):
        block = Block(stored.volume.hu.astype(np.float32), stored.volume.affine)
        for point in axis[[5, 30, 55]]:
            found = sample(block, (stored.turn @ point)[None])[0]
            assert found == pytest.approx(point @ slope, abs=0.6), stored.name
        shapes.append(stored.volume.hu.shape)
    assert len(shapes) == 9
    assert len(set(shapes)) == 5
