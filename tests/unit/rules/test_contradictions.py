"""Declared contradictions."""

from __future__ import annotations

import pytest

from recanal.core.findings import Findings, vocabulary
from recanal.errors import FindingsError
from recanal.rules.conditions import readings
from recanal.rules.consistency import check_consistent
from recanal.rules.contradictions import check_contradictions, contradicted, contradictions
from recanal.rules.logic import stated_world

PAIRS = [
    ({"stenosis_percent": 100, "timi_flow_grade": 3}, "timi_flow_grade: is 3, but stenosis_percent is 100"),
    ({"lesion_kind": "occlusion", "stenosis_percent": 90}, "stenosis_percent: is 90, but lesion_kind is occlusion"),
    ({"coronary_dominance": "right", "syntax_first_segment": "15"}, "syntax_first_segment: is 15"),
    ({"coronary_dominance": "left", "syntax_first_segment": "16a"}, "syntax_first_segment: is 16a"),
    ({"vessel": "LAD", "syntax_first_segment": "2"}, "syntax_first_segment: is 2, but vessel is LAD"),
    ({"sfa_occlusion_length_mm": 120, "sfa_disease_length_mm": 100}, "sfa_disease_length_mm: is 100, but sfa_occl"),
    ({"tibial_occlusion_extent": "none", "tibial_origin_occluded": True}, "tibial_origin_occluded: is true"),
    ({"lm_stenosis_percent": 60, "coronary_stenosis_max_percent": 50}, "coronary_stenosis_max_percent: is 50"),
    ({"limb_symptoms": "rest_pain", "tissue_loss_extent": "minor"}, "tissue_loss_extent: is minor"),
    ({"ostial": False, "aorto_ostial": True}, "ostial: is false, but aorto_ostial is true"),
    ({"vessel": "LCX", "aorto_ostial": True}, "aorto_ostial: is true, but vessel is LCX"),
    ({"in_stent": True, "coronary_stent": False}, "coronary_stent: is false, but in_stent is true"),
    ({"coronary_graft": True, "prior_cabg": False}, "prior_cabg: is false, but coronary_graft is true"),
    ({"vessel": "graft", "coronary_graft": False}, "coronary_graft: is false, but vessel is graft"),
    ({"limb_symptoms": "none", "claudication_distance_m": 150}, "claudication_distance_m: is 150, but limb_symptoms"),
    ({"popliteal_occlusion": True, "popliteal_disease_length_mm": 0}, "popliteal_disease_length_mm: is 0, but popl"),
    ({"tibioperoneal_trunk_occlusion": True, "tibial_disease_extent": "none"}, "tibioperoneal_trunk_occlusion: is"),
    ({"calcium_arc_max_deg": 0, "calcium_sides": "bilateral"}, "calcium_arc_max_deg: is 0, but calcium_sides is bi"),
    ({"segment_involvement_score": 0, "coronary_stenosis_max_percent": 60}, "coronary_stenosis_max_percent: is 60"),
    ({"length_mm": 0}, "length_mm: is 0; an occlusion has a length. Correct it, or leave it out."),
    (
        {"tibial_stenoses": "single", "tibial_occlusions": "none"}
        | {"tibial_total_length_mm": 60, "tibial_longest_lesion_mm": 40},
        "tibial_longest_lesion_mm: is 40, but tibial_stenoses is single",
    ),
    (
        {"tibial_stenoses": "none", "tibial_occlusions": "none", "tibial_total_length_mm": 40},
        "tibial_total_length_mm: is 40, but tibial_stenoses is none",
    ),
    (
        {"length_mm": 60, "lesion_length_mm": 50, "lesion_kind": "occlusion"},
        "lesion_length_mm: is 50, but lesion_kind is occlusion and length_mm is 60",
    ),
]


@pytest.mark.parametrize(("facts", "message"), PAIRS)
def test_contradictions_are_refused_by_name(facts, message):
    with pytest.raises(FindingsError) as caught:
        check_consistent(Findings.from_mapping(facts))
    assert str(caught.value).startswith(message)
    assert contradicted(stated_world(Findings.from_mapping(facts)), contradictions())


@pytest.mark.parametrize(
    "facts",
    [
        {"stenosis_percent": 99, "timi_flow_grade": 3},
        {"stenosis_percent": 100, "timi_flow_grade": 0},
        {"stenosis_percent": {"value": 100, "source": "ct"}, "timi_flow_grade": {"value": 3, "source": "angiogram"}},
        {"stenosis_percent": {"value": 100, "source": "ct"}, "timi_flow_grade": 3},
        {"stenosis_percent": {"value": 100, "low": 95, "high": 100}, "timi_flow_grade": 3},
        {"sfa_occlusion_length_mm": {"value": 120, "low": 95, "high": 130}, "sfa_disease_length_mm": 100},
        {"length_mm": 60, "lesion_length_mm": 50},
        {"vessel": "LCX", "syntax_first_segment": "15"},
        {"timi_flow_grade": 3},
        {"prior_cabg": True, "coronary_graft": False},
        {"tibial_stenoses": "single", "tibial_occlusions": "single"}
        | {"tibial_total_length_mm": 60, "tibial_longest_lesion_mm": 40},
        {"limb_symptoms": "rest_pain", "claudication_distance_m": 20},
    ],
)
def test_what_is_no_contradiction(facts):
    check_contradictions(Findings.from_mapping(facts))


def test_every_declared_contradiction_can_be_met():
    """Each row refuses the facts that its own tests describe, and so none is void."""
    for row in contradictions():
        facts = {test.finding: _meeting(test) for test in readings(row.tests)}
        if row.above:
            above, below = row.above
            facts |= {above: vocabulary()[above].high, below: vocabulary()[below].low}
        with pytest.raises(FindingsError) as caught:
            check_contradictions(Findings.from_mapping(facts))
        assert all(name in str(caught.value) for name in row.names), row.why


def _meeting(test):
    kind = vocabulary()[test.finding]
    if kind.kind == "number":
        return {"<": kind.low, "<=": kind.low, ">": kind.high, ">=": kind.high}[test.op]
    if test.op == "is":
        return test.value[0] if isinstance(test.value, tuple) else test.value
    inside = [word for word in kind.choices if (word in test.value) is (test.op == "in")]
    return inside[0]
