"""What lies beyond an occlusion, and what may give blood to it."""

from types import SimpleNamespace

import numpy as np
import pytest

from recanal.anatomy.branches import Branch
from recanal.anatomy.naming import Named
from recanal.anatomy.tree import CoronaryTree
from recanal.core.curves import Centerline
from recanal.pipeline.beds import beds_of


def branch(points, radius, parent=-1, parent_mm=0.0, side="right"):
    line = Centerline(np.asarray(points, dtype=float))
    size = np.full(len(line.points_mm), radius)
    return Branch(line, np.full(len(size), 300.0), size, size + 0.4, parent, parent_mm, side)


def along(start, end, count=121):
    return np.linspace(start, end, count)


@pytest.fixture
def tree():
    """An occluded RCA along x, a LAD 30 mm beside it, and a thin branch of the LAD that reaches the RCA beyond."""
    rca = branch(along((0, 0, 0), (60, 0, 0)), 1.6)
    lad = branch(along((0, 30, 0), (60, 30, 0)), 1.7, side="left")
    thin = branch(along((50, 30, 0), (50, 1, 0), 59), 0.6, parent=1, parent_mm=50.0, side="left")
    marginal = branch(along((10, 0, 0), (10, -20, 0), 41), 1.2, parent=0, parent_mm=10.0)
    names = [
        Named(0, 0.0, 60.0, 1, "RCA", 1.0),
        Named(1, 0.0, 60.0, 7, "LAD", 1.0),
        Named(2, 0.0, 29.0, None, "LAD", 1.0),
        Named(3, 0.0, 20.0, None, "RCA", 1.0),
    ]
    return CoronaryTree(None, None, branches=(rca, lad, thin, marginal), named=tuple(names))


def occluded(start_mm=25.0, end_mm=35.0):
    line = Centerline(along((10, 0, 0), (50, 0, 0), 81))
    gap = SimpleNamespace(start_mm=start_mm - 10, end_mm=end_mm - 10)
    return SimpleNamespace(vessel=SimpleNamespace(line=line, gaps=(gap,)), lesions=(SimpleNamespace(vessel="RCA"),))


def test_the_tree_is_cut_at_the_occlusion_and_where_it_is_thin(tree):
    beds = beds_of(tree, occluded(), 0)
    assert beds.recipient.vessel == "RCA"
    assert beds.recipient.points_mm[:, 0].min() > 35
    assert beds.recipient.points_mm[:, 0].max() == pytest.approx(60)
    assert np.abs(beds.recipient.points_mm[:, 1]).max() < 0.1
    (donor,) = beds.donors
    assert donor.vessel == "LAD"
    assert donor.points_mm[:, 1].min() == pytest.approx(30)


def test_the_occluded_artery_and_its_branches_before_the_occlusion_are_avoided(tree):
    avoid = beds_of(tree, occluded(), 0).avoid_mm
    assert avoid[:, 0].min() == 0
    assert avoid[:, 0].max() <= 35.01
    assert avoid[:, 1].min() == pytest.approx(-20)


def test_a_vessel_beyond_that_was_reached_through_a_connection_is_still_the_vessel_beyond(tree):
    """The tree came to the RCA beyond the occlusion from the LAD, and the names followed it."""
    rca = branch(along((0, 0, 0), (25, 0, 0), 51), 1.6)
    beyond = branch(along((50, 0.5, 0), (36, 0, 0), 29), 1.5, parent=2, parent_mm=29.0, side="left")
    names = (*tree.named[1:3], Named(0, 0.0, 25.0, 1, "RCA", 1.0), Named(3, 0.0, 14.0, 12, "LCX", 1.0))
    crossed = CoronaryTree(None, None, branches=(rca, *tree.branches[1:3], beyond), named=names)
    beds = beds_of(crossed, occluded(), 0)
    assert [donor.vessel for donor in beds.donors] == ["LAD"]
    assert np.abs(beds.recipient.points_mm[:, 1]).max() < 1
