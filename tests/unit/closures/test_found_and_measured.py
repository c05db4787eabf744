"""Which of the stretches that were measured count as occlusions, and with which points they are measured."""

from dataclasses import replace

import numpy as np
import pytest

from analytic_tube import Scene, draw
from recanal.anatomy.from_segmentation import tree_of_segmentation
from recanal.anatomy.segmentation import VesselLines
from recanal.closures.suspects import Suspect
from recanal.core.case import Reference
from recanal.core.curves import Centerline
from recanal.errors import ApartError, SeedError
from recanal.pipeline import automatic
from recanal.pipeline.automatic import measure_automatic
from recanal.pipeline.run_outs import with_run_outs


@pytest.fixture(scope="module")
def found():
    """A drawn artery with one occlusion, its axis, and what automatic mode makes of it."""
    drawing = draw(Scene())
    tree = tree_of_segmentation(drawing.volume, VesselLines((Centerline(drawing.axis_mm[::20]),), (None,)))
    return drawing, tree, measure_automatic(drawing.volume, tree=tree)


def again(found, monkeypatch, *, gap=None, lesion=None):
    """Automatic mode where each measurement gives another gap or lesion."""
    drawing, tree, result = found
    (part,) = result.parts
    vessel = replace(part.vessel, gaps=(replace(part.vessel.gaps[0], **(gap or {})),))
    other = replace(part, vessel=vessel, lesions=(replace(part.lesions[0], **(lesion or {})),))
    monkeypatch.setattr(automatic, "measure_seeded", lambda *_, **__: other)
    return measure_automatic(drawing.volume, tree=tree)


@pytest.mark.parametrize(
    ("share", "darkest", "count"), [(0.0, 0.0, 1), (0.4, 0.4, 1), (0.45, 0.36, 0), (0.6, 0.5, 0), (0.45, 0.28, 1)]
)
def test_a_stretch_that_keeps_much_of_the_contrast_is_a_narrowing(found, monkeypatch, share, darkest, count):
    monkeypatch.setattr(automatic, "darkest_share", lambda *_: darkest)
    monkeypatch.setattr(automatic, "is_flat", lambda *_, **__: False)
    assert len(again(found, monkeypatch, gap={"residual_share": share}).lesions) == count


def test_bright_plaque_that_fills_the_vessel_is_no_narrowing(found, monkeypatch):
    monkeypatch.setattr(automatic, "darkest_share", lambda *_: 0.36)
    assert len(again(found, monkeypatch, gap={"residual_share": 0.45}).lesions) == 1


def test_a_stretch_beyond_which_the_vessel_stays_dim_is_no_narrowing(found, monkeypatch):
    monkeypatch.setattr(automatic, "darkest_share", lambda *_: 0.5)
    monkeypatch.setattr(automatic, "is_flat", lambda *_, **__: False)
    for stepped in (False, True):
        monkeypatch.setattr(automatic, "is_stepped", lambda *_, stepped=stepped: stepped)
        assert len(again(found, monkeypatch, gap={"residual_share": 0.6}).lesions) == int(stepped)


def test_a_vessel_that_runs_out_next_to_a_measured_cap_is_not_told_twice(found):
    _, tree, result = found
    (lesion,) = result.lesions
    for away_mm, count in ((7.0, 1), (9.0, 2)):
        cap = tuple(map(float, np.add(lesion.proximal_cap_mm, (0.0, 0.0, away_mm))))
        empty = replace(automatic.find_suspects(tree)[0], distal_mm=None, cap_mm=cap)
        assert len(with_run_outs(result.parts, [empty])) == count


def test_a_vessel_that_fades_beyond_an_occlusion_it_is_hardly_filled_beyond_is_no_second_one(found):
    _, tree, result = found
    (part,) = result.parts
    suspect = automatic.find_suspects(tree)[0]
    arc_mm = suspect.path.arc_mm
    cap = suspect.path.points_mm[int(np.searchsorted(arc_mm, suspect.end_mm + 12.0))]
    empty = replace(suspect, distal_mm=None, cap_mm=tuple(map(float, cap)), start_mm=suspect.end_mm + 12.0)
    level = part.vessel.lumen.level_hu
    for share, count in ((0.3, 1), (0.9, 2)):
        filled = np.where(np.arange(len(level)) < len(level) // 2, level[0], 60.0 + share * (level[0] - 60.0))
        lumen = replace(part.vessel.lumen, level_hu=filled)
        faint = replace(part, vessel=replace(part.vessel, lumen=lumen))
        assert len(with_run_outs([faint], [empty])) == count


def test_a_vessel_that_runs_out_where_the_measured_one_is_open_is_no_second_one(found):
    _, tree, result = found
    (part,) = result.parts
    suspect = automatic.find_suspects(tree)[0]
    line = part.vessel.line
    for before_mm, away_mm, count in ((9.0, 0.0, 1), (9.0, 4.0, 2)):
        cap = line.at([part.vessel.gaps[0].start_mm - before_mm])[0] + (0.0, 0.0, away_mm)
        empty = replace(suspect, distal_mm=None, cap_mm=tuple(map(float, cap)), start_mm=suspect.start_mm - before_mm)
        assert len(with_run_outs(result.parts, [empty])) == count


def test_what_glows_next_to_calcium_from_side_to_side_is_no_narrowing(found, monkeypatch):
    monkeypatch.setattr(automatic, "darkest_share", lambda *_: 0.5)
    monkeypatch.setattr(automatic, "is_filled", lambda *_, **__: True)
    assert len(again(found, monkeypatch, gap={"residual_share": 0.6}).lesions) == 1


def test_a_vessel_apart_from_the_tree_needs_a_surer_axis(found, monkeypatch):
    _, tree, result = found
    (part,) = result.parts
    ends = [tuple(map(float, part.vessel.line.points_mm[k])) for k in (0, -1)]
    whole = Suspect(automatic.find_suspects(tree)[0].path, 10.0, 30.0, ends[0], ends[1], ends[0], "RCA")
    for apart, sure, count in ((False, 0.2, 1), (True, 0.2, 0), (True, 0.5, 1)):
        shown = [replace(whole, apart=apart)]
        monkeypatch.setattr(automatic, "find_suspects", lambda _, shown=shown: shown)
        assert len(again(found, monkeypatch, lesion={"bridge_confidence": sure}).lesions) == count


def test_a_point_too_near_to_the_cap_is_moved_away(found, monkeypatch):
    drawing, tree, result = found
    (part,) = result.parts
    near = replace(part.vessel, seed_mm=(part.vessel.gaps[0].start_mm - 2.0, part.vessel.seed_mm[1]))
    tried = []

    def measured(_, proximal_mm, distal_mm, **__):
        tried.append((proximal_mm, distal_mm))
        return replace(part, vessel=near) if len(tried) == 1 else part

    monkeypatch.setattr(automatic, "measure_seeded", measured)
    assert measure_automatic(drawing.volume, tree=tree).parts[0].vessel is not near
    assert len(tried) == 2
    (suspect,) = automatic.find_suspects(tree)
    first, second = tried
    assert first == (suspect.proximal_mm, suspect.distal_mm)
    assert second == suspect.farther_mm[0]
    gone = np.linalg.norm(np.subtract(second, first), axis=1)
    assert gone.max() > 3.0


def test_of_points_that_all_lie_near_a_cap_the_farthest_stand(found, monkeypatch):
    drawing, tree, result = found
    (part,) = result.parts
    cap = part.vessel.gaps[0].start_mm
    away = iter([1.0, 0.5, 3.0, 2.0])

    def measured(*_, **__):
        return replace(part, vessel=replace(part.vessel, seed_mm=(cap - next(away), part.vessel.seed_mm[1])))

    monkeypatch.setattr(automatic, "measure_seeded", measured)
    (best,) = measure_automatic(drawing.volume, tree=tree).parts
    assert best.vessel.seed_mm[0] == cap - 3.0


def test_the_near_measurement_stands_where_no_farther_one_is_to_be_had(found, monkeypatch):
    drawing, tree, result = found
    (part,) = result.parts
    near = replace(part.vessel, seed_mm=(part.vessel.gaps[0].start_mm - 2.0, part.vessel.seed_mm[1]))
    answers = [replace(part, vessel=near)]

    def measured(*_, **__):
        if not answers:
            raise SeedError("no lumen there")
        return answers.pop()

    monkeypatch.setattr(automatic, "measure_seeded", measured)
    again_found = measure_automatic(drawing.volume, tree=tree)
    assert len(again_found.lesions) == 1
    assert again_found.parts[0].vessel.seed_mm == near.seed_mm


def test_a_vessel_beyond_that_cannot_be_measured_is_no_doubt(found, monkeypatch):
    drawing, tree, _ = found
    suspect = automatic.find_suspects(tree)[0]

    def refused(*_, **__):
        raise SeedError("no lumen there")

    monkeypatch.setattr(automatic, "measure_seeded", refused)
    for apart, told in ((True, 0), (False, 1)):
        shown = [replace(suspect, apart=apart, otherwise=None)]
        monkeypatch.setattr(automatic, "find_suspects", lambda _, shown=shown: shown)
        reasons = measure_automatic(drawing.volume, tree=tree).quality.reasons
        assert sum("could not be measured" in reason for reason in reasons) == told


def test_a_dark_vessel_whose_way_on_runs_through_a_chamber_runs_out(found, monkeypatch):
    drawing, tree, _ = found
    (suspect,) = automatic.find_suspects(tree)
    dark = replace(suspect, distal_mm=None, farther_mm=())

    def apart(*_, **__):
        raise ApartError("different vessels")

    monkeypatch.setattr(automatic, "measure_seeded", apart)
    for shut, kinds, told in ((dark, [None], 0), (None, [], 1)):
        shown = [replace(suspect, shut=shut)]
        monkeypatch.setattr(automatic, "find_suspects", lambda _, shown=shown: shown)
        result = measure_automatic(drawing.volume, tree=tree)
        assert [lesion.length_mm for lesion in result.lesions] == kinds
        assert [lesion.distal_vessel.opacified for lesion in result.lesions] == [False] * len(kinds)
        assert sum("could not be measured" in reason for reason in result.quality.reasons) == told


@pytest.mark.parametrize(("explained", "count"), [(True, 1), (False, 2)])
def test_one_of_two_closed_stretches_is_measured_where_both_together_are_not_explained(
    found, monkeypatch, explained, count
):
    drawing, tree, result = found
    (part,) = result.parts
    (suspect,) = automatic.find_suspects(tree)
    gap = part.vessel.gaps[0]
    short = replace(gap, end_mm=gap.start_mm + 3.0)
    little = replace(part, vessel=replace(part.vessel, gaps=(short,)))
    measured = []

    def measure(_, proximal_mm, distal_mm, **__):
        measured.append(distal_mm)
        return part if explained or len(measured) > 1 else little

    monkeypatch.setattr(automatic, "measure_seeded", measure)
    shown = [replace(suspect, farther_mm=(), shorter=replace(suspect, farther_mm=()))]
    monkeypatch.setattr(automatic, "find_suspects", lambda _: shown)
    again = measure_automatic(drawing.volume, tree=tree)
    assert len(measured) == count
    assert again.parts[0].vessel.gaps == part.vessel.gaps


def test_an_occlusion_on_a_doubtful_way_counts_where_the_tree_lost_the_contrast(found, monkeypatch):
    _, tree, result = found
    (suspect,) = automatic.find_suspects(tree)
    (lesion,) = result.lesions
    cap = lesion.proximal_cap_mm
    far = tuple(value + 4.0 for value in cap)
    for at, apart, count in ((cap, False, 1), (far, False, 0), (cap, True, 0)):
        shown = [replace(suspect, cap_mm=at, apart=apart)]
        monkeypatch.setattr(automatic, "find_suspects", lambda _, shown=shown: shown)
        assert len(again(found, monkeypatch, lesion={"bridge_confidence": 0.02}).lesions) == count


@pytest.mark.parametrize(("confidence", "measured"), [(0.3, True), (0.04, False)])
def test_an_occlusion_whose_way_was_lost_has_a_proximal_cap_and_no_length(found, monkeypatch, confidence, measured):
    monkeypatch.setattr(automatic, "SAME_WAY_MM", 0.0)
    result = again(found, monkeypatch, lesion={"bridge_confidence": confidence})
    (lesion,) = result.lesions
    assert lesion.id == "L1"
    assert lesion.proximal_cap_mm is not None
    assert lesion.bridge_confidence == confidence
    assert (lesion.length_mm is not None) is measured
    assert (lesion.plaque is not None) is measured
    assert (lesion.distal_cap_mm is not None) is measured
    assert any("no way through the occlusion" in flag for flag in lesion.flags) is not measured
    assert len(result.parts) == int(measured)
    assert ("length_mm" in result.findings) is measured


@pytest.mark.parametrize(
    ("confidence", "length_mm", "wide_mm", "said"),
    [
        (0.6, 12.0, 2.8, None),
        (0.6, 12.0, 4.0, "wider than the artery"),
        (0.9, 12.0, 4.0, None),
        (0.2, 5.0, 2.8, "is short"),
        (0.4, 5.0, 2.8, None),
        (0.9, 12.0, 1.4, "too thin"),
    ],
)
def test_a_doubtful_way_to_a_chamber_or_over_a_few_millimetres_is_told_and_not_counted(
    found, monkeypatch, confidence, length_mm, wide_mm, said
):
    _, _, result = found
    length = replace(result.lesions[0].length_mm, value=length_mm)
    changed = {"bridge_confidence": confidence, "length_mm": length, "reference": Reference(3.0, wide_mm)}
    monkeypatch.setattr(automatic, "_is_where_seen", lambda *_: False)
    got = again(found, monkeypatch, lesion=changed)
    assert len(got.lesions) == int(said is None)
    assert any(said in flag for flag in got.quality.flags) if said else True
