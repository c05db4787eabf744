"""Stored lesions become findings, and scores read them."""

import pytest
from conftest_cohort import put

from recanal.cohort import flat_frame, lesion_findings
from recanal.errors import OptionError
from recanal.scores import evaluate

ROWS = (
    "patient_id,sex,age_years,lesion_id,vessel,prior_failed_attempt,ct_length_mm,length_mm,bend_max_deg,"
    "calcification_any,proximal_cap_shape,ct_proximal_cap_shape\n"
    "P1,male,50,L1,RCA,0,19,22.5,30,1,blunt,tapered\nP1,male,50,L2,LAD,,,,,,,\n"
)


@pytest.fixture
def flat(file_store):
    put(file_store, ROWS)
    return flat_frame(file_store), file_store.dictionary


def test_facts_carry_their_source(flat):
    first, second = (facts for _, facts in lesion_findings(*flat))
    assert (first.value("length_mm"), first.facts["length_mm"].source) == (22.5, "angiogram")
    assert first.facts["vessel"].source == "typed"
    assert first.value("prior_failed_attempt") is False
    assert "length_mm" not in second
    assert second.value("vessel") == "LAD"


def test_ct_speaks_where_it_is_preferred(flat):
    _, facts = next(lesion_findings(*flat, prefer="ct"))
    assert (facts.value("length_mm"), facts.facts["length_mm"].source) == (19.0, "ct")
    assert facts.value("bend_max_deg") == 30.0


def test_a_score_reads_them(flat):
    _, facts = next(lesion_findings(*flat))
    # blunt, calcified, 20 mm or more, no bend over 45 degrees, first attempt: 3 points by hand
    assert evaluate("j_cto", facts).points == 3


def test_the_preference_must_be_a_reading(flat):
    with pytest.raises(OptionError, match="prefer must be ct or angiogram"):
        next(lesion_findings(*flat, prefer="typed"))
