"""From a phantom's picture to its views, against the true axis."""

from pathlib import Path

import numpy as np
import pytest

from recanal.core.case import case_json
from recanal.phantoms import PhantomOptions, make_phantom
from recanal.pipeline import AnalyzeRequest, analyze_volume


@pytest.fixture(scope="module", params=[5, 6])
def analysed(request):
    options = PhantomOptions(vessel="LCX" if request.param == 5 else "RCA", margin_mm=18.0, pixel_mm=0.45, slice_mm=0.6)
    phantom = make_phantom(options, seed=request.param)
    truth = phantom.truth
    seeds = AnalyzeRequest(Path("study"), Path("result"), truth.proximal_seed_mm, truth.distal_seed_mm)
    case, result = analyze_volume(phantom.volume, request=seeds)
    return truth, case, result


def true_curve(truth):
    points = truth.target.points_mm
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    where = np.linspace(truth.proximal_arc_mm, truth.distal_arc_mm, 200)
    return np.stack([np.interp(where, walked, points[:, k]) for k in range(3)], axis=1)


def test_foreshortening_is_that_of_the_true_axis_within_one_point(analysed, projected):
    truth, case, _ = analysed
    views = case.lesions[0].projections
    assert len(views) == 2
    for view in views:
        exact = projected(true_curve(truth), view.rao_lao_deg, view.cra_cau_deg)
        assert view.foreshortening_percent == pytest.approx(exact, abs=1.0)


def test_the_first_view_is_nearly_as_good_as_the_best_on_the_true_axis(analysed, projected):
    truth, _, result = analysed
    curve = true_curve(truth)[::4]
    best = min(projected(curve, p, s) for p in range(-50, 61, 2) for s in range(-40, 41, 2))
    assert result.views[0].plan.angle_map.foreshortening_percent.min() == pytest.approx(best, abs=1.0)


def test_views_reach_the_result_file(analysed):
    _, case, _ = analysed
    row = case_json(case)["lesions"][0]["projections"][1]
    assert {"rao_lao_deg", "cra_cau_deg", "foreshortening_percent", "overlap_percent"} <= set(row)
    assert row["overlap_bone_percent"] is None  # the cropped CT shows no bone
    assert 0 <= row["overlap_vessels_percent"] <= row["overlap_percent"] <= 100
    assert row["name"].startswith(("RAO", "LAO", "AP"))
    assert row["seen_behind_mm"] > 5
