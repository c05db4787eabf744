"""Names and dominance of trees drawn in the frame of a heart, without a picture."""

from itertools import pairwise

import numpy as np
import pytest

from recanal.anatomy.branches import Branch
from recanal.anatomy.chamber import Heart
from recanal.anatomy.mains import find_mains, places_of
from recanal.anatomy.naming import SCCT_NAMES, name_segments
from recanal.anatomy.paths import path_to
from recanal.core.curves import Centerline

APEX = np.array([0.64, -0.52, -0.57]) / np.linalg.norm([0.64, -0.52, -0.57])
UP = np.array([0, 0, 1.0]) - APEX[2] * APEX
UP /= np.linalg.norm(UP)
RIGHT = np.cross(APEX, UP)
ROOT = np.array([15.0, -20.0, -100.0])
VENTRICLE = ROOT + 35 * APEX + np.array([1.0, 2.0, 0.0])
HEART = Heart(ROOT, np.stack([VENTRICLE, ROOT]), VENTRICLE, ROOT + np.array([0.0, 25.0, 0.0]), APEX)


def at(along_mm, angle_deg, depth_mm):
    """A place given as it is seen from the left ventricle."""
    angle = np.deg2rad(angle_deg)
    across = depth_mm * (np.cos(angle) * UP + np.sin(angle) * RIGHT)
    centre = VENTRICLE - ((VENTRICLE - ROOT) @ APEX) * APEX
    return centre + along_mm * APEX + across


def branch(*places, parent=-1, parent_mm=0.0, side="left", lumen_mm=1.2, start=None):
    corners = np.array([at(*place) for place in places])
    if start is not None:
        corners = np.concatenate([[start], corners])
    fine = np.concatenate([np.linspace(a, b, 40, endpoint=False) for a, b in pairwise(corners)])
    line = Centerline(np.concatenate([fine, corners[-1:]])).resample(0.5)
    n = len(line.points_mm)
    return Branch(line, np.full(n, 300.0), np.full(n, lumen_mm), np.full(n, lumen_mm + 0.5), parent, parent_mm, side)


def on(stem, mm):
    return stem.line.at([mm])[0]


def tree(dominance):
    """The three main arteries with a diagonal, a marginal, a septal and, where they belong, posterior branches."""
    groove = [(0, 60, 40), (0, 85, 54), (3, 108, 56), (6, 130, 50), (8, 145, 42)]
    tail = [(16, 156, 38), (40, 157, 38), (64, 154, 33)]
    rca = branch(*groove, *([] if dominance == "left" else tail), side="right")
    lad = branch((-2, -22, 14), (-1, -20, 25), (5, 0, 30), (22, 24, 34), (42, 31, 36), (62, 34, 33), (80, 40, 26))
    start = on(lad, 12.0)
    round_mm = [(6, -50, 33), (8, -80, 33), (8, -105, 34), (10, -130, 34), (14, -150, 35)]
    end = {"right": [], "co": [(40, -166, 37), (60, -170, 33)], "left": [(12, -172, 34), (14, 175, 33), (20, 162, 34)]}
    end["left"] += [(40, 155, 36), (62, 151, 31)]
    lcx = branch(*round_mm, *end[dominance], parent=1, parent_mm=12.0, start=start)
    d1 = branch((20, 5, 35), (35, 0, 37), (50, -5, 36), parent=1, parent_mm=30.0, start=on(lad, 30.0), lumen_mm=0.9)
    sep = branch((30, 28, 20), (33, 30, 14), parent=1, parent_mm=45.0, start=on(lad, 45.0), lumen_mm=0.5)
    om = branch((20, -75, 35), (40, -75, 35), parent=2, parent_mm=28.0, start=on(lcx, 28.0), lumen_mm=0.9)
    branches = [rca, lad, lcx, d1, sep, om]
    if dominance == "right":
        crux = path_to(branches, 0)
        mm = float(crux.arc_mm[np.argmax(places_of(HEART, crux.points_mm).along_mm > 15)])
        plb = branch((30, 180, 40), (45, -170, 38), parent=0, parent_mm=mm, side="right", start=on(rca, mm))
        branches.append(plb)
    return branches


def numbers(branches, mains):
    named = name_segments(branches, HEART, mains)
    return {k: [n.scct for n in named if n.branch == k] for k in range(len(branches))}


def test_places_are_those_that_were_asked_for():
    where = np.stack([at(10, 60, 30), at(-5, -120, 40)])
    found = places_of(HEART, where)
    assert found.along_mm == pytest.approx([10, -5])
    assert found.angle_deg == pytest.approx([60, -120])
    assert found.depth_mm == pytest.approx([30, 40])


@pytest.mark.parametrize(
    ("dominance", "rca", "lcx"),
    [("right", [1, 2, 3, 4], [11, 13]), ("co", [1, 2, 3, 4], [11, 13, 18]), ("left", [1, 2, 3], [11, 13, 15])],
)
def test_dominance_and_the_numbers_that_follow_from_it(dominance, rca, lcx):
    branches = tree(dominance)
    mains = find_mains(branches, HEART)
    assert mains.dominance == dominance
    assert mains.fork_mm == pytest.approx(12.0)
    found = numbers(branches, mains)
    assert found[0] == rca
    assert found[1] == [5, 6, 7, 8]
    assert found[2] == lcx
    assert found[3] == [9]
    assert found[4] == [None]
    assert found[5] == [12]
    if dominance == "right":
        assert found[6] == [16]


def test_the_proximal_segments_end_where_the_first_branch_leaves():
    branches = tree("right")
    named = name_segments(branches, HEART, find_mains(branches, HEART))
    (proximal,) = [n for n in named if n.scct == 6]
    (circumflex,) = [n for n in named if n.scct == 11]
    assert (proximal.start_mm, proximal.end_mm) == pytest.approx((12.0, 30.0))
    assert circumflex.end_mm == pytest.approx(28.0)
    assert {n.name for n in named if n.scct} <= set(SCCT_NAMES.values())


def test_a_vessel_from_the_fork_over_the_free_wall_is_a_ramus():
    branches = tree("right")
    start = on(branches[1], 14.0)
    branches.append(branch((20, -26, 34), (45, -28, 35), parent=1, parent_mm=14.0, start=start, lumen_mm=1.0))
    assert numbers(branches, find_mains(branches, HEART))[7] == [17]


def test_without_a_posterior_artery_the_dominance_is_not_told():
    branches = tree("right")[1:6]
    moved = [
        Branch(b.line, b.core_hu, b.lumen_mm, b.outer_mm, b.parent - (b.parent >= 0), b.parent_mm, b.side)
        for b in branches
    ]
    mains = find_mains(moved, HEART)
    assert mains.rca is None
    assert mains.dominance is None


def test_every_millimetre_has_one_name():
    branches = tree("left")
    named = name_segments(branches, HEART, find_mains(branches, HEART))
    for k, item in enumerate(branches):
        own = sorted((n.start_mm, n.end_mm) for n in named if n.branch == k)
        assert sum(end - start for start, end in own) == pytest.approx(item.line.length_mm, abs=1.0)
        assert all(b[0] >= a[1] - 1e-6 for a, b in pairwise(own))
