"""Names and dominance of trees drawn in the frame of a heart, without a picture."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from recanal.anatomy.branches import Branch
from recanal.anatomy.chamber import Heart
from recanal.anatomy.mains import crux_mm, find_mains, levelled, offshoots, places_of, posterolateral
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


def numbers(branches, mains, heart=HEART):
    named = name_segments(branches, heart, mains)
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


@pytest.mark.parametrize("dominance", ["right", "left", "co"])
def test_a_root_found_too_low_is_lifted_to_the_nearest_origin(dominance):
    branches = tree(dominance)
    low = replace(HEART, root_mm=ROOT + 24.0 * APEX)
    found = levelled(low, branches)
    level = places_of(found, branches[1].line.points_mm[:1]).along_mm[0]
    assert abs(level) < 3.0
    mains = find_mains(branches, found)
    assert mains.dominance == dominance
    assert numbers(branches, mains, found) == numbers(branches, find_mains(branches, HEART))
    assert levelled(HEART, branches) is HEART
    assert levelled(HEART, []) is HEART


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


def test_a_wide_left_main_hides_where_the_ramus_leaves():
    branches = tree("right")
    start = on(branches[1], 18.0)
    branches.append(branch((20, -26, 34), (45, -28, 35), parent=1, parent_mm=18.0, start=start, lumen_mm=1.0))
    assert numbers(branches, find_mains(branches, HEART))[7] == [9]
    lumen_mm = np.where(branches[1].arc_mm < 20.0, 3.0, 1.2)
    branches[1] = replace(branches[1], lumen_mm=lumen_mm)
    assert numbers(branches, find_mains(branches, HEART))[7] == [17]


def test_a_first_marginal_whose_line_begins_at_the_fork_is_no_ramus():
    branches = tree("right")
    lcx = branches[2]
    way = lcx.line.at(np.arange(4.0, 22.0, 2.0))
    far = [(28, -72, 36), (45, -72, 36)]
    line = Centerline(np.concatenate([way, np.array([at(*place) for place in far])])).resample(0.5)
    n = len(line.points_mm)
    branches.append(Branch(line, np.full(n, 300.0), np.full(n, 0.9), np.full(n, 1.4), 2, 4.0, "left"))
    assert numbers(branches, find_mains(branches, HEART))[7] == [12]


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


def found(branches):
    """Mains, and the numbers by branch."""
    mains = find_mains(branches, HEART)
    return mains, numbers(branches, mains)


def test_the_crux_is_where_the_artery_turns_towards_the_apex():
    rca = path_to(tree("right"), 0)
    where = places_of(HEART, rca.points_mm)
    crux = crux_mm(rca, HEART)
    angle = float(np.interp(crux, rca.arc_mm, where.angle_deg))
    along = float(np.interp(crux, rca.arc_mm, where.along_mm))
    assert 140 < angle < 160
    assert 4 < along < 18


def test_an_artery_that_stays_in_the_groove_has_its_crux_at_its_end():
    rca = path_to(tree("left"), 0)
    assert crux_mm(rca, HEART) == rca.length_mm


def test_a_posterolateral_branch_leaves_to_the_left_and_a_right_ventricular_one_does_not():
    branches = tree("right")
    rca = path_to(branches, 0)
    crux = crux_mm(rca, HEART)
    start = on(branches[0], crux)
    branches.append(branch((30, 130, 44), (50, 120, 46), parent=0, parent_mm=crux, side="right", start=start))
    assert [shoot.branch for shoot in posterolateral(branches, HEART, rca)] == [6]


@pytest.mark.parametrize(("tail_deg", "dominance"), [(-170, "co"), (-140, "right")])
def test_without_a_posterolateral_branch_the_end_of_the_circumflex_decides(tail_deg, dominance):
    branches = tree("right")[:6]
    start = on(branches[1], 12.0)
    groove = [(6, -50, 33), (8, -80, 33), (8, -105, 34), (10, -130, 34), (14, tail_deg + 10, 35)]
    tail = [(40, tail_deg, 37), (62, tail_deg, 33)]
    branches[2] = branch(*groove, *tail, parent=1, parent_mm=12.0, start=start)
    mains = find_mains(branches, HEART)
    assert mains.dominance == dominance
    assert mains.dominance_confidence <= 0.95


def test_an_artery_without_posterolateral_branches_shares_the_wall_with_a_circumflex_that_is_not_seen_to_end():
    branches = tree("right")[:6]
    branches[2] = branch((6, -50, 33), (8, -80, 33), parent=1, parent_mm=12.0, start=on(branches[1], 12.0))
    mains = find_mains(branches, HEART)
    assert (mains.dominance, mains.dominance_confidence) == ("co", pytest.approx(0.5))
    assert find_mains([*branches, tree("right")[6]], HEART).dominance == "right"


@pytest.mark.parametrize(("share", "dominance"), [(0.2, "co"), (1.0, "right")])
def test_a_stub_at_the_crux_is_no_posterolateral_branch(share, dominance):
    whole, branches = tree("right"), tree("co")
    lateral = whole[6]
    keep = lateral.arc_mm <= share * lateral.line.length_mm
    points = Centerline(lateral.line.points_mm[keep])
    n = len(points.points_mm)
    stub = replace(lateral, line=points, core_hu=np.full(n, 300.0), lumen_mm=np.full(n, 1.0), outer_mm=np.full(n, 1.5))
    assert find_mains([*branches, stub], HEART).dominance == dominance


def test_the_confidence_in_the_dominance_is_low_next_to_the_limit_and_the_names_follow_it():
    branches = tree("right")[:6]
    start = on(branches[1], 12.0)
    groove = [(6, -50, 33), (8, -80, 33), (8, -105, 34), (10, -130, 34), (14, -150, 35)]
    branches[2] = branch(*groove, (40, -159, 37), (62, -159, 33), parent=1, parent_mm=12.0, start=start)
    mains = find_mains(branches, HEART)
    assert mains.dominance_confidence < 0.75
    for item in name_segments(branches, HEART, mains):
        if item.scct in (4, 15, 16, 18):
            assert item.confidence <= mains.dominance_confidence


def without_posterior_artery(*tail):
    """A right coronary artery lost before the crux, and a circumflex with a tail."""
    branches = tree("right")[:6]
    branches[0] = branch((0, 60, 40), (0, 85, 54), (3, 108, 56), (6, 130, 50), (8, 140, 44), side="right")
    groove = [(6, -50, 33), (8, -80, 33), (8, -105, 34), (10, -130, 34), (14, -145, 35)]
    branches[2] = branch(*groove, *tail, parent=1, parent_mm=12.0, start=on(branches[1], 12.0))
    return branches


def test_a_posterior_artery_that_was_not_found_is_inferred_with_little_confidence():
    mains = find_mains(without_posterior_artery((40, -148, 37), (62, -148, 33)), HEART)
    assert mains.dominance == "right"
    assert mains.dominance_confidence == pytest.approx(0.4)


def test_nothing_is_inferred_where_the_circumflex_is_not_seen_to_end():
    mains = find_mains(without_posterior_artery(), HEART)
    assert mains.rca is not None
    assert mains.dominance is None


def test_a_small_right_artery_speaks_for_left_dominance_where_no_posterior_artery_is_seen():
    branches = without_posterior_artery()
    branches[0] = replace(branches[0], lumen_mm=np.full_like(branches[0].lumen_mm, 0.8))
    mains = find_mains(branches, HEART)
    assert (mains.dominance, mains.dominance_confidence) == ("left", pytest.approx(0.4))


def test_a_branch_keeps_its_number_when_the_found_line_runs_on_from_the_main_artery_into_it():
    branches = tree("right")
    rest = [(15, 18, 34), (30, 28, 35), (42, 31, 36), (62, 34, 33), (80, 40, 26)]
    branches[1] = branch((-2, -22, 14), (-1, -20, 25), (5, 0, 30), (20, 2, 34), (35, -2, 37), (50, -6, 36))
    split = 32.0
    branches[3] = branch(*rest, parent=1, parent_mm=split, start=on(branches[1], split))
    branches[4] = branch((30, 26, 20), (33, 28, 14), parent=3, parent_mm=20.0, start=on(branches[3], 20.0))
    mains, number = found(branches)
    assert [link.branch for link in mains.lad.links] == [1, 3]
    assert number[1] == [5, 6, 9]
    assert number[3] == [7, 8]


def test_a_vessel_that_stays_beside_the_artery_has_no_number():
    branches = tree("right")
    beside = [(along, angle - 7, 37) for along, angle in ((30, 25), (42, 28), (55, 30), (66, 32))]
    branches.append(branch(*beside, parent=1, parent_mm=38.0, start=on(branches[1], 38.0), lumen_mm=1.0))
    _, number = found(branches)
    assert number[3] == [9]
    assert number[7] == [None]


def test_branches_are_counted_where_they_part_from_the_artery_not_where_their_lines_begin():
    branches = tree("right")
    lcx = branches[2]
    far = [(28, -98, 37), (45, -100, 36)]
    way = lcx.line.at(np.arange(20.0, 48.0, 2.0))
    line = Centerline(np.concatenate([way, np.array([at(*place) for place in far])])).resample(0.5)
    n = len(line.points_mm)
    second = Branch(line, np.full(n, 300.0), np.full(n, 0.9), np.full(n, 1.4), 2, 20.0, "left")
    branches.append(second)
    shoots = [(shoot.branch, shoot.at_mm) for shoot in offshoots(path_to(branches, 2), branches)]
    assert [k for k, _ in shoots] == [1, 5, 7]
    assert dict(shoots)[7] > 12.0 + 40.0
    _, number = found(branches)
    assert number[5] == [12]
    assert number[7] == [14]


def test_a_branch_of_the_circumflex_towards_the_atrium_is_no_marginal():
    branches = tree("right")
    start = on(branches[2], 14.0)
    branches.append(branch((-5, -72, 40), (-22, -78, 42), parent=2, parent_mm=14.0, start=start))
    _, number = found(branches)
    assert number[7] == [None]
    assert number[5] == [12]


def test_two_branches_from_one_origin_are_one_diagonal():
    branches = tree("right")
    twin = branch((18, 8, 36), (26, 12, 38), (36, 15, 38), parent=3, parent_mm=3.0, start=on(branches[3], 3.0))
    branches.append(twin)
    _, number = found(branches)
    assert number[3] == [9]
    assert number[7] == [9]


def test_the_middle_of_the_lad_ends_half_way_to_the_apex_not_to_the_end_of_a_vessel_around_it():
    short, around = tree("right"), tree("right")
    more = [(-2, -22, 14), (-1, -20, 25), (5, 0, 30), (22, 24, 34), (42, 31, 36), (62, 34, 33), (80, 40, 26)]
    around[1] = branch(*more, (78, 90, 20), (70, 130, 24))
    ends = []
    for branches in (short, around):
        named = name_segments(branches, HEART, find_mains(branches, HEART))
        ends += [item.end_mm for item in named if item.scct == 7]
    assert ends[1] == pytest.approx(ends[0], abs=0.6)


def test_in_left_dominance_the_branches_of_the_inferior_wall_are_posterolateral():
    branches = tree("left")
    lcx = path_to(branches, 2)
    angle = places_of(HEART, lcx.points_mm).angle_deg
    behind = float(lcx.arc_mm[np.argmax(angle < -160)])
    stem_mm = behind - 12.0
    start = on(branches[2], stem_mm)
    branches.append(branch((30, -165, 37), (45, -168, 36), parent=2, parent_mm=stem_mm, start=start))
    mains, number = found(branches)
    assert mains.dominance == "left"
    assert number[6] == [18]


def test_a_first_marginal_far_from_the_left_main_is_named_with_less_confidence():
    branches = tree("right")
    sure = {item.scct: item.confidence for item in name_segments(branches, HEART, find_mains(branches, HEART))}
    start = on(branches[2], 55.0)
    branches[5] = branch((25, -108, 37), (42, -108, 36), parent=2, parent_mm=55.0, start=start, lumen_mm=0.9)
    less = {item.scct: item.confidence for item in name_segments(branches, HEART, find_mains(branches, HEART))}
    assert less[12] < sure[12]
