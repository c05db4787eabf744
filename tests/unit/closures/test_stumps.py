"""Where a wide vessel ends, on trees drawn in code."""

import numpy as np
import pytest

from recanal.anatomy.branches import Branch
from recanal.anatomy.naming import Named
from recanal.anatomy.tree import CoronaryTree
from recanal.closures.stumps import find_stumps
from recanal.closures.suspects import find_suspects
from recanal.core.curves import Centerline


def vessel(*stretches, parent=-1, parent_mm=0.0, start=(0.0, 0.0, 0.0), toward=(1.0, 0.0, 0.0)):
    """A straight branch: length in mm, HU, half width of the contrast, half width of all that stands out from fat."""
    hu, lumen, outer = (np.concatenate([np.full(round(s[0] / 0.5), float(s[k])) for s in stretches]) for k in (1, 2, 3))
    points = np.asarray(start) + 0.5 * np.arange(len(hu))[:, None] * np.asarray(toward)
    return Branch(Centerline(points), hu, lumen, outer, parent, parent_mm, "right")


def tree_of(*branches):
    named = tuple(Named(k, 0.0, b.line.length_mm, 1, "RCA", 0.9) for k, b in enumerate(branches))
    return CoronaryTree(None, None, branches=tuple(branches), named=named)


def test_a_wide_vessel_that_ends_is_a_stump():
    (stump,) = find_stumps(tree_of(vessel((40, 350, 1.5, 2.0))))
    assert stump.end_mm[0] == pytest.approx(39.5, abs=1.0)
    assert 6.0 <= stump.end_mm[0] - stump.proximal_mm[0] <= 16.0
    assert (stump.vessel, stump.branch) == ("RCA", 0)
    assert stump.half_hu == pytest.approx((350 + 60) / 2)


def test_one_that_goes_on_dark_for_a_little_way_is_a_stump_where_it_was_open():
    (stump,) = find_stumps(tree_of(vessel((40, 350, 1.5, 2.0), (6, 70, 1.9, 1.9))))
    assert stump.end_mm[0] == pytest.approx(39.5, abs=1.0)


@pytest.mark.parametrize(
    "stretches",
    [
        [(40, 350, 1.5, 2.0), (10, 330, 1.2, 1.7), (15, 310, 1.05, 1.6), (15, 300, 0.89, 1.5)],  # it tapers
        [(40, 350, 1.5, 2.0), (12, 250, 0.7, 1.2)],  # it goes on, thin
        [(40, 350, 3.4, 3.6)],  # a chamber
        [(8, 350, 0.85, 1.4)],  # a small one
    ],
)
def test_other_ends_are_none(stretches):
    assert find_stumps(tree_of(vessel(*stretches))) == []


def test_a_thin_vessel_that_ends_in_fat_near_its_ostium_is_a_stump():
    (stump,) = find_stumps(tree_of(vessel((40, 350, 1.2, 1.8), (30, 340, 0.95, 1.5))))
    assert stump.end_mm[0] == pytest.approx(69.5, abs=1.0)
    assert stump.is_thin


@pytest.mark.parametrize(("length_mm", "outer_mm"), [(70, 1.5), (30, 2.5)])  # far off; in muscle
def test_other_thin_ends_are_natural(length_mm, outer_mm):
    assert find_stumps(tree_of(vessel((40, 350, 1.2, 1.8), (length_mm, 340, 0.95, outer_mm)))) == []


def test_a_vessel_that_a_branch_carries_on_is_none():
    trunk = vessel((40, 350, 1.5, 2.0))
    on = vessel(
        *((20, 330, 1.25, 1.8), (12, 325, 1.06, 1.6), (12, 320, 0.89, 1.5)),
        parent=0, parent_mm=38.0, start=(38.0, 0.0, 0.0), toward=(0.0, 1.0, 0.0),
    )  # fmt: skip
    assert find_stumps(tree_of(trunk, on)) == []
    early = vessel(
        (30, 330, 0.85, 1.4), parent=0, parent_mm=15.0, start=(15.0, 0.0, 0.0), toward=(0.0, 1.0, 0.0)
    )  # fmt: skip
    assert len(find_stumps(tree_of(trunk, early))) == 1


@pytest.mark.parametrize(("slant", "stumps"), [(0.25, 0), (0.7, 1)])
def test_a_branch_that_is_wide_within_its_parent_alone_is_no_stump(slant, stumps):
    trunk = vessel((90, 350, 1.5, 2.0))
    side = vessel(
        *((5, 340, 1.4, 2.0), (6, 150, 0.6, 1.1)),
        parent=0, parent_mm=40.0, start=(40.0, 0.0, 0.0), toward=(np.sqrt(1 - slant**2), slant, 0.0),
    )  # fmt: skip
    assert sum(stump.branch == 1 for stump in find_stumps(tree_of(trunk, side))) == stumps


def test_calcium_that_swells_the_end_does_not_belong_to_the_stump():
    (stump,) = find_stumps(tree_of(vessel((40, 330, 1.4, 2.0), (8, 360, 1.9, 2.2))))
    assert stump.end_mm[0] == pytest.approx(40.0, abs=1.0)


def test_a_stretch_that_leads_to_an_open_vessel_explains_itself():
    filled = tree_of(vessel((40, 350, 1.5, 2.0), (20, 80, 1.9, 1.9), (40, 300, 1.0, 1.6)))
    assert find_stumps(filled, find_suspects(filled)) == []


def test_one_that_leads_to_a_short_dim_end_without_a_wall_is_a_stump():
    lost = tree_of(vessel((40, 350, 1.5, 2.0), (30, 80, 2.0, 2.0), (8, 150, 2.5, 3.6)))
    suspects = find_suspects(lost)
    assert len(suspects) == 1
    assert [round(stump.end_mm[0]) for stump in find_stumps(lost, suspects)] == pytest.approx([40], abs=1)


def test_points_keep_away_from_calcium_that_swells_the_lumen_before_a_closed_stretch():
    swollen = tree_of(vessel((40, 330, 1.4, 2.0), (8, 345, 1.9, 2.2), (6, 90, 1.8, 1.9), (40, 260, 1.2, 1.8)))
    (found,) = find_suspects(swollen)
    assert 24.0 <= found.proximal_mm[0] <= 34.0
    assert 60.0 <= found.distal_mm[0] <= 70.0


def test_a_thin_vessel_that_seems_wide_where_it_fades_does_not_run_out():
    fades = ((25, 210, 0.7, 1.3), (14, 110, 1.4, 1.4), (14, 70, 1.6, 1.6))
    assert find_suspects(tree_of(vessel(*fades))) == []
    wide = ((25, 210, 1.3, 1.8), (14, 110, 1.4, 1.4), (14, 70, 1.6, 1.6))
    (found,) = find_suspects(tree_of(vessel(*wide)))
    assert found.runs_out


def test_a_vessel_that_is_suddenly_thin_has_lost_a_child_there():
    (stump,) = find_stumps(tree_of(vessel((40, 350, 1.5, 2.0), (40, 330, 0.85, 1.3))))
    assert stump.forked
    assert stump.end_mm[0] == pytest.approx(38.0, abs=3.0)
    assert 6.0 <= stump.end_mm[0] - stump.proximal_mm[0] <= 16.0


@pytest.mark.parametrize("lumen_mm", [0.95, 1.4])
def test_a_branch_that_leaves_there_makes_up_for_it(lumen_mm):
    trunk = vessel((40, 350, 1.5, 2.0), (40, 330, 0.85, 1.3))
    other = vessel(
        (30, 330, lumen_mm, 1.9), parent=0, parent_mm=38.0, start=(38.0, 0.0, 0.0), toward=(0.0, 1.0, 0.0)
    )  # fmt: skip
    assert not any(stump.forked for stump in find_stumps(tree_of(trunk, other)))


def test_a_side_branch_of_a_trunk_that_goes_on_has_lost_none():
    trunk = vessel((90, 350, 1.6, 2.0))
    side = vessel(
        *((4, 350, 1.6, 2.0), (40, 330, 0.8, 1.4)),
        parent=0, parent_mm=40.0, start=(40.0, 0.0, 0.0), toward=(0.0, 1.0, 0.0),
    )  # fmt: skip
    assert [stump.forked for stump in find_stumps(tree_of(trunk, side))] == [False]
