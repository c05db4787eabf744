"""Declared cautions: lesions that are hardly a chronic total occlusion."""

from __future__ import annotations

import pytest

from recanal.core.findings import Findings
from recanal.rules.cautions import cautions
from recanal.scores import evaluate
from recanal.strategy import advise, algorithm_ids, load_algorithm

CORONARY = [name for name in algorithm_ids() if load_algorithm(name).territory == "coronary"]


def scored(sheet, **facts):
    return " ".join(evaluate(sheet, Findings.from_mapping(facts)).warnings)


def planned(algorithm, **facts):
    return " ".join(advise(algorithm, Findings.from_mapping(facts)).warnings)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"timi_flow_grade": 3}, "TIMI flow of grade 3"),
        ({"timi_flow_grade": 1}, "TIMI flow of grade 1 or 2"),
        ({"stenosis_percent": 99}, "Stenosis below 100 %"),
        ({"length_mm": 201}, "longer than 200 mm"),
        ({"duration_months": 2.9}, "younger than 3 months"),
        ({"calcification_any": False, "calcium_agatston": 1}, "calcium in its artery"),
    ],
)
def test_a_lesion_that_is_no_chronic_occlusion_warns_with_scores_and_plans(facts, words):
    assert words in scored("j_cto", **facts)
    assert words in scored("progress_mace", **facts)
    for name in CORONARY:
        assert planned(name, **facts).count(words) == 1, name


@pytest.mark.parametrize("name", CORONARY)
def test_a_graft_warns_with_every_coronary_algorithm(name):
    assert "Bypass graft: made for native coronary arteries." in planned(name, vessel="graft")


@pytest.mark.parametrize(
    "facts",
    [
        {"timi_flow_grade": 0},
        {"stenosis_percent": 100},
        {"length_mm": 200},
        {"duration_months": 3},
        {"calcification_any": True, "calcium_agatston": 100},
        {"calcification_any": False, "calcium_agatston": 0},
        {"vessel": "RCA"},
    ],
)
def test_a_chronic_occlusion_does_not_warn(facts):
    said = planned("hybrid_2012", **facts) + scored("j_cto", **facts)
    assert not [row.warning for row in cautions() if row.warning in said]


def test_a_long_occlusion_of_a_leg_artery_is_nothing_special():
    assert "200 mm" not in planned("ctop_access", vessel="femoropopliteal", length_mm=300)
    assert "the rules are for occlusions" in planned("ctop_access", lesion_kind="stenosis")


def test_a_score_keeps_its_own_words():
    """Operator-CTO has a limit of its own on the age of the occlusion."""
    said = scored("operator_cto", duration_months=2)
    assert said.count("younger than 3 months") == 1
    assert "outside the derivation population" in said


def test_points_that_predict_nothing_warn_of_what_is_no_occlusion():
    assert scored("syntax_cto", duration_months=1).count("younger") == 1, "its own limit alone"
    assert "Stenosis below 100 %" in scored("syntax_cto", stenosis_percent=80)
    assert "Stenosis" not in scored("jenali", stenosis_percent=80)
