"""Contours redrawn: what is drawn is what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from analytic_tube import Scene
from recanal.edits.contours import polar_radii
from recanal.errors import EditError
from recanal.measure.lesion import measure_lesions
from recanal.pipeline.changes import lesion_pairs

AT = 12.0
INSIDE = 31.0


def row_of(vessel, arc_mm):
    return int(np.argmin(abs(vessel.line.arc_mm - arc_mm)))


def polygon_area(radius_mm, count):
    """Area of a regular polygon, from the textbook formula."""
    return 0.5 * count * radius_mm**2 * np.sin(2 * np.pi / count)


def ellipse(vessel, arc_mm, a, b, *, count=90, turn=0.0):
    """LPS points of an ellipse around the axis."""
    k = row_of(vessel, arc_mm)
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + turn
    normal, binormal = vessel.sections.normals[k], vessel.sections.binormals[k]
    points = vessel.line.points_mm[k] + np.outer(a * np.cos(angle), normal) + np.outer(b * np.sin(angle), binormal)
    return points.tolist()


def test_a_circle_of_radii_has_the_area_of_its_polygon(plain, replay):
    _, vessel = plain
    new = replay({"do": "redraw", "border": "lumen", "at": {"arc_mm": AT}, "radii_mm": [1.1] * 48}).vessels[0]
    k = row_of(vessel, AT)
    assert new.borders.contours.lumen_area_mm2[k] == pytest.approx(polygon_area(1.1, 48), rel=1e-9)


def test_an_ellipse_in_space_meets_the_rays_where_the_formula_says(plain, replay):
    _, vessel = plain
    points = ellipse(vessel, AT, 1.6, 0.9, count=720)
    new = replay({"do": "redraw", "border": "lumen", "polygon_mm": points}).vessels[0].borders.contours
    k, angle = row_of(vessel, AT), new.angles_rad
    truth = 1.6 * 0.9 / np.hypot(0.9 * np.cos(angle), 1.6 * np.sin(angle))
    assert new.lumen_radius_mm[k] == pytest.approx(truth, abs=1e-3)


@pytest.mark.parametrize("change", [lambda p: p[::-1], lambda p: p[17:] + p[:17], lambda p: [*p, p[0]]])
def test_direction_start_and_a_closing_point_do_not_matter(plain, replay, change):
    _, vessel = plain
    points = ellipse(vessel, AT, 1.5, 1.0, count=64, turn=0.01)
    one, two = (
        replay({"do": "redraw", "border": "lumen", "polygon_mm": p}).vessels[0].borders.contours.lumen_radius_mm
        for p in (points, change(points))
    )
    assert two == pytest.approx(one, abs=1e-9)


def test_the_change_fades_over_its_reach_and_ends_there(plain, replay):
    _, vessel = plain
    was = vessel.borders.contours.lumen_radius_mm
    row = {"do": "redraw", "border": "lumen", "at": {"arc_mm": AT}, "radii_mm": [2.0] * 48, "reach_mm": 2.0}
    now = replay(row).vessels[0].borders.contours.lumen_radius_mm
    k, arc = row_of(vessel, AT), vessel.line.arc_mm
    assert now[k] == pytest.approx(np.full(48, 2.0))
    far = abs(arc - arc[k]) >= 2.0
    assert np.array_equal(now[far], was[far])
    half = row_of(vessel, arc[k] + 1.0)
    share = 1 - (arc[half] - arc[k]) / 2.0
    assert now[half] == pytest.approx(was[half] + share * (2.0 - was[k]), abs=1e-9)


def test_between_two_drawn_sections_the_change_runs_straight(plain, replay):
    _, vessel = plain
    rows = [
        {"do": "redraw", "border": "wall", "at": {"arc_mm": at}, "radii_mm": [radius] * 48, "reach_mm": 3.0}
        for at, radius in ((28.0, 2.0), (32.0, 2.6))
    ]
    was = vessel.borders.contours.wall_radius_mm
    now = replay(*rows).vessels[0].borders.contours.wall_radius_mm
    arc = vessel.line.arc_mm
    a, b, m = row_of(vessel, 28.0), row_of(vessel, 32.0), row_of(vessel, 29.0)
    share = (arc[m] - arc[a]) / (arc[b] - arc[a])
    assert now[a] == pytest.approx(np.full(48, 2.0))
    assert now[b] == pytest.approx(np.full(48, 2.6))
    assert now[m] == pytest.approx(was[m] + (1 - share) * (2.0 - was[a]) + share * (2.6 - was[b]), abs=1e-9)


def test_the_wall_keeps_clear_of_a_wider_lumen_and_stays_for_a_narrower_one(plain, replay):
    _, vessel = plain
    k, wall = row_of(vessel, AT), vessel.borders.wall_mm
    was = vessel.borders.contours
    row = {"do": "redraw", "border": "lumen", "at": {"arc_mm": AT}}
    wide = replay({**row, "radii_mm": [2.4] * 48}).vessels[0].borders.contours
    assert wide.wall_radius_mm[k] == pytest.approx(np.full(48, 2.4 + wall))
    narrow = replay({**row, "radii_mm": [0.5] * 48}).vessels[0].borders.contours
    assert np.array_equal(narrow.wall_radius_mm[k], was.wall_radius_mm[k])


def test_a_drawn_wall_changes_the_plaque_by_the_volume_drawn(plain, replay):
    _, vessel = plain
    before = measure_lesions(vessel)[0].plaque.volume_mm3.value
    row = {"do": "redraw", "border": "wall", "at": {"arc_mm": INSIDE}, "radii_mm": [2.8] * 48, "reach_mm": 0}
    new = replay(row).vessels[0]
    after = measure_lesions(new)[0].plaque.volume_mm3.value
    k = row_of(vessel, INSIDE)
    step = vessel.line.length_mm / (len(vessel.line.points_mm) - 1)
    added = (polygon_area(2.8, 48) - vessel.borders.contours.wall_area_mm2[k]) * step
    assert after - before == pytest.approx(added, rel=0.05)
    assert new.borders.contours.wall_seen[k].all()


def test_the_reference_is_that_of_the_drawn_lumen(plain, replay):
    _, vessel = plain
    start = vessel.gaps[0].start_mm
    rows = [
        {"do": "redraw", "border": "lumen", "at": {"position_mm": at}, "radii_mm": [1.0] * 48}
        for at in np.arange(-12.0, -0.2, 0.5)
    ]
    lesion = measure_lesions(replay(*rows).vessels[0])[0]
    assert start > 9.0
    truth = 2 * np.sqrt(polygon_area(1.0, 48) / np.pi)
    assert lesion.reference.proximal_diameter_mm == pytest.approx(truth, abs=0.02)


def test_the_later_contour_of_a_section_holds(plain, replay):
    _, vessel = plain
    row = {"do": "redraw", "border": "lumen", "at": {"arc_mm": AT}}
    new = replay({**row, "radii_mm": [2.0] * 48}, {**row, "radii_mm": [1.2] * 16}).vessels[0]
    area = new.borders.contours.lumen_area_mm2[row_of(vessel, AT)]
    assert area == pytest.approx(polygon_area(1.2, 16), rel=0.002)


def test_a_drawn_contour_survives_a_change_of_the_axis(plain, replay):
    _, vessel = plain
    points = ellipse(vessel, AT, 1.2, 1.2, count=360)
    redraw = {"do": "redraw", "border": "lumen", "polygon_mm": points}
    move = {"do": "move_point", "at": {"arc_mm": AT}, "to_mm": (vessel.line.at(AT)[0] + [0, 0, 0.4]).tolist()}
    new = replay(redraw, move).vessels[0]
    k = row_of(new, new.line.nearest(vessel.line.at(AT)[0])[0])
    assert new.borders.contours.lumen_area_mm2[k] == pytest.approx(np.pi * 1.2**2, rel=0.02)
    assert not np.allclose(new.borders.contours.lumen_radius_mm[k], 1.2, atol=0.2)


def test_a_lumen_that_an_occlusion_swallows_is_named_and_left_out(plain, replay):
    done = replay(
        {"do": "redraw", "border": "lumen", "at": {"position_mm": -2.0}, "radii_mm": [1.2] * 48},
        {"do": "set_cap", "cap": "proximal", "at": {"position_mm": -5.0}},
    )
    assert done.records[1].notes == ("the lumen drawn by edits[0] lies inside an occlusion and is not used",)


def bad_contours(vessel):
    circle = np.array(ellipse(vessel, AT, 1.3, 1.3, count=24))
    k = row_of(vessel, AT)
    eight = circle.copy()
    eight[[4, 9]] = eight[[9, 4]]
    tangent = np.cross(vessel.sections.normals[k], vessel.sections.binormals[k])
    return {
        "crosses itself": (eight, "crosses itself or folds back"),
        "beside the axis": (circle + 2.0 * vessel.sections.normals[k], "does not surround the axis"),
        "tilted": (circle + np.linspace(-1.5, 1.5, 24)[:, None] * tangent, "leaves the plane"),
        "no area": (np.repeat(circle[:1], 24, axis=0), "no area"),
        "too wide": (np.array(ellipse(vessel, AT, 5.5, 5.5)), "5.50 mm from the axis"),
    }


@pytest.mark.parametrize("kind", ["crosses itself", "beside the axis", "tilted", "no area", "too wide"])
def test_contours_that_cannot_be_are_refused(plain, replay, kind):
    _, vessel = plain
    points, words = bad_contours(vessel)[kind]
    row = {"do": "redraw", "border": "lumen", "at": {"arc_mm": AT}, "polygon_mm": points.tolist()}
    with pytest.raises(EditError) as caught:
        replay({"do": "rename_vessel", "name": "LAD"}, row)
    assert caught.value.message.startswith("edits[1] (redraw): ")
    assert words in caught.value.message
    assert caught.value.hint


def test_lumen_and_wall_must_fit_each_other_and_the_occlusion(replay):
    row = {"do": "redraw", "radii_mm": [0.6] * 48}
    with pytest.raises(EditError, match=r"edits\[0\] .* inside the lumen on 48 of 48 rays"):
        replay({**row, "border": "wall", "at": {"arc_mm": AT}})
    with pytest.raises(EditError, match="lies inside an occlusion, which has no lumen"):
        replay({**row, "border": "lumen", "at": {"arc_mm": INSIDE}})
    with pytest.raises(EditError, match="counts from a proximal cap, and there is no occlusion"):
        replay({**row, "border": "lumen", "at": {"position_mm": 1}}, scene=Scene(gaps_mm=()))


def test_radii_of_a_polygon_around_a_shifted_axis(plain):
    _, vessel = plain
    k = row_of(vessel, AT)
    contours = vessel.borders.contours
    points = np.array(ellipse(vessel, AT, 1.5, 1.5, count=1440)) + 0.5 * vessel.sections.normals[k]
    radius = polar_radii(contours, k, points)
    # a circle of 1.5 mm whose centre lies 0.5 mm along the first ray
    angle = contours.angles_rad
    truth = 0.5 * np.cos(angle) + np.sqrt(1.5**2 - (0.5 * np.sin(angle)) ** 2)
    assert radius == pytest.approx(truth, abs=1e-4)


def test_lesions_are_paired_by_their_caps():
    def lesion(a, b):
        return {"proximal_cap_mm": [a, 0, 0], "distal_cap_mm": [b, 0, 0]}

    before = [lesion(10, 30), lesion(60, 70)]
    after = [lesion(10, 16), lesion(20, 30), lesion(61, 70)]
    assert lesion_pairs(before, after) == {1: 0, 2: 1}
