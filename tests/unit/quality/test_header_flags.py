"""What the header of a series says against its being a coronary CT angiogram."""

from dataclasses import replace

import pytest

from analytic_tube import Scene, draw
from recanal.core.volume import Volume
from recanal.pipeline import AnalyzeRequest
from recanal.pipeline.analyze import analyze_automatic, analyze_volume
from recanal.quality.header import header_flags

LEG = "the header names another body part (LOWEREXTREMITY): is this the coronary CT angiogram?"
PLAIN = "the series says that it was taken without contrast"


@pytest.fixture(scope="module")
def drawing():
    return draw(Scene())


def told(drawing, **meta):
    return Volume(drawing.volume.hu, drawing.volume.affine, meta)


@pytest.mark.parametrize("part", ["LOWEREXTREMITY", "LOWER_EXTREMITY", "lower extremity"])
def test_another_part_of_the_body_is_flagged(drawing, part):
    assert header_flags(told(drawing, body_part=part)) == (LEG,)


@pytest.mark.parametrize("part", ["", None, "HEART", "CHEST", "CORONARYARTERY", "Doe^Jane", "COEUR", "HERZ"])
def test_the_heart_and_what_is_no_known_term_are_passed_over(drawing, part):
    assert header_flags(told(drawing, body_part=part, contrast=None)) == ()


def test_the_flag_is_told_with_seeds_and_without_and_refuses_nothing(drawing, tmp_path):
    leg = told(drawing, body_part="LOWEREXTREMITY", contrast=False)
    seeds = (tuple(float(v) for v in seed) for seed in drawing.seeds())
    request = AnalyzeRequest(tmp_path, tmp_path / "out", *seeds)
    case, _ = analyze_volume(leg, request=request)
    plain, _ = analyze_volume(drawing.volume, request=request)
    assert {LEG, PLAIN} <= set(case.quality.flags)
    assert case.quality.usable == plain.quality.usable
    assert set(plain.quality.flags) == set(case.quality.flags) - {LEG, PLAIN}
    assert case.quality.reasons == plain.quality.reasons
    alone = replace(request, proximal_mm=None, distal_mm=None)
    assert {LEG, PLAIN} <= set(analyze_automatic(leg, request=alone)[0].quality.flags)
