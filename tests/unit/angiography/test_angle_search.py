"""The views found, against brute force and closed forms."""

import numpy as np
import pytest

from recanal.angiography.beams import angle_between_deg, detector_direction
from recanal.angiography.plan import describe_view, occlusion_curve, plan_views
from recanal.angiography.scene import BONE, VESSEL
from recanal.angiography.search import CArmRange, ObjectiveWeights
from recanal.core.curves import Centerline
from recanal.errors import GeometryError, OptionError
from recanal.phantoms import PhantomOptions
from recanal.phantoms.build import make_design


def segment(direction, length_mm=20.0):
    direction = np.asarray(direction, float) / np.linalg.norm(direction)
    return np.linspace(-length_mm / 2, length_mm / 2, 41)[:, None] * direction


def arc(normal, radius_mm=15.0, span_deg=150.0):
    """A bent curve in the plane across ``normal``."""
    normal = np.asarray(normal, float)
    first = np.cross(normal, [0.2, 0.9, 0.4])
    first /= np.linalg.norm(first)
    turn = np.radians(np.linspace(0, span_deg, 121))[:, None]
    return radius_mm * (np.cos(turn) * first + np.sin(turn) * np.cross(normal, first))


def beam(view):
    return detector_direction(view.rao_lao_deg, view.cra_cau_deg)


@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 0, 0), (1, 0.4, -2), (-0.5, 1, 1), (0.2, 1, 0.6), (2, 1, 0.3)])
def test_a_straight_occlusion_is_seen_across(direction, empty_scene):
    curve = segment(direction)
    first, second = plan_views(curve, empty_scene).views
    away = [abs(90 - angle_between_deg(beam(view), curve[-1] - curve[0])) for view in (first, second)]
    assert away[0] <= 2.0  # distance to the curve of views that do not shorten at all
    assert first.foreshortening_percent <= 0.1
    assert second.angle_to_first_deg == pytest.approx(angle_between_deg(beam(first), beam(second)))


@pytest.mark.parametrize("angles", [(-30, 20), (0, 0), (45, -25), (-44, -33), (57, 12), (13.5, 38.5)])
def test_a_planar_bend_is_seen_from_above_its_plane(angles, empty_scene):
    view = plan_views(arc(detector_direction(*angles)), empty_scene).views[0]
    assert angle_between_deg(beam(view), detector_direction(*angles)) <= 2.0


def test_a_spiral_is_seen_where_brute_force_says(empty_scene, projected):
    turn = np.linspace(0, 4.0, 60)
    curve = np.stack([9 * np.cos(turn), 6 * turn, 11 * np.sin(turn) + 3 * turn], axis=1)
    primary, secondary = np.arange(-50, 60.1, 0.25), np.arange(-40, 40.1, 0.25)
    p, s = np.meshgrid(np.radians(primary), np.radians(secondary), indexing="ij")
    beams = np.stack([np.sin(p) * np.cos(s), -np.cos(p) * np.cos(s), np.sin(s)], axis=-1).reshape(-1, 3)
    steps = np.diff(curve, axis=0)
    flat = sum(np.linalg.norm(step - (beams @ step)[:, None] * beams, axis=1) for step in steps)
    best = np.unravel_index(int(np.argmax(flat)), p.shape)
    view = plan_views(curve, empty_scene).views[0]
    assert angle_between_deg(beam(view), detector_direction(primary[best[0]], secondary[best[1]])) <= 2.0
    exact = projected(curve, view.rao_lao_deg, view.cra_cau_deg)
    assert view.foreshortening_percent == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("direction", [(0, 0, 1), (0.3, 0.1, 1), (1, 0.2, -2)])
def test_the_two_views_are_nearly_orthogonal_where_the_range_allows(direction, empty_scene):
    first, second = plan_views(segment(direction), empty_scene).views
    assert second.angle_to_first_deg == pytest.approx(90, abs=6)
    assert second.foreshortening_percent < 3
    assert first.angle_to_first_deg is None


def test_the_first_view_among_equals_is_the_one_with_a_partner(empty_scene):
    # no view of secondary angle 0 shortens the body axis; of those only the ends of the range are 90 degrees apart
    reach = CArmRange((-30, 60), (-40, 40))
    first, second = plan_views(segment((0, 0, 1)), empty_scene, reach=reach).views
    assert {round(first.rao_lao_deg), round(second.rao_lao_deg)} == {-30, 60}
    assert second.angle_to_first_deg == pytest.approx(90, abs=0.5)


@pytest.mark.parametrize(
    "reach", [CArmRange((-20, 20), (-10, 10)), CArmRange((5, 35.5), (0.5, 3.9)), CArmRange((7, 7), (3, 3))]
)
def test_views_stay_in_the_range(reach, empty_scene):
    plan = plan_views(arc(detector_direction(-60, 50)), empty_scene, reach=reach)
    for view in plan.views:
        assert reach.rao_lao_deg[0] <= view.rao_lao_deg <= reach.rao_lao_deg[1]
        assert reach.cra_cau_deg[0] <= view.cra_cau_deg <= reach.cra_cau_deg[1]
        assert view.rao_lao_deg == round(view.rao_lao_deg)


def test_a_steeper_optimum_is_met_at_the_edge_of_the_range(empty_scene):
    reach = CArmRange((-50, 60), (-40, 40))
    view = plan_views(arc(detector_direction(20, 70)), empty_scene, reach=reach).views[0]
    assert view.cra_cau_deg == 40


def test_a_view_behind_bone_is_left_for_one_beside_it(scene_of):
    # an occlusion along the body axis, bone behind it: the beams of RAO 21 to LAO 21 pass through the slab
    scene = scene_of({BONE: lambda x, y, z: (abs(x) <= 23) & (y >= 58) & (y <= 62) & (abs(z) < 90)})
    bare, _ = plan_views(segment((0, 0, 1)), scene, weights=ObjectiveWeights(bone_weight=0.0)).views
    first, second = plan_views(segment((0, 0, 1)), scene).views
    assert bare.foreshortening_percent <= 0.1
    for view in (first, second):
        assert view.overlap_bone_percent == 0
        assert abs(view.rao_lao_deg) > 20
    assert describe_view(segment((0, 0, 1)), scene, (0.0, 0.0)).overlap_bone_percent == 100


def test_the_objective_is_foreshortening_plus_weighted_overlap(scene_of):
    scene = scene_of({VESSEL: lambda x, y, z: (abs(y + 30) < 4) & (abs(x) < 4) & (abs(z) < 90)})
    weights = ObjectiveWeights(vessels_weight=0.8)
    view = describe_view(segment((1, 0, 1)), scene, (0.0, 10.0), weights=weights)
    expected = view.foreshortening_percent + 0.8 * view.overlap_vessels_percent
    assert 20 < view.overlap_vessels_percent < 80
    assert view.objective_percent == pytest.approx(expected)


def test_the_map_holds_what_was_computed(empty_scene):
    curve = arc(detector_direction(-30, 20))
    plan = plan_views(curve, empty_scene)
    grid, view = plan.angle_map, plan.views[0]
    assert grid.foreshortening_percent.shape == (len(grid.rao_lao_deg), len(grid.cra_cau_deg)) == (111, 81)
    row, column = list(grid.rao_lao_deg).index(view.rao_lao_deg), list(grid.cra_cau_deg).index(view.cra_cau_deg)
    assert grid.foreshortening_percent[row, column] == pytest.approx(view.foreshortening_percent)
    assert grid.objective_percent[row, column] == pytest.approx(np.nanmin(grid.objective_percent), abs=0.01)


@pytest.mark.parametrize(
    "limits", [((60, -50), (-40, 40)), ((-200, 10), (0, 0)), ((0.2, 0.8), (0, 10)), ((0, 10), (-91, 0))]
)
def test_an_impossible_range_is_refused(limits):
    with pytest.raises(OptionError, match="must span a whole degree"):
        CArmRange(*limits)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_weight_below_zero_is_refused(value):
    with pytest.raises(OptionError, match="heart_weight must be a number >= 0"):
        ObjectiveWeights(heart_weight=value)


def test_the_curve_is_cut_at_both_caps():
    line = Centerline([[0, 0, 0], [30, 0, 0], [30, 40, 0]])
    curve = occlusion_curve(line, 20, 50)
    np.testing.assert_allclose(curve[[0, -1]], [[20, 0, 0], [30, 20, 0]])
    assert np.linalg.norm(np.diff(curve, axis=0), axis=1).max() <= 0.5 + 1e-9
    for limits in ((-1, 5), (5, 5), (60, 71)):
        with pytest.raises(GeometryError, match="does not lie on an axis of 70 mm"):
            occlusion_curve(line, *limits)


@pytest.mark.parametrize(
    ("vessel", "seed"), [("RCA", 21), ("LAD", 22), ("LCX", 23), ("RCA", 24), ("LAD", 25), ("LCX", 26)]
)
def test_on_the_true_axis_of_a_phantom_the_view_is_that_of_brute_force(vessel, seed, empty_scene):
    design = make_design(PhantomOptions(vessel=vessel), seed=seed)
    line, place = Centerline(design.arteries[0].points_mm), design.lesion.place
    curve = line.at(np.linspace(place.start_mm, place.end_mm, 60))
    primary, secondary = np.meshgrid(
        np.radians(np.arange(-50, 60.1, 0.25)), np.radians(np.arange(-40, 40.1, 0.25)), indexing="ij"
    )
    beams = np.stack(
        [np.sin(primary) * np.cos(secondary), -np.cos(primary) * np.cos(secondary), np.sin(secondary)], axis=-1
    ).reshape(-1, 3)
    steps = np.diff(curve, axis=0)
    flat = sum(np.linalg.norm(np.cross(step, beams), axis=1) for step in steps)
    percent = 100 * (1 - flat / np.linalg.norm(steps, axis=1).sum())
    view = plan_views(curve, empty_scene).views[0]
    assert view.foreshortening_percent <= percent.min() + 0.05
    best = beams[percent <= percent.min() + 0.005]  # a short straight stretch has a valley of equals
    assert np.degrees(np.arccos(np.clip(best @ beam(view), -1, 1))).min() <= 2.0
