"""The way of the coronary tree is followed where the measured way left it and is not to be trusted, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.anatomy.paths import Link, Path
from recanal.closures.suspects import Suspect
from recanal.core.curves import Centerline
from recanal.pipeline.followed import CONFIRMED, FOLLOWED, along_the_tree, goes_back, led_farther
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


def first_part(result, *, end_mm=30.0, dim=0.3, start_mm=None):
    """The same, as if it had ended in bright plaque."""
    vessel = result.vessel
    (gap,) = vessel.gaps
    level = vessel.lumen.level_hu
    level = np.linspace(level[0], 60.0 + dim * (level[0] - 60.0), len(level))
    gap = replace(gap, start_mm=gap.start_mm if start_mm is None else start_mm, end_mm=end_mm)
    return replace(result, vessel=replace(vessel, gaps=(gap,), lumen=replace(vessel.lumen, level_hu=level)))


def test_an_occlusion_that_ends_in_plaque_is_explained_by_the_one_that_leads_on(drawn):
    *_, result = drawn
    farther = led_farther(first_part(result), [result])
    assert farther.vessel is result.vessel
    (lesion,) = farther.lesions
    assert lesion.bridge_confidence == pytest.approx(0.1)
    assert CONFIRMED in lesion.flags


@pytest.mark.parametrize(
    "change",
    [
        {"dim": 0.9},  # a bright vessel beyond
        {"end_mm": 38.5},  # hardly shorter
        {"start_mm": 26.0},  # begins elsewhere
    ],
)
def test_what_is_sure_as_long_or_elsewhere_is_not_led_farther(drawn, change):
    *_, result = drawn
    assert led_farther(first_part(result, **change), [result]) is None
    assert led_farther(first_part(result), [led_off(result, 0.02, 2.5)]) is None


def test_a_way_back_towards_the_aorta_is_told_from_one_onward(drawn):
    drawing, suspect, result = drawn
    assert not goes_back(suspect, result)
    turned = replace(result, vessel=replace(result.vessel, seed_mm=(30.0, 50.0)))
    assert goes_back(suspect, turned)
    aside = replace(suspect, path=replace(suspect.path, points_mm=drawing.axis_mm + np.array([0.0, 4.0, 0.0])))
    assert not goes_back(aside, turned)
