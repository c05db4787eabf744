"""Simulated cohorts have the margins of the papers, typed here from the print."""

import dataclasses

import numpy as np
import pytest

from recanal.audit.printed import parse_count_cell
from recanal.errors import OptionError, StudyError
from recanal.reproduction.paper import read_paper
from recanal.reproduction.run import simulate_cohort
from recanal.reproduction.xing_items import item_table

LESIONS = 20_000
# Column, count of 131 crossed, count of 76 not crossed: Tables 2 and S2.
XING_LESIONS = [
    ("blunt_stump", 30, 46),
    ("length_over_20", 41, 44),
    ("heavy_calcification", 8, 12),
    ("retrograde_approach", 0, 19),
    ("success", 128, 29),
    ("ct_length_15", 55, 52),
    ("ct_severe_calcification", 26, 37),
]
# Column, count of 126 and of 75 patients; column, mean and standard deviation of either group: Table 1.
XING_PATIENTS = [("male", 104, 66), ("hypertension", 86, 43), ("prior_cabg", 0, 2)]
XING_MEANS = [("age_years", 58.84, 11.20, 58.95, 10.07), ("triglycerides", 1.74, 1.04, 1.82, 0.89)]
# Median and quartiles of crossed and of not crossed: Table 3.
XING_QUARTILES = [
    ("length_mm", (12.97, 7.00, 21.80), (24.79, 13.08, 34.95)),
    ("plaque_mm3", (118.37, 49.54, 188.42), (186.55, 103.96, 312.10)),
    ("necrotic_core_percent", (58.77, 40.01, 76.46), (49.66, 31.49, 64.74)),
]
# Operator-CTO strata: lesions and technical successes; operator groups: the same. Table 6, Table 7.
XIAO_STRATA = [(103, 102), (24, 21), (13, 7), (4, 1)]
XIAO_GROUPS = [(5, 2), (6, 5), (13, 13), (75, 68), (45, 43)]
# Column, mean, standard deviation: Table 4.
XIAO_SCORES = [("operator_cto", 1.78, 1.46), ("j_cto", 3.10, 0.96), ("progress", 1.32, 0.95), ("recharge", 3.24, 1.02)]


@pytest.fixture
def xing_cohort(quick):
    return simulate_cohort("xing_2022", lesions_count=LESIONS, seed=3)


@pytest.fixture
def xiao_cohort(quick):
    return simulate_cohort("xiao_2021", lesions_count=LESIONS, seed=3)


def near_share(found, count, size):
    """Within four standard errors of the simulation and 0.3 of the print, half a case added on either side."""
    share, kept = count / size, (count + 0.5) / (size + 1)
    slack = 4 * np.sqrt(max(share * (1 - share), 0.002) / len(found)) + 0.3 * np.sqrt(kept * (1 - kept) / size)
    return abs(found.mean() - share) < slack


def test_lesions_of_xing_have_the_printed_shares(xing_cohort):
    groups = [xing_cohort[xing_cohort["crossed"] == level] for level in (1, 0)]
    for column, *counts in XING_LESIONS:
        for group, count, size in zip(groups, counts, (131, 76), strict=True):
            assert near_share(group[column], count, size), (column, size)
    assert near_share(xing_cohort["crossed"], 131, 207)
    assert not (xing_cohort["heavy_calcification"] > xing_cohort["calcification"]).any()
    assert not (xing_cohort["ct_length_20"] > xing_cohort["ct_length_15"]).any()


def test_patients_of_xing_have_the_printed_shares_and_means(xing_cohort):
    patients = xing_cohort.groupby("patient_id").agg("min")
    assert len(xing_cohort) / len(patients) == pytest.approx(207 / 201, abs=0.006)
    groups = [patients[patients["crossed"] == level] for level in (1, 0)]
    for column, *counts in XING_PATIENTS:
        for group, count, size in zip(groups, counts, (126, 75), strict=True):
            assert near_share(group[column], count, size), column
    for column, *numbers in XING_MEANS:
        for group, mean, sd in zip(groups, numbers[::2], numbers[1::2], strict=True):
            assert group[column].mean() == pytest.approx(mean, abs=0.06 * sd)
            assert group[column].std() == pytest.approx(sd, rel=0.08)


def test_plaque_of_xing_has_the_printed_quartiles_and_is_whole(xing_cohort):
    groups = [xing_cohort[xing_cohort["crossed"] == level] for level in (1, 0)]
    for column, *printed in XING_QUARTILES:
        for group, (middle, low, high) in zip(groups, printed, strict=True):
            found = np.quantile(group[column], [0.5, 0.25, 0.75])
            assert found == pytest.approx([middle, low, high], abs=0.05 * (high - low)), column
    parts = ["dense_calcium_percent", "fibrous_percent", "fibrofatty_percent", "necrotic_core_percent"]
    assert xing_cohort[parts].sum(axis=1).to_numpy() == pytest.approx(100, abs=0.001)


def test_scores_are_the_sums_of_their_items(xing_cohort, xiao_cohort):
    items = ["blunt_stump", "bending", "length_over_20", "calcification", "prior_attempt"]
    assert (xing_cohort[items].sum(axis=1) == xing_cohort["j_cto"]).all()
    ora = xiao_cohort["ostial"] + 2 * xiao_cohort["collateral_below_2"] + (xiao_cohort["age_years"] >= 75)
    assert (ora == xiao_cohort["ora"]).all()
    circumflex = (xiao_cohort["vessel"] == "LCX").astype(int)
    progress = xiao_cohort[["blunt", "curvature", "collateral_below_2"]].sum(axis=1) + circumflex
    assert (progress == xiao_cohort["progress"]).all()


def test_strata_and_operators_of_xiao_have_the_printed_successes(xiao_cohort):
    for column, printed in (("stratum", XIAO_STRATA), ("operators", XIAO_GROUPS)):
        for number, (size, successes) in enumerate(printed, start=1):
            group = xiao_cohort[xiao_cohort[column] == number]
            assert len(group) / LESIONS == pytest.approx(size / 144, abs=0.015)
            assert near_share(group["technical_success"], successes, size), (column, number)
    assert not (xiao_cohort["procedural_success"] > xiao_cohort["technical_success"]).any()
    assert near_share(xiao_cohort["procedural_success"], 128, 144)


def test_scores_of_xiao_have_the_printed_means_and_spreads(xiao_cohort):
    for column, mean, sd in XIAO_SCORES:
        assert xiao_cohort[column].mean() == pytest.approx(mean, abs=0.3 * sd / 12), column
        assert xiao_cohort[column].std() == pytest.approx(sd, abs=0.4 * sd / np.sqrt(286)), column


def test_lesions_of_a_patient_of_xiao_share_what_belongs_to_the_patient(xiao_cohort):
    shared = xiao_cohort.groupby("patient_id")[["age_years", "male", "bmi_kg_m2", "prior_cabg", "lvef"]].nunique()
    assert (shared == 1).all().all()
    assert len(xiao_cohort) / len(shared) == pytest.approx(144 / 130, abs=0.01)


@pytest.mark.parametrize("name", ["xing_2022", "xiao_2021"])
def test_the_same_seed_gives_the_same_cohort_and_another_seed_another(quick, name):
    first, again, other = (simulate_cohort(name, lesions_count=1000, seed=seed) for seed in (4, 4, 5))
    assert first.equals(again)
    assert not first.equals(other)


def test_a_broken_margin_is_refused_by_name():
    paper = read_paper("xing_2022")
    row = paper.rows["Table 2", "Blunt stump"]
    cells = (parse_count_cell("140"), row.content.cells[1])
    broken = dataclasses.replace(row, content=dataclasses.replace(row.content, cells=cells))
    with pytest.raises(StudyError, match="blunt_stump, crossed"):
        item_table(dataclasses.replace(paper, rows={**paper.rows, ("Table 2", "Blunt stump"): broken}))


def test_a_margin_that_contradicts_the_scores_is_refused():
    paper = read_paper("xing_2022")
    row = paper.rows["Table 2", "Any calcification"]
    cells = (parse_count_cell("125"), row.content.cells[1])
    broken = dataclasses.replace(row, content=dataclasses.replace(row.content, cells=cells))
    with pytest.raises(StudyError, match="standard errors off"):
        item_table(dataclasses.replace(paper, rows={**paper.rows, ("Table 2", "Any calcification"): broken}))


def test_unknown_papers_and_too_few_lesions_are_refused():
    with pytest.raises(OptionError, match="No paper 'xing_2023'"):
        read_paper("xing_2023")
    with pytest.raises(OptionError, match="--lesions: got 10"):
        simulate_cohort("xing_2022", lesions_count=10)
