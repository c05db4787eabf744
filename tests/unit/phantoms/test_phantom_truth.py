"""Whether the truth agrees with itself and with the picture."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from recanal.phantoms import PhantomOptions, decoys, draw_options, make_phantom, testimony
from recanal.phantoms.build import make_design, render
from recanal.phantoms.lesion import Calcium
from recanal.phantoms.options import stream
from recanal.phantoms.scanner import add_noise
from recanal.phantoms.survey import composition, designed_hu, tube_cells

SMALL = PhantomOptions(
    vessel="RCA",
    occlusion_length_mm=14.0,
    proximal_cap="blunt",
    distal_cap="blunt",
    side_branch_at_cap=False,
    bend_deg=20.0,
    calcium="nodules",
    distal_filling="good",
    kvp=120,
    noise_hu=20.0,
    margin_mm=16.0,
)


def at(phantom, points):
    index = phantom.volume.affine.to_index(points)
    return map_coordinates(phantom.clean, index.T, order=3, mode="nearest")


@pytest.fixture(scope="module")
def blunt():
    return make_phantom(SMALL, seed=201)


@pytest.fixture(scope="module")
def tapered():
    options = replace(
        SMALL, vessel="LAD", proximal_cap="tapered", distal_cap="tapered", calcium="none", side_branch_at_cap=True
    )
    return make_phantom(options, seed=202)


def test_the_same_options_and_seed_make_the_same_phantom(blunt):
    again = make_phantom(SMALL, seed=201)
    assert np.array_equal(blunt.volume.hu, again.volume.hu)
    assert np.array_equal(blunt.clean, again.clean)
    assert blunt.truth.to_dict() == again.truth.to_dict()
    assert blunt.volume.hu.dtype == np.int16
    assert blunt.clean.dtype == np.float32


def test_another_noise_seed_changes_the_noise_alone(blunt):
    other = make_phantom(replace(SMALL, noise_seed=77), seed=201)
    assert np.array_equal(blunt.clean, other.clean)
    difference = blunt.volume.hu.astype(float) - other.volume.hu
    assert difference.std() == pytest.approx(20.0 * np.sqrt(2), rel=0.03)
    assert blunt.truth.proximal_cap_mm == other.truth.proximal_cap_mm


def test_noise_of_the_picture_is_as_asked(blunt):
    inside = blunt.clean > -950
    noise = (blunt.volume.hu - blunt.clean)[inside]
    assert noise.std() == pytest.approx(20.0, rel=0.03)


def test_a_grid_shift_moves_the_voxels_and_not_the_anatomy(blunt):
    spacing = np.array(blunt.volume.spacing_mm)[::-1]
    shifted = make_phantom(replace(SMALL, grid_shift_mm=tuple((spacing / 2).tolist())), seed=201)
    start = blunt.volume.affine.to_mm([[0, 0, 0]])[0]
    off = (shifted.volume.affine.to_mm([[0, 0, 0]])[0] - start) / spacing
    assert np.allclose(off - np.floor(off), 0.5)
    truth, other = blunt.truth, shifted.truth
    assert np.array_equal(truth.target.points_mm, other.target.points_mm)
    assert other.length_mm == pytest.approx(truth.length_mm, abs=0.1)
    assert other.imaged.total_mm3 == pytest.approx(truth.imaged.total_mm3, rel=0.01)
    inner = truth.target.points_mm[(np.arange(len(truth.target.points_mm)) * 0.25 > truth.proximal_arc_mm - 8)][:120:4]
    assert np.abs(at(blunt, inner) - at(shifted, inner)).max() < 25
    assert np.abs(at(blunt, inner) - at(shifted, inner)).mean() < 4


def test_blunt_caps_are_imaged_where_they_were_designed(blunt):
    truth = blunt.truth
    assert truth.length_designed_mm == 14.0
    assert truth.length_mm == pytest.approx(14.0, abs=0.7)
    assert truth.distal_arc_mm - truth.proximal_arc_mm == pytest.approx(truth.length_mm)
    tip = np.array(truth.proximal_cap_designed_mm)
    assert np.linalg.norm(np.array(truth.proximal_cap_mm) - tip) < 0.5
    assert cKDTree(truth.target.points_mm).query(truth.proximal_cap_mm)[0] < 0.13


def test_a_funnel_ends_for_the_eye_before_its_tip(tapered):
    truth = tapered.truth
    assert truth.proximal_arc_mm < truth.proximal_arc_designed_mm
    assert truth.distal_arc_mm > truth.distal_arc_designed_mm
    assert truth.length_designed_mm < truth.length_mm < truth.length_designed_mm + 16


def test_attenuation_at_an_imaged_cap_lies_half_way_between_lumen_and_plaque(tapered):
    truth = tapered.truth
    points, arc = truth.target.points_mm, np.arange(len(truth.target.points_mm)) * 0.25
    lumen = np.median(at(tapered, points[(arc > truth.proximal_arc_mm - 14) & (arc < truth.proximal_arc_mm - 9)]))
    plaque = at(
        tapered, points[(arc > truth.proximal_arc_designed_mm + 1) & (arc < truth.proximal_arc_designed_mm + 6)]
    )
    cap = at(tapered, np.array([truth.proximal_cap_mm]))[0]
    assert cap == pytest.approx(0.5 * (lumen + np.median(plaque)), abs=0.1 * float(lumen - np.median(plaque)))


@pytest.mark.parametrize("kind", ["designed", "imaged"])
def test_components_add_up_to_the_plaque(blunt, tapered, kind):
    for phantom in (blunt, tapered):
        part = getattr(phantom.truth, kind)
        assert sum(part.fraction_percent.values()) == pytest.approx(100.0)
        assert sum(part.volume_mm3.values()) + part.below_range_mm3 == pytest.approx(part.total_mm3)
        assert list(part.volume_mm3) == ["necrotic_core", "fibrofatty", "fibrous", "dense_calcium"]


def test_designed_plaque_volume_is_that_of_the_tube():
    design = make_design(replace(SMALL, calcium="none"), seed=203)
    lesion, axis = design.lesion, design.arteries[0].points_mm
    span = (design.place.start_mm, design.place.end_mm)
    cells = tube_cells(axis, lesion, span)
    inside = (lesion.arc_mm >= span[0]) & (lesion.arc_mm <= span[1])
    oval = 1 + (lesion.oval[0] ** 2 + lesion.oval[2] ** 2) / 2
    analytic = np.pi * np.trapezoid(lesion.outer_mm[inside] ** 2, lesion.arc_mm[inside]) * oval
    assert composition(designed_hu(lesion, cells), cells.volume_mm3).total_mm3 == pytest.approx(analytic, rel=0.02)


def test_imaged_components_agree_with_a_count_of_voxels(blunt):
    truth, volume = blunt.truth, blunt.volume
    tree = cKDTree(truth.target.points_mm)
    index = np.argwhere(np.ones(volume.shape, dtype=bool))
    gap, nearest = tree.query(volume.affine.to_mm(index), distance_upper_bound=4.0)
    near = np.isfinite(gap)
    arc = nearest[near] * 0.25
    inside = (gap[near] <= truth.target.outer_radius_mm[nearest[near]]) & (arc >= truth.proximal_arc_mm)
    inside &= arc <= truth.distal_arc_mm
    hu = blunt.clean[tuple(index[near][inside].T)]
    voxel = float(np.prod(volume.spacing_mm))
    assert len(hu) * voxel == pytest.approx(truth.imaged.total_mm3, rel=0.04)
    assert (hu >= 351).sum() * voxel == pytest.approx(truth.imaged.volume_mm3["dense_calcium"], rel=0.15, abs=1.5)
    soft = ((hu >= 76) & (hu < 131)).mean() * 100
    assert soft == pytest.approx(100 * truth.imaged.volume_mm3["fibrofatty"] / truth.imaged.total_mm3, abs=4)


def test_calcium_ratios_follow_what_was_put_in():
    ratios = {}
    for kind in ("none", "spots", "whole_lumen"):
        ratios[kind] = make_phantom(replace(SMALL, calcium=kind), seed=204).truth.calcium
    assert ratios["none"].volume_mm3 == 0
    assert not ratios["none"].any
    assert ratios["none"].arc_max_deg == 0
    assert ratios["spots"].cross_section_max_ratio < 0.5
    assert not ratios["spots"].severe
    whole = ratios["whole_lumen"]
    assert whole.any
    assert whole.severe
    assert whole.whole_lumen
    assert whole.arc_max_deg == 360
    assert whole.cross_section_max_ratio > 0.85


def test_a_plate_covers_the_arc_it_was_given():
    design = make_design(replace(SMALL, calcium="none"), seed=205)
    middle = 0.5 * (design.place.start_mm + design.place.end_mm)
    plate = Calcium("plate", middle, 3.0, 0.5, np.deg2rad(60), 0.6, 0.97, 900.0)
    lesion = replace(design.lesion, calcium=(plate,))
    cells = tube_cells(design.arteries[0].points_mm, lesion, (middle - 1, middle + 1))
    calcified = designed_hu(lesion, cells) > 500
    assert calcified.any(axis=1).sum(axis=1).max() * 5.0 == pytest.approx(120, abs=10)
    share = (cells.area_mm2 * calcified).sum() / cells.area_mm2.sum()
    assert share == pytest.approx(120 / 360 * (0.97**2 - 0.6**2), rel=0.08)


@pytest.mark.parametrize(
    ("before_mm", "half_mm", "inner", "shape"),
    [(0.3, 0.8, -0.2, "ambiguous"), (0.3, 0.8, 0.75, "blunt"), (-1.5, 0.8, -0.2, "blunt"), (2.5, 0.8, -0.2, "blunt")],
)
def test_calcium_in_the_lumen_at_a_cap_makes_its_shape_ambiguous(before_mm, half_mm, inner, shape):
    """Not where it lies in the wall, beyond the cap or well before it."""
    design = make_design(replace(SMALL, calcium="none"), seed=206)
    nodule = Calcium("nodule", design.place.start_mm - before_mm, half_mm, 0.5, 0.0, inner, 0.95, 900.0)
    design = replace(design, lesion=replace(design.lesion, calcium=(nodule,)))
    _, scene = render(design)
    drawn = testimony.Drawn(design.options, design.naming, design.veins, design.lesion, design.grid)
    truth = testimony.testify(206, drawn, scene)
    assert truth.proximal_cap_shape == shape
    assert truth.distal_cap_shape == "blunt"


@pytest.mark.parametrize(("calcium", "shape"), [("none", "blunt"), ("spots", "ambiguous")])
def test_a_distal_cap_that_nothing_hides_is_not_ambiguous(calcium, shape):
    truth = make_phantom(replace(SMALL, calcium=calcium, distal_cap="ambiguous"), seed=207).truth
    assert truth.options.distal_cap == "ambiguous"
    assert truth.distal_cap_shape == shape


def test_seeds_lie_in_bright_open_lumen(blunt, tapered):
    for phantom in (blunt, tapered):
        truth = phantom.truth
        hu = at(phantom, np.array([truth.proximal_seed_mm, truth.distal_seed_mm]))
        assert hu.min() > 170
        arc = cKDTree(truth.target.points_mm).query([truth.proximal_seed_mm, truth.distal_seed_mm])[1] * 0.25
        assert 7.5 <= truth.proximal_arc_mm - arc[0] <= 15.5
        assert arc[1] - truth.distal_arc_mm >= 4.0


def test_contrast_falls_along_the_open_vessel(blunt):
    truth = blunt.truth
    lumen = make_design(SMALL, seed=201).lesion.lumen_hu
    before = np.arange(len(lumen)) * 0.25 < truth.proximal_arc_designed_mm
    slope = np.diff(lumen[before]) / 0.25
    assert np.all(slope < 0)
    assert np.all(slope >= -2.0)


def test_the_side_branch_is_in_the_truth(blunt, tapered):
    assert not blunt.truth.side_branch
    assert blunt.truth.side_branch_distance_mm is None
    assert tapered.truth.side_branch_diameter_mm is None or tapered.truth.side_branch_diameter_mm >= 1.0


def test_references_are_the_open_lumen_next_to_the_caps(blunt):
    truth = blunt.truth
    assert truth.reference_proximal_mm == pytest.approx(truth.options.reference_diameter_mm, abs=0.12)
    assert truth.reference_distal_mm < truth.reference_proximal_mm


def test_lumen_is_nought_inside_the_occlusion_and_within_the_wall_elsewhere(blunt):
    course, truth = blunt.truth.target, blunt.truth
    arc = np.arange(len(course.points_mm)) * 0.25
    inside = (arc > truth.proximal_arc_designed_mm + 0.3) & (arc < truth.distal_arc_designed_mm - 0.3)
    assert np.all(course.lumen_radius_mm[inside] == 0)
    assert np.all(course.lumen_radius_mm < course.outer_radius_mm)


def test_the_truth_can_be_written_as_json(blunt):
    told = json.loads(json.dumps(blunt.truth.to_dict(), allow_nan=False))
    assert told["vessel"] == "RCA"
    assert told["options"]["calcium"] == "nodules"
    assert len(told["target"]["points_mm"]) == len(blunt.truth.target.points_mm)
    assert told["imaged"]["fraction_percent"]["fibrous"] > 0


def test_an_open_vessel_has_a_stenosis_and_no_caps():
    phantom = make_phantom(replace(SMALL, occlusion=False, stenosis_percent=50.0), seed=206)
    truth = phantom.truth
    assert not truth.occluded
    assert truth.length_mm is None
    assert truth.proximal_cap_mm is None
    assert truth.imaged is None
    assert truth.stenosis_percent == pytest.approx(50.0, abs=0.5)
    assert truth.target.lumen_radius_mm.min() > 0.3
    assert at(phantom, np.array([truth.stenosis_point_mm]))[0] > 150


@pytest.mark.parametrize("pattern", ["nodules", "plate", "whole_lumen"])
def test_calcium_of_an_open_vessel_lies_around_its_lumen(pattern):
    options = replace(SMALL, occlusion=False, stenosis_percent=40.0, calcium=pattern)
    lesion = make_design(options, seed=206).lesion
    along, angle = np.meshgrid(np.arange(lesion.arc_mm[0], lesion.arc_mm[-1], 0.2), np.linspace(-3, 3, 24))
    s, turn = along.ravel(), angle.ravel()

    def cover(depth):
        return lesion.calcium_cover(s, depth * np.cos(turn), depth * np.sin(turn), 0.02)[0]

    assert cover(0.9 * lesion.lumen_radius(s)).max() == 0
    middle = 0.5 * (lesion.lumen_radius(s) + lesion.outer_radius(s, turn))
    assert cover(middle).max() == 1


def test_without_distal_filling_there_is_no_imaged_distal_cap():
    phantom = make_phantom(replace(SMALL, distal_filling="none"), seed=207)
    truth = phantom.truth
    assert not truth.distal_opacified
    assert truth.distal_cap_mm is None
    assert truth.length_mm is None
    assert truth.length_designed_mm == 14.0
    assert at(phantom, np.array([truth.distal_seed_mm]))[0] < 110


def test_points_follow_the_table_steps():
    options = replace(draw_options(208), misregistration=True, motion_mm=0.0, margin_mm=18.0, occlusion_length_mm=20.0)
    phantom = make_phantom(replace(options, distal_filling="good", vessel="RCA"), seed=208)
    truth = phantom.truth
    arc = np.arange(len(truth.target.points_mm)) * 0.25
    before = (arc > truth.proximal_arc_designed_mm - 16) & (arc < truth.proximal_arc_designed_mm - 9)
    assert np.median(at(phantom, truth.target.points_mm[before])) > 200


def test_decoys_share_the_anatomy_and_say_what_they_are():
    localiser, score, phase = decoys(SMALL, 201)
    assert localiser.meta["image_type"][2] == "LOCALIZER"
    assert localiser.hu.size < 20_000
    assert score.spacing_mm[0] == pytest.approx(3.0)
    assert score.meta["contrast"] is False
    assert score.meta["kvp"] == 120
    assert phase.meta["phase_percent"] == 45.0
    for volume in (localiser, score, phase):
        assert volume.meta["modality"] == "CT"
        assert volume.meta["manufacturer"] == "recanal phantom"
        assert volume.meta["slice_thickness_mm"] > 0
        assert volume.meta["series_description"]
    assert np.percentile(phase.hu, 99) > np.percentile(score.hu, 99) + 100
    assert np.percentile(score.hu, 99) < 200


def test_noise_streams_are_independent_of_the_anatomy(blunt):
    redone = add_noise(blunt.clean, blunt.volume.spacing_mm[1], blunt.truth.options, stream(201, 10))
    assert np.array_equal(redone, blunt.volume.hu)


def test_the_localiser_of_a_small_box_holds_what_is_there():
    localiser, _, _ = decoys(replace(SMALL, margin_mm=8.0), 20_001)
    assert localiser.hu.shape[0] == 3
    assert localiser.hu.min() >= -1024
