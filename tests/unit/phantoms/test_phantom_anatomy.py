"""Where the vessels run."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from recanal.phantoms import PhantomOptions, draw_options
from recanal.phantoms.build import make_design
from recanal.phantoms.geometry import arc_lengths, transport_frames
from recanal.phantoms.survey import bend_max

SEEDS = (101, 102, 103, 104, 105, 106)


@pytest.fixture(scope="module")
def designs():
    vessels = ("RCA", "LAD", "LCX", "RCA", "LAD", "LCX")
    return [
        make_design(replace(draw_options(seed), vessel=vessel, side_branch_at_cap=True), seed=seed)
        for seed, vessel in zip(SEEDS, vessels, strict=True)
    ]


def test_no_vein_ever_touches_an_artery(designs):
    for design in designs:
        outer = [design.lesion.outer_mm, *(a.lumen_mm + a.wall_mm for a in design.arteries[1:])]
        for vein in design.veins:
            for artery, radius in zip(design.arteries, outer, strict=True):
                gap, nearest = cKDTree(artery.points_mm).query(vein.points_mm)
                assert (gap - vein.radius_mm - radius[nearest]).min() > 0.2


def test_a_vein_runs_beside_the_lesion(designs):
    beside = 0
    for design in designs:
        target, place = design.arteries[0], design.place
        vein = next(v for v in design.veins if v.name == f"vein beside {target.name}")
        inside = (target.arc_mm > place.start_mm) & (target.arc_mm < place.end_mm)
        gap = cKDTree(vein.points_mm).query(target.points_mm[inside])[0]
        beside += 3.0 <= np.median(gap) <= 7.0
        assert 120 <= vein.hu <= 280
        assert vein.radius_mm.max() <= 2.0
    assert beside >= 5


def test_the_side_branch_leaves_within_three_millimetres_of_the_cap(designs):
    for design in designs:
        branch = next(a for a in design.arteries if a.name == "cap branch")
        assert 0 < design.place.start_mm - branch.start_mm <= 3.0
        assert 2 * branch.lumen_mm[0] >= 1.0
        target = design.arteries[0]
        where = np.interp(branch.start_mm, target.arc_mm, np.arange(len(target.arc_mm)))
        origin = target.points_mm[round(float(where))]
        assert np.linalg.norm(branch.points_mm[0] - origin) < 0.3


def test_no_other_branch_leaves_near_the_lesion(designs):
    for design in designs:
        for artery in design.arteries[1:]:
            if artery.parent == design.arteries[0].name and artery.name != "cap branch":
                assert not design.place.start_mm - 8 < artery.start_mm < design.place.end_mm + 8


def test_no_artery_crosses_the_target_away_from_its_origin(designs):
    for design in designs:
        target = design.arteries[0]
        for artery in design.arteries[1:]:
            skip = 33 if artery.parent else 0
            gap = cKDTree(target.points_mm).query(artery.points_mm[skip:])[0]
            assert gap.min() > 1.0


def test_axes_are_smooth_evenly_sampled_and_start_at_the_aorta(designs):
    for design in designs:
        target = design.arteries[0]
        steps = np.linalg.norm(np.diff(target.points_mm, axis=0), axis=1)
        assert np.allclose(steps, 0.25, atol=0.01)
        tangent = np.gradient(target.points_mm, target.arc_mm, axis=0)
        curvature = np.linalg.norm(np.gradient(tangent, target.arc_mm, axis=0), axis=1)[4:-4]
        inside = (target.arc_mm[4:-4] > design.place.start_mm) & (target.arc_mm[4:-4] < design.place.end_mm)
        assert (curvature * design.lesion.outer_mm[4:-4])[inside].max() < 1.0
        assert abs(float(design.heart.solids["aorta"](target.points_mm[:1])[0])) < 2.5


def test_calibres_fall_along_the_vessel_as_published(designs):
    for design in designs[:3]:
        plain = make_design(replace(design.options, reference_diameter_mm=3.0), seed=design.seed)
        target = plain.arteries[0]
        at_lesion = 2 * float(np.interp(plain.place.start_mm, target.arc_mm, target.lumen_mm))
        assert at_lesion == pytest.approx(3.0, abs=0.02)
        assert target.lumen_mm[0] > 1.1 * target.lumen_mm[-1]
        assert 90 <= target.arc_mm[-1] <= 210


def test_arteries_stay_out_of_the_chambers(designs):
    for design in designs:
        target = design.arteries[0]
        beyond = target.arc_mm > 20
        free = design.heart.obstacles(target.points_mm[beyond]) - target.lumen_mm[beyond]
        assert free.min() > -1.0


def test_a_built_bend_shows_in_the_bend_of_the_axis():
    base = PhantomOptions(vessel="RCA", occlusion_length_mm=25.0)
    bends = []
    for angle in (0.0, 40.0, 80.0):
        design = make_design(replace(base, bend_deg=angle), seed=110)
        span = (design.place.start_mm, design.place.end_mm)
        bends.append(bend_max(design.arteries[0].points_mm, span)[0])
    assert bends[0] + 10 < bends[1] < bends[2] - 15
    assert bends[2] > 60


def test_the_bend_of_a_circle_is_the_angle_over_ten_millimetres():
    angle = np.linspace(0, 2.5, 800)
    circle = 20.0 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    tangents, chords = bend_max(circle, (15.0, 35.0))
    assert tangents == pytest.approx(np.rad2deg(10 / 20), abs=0.1)
    assert chords == pytest.approx(np.rad2deg(5 / 20), abs=0.1)


def test_carried_frames_are_orthonormal_and_do_not_twist():
    t = np.linspace(0, 6, 600)
    helix = np.stack([8 * np.cos(t), 8 * np.sin(t), 3 * t], axis=1)
    tangents, normals, binormals = transport_frames(helix)
    for a, b in ((tangents, normals), (tangents, binormals), (normals, binormals)):
        assert np.abs((a * b).sum(axis=1)).max() < 1e-9
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
    rate = (np.gradient(normals, arc_lengths(helix), axis=0) * binormals).sum(axis=1)
    assert np.abs(rate[2:-2]).max() < 1e-3
