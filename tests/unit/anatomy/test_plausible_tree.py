"""What is not taken for coronary arteries."""

from __future__ import annotations

import numpy as np
import pytest

from recanal.anatomy.aorta import Aorta
from recanal.anatomy.branches import Branch
from recanal.anatomy.mains import Mains
from recanal.anatomy.naming import Named
from recanal.anatomy.ostia import Ostium
from recanal.anatomy.paths import path_to
from recanal.anatomy.plausible import unlike_coronaries
from recanal.anatomy.tree import CoronaryTree
from recanal.core.curves import Centerline


def straight(length_mm):
    line = Centerline(np.linspace([0.0, 0.0, 0.0], [length_mm, 0.0, 0.0], round(2 * length_mm) + 1))
    ones = np.ones(len(line.arc_mm))
    return Branch(line, 400 * ones, ones, ones, -1, 0.0, "left")


def tree_of(*, mains=(160.0, 105.0, 140.0), sides=(30.0,) * 8, sided=("left", "right"), radius_mm=15.0):
    """A tree with these main arteries, side branches and ostia, on an aorta of one radius."""
    branches = tuple(straight(length) for length in (*mains, *sides))
    named = tuple(
        Named(k, 0.0, branch.line.length_mm, 1 if k < len(mains) else None, "RCA", 0.9)
        for k, branch in enumerate(branches)
    )
    paths = [path_to(list(branches), k) for k in range(len(mains))] + [None] * (3 - len(mains))
    levels = np.arange(0.0, 40.0, 2.0)
    centre = np.stack([0 * levels, 0 * levels, levels], axis=1)
    ostia = tuple(Ostium(0, np.array([15.0, 0.0, 20.0]), 0.0, side, 100.0, 500.0) for side in sided)
    aorta = Aorta(centre, np.full(len(levels), radius_mm), 400.0)
    return CoronaryTree(aorta, None, ostia, branches, Mains(*paths, 10.0, "right"), named)


def test_a_usual_tree_is_taken():
    assert unlike_coronaries(tree_of(), occlusions=3, doubtful=3) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sides": (4.0,) * 60}, "63 branches (45 at most are expected)"),
        ({"mains": (700.0, 700.0, 700.0)}, "2340 mm of vessel (1600 mm at most are expected)"),
        ({"sides": (42.0,) * 20}, "67 % of its length lies in side branches without a name"),  # 840 of 1245 mm
    ],
)
def test_one_strong_sign_suffices(changes, words):
    (reason,) = unlike_coronaries(tree_of(**changes))
    assert reason.startswith("this does not look like a coronary tree: ")
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {"sided": ("left",)},
        {"radius_mm": 24.0},
        {"radius_mm": 9.5},
        {"mains": (160.0, 20.0, 30.0), "sides": (9.0,) * 8},
    ],
)
def test_one_weak_sign_does_not_and_two_do(changes):
    tree = tree_of(**changes)
    assert unlike_coronaries(tree) == ()
    assert unlike_coronaries(tree, occlusions=4, doubtful=2) == ()
    (reason,) = unlike_coronaries(tree, occlusions=11, doubtful=11)
    assert reason.endswith("; 11 occlusions, 11 of them doubtful")


def test_nothing_found_is_doubted_elsewhere():
    assert unlike_coronaries(CoronaryTree(None, None)) == ()
