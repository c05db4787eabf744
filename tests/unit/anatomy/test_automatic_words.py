"""What automatic mode says where nobody gave a seed, and where one vessel alone was asked for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.anatomy.from_segmentation import tree_of_segmentation
from recanal.anatomy.plausible import unlike_coronaries
from recanal.anatomy.segmentation import VesselLines
from recanal.closures.suspects import chosen, find_suspects
from recanal.core.case import Interval, Lesion, Reference
from recanal.core.curves import Centerline
from recanal.errors import SeedError
from recanal.measure.lesion import WEAK_CONTRAST_HU, measure_lesions
from recanal.pipeline import AnalyzeRequest, automatic
from recanal.pipeline.analyze import analyze_volume
from recanal.pipeline.automatic import measure_automatic
from recanal.pipeline.doubts import (
    LEAST_CONTRAST_HU,
    cap_doubts,
    doubts_of,
    named_doubts,
    off_steps,
    perhaps_exchanged,
)
from recanal.quality.steps import SlabSteps
from recanal.stenosis import Stenosis, VesselGrade


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
    given, severe = (doubts_of(bad, drawing.volume, automatic=flag) for flag in (False, True))
    automatic_words = (*severe, *cap_doubts(bad))
    assert len(given) == len(automatic_words) + 1 >= 5  # that a cap is dim is told by its lesion
    assert sum("seed" in words for words in given) >= 5
    assert not any("seed" in words for words in automatic_words)
    assert "the vessel before the occlusion (100 HU) is far below the blood pool (900 HU)" in "; ".join(automatic_words)


@pytest.mark.parametrize(
    ("level_hu", "blood_hu", "told"), [(800.0, None, 1), (700.0, None, 0), (900.0, 800.0, 0), (955.0, 385.0, 1)]
)
def test_an_end_brighter_than_blood_can_be_is_doubted(found, level_hu, blood_hu, told):
    drawing, _, result = found
    (part,) = result.parts
    levels = np.linspace(level_hu, 400.0, len(part.vessel.lumen.level_hu))
    vessel = replace(part.vessel, lumen=replace(part.vessel.lumen, level_hu=levels))
    bright = replace(part, vessel=vessel, quality=replace(part.quality, aorta_hu=blood_hu))
    for automatic_mode in (False, True):
        said = [words for words in doubts_of(bright, drawing.volume, automatic=automatic_mode) if "calcium" in words]
        assert len(said) == told
        assert all(f"{level_hu:.0f} HU" in words for words in said)


@pytest.mark.parametrize(("level_hu", "told"), [(520.0, True), (480.0, False)])
def test_in_a_whole_view_less_is_needed_to_doubt_an_end_brighter_than_blood(found, monkeypatch, level_hu, told):
    drawing, _, result = found
    (part,) = result.parts
    levels = np.linspace(level_hu, 400.0, len(part.vessel.lumen.level_hu))
    vessel = replace(part.vessel, lumen=replace(part.vessel.lumen, level_hu=levels))
    bright = replace(part, vessel=vessel, quality=replace(part.quality, aorta_hu=360.0))
    assert "calcium" not in "; ".join(doubts_of(bright, drawing.volume))
    monkeypatch.setattr("recanal.quality.coverage.HEART_VIEW_MM", 10.0)
    assert ("calcium" in "; ".join(doubts_of(bright, drawing.volume))) is told
    assert "calcium" not in "; ".join(doubts_of(bright, drawing.volume, automatic=True))


@pytest.mark.parametrize(("widths_mm", "told"), [((2.0, 2.3), True), ((2.2, 2.3), False), ((None, 2.3), False)])
def test_a_vessel_wider_beyond_than_before_asks_whether_the_points_are_exchanged(found, widths_mm, told):
    (part,) = found[2].parts
    lesion = replace(part.lesions[0], reference=Reference(*widths_mm))
    said = perhaps_exchanged(replace(part, lesions=(lesion,)))
    assert [("wider beyond the occlusion (2.3 mm)" in words, "exchanged" in words) for words in said] == (
        [(True, True)] if told else []
    )
    assert perhaps_exchanged(replace(part, lesions=(replace(lesion, reference=None),))) == ()


def test_points_set_the_other_way_round_are_said_to_be_perhaps_exchanged():
    def flags(scene, *, turned):
        drawing = draw(scene)
        ends = [tuple(map(float, seed)) for seed in drawing.seeds()]
        request = AnalyzeRequest(None, None, *(ends[::-1] if turned else ends), vessel="RCA")
        return " ".join(analyze_volume(drawing.volume, request=request)[0].quality.flags)

    narrowing = Scene(lumen_diameter_mm=3.0, distal_diameter_mm=2.2)
    assert "exchanged" not in flags(narrowing, turned=False)
    assert "exchanged" in flags(narrowing, turned=True)


def test_a_cap_that_may_lie_elsewhere_is_a_doubt_of_its_lesion_alone(found, monkeypatch):
    drawing, tree, result = found
    (part,) = result.parts
    assert cap_doubts(part) == ()
    borders, open_mm = part.vessel.borders, part.vessel.line.arc_mm < part.vessel.gaps[0].end_mm + 1.0
    radius_mm = np.where(open_mm[:, None], borders.contours.lumen_radius_mm, 0.0)
    cut = replace(borders, contours=replace(borders.contours, lumen_radius_mm=radius_mm))
    short = replace(part, vessel=replace(part.vessel, borders=cut))
    (said,) = named_doubts(short, cap_doubts(short))
    assert said.startswith("L1: only ")
    assert said.endswith(" mm of open vessel was found beyond the distal cap: the cap may lie elsewhere")
    monkeypatch.setattr(automatic, "measure_seeded", lambda *_, **__: short)
    again = measure_automatic(drawing.volume, tree=tree)
    assert said in again.quality.flags
    assert said not in again.quality.reasons
    assert set(again.quality.reasons) == set(result.quality.reasons)


def test_a_dim_cap_is_told_once_by_the_flag_of_its_lesion(found):
    drawing, _, result = found
    (part,) = result.parts
    low = float(part.vessel.lumen.level_hu[-1]) - LEAST_CONTRAST_HU + 20.0
    dim = replace(part.vessel, gaps=(replace(part.vessel.gaps[0], plaque_end_hu=low),))
    (lesion,) = measure_lesions(dim, name=None)
    assert [flag for flag in lesion.flags if flag.startswith("lumen only 40 HU above the plaque next to a cap")]
    assert cap_doubts(replace(part, vessel=dim)) == ()
    seeded = doubts_of(replace(part, vessel=dim), drawing.volume)
    assert seeded == ("the lumen at the distal seed is only 40 HU above the plaque: the seed may lie in the occlusion",)
    assert LEAST_CONTRAST_HU <= WEAK_CONTRAST_HU  # else a dim cap could be a doubt that no flag tells


def test_farther_points_are_tried_where_the_near_ones_cannot_be_measured(found, monkeypatch):
    drawing, tree, result = found
    tried = []

    def refuses_first(volume, proximal_mm, distal_mm, *, name):
        tried.append((proximal_mm, distal_mm))
        if len(tried) == 1:
            raise SeedError("no way")
        return result.parts[0]

    monkeypatch.setattr(automatic, "measure_seeded", refuses_first)
    again = measure_automatic(drawing.volume, tree=tree)
    assert len(tried) == 2
    assert len(again.lesions) == 1
    assert not any("could not be measured" in flag for flag in again.quality.flags)


def test_a_stretch_that_no_points_can_measure_is_a_reason_not_to_trust_the_case(found, monkeypatch):
    drawing, tree, _ = found

    def refuses(*_, **__):
        raise SeedError("no way")

    monkeypatch.setattr(automatic, "measure_seeded", refuses)
    again = measure_automatic(drawing.volume, tree=tree)
    (reason,) = (text for text in again.quality.reasons if "could not be measured" in text)
    assert reason.endswith("could not be measured: no way")
    assert not again.quality.usable


def test_what_cannot_be_measured_and_looks_as_if_it_ran_out_runs_out(found, monkeypatch):
    drawing, tree, _ = found
    (suspect,) = find_suspects(tree)
    empty = replace(suspect, distal_mm=None)
    monkeypatch.setattr(automatic, "find_suspects", lambda _: [replace(suspect, otherwise=empty)])
    monkeypatch.setattr(automatic, "_traced", lambda *_: SeedError("no way"))
    (lesion,) = measure_automatic(drawing.volume, tree=tree).lesions
    assert lesion.length_mm is None
    assert lesion.distal_vessel.opacified is False
    assert lesion.proximal_cap_mm == suspect.cap_mm


@pytest.mark.parametrize(("confidence", "told"), [(0.9, 0), (0.2, 1)])
def test_what_narrows_and_fills_beyond_does_not_run_out(found, monkeypatch, confidence, told):
    drawing, tree, result = found
    (suspect,) = find_suspects(tree)
    empty = replace(suspect, distal_mm=None)
    (part,) = result.parts
    narrow = replace(part, lesions=(replace(part.lesions[0], bridge_confidence=confidence),))
    monkeypatch.setattr(automatic, "find_suspects", lambda _: [suspect, empty])
    monkeypatch.setattr(automatic, "_traced", lambda *_: narrow)
    monkeypatch.setattr(automatic, "_is_narrowing", lambda *_: True)
    assert len(measure_automatic(drawing.volume, tree=tree).lesions) == told


@pytest.mark.parametrize(("diameter_mm", "told"), [(1.5, 0), (1.7, 1), (None, 1)])
def test_a_stretch_that_leads_to_a_vessel_too_thin_to_tell_is_said_and_no_occlusion(
    found, monkeypatch, diameter_mm, told
):
    drawing, tree, result = found
    (suspect,) = find_suspects(tree)
    (part,) = result.parts
    size = replace(part.lesions[0].reference or Reference(), distal_diameter_mm=diameter_mm)
    thin = replace(part, lesions=(replace(part.lesions[0], reference=size),))
    empty = replace(suspect, distal_mm=None)
    monkeypatch.setattr(automatic, "find_suspects", lambda _: [replace(suspect, otherwise=empty)])
    monkeypatch.setattr(automatic, "_traced", lambda *_: thin)
    again = measure_automatic(drawing.volume, tree=tree)
    assert len(again.lesions) == told
    assert any("leads to a vessel too thin to tell" in flag for flag in again.quality.flags) is not bool(told)


@pytest.mark.parametrize(("length_mm", "apart", "told"), [(5.0, True, 0), (7.0, True, 1), (5.0, False, 1)])
def test_a_short_gap_to_a_vessel_that_the_tree_did_not_reach_is_none(found, monkeypatch, length_mm, apart, told):
    drawing, tree, result = found
    (suspect,) = find_suspects(tree)
    (part,) = result.parts
    length = replace(part.lesions[0].length_mm, value=length_mm)
    short = replace(part, lesions=(replace(part.lesions[0], length_mm=length),))
    monkeypatch.setattr(automatic, "find_suspects", lambda _: [replace(suspect, apart=apart)])
    monkeypatch.setattr(automatic, "_traced", lambda *_: short)
    assert len(measure_automatic(drawing.volume, tree=tree).lesions) == told


def test_calcified_stretches_beyond_six_are_told_and_not_measured(found):
    _, tree, _ = found
    (suspect,) = find_suspects(tree)
    calcified = [replace(suspect, calcified=True, vessel="LAD" if k % 2 else "RCA") for k in range(9)]
    kept, said = chosen([suspect, *calcified], None)
    assert kept == [suspect, *calcified[:6]]
    assert said == [
        "calcium on the axis of 3 more stretches (RCA, LAD) was not measured, only the 6 longest were",
    ]
    assert chosen([suspect, *calcified[:6]], None)[1] == []
    assert chosen([suspect, *calcified], "LAD") == (calcified[1::2], [])


def test_an_occlusion_is_kept_where_another_gap_of_the_vessel_is_too_short_to_count(found, monkeypatch):
    drawing, tree, result = found
    (part,) = result.parts
    (lesion,), (gap,) = part.lesions, part.vessel.gaps
    cap = tuple(float(x) for x in part.vessel.line.at([gap.start_mm - 8.0])[0])
    short = replace(lesion, length_mm=replace(lesion.length_mm, value=2.0), proximal_cap_mm=cap)
    first = replace(gap, start_mm=gap.start_mm - 8.0, end_mm=gap.start_mm - 6.0)
    vessel = replace(part.vessel, gaps=(first, gap), bridges=(*part.vessel.bridges, *part.vessel.bridges))
    two = replace(part, vessel=vessel, lesions=(short, lesion))
    monkeypatch.setattr(automatic, "measure_seeded", lambda *_, **__: two)
    (kept,) = measure_automatic(drawing.volume, tree=tree).parts
    assert kept.vessel.gaps == (gap,)
    assert len(kept.vessel.bridges) == 1
    assert kept.lesions[0].length_mm == lesion.length_mm


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
    monkeypatch.setattr(automatic, "TreeSearch", lambda volume, progress: SimpleNamespace(tree=lambda: tree))
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
    monkeypatch.setattr(automatic, "with_run_outs", lambda *_: (lesion,))
    flags = measure_automatic(drawing.volume, tree=tree).quality.flags
    assert any(flag.startswith("L1: low confidence, and no vessel shape") for flag in flags) is said


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("not judged: no contrast on the axis (54 HU): it lies beside the artery, or the artery is shut", True),
        ("not judged: contrast or calcium lies beside the axis, 90 HU brighter than it", False),
    ],
)
def test_a_dark_stretch_that_was_not_judged_is_told_with_the_verdict(found, monkeypatch, flag, said):
    drawing, tree, _ = found
    share = Interval(92.0, 80.0, 100.0)
    narrow = Stenosis("RCA", "mRCA", (0.0, 0.0, 0.0), 40.0, 9.0, share, share, 0.3, 3.5, "4A", False, False, (flag,))
    grade = VesselGrade("RCA", 80.0, 3.5, 0.0, "0", ("0",), (narrow,))
    monkeypatch.setattr(automatic, "graded_arteries", lambda *args: (grade,))
    flags = measure_automatic(drawing.volume, tree=tree).quality.flags
    assert ("no contrast on the axis of mRCA, not judged: is it an occlusion?" in flags) is said


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(("calcium_mm", "told"), [(1.0, False), (5.0, True)])
def test_calcium_that_hides_the_lumen_of_an_open_or_narrow_vessel_is_told(found, monkeypatch, calcium_mm, told, narrow):
    drawing, tree, result = found
    (part,) = result.parts
    lumen, arc = part.vessel.lumen, part.vessel.line.arc_mm
    middle = sum(part.vessel.seed_mm) / 2
    beside = np.abs(arc - middle - 7.0) < 0.5  # another one is not counted with it
    bright = np.where(beside | (np.abs(arc - middle) < calcium_mm / 2), lumen.level_hu + 300.0, lumen.level_hu)
    vessel = replace(part.vessel, lumen=replace(lumen, core_hu=bright))
    monkeypatch.setattr(automatic, "_is_narrowing", lambda *_: True)
    if not narrow:
        vessel, part = replace(vessel, gaps=(), bridges=()), replace(part, lesions=())
    monkeypatch.setattr(automatic, "measure_seeded", lambda *_, **__: replace(part, vessel=vessel))
    again = measure_automatic(drawing.volume, tree=tree)
    assert again.lesions == ()
    (suspect,) = find_suspects(tree)
    place = f"over 5 mm, {suspect.start_mm:.0f} mm from the aorta: is it open?"
    assert (f"calcium hides the lumen of an artery without a name {place}" in again.quality.flags) is told
    assert not any("calcium hides" in reason for reason in again.quality.reasons)


def test_a_short_dark_stretch_where_slabs_do_not_meet_is_told_and_no_occlusion(found):
    drawing, _, result = found
    (part,) = result.parts
    gap, arc = part.vessel.gaps[0], part.vessel.line.arc_mm
    short = replace(part, vessel=replace(part.vessel, gaps=(replace(gap, end_mm=gap.start_mm + 3.0),)))
    inside = part.vessel.line.points_mm[(arc >= gap.start_mm) & (arc <= gap.start_mm + 3.0)]
    at = round(float(drawing.volume.affine.to_index(inside)[:, 0].mean()))
    kept, (said,) = off_steps([short], drawing.volume, SlabSteps(2.0, (at,)))
    assert kept == []
    assert "3.0 mm without contrast where two slabs do not meet" in said
    for one, steps in ((part, (2.0, (at,))), (short, (2.0, (at + 20,))), (short, (0.8, (at,))), (short, (0.0, ()))):
        kept, said = off_steps([one], drawing.volume, SlabSteps(*steps))
        assert [k.lesions for k in kept] == [one.lesions]
        assert said == []
    lost = replace(short.vessel, gaps=(replace(gap, end_mm=gap.start_mm + 8.0),))
    for confidence, left in ((0.1, 0), (0.5, 1)):
        lesions = (replace(part.lesions[0], bridge_confidence=confidence),)
        astray = replace(short, vessel=lost, lesions=lesions)
        assert len(off_steps([astray], drawing.volume, SlabSteps(2.0, (at,)))[0]) == left
