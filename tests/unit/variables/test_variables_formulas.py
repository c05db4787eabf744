"""Derived variables against their published formulas, worked by hand."""

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from recanal.variables import derived_variables, with_derived
from recanal.variables.formulas import ckd_epi_2021, cockcroft_gault, friedewald, mdrd_2006


def one(value):
    return np.array([float(value)])


# Inker 2021, Table S5: at Scr = kappa both powers are 1, so the rate is 142 x 0.9938^age (x 1.012)
@pytest.mark.parametrize(("female", "mg_dl", "factor"), [(0, 0.9, 1.0), (1, 0.7, 1.012)])
@pytest.mark.parametrize("age", [18, 40, 83])
def test_ckd_epi_at_its_knot(female, mg_dl, factor, age):
    rate = ckd_epi_2021(one(mg_dl * 88.4), one(age), one(female))
    assert rate[0] == pytest.approx(142 * 0.9938**age * factor, rel=1e-12)


# the four branches as the paper's table of expressions gives them (Scr in mg/dL)
BRANCHES = [
    (1, 0.5, 142 * (0.5 / 0.7) ** -0.241 * 0.9938**60 * 1.012),
    (1, 1.4, 142 * (1.4 / 0.7) ** -1.200 * 0.9938**60 * 1.012),
    (0, 0.6, 142 * (0.6 / 0.9) ** -0.302 * 0.9938**60),
    (0, 1.8, 142 * (1.8 / 0.9) ** -1.200 * 0.9938**60),
]


@pytest.mark.parametrize(("female", "mg_dl", "expected"), BRANCHES)
def test_ckd_epi_in_each_branch(female, mg_dl, expected):
    assert ckd_epi_2021(one(mg_dl * 88.4), one(60), one(female))[0] == pytest.approx(expected, rel=1e-12)


def test_mdrd_by_hand():
    # Scr 1 mg/dL, age 1 to the power: 175 x age^-0.203 x factors
    white, black = (mdrd_2006(one(88.4), one(60), one(1), one(b))[0] for b in (0, 1))
    assert white == pytest.approx(175 * math.exp(-0.203 * math.log(60)) * 0.742, rel=1e-12)
    assert black / white == pytest.approx(1.212, rel=1e-12)


def test_cockcroft_gault_by_hand():
    assert cockcroft_gault(one(88.4), one(40), one(0), one(72))[0] == pytest.approx(100.0)
    assert cockcroft_gault(one(88.4), one(40), one(1), one(72))[0] == pytest.approx(85.0)


def test_friedewald_stops_at_high_triglycerides():
    assert friedewald(one(5), one(1), one(4.5))[0] == pytest.approx(4 - 4.5 / 2.2)
    assert np.isnan(friedewald(one(5), one(1), one(4.51))[0])


def test_rates_are_not_known_for_children_or_without_sex():
    assert np.isnan(ckd_epi_2021(one(80), one(17), one(0))[0])
    assert np.isnan(ckd_epi_2021(one(80), one(50), one(math.nan))[0])
    assert np.isnan(mdrd_2006(one(80), one(50), one(0), one(math.nan))[0])


FRAME = pl.DataFrame(
    {
        "weight_kg": [81.0, None],
        "height_cm": [180.0, 170.0],
        "plaque_volume_mm3": [200.0, 0.0],
        "dense_calcium_volume_mm3": [50.0, 0.0],
        "ct_length_mm": [15.0, 14.99],
        "bend_max_deg": [45.0, 45.01],
        "rentrop_grade": [2, None],
        "duration_months": [None, 12.0],
        "duration_unknown": [1, 0],
        "crossing_min": [30.0, None],
        "crossed": [1, 0],
        "presentation": ["unstable_angina", "stable_angina"],
        "ct_on": [date(2020, 2, 27), None],
        "procedure_on": [date(2020, 3, 4), date(2020, 3, 4)],
    },
    schema_overrides={"ct_on": pl.Date, "rentrop_grade": pl.Int64},
)

EXPECTED = {
    "bmi_computed_kg_m2": [25.0, None],
    "dense_calcium_share_percent": [25.0, None],
    "noncalcified_computed_mm3": [150.0, 0.0],
    "dense_calcium_present": [1, 0],
    "ct_length_at_least_15_mm": [1, 0],
    "bend_above_45_deg": [0, 1],
    "rentrop_at_least_2": [1, None],
    "rentrop_below_2": [0, None],
    "occluded_over_12_mo_or_unknown": [1, 0],
    "crossed_in_30_min": [1, 0],
    "acute_coronary_syndrome": [1, 0],
    "ct_to_procedure_days": [6.0, None],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_derived_column(name):
    assert with_derived(FRAME)[name].to_list() == EXPECTED[name]


def test_body_surface():
    frame = with_derived(FRAME)
    assert frame["bsa_mosteller_m2"][0] == pytest.approx(math.sqrt(81 * 180 / 3600))
    # Du Bois: 70 kg and 170 cm give 1.81 m2, the value of the usual nomogram
    person = with_derived(pl.DataFrame({"weight_kg": [70.0], "height_cm": [170.0]}))
    assert round(person["bsa_du_bois_m2"][0], 2) == 1.81


def test_only_what_can_be_computed_or_was_asked_for_is_added():
    frame = with_derived(FRAME, ["bmi_computed_kg_m2"])
    assert frame.columns == [*FRAME.columns, "bmi_computed_kg_m2"]
    assert "egfr_mdrd_ml_min" not in with_derived(FRAME).columns


def test_every_formula_runs():
    values = {
        "sex": "female",
        "presentation": "stable_angina",
        "ct_on": date(2020, 1, 1),
        "procedure_on": date(2020, 1, 9),
    }
    names = {name for derived in derived_variables() for name in derived.inputs}
    frame = pl.DataFrame({name: [values.get(name, 1.0 if name != "age_years" else 60.0)] for name in sorted(names)})
    assert len(with_derived(frame).columns) == len(names) + len(derived_variables())
