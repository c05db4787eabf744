"""Which artery may donate, and what is said of it."""

import pytest

from recanal.collaterals import NOT_SEARCHED, ArteryState, donors_of, pathways_to, supply_of
from recanal.core.case import Interval


@pytest.mark.parametrize(
    ("occluded", "donors"), [("RCA", {"LAD", "LCX"}), ("LAD", {"RCA", "LCX"}), ("LCX", {"RCA", "LAD"}), ("LM", {"RCA"})]
)
def test_each_artery_has_the_donors_of_the_published_pathways(occluded: str, donors: set[str]) -> None:
    assert {donor.vessel for donor in donors_of(occluded, ())} == donors
    assert all(way.sources and way.trust for way in pathways_to(occluded))


def test_septal_ways_join_lad_and_rca_alone() -> None:
    septal = {
        (way.occluded, way.donor)
        for name in ("RCA", "LAD", "LCX")
        for way in pathways_to(name)
        if way.course == "septal"
    }
    assert septal == {("RCA", "LAD"), ("LAD", "RCA")}


def test_an_unknown_artery_has_no_published_way() -> None:
    assert pathways_to("D1") == ()
    assert donors_of("D1", ()) == ()


def test_the_state_of_a_donor_is_told_with_what_speaks_against_it() -> None:
    states = (
        ArteryState("LM", 4.5, Interval(55.0, 40.0, 70.0), 2.0),
        ArteryState("LAD", 3.2, Interval(62.0, 50.0, 74.0), 11.0, occluded=True),
    )
    lad, lcx = donors_of("RCA", states)
    assert (lad.vessel, lcx.vessel) == ("LAD", "LCX")
    assert lad.state == states[1]
    assert lad.remarks == (
        "occluded itself",
        "stenosis of 62 % in the donor artery",
        "stenosis of 55 % in the left main artery before it",
    )
    assert lcx.state is None
    assert lcx.remarks == ("not measured: the artery was not found",)


def test_a_healthy_donor_has_no_remark() -> None:
    state = ArteryState("RCA", 3.0, Interval(30.0, 15.0, 45.0), 0.0)
    assert donors_of("LAD", (state,))[0].remarks == ()


def test_each_occlusion_has_its_donors_and_says_what_was_not_searched() -> None:
    supply = supply_of("L2", "LCX", (ArteryState("RCA", 3.1, None, 4.0),))
    assert supply.lesion == "L2"
    assert {donor.vessel: donor.state is not None for donor in supply.donors} == {"RCA": True, "LAD": False}
    assert supply.remark == NOT_SEARCHED
    assert "not searched" in supply.remark
