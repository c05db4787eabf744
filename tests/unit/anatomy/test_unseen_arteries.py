"""When a picture does not show all of the coronary arteries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recanal.anatomy.branches import Branch
from recanal.anatomy.mains import Mains
from recanal.anatomy.naming import Named
from recanal.anatomy.paths import path_to
from recanal.anatomy.tree import CoronaryTree
from recanal.core.case import Lesion
from recanal.core.curves import Centerline
from recanal.core.volume import Affine, Volume
from recanal.pipeline.edges import unseen_arteries

RCA, LAD, LCX = range(3)


def straight(tree_mm, length_mm, outer_mm=1.5):
    """A branch along x, ``tree_mm`` beside the others."""
    points = np.linspace([10.0, tree_mm, 20.0], [10.0 + length_mm, tree_mm, 20.0], round(2 * length_mm) + 1)
    ones = np.ones(len(points))
    return Branch(Centerline(points), 400 * ones, outer_mm * ones, outer_mm * ones, -1, 0.0, "left")


def tree_of(lengths_mm=(100.0, 100.0, 100.0), *, outer_mm=1.5, without=()):
    """Three main arteries 20 mm apart, those of ``without`` not taken for one."""
    branches = tuple(straight(20.0 + 20.0 * k, length, outer_mm) for k, length in enumerate(lengths_mm))
    numbers = {RCA: (1, "RCA"), LAD: (6, "LAD"), LCX: (11, "LCX")}
    named = tuple(Named(k, 0.0, lengths_mm[k], *numbers[k], 0.9) for k in range(3) if k not in without)
    paths = [None if k in without else path_to(list(branches), k) for k in range(3)]
    return CoronaryTree(None, None, (), branches, Mains(*paths, 10.0, "right"), named)


def picture(width_mm=150):
    return Volume(np.zeros((width_mm + 1, 91, 41), np.int16), Affine.from_spacing((1.0, 1.0, 1.0)))


def test_arteries_that_lie_within_the_picture_are_seen():
    assert unseen_arteries(picture(), tree_of()) == ()


@pytest.mark.parametrize("beyond_mm", [0.5, 2.0])
def test_an_artery_that_ends_wide_at_the_edge_is_cut(beyond_mm):
    volume = picture(130)
    (reason,) = unseen_arteries(volume, tree_of((100.0, 120.0 - beyond_mm, 100.0)))
    assert reason.startswith("cut by the edge of the picture where still wide: LAD (3.0 mm)")
    assert unseen_arteries(volume, tree_of((100.0, 115.0, 100.0))) == ()


def test_an_artery_that_grazes_a_face_where_it_is_thin_is_still_seen_to_leave_the_picture_farther_on():
    tree = tree_of()
    points = np.linspace([10.0, 20.0, 20.0], [129.0, 20.0, 20.0], 239)
    points[20:40, 1] = 1.0
    outer = np.where(np.arange(239) < 60, 0.8, 1.5)
    branch = Branch(Centerline(points), np.full(239, 400.0), outer, outer, -1, 0.0, "left")
    named = (replace(tree.named[0], end_mm=branch.line.length_mm), *tree.named[1:])
    (reason,) = unseen_arteries(picture(130), replace(tree, branches=(branch, *tree.branches[1:]), named=named))
    assert "RCA (3.0 mm)" in reason


@pytest.mark.parametrize(("fill_hu", "cut"), [(-1024, True), (-3024, True), (-500, False)])
def test_what_the_scanner_filled_up_is_an_edge_too(fill_hu, cut):
    hu = np.zeros((151, 91, 41), np.int16)
    hu[131:] = fill_hu
    (*reasons,) = unseen_arteries(Volume(hu, picture().affine), tree_of((100.0, 119.0, 100.0)))
    assert bool(reasons) is cut


def test_air_within_the_picture_is_no_edge():
    hu = np.zeros((151, 91, 41), np.int16)
    hu[131:145, 5:85, 5:35] = -1024
    assert unseen_arteries(Volume(hu, picture().affine), tree_of((100.0, 119.0, 100.0))) == ()


def test_an_artery_that_has_become_thin_may_end_there():
    tree = tree_of((100.0, 120.0, 100.0), outer_mm=1.1)
    assert unseen_arteries(picture(130), tree) == ()


def test_a_side_branch_without_a_number_may_leave_the_picture():
    tree = tree_of((100.0, 120.0, 100.0))
    bare = tuple(replace(item, scct=None) if item.branch == LAD else item for item in tree.named)
    assert unseen_arteries(picture(130), replace(tree, named=bare)) == ()


@pytest.mark.parametrize(("absent", "name"), [(RCA, "RCA"), (LAD, "LAD"), (LCX, "LCX")])
def test_a_main_artery_that_is_missing_is_named(absent, name):
    (reason,) = unseen_arteries(picture(), tree_of(without=(absent,)))
    assert reason.startswith(f"the {name} was not found")


def test_a_missing_artery_whose_occlusion_was_found_is_not_missing():
    tree = tree_of(without=(LCX,))
    assert unseen_arteries(picture(), tree, [Lesion(id="L1", kind="occlusion", vessel="LCX")]) == ()
    assert unseen_arteries(picture(), tree, [Lesion(id="L1", kind="occlusion", vessel="LM")]) == ()
    assert unseen_arteries(picture(), tree, [Lesion(id="L1", kind="occlusion", vessel="RCA")]) != ()


def test_where_several_are_missing_the_tree_has_said_so():
    assert unseen_arteries(picture(), tree_of(without=(LAD, LCX))) == ()


def test_only_the_artery_that_is_asked_about_counts():
    cut = tree_of((100.0, 120.0, 100.0), without=(RCA,))
    reasons = {vessel: unseen_arteries(picture(130), cut, vessel=vessel) for vessel in ("RCA", "LAD", "LCX")}
    assert [len(reasons[vessel]) for vessel in ("RCA", "LAD", "LCX")] == [1, 1, 0]


def test_a_tree_without_names_is_doubted_elsewhere():
    assert unseen_arteries(picture(), replace(tree_of(), mains=None)) == ()
    assert unseen_arteries(picture(), CoronaryTree(None, None)) == ()
