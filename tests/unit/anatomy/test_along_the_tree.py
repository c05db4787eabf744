"""The way of the coronary tree is followed where the measured way left it and is not to be trusted, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.anatomy.paths import Link, Path
from recanal.closures.suspects import Suspect
from recanal.core.curves import Centerline
from recanal.pipeline.followed import FOLLOWED, along_the_tree
from recanal.pipeline.seeded import measure_seeded


@pytest.fixture(scope="module")
def drawn():
    drawing = draw(Scene(gaps_mm=((20.0, 40.0),), lumen_diameter_mm=3.0, noise_hu=20.0))
    proximal, distal = drawing.seeds()
    result = measure_seeded(drawing.volume, proximal, distal)
    path = Path((Link(0, float(drawing.arc_mm[-1]), 0.0),), drawing.axis_mm)
    cap = tuple(drawing.at(20.0).tolist())
    suspect = Suspect(path, 20.0, 40.0, tuple(proximal.tolist()), tuple(distal.tolist()), cap, "RCA")
    return drawing, suspect, result


def led_off(result, confidence, aside_mm):
    """The same, as if its way had led aside with some confidence."""
    vessel = result.vessel
    line = Centerline(vessel.line.points_mm + np.array([0.0, aside_mm, 0.0]))
    bridges = tuple(replace(bridge, confidence=confidence) for bridge in vessel.bridges)
    return replace(result, vessel=replace(vessel, sections=replace(vessel.sections, line=line), bridges=bridges))


def test_a_doubtful_way_aside_is_given_up_for_that_of_the_tree(drawn):
    drawing, suspect, result = drawn
    (lesion,) = along_the_tree(drawing.volume, suspect, led_off(result, 0.02, 6.0)).lesions
    caps = drawing.project(np.array([lesion.proximal_cap_mm, lesion.distal_cap_mm]))[0]
    assert caps == pytest.approx([20.0, 40.0], abs=0.6)
    assert FOLLOWED in lesion.flags


@pytest.mark.parametrize(("confidence", "aside_mm"), [(0.5, 6.0), (0.02, 1.0)])
def test_a_sure_way_and_one_that_keeps_to_the_tree_stay(drawn, confidence, aside_mm):
    drawing, suspect, result = drawn
    measured = led_off(result, confidence, aside_mm)
    assert along_the_tree(drawing.volume, suspect, measured) is measured


@pytest.mark.parametrize("change", [{"apart": True}, {"calcified": True}, {"cap_mm": (40.0, 20.0, 17.0)}])
def test_what_the_tree_did_not_lose_there_is_not_sought(drawn, change):
    drawing, suspect, result = drawn
    measured = led_off(result, 0.02, 6.0)
    assert along_the_tree(drawing.volume, replace(suspect, **change), measured) is measured
