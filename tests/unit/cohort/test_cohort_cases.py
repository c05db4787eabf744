"""Analysed cases become CT readings of a lesion."""

import json

import pytest
from conftest_cohort import AUTHOR, put

from recanal.cohort import attach_case, read_attached, verify_store
from recanal.errors import CohortError


def case(**changes):
    """What ``recanal analyze`` writes, as far as a store reads it."""
    plain = {
        "schema": "recanal.case/1",
        "input": {"kvp": 120},
        "lesions": [
            {
                "id": "L1",
                "length_mm": {"value": 18.3, "low": 17.2, "high": 19.1},
                "bend_max_deg": {"value": 41.0, "low": 36.0, "high": 47.0},
                "plaque": {
                    "volume_mm3": {"value": 240.0, "low": 228.0, "high": 251.0},
                    "components": {
                        "dense_calcium": {"volume_mm3": 60.0, "fraction_percent": 25.0},
                        "necrotic_core": {"volume_mm3": 30.0, "fraction_percent": 12.5},
                    },
                },
            }
        ],
        "findings_of": "L1",
        "findings": {
            "length_mm": {"value": 18.3, "source": "ct"},
            "calcification_severe": {"value": True, "source": "ct"},
            "proximal_cap_shape": {"value": "blunt", "source": "ct"},
            "in_stent": {"value": False, "source": "typed"},
            "proximal_side_branch": {"value": True, "source": "typed"},
        },
        "scores": [{"sheet": "j_cto_ct", "points": 2}, {"sheet": "ct_rector", "points": None}],
    }
    return json.dumps({**plain, **changes})


@pytest.fixture
def lesions(store):
    put(store, "patient_id,sex,lesion_id,vessel\nP1,male,A1,RCA\nP1,male,A2,LAD\n")
    return store


EXPECTED = {
    "lesion_id": "A1",
    "ct_tube_kv": 120.0,
    "ct_length_mm": 18.3,
    "ct_bend_max_deg": 41.0,
    "plaque_volume_mm3": 240.0,
    "dense_calcium_volume_mm3": 60.0,
    "dense_calcium_percent": 25.0,
    "necrotic_core_percent": 12.5,
    "fibrous_volume_mm3": None,
    "ct_calcification_severe": 1,
    "ct_proximal_cap_shape": "blunt",
    "ct_proximal_side_branch": None,
    "ct_j_cto_points": 2,
    "ct_rector_points": None,
}


def test_measurements_become_a_reading(lesions):
    key = attach_case(lesions, "A1", case(), author=AUTHOR)
    row = lesions.frame("ct").row(0, named=True)
    assert row["ct_id"] == key
    assert {name: row[name] for name in EXPECTED} == EXPECTED
    assert read_attached(lesions, "A1") == [json.loads(case())]
    assert read_attached(lesions, "A2") == []
    assert lesions.audit()[-1]["action"] == "attach"


def test_one_case_may_hang_on_two_lesions(lesions):
    attach_case(lesions, "A1", case(), author=AUTHOR)
    attach_case(lesions, "A2", case(), author=AUTHOR)
    assert len(read_attached(lesions, "A2")) == 1
    with pytest.raises(CohortError, match="attached to this lesion already"):
        attach_case(lesions, "A1", case(), author=AUTHOR)


def test_findings_belong_to_the_lesion_that_they_name(lesions):
    two = [{"id": "L1", "length_mm": 10.0}, {"id": "L2", "length_mm": 20.0}]
    with pytest.raises(CohortError, match="The case has 2 lesions"):
        attach_case(lesions, "A1", case(lesions=two), author=AUTHOR)
    attach_case(lesions, "A1", case(lesions=two), author=AUTHOR, case_lesion="L2")
    row = lesions.frame("ct").row(0, named=True)
    assert (row["ct_length_mm"], row["ct_calcification_severe"], row["ct_j_cto_points"]) == (20.0, None, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not json", "is no case.json"),
        ("{}", "is no case.json"),
        (case(schema="recanal.case/9"), "has the schema 'recanal.case/9'"),
        (case(lesions=[]), "The case has 0 lesions"),
        (case(findings={}, lesions=[{"id": "L1", "length_mm": 900.0}]), "does not fit the store: ct_length_mm"),
    ],
)
def test_what_is_no_case_is_refused(lesions, text, told):
    with pytest.raises(CohortError, match=told):
        attach_case(lesions, "A1", text, author=AUTHOR)
    assert lesions.counts()["ct"] == 0


def test_the_lesion_must_be_there(lesions):
    with pytest.raises(CohortError, match="holds no such lesion"):
        attach_case(lesions, "A9", case(), author=AUTHOR)
    with pytest.raises(CohortError, match="The case has no such lesion"):
        attach_case(lesions, "A1", case(), author=AUTHOR, case_lesion="L7")


DOUBTFUL = {
    "it is of the LCX, the lesion of the RCA": {"lesions": [{"id": "L1", "length_mm": 18.3, "vessel": "LCX"}]},
    "it is synthetic: a phantom, no patient": {"input": {"manufacturer": "recanal phantom"}},
    "its result is not to be trusted (quality.usable is false)": {"quality": {"usable": False}},
}


@pytest.mark.parametrize("objection", DOUBTFUL)
def test_a_doubtful_case_is_refused_unless_a_reason_is_given(lesions, objection):
    text, entries = case(**DOUBTFUL[objection]), len(lesions.audit())
    for reason in ("", "  "):
        with pytest.raises(CohortError) as refused:
            attach_case(lesions, "A1", text, author=AUTHOR, despite=reason)
        assert refused.value.message == f"The case is not attached: {objection}."
        assert "--despite" in refused.value.hint
    assert read_attached(lesions, "A1") == []
    assert len(lesions.audit()) == entries
    attach_case(lesions, "A1", text, author=AUTHOR, despite="read again")
    detail = lesions.audit()[-1]["detail"]
    assert (detail["despite"], detail["objections"]) == ("read again", [objection])
    assert verify_store(lesions).sound


def test_all_objections_are_told_at_once(lesions):
    changes = {name: value for part in DOUBTFUL.values() for name, value in part.items()}
    with pytest.raises(CohortError) as refused:
        attach_case(lesions, "A1", case(**changes), author=AUTHOR)
    assert all(objection in refused.value.message for objection in DOUBTFUL)


def test_a_case_that_fits_needs_no_reason(lesions):
    fits = {"lesions": [{"id": "L1", "vessel": "RCA"}], "input": {"manufacturer": "A"}, "quality": {"usable": True}}
    attach_case(lesions, "A1", case(**fits), author=AUTHOR, despite="not needed")
    assert "despite" not in lesions.audit()[-1]["detail"]


def test_vessels_are_compared_only_where_both_are_known(lesions):
    put(lesions, "patient_id,lesion_id\nP1,A3\n")
    attach_case(lesions, "A3", case(lesions=[{"id": "L1", "vessel": "LCX"}]), author=AUTHOR)
    attach_case(lesions, "A1", case(lesions=[{"id": "L1", "vessel": ""}]), author=AUTHOR)
    assert lesions.frame("ct").height == 2
