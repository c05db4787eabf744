"""Times to an event from the follow-up events of a store, on both databases; expected days counted by hand."""

import pytest
from conftest_cohort import put

from recanal.cohort import Endpoint, endpoint_times
from recanal.errors import CohortError

FLAT = """\
patient_id,sex,lesion_id,vessel,procedure_on
P1,male,L1,RCA,2020-01-01
P1,male,L2,LAD,2020-03-01
P2,male,L3,LCX,2020-01-01
P3,male,L4,RCA,2020-01-01
P4,male,L5,RCA,2020-01-01
P5,male,L6,RCA,
P6,male,L7,RCA,2020-01-01
P7,male,L8,LAD,2020-01-01
"""
# P1: revascularisation of L1 on day 31; P2: cardiac death on day 366; P3: a refuted event, last contact on day 10;
# P4: nothing; P5: no procedure; P6: event and death on one day; P7: an event written down for a day after the death
EVENTS = """\
event_id,patient_id,lesion_id,event,event_on,death_cause,adjudication
E1,P1,L1,target_vessel_revascularisation,2020-02-01,,confirmed
E2,P1,,last_contact,2020-12-31,,
E3,P2,,death,2021-01-01,cardiac,
E4,P3,,target_vessel_revascularisation,2020-01-05,,refuted
E5,P3,,last_contact,2020-01-11,,
E6,P5,,death,2020-05-05,other,
E7,P6,,death,2020-04-10,other,
E8,P6,,target_vessel_revascularisation,2020-04-10,,
E9,P7,,death,2020-01-31,other,
E10,P7,,target_vessel_revascularisation,2020-02-02,,
"""
TVR = ("target_vessel_revascularisation",)


@pytest.fixture
def followed(store):
    for text, table in ((FLAT, ""), (EVENTS, "follow_up")):
        assert put(store, text, table=table).rejections.rows() == []
    return store


def found(store, *args):
    times = endpoint_times(store, Endpoint("e", *args))
    return {row[0]: row[1:] for row in times.frame.rows()}, times


def test_first_event_or_last_day_known(followed):
    rows, times = found(followed, TVR, ("death",))
    assert rows == {
        "L1": (31, 1),
        "L2": (305, 0),
        "L3": (366, 2),
        "L4": (10, 0),
        "L5": (None, None),
        "L7": (100, 1),
        "L8": (30, 2),
    }
    assert (times.early_count, times.refuted_count, times.late_count) == (0, 1, 1)


def test_a_death_that_is_not_named_ends_the_follow_up(followed):
    rows, _ = found(followed, TVR)
    assert (rows["L3"], rows["L8"]) == ((366, 0), (30, 0))


def test_a_cause_may_be_asked_for(followed):
    rows, _ = found(followed, ("death:cardiac",), ("death",))
    assert (rows["L3"], rows["L7"], rows["L1"]) == ((366, 1), (100, 2), (365, 0))


def test_events_before_the_start_do_not_count_and_are_told(followed):
    put(followed, "event_id,patient_id,event,event_on\nE11,P1,myocardial_infarction,2020-02-15\n", table="follow_up")
    rows, times = found(followed, ("myocardial_infarction",))
    assert (rows["L1"], rows["L2"], times.early_count) == ((45, 1), (305, 0), 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((("tvr",),), "There is no event 'tvr'. Allowed: death"),
        ((("last_contact",),), "There is no event 'last_contact'"),
        ((("death:heart",),), "There is no 'death:heart'. Allowed after the colon: cardiac, other, unknown."),
        ((("myocardial_infarction:big",),), "Allowed after the colon: none."),
        (((), ("death",)), "names no event, or one twice"),
        ((("death",), ("death",)), "names no event, or one twice"),
        ((("death",), (), "birth"), "Time cannot count from 'birth'. Allowed: procedure_on"),
    ],
)
def test_what_cannot_be_is_refused(followed, arguments, said):
    with pytest.raises(CohortError) as caught:
        found(followed, *arguments)
    assert said in str(caught.value)


def test_two_procedures_of_a_lesion_need_a_choice(followed):
    rows = "procedure_id,lesion_id,procedure_on\nagain,L1,2021-05-05\n"
    put(followed, rows, table="procedure")
    with pytest.raises(CohortError, match=r"1 lesions have more than one procedure_on\. From which one"):
        found(followed, TVR)
