"""The whole automatic way on one phantom of a heart: tree, names, occlusion."""

from dataclasses import replace

import numpy as np
import pytest
from evidence.tree import overlap, reference_vessels, selected

from recanal.anatomy.paths import paths_of
from recanal.core.case import CaseReport, InputInfo, Provenance
from recanal.core.findings import Findings
from recanal.phantoms import draw_options, make_phantom
from recanal.pipeline import measure_automatic
from recanal.pipeline.views import artery_figures
from recanal.stenosis.pictures import picture_places

SEED = 616


@pytest.fixture(scope="module")
def case():
    options = replace(
        draw_options(SEED),
        extent="heart",
        tree="whole",
        dominance="right",
        vessel="LAD",
        occlusion_length_mm=18.0,
        distal_filling="good",
        lumen_hu=380.0,
        noise_hu=18.0,
        pixel_mm=0.5,
        slice_mm=0.75,
        thickness_mm=0.75,
        misregistration=False,
        motion_mm=0.0,
    )
    phantom = make_phantom(options, seed=SEED)
    return phantom, measure_automatic(phantom.volume)


def test_the_main_arteries_are_followed_to_their_ends(case):
    phantom, result = case
    paths = [path.points_mm for path in paths_of(list(result.anatomy.branches))]
    mains = [vessel for vessel in reference_vessels(phantom.truth) if vessel.name in ("RCA", "LAD", "LCX")]
    found = [overlap(vessel, selected(vessel, paths)) for vessel in mains]
    assert len(found) == 3
    assert min(one.overlap_share for one in found) > 0.97
    assert min(one.first_error_share for one in found) > 0.93
    assert max(one.inside_mm for one in found) < 0.22


def test_the_one_occlusion_is_found_where_it_is(case):
    phantom, result = case
    (lesion,) = result.lesions
    assert lesion.kind == "occlusion"
    assert lesion.vessel == "LAD"
    assert np.linalg.norm(np.subtract(lesion.proximal_cap_mm, phantom.truth.proximal_cap_mm)) < 1.0
    assert lesion.length_mm.value == pytest.approx(phantom.truth.length_mm, abs=1.5)
    assert set(lesion.segments) <= {6, 7, 8}
    assert lesion.segments
    assert result.findings_of == "L1"


def test_the_occluded_artery_alone_is_category_5(case):
    _, result = case
    assert {grade.vessel for grade in result.stenosis if grade.category.startswith("5")} == {"LAD"}


def test_dominance_and_trust(case):
    phantom, result = case
    assert result.tree.dominance == phantom.truth.dominance == "right"
    assert result.quality.usable
    numbers = {segment.scct for segment in result.tree.segments}
    assert numbers >= {1, 2, 3, 4, 5, 6, 7, 8, 11, 13}


def test_the_radius_is_zero_inside_the_occlusion_and_nowhere_else(case):
    phantom, result = case
    truth = phantom.truth
    closed = [
        np.asarray(segment.points_mm)[np.asarray(segment.radius_mm) == 0]
        for segment in result.tree.segments
        if min(segment.radius_mm) == 0
    ]
    points = np.concatenate(closed)
    arc = np.arange(len(truth.target.points_mm)) * 0.25
    inside = np.asarray(truth.target.points_mm)[(arc > truth.proximal_arc_mm - 2) & (arc < truth.distal_arc_mm + 2)]
    assert np.linalg.norm(points[:, None] - inside[None], axis=2).min(axis=1).max() < 2.0
    assert len(points) * 0.5 == pytest.approx(truth.length_mm, abs=4.0)


def test_the_arteries_can_be_shown(case):
    phantom, result = case
    shown = CaseReport(
        InputInfo(), result.quality, result.tree, (), Findings({}), (), Provenance("0"), stenosis=result.stenosis
    )
    figures = artery_figures(phantom.volume, result.anatomy, shown)
    assert {f"figures/artery_{name}_straightened_000.png" for name in ("RCA", "LAD", "LCX")} <= set(figures)
    cuts = [found for places in picture_places(result.stenosis).values() for found in places]
    assert sum("cross_section" in name for name in figures) == len(cuts)
