"""What automatic mode says where nobody gave a seed, and where one vessel alone was asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.anatomy.from_segmentation import tree_of_segmentation
from recanal.anatomy.plausible import unlike_coronaries
from recanal.anatomy.segmentation import VesselLines
from recanal.core.case import Lesion
from recanal.core.curves import Centerline
from recanal.pipeline import automatic
from recanal.pipeline.automatic import measure_automatic
from recanal.pipeline.doubts import doubts_of


@pytest.fixture(scope="module")
def found():
    """A drawn artery with one occlusion, and what automatic mode makes of its axis."""
    drawing = draw(Scene())
    tree = tree_of_segmentation(drawing.volume, VesselLines((Centerline(drawing.axis_mm[::20]),), (None,)))
    return drawing, tree, measure_automatic(drawing.volume, tree=tree)


def test_no_seed_is_spoken_of_where_none_was_given(found):
    drawing, _, result = found
    (part,) = result.parts
    lesion = replace(part.lesions[0], bridge_confidence=0.01)
    gap = replace(part.vessel.gaps[0], start_mm=0.5, plaque_start_hu=1000.0)
    vessel = replace(part.vessel, gaps=(gap,), seed_mm=(0.0, part.vessel.line.length_mm))
    vessel = replace(
        vessel, lumen=replace(vessel.lumen, level_hu=np.linspace(100.0, 400.0, len(vessel.lumen.level_hu)))
    )
    bad = replace(part, vessel=vessel, lesions=(lesion,), quality=replace(part.quality, aorta_hu=900.0))
    given, automatic_words = (doubts_of(bad, drawing.volume, automatic=flag) for flag in (False, True))
    assert len(given) == len(automatic_words) >= 5
    assert sum("seed" in words for words in given) >= 5
    assert not any("seed" in words for words in automatic_words)
    assert "the vessel before the occlusion (100 HU) is far below the blood pool (900 HU)" in "; ".join(automatic_words)


def test_what_lies_outside_of_the_vessel_asked_for_is_said(found):
    drawing, tree, whole = found
    assert not any("searched" in flag for flag in whole.quality.flags)
    result = measure_automatic(drawing.volume, tree=tree, vessel="LCX")
    assert result.lesions == ()
    assert "only the LCX was searched, as asked: the other vessels were not looked at" in result.quality.flags
    assert (
        "a stretch without contrast was seen in another vessel and not measured: an artery without a name"
        in result.quality.flags
    )


def test_the_reasons_are_the_flags_that_fail(found):
    _, tree, result = found
    assert not result.quality.usable
    assert set(tree.doubts) <= set(result.quality.reasons) < set(result.quality.flags)


def test_a_tree_that_looks_like_none_is_not_trusted_and_a_given_one_is_not_judged(found, monkeypatch):
    drawing, tree, given = found
    monkeypatch.setattr(automatic, "find_tree", lambda volume, progress: tree)
    searched = measure_automatic(drawing.volume)
    (reason,) = unlike_coronaries(tree)  # no ostia, and no named main artery
    assert reason in searched.quality.reasons
    assert not searched.quality.usable
    assert reason not in given.quality.flags


@pytest.mark.parametrize(
    ("confidence", "said"),
    [(0.3, True), (0.6, False), (None, False)],
)
def test_low_confidence_without_a_vessel_shape_is_told_with_the_verdict(found, monkeypatch, confidence, said):
    drawing, tree, _ = found
    lesion = Lesion(
        "L1",
        "occlusion",
        None,
        bridge_confidence=confidence,
        flags=("low confidence in the axis through the occlusion: 22 % of the way shows no vessel shape",),
    )
    monkeypatch.setattr(automatic, "_with_run_outs", lambda lesions, suspects: (lesion,))
    flags = measure_automatic(drawing.volume, tree=tree).quality.flags
    assert any(flag.startswith("L1: low confidence, and no vessel shape") for flag in flags) is said
