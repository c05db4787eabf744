"""A tree led on into what was measured beyond an occlusion."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.anatomy.from_segmentation import tree_of_segmentation
from recanal.anatomy.naming import Named
from recanal.anatomy.segmentation import VesselLines
from recanal.core.curves import Centerline
from recanal.pipeline.automatic import measure_automatic
from recanal.pipeline.beyond import led_beyond, segments_of


@pytest.fixture(scope="module")
def case():
    """The whole tree of a drawn artery, that part of it before the occlusion, and the measured occlusion."""
    drawing = draw(Scene())
    whole, stump = (
        tree_of_segmentation(drawing.volume, VesselLines((Centerline(points[::20]),), (None,)))
        for points in (drawing.axis_mm, drawing.axis_mm[: len(drawing.axis_mm) // 3])
    )
    (part,) = measure_automatic(drawing.volume, tree=whole).parts
    return whole, stump, part


def named(tree, scct, vessel):
    length = tree.branches[0].line.length_mm
    return replace(tree, named=(Named(0, 0.0, length, scct, vessel, 1.0),))


def search_for(tree):
    """A search that notes what it is led through."""
    asked = []

    def grown(through_mm=()):
        asked.append(through_mm)
        return tree

    return SimpleNamespace(tree=grown), asked


def test_the_artery_beyond_is_added_and_names_the_occlusion(case):
    whole, stump, part = case
    search, asked = search_for(named(whole, 7, "LAD"))
    tree, (told,) = led_beyond(search, stump, [part])
    assert tree.named[0].vessel == "LAD"
    assert (told.lesions[0].vessel, told.lesions[0].segments) == ("LAD", (7,))
    assert told.lesions[0].length_mm == part.lesions[0].length_mm
    ((curve,),) = asked
    arc = np.linalg.norm(np.diff(curve, axis=0), axis=1).sum()
    assert arc == pytest.approx(part.vessel.seed_mm[1] - part.vessel.seed_mm[0], abs=0.5)


def test_a_tree_that_lacks_nothing_stays(case):
    whole, _, part = case
    search, asked = search_for(named(whole, 7, "LAD"))
    assert led_beyond(search, whole, [part]) == (whole, [part])
    assert asked == []


def test_a_given_tree_and_one_that_is_doubted_more_stay(case):
    whole, stump, part = case
    assert led_beyond(None, stump, [part]) == (stump, [part])
    search, _ = search_for(replace(whole, doubts=(*stump.doubts, "only 3 mm were found")))
    assert led_beyond(search, stump, [part]) == (stump, [part])


def test_few_samples_are_no_segment(case):
    whole, _, part = case
    axis = part.vessel.line.points_mm
    assert segments_of(axis[:3], named(whole, 7, "LAD")) == ()
    assert segments_of(axis[:30], named(whole, 7, "LAD")) == (7,)
    assert segments_of(axis, named(whole, None, "LAD")) == ()
